//! What a change rests on, as one question: versions, and conditions over many rows.
//!
//! It is asked within the change's savepoint, where there is one writer at a time (the lock of
//! the file, or the head row's), so what holds then still holds when the change is written.

use domain::change::{Change, Condition, Counting, Expect};
use domain::ids::{AccountId, ExternalId, HolderId, RoleId};
use domain::life::Lens;
use domain::policy::Counted;
use token::TokenId;

use super::Dialect;
use super::query::{Query, Row, Value};
use super::states;
use super::writes::Miss;

/// A query whose one row says of each expectation and then of each guard whether it holds. None
/// where the change rests on nothing.
pub(crate) fn question(change: &Change, dialect: Dialect) -> Option<Query<'_>> {
    let mut query = Query::default();
    let mut columns = Vec::with_capacity(change.expects.len() + change.guards.len());
    for expect in &change.expects {
        columns.push(stands(&mut query, expect, dialect));
    }
    for guard in &change.guards {
        columns.push(holds(&mut query, &guard.holds, dialect));
    }
    if columns.is_empty() {
        return None;
    }
    query.text = format!("SELECT {}", columns.join(",\n")).into();
    Some(query)
}

/// Ok where the row of [`question`] says that all of it holds; else the first that does not.
pub(crate) fn answer(change: &Change, row: &dyn Row) -> Result<(), Miss> {
    let count = change.expects.len();
    let holds = |column: usize| row.flag(column);
    for column in 0..count {
        if !holds(column)? {
            return Err(Miss::Conflict);
        }
    }
    for (n, guard) in change.guards.iter().enumerate() {
        if !holds(count + n)? {
            return Err(Miss::Refused(guard.otherwise.clone()));
        }
    }
    Ok(())
}

fn exists(sql: &str) -> String {
    format!("EXISTS (SELECT 1 FROM {sql})")
}

fn none(sql: &str) -> String {
    format!("NOT EXISTS (SELECT 1 FROM {sql})")
}

fn stands(query: &mut Query<'_>, expect: &Expect, dialect: Dialect) -> String {
    match expect {
        Expect::Account(id, version) => {
            let (id, version) = (query.bind(id.to_string()), query.bind(*version));
            exists(&format!("account WHERE id = ?{id} AND version = ?{version}"))
        }
        Expect::Holder(account, id, version) => {
            let (account, id) = (query.bind(account.to_string()), query.bind(id.to_string()));
            let version = query.bind(*version);
            exists(&format!("holder WHERE account = ?{account} AND id = ?{id} AND version = ?{version}"))
        }
        Expect::Token(account, id, version) => {
            let (code, id) = (query.bind(id.code.to_string()), query.bind(id.to_string()));
            let (account, version) = (query.bind(account.to_string()), query.bind(*version));
            exists(&format!(
                "token WHERE code = ?{code} AND id = ?{id} AND account = ?{account} AND version = ?{version}"
            ))
        }
        Expect::Person(id, version) => {
            let (id, version) = (query.bind(id.to_string()), query.bind(*version));
            exists(&format!("person WHERE id = ?{id} AND version = ?{version}"))
        }
        Expect::Service(id, version) => {
            let (id, version) = (query.bind(id.to_string()), query.bind(*version));
            exists(&format!("service WHERE id = ?{id} AND version = ?{version}"))
        }
        Expect::NobodyNamed(account, names) => {
            let account = query.bind(account.to_string());
            let names = query.bind(Value::Texts(names.iter().map(ExternalId::to_string).collect()));
            let among = dialect.one_of_texts("external_id", names);
            let by = dialect.by("holder_external_id");
            none(&format!("holder {by} WHERE account = ?{account} AND {among} AND removed_at IS NULL"))
        }
        Expect::NoAccount(ids) => {
            let ids = query.bind(Value::Texts(ids.iter().map(AccountId::to_string).collect()));
            none(&format!("account WHERE {}", dialect.one_of_texts("id", ids)))
        }
        Expect::NoAccountNamed(names) => {
            let names = query.bind(Value::Texts(names.iter().map(ExternalId::to_string).collect()));
            let among = dialect.one_of_texts("external_id", names);
            none(&format!("account WHERE {among} AND external_id IS NOT NULL"))
        }
        Expect::Node(account, path) => exists(&node(query, account, path.as_str())),
    }
}

