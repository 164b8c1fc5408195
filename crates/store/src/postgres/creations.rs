//! Creations that go in together.
//!
//! What a server does most is making tokens, and each asks for the same: that the caller's rows still
//! stand, and the next number of the account. So those of a group that rest on no count (no limit, no
//! name that must be free) are asked about once and written in one statement, behind one savepoint.
//! If anything does not hold, all of them go the usual way, one by one, and each hears its own answer.

use std::collections::BTreeMap;

use domain::change::{Change, Write};
use domain::facts::Token;
use domain::ids::AccountId;
use futures_util::future::{join_all, join3};

use super::connect::Link;
use super::execute;
use crate::contract::Unavailable;
use crate::sql::query::{Query, Rows, Value, values};
use crate::sql::writes::{self, Miss, Tools};
use crate::sql::{Dialect, checks, rows};

/// Whether a change only makes tokens and keeps an answer, and rests on nothing but versions. None
/// of these writes a row that another of them rests on.
pub(super) fn fits(change: &Change) -> bool {
    let creates = |write: &Write| matches!(write, Write::InsertToken { .. });
    let keeps = |write: &Write| matches!(write, Write::Remember(_));
    change.guards.is_empty()
        && change.outbox.is_empty()
        && !change.entries.is_empty()
        && change.writes.iter().any(creates)
        && change.writes.iter().all(|write| creates(write) || keeps(write))
}

/// Writes them, and their journal `entries`, behind the savepoint `change`, which `savepoint` sets. The numbers given out by each,
/// in order; none where something does not hold or is there already, and then nothing counts of what
/// was written since the savepoint.
pub(super) async fn write(
    link: &Link,
    savepoint: &str,
    changes: &[&Change],
    entries: &Rows<'_>,
    tools: &Tools<'_>,
) -> Result<Option<Vec<Vec<i64>>>, Unavailable> {
    let tokens: Vec<(usize, &Token)> = changes
        .iter()
        .enumerate()
        .flat_map(|(n, change)| change.writes.iter().filter_map(move |write| Some((n, created(write)?))))
        .collect();
    let mut wanted: BTreeMap<&AccountId, i64> = BTreeMap::new();
    for (_, token) in &tokens {
        *wanted.entry(&token.account).or_default() += 1;
    }

    let client = &link.client;
    let rest = Change { expects: together(changes), ..Change::default() };
    let question = question(&rest, &tokens);
    let numbers: Vec<Query<'_>> = wanted.iter().map(|(account, count)| numbers(account, *count)).collect();
    let begun = client.batch_execute(savepoint);
    let asked = execute::rows(client, &question);
    let given = join_all(numbers.iter().map(|query| execute::rows(client, query)));
    let (begun, asked, given) = join3(begun, asked, given).await;
    begun?;
    let asked = asked?;
    let holds =
        asked.first().is_some_and(|row| (0..row.len()).all(|column| row.try_get(column).unwrap_or(false)));
    let mut next: BTreeMap<&AccountId, i64> = BTreeMap::new();
    for ((account, count), given) in wanted.iter().zip(given) {
        let Some(row) = given?.into_iter().next() else { return Ok(None) };
        next.insert(account, rows::int(&row, 0)? - count);
    }
    if !holds {
        return Ok(None);
    }

    let mut made = vec![Vec::new(); changes.len()];
    let mut numbered = Vec::with_capacity(tokens.len());
    for (change, token) in tokens {
        let number = next.entry(&token.account).or_default();
        *number += 1;
        numbered.push((token, *number));
        made[change].push(*number);
    }
    let (rows, besides) = match written(changes, &numbered, tools) {
        Ok(written) => written,
        // Whose fault it is comes out where they go one by one.
        Err(_) => return Ok(None),
    };
    let inserted = execute::insert(client, &rows);
    let besides = execute::run_all(client, &besides);
    let (inserted, besides, told) = join3(inserted, besides, execute::insert(client, entries)).await;
    match inserted.and_then(|count| told.and(Ok((count, besides?)))) {
        Ok((count, besides)) => {
            let all = count == numbered.len() as u64 && besides.into_iter().all(|count| count == 1);
            Ok(all.then_some(made))
        }
        // A constraint; a connection that broke says so at the next statement.
        Err(cause) if cause.as_db_error().is_some() => Ok(None),
        Err(cause) => Err(cause.into()),
    }
}

fn created(write: &Write) -> Option<&Token> {
    match write {
        Write::InsertToken { token, .. } => Some(token),
        _ => None,
    }
}

/// What any of them rests on, each once: most rest on the same rows.
fn together(changes: &[&Change]) -> Vec<domain::change::Expect> {
    let mut all = Vec::new();
    for expect in changes.iter().flat_map(|change| &change.expects) {
        if !all.contains(expect) {
            all.push(expect.clone());
        }
    }
    all
}

/// One row of yes and no: for each expectation, whether no service has the id of a token, and whether those
/// who hold them are of their accounts.
fn question<'a>(rest: &'a Change, tokens: &[(usize, &Token)]) -> Query<'a> {
    let mut question = checks::question(rest, Dialect::Postgres).unwrap_or_default();
    let namesakes = tokens.iter().map(|(_, token)| writes::namesake(token.id)).collect();
    question.values.push(Value::Texts(namesakes));
    let unique = format!(
        "NOT EXISTS (SELECT 1 FROM service WHERE {})",
        Dialect::Postgres.one_of_texts("id", question.values.len())
    );
    let mut by_account: BTreeMap<&AccountId, Vec<&Token>> = BTreeMap::new();
    for (_, token) in tokens {
        by_account.entry(&token.account).or_default().push(token);
    }
    let mut asked = vec![unique];
    for (account, tokens) in by_account {
        asked.push(writes::family(&mut question, account, tokens, Dialect::Postgres));
    }
    let asked = asked.join(", ");
    question.text = match question.text.as_ref() {
        "" => format!("SELECT {asked}"),
        others => format!("{others}, {asked}"),
    }
    .into();
    question
}

/// Takes as many numbers of the account at once; answers with the last.
fn numbers<'a>(account: &'a AccountId, count: i64) -> Query<'a> {
    let sql = "UPDATE account SET last_number = last_number + ?2 WHERE id = ?1 RETURNING last_number";
    Query::new(sql, values![account.as_str(), count])
}

/// The tokens, and what is kept beside them.
fn written<'a>(
    changes: &[&'a Change],
    tokens: &[(&'a Token, i64)],
    tools: &Tools<'_>,
) -> Result<(Rows<'a>, Vec<Query<'a>>), Miss> {
    let mut besides = Vec::new();
    for write in changes.iter().flat_map(|change| &change.writes) {
        match write {
            Write::InsertToken { token, keep: Some(text) } => besides.push(writes::seal(token, text, tools)?),
            Write::Remember(answer) => besides.push(writes::remember(answer, tools.now)),
            _ => {}
        }
    }
    Ok((writes::insert_tokens(tokens)?, besides))
}
