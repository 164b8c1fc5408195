//! The writes of a change, each as the few statements that carry it out.
//!
//! An update names the version it replaces. What it hits no row with is a [`Miss::Conflict`].

use std::collections::BTreeSet;

use domain::change::{Change, Remembered, Write};
use domain::facts::{Account, Holder, Service, Snapshot, Standing, Token};
use domain::ids::AccountId;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use serde::Serialize;
use token::{Entropy, TokenId, TokenText};

use super::query::{Query, Rows, Unreadable, Value, values};
use super::{Dialect, foreign, links, mail, persons, places, sweeps, webhooks};
use crate::contract::{CommitError, Unavailable};
use crate::sealing::Sealer;

/// Why a change falls.
#[derive(Debug)]
pub(crate) enum Miss {
    Conflict,
    Refused(Refusal),
    /// The database failed, and with it the whole group.
    Database(Box<dyn std::error::Error + Send + Sync>),
    /// It was put together wrongly; a mistake in this program.
    Malformed(&'static str),
}

impl From<Unreadable> for Miss {
    fn from(cause: Unreadable) -> Self {
        Self::Database(Box::new(cause))
    }
}

/// A part of what carries out a write.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    /// A statement, and what it must bring about.
    Query { query: Query<'a>, must: Must },
    /// New rows, all of them.
    Rows(Rows<'a>),
}

/// What a statement must bring about, or it is a [`Miss::Conflict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Must {
    /// One row written.
    Hit,
    /// As many rows written.
    Hits(usize),
    /// Nothing in particular.
    Pass,
    /// One row written, which answers with its number.
    Number,
}

/// What carrying out needs besides the change.
pub(crate) struct Tools<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) sealer: &'a Sealer,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) now: Timestamp,
}

/// What carries out one write, in this order.
fn steps<'a>(write: &'a Write, tools: &Tools<'_>) -> Result<Vec<Step<'a>>, Miss> {
    let query = match write {
        Write::InsertAccount(row) => insert_account(row),
        Write::UpdateAccount(row) => update_account(row),
        Write::InsertPerson(row) => Ok(persons::insert(row)),
        Write::UpdatePerson(row) => Ok(persons::update(row)),
        Write::DeletePerson { id, version } => Ok(persons::delete(*id, *version)),
        Write::MarkErased { from, through } => {
            let sql = "UPDATE head SET erased = ?2 WHERE erased = ?1";
            Ok(Query::new(sql, values![*from, *through]))
        }
        Write::InsertHolder(row) => insert_holder(row),
        Write::UpdateHolder(row) => update_holder(row),
        Write::InsertToken { token, keep } => return insert_token(token, keep.as_deref(), tools),
        Write::UpdateToken(row) => update_token(row),
        Write::RevokeTokens { tokens, at, reason } => {
            return Ok(sweeps::revoke_tokens(tokens, *at, reason, tools.dialect));
        }
        Write::ImportTokens { account, after, tokens } => {
            return foreign::import(account, *after, tokens, tools.dialect);
        }
        Write::InsertMake(make) => Ok(foreign::insert_make(make)),
        Write::ReplaceMark { token, mark, at } => return Ok(foreign::replace(token, mark, *at)),
        // Most tokens have no sealed text; forgetting nothing is done as well.
        Write::ForgetSecret(token) => {
            let query = Query::new("DELETE FROM sealed WHERE token = ?1", values![token.to_string()]);
            return Ok(vec![Step::Query { query, must: Must::Pass }]);
        }
        Write::InsertService(row) => insert_service(row),
        Write::UpdateService(row) => update_service(row),
        Write::InsertNode(row) => Ok(places::insert_node(row)),
        Write::UpdateNode(row) => Ok(places::update_node(row)),
        Write::InsertInstallation(row) => places::insert_installation(row),
        Write::UpdateInstallation(row) => places::update_installation(row),
        Write::DeleteInstallation(row) => Ok(places::delete_installation(row)),
        Write::InsertPermission { bit, name } => Ok(insert_permission(*bit, name)),
        Write::Remember(answer) => Ok(remember(answer, tools.now)),
        Write::UseSetupLink { hash } => {
            let sql = "DELETE FROM setup_link WHERE hash = ?1 AND until > ?2";
            Ok(Query::new(sql, values![hash, tools.now]))
        }
        Write::InsertInvitation(row) => {
            let sql =
                "DELETE FROM link WHERE account = ?1 AND member = ?2 AND service IS NULL AND person IS NULL";
            let before = Query::new(sql, values![row.account.as_str(), row.member.to_string()]);
            return Ok(vec![
                Step::Query { query: before, must: Must::Pass },
                Step::Query { query: links::insert(row), must: Must::Hit },
            ]);
        }
        Write::UseLink { hash } => {
            let sql = "DELETE FROM link WHERE hash = ?1 AND until > ?2";
            Ok(Query::new(sql, values![hash, tools.now]))
        }
        Write::InsertLink(row) => Ok(links::insert(row)),
        Write::ForgetResets(person) => {
            let query = Query::new("DELETE FROM link WHERE person = ?1", values![person.to_string()]);
            return Ok(vec![Step::Query { query, must: Must::Pass }]);
        }
        Write::UpdateLetter(row) => return Ok(mail::update(row)),
        Write::Webhook(write) => return webhooks::steps(write, tools),
    }?;
    Ok(vec![Step::Query { query, must: Must::Hit }])
}

