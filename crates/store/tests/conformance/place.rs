//! PostgreSQL: a database of its own for each test, on the server that `JETON_TEST_POSTGRES` names.
#![allow(dead_code, reason = "several test programs share this; each uses its part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use store::place::{Access, Place};
use store::{Listener, OpenError, Store};
use token::SystemEntropy;
use tokio_postgres::NoTls;

use crate::world::{Backend, Driven};

pub(crate) struct Postgres {
    name: String,
    keys: tempfile::TempDir,
}

/// The server's address, and the address of one of its databases.
fn url(database: &str) -> String {
    let server = std::env::var("JETON_TEST_POSTGRES")
        .expect("start a PostgreSQL with script/postgres and set JETON_TEST_POSTGRES to what it prints");
    let (server, _) = server.rsplit_once('/').expect("an URL with a database");
    format!("{server}/{database}")
}

/// Runs statements in a database.
pub(crate) async fn execute(database: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(&url(database), NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    for statement in sql.split(';').filter(|statement| !statement.trim().is_empty()) {
        client.batch_execute(statement).await.unwrap();
    }
    drop(client);
    driver.await.unwrap().unwrap();
}

/// What a query says, one text a row.
pub(crate) async fn query(database: &str, sql: &str) -> Vec<String> {
    let (client, connection) = tokio_postgres::connect(&url(database), NoTls).await.unwrap();
    let driver = tokio::spawn(connection);
    let rows = client.query(sql, &[]).await.unwrap();
    drop(client);
    driver.await.unwrap().unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

impl Postgres {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn access(&self) -> Access {
        let place: Place = url(&self.name).parse().unwrap();
        Access { place, password: None, keys: self.keys.path().join("key") }
    }
}

impl Backend for Postgres {
    async fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("store_{}_{number}", std::process::id());
        execute("postgres", &format!("DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")).await;
        Self { name, keys: tempfile::tempdir().unwrap() }
    }

    async fn open(&self, clock: Arc<Driven>, listener: Listener) -> Result<Store, OpenError> {
        let access = self.access();
        let Place::Postgres(place) = &access.place else { unreachable!("it was made for PostgreSQL") };
        Store::open_postgres(place, &access, 4, clock, Arc::new(SystemEntropy), listener).await
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // From a thread of its own: a runtime may be stopping here. What cannot be dropped goes with
        // the whole server.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute("postgres", &drop));
        });
        let _ = dropping.join();
    }
}
