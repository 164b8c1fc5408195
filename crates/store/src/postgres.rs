//! PostgreSQL: one task that writes, one that follows what other peers write, a pool of
//! connections that read. Who writes and who follows have a thread of their own: among the server's
//! requests each of their many short steps would wait for its turn, and the database for them.
//!
//! [`writer`] says how changes become durable, [`follower`] how several processes are one server;
//! [`execute`] is how either speaks to a connection.

mod connect;
mod creations;
pub(crate) mod execute;
pub(crate) mod follower;
mod herald;
pub(crate) mod schema;
mod time;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use domain::change::Change;
use domain::time::Moment;
use token::{Code, Entropy};
use tokio::runtime::{self, Runtime};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Client;

use crate::common::Common;
use crate::contract::{
    Clock, CommitError, Committed, Health, Listener, OpenError, Purged, Stop, Unavailable,
};
use crate::figures::{Following, Now, Peer};
use crate::keys::Keys;
use crate::migrations::Migrated;
use crate::place::Access;
use crate::sql::beside::Beside;
use crate::sql::loads::Load;
use crate::sql::query::Read;
use connect::{Address, Link};
use follower::{Applied, Follower};
use time::Time;
use writer::{GROUP, Job, Writer};

/// Changes that may wait for the writer before callers wait to hand theirs in.
const WAITING: usize = 16 * GROUP;

/// How long a caller waits for the writer. After that nobody can tell it what becomes of its change.
const ANSWER: Duration = Duration::from_secs(9);

/// Connections besides the pool: one that reads what memory misses, one that hints.
const ASIDE: usize = 2;

/// How long the database may be silent before this peer says that it takes no changes, in
/// microseconds of the boot clock: several beats.
const SILENCE: i64 = 2_000_000;

/// How long counts of use may take to be written, which can be those of very many tokens.
const BESIDE: Duration = Duration::from_secs(30);

/// An open PostgreSQL store; see [`Store`](crate::Store), whose methods these are.
pub struct Postgres {
    /// Of this peer's row.
    id: String,
    pub(crate) common: Arc<Common>,
    time: Arc<Time>,
    pool: Pool,
    /// For what memory misses, and for hints.
    aside: Pool,
    applied: Arc<Applied>,
    /// None once it is closed.
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    stop: watch::Sender<bool>,
    follower: Mutex<Option<JoinHandle<()>>>,
    _engine: Engine,
}

impl Postgres {
    pub(crate) async fn open(
        place: &crate::place::Postgres,
        access: &Access,
        connections: usize,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        listener: Listener,
        stop_process: Stop,
    ) -> Result<Self, OpenError> {
        let shown = place.to_string();
        let unavailable = |source| OpenError::Postgres { place: shown.clone(), source };
        let address = address(place, access)?;
        let link = Link::open(&address, None).await.map_err(unavailable)?;
        let failed = schema::failed(&shown);

        let has_keys = schema::has_keys(&link.client).await.map_err(&failed)?;
        let keys = Keys::open(&access.keys, !has_keys, &*entropy)?;
        schema::fit(&link.client, &shown).await?;
        schema::right_keys(&link.client, &shown, &keys).await?;
        schema::end(&link.client, &shown).await?;

        let common = Arc::new(Common::new(keys));
        let time = Arc::new(Time::starting_at(0, clock));
        let applied = Arc::new(Applied::new());
        let committed = Arc::new(Notify::new());
        let mut follower = Follower {
            address: address.clone(),
            id: format!("peer_{}", Code::draw(&*entropy)),
            incarnation: 0,
            applied: applied.clone(),
            time: time.clone(),
            listener: listener.clone(),
            common: common.clone(),
            hints: mpsc::channel(1),
            others: BTreeMap::new(),
        };
        let id = follower.id.clone();
        let engine = Engine::start().map_err(Unavailable::because).map_err(unavailable)?;
        let joining = engine.spawn(async move {
            let following = follower.connect().await?;
            follower.join(&following).await?;
            Ok((follower, following))
        });
        let joined = joining.await.map_err(Unavailable::because).and_then(|joined| joined);
        let (follower, following) = joined.map_err(unavailable)?;
        let (stop, stopped) = watch::channel(false);
        let follower = follower.run(following, stopped.clone());
        let follower = engine.watched("follower", follower, stop_process.clone());

        let (jobs, inbox) = mpsc::channel(WAITING);
        let pool = connect::pool(&address, connections).map_err(unavailable)?;
        let aside = connect::pool(&address, ASIDE).map_err(unavailable)?;
        engine.spawn(herald::run(aside.clone(), id.clone(), committed.clone(), stopped));
        let writer = Writer {
            address,
            link: None,
            sealer: common.sealer.clone(),
            entropy,
            time: time.clone(),
            listener,
            applied: applied.clone(),
            committed,
            meter: common.meter.clone(),
        };
        engine.watched("writer", writer.run(inbox), stop_process);
        Ok(Self {
            id,
            common,
            time,
            pool,
            aside,
            applied,
            jobs: Mutex::new(Some(jobs)),
            stop,
            follower: Mutex::new(Some(follower)),
            _engine: engine,
        })
    }