/// What carries out the whole of a change, in this order.
pub(crate) fn all_steps<'a>(change: &'a Change, tools: &Tools<'_>) -> Result<Vec<Step<'a>>, Miss> {
    let mut all = Vec::new();
    for write in &change.writes {
        all.extend(steps(write, tools)?);
    }
    all.extend(change.outbox.iter().flat_map(|outgoing| mail::put(outgoing, tools.entropy)));
    Ok(all)
}

/// Refuses a change that writes facts of which the journal would not know.
pub(crate) fn is_told(change: &Change) -> Result<(), Miss> {
    if change.entries.is_empty() && change.writes.iter().any(is_fact) {
        return Err(Miss::Malformed("it writes facts of which the journal would not know"));
    }
    Ok(())
}

/// What the caller of a change that fell is told.
pub(crate) fn refused(miss: Miss) -> CommitError {
    match miss {
        Miss::Conflict => CommitError::Conflict,
        Miss::Refused(refusal) => CommitError::Refused(refusal),
        Miss::Malformed(what) => {
            tracing::error!("a change was put together wrongly: {what}");
            Unavailable::because(what).into()
        }
        Miss::Database(cause) => Unavailable(cause).into(),
    }
}

/// Puts a change in its place in the order. A stop on all of a holder's tokens counts from where it
/// stands in the journal and not from when it was decided: a token made in between, which the
/// caller had every reason to think of, would outlive it. One that the change itself begins or approves does.
pub(crate) fn in_order(change: &mut Change, journal_at: Timestamp) {
    let Some(decided) = change.entries.iter().map(|entry| entry.at).min() else { return };
    let mut stopped = Vec::new();
    for write in &mut change.writes {
        if let Write::UpdateHolder(holder) = write {
            let Standing { approve_after, revoked_before, .. } = &mut holder.standing;
            for stop in [approve_after, revoked_before].into_iter().flatten() {
                if *stop >= decided {
                    *stop = journal_at.max(*stop);
                }
            }
            stopped.push((holder.account.clone(), holder.id, holder.standing));
        }
    }
    for write in &mut change.writes {
        let token = match write {
            Write::InsertToken { token, .. } => Some(token),
            Write::UpdateToken(token) if token.life.approved_at >= Some(decided) => Some(token),
            _ => None,
        };
        if let Some(token) = token {
            let mut stops = stopped.iter();
            let stop = stops.find(|(account, id, _)| *account == token.account && *id == token.holder);
            if let (Some((_, _, standing)), Some(approved)) = (stop, &mut token.life.approved_at) {
                *approved = standing.clear_of_stops(*approved);
            }
        }
    }
}

