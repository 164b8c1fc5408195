//! Reads of one row or a few. Each takes the account's id, where there is one, in its statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use domain::change::Remembered;
use domain::facts::{Account, Holder, Installation, Node, Person, Service, Token};
use domain::ids::{AccountId, HolderId, InstallationId, PersonId, ServiceId};
use domain::node::NodePath;
use domain::permission::Registry;
use domain::usage::{By, Count};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use token::{TokenId, TokenText};

use super::rows::{self, ACCOUNT, HOLDER, INSTALLATION, NODE, PERSON, SERVICE, Seen, TOKEN};
use super::{Sqlite, locked};
use crate::contract::Unavailable;
use crate::query::{HolderKind, HolderQuery, LastUse, UsageReport};
use crate::sealing::Sealed;

type Answer<T> = Result<T, Unavailable>;

/// Accounts remembered, at most; beyond that the memory starts anew.
const REMEMBERED: usize = 10_000;

impl Sqlite {
    pub(crate) async fn account(&self, id: &AccountId) -> Answer<Option<Arc<Account>>> {
        let (id, seen) = (id.clone(), self.accounts.clone());
        self.readers.run(move |db| account(db, &id, &seen)).await
    }

    pub(crate) async fn household(
        &self,
        id: &AccountId,
        holder_id: HolderId,
    ) -> Answer<Option<(Arc<Account>, Holder)>> {
        let (id, seen) = (id.clone(), self.accounts.clone());
        self.readers
            .run(move |db| {
                let read = db.transaction()?;
                let Some(account) = account(&read, &id, &seen)? else { return Ok(None) };
                let sql = format!("SELECT {HOLDER} FROM holder AS h WHERE h.account = ?1 AND h.id = ?2");
                let holder = first(&read, &sql, &[&id.as_str(), &holder_id.to_string()], holder)?;
                Ok(holder.map(|holder| (account, holder)))
            })
            .await
    }

