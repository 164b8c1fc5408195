//! Tokens that were made elsewhere: their rows by the thousand, and how one is found by a text that is
//! not of our make.

use std::collections::HashMap;

use domain::change::{Imported, Make};
use domain::facts::Token;
use domain::ids::AccountId;
use domain::time::Timestamp;
use token::{Digest, TokenId};

use super::Dialect;
use super::query::{Query, Read, Rows, Value, values};
use super::rows;
use super::writes::{Miss, Must, Step, family, insert_tokens};
use crate::query::ForeignToken;

/// Rows at once: few enough for a server that bounds how long a statement may take.
const ROWS: usize = 2_000;

pub(super) fn import<'a>(
    account: &'a AccountId,
    after: i64,
    tokens: &'a [Imported],
    dialect: Dialect,
) -> Result<Vec<Step<'a>>, Miss> {
    let last = after + tokens.len() as i64;
    let mut numbers = Query::new("", values![account.as_str(), after, last]);
    let family = family(&mut numbers, account, tokens.iter().map(|each| &each.token), dialect);
    numbers.text =
        format!("UPDATE account SET last_number = ?3 WHERE id = ?1 AND last_number = ?2 AND {family}").into();
    let mut steps = vec![Step::Query { query: numbers, must: Must::Hit }];
    let numbered: Vec<(&Token, i64)> = tokens.iter().map(|each| &each.token).zip(after + 1..).collect();
    for rows in numbered.chunks(ROWS) {
        steps.push(Step::Rows(insert_tokens(rows)?));
    }
    let row = |each: &'a Imported| {
        let (token, foreign) = (&each.token, each.foreign.as_ref()?);
        Some(values![
            token.digest.as_bytes(),
            foreign.make,
            &foreign.lookup,
            &foreign.phc,
            token.account.as_str(),
            token.id.to_string(),
        ])
    };
    let mut foreign = tokens.iter().filter_map(row).peekable();
    while foreign.peek().is_some() {
        let into = "foreign_key (mark, make, lookup, phc, account, token)";
        steps.push(Step::Rows(Rows {
            into,
            rows: foreign.by_ref().take(ROWS).collect(),
            unless_there: false,
        }));
    }
    Ok(steps)
}

pub(super) fn insert_make(make: &Make) -> Query<'_> {
    let sql = "
        INSERT INTO foreign_make (id, kind, prefix, sealed)
        SELECT ?1, ?2, ?3, ?4
        WHERE NOT EXISTS (SELECT 1 FROM foreign_make WHERE id = ?1)";
    let sealed = Value::Bytes(make.sealed.as_deref().map(Into::into));
    let mut query = Query::new(sql, values![make.id, &make.kind, make.prefix]);
    query.values.push(sealed);
    query
}

/// From here on the token is found as any other, and its hash is gone.
pub(super) fn replace<'a>(token: &'a Token, mark: &'a Digest, at: Timestamp) -> Vec<Step<'a>> {
    let row = "
        UPDATE token
        SET digest = ?5, version = version + 1
        WHERE code = ?1 AND id = ?2 AND account = ?3 AND version = ?4";
    let values = values![
        token.id.code.to_string(),
        token.id.to_string(),
        token.account.as_str(),
        token.version,
        token.digest.as_bytes(),
    ];
    let found = "
        UPDATE foreign_key
        SET phc = NULL, replaced_at = ?2
        WHERE mark = ?1 AND replaced_at IS NULL";
    let gone = Query::new(found, values![mark.as_bytes(), at]);
    [Query::new(row, values), gone].map(|query| Step::Query { query, must: Must::Hit }).into()
}

pub(crate) fn makes() -> Read<Vec<Make>> {
    Read {
        queries: vec![Query::new("SELECT id, kind, prefix, sealed FROM foreign_make ORDER BY id", [])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(Make {
                id: rows::int(row, 0)?,
                kind: rows::string(row, 1)?,
                prefix: row.int_or_none(2)?,
                sealed: row.bytes_or_none(3)?.map(<[u8]>::to_vec),
            });
            Ok(())
        },
    }
}

/// What may be meant by a text, looked up as each make looks it up; a few of each.
pub(crate) fn found(lookups: Vec<(i64, Vec<u8>)>) -> Read<Vec<ForeignToken>> {
    let sql = "
        SELECT mark, make, phc, account, token
        FROM foreign_key
        WHERE make = ?1 AND lookup = ?2 AND replaced_at IS NULL
        ORDER BY mark
        LIMIT 4";
    Read {
        queries: lookups.into_iter().map(|(make, lookup)| Query::new(sql, values![make, lookup])).collect(),
        state: Vec::new(),
        row: |all, _, row| {
            all.push(ForeignToken {
                mark: Digest::from_bytes(rows::bytes(row, 0)?),
                make: rows::int(row, 1)?,
                phc: rows::string_or_none(row, 2)?,
                account: rows::text(row, 3)?,
                token: rows::text::<TokenId>(row, 4)?,
            });
            Ok(())
        },
    }
}

/// Which of these digests and marks there are, and in which account.
pub(crate) fn there(digests: &[Digest], dialect: Dialect) -> Read<HashMap<[u8; 32], AccountId>> {
    let list = || vec![Value::Blobs(digests.iter().map(|digest| *digest.as_bytes()).collect())];
    let tokens = format!("SELECT digest, account FROM token WHERE {}", dialect.one_of_blobs("digest", 1));
    let marks = format!("SELECT mark, account FROM foreign_key WHERE {}", dialect.one_of_blobs("mark", 1));
    Read {
        queries: vec![Query::new(tokens, list()), Query::new(marks, list())],
        state: HashMap::new(),
        row: |all, _, row| {
            all.insert(rows::bytes(row, 0)?, rows::text(row, 1)?);
            Ok(())
        },
    }
}

/// How many of each prefix there are that lead to slow hashes.
pub(crate) fn crowded(make: i64, prefixes: &[String]) -> Read<HashMap<Vec<u8>, i64>> {
    let sql = "SELECT lookup, count(*) FROM foreign_key WHERE make = ?1 AND lookup = ?2 GROUP BY lookup";
    Read {
        queries: prefixes
            .iter()
            .map(|prefix| Query::new(sql, values![make, prefix.clone().into_bytes()]))
            .collect(),
        state: HashMap::new(),
        row: |all, _, row| {
            all.insert(rows::vec(row, 0)?, rows::int(row, 1)?);
            Ok(())
        },
    }
}

pub(crate) fn last_number(account: &AccountId) -> Read<Option<i64>> {
    let sql = "SELECT last_number FROM account WHERE id = ?1";
    Read::first(Query::new(sql, values![account.to_string()]), |found, _, row| {
        *found = Some(rows::int(row, 0)?);
        Ok(())
    })
}
