//! Moving an installation from one store into another, in either direction between the backends.
//!
//! Tables and columns have the same names in both, so rows travel as they are, table by table. What
//! arrived is read back before it is committed: every table has to have the same rows, and the
//! journal's chain is recomputed. Otherwise nothing stays. The store that is moved from is not
//! written to.

mod postgres;
mod sqlite;

use domain::time::Timestamp;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::contract::{Broken, OpenError, Unavailable};
use crate::journal::{self, GENESIS, Head, Link, Walk, hex};
use crate::keys::{KeyFileError, Keys};
use crate::place::{Access, Place};

/// What is moved, what is referred to before what refers to it. Apart from the migrations, which
/// each store has of its own, from peers, and from lines that wait for a file.
const TABLES: [&str; 17] = [
    "account",
    "person",
    "holder",
    "node",
    "installation",
    "token",
    "sealed",
    "service",
    "permission",
    "token_use",
    "usage_day",
    "usage_source",
    "remembered",
    "setup_link",
    "journal",
    "head",
    "key_check",
];

/// Rows that travel together.
const BATCH: usize = 500;

/// An installation that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// How many rows each table has.
    pub rows: Vec<(String, i64)>,
    /// How many entries the journal has.
    pub entries: i64,
    /// The hash of the last one, in hexadecimal digits.
    pub head: String,
}

/// Why an installation was not moved. Nothing is left of it in the other store.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    #[error("there is no store at {place}; look for the right --from")]
    Absent { place: String },
    #[error("{peers} servers serve from {place}; stop them all, then move it")]
    Served { place: String, peers: i64 },
    #[error("there is something in {place} already; move into an empty store")]
    NotEmpty { place: String },
    #[error(
        "the schema of {place} is not this version's; run `jeton migrate --contract --store {place}` first"
    )]
    OtherSchema { place: String },
    #[error("the table {table} did not arrive as it was sent; nothing was moved")]
    Differs { table: &'static str },
    #[error("the journal is not whole ({0}); nothing was moved")]
    Broken(#[from] Broken),
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("could not use {place}")]
    Unavailable { place: String, source: Unavailable },
}

/// Moves an installation into an empty store and verifies it there.
///
/// Takes the lock of an SQLite on either side, and the journal's head of a PostgreSQL, so that
/// nothing is written meanwhile.
///
/// # Errors
/// See [`MoveError`] for what each asks of the operator.
///
/// # Panics
/// Outside a Tokio runtime.
pub async fn transfer(from: Access, to: Access) -> Result<Moved, MoveError> {
    let mut source = End::source(&from).await?;
    let keys = same_keys(&from, &to)?;
    crate::migrate(&to, false).await?;
    let mut target = End::target(&to).await?;
    let sending = |source| MoveError::Unavailable { place: from.place.to_string(), source };
    let arriving = |source| MoveError::Unavailable { place: to.place.to_string(), source };

    let mut tallies = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let columns = source.columns(table).await.map_err(sending)?;
        let (sent, receiver) = mpsc::channel(4);
        let (taken, arrived) = mpsc::channel(4);
        let (read, counted, written) = tokio::join!(
            source.send(table, &columns, sent),
            count(table, &columns, receiver, Some(taken)),
            target.take(table, &columns, arrived)
        );
        // Where the writing fails the reading ends early, so the first cause is the writing's.
        written.map_err(arriving)?;
        read.map_err(sending)?;
        if counted.fingerprint.is_some_and(|kept| kept != keys) {
            return Err(OpenError::OtherKeys { place: from.place.to_string() }.into());
        }
        tallies.push((table, columns, counted));
    }

    let mut rows = Vec::with_capacity(TABLES.len());
    let (mut walk, mut head) = (Walk::after(0, GENESIS), Head::START);
    for (table, columns, sent) in tallies {
        let (again, receiver) = mpsc::channel(4);
        let (read, arrived) =
            tokio::join!(target.send(table, &columns, again), count(table, &columns, receiver, None));
        read.map_err(arriving)?;
        if arrived.rows != sent.rows || arrived.sum != sent.sum {
            return Err(MoveError::Differs { table });
        }
        rows.push((table.to_owned(), arrived.rows));
        walk = if table == "journal" { arrived.walk } else { walk };
        head = arrived.head.unwrap_or(head);
    }
    let entries = walk.end(&head)?;
    target.commit().await.map_err(arriving)?;
    let mut shown = String::with_capacity(64);
    hex(&head.hash, &mut shown);
    Ok(Moved { rows, entries, head: shown })
}

/// The fingerprint of the key file on both sides: with another one what is sealed would stay shut.
fn same_keys(from: &Access, to: &Access) -> Result<[u8; 32], MoveError> {
    let keys = Keys::read(&from.keys)?.fingerprint();
    match Keys::read(&to.keys)?.fingerprint() == keys {
        true => Ok(keys),
        false => Err(OpenError::OtherKeys { place: from.place.to_string() }.into()),
    }
}

