//! Reads of one row or a few. Each takes the account's id, where there is one, in its statement.

use std::sync::Arc;

use domain::change::Remembered;
use domain::facts::{Account, Holder, Installation, Node, Person, Service, Token};
use domain::ids::{AccountId, ExternalId, HolderId, InstallationId, PersonId, RoleId, ServiceId};
use domain::node::NodePath;
use domain::time::Timestamp;
use domain::usage::{By, Count};
use token::TokenId;

use super::Dialect;
use super::query::{Beyond, Query, Read, Row, Unreadable, Value, values};
use super::rows::{
    self, ACCOUNT, ACCOUNT_ALIASED, ACCOUNT_COLUMNS, ENTRY, HEAD, HOLDER, INSTALLATION, NODE, PERSON,
    SERVICE, Seen, TOKEN,
};
use crate::journal::{Head, JournalRow, Walk};
use crate::query::{HolderKind, HolderQuery, LastUse, UsageReport};
use crate::sealing::Sealed;

/// An account that may be known already: a row of one version is the same for ever.
pub(crate) struct Known {
    pub(crate) account: Option<Arc<Account>>,
    pub(crate) holder: Option<Holder>,
    known: Option<Arc<Account>>,
}

impl Known {
    fn take(&mut self, row: &dyn Row) -> Result<(), Unreadable> {
        let version = rows::account_version(row)?;
        self.account = match self.known.take().filter(|known| known.version == version) {
            Some(known) => Some(known),
            None => Some(Arc::new(rows::account(row)?)),
        };
        Ok(())
    }
}

pub(crate) fn account(id: &AccountId, known: Option<Arc<Account>>) -> Read<Known> {
    Read {
        queries: vec![account_by_id(id)],
        state: Known { account: None, holder: None, known },
        row: |read, _, row| read.take(row),
    }
}

fn account_by_id(id: &AccountId) -> Query<'static> {
    Query::new(format!("SELECT {ACCOUNT} FROM account WHERE id = ?1"), values![id.to_string()])
}

/// In one statement, because every call to the desk begins with it.
pub(crate) fn household(id: &AccountId, holder: HolderId, known: Option<Arc<Account>>) -> Read<Known> {
    let sql = format!(
        "SELECT {ACCOUNT_ALIASED}, {HOLDER}
         FROM account AS a
         JOIN holder AS h ON h.account = a.id
         WHERE a.id = ?1 AND h.id = ?2"
    );
    Read {
        queries: vec![Query::new(sql, values![id.to_string(), holder.to_string()])],
        state: Known { account: None, holder: None, known },
        row: |read, _, row| {
            read.take(row)?;
            read.holder = Some(alone(&Beyond { row, first: ACCOUNT_COLUMNS })?);
            Ok(())
        },
    }
}

pub(crate) fn accounts(after: Option<&AccountId>, limit: usize) -> Read<Vec<Arc<Account>>> {
    let sql = format!(
        "SELECT {ACCOUNT}
         FROM account
         WHERE id > ?1
         ORDER BY id
         LIMIT ?2"
    );
    // Every id is greater than the empty text.
    let after = after.map_or_else(String::new, AccountId::to_string);
    Read {
        queries: vec![Query::new(sql, values![after, bound(limit)])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(Arc::new(rows::account(row)?));
            Ok(())
        },
    }
}

pub(crate) fn accounts_by_external_id(names: &[ExternalId], dialect: Dialect) -> Read<Vec<Arc<Account>>> {
    let among = dialect.one_of_texts("external_id", 1);
    let sql = format!("SELECT {ACCOUNT} FROM account WHERE {among} AND external_id IS NOT NULL");
    let names = Value::Texts(names.iter().map(ExternalId::to_string).collect());
    Read {
        queries: vec![Query::new(sql, vec![names])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(Arc::new(rows::account(row)?));
            Ok(())
        },
    }
}

/// Which of these ids are accounts'.
pub(crate) fn account_ids(among: &[AccountId], dialect: Dialect) -> Read<Vec<String>> {
    let sql = format!("SELECT id FROM account WHERE {}", dialect.one_of_texts("id", 1));
    let ids = Value::Texts(among.iter().map(AccountId::to_string).collect());
    Read {
        queries: vec![Query::new(sql, vec![ids])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::string(row, 0)?);
            Ok(())
        },
    }
}