    pub(crate) fn moment(&self) -> Moment {
        self.time.moment()
    }

    pub(crate) async fn read<S>(&self, read: Read<S>) -> Result<S, Unavailable> {
        read_in(&self.pool, read).await
    }

    /// Rows for memory count only if they were read from the database that this peer follows, and
    /// not from before where it is. On connections of their own: lists may keep all others busy.
    pub(crate) async fn load(&self, read: Read<Load>) -> Result<Load, Unavailable> {
        let applied = self.applied.position();
        let load = read_in(&self.aside, read).await?;
        if load.snapshot.position < applied || load.epoch != Some(self.applied.epoch()) {
            return Err(Unavailable::because("the facts were read from another time or another database"));
        }
        Ok(load)
    }

    pub(crate) async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        let (answer, answered) = oneshot::channel();
        let asked = async {
            self.hand_in(Job::Commit { change: Box::new(change), answer }).await?;
            answered.await.unwrap_or_else(|_| Err(gone().into()))
        };
        // Other groups may come first, and each may find a database that says nothing.
        timeout(ANSWER, asked).await.unwrap_or_else(|_| Err(connect::late().into()))
    }

    pub(crate) fn news(&self) -> watch::Receiver<i64> {
        self.applied.news()
    }

    /// On a connection of the pool, because counts of use rest on no order and may be many: changes
    /// must not wait for them. In a task of its own, so that a caller who goes away leaves no
    /// transaction half done on a connection that others will have.
    pub(crate) async fn beside(&self, what: Beside) -> Result<Purged, CommitError> {
        if self.jobs().is_none() {
            return Err(gone().into());
        }
        let client = timeout(connect::READ, self.pool.get()).await.map_err(|_| connect::late())?;
        let client = client.map_err(Unavailable::from)?;
        let task = tokio::spawn(async move {
            match timeout(BESIDE, carry_out(&client, &what)).await {
                Ok(Ok(purged)) => Ok(purged),
                failed => {
                    // It may be in the middle of a transaction.
                    drop(Object::take(client));
                    failed.unwrap_or_else(|_| Err(connect::late()))
                }
            }
        });
        Ok(task.await.map_err(Unavailable::because)??)
    }

    async fn hand_in(&self, job: Job) -> Result<(), Unavailable> {
        let jobs = self.jobs().clone().ok_or_else(gone)?;
        jobs.send(job).await.map_err(|_| gone())
    }

    pub(crate) async fn close(&self) {
        let jobs = self.jobs().take();
        let (done, closed) = oneshot::channel();
        if let Some(jobs) = jobs
            && jobs.send(Job::Close { done }).await.is_ok()
        {
            // An error says that the task is gone, which is what was asked for.
            let _ = closed.await;
        }
        // Nobody listening means that it has stopped already.
        let _ = self.stop.send(true);
        let follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(follower) = follower {
            // Its end is what was asked for; a panic was dealt with where it is watched.
            let _ = follower.await;
        }
        self.pool.close();
        self.aside.close();
    }

    /// The other peers that may believe themselves current now, by their rows: asked of the database,
    /// because the beats tell it only after the first.
    pub(crate) async fn others(&self) -> Result<Vec<String>, Unavailable> {
        self.read(follower::others(&self.id)).await
    }

    pub(crate) async fn peers(&self) -> Result<Vec<Peer>, Unavailable> {
        Ok(self.read(follower::peers(&self.id)).await?.1)
    }

    /// By the last beat, so not for long after it: others may have come meanwhile.
    pub(crate) fn is_alone(&self) -> bool {
        self.applied.is_alone() && self.silent() < SILENCE
    }

    /// For how long the database has not answered a beat.
    fn silent(&self) -> i64 {
        self.time.boot() - self.applied.heard()
    }

    /// Changes are taken as long as the database answers.
    pub(crate) fn health(&self) -> Health {
        let open = self.jobs().as_ref().is_some_and(|jobs| !jobs.is_closed());
        Health {
            writer_alive: open && self.silent() < SILENCE,
            position: self.applied.position(),
            free_bytes: None,
            below_watermark: false,
            ballast: true,
        }
    }

    pub(crate) fn figures(&self) -> Now {
        let queued = |jobs: &mpsc::Sender<Job>| jobs.max_capacity() - jobs.capacity();
        let (head, others) = self.applied.seen();
        Now {
            health: self.health(),
            waiting_changes: self.jobs().as_ref().map_or(0, queued),
            waiting_reads: self.pool.status().waiting + self.aside.status().waiting,
            following: Some(Following { head, silent: self.silent(), peers: others + 1 }),
        }
    }

    fn jobs(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Job>>> {
        // It is replaced whole, so it is right even after a panic.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read_in<S>(pool: &Pool, read: Read<S>) -> Result<S, Unavailable> {
    let until = Instant::now() + connect::READ;
    let client = timeout_at(until, pool.get()).await.map_err(|_| connect::late())?;
    let client = client.map_err(Unavailable::from)?;
    match timeout_at(until, execute::read(&client, read)).await {
        Ok(read) => read,
        Err(_) => {
            // Nobody knows what it is still busy with.
            drop(Object::take(client));
            Err(connect::late())
        }
    }
}

async fn carry_out(client: &Client, what: &Beside) -> Result<Purged, Unavailable> {
    let statements = what.statements();
    client.batch_execute(writer::BEGIN).await?;
    let changed = execute::run_all(client, &statements).await?;
    client.batch_execute("COMMIT").await?;
    Ok(what.purged(&changed))
}

/// The thread of those who write and follow; what is left on it ends with it.
struct Engine(Option<Runtime>);

impl Engine {
    fn start() -> std::io::Result<Self> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.as_ref().expect("it is there until it is dropped").spawn(task)
    }

    /// Runs one of the two tasks on which memory rests. Where it panics, memory would be behind the
    /// facts for good, so the process stops.
    fn watched(
        &self,
        what: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
        stop_process: Stop,
    ) -> JoinHandle<()> {
        let task = self.spawn(task);
        self.spawn(async move {
            if task.await.is_err_and(|ended| ended.is_panic()) {
                let sentence = format!("stopping: the {what} of the store panicked");
                tracing::error!("{sentence}");
                stop_process(&sentence);
            }
        })
    }
}

impl Drop for Engine {
    /// Without waiting: whoever drops the store may be a task itself, and those may not block.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Brings the schema up to this program's.
pub(crate) async fn migrate(
    place: &crate::place::Postgres,
    access: &Access,
    contract: bool,
) -> Result<Migrated, OpenError> {
    let shown = place.to_string();
    let link = Link::open(&address(place, access)?, None).await;
    let link = link.map_err(|source| OpenError::Postgres { place: shown.clone(), source })?;
    schema::migrate(&link.client, &shown, contract).await
}

/// How to connect to a place.
fn address(place: &crate::place::Postgres, access: &Access) -> Result<Address, OpenError> {
    let config = place.config(access.password.as_ref());
    Ok(Address { config, tls: place.connector()? })
}

fn gone() -> Unavailable {
    Unavailable::because("the store has stopped")
}