fn node(query: &mut Query<'_>, account: &AccountId, path: &str) -> String {
    let (account, path) = (query.bind(account.to_string()), query.bind(path.to_owned()));
    format!("node WHERE account = ?{account} AND path = ?{path}")
}

fn holds(query: &mut Query<'_>, condition: &Condition, dialect: Dialect) -> String {
    match condition {
        Condition::Fewer { account, holder, counted, max, besides, lens } => {
            let scope = Scope { account, holder: *holder, besides: *besides, lens, max: *max };
            fewer(query, &scope, counted, dialect)
        }
        Condition::TokenNameFree { account, name, besides, lens } => {
            name_free(query, account, name, *besides, lens, dialect)
        }
        Condition::AnotherMemberHas { account, role, besides, person } => {
            let (account, role) = (query.bind(account.to_string()), query.bind(role.to_string()));
            let (besides, person) = (query.bind(besides.to_string()), query.bind(*person));
            exists(&format!(
                "holder {by}
                 WHERE account = ?{account} AND role = ?{role} AND id <> ?{besides}
                   AND kind = 'mem' AND inactive_since IS NULL AND removed_at IS NULL
                   AND (person IS NOT NULL OR NOT ?{person})",
                by = dialect.by("holder_role")
            ))
        }
        Condition::RoleUnused { account, role } => role_unused(query, account, *role, dialect),
        Condition::NotAMember { account, person } => {
            let (person, account) = (query.bind(person.to_string()), query.bind(account.to_string()));
            none(&format!("holder WHERE person = ?{person} AND account = ?{account} AND removed_at IS NULL"))
        }
        Condition::EmailFree { email } => {
            let email = query.bind(email.clone());
            none(&format!("person WHERE email = ?{email}"))
        }
        Condition::ExternalIdFree { account, external_id } => {
            let (account, id) = (query.bind(account.to_string()), query.bind(external_id.clone()));
            none(&format!("holder WHERE account = ?{account} AND external_id = ?{id} AND removed_at IS NULL"))
        }
        Condition::AccountFree { account } => {
            let account = query.bind(account.to_string());
            none(&format!("account WHERE id = ?{account}"))
        }
        Condition::AccountExternalIdFree { external_id, besides } => {
            let id = query.bind(external_id.clone());
            let besides = query.bind(besides.as_ref().map(AccountId::to_string));
            none(&format!("account WHERE external_id = ?{id} AND id IS DISTINCT FROM ?{besides}"))
        }
        Condition::NodeFree { account, path } => none(&node(query, account, path.as_str())),
        Condition::Room { account, of, max } => {
            let (account, max) = (query.bind(account.to_string()), query.bind(i64::from(*max)));
            let table = match of {
                Counting::Nodes => "node",
                Counting::Installations => "installation",
                Counting::Webhooks => "webhook",
            };
            format!(
                "(SELECT count(*) FROM (SELECT 1 FROM {table} WHERE account = ?{account} LIMIT ?{max}) AS counted)
                 < ?{max}"
            )
        }
        Condition::NoAccountYet => none("account"),
    }
}

fn name_free(
    query: &mut Query<'_>,
    account: &AccountId,
    name: &str,
    besides: Option<TokenId>,
    lens: &Lens,
    dialect: Dialect,
) -> String {
    let (account, name) = (query.bind(account.to_string()), query.bind(name.to_owned()));
    let besides = query.bind(besides.map(|id| id.to_string()));
    let state = states::state(query, lens);
    none(&format!(
        "token AS t
         {join} holder AS h ON h.account = t.account AND h.id = t.holder
         WHERE t.account = ?{account} AND t.name = ?{name} AND t.id IS DISTINCT FROM ?{besides}
           AND t.rotated_to IS NULL AND t.kind IN ('pat', 'sat')
           AND {state} <> 'deleted'",
        join = dialect.join()
    ))
}

