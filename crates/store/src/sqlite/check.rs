//! The journal, read and recomputed.

use std::path::Path;

use domain::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::read::{all, bound};
use super::writer::Head;
use super::{Sqlite, open, rows};
use crate::contract::{Broken, ChainError, OpenError, Unavailable};
use crate::journal::{self, GENESIS, JournalRow};

/// Entries at the journal's end that are recomputed at each start.
const AT_START: i64 = 256;

impl Sqlite {
    pub(crate) async fn journal(&self, after: i64, limit: usize) -> Result<Vec<JournalRow>, Unavailable> {
        self.readers
            .run(move |db| {
                let sql = "
                    SELECT seq, at, actor, account, action, subject, payload, salt, entry_hash, hash
                    FROM journal
                    WHERE seq > ?1
                    ORDER BY seq
                    LIMIT ?2";
                all(db, sql, &[&after, &bound(limit)], entry)
            })
            .await
    }

    pub(crate) async fn verify_journal(&self) -> Result<i64, ChainError> {
        let checked = self.readers.run(|db| {
            let read = db.transaction()?;
            let head = Head::read(&read)?;
            Ok(chain(&read, 0, GENESIS, &head)?)
        });
        Ok(checked.await??)
    }
}

/// Refuses a database whose journal does not end as it says.
pub(super) fn end(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let check = || -> rusqlite::Result<Result<i64, Broken>> {
        let head = Head::read(db)?;
        let from = (head.seq - AT_START).max(0);
        let prev = match from {
            0 => GENESIS,
            seq => db.query_row("SELECT hash FROM journal WHERE seq = ?1", [seq], |row| row.get(0))?,
        };
        chain(db, from, prev, &head)
    };
    match check().map_err(open::failed(path))? {
        Ok(_) => Ok(()),
        Err(broken) => Err(OpenError::Damaged { path: path.to_owned(), what: broken.to_string() }),
    }
}

/// Recomputes the chain after entry `from`, whose hash is `prev`, to the head.
fn chain(
    db: &Connection,
    from: i64,
    mut prev: [u8; 32],
    head: &Head,
) -> rusqlite::Result<Result<i64, Broken>> {
    let sql = "
        SELECT seq, at, actor, account, action, subject, payload, salt, entry_hash, hash
        FROM journal
        WHERE seq > ?1
        ORDER BY seq";
    let mut statement = db.prepare_cached(sql)?;
    let mut found = statement.query(params![from])?;
    let mut seq = from;
    while let Some(row) = found.next()? {
        seq += 1;
        let broken = |what| Ok(Err(Broken { seq, what }));
        if row.get::<_, i64>(0)? != seq {
            return broken("is missing");
        }
        let (entry_hash, hash): ([u8; 32], [u8; 32]) = (row.get(8)?, row.get(9)?);
        if hash_of(row)?.is_some_and(|computed| computed != entry_hash) {
            return broken("does not have the text that was written");
        }
        prev = journal::chain(&prev, seq, &entry_hash);
        if prev != hash {
            return broken("does not follow from the one before it");
        }
    }
    if seq < head.seq {
        return Ok(Err(Broken { seq: seq + 1, what: "is missing" }));
    }
    if seq > head.seq || prev != head.hash {
        return Ok(Err(Broken { seq, what: "is not the end that was written" }));
    }
    Ok(Ok(seq))
}

/// H of the row's text; none where the payload was erased.
fn hash_of(row: &Row<'_>) -> rusqlite::Result<Option<[u8; 32]>> {
    let (payload, salt): (Option<String>, Option<[u8; 16]>) = (row.get(6)?, row.get(7)?);
    let (Some(payload), Some(salt)) = (payload, salt) else { return Ok(None) };
    let at = Timestamp::from_micros(row.get(1)?);
    let (actor, account): (String, Option<String>) = (row.get(2)?, row.get(3)?);
    let (action, subject): (String, String) = (row.get(4)?, row.get(5)?);
    let text = journal::entry_text(at, &actor, account.as_deref(), &action, &subject, &payload, &salt);
    Ok(Some(journal::entry_hash(&text)))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<JournalRow> {
    let payload: Option<String> = row.get(6)?;
    let payload = payload.map(|text| serde_json::from_str(&text)).transpose();
    Ok(JournalRow {
        seq: row.get(0)?,
        at: rows::time(row, 1)?,
        actor: row.get(2)?,
        account: rows::text_or_none(row, 3)?,
        action: row.get(4)?,
        subject: row.get(5)?,
        payload: payload.map_err(|cause| rows::unreadable(6, cause))?,
        salt: row.get(7)?,
        entry_hash: row.get(8)?,
        hash: row.get(9)?,
    })
}
