//! The one task of this peer that writes.
//!
//! Up to 64 waiting changes go into one transaction, each in a savepoint, so that a refused one
//! falls alone. The transaction locks the head row first, and with it the order of the whole
//! server: numbers are given out in the order of commits, and what a guard counts stays counted.
//! Then, in this order: COMMIT, the listener, the answers.
//!
//! Where nobody can say whether COMMIT went through, the callers hear that; whether it did is in
//! the journal, which this peer follows like any other's.

use std::sync::Arc;
use std::time::Duration;

use domain::change::{Change, Write};
use domain::facts::Snapshot;
use domain::time::Timestamp;
use futures_util::future::{join, join3};
use token::Entropy;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::connect::{Address, Link, late};
use super::creations;
use super::execute;
use super::follower::Applied;
use super::time::Time;
use crate::contract::{CommitError, Committed, Heard, Listener, Unavailable};
use crate::figures::Meter;
use crate::journal::{self, Head, Line, Touched};
use crate::sealing::Sealer;
use crate::sql::loads::EPOCH;
use crate::sql::query::Query;
use crate::sql::rows;
use crate::sql::writes::{self, Miss, Tools};
use crate::sql::{Dialect, checks};

/// Changes in one transaction, at most: as many savepoints as PostgreSQL keeps at hand.
pub(super) const GROUP: usize = 64;

/// Begins what writes. The lock is waited for no longer than a caller would; an old setting of the
/// server must not make a commit less durable than it is answered to be.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
                     SET LOCAL synchronous_commit = on; \
                     SET LOCAL lock_timeout = '4s'; \
                     SET LOCAL statement_timeout = '5s'; \
                     SET LOCAL idle_in_transaction_session_timeout = '5s'";

/// How long a group may take before its connection is given up.
const PATIENCE: Duration = Duration::from_secs(8);

/// What the task is handed.
pub(super) enum Job {
    Commit { change: Box<Change>, answer: oneshot::Sender<Result<Committed, CommitError>> },
    Close { done: oneshot::Sender<()> },
}

pub(super) struct Writer {
    pub(super) address: Address,
    pub(super) link: Option<Link>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) time: Arc<Time>,
    pub(super) listener: Listener,
    pub(super) applied: Arc<Applied>,
    /// Rung after each commit, for those who tell the other peers.
    pub(super) committed: Arc<Notify>,
    pub(super) meter: Arc<Meter>,
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
}

/// A group that is durable: where the journal was before and is now, and what became of each.
struct Group {
    before: Head,
    after: Head,
    written: Vec<Result<Written, Miss>>,
}

impl Writer {
    /// Works until it is told to close, or everybody who could ask is gone.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(GROUP);
        let mut closing = Vec::new();
        // Ahead of the first change; where it fails, that one tries again.
        self.link = Link::open(&self.address, None).await.ok();
        while closing.is_empty() && inbox.recv_many(&mut jobs, GROUP).await > 0 {
            let mut waiting = Vec::new();
            for job in jobs.drain(..) {
                match job {
                    Job::Commit { change, answer } => waiting.push(Waiting { change, answer }),
                    Job::Close { done } => closing.push(done),
                }
            }
            if !waiting.is_empty() {
                self.commit(waiting).await;
            }
        }
        // Whoever was too late is told so by the end of the channel.
        drop(inbox);
        drop(self.link);
        for done in closing {
            let _ = done.send(());
        }
    }

    async fn commit(&mut self, mut waiting: Vec<Waiting>) {
        let joins = self.applied.joins();
        let begun = self.time.boot();
        let grouped = self.write(&mut waiting).await;
        match grouped {
            Ok(group) => {
                self.meter.groups.observe(self.time.boot().abs_diff(begun));
                self.settle(waiting, group, joins);
            }
            Err(cause) => {
                let cause = cause.0.to_string();
                tracing::error!(%cause, "could not write a group of changes: {cause}");
                for each in waiting {
                    let _ = each.answer.send(Err(Unavailable::because(cause.clone()).into()));
                }
            }
        }
    }

    /// Writes a group on the connection, or on a new one. Where that does not end well, the
    /// connection is given up: the database undoes what was begun, unless a COMMIT was on its way.
    async fn write(&mut self, waiting: &mut [Waiting]) -> Result<Group, Unavailable> {
        let link = match self.link.take().filter(|link| !link.is_closed()) {
            Some(link) => link,
            None => Link::open(&self.address, None).await?,
        };
        let epoch = self.applied.epoch();
        let now = self.time.moment().latest;
        let dialect = Dialect::Postgres;
        let tools = Tools { dialect, sealer: &self.sealer, entropy: &*self.entropy, now };
        let group = timeout(PATIENCE, group(&link, &epoch, &tools, waiting)).await.map_err(|_| late())??;
        self.link = Some(link);
        Ok(group)
    }

    /// What follows a commit: the listener, the answers.
    fn settle(&mut self, waiting: Vec<Waiting>, group: Group, joins: u64) {
        let Group { before, after, written } = group;
        let mut snapshot = Snapshot { position: after.seq, ..Snapshot::default() };
        let mut answers = Vec::with_capacity(waiting.len());
        for (Waiting { change, answer }, written) in waiting.into_iter().zip(written) {
            let result = match written {
                Ok(written) => {
                    let number = written.numbers.last().copied();
                    let mut numbers = written.numbers.into_iter();
                    for write in change.writes {
                        let inserts = matches!(write, Write::InsertToken { .. });
                        let number = if inserts { numbers.next() } else { None };
                        writes::settle(write, number, &mut snapshot);
                    }
                    Ok(Committed { position: written.position, number })
                }
                Err(miss) => Err(writes::refused(miss)),
            };
            answers.push((answer, result));
        }
        if after.seq != before.seq {
            self.time.at_least(after.at);
            (self.listener)(Heard::Rows(snapshot));
            if !self.applied.own(joins, before, after) {
                (self.listener)(Heard::Lost);
            }
            self.committed.notify_one();
        }
        for (answer, result) in answers {
            let _ = answer.send(result);
        }
    }
}

