//! The outbox: letters, the notices that they give, and who was told what.

use domain::ids::{AccountId, LetterId, MemberId};
use domain::mail::{Fate, Letter, Notice, Outgoing};
use domain::notices::Told;
use domain::time::Timestamp;
use token::TokenId;

use super::Dialect;
use super::query::{Query, Read, Row, Rows, Unreadable, Value, values};
use super::reads::bound;
use super::rows;
use super::writes::{Must, Step};

const LETTER: &str = "id, account, member, queued_at, next_at, tries, outcome, ended_at, version";

/// Keeps a letter with those of its notices that were not given before; with none of them it is not kept.
pub(crate) fn put(outgoing: &Outgoing) -> [Step<'_>; 2] {
    let Outgoing { letter, notices } = outgoing;
    let row = |notice: &Notice| {
        values![
            notice.token.to_string(),
            notice.ends_at,
            letter.to.to_string(),
            i64::from(notice.days),
            letter.account.as_str(),
            letter.id.to_string(),
        ]
    };
    let notices = Rows {
        into: "notice (token, ends_at, member, days, account, letter)",
        rows: notices.iter().map(row).collect(),
        unless_there: true,
    };
    let sql = "
        INSERT INTO letter (id, account, member, queued_at, next_at, tries, version)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, 1
        WHERE EXISTS (SELECT 1 FROM notice WHERE letter = ?1)";
    let (next_at, _, _) = place(letter.fate);
    let values = values![
        letter.id.to_string(),
        letter.account.as_str(),
        letter.to.to_string(),
        letter.queued_at,
        next_at,
        letter.tries,
    ];
    [Step::Rows(notices), Step::Query { query: Query::new(sql, values), must: Must::Pass }]
}

pub(crate) fn update(letter: &Letter) -> Query<'_> {
    let sql = "
        UPDATE letter
        SET next_at = ?3, tries = ?4, outcome = ?5, ended_at = ?6, version = version + 1
        WHERE id = ?1 AND version = ?2";
    let (next_at, outcome, ended_at) = place(letter.fate);
    let values = values![letter.id.to_string(), letter.version, next_at, letter.tries, outcome, ended_at];
    Query::new(sql, values)
}

/// The columns of a fate: `next_at`, `outcome`, `ended_at`.
fn place(fate: Fate) -> (Option<Timestamp>, Option<String>, Option<Timestamp>) {
    let ended = |outcome: &str, at| (None, Some(outcome.to_owned()), Some(at));
    match fate {
        Fate::Due(at) => (Some(at), None, None),
        Fate::Begun(until) => (Some(until), Some("begun".to_owned()), None),
        Fate::Sent(at) => ended("sent", at),
        Fate::Dropped(at) => ended("dropped", at),
        Fate::GivenUp(at) => ended("given_up", at),
    }
}

/// Letters that somebody may begin to send, those that wait longest first.
pub(crate) fn due(now: Timestamp, limit: usize) -> Read<Vec<Letter>> {
    let sql = format!("SELECT {LETTER} FROM letter WHERE next_at <= ?1 ORDER BY next_at, id LIMIT ?2");
    all(Query::new(sql, values![now, bound(limit)]))
}

/// Letters that somebody has begun to send, and has not said how it went.
pub(crate) fn begun() -> Read<Vec<Letter>> {
    all(Query::new(
        format!("SELECT {LETTER} FROM letter WHERE next_at IS NOT NULL AND outcome = 'begun'"),
        [],
    ))
}

pub(crate) fn letter(id: LetterId) -> Read<Vec<Letter>> {
    all(Query::new(format!("SELECT {LETTER} FROM letter WHERE id = ?1"), values![id.to_string()]))
}

fn all(query: Query<'static>) -> Read<Vec<Letter>> {
    Read {
        queries: vec![query],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(read(row)?);
            Ok(())
        },
    }
}

fn read(row: &dyn Row) -> Result<Letter, Unreadable> {
    let fate = match (rows::time_or_none(row, 4)?, rows::string_or_none(row, 6)?.as_deref()) {
        (Some(at), None) => Fate::Due(at),
        (Some(until), Some(_)) => Fate::Begun(until),
        (None, Some("sent")) => Fate::Sent(rows::time(row, 7)?),
        (None, Some("dropped")) => Fate::Dropped(rows::time(row, 7)?),
        (None, Some("given_up")) => Fate::GivenUp(rows::time(row, 7)?),
        (None, _) => return Err(Unreadable::new(6, "a letter that is neither due nor done with")),
    };
    Ok(Letter {
        id: rows::text(row, 0)?,
        account: rows::text(row, 1)?,
        to: rows::text(row, 2)?,
        queued_at: rows::time(row, 3)?,
        tries: rows::int(row, 5)?,
        fate,
        version: rows::int(row, 8)?,
    })
}

/// The notices that a letter gives, the nearest end first.
pub(crate) fn notices(letter: LetterId) -> Read<Vec<Notice>> {
    let sql = "SELECT member, token, ends_at, days FROM notice WHERE letter = ?1 ORDER BY ends_at, token";
    Read {
        queries: vec![Query::new(sql, values![letter.to_string()])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(notice(row)?.1);
            Ok(())
        },
    }
}

/// What was told of these tokens of an account.
pub(crate) fn told(account: &AccountId, tokens: &[TokenId], dialect: Dialect) -> Read<Told> {
    let ids = tokens.iter().map(ToString::to_string).collect();
    let sql = format!(
        "SELECT member, token, ends_at, days FROM notice WHERE account = ?1 AND {}",
        dialect.one_of_texts("token", 2)
    );
    Read {
        queries: vec![Query::new(sql, vec![account.to_string().into(), Value::Texts(ids)])],
        state: Told::new(),
        row: |told, _, row| {
            told.insert(notice(row)?);
            Ok(())
        },
    }
}

fn notice(row: &dyn Row) -> Result<(MemberId, Notice), Unreadable> {
    let days = u32::try_from(rows::int(row, 3)?).map_err(|cause| Unreadable::new(3, cause))?;
    Ok((rows::text(row, 0)?, Notice { token: rows::text(row, 1)?, ends_at: rows::time(row, 2)?, days }))
}
