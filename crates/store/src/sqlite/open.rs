//! Opening the database: the lock, what SQLite must be set to, migrations, and a look at whether
//! what is there is what was written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use domain::permission::Registry;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use rustix::fs::{FlockOperation, flock};

use super::execute;
use crate::contract::{OpenError, Unavailable};
use crate::journal::{GENESIS, Walk};
use crate::keys::Keys;
use crate::migrations::{self, Applied, Migrated, Migration, Misfit};
use crate::restore;
use crate::sql::Dialect;
use crate::sql::reads;

/// Before this one, resetting the write-ahead log could damage the database.
const NEEDED: (i32, &str) = (3_051_003, "3.51.3");

/// Databases up to this size are read through once at each start, which takes about a second at
/// most; for larger ones the end of the journal's chain has to do.
const CHECKED_WHOLE: u64 = 256 << 20;

/// Entries at the journal's end that are recomputed at each start.
const AT_START: i64 = 256;

/// With NORMAL, acknowledged commits are gone after a power cut.
pub(crate) const DURABLE: &str = "PRAGMA synchronous = FULL";

/// What the connection that writes keeps of the file in memory, in KiB.
pub(crate) const PAGES: u32 = 32 << 10;

/// Makes the data directory where there is none, readable by nobody else.
pub(crate) fn directory(data: &Path) -> Result<(), OpenError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|source| OpenError::Io { path: data.to_owned(), source })
}

/// One process to a database. Held until this is dropped, also when the process is killed.
pub(crate) struct Lock(File);

impl Drop for Lock {
    /// Closing the file would do, were it not that a child of this process has it too between its
    /// fork and its exec.
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Takes the lock. A restore that was cut off between its last steps is brought to its end.
pub(crate) fn lock(data: &Path) -> Result<Lock, OpenError> {
    let lock = take_lock(data)?;
    restore::finish(data).map_err(|source| OpenError::Io { path: data.to_owned(), source })?;
    Ok(lock)
}

/// The lock alone.
fn take_lock(data: &Path) -> Result<Lock, OpenError> {
    let path = data.join("lock");
    let io = |source| OpenError::Io { path: path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let mut text = String::new();
            // Who it is only helps; that there is somebody is certain.
            let _ = file.read_to_string(&mut text);
            let holder = match text.trim().parse::<u32>() {
                Ok(pid) => format!("process {pid}"),
                Err(_) => "another process".to_owned(),
            };
            return Err(OpenError::Locked { lock: path, holder });
        }
        Err(cause) => return Err(io(cause.into())),
    }
    let write = |file: &mut File| -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    // On a full disk the lock holds without a name in it.
    if let Err(cause) = write(&mut file) {
        tracing::warn!(%cause, "could not write the process id into {}", path.display());
    }
    Ok(Lock(file))
}

pub(crate) fn version() -> Result<(), OpenError> {
    let (number, needed) = NEEDED;
    if rusqlite::version_number() < number {
        return Err(OpenError::OldSqlite { found: rusqlite::version().to_owned(), needed });
    }
    Ok(())
}

/// The connection that writes.
pub(crate) fn writer(path: &Path) -> Result<Connection, OpenError> {
    let failed = failed(path);
    private(path)?;
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(&failed)?;
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(&failed)?;
    if mode != "wal" {
        return Err(OpenError::NoLog { path: path.to_owned() });
    }
    db.execute_batch(DURABLE).map_err(&failed)?;
    // A checkpoint every 1,000 pages keeps the log's index within its first 32 KiB, so that on a
    // full disk it does not have to grow after a commit is in the log already.
    db.execute_batch(&format!(
        "PRAGMA foreign_keys = ON;
         PRAGMA wal_autocheckpoint = 1000;
         PRAGMA journal_size_limit = 16777216;
         PRAGMA cache_size = -{PAGES};
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;"
    ))
    .and_then(|()| usual(&db))
    .map_err(&failed)?;
    Ok(db)
}

/// One of the connections that read.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    // Opened for writing, because readers of a write-ahead log share its index.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA cache_size = -8192;
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;",
    )?;
    usual(&db)?;
    Ok(db)
}

/// Makes the file before SQLite does, for its owner alone; the files of the log follow its mode.
fn private(path: &Path) -> Result<(), OpenError> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    made.map(drop).map_err(|source| OpenError::Io { path: path.to_owned(), source })
}

fn usual(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Refuses a file that is visibly not what was written.
pub(crate) fn undamaged(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let small = fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_WHOLE);
    let statement = if small { "PRAGMA quick_check(1)" } else { "SELECT 'ok' FROM sqlite_schema LIMIT 1" };
    let found: rusqlite::Result<Option<String>> = db.query_row(statement, [], |row| row.get(0)).optional();
    match found {
        Ok(Some(found)) if found != "ok" => {
            Err(OpenError::Damaged { place: path.display().to_string(), what: found })
        }
        Ok(_) => Ok(()),
        Err(cause) => Err(failed(path)(cause)),
    }
}

/// Which error of opening an error of SQLite is.
pub(crate) fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    let path = path.to_owned();
    move |source| match source.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => {
            OpenError::Damaged { place: path.display().to_string(), what: source.to_string() }
        }
        _ => OpenError::Database { path: path.clone(), source },
    }
}

