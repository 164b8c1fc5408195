//! Webhooks, their places in the journal, and what is delivered to them.

use domain::ids::{AccountId, WebhookId};
use domain::time::Timestamp;
use domain::webhooks::target::Target;
use domain::webhooks::{Delivery, Effect, Fate, Outcome, Progress, SHOWN, TakenUp, Trouble, Webhook, Write};

use super::Dialect;
use super::query::{Query, Read, Row, Rows, Unreadable, values};
use super::reads::bound;
use super::rows;
use super::writes::{Miss, Must, Step, Tools, json};
use crate::sealing::Sealed;

const WEBHOOK: &str = "w.id, w.account, w.name, w.url, w.actions, w.enabled, w.created_at, w.older_until, w.through, \
     w.failing_since, w.paused_until, w.missed, w.version";

const DELIVERY: &str =
    "webhook, account, seq, action, subject, since, next_at, tries, fate, status, trouble, ended_at, version";

/// What carries out a write, in this order.
pub(crate) fn steps<'a>(write: &'a Write, tools: &Tools<'_>) -> Result<Vec<Step<'a>>, Miss> {
    match write {
        Write::Insert { webhook, secret } => {
            let sealed = tools.sealer.seal_secret(&webhook.account, webhook.id, secret, tools.entropy);
            Ok(vec![hit(insert(webhook, sealed)?)])
        }
        Write::Update { webhook, afresh, resumed, now } => update(webhook, *afresh, *resumed, *now),
        Write::Rotate { webhook, secret } => {
            let sealed = tools.sealer.seal_secret(&webhook.account, webhook.id, secret, tools.entropy);
            Ok(vec![hit(rotate(webhook, sealed))])
        }
        Write::Delete(webhook) => {
            let sql = "DELETE FROM webhook WHERE account = ?1 AND id = ?2 AND version = ?3";
            let values = values![webhook.account.as_str(), webhook.id.to_string(), webhook.version];
            let deliveries = "DELETE FROM delivery WHERE webhook = ?1";
            let deliveries = Query::new(deliveries, values![webhook.id.to_string()]);
            Ok(vec![hit(Query::new(sql, values)), pass(deliveries)])
        }
        Write::TakeUp(taken) => Ok(take_up(taken)),
        Write::Deliver { delivery, effect, now } => Ok(deliver(delivery, *effect, *now)),
    }
}

fn hit(query: Query<'_>) -> Step<'_> {
    Step::Query { query, must: Must::Hit }
}

fn pass(query: Query<'_>) -> Step<'_> {
    Step::Query { query, must: Must::Pass }
}

/// Its place is the end of what is in the journal: what happens from then on it is told.
fn insert(row: &Webhook, sealed: Sealed) -> Result<Query<'_>, Miss> {
    let sql = "
        INSERT INTO webhook
            (account, id, name, url, actions, enabled, nonce, secret, created_at, through, missed, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, coalesce((SELECT max(seq) FROM journal), 0), 0, 1)";
    let values = values![
        row.account.as_str(),
        row.id.to_string(),
        &row.name,
        row.target.as_str(),
        json(&row.actions)?,
        row.enabled,
        sealed.nonce.to_vec(),
        sealed.text,
        row.created_at,
    ];
    Ok(Query::new(sql, values))
}

fn update(row: &Webhook, afresh: bool, resumed: bool, now: Timestamp) -> Result<Vec<Step<'_>>, Miss> {
    let sql = "
        UPDATE webhook
        SET name = ?4, url = ?5, actions = ?6, enabled = ?7,
            failing_since = CASE WHEN ?8 THEN NULL ELSE failing_since END,
            paused_until = CASE WHEN ?8 THEN NULL ELSE paused_until END,
            through = CASE WHEN ?9 THEN coalesce((SELECT max(seq) FROM journal), 0) ELSE through END,
            version = version + 1
        WHERE account = ?1 AND id = ?2 AND version = ?3";
    let values = values![
        row.account.as_str(),
        row.id.to_string(),
        row.version,
        &row.name,
        row.target.as_str(),
        json(&row.actions)?,
        row.enabled,
        afresh,
        resumed,
    ];
    let mut steps = vec![hit(Query::new(sql, values))];
    if afresh {
        let sql = "
            UPDATE delivery
            SET next_at = ?2, version = version + 1
            WHERE webhook = ?1 AND fate = 'due' AND next_at > ?2";
        steps.push(pass(Query::new(sql, values![row.id.to_string(), now])));
    }
    Ok(steps)
}

