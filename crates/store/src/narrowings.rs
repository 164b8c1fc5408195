//! `narrowings.log`: every shrinking of authority, outside the database, so that a restored
//! backup can be told what has been taken away since.
//!
//! One JSON object a line: `seq` and `hash` (the change's place in the journal), `at`, `table`,
//! `row`, the row as the change left it, by its columns, without names and other text that is no
//! authority, and `mac`: a restore makes rows what the log says, so it believes those lines alone that
//! were written with the key file at hand. Lines are first committed with the change and then written here, so a crash between
//! the two loses none: whoever opens the store next writes them. Tokens that were revoked together
//! stand in one line: `table` is [`MANY`], and `row` has their `revoked_at` and of each its account, its id
//! and its version.
//!
//! The hash says whether a backup contains the change: another history may have another one at the
//! same number. What a restore took over from the log it marks by a line of its own, whose `table`
//! is [`MARK`]; see `restore`, which reads all of this.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use domain::change::Write as Written;
use domain::facts::{Holder, Token};
use domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::checkpoints::unhex;
use crate::journal::{Head, hex, write_canonical};
use crate::keys::{Key, Keys};

pub(crate) const NAME: &str = "narrowings.log";

/// The `table` of a line that says: up to here, this log is in the history that has this entry.
pub(crate) const MARK: &str = "restored";

/// The `table` of a line about many tokens, which were revoked and stayed as they were otherwise.
pub(crate) const MANY: &str = "tokens";

/// A line of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) seq: i64,
    /// Of the journal's entry with that number, in hexadecimal digits.
    pub(crate) hash: String,
    pub(crate) at: Option<Timestamp>,
    pub(crate) table: String,
    pub(crate) row: Value,
    /// HMAC-SHA-256 of all before it, as JSON without spaces and with its keys in order, in hexadecimal digits.
    #[serde(default)]
    mac: String,
}

/// The key of the lines' codes.
pub(crate) fn key(keys: &Keys) -> Key {
    keys.derive(b"jeton narrowings 1")
}

impl Line {
    pub(crate) fn new(head: &Head, at: Option<Timestamp>, table: &str, row: Value, key: &Key) -> Self {
        let mut hash = String::with_capacity(64);
        hex(&head.hash, &mut hash);
        let mut line = Self { seq: head.seq, hash, at, table: table.to_owned(), row, mac: String::new() };
        let mac = line.code(key).finalize().into_bytes();
        hex(&mac, &mut line.mac);
        line
    }

    /// Whether it was written with this key and is as it was.
    pub(crate) fn is_written_with(&self, key: &Key) -> bool {
        unhex(&self.mac).is_some_and(|mac| self.code(key).verify_slice(&mac).is_ok())
    }

    fn code(&self, key: &Key) -> Hmac<Sha256> {
        let Self { seq, hash, at, table, row, mac: _ } = self;
        // A row can be of many tokens, so it is not copied into a value with the others; the keys are in order.
        let (at, hash, table) = (json!(at), json!(hash), json!(table));
        let mut said = format!(r#"{{"at":{at},"hash":{hash},"row":"#);
        write_canonical(row, &mut said);
        said.push_str(&format!(r#","seq":{seq},"table":{table}}}"#));
        let mut mac = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(said.as_bytes());
        mac
    }

    /// As it stands in the log.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("numbers, texts and JSON are JSON")
    }
}

/// A line as the database keeps it until a later change has lines: it says where in the log it stands.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) seq: i64,
    pub(crate) place: u64,
    pub(crate) line: String,
}

/// Keeps one: the entry's number, the line's place among those of its change, its byte in the log, its text.
pub(crate) const KEEP: &str = "INSERT INTO narrowing (seq, part, place, line) VALUES (?1, ?2, ?3, ?4)";

/// Those that are kept, in order.
pub(crate) fn kept(db: &Connection) -> rusqlite::Result<Vec<Kept>> {
    let mut lines = db.prepare("SELECT seq, place, line FROM narrowing ORDER BY seq, part")?;
    let each = |row: &Row<'_>| {
        let place: i64 = row.get(1)?;
        Ok(Kept { seq: row.get(0)?, place: place.unsigned_abs(), line: row.get(2)? })
    };
    lines.query_map([], each)?.collect()
}

/// How a log stands to the lines that were committed for it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    /// Those that are not where they belong, in order.
    missing: Vec<String>,
    /// The journal's entry of the first that is missing together with what was before it, or has something else in
    /// its place. A log that ends where a line belongs only waits for it.
    lost: Option<i64>,
}