/// Moves the rows out of a committed write, as they now stand.
pub(crate) fn settle(write: Write, number: Option<i64>, to: &mut Snapshot) {
    match write {
        Write::InsertAccount(row) => to.accounts.push(Account { version: 1, ..*row }),
        Write::UpdateAccount(row) => to.accounts.push(Account { version: row.version + 1, ..*row }),
        Write::InsertHolder(row) => to.holders.push(Holder { version: 1, ..row }),
        Write::UpdateHolder(row) => to.holders.push(Holder { version: row.version + 1, ..row }),
        Write::InsertToken { token, .. } => {
            let number = number.expect("an inserted token was given its number");
            to.tokens.push(Token { number, version: 1, ..*token });
        }
        Write::UpdateToken(row) => to.tokens.push(Token { version: row.version + 1, ..*row }),
        Write::RevokeTokens { tokens, at, reason } => {
            to.tokens.extend(tokens.into_iter().map(|row| sweeps::revoked(row, at, &reason)));
        }
        Write::ReplaceMark { token, .. } => to.tokens.push(Token { version: token.version + 1, ..*token }),
        Write::InsertService(row) => to.services.push(Service { version: 1, ..row }),
        Write::UpdateService(row) => to.services.push(Service { version: row.version + 1, ..row }),
        Write::InsertPermission { bit, name } => to.permissions.push((bit, name)),
        Write::InsertPerson(_)
        | Write::UpdatePerson(_)
        | Write::DeletePerson { .. }
        | Write::MarkErased { .. }
        | Write::ImportTokens { .. }
        | Write::InsertMake(_)
        | Write::ForgetSecret(_)
        | Write::InsertNode(_)
        | Write::UpdateNode(_)
        | Write::InsertInstallation(_)
        | Write::UpdateInstallation(_)
        | Write::DeleteInstallation(_)
        | Write::Remember(_)
        | Write::UseSetupLink { .. }
        | Write::InsertInvitation(_)
        | Write::InsertLink(_)
        | Write::ForgetResets(_)
        | Write::UseLink { .. }
        | Write::UpdateLetter(_)
        | Write::Webhook(_) => {}
    }
}

/// Whether the write changes what is known, so that the journal must say so.
fn is_fact(write: &Write) -> bool {
    match write {
        Write::Webhook(write) => write.is_fact(),
        write => !matches!(write, Write::Remember(_) | Write::InsertLink(_) | Write::UpdateLetter(_)),
    }
}

pub(super) fn json(value: &impl Serialize) -> Result<String, Miss> {
    serde_json::to_string(value).map_err(|_| Miss::Malformed("a document that JSON cannot hold"))
}

pub(super) type Asked<'a> = Result<Query<'a>, Miss>;

fn insert_account(row: &Account) -> Asked<'_> {
    let sql = "
        INSERT INTO account
            (id, name, external_id, metadata, preset, created_at, inactive_since,
             policy, levels, entities, roles, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)";
    Ok(Query::new(
        sql,
        values![
            row.id.as_str(),
            &row.name,
            &row.external_id,
            &row.metadata,
            &row.preset,
            row.created_at,
            row.inactive_since,
            json(&row.policy)?,
            json(&row.levels)?,
            json(&row.entities)?,
            json(&row.roles)?,
        ],
    ))
}

fn update_account(row: &Account) -> Asked<'_> {
    let sql = "
        UPDATE account
        SET name = ?3, external_id = ?4, metadata = ?5, preset = ?6, inactive_since = ?7,
            policy = ?8, levels = ?9, entities = ?10, roles = ?11, version = version + 1
        WHERE id = ?1 AND version = ?2";
    Ok(Query::new(
        sql,
        values![
            row.id.as_str(),
            row.version,
            &row.name,
            &row.external_id,
            &row.metadata,
            &row.preset,
            row.inactive_since,
            json(&row.policy)?,
            json(&row.levels)?,
            json(&row.entities)?,
            json(&row.roles)?,
        ],
    ))
}

fn insert_holder(row: &Holder) -> Asked<'_> {
    let sql = "
        INSERT INTO holder
            (account, id, name, person, email, external_id, metadata, bindings, role, inactive_since,
             approve_after, revoked_before, removed_at, tokens_deleted_at, mail, created_at, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 1)";
    let standing = &row.standing;
    Ok(Query::new(
        sql,
        values![
            row.account.as_str(),
            row.id.to_string(),
            &row.name,
            row.person.map(|id| id.to_string()),
            &row.email,
            &row.external_id,
            &row.metadata,
            json(&row.bindings)?,
            row.role().map(|id| id.to_string()),
            standing.inactive_since,
            standing.approve_after,
            standing.revoked_before,
            standing.removed_at,
            standing.tokens_deleted_at,
            row.mail.map(i64::from),
            row.created_at,
        ],
    ))
}

