//! What whoever answers lists from memory reads: every token, holder and use, of an account or of the
//! server, in chunks. Deleted tokens too, because there are lists of them.

use domain::facts::{Holder, Token};
use domain::ids::{AccountId, HolderId};
use domain::time::Timestamp;
use token::TokenId;

use super::Dialect;
use super::lists::Page;
use super::query::{Query, Read, Value, values};
use super::reads::bound;
use super::rows::{self, HOLDER, ROLL, ROLL_COLUMNS, Seen, TOKEN};
use crate::query::{Resume, Roll};

/// A chunk of tokens, the values that they share, and where the next begins.
#[derive(Default)]
pub(crate) struct Rolls {
    pub(crate) rows: Vec<Roll>,
    pub(crate) last: Option<Resume>,
    seen: Seen,
}

/// In an order in which new ones come last or in a place of their own; see [`loads`](super::loads).
pub(crate) fn rolls(
    account: Option<&AccountId>,
    after: Option<&Resume>,
    limit: usize,
    dialect: Dialect,
) -> Read<Rolls> {
    let (last, number) = after.map_or((String::new(), 0), |after| (after.account.clone(), after.number));
    let limit = bound(limit.max(1));
    let query = match (account, dialect) {
        (Some(account), _) => {
            let sql = format!(
                "SELECT {ROLL}, t.number
                 FROM token AS t
                 WHERE t.account = ?1 AND t.number > ?2
                 ORDER BY t.number
                 LIMIT ?3"
            );
            Query::new(sql, values![account.to_string(), number, limit])
        }
        (None, Dialect::Sqlite) => {
            let sql = format!(
                "SELECT {ROLL}, t.rowid
                 FROM token AS t
                 WHERE t.rowid > ?1
                 ORDER BY t.rowid
                 LIMIT ?2"
            );
            Query::new(sql, values![number, limit])
        }
        (None, Dialect::Postgres) => {
            let sql = format!(
                "SELECT {ROLL}, t.number
                 FROM token AS t
                 WHERE (t.account, t.number) > (?1, ?2)
                 ORDER BY t.account, t.number
                 LIMIT ?3"
            );
            Query::new(sql, values![last, number, limit])
        }
    };
    Read {
        queries: vec![query],
        state: Rolls::default(),
        row: |rolls, _, row| {
            let roll = rows::roll(row, &mut rolls.seen)?;
            let account = roll.account.to_string();
            rolls.last = Some(Resume { account, number: rows::int(row, ROLL_COLUMNS)? });
            rolls.rows.push(roll);
            Ok(())
        },
    }
}

/// Every holder of the server after that one, by account and id; removed ones too.
pub(crate) fn holders(after: Option<(&AccountId, HolderId)>, limit: usize) -> Read<Vec<Holder>> {
    let sql = format!(
        "SELECT {HOLDER}
         FROM holder AS h
         WHERE (h.account, h.id) > (?1, ?2)
         ORDER BY h.account, h.id
         LIMIT ?3"
    );
    let (account, id) =
        after.map_or_else(Default::default, |(account, id)| (account.to_string(), id.to_string()));
    Read {
        queries: vec![Query::new(sql, values![account, id, bound(limit)])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(rows::holder(row, &mut Seen::default())?);
            Ok(())
        },
    }
}

/// When tokens were last used, of an account or of all, where that was after `since`.
pub(crate) fn uses(account: Option<&AccountId>, since: Option<Timestamp>) -> Read<Vec<(TokenId, Timestamp)>> {
    let since = since.map_or(i64::MIN, Timestamp::as_micros);
    let query = match account {
        Some(account) => {
            let sql = "
                SELECT u.token, u.at
                FROM token AS t
                JOIN token_use AS u ON u.token = t.id
                WHERE t.account = ?1 AND u.at > ?2";
            Query::new(sql, values![account.to_string(), since])
        }
        None => Query::new("SELECT token, at FROM token_use WHERE at > ?1", values![since]),
    };
    Read {
        queries: vec![query],
        state: Vec::new(),
        row: |all, _, row| {
            all.push((rows::text(row, 0)?, rows::time(row, 1)?));
            Ok(())
        },
    }
}