fn rotate(row: &Webhook, sealed: Sealed) -> Query<'_> {
    let sql = "
        UPDATE webhook
        SET older_nonce = nonce, older_secret = secret, older_until = ?6,
            nonce = ?4, secret = ?5, version = version + 1
        WHERE account = ?1 AND id = ?2 AND version = ?3";
    let (account, id) = (row.account.as_str(), row.id.to_string());
    Query::new(sql, values![account, id, row.version, sealed.nonce.to_vec(), sealed.text, row.older_until])
}

/// Moves its place on, keeps what it is told, lets begin what waits for nothing, and forgets what was shown for
/// long enough: so one that nobody listens to any more takes no more room than any other.
fn take_up(taken: &TakenUp) -> Vec<Step<'_>> {
    let TakenUp { account, webhook, from, through, missed, deliveries, now } = taken;
    let sql = "
        UPDATE webhook
        SET through = ?4, missed = missed + ?5
        WHERE account = ?1 AND id = ?2 AND through = ?3 AND enabled";
    let place = Query::new(sql, values![account.as_str(), webhook.to_string(), *from, *through, *missed]);
    let mut steps = vec![hit(place)];
    if deliveries.is_empty() {
        return steps;
    }
    let rows = deliveries.iter().map(|row| {
        values![
            row.webhook.to_string(),
            row.account.as_str(),
            row.seq,
            &row.action,
            &row.subject,
            row.since,
            0_i64,
            "waiting",
            1_i64,
        ]
    });
    steps.push(Step::Rows(Rows {
        into: "delivery (webhook, account, seq, action, subject, since, tries, fate, version)",
        rows: rows.collect(),
        // A backup may have been put back, in which the webhook was not so far yet.
        unless_there: true,
    }));
    steps.push(pass(release(*webhook, None, *now)));
    let sql = "
        DELETE FROM delivery
        WHERE webhook = ?1 AND ended_at IS NOT NULL AND seq < (
            SELECT seq
            FROM delivery
            WHERE webhook = ?1 AND ended_at IS NOT NULL
            ORDER BY seq DESC
            LIMIT 1 OFFSET ?2
        )";
    steps.push(pass(Query::new(sql, values![webhook.to_string(), SHOWN as i64 - 1])));
    steps
}

/// Lets begin what waited for an earlier one of its subject, where there is none any more: of one subject, or
/// of all.
fn release(webhook: WebhookId, subject: Option<&str>, now: Timestamp) -> Query<'_> {
    let mut query = Query::new("", values![webhook.to_string(), now]);
    let only = subject.map(|subject| format!("AND subject = ?{}", query.bind(subject))).unwrap_or_default();
    query.text = format!(
        "UPDATE delivery
         SET fate = 'due', next_at = ?2, version = version + 1
         WHERE webhook = ?1 AND fate = 'waiting' AND ended_at IS NULL {only} AND NOT EXISTS (
             SELECT 1
             FROM delivery AS earlier
             WHERE earlier.webhook = ?1 AND earlier.subject = delivery.subject
               AND earlier.seq < delivery.seq AND earlier.ended_at IS NULL
         )"
    )
    .into();
    query
}

fn deliver(row: &Delivery, effect: Effect, now: Timestamp) -> Vec<Step<'_>> {
    let sql = "
        UPDATE delivery
        SET since = ?4, next_at = ?5, tries = ?6, fate = ?7, status = ?8, trouble = ?9, ended_at = ?10,
            version = version + 1
        WHERE webhook = ?1 AND seq = ?2 AND version = ?3";
    let (next_at, fate, ended_at) = place(row.fate);
    let (status, trouble) = match row.outcome {
        None => (None, None),
        Some(Outcome::Answered(status)) => (Some(i64::from(status)), None),
        Some(Outcome::Failed(trouble)) => (None, Some(trouble.as_str().to_owned())),
    };
    let values = values![
        row.webhook.to_string(),
        row.seq,
        row.version,
        row.since,
        next_at,
        row.tries,
        fate,
        status,
        trouble.clone(),
        ended_at,
    ];
    let mut steps = vec![hit(Query::new(sql, values))];
    if row.is_ended() {
        steps.push(pass(release(row.webhook, Some(&row.subject), now)));
    }
    let (account, id) = (row.account.as_str(), row.webhook.to_string());
    match effect {
        Effect::Nothing => {}
        Effect::Works => {
            let sql = "
                UPDATE webhook
                SET failing_since = NULL, paused_until = NULL
                WHERE account = ?1 AND id = ?2 AND failing_since IS NOT NULL";
            steps.push(pass(Query::new(sql, values![account, id])));
        }
        Effect::Fails { paused_until, hopeless } => {
            let sql = "
                UPDATE webhook
                SET failing_since = coalesce(failing_since, ?3), paused_until = coalesce(?4, paused_until)
                WHERE account = ?1 AND id = ?2";
            steps.push(pass(Query::new(sql, values![account, id, now, paused_until])));
            if hopeless {
                let sql = "
                    UPDATE delivery
                    SET fate = 'given_up', next_at = NULL, ended_at = ?2, trouble = coalesce(trouble, ?4),
                        version = version + 1
                    WHERE webhook = ?1 AND ended_at IS NULL AND fate <> 'begun' AND since < ?3";
                let before = now.plus_micros(-domain::webhooks::PATIENCE);
                steps.push(pass(Query::new(sql, values![row.webhook.to_string(), now, before, trouble])));
                steps.push(pass(release(row.webhook, None, now)));
            }
        }
    }
    steps
}