fn update_holder(row: &Holder) -> Asked<'_> {
    let sql = "
        UPDATE holder
        SET name = ?4, person = ?5, email = ?6, external_id = ?7, metadata = ?8, bindings = ?9,
            role = ?10, inactive_since = ?11, approve_after = ?12, revoked_before = ?13,
            removed_at = ?14, tokens_deleted_at = ?15, mail = ?16, version = version + 1
        WHERE account = ?1 AND id = ?2 AND version = ?3";
    let standing = &row.standing;
    Ok(Query::new(
        sql,
        values![
            row.account.as_str(),
            row.id.to_string(),
            row.version,
            &row.name,
            row.person.map(|id| id.to_string()),
            &row.email,
            &row.external_id,
            &row.metadata,
            json(&row.bindings)?,
            row.role().map(|id| id.to_string()),
            standing.inactive_since,
            standing.approve_after,
            standing.revoked_before,
            standing.removed_at,
            standing.tokens_deleted_at,
            row.mail.map(i64::from),
        ],
    ))
}

/// The columns of a new token; its number is the last.
const NEW_TOKEN: &str = "token (account, id, holder, issued_by, name, description, metadata, granted, node, desk, \
     created_at, not_before, expires_at, approved_at, revoked_at, leaked_at, rotated_to, grace_until, \
     deleted_at, reason, digest, conditions, version, number)";

/// The values of [`NEW_TOKEN`], up to the number.
fn token_values(row: &Token) -> Result<Vec<Value<'_>>, Miss> {
    let life = &row.life;
    Ok(values![
        row.account.as_str(),
        row.id.to_string(),
        row.holder.to_string(),
        row.issued_by.to_string(),
        &row.name,
        &row.description,
        &row.metadata,
        json(&row.grant)?,
        row.node.as_str(),
        row.desk,
        life.created_at,
        life.not_before,
        life.expires_at,
        life.approved_at,
        life.revoked_at,
        life.leaked_at,
        life.rotated_to.map(|id| id.to_string()),
        life.grace_until,
        life.deleted_at,
        &row.reason,
        row.digest.as_bytes(),
        conditions(row)?,
        1_i64,
    ])
}

/// How a service with the same twelve characters would be named: those of an id are unique across
/// kinds, and services' keys stand in another table.
pub(crate) fn namesake(id: TokenId) -> String {
    format!("svc_{}", id.code)
}

/// Takes the account's next number.
fn insert_token<'a>(
    row: &'a Token,
    keep: Option<&TokenText>,
    tools: &Tools<'_>,
) -> Result<Vec<Step<'a>>, Miss> {
    let sql = "UPDATE account SET last_number = last_number + 1 WHERE id = ?1";
    let number = Query::new(sql, values![row.account.as_str()]);
    let mut insert = Query::new("", token_values(row)?);
    let names = placeholders(1, insert.values.len());
    let namesake = insert.bind(namesake(row.id));
    let family = family(&mut insert, &row.account, [row], tools.dialect);
    insert.text = format!(
        "INSERT INTO {NEW_TOKEN}
         SELECT {names}, last_number
         FROM account
         WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM service WHERE service.id = ?{namesake}) AND {family}
         RETURNING number"
    )
    .into();
    let mut steps = vec![
        Step::Query { query: number, must: Must::Hit },
        Step::Query { query: insert, must: Must::Number },
    ];
    if let Some(text) = keep {
        steps.push(Step::Query { query: seal(row, text, tools)?, must: Must::Hit });
    }
    Ok(steps)
}

/// Whether all who hold and issued these tokens are of the account. Asked once for many tokens, where a
/// foreign key would lock the holder's row again for each.
pub(crate) fn family<'t>(
    query: &mut Query<'_>,
    account: &AccountId,
    tokens: impl IntoIterator<Item = &'t Token>,
    dialect: Dialect,
) -> String {
    let family: BTreeSet<String> = tokens
        .into_iter()
        .flat_map(|token| [token.holder, token.issued_by])
        .map(|holder| holder.to_string())
        .collect();
    let (account, count) = (query.bind(account.to_string()), query.bind(family.len() as i64));
    let list = query.bind(Value::Texts(family.into_iter().collect()));
    let among = dialect.one_of_texts("holder.id", list);
    format!("(SELECT count(*) FROM holder WHERE holder.account = ?{account} AND {among}) = ?{count}")
}

/// Tokens whose numbers were given out.
pub(crate) fn insert_tokens<'a>(tokens: &[(&'a Token, i64)]) -> Result<Rows<'a>, Miss> {
    let row = |(token, number): &(&'a Token, i64)| {
        let mut values = token_values(token)?;
        values.push(Value::from(*number));
        Ok(values)
    };
    let rows = tokens.iter().map(row).collect::<Result<_, Miss>>()?;
    Ok(Rows { into: NEW_TOKEN, rows, unless_there: false })
}

