//! `jeton journal follow`: server-sent events (WHATWG HTML, section 9.2), read line by line. Where the
//! stream ends, as at a restart of the server, it goes on after the last entry that was shown.

use std::io::BufRead;
use std::time::Duration;

use api::Page;
use api::journal::Entry;
use clap::Args;

use super::super::{Desk, ServerArgs, output};
use super::{Filters, ListArgs, row, unexpected};
use crate::exit::{Exit, Failure};

/// Entries from before that are shown first.
const BEFORE: u32 = 10;

/// As long as the server asks its followers to wait.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a server that cannot be reached is asked again, a second apart.
const TRIES: u32 = 60;

/// Shows entries as they come, after the last ten, until it is interrupted.
///
/// It goes on by itself when the server was restarted, and ends when what it reads with may not read
/// any more.
#[derive(Debug, Args)]
#[command(before_help = "\
Examples:
  jeton journal follow
  jeton journal follow --action token.leaked --json
  jeton journal follow --everywhere --after 1200")]
pub(super) struct FollowArgs {
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    server: ServerArgs,
}

/// `jeton journal --follow`
pub(super) fn instead_of_a_list(args: ListArgs) -> Result<(), Failure> {
    if args.oldest_first || args.page.all || args.page.limit.is_some() || args.page.cursor.is_some() {
        return Err(Failure::usage("--follow takes filters, and nothing of a list"));
    }
    follow(FollowArgs { filters: args.filters, server: args.server })
}

pub(super) fn follow(args: FollowArgs) -> Result<(), Failure> {
    let mut desk = Desk::open(&args.server)?;
    let filters = &args.filters;
    let show = |entry: &Entry, text: &str| match args.server.json() {
        true => output::data(text),
        false => output::data(&line(entry, filters.everywhere)),
    };
    let mut last = filters.after.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
    if last.is_none() {
        let request = filters.request(&mut desk, &args.server)?.query("limit", Some(BEFORE));
        let page: Page<serde_json::Value> = desk.send(&request)?.read()?;
        for value in page.items.into_iter().rev() {
            let text = value.to_string();
            let entry: Entry = serde_json::from_value(value).map_err(unexpected)?;
            show(&entry, &text)?;
            last = Some(entry.seq);
        }
    }
    let mut left = TRIES;
    loop {
        let mut request = filters.request(&mut desk, &args.server)?.query("follow", Some(true));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        match desk.stream(&request) {
            Ok(stream) => {
                left = TRIES;
                events(stream, |id, text| {
                    let entry: Entry = serde_json::from_str(text).map_err(unexpected)?;
                    show(&entry, text)?;
                    last = Some(id);
                    Ok(())
                })?;
            }
            Err(away) if away.exit == Exit::Unreachable && left > 0 => left -= 1,
            Err(other) => return Err(other),
        }
        std::thread::sleep(PAUSE);
    }
}

/// Reads events to the end of the stream, whichever way it ends.
fn events(
    stream: impl BufRead,
    mut each: impl FnMut(i64, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut id = None;
    for line in stream.lines() {
        // Broken off is ended too: the next stream goes on from what was shown.
        let Ok(line) = line else { return Ok(()) };
        match line.split_once(':') {
            Some(("id", value)) => id = value.trim_start().parse().ok(),
            Some(("data", text)) => {
                let id =
                    id.take().ok_or_else(|| Failure::failed("the server sent an event without a number"))?;
                each(id, text.trim_start())?;
            }
            // Comments, which keep the connection, and what a newer server may say.
            _ => {}
        }
    }
    Ok(())
}

/// One line for one entry: there is no table of what has not come yet.
fn line(entry: &Entry, everywhere: bool) -> String {
    let [_, at, action, subject, actor, account] = row(entry).map(|cell| crate::telemetry::one_line(&cell));
    let place = if everywhere && !account.is_empty() { format!("  [{account}]") } else { String::new() };
    format!("{at}  {action:<24} {subject}  by {actor}{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_one_by_one_and_comments_are_passed_over() {
        let stream =
            ": after 4\nretry: 1000\n\nid: 5\ndata: {\"a\":\"b: c\"}\n\n:\n\nid: 7\ndata: {}\n\nid: 8\nda";
        let mut seen = Vec::new();
        let read = events(stream.as_bytes(), |id, text| {
            seen.push((id, text.to_owned()));
            Ok(())
        });
        assert!(read.is_ok());
        assert_eq!(seen, [(5, "{\"a\":\"b: c\"}".to_owned()), (7, "{}".to_owned())]);
    }
}
