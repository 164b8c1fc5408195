//! What the store counts of itself, for whoever watches over the server; and what it says of each
//! change in the log.

use domain::change::Change;
use meter::{Count, Distribution, Histogram};

use crate::contract::{CommitError, Committed, Health};

/// Entries of one change that the log names; of the rest it says how many.
const NAMED: usize = 10;

/// What is counted where it happens.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// How long groups took until they were durable.
    pub(crate) groups: Histogram,
    committed: Count,
    conflicts: Count,
    refused: Count,
    full: Count,
    unavailable: Count,
    /// Reads that wait for a connection.
    pub(crate) waiting_reads: Waiting,
}

/// How many wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting(std::sync::atomic::AtomicUsize);

impl Waiting {
    /// One more, until the result is dropped.
    pub(crate) fn begin(&self) -> impl Drop {
        struct Waits<'a>(&'a Waiting);
        impl Drop for Waits<'_> {
            fn drop(&mut self) {
                self.0.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Waits(self)
    }

    pub(crate) fn read(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl Meter {
    pub(crate) fn outcome(&self, outcome: &Result<Committed, CommitError>) {
        let counter = match outcome {
            Ok(_) => &self.committed,
            Err(CommitError::Conflict) => &self.conflicts,
            Err(CommitError::Refused(_)) => &self.refused,
            Err(CommitError::Full) => &self.full,
            Err(CommitError::Unavailable(_)) => &self.unavailable,
        };
        counter.add(1);
    }
}

/// What a backend knows at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) health: Health,
    pub(crate) waiting_changes: usize,
    pub(crate) waiting_reads: usize,
    pub(crate) following: Option<Following>,
}

/// Where this peer is among its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Following {
    /// The last entry of the journal at the last beat.
    pub head: i64,
    /// Since the database last answered a beat, in microseconds.
    pub silent: i64,
    /// Peers at the last beat, this one among them.
    pub peers: usize,
}

/// A process that serves from a PostgreSQL store, by its row there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    pub id: String,
    /// It is this one.
    pub own: bool,
    /// The last entry of the journal that its memory knows of.
    pub applied: i64,
    /// Since it last said so, in microseconds by the database's clock.
    pub silent: i64,
    /// The last step of the schema that its program knows.
    pub known: i64,
}

/// What the store counted since it was opened, and how it is now.
#[derive(Clone, Debug)]
pub struct Figures {
    pub health: Health,
    /// How long groups of changes took until they were durable; as many as there were groups.
    pub groups: Distribution,
    /// Changes that are durable.
    pub committed: u64,
    /// Changes whose rows had moved on, so that they were decided again.
    pub conflicts: u64,
    /// Changes that did not fit the rules any more when they were to be written.
    pub refused: u64,
    /// Changes refused for want of room on the disk.
    pub full: u64,
    /// Changes of which nobody can say what became, or that the database did not take.
    pub unavailable: u64,
    /// Changes that wait for the writer.
    pub waiting_changes: usize,
    /// Reads that wait for a connection.
    pub waiting_reads: usize,
    /// None on SQLite.
    pub following: Option<Following>,
}

impl Figures {
    pub(crate) fn new(meter: &Meter, now: Now) -> Self {
        Self {
            health: now.health,
            groups: meter.groups.read(),
            committed: meter.committed.read(),
            conflicts: meter.conflicts.read(),
            refused: meter.refused.read(),
            full: meter.full.read(),
            unavailable: meter.unavailable.read(),
            waiting_changes: now.waiting_changes,
            waiting_reads: now.waiting_reads,
            following: now.following,
        }
    }
}

/// What the log says of a change once it is durable: a line an entry of the journal, under the
/// target `change`, so that `log.level = "info,change=warn"` goes without them. Nothing is prepared
/// where nobody listens.
pub(crate) struct Told {
    entries: Vec<Line>,
    more: usize,
}

struct Line {
    action: &'static str,
    subject: String,
    actor: String,
    account: String,
}

impl Told {
    pub(crate) fn of(change: &Change) -> Self {
        if !tracing::enabled!(target: "change", tracing::Level::INFO) {
            return Self { entries: Vec::new(), more: 0 };
        }
        let entries = change.entries.iter().take(NAMED).map(|entry| Line {
            action: entry.action.as_str(),
            subject: entry.subject.clone(),
            actor: entry.actor.to_string(),
            account: entry.account.as_ref().map(ToString::to_string).unwrap_or_default(),
        });
        Self { entries: entries.collect(), more: change.entries.len().saturating_sub(NAMED) }
    }

    pub(crate) fn say(self, position: i64) {
        for Line { action, subject, actor, account } in self.entries {
            tracing::info!(
                target: "change", action, subject, actor, account, position,
                "{action} {subject} by {actor}"
            );
        }
        if self.more > 0 {
            tracing::info!(target: "change", position, more = self.more, "and {} entries more", self.more);
        }
    }
}
