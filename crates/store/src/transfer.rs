//! Moving an installation from one store into another: SQLite to PostgreSQL, back, or to its like.
//!
//! Both schemas have the same tables and columns, so rows travel as they are, table by table, a
//! few hundred at a time, from one snapshot into one transaction. Before that is committed, what
//! arrived is read back: every table must have the very rows that were sent, and the journal's
//! chain is recomputed. So the other store has all of it or nothing. The store that is moved from
//! is not written to, and nothing marks it: not to serve from it again is for the operator to see
//! to, whom the command tells so.
//!
//! Not moved are `migration` (each schema says for itself how it came to be), `peer` (processes,
//! not facts) and `narrowing`: those lines wait for the `narrowings.log` of the directory that they
//! are in, by which a backup of *that* database is told what was taken away since. The rows that
//! they tell of are moved, and a store that begins now has no backup from before. So its log
//! begins empty, and nothing is lost.

mod postgres;
mod sqlite;
mod tally;

use std::io;
use std::path::PathBuf;

use tokio::sync::mpsc;

use crate::contract::{Broken, OpenError, Unavailable};
use crate::journal::hex;
use crate::keys::{KeyFileError, Keys};
use crate::migrations::{self, Applied, Misfit};
use crate::place::{Access, Place};
use crate::sql::Dialect;
pub(crate) use tally::Cell;
use tally::{Batch, Tally};

/// What is moved, and what is referred to before what refers to it.
const TABLES: [&str; 25] = [
    "head",
    "journal",
    "key_check",
    "permission",
    "account",
    "person",
    "holder",
    "node",
    "installation",
    "token",
    "sealed",
    "foreign_make",
    "foreign_key",
    "service",
    "token_use",
    "usage_day",
    "usage_source",
    "remembered",
    "setup_link",
    "link",
    "letter",
    "matter",
    "notice",
    "webhook",
    "delivery",
];

/// What a store has from the beginning, or from being looked at, and gives up for what arrives.
const GIVEN_UP: [&str; 4] = ["head", "key_check", "permission", "setup_link"];

/// Batches under way between a reader and a writer.
pub(crate) const WAITING: usize = 4;

/// An installation that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// How many rows each table has.
    pub rows: Vec<(&'static str, i64)>,
    /// How many entries the journal has.
    pub entries: i64,
    /// The hash of the last one, in hexadecimal digits.
    pub head: String,
}

/// Why an installation was not moved. Unless it says otherwise, nothing is left of it in the other
/// store.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("both are {place}; name another store to move to")]
    Same { place: String },
    #[error("there is no store in {place}; look for where it is")]
    Absent { place: String },
    #[error("{} serve from {place}; stop them all, then move", peers.join(", "))]
    Served { place: String, peers: Vec<String> },
    #[error("there is something in {place} already ({what}); move into an empty store")]
    NotEmpty { place: String, what: String },
    #[error("the key file {} is not the one of {from}; name a path at which there is none yet", path.display())]
    OtherKeys { path: PathBuf, from: String },
    #[error(
        "the table {table} has other columns in {to} than in {from}; \
         run `jeton migrate --contract` on both, then move"
    )]
    OtherColumns { table: &'static str, from: String, to: String },
    #[error(
        "the journal of {place} is not whole: {broken}; restore a backup, or find out who wrote past jeton"
    )]
    Broken { place: String, broken: Broken },
    #[error("the table {table} did not arrive as it was sent; nothing was moved")]
    Differs { table: &'static str },
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("could not use {place}; nothing was moved")]
    Unavailable { place: String, source: Unavailable },
    /// It may have arrived after all.
    #[error(
        "{place} did not say whether it has kept what arrived; look with `jeton doctor`, and move again if it is empty"
    )]
    Unknown { place: String, source: Unavailable },
}

/// Moves an installation into an empty store, and its key file with it where that is not there
/// yet; see [`MoveError`] for what each refusal asks of the operator.
///
/// On both sides a server can neither run nor start meanwhile: SQLite's lock is held, and on
/// PostgreSQL the journal's head and the table of peers. Blocks for moments where SQLite is opened.
///
/// # Panics
/// Outside a Tokio runtime.
pub async fn transfer(from: &Access, to: &Access) -> Result<Moved, MoveError> {
    if from.place == to.place {
        return Err(MoveError::Same { place: from.place.to_string() });
    }
    let mut source = End::source(from).await?;
    let kept = whole(&mut source).await?;
    let there = right_keys(from, to, kept)?;
    let mut target = End::target(to).await?;
    let moved = match carry(&mut source, &mut target).await {
        Ok(moved) => moved,
        Err(why) => {
            target.abandon().await;
            return Err(why);
        }
    };
    // The key file last: were it there without the rows, a server would begin anew beside it.
    if !there && let Err(cause) = Keys::copy(&from.keys, &to.keys) {
        target.abandon().await;
        return Err(cause.into());
    }
    let place = target.place();
    target.commit().await.map_err(|source| MoveError::Unknown { place, source })?;
    Ok(moved)
}