/// Whether there is any account.
pub(crate) fn any_account() -> Read<bool> {
    Read {
        queries: vec![Query::new("SELECT id FROM account LIMIT 1", [])],
        state: false,
        row: |any, _, _| {
            *any = true;
            Ok(())
        },
    }
}

fn holder_by_id(account: &AccountId, id: HolderId) -> Query<'static> {
    let sql = format!("SELECT {HOLDER} FROM holder AS h WHERE h.account = ?1 AND h.id = ?2");
    Query::new(sql, values![account.to_string(), id.to_string()])
}

pub(crate) fn holder(account: &AccountId, id: HolderId) -> Read<Option<Holder>> {
    Read::first(holder_by_id(account, id), one_holder)
}

fn one_holder(found: &mut Option<Holder>, _: usize, row: &dyn Row) -> Result<(), Unreadable> {
    *found = Some(alone(row)?);
    Ok(())
}

fn holders_of(query: Query<'static>) -> Read<Vec<Holder>> {
    Read {
        queries: vec![query],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(alone(row)?);
            Ok(())
        },
    }
}

pub(crate) fn holder_by_external_id(account: &AccountId, external_id: &str) -> Read<Option<Holder>> {
    let sql = format!(
        "SELECT {HOLDER}
         FROM holder AS h
         WHERE h.account = ?1 AND h.external_id = ?2 AND h.removed_at IS NULL"
    );
    Read::first(Query::new(sql, values![account.to_string(), external_id.to_owned()]), one_holder)
}

/// Removed ones are not found.
pub(crate) fn holders_by_external_id(
    account: &AccountId,
    names: &[ExternalId],
    dialect: Dialect,
) -> Read<Vec<Holder>> {
    let among = dialect.one_of_texts("h.external_id", 2);
    // SQLite would walk all of the account, which it takes to be small.
    let by = dialect.by("holder_external_id");
    let sql = format!(
        "SELECT {HOLDER}
         FROM holder AS h {by}
         WHERE h.account = ?1 AND {among} AND h.removed_at IS NULL"
    );
    let names = Value::Texts(names.iter().map(ExternalId::to_string).collect());
    holders_of(Query::new(sql, vec![account.to_string().into(), names]))
}

