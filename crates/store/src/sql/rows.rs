//! Rows, read into facts.
//!
//! A row that does not read is an error and never a missing row: the database is then not what
//! this program wrote.

use std::collections::HashMap;
use std::error::Error;
use std::str::FromStr;

use domain::facts::{
    Account, Binding, Holder, Installation, Node, Person, SecondFactor, Service, Standing, Token,
};
use domain::grant::Grant;
use domain::ids::AccountId;
use domain::life::Life;
use domain::node::NodePath;
use domain::time::Timestamp;
use serde::de::DeserializeOwned;
use token::Digest;

use super::query::{Row, Unreadable};
use crate::erasures;
use crate::journal::{self, Head, JournalRow, Link};
use crate::query::{LastUse, Roll};

type Result<T> = std::result::Result<T, Unreadable>;

pub(crate) const ACCOUNT: &str = "id, name, external_id, metadata, preset, created_at, inactive_since, \
     policy, levels, entities, roles, version";

/// The same of `account AS a`, beside another table.
pub(crate) const ACCOUNT_ALIASED: &str = "a.id, a.name, a.external_id, a.metadata, a.preset, a.created_at, a.inactive_since, a.policy, a.levels, a.entities, a.roles, a.version";

/// Columns of [`ACCOUNT`], after which a query may name others.
pub(crate) const ACCOUNT_COLUMNS: usize = 12;

pub(crate) fn account(row: &dyn Row) -> Result<Account> {
    Ok(Account {
        id: text(row, 0)?,
        name: string(row, 1)?,
        external_id: string_or_none(row, 2)?,
        metadata: string_or_none(row, 3)?,
        preset: string(row, 4)?,
        created_at: time(row, 5)?,
        inactive_since: time_or_none(row, 6)?,
        policy: json(row, 7)?,
        levels: json(row, 8)?,
        entities: json(row, 9)?,
        roles: json(row, 10)?,
        version: int(row, 11)?,
    })
}

/// The version of an account's row, which says whether the rest needs reading.
pub(crate) fn account_version(row: &dyn Row) -> Result<i64> {
    int(row, 11)
}

pub(crate) const PERSON: &str = "id, email, password, operator, created_at, version, \
     factor_since, factor_secret, factor_step, factor_recovery";

pub(crate) fn person(row: &dyn Row) -> Result<Person> {
    Ok(Person {
        id: text(row, 0)?,
        email: string(row, 1)?,
        password: string_or_none(row, 2)?,
        operator: row.flag(3)?,
        created_at: time(row, 4)?,
        version: int(row, 5)?,
        second_factor: time_or_none(row, 6)?.map(|since| second_factor(row, since)).transpose()?,
    })
}

fn second_factor(row: &dyn Row, since: Timestamp) -> Result<SecondFactor> {
    let (digests, rest) = row.bytes_or_none(9)?.unwrap_or_default().as_chunks();
    if !rest.is_empty() {
        return Err(Unreadable::new(9, "these are no digests of 32 bytes"));
    }
    Ok(SecondFactor { since, sealed: vec(row, 7)?, last_step: int(row, 8)?, recovery: digests.to_vec() })
}

pub(crate) const HOLDER: &str = "h.account, h.id, h.name, h.person, h.email, h.external_id, h.metadata, \
     h.bindings, h.inactive_since, h.approve_after, h.revoked_before, h.removed_at, \
     h.tokens_deleted_at, h.mail, h.created_at, h.version";

pub(crate) fn holder(row: &dyn Row, seen: &mut Seen) -> Result<Holder> {
    Ok(Holder {
        account: seen.accounts.text(row, 0)?,
        id: text(row, 1)?,
        name: string(row, 2)?,
        person: text_or_none(row, 3)?,
        email: string_or_none(row, 4)?,
        external_id: string_or_none(row, 5)?,
        metadata: string_or_none(row, 6)?,
        bindings: seen.bindings.json(row, 7)?,
        standing: Standing {
            inactive_since: time_or_none(row, 8)?,
            approve_after: time_or_none(row, 9)?,
            revoked_before: time_or_none(row, 10)?,
            removed_at: time_or_none(row, 11)?,
            tokens_deleted_at: time_or_none(row, 12)?,
        },
        mail: row.int_or_none(13)?.map(|mail| mail != 0),
        created_at: time(row, 14)?,
        version: int(row, 15)?,
    })
}

pub(crate) const TOKEN: &str = "t.account, t.number, t.id, t.holder, t.issued_by, t.name, t.description, \
     t.metadata, t.granted, t.node, t.desk, t.created_at, t.not_before, t.expires_at, t.approved_at, \
     t.revoked_at, t.leaked_at, t.rotated_to, t.grace_until, t.deleted_at, t.reason, t.digest, t.conditions, t.version";

/// Columns of [`TOKEN`], after which a query may name its own.
pub(crate) const TOKEN_COLUMNS: usize = 24;