/// Refuses a journal that is not whole before anything is done about it. Returns what tells its
/// key file from others.
async fn whole(source: &mut End) -> Result<Option<[u8; 32]>, MoveError> {
    let (head, journal) = (look(source, "head").await?, look(source, "journal").await?);
    journal.walk.end(&head.head).map_err(|broken| MoveError::Broken { place: source.place(), broken })?;
    Ok(look(source, "key_check").await?.fingerprint)
}

/// Both sides read the same keys, or what is sealed would stay shut over there. Returns whether
/// the other side's file is there.
fn right_keys(from: &Access, to: &Access, kept: Option<[u8; 32]>) -> Result<bool, MoveError> {
    let keys = match Keys::read(&from.keys) {
        Err(cause) if is_absent(&cause) => {
            return Err(KeyFileError::Missing { path: from.keys.clone() }.into());
        }
        read => read?.fingerprint(),
    };
    if kept.is_some_and(|kept| kept != keys) {
        return Err(OpenError::OtherKeys { place: from.place.to_string() }.into());
    }
    let there = match Keys::read(&to.keys) {
        Err(cause) if is_absent(&cause) => return Ok(false),
        read => read?.fingerprint(),
    };
    match there == keys {
        true => Ok(true),
        false => Err(MoveError::OtherKeys { path: to.keys.clone(), from: from.place.to_string() }),
    }
}

