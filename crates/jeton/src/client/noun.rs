//! What the nouns of the command line share: how a thing of the API is listed, shown and changed.
//!
//! A noun says what its things are called and look like ([`Noun`]); the verbs that all have stand
//! in [`verbs`]. Nothing here knows a noun by name.

pub mod verbs;

use std::fmt;

use api::{Maybe, Metadata, Page, Secret};
use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::http::{Answer, Request, path};
use super::{Desk, ServerArgs, WholeServerArgs, output};
use crate::exit::Failure;

/// A thing of the API as commands show it.
pub trait Noun: DeserializeOwned {
    /// One, as in "no member".
    const ONE: &'static str;
    /// Several, as in "no members".
    const MANY: &'static str;
    /// How an argument that names one is described, and called.
    const ID: &'static str;
    const VALUE: &'static str = "ID";
    /// The part of the route under which they are.
    const ROUTE: &'static str;
    /// The columns of a list.
    const HEAD: &'static [&'static str];
    /// Those that go first where the terminal is too narrow.
    const DISPENSABLE: &'static [&'static str];
    /// Where they are: in an account, or on the server as a whole.
    type Place: Place;

    /// The cells of a line; `time` writes a time, as long as there is room for.
    fn row(&self, time: fn(&str) -> String) -> Vec<String>;

    /// All of it, for whoever asks for this one.
    fn facts(&self) -> Facts;

    /// As a sentence names it.
    fn called(&self) -> String;

    /// The same where its secret was just handed over.
    fn called_at_length(&self) -> String {
        self.called()
    }
}

/// What a command takes to find the things of a noun.
pub trait Place: Args + fmt::Debug {
    /// # Errors
    /// As [`Desk::open`] says.
    fn open(&self) -> Result<Desk, Failure>;

    fn json(&self) -> bool;

    /// The route of these parts below the place.
    ///
    /// # Errors
    /// When the account had to be asked for and that failed.
    fn route(desk: &mut Desk, parts: &[&str]) -> Result<String, Failure>;
}

impl Place for ServerArgs {
    fn open(&self) -> Result<Desk, Failure> {
        Desk::open(self)
    }

    fn json(&self) -> bool {
        self.json
    }

    fn route(desk: &mut Desk, parts: &[&str]) -> Result<String, Failure> {
        let account = desk.account()?;
        Ok(path(&[&["v1", "accounts", account.as_str()], parts].concat()))
    }
}

impl Place for WholeServerArgs {
    fn open(&self) -> Result<Desk, Failure> {
        Desk::of_server(self)
    }

    fn json(&self) -> bool {
        self.json
    }

    fn route(_: &mut Desk, parts: &[&str]) -> Result<String, Failure> {
        Ok(path(&[&["v1"], parts].concat()))
    }
}

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
    // As values, so that what a newer server adds to a thing is not lost.
    let whole: Page<serde_json::Value> = gathered(desk, first, page)?;
    if json {
        return output::data(&as_json(&whole));
    }
    let things: Vec<T> =
        whole.items.into_iter().map(serde_json::from_value).collect::<Result<_, _>>().map_err(|cause| {
            Failure::failed(format!("the server's list is not what this version expects: {cause}"))
        })?;
    print_table(&things)?;
    if things.is_empty() {
        output::say(&format!("no {}", T::MANY));
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
        wanted -= limit;
        whole.items.extend(next.items);
        whole.next_cursor = next.next_cursor;
        if wanted == 0 || whole.next_cursor.is_none() {
            return Ok(whole);
        }
    }
}

/// A line a thing. A terminal that has no room for it gets days without hours, then fewer columns.
fn print_table<T: Noun>(things: &[T]) -> Result<(), Failure> {
    let rows = |time| things.iter().map(|thing| thing.row(time)).collect::<Vec<_>>();
    let wide = output::table(T::HEAD, rows(output::time));
    let room = match output::room() {
        Some(room) if !output::fits(&wide, Some(room)) => room,
        _ => return output::data(&wide),
    };
    let (table, left_out) = output::narrowed(T::HEAD, &rows(output::day), T::DISPENSABLE, room);
    output::data(&table)?;
    if !left_out.is_empty() {
        output::say(&format!("no room for {}; --json has everything", left_out.join(", ")));
    }
    Ok(())
}

/// Prints one thing.
///
/// # Errors
/// When the answer is something else.
pub fn show<T: Noun>(answer: &Answer, json: bool) -> Result<(), Failure> {
    if json {
        return output::data(&answer.text);
    }
    answer.read::<T>()?.facts().print()
}

/// Prints what became of a thing: all of it as JSON, or one sentence beside the data.
///
/// # Errors
/// When it cannot be written.
pub fn report<T: Noun>(answer: &Answer, json: bool, verb: &str, id: &str) -> Result<(), Failure> {
    if json {
        return output::data(&answer.text);
    }
    // An answer without the thing in it is as good; the change is done.
    match answer.read::<T>() {
        Ok(thing) => output::say(&format!("{verb} {}", thing.called())),
        Err(_) => output::say(&format!("{verb} {id}")),
    }
    Ok(())
}

/// Prints an answer that carries a secret: all of it as JSON, or the secret alone on standard
/// output and what is worth knowing beside it.
///
/// # Errors
/// When there is none in it, or it cannot be written.
pub fn hand_over<T: Noun>(answer: &Answer, json: bool, verb: &str) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Issued<T> {
        #[serde(flatten)]
        thing: T,
        secret: Secret,
    }
    if json {
        return output::data(&answer.text);
    }
    let issued: Issued<T> = answer.read()?;
    output::data(issued.secret.expose())?;
    output::say(&format!("{verb} {}; the secret is shown only now", issued.thing.called_at_length()));
    Ok(())
}

/// Names and values of a thing, in the order in which they are shown.
#[derive(Default)]
pub struct Facts(Vec<(&'static str, String)>);

impl Facts {
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// What is not always there.
    #[must_use]
    pub fn with_any<V: Into<String>>(self, name: &'static str, value: Option<V>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A time, where there is one.
    #[must_use]
    pub fn at(self, name: &'static str, time: Option<&str>) -> Self {
        self.with_any(name, time.map(output::time))
    }

    #[must_use]
    pub fn metadata(self, metadata: &Metadata) -> Self {
        self.with_any("metadata", (!metadata.is_empty()).then(|| as_json(metadata)))
    }

    /// # Errors
    /// When they cannot be written.
    pub fn print(&self) -> Result<(), Failure> {
        output::data(&output::facts(&self.0))
    }
}

/// An id and a name as a sentence has them.
pub fn named(id: &str, name: &str) -> String {
    format!("{id} {name:?}")
}

pub fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the API's types have string keys and no failing parts")
}

/// The word that stands for one of the API's enumerations in JSON.
pub fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// A field of an edit: not named, named with nothing in it, or with something.
pub fn or_nothing(text: Option<String>) -> Maybe<String> {
    match text {
        None => Maybe::Absent,
        Some(text) if text.is_empty() => Maybe::Null,
        Some(text) => Maybe::Value(text),
    }
}

/// Reads the JSON object of `--metadata`.
pub fn metadata(text: &str) -> Result<Metadata, String> {
    serde_json::from_str(text).map_err(|cause| format!("not a JSON object: {cause}"))
}
