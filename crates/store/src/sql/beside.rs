//! What is written beside the facts, without a journal entry: counts of use, the set-up link,
//! hand-offs, the removal of what has served its time, and the erasure that an entry has told of.

use domain::facts::Link;
use domain::ids::{AccountId, HolderId};
use domain::mail::KEPT;
use domain::time::Timestamp;
use domain::usage::{self, By, Count, OTHER, TOLD_APART, Usage};
use domain::webhooks;
use token::TokenId;

use super::links;
use super::query::{Query, values};
use super::reads::{OF_HOLDER, TELLS};
use crate::contract::{Purged, USAGE_DAYS};

pub(crate) enum Beside {
    Usage(Vec<Usage>),
    SetupLink {
        hash: [u8; 32],
        until: Timestamp,
    },
    /// A hand-off: nothing about authority, because whoever opens it is looked at anew.
    Link(Link),
    Purge {
        now: Timestamp,
    },
    /// Erases the payloads of these entries, and of how a member's tokens were used the addresses.
    Erase {
        of: Option<(AccountId, HolderId)>,
        after: i64,
        through: i64,
    },
}

impl Beside {
    pub(crate) fn grows(&self) -> bool {
        !matches!(self, Self::Purge { .. } | Self::Erase { .. })
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
            Self::Link(link) => vec![links::insert(link)],
            Self::Erase { of: None, after, through } => {
                let sql = format!("{ERASE} seq > ?1 AND seq <= ?2 AND payload IS NOT NULL AND NOT ({TELLS})");
                vec![Query::new(sql, values![*after, *through])]
            }
            Self::Erase { of: Some((account, holder)), after, through } => {
                erase(account, *holder, *after, *through)
            }
            Self::Purge { now } => {
                let first = i64::from(usage::day(*now) - USAGE_DAYS);
                vec![
                    Query::new("DELETE FROM remembered WHERE until <= ?1", values![*now]),
                    Query::new("DELETE FROM setup_link WHERE until <= ?1", values![*now]),
                    Query::new("DELETE FROM usage_day WHERE day < ?1", values![first]),
                    Query::new("DELETE FROM usage_source WHERE day < ?1", values![first]),
                    Query::new("DELETE FROM link WHERE until <= ?1", values![*now]),
                    // Only what the journal's time has left behind too: that never goes back, so that a
                    // clock which ran ahead for a while makes nobody be told again.
                    Query::new(
                        "DELETE FROM letter WHERE ended_at <= ?1 AND ended_at <= (SELECT at FROM head) - ?2",
                        values![now.plus_micros(-KEPT), KEPT],
                    ),
                    Query::new(
                        "DELETE FROM notice WHERE ends_at <= ?1 AND ends_at <= (SELECT at FROM head) - ?2",
                        values![now.plus_micros(-KEPT), KEPT],
                    ),
                    Query::new(
                        "DELETE FROM delivery WHERE ended_at <= ?1",
                        values![now.plus_micros(-webhooks::KEPT)],
                    ),
                ]
            }
        }
    }

    /// What was removed, by how many rows each statement changed.
    pub(crate) fn purged(&self, changed: &[usize]) -> Purged {
        match (self, changed) {
            (Self::Purge { .. }, &[answers, setup_links, usage_days, ..]) => {
                Purged { answers, setup_links, usage_days, payloads: 0 }
            }
            (Self::Erase { .. }, &[payloads, ..]) => Purged { payloads, ..Purged::default() },
            _ => Purged::default(),
        }
    }
}

/// What is left of an entry is what its hash and the chain are checked by.
const ERASE: &str = "
    UPDATE journal
    SET payload = NULL, salt = NULL
    WHERE";

/// What was said of a member and of their tokens and logins, from where those were used, and what was
/// mailed to them.
fn erase(account: &AccountId, holder: HolderId, after: i64, through: i64) -> Vec<Query<'static>> {
    let theirs = |account: usize, holder: usize| {
        format!("SELECT id FROM token WHERE account = ?{account} AND holder = ?{holder}")
    };
    let (account, holder) = (account.to_string(), holder.to_string());
    let entries = format!("{ERASE} {OF_HOLDER}");
    let of_theirs = || values![account.clone(), holder.clone()];
    vec![
        Query::new(entries, values![after, through, account.clone(), holder.clone()]),
        Query::new(
            format!("UPDATE token_use SET address = NULL WHERE token IN ({})", theirs(1, 2)),
            of_theirs(),
        ),
        Query::new(
            format!("DELETE FROM usage_source WHERE source = 'address' AND token IN ({})", theirs(1, 2)),
            of_theirs(),
        ),
        Query::new("DELETE FROM notice WHERE account = ?1 AND member = ?2", of_theirs()),
        Query::new("DELETE FROM matter WHERE account = ?1 AND member = ?2", of_theirs()),
        Query::new("DELETE FROM letter WHERE account = ?1 AND member = ?2", of_theirs()),
    ]
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
