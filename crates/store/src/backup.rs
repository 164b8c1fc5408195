//! A backup of an SQLite store, taken beside the server that has it open.
//!
//! `VACUUM INTO` reads one snapshot, however much is written meanwhile. SQLite's other way, the
//! backup API, copies pages: it begins anew whenever another process commits, or keeps the log
//! from being reset just as long; and the pages that it copies still hold what was erased from
//! them. Here only rows that are there arrive, in a file that needs no log beside it.
//!
//! Not in it: the key file (who has both opens what is sealed), and `narrowings.log`, whose worth is
//! to be newer than any backup. [`restore`](crate::restore()) takes a backup back.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::time::Timestamp;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::STRETCH;
use crate::contract::OpenError;
use crate::journal::{GENESIS, Head, Walk, hex};
use crate::sql::reads;
use crate::sqlite::{execute, open};

/// A backup that was read through and has its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// How many entries the journal has in it.
    pub entries: i64,
    /// The time of the last one.
    pub at: Timestamp,
    /// The hash of the last one, in hexadecimal digits.
    pub head: String,
    /// How many rows each table has.
    pub rows: Vec<(String, i64)>,
    /// The size of the file.
    pub bytes: u64,
}

/// Why there is no backup. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("there is no database {}; look for where the data is", path.display())]
    Absent { path: PathBuf },
    #[error("{} is there already; name a new file", path.display())]
    Exists { path: PathBuf },
    #[error("could not write {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was written, and does not read as it should.
    #[error("the backup was not what the database is ({what}); it was thrown away, look at the disk")]
    Unequal { what: String },
}

/// Writes a backup of the store in `data` to `to`, a file that is not there yet, for its owner alone.
/// It gets its name once it is on the disk and was read through: SQLite's own check, the journal's
/// chain, and the rows of every table. Blocks. Servers may run; one that is of another version of
/// the schema is refused.
///
/// # Errors
/// See [`BackupError`].
pub fn backup(data: &Path, to: &Path) -> Result<BackedUp, BackupError> {
    let path = data.join("jeton.db");
    if !path.exists() {
        return Err(BackupError::Absent { path });
    }
    open::version()?;
    if fs::symlink_metadata(to).is_ok() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let mut db = look(&path)?;
    is_known(&db, &path)?;
    let before = Seen::of(&mut db, &path)?;
    let unfinished = Unfinished::beside(to)?;
    let failed = open::failed(&path);
    db.execute("VACUUM INTO ?1", [unfinished.0.to_string_lossy()]).map_err(&failed)?;
    let quiet = before.version == version(&db).map_err(&failed)?;

    let mut copy = look(&unfinished.0)?;
    let whole =
        whole(&mut copy, &unfinished.0).map_err(|why| BackupError::Unequal { what: why.to_string() })?;
    if whole.head.seq < before.head.seq || (quiet && whole.rows != before.rows) {
        return Err(BackupError::Unequal { what: "rows are missing".to_owned() });
    }
    drop(copy);
    let bytes = unfinished.finish(to)?;
    let mut head = String::with_capacity(64);
    hex(&whole.head.hash, &mut head);
    let at = Timestamp::from_micros(whole.head.at);
    Ok(BackedUp { entries: whole.head.seq, at, head, rows: whole.rows, bytes })
}

/// The database as it was before it was copied.
struct Seen {
    /// Changes with every commit of another connection.
    version: i64,
    head: Head,
    rows: Vec<(String, i64)>,
}

impl Seen {
    fn of(db: &mut Connection, path: &Path) -> Result<Self, OpenError> {
        let failed = open::failed(path);
        let version = version(db).map_err(&failed)?;
        let head = execute::read(db, reads::head()).map_err(open::unreadable(path))?;
        Ok(Self { version, head, rows: count(db).map_err(&failed)? })
    }
}

fn version(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("PRAGMA data_version", [], |row| row.get(0))
}

fn count(db: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let tables = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let count = |table: String| {
        let rows = db.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get(0))?;
        Ok((table, rows))
    };
    tables.into_iter().map(count).collect()
}

/// A connection that writes nothing.
fn look(path: &Path) -> Result<Connection, OpenError> {
    let failed = open::failed(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(&failed)?;
    db.busy_timeout(Duration::from_secs(5))
        .and_then(|()| db.execute_batch("PRAGMA trusted_schema = OFF"))
        .map_err(&failed)?;
    Ok(db)
}

/// Refuses what no jeton wrote, or a newer one. One of before is as good as its own version left it.
fn is_known(db: &Connection, path: &Path) -> Result<(), OpenError> {
    let place = path.display().to_string();
    let failed = open::failed(path);
    let mut tables = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migration'").map_err(&failed)?;
    if !tables.exists([]).map_err(&failed)? {
        return Err(OpenError::Damaged { place, what: "it has none of jeton's tables".to_owned() });
    }
    open::pending(&open::applied(db).map_err(&failed)?, path).map(drop)
}

/// What was found in a database that is whole.
pub(crate) struct Whole {
    pub(crate) head: Head,
    pub(crate) rows: Vec<(String, i64)>,
}

/// Reads a database through: SQLite's check of every page, row and index, what refers to what, and
/// the journal from its first entry to its last.
pub(crate) fn whole(db: &mut Connection, path: &Path) -> Result<Whole, OpenError> {
    let place = || path.display().to_string();
    let failed = open::failed(path);
    let found: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(&failed)?;
    if found != "ok" {
        return Err(OpenError::Damaged { place: place(), what: found });
    }
    if db.prepare("PRAGMA foreign_key_check").and_then(|mut check| check.exists([])).map_err(&failed)? {
        return Err(OpenError::Damaged {
            place: place(),
            what: "a row refers to one that is not there".to_owned(),
        });
    }
    let mut walk = Walk::after(0, GENESIS);
    let head = loop {
        let part = execute::read(db, reads::walk(walk, STRETCH)).map_err(open::unreadable(path))?;
        walk = part.walk;
        if part.count < STRETCH || walk.broken.is_some() {
            break part.head;
        }
    };
    walk.end(&head).map_err(|broken| OpenError::Damaged { place: place(), what: broken.to_string() })?;
    Ok(Whole { head, rows: count(db).map_err(&failed)? })
}

/// A file on its way to its name; removed where it does not get there.
struct Unfinished(PathBuf);

impl Unfinished {
    /// An empty file for its owner alone, in the directory of `to`.
    fn beside(to: &Path) -> Result<Self, BackupError> {
        let Some(name) = to.file_name() else {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it names no file");
            return Err(BackupError::Io { path: to.to_owned(), source });
        };
        let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
        let path = to.with_file_name(name);
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|source| BackupError::Io { path: to.to_owned(), source })?;
        Ok(Self(path))
    }

    /// Onto the disk, and to its name, unless another file took that meanwhile. Returns its size.
    fn finish(self, to: &Path) -> Result<u64, BackupError> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists { path: to.to_owned() },
            _ => BackupError::Io { path: to.to_owned(), source },
        };
        let file = File::open(&self.0).map_err(io)?;
        file.sync_all().map_err(io)?;
        let bytes = file.metadata().map_err(io)?.len();
        match renameat_with(CWD, &self.0, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // Some file systems cannot say that.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if fs::symlink_metadata(to).is_err() => {
                fs::rename(&self.0, to).map_err(io)?;
            }
            Err(cause) => return Err(io(cause.into())),
        }
        sync_directory_of(to).map_err(io)?;
        Ok(bytes)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already where it got its name.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes the names in a file's directory last.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
