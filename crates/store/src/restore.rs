//! Taking a backup of an SQLite store back, without bringing back what was taken away since.
//!
//! The backup is copied into the data directory under another name and checked there. Then what
//! `narrowings.log` says of later changes is asserted again in it ([`merge`]), with an entry in its
//! journal, in one transaction. Only then it takes the database's place, whose files are kept aside.
//!
//! A crash at any point leaves the old database or the new one. The turning point is the name
//! `jeton.db.restoring`: from there on, whoever takes the lock next finishes the exchange
//! ([`finish`]). Until there, nothing but a file that nobody reads was written.

mod merge;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::change::{Action, Actor, Change, Entry};
use domain::ids::AccountId;
use domain::time::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use serde_json::{Value, json};
use token::Entropy;

use crate::backup::{Whole, whole};
use crate::checkpoints;
use crate::contract::{Clock, OpenError, Unavailable};
use crate::journal::{self, Head, Touched, hex};
use crate::keys::{Key, KeyFileError, Keys};
use crate::migrations;
use crate::narrowings::{self, Checked, Kept, LOST, Line, MARK, Narrowings};
use crate::sql::Dialect;
use crate::sqlite::{execute, open};
use crate::time::Time;

pub use merge::Reasserted;

/// What is to be restored, and where.
#[derive(Clone, Debug)]
pub struct Order {
    pub data: PathBuf,
    pub keys: PathBuf,
    pub from: PathBuf,
    /// Takes the place of a database that is there; its files are kept aside.
    pub replace: bool,
    pub log: Log,
}

/// By what it is known what was taken away since the backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Log {
    /// The `narrowings.log` of the data directory, which must be this installation's.
    Beside,
    /// A copy of it, and whatever is in the directory besides.
    File(PathBuf),
    /// It is lost: what was revoked after the backup is good again.
    Lost,
}

/// A backup that is in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// The last entry in the backup, and its time.
    pub position: i64,
    pub at: Timestamp,
    /// Lines of the log that are later than that.
    pub lines: usize,
    /// What they took away again.
    pub reasserted: Vec<Reasserted>,
    /// How many rows they speak of that are not in the backup at all, by table.
    pub absent: Vec<(&'static str, usize)>,
    /// Where the database is that was there before.
    pub aside: Option<PathBuf>,
    /// Why that could not be read, so that what it had not yet written to the log may be missing.
    pub unread: Option<String>,
}

/// Why a backup was not restored. Whatever was there is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error("there is a database in {} already; add --replace, which keeps it aside", data.display())]
    Exists { data: PathBuf },
    #[error(
        "{} has no {} of this installation, so nobody can say what was revoked since the backup; name a copy of \
         it with --narrowings FILE, or say --without-narrowings if it is lost", data.display(), narrowings::NAME
    )]
    NoLog { data: PathBuf },
    #[error(
        "{} {LOST}; name a copy of it with --narrowings FILE, or say --without-narrowings if there is none",
        path.display()
    )]
    Cut { path: PathBuf },
    #[error("line {line} of {} cannot be read ({what}); a newer jeton may have written it", path.display())]
    Line { path: PathBuf, line: usize, what: String },
    #[error(
        "line {line} of {} was not written with the key file {}, or not as it stands there: somebody altered it, \
         or it is another installation's; move it away and name another copy of the log", path.display(), keys.display()
    )]
    Forged { path: PathBuf, line: usize, keys: PathBuf },
    #[error("{place} has other tables than this version of jeton makes; somebody altered it")]
    Altered { place: String },
    #[error("could not use {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Puts a backup in place of the database in `order.data`. Refused while a server has the data, for a
/// backup that is not whole or of other keys, and where a database is there that is not to be
/// replaced. Blocks.
///
/// # Errors
/// See [`RestoreError`].
pub fn restore(
    order: &Order,
    clock: Arc<dyn Clock>,
    entropy: &dyn Entropy,
) -> Result<Restored, RestoreError> {
    let data = &order.data;
    open::version()?;
    open::directory(data)?;
    let _lock = open::lock(data)?;
    if data.join("jeton.db").exists() && !order.replace {
        return Err(RestoreError::Exists { data: data.clone() });
    }
    let restored = locked(order, clock, entropy);
    if restored.is_err() {
        // It is a whole database, and nobody would look at it again. SQLite names what it leaves beside it.
        for left in [ARRIVING.to_owned(), format!("{ARRIVING}-journal")] {
            fs::remove_file(data.join(left)).ok();
        }
    }
    restored
}

