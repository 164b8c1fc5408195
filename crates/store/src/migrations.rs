//! The schema's steps, numbered and named alike for both backends.
//!
//! A step *expands* (adds tables, columns, indexes, which an older program does not miss) or
//! *contracts* (takes away what no running program uses any more). So two versions can run on one
//! PostgreSQL at once: expand, replace the programs, contract.

use sha2::{Digest as _, Sha256};

use crate::journal::hex;
use crate::sql::Dialect;

pub(crate) struct Migration {
    pub(crate) number: i64,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    sqlite: &'static str,
    postgres: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Expand,
    #[allow(dead_code, reason = "no step has taken anything away yet")]
    Contract,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Contract => "contract",
        }
    }
}

macro_rules! migrations {
    ($($number:literal $kind:ident $name:literal,)+) => {
        pub(crate) const ALL: &[Migration] = &[$(Migration {
            number: $number,
            name: $name,
            kind: Kind::$kind,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        },)+];
    };
}

migrations! {
    1 Expand "0001_facts",
}

impl Migration {
    pub(crate) fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }

    pub(crate) fn checksum(&self, dialect: Dialect) -> String {
        let mut digits = String::with_capacity(64);
        hex(&Sha256::digest(self.text(dialect).as_bytes()), &mut digits);
        digits
    }
}

/// What was done to a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The last step before; 0 for a database without tables.
    pub from: i64,
    /// The last step now.
    pub to: i64,
    /// Steps that take something away, by name: they wait until they are asked for, and until
    /// every peer that runs knows them.
    pub waiting: Vec<String>,
}

/// A step that a database says it has taken.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) number: i64,
    pub(crate) kind: String,
    pub(crate) checksum: String,
}

/// Why a database is not one of this program's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    Newer { found: i64, known: i64 },
    Altered { number: i64 },
}

/// The number of the last step that this program knows.
pub(crate) fn known() -> i64 {
    ALL.iter().map(|each| each.number).max().unwrap_or_default()
}

/// What remains to be done where `applied` has been. `tolerant`: steps that this program does not
/// know do not matter, as long as they only expanded.
pub(crate) fn pending(
    applied: &[Applied],
    dialect: Dialect,
    tolerant: bool,
) -> Result<Vec<&'static Migration>, Misfit> {
    // The newest first: that a database is newer explains everything else about it.
    let mut newest: Vec<&Applied> = applied.iter().collect();
    newest.sort_by_key(|each| std::cmp::Reverse(each.number));
    for each in newest {
        match ALL.iter().find(|known| known.number == each.number) {
            Some(known) if known.checksum(dialect) != each.checksum => {
                return Err(Misfit::Altered { number: each.number });
            }
            None if !(tolerant && each.kind == Kind::Expand.as_str()) => {
                return Err(Misfit::Newer { found: each.number, known: known() });
            }
            Some(_) | None => {}
        }
    }
    Ok(ALL.iter().filter(|known| applied.iter().all(|each| each.number != known.number)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(number: i64, kind: Kind, checksum: &str) -> Applied {
        Applied { number, kind: kind.as_str().into(), checksum: checksum.into() }
    }

    #[test]
    fn an_older_program_bears_what_was_added_and_not_what_was_taken_away() {
        let first = &ALL[0];
        let done = applied(first.number, first.kind, &first.checksum(Dialect::Postgres));
        let added = applied(90, Kind::Expand, "?");
        let taken = applied(91, Kind::Contract, "?");
        let missing = |applied: &[Applied], tolerant| {
            pending(applied, Dialect::Postgres, tolerant).map(|steps| steps.len())
        };
        let newer = |found| Err(Misfit::Newer { found, known: known() });
        assert_eq!(missing(&[], true), Ok(ALL.len()));
        assert_eq!(missing(&[done.clone(), added.clone()], true), Ok(ALL.len() - 1));
        assert_eq!(missing(&[done.clone(), added.clone()], false), newer(90));
        assert_eq!(missing(&[done.clone(), added, taken], true), newer(91));
        let altered = applied(1, Kind::Expand, "another text");
        assert_eq!(missing(&[altered], true), Err(Misfit::Altered { number: 1 }));
    }

    #[test]
    fn steps_are_numbered_without_gaps_and_named_by_their_number() {
        for (n, step) in ALL.iter().enumerate() {
            assert_eq!(step.number, n as i64 + 1);
            assert!(step.name.starts_with(&format!("{:04}_", step.number)));
        }
    }
}
