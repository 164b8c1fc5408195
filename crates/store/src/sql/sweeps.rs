//! Writes of many rows at once.

use std::collections::BTreeMap;

use domain::facts::Token;
use domain::life::Life;
use domain::time::Timestamp;

use super::Dialect;
use super::query::{Query, Value};
use super::writes::{Must, Step};

/// Rows in one statement: few enough for a server that bounds how long one may take.
const AT_ONCE: usize = 5_000;

/// Most of them have the same version, so that a statement names it once.
pub(super) fn revoke_tokens<'a>(
    tokens: &[Token],
    at: Timestamp,
    reason: &'a Option<String>,
    dialect: Dialect,
) -> Vec<Step<'a>> {
    let mut by_version: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for token in tokens {
        by_version.entry(token.version).or_default().push(token.id.code.to_string());
    }
    let mut steps = Vec::new();
    for (version, codes) in by_version {
        for some in codes.chunks(AT_ONCE) {
            let sql = format!(
                "{update} token
                 SET revoked_at = ?1, reason = ?2, version = version + 1
                 WHERE {among} AND version = ?4",
                update = dialect.update_of_many(),
                among = dialect.one_of_texts("code", 3)
            );
            let values = vec![at.into(), reason.into(), Value::Texts(some.to_vec()), version.into()];
            steps.push(Step::Query { query: Query::new(sql, values), must: Must::Hits(some.len()) });
        }
    }
    steps
}

/// One of them, as it then stands.
pub(super) fn revoked(token: Token, at: Timestamp, reason: &Option<String>) -> Token {
    let life = Life { revoked_at: Some(at), ..token.life };
    Token { life, reason: reason.clone(), version: token.version + 1, ..token }
}
