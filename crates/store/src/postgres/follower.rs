//! What makes several processes one server: each says how far it is, and reads what others wrote.
//!
//! A *beat*, every 250 ms or when somebody hints that there is something: one statement writes this
//! peer's row and returns the head, the database's time, and the hash at the place this peer
//! believes to be at. What the journal has beyond that place is checked link by link and the rows
//! that it touched are read again, in one snapshot. If anything was applied, the next beat follows
//! at once: it is the acknowledgement.
//!
//! Whatever does not fit (another history, another database, this peer's row gone) empties the
//! memory, and the peer joins anew at the head: nothing that it remembers can then be wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::connect::{Address, Link, READ, late};
use super::execute;
use super::herald::CHANNEL;
use super::time::Time;
use crate::common::Common;
use crate::contract::{Heard, Listener, Unavailable};
use crate::figures::Peer;
use crate::journal::{self, Head, Touched};
use crate::migrations;
use crate::sql::loads::{self, EPOCH};
use crate::sql::query::{Query, Read, values};
use crate::sql::rows;

/// How long a peer is silent at most.
const BEAT: Duration = Duration::from_millis(250);

/// Pause before another try, where the database is away.
const RETRY: Duration = Duration::from_millis(200);

/// How long a peer's row may stand still before another one takes it away, in microseconds. Ten
/// seconds and 2% for clocks that run apart: as long as a process may one day believe itself current.
const FORGOTTEN: i64 = 10_200_000;

/// How long the first answer may take, in microseconds: by as much the time may be taken for later
/// than it is.
const PROMPT: i64 = 1_000_000;

/// Entries applied at a time.
const STRETCH: usize = 1_000;

/// How far this peer has applied the journal, and which parts of it are its own.
pub(super) struct Applied {
    progress: Mutex<Progress>,
    /// The last entry that memory knows of, for those who wait for it to move.
    news: watch::Sender<i64>,
}

struct Progress {
    seq: i64,
    hash: [u8; 32],
    epoch: String,
    /// How often this peer has joined: what was begun before belongs to another history.
    joins: u64,
    /// When the database last answered a beat, by the boot clock.
    heard: i64,
    /// How many others had a row at that beat; none yet after joining.
    others: Option<usize>,
    /// The last entry of the journal at that beat.
    head: i64,
    /// Groups that this peer committed, of which memory knows already, by where they begin.
    own: BTreeMap<i64, (Head, Head)>,
}

impl Applied {
    pub(super) fn new() -> Self {
        let own = BTreeMap::new();
        let progress = Mutex::new(Progress {
            seq: 0,
            hash: journal::GENESIS,
            epoch: String::new(),
            joins: 0,
            heard: 0,
            others: None,
            head: 0,
            own,
        });
        Self { progress, news: watch::Sender::new(0) }
    }

    pub(super) fn news(&self) -> watch::Receiver<i64> {
        self.news.subscribe()
    }

    /// Tells those who wait, where the place has moved.
    fn tell(&self, progress: &Progress) {
        self.news.send_if_modified(|seq| std::mem::replace(seq, progress.seq) != progress.seq);
    }

    /// This peer has committed a group, and memory knows of it. False: it has joined anew since the
    /// group began, `joins` times, and memory may know what is not so any more.
    #[must_use]
    pub(super) fn own(&self, joins: u64, before: Head, after: Head) -> bool {
        let mut progress = self.lock();
        if progress.joins != joins {
            return false;
        }
        progress.own.insert(before.seq, (before, after));
        progress.pass();
        self.tell(&progress);
        true
    }

    /// How often this peer has joined.
    pub(super) fn joins(&self) -> u64 {
        self.lock().joins
    }

    /// The last entry that memory knows of, and all before it.
    pub(super) fn position(&self) -> i64 {
        self.lock().seq
    }

    pub(super) fn epoch(&self) -> String {
        self.lock().epoch.clone()
    }

    fn place(&self) -> (i64, [u8; 32]) {
        let progress = self.lock();
        (progress.seq, progress.hash)
    }

    /// When the database last answered, by the boot clock; microseconds.
    pub(super) fn heard(&self) -> i64 {
        self.lock().heard
    }

    /// Whether no other peer was there at the last beat.
    pub(super) fn is_alone(&self) -> bool {
        self.lock().others == Some(0)
    }