pub(crate) fn token(row: &dyn Row, seen: &mut Seen) -> Result<Token> {
    Ok(Token {
        account: seen.accounts.text(row, 0)?,
        number: int(row, 1)?,
        id: text(row, 2)?,
        holder: text(row, 3)?,
        issued_by: text(row, 4)?,
        name: string(row, 5)?,
        description: string_or_none(row, 6)?,
        metadata: string_or_none(row, 7)?,
        grant: seen.grants.json(row, 8)?,
        node: seen.nodes.text(row, 9)?,
        desk: row.flag(10)?,
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
        reason: string_or_none(row, 20)?,
        digest: Digest::from_bytes(bytes(row, 21)?),
        conditions: row.str_or_none(22)?.map(|_| json(row, 22)).transpose()?.unwrap_or_default(),
        version: int(row, 23)?,
    })
}

/// Of [`TOKEN`] what filters and orders of lists look at.
pub(crate) const ROLL: &str = "t.account, t.number, t.id, t.holder, t.issued_by, t.name, t.granted, t.node, t.desk, \
     t.created_at, t.not_before, t.expires_at, t.approved_at, t.revoked_at, t.leaked_at, t.rotated_to, t.grace_until, \
     t.deleted_at, t.version";

/// Columns of [`ROLL`], after which a query may name its own.
pub(crate) const ROLL_COLUMNS: usize = 19;

pub(crate) fn roll(row: &dyn Row, seen: &mut Seen) -> Result<Roll> {
    Ok(Roll {
        account: seen.accounts.text(row, 0)?,
        id: text(row, 2)?,
        holder: text(row, 3)?,
        issued_by: text(row, 4)?,
        name: string(row, 5)?,
        grant: seen.grants.json(row, 6)?,
        node: seen.nodes.text(row, 7)?,
        desk: row.flag(8)?,
        life: Life {
            created_at: time(row, 9)?,
            not_before: time_or_none(row, 10)?,
            expires_at: time_or_none(row, 11)?,
            approved_at: time_or_none(row, 12)?,
            revoked_at: time_or_none(row, 13)?,
            leaked_at: time_or_none(row, 14)?,
            rotated_to: text_or_none(row, 15)?,
            grace_until: time_or_none(row, 16)?,
            deleted_at: time_or_none(row, 17)?,
        },
        version: int(row, 18)?,
    })
}

/// When a token was last used, from the two columns after its own.
pub(crate) fn last_use(row: &dyn Row) -> Result<LastUse> {
    Ok(LastUse { at: time_or_none(row, TOKEN_COLUMNS)?, address: string_or_none(row, TOKEN_COLUMNS + 1)? })
}

pub(crate) const SERVICE: &str = "id, name, scopes, accounts, digest, created_at, revoked_at, version";

pub(crate) fn service(row: &dyn Row) -> Result<Service> {
    Ok(Service {
        id: text(row, 0)?,
        name: string(row, 1)?,
        scopes: json(row, 2)?,
        accounts: row.str_or_none(3)?.map(|_| json(row, 3)).transpose()?,
        digest: Digest::from_bytes(bytes(row, 4)?),
        created_at: time(row, 5)?,
        revoked_at: time_or_none(row, 6)?,
        version: int(row, 7)?,
    })
}

pub(crate) const NODE: &str = "account, path, name, created_at, version";

pub(crate) fn node(row: &dyn Row) -> Result<Node> {
    Ok(Node {
        account: text(row, 0)?,
        path: text(row, 1)?,
        name: string(row, 2)?,
        created_at: time(row, 3)?,
        version: int(row, 4)?,
    })
}

pub(crate) const INSTALLATION: &str = "id, account, name, nodes, created_at, version";

pub(crate) fn installation(row: &dyn Row) -> Result<Installation> {
    Ok(Installation {
        id: text(row, 0)?,
        account: text(row, 1)?,
        name: string(row, 2)?,
        nodes: json(row, 3)?,
        created_at: time(row, 4)?,
        version: int(row, 5)?,
    })
}

/// Values that many rows share: each distinct text is parsed once in a load.
#[derive(Default)]
pub(crate) struct Seen {
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
    fn text(&mut self, row: &dyn Row, column: usize) -> Result<T>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        self.value(row, column, |text| text.parse().map_err(|cause| Unreadable::new(column, cause)))
    }

    fn json(&mut self, row: &dyn Row, column: usize) -> Result<T>
    where
        T: DeserializeOwned,
    {
        self.value(row, column, |text| {
            serde_json::from_str(text).map_err(|cause| Unreadable::new(column, cause))
        })
    }

    fn value(&mut self, row: &dyn Row, column: usize, parse: impl FnOnce(&str) -> Result<T>) -> Result<T> {
        let text = str_at(row, column)?;
        if let Some(value) = self.0.get(text) {
            return Ok(value.clone());
        }
        let value = parse(text)?;
        self.0.insert(text.into(), value.clone());
        Ok(value)
    }
}

