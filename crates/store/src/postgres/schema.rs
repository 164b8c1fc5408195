//! The schema of the database, and whether this program and its key file belong to it.

use domain::permission::Registry;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::execute::{self, is_code};
use crate::contract::{OpenError, Unavailable};
use crate::journal::{GENESIS, Walk};
use crate::keys::Keys;
use crate::migrations::{self, Applied, Kind, Migrated, Migration, Misfit};
use crate::sql::query::{Query, values};
use crate::sql::{Dialect, reads};

/// Whoever changes the schema holds this advisory lock ("jeton" in ASCII).
const LOCK: i64 = 0x6a_65_74_6f_6e;

/// Entries at the journal's end that are recomputed at each start.
const AT_START: i64 = 256;

/// Refuses a schema that this program cannot work with; fills an empty database.
pub(super) async fn fit(client: &Client, place: &str) -> Result<(), OpenError> {
    let failed = failed(place);
    let applied = match applied(client).await {
        Ok(applied) => applied,
        Err(cause) if is_code(&cause, &SqlState::UNDEFINED_TABLE) => {
            migrate(client, place, false).await?;
            self::applied(client).await.map_err(&failed)?
        }
        Err(cause) => return Err(failed(cause)),
    };
    let pending = migrations::pending(&applied, Dialect::Postgres, true).map_err(misfit(place))?;
    // What only takes away is for the operator to ask for, and this program works without it.
    match pending.iter().rfind(|step| step.kind == Kind::Expand) {
        None => Ok(()),
        Some(step) => Err(OpenError::OlderSchema {
            place: place.to_owned(),
            found: last(&applied),
            needed: step.number,
        }),
    }
}

/// Brings the schema up to this program's, one at a time on the whole database. Steps that
/// contract are taken only with `contract`, and only once every peer knows them.
pub(super) async fn migrate(client: &Client, place: &str, contract: bool) -> Result<Migrated, OpenError> {
    let failed = failed(place);
    let lock = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '30s'; SELECT pg_advisory_xact_lock({LOCK});
         CREATE TABLE IF NOT EXISTS migration (
             number   BIGINT PRIMARY KEY,
             name     TEXT NOT NULL,
             kind     TEXT NOT NULL,
             checksum TEXT NOT NULL
         )"
    );
    client.batch_execute(&lock).await.map_err(&failed)?;
    let done = migrate_locked(client, place, contract).await;
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = client.batch_execute(end).await.map_err(&failed);
    let done = done?;
    ended.map(|()| done)
}

async fn migrate_locked(client: &Client, place: &str, contract: bool) -> Result<Migrated, OpenError> {
    let failed = failed(place);
    let applied = applied(client).await.map_err(&failed)?;
    let pending = migrations::pending(&applied, Dialect::Postgres, false).map_err(misfit(place))?;
    let from = last(&applied);
    let mut to = from;
    let mut waiting = Vec::new();
    for step in pending {
        // In order: what comes after a step that waits, waits too.
        let ready = waiting.is_empty()
            && (step.kind == Kind::Expand
                || from == 0
                || (contract && known_everywhere(client, step, place).await?));
        if ready {
            run(client, step).await.map_err(&failed)?;
            to = step.number;
        } else {
            waiting.push(step.name.to_owned());
        }
    }
    seed(client).await.map_err(&failed)?;
    Ok(Migrated { from, to, waiting })
}

/// Whether every peer that serves from this database knows the step.
async fn known_everywhere(client: &Client, step: &Migration, place: &str) -> Result<bool, OpenError> {
    let query = Query::new("SELECT id FROM peer WHERE known < ?1", values![step.number]);
    let rows = execute::rows(client, &query).await.map_err(failed(place))?;
    Ok(rows.is_empty())
}

