//! What the store asks of its surroundings and what it answers: clock, listener, errors.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use domain::facts::Snapshot;
use domain::refusal::Refusal;

use crate::keys::KeyFileError;
use crate::place::TlsError;

/// Days for which daily counts of use are kept.
pub const USAGE_DAYS: i32 = 400;

/// Clock readings in microseconds, handed in by the wiring.
pub trait Clock: Send + Sync {
    /// Since 1970 in UTC. May be set back.
    fn wall(&self) -> i64;
    /// Since the machine started, sleep included (`CLOCK_BOOTTIME`). Never goes back.
    fn boot(&self) -> i64;
}

/// Told of every committed group, in order, by the writer and before anyone is answered: the rows
/// as they now stand, with their new versions and the numbers given out. So a cancelled caller can
/// never leave memory behind the facts. With several peers, also told what the others committed.
/// It must not wait for the store.
pub type Listener = Arc<dyn Fn(Heard) + Send + Sync>;

/// What a [`Listener`] is told.
#[derive(Debug)]
pub enum Heard {
    /// Rows as a commit left them.
    Rows(Snapshot),
    /// This peer does not know what it missed: whatever is remembered may be wrong, and has to be
    /// read again.
    Lost,
}

/// Called when the outcome of a commit cannot be known; gets a sentence for the log.
pub type Stop = Arc<dyn Fn(&str) + Send + Sync>;

pub(crate) fn abort() -> Stop {
    Arc::new(|_| std::process::abort())
}

/// Where the store is and how much of the machine it may use.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory of the database, its lock, the ballast and `narrowings.log`.
    pub data: PathBuf,
    /// The key file; made where there is none and the database is new.
    pub keys: PathBuf,
    /// Connections that read at the same time.
    pub readers: usize,
    /// Space kept aside, so that a revocation still finds room on a full disk.
    pub ballast_bytes: u64,
    /// With less free space than this, only changes that narrow authority are taken.
    pub watermark_bytes: u64,
}

/// A change that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The number of the change's last journal entry: memory that has applied this position has
    /// seen the change.
    pub position: i64,
    /// The number given to the token that the change inserted.
    pub number: Option<i64>,
}

/// Why a change was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something that the decision rests on has moved on; load and decide again.
    #[error("the facts have changed meanwhile")]
    Conflict,
    /// A guard does not hold.
    #[error("{0}")]
    Refused(Refusal),
    /// The disk has too little room left. Certainly not carried out.
    #[error("too little disk space is left")]
    Full,
    /// The outcome is unknown, or the store is gone.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The facts could not be had; nothing may be concluded from that. Prints as what caused it, which
/// is for the log and the operator and never for a caller.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Unavailable(pub Box<dyn Error + Send + Sync>);

impl Unavailable {
    pub fn because(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl From<rusqlite::Error> for Unavailable {
    fn from(cause: rusqlite::Error) -> Self {
        Self::because(cause)
    }
}

/// Why the store does not open, with what the operator can do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} is in use by {holder}; stop it first, or use another data directory", lock.display())]
    Locked { lock: PathBuf, holder: String },
    #[error("SQLite {found} can damage its own log; link {needed} or newer")]
    OldSqlite { found: String, needed: &'static str },
    #[error(
        "the database {place} was written by a newer jeton (schema {found}, this one knows {known}); \
         start that version again"
    )]
    NewerSchema { place: String, found: i64, known: i64 },
    #[error(
        "migration {number} of {place} is not the one that this jeton would run; \
         start the version that wrote the database, or restore a backup"
    )]
    AlteredMigration { place: String, number: i64 },
    #[error(
        "the database {place} was written by an older jeton (schema {found}, this one needs {needed}); \
         run `jeton migrate` once, then start again"
    )]
    OlderSchema { place: String, found: i64, needed: i64 },
    #[error(
        "the key file is not the one that {place} was written with; all peers need the same one, \
         so copy it from a peer that runs or from your backup"
    )]
    OtherKeys { place: String },
    #[error("could not use the database {place}")]
    Postgres { place: String, source: Unavailable },
    #[error("the database {place} is damaged ({what}); restore a backup")]
    Damaged { place: String, what: String },
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(
        "the file system of {} allows no write-ahead log; put the data directory on a local disk",
        path.display()
    )]
    NoLog { path: PathBuf },
    #[error("could not use {}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("could not open the database {}", path.display())]
    Database { path: PathBuf, source: rusqlite::Error },
}

/// The first journal entry that does not fit the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("journal entry {seq} {what}")]
pub struct Broken {
    pub seq: i64,
    pub what: &'static str,
}

/// Why the journal's chain could not be confirmed.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// How the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Health {
    /// Changes are being taken.
    pub writer_alive: bool,
    /// The last committed position.
    pub position: i64,
    /// Bytes free on the disk of the data directory; none if the system would not say.
    pub free_bytes: Option<u64>,
    /// Only changes that narrow authority are taken.
    pub below_watermark: bool,
    /// The space kept aside is there.
    pub ballast: bool,
}

/// What a purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    pub answers: usize,
    pub setup_links: usize,
    pub usage_days: usize,
    /// Payloads of the journal.
    pub payloads: usize,
}
