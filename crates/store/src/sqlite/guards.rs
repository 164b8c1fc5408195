//! What a change rests on, checked within its savepoint: versions, and conditions over many rows.
//!
//! There is one writer, so what holds here still holds when the change is written.

use domain::change::{Change, Condition, Expect};
use domain::ids::{AccountId, HolderId, RoleId};
use domain::life::{Lens, State};
use domain::policy::Counted;
use rusqlite::{Connection, ToSql, params};
use token::TokenId;

use super::apply::Miss;
use crate::states::{self, STATE};

/// Ok where all of it holds; else the first thing that does not.
pub(super) fn check(db: &Connection, change: &Change) -> Result<(), Miss> {
    for expect in &change.expects {
        if !stands(db, expect)? {
            return Err(Miss::Conflict);
        }
    }
    for guard in &change.guards {
        if !holds(db, &guard.holds)? {
            return Err(Miss::Refused(guard.otherwise.clone()));
        }
    }
    Ok(())
}

type Answer = rusqlite::Result<bool>;

fn stands(db: &Connection, expect: &Expect) -> Answer {
    match expect {
        Expect::Account(id, version) => {
            let sql = "SELECT 1 FROM account WHERE id = ?1 AND version = ?2";
            db.prepare_cached(sql)?.exists(params![id.as_str(), version])
        }
        Expect::Holder(account, id, version) => {
            let sql = "SELECT 1 FROM holder WHERE account = ?1 AND id = ?2 AND version = ?3";
            db.prepare_cached(sql)?.exists(params![account.as_str(), id.to_string(), version])
        }
        Expect::Token(account, id, version) => {
            let sql = "
                SELECT 1
                FROM token
                WHERE code = ?1 AND id = ?2 AND account = ?3 AND version = ?4";
            let values = params![id.code.to_string(), id.to_string(), account.as_str(), version];
            db.prepare_cached(sql)?.exists(values)
        }
        Expect::Person(id, version) => {
            let sql = "SELECT 1 FROM person WHERE id = ?1 AND version = ?2";
            db.prepare_cached(sql)?.exists(params![id.to_string(), version])
        }
        Expect::Node(account, path) => {
            let sql = "SELECT 1 FROM node WHERE account = ?1 AND path = ?2";
            db.prepare_cached(sql)?.exists(params![account.as_str(), path.as_str()])
        }
    }
}

fn holds(db: &Connection, condition: &Condition) -> Answer {
    match condition {
        Condition::Fewer { account, holder, counted, max, besides, lens } => {
            let scope = Scope { account, holder: *holder, besides: *besides, lens };
            Ok(count(db, &scope, counted, *max)? < *max)
        }
        Condition::TokenNameFree { account, name, besides, lens } => {
            name_free(db, account, name, *besides, lens)
        }
        Condition::AnotherMemberHas { account, role, besides, person } => {
            let sql = "
                SELECT 1
                FROM holder INDEXED BY holder_role
                WHERE account = ?1 AND role = ?2 AND id <> ?3
                  AND kind = 'mem' AND inactive_since IS NULL AND removed_at IS NULL
                  AND (person IS NOT NULL OR NOT ?4)";
            let values = params![account.as_str(), role.to_string(), besides.to_string(), person];
            db.prepare_cached(sql)?.exists(values)
        }
        Condition::RoleUnused { account, role } => role_unused(db, account, *role),
        Condition::NotAMember { account, person } => {
            let sql = "SELECT 1 FROM holder WHERE person = ?1 AND account = ?2 AND removed_at IS NULL";
            none(db, sql, params![person.to_string(), account.as_str()])
        }
        Condition::InNoOtherAccount { account, person } => {
            let sql = "SELECT 1 FROM holder WHERE person = ?1 AND account <> ?2";
            none(db, sql, params![person.to_string(), account.as_str()])
        }
        Condition::EmailFree { email } => none(db, "SELECT 1 FROM person WHERE email = ?1", [email]),
        Condition::ExternalIdFree { account, external_id } => {
            let sql = "SELECT 1 FROM holder WHERE account = ?1 AND external_id = ?2 AND removed_at IS NULL";
            none(db, sql, params![account.as_str(), external_id])
        }
        Condition::AccountFree { account } => {
            none(db, "SELECT 1 FROM account WHERE id = ?1", [account.as_str()])
        }
        Condition::NodeFree { account, path } => {
            let sql = "SELECT 1 FROM node WHERE account = ?1 AND path = ?2";
            none(db, sql, params![account.as_str(), path.as_str()])
        }
        Condition::NoAccountYet => none(db, "SELECT 1 FROM account", []),
    }
}

fn none(db: &Connection, sql: &str, values: impl rusqlite::Params) -> Answer {
    Ok(!db.prepare_cached(sql)?.exists(values)?)
}

fn name_free(
    db: &Connection,
    account: &AccountId,
    name: &str,
    besides: Option<TokenId>,
    lens: &Lens,
) -> Answer {
    let sql = format!(
        "SELECT 1
         FROM token AS t
         CROSS JOIN holder AS h ON h.account = t.account AND h.id = t.holder
         WHERE t.account = :account AND t.name = :name AND t.id IS NOT :besides
           AND t.rotated_to IS NULL AND t.kind IN ('pat', 'sat')
           AND {STATE} <> 'deleted'"
    );
    let besides = besides.map(|id| id.to_string());
    let account = account.as_str();
    let lens = states::parameters(lens);
    let mut values: Vec<(&str, &dyn ToSql)> =
        vec![(":account", &account), (":name", &name), (":besides", &besides)];
    values.extend(lens.iter().map(|(name, value)| (*name, value as &dyn ToSql)));
    Ok(!db.prepare_cached(&sql)?.exists(values.as_slice())?)
}

