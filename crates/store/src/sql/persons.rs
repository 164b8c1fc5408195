//! The rows of people: who can sign in, and by what.

use domain::facts::Person;
use domain::ids::PersonId;

use super::query::{Query, Value, values};

pub(super) fn insert(row: &Person) -> Query<'_> {
    let sql = "
        INSERT INTO person
            (id, email, password, operator, created_at,
             factor_since, factor_secret, factor_step, factor_recovery, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1)";
    let mut values = values![row.id.to_string(), &row.email, &row.password, row.operator, row.created_at];
    values.extend(second_factor(row));
    Query::new(sql, values)
}

pub(super) fn update(row: &Person) -> Query<'_> {
    let sql = "
        UPDATE person
        SET email = ?3, password = ?4, operator = ?5, factor_since = ?6, factor_secret = ?7,
            factor_step = ?8, factor_recovery = ?9, version = version + 1
        WHERE id = ?1 AND version = ?2";
    let mut values = values![row.id.to_string(), row.version, &row.email, &row.password, row.operator];
    values.extend(second_factor(row));
    Query::new(sql, values)
}

pub(super) fn delete(id: PersonId, version: i64) -> Query<'static> {
    let sql = "DELETE FROM person WHERE id = ?1 AND version = ?2";
    Query::new(sql, values![id.to_string(), version])
}

/// The four columns of a second factor.
fn second_factor(row: &Person) -> [Value<'_>; 4] {
    let factor = row.second_factor.as_ref();
    [
        factor.map(|factor| factor.since).into(),
        Value::Bytes(factor.map(|factor| factor.sealed.as_slice().into())),
        factor.map(|factor| factor.last_step).into(),
        Value::Bytes(factor.map(|factor| factor.recovery.concat().into())),
    ]
}