/// `end`: how far the log has whole lines.
fn compare(log: &File, end: u64, kept: &[Kept]) -> io::Result<Compared> {
    let mut found = Compared::default();
    // Where the next line that is awaited has to begin, once the log is seen to be whole so far.
    let mut next = None;
    for Kept { seq, place, line } in kept {
        let follows = line.len() as u64 + 1;
        if next.is_none_or(|next| next != *place) {
            let mut there = vec![0; line.len() + 1];
            if end >= place + follows {
                log.read_exact_at(&mut there, *place)?;
            }
            let stands = there.strip_suffix(b"\n") == Some(line.as_bytes());
            if stands {
                next = (place + follows == end).then_some(end);
                continue;
            }
            if *place != end || last_seq(log, end)?.is_some_and(|last| last >= *seq) {
                found.lost = found.lost.or(Some(*seq));
            }
        }
        next = Some(place + follows);
        found.missing.push(line.clone());
    }
    Ok(found)
}

/// The number that the last line up to there has.
fn last_seq(log: &File, end: u64) -> io::Result<Option<i64>> {
    #[derive(Deserialize)]
    struct Numbered {
        seq: i64,
    }
    if end == 0 {
        return Ok(None);
    }
    let start = after_newline(log, end - 1)?;
    let mut line = vec![0; (end - start) as usize];
    log.read_exact_at(&mut line, start)?;
    // What is no line of ours is certainly not what was there.
    Ok(Some(serde_json::from_slice(&line).map_or(i64::MAX, |Numbered { seq }| seq)))
}

/// Of a log that does not have what it had.
pub(crate) const LOST: &str = "was cut off or overwritten: it lacks lines that were written to it";
pub(crate) const LOST_HELP: &str = "make a backup now, since an older one would bring back what those lines took away, \
     and put the copy of the log that you kept elsewhere beside any older backup";

pub(crate) struct Narrowings {
    file: File,
    /// Up to here every line is whole and on the disk.
    end: u64,
}

impl Narrowings {
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let path = data.join(NAME);
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        File::open(data)?.sync_all()?;
        let end = whole_lines(&mut file)?;
        file.set_len(end)?;
        Ok(Self { file, end })
    }

    /// The byte at which the next line begins.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// What of the lines that the database keeps is still to be written. What was in the log and is not there any
    /// more, the operator has to hear of.
    pub(crate) fn missing(&self, kept: &[Kept]) -> io::Result<Vec<String>> {
        let Compared { missing, lost } = compare(&self.file, self.end, kept)?;
        if let Some(seq) = lost {
            tracing::error!("{NAME} {LOST} (found by that of the journal's entry {seq}); {LOST_HELP}");
        }
        Ok(missing)
    }

    /// Writes the lines and returns once they are on the disk. After an error nothing of them
    /// counts, and the next attempt overwrites what may have been written of them.
    pub(crate) fn append<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let mut text = String::new();
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        if self.file.metadata()?.len() < self.end {
            tracing::error!("{NAME} {LOST}; {LOST_HELP}");
            self.end = whole_lines(&mut self.file)?;
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(text.as_bytes())?;
        self.file.sync_data()?;
        self.end += text.len() as u64;
        Ok(())
    }
}

/// What a look at a whole log finds first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Whole {
        lines: usize,
    },
    /// That line, counted from one, is not as it was written.
    Altered {
        line: usize,
    },
    Lost,
}

/// Reads a log through; without a key, its lines are only counted. What is being written meanwhile is no fault.
pub(crate) fn check(mut log: File, kept: &[Kept], key: Option<&Key>) -> io::Result<Checked> {
    let end = whole_lines(&mut log)?;
    log.rewind()?;
    let mut lines = 0;
    for line in BufReader::new((&log).take(end)).lines() {
        lines += 1;
        let line: Option<Line> = serde_json::from_str(&line?).ok();
        if key.is_some_and(|key| !line.is_some_and(|line| line.is_written_with(key))) {
            return Ok(Checked::Altered { line: lines });
        }
    }
    if compare(&log, end, kept)?.lost.is_some() {
        return Ok(Checked::Lost);
    }
    Ok(Checked::Whole { lines })
}

/// The length without a last line that a crash left torn.
pub(crate) fn whole_lines(file: &mut File) -> io::Result<u64> {
    let end = file.metadata()?.len();
    after_newline(file, end)
}