/// What every schema begins with.
pub(crate) const MIGRATIONS: &str = "
        CREATE TABLE IF NOT EXISTS migration (
            number   INTEGER PRIMARY KEY,
            name     TEXT NOT NULL,
            kind     TEXT NOT NULL,
            checksum TEXT NOT NULL
        ) STRICT";

/// Brings the schema up to this program's, each step in a transaction of its own.
pub(crate) fn migrate(db: &mut Connection, path: &Path) -> Result<Migrated, OpenError> {
    let failed = failed(path);
    db.execute_batch(MIGRATIONS).map_err(&failed)?;
    let applied = applied(db).map_err(&failed)?;
    let pending = pending(&applied, path)?;
    let from = applied.iter().map(|each| each.number).max().unwrap_or_default();
    let to = pending.last().map_or(from, |step| step.number);
    for step in pending {
        run(db, step).map_err(&failed)?;
    }
    seed(db).map_err(&failed)?;
    // One process has the file, so that what contracts waits for nobody.
    Ok(Migrated { from, to, waiting: Vec::new() })
}

/// The steps that the schema has still to take; one of another program's is refused.
pub(crate) fn pending(applied: &[Applied], path: &Path) -> Result<Vec<&'static Migration>, OpenError> {
    let place = path.display().to_string();
    migrations::pending(applied, Dialect::Sqlite, false).map_err(|misfit| match misfit {
        Misfit::Newer { found, known } => OpenError::NewerSchema { place, found, known },
        Misfit::Altered { number } => OpenError::AlteredMigration { place, number },
    })
}

/// The steps that the schema has taken.
pub(crate) fn applied(db: &Connection) -> rusqlite::Result<Vec<Applied>> {
    let mut statement = db.prepare("SELECT number, kind, checksum FROM migration")?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok(Applied { number: row.get(0)?, kind: row.get(1)?, checksum: row.get(2)? })
    };
    statement.query_map([], read)?.collect()
}

fn run(db: &mut Connection, step: &Migration) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    transaction.execute_batch(step.text(Dialect::Sqlite))?;
    let sql = "INSERT INTO migration (number, name, kind, checksum) VALUES (?1, ?2, ?3, ?4)";
    let values = (step.number, step.name, step.kind.as_str(), step.checksum(Dialect::Sqlite));
    transaction.execute(sql, values)?;
    transaction.commit()
}

/// Refuses a key file that is not the one that the database was written with.
pub(crate) fn right_keys(db: &Connection, path: &Path, keys: &Keys) -> Result<(), OpenError> {
    let failed = failed(path);
    let fingerprint = keys.fingerprint();
    let sql = "INSERT INTO key_check (one, fingerprint) VALUES (1, ?1) ON CONFLICT (one) DO NOTHING";
    db.execute(sql, [fingerprint]).map_err(&failed)?;
    let kept: [u8; 32] =
        db.query_row("SELECT fingerprint FROM key_check", [], |row| row.get(0)).map_err(&failed)?;
    if kept != fingerprint {
        return Err(OpenError::OtherKeys { place: path.display().to_string() });
    }
    Ok(())
}

/// Refuses a database whose journal does not end as it says.
pub(crate) fn end(db: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let unreadable = unreadable(path);
    let head = execute::read(db, reads::head()).map_err(&unreadable)?;
    let from = (head.seq - AT_START).max(0);
    let prev = match from {
        0 => GENESIS,
        seq => execute::read(db, reads::hash_at(seq)).map_err(&unreadable)?.unwrap_or_default(),
    };
    let part = execute::read(db, reads::walk(Walk::after(from, prev), usize::MAX)).map_err(&unreadable)?;
    match part.walk.end(&part.head) {
        Ok(_) => Ok(()),
        Err(broken) => {
            Err(OpenError::Damaged { place: path.display().to_string(), what: broken.to_string() })
        }
    }
}

/// The same as [`failed`] of what a read says.
pub(crate) fn unreadable(path: &Path) -> impl Fn(Unavailable) -> OpenError {
    let failed = failed(path);
    let path = path.to_owned();
    move |Unavailable(cause)| match cause.downcast::<rusqlite::Error>() {
        Ok(cause) => failed(*cause),
        Err(cause) => OpenError::Damaged { place: path.display().to_string(), what: cause.to_string() },
    }
}

/// The desk's permissions hold the registry's first bits on every server.
fn seed(db: &mut Connection) -> rusqlite::Result<()> {
    let transaction = db.transaction()?;
    if !transaction.prepare("SELECT 1 FROM permission")?.exists([])? {
        for (bit, name) in Registry::default().names().iter().enumerate() {
            transaction.execute("INSERT INTO permission (bit, name) VALUES (?1, ?2)", (bit as i64, name))?;
        }
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Killing the process shows nothing of a commit that was not synced; only a power cut does.
    #[test]
    fn the_writer_syncs_every_commit_to_a_write_ahead_log() {
        let data = tempfile::tempdir().unwrap();
        let db = writer(&data.path().join("jeton.db")).unwrap();
        let number =
            |name: &str| db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
        let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
        assert_eq!(number("synchronous"), 2, "FULL");
        assert_eq!(number("foreign_keys"), 1);
        assert_eq!(number("wal_autocheckpoint"), 1000);
    }
}
