//! A PostgreSQL at either end of a move. Rows go in by COPY.

use std::error::Error;
use std::pin::pin;

use futures_util::TryStreamExt;
use tokio::sync::mpsc;
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::{BATCH, Batch, Cell, MoveError, select};
use crate::contract::Unavailable;
use crate::migrations::{self, Applied};
use crate::place::{Postgres, Secret};
use crate::sql::Dialect;

/// A peer whose last beat is older does not serve, microseconds.
const SILENT: i64 = 60_000_000;

pub(super) struct End {
    client: Client,
}

impl End {
    pub(super) async fn source(there: &Postgres, password: Option<&Secret>) -> Result<Self, MoveError> {
        let place = there.to_string();
        let failed = |source: Unavailable| MoveError::Unavailable { place: place.clone(), source };
        let client = connect(there, password).await.map_err(failed)?;
        match begin_source(&client).await.map_err(failed)? {
            Found::Nothing => Err(MoveError::Absent { place }),
            Found::OtherSchema => Err(MoveError::OtherSchema { place }),
            Found::Served(peers) => Err(MoveError::Served { place, peers }),
            Found::Free => Ok(Self { client }),
        }
    }

    pub(super) async fn target(there: &Postgres, password: Option<&Secret>) -> Result<Self, MoveError> {
        let place = there.to_string();
        let failed = |source: Unavailable| MoveError::Unavailable { place: place.clone(), source };
        let client = connect(there, password).await.map_err(failed)?;
        match begin_target(&client).await.map_err(failed)? {
            true => Ok(Self { client }),
            false => Err(MoveError::NotEmpty { place }),
        }
    }

    pub(super) async fn columns(&mut self, table: &'static str) -> Result<Vec<String>, Unavailable> {
        let sql = "
            SELECT column_name::text
            FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER'
            ORDER BY ordinal_position";
        let rows = self.client.query_typed(sql, &[(&table, Type::TEXT)]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    pub(super) async fn send(
        &mut self,
        table: &'static str,
        columns: &[String],
        to: mpsc::Sender<Batch>,
    ) -> Result<(), Unavailable> {
        let nothing: [(i64, Type); 0] = [];
        let mut rows = pin!(self.client.query_typed_raw(&select(table, columns), nothing).await?);
        let mut batch = Batch::with_capacity(BATCH);
        while let Some(row) = rows.try_next().await? {
            batch.push((0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>()?);
            if batch.len() == BATCH && to.send(std::mem::take(&mut batch)).await.is_err() {
                return Ok(());
            }
        }
        // Whoever counts is gone only where something else has failed.
        let _ = to.send(batch).await;
        Ok(())
    }

    pub(super) async fn take(
        &mut self,
        table: &'static str,
        columns: &[String],
        mut from: mpsc::Receiver<Batch>,
    ) -> Result<(), Unavailable> {
        let read = self.client.prepare(&select(table, columns)).await?;
        let types: Vec<Type> = read.columns().iter().map(|column| column.type_().clone()).collect();
        let sql = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", columns.join(", "));
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
        Ok(self.client.batch_execute("COMMIT").await?)
    }
}

async fn connect(there: &Postgres, password: Option<&Secret>) -> Result<Client, Unavailable> {
    let tls = there.connector().map_err(Unavailable::because)?;
    let (client, connection) = there.config(password).connect(tls).await?;
    // Ends with the client. What goes wrong there the client's own calls say too.
    tokio::spawn(connection);
    Ok(client)
}

enum Found {
    Nothing,
    OtherSchema,
    Served(i64),
    Free,
}

/// Holds the head, without which nobody commits, for as long as the transaction lasts.
async fn begin_source(client: &Client) -> Result<Found, Unavailable> {
    let row = client.query_typed_one("SELECT to_regclass('migration') IS NOT NULL", &[]).await?;
    if !row.get::<_, bool>(0) {
        return Ok(Found::Nothing);
    }
    let rows = client.query_typed("SELECT number, kind, checksum FROM migration", &[]).await?;
    let applied: Vec<Applied> = rows
        .iter()
        .map(|row| Applied { number: row.get(0), kind: row.get(1), checksum: row.get(2) })
        .collect();
    if !migrations::pending(&applied, Dialect::Postgres, false).is_ok_and(|left| left.is_empty()) {
        return Ok(Found::OtherSchema);
    }
    // Locked in a statement before the snapshot is taken, so that the snapshot has what was
    // committed while we waited.
    client
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SET LOCAL lock_timeout = '10s'; LOCK TABLE head IN EXCLUSIVE MODE")
        .await?;
    let sql = "
        SELECT count(*)
        FROM peer
        WHERE beat > (extract(epoch FROM clock_timestamp()) * 1000000)::int8 - $1";
    match client.query_typed_one(sql, &[(&SILENT, Type::INT8)]).await?.get(0) {
        0 => Ok(Found::Free),
        peers => Ok(Found::Served(peers)),
    }
}

/// False where there is something.
async fn begin_target(client: &Client) -> Result<bool, Unavailable> {
    client
        .batch_execute("BEGIN; SET LOCAL lock_timeout = '10s'; LOCK TABLE head IN ACCESS EXCLUSIVE MODE")
        .await?;
    let sql =
        "SELECT EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM peer) OR (SELECT seq FROM head) > 0";
    if client.query_typed_one(sql, &[]).await?.get(0) {
        return Ok(false);
    }
    // What every new store begins with comes from the other one.
    client
        .batch_execute(
            "DELETE FROM permission; DELETE FROM head; DELETE FROM key_check; DELETE FROM setup_link",
        )
        .await?;
    Ok(true)
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
