//! SQLite: one thread that writes, a few connections that read, and the files around them.
//!
//! [`writer`] says how changes become durable; [`readers`] are the way out, and [`execute`] is
//! how either speaks to a connection.

pub(crate) mod execute;
pub(crate) mod open;
mod readers;
mod space;
mod writer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use domain::change::Change;
use domain::time::{Moment, Timestamp};
use token::Entropy;
use tokio::sync::{mpsc, oneshot, watch};

use crate::common::Common;
use crate::contract::{
    Clock, CommitError, Committed, Health, Listener, OpenError, Options, Purged, Stop, Unavailable,
};
use crate::figures::Now;
use crate::keys::Keys;
use crate::migrations::Migrated;
use crate::narrowings::{self, Narrowings};
use crate::sql::beside::Beside;
use crate::sql::loads::Load;
use crate::sql::query::Read;
use crate::sql::reads;
use crate::time::Time;
use readers::Readers;
use space::Space;
use writer::{GROUP, Job, Pulse, Writer, gone};

/// Changes that may wait for the writer before callers wait to hand theirs in.
const WAITING: usize = 16 * GROUP;

/// An open SQLite store; see [`Store`](crate::Store), whose methods these are.
pub struct Sqlite {
    data: PathBuf,
    pub(crate) common: Common,
    time: Arc<Time>,
    readers: Readers,
    pulse: Arc<Pulse>,
    ballast: Arc<AtomicBool>,
    watermark_bytes: u64,
    /// None once it is closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Brings the schema up to this program's. Nothing else may have the data open.
pub(crate) fn migrate(data: &Path) -> Result<Migrated, OpenError> {
    open::version()?;
    open::directory(data)?;
    let _lock = open::lock(data)?;
    let path = data.join("jeton.db");
    let mut db = open::writer(&path)?;
    open::migrate(&mut db, &path)
}

impl Sqlite {
    pub(crate) fn open(
        options: Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        listener: Listener,
        stop: Stop,
    ) -> Result<Self, OpenError> {
        let data = options.data;
        open::version()?;
        open::directory(&data)?;
        let lock = open::lock(&data)?;
        let io = |source| OpenError::Io { path: data.clone(), source };
        let space = Space::new(&data, options.ballast_bytes, options.watermark_bytes);
        space.make_room_to_open().map_err(io)?;

        let path = data.join("jeton.db");
        let failed = open::failed(&path);
        let keys = Keys::open(&options.keys, !path.exists(), &*entropy)?;
        let mut db = open::writer(&path)?;
        open::undamaged(&db, &path)?;
        open::migrate(&mut db, &path)?;
        open::right_keys(&db, &path, &keys)?;
        open::end(&mut db, &path)?;
        let head = execute::read(&mut db, reads::head()).map_err(open::unreadable(&path))?;
        let mut narrowings = Narrowings::open(&data).map_err(io)?;
        let kept = narrowings::kept(&db).map_err(&failed)?;
        let missing = narrowings.missing(&kept).map_err(io)?;
        let unlogged = unlogged(missing, &mut narrowings);
        space.keep();

        let readers = Readers::open(&path, options.readers.max(1)).map_err(&failed)?;
        let time = Arc::new(Time::starting_at(Timestamp::from_micros(head.at), clock));
        let pulse = Arc::new(Pulse {
            alive: true.into(),
            position: head.seq.into(),
            news: watch::Sender::new(head.seq),
        });
        let common = Common::new(keys);
        let ballast = space.held();
        let (jobs, inbox) = mpsc::channel(WAITING);
        let writer = Writer {
            db,
            head,
            narrowings,
            narrowing_key: narrowings::key(&common.keys),
            unlogged,
            space,
            sealer: common.sealer.clone(),
            entropy,
            time: time.clone(),
            listener,
            stop: stop.clone(),
            pulse: pulse.clone(),
            meter: common.meter.clone(),
            lock,
        };
        let thread = spawn(writer, inbox, stop, pulse.clone()).map_err(io)?;
        Ok(Self {
            data: data.clone(),
            common,
            time,
            readers,
            pulse,
            ballast,
            watermark_bytes: options.watermark_bytes,
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) fn moment(&self) -> Moment {
        self.time.now().into()
    }

    /// Rows for memory. The file is one, and there is no other peer to be behind of.
    pub(crate) async fn load(&self, read: Read<Load>) -> Result<Load, Unavailable> {
        self.read(read).await
    }

    pub(crate) async fn read<S: Send + 'static>(&self, read: Read<S>) -> Result<S, Unavailable> {
        self.readers.run(&self.common.meter.waiting_reads, move |db| execute::read(db, read)).await
    }

    pub(crate) async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.hand_in(Job::Commit { change: Box::new(change), answer }).await?;
        answered.await.unwrap_or_else(|_| Err(gone().into()))
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        let jobs = locked(&self.jobs).take();
        let (done, closed) = oneshot::channel();
        if let Some(jobs) = jobs
            && jobs.send(Job::Close { done }).await.is_ok()
        {
            // An error says that the thread is gone, which is what was asked for.
            let _ = closed.await;
        }
    }

