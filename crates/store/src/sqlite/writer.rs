//! The one thread that writes.
//!
//! Up to 64 waiting changes go into one transaction, each in a savepoint, so that a refused one
//! falls alone. Then, in this order: one COMMIT, one line for `narrowings.log` for each row that
//! shrank, the listener, the answers. Nobody is answered before all of that is durable, and
//! nobody who goes away meanwhile changes anything.
//!
//! Where COMMIT fails for another reason than a full disk, the commit may be there or not; the
//! process then stops rather than answer anything (see [`Writer::give_up`]).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use domain::change::{Change, Write};
use domain::facts::Snapshot;
use domain::time::Timestamp;
use rusqlite::{Connection, ErrorCode, params};
use token::Entropy;
use tokio::sync::{mpsc, oneshot, watch};

use super::execute;
use super::open::{self, Lock};
use super::space::Space;
use crate::contract::{CommitError, Committed, Heard, Listener, Purged, Stop, Unavailable};
use crate::figures::Meter;
use crate::journal::{self, Head, Touched};
use crate::keys::Key;
use crate::narrowings::{self, Line, Narrowings};
use crate::sealing::Sealer;
use crate::sql::beside::Beside;
use crate::sql::writes::{self, Miss, Tools};
use crate::sql::{Dialect, checks};
use crate::time::Time;

/// From how many rows of one write on SQLite gets more memory for its pages, and how much, in KiB: all that are
/// changed fit in then, and none has to be written before the commit and read again.
const MANY: usize = 5_000;
const PAGES_OF_MANY: u32 = 256 << 10;

/// Lets go of lines that are in the log, but for the last, which say how far it reaches.
const FORGET: &str = "DELETE FROM narrowing WHERE seq < (SELECT max(seq) FROM narrowing)";

/// Changes in one transaction, at most.
pub(super) const GROUP: usize = 64;

/// What the thread is handed.
pub(super) enum Job {
    Commit { change: Box<Change>, answer: oneshot::Sender<Result<Committed, CommitError>> },
    Beside { what: Beside, answer: oneshot::Sender<Result<Purged, CommitError>> },
    Close { done: oneshot::Sender<()> },
}

/// What others see of the thread.
#[derive(Default)]
pub(super) struct Pulse {
    pub(super) alive: AtomicBool,
    pub(super) position: AtomicI64,
    /// The same, for those who wait for it to move.
    pub(super) news: watch::Sender<i64>,
}

pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) head: Head,
    pub(super) narrowings: Narrowings,
    pub(super) narrowing_key: Key,
    /// Lines that are committed and could not be written to the log yet.
    pub(super) unlogged: Vec<String>,
    pub(super) space: Space,
    pub(super) sealer: Arc<Sealer>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) time: Arc<Time>,
    pub(super) listener: Listener,
    pub(super) stop: Stop,
    pub(super) pulse: Arc<Pulse>,
    pub(super) meter: Arc<Meter>,
    /// Let go of last.
    pub(super) lock: Lock,
}

/// A change and who waits for it.
struct Waiting {
    change: Box<Change>,
    answer: oneshot::Sender<Result<Committed, CommitError>>,
}

/// A change that is written, within the transaction.
struct Written {
    position: i64,
    /// For each token it inserted, in order.
    numbers: Vec<i64>,
    /// For `narrowings.log`.
    lines: Vec<String>,
}

/// A group that did not become durable.
enum Failed {
    /// Certainly not: the disk is full.
    Full,
    /// Certainly not: it failed before COMMIT.
    Undone(Cause),
    /// Nobody can say.
    Unknown(Cause),
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Writer {
    /// Works until it is told to close, or everybody who could ask is gone.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(GROUP);
        let mut closing = Vec::new();
        while closing.is_empty() && inbox.blocking_recv_many(&mut jobs, GROUP) > 0 {
            let mut waiting = Vec::new();
            let mut beside = Vec::new();
            for job in jobs.drain(..) {
                match job {
                    Job::Commit { change, answer } => waiting.push(Waiting { change, answer }),
                    Job::Beside { what, answer } => beside.push((what, answer)),
                    Job::Close { done } => closing.push(done),
                }
            }
            self.space.keep();
            self.commit(waiting);
            for (what, answer) in beside {
                // Whoever asked may be gone; it is done all the same.
                let _ = answer.send(self.beside(&what));
            }
        }
        self.pulse.alive.store(false, Ordering::SeqCst);
        // Whoever was too late is told so by the end of the channel.
        drop(inbox);
        self.tidy_up();
        drop(self.lock);
        for done in closing {
            let _ = done.send(());
        }
    }

