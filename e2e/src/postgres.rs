//! A database of a server's own on the PostgreSQL that `JETON_TEST_POSTGRES` names: made for one server
//! under test, read beside it, and dropped with it.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use crate::cluster::programs;

/// The name under which our own connections are known to the database.
const OURS: &str = "e2e";
/// From one look at the peers to the next.
const PAUSE: Duration = Duration::from_millis(2);

/// A database, and a connection to it.
pub struct Postgres {
    /// What `--store` takes; a test may put something in between.
    pub store: String,
    url: String,
    name: String,
    cluster: String,
    connection: Mutex<Connection>,
}

/// A connection is driven by whoever asks.
struct Connection {
    runtime: Runtime,
    client: Client,
}

impl Postgres {
    /// Makes an empty database.
    pub fn create() -> Postgres {
        let cluster = std::env::var("JETON_TEST_POSTGRES")
            .expect("start a PostgreSQL with script/postgres and set JETON_TEST_POSTGRES");
        Postgres::create_on(&cluster)
    }

    /// Makes an empty database on the cluster that this URL names.
    pub fn create_on(cluster: &str) -> Postgres {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let name = format!("e2e_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let connection = Connection::open(cluster).expect("PostgreSQL takes connections");
        // One of a run that died may have had our process number.
        connection.batch(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        connection.batch(&format!("CREATE DATABASE {name}"));
        let url = in_database(cluster, &name);
        let connection = Connection::open(&url).expect("the new database takes connections");
        Postgres {
            store: url.clone(),
            url,
            name,
            cluster: cluster.to_owned(),
            connection: Mutex::new(connection),
        }
    }

    /// The rows that a statement gives, in a transaction of its own.
    pub fn rows(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        self.try_rows(statement, parameters).unwrap_or_else(|error| panic!("{statement}: {error:?}"))
    }

    /// The same, for a database that may be down; connects again when it was.
    pub fn try_rows(
        &self,
        statement: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let mut connection = self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let answer = connection.runtime.block_on(connection.client.query(statement, parameters));
        if !connection.client.is_closed() {
            return answer;
        }
        *connection = Connection::open(&self.url)?;
        connection.runtime.block_on(connection.client.query(statement, parameters))
    }

    /// One number.
    pub fn number(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> i64 {
        self.rows(statement, parameters)[0].get(0)
    }

    /// Waits until nobody but us is connected. A server that was killed leaves processes of the
    /// database behind for a moment, and one of them may just be committing.
    pub fn until_left_alone(&self) {
        crate::until("the database is left alone", || {
            let others = "SELECT count(*) FROM pg_stat_activity
                          WHERE datname = current_database() AND backend_type = 'client backend'
                            AND application_name <> $1";
            self.number(others, &[&OURS]) == 0
        });
    }

    /// All that the database holds, as text: what a backup of it would give away.
    pub fn dump(&self) -> Vec<u8> {
        let output = Command::new(programs().join("pg_dump"))
            .arg(&self.url)
            .stdin(Stdio::null())
            .output()
            .expect("pg_dump was found");
        assert!(output.status.success(), "pg_dump: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let connection = Connection::open(&self.cluster);
        let dropped = connection
            .and_then(|connection| connection.runtime.block_on(connection.client.batch_execute(&drop)));
        // A second panic would hide the first; and a test's own cluster may have gone already.
        if !std::thread::panicking()
            && std::env::var("JETON_TEST_POSTGRES").is_ok_and(|url| url == self.cluster)
        {
            dropped.expect("a database is dropped");
        }
    }
}

impl Connection {
    fn open(url: &str) -> Result<Connection, tokio_postgres::Error> {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut config: Config = url.parse().expect("JETON_TEST_POSTGRES is a URL of PostgreSQL");
        config.application_name(OURS);
        let (client, connection) = runtime.block_on(config.connect(NoTls))?;
        // It ends with the client; a failure meets whoever asks next.
        runtime.spawn(connection);
        Ok(Connection { runtime, client })
    }

    fn batch(&self, statement: &str) {
        let answer = self.runtime.block_on(self.client.batch_execute(statement));
        answer.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
    }
}

/// The URL of another database of the same cluster.
fn in_database(cluster: &str, name: &str) -> String {
    let (address, options) = match cluster.split_once('?') {
        Some((address, options)) => (address, format!("?{options}")),
        None => (cluster, String::new()),
    };
    let (server, _) = address.rsplit_once('/').expect("JETON_TEST_POSTGRES names a database");
    format!("{server}/{name}{options}")
}

/// Several peers over one database, for clients who must meet all of them in the same state.
#[derive(Clone)]
pub(crate) struct Peers {
    postgres: Arc<Postgres>,
    known: Arc<Mutex<Known>>,
}

/// The number by which we know a process, and the id that it drew when it was started.
type Known = Vec<(usize, String)>;

impl Peers {
    pub(crate) fn over(postgres: Arc<Postgres>) -> Peers {
        Peers { postgres, known: Arc::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The ids that the database knows; those of killed processes stay for a while. None as long as
    /// there are no tables.
    pub(crate) fn ids(&self) -> Vec<String> {
        let rows = self.postgres.try_rows("SELECT id FROM peer", &[]).unwrap_or_default();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// A process was started, before which these were known: waits for its row.
    pub(crate) fn joined(&self, number: usize, before: &[String]) {
        crate::until_within(PAUSE, "a peer joins", || {
            let new = self.ids().into_iter().find(|id| !before.contains(id));
            new.map(|id| self.known().push((number, id))).is_some()
        });
    }

    /// A process ended; nobody waits for it any more.
    pub(crate) fn left(&self, number: usize) {
        self.known().retain(|(known, _)| *known != number);
    }

    /// Waits until every peer has applied the journal as far as it goes now.
    ///
    /// A change is seen by the other peers some milliseconds after it was answered. One day the server
    /// itself will wait for them before it answers a change (the barrier of several peers); until then
    /// its clients here do, in the same place and by the same rows.
    pub(crate) fn settle(&self) {
        // A database that is down is waited for as well: its peers hear of nothing before it is back.
        let number = |statement, parameters: &[&(dyn ToSql + Sync)]| {
            self.postgres.try_rows(statement, parameters).ok().map(|rows| rows[0].get::<_, i64>(0))
        };
        let mut head = None;
        crate::until_within(PAUSE, "all peers apply the journal", || {
            let running: Vec<String> = self.known().iter().map(|(_, id)| id.clone()).collect();
            if running.is_empty() {
                return true;
            }
            head = head.or_else(|| number("SELECT seq FROM head", &[]));
            let applied = "SELECT count(*) FROM peer WHERE applied >= $1 AND id = ANY ($2)";
            let applied = head.and_then(|head| number(applied, &[&head, &running]));
            applied.is_some_and(|applied| usize::try_from(applied) == Ok(running.len()))
        });
    }
}
