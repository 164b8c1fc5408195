//! Carries out what [`sql`](crate::sql) says, on a connection.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql};

use crate::contract::Unavailable;
use crate::sql::query::{Query, Read, Row, Rows, Unreadable, Value};
use crate::sql::writes::{Miss, Must, Step};

/// Runs all queries in one snapshot and gathers their rows.
pub(crate) fn read<S>(db: &mut Connection, mut read: Read<S>) -> Result<S, Unavailable> {
    if let [query] = read.queries.as_slice() {
        rows(db, query, |row| (read.row)(&mut read.state, 0, row))?;
        return Ok(read.state);
    }
    let snapshot = db.transaction()?;
    for (n, query) in read.queries.iter().enumerate() {
        rows(&snapshot, query, |row| (read.row)(&mut read.state, n, row))?;
    }
    Ok(read.state)
}

fn rows(
    db: &Connection,
    query: &Query<'_>,
    mut each: impl FnMut(&dyn Row) -> Result<(), Unreadable>,
) -> Result<(), Unavailable> {
    let mut statement = db.prepare_cached(&query.text)?;
    let mut rows = statement.query(values(query).as_slice())?;
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}

/// How many rows the statement changed.
pub(crate) fn run(db: &Connection, query: &Query<'_>) -> rusqlite::Result<usize> {
    db.prepare_cached(&query.text)?.execute(values(query).as_slice())
}

/// Puts rows into a table, one after the other: the statement is prepared once and kept.
pub(crate) fn insert(db: &Connection, new: &Rows<'_>) -> rusqlite::Result<()> {
    let Some(first) = new.rows.first() else { return Ok(()) };
    let values = vec!["?"; first.len()].join(", ");
    let mut statement =
        db.prepare_cached(&format!("INSERT INTO {} VALUES ({values}){}", new.into, new.ending()))?;
    for row in &new.rows {
        statement.execute(rusqlite::params_from_iter(row))?;
    }
    Ok(())
}

/// Takes one step of a change. Some: the number that it gave out.
pub(super) fn step(db: &Connection, step: &Step<'_>) -> Result<Option<i64>, Miss> {
    let (query, must) = match step {
        Step::Query { query, must } => (query, *must),
        Step::Rows(rows) => return insert(db, rows).map(|()| None).map_err(miss),
    };
    match must {
        Must::Pass => run(db, query).map(|_| None).map_err(miss),
        Must::Hit => match run(db, query).map_err(miss)? {
            1 => Ok(None),
            _ => Err(Miss::Conflict),
        },
        Must::Hits(count) => match run(db, query).map_err(miss)? {
            hit if hit == count => Ok(None),
            _ => Err(Miss::Conflict),
        },
        Must::Number => {
            let mut statement = db.prepare_cached(&query.text).map_err(miss)?;
            let mut rows = statement.query(values(query).as_slice()).map_err(miss)?;
            let row = rows.next().map_err(miss)?.ok_or(Miss::Conflict)?;
            row.get(0).map(Some).map_err(miss)
        }
    }
}

/// Constraints that a decision can foresee are guards; what a constraint still catches came in
/// between, so deciding again will find it.
pub(super) fn miss(cause: rusqlite::Error) -> Miss {
    if cause.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
        tracing::warn!(%cause, "a constraint refused a change that its guards let pass");
        Miss::Conflict
    } else {
        Miss::Database(cause.into())
    }
}

pub(crate) fn values<'q>(query: &'q Query<'_>) -> Vec<&'q dyn ToSql> {
    query.values.iter().map(|value| value as &dyn ToSql).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = |value| Ok(ToSqlOutput::Borrowed(value));
        // A list is a JSON array, which the statement takes apart.
        let json = |list: &[String]| {
            let text = serde_json::to_string(list).expect("texts are JSON");
            Ok(ToSqlOutput::Owned(rusqlite::types::Value::Text(text)))
        };
        match self {
            Self::Int(Some(number)) => borrowed(ValueRef::Integer(*number)),
            Self::Text(Some(text)) => borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(Some(bytes)) => borrowed(ValueRef::Blob(bytes)),
            Self::Int(None) | Self::Text(None) | Self::Bytes(None) => borrowed(ValueRef::Null),
            Self::Flag(flag) => borrowed(ValueRef::Integer((*flag).into())),
            Self::Texts(texts) => json(texts),
            Self::Blobs(blobs) => {
                let hex = |bytes: &[u8; 32]| {
                    let mut digits = String::with_capacity(64);
                    crate::journal::hex(bytes, &mut digits);
                    digits
                };
                json(&blobs.iter().map(hex).collect::<Vec<_>>())
            }
        }
    }
}

impl Row for rusqlite::Row<'_> {
    fn int_or_none(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        let value = self.get_ref(column).map_err(|cause| Unreadable::new(column, cause))?;
        value.as_i64_or_null().map_err(|cause| Unreadable::new(column, cause))
    }

    fn str_or_none(&self, column: usize) -> Result<Option<&str>, Unreadable> {
        let value = self.get_ref(column).map_err(|cause| Unreadable::new(column, cause))?;
        value.as_str_or_null().map_err(|cause| Unreadable::new(column, cause))
    }

    fn bytes_or_none(&self, column: usize) -> Result<Option<&[u8]>, Unreadable> {
        let value = self.get_ref(column).map_err(|cause| Unreadable::new(column, cause))?;
        value.as_blob_or_null().map_err(|cause| Unreadable::new(column, cause))
    }

    fn flag(&self, column: usize) -> Result<bool, Unreadable> {
        self.get(column).map_err(|cause| Unreadable::new(column, cause))
    }
}