fn placeholders(first: usize, last: usize) -> String {
    let names: Vec<String> = (first..=last).map(|number| format!("?{number}")).collect();
    names.join(", ")
}

/// Keeps a token's text under seal.
pub(crate) fn seal<'a>(row: &'a Token, text: &TokenText, tools: &Tools<'_>) -> Result<Query<'a>, Miss> {
    if text.id() != row.id {
        return Err(Miss::Malformed("a text to seal that is another token's"));
    }
    let sealed = tools.sealer.seal(&row.account, text, tools.entropy);
    let sql = "INSERT INTO sealed (account, token, nonce, text) VALUES (?1, ?2, ?3, ?4)";
    let values = values![row.account.as_str(), row.id.to_string(), sealed.nonce.to_vec(), sealed.text];
    Ok(Query::new(sql, values))
}

/// Most tokens have none.
fn conditions(row: &Token) -> Result<Option<String>, Miss> {
    if row.conditions.is_empty() { Ok(None) } else { json(&row.conditions).map(Some) }
}

/// What a token was born with (digest, holder, number, moment of creation) never changes.
fn update_token(row: &Token) -> Asked<'_> {
    let sql = "
        UPDATE token
        SET name = ?5, description = ?6, metadata = ?7, granted = ?8, node = ?9, desk = ?10,
            not_before = ?11, expires_at = ?12, approved_at = ?13, revoked_at = ?14, leaked_at = ?15,
            rotated_to = ?16, grace_until = ?17, deleted_at = ?18, reason = ?19, conditions = ?20,
            version = version + 1
        WHERE code = ?1 AND id = ?2 AND account = ?3 AND version = ?4";
    let life = &row.life;
    Ok(Query::new(
        sql,
        values![
            row.id.code.to_string(),
            row.id.to_string(),
            row.account.as_str(),
            row.version,
            &row.name,
            &row.description,
            &row.metadata,
            json(&row.grant)?,
            row.node.as_str(),
            row.desk,
            life.not_before,
            life.expires_at,
            life.approved_at,
            life.revoked_at,
            life.leaked_at,
            life.rotated_to.map(|id| id.to_string()),
            life.grace_until,
            life.deleted_at,
            &row.reason,
            conditions(row)?,
        ],
    ))
}

fn insert_service(row: &Service) -> Asked<'_> {
    let sql = "
        INSERT INTO service (id, name, scopes, accounts, digest, created_at, revoked_at, version)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1
        WHERE NOT EXISTS (SELECT 1 FROM token WHERE code = ?8)";
    Ok(Query::new(
        sql,
        values![
            row.id.to_string(),
            &row.name,
            json(&row.scopes)?,
            row.accounts.as_ref().map(json).transpose()?,
            row.digest.as_bytes(),
            row.created_at,
            row.revoked_at,
            row.id.0.to_string(),
        ],
    ))
}

fn update_service(row: &Service) -> Asked<'_> {
    let sql = "
        UPDATE service
        SET name = ?3, scopes = ?4, accounts = ?5, digest = ?6, revoked_at = ?7, version = version + 1
        WHERE id = ?1 AND version = ?2";
    Ok(Query::new(
        sql,
        values![
            row.id.to_string(),
            row.version,
            &row.name,
            json(&row.scopes)?,
            row.accounts.as_ref().map(json).transpose()?,
            row.digest.as_bytes(),
            row.revoked_at,
        ],
    ))
}

/// Bits are given out in order, so one that is not the next was given out meanwhile.
fn insert_permission(bit: u8, name: &str) -> Query<'_> {
    let sql = "
        INSERT INTO permission (bit, name)
        SELECT ?1, ?2
        WHERE ?1 = (SELECT count(*) FROM permission)";
    Query::new(sql, values![i64::from(bit), name])
}

pub(crate) fn remember(answer: &Remembered, now: Timestamp) -> Query<'_> {
    let sql = "
        INSERT INTO remembered (key, request, sealed, until)
        VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (key) DO UPDATE
        SET request = excluded.request, sealed = excluded.sealed, until = excluded.until
        WHERE remembered.until <= ?5";
    Query::new(sql, values![&answer.key, &answer.request, &answer.sealed, answer.until, now])
}