/// How many tokens an account was ever given; none where there is no such account.
pub(crate) fn made(account: &AccountId) -> Read<Option<i64>> {
    let sql = "SELECT last_number FROM account WHERE id = ?1";
    Read::first(Query::new(sql, values![account.to_string()]), |made, _, row| {
        *made = Some(rows::int(row, 0)?);
        Ok(())
    })
}

/// These tokens with their last use, in no order; of one account, or of any.
pub(crate) fn tokens(account: Option<&AccountId>, ids: &[TokenId], dialect: Dialect) -> Read<Page> {
    let codes = Value::Texts(ids.iter().map(|id| id.code.to_string()).collect());
    let among = dialect.one_of_texts("t.code", 1);
    let sql = format!(
        "SELECT {TOKEN}, u.at, u.address
         FROM token AS t
         LEFT JOIN token_use AS u ON u.token = t.id
         WHERE {among} AND (?2 IS NULL OR t.account = ?2)"
    );
    Read {
        queries: vec![Query::new(sql, vec![codes, account.map(AccountId::to_string).into()])],
        state: Page::default(),
        row: |page, _, row| page.take(row),
    }
}

/// These tokens of any account, in no order.
pub(crate) fn token_rows(ids: &[TokenId], dialect: Dialect) -> Read<(Vec<Token>, Seen)> {
    let codes = Value::Texts(ids.iter().map(|id| id.code.to_string()).collect());
    let sql = format!("SELECT {TOKEN} FROM token AS t WHERE {}", dialect.one_of_texts("t.code", 1));
    each(Query::new(sql, vec![codes]))
}

/// The tokens that were replaced by one of these and are good beside it until after `now`.
pub(crate) fn in_grace(ids: &[TokenId], now: Timestamp, dialect: Dialect) -> Read<(Vec<Token>, Seen)> {
    let into = Value::Texts(ids.iter().map(TokenId::to_string).collect());
    let among = dialect.one_of_texts("t.rotated_to", 1);
    let sql = format!(
        "SELECT {TOKEN}
         FROM token AS t
         WHERE {among} AND t.grace_until > ?2 AND t.revoked_at IS NULL AND t.leaked_at IS NULL
           AND t.deleted_at IS NULL"
    );
    each(Query::new(sql, vec![into, now.into()]))
}

/// Those of these tokens, whatever became of them, that were rotated into one made after `since`.
pub(crate) fn rotated_since(ids: &[TokenId], since: Timestamp, dialect: Dialect) -> Read<(Vec<Token>, Seen)> {
    let codes = Value::Texts(ids.iter().map(|id| id.code.to_string()).collect());
    let among = dialect.one_of_texts("t.code", 1);
    let join = dialect.join();
    let sql = format!(
        "SELECT {TOKEN}
         FROM token AS t
         {join} token AS newer ON newer.code = substr(t.rotated_to, 5)
         WHERE {among} AND newer.created_at > ?2"
    );
    each(Query::new(sql, vec![codes, since.into()]))
}

/// The token of each row.
fn each(query: Query<'static>) -> Read<(Vec<Token>, Seen)> {
    Read {
        queries: vec![query],
        state: Default::default(),
        row: |(all, seen), _, row| {
            all.push(rows::token(row, seen)?);
            Ok(())
        },
    }
}

/// The account of these, by id; none who is not there.
pub(crate) fn holders_anywhere(
    ids: &[HolderId],
    accounts: &[AccountId],
    dialect: Dialect,
) -> Read<(Vec<Holder>, Seen)> {
    let among = dialect.one_of_texts("h.id", 1);
    let within = dialect.one_of_texts("h.account", 2);
    let sql = format!("SELECT {HOLDER} FROM holder AS h WHERE {within} AND {among}");
    let ids = Value::Texts(ids.iter().map(HolderId::to_string).collect());
    let accounts = Value::Texts(accounts.iter().map(AccountId::to_string).collect());
    Read {
        queries: vec![Query::new(sql, vec![ids, accounts])],
        state: Default::default(),
        row: |(all, seen), _, row| {
            all.push(rows::holder(row, seen)?);
            Ok(())
        },
    }
}