/// The same while nobody else can use the directory.
fn locked(order: &Order, clock: Arc<dyn Clock>, entropy: &dyn Entropy) -> Result<Restored, RestoreError> {
    let data = &order.data;
    let (mut db, found, keys) = arrived(order)?;
    let key = narrowings::key(&keys);
    let (old, unread) = match Old::look(data) {
        Ok(old) => (old, None),
        Err(why) => (None, Some(why.to_string())),
    };
    let log = Lines::gather(order, &key, &db, old.as_ref())?;

    let failed = open::failed(&order.from);
    let since = log.since(&db).map_err(&failed)?;
    let transaction = db.transaction().map_err(&failed)?;
    let merged = merge::merge(&transaction, &since).map_err(&failed)?;
    // Whatever began when it was made, before which nothing may happen now.
    let floor =
        since.iter().filter_map(|line| line.at).max().unwrap_or(Timestamp::from_micros(found.head.at));
    let now = Time::starting_at(floor.max(Timestamp::from_micros(found.head.at)), clock).now();
    let mut head = found.head;
    let change = told(&found.head, &since, &merged, now);
    let lines = head.append(&change, Touched::default(), entropy);
    execute::insert(&transaction, &journal::insert(lines)).map_err(&failed)?;
    execute::run(&transaction, &head.moved_from(found.head.seq)).map_err(&failed)?;
    // Its lines are in the log, and a link of then may have been used since.
    transaction
        .execute_batch("DELETE FROM narrowing; DELETE FROM setup_link; DELETE FROM link")
        .map_err(&failed)?;
    let io = |source| RestoreError::Io { path: data.clone(), source };
    let mark = Line::new(&head, Some(now), MARK, json!({"from": found.head.seq}), &key);
    // By this the database knows how far the log must reach from now on.
    let place = log.end(data).map_err(io)?.cast_signed();
    transaction.execute(narrowings::KEEP, params![mark.seq, 0, place, mark.text()]).map_err(&failed)?;
    transaction.commit().map_err(&failed)?;
    drop(db);

    let arriving = data.join(ARRIVING);
    File::open(&arriving).and_then(|file| file.sync_all()).map_err(io)?;
    log.keep(data, mark).map_err(io)?;
    fs::rename(&arriving, data.join(RESTORING)).and_then(|()| sync(data)).map_err(io)?;
    let aside = finish(data).map_err(io)?;
    let (position, at) = (found.head.seq, Timestamp::from_micros(found.head.at));
    let merge::Merged { reasserted, absent } = merged;
    Ok(Restored { position, at, lines: since.len(), reasserted, absent, aside, unread })
}

/// A copy that is not whole yet; nobody but a restore looks at it.
const ARRIVING: &str = "jeton.db.arriving";
/// A copy that is whole, and is to be the database.
const RESTORING: &str = "jeton.db.restoring";

/// Copies the backup into the data directory and checks it there; its keys.
fn arrived(order: &Order) -> Result<(Connection, Whole, Keys), RestoreError> {
    let path = order.data.join(ARRIVING);
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| RestoreError::Io { path, source }
    };
    let mut backup = File::open(&order.from).map_err(io(&order.from))?;
    let mut copy = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(io(&path))?;
    io::copy(&mut backup, &mut copy).map_err(io(&path))?;
    drop(copy);
    let from = &order.from;
    let failed = open::failed(from);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(&path, flags).map_err(&failed)?;
    // A file of its own, without a log beside it, and nothing in it is to run.
    db.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON").map_err(&failed)?;
    db.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).map_err(&failed)?;
    db.execute_batch(open::DURABLE).map_err(&failed)?;
    if !db
        .prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migration'")
        .map_err(&failed)?
        .exists([])
        .map_err(&failed)?
    {
        let what = "it has none of jeton's tables".to_owned();
        return Err(OpenError::Damaged { place: from.display().to_string(), what }.into());
    }
    open::migrate(&mut db, from)?;
    if shape(&db).map_err(&failed)? != shape_of_this_version().map_err(&failed)? {
        return Err(RestoreError::Altered { place: from.display().to_string() });
    }
    let whole = whole(&mut db, from)?;
    let kept: Option<[u8; 32]> = db
        .query_row("SELECT fingerprint FROM key_check", [], |row| row.get(0))
        .optional()
        .map_err(&failed)?;
    let keys = Keys::read(&order.keys).map_err(|cause| match cause {
        KeyFileError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            KeyFileError::Missing { path: order.keys.clone() }
        }
        other => other,
    })?;
    if kept.is_some_and(|kept| keys.fingerprint() != kept) {
        return Err(OpenError::OtherKeys { place: from.display().to_string() }.into());
    }
    Ok((db, whole, keys))
}

