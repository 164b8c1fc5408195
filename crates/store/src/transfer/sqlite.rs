//! An SQLite at either end of a move. The connection is lent to a thread that may block while rows
//! are read or written.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::types::{ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};
use tokio::sync::mpsc;

use super::tally::{BATCH, Batch, Cell};
use super::{MoveError, current, give_up, not_empty, quoted, something};
use crate::contract::Unavailable;
use crate::narrowings::{self, Narrowings};
use crate::sql::Dialect;
use crate::sqlite::open;

pub(crate) struct End {
    pub(super) place: String,
    data: PathBuf,
    /// None while it is lent, and when it is closed.
    db: Option<Connection>,
    /// There was no database before, and there shall be none unless rows arrive in it.
    passing: bool,
    /// Nobody else opens the store meanwhile, where it is not only looked at. Behind the connection, so that it outlives that.
    lock: Option<open::Lock>,
}

fn database(data: &Path) -> PathBuf {
    data.join("jeton.db")
}

impl End {
    /// Nobody else opens the store meanwhile.
    pub(super) fn source(data: &Path) -> Result<Self, MoveError> {
        if !database(data).exists() {
            return Err(MoveError::Absent { place: format!("sqlite:{}", data.display()) });
        }
        let lock = open::lock(data)?;
        let mut end = Self::look(data)?;
        end.lock = Some(lock);
        Ok(end)
    }

    /// Others may have it open, and write.
    pub(super) fn look(data: &Path) -> Result<Self, MoveError> {
        let (path, place) = (database(data), format!("sqlite:{}", data.display()));
        if !path.exists() {
            return Err(MoveError::Absent { place });
        }
        open::version()?;
        let failed = open::failed(&path);
        let db = open::reader(&path).map_err(&failed)?;
        open::undamaged(&db, &path)?;
        if !has_tables(&db).map_err(&failed)? {
            return Err(MoveError::Absent { place });
        }
        current(&open::applied(&db).map_err(&failed)?, Dialect::Sqlite, &place)?;
        db.execute_batch("BEGIN").map_err(&failed)?;
        Ok(Self { place, data: data.to_owned(), db: Some(db), passing: false, lock: None })
    }

    pub(super) fn target(data: &Path) -> Result<Self, MoveError> {
        let (path, place) = (database(data), format!("sqlite:{}", data.display()));
        open::version()?;
        open::directory(data)?;
        let lock = open::lock(data)?;
        if fs::metadata(data.join(narrowings::NAME)).is_ok_and(|log| log.len() > 0) {
            // A restored database may be waiting for it.
            return Err(MoveError::NotEmpty { place, what: format!("lines in {}", narrowings::NAME) });
        }
        let failed = open::failed(&path);
        let passing = !path.exists();
        let db = open::writer(&path)?;
        let mut end = Self { place, data: data.to_owned(), db: Some(db), passing, lock: Some(lock) };
        let db = end.db.as_mut().expect("it was just put there");
        if has_tables(db).map_err(&failed)? {
            open::undamaged(db, &path)?;
            current(&open::applied(db).map_err(&failed)?, Dialect::Sqlite, &end.place)?;
        } else {
            open::migrate(db, &path)?;
        }
        db.execute_batch("BEGIN IMMEDIATE").map_err(&failed)?;
        let found: Option<String> = db.query_row(&something(), [], |row| row.get(0)).map_err(&failed)?;
        if let Some(table) = found {
            return Err(not_empty(&end.place, &table));
        }
        db.execute_batch(&give_up()).map_err(&failed)?;
        Ok(end)
    }

    pub(super) async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, Unavailable> {
        let db = self.db.as_ref().ok_or_else(lent)?;
        // Generated columns are hidden ones.
        let mut statement =
            db.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY name")?;
        let columns = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(columns)
    }

    pub(super) async fn send(
        &mut self,
        select: &str,
        width: usize,
        to: mpsc::Sender<Batch>,
    ) -> Result<(), Unavailable> {
        let select = select.to_owned();
        self.lend(move |db| {
            let mut statement = db.prepare(&select)?;
            let mut rows = statement.query([])?;
            let mut batch = Batch::with_capacity(BATCH);
            while let Some(row) = rows.next()? {
                batch.push((0..width).map(|at| cell(row, at)).collect::<Result<_, _>>()?);
                if batch.len() == BATCH && to.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return Ok(());
                }
            }
            // Nobody is there to take it only where something else has failed.
            let _ = to.blocking_send(batch);
            Ok(())
        })
        .await
    }

    pub(super) async fn take(
        &mut self,
        table: &'static str,
        columns: &[String],
        mut from: mpsc::Receiver<Batch>,
    ) -> Result<(), Unavailable> {
        let places = vec!["?"; columns.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({places})", quoted(columns));
        self.lend(move |db| {
            let mut statement = db.prepare(&sql)?;
            while let Some(batch) = from.blocking_recv() {
                for row in batch {
                    statement.execute(params_from_iter(row))?;
                }
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn commit(mut self) -> Result<(), Unavailable> {
        Narrowings::open(&self.data).map_err(Unavailable::because)?;
        // From here on it may be there.
        self.passing = false;
        self.lend(|db| {
            db.execute_batch("COMMIT")?;
            // Into the database file itself, so that the log does not stay as large as all of it.
            db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
        .await
    }

    /// As dropping it.
    pub(super) async fn abandon(self) {}

    async fn lend(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<(), Unavailable> {
        let db = self.db.take().ok_or_else(lent)?;
        let task = tokio::task::spawn_blocking(move || {
            let done = work(&db);
            (db, done)
        });
        let (db, done) = task.await.map_err(Unavailable::because)?;
        self.db = Some(db);
        Ok(done?)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        // A connection that is still lent goes on writing, so the files are left to it.
        let Some(db) = self.db.take() else { return };
        drop(db);
        if self.passing {
            let path = database(&self.data);
            for file in [path.clone(), path.with_extension("db-wal"), path.with_extension("db-shm")] {
                // What cannot be removed is a database without rows, which is as good.
                let _ = fs::remove_file(file);
            }
        }
    }
}

fn lent() -> Unavailable {
    Unavailable::because("the connection is gone")
}

fn has_tables(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migration'")?.exists([])
}

fn cell(row: &Row<'_>, at: usize) -> rusqlite::Result<Cell> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(Cell::Null),
        ValueRef::Integer(number) => Ok(Cell::Number(number)),
        ValueRef::Blob(bytes) => Ok(Cell::Bytes(bytes.to_owned())),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Ok(Cell::Text(text.to_owned())),
            Err(cause) => Err(rusqlite::Error::FromSqlConversionFailure(at, Type::Text, cause.into())),
        },
        ValueRef::Real(_) => Err(rusqlite::Error::InvalidColumnType(at, "a column".to_owned(), Type::Real)),
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