/// A role stands in bindings as text of its own, and no other text in them can hold its id.
fn role_unused(db: &Connection, account: &AccountId, role: RoleId) -> Answer {
    let role = role.to_string();
    let bound = "SELECT 1 FROM holder WHERE account = ?1 AND instr(bindings, ?2) > 0";
    let given = "
        SELECT 1
        FROM token AS t
        CROSS JOIN holder AS h ON h.account = t.account AND h.id = t.holder
        WHERE t.account = ?1 AND t.role = ?2 AND t.deleted_at IS NULL AND h.tokens_deleted_at IS NULL";
    Ok(none(db, bound, params![account.as_str(), role])? && none(db, given, params![account.as_str(), role])?)
}

/// Whose tokens are counted.
struct Scope<'a> {
    account: &'a AccountId,
    holder: Option<HolderId>,
    besides: Option<TokenId>,
    lens: &'a Lens,
}

/// Tokens in one of the counted states, at most `max`, however many there are.
///
/// Each arm walks one range of a partial index in which nearly every row counts, so that an
/// account with a million tokens that have ended costs no more than its limit. Together the
/// arms cover every state that is counted, and no token is in two of them.
fn count(db: &Connection, scope: &Scope<'_>, counted: &[Counted], max: u32) -> rusqlite::Result<u32> {
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
    let states = states::counted(counted);
    let mut found = 0;
    for arm in arms {
        if found < max {
            found += count_arm(db, scope, &arm, &states, max - found)?;
        }
    }
    Ok(found)
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

fn count_arm(
    db: &Connection,
    scope: &Scope<'_>,
    arm: &Arm,
    states: &[State],
    max: u32,
) -> rusqlite::Result<u32> {
    let sql = sql_of(arm, scope.holder.is_some(), states);
    let account = scope.account.as_str();
    let holder = scope.holder.map(|id| id.to_string());
    let besides = scope.besides.map(|id| id.to_string());
    let lens = states::parameters(scope.lens);
    let mut values: Vec<(&str, &dyn ToSql)> =
        vec![(":account", &account), (":besides", &besides), (":max", &max)];
    if holder.is_some() {
        values.push((":holder", &holder));
    }
    values.extend(lens.iter().map(|(name, value)| (*name, value as &dyn ToSql)));
    db.prepare_cached(&sql)?.query_row(values.as_slice(), |row| row.get(0))
}

fn sql_of(arm: &Arm, of_one_holder: bool, states: &[State]) -> String {
    let range = match arm {
        Arm::All => "",
        Arm::NeverEnds => "AND t.revoked_at IS NULL AND t.expires_at IS NULL",
        Arm::EndsLater => "AND t.revoked_at IS NULL AND t.expires_at > :now",
        Arm::Ended => "AND t.revoked_at IS NULL AND t.expires_at <= :now",
        Arm::EndedOfInactive => {
            "AND t.revoked_at IS NULL AND t.expires_at <= :now AND h.inactive_since IS NOT NULL"
        }
    };
    // SQLite keeps the order of a CROSS JOIN: tokens first, or the few holders first.
    let from = match arm {
        Arm::EndedOfInactive => "holder AS h CROSS JOIN token AS t",
        _ => "token AS t CROSS JOIN holder AS h",
    };
    let of = if of_one_holder { "AND t.holder = :holder AND h.id = :holder" } else { "" };
    let states = states::one_of(states.iter().copied());
    format!(
        "SELECT count(*)
         FROM (
             SELECT 1
             FROM {from} ON h.account = t.account AND h.id = t.holder
             WHERE t.account = :account AND h.account = :account {of} {range}
               AND t.deleted_at IS NULL AND t.leaked_at IS NULL AND t.rotated_to IS NULL
               AND t.kind IN ('pat', 'sat')
               AND t.id IS NOT :besides
               AND {STATE} IN ({states})
             LIMIT :max
         )"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open;
    use domain::time::Timestamp;
    use rusqlite::StatementStatus;
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

    #[test]
    fn counting_does_not_walk_past_tokens_that_have_ended() {
        let db = crowded();
        let account: AccountId = "acme".parse().unwrap();
        let lens = lens();
        let usual = [Counted::Active, Counted::Pending, Counted::Suspended];
        let states = states::counted(&usual);
        for holder in [None, Some("mem_000000000001".parse().unwrap())] {
            let scope = Scope { account: &account, holder, besides: None, lens: &lens };
            assert_eq!(count(&db, &scope, &usual, 10).unwrap(), 4);
            let mut steps = 0;
            for arm in [Arm::NeverEnds, Arm::EndsLater, Arm::EndedOfInactive] {
                let sql = sql_of(&arm, holder.is_some(), &states);
                let statement = db.prepare_cached(&sql).unwrap();
                steps += statement.get_status(StatementStatus::VmStep);
            }
            assert!(steps < 1_000, "{steps} steps for 4 of {ENDED} tokens of {holder:?}");
        }
    }

    #[test]
    fn counting_stops_at_the_limit() {
        let db = crowded();
        let account: AccountId = "acme".parse().unwrap();
        let lens = lens();
        let all = [Counted::Active, Counted::Expired, Counted::Revoked];
        let scope = Scope { account: &account, holder: None, besides: None, lens: &lens };
        assert_eq!(count(&db, &scope, &all, 10).unwrap(), 10);
        let statement = db.prepare_cached(&sql_of(&Arm::All, false, &states::counted(&all))).unwrap();
        let steps = statement.get_status(StatementStatus::VmStep);
        assert!(steps < 2_000, "{steps} steps for the first 10 of {ENDED} tokens");
        drop(statement);
        assert_eq!(count(&db, &scope, &all, u32::MAX).unwrap(), 2_004);
    }
}