    fn commit(&mut self, mut waiting: Vec<Waiting>) {
        if self.space.is_low() {
            waiting = refuse_what_grows(waiting);
        }
        let begun = self.time.boot();
        let mut outcome = self.group(&mut waiting);
        if let Err(Failed::Full) = outcome {
            if let Err(cause) = self.space.release() {
                tracing::error!(%cause, "could not let go of the disk space kept aside");
            }
            waiting = refuse_what_grows(waiting);
            outcome = self.group(&mut waiting);
        }
        if outcome.is_ok() && !waiting.is_empty() {
            self.meter.groups.observe(self.time.boot().abs_diff(begun));
        }
        match outcome {
            Ok(written) => self.settle(waiting, written),
            Err(Failed::Full) => answer_all(waiting, || CommitError::Full),
            Err(Failed::Undone(cause)) => {
                tracing::error!(%cause, "could not write a group of changes");
                let cause = cause.to_string();
                answer_all(waiting, || Unavailable::because(cause.clone()).into());
            }
            Err(Failed::Unknown(cause)) => {
                self.give_up(&*cause);
                answer_all(waiting, || gone().into());
            }
        }
    }

    /// Writes a group in one transaction. Ok: durable, each change with what became of it.
    fn group(&mut self, waiting: &mut [Waiting]) -> Result<Vec<Result<Written, Miss>>, Failed> {
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        if !self.pulse.alive.load(Ordering::SeqCst) {
            return Err(Failed::Undone("the writer has stopped".into()));
        }
        let many = waiting.iter().any(|each| each.change.writes.iter().any(is_of_many));
        if many {
            self.cache(PAGES_OF_MANY);
        }
        let written = self.transaction(waiting);
        if many {
            self.cache(open::PAGES);
        }
        written
    }

    fn transaction(&mut self, waiting: &mut [Waiting]) -> Result<Vec<Result<Written, Miss>>, Failed> {
        let mut head = self.head;
        let written = match self.write_group(waiting, &mut head) {
            Ok(written) => written,
            Err(cause) => return Err(self.undo(cause)),
        };
        match self.db.execute_batch("COMMIT") {
            Ok(()) => {
                self.head = head;
                Ok(written)
            }
            // A full disk is reported for a write that was not finished, so the log has no whole
            // commit; what fails to be *synced* is another error.
            Err(cause) if is_full(&cause) => Err(self.undo(cause)),
            Err(cause) => Err(Failed::Unknown(cause.into())),
        }
    }

    /// Gives SQLite room for so much of the file; what it has beyond that it lets go of.
    fn cache(&self, kibibytes: u32) {
        let sql = format!("PRAGMA cache_size = -{kibibytes}; PRAGMA shrink_memory");
        // It goes on with what it has.
        if let Err(cause) = self.db.execute_batch(&sql) {
            tracing::warn!(%cause, "could not set how much of the database is kept in memory");
        }
    }

    fn undo(&self, cause: impl Into<Cause>) -> Failed {
        // Some errors have rolled back already, and then this one is refused.
        let _ = self.db.execute_batch("ROLLBACK");
        match cause.into() {
            cause if !self.db.is_autocommit() => Failed::Unknown(cause),
            cause if cause.downcast_ref().is_some_and(is_full) => Failed::Full,
            cause => Failed::Undone(cause),
        }
    }