/// The columns of a fate: `next_at`, `fate`, `ended_at`.
fn place(fate: Fate) -> (Option<Timestamp>, &'static str, Option<Timestamp>) {
    match fate {
        Fate::Waiting => (None, "waiting", None),
        Fate::Due(at) => (Some(at), "due", None),
        Fate::Begun(until) => (Some(until), "begun", None),
        Fate::Delivered(at) => (None, "delivered", Some(at)),
        Fate::GivenUp(at) => (None, "given_up", Some(at)),
    }
}

pub(crate) fn webhook(account: &AccountId, id: WebhookId) -> Read<Vec<Webhook>> {
    let sql = format!("SELECT {WEBHOOK} FROM webhook AS w WHERE w.account = ?1 AND w.id = ?2");
    webhooks(Query::new(sql, values![account.to_string(), id.to_string()]))
}

/// All of an account, the oldest first.
pub(crate) fn of_account(account: &AccountId) -> Read<Vec<Webhook>> {
    let sql = format!("SELECT {WEBHOOK} FROM webhook AS w WHERE w.account = ?1 ORDER BY w.created_at, w.id");
    webhooks(Query::new(sql, values![account.to_string()]))
}

/// Those for which there is something in the journal after their places.
pub(crate) fn behind(dialect: Dialect) -> Read<Vec<Webhook>> {
    let by = dialect.by("journal_account");
    webhooks(Query::new(
        format!(
            "SELECT {WEBHOOK}
             FROM webhook AS w
             WHERE w.enabled AND EXISTS (
                 SELECT 1 FROM journal AS j {by} WHERE j.account = w.account AND j.seq > w.through
             )"
        ),
        [],
    ))
}

/// Those that something is to be sent to.
pub(crate) fn with_due(now: Timestamp) -> Read<Vec<Webhook>> {
    let sql = format!(
        "SELECT {WEBHOOK}
         FROM webhook AS w
         WHERE w.enabled AND (w.paused_until IS NULL OR w.paused_until <= ?1) AND EXISTS (
             SELECT 1 FROM delivery AS d WHERE d.webhook = w.id AND d.next_at <= ?1
         )"
    );
    webhooks(Query::new(sql, values![now]))
}

fn webhooks(query: Query<'static>) -> Read<Vec<Webhook>> {
    Read {
        queries: vec![query],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(read(row)?);
            Ok(())
        },
    }
}

fn read(row: &dyn Row) -> Result<Webhook, Unreadable> {
    let url = rows::string(row, 3)?;
    Ok(Webhook {
        id: rows::text(row, 0)?,
        account: rows::text(row, 1)?,
        name: rows::string(row, 2)?,
        target: Target::parse(&url).map_err(|cause| Unreadable::new(3, cause))?,
        actions: rows::json(row, 4)?,
        enabled: row.flag(5)?,
        created_at: rows::time(row, 6)?,
        older_until: rows::time_or_none(row, 7)?,
        progress: Progress {
            through: rows::int(row, 8)?,
            failing_since: rows::time_or_none(row, 9)?,
            paused_until: rows::time_or_none(row, 10)?,
            missed: rows::int(row, 11)?,
        },
        version: rows::int(row, 12)?,
    })
}

/// The sealed secrets that sign at that time, the newer first.
pub(crate) fn secrets(account: &AccountId, id: WebhookId, now: Timestamp) -> Read<Vec<Sealed>> {
    let sql = "
        SELECT nonce, secret, CASE WHEN older_until > ?3 THEN older_nonce END,
               CASE WHEN older_until > ?3 THEN older_secret END
        FROM webhook
        WHERE account = ?1 AND id = ?2";
    Read {
        queries: vec![Query::new(sql, values![account.to_string(), id.to_string(), now])],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(Sealed { nonce: rows::bytes(row, 0)?, text: rows::vec(row, 1)? });
            if row.bytes_or_none(2)?.is_some() {
                all.push(Sealed { nonce: rows::bytes(row, 2)?, text: rows::vec(row, 3)? });
            }
            Ok(())
        },
    }
}

