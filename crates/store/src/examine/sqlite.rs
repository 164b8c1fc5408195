//! An SQLite store: its file system, its files, and what is in the database.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use rustix::fs::{FlockOperation, flock, statfs, statvfs};

use super::{
    Finding, Kept, OTHER_KEYS, Verdict, bad, good, has_changed, journal, keys, note, schema, unreadable,
};
use crate::STRETCH;
use crate::contract::Unavailable;
use crate::keys::Keys;
use crate::narrowings::{self, Checked, LOST, LOST_HELP};
use crate::sql::{Dialect, reads};
use crate::sqlite::{execute, open};

pub(super) fn examine(
    data: &Path,
    key_file: &Path,
    wall: i64,
    (watermark_bytes, named): (u64, bool),
    kept: &Kept,
) -> Vec<Finding> {
    let mut found = vec![version(), file_system(data, named)];
    let path = data.join("jeton.db");
    if !path.exists() {
        let shown = path.display();
        found.push(note(
            "database",
            format!("{shown} is not there yet"),
            "`jeton serve` or `jeton init` makes it",
        ));
        return found;
    }
    let (server, runs) = server(data);
    found.extend([readers_of(&path), server, ballast(data), free_space(data, watermark_bytes)]);
    match database(&path, key_file, (wall, runs), kept) {
        Ok(more) => found.extend(more),
        Err(cause) => found.push(unreadable("database", &cause)),
    }
    found
}

fn version() -> Finding {
    match open::version() {
        Ok(()) => good("SQLite", rusqlite::version()),
        Err(why) => bad("SQLite", rusqlite::version(), why.to_string()),
    }
}

/// `named`: whether somebody said that the store is there.
fn file_system(data: &Path, named: bool) -> Finding {
    let name = "file system";
    let Ok(found) = statfs(data) else {
        let off = if named { bad } else { note };
        let value = format!("{} is not there", data.display());
        return off(name, value, "name the data directory with --data or --store sqlite:DIR");
    };
    // linux/magic.h; the numbers are 32 bits wide in a field that may be signed.
    match found.f_type as u64 & 0xffff_ffff {
        0x0102_1994 => note(name, "tmpfs", "it is gone when the machine restarts; keep the data on a disk"),
        0x6969 | 0xff53_4d42 | 0xfe53_4d42 => bad(
            name,
            "of another machine (NFS or SMB)",
            "SQLite's log needs a local disk; move the data there, or use PostgreSQL",
        ),
        _ => good(name, "local"),
    }
}

fn readers_of(path: &Path) -> Finding {
    match fs::metadata(path).map(|file| file.mode() & 0o777) {
        Ok(mode) if mode & 0o077 == 0 => good("database", path.display().to_string()),
        Ok(mode) => note(
            "database",
            format!("{} can be read by others (mode {mode:03o})", path.display()),
            "run `chmod 600` on it, and `chmod 700` on its directory",
        ),
        Err(cause) => unreadable("database", &cause),
    }
}

/// Who has the store open, and whether anybody does.
fn server(data: &Path) -> (Finding, bool) {
    let name = "server";
    let Ok(mut lock) = File::open(data.join("lock")) else { return (good(name, "none runs"), false) };
    // Shared, so that two who look do not stand in each other's way; let go of at once.
    match flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => (good(name, "none runs"), false),
        Err(_) => {
            let mut pid = String::new();
            // Who it is only helps.
            let _ = lock.read_to_string(&mut pid);
            (good(name, format!("process {} has the store open", pid.trim())), true)
        }
    }
}

fn ballast(data: &Path) -> Finding {
    match fs::metadata(data.join("ballast")) {
        Ok(file) if file.len() > 0 => good("ballast", format!("{} bytes", file.len())),
        _ => note(
            "ballast",
            "none",
            "on a full disk a revocation may find no room; see store.ballast_bytes, and free some space",
        ),
    }
}

fn free_space(data: &Path, watermark_bytes: u64) -> Finding {
    let name = "free space";
    match statvfs(data).map(|at| at.f_bavail.saturating_mul(at.f_frsize)) {
        Ok(free) if free >= watermark_bytes => good(name, format!("{} MiB", free >> 20)),
        Ok(free) => {
            let value = format!("{} KiB, and {} are to stay free", free >> 10, watermark_bytes >> 10);
            note(name, value, "new tokens are refused; make room on the disk")
        }
        Err(cause) => unreadable(name, &cause),
    }
}

