//! The journal as it lies in the database, read beside the server and checked from its documented
//! format alone: whoever audits a journal has no more than this.
//!
//! An entry's text is JSON with the keys `at, actor, account, action, subject, payload, salt` in this
//! order and without spaces; its hash is SHA-256 of that text, and
//! `hash = SHA-256(hash before ‖ seq as 8 bytes, big-endian ‖ hash of the entry)`, the first hash
//! before being 32 zero bytes. Nothing here is shared with the server's own code.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{Postgres, Server};

/// One entry, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub seq: i64,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    pub actor: String,
    pub account: Option<String>,
    pub action: String,
    pub subject: String,
    /// Canonical JSON; none once it was erased, and then no salt either.
    pub payload: Option<String>,
    pub salt: Option<Vec<u8>>,
    pub entry_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

impl Entry {
    /// A field of the payload, null where there is none.
    pub fn said(&self, field: &str) -> Value {
        let payload = self.payload.as_deref().unwrap_or("null");
        serde_json::from_str::<Value>(payload).map_or(Value::Null, |payload| payload[field].clone())
    }
}

/// Where the chain stands: the last entry's number and hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    pub seq: i64,
    pub hash: Vec<u8>,
}

impl Head {
    /// Before the first entry.
    pub fn genesis() -> Head {
        Head { seq: 0, hash: vec![0; 32] }
    }
}

/// The database that a server worked on.
pub enum Database {
    /// A copy, because opening a database after a crash repairs it, and that is the server's part.
    Sqlite {
        connection: Connection,
        _copy: TempDir,
    },
    Postgres(Arc<Postgres>),
}

const ENTRIES: &str = "
    SELECT seq, at, actor, account, action, subject, payload, salt, entry_hash, hash
    FROM journal
    WHERE seq > $1
    ORDER BY seq";
const HEAD: &str = "SELECT seq, hash FROM head";

impl Database {
    /// Of a server that was stopped or killed.
    pub fn of(server: &Server) -> Database {
        match server.postgres() {
            Some(postgres) => {
                postgres.until_left_alone();
                Database::Postgres(postgres.clone())
            }
            None => Database::copy(&server.data()),
        }
    }

    /// Of a server that runs. Read the head first, and the entries up to it.
    pub fn beside(postgres: &Arc<Postgres>) -> Database {
        Database::Postgres(postgres.clone())
    }

