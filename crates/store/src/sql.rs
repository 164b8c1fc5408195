//! Statements and rows, as both backends have them.
//!
//! What is asked and what is written is said here once: a [`Read`](query::Read) names all its
//! queries beforehand, a write is a few [`Step`](writes::Step)s, and a backend only carries them
//! out. Placeholders are `?1`, `?2`, …; the few words in which the two languages differ are
//! [`Dialect`]'s.

pub(crate) mod beside;
pub(crate) mod checks;
pub(crate) mod due;
pub(crate) mod entries;
pub(crate) mod foreign;
pub(crate) mod links;
pub(crate) mod lists;
pub(crate) mod loads;
pub(crate) mod mail;
mod persons;
mod places;
pub(crate) mod query;
pub(crate) mod reads;
pub(crate) mod rolls;
pub(crate) mod rows;
pub(crate) mod states;
mod sweeps;
pub(crate) mod webhooks;
pub(crate) mod writes;

/// Whose SQL it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Joins in the order in which it is written. SQLite does not reorder a CROSS JOIN, so that a
    /// list walks its index and a page costs what it shows; PostgreSQL finds that by its statistics.
    pub(crate) fn join(self) -> &'static str {
        match self {
            Self::Sqlite => "CROSS JOIN",
            Self::Postgres => "JOIN",
        }
    }

    /// An update of many rows. SQLite need not be able to take back a part of one: a change that fails is undone
    /// whole, and a copy of every page is saved.
    pub(crate) fn update_of_many(self) -> &'static str {
        match self {
            Self::Sqlite => "UPDATE OR FAIL",
            Self::Postgres => "UPDATE",
        }
    }

    /// A hint which index to walk, for SQLite, which keeps no statistics here.
    pub(crate) fn by(self, index: &str) -> String {
        match self {
            Self::Sqlite => format!("INDEXED BY {index}"),
            Self::Postgres => String::new(),
        }
    }

    /// Whether the column is one of the texts in a [list](query::Value::Texts).
    pub(crate) fn one_of_texts(self, column: &str, list: usize) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT value FROM json_each(?{list}))"),
            Self::Postgres => format!("{column} = ANY(?{list})"),
        }
    }

    /// The same of a [list of bytes](query::Value::Blobs).
    pub(crate) fn one_of_blobs(self, column: &str, list: usize) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT unhex(value) FROM json_each(?{list}))"),
            Self::Postgres => format!("{column} = ANY(?{list})"),
        }
    }
}