/// `runs`: whether a server has it open.
fn database(
    path: &Path,
    key_file: &Path,
    (wall, runs): (i64, bool),
    kept: &Kept,
) -> Result<Vec<Finding>, Unavailable> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.execute_batch(open::DURABLE)?;
    let mut found = vec![log(&db, runs)?, durable(&db)?, whole(&db)?];
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'migration'";
    if !db.prepare(sql)?.exists([])? {
        found.push(note("schema", "none yet", "`jeton serve`, `jeton init` or `jeton migrate` makes it"));
        return Ok(found);
    }
    let applied = open::applied(&db)?;
    found.push(schema(&applied, Dialect::Sqlite));
    // What another version wrote may have other tables.
    let fingerprint = db.query_row("SELECT fingerprint FROM key_check", [], |row| row.get(0)).optional()?;
    let keys = keys(key_file, fingerprint);
    found.push(keys.clone());
    // Codes under another key would be of somebody else's, whoever wrote the lines.
    let own = Keys::read(key_file).ok().filter(|_| keys.verdict != Verdict::Bad);
    found.push(narrowed(&db, path.with_file_name(narrowings::NAME).as_path(), own.as_ref())?);
    let mut told = execute::read(&mut db, reads::erasures())?;
    let mut walk = kept.walk(&told);
    let head = loop {
        let part = execute::read(&mut db, reads::walk(walk, STRETCH))?;
        walk = part.walk;
        if part.count < STRETCH || walk.broken.is_some() {
            if !has_changed(&walk, &mut told, execute::read(&mut db, reads::erasures())?) {
                break part.head;
            }
            walk = kept.walk(&told);
        }
    };
    found.push(journal(walk.clone(), &head));
    found.extend(kept.agreement(walk, &keys));
    let behind = head.at - wall;
    if behind > 0 {
        found.push(note(
            "clock",
            format!("this machine's is {} s before the journal's last entry", behind / 1_000_000),
            "time goes on from that entry; let NTP set the clock",
        ));
    }
    Ok(found)
}

/// Whether `narrowings.log` is what was written: each line by its code, and all of them as far as the database
/// says that it must reach. `keys` are the store's own, as far as they are there.
fn narrowed(db: &Connection, path: &Path, keys: Option<&Keys>) -> rusqlite::Result<Finding> {
    // Read before the file, which only grows.
    let kept = narrowings::kept(db)?;
    let key = keys.map(narrowings::key);
    let name = narrowings::NAME;
    let found = match File::open(path) {
        Ok(log) => narrowings::check(log, &kept, key.as_ref()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && kept.is_empty() => {
            return Ok(good(name, "nothing was taken away yet"));
        }
        Err(cause) => Err(cause),
    };
    Ok(match found {
        Ok(Checked::Whole { lines }) if key.is_some() => {
            good(name, format!("{lines} lines, each as it was written"))
        }
        Ok(Checked::Whole { lines }) => note(
            name,
            format!("{lines} lines"),
            format!("nobody can say whether somebody altered them: {OTHER_KEYS}"),
        ),
        Ok(Checked::Altered { line }) => bad(
            name,
            format!("line {line} was not written with this key file, or not as it stands there"),
            "somebody altered it, and a restore will refuse it: put back the copy that you kept elsewhere, and make a backup",
        ),
        Ok(Checked::Lost) => bad(name, format!("it {LOST}"), LOST_HELP),
        Err(cause) => unreadable(name, &cause),
    })
}

fn log(db: &Connection, runs: bool) -> rusqlite::Result<Finding> {
    let mode: String = db.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    Ok(match mode.as_str() {
        "wal" => good("journal_mode", mode),
        // A restore leaves it so.
        _ if !runs => note("journal_mode", mode, "the next start of the server sets it to wal"),
        _ => bad("journal_mode", mode, "start the server again, which sets it to wal"),
    })
}

fn durable(db: &Connection) -> rusqlite::Result<Finding> {
    let level: i64 = db.query_row("PRAGMA synchronous", [], |row| row.get(0))?;
    Ok(match level {
        2 | 3 => good("synchronous", "FULL, as the server sets it"),
        _ => bad("synchronous", level.to_string(), "this build of jeton would lose commits in a power cut"),
    })
}

fn whole(db: &Connection) -> rusqlite::Result<Finding> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(match found.as_str() {
        "ok" => good("quick_check", found),
        _ => bad("quick_check", found, "restore a backup, and look at the disk"),
    })
}
