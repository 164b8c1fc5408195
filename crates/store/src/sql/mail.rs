//! The outbox: letters, the notices that they give, what happened that they tell, and who was told what.

use domain::ids::{AccountId, LetterId, MemberId};
use domain::mail::{Fate, Letter, Matter, News, Notice, Outgoing, Topic};
use domain::notices::Told;
use domain::time::Timestamp;
use token::{Entropy, TokenId};

use super::Dialect;
use super::query::{Query, Read, Row, Rows, Unreadable, Value, values};
use super::reads::bound;
use super::rows;
use super::writes::{Must, Step};

const LETTER: &str = "id, account, member, queued_at, next_at, tries, outcome, ended_at, version, topic";

/// Keeps what goes out.
pub(crate) fn put<'a>(outgoing: &'a Outgoing, entropy: &dyn Entropy) -> Vec<Step<'a>> {
    match outgoing {
        Outgoing::Ends { letter, notices } => ends(letter, notices),
        Outgoing::News(news) => self::news(news, LetterId::draw(entropy)),
    }
}

/// Keeps a letter with those of its notices that were not given before; with none of them it is not kept.
fn ends<'a>(letter: &'a Letter, notices: &[Notice]) -> Vec<Step<'a>> {
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
        INSERT INTO letter (id, account, member, topic, queued_at, next_at, tries, version)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1
        WHERE EXISTS (SELECT 1 FROM notice WHERE letter = ?1)";
    let (next_at, _, _) = place(letter.fate);
    let values = values![
        letter.id.to_string(),
        letter.account.as_str(),
        letter.to.to_string(),
        letter.topic.as_str(),
        letter.queued_at,
        next_at,
        letter.tries,
    ];
    vec![Step::Rows(notices), Step::Query { query: Query::new(sql, values), must: Must::Pass }]
}

/// Keeps what happened for the letter to this reader that waits and was never begun, or for a new one: due at
/// once, or after the pause where there was another lately.
fn news(news: &News, id: LetterId) -> Vec<Step<'_>> {
    let News { account, to, topic, at, matters } = news;
    let row = |matter| row_of(news, matter);
    let sql = "
        INSERT INTO letter (id, account, member, topic, queued_at, next_at, tries, version)
        SELECT ?1, ?2, ?3, ?4, ?5,
               CASE
                   WHEN EXISTS (
                       SELECT 1
                       FROM letter
                       WHERE account = ?2 AND member = ?3 AND topic = ?4 AND COALESCE(ended_at, next_at) > ?6
                   ) THEN ?7
                   ELSE ?5
               END,
               0, 1
        WHERE NOT EXISTS (
            SELECT 1
            FROM letter
            WHERE account = ?2 AND member = ?3 AND topic = ?4 AND next_at IS NOT NULL AND tries = 0
        )";
    let values = values![
        id.to_string(),
        account.as_str(),
        to.to_string(),
        topic.as_str(),
        *at,
        at.plus_micros(-topic.pause()),
        at.plus_micros(topic.pause()),
    ];
    let letter = Step::Query { query: Query::new(sql, values), must: Must::Pass };
    if matters.is_empty() {
        return vec![letter];
    }
    let matters = Rows {
        into: "matter (account, member, topic, token, at, actor)",
        rows: matters.iter().map(row).collect(),
        unless_there: true,
    };
    vec![Step::Rows(matters), letter]
}

fn row_of<'a>(News { account, to, topic, .. }: &'a News, matter: &'a Matter) -> Vec<Value<'a>> {
    let token = matter.token.to_string();
    values![account.as_str(), to.to_string(), topic.as_str(), token, matter.at, &matter.actor]
}

/// Writes what became of a letter. Who begins it the first time takes up all that waits for it, and what is
/// told is forgotten with its end.
pub(crate) fn update(letter: &Letter) -> Vec<Step<'_>> {
    let sql = "
        UPDATE letter
        SET next_at = ?3, tries = ?4, outcome = ?5, ended_at = ?6, version = version + 1
        WHERE id = ?1 AND version = ?2";
    let (next_at, outcome, ended_at) = place(letter.fate);
    let values = values![letter.id.to_string(), letter.version, next_at, letter.tries, outcome, ended_at];
    let query = Query::new(sql, values);
    let mut steps = vec![Step::Query { query, must: Must::Hit }];
    let matters = match letter.fate {
        Fate::Begun(_) if letter.tries == 1 => {
            let sql = "
                UPDATE matter
                SET letter = ?4
                WHERE account = ?1 AND member = ?2 AND topic = ?3 AND letter IS NULL";
            let (to, topic) = (letter.to.to_string(), letter.topic.as_str());
            Query::new(sql, values![letter.account.as_str(), to, topic, letter.id.to_string()])
        }
        Fate::Sent(_) | Fate::Dropped(_) | Fate::GivenUp(_) => {
            Query::new("DELETE FROM matter WHERE letter = ?1", values![letter.id.to_string()])
        }
        Fate::Begun(_) | Fate::Due(_) => return steps,
    };
    if letter.topic != Topic::Ending {
        steps.push(Step::Query { query: matters, must: Must::Pass });
    }
    steps
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
        topic: rows::text(row, 9)?,
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

/// What a letter tells that happened, the last first.
pub(crate) fn matters(letter: LetterId) -> Read<Vec<Matter>> {
    let sql = "SELECT token, at, actor FROM matter WHERE letter = ?1 ORDER BY at DESC, token";
    Read {
        queries: vec![Query::new(sql, values![letter.to_string()])],
        state: Vec::new(),
        row: |all, _, row| {
            let (token, at) = (rows::text(row, 0)?, rows::time(row, 1)?);
            all.push(Matter { token, at, actor: rows::string_or_none(row, 2)? });
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