    fn write_group(
        &self,
        waiting: &mut [Waiting],
        head: &mut Head,
    ) -> Result<Vec<Result<Written, Miss>>, Cause> {
        let db = &self.db;
        let before = head.seq;
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        if self.unlogged.is_empty() {
            db.prepare_cached(FORGET)?.execute([])?;
        }
        let (dialect, now) = (Dialect::Sqlite, self.time.now());
        let tools = Tools { dialect, sealer: &self.sealer, entropy: &*self.entropy, now };
        let mut all = Vec::with_capacity(waiting.len());
        // One alone needs no savepoint, for which a copy of every page it changes would be kept.
        let alone = waiting.len() == 1;
        let mut place = self.narrowings.end() + length(&self.unlogged);
        for each in waiting {
            let mut next = *head;
            writes::in_order(&mut each.change, Timestamp::from_micros(head.at));
            if !alone {
                db.prepare_cached("SAVEPOINT change")?.execute([])?;
            }
            let written = write_change(db, &each.change, &tools, (&self.narrowing_key, place), &mut next);
            match written {
                Ok(ref written) => {
                    *head = next;
                    place += length(&written.lines);
                }
                Err(Miss::Database(cause)) => return Err(cause),
                Err(_) if alone => db.execute_batch("ROLLBACK; BEGIN IMMEDIATE")?,
                Err(_) => {
                    db.prepare_cached("ROLLBACK TO change")?.execute([])?;
                }
            }
            if !alone {
                db.prepare_cached("RELEASE change")?.execute([])?;
            }
            all.push(written);
        }
        if head.seq != before {
            let moved = execute::run(db, &head.moved_from(before))?;
            if moved != 1 {
                // Nobody else may write here; see the lock.
                return Err(rusqlite::Error::StatementChangedRows(moved).into());
            }
        }
        Ok(all)
    }

    /// What follows a commit: the log, the listener, the answers.
    fn settle(&mut self, waiting: Vec<Waiting>, written: Vec<Result<Written, Miss>>) {
        if waiting.is_empty() {
            return;
        }
        let logged = self.log_narrowings(written.iter().flatten().flat_map(|written| &written.lines));
        if let Err(cause) = &logged
            && cause.kind() != io::ErrorKind::StorageFull
        {
            self.give_up(cause);
            answer_all(waiting, || gone().into());
            return;
        }
        let mut snapshot = Snapshot { position: self.head.seq, ..Snapshot::default() };
        let mut answers = Vec::with_capacity(waiting.len());
        for (Waiting { change, answer }, written) in waiting.into_iter().zip(written) {
            let narrows = change.narrows;
            let result = match written {
                Ok(written) => {
                    let number = written.numbers.last().copied();
                    let mut numbers = written.numbers.into_iter();
                    for write in change.writes {
                        let inserts = matches!(write, Write::InsertToken { .. });
                        let number = if inserts { numbers.next() } else { None };
                        writes::settle(write, number, &mut snapshot);
                    }
                    let committed = Committed { position: written.position, number };
                    match &logged {
                        // It is committed and will be in the log, but a backup restored right
                        // now would undo it, so the promise cannot be given yet.
                        Err(cause) if narrows => Err(Unavailable::because(cause.to_string()).into()),
                        _ => Ok(committed),
                    }
                }
                Err(miss) => Err(writes::refused(miss)),
            };
            answers.push((answer, result));
        }
        self.time.at_least(Timestamp::from_micros(self.head.at));
        let moved = self.pulse.position.swap(self.head.seq, Ordering::SeqCst) != self.head.seq;
        if moved {
            (self.listener)(Heard::Rows(snapshot));
            self.pulse.news.send_replace(self.head.seq);
        }
        for (answer, result) in answers {
            let _ = answer.send(result);
        }
    }