    /// Copies what lies in the data directory.
    fn copy(data: &Path) -> Database {
        let copy = TempDir::new().expect("a temporary directory");
        let original = find(data);
        let name = original.file_name().expect("a file has a name").to_string_lossy().into_owned();
        for suffix in ["", "-wal"] {
            let from = data.join(format!("{name}{suffix}"));
            if from.exists() {
                fs::copy(&from, copy.path().join(format!("{name}{suffix}"))).expect("a readable database");
            }
        }
        let connection = Connection::open_with_flags(
            copy.path().join(&name),
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .expect("a database opens");
        Database::Sqlite { connection, _copy: copy }
    }

    /// The entries after `seq`, in their order.
    pub fn entries_after(&self, seq: i64) -> Vec<Entry> {
        match self {
            Database::Sqlite { connection, .. } => {
                let mut statement = connection.prepare(ENTRIES).expect("the journal's documented columns");
                let rows = statement.query_map([seq], |row| {
                    Ok(Entry {
                        seq: row.get(0)?,
                        at: row.get(1)?,
                        actor: row.get(2)?,
                        account: row.get(3)?,
                        action: row.get(4)?,
                        subject: row.get(5)?,
                        payload: row.get(6)?,
                        salt: row.get(7)?,
                        entry_hash: row.get(8)?,
                        hash: row.get(9)?,
                    })
                });
                rows.expect("the journal is read").map(|row| row.expect("a whole row")).collect()
            }
            Database::Postgres(postgres) => {
                let rows = postgres.rows(ENTRIES, &[&seq]);
                let entry = |row: &tokio_postgres::Row| Entry {
                    seq: row.get(0),
                    at: row.get(1),
                    actor: row.get(2),
                    account: row.get(3),
                    action: row.get(4),
                    subject: row.get(5),
                    payload: row.get(6),
                    salt: row.get(7),
                    entry_hash: row.get(8),
                    hash: row.get(9),
                };
                rows.iter().map(entry).collect()
            }
        }
    }

    /// The end of the journal as its own row tells it.
    pub fn head(&self) -> Head {
        match self {
            Database::Sqlite { connection, .. } => {
                let head = |row: &rusqlite::Row<'_>| Ok(Head { seq: row.get(0)?, hash: row.get(1)? });
                connection.query_row(HEAD, [], head).expect("the head is one row")
            }
            Database::Postgres(postgres) => {
                let row = &postgres.rows(HEAD, &[])[0];
                Head { seq: row.get(0), hash: row.get(1) }
            }
        }
    }

    /// What SQLite says of its own pages: `ok`, or what is wrong. Those of PostgreSQL are its own
    /// affair: nothing that befalls our process touches them.
    pub fn integrity(&self) -> String {
        match self {
            Database::Sqlite { connection, .. } => connection
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .expect("a check has an outcome"),
            Database::Postgres(_) => "ok".to_owned(),
        }
    }
}

/// The database is whatever begins as SQLite's files do.
fn find(data: &Path) -> PathBuf {
    let entries = fs::read_dir(data).expect("a data directory").filter_map(Result::ok);
    let begins = |path: &PathBuf| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"));
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(begins).collect();
    assert_eq!(found.len(), 1, "one database in {}", data.display());
    found.remove(0)
}

/// What is wrong with these entries as the continuation of a chain that stood at `before`, whose end
/// is said to be `head`.
pub fn chain_faults(before: &Head, entries: &[Entry], head: &Head) -> Vec<String> {
    let mut faults = Vec::new();
    let mut at = before.clone();
    for entry in entries {
        let seq = entry.seq;
        if seq != at.seq + 1 {
            faults.push(format!("entry {seq} follows entry {}", at.seq));
        }
        match (&entry.payload, &entry.salt) {
            (Some(payload), Some(salt)) => {
                let hash = Sha256::digest(text_of(entry, payload, salt).as_bytes());
                if hash.as_slice() != entry.entry_hash {
                    faults.push(format!("entry {seq} does not say what its hash was made of"));
                }
            }
            (None, None) => {}
            _ => faults.push(format!("entry {seq} has lost only one of payload and salt")),
        }
        let mut chained = Sha256::new();
        chained.update(&at.hash);
        chained.update(seq.to_be_bytes());
        chained.update(&entry.entry_hash);
        if chained.finalize().as_slice() != entry.hash {
            faults.push(format!("entry {seq} does not hang on the one before"));
        }
        at = Head { seq, hash: entry.hash.clone() };
    }
    if at != *head {
        faults.push(format!("the journal ends at {} and its head says {}", at.seq, head.seq));
    }
    faults
}

/// An entry's text, of which its hash is made.
fn text_of(entry: &Entry, payload: &str, salt: &[u8]) -> String {
    let at = jiff::Timestamp::from_microsecond(entry.at).expect("a time of our own age");
    let mut hex = String::new();
    for byte in salt {
        write!(hex, "{byte:02x}").expect("a string takes all");
    }
    let quoted = |text: &str| Value::from(text).to_string();
    format!(
        r#"{{"at":"{at:.6}","actor":{},"account":{},"action":{},"subject":{},"payload":{payload},"salt":"{hex}"}}"#,
        quoted(&entry.actor),
        entry.account.as_deref().map_or("null".to_owned(), quoted),
        quoted(&entry.action),
        quoted(&entry.subject),
    )
}

/// Forged journals, for the tests that hold the checkers: a chain that is right, entry by entry.
pub fn forge(said: &[(&str, &str, &str)]) -> (Vec<Entry>, Head) {
    let mut head = Head::genesis();
    let mut entries = Vec::new();
    for (index, (action, subject, payload)) in said.iter().enumerate() {
        let seq = i64::try_from(index).expect("a short journal") + 1;
        let mut entry = Entry {
            seq,
            at: 1_767_225_600_000_000 + seq,
            actor: "mem_0123456789ab via pat_0123456789ab".into(),
            account: Some("acme".into()),
            action: (*action).into(),
            subject: (*subject).into(),
            payload: Some((*payload).into()),
            salt: Some(vec![7; 16]),
            entry_hash: Vec::new(),
            hash: Vec::new(),
        };
        entry.entry_hash = Sha256::digest(text_of(&entry, payload, &[7; 16]).as_bytes()).to_vec();
        let mut chained = Sha256::new();
        chained.update(&head.hash);
        chained.update(seq.to_be_bytes());
        chained.update(&entry.entry_hash);
        entry.hash = chained.finalize().to_vec();
        head = Head { seq, hash: entry.hash.clone() };
        entries.push(entry);
    }
    (entries, head)
}
