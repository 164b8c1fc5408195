//! What is written beside the facts, without a journal entry: counts of use, the set-up link, and
//! the removal of what has served its time.

use domain::time::Timestamp;
use domain::usage::{self, By, Count, OTHER, TOLD_APART, Usage};
use rusqlite::{Connection, Result, params};
use token::TokenId;

use crate::contract::{Purged, USAGE_DAYS};

pub(super) enum Beside {
    Usage(Vec<Usage>),
    SetupLink { hash: [u8; 32], until: Timestamp },
    Purge { now: Timestamp },
}

impl Beside {
    pub(super) fn grows(&self) -> bool {
        !matches!(self, Self::Purge { .. })
    }
}

/// Within a transaction of the caller's.
pub(super) fn carry_out(db: &Connection, what: &Beside) -> Result<Purged> {
    match what {
        Beside::Usage(all) => all.iter().try_for_each(|usage| add(db, usage))?,
        Beside::SetupLink { hash, until } => {
            db.execute("DELETE FROM setup_link", [])?;
            let sql = "INSERT INTO setup_link (hash, until) VALUES (?1, ?2)";
            db.execute(sql, params![hash, until.as_micros()])?;
        }
        Beside::Purge { now } => return purge(db, *now),
    }
    Ok(Purged::default())
}

fn add(db: &Connection, usage: &Usage) -> Result<()> {
    let id = usage.token.to_string();
    let known = "SELECT 1 FROM token WHERE code = ?1 AND id = ?2";
    if !db.prepare_cached(known)?.exists([usage.token.code.to_string(), id.clone()])? {
        return Ok(());
    }
    if let Some((at, address)) = &usage.last {
        let sql = "
            INSERT INTO token_use (token, at, address)
            VALUES (?1, ?2, ?3)
            ON CONFLICT (token) DO UPDATE
            SET at = excluded.at, address = excluded.address
            WHERE excluded.at >= token_use.at";
        db.prepare_cached(sql)?.execute(params![id, at.as_micros(), address])?;
    }
    usage.counts.iter().try_for_each(|count| add_count(db, usage.token, count))
}

fn add_count(db: &Connection, token: TokenId, count: &Count) -> Result<()> {
    let token = token.to_string();
    // A counter that ran for 292,000 years at a million uses a second would not fit.
    let (admitted, refused) = (count.admitted as i64, count.refused as i64);
    let (source, name) = match &count.by {
        By::All => {
            let sql = "
                INSERT INTO usage_day (token, day, admitted, refused)
                VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (token, day) DO UPDATE
                SET admitted = admitted + excluded.admitted, refused = refused + excluded.refused";
            db.prepare_cached(sql)?.execute(params![token, count.day, admitted, refused])?;
            return Ok(());
        }
        By::Address(name) => ("address", name),
        By::Service(name) => ("service", name),
    };
    let name = if has_place(db, &token, count.day, source, name)? { name } else { OTHER };
    let sql = "
        INSERT INTO usage_source (token, day, source, name, admitted, refused)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (token, day, source, name) DO UPDATE
        SET admitted = admitted + excluded.admitted, refused = refused + excluded.refused";
    db.prepare_cached(sql)?.execute(params![token, count.day, source, name, admitted, refused])?;
    Ok(())
}

/// Whether the name is told apart already, or there is room to. So that whoever sends requests
/// from a million addresses fills no disk.
fn has_place(db: &Connection, token: &str, day: i32, source: &str, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM usage_source WHERE token = ?1 AND day = ?2 AND source = ?3 AND name = ?4";
    if db.prepare_cached(sql)?.exists(params![token, day, source, name])? {
        return Ok(true);
    }
    let sql = "
        SELECT count(*)
        FROM usage_source
        WHERE token = ?1 AND day = ?2 AND source = ?3 AND name <> ?4";
    let told: i64 =
        db.prepare_cached(sql)?.query_row(params![token, day, source, OTHER], |row| row.get(0))?;
    Ok(told < TOLD_APART as i64)
}

fn purge(db: &Connection, now: Timestamp) -> Result<Purged> {
    let answers = db.execute("DELETE FROM remembered WHERE until <= ?1", [now.as_micros()])?;
    let setup_links = db.execute("DELETE FROM setup_link WHERE until <= ?1", [now.as_micros()])?;
    let first = usage::day(now) - USAGE_DAYS;
    let usage_days = db.execute("DELETE FROM usage_day WHERE day < ?1", [first])?;
    db.execute("DELETE FROM usage_source WHERE day < ?1", [first])?;
    Ok(Purged { answers, setup_links, usage_days })
}