/// Every table, index, view and trigger, as it was made.
fn shape(db: &Connection) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let mut all = db.prepare("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name")?;
    all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}

fn shape_of_this_version() -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let db = Connection::open_in_memory()?;
    db.execute_batch(open::MIGRATIONS)?;
    for step in migrations::ALL {
        db.execute_batch(step.text(Dialect::Sqlite))?;
    }
    shape(&db)
}

/// The database that is there, as far as a restore wants to know.
struct Old {
    /// The hash of its first entry, if it has one.
    first: Option<[u8; 32]>,
    /// Lines that it has committed and perhaps not written.
    kept: Vec<Kept>,
}

impl Old {
    fn look(data: &Path) -> Result<Option<Self>, Unavailable> {
        let path = data.join("jeton.db");
        if !path.exists() {
            return Ok(None);
        }
        let db = Connection::open_with_flags(
            &path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        Ok(Some(Self { first: first(&db)?, kept: narrowings::kept(&db)? }))
    }

    /// Whether the log beside it lacks what it once had.
    fn has_lost_lines(&self, log: &Path) -> io::Result<bool> {
        Ok(match File::open(log) {
            Ok(log) => narrowings::check(log, &self.kept, None)? == Checked::Lost,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => !self.kept.is_empty(),
            Err(cause) => return Err(cause),
        })
    }
}

fn first(db: &Connection) -> rusqlite::Result<Option<[u8; 32]>> {
    db.query_row("SELECT hash FROM journal WHERE seq = 1", [], |row| row.get(0)).optional()
}

/// The lines of the log, from wherever they were.
struct Lines {
    lines: Vec<Line>,
    /// Whether the file in the directory must be written anew: more lines are known than it has.
    more: bool,
}

impl Lines {
    /// Everything that is known, in the order in which it happened: a copy is of before, what the
    /// databases had not yet written comes last.
    fn gather(order: &Order, key: &Key, db: &Connection, old: Option<&Old>) -> Result<Self, RestoreError> {
        let forged = |path: &Path, line| RestoreError::Forged {
            path: path.to_owned(),
            line,
            keys: order.keys.clone(),
        };
        let read = |path: &Path| {
            let lines = read(path)?;
            match lines.iter().position(|line| !line.is_written_with(key)) {
                Some(n) => Err(forged(path, n + 1)),
                None => Ok(lines),
            }
        };
        let path = order.data.join(narrowings::NAME);
        let beside = read(&path)?;
        let lost = old.is_some_and(|old| old.has_lost_lines(&path).unwrap_or(true));
        if order.log == Log::Beside && lost {
            return Err(RestoreError::Cut { path });
        }
        let failed = open::failed(&order.from);
        let mut lines = match &order.log {
            Log::File(path) => {
                if !path.exists() {
                    let source = io::Error::from(io::ErrorKind::NotFound);
                    return Err(RestoreError::Io { path: path.clone(), source });
                }
                read(path)?
            }
            Log::Beside | Log::Lost => Vec::new(),
        };
        let had = beside.len();
        add(&mut lines, beside);
        if order.log == Log::Beside && !is_of(&lines, db, old).map_err(&failed)? {
            return Err(RestoreError::NoLog { data: order.data.clone() });
        }
        let kept = narrowings::kept(db).map_err(&failed)?;
        for kept in kept.iter().chain(old.iter().flat_map(|old| &old.kept)) {
            let line: Line = serde_json::from_str(&kept.line).map_err(|cause| RestoreError::Line {
                path: order.from.clone(),
                line: 0,
                what: cause.to_string(),
            })?;
            if !line.is_written_with(key) {
                return Err(forged(&order.from, 0));
            }
            add(&mut lines, [line]);
        }
        Ok(Self { more: lines.len() > had, lines })
    }

    /// Those whose change is not in the backup. What a restore took over is in it as soon as that
    /// restore is.
    fn since(&self, db: &Connection) -> rusqlite::Result<Vec<Line>> {
        let mut hashes = db.prepare("SELECT lower(hex(hash)) FROM journal WHERE seq = ?1")?;
        let mut since = Vec::new();
        for line in &self.lines {
            let there: Option<String> = hashes.query_row([line.seq], |row| row.get(0)).optional()?;
            match (there.as_ref() == Some(&line.hash), line.table == MARK) {
                (true, true) => since.clear(),
                (false, false) => since.push(line.clone()),
                (true, false) | (false, true) => {}
            }
        }
        Ok(since)
    }

    /// The byte at which the mark of this restore will stand in the directory's own log.
    fn end(&self, data: &Path) -> io::Result<u64> {
        if !self.more {
            return Ok(Narrowings::open(data)?.end());
        }
        Ok(self.lines.iter().map(|line| line.text().len() as u64 + 1).sum())
    }

