//! A database of a server's own on the PostgreSQL that `JETON_TEST_POSTGRES` names: made for one server
//! under test, read beside it, and dropped with it.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

/// The name under which our own connections are known to the database.
const OURS: &str = "e2e";

/// A database, and a connection to it.
pub struct Postgres {
    /// What `--store` takes.
    pub url: String,
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
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let cluster = std::env::var("JETON_TEST_POSTGRES")
            .expect("start a PostgreSQL with script/postgres and set JETON_TEST_POSTGRES");
        let name = format!("e2e_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let connection = Connection::open(&cluster);
        // One of a run that died may have had our process number.
        connection.batch(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        connection.batch(&format!("CREATE DATABASE {name}"));
        let url = in_database(&cluster, &name);
        let connection = Mutex::new(Connection::open(&url));
        Postgres { url, name, cluster, connection }
    }

    /// Reads rows, outside of any other transaction.
    pub fn rows(&self, statement: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        let connection = self.connection.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let answer = connection.runtime.block_on(connection.client.query(statement, parameters));
        answer.unwrap_or_else(|error| panic!("{statement}: {error:?}"))
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
        let dropped = connection.runtime.block_on(connection.client.batch_execute(&drop));
        // A second panic would hide the first.
        if !std::thread::panicking() {
            dropped.expect("a database is dropped");
        }
    }
}

impl Connection {
    fn open(url: &str) -> Connection {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut config: Config = url.parse().expect("JETON_TEST_POSTGRES is a URL of PostgreSQL");
        config.application_name(OURS);
        let (client, connection) =
            runtime.block_on(config.connect(NoTls)).expect("PostgreSQL takes connections");
        // It ends with the client; a failure meets whoever asks next.
        runtime.spawn(connection);
        Connection { runtime, client }
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

/// Where PostgreSQL's programs are: `PG_BIN`, or the newest version in Debian's place, or the search
/// path.
fn programs() -> PathBuf {
    if let Some(path) = std::env::var_os("PG_BIN") {
        return PathBuf::from(path);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let bins = versions.map(|entry| entry.path().join("bin"));
    bins.filter(|bin| bin.join("pg_dump").is_file()).max().unwrap_or_default()
}

/// Several peers over one database, for clients who must meet all of them in the same state.
#[derive(Clone)]
pub(crate) struct Peers {
    postgres: Arc<Postgres>,
    running: Arc<AtomicUsize>,
}

impl Peers {
    pub(crate) fn over(postgres: Arc<Postgres>) -> Peers {
        Peers { postgres, running: Arc::default() }
    }

    /// How many run from now on; nobody waits for those that do not.
    pub(crate) fn run(&self, number: usize) {
        self.running.store(number, Ordering::SeqCst);
    }

    /// Waits until every peer has applied the journal as far as it goes now.
    ///
    /// A change is seen by the other peers some milliseconds after it was answered. One day the server
    /// itself will wait for them before it answers a change (the barrier of several peers); until then
    /// its clients here do, in the same place and by the same rows.
    pub(crate) fn settle(&self) {
        if self.running.load(Ordering::SeqCst) == 0 {
            return;
        }
        let head = self.postgres.number("SELECT seq FROM head", &[]);
        crate::until_within(std::time::Duration::from_millis(2), "all peers apply the journal", || {
            let applied = "SELECT count(*) FROM peer WHERE applied >= $1";
            let applied = self.postgres.number(applied, &[&head]);
            applied >= i64::try_from(self.running.load(Ordering::SeqCst)).expect("a few")
        });
    }
}