async fn run(client: &Client, step: &Migration) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(step.text(Dialect::Postgres)).await?;
    let sql = "INSERT INTO migration (number, name, kind, checksum) VALUES (?1, ?2, ?3, ?4)";
    let values = values![step.number, step.name, step.kind.as_str(), step.checksum(Dialect::Postgres)];
    execute::run(client, &Query::new(sql, values)).await?;
    Ok(())
}

/// The desk's permissions hold the registry's first bits on every server.
async fn seed(client: &Client) -> Result<(), tokio_postgres::Error> {
    let registry = Registry::default();
    let sql = "INSERT INTO permission (bit, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    let all: Vec<Query<'_>> =
        (0..).zip(registry.names()).map(|(bit, name)| Query::new(sql, values![bit, name])).collect();
    execute::run_all(client, &all).await.map(drop)
}

pub(crate) async fn applied(client: &Client) -> Result<Vec<Applied>, tokio_postgres::Error> {
    let rows = execute::rows(client, &Query::new("SELECT number, kind, checksum FROM migration", [])).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Applied { number: row.try_get(0)?, kind: row.try_get(1)?, checksum: row.try_get(2)? })
    };
    rows.iter().map(read).collect()
}

fn last(applied: &[Applied]) -> i64 {
    applied.iter().map(|each| each.number).max().unwrap_or_default()
}

/// Whether the database has been filled; where it has, its key file must be there too.
pub(super) async fn has_keys(client: &Client) -> Result<bool, tokio_postgres::Error> {
    match execute::rows(client, &Query::new("SELECT fingerprint FROM key_check", [])).await {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(cause) if is_code(&cause, &SqlState::UNDEFINED_TABLE) => Ok(false),
        Err(cause) => Err(cause),
    }
}

/// Refuses a key file that is not the one that the database was written with.
pub(super) async fn right_keys(client: &Client, place: &str, keys: &Keys) -> Result<(), OpenError> {
    let failed = failed(place);
    let fingerprint = keys.fingerprint();
    let sql = "INSERT INTO key_check (one, fingerprint) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING";
    execute::run(client, &Query::new(sql, values![fingerprint])).await.map_err(&failed)?;
    let rows = execute::rows(client, &Query::new("SELECT fingerprint FROM key_check", [])).await;
    let rows = rows.map_err(&failed)?;
    let kept: Option<&[u8]> = rows.first().map(|row| row.try_get(0)).transpose().map_err(&failed)?;
    if kept != Some(fingerprint.as_slice()) {
        return Err(OpenError::OtherKeys { place: place.to_owned() });
    }
    Ok(())
}

/// Refuses a database whose journal does not end as it says.
pub(super) async fn end(client: &Client, place: &str) -> Result<(), OpenError> {
    let unreadable = |source: Unavailable| OpenError::Postgres { place: place.to_owned(), source };
    let head = execute::read(client, reads::head()).await.map_err(unreadable)?;
    let from = (head.seq - AT_START).max(0);
    let prev = match from {
        0 => GENESIS,
        seq => execute::read(client, reads::hash_at(seq)).await.map_err(unreadable)?.unwrap_or_default(),
    };
    let walk = reads::walk(Walk::after(from, prev), usize::MAX);
    let part = execute::read(client, walk).await.map_err(unreadable)?;
    match part.walk.end(&part.head) {
        Ok(_) => Ok(()),
        Err(broken) => Err(OpenError::Damaged { place: place.to_owned(), what: broken.to_string() }),
    }
}

pub(super) fn failed(place: &str) -> impl Fn(tokio_postgres::Error) -> OpenError {
    move |cause| OpenError::Postgres { place: place.to_owned(), source: cause.into() }
}

fn misfit(place: &str) -> impl Fn(Misfit) -> OpenError {
    move |misfit| match misfit {
        Misfit::Newer { found, known } => OpenError::NewerSchema { place: place.to_owned(), found, known },
        Misfit::Altered { number } => OpenError::AlteredMigration { place: place.to_owned(), number },
    }
}