    pub(crate) async fn accounts(
        &self,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Answer<Vec<Arc<Account>>> {
        // Every id is greater than the empty text.
        let after = after.map_or_else(String::new, AccountId::to_string);
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {ACCOUNT}
                     FROM account
                     WHERE id > ?1
                     ORDER BY id
                     LIMIT ?2"
                );
                all(db, &sql, &[&after, &bound(limit)], |row| rows::account(row).map(Arc::new))
            })
            .await
    }

    pub(crate) async fn account_by_external_id(&self, external_id: &str) -> Answer<Option<Arc<Account>>> {
        let external_id = external_id.to_owned();
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {ACCOUNT} FROM account WHERE external_id = ?1");
                Ok(first(db, &sql, &[&external_id], rows::account)?.map(Arc::new))
            })
            .await
    }

    pub(crate) async fn is_empty(&self) -> Answer<bool> {
        self.readers.run(|db| Ok(!db.prepare_cached("SELECT 1 FROM account")?.exists([])?)).await
    }

    pub(crate) async fn holder(&self, account: &AccountId, id: HolderId) -> Answer<Option<Holder>> {
        let account = account.clone();
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {HOLDER} FROM holder AS h WHERE h.account = ?1 AND h.id = ?2");
                first(db, &sql, &[&account.as_str(), &id.to_string()], holder)
            })
            .await
    }

    pub(crate) async fn holder_by_external_id(
        &self,
        account: &AccountId,
        external_id: &str,
    ) -> Answer<Option<Holder>> {
        let (account, external_id) = (account.clone(), external_id.to_owned());
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {HOLDER}
                     FROM holder AS h
                     WHERE h.account = ?1 AND h.external_id = ?2 AND h.removed_at IS NULL"
                );
                first(db, &sql, &[&account.as_str(), &external_id], holder)
            })
            .await
    }

    pub(crate) async fn holders(&self, account: &AccountId, query: HolderQuery) -> Answer<Vec<Holder>> {
        let account = account.clone();
        self.readers
            .run(move |db| {
                let kind = query.kind.map(|kind| match kind {
                    HolderKind::Member => "mem",
                    HolderKind::ServiceAccount => "sac",
                });
                let after = query.after.map_or_else(String::new, |id| id.to_string());
                let sql = format!(
                    "SELECT {HOLDER}
                     FROM holder AS h
                     WHERE h.account = ?1 AND h.id > ?2
                       AND (?3 IS NULL OR h.kind = ?3)
                       AND (?4 OR h.removed_at IS NULL)
                     ORDER BY h.id
                     LIMIT ?5"
                );
                let values: [&dyn ToSql; 5] =
                    [&account.as_str(), &after, &kind, &query.include_removed, &bound(query.limit)];
                all(db, &sql, &values, holder)
            })
            .await
    }

    pub(crate) async fn holders_by_id(&self, account: &AccountId, ids: &[HolderId]) -> Answer<Vec<Holder>> {
        let account = account.clone();
        let ids = serde_json::to_string(ids).map_err(Unavailable::because)?;
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {HOLDER}
                     FROM holder AS h
                     WHERE h.account = ?1 AND h.id IN (SELECT value FROM json_each(?2))"
                );
                all(db, &sql, &[&account.as_str(), &ids], holder)
            })
            .await
    }

    pub(crate) async fn person(&self, id: PersonId) -> Answer<Option<Person>> {
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {PERSON} FROM person WHERE id = ?1");
                first(db, &sql, &[&id.to_string()], rows::person)
            })
            .await
    }

    pub(crate) async fn person_by_email(&self, email: &str) -> Answer<Option<Person>> {
        let email = email.to_owned();
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {PERSON} FROM person WHERE email = ?1");
                first(db, &sql, &[&email], rows::person)
            })
            .await
    }

    pub(crate) async fn memberships(&self, person: PersonId) -> Answer<Vec<Holder>> {
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {HOLDER}
                     FROM holder AS h
                     WHERE h.person = ?1 AND h.removed_at IS NULL
                     ORDER BY h.account"
                );
                all(db, &sql, &[&person.to_string()], holder)
            })
            .await
    }

    pub(crate) async fn token(&self, account: &AccountId, id: TokenId) -> Answer<Option<(Token, LastUse)>> {
        let account = account.clone();
        self.readers
            .run(move |db| {
                let sql = format!(
                    "SELECT {TOKEN}, u.at, u.address
                     FROM token AS t
                     LEFT JOIN token_use AS u ON u.token = t.id
                     WHERE t.code = ?1 AND t.id = ?2 AND t.account = ?3"
                );
                let values: [&dyn ToSql; 3] = [&id.code.to_string(), &id.to_string(), &account.as_str()];
                let read =
                    |row: &Row<'_>| Ok((rows::token(row, &mut Seen::default())?, rows::last_use(row)?));
                first(db, &sql, &values, read)
            })
            .await
    }

    pub(crate) async fn rotated_into(&self, account: &AccountId, id: TokenId) -> Answer<Option<Token>> {
        let account = account.clone();
        self.readers
            .run(move |db| {
                let sql =
                    format!("SELECT {TOKEN} FROM token AS t WHERE t.rotated_to = ?1 AND t.account = ?2");
                let read = |row: &Row<'_>| rows::token(row, &mut Seen::default());
                first(db, &sql, &[&id.to_string(), &account.as_str()], read)
            })
            .await
    }

    pub(crate) async fn node(&self, account: &AccountId, path: &NodePath) -> Answer<Option<Node>> {
        let (account, path) = (account.clone(), path.clone());
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {NODE} FROM node WHERE account = ?1 AND path = ?2");
                first(db, &sql, &[&account.as_str(), &path.as_str()], rows::node)
            })
            .await
    }

    pub(crate) async fn nodes(&self, account: &AccountId) -> Answer<Vec<Node>> {
        let account = account.clone();
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {NODE} FROM node WHERE account = ?1 ORDER BY path");
                all(db, &sql, &[&account.as_str()], rows::node)
            })
            .await
    }

    pub(crate) async fn installation(
        &self,
        account: &AccountId,
        id: InstallationId,
    ) -> Answer<Option<Installation>> {
        let account = account.clone();
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {INSTALLATION} FROM installation WHERE account = ?1 AND id = ?2");
                first(db, &sql, &[&account.as_str(), &id.to_string()], rows::installation)
            })
            .await
    }

    pub(crate) async fn installations(&self, account: &AccountId) -> Answer<Vec<Installation>> {
        let account = account.clone();
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {INSTALLATION} FROM installation WHERE account = ?1 ORDER BY id");
                all(db, &sql, &[&account.as_str()], rows::installation)
            })
            .await
    }

    pub(crate) async fn service(&self, id: ServiceId) -> Answer<Option<Service>> {
        self.readers
            .run(move |db| {
                let sql = format!("SELECT {SERVICE} FROM service WHERE id = ?1");
                first(db, &sql, &[&id.to_string()], rows::service)
            })
            .await
    }

    pub(crate) async fn services(&self) -> Answer<Vec<Service>> {
        self.readers
            .run(|db| {
                all(db, &format!("SELECT {SERVICE} FROM service ORDER BY created_at, id"), &[], rows::service)
            })
            .await
    }

    pub(crate) async fn registry(&self) -> Answer<Arc<Registry>> {
        let known = self.registry.clone();
        self.readers
            .run(move |db| {
                // Bits are only added, so as many names are the same names.
                let sql = "SELECT max(bit) + 1 FROM permission";
                let count: i64 = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
                let registry = locked(&known).clone();
                if i64::try_from(registry.names().len()) == Ok(count) {
                    return Ok(registry);
                }
                let names = all(db, "SELECT name FROM permission ORDER BY bit", &[], |row| row.get(0))?;
                let registry = Arc::new(Registry::from_names(names).map_err(Unavailable::because)?);
                *locked(&known) = registry.clone();
                Ok(registry)
            })
            .await
    }

    pub(crate) async fn reveal(&self, account: &AccountId, token: TokenId) -> Answer<Option<TokenText>> {
        let (account, sealer) = (account.clone(), self.sealer.clone());
        self.readers
            .run(move |db| {
                let sql = "SELECT nonce, text FROM sealed WHERE token = ?1 AND account = ?2";
                let read = |row: &Row<'_>| Ok(Sealed { nonce: row.get(0)?, text: row.get(1)? });
                let sealed = first(db, sql, &[&token.to_string(), &account.as_str()], read)?;
                let opened = sealed.map(|sealed| sealer.open(&account, token, &sealed));
                opened.transpose().map_err(Unavailable::because)
            })
            .await
    }

    pub(crate) async fn remembered(&self, key: &[u8; 32]) -> Answer<Option<Remembered>> {
        let (key, now) = (*key, self.time.now());
        self.readers
            .run(move |db| {
                let sql = "SELECT request, sealed, until FROM remembered WHERE key = ?1 AND until > ?2";
                let read = |row: &Row<'_>| {
                    let until = rows::time(row, 2)?;
                    Ok(Remembered { key, request: row.get(0)?, sealed: row.get(1)?, until })
                };
                first(db, sql, &[&key, &now.as_micros()], read)
            })
            .await
    }

    pub(crate) async fn setup_link_open(&self, hash: [u8; 32]) -> Answer<bool> {
        let now = self.time.now();
        self.readers
            .run(move |db| {
                let sql = "SELECT 1 FROM setup_link WHERE hash = ?1 AND until > ?2";
                Ok(db.prepare_cached(sql)?.exists(params![hash, now.as_micros()])?)
            })
            .await
    }

    pub(crate) async fn usage(
        &self,
        account: &AccountId,
        token: TokenId,
        since_day: i32,
    ) -> Answer<Option<UsageReport>> {
        let account = account.clone();
        self.readers.run(move |db| usage(db, &account, token, since_day)).await
    }
}