pub(crate) fn holders(account: &AccountId, query: HolderQuery) -> Read<Vec<Holder>> {
    let kind = query.kind.map(|kind| match kind {
        HolderKind::Member => "mem".to_owned(),
        HolderKind::ServiceAccount => "sac".to_owned(),
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
    let values = values![account.to_string(), after, kind, query.include_removed, bound(query.limit)];
    holders_of(Query::new(sql, values))
}

pub(crate) fn holders_by_id(account: &AccountId, ids: &[HolderId], dialect: Dialect) -> Read<Vec<Holder>> {
    let among = dialect.one_of_texts("h.id", 2);
    let sql = format!("SELECT {HOLDER} FROM holder AS h WHERE h.account = ?1 AND {among}");
    let ids = Value::Texts(ids.iter().map(HolderId::to_string).collect());
    holders_of(Query::new(sql, vec![account.to_string().into(), ids]))
}

/// Members who have one of these roles for all of the account.
pub(crate) fn holders_by_role(account: &AccountId, roles: &[RoleId], dialect: Dialect) -> Read<Vec<Holder>> {
    let among = dialect.one_of_texts("h.role", 2);
    let sql = format!(
        "SELECT {HOLDER}
         FROM holder AS h
         WHERE h.account = ?1 AND {among} AND h.removed_at IS NULL AND h.kind = 'mem'
         ORDER BY h.id"
    );
    let roles = Value::Texts(roles.iter().map(RoleId::to_string).collect());
    holders_of(Query::new(sql, vec![account.to_string().into(), roles]))
}

/// Every member that the person is or was.
pub(crate) fn memberships_ever(person: PersonId) -> Read<Vec<Holder>> {
    let sql = format!("SELECT {HOLDER} FROM holder AS h WHERE h.person = ?1 ORDER BY h.account, h.id");
    holders_of(Query::new(sql, values![person.to_string()]))
}

/// Where the person is a member now.
pub(crate) fn memberships(person: PersonId) -> Read<Vec<Holder>> {
    let sql = format!(
        "SELECT {HOLDER}
         FROM holder AS h
         WHERE h.person = ?1 AND h.removed_at IS NULL
         ORDER BY h.account"
    );
    holders_of(Query::new(sql, values![person.to_string()]))
}

pub(crate) fn person(id: PersonId) -> Read<Option<Person>> {
    let sql = format!("SELECT {PERSON} FROM person WHERE id = ?1");
    Read::first(Query::new(sql, values![id.to_string()]), one_person)
}

pub(crate) fn person_by_email(email: &str) -> Read<Option<Person>> {
    let sql = format!("SELECT {PERSON} FROM person WHERE email = ?1");
    Read::first(Query::new(sql, values![email.to_owned()]), one_person)
}

pub(crate) fn an_operator() -> Read<Option<Person>> {
    let sql = format!("SELECT {PERSON} FROM person WHERE operator = ?1 ORDER BY id LIMIT 1");
    Read::first(Query::new(sql, values![true]), one_person)
}

fn one_person(found: &mut Option<Person>, _: usize, row: &dyn Row) -> Result<(), Unreadable> {
    *found = Some(rows::person(row)?);
    Ok(())
}

pub(crate) fn token(account: &AccountId, id: TokenId) -> Read<Option<(Token, LastUse)>> {
    let sql = format!(
        "SELECT {TOKEN}, u.at, u.address
         FROM token AS t
         LEFT JOIN token_use AS u ON u.token = t.id
         WHERE t.code = ?1 AND t.id = ?2 AND t.account = ?3"
    );
    let values = values![id.code.to_string(), id.to_string(), account.to_string()];
    Read::first(Query::new(sql, values), |found, _, row| {
        *found = Some((rows::token(row, &mut Seen::default())?, rows::last_use(row)?));
        Ok(())
    })
}

pub(crate) fn rotated_into(account: &AccountId, id: TokenId) -> Read<Option<Token>> {
    let sql = format!("SELECT {TOKEN} FROM token AS t WHERE t.rotated_to = ?1 AND t.account = ?2");
    Read::first(Query::new(sql, values![id.to_string(), account.to_string()]), |found, _, row| {
        *found = Some(rows::token(row, &mut Seen::default())?);
        Ok(())
    })
}

pub(crate) fn node(account: &AccountId, path: &NodePath) -> Read<Option<Node>> {
    let sql = format!("SELECT {NODE} FROM node WHERE account = ?1 AND path = ?2");
    Read::first(Query::new(sql, values![account.to_string(), path.as_str().to_owned()]), |found, _, row| {
        *found = Some(rows::node(row)?);
        Ok(())
    })
}

/// By path, those after `after`, at most `limit`.
pub(crate) fn nodes(account: &AccountId, after: Option<&NodePath>, limit: usize) -> Read<Vec<Node>> {
    let sql = format!(
        "SELECT {NODE}
         FROM node
         WHERE account = ?1 AND path > ?2
         ORDER BY path
         LIMIT ?3"
    );
    // Every path is greater than the empty text.
    let after = after.map_or_else(String::new, NodePath::to_string);
    Read {
        queries: vec![Query::new(sql, values![account.to_string(), after, bound(limit)])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::node(row)?);
            Ok(())
        },
    }
}

pub(crate) fn installation(account: &AccountId, id: InstallationId) -> Read<Option<Installation>> {
    let sql = format!("SELECT {INSTALLATION} FROM installation WHERE account = ?1 AND id = ?2");
    Read::first(Query::new(sql, values![account.to_string(), id.to_string()]), |found, _, row| {
        *found = Some(rows::installation(row)?);
        Ok(())
    })
}

/// By id, those after `after`, at most `limit`.
pub(crate) fn installations(
    account: &AccountId,
    after: Option<InstallationId>,
    limit: usize,
) -> Read<Vec<Installation>> {
    let sql = format!(
        "SELECT {INSTALLATION}
         FROM installation
         WHERE account = ?1 AND id > ?2
         ORDER BY id
         LIMIT ?3"
    );
    let after = after.map_or_else(String::new, |id| id.to_string());
    Read {
        queries: vec![Query::new(sql, values![account.to_string(), after, bound(limit)])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::installation(row)?);
            Ok(())
        },
    }
}