    /// Leaves everything in the directory's own log, and the mark of this restore.
    fn keep(mut self, data: &Path, mark: Line) -> io::Result<()> {
        if !self.more {
            return Narrowings::open(data)?.append([mark.text().as_str()]);
        }
        self.lines.push(mark);
        let unfinished = data.join("narrowings.log.new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        let mut text = io::BufWriter::new(&mut file);
        for line in &self.lines {
            writeln!(text, "{}", line.text())?;
        }
        text.flush()?;
        drop(text);
        file.sync_all()?;
        fs::rename(unfinished, data.join(narrowings::NAME))?;
        sync(data)
    }
}

/// Whether the log is of the installation that the backup is of: both know an entry, or the database
/// that is there began with the same one.
fn is_of(lines: &[Line], db: &Connection, old: Option<&Old>) -> rusqlite::Result<bool> {
    let first = first(db)?;
    if old.is_some_and(|old| old.first == first) {
        return Ok(true);
    }
    let mut hashes = db.prepare("SELECT 1 FROM journal WHERE seq = ?1 AND lower(hex(hash)) = ?2")?;
    for line in lines {
        if hashes.exists((line.seq, &line.hash))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds those that are not there yet.
fn add(to: &mut Vec<Line>, more: impl IntoIterator<Item = Line>) {
    let mut there: std::collections::HashSet<String> = to.iter().map(Line::text).collect();
    to.extend(more.into_iter().filter(|line| there.insert(line.text())));
}

/// The lines of a log; none where there is no file. A last line that a crash left torn does not count.
fn read(path: &Path) -> Result<Vec<Line>, RestoreError> {
    let text = match fs::read_to_string(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|source| RestoreError::Io { path: path.to_owned(), source })?,
    };
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |(n, line): (usize, &str)| {
        let wrong = |what: String| RestoreError::Line { path: path.to_owned(), line: n + 1, what };
        let line: Line = serde_json::from_str(line).map_err(|cause| wrong(cause.to_string()))?;
        merge::readable(&line).map_err(wrong)?;
        Ok(line)
    };
    whole.lines().enumerate().map(parse).collect()
}

/// What the journal says of it: for the server, and for each account that something was taken from.
fn told(before: &Head, since: &[Line], merged: &merge::Merged, now: Timestamp) -> Change {
    let mut hash = String::with_capacity(64);
    hex(&before.hash, &mut hash);
    let entry = |account: Option<AccountId>, subject: String, payload: Value| Entry {
        at: now,
        actor: Actor::Operator,
        account,
        action: Action::ServerRestored,
        subject,
        payload,
    };
    let absent: serde_json::Map<_, _> =
        merged.absent.iter().map(|(table, count)| ((*table).to_owned(), json!(count))).collect();
    let of_server = json!({
        "from": {"seq": before.seq, "at": Timestamp::from_micros(before.at), "hash": hash},
        "narrowings": since.len(), "reasserted": merged.reasserted.len(), "absent": absent,
    });
    let mut change = Change::default().entry(entry(None, "server".to_owned(), of_server));
    for (account, rows) in merged.by_account() {
        let ids: Vec<&str> = rows.iter().take(1_000).map(|row| row.id.as_str()).collect();
        let payload = json!({"reasserted": rows.len(), "rows": ids});
        change = change.entry(entry(Some(account.clone()), account.to_string(), payload));
    }
    change
}

/// Brings a restore to its end that has everything ready: the files of the database are kept aside, and
/// the new one takes its name. Returns where they are. Whoever calls has the lock.
pub(crate) fn finish(data: &Path) -> io::Result<Option<PathBuf>> {
    let restoring = data.join(RESTORING);
    if !restoring.exists() {
        return Ok(None);
    }
    // The database goes last, so that one which is there says that its files are, too. Checkpoints vouch
    // for the journal that they were signed over, and go with it.
    let files = ["jeton.db-wal", "jeton.db-shm", "jeton.db-journal", checkpoints::NAME, "jeton.db"];
    let mut aside = None;
    if files.iter().any(|file| data.join(file).exists()) {
        let free = (1..).map(|n| data.join(format!("before-restore-{n}")));
        let place =
            free.into_iter().find(|place| !place.join("jeton.db").exists()).expect("numbers do not end");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
        for file in files {
            match fs::rename(data.join(file), place.join(file)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
        }
        sync(&place)?;
        aside = Some(place);
    }
    fs::rename(restoring, data.join("jeton.db"))?;
    sync(data)?;
    Ok(aside)
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
