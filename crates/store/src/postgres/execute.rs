//! Carries out what [`sql`](crate::sql) says, on a connection.
//!
//! Every statement is unnamed and names the types of its values, so that a pooler which lends a
//! connection for one transaction at a time does not mind. What belongs together is sent together:
//! the answers of one statement are not waited for before the next is on its way.

use std::error::Error;
use std::io;

use futures_util::future::{join, join_all};
use rustls::CertificateError;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row as Found};

use crate::contract::Unavailable;
use crate::sql::query::{Query, Read, Row, Rows, Unreadable, Value};
use crate::sql::writes::{Miss, Must, Step};

/// Begins what reads more than once, in one snapshot.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Statements under way at once; more wait for the first to be answered.
const AT_ONCE: usize = 16;

/// Runs all queries in one snapshot and gathers their rows.
///
/// Everything is sent when this is first polled, the end of the transaction too, so that a caller
/// who goes away leaves a connection with which others can begin anew.
pub(crate) async fn read<S>(client: &Client, mut read: Read<S>) -> Result<S, Unavailable> {
    if let [query] = read.queries.as_slice() {
        for row in rows(client, query).await? {
            (read.row)(&mut read.state, 0, &row)?;
        }
        return Ok(read.state);
    }
    let begun = client.batch_execute(BEGIN);
    let queries = join_all(read.queries.iter().map(|query| rows(client, query)));
    let ended = client.batch_execute("COMMIT");
    let (begun, (answers, ended)) = join(begun, join(queries, ended)).await;
    begun?;
    for (n, answer) in answers.into_iter().enumerate() {
        for row in answer? {
            (read.row)(&mut read.state, n, &row)?;
        }
    }
    ended?;
    Ok(read.state)
}

pub(super) async fn rows(client: &Client, query: &Query<'_>) -> Result<Vec<Found>, tokio_postgres::Error> {
    client.query_typed(&text(query), &values(query)).await
}

/// How many rows the statement changed.
pub(super) async fn run(client: &Client, query: &Query<'_>) -> Result<u64, tokio_postgres::Error> {
    client.execute_typed(&text(query), &values(query)).await
}

/// Puts rows into a table with one statement, each column an array: the server parses and plans it the
/// same for one row and for a hundred. How many went in.
pub(super) async fn insert(client: &Client, new: &Rows<'_>) -> Result<u64, tokio_postgres::Error> {
    let Some(first) = new.rows.first() else { return Ok(0) };
    let columns: Vec<(Vec<&Value<'_>>, Type)> = (0..first.len())
        .map(|column| (new.rows.iter().map(|row| &row[column]).collect(), array(&kind(&first[column]))))
        .collect();
    let arrays: Vec<String> =
        columns.iter().zip(1..).map(|((_, kind), number)| format!("${number}::{kind}")).collect();
    let arrays = arrays.join(", ");
    let text = format!("INSERT INTO {} SELECT * FROM unnest({arrays}){}", new.into, new.ending());
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        columns.iter().map(|(values, kind)| (values as &(dyn ToSql + Sync), kind.clone())).collect();
    client.execute_typed(&text, &values).await
}

/// The same of several, in their order; the first error counts.
pub(super) async fn run_all(client: &Client, all: &[Query<'_>]) -> Result<Vec<usize>, tokio_postgres::Error> {
    let mut changed = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        for count in join_all(some.iter().map(|query| run(client, query))).await {
            changed.push(usize::try_from(count?).unwrap_or(usize::MAX));
        }
    }
    Ok(changed)
}

/// Takes the steps of a change, and returns the numbers that were given out.
pub(super) async fn steps(client: &Client, steps: &[Step<'_>]) -> Result<Vec<i64>, Miss> {
    let mut numbers = Vec::new();
    for some in steps.chunks(AT_ONCE) {
        // All answers are taken in, the first miss counts: those after it only say that the
        // transaction has failed.
        for number in join_all(some.iter().map(|step| self::step(client, step))).await {
            numbers.extend(number?);
        }
    }
    Ok(numbers)
}

async fn step(client: &Client, step: &Step<'_>) -> Result<Option<i64>, Miss> {
    let (query, must) = match step {
        Step::Query { query, must } => (query, *must),
        Step::Rows(rows) => return insert(client, rows).await.map(|_| None).map_err(miss),
    };
    match must {
        Must::Pass => run(client, query).await.map(|_| None).map_err(miss),
        Must::Hit => match run(client, query).await.map_err(miss)? {
            1 => Ok(None),
            _ => Err(Miss::Conflict),
        },
        Must::Hits(count) => match run(client, query).await.map_err(miss)? {
            hit if hit == count as u64 => Ok(None),
            _ => Err(Miss::Conflict),
        },
        Must::Number => {
            let rows = rows(client, query).await.map_err(miss)?;
            rows.first().ok_or(Miss::Conflict)?.try_get(0).map(Some).map_err(miss)
        }
    }
}

/// Constraints that a decision can foresee are guards; what a constraint still catches came in
/// between, so deciding again will find it.
fn miss(cause: tokio_postgres::Error) -> Miss {
    // Class 23: integrity constraint violation; 22: a value that the database does not take.
    if cause.code().is_some_and(|code| code.code().starts_with("23") || code.code().starts_with("22")) {
        tracing::warn!(cause = %told(&cause), "a constraint refused a change that its guards let pass");
        Miss::Conflict
    } else {
        Miss::Database(cause.into())
    }
}

/// What the server said and what an operator can do about it, in one line.
pub(super) fn told(cause: &tokio_postgres::Error) -> String {
    let said = said(cause);
    match help(cause) {
        Some(help) => format!("{said}; {help}"),
        None => said,
    }
}

/// What the server said: the error by itself only says that there was one.
pub(crate) fn said(cause: &tokio_postgres::Error) -> String {
    match cause.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => match cause.source() {
            Some(source) => format!("{cause}: {source}"),
            None => cause.to_string(),
        },
    }
}

/// What an operator can do about it, where that is known: by the server's SQLSTATE, or by what
/// went wrong on the way to it.
pub(crate) fn help(cause: &tokio_postgres::Error) -> Option<&'static str> {
    match cause.code() {
        Some(code) => help_by_code(code),
        None => {
            let source = cause.source()?;
            match source.downcast_ref::<io::Error>() {
                Some(cause) => help_on_the_way(cause),
                // The only word that there is for it.
                None => (source.to_string() == "server does not support TLS").then_some(
                    "switch it on there (ssl = on), or write sslmode=disable where the network is encrypted itself",
                ),
            }
        }
    }
}