    pub(crate) fn health(&self) -> Health {
        let free_bytes = space::free(&self.data);
        Health {
            writer_alive: self.pulse.alive.load(Ordering::SeqCst),
            position: self.pulse.position.load(Ordering::SeqCst),
            free_bytes,
            below_watermark: free_bytes.is_some_and(|free| free < self.watermark_bytes),
            ballast: self.ballast.load(Ordering::SeqCst),
        }
    }

    pub(crate) fn figures(&self) -> Now {
        let queued = |jobs: &mpsc::Sender<Job>| jobs.max_capacity() - jobs.capacity();
        Now {
            health: self.health(),
            waiting_changes: locked(&self.jobs).as_ref().map_or(0, queued),
            waiting_reads: self.common.meter.waiting_reads.read(),
            following: None,
        }
    }

    pub(crate) fn news(&self) -> watch::Receiver<i64> {
        self.pulse.news.subscribe()
    }

    pub(crate) async fn beside(&self, what: Beside) -> Result<Purged, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.hand_in(Job::Beside { what, answer }).await?;
        answered.await.unwrap_or_else(|_| Err(gone().into()))
    }

    async fn hand_in(&self, job: Job) -> Result<(), Unavailable> {
        let jobs = locked(&self.jobs).clone().ok_or_else(gone)?;
        jobs.send(job).await.map_err(|_| gone())
    }
}

impl Drop for Sqlite {
    /// As closing, so that whoever drops a store can open its files at once.
    fn drop(&mut self) {
        locked(&self.jobs).take();
        let thread = locked(&self.thread).take();
        if let Some(thread) = thread
            // The listener may hold the last handle, and a thread cannot wait for itself.
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

fn spawn(
    writer: Writer,
    inbox: mpsc::Receiver<Job>,
    stop: Stop,
    pulse: Arc<Pulse>,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name("store-writer".into()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(|| writer.run(inbox))).is_err() {
            // Between a commit and its listener, memory would be behind the facts for good.
            pulse.alive.store(false, Ordering::SeqCst);
            let sentence = "stopping: the writer of the store panicked";
            tracing::error!("{sentence}");
            stop(sentence);
        }
    })
}

/// Writes the lines that a crash left committed but not in the log. Those that do not go in
/// now, because the disk is full, go with the next.
fn unlogged(missing: Vec<String>, log: &mut Narrowings) -> Vec<String> {
    if missing.is_empty() {
        return missing;
    }
    match log.append(missing.iter().map(String::as_str)) {
        Ok(()) => Vec::new(),
        Err(cause) => {
            tracing::error!(%cause, "could not write to {}", narrowings::NAME);
            missing
        }
    }
}

/// What these locks hold is replaced whole, so it is right even after a panic.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