    /// The last entry of the journal and how many other peers there were, at the last beat.
    pub(super) fn seen(&self) -> (i64, usize) {
        let progress = self.lock();
        (progress.head.max(progress.seq), progress.others.unwrap_or(0))
    }

    fn join(&self, head: Head, epoch: String, heard: i64) {
        let mut progress = self.lock();
        let own = BTreeMap::new();
        let joins = progress.joins + 1;
        let (seq, hash) = (head.seq, head.hash);
        *progress = Progress { seq, hash, epoch, joins, heard, others: None, head: seq, own };
        self.tell(&progress);
    }

    /// The database has answered a beat.
    fn beaten(&self, heard: i64, others: usize, head: i64) {
        let mut progress = self.lock();
        (progress.heard, progress.others, progress.head) = (heard, Some(others), head);
    }

    /// Whether memory knows of this entry because this peer wrote it.
    fn is_own(&self, seq: i64) -> bool {
        let progress = self.lock();
        let before = progress.own.range(..seq).next_back();
        before.is_some_and(|(_, (_, after))| seq <= after.seq)
    }

    /// Memory knows of everything up to this entry.
    fn reach(&self, seq: i64, hash: [u8; 32]) {
        let mut progress = self.lock();
        if seq > progress.seq {
            (progress.seq, progress.hash) = (seq, hash);
        }
        progress.pass();
        self.tell(&progress);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        // Each change of it is a few assignments that cannot fail in between.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    /// Goes on over own groups that follow where this peer is.
    fn pass(&mut self) {
        while let Some(first) = self.own.first_entry() {
            let (before, after) = *first.get();
            if after.seq <= self.seq {
                first.remove();
            } else if before.seq == self.seq && before.hash == self.hash {
                (self.seq, self.hash) = (after.seq, after.hash);
                first.remove();
            } else {
                return;
            }
        }
    }
}

/// The task that follows.
pub(super) struct Follower {
    pub(super) address: Address,
    pub(super) id: String,
    pub(super) incarnation: i64,
    pub(super) applied: Arc<Applied>,
    pub(super) time: Arc<Time>,
    pub(super) listener: Listener,
    pub(super) common: Arc<Common>,
    /// What other peers hint at.
    pub(super) hints: (mpsc::Sender<()>, mpsc::Receiver<()>),
    /// Rows of other peers as they were last seen: beat, and since when by the boot clock.
    pub(super) others: BTreeMap<String, (i64, i64)>,
}

/// Why a peer cannot go on from where it is.
enum Failed {
    /// The database could not be asked; it may be back the next moment.
    Away(Unavailable),
    /// What the database has is not what this peer has seen.
    Astray(&'static str),
}

impl<E: Into<Unavailable>> From<E> for Failed {
    fn from(cause: E) -> Self {
        Self::Away(cause.into())
    }
}

/// A place in the order at which everything is known.
struct Place {
    head: Head,
    epoch: String,
}

impl Follower {
    /// Takes part, from the head on. Nothing may be remembered from before.
    pub(super) async fn join(&mut self, link: &Link) -> Result<(), Unavailable> {
        self.incarnation += 1;
        let place = bounded(self.enter(link)).await?;
        self.time.at_least(place.head.at);
        tracing::info!(position = place.head.seq, "joined as {} at entry {}", self.id, place.head.seq);
        self.applied.join(place.head, place.epoch, self.time.boot());
        Ok(())
    }

    async fn enter(&self, link: &Link) -> Result<Place, Unavailable> {
        let sql = format!(
            "INSERT INTO peer (id, incarnation, applied, beat, known)
             SELECT ?1, ?2, head.seq, {CLOCK}, ?3
             FROM head
             ON CONFLICT (id) DO UPDATE
             SET incarnation = excluded.incarnation, applied = excluded.applied, beat = excluded.beat,
                 known = excluded.known
             RETURNING applied, (SELECT at FROM head), (SELECT hash FROM head), ({EPOCH}), beat"
        );
        let query = Query::new(sql, values![&self.id, self.incarnation, migrations::known()]);
        // Either machine may have been busy for a moment.
        for _ in 0..3 {
            let sent = self.time.boot();
            let found = execute::rows(&link.client, &query).await?;
            let received = self.time.boot();
            let row = found.first().ok_or_else(|| Unavailable::because("the journal has no head"))?;
            let head = rows::head(row)?;
            if received - sent <= PROMPT {
                self.time.sample(rows::int(row, 4)?, sent, received);
                return Ok(Place { head, epoch: rows::string(row, 3)? });
            }
        }
        Err(Unavailable::because("the database answers too slowly to learn its time"))
    }

