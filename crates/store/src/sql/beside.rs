//! What is written beside the facts, without a journal entry: counts of use, the set-up link, and
//! the removal of what has served its time.

use domain::time::Timestamp;
use domain::usage::{self, By, Count, OTHER, TOLD_APART, Usage};
use token::TokenId;

use super::query::{Query, values};
use crate::contract::{Purged, USAGE_DAYS};

pub(crate) enum Beside {
    Usage(Vec<Usage>),
    SetupLink { hash: [u8; 32], until: Timestamp },
    Purge { now: Timestamp },
}

impl Beside {
    pub(crate) fn grows(&self) -> bool {
        !matches!(self, Self::Purge { .. })
    }

    /// What carries it out, in this order, within one transaction.
    pub(crate) fn statements(&self) -> Vec<Query<'_>> {
        match self {
            Self::Usage(all) => {
                // In one order everywhere, so that peers that write at once wait for each other
                // and not in a circle.
                let mut all: Vec<&Usage> = all.iter().collect();
                all.sort_by_key(|usage| usage.token.code.as_u64());
                all.into_iter().flat_map(uses).collect()
            }
            Self::SetupLink { hash, until } => vec![
                Query::new("DELETE FROM setup_link", []),
                Query::new("INSERT INTO setup_link (hash, until) VALUES (?1, ?2)", values![hash, *until]),
            ],
            Self::Purge { now } => {
                let first = i64::from(usage::day(*now) - USAGE_DAYS);
                vec![
                    Query::new("DELETE FROM remembered WHERE until <= ?1", values![*now]),
                    Query::new("DELETE FROM setup_link WHERE until <= ?1", values![*now]),
                    Query::new("DELETE FROM usage_day WHERE day < ?1", values![first]),
                    Query::new("DELETE FROM usage_source WHERE day < ?1", values![first]),
                ]
            }
        }
    }

    /// What was removed, by how many rows each statement changed.
    pub(crate) fn purged(&self, changed: &[usize]) -> Purged {
        match (self, changed) {
            (Self::Purge { .. }, &[answers, setup_links, usage_days, ..]) => {
                Purged { answers, setup_links, usage_days }
            }
            _ => Purged::default(),
        }
    }
}

/// Adds up what is told of one token, if there is such a token.
fn uses(usage: &Usage) -> Vec<Query<'_>> {
    let mut all = Vec::with_capacity(1 + usage.counts.len());
    if let Some((at, address)) = &usage.last {
        let sql = "
            INSERT INTO token_use (token, at, address)
            SELECT id, ?3, ?4
            FROM token
            WHERE code = ?1 AND id = ?2
            ON CONFLICT (token) DO UPDATE
            SET at = excluded.at, address = excluded.address
            WHERE excluded.at >= token_use.at";
        let (code, id) = (usage.token.code.to_string(), usage.token.to_string());
        all.push(Query::new(sql, values![code, id, *at, address]));
    }
    all.extend(usage.counts.iter().map(|count| counted(usage.token, count)));
    all
}

/// A name is told apart if it is already, or where there is room to: whoever sends requests from a
/// million addresses fills no disk.
fn counted(token: TokenId, count: &Count) -> Query<'_> {
    let (code, id) = (token.code.to_string(), token.to_string());
    // A counter that ran for 292,000 years at a million uses a second would not fit.
    let (day, admitted, refused) = (i64::from(count.day), count.admitted as i64, count.refused as i64);
    let (source, name) = match &count.by {
        By::All => {
            let sql = "
                INSERT INTO usage_day (token, day, admitted, refused)
                SELECT id, ?3, ?4, ?5
                FROM token
                WHERE code = ?1 AND id = ?2
                ON CONFLICT (token, day) DO UPDATE
                SET admitted = usage_day.admitted + excluded.admitted,
                    refused = usage_day.refused + excluded.refused";
            return Query::new(sql, values![code, id, day, admitted, refused]);
        }
        By::Address(name) => ("address", name),
        By::Service(name) => ("service", name),
    };
    let sql = "
        INSERT INTO usage_source (token, day, source, name, admitted, refused)
        SELECT id, ?3, ?4,
               CASE
                   WHEN EXISTS (
                       SELECT 1
                       FROM usage_source
                       WHERE token = ?2 AND day = ?3 AND source = ?4 AND name = ?5
                   ) THEN ?5
                   WHEN (
                       SELECT count(*)
                       FROM usage_source
                       WHERE token = ?2 AND day = ?3 AND source = ?4 AND name <> ?8
                   ) < ?9 THEN ?5
                   ELSE ?8
               END,
               ?6, ?7
        FROM token
        WHERE code = ?1 AND id = ?2
        ON CONFLICT (token, day, source, name) DO UPDATE
        SET admitted = usage_source.admitted + excluded.admitted,
            refused = usage_source.refused + excluded.refused";
    Query::new(sql, values![code, id, day, source, name, admitted, refused, OTHER, TOLD_APART as i64])
}