fn is_absent(cause: &KeyFileError) -> bool {
    matches!(cause, KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// Writes all tables, then reads them back.
async fn carry(source: &mut End, target: &mut End) -> Result<Moved, MoveError> {
    let mut sent = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        sent.push(copy(source, target, table).await?);
    }
    let mut rows = Vec::with_capacity(TABLES.len());
    let (mut head, mut journal) = (None, None);
    for (table, sent) in TABLES.into_iter().zip(sent) {
        let arrived = look(target, table).await?;
        if (arrived.rows, arrived.sum) != (sent.rows, sent.sum) {
            return Err(MoveError::Differs { table });
        }
        rows.push((table, arrived.rows));
        match table {
            "head" => head = Some(arrived.head),
            "journal" => journal = Some(arrived.walk),
            _ => {}
        }
    }
    let (head, walk) = head.zip(journal).expect("both are among the tables");
    let entries = walk.end(&head).map_err(|broken| MoveError::Broken { place: target.place(), broken })?;
    let mut digits = String::with_capacity(64);
    hex(&head.hash, &mut digits);
    Ok(Moved { rows, entries, head: digits })
}

/// Writes the rows of a table on one side into the same table on the other.
async fn copy(source: &mut End, target: &mut End, table: &'static str) -> Result<Tally, MoveError> {
    let columns = source.columns(table).await.map_err(|cause| source.failed(cause))?;
    if columns != target.columns(table).await.map_err(|cause| target.failed(cause))? {
        return Err(MoveError::OtherColumns { table, from: source.place(), to: target.place() });
    }
    let mut tally = Tally::of(table, &columns);
    let (sent, receiver) = mpsc::channel(WAITING);
    let (taken, arrived) = mpsc::channel(WAITING);
    let (read, counted, written) = tokio::join!(
        source.send(table, &columns, sent),
        tally.watch(receiver, Some(taken)),
        target.take(table, &columns, arrived),
    );
    // Where writing or counting fails, reading ends early and says nothing; where reading fails,
    // what was written seems to be all of it.
    written.map_err(|cause| target.failed(cause))?;
    read.and(counted).map_err(|cause| source.failed(cause))?;
    Ok(tally)
}

/// Reads a table through.
async fn look(end: &mut End, table: &'static str) -> Result<Tally, MoveError> {
    let columns = end.columns(table).await.map_err(|cause| end.failed(cause))?;
    let mut tally = Tally::of(table, &columns);
    let (sent, receiver) = mpsc::channel(WAITING);
    let (read, counted) = tokio::join!(end.send(table, &columns, sent), tally.watch(receiver, None));
    read.and(counted).map_err(|cause| end.failed(cause))?;
    Ok(tally)
}

/// One side of a move, or what is exported, within a transaction.
pub(crate) enum End {
    Sqlite(sqlite::End),
    Postgres(postgres::End),
}

macro_rules! each {
    ($end:expr, $backend:ident => $do:expr) => {
        match $end {
            End::Sqlite($backend) => $do,
            End::Postgres($backend) => $do,
        }
    };
}

impl End {
    /// A store that nobody writes to while this is there.
    async fn source(access: &Access) -> Result<Self, MoveError> {
        match &access.place {
            Place::Sqlite(data) => sqlite::End::source(data).map(Self::Sqlite),
            Place::Postgres(there) => postgres::End::source(there, access).await.map(Self::Postgres),
        }
    }

    /// A store as it is at this moment, whoever writes to it.
    pub(crate) async fn look(access: &Access) -> Result<Self, MoveError> {
        match &access.place {
            Place::Sqlite(data) => sqlite::End::look(data).map(Self::Sqlite),
            Place::Postgres(there) => postgres::End::look(there, access).await.map(Self::Postgres),
        }
    }

    /// A store with the tables, and with nothing in them.
    async fn target(access: &Access) -> Result<Self, MoveError> {
        match &access.place {
            Place::Sqlite(data) => sqlite::End::target(data).map(Self::Sqlite),
            Place::Postgres(there) => postgres::End::target(there, access).await.map(Self::Postgres),
        }
    }

    pub(crate) fn place(&self) -> String {
        each!(self, end => end.place.clone())
    }

    fn failed(&self, source: Unavailable) -> MoveError {
        MoveError::Unavailable { place: self.place(), source }
    }

    /// The columns that are written, by name; those that follow from others are not among them.
    async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, Unavailable> {
        each!(self, end => end.columns(table).await)
    }

    /// Reads a whole table, the journal in its order. Ends early where nobody takes it.
    pub(crate) async fn send(
        &mut self,
        table: &'static str,
        columns: &[String],
        to: mpsc::Sender<Batch>,
    ) -> Result<(), Unavailable> {
        each!(self, end => end.send(&select(table, columns), columns.len(), to).await)
    }

    /// Writes what comes into a table.
    async fn take(
        &mut self,
        table: &'static str,
        columns: &[String],
        from: mpsc::Receiver<Batch>,
    ) -> Result<(), Unavailable> {
        each!(self, end => end.take(table, columns, from).await)
    }

    async fn commit(self) -> Result<(), Unavailable> {
        each!(self, end => end.commit().await)
    }

    /// Leaves the store as empty as it was.
    pub(crate) async fn abandon(self) {
        each!(self, end => end.abandon().await);
    }
}

fn select(table: &str, columns: &[String]) -> String {
    let order = if table == "journal" { " ORDER BY seq" } else { "" };
    format!("SELECT {} FROM {table}{order}", quoted(columns))
}

/// Both languages take names in double quotes, whatever word a column is named by.
fn quoted(columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| format!("\"{column}\"")).collect();
    columns.join(", ")
}

/// Says which table has what an empty store has not, if any.
fn something() -> String {
    let others = TABLES.iter().filter(|table| !GIVEN_UP.contains(table));
    let cases: String =
        others.map(|table| format!("WHEN EXISTS (SELECT 1 FROM {table}) THEN '{table}' ")).collect();
    format!("SELECT CASE {cases} WHEN (SELECT seq FROM head) > 0 THEN 'head' END")
}

fn not_empty(place: &str, table: &str) -> MoveError {
    MoveError::NotEmpty { place: place.to_owned(), what: format!("rows in the table {table}") }
}

fn give_up() -> String {
    GIVEN_UP.map(|table| format!("DELETE FROM {table};")).concat()
}

/// Refuses a schema that is not this program's, to the last step: what another one has more of
/// would not be moved.
fn current(applied: &[Applied], dialect: Dialect, place: &str) -> Result<(), OpenError> {
    let place = place.to_owned();
    let found = applied.iter().map(|step| step.number).max().unwrap_or_default();
    match migrations::pending(applied, dialect, false) {
        Ok(left) => match left.last() {
            None => Ok(()),
            Some(step) => Err(OpenError::OlderSchema { place, found, needed: step.number }),
        },
        Err(Misfit::Newer { found, known }) => Err(OpenError::NewerSchema { place, found, known }),
        Err(Misfit::Altered { number }) => Err(OpenError::AlteredMigration { place, number }),
    }
}