/// PostgreSQL's manual, appendix A.
fn help_by_code(code: &SqlState) -> Option<&'static str> {
    Some(match code.code() {
        "28P01" => "the user or its password is wrong; see store.password_file and PGPASSFILE",
        "28000" => "the user or its password is wrong, or pg_hba.conf there does not let it in from here",
        "3D000" => "make it with CREATE DATABASE … OWNER …",
        "42501" => "the role must own the tables and the database",
        "53300" => "raise max_connections there, or lower store.readers",
        "57P03" => "try again in a moment",
        _ => return None,
    })
}

fn help_on_the_way(cause: &io::Error) -> Option<&'static str> {
    match cause.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Some("write the host as its certificate does"),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Some("renew it there"),
        Some(rustls::Error::InvalidCertificate(_)) => {
            Some("add sslrootcert=FILE for an authority of your own")
        }
        Some(_) => None,
        None => (cause.kind() == io::ErrorKind::ConnectionRefused)
            .then_some("is it started, and are host and port right?"),
    }
}

/// Whether the server refuses for this reason.
pub(super) fn is_code(cause: &tokio_postgres::Error, code: &SqlState) -> bool {
    cause.code() == Some(code)
}

impl From<tokio_postgres::Error> for Unavailable {
    fn from(cause: tokio_postgres::Error) -> Self {
        Self::because(told(&cause))
    }
}

fn text(query: &Query<'_>) -> String {
    query.text.replace('?', "$")
}

fn values<'q>(query: &'q Query<'_>) -> Vec<(&'q (dyn ToSql + Sync), Type)> {
    query.values.iter().map(|value| (value as &(dyn ToSql + Sync), kind(value))).collect()
}

fn kind(value: &Value<'_>) -> Type {
    match value {
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
        Value::Flag(_) => Type::BOOL,
        Value::Texts(_) => Type::TEXT_ARRAY,
        Value::Blobs(_) => Type::BYTEA_ARRAY,
    }
}

/// What holds several of a type that rows have.
fn array(kind: &Type) -> Type {
    match *kind {
        Type::INT8 => Type::INT8_ARRAY,
        Type::BYTEA => Type::BYTEA_ARRAY,
        Type::BOOL => Type::BOOL_ARRAY,
        _ => Type::TEXT_ARRAY,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, to: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Int(number) => number.to_sql(ty, to),
            Self::Text(text) => text.as_deref().to_sql(ty, to),
            Self::Bytes(bytes) => bytes.as_deref().to_sql(ty, to),
            Self::Flag(flag) => flag.to_sql(ty, to),
            Self::Texts(texts) => texts.to_sql(ty, to),
            Self::Blobs(blobs) => blobs.iter().map(<[u8; 32]>::as_slice).collect::<Vec<_>>().to_sql(ty, to),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Row for Found {
    fn int_or_none(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        self.try_get(column).map_err(|cause| Unreadable::new(column, cause))
    }

    fn str_or_none(&self, column: usize) -> Result<Option<&str>, Unreadable> {
        self.try_get(column).map_err(|cause| Unreadable::new(column, cause))
    }

    fn bytes_or_none(&self, column: usize) -> Result<Option<&[u8]>, Unreadable> {
        self.try_get(column).map_err(|cause| Unreadable::new(column, cause))
    }

    fn flag(&self, column: usize) -> Result<bool, Unreadable> {
        self.try_get(column).map_err(|cause| Unreadable::new(column, cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_what_to_do_about_what_the_server_says() {
        for (code, part) in [
            ("28P01", "password is wrong; see store.password_file and PGPASSFILE"),
            ("28000", "pg_hba.conf"),
            ("3D000", "CREATE DATABASE … OWNER …"),
            ("42501", "must own the tables and the database"),
            ("53300", "max_connections"),
        ] {
            let help = help_by_code(&SqlState::from_code(code)).unwrap();
            assert!(help.contains(part), "{code}: {help}");
        }
        assert_eq!(help_by_code(&SqlState::UNIQUE_VIOLATION), None);
    }

    #[test]
    fn an_operator_is_told_what_to_do_about_the_way_to_the_server() {
        let certificate =
            |why| io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(why));
        let help = |cause: io::Error| help_on_the_way(&cause).unwrap_or("nothing");
        assert!(help(certificate(CertificateError::UnknownIssuer)).contains("sslrootcert=FILE"));
        assert!(help(certificate(CertificateError::NotValidForName)).contains("write the host"));
        assert!(help(certificate(CertificateError::Expired)).contains("renew"));
        assert!(help(io::ErrorKind::ConnectionRefused.into()).contains("is it started"));
        assert_eq!(help(io::ErrorKind::UnexpectedEof.into()), "nothing");
    }
}
