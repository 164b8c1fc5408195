//! An SQLite at either end of a move. The connection is lent to a thread that may block while rows
//! are read or written.

use std::fs::File;
use std::path::Path;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};
use tokio::sync::mpsc;

use super::{BATCH, Batch, Cell, MoveError, select};
use crate::contract::Unavailable;
use crate::examine;
use crate::migrations;
use crate::sql::Dialect;
use crate::sqlite::open;

pub(super) struct End {
    /// None while it is lent.
    db: Option<Connection>,
    /// Nobody else opens the store meanwhile.
    _lock: File,
}

impl End {
    pub(super) fn source(data: &Path) -> Result<Self, MoveError> {
        let path = data.join("jeton.db");
        let place = format!("sqlite:{}", data.display());
        if !path.exists() {
            return Err(MoveError::Absent { place });
        }
        let lock = open::lock(data)?;
        let unavailable =
            |cause: rusqlite::Error| MoveError::Unavailable { place: place.clone(), source: cause.into() };
        let db = open::reader(&path).map_err(unavailable)?;
        open::undamaged(&db, &path)?;
        let applied = examine::applied_to(&db).map_err(unavailable)?;
        if !migrations::pending(&applied, Dialect::Sqlite, false).is_ok_and(|left| left.is_empty()) {
            return Err(MoveError::OtherSchema { place });
        }
        db.execute_batch("BEGIN").map_err(unavailable)?;
        Ok(Self { db: Some(db), _lock: lock })
    }

    pub(super) fn target(data: &Path) -> Result<Self, MoveError> {
        let path = data.join("jeton.db");
        let place = format!("sqlite:{}", data.display());
        let lock = open::lock(data)?;
        let unavailable =
            |cause: rusqlite::Error| MoveError::Unavailable { place: place.clone(), source: cause.into() };
        let db = open::writer(&path)?;
        db.execute_batch("BEGIN IMMEDIATE").map_err(unavailable)?;
        let sql = "SELECT EXISTS (SELECT 1 FROM account) OR (SELECT seq FROM head) > 0";
        if db.query_row(sql, [], |row| row.get(0)).map_err(unavailable)? {
            return Err(MoveError::NotEmpty { place });
        }
        // What every new store begins with comes from the other one.
        db.execute_batch(
            "DELETE FROM permission; DELETE FROM head; DELETE FROM key_check; DELETE FROM setup_link",
        )
        .map_err(unavailable)?;
        Ok(Self { db: Some(db), _lock: lock })
    }

    pub(super) fn columns(&mut self, table: &'static str) -> Result<Vec<String>, Unavailable> {
        let db = self.db.as_ref().ok_or_else(lent)?;
        // Generated columns are hidden ones.
        let mut statement =
            db.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0 ORDER BY cid")?;
        let columns = statement.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(columns)
    }

    pub(super) async fn send(
        &mut self,
        table: &'static str,
        columns: &[String],
        to: mpsc::Sender<Batch>,
    ) -> Result<(), Unavailable> {
        let (sql, width) = (select(table, columns), columns.len());
        self.lend(move |db| {
            let mut statement = db.prepare(&sql)?;
            let mut rows = statement.query([])?;
            let mut batch = Batch::with_capacity(BATCH);
            while let Some(row) = rows.next()? {
                batch.push((0..width).map(|at| cell(row, at)).collect::<Result<_, _>>()?);
                if batch.len() == BATCH && to.blocking_send(std::mem::take(&mut batch)).is_err() {
                    return Ok(());
                }
            }
            // Whoever counts is gone only where something else has failed.
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
        let sql = format!("INSERT INTO {table} ({}) VALUES ({places})", columns.join(", "));
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

    pub(super) fn commit(mut self) -> Result<(), Unavailable> {
        let db = self.db.take().ok_or_else(lent)?;
        db.execute_batch("COMMIT")?;
        // Into the database file itself, so that the directory is whole without its log.
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        db.close().map_err(|(_, cause)| cause.into())
    }

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

fn lent() -> Unavailable {
    Unavailable::because("the connection is gone")
}

fn cell(row: &Row<'_>, at: usize) -> rusqlite::Result<Cell> {
    Ok(match row.get::<_, Value>(at)? {
        Value::Null => Cell::Null,
        Value::Integer(number) => Cell::Number(number),
        Value::Text(text) => Cell::Text(text),
        Value::Blob(bytes) => Cell::Bytes(bytes),
        Value::Real(_) => {
            return Err(rusqlite::Error::InvalidColumnType(
                at,
                "a real".to_owned(),
                rusqlite::types::Type::Real,
            ));
        }
    })
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