pub(crate) fn service(id: ServiceId) -> Read<Option<Service>> {
    let sql = format!("SELECT {SERVICE} FROM service WHERE id = ?1");
    Read::first(Query::new(sql, values![id.to_string()]), |found, _, row| {
        *found = Some(rows::service(row)?);
        Ok(())
    })
}

pub(crate) fn services() -> Read<Vec<Service>> {
    Read {
        queries: vec![Query::new(format!("SELECT {SERVICE} FROM service ORDER BY created_at, id"), [])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::service(row)?);
            Ok(())
        },
    }
}

/// The names of the registry from this bit on: bits are only added, so what is known stays.
pub(crate) fn permissions(from: usize) -> Read<Vec<String>> {
    Read {
        queries: vec![Query::new(
            "SELECT name FROM permission WHERE bit >= ?1 ORDER BY bit",
            values![bound(from)],
        )],
        state: Vec::new(),
        row: |names, _, row| {
            names.push(rows::string(row, 0)?);
            Ok(())
        },
    }
}

pub(crate) fn sealed(account: &AccountId, token: TokenId) -> Read<Option<Sealed>> {
    let sql = "SELECT nonce, text FROM sealed WHERE token = ?1 AND account = ?2";
    Read::first(Query::new(sql, values![token.to_string(), account.to_string()]), |found, _, row| {
        *found = Some(Sealed { nonce: rows::bytes(row, 0)?, text: rows::vec(row, 1)? });
        Ok(())
    })
}

pub(crate) fn remembered(key: &[u8; 32], now: Timestamp) -> Read<Option<Remembered>> {
    let sql = "SELECT key, request, sealed, until FROM remembered WHERE key = ?1 AND until > ?2";
    Read::first(Query::new(sql, values![*key, now]), |found, _, row| {
        *found = Some(Remembered {
            key: rows::bytes(row, 0)?,
            request: rows::bytes(row, 1)?,
            sealed: rows::vec(row, 2)?,
            until: rows::time(row, 3)?,
        });
        Ok(())
    })
}

pub(crate) fn usage(account: &AccountId, token: TokenId, since_day: i32) -> Read<Option<UsageReport>> {
    let of_token = "
        SELECT u.at, u.address
        FROM token AS t
        LEFT JOIN token_use AS u ON u.token = t.id
        WHERE t.code = ?1 AND t.id = ?2 AND t.account = ?3";
    let counts = "
        SELECT day, '' AS source, '' AS name, admitted, refused
        FROM usage_day
        WHERE token = ?1 AND day >= ?2
        UNION ALL
        SELECT day, source, name, admitted, refused
        FROM usage_source
        WHERE token = ?1 AND day >= ?2
        ORDER BY 1, 2, 3";
    let id = token.to_string();
    Read {
        queries: vec![
            Query::new(of_token, values![token.code.to_string(), id.clone(), account.to_string()]),
            Query::new(counts, values![id, i64::from(since_day)]),
        ],
        state: None,
        row: |report, query, row| {
            if query == 0 {
                let last =
                    LastUse { at: rows::time_or_none(row, 0)?, address: rows::string_or_none(row, 1)? };
                *report = Some(UsageReport { last, counts: Vec::new() });
            } else if let Some(report) = report {
                report.counts.push(count(row)?);
            }
            Ok(())
        },
    }
}

fn count(row: &dyn Row) -> Result<Count, Unreadable> {
    let (source, name) = (rows::string(row, 1)?, rows::string(row, 2)?);
    let by = match source.as_str() {
        "address" => By::Address(name),
        "service" => By::Service(name),
        _ => By::All,
    };
    let day = i32::try_from(rows::int(row, 0)?).map_err(|cause| Unreadable::new(0, cause))?;
    let (admitted, refused) = (rows::int(row, 3)?, rows::int(row, 4)?);
    Ok(Count { day, by, admitted: admitted as u64, refused: refused as u64 })
}

pub(crate) fn journal(after: i64, limit: usize) -> Read<Vec<JournalRow>> {
    Read {
        queries: vec![entries(after, limit)],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::entry(row)?);
            Ok(())
        },
    }
}

fn entries(after: i64, limit: usize) -> Query<'static> {
    let sql = format!("SELECT {ENTRY} FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    Query::new(sql, values![after, bound(limit)])
}

pub(crate) fn head() -> Read<Head> {
    Read {
        queries: vec![Query::new(HEAD, [])],
        state: Head::START,
        row: |head, _, row| {
            *head = rows::head(row)?;
            Ok(())
        },
    }
}

