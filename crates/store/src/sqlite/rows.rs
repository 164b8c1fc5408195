//! Rows as SQLite has them, read into facts.
//!
//! A row that does not read is an error and never a missing row: the database is then not what
//! this program wrote.

use std::collections::HashMap;
use std::error::Error;
use std::str::FromStr;

use domain::facts::{Account, Binding, Holder, Installation, Node, Person, Service, Standing, Token};
use domain::grant::Grant;
use domain::ids::AccountId;
use domain::life::Life;
use domain::node::NodePath;
use domain::time::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Result, Row};
use serde::de::DeserializeOwned;
use token::Digest;

use crate::query::LastUse;

pub(super) const ACCOUNT: &str = "id, name, external_id, metadata, preset, created_at, inactive_since, \
     policy, levels, entities, roles, version";

pub(super) fn account(row: &Row<'_>) -> Result<Account> {
    Ok(Account {
        id: text(row, 0)?,
        name: row.get(1)?,
        external_id: row.get(2)?,
        metadata: row.get(3)?,
        preset: row.get(4)?,
        created_at: time(row, 5)?,
        inactive_since: time_or_none(row, 6)?,
        policy: json(row, 7)?,
        levels: json(row, 8)?,
        entities: json(row, 9)?,
        roles: json(row, 10)?,
        version: row.get(11)?,
    })
}

pub(super) const PERSON: &str = "id, email, password, operator, created_at, version";

pub(super) fn person(row: &Row<'_>) -> Result<Person> {
    Ok(Person {
        id: text(row, 0)?,
        email: row.get(1)?,
        password: row.get(2)?,
        operator: row.get(3)?,
        created_at: time(row, 4)?,
        version: row.get(5)?,
    })
}

pub(super) const HOLDER: &str = "h.account, h.id, h.name, h.person, h.email, h.external_id, h.metadata, \
     h.bindings, h.inactive_since, h.approve_after, h.revoked_before, h.removed_at, \
     h.tokens_deleted_at, h.created_at, h.version";

pub(super) fn holder(row: &Row<'_>, seen: &mut Seen) -> Result<Holder> {
    Ok(Holder {
        account: seen.accounts.text(row, 0)?,
        id: text(row, 1)?,
        name: row.get(2)?,
        person: text_or_none(row, 3)?,
        email: row.get(4)?,
        external_id: row.get(5)?,
        metadata: row.get(6)?,
        bindings: seen.bindings.json(row, 7)?,
        standing: Standing {
            inactive_since: time_or_none(row, 8)?,
            approve_after: time_or_none(row, 9)?,
            revoked_before: time_or_none(row, 10)?,
            removed_at: time_or_none(row, 11)?,
            tokens_deleted_at: time_or_none(row, 12)?,
        },
        created_at: time(row, 13)?,
        version: row.get(14)?,
    })
}

pub(super) const TOKEN: &str = "t.account, t.number, t.id, t.holder, t.issued_by, t.name, t.description, \
     t.metadata, t.granted, t.node, t.desk, t.created_at, t.not_before, t.expires_at, t.approved_at, \
     t.revoked_at, t.leaked_at, t.rotated_to, t.grace_until, t.deleted_at, t.reason, t.digest, t.version";

/// Columns of [`TOKEN`], after which a query may name its own.
pub(super) const TOKEN_COLUMNS: usize = 23;

pub(super) fn token(row: &Row<'_>, seen: &mut Seen) -> Result<Token> {
    Ok(Token {
        account: seen.accounts.text(row, 0)?,
        number: row.get(1)?,
        id: text(row, 2)?,
        holder: text(row, 3)?,
        issued_by: text(row, 4)?,
        name: row.get(5)?,
        description: row.get(6)?,
        metadata: row.get(7)?,
        grant: seen.grants.json(row, 8)?,
        node: seen.nodes.text(row, 9)?,
        desk: row.get(10)?,
        life: Life {
            created_at: time(row, 11)?,
            not_before: time_or_none(row, 12)?,
            expires_at: time_or_none(row, 13)?,
            approved_at: time_or_none(row, 14)?,
            revoked_at: time_or_none(row, 15)?,
            leaked_at: time_or_none(row, 16)?,
            rotated_to: text_or_none(row, 17)?,
            grace_until: time_or_none(row, 18)?,
            deleted_at: time_or_none(row, 19)?,
        },
        reason: row.get(20)?,
        digest: Digest::from_bytes(row.get(21)?),
        version: row.get(22)?,
    })
}