/// The byte after the last newline before `end`.
fn after_newline(file: &File, mut end: u64) -> io::Result<u64> {
    const STEP: u64 = 4096;
    let mut bytes = [0; STEP as usize];
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let part = &mut bytes[..(end - start) as usize];
        file.read_exact_at(part, start)?;
        if let Some(newline) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The rows of a narrowing change, as it leaves them: what they allow, by column, and nothing
/// that only people read.
pub(crate) fn narrowed(write: &Written) -> Option<(&'static str, Value)> {
    match write {
        Written::UpdateAccount(row) => Some((
            "account",
            json!({
                "id": row.id, "inactive_since": micros(row.inactive_since),
                "policy": row.policy,
                "entities": row.entities, "roles": row.roles, "version": row.version + 1,
            }),
        )),
        Written::UpdatePerson(row) => {
            let password = row.password.as_deref().map(|phc| mark_of(phc.as_bytes()));
            let factor = row.second_factor.as_ref();
            let recovery =
                factor.map(|factor| factor.recovery.iter().map(|digest| mark_of(digest)).collect());
            let recovery: Vec<String> = recovery.unwrap_or_default();
            Some((
                "person",
                json!({
                    "id": row.id, "operator": row.operator, "password": password,
                    "factor": factor.map(|factor| mark_of(&factor.sealed)), "recovery": recovery,
                    "version": row.version + 1,
                }),
            ))
        }
        Written::UpdateHolder(row) => Some(("holder", narrowed_holder(row, row.version + 1))),
        Written::InsertHolder(row) => Some(("holder", narrowed_holder(row, 1))),
        Written::UpdateToken(row) => Some(("token", narrowed_token(row, row.version + 1))),
        Written::InsertToken { token, .. } => Some(("token", narrowed_token(token, 1))),
        // Of many in one line: what happened to them, and each with its account and version.
        Written::RevokeTokens { tokens, at, .. } => {
            let each = |row: &Token| json!([row.account, row.id.to_string(), row.version + 1]);
            let all: Vec<Value> = tokens.iter().map(each).collect();
            Some((MANY, json!({ "revoked_at": at.as_micros(), "tokens": all })))
        }
        Written::UpdateService(row) => Some((
            "service",
            json!({
                "id": row.id.to_string(), "scopes": row.scopes, "accounts": row.accounts,
                "revoked_at": micros(row.revoked_at), "version": row.version + 1,
            }),
        )),
        Written::ForgetSecret(token) => Some(("sealed", json!({"token": token.to_string()}))),
        _ => None,
    }
}

/// What tells one password's hash from another, and nothing of either: both have 128 random bits of
/// salt in them. So have sealed secrets in their nonces, and recovery codes are under a key.
pub(crate) fn mark_of(kept: &[u8]) -> String {
    let mut digits = String::with_capacity(32);
    hex(&Sha256::digest(kept)[..16], &mut digits);
    digits
}

fn narrowed_holder(row: &Holder, version: i64) -> Value {
    let standing = &row.standing;
    json!({
        "account": row.account, "id": row.id, "bindings": row.bindings,
        "inactive_since": micros(standing.inactive_since),
        "approve_after": micros(standing.approve_after),
        "revoked_before": micros(standing.revoked_before),
        "removed_at": micros(standing.removed_at),
        "tokens_deleted_at": micros(standing.tokens_deleted_at),
        "version": version,
    })
}

fn narrowed_token(row: &Token, version: i64) -> Value {
    let life = &row.life;
    json!({
        "account": row.account, "id": row.id.to_string(), "holder": row.holder,
        "granted": row.grant, "node": row.node, "desk": row.desk,
        "conditions": (!row.conditions.is_empty()).then_some(&row.conditions),
        "not_before": micros(life.not_before), "expires_at": micros(life.expires_at),
        "approved_at": micros(life.approved_at), "revoked_at": micros(life.revoked_at),
        "leaked_at": micros(life.leaked_at),
        "rotated_to": life.rotated_to.map(|id| id.to_string()),
        "grace_until": micros(life.grace_until), "deleted_at": micros(life.deleted_at),
        "version": version,
    })
}

fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_torn_by_a_crash_is_dropped_and_whole_lines_stay() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(NAME);
        let long = "x".repeat(10_000);
        std::fs::write(&path, format!("{{\"seq\":1}}\n{long}")).unwrap();
        Narrowings::open(data.path()).unwrap().append(["{\"seq\":2}", "{\"seq\":3}"]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n");
    }
}
