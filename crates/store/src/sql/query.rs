//! A query with its values, and what comes back: the one interface between the statements and
//! whoever carries them out.

use std::borrow::Cow;
use std::error::Error;

use domain::time::Timestamp;

use crate::contract::Unavailable;

/// A value for a placeholder. An absent one keeps its type, which PostgreSQL wants to know.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Int(Option<i64>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
    Flag(bool),
    Texts(Vec<String>),
    Blobs(Vec<[u8; 32]>),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        Self::Int(Some(value.as_micros()))
    }
}

impl From<Option<Timestamp>> for Value<'_> {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(Timestamp::as_micros))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(value.into()))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Some(value.into()))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(value.into()))
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Self::Text(value.as_deref().map(Into::into))
    }
}

impl From<Option<String>> for Value<'_> {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(Into::into))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Some(value.as_slice().into()))
    }
}

impl From<[u8; 32]> for Value<'_> {
    fn from(value: [u8; 32]) -> Self {
        Self::Bytes(Some(value.to_vec().into()))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(Some(value.as_slice().into()))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value.into()))
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

/// A statement and its values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query<'a> {
    pub(crate) text: Cow<'static, str>,
    pub(crate) values: Vec<Value<'a>>,
}

impl<'a> Query<'a> {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>, values: impl Into<Vec<Value<'a>>>) -> Self {
        Self { text: text.into(), values: values.into() }
    }

    /// Takes a value in, and returns the number of its placeholder.
    pub(crate) fn bind(&mut self, value: impl Into<Value<'a>>) -> usize {
        self.values.push(value.into());
        self.values.len()
    }
}

/// Rows for one table. How many go in with one statement, and in what form, is for who carries it out.
#[derive(Debug)]
pub(crate) struct Rows<'a> {
    /// The table and the columns that each row has a value for.
    pub(crate) into: &'static str,
    pub(crate) rows: Vec<Vec<Value<'a>>>,
    /// What is there already stays as it is; otherwise it is an error.
    pub(crate) unless_there: bool,
}

impl Rows<'_> {
    /// What ends the statement.
    pub(crate) fn ending(&self) -> &'static str {
        if self.unless_there { " ON CONFLICT DO NOTHING" } else { "" }
    }
}

/// Values of several types, in the order of their placeholders.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::sql::query::Value::from($value)),*]
    };
}
pub(crate) use values;

/// One row of an answer. Columns count from 0.
pub(crate) trait Row {
    fn int_or_none(&self, column: usize) -> Result<Option<i64>, Unreadable>;
    fn str_or_none(&self, column: usize) -> Result<Option<&str>, Unreadable>;
    fn bytes_or_none(&self, column: usize) -> Result<Option<&[u8]>, Unreadable>;
    fn flag(&self, column: usize) -> Result<bool, Unreadable>;
}

/// A row's columns from one on, for what reads them from 0.
pub(crate) struct Beyond<'r> {
    pub(crate) row: &'r dyn Row,
    pub(crate) first: usize,
}

impl Row for Beyond<'_> {
    fn int_or_none(&self, column: usize) -> Result<Option<i64>, Unreadable> {
        self.row.int_or_none(self.first + column)
    }

    fn str_or_none(&self, column: usize) -> Result<Option<&str>, Unreadable> {
        self.row.str_or_none(self.first + column)
    }

    fn bytes_or_none(&self, column: usize) -> Result<Option<&[u8]>, Unreadable> {
        self.row.bytes_or_none(self.first + column)
    }

    fn flag(&self, column: usize) -> Result<bool, Unreadable> {
        self.row.flag(self.first + column)
    }
}

/// A row that is not what this program wrote: an error, and never a missing row.
#[derive(Debug, thiserror::Error)]
#[error("column {column} of a row cannot be read")]
pub(crate) struct Unreadable {
    pub(crate) column: usize,
    #[source]
    pub(crate) cause: Box<dyn Error + Send + Sync>,
}

impl Unreadable {
    pub(crate) fn new(column: usize, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { column, cause: cause.into() }
    }
}

impl From<Unreadable> for Unavailable {
    fn from(cause: Unreadable) -> Self {
        Self::because(cause)
    }
}

/// What is to be read: all queries beforehand, to be run in one snapshot, and what becomes of
/// their rows.
pub(crate) struct Read<S> {
    pub(crate) queries: Vec<Query<'static>>,
    /// What has been gathered; the answer, once all rows were seen.
    pub(crate) state: S,
    /// Takes in a row of the query with that number.
    pub(crate) row: fn(&mut S, usize, &dyn Row) -> Result<(), Unreadable>,
}

impl<T> Read<Option<T>> {
    /// The first row, if there is one.
    pub(crate) fn first(
        query: Query<'static>,
        row: fn(&mut Option<T>, usize, &dyn Row) -> Result<(), Unreadable>,
    ) -> Self {
        Self { queries: vec![query], state: None, row }
    }
}