/// A role stands in bindings as text of its own, and no other text in them can hold its id.
fn role_unused(query: &mut Query<'_>, account: &AccountId, role: RoleId, dialect: Dialect) -> String {
    let (account, role) = (query.bind(account.to_string()), query.bind(role.to_string()));
    // Whoever left together with their tokens does nothing any more with what they had.
    let bound = none(&format!(
        "holder
         WHERE account = ?{account} AND tokens_deleted_at IS NULL AND replace(bindings, ?{role}, '') <> bindings"
    ));
    let given = none(&format!(
        "token AS t
         {join} holder AS h ON h.account = t.account AND h.id = t.holder
         WHERE t.account = ?{account} AND t.role = ?{role} AND t.deleted_at IS NULL
           AND h.tokens_deleted_at IS NULL",
        join = dialect.join()
    ));
    format!("({bound} AND {given})")
}

/// Whose tokens are counted.
struct Scope<'a> {
    account: &'a AccountId,
    holder: Option<HolderId>,
    besides: Option<TokenId>,
    lens: &'a Lens,
    max: u32,
}

/// Whether there are fewer tokens in one of the counted states than the maximum.
///
/// Each arm walks one range of a partial index in which nearly every row counts, and no further
/// than the maximum, so that an account with a million tokens that have ended costs no more than
/// its limit. Together the arms cover every state that is counted, and no token is in two of them.
fn fewer(query: &mut Query<'_>, scope: &Scope<'_>, counted: &[Counted], dialect: Dialect) -> String {
    let arms = if counted.iter().any(|each| matches!(each, Counted::Revoked | Counted::Expired)) {
        vec![Arm::All]
    } else {
        let mut arms = vec![Arm::NeverEnds, Arm::EndsLater];
        if counted.contains(&Counted::Suspended) {
            // Suspended is shown before expired, so these have to be looked at too.
            arms.push(if scope.lens.closed { Arm::Ended } else { Arm::EndedOfInactive });
        }
        arms
    };
    let state = states::state(query, scope.lens);
    let names = Names {
        account: query.bind(scope.account.to_string()),
        holder: scope.holder.map(|id| query.bind(id.to_string())),
        besides: query.bind(scope.besides.map(|id| id.to_string())),
        now: query.bind(scope.lens.now),
        max: query.bind(i64::from(scope.max)),
        state,
        states: states::one_of(states::counted(counted)),
    };
    let counts: Vec<_> = arms.iter().map(|arm| count(arm, &names, dialect)).collect();
    format!("({}) < ?{}", counts.join(" + "), names.max)
}

/// Numbers of placeholders, and texts that the arms share.
struct Names {
    account: usize,
    holder: Option<usize>,
    besides: usize,
    now: usize,
    max: usize,
    state: String,
    states: String,
}

enum Arm {
    /// Every token that was not deleted, leaked or rotated.
    All,
    /// Not revoked by itself, no end of its own.
    NeverEnds,
    /// Not revoked by itself, its own end ahead.
    EndsLater,
    /// Not revoked by itself, its own end past.
    Ended,
    /// The same, of holders who are deactivated.
    EndedOfInactive,
}

