//! A PostgreSQL at either end of a move. Rows go in by COPY.

use std::error::Error;
use std::pin::pin;

use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::tally::{BATCH, Batch, Cell};
use super::{MoveError, TABLES, current, give_up, not_empty, quoted, something};
use crate::contract::Unavailable;
use crate::migrations::Applied;
use crate::place::{Access, Postgres};
use crate::sql::Dialect;

/// A peer whose last beat is older, in microseconds, does not serve any more: its process may
/// believe itself current for 10 s, and clocks run a little apart.
const SILENT: i64 = 11_000_000;

/// What holds for the transactions on both sides. A move takes as long as it takes, and whoever
/// serves by mistake is not waited for long.
const BOUNDS: &str = "SET LOCAL statement_timeout = 0; \
                      SET LOCAL idle_in_transaction_session_timeout = 0; \
                      SET LOCAL synchronous_commit = on; \
                      SET LOCAL lock_timeout = '10s'";

/// Without the head nobody commits, and without their table no peer beats or begins. Reading goes on.
const LOCK: &str = "LOCK TABLE head, peer IN EXCLUSIVE MODE";

pub(crate) struct End {
    pub(super) place: String,
    client: Client,
}

impl End {
    pub(super) async fn source(there: &Postgres, access: &Access) -> Result<Self, MoveError> {
        let end = Self::there(there, access).await?;
        // Locking takes no snapshot, so the snapshot has what was committed while we waited.
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {BOUNDS}; {LOCK}");
        end.run(&begin).await?;
        end.served().await?;
        Ok(end)
    }

    /// Peers may serve from it.
    pub(super) async fn look(there: &Postgres, access: &Access) -> Result<Self, MoveError> {
        let end = Self::there(there, access).await?;
        end.run(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {BOUNDS}")).await?;
        Ok(end)
    }

    /// A database that has the tables of this version.
    async fn there(there: &Postgres, access: &Access) -> Result<Self, MoveError> {
        let end = Self::connect(there, access).await?;
        if !end.has_tables().await.map_err(|cause| end.failed(cause))? {
            return Err(MoveError::Absent { place: end.place });
        }
        let applied = end.applied().await.map_err(|cause| end.failed(cause))?;
        current(&applied, Dialect::Postgres, &end.place)?;
        Ok(end)
    }

    pub(super) async fn target(there: &Postgres, access: &Access) -> Result<Self, MoveError> {
        let end = Self::connect(there, access).await?;
        if end.has_tables().await.map_err(|cause| end.failed(cause))? {
            let applied = end.applied().await.map_err(|cause| end.failed(cause))?;
            current(&applied, Dialect::Postgres, &end.place)?;
            // Before the lock too: whoever names the source by another URL would wait for himself.
            end.empty().await?;
        } else {
            crate::migrate(access, false).await?;
        }
        end.run(&format!("BEGIN; {BOUNDS}; {LOCK}")).await?;
        end.served().await?;
        end.empty().await?;
        end.run(&give_up()).await?;
        Ok(end)
    }

    async fn connect(there: &Postgres, access: &Access) -> Result<Self, MoveError> {
        let place = there.to_string();
        let tls = there.connector().map_err(crate::contract::OpenError::from)?;
        match there.config(access.password.as_ref()).connect(tls).await {
            Ok((client, connection)) => {
                // Ends with the client. What goes wrong there the client's own calls say too.
                tokio::spawn(connection);
                Ok(Self { place, client })
            }
            Err(cause) => Err(MoveError::Unavailable { place, source: cause.into() }),
        }
    }

    fn failed(&self, cause: impl Into<Unavailable>) -> MoveError {
        MoveError::Unavailable { place: self.place.clone(), source: cause.into() }
    }

    async fn run(&self, sql: &str) -> Result<(), MoveError> {
        self.client.batch_execute(sql).await.map_err(|cause| self.failed(cause))
    }

    async fn has_tables(&self) -> Result<bool, tokio_postgres::Error> {
        let row = self.client.query_typed_one("SELECT to_regclass('migration') IS NOT NULL", &[]).await?;
        row.try_get(0)
    }

    async fn applied(&self) -> Result<Vec<Applied>, tokio_postgres::Error> {
        let rows = self.client.query_typed("SELECT number, kind, checksum FROM migration", &[]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(Applied { number: row.try_get(0)?, kind: row.try_get(1)?, checksum: row.try_get(2)? })
        };
        rows.iter().map(read).collect()
    }

    /// Refuses a database that peers serve from.
    async fn served(&self) -> Result<(), MoveError> {
        let sql = "
            SELECT id
            FROM peer
            WHERE beat > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - $1
            ORDER BY id";
        let rows = self.client.query_typed(sql, &[(&SILENT, Type::INT8)]).await;
        let rows = rows.map_err(|cause| self.failed(cause))?;
        let peers: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get(0)).collect();
        match peers.map_err(|cause| self.failed(cause))? {
            none if none.is_empty() => Ok(()),
            peers => Err(MoveError::Served { place: self.place.clone(), peers }),
        }
    }

