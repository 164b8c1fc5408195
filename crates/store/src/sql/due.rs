//! Tokens that end soon, the nearest first.
//!
//! They are found by their own ends, and besides by those that follow from the longest life that the
//! policy allows: each is a range of an index, so that all the others are not looked at.

use std::collections::HashSet;

use domain::facts::Token;
use domain::ids::{AccountId, HolderId};
use domain::life::Lens;
use token::TokenId;

use super::Dialect;
use super::query::{Query, Read};
use super::reads::bound;
use super::rows::{self, Seen, TOKEN};
use super::states;

#[derive(Default)]
pub(crate) struct Found {
    pub(crate) tokens: Vec<Token>,
    had: HashSet<TokenId>,
    seen: Seen,
}

/// Up to `limit` of each kind of end; a token may be found by both.
pub(crate) fn due(
    account: &AccountId,
    holder: Option<HolderId>,
    lens: &Lens,
    limit: usize,
    dialect: Dialect,
) -> Read<Found> {
    Read {
        queries: arms(TOKEN, account, holder, lens, limit, dialect),
        state: Found::default(),
        row: |found, _, row| {
            let token = rows::token(row, &mut found.seen)?;
            if found.had.insert(token.id) {
                found.tokens.push(token);
            }
            Ok(())
        },
    }
}

/// The ids of the same, for those who count them.
pub(crate) fn ids_due(
    account: &AccountId,
    holder: Option<HolderId>,
    lens: &Lens,
    limit: usize,
    dialect: Dialect,
) -> Read<HashSet<String>> {
    Read {
        queries: arms("t.id", account, holder, lens, limit, dialect),
        state: HashSet::new(),
        row: |found, _, row| {
            found.insert(rows::string(row, 0)?);
            Ok(())
        },
    }
}

/// A query for each kind of end.
fn arms(
    columns: &str,
    account: &AccountId,
    holder: Option<HolderId>,
    lens: &Lens,
    limit: usize,
    dialect: Dialect,
) -> Vec<Query<'static>> {
    let end_itself = |query: &mut Query<'static>| {
        let (now, soon) = (query.bind(lens.now), query.bind(lens.soon));
        format!("t.revoked_at IS NULL AND t.expires_at > ?{now} AND t.expires_at <= ?{soon}")
    };
    let longest_life = |query: &mut Query<'static>| {
        let (from, to) = (query.bind(lens.outlived_all), query.bind(lens.soon_outlived));
        format!("t.created_at > ?{from} AND t.created_at <= ?{to}")
    };
    let arm = |range: &dyn Fn(&mut Query<'static>) -> String, order: &str, of_all: &str, of_one: &str| {
        let mut query = Query::default();
        let account = query.bind(account.to_string());
        let range = range(&mut query);
        let by = dialect.by(if holder.is_some() { of_one } else { of_all });
        let own = holder.map(|holder| format!("AND t.holder = ?{}", query.bind(holder.to_string())));
        let state = states::state(&mut query, lens);
        let limit = query.bind(bound(limit));
        query.text = format!(
            "SELECT {columns}
             FROM token AS t {by}
             {join} holder AS h ON h.account = t.account AND h.id = t.holder
             WHERE t.account = ?{account} {own} AND {range}
               AND t.deleted_at IS NULL AND t.leaked_at IS NULL AND t.rotated_to IS NULL
               AND t.kind IN ('pat', 'sat')
               AND {state} = 'expiring'
             ORDER BY {order}
             LIMIT ?{limit}",
            join = dialect.join(),
            own = own.unwrap_or_default(),
        )
        .into();
        query
    };
    let mut queries = vec![arm(&end_itself, "t.expires_at", "token_counted", "token_counted_of_holder")];
    if lens.soon_outlived.is_some() {
        queries.push(arm(&longest_life, "t.created_at", "token_created", "token_holder"));
    }
    queries
}