/// When a token was last used, from the two columns after its own.
pub(super) fn last_use(row: &Row<'_>) -> Result<LastUse> {
    Ok(LastUse { at: time_or_none(row, TOKEN_COLUMNS)?, address: row.get(TOKEN_COLUMNS + 1)? })
}

pub(super) const SERVICE: &str = "id, name, scopes, accounts, digest, created_at, revoked_at, version";

pub(super) fn service(row: &Row<'_>) -> Result<Service> {
    let accounts: Option<String> = row.get(3)?;
    Ok(Service {
        id: text(row, 0)?,
        name: row.get(1)?,
        scopes: json(row, 2)?,
        accounts: accounts.map(|_| json(row, 3)).transpose()?,
        digest: Digest::from_bytes(row.get(4)?),
        created_at: time(row, 5)?,
        revoked_at: time_or_none(row, 6)?,
        version: row.get(7)?,
    })
}

pub(super) const NODE: &str = "account, path, name, created_at";

pub(super) fn node(row: &Row<'_>) -> Result<Node> {
    Ok(Node { account: text(row, 0)?, path: text(row, 1)?, name: row.get(2)?, created_at: time(row, 3)? })
}

pub(super) const INSTALLATION: &str = "id, account, name, nodes, created_at, version";

pub(super) fn installation(row: &Row<'_>) -> Result<Installation> {
    Ok(Installation {
        id: text(row, 0)?,
        account: text(row, 1)?,
        name: row.get(2)?,
        nodes: json(row, 3)?,
        created_at: time(row, 4)?,
        version: row.get(5)?,
    })
}

/// Values that many rows share: each distinct text is parsed once in a load.
#[derive(Default)]
pub(super) struct Seen {
    accounts: Shared<AccountId>,
    nodes: Shared<NodePath>,
    grants: Shared<Grant>,
    bindings: Shared<Vec<Binding>>,
}

struct Shared<T>(HashMap<Box<str>, T>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Clone> Shared<T> {
    fn text(&mut self, row: &Row<'_>, column: usize) -> Result<T>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        self.value(row, column, |text| text.parse().map_err(|cause| unreadable(column, cause)))
    }

    fn json(&mut self, row: &Row<'_>, column: usize) -> Result<T>
    where
        T: DeserializeOwned,
    {
        self.value(row, column, |text| serde_json::from_str(text).map_err(|cause| unreadable(column, cause)))
    }

    fn value(&mut self, row: &Row<'_>, column: usize, parse: impl FnOnce(&str) -> Result<T>) -> Result<T> {
        let text = str_at(row, column)?;
        if let Some(value) = self.0.get(text) {
            return Ok(value.clone());
        }
        let value = parse(text)?;
        self.0.insert(text.into(), value.clone());
        Ok(value)
    }
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn time_or_none(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

pub(super) fn text<T>(row: &Row<'_>, column: usize) -> Result<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    str_at(row, column)?.parse().map_err(|cause| unreadable(column, cause))
}

pub(super) fn text_or_none<T>(row: &Row<'_>, column: usize) -> Result<Option<T>>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    let text = row.get_ref(column)?.as_str_or_null().map_err(|cause| unreadable(column, cause))?;
    text.map(|text| text.parse().map_err(|cause| unreadable(column, cause))).transpose()
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    serde_json::from_str(str_at(row, column)?).map_err(|cause| unreadable(column, cause))
}

fn str_at<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str> {
    row.get_ref(column)?.as_str().map_err(|cause| unreadable(column, cause))
}

pub(super) fn unreadable(column: usize, cause: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(cause))
}