    /// Follows until it is told to stop, then takes its row away.
    pub(super) async fn run(mut self, link: Link, mut stopped: watch::Receiver<bool>) {
        let mut link = Some(link);
        let mut next = Instant::now();
        // Said once, and once that it is over.
        let mut away = false;
        loop {
            let hinted = tokio::select! {
                _ = stopped.changed() => break,
                Some(()) = self.hints.1.recv() => true,
                () = sleep_until(next) => false,
            };
            let pause = match self.step(&mut link, hinted).await {
                Ok(more) => {
                    if std::mem::take(&mut away) {
                        tracing::info!("the database is followed again");
                    }
                    if more { Duration::ZERO } else { BEAT }
                }
                Err(cause) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(cause = %cause.0, "the database cannot be followed: {}", cause.0);
                    }
                    link = None;
                    RETRY
                }
            };
            next = Instant::now() + pause;
        }
        if let Some(link) = link {
            let query = Query::new("DELETE FROM peer WHERE id = ?1", values![&self.id]);
            if bounded(async { Ok(execute::run(&link.client, &query).await?) }).await.is_err() {
                tracing::warn!("this peer's row stays until the others take it away");
            }
        }
    }

    /// Connects where need be, and takes one step: a beat, or where somebody `hinted`, first a look.
    /// A beat waits for the disk, and what was taken away should stop at once. True: there is more
    /// to say.
    async fn step(&mut self, link: &mut Option<Link>, hinted: bool) -> Result<bool, Unavailable> {
        if link.as_ref().is_none_or(Link::is_closed) {
            *link = Some(self.connect().await?);
            // Nobody could beat while the database was away.
            self.others.clear();
        }
        let link = link.as_ref().expect("it was made above");
        let step =
            async { Ok(if hinted { self.apply(link).await.map(|_| true) } else { self.beat(link).await }) };
        match bounded(step).await? {
            Ok(more) => Ok(more),
            Err(Failed::Away(cause)) => Err(cause),
            Err(Failed::Astray(why)) => {
                tracing::error!("this peer forgets everything and joins anew: {why}");
                self.forget();
                self.join(link).await?;
                // What was filled in between the two may be older than the place of joining.
                self.forget();
                // Should it go astray at once again, not without a pause.
                Err(Unavailable::because("this peer has joined anew"))
            }
        }
    }

    fn forget(&self) {
        self.common.forget();
        (self.listener)(Heard::Lost);
    }

    pub(super) async fn connect(&self) -> Result<Link, Unavailable> {
        let link = Link::open(&self.address, Some((self.hints.0.clone(), self.id.clone()))).await?;
        bounded(async { Ok(link.client.batch_execute(&format!("LISTEN {CHANNEL}")).await?) }).await?;
        Ok(link)
    }