/// A value on its way. A truth travels as 0 or 1.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Cell {
    fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            _ => 0,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// None also for bytes of another length.
    fn bytes<const N: usize>(&self) -> Option<[u8; N]> {
        match self {
            Self::Bytes(bytes) => bytes.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

type Batch = Vec<Vec<Cell>>;

/// What was seen of a table.
struct Tally {
    rows: i64,
    /// The sum of the rows' hashes: the same for the same rows in any order.
    sum: u128,
    /// Of the journal, whose rows come in their order.
    walk: Walk,
    head: Option<Head>,
    /// Of the key file that the store was written with.
    fingerprint: Option<[u8; 32]>,
}

/// Counts what comes in, and passes it on. Ends early where nobody takes it.
async fn count(
    table: &str,
    columns: &[String],
    mut from: mpsc::Receiver<Batch>,
    to: Option<mpsc::Sender<Batch>>,
) -> Tally {
    let mut tally = Tally { rows: 0, sum: 0, walk: Walk::after(0, GENESIS), head: None, fingerprint: None };
    let at = |name: &str| columns.iter().position(|column| column == name);
    while let Some(batch) = from.recv().await {
        for row in &batch {
            tally.rows += 1;
            tally.sum = tally.sum.wrapping_add(hash_of(row));
            let cell = |name: &str| at(name).and_then(|at| row.get(at)).unwrap_or(&Cell::Null);
            match table {
                "journal" => tally.walk.step(&link(cell)),
                "head" => {
                    let hash = cell("hash").bytes().unwrap_or_default();
                    tally.head = Some(Head { seq: cell("seq").number(), at: cell("at").number(), hash });
                }
                "key_check" => tally.fingerprint = cell("fingerprint").bytes(),
                _ => {}
            }
        }
        if let Some(to) = &to
            && to.send(batch).await.is_err()
        {
            break;
        }
    }
    tally
}

/// Of all cells with their kinds and lengths, so that no two rows read alike.
fn hash_of(row: &[Cell]) -> u128 {
    let mut hash = Sha256::new();
    for cell in row {
        let (kind, bytes): (u8, &[u8]) = match cell {
            Cell::Null => (0, &[]),
            Cell::Number(number) => (1, &number.to_be_bytes()),
            Cell::Text(text) => (2, text.as_bytes()),
            Cell::Bytes(bytes) => (3, bytes),
        };
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    let digest: [u8; 32] = hash.finalize().into();
    u128::from_be_bytes(*digest.first_chunk().expect("32 bytes begin with 16"))
}

fn link<'a>(cell: impl Fn(&str) -> &'a Cell) -> Link {
    let text = |name: &str| cell(name).text().unwrap_or_default();
    let computed = cell("payload").text().zip(cell("salt").bytes::<16>()).map(|(payload, salt)| {
        let at = Timestamp::from_micros(cell("at").number());
        let (actor, account) = (text("actor"), cell("account").text());
        journal::entry_hash(&journal::entry_text(
            at,
            actor,
            account,
            text("action"),
            text("subject"),
            payload,
            &salt,
        ))
    });
    Link {
        seq: cell("seq").number(),
        entry_hash: cell("entry_hash").bytes().unwrap_or_default(),
        computed,
        hash: cell("hash").bytes().unwrap_or_default(),
    }
}

/// One side of a move, within a transaction.
enum End {
    Sqlite(sqlite::End),
    Postgres(postgres::End),
}

impl End {
    /// A store that nobody writes to while this is there.
    async fn source(access: &Access) -> Result<Self, MoveError> {
        match &access.place {
            Place::Sqlite(data) => sqlite::End::source(data).map(Self::Sqlite),
            Place::Postgres(there) => {
                postgres::End::source(there, access.password.as_ref()).await.map(Self::Postgres)
            }
        }
    }

    /// A store with the tables and nothing in them.
    async fn target(access: &Access) -> Result<Self, MoveError> {
        match &access.place {
            Place::Sqlite(data) => sqlite::End::target(data).map(Self::Sqlite),
            Place::Postgres(there) => {
                postgres::End::target(there, access.password.as_ref()).await.map(Self::Postgres)
            }
        }
    }

    /// The columns that are written; those that follow from others are not among them.
    async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, Unavailable> {
        match self {
            Self::Sqlite(end) => end.columns(table),
            Self::Postgres(end) => end.columns(table).await,
        }
    }

    /// Reads a whole table, the journal in its order.
    async fn send(
        &mut self,
        table: &'static str,
        columns: &[String],
        to: mpsc::Sender<Batch>,
    ) -> Result<(), Unavailable> {
        match self {
            Self::Sqlite(end) => end.send(table, columns, to).await,
            Self::Postgres(end) => end.send(table, columns, to).await,
        }
    }

    /// Writes what comes into a table.
    async fn take(
        &mut self,
        table: &'static str,
        columns: &[String],
        from: mpsc::Receiver<Batch>,
    ) -> Result<(), Unavailable> {
        match self {
            Self::Sqlite(end) => end.take(table, columns, from).await,
            Self::Postgres(end) => end.take(table, columns, from).await,
        }
    }

    async fn commit(self) -> Result<(), Unavailable> {
        match self {
            Self::Sqlite(end) => end.commit(),
            Self::Postgres(end) => end.commit().await,
        }
    }
}

/// `SELECT … FROM table`. Names are ours, from [`TABLES`] and the schema.
fn select(table: &str, columns: &[String]) -> String {
    let order = if table == "journal" { " ORDER BY seq" } else { "" };
    format!("SELECT {} FROM {table}{order}", columns.join(", "))
}