/// How many are under way.
pub(crate) fn open(webhook: WebhookId) -> Read<Option<i64>> {
    let sql = "SELECT count(*) FROM delivery WHERE webhook = ?1 AND ended_at IS NULL";
    Read::first(Query::new(sql, values![webhook.to_string()]), |count, _, row| {
        *count = Some(rows::int(row, 0)?);
        Ok(())
    })
}

/// Since when the oldest of all that are under way is.
pub(crate) fn oldest() -> Read<Option<Timestamp>> {
    let sql = "SELECT min(since) FROM delivery WHERE ended_at IS NULL";
    Read::first(Query::new(sql, []), |oldest, _, row| {
        *oldest = rows::time_or_none(row, 0)?;
        Ok(())
    })
}

/// Deliveries that somebody may begin, those that wait longest first.
pub(crate) fn due(webhook: WebhookId, now: Timestamp, limit: usize) -> Read<Vec<Delivery>> {
    let sql = format!(
        "SELECT {DELIVERY}
         FROM delivery
         WHERE webhook = ?1 AND next_at <= ?2
         ORDER BY next_at, seq
         LIMIT ?3"
    );
    deliveries(Query::new(sql, values![webhook.to_string(), now, bound(limit)]))
}

/// Deliveries that somebody has begun, and has not said how it went.
pub(crate) fn begun() -> Read<Vec<Delivery>> {
    let sql = format!("SELECT {DELIVERY} FROM delivery WHERE ended_at IS NULL AND fate = 'begun'");
    deliveries(Query::new(sql, []))
}

pub(crate) fn delivery(webhook: WebhookId, seq: i64) -> Read<Vec<Delivery>> {
    let sql = format!("SELECT {DELIVERY} FROM delivery WHERE webhook = ?1 AND seq = ?2");
    deliveries(Query::new(sql, values![webhook.to_string(), seq]))
}

/// The newest first, those before an entry.
pub(crate) fn before(webhook: WebhookId, seq: i64, limit: usize) -> Read<Vec<Delivery>> {
    let sql = format!(
        "SELECT {DELIVERY}
         FROM delivery
         WHERE webhook = ?1 AND seq < ?2
         ORDER BY seq DESC
         LIMIT ?3"
    );
    deliveries(Query::new(sql, values![webhook.to_string(), seq, bound(limit)]))
}

fn deliveries(query: Query<'static>) -> Read<Vec<Delivery>> {
    Read {
        queries: vec![query],
        state: Vec::new(),
        row: |all, _, row| {
            all.push(read_delivery(row)?);
            Ok(())
        },
    }
}

fn read_delivery(row: &dyn Row) -> Result<Delivery, Unreadable> {
    let fate = match rows::string(row, 8)?.as_str() {
        "waiting" => Fate::Waiting,
        "due" => Fate::Due(rows::time(row, 6)?),
        "begun" => Fate::Begun(rows::time(row, 6)?),
        "delivered" => Fate::Delivered(rows::time(row, 11)?),
        "given_up" => Fate::GivenUp(rows::time(row, 11)?),
        _ => return Err(Unreadable::new(8, "a delivery that is nowhere")),
    };
    Ok(Delivery {
        webhook: rows::text(row, 0)?,
        account: rows::text(row, 1)?,
        seq: rows::int(row, 2)?,
        action: rows::string(row, 3)?,
        subject: rows::string(row, 4)?,
        since: rows::time(row, 5)?,
        tries: rows::int(row, 7)?,
        fate,
        outcome: outcome(row)?,
        version: rows::int(row, 12)?,
    })
}

fn outcome(row: &dyn Row) -> Result<Option<Outcome>, Unreadable> {
    if let Some(status) = row.int_or_none(9)? {
        let status = u16::try_from(status).map_err(|cause| Unreadable::new(9, cause))?;
        return Ok(Some(Outcome::Answered(status)));
    }
    let Some(name) = rows::string_or_none(row, 10)? else { return Ok(None) };
    let trouble = Trouble::ALL.iter().find(|trouble| trouble.as_str() == name);
    trouble
        .map(|trouble| Some(Outcome::Failed(*trouble)))
        .ok_or_else(|| Unreadable::new(10, "no trouble we know"))
}
