//! Entries of the journal as people look for them: of an account or of the whole server, by what
//! happened, by whom and to what, from a place on.

use super::Dialect;
use super::query::{Query, Read, values};
use super::reads::bound;
use super::rows::{self, ENTRY};
use crate::entries::EntryQuery;
use crate::journal::JournalRow;

/// Entries that are looked at for a page, at most, where filters pass most of them over. A page can
/// then be short, or empty, and the next goes on from where this one stopped looking.
pub(crate) const WINDOW: usize = 10_000;

/// Entries that were found, and where the looking ended if it did not come to the end.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) entries: Vec<JournalRow>,
    pub(crate) edge: Option<i64>,
}

/// Reads one entry more than asked for, by which the caller knows that there are more.
pub(crate) fn entries(asked: &EntryQuery, dialect: Dialect) -> Read<Found> {
    let mut query = Query::default();
    let (mut only, by) = range(&mut query, asked, dialect);
    let mut queries = Vec::new();
    if asked.is_sparse() {
        let mut edge = Query::default();
        range(&mut edge, asked, dialect);
        let last = last_looked_at(&only, &by, asked);
        edge.text = last.clone().into();
        queries.push(edge);
        let (beyond, else_all) = if asked.descending { (">=", 0) } else { ("<=", i64::MAX) };
        only.push_str(&format!(" AND j.seq {beyond} COALESCE(({last}), {else_all})"));
        filter(&mut query, asked, &mut only);
    }
    let limit = query.bind(bound(asked.limit.saturating_add(1)));
    let direction = direction(asked);
    query.text = format!(
        "SELECT {ENTRY}
         FROM journal AS j {by}
         WHERE {only}
         ORDER BY j.seq {direction}
         LIMIT ?{limit}"
    )
    .into();
    queries.push(query);
    let row = match queries.len() {
        1 => |found: &mut Found, _: usize, row: &dyn super::query::Row| {
            found.entries.push(rows::entry(row)?);
            Ok(())
        },
        _ => |found: &mut Found, query: usize, row: &dyn super::query::Row| {
            match query {
                0 => found.edge = Some(rows::int(row, 0)?),
                _ => found.entries.push(rows::entry(row)?),
            }
            Ok(())
        },
    };
    Read { queries, state: Found::default(), row }
}

fn direction(asked: &EntryQuery) -> &'static str {
    if asked.descending { "DESC" } else { "ASC" }
}

/// The part of the journal that an index finds at once, and that index.
fn range(query: &mut Query<'static>, asked: &EntryQuery, dialect: Dialect) -> (String, String) {
    let (above, below) = (query.bind(asked.above), query.bind(asked.below));
    let range = format!("j.seq > ?{above} AND j.seq < ?{below}");
    match &asked.account {
        None => (range, String::new()),
        Some(account) => {
            let account = query.bind(account.to_string());
            (format!("j.account = ?{account} AND {range}"), dialect.by("journal_account"))
        }
    }
}

/// The last entry of a window, if the range holds more.
fn last_looked_at(range: &str, by: &str, asked: &EntryQuery) -> String {
    format!(
        "SELECT j.seq
         FROM journal AS j {by}
         WHERE {range}
         ORDER BY j.seq {direction}
         LIMIT 1 OFFSET {offset}",
        direction = direction(asked),
        offset = WINDOW - 1
    )
}

fn filter(query: &mut Query<'static>, asked: &EntryQuery, only: &mut String) {
    if let Some(action) = &asked.action {
        let action_is = match action.contains('.') {
            true => format!(" AND j.action = ?{}", query.bind(action.clone())),
            // No other action begins with the same word and a point.
            false => {
                let first = query.bind(format!("{action}."));
                format!(" AND substr(j.action, 1, length(?{first})) = ?{first}")
            }
        };
        only.push_str(&action_is);
    }
    if let Some(actor) = &asked.actor {
        // One of the words of `mem_… via pat_…`.
        let word = query.bind(format!(" {actor} "));
        only.push_str(&format!(" AND replace(' ' || j.actor || ' ', ?{word}, '') <> ' ' || j.actor || ' '"));
    }
    if let Some(subject) = &asked.subject {
        only.push_str(&format!(" AND j.subject = ?{}", query.bind(subject.clone())));
    }
    if let Some(since) = asked.since {
        only.push_str(&format!(" AND j.at >= ?{}", query.bind(since)));
    }
    if let Some(until) = asked.until {
        only.push_str(&format!(" AND j.at < ?{}", query.bind(until)));
    }
}

/// The time of an entry; none where there is no such entry.
pub(crate) fn at(seq: i64) -> Read<Option<i64>> {
    Read::first(Query::new("SELECT at FROM journal WHERE seq = ?1", values![seq]), |at, _, row| {
        *at = Some(rows::int(row, 0)?);
        Ok(())
    })
}