    /// Appends to `narrowings.log`, with what could not be appended before.
    fn log_narrowings<'a>(&mut self, lines: impl Iterator<Item = &'a String>) -> io::Result<()> {
        self.unlogged.extend(lines.cloned());
        if self.unlogged.is_empty() {
            return Ok(());
        }
        let mut done = self.narrowings.append(self.unlogged.iter().map(String::as_str));
        if done.as_ref().is_err_and(|cause| cause.kind() == io::ErrorKind::StorageFull) {
            self.space.release()?;
            done = self.narrowings.append(self.unlogged.iter().map(String::as_str));
        }
        if done.is_ok() {
            self.unlogged.clear();
        }
        done
    }

    fn beside(&mut self, what: &Beside) -> Result<Purged, CommitError> {
        if !self.pulse.alive.load(Ordering::SeqCst) {
            return Err(gone().into());
        }
        if what.grows() && self.space.is_low() {
            return Err(CommitError::Full);
        }
        let begun = self.db.execute_batch("BEGIN IMMEDIATE");
        let statements = what.statements();
        let all = || -> rusqlite::Result<Vec<usize>> {
            statements.iter().map(|query| execute::run(&self.db, query)).collect()
        };
        let failed = match begun.and_then(|()| all()) {
            Err(cause) => self.undo(cause),
            Ok(changed) => match self.db.execute_batch("COMMIT") {
                Ok(()) => return Ok(what.purged(&changed)),
                Err(cause) if is_full(&cause) => self.undo(cause),
                Err(cause) => Failed::Unknown(cause.into()),
            },
        };
        match failed {
            Failed::Full => Err(CommitError::Full),
            Failed::Undone(cause) => Err(Unavailable::because(cause).into()),
            Failed::Unknown(cause) => {
                self.give_up(&*cause);
                Err(gone().into())
            }
        }
    }

    /// The commit may be there or not, and only opening the file again can tell. Memory must not
    /// go on answering from before it, so the process ends; in tests, only this store does.
    fn give_up(&self, cause: &dyn std::error::Error) {
        let sentence =
            format!("stopping: could not make a commit durable, and it may be there all the same ({cause})");
        tracing::error!("{sentence}");
        self.pulse.alive.store(false, Ordering::SeqCst);
        (self.stop)(&sentence);
    }

    /// Moves the log into the database, so that the file alone is everything.
    fn tidy_up(&mut self) {
        let tidy = || -> rusqlite::Result<()> {
            if self.unlogged.is_empty() {
                self.db.execute_batch(FORGET)?;
            }
            self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        };
        // Nothing is lost without it: the next start finds the log and reads it.
        if let Err(cause) = tidy() {
            tracing::warn!(%cause, "could not tidy up the database");
        }
    }
}

fn write_change(
    db: &Connection,
    change: &Change,
    tools: &Tools<'_>,
    log: (&Key, u64),
    head: &mut Head,
) -> Result<Written, Miss> {
    writes::is_told(change)?;
    check(db, change)?;
    let mut numbers = Vec::new();
    for step in writes::all_steps(change, tools)? {
        numbers.extend(execute::step(db, &step)?);
    }
    let lines = head.append(change, Touched::by(change), tools.entropy);
    execute::insert(db, &journal::insert(lines)).map_err(execute::miss)?;
    let lines = match change.narrows {
        true => narrow(db, change, head, log).map_err(execute::miss)?,
        false => Vec::new(),
    };
    Ok(Written { position: head.seq, numbers, lines })
}

fn check(db: &Connection, change: &Change) -> Result<(), Miss> {
    let Some(question) = checks::question(change, Dialect::Sqlite) else { return Ok(()) };
    let mut statement = db.prepare_cached(&question.text).map_err(execute::miss)?;
    let mut rows = statement.query(execute::values(&question).as_slice()).map_err(execute::miss)?;
    let row = rows.next().map_err(execute::miss)?;
    checks::answer(change, row.ok_or(Miss::Malformed("its conditions were not answered"))?)
}

fn is_of_many(write: &Write) -> bool {
    matches!(write, Write::RevokeTokens { tokens, .. } if tokens.len() > MANY)
}

/// The lines that `narrowings.log` will have from `place` on, kept until it has them.
fn narrow(
    db: &Connection,
    change: &Change,
    head: &Head,
    (key, mut place): (&Key, u64),
) -> rusqlite::Result<Vec<String>> {
    let at = change.entries.last().map(|entry| entry.at);
    let mut lines = Vec::new();
    for write in &change.writes {
        let Some((table, row)) = narrowings::narrowed(write) else { continue };
        let line = Line::new(head, at, table, row, key).text();
        let values = params![head.seq, lines.len() as i64, place.cast_signed(), line];
        db.prepare_cached(narrowings::KEEP)?.execute(values)?;
        place += line.len() as u64 + 1;
        lines.push(line);
    }
    Ok(lines)
}

/// How many bytes of the log these lines are.
fn length(lines: &[String]) -> u64 {
    lines.iter().map(|line| line.len() as u64 + 1).sum()
}

/// Refuses all but what ends something; that is what stays.
fn refuse_what_grows(waiting: Vec<Waiting>) -> Vec<Waiting> {
    let (ending, others): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|each| each.change.ends);
    answer_all(others, || CommitError::Full);
    ending
}

fn answer_all(waiting: Vec<Waiting>, error: impl Fn() -> CommitError) {
    for each in waiting {
        let _ = each.answer.send(Err(error()));
    }
}

fn is_full(cause: &rusqlite::Error) -> bool {
    cause.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

pub(super) fn gone() -> Unavailable {
    Unavailable::because("the store has stopped")
}