    /// One beat. True: something was applied, so that the next one has something to say.
    async fn beat(&mut self, link: &Link) -> Result<bool, Failed> {
        let (seq, hash) = self.applied.place();
        let sql = format!(
            "WITH me AS (
                 UPDATE peer
                 SET applied = ?2, beat = {CLOCK}
                 WHERE id = ?1 AND incarnation = ?3
                 RETURNING beat
             )
             SELECT head.seq, head.at, head.hash, ({EPOCH}), me.beat,
                    (SELECT hash FROM journal WHERE seq = ?2)
             FROM head CROSS JOIN me"
        );
        let query = Query::new(sql, values![&self.id, seq, self.incarnation]);
        let sent = self.time.boot();
        let found = execute::rows(&link.client, &query).await?;
        let received = self.time.boot();
        let row = found.first().ok_or(Failed::Astray("its row was taken away, or another has its name"))?;
        let head = rows::head(row)?;
        if rows::string(row, 3)? != self.applied.epoch() {
            return Err(Failed::Astray("the database is another one, or was restored"));
        }
        self.time.sample(rows::int(row, 4)?, sent, received);
        let here = rows::bytes_or_none(row, 5)?.unwrap_or(journal::GENESIS);
        if head.seq < seq || here != hash {
            return Err(Failed::Astray("the journal's history is not the one that was applied"));
        }
        self.time.at_least(head.at);
        self.look_around(link).await?;
        self.applied.beaten(received, self.others.len(), head.seq);
        if head.seq == seq { Ok(false) } else { self.apply(link).await }
    }

    /// Applies what follows in the journal.
    async fn apply(&self, link: &Link) -> Result<bool, Failed> {
        let (mut seq, mut hash) = self.applied.place();
        let from = seq;
        let sql = "
            SELECT seq, entry_hash, hash, touched
            FROM journal
            WHERE seq > ?1
            ORDER BY seq
            LIMIT ?2";
        let query = Query::new(sql, values![seq, STRETCH as i64]);
        let mut touched = Touched::default();
        for row in execute::rows(&link.client, &query).await? {
            seq += 1;
            hash = journal::chain(&hash, seq, &rows::bytes(&row, 1)?);
            if rows::int(&row, 0)? != seq || rows::bytes(&row, 2)? != hash {
                return Err(Failed::Astray("the journal's chain is broken"));
            }
            if let Some(text) = rows::string_or_none(&row, 3)?
                && !self.applied.is_own(seq)
            {
                touched.add(serde_json::from_str(&text).map_err(Unavailable::because)?);
            }
        }
        if !touched.is_empty() {
            let load = loads::touched(touched);
            let read =
                execute::read(&link.client, Read { queries: load.queries, state: load.state, row: load.row });
            let snapshot = read.await?.snapshot;
            if snapshot.position < seq {
                return Err(Failed::Astray("it was answered from the past"));
            }
            (self.listener)(Heard::Rows(snapshot));
        }
        self.applied.reach(seq, hash);
        Ok(seq > from)
    }

    /// Takes away the rows of peers that have stood still for too long: a process that was killed
    /// takes none away itself. Only the very beat that was seen to stand still.
    async fn look_around(&mut self, link: &Link) -> Result<(), Failed> {
        let now = self.time.boot();
        let query = Query::new("SELECT id, beat FROM peer WHERE id <> ?1", values![&self.id]);
        let mut seen = BTreeMap::new();
        for row in execute::rows(&link.client, &query).await? {
            let (id, beat) = (rows::string(&row, 0)?, rows::int(&row, 1)?);
            let since = match self.others.get(&id) {
                Some((last, since)) if *last == beat => *since,
                _ => now,
            };
            if now - since > FORGOTTEN {
                let sql = "DELETE FROM peer WHERE id = ?1 AND beat = ?2";
                execute::run(&link.client, &Query::new(sql, values![&id, beat])).await?;
                tracing::info!("peer {id} has not been heard of and counts no more");
            } else {
                seen.insert(id, (beat, since));
            }
        }
        self.others = seen;
        Ok(())
    }
}

/// The ids of other peers that have beaten since they could be forgotten.
pub(super) fn others(id: &str) -> Read<Vec<String>> {
    let sql = format!("SELECT id FROM peer WHERE id <> ?1 AND beat > {CLOCK} - {FORGOTTEN} ORDER BY id");
    Read {
        queries: vec![Query::new(sql, values![id.to_owned()])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::string(row, 0)?);
            Ok(())
        },
    }
}

/// The rows of all peers, this one's too.
pub(super) fn peers(id: &str) -> Read<(String, Vec<Peer>)> {
    let sql = format!("SELECT id, applied, {CLOCK} - beat, known FROM peer ORDER BY id");
    Read {
        queries: vec![Query::new(sql, values![])],
        state: (id.to_owned(), Vec::new()),
        row: |(own, all), _, row| {
            let id = rows::string(row, 0)?;
            all.push(Peer {
                own: id == *own,
                id,
                applied: rows::int(row, 1)?,
                silent: rows::int(row, 2)?.max(0),
                known: rows::int(row, 3)?,
            });
            Ok(())
        },
    }
}

/// The database's clock, in microseconds.
pub(crate) const CLOCK: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

async fn bounded<T>(work: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
    timeout(READ, work).await.unwrap_or_else(|_| Err(late()))
}