fn count(arm: &Arm, names: &Names, dialect: Dialect) -> String {
    let Names { account, holder, besides, now, max, state, states } = names;
    let range = match arm {
        Arm::All => String::new(),
        Arm::NeverEnds => "AND t.revoked_at IS NULL AND t.expires_at IS NULL".to_owned(),
        Arm::EndsLater => format!("AND t.revoked_at IS NULL AND t.expires_at > ?{now}"),
        Arm::Ended => format!("AND t.revoked_at IS NULL AND t.expires_at <= ?{now}"),
        Arm::EndedOfInactive => {
            format!("AND t.revoked_at IS NULL AND t.expires_at <= ?{now} AND h.inactive_since IS NOT NULL")
        }
    };
    // Tokens first, or the few holders first.
    let join = dialect.join();
    let from = match arm {
        Arm::EndedOfInactive => format!("holder AS h {join} token AS t"),
        _ => format!("token AS t {join} holder AS h"),
    };
    let of = match holder {
        Some(holder) => format!("AND t.holder = ?{holder} AND h.id = ?{holder}"),
        None => String::new(),
    };
    format!(
        "(SELECT count(*)
          FROM (
              SELECT 1
              FROM {from} ON h.account = t.account AND h.id = t.holder
              WHERE t.account = ?{account} AND h.account = ?{account} {of} {range}
                AND t.deleted_at IS NULL AND t.leaked_at IS NULL AND t.rotated_to IS NULL
                AND t.kind IN ('pat', 'sat')
                AND t.id IS DISTINCT FROM ?{besides}
                AND {state} IN ({states})
              LIMIT ?{max}
          ) AS counted)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{execute, open};
    use domain::time::Timestamp;
    use rusqlite::{Connection, StatementStatus};
    use std::path::Path;

    const ENDED: i64 = 3_000;

    /// One account with two holders, the second deactivated, and three thousand tokens of the
    /// first that have expired, been revoked or deleted, besides four that are good.
    fn crowded() -> Connection {
        let mut db = Connection::open_in_memory().unwrap();
        open::migrate(&mut db, Path::new("memory")).unwrap();
        db.execute_batch(&format!(
            "INSERT INTO account (id, name, preset, created_at, policy, levels, entities, roles, version)
             VALUES ('acme', 'Acme', 'default', 0, '', '', '', '', 1);
             INSERT INTO holder (account, id, name, bindings, inactive_since, created_at, version)
             VALUES ('acme', 'mem_000000000001', 'Ada', '[]', NULL, 0, 1),
                    ('acme', 'mem_000000000002', 'Bob', '[]', 5, 0, 1);
             WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {ENDED} + 4)
             INSERT INTO token (account, number, id, holder, issued_by, name, granted, node, desk,
                                created_at, approved_at, expires_at, revoked_at, deleted_at, digest, version)
             SELECT 'acme', n, printf('pat_%012d', n), 'mem_000000000001', 'mem_000000000001', 'n' || n,
                    '{{\"list\":\"\"}}', '/', 0, n, n,
                    CASE WHEN n > {ENDED} AND n % 2 THEN NULL WHEN n > {ENDED} THEN 9999 ELSE 50 END,
                    CASE WHEN n <= {ENDED} AND n % 3 = 0 THEN 40 END,
                    CASE WHEN n <= {ENDED} AND n % 3 = 1 THEN 40 END,
                    CAST(printf('%032d', n) AS BLOB), 1
             FROM n;"
        ))
        .unwrap();
        db
    }

    fn lens() -> Lens {
        Lens {
            now: Timestamp::from_micros(100),
            closed: false,
            suspends: true,
            outlived: None,
            outlived_all: None,
            soon: None,
            soon_outlived: None,
            soon_outlived_all: None,
        }
    }

    /// Whether there are fewer than `max`, and in how many steps that was found out.
    fn fewer_than(db: &Connection, holder: Option<&str>, counted: &[Counted], max: u32) -> (bool, i32) {
        let account: AccountId = "acme".parse().unwrap();
        let lens = lens();
        let holder = holder.map(|id| id.parse().unwrap());
        let scope = Scope { account: &account, holder, besides: None, lens: &lens, max };
        let mut query = Query::default();
        let holds = fewer(&mut query, &scope, counted, Dialect::Sqlite);
        query.text = format!("SELECT {holds}").into();
        let mut statement = db.prepare(&query.text).unwrap();
        let found = statement.query_row(execute::values(&query).as_slice(), |row| row.get(0)).unwrap();
        (found, statement.get_status(StatementStatus::VmStep))
    }

    #[test]
    fn counting_does_not_walk_past_tokens_that_have_ended() {
        let db = crowded();
        let usual = [Counted::Active, Counted::Pending, Counted::Suspended];
        for holder in [None, Some("mem_000000000001")] {
            assert!(!fewer_than(&db, holder, &usual, 4).0);
            let (holds, steps) = fewer_than(&db, holder, &usual, 5);
            assert!(holds);
            assert!(steps < 1_000, "{steps} steps for 4 of {ENDED} tokens of {holder:?}");
        }
    }

    #[test]
    fn counting_stops_at_the_limit() {
        let db = crowded();
        let all = [Counted::Active, Counted::Expired, Counted::Revoked];
        let (holds, steps) = fewer_than(&db, None, &all, 10);
        assert!(!holds);
        assert!(steps < 2_000, "{steps} steps for the first 10 of {ENDED} tokens");
        assert!(!fewer_than(&db, None, &all, 2_004).0);
        assert!(fewer_than(&db, None, &all, 2_005).0);
    }
}