/// Up to which entry payloads were erased.
pub(crate) fn erased() -> Read<i64> {
    Read {
        queries: vec![Query::new("SELECT erased FROM head", [])],
        state: 0,
        row: |erased, _, row| {
            *erased = rows::int(row, 0)?;
            Ok(())
        },
    }
}

/// The entries that tell of erasures; the index is of them alone.
pub(crate) fn erasures() -> Read<Vec<JournalRow>> {
    let sql = format!("SELECT {ENTRY} FROM journal WHERE {TELLS} ORDER BY seq");
    Read {
        queries: vec![Query::new(sql, [])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::entry(row)?);
            Ok(())
        },
    }
}

/// Whether an entry tells of erasures; such are never erased.
pub(crate) const TELLS: &str = "action IN ('journal.erased', 'member.erased')";

/// How many entries after one and through another have a payload that may be erased.
pub(crate) fn unerased(after: i64, through: i64) -> Read<i64> {
    let sql = format!(
        "SELECT count(*)
         FROM journal
         WHERE seq > ?1 AND seq <= ?2 AND payload IS NOT NULL AND NOT ({TELLS})"
    );
    Read {
        queries: vec![Query::new(sql, values![after, through])],
        state: 0,
        row: |count, _, row| {
            *count = rows::int(row, 0)?;
            Ok(())
        },
    }
}

/// What is said, between two entries, of a member, their tokens and their logins, and not erased.
pub(crate) fn said_of(
    account: &AccountId,
    holder: HolderId,
    after: i64,
    through: i64,
) -> Read<Vec<JournalRow>> {
    let sql = format!(
        "SELECT {ENTRY}
         FROM journal
         WHERE {OF_HOLDER}
         ORDER BY seq"
    );
    Read {
        queries: vec![Query::new(sql, values![after, through, account.to_string(), holder.to_string()])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::entry(row)?);
            Ok(())
        },
    }
}

/// Entries after one (`?1`) and through another (`?2`) of an account (`?3`) about a holder (`?4`) that have
/// something to be erased.
pub(crate) const OF_HOLDER: &str = "seq > ?1 AND seq <= ?2 AND account = ?3 AND payload IS NOT NULL \
     AND action NOT IN ('journal.erased', 'member.erased') \
     AND (subject = ?4 OR subject IN (SELECT id FROM token WHERE account = ?3 AND holder = ?4))";

/// The hash of an entry; none where there is no such entry.
pub(crate) fn hash_at(seq: i64) -> Read<Option<[u8; 32]>> {
    Read::first(Query::new("SELECT hash FROM journal WHERE seq = ?1", values![seq]), |hash, _, row| {
        *hash = Some(rows::bytes(row, 0)?);
        Ok(())
    })
}

/// The hash of the first entry, if there is one, and the head.
pub(crate) fn ends() -> Read<(Option<[u8; 32]>, Head)> {
    Read {
        queries: vec![Query::new("SELECT hash FROM journal WHERE seq = 1", []), Query::new(HEAD, [])],
        state: (None, Head::START),
        row: |ends, query, row| {
            match query {
                0 => ends.0 = Some(rows::bytes(row, 0)?),
                _ => ends.1 = rows::head(row)?,
            }
            Ok(())
        },
    }
}

/// A part of the chain: the head, how many entries there were, and the walk through them.
pub(crate) struct Part {
    pub(crate) head: Head,
    pub(crate) count: usize,
    pub(crate) walk: Walk,
}

/// Goes on with a walk by at most `limit` entries.
pub(crate) fn walk(walk: Walk, limit: usize) -> Read<Part> {
    Read {
        queries: vec![Query::new(HEAD, []), entries(walk.seq, limit)],
        state: Part { head: Head::START, count: 0, walk },
        row: |part, query, row| {
            if query == 0 {
                part.head = rows::head(row)?;
            } else {
                part.count += 1;
                part.walk.step_along(&rows::link(row)?, || rows::remains(row))?;
            }
            Ok(())
        },
    }
}

fn alone(row: &dyn Row) -> Result<Holder, Unreadable> {
    rows::holder(row, &mut Seen::default())
}

/// `LIMIT` takes a signed number.
pub(crate) fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
