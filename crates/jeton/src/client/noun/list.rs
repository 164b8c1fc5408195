//! A list of things, page after page as far as is asked for, as a table or as one JSON document.

use api::Page;
use clap::Args;
use serde::de::DeserializeOwned;

use super::{Noun, as_json};
use crate::client::http::Request;
use crate::client::{Desk, output};
use crate::exit::Failure;

/// How much of a list.
#[derive(Debug, Args)]
pub struct PageArgs {
    /// How many at most [default: 50].
    #[arg(long, value_name = "NUMBER", conflicts_with = "all", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Go on from where an earlier list ended.
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
    /// All of them.
    #[arg(long)]
    pub all: bool,
}

/// As many as one answer of the server holds at most, and as it holds when nothing is said.
const LONGEST_PAGE: u32 = 100;
const PAGE: u32 = 50;

/// Prints a list, page after page of it as far as is asked for.
///
/// # Errors
/// What the server refuses, or an answer that is no list of these things.
pub fn list<T: Noun>(desk: &mut Desk, first: &Request, page: &PageArgs, json: bool) -> Result<(), Failure> {
    listed(desk, first, page, json, T::MANY, |things: &[T]| {
        print_table(T::HEAD, T::DISPENSABLE, |time| things.iter().map(|thing| thing.row(time)).collect())
    })
}

/// The same of what is no noun: `many` are what they are called, and `show` prints them.
///
/// # Errors
/// As [`list`].
pub fn listed<T: DeserializeOwned>(
    desk: &mut Desk,
    first: &Request,
    page: &PageArgs,
    json: bool,
    many: &str,
    show: impl FnOnce(&[T]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // As values, so that what a newer server adds to a thing is not lost.
    let whole: Page<serde_json::Value> = gathered(desk, first, page)?;
    if json {
        return output::data(&as_json(&whole));
    }
    let things: Vec<T> =
        whole.items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|cause| {
            Failure::failed(format!("the server's list is not what this version expects: {cause}"))
        })?;
    show(&things)?;
    if things.is_empty() {
        output::say(&format!("no {many}"));
    }
    if let Some(cursor) = whole.next_cursor {
        output::say(&format!("there are more: --cursor {cursor}, or --all"));
    }
    Ok(())
}

/// The items of as many pages as are asked for, and the cursor that leads on.
///
/// # Errors
/// What the server refuses, or an answer that is no list.
pub fn gathered<T: DeserializeOwned>(
    desk: &mut Desk,
    first: &Request,
    page: &PageArgs,
) -> Result<Page<T>, Failure> {
    let mut wanted = if page.all { u32::MAX } else { page.limit.unwrap_or(PAGE) };
    let mut whole = Page { items: Vec::new(), next_cursor: page.cursor.clone() };
    loop {
        let limit = wanted.min(LONGEST_PAGE);
        // What the server gives by itself needs no asking.
        let asked = (limit != PAGE || page.limit.is_some()).then_some(limit);
        let request = first.clone().query("limit", asked).query("cursor", whole.next_cursor.take());
        let next: Page<T> = desk.send(&request)?.read()?;
        // A page of what is filtered may be short, and the next one have more.
        wanted = wanted.saturating_sub(u32::try_from(next.items.len()).unwrap_or(limit));
        whole.items.extend(next.items);
        whole.next_cursor = next.next_cursor;
        if wanted == 0 || whole.next_cursor.is_none() {
            return Ok(whole);
        }
    }
}

/// A line a thing. A terminal that has no room for it gets days without hours, then fewer columns;
/// `rows` gives the cells, with the given way to write a time.
///
/// # Errors
/// When it cannot be written.
pub fn print_table(
    head: &[&str],
    dispensable: &[&str],
    rows: impl Fn(fn(&str) -> String) -> Vec<Vec<String>>,
) -> Result<(), Failure> {
    let wide = output::table(head, rows(output::time));
    let room = match output::room() {
        Some(room) if !output::fits(&wide, Some(room)) => room,
        _ => return output::data(&wide),
    };
    let (table, left_out) = output::narrowed(head, &rows(output::day), dispensable, room);
    output::data(&table)?;
    if !left_out.is_empty() {
        output::say(&format!("no room for {}; --json has everything", left_out.join(", ")));
    }
    Ok(())
}
