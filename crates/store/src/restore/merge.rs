//! What was taken away since a backup, asserted again in it.
//!
//! The last line of a row says what it allowed after it was last narrowed. Since then it can only
//! have been allowed more, by changes that are lost with everything else that was made since. So the
//! row gets exactly that: never more than was in force when the database was lost. Only the columns
//! of authority are touched; names and the like stay as the backup has them.
//!
//! A permission whose bit the backup's registry has not given out is left out of every set: the bit
//! will be given to another name.

use std::collections::{BTreeMap, HashMap};

use domain::facts::{Binding, Entity, Grant, Role};
use domain::ids::AccountId;
use domain::permission::{PermissionSet, Registry};
use rusqlite::types::{Type, Value as Cell};
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::narrowings::{Line, MANY, MARK, mark_of};

/// A row of which something was taken away again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reasserted {
    pub table: &'static str,
    pub account: Option<AccountId>,
    pub id: String,
    /// The columns that changed.
    pub columns: Vec<&'static str>,
}

#[derive(Debug, Default)]
pub(super) struct Merged {
    pub(super) reasserted: Vec<Reasserted>,
    /// Rows that the log speaks of and the backup does not have.
    pub(super) absent: Vec<(&'static str, usize)>,
}

impl Merged {
    pub(super) fn by_account(&self) -> BTreeMap<&AccountId, Vec<&Reasserted>> {
        let mut all = BTreeMap::<_, Vec<_>>::new();
        for row in &self.reasserted {
            if let Some(account) = &row.account {
                all.entry(account).or_default().push(row);
            }
        }
        all
    }
}

/// Refuses a line that this version could not assert: better to say so than to leave it out.
pub(super) fn readable(line: &Line) -> Result<(), String> {
    if line.table == MARK {
        return Ok(());
    }
    Row::all(line).map(drop).map_err(|cause| cause.to_string())
}

/// Asserts the last line of each row.
pub(super) fn merge(db: &Connection, since: &[Line]) -> rusqlite::Result<Merged> {
    let names: Vec<String> = db
        .prepare("SELECT name FROM permission ORDER BY bit")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let known = Known {
        set: (0..=u8::MAX).take(names.len()).map(PermissionSet::of).collect(),
        registry: Registry::from_names(names).map_err(|cause| unreadable(cause.into()))?,
    };
    let mut last = HashMap::new();
    for (n, line) in since.iter().enumerate() {
        for row in Row::all(line).map_err(|cause| unreadable(cause.into()))? {
            let row = match last.remove(&row.key()) {
                Some((_, before)) => row.after(before),
                None => row,
            };
            last.insert(row.key(), (n, row));
        }
    }
    let mut rows: Vec<(usize, Row)> = last.into_values().collect();
    rows.sort_by_key(|(n, _)| *n);
    let mut merged = Merged::default();
    for (_, row) in rows {
        let (table, account, id) = row.key();
        match row.assert(db, &known)? {
            Outcome::Same => {}
            Outcome::Absent => match merged.absent.iter_mut().find(|(name, _)| *name == table) {
                Some((_, count)) => *count += 1,
                None => merged.absent.push((table, 1)),
            },
            Outcome::Changed(columns) => merged.reasserted.push(Reasserted { table, account, id, columns }),
        }
    }
    Ok(merged)
}

/// Table, account and id.
type Key = (&'static str, Option<AccountId>, String);

struct Known {
    set: PermissionSet,
    registry: Registry,
}

enum Outcome {
    Same,
    Absent,
    Changed(Vec<&'static str>),
}

/// The row of a line, by its columns.
enum Row {
    Account(AccountRow),
    Person(PersonRow),
    Holder(HolderRow),
    Token(TokenRow),
    Revoked(RevokedRow),
    Service(ServiceRow),
    Sealed(SealedRow),
}

#[derive(Deserialize)]
struct AccountRow {
    id: AccountId,
    inactive_since: Option<i64>,
    policy: Value,
    entities: Vec<Entity>,
    roles: Vec<Role>,
    version: i64,
}

#[derive(Deserialize)]
struct PersonRow {
    id: String,
    operator: bool,
    /// See [`mark_of`]; none where there was no password.
    password: Option<String>,
    /// The same of the second factor, and of the recovery codes that were left.
    #[serde(default)]
    factor: Option<String>,
    #[serde(default)]
    recovery: Vec<String>,
    version: i64,
}

#[derive(Deserialize)]
struct HolderRow {
    account: AccountId,
    id: String,
    bindings: Vec<Binding>,
    inactive_since: Option<i64>,
    approve_after: Option<i64>,
    revoked_before: Option<i64>,
    removed_at: Option<i64>,
    tokens_deleted_at: Option<i64>,
    version: i64,
}

#[derive(Deserialize)]
struct TokenRow {
    account: AccountId,
    id: String,
    granted: Grant,
    node: String,
    desk: bool,
    conditions: Option<Value>,
    not_before: Option<i64>,
    expires_at: Option<i64>,
    approved_at: Option<i64>,
    revoked_at: Option<i64>,
    leaked_at: Option<i64>,
    rotated_to: Option<String>,
    grace_until: Option<i64>,
    deleted_at: Option<i64>,
    version: i64,
}

/// Of a token that was revoked with others nothing else has changed.
struct RevokedRow {
    account: AccountId,
    id: String,
    revoked_at: i64,
    version: i64,
}

#[derive(Deserialize)]
struct RevokedRows {
    revoked_at: i64,
    tokens: Vec<(AccountId, String, i64)>,
}

#[derive(Deserialize)]
struct ServiceRow {
    id: String,
    scopes: Value,
    accounts: Option<Value>,
    revoked_at: Option<i64>,
    version: i64,
}

#[derive(Deserialize)]
struct SealedRow {
    token: String,
}

impl Row {
    fn all(line: &Line) -> serde_json::Result<Vec<Self>> {
        if line.table != MANY {
            return Ok(vec![Self::of(line)?]);
        }
        let RevokedRows { revoked_at, tokens } = RevokedRows::deserialize(&line.row)?;
        let revoked = |(account, id, version)| Self::Revoked(RevokedRow { account, id, revoked_at, version });
        Ok(tokens.into_iter().map(revoked).collect())
    }

    /// What stands once this has come after an earlier line of the same row.
    fn after(self, before: Self) -> Self {
        match (self, before) {
            (Self::Revoked(row), Self::Token(before)) => {
                let (revoked_at, version) = (Some(row.revoked_at), row.version);
                Self::Token(TokenRow { revoked_at, version, ..before })
            }
            (row, _) => row,
        }
    }

    fn of(line: &Line) -> serde_json::Result<Self> {
        fn read<T: DeserializeOwned>(row: &Value) -> serde_json::Result<T> {
            T::deserialize(row)
        }
        let row = &line.row;
        match line.table.as_str() {
            "account" => read(row).map(Self::Account),
            "person" => read(row).map(Self::Person),
            "holder" => read(row).map(Self::Holder),
            "token" => read(row).map(Self::Token),
            "service" => read(row).map(Self::Service),
            "sealed" => read(row).map(Self::Sealed),
            other => Err(serde::de::Error::custom(format_args!("it speaks of a table `{other}`"))),
        }
    }

    fn key(&self) -> Key {
        match self {
            Self::Account(row) => ("account", Some(row.id.clone()), row.id.to_string()),
            Self::Person(row) => ("person", None, row.id.clone()),
            Self::Holder(row) => ("holder", Some(row.account.clone()), row.id.clone()),
            Self::Token(row) => ("token", Some(row.account.clone()), row.id.clone()),
            Self::Revoked(row) => ("token", Some(row.account.clone()), row.id.clone()),
            Self::Service(row) => ("service", None, row.id.clone()),
            Self::Sealed(row) => ("sealed", None, row.token.clone()),
        }
    }

    fn assert(self, db: &Connection, known: &Known) -> rusqlite::Result<Outcome> {
        match self {
            Self::Account(row) => account(db, row, known),
            Self::Person(row) => person(db, row),
            Self::Holder(row) => holder(db, row),
            Self::Token(row) => token(db, row, known),
            Self::Revoked(row) => {
                let key = [("account", row.account.to_string()), ("id", row.id)];
                put(db, "token", &key, [("revoked_at", time(Some(row.revoked_at)))], row.version)
            }
            Self::Service(row) => {
                let accounts = row.accounts.map_or(To::Null, To::Json);
                let set = [
                    ("scopes", To::Json(row.scopes)),
                    ("accounts", accounts),
                    ("revoked_at", time(row.revoked_at)),
                ];
                put(db, "service", &[("id", row.id)], set, row.version)
            }
            Self::Sealed(row) => {
                let gone = db.execute("DELETE FROM sealed WHERE token = ?1", [row.token])?;
                Ok(if gone > 0 { Outcome::Changed(vec!["text"]) } else { Outcome::Same })
            }
        }
    }
}

fn account(db: &Connection, row: AccountRow, known: &Known) -> rusqlite::Result<Outcome> {
    let roles: Vec<Role> = row
        .roles
        .into_iter()
        .map(|role| Role { permissions: role.permissions & known.set, ..role })
        .collect();
    let is_known = |entity: &Entity| {
        entity
            .actions
            .iter()
            .all(|action| known.registry.find(&format!("{}:{action}", entity.name)).is_some())
    };
    let entities: Vec<Entity> = row.entities.into_iter().filter(is_known).collect();
    let set = [
        ("inactive_since", time(row.inactive_since)),
        ("policy", To::Json(row.policy)),
        ("entities", json(&entities)),
        ("roles", json(&roles)),
    ];
    put(db, "account", &[("id", row.id.to_string())], set, row.version)
}

/// Another password than the one that was in force opens nothing any more; the one that was is not in
/// the log. So a new one must be set. The same where another second factor was in force: without it the
/// password alone would open what it did not. Recovery codes that were used stay used.
fn person(db: &Connection, row: PersonRow) -> rusqlite::Result<Outcome> {
    type Kept = (Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);
    let sql = "SELECT password, factor_secret, factor_recovery FROM person WHERE id = ?1";
    let kept: Option<Kept> =
        db.query_row(sql, [&row.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()?;
    let (password, factor, recovery) = kept.unwrap_or_default();
    let same_factor = row.factor == factor.as_deref().map(mark_of);
    let same_password = |kept: &String| row.password == Some(mark_of(kept.as_bytes()));
    let password = password.filter(same_password).filter(|_| same_factor || row.factor.is_none());
    let key = [("id", row.id)];
    let operator = ("operator", To::Plain(Cell::Integer(row.operator.into())));
    let password = ("password", password.map_or(To::Null, |password| To::Plain(Cell::Text(password))));
    if !same_factor {
        let [since, secret, step, codes] =
            ["factor_since", "factor_secret", "factor_step", "factor_recovery"]
                .map(|column| (column, To::Null));
        return put(db, "person", &key, [operator, password, since, secret, step, codes], row.version);
    }
    let codes = recovery.unwrap_or_default();
    let left = codes.chunks(32).filter(|digest| row.recovery.contains(&mark_of(digest)));
    let left = left.collect::<Vec<_>>().concat();
    let left = factor.map_or(To::Null, |_| To::Plain(Cell::Blob(left)));
    put(db, "person", &key, [operator, password, ("factor_recovery", left)], row.version)
}

fn holder(db: &Connection, row: HolderRow) -> rusqlite::Result<Outcome> {
    let role = row.bindings.iter().find(|binding| binding.node.is_root());
    let set = [
        ("bindings", json(&row.bindings)),
        ("role", role.map_or(To::Null, |binding| To::Plain(Cell::Text(binding.role.to_string())))),
        ("inactive_since", time(row.inactive_since)),
        ("approve_after", time(row.approve_after)),
        ("revoked_before", time(row.revoked_before)),
        ("removed_at", time(row.removed_at)),
        ("tokens_deleted_at", time(row.tokens_deleted_at)),
    ];
    put(db, "holder", &[("account", row.account.to_string()), ("id", row.id)], set, row.version)
}

fn token(db: &Connection, row: TokenRow, known: &Known) -> rusqlite::Result<Outcome> {
    let granted = match row.granted {
        Grant::Access { level, entities, set } => Grant::Access { level, entities, set: set & known.set },
        Grant::List(set) => Grant::List(set & known.set),
        same @ (Grant::Inherit | Grant::Role(_)) => same,
    };
    let set = [
        ("granted", json(&granted)),
        ("node", To::Plain(Cell::Text(row.node))),
        ("desk", To::Plain(Cell::Integer(row.desk.into()))),
        ("conditions", row.conditions.map_or(To::Null, To::Json)),
        ("not_before", time(row.not_before)),
        ("expires_at", time(row.expires_at)),
        ("approved_at", time(row.approved_at)),
        ("revoked_at", time(row.revoked_at)),
        ("leaked_at", time(row.leaked_at)),
        ("rotated_to", row.rotated_to.map_or(To::Null, |id| To::Plain(Cell::Text(id)))),
        ("grace_until", time(row.grace_until)),
        ("deleted_at", time(row.deleted_at)),
    ];
    put(db, "token", &[("account", row.account.to_string()), ("id", row.id)], set, row.version)
}

/// What a column shall hold.
enum To {
    Null,
    Plain(Cell),
    /// The same document may stand there in another order of its keys.
    Json(Value),
}

fn time(micros: Option<i64>) -> To {
    micros.map_or(To::Null, |micros| To::Plain(Cell::Integer(micros)))
}

fn json(value: &impl serde::Serialize) -> To {
    To::Json(serde_json::to_value(value).expect("documents of rows are JSON"))
}

/// Sets these columns of a row, and a version above all that this row ever had.
fn put<const N: usize>(
    db: &Connection,
    table: &'static str,
    key: &[(&str, String)],
    set: [(&'static str, To); N],
    version: i64,
) -> rusqlite::Result<Outcome> {
    let columns: Vec<&str> = set.iter().map(|(column, _)| *column).collect();
    let found =
        (1..).zip(key).map(|(n, (column, _))| format!("{column} = ?{n}")).collect::<Vec<_>>().join(" AND ");
    let keys = || key.iter().map(|(_, value)| Cell::Text(value.clone()));
    let select = format!("SELECT {} FROM {table} WHERE {found}", columns.join(", "));
    let kept: Option<Vec<Cell>> = db
        .prepare_cached(&select)?
        .query_row(params_from_iter(keys()), |row| (0..N).map(|at| row.get(at)).collect())
        .optional()?;
    let Some(kept) = kept else { return Ok(Outcome::Absent) };
    let changed: Vec<(&'static str, Cell)> = set
        .into_iter()
        .zip(kept)
        .filter_map(|((column, to), kept)| Some((column, other(to, &kept)?)))
        .collect();
    if changed.is_empty() {
        return Ok(Outcome::Same);
    }
    let sets = (key.len() + 2..)
        .zip(&changed)
        .map(|(n, (column, _))| format!("{column} = ?{n}, "))
        .collect::<String>();
    let latest = key.len() + 1;
    let update = format!("UPDATE {table} SET {sets}version = max(version, ?{latest}) + 1 WHERE {found}");
    let (names, values): (Vec<_>, Vec<_>) = changed.into_iter().unzip();
    db.prepare_cached(&update)?
        .execute(params_from_iter(keys().chain([Cell::Integer(version)]).chain(values)))?;
    Ok(Outcome::Changed(names))
}

/// What to write, where it is another value than the one that stands there.
fn other(to: To, kept: &Cell) -> Option<Cell> {
    match (to, kept) {
        (To::Null, Cell::Null) => None,
        (To::Null, _) => Some(Cell::Null),
        (To::Plain(value), kept) => (value != *kept).then_some(value),
        (To::Json(value), Cell::Text(text))
            if serde_json::from_str::<Value>(text).is_ok_and(|kept| kept == value) =>
        {
            None
        }
        (To::Json(value), _) => Some(Cell::Text(value.to_string())),
    }
}

fn unreadable(cause: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, cause)
}