type Accounts = Mutex<HashMap<AccountId, Arc<Account>>>;

/// Reads the version first: a row of a version that is known need not be read again.
fn account(db: &Connection, id: &AccountId, seen: &Accounts) -> Answer<Option<Arc<Account>>> {
    let sql = "SELECT version FROM account WHERE id = ?1";
    let version = first(db, sql, &[&id.as_str()], |row| row.get::<_, i64>(0))?;
    let Some(version) = version else { return Ok(None) };
    if let Some(known) = locked(seen).get(id).filter(|known| known.version == version) {
        return Ok(Some(known.clone()));
    }
    let sql = format!("SELECT {ACCOUNT} FROM account WHERE id = ?1");
    let account = first(db, &sql, &[&id.as_str()], rows::account)?.map(Arc::new);
    if let Some(account) = &account {
        let mut seen = locked(seen);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(id.clone(), account.clone());
    }
    Ok(account)
}

fn usage(
    db: &mut Connection,
    account: &AccountId,
    token: TokenId,
    since_day: i32,
) -> Answer<Option<UsageReport>> {
    let read = db.transaction()?;
    let id = token.to_string();
    let sql = "
        SELECT u.at, u.address
        FROM token AS t
        LEFT JOIN token_use AS u ON u.token = t.id
        WHERE t.code = ?1 AND t.id = ?2 AND t.account = ?3";
    let last = |row: &Row<'_>| Ok(LastUse { at: rows::time_or_none(row, 0)?, address: row.get(1)? });
    let values: [&dyn ToSql; 3] = [&token.code.to_string(), &id, &account.as_str()];
    let Some(last) = first(&read, sql, &values, last)? else { return Ok(None) };
    let sql = "
        SELECT day, '' AS source, '' AS name, admitted, refused
        FROM usage_day
        WHERE token = ?1 AND day >= ?2
        UNION ALL
        SELECT day, source, name, admitted, refused
        FROM usage_source
        WHERE token = ?1 AND day >= ?2
        ORDER BY 1, 2, 3";
    let count = |row: &Row<'_>| {
        let (source, name): (String, String) = (row.get(1)?, row.get(2)?);
        let by = match source.as_str() {
            "address" => By::Address(name),
            "service" => By::Service(name),
            _ => By::All,
        };
        let (admitted, refused): (i64, i64) = (row.get(3)?, row.get(4)?);
        Ok(Count { day: row.get(0)?, by, admitted: admitted as u64, refused: refused as u64 })
    };
    let counts = all(&read, sql, &[&id, &since_day], count)?;
    Ok(Some(UsageReport { last, counts }))
}

fn holder(row: &Row<'_>) -> rusqlite::Result<Holder> {
    rows::holder(row, &mut Seen::default())
}

/// `LIMIT` takes a signed number.
pub(super) fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

pub(super) fn first<T>(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Answer<Option<T>> {
    Ok(db.prepare_cached(sql)?.query_row(values, read).optional()?)
}

pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Answer<Vec<T>> {
    Ok(db.prepare_cached(sql)?.query_map(values, read)?.collect::<Result<_, _>>()?)
}