    async fn empty(&self) -> Result<(), MoveError> {
        let row = self.client.query_typed_one(&something(), &[]).await;
        let table: Option<String> = row.and_then(|row| row.try_get(0)).map_err(|cause| self.failed(cause))?;
        table.map_or(Ok(()), |table| Err(not_empty(&self.place, &table)))
    }

    pub(super) async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, Unavailable> {
        Ok(self.typed(table).await?.into_iter().map(|(name, _)| name).collect())
    }

    /// The columns that are written, by name, with their types.
    async fn typed(&self, table: &'static str) -> Result<Vec<(String, Type)>, Unavailable> {
        let sql = "
            SELECT attname::text, atttypid
            FROM pg_attribute
            WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
            ORDER BY attname";
        let rows = self.client.query_typed(sql, &[(&table, Type::TEXT)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let kind = Type::from_oid(row.try_get(1)?).unwrap_or(Type::UNKNOWN);
            Ok((row.try_get(0)?, kind))
        };
        rows.iter().map(read).collect()
    }

    pub(super) async fn send(
        &mut self,
        select: &str,
        width: usize,
        to: mpsc::Sender<Batch>,
    ) -> Result<(), Unavailable> {
        let nothing: [(i64, Type); 0] = [];
        // Rows are taken from the socket as they are wanted, and no sooner.
        let mut rows = pin!(self.client.query_typed_raw(select, nothing).await?);
        let mut batch = Batch::with_capacity(BATCH);
        while let Some(row) = rows.try_next().await? {
            batch.push((0..width).map(|at| row.try_get(at)).collect::<Result<_, _>>()?);
            if batch.len() == BATCH && to.send(std::mem::take(&mut batch)).await.is_err() {
                return Ok(());
            }
        }
        // Nobody is there to take it only where something else has failed.
        let _ = to.send(batch).await;
        Ok(())
    }

    pub(super) async fn take(
        &mut self,
        table: &'static str,
        columns: &[String],
        mut from: mpsc::Receiver<Batch>,
    ) -> Result<(), Unavailable> {
        let types: Vec<Type> = self.typed(table).await?.into_iter().map(|(_, kind)| kind).collect();
        let sql = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", quoted(columns));
        let mut writer = pin!(BinaryCopyInWriter::new(self.client.copy_in(&sql).await?, &types));
        while let Some(batch) = from.recv().await {
            for row in &batch {
                writer.as_mut().write_raw(row).await?;
            }
        }
        writer.finish().await?;
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), Unavailable> {
        self.client.batch_execute("COMMIT").await?;
        // Plans follow statistics, and a server that starts now would have none.
        if let Err(cause) = self.client.batch_execute(&format!("ANALYZE {}", TABLES.join(", "))).await {
            tracing::warn!(%cause, "could not gather statistics of the tables that were moved");
        }
        Ok(())
    }

    pub(super) async fn abandon(self) {
        // Where this does not arrive, the end of the connection says the same.
        let _ = self.client.batch_execute("ROLLBACK").await;
    }
}

impl ToSql for Cell {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Number(number), kind) if *kind == Type::BOOL => (*number != 0).to_sql(kind, out),
            (Self::Number(number), kind) if *kind == Type::INT8 => number.to_sql(kind, out),
            (Self::Text(text), kind) if *kind == Type::TEXT => text.to_sql(kind, out),
            (Self::Bytes(bytes), kind) if *kind == Type::BYTEA => bytes.to_sql(kind, out),
            (_, kind) => Err(format!("a value does not fit a column of {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        match kind {
            kind if *kind == Type::BOOL => bool::from_sql(kind, raw).map(|truth| Self::Number(truth.into())),
            kind if *kind == Type::INT8 => i64::from_sql(kind, raw).map(Self::Number),
            kind if *kind == Type::TEXT => String::from_sql(kind, raw).map(Self::Text),
            kind if *kind == Type::BYTEA => Vec::from_sql(kind, raw).map(Self::Bytes),
            kind => Err(format!("there is no place for a column of {kind}").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