/// Writes a group in one transaction.
async fn group(
    link: &Link,
    epoch: &str,
    tools: &Tools<'_>,
    waiting: &mut [Waiting],
) -> Result<Group, Unavailable> {
    let client = &link.client;
    let lock = Query::new(format!("SELECT seq, at, hash, ({EPOCH}) FROM head FOR UPDATE"), []);
    let (begun, head) = join(client.batch_execute(BEGIN), execute::rows(client, &lock)).await;
    begun?;
    let head = head?;
    let row = head.first().ok_or_else(|| Unavailable::because("the journal has no head"))?;
    let before = rows::head(row)?;
    // An old primary that nobody told takes commits of which no other peer will ever hear.
    if rows::string(row, 3)? != epoch {
        return Err(Unavailable::because("this connection leads to another database than is followed"));
    }
    let mut after = before;
    let mut written: Vec<Option<Result<Written, Miss>>> = waiting.iter().map(|_| None).collect();
    let mut next = "SAVEPOINT change";

    // Creations first: nobody promised an order among those who wait.
    let (fitting, changes): (Vec<usize>, Vec<&Change>) = waiting
        .iter()
        .enumerate()
        .map(|(n, each)| (n, &*each.change))
        .filter(|(_, change)| creations::fits(change))
        .unzip();
    if changes.len() > 1 {
        let (mut end, mut lines, mut positions) = (before, Vec::new(), Vec::new());
        for change in &changes {
            lines.extend(end.append(change, Touched::by(change), tools.entropy));
            positions.push(end.seq);
        }
        match creations::write(link, next, &changes, &journal::insert(lines), tools).await? {
            None => next = "ROLLBACK TO SAVEPOINT change",
            Some(made) => {
                next = "RELEASE SAVEPOINT change; SAVEPOINT change";
                after = end;
                for ((n, position), numbers) in fitting.into_iter().zip(positions).zip(made) {
                    written[n] = Some(Ok(Written { position, numbers }));
                }
            }
        }
    }
    let mut lines = Vec::new();
    for (each, written) in waiting.iter_mut().zip(&mut written).filter(|(_, written)| written.is_none()) {
        writes::in_order(&mut each.change, Timestamp::from_micros(after.at));
        let mut end = after;
        let done = write(link, next, &each.change, tools, &mut end).await;
        next = match done {
            Err(Miss::Database(cause)) => return Err(Unavailable(cause)),
            Err(_) => "ROLLBACK TO SAVEPOINT change",
            Ok(_) => "RELEASE SAVEPOINT change; SAVEPOINT change",
        };
        *written = Some(done.map(|(numbers, said)| {
            lines.extend(said);
            after = end;
            Written { position: after.seq, numbers }
        }));
    }
    if next.starts_with("ROLLBACK") {
        client.batch_execute(next).await?;
    }
    link.was_warned();
    // One after the other on the wire, without waiting: where one fails, COMMIT rolls back.
    let entries = async {
        match lines.is_empty() {
            true => Ok(0),
            false => execute::insert(client, &journal::insert(lines)).await,
        }
    };
    let moved = after.moved_from(before.seq);
    let head = async {
        match after.seq == before.seq {
            true => Ok(0),
            false => execute::run(client, &moved).await,
        }
    };
    let (entries, head, committed) = join3(entries, head, client.batch_execute("COMMIT")).await;
    entries?;
    head?;
    committed?;
    if link.was_warned() {
        return Err(Unavailable::because(
            "the commit is not known to be on the standby; it may be there all the same",
        ));
    }
    let written = written.into_iter().map(|each| each.expect("each was written or refused above")).collect();
    Ok(Group { before, after, written })
}

/// Carries out one change behind its savepoint. Returns the numbers it gave out, and the lines of its
/// entries, which go into the journal with those of the whole group.
async fn write<'c>(
    link: &Link,
    savepoint: &str,
    change: &'c Change,
    tools: &Tools<'_>,
    head: &mut Head,
) -> Result<(Vec<i64>, Vec<Line<'c>>), Miss> {
    let client = &link.client;
    let broken = |cause: tokio_postgres::Error| Miss::Database(execute::told(&cause).into());
    if let Some(question) = checks::question(change, Dialect::Postgres) {
        let begun = client.batch_execute(savepoint);
        let (begun, answer) = join(begun, execute::rows(client, &question)).await;
        begun.map_err(broken)?;
        let answer = answer.map_err(broken)?;
        let row = answer.first().ok_or(Miss::Malformed("its conditions were not answered"))?;
        checks::answer(change, row)?;
    } else {
        client.batch_execute(savepoint).await.map_err(broken)?;
    }
    writes::is_told(change)?;
    let steps = writes::all_steps(change, tools)?;
    let numbers = execute::steps(client, &steps).await?;
    let lines = head.append(change, Touched::by(change), tools.entropy);
    Ok((numbers, lines))
}