pub(crate) fn time(row: &dyn Row, column: usize) -> Result<Timestamp> {
    int(row, column).map(Timestamp::from_micros)
}

pub(crate) fn time_or_none(row: &dyn Row, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.int_or_none(column)?.map(Timestamp::from_micros))
}

pub(crate) fn text<T>(row: &dyn Row, column: usize) -> Result<T>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    str_at(row, column)?.parse().map_err(|cause| Unreadable::new(column, cause))
}

pub(crate) fn text_or_none<T>(row: &dyn Row, column: usize) -> Result<Option<T>>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    row.str_or_none(column)?
        .map(|text| text.parse().map_err(|cause| Unreadable::new(column, cause)))
        .transpose()
}

pub(crate) fn json<T: DeserializeOwned>(row: &dyn Row, column: usize) -> Result<T> {
    serde_json::from_str(str_at(row, column)?).map_err(|cause| Unreadable::new(column, cause))
}

fn str_at(row: &dyn Row, column: usize) -> Result<&str> {
    row.str_or_none(column)?.ok_or_else(|| missing(column))
}

pub(crate) fn string(row: &dyn Row, column: usize) -> Result<String> {
    str_at(row, column).map(str::to_owned)
}

pub(crate) fn string_or_none(row: &dyn Row, column: usize) -> Result<Option<String>> {
    Ok(row.str_or_none(column)?.map(str::to_owned))
}

pub(crate) fn int(row: &dyn Row, column: usize) -> Result<i64> {
    row.int_or_none(column)?.ok_or_else(|| missing(column))
}

pub(crate) fn bytes<const N: usize>(row: &dyn Row, column: usize) -> Result<[u8; N]> {
    bytes_or_none(row, column)?.ok_or_else(|| missing(column))
}

pub(crate) fn bytes_or_none<const N: usize>(row: &dyn Row, column: usize) -> Result<Option<[u8; N]>> {
    let bytes = row.bytes_or_none(column)?;
    bytes.map(|bytes| bytes.try_into().map_err(|cause| Unreadable::new(column, cause))).transpose()
}

pub(crate) fn vec(row: &dyn Row, column: usize) -> Result<Vec<u8>> {
    row.bytes_or_none(column)?.map(<[u8]>::to_vec).ok_or_else(|| missing(column))
}

fn missing(column: usize) -> Unreadable {
    Unreadable::new(column, "it is empty")
}

/// The end of the journal.
pub(crate) const HEAD: &str = "SELECT seq, at, hash FROM head";

pub(crate) fn head(row: &dyn Row) -> Result<Head> {
    Ok(Head { seq: int(row, 0)?, at: int(row, 1)?, hash: bytes(row, 2)? })
}

pub(crate) const ENTRY: &str = "seq, at, actor, account, action, subject, payload, salt, entry_hash, hash";

pub(crate) fn entry(row: &dyn Row) -> Result<JournalRow> {
    let payload = row.str_or_none(6)?.map(serde_json::from_str).transpose();
    Ok(JournalRow {
        seq: int(row, 0)?,
        at: time(row, 1)?,
        actor: string(row, 2)?,
        account: text_or_none(row, 3)?,
        action: string(row, 4)?,
        subject: string(row, 5)?,
        payload: payload.map_err(|cause| Unreadable::new(6, cause))?,
        salt: bytes_or_none(row, 7)?,
        entry_hash: bytes(row, 8)?,
        hash: bytes(row, 9)?,
    })
}

/// What remains of an entry once it is erased.
pub(crate) fn remains(row: &dyn Row) -> Result<String> {
    let (actor, action, subject) = (str_at(row, 2)?, str_at(row, 4)?, str_at(row, 5)?);
    let account = row.str_or_none(3)?;
    Ok(erasures::line(int(row, 0)?, time(row, 1)?, actor, account, action, subject))
}

/// An entry as the chain sees it: its number, the hash of its text as kept and as computed anew
/// (none where the payload was erased), and the hash of all up to it.
pub(crate) fn link(row: &dyn Row) -> Result<Link> {
    let computed = match (row.str_or_none(6)?, bytes_or_none::<16>(row, 7)?) {
        (Some(payload), Some(salt)) => {
            let (actor, action, subject) = (str_at(row, 2)?, str_at(row, 4)?, str_at(row, 5)?);
            let at = time(row, 1)?;
            let text = journal::entry_text(at, actor, row.str_or_none(3)?, action, subject, payload, &salt);
            Some(journal::entry_hash(&text))
        }
        _ => None,
    };
    Ok(Link { seq: int(row, 0)?, entry_hash: bytes(row, 8)?, computed, hash: bytes(row, 9)? })
}
