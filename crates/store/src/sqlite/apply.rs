//! The writes of a change, carried out one by one within its savepoint.
//!
//! An update names the version it replaces. What it hits no row with is a [`Miss::Conflict`].

use domain::change::{Remembered, Write};
use domain::facts::{Account, Holder, Installation, Node, Person, Service, Snapshot, Token};
use domain::ids::AccountId;
use domain::refusal::Refusal;
use domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use token::{Entropy, TokenId, TokenText};

use crate::sealing::Sealer;

/// Why a change falls.
#[derive(Debug)]
pub(super) enum Miss {
    Conflict,
    Refused(Refusal),
    Database(rusqlite::Error),
    /// It was put together wrongly; a mistake in this program.
    Malformed(&'static str),
}

impl From<rusqlite::Error> for Miss {
    /// Constraints that a decision can foresee are guards; what a constraint still catches came
    /// in between, so deciding again will find it.
    fn from(cause: rusqlite::Error) -> Self {
        if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
            tracing::warn!(%cause, "a constraint refused a change that its guards let pass");
            Self::Conflict
        } else {
            Self::Database(cause)
        }
    }
}

/// What applying needs besides the change.
pub(super) struct Tools<'a> {
    pub(super) sealer: &'a Sealer,
    pub(super) entropy: &'a dyn Entropy,
    pub(super) now: Timestamp,
}

/// Carries out one write. Some: the number given to the inserted token.
pub(super) fn write(db: &Connection, write: &Write, tools: &Tools<'_>) -> Result<Option<i64>, Miss> {
    match write {
        Write::InsertAccount(row) => insert_account(db, row),
        Write::UpdateAccount(row) => update_account(db, row),
        Write::InsertPerson(row) => insert_person(db, row),
        Write::UpdatePerson(row) => update_person(db, row),
        Write::InsertHolder(row) => insert_holder(db, row),
        Write::UpdateHolder(row) => update_holder(db, row),
        Write::InsertToken { token, keep } => {
            return insert_token(db, token, keep.as_deref(), tools).map(Some);
        }
        Write::UpdateToken(row) => update_token(db, row),
        Write::ForgetSecret(token) => forget_secret(db, *token),
        Write::InsertService(row) => insert_service(db, row),
        Write::UpdateService(row) => update_service(db, row),
        Write::InsertNode(row) => insert_node(db, row),
        Write::InsertInstallation(row) => insert_installation(db, row),
        Write::UpdateInstallation(row) => update_installation(db, row),
        Write::InsertPermission { bit, name } => insert_permission(db, *bit, name),
        Write::Remember(answer) => remember(db, answer, tools.now),
        Write::UseSetupLink { hash } => use_setup_link(db, hash, tools.now),
    }?;
    Ok(None)
}

/// Moves the rows out of a committed write, as they now stand.
pub(super) fn settle(write: Write, number: Option<i64>, to: &mut Snapshot) {
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
        Write::InsertService(row) => to.services.push(Service { version: 1, ..row }),
        Write::UpdateService(row) => to.services.push(Service { version: row.version + 1, ..row }),
        Write::InsertPermission { bit, name } => to.permissions.push((bit, name)),
        Write::InsertPerson(_)
        | Write::UpdatePerson(_)
        | Write::ForgetSecret(_)
        | Write::InsertNode(_)
        | Write::InsertInstallation(_)
        | Write::UpdateInstallation(_)
        | Write::Remember(_)
        | Write::UseSetupLink { .. } => {}
    }
}

/// Whether the write changes what is known, so that the journal must say so.
pub(super) fn is_fact(write: &Write) -> bool {
    !matches!(write, Write::Remember(_))
}

type Done = Result<(), Miss>;

/// One row, or somebody else was first.
fn one(changed: usize) -> Done {
    if changed == 1 { Ok(()) } else { Err(Miss::Conflict) }
}

fn json(value: &impl Serialize) -> Result<String, Miss> {
    serde_json::to_string(value).map_err(|_| Miss::Malformed("a document that JSON cannot hold"))
}

fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

fn insert_account(db: &Connection, row: &Account) -> Done {
    let sql = "
        INSERT INTO account
            (id, name, external_id, metadata, preset, created_at, inactive_since,
             policy, levels, entities, roles, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)";
    one(db.prepare_cached(sql)?.execute(params![
        row.id.as_str(),
        row.name,
        row.external_id,
        row.metadata,
        row.preset,
        row.created_at.as_micros(),
        micros(row.inactive_since),
        json(&row.policy)?,
        json(&row.levels)?,
        json(&row.entities)?,
        json(&row.roles)?,
    ])?)
}

fn update_account(db: &Connection, row: &Account) -> Done {
    let sql = "
        UPDATE account
        SET name = ?3, external_id = ?4, metadata = ?5, preset = ?6, inactive_since = ?7,
            policy = ?8, levels = ?9, entities = ?10, roles = ?11, version = version + 1
        WHERE id = ?1 AND version = ?2";
    one(db.prepare_cached(sql)?.execute(params![
        row.id.as_str(),
        row.version,
        row.name,
        row.external_id,
        row.metadata,
        row.preset,
        micros(row.inactive_since),
        json(&row.policy)?,
        json(&row.levels)?,
        json(&row.entities)?,
        json(&row.roles)?,
    ])?)
}

fn insert_person(db: &Connection, row: &Person) -> Done {
    let sql = "
        INSERT INTO person (id, email, password, operator, created_at, version)
        VALUES (?1, ?2, ?3, ?4, ?5, 1)";
    one(db.prepare_cached(sql)?.execute(params![
        row.id.to_string(),
        row.email,
        row.password,
        row.operator,
        row.created_at.as_micros(),
    ])?)
}

fn update_person(db: &Connection, row: &Person) -> Done {
    let sql = "
        UPDATE person
        SET email = ?3, password = ?4, operator = ?5, version = version + 1
        WHERE id = ?1 AND version = ?2";
    one(db.prepare_cached(sql)?.execute(params![
        row.id.to_string(),
        row.version,
        row.email,
        row.password,
        row.operator,
    ])?)
}

fn insert_holder(db: &Connection, row: &Holder) -> Done {
    let sql = "
        INSERT INTO holder
            (account, id, name, person, email, external_id, metadata, bindings, role, inactive_since,
             approve_after, revoked_before, removed_at, tokens_deleted_at, created_at, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 1)";
    let standing = &row.standing;
    one(db.prepare_cached(sql)?.execute(params![
        row.account.as_str(),
        row.id.to_string(),
        row.name,
        row.person.map(|id| id.to_string()),
        row.email,
        row.external_id,
        row.metadata,
        json(&row.bindings)?,
        row.role().map(|id| id.to_string()),
        micros(standing.inactive_since),
        micros(standing.approve_after),
        micros(standing.revoked_before),
        micros(standing.removed_at),
        micros(standing.tokens_deleted_at),
        row.created_at.as_micros(),
    ])?)
}

fn update_holder(db: &Connection, row: &Holder) -> Done {
    let sql = "
        UPDATE holder
        SET name = ?4, person = ?5, email = ?6, external_id = ?7, metadata = ?8, bindings = ?9,
            role = ?10, inactive_since = ?11, approve_after = ?12, revoked_before = ?13,
            removed_at = ?14, tokens_deleted_at = ?15, version = version + 1
        WHERE account = ?1 AND id = ?2 AND version = ?3";
    let standing = &row.standing;
    one(db.prepare_cached(sql)?.execute(params![
        row.account.as_str(),
        row.id.to_string(),
        row.version,
        row.name,
        row.person.map(|id| id.to_string()),
        row.email,
        row.external_id,
        row.metadata,
        json(&row.bindings)?,
        row.role().map(|id| id.to_string()),
        micros(standing.inactive_since),
        micros(standing.approve_after),
        micros(standing.revoked_before),
        micros(standing.removed_at),
        micros(standing.tokens_deleted_at),
    ])?)
}

fn insert_token(
    db: &Connection,
    row: &Token,
    keep: Option<&TokenText>,
    tools: &Tools<'_>,
) -> Result<i64, Miss> {
    let number = next_number(db, &row.account)?;
    // The twelve characters are unique across kinds, and services' keys stand in another table.
    let sql = "SELECT 1 FROM service WHERE id = 'svc_' || ?1";
    if db.prepare_cached(sql)?.exists([row.id.code.to_string()])? {
        return Err(Miss::Conflict);
    }
    let sql = "
        INSERT INTO token
            (account, number, id, holder, issued_by, name, description, metadata, granted, node, desk,
             created_at, not_before, expires_at, approved_at, revoked_at, leaked_at, rotated_to,
             grace_until, deleted_at, reason, digest, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
                ?20, ?21, ?22, 1)";
    let life = &row.life;
    one(db.prepare_cached(sql)?.execute(params![
        row.account.as_str(),
        number,
        row.id.to_string(),
        row.holder.to_string(),
        row.issued_by.to_string(),
        row.name,
        row.description,
        row.metadata,
        json(&row.grant)?,
        row.node.as_str(),
        row.desk,
        life.created_at.as_micros(),
        micros(life.not_before),
        micros(life.expires_at),
        micros(life.approved_at),
        micros(life.revoked_at),
        micros(life.leaked_at),
        life.rotated_to.map(|id| id.to_string()),
        micros(life.grace_until),
        micros(life.deleted_at),
        row.reason,
        row.digest.as_bytes(),
    ])?)?;
    if let Some(text) = keep {
        if text.id() != row.id {
            return Err(Miss::Malformed("a text to seal that is another token's"));
        }
        let sealed = tools.sealer.seal(&row.account, text, tools.entropy);
        let sql = "INSERT INTO sealed (account, token, nonce, text) VALUES (?1, ?2, ?3, ?4)";
        let sealed = params![row.account.as_str(), row.id.to_string(), sealed.nonce, sealed.text];
        one(db.prepare_cached(sql)?.execute(sealed)?)?;
    }
    Ok(number)
}

fn next_number(db: &Connection, account: &AccountId) -> Result<i64, Miss> {
    let sql = "
        UPDATE account
        SET last_number = last_number + 1
        WHERE id = ?1
        RETURNING last_number";
    let number = db.prepare_cached(sql)?.query_row([account.as_str()], |row| row.get(0)).optional()?;
    number.ok_or(Miss::Conflict)
}

/// What a token was born with (digest, holder, number, moment of creation) never changes.
fn update_token(db: &Connection, row: &Token) -> Done {
    let sql = "
        UPDATE token
        SET name = ?5, description = ?6, metadata = ?7, granted = ?8, node = ?9, desk = ?10,
            not_before = ?11, expires_at = ?12, approved_at = ?13, revoked_at = ?14, leaked_at = ?15,
            rotated_to = ?16, grace_until = ?17, deleted_at = ?18, reason = ?19, version = version + 1
        WHERE code = ?1 AND id = ?2 AND account = ?3 AND version = ?4";
    let life = &row.life;
    one(db.prepare_cached(sql)?.execute(params![
        row.id.code.to_string(),
        row.id.to_string(),
        row.account.as_str(),
        row.version,
        row.name,
        row.description,
        row.metadata,
        json(&row.grant)?,
        row.node.as_str(),
        row.desk,
        micros(life.not_before),
        micros(life.expires_at),
        micros(life.approved_at),
        micros(life.revoked_at),
        micros(life.leaked_at),
        life.rotated_to.map(|id| id.to_string()),
        micros(life.grace_until),
        micros(life.deleted_at),
        row.reason,
    ])?)
}

/// Most tokens have no sealed text; forgetting nothing is done as well.
fn forget_secret(db: &Connection, token: TokenId) -> Done {
    db.prepare_cached("DELETE FROM sealed WHERE token = ?1")?.execute([token.to_string()])?;
    Ok(())
}

fn insert_service(db: &Connection, row: &Service) -> Done {
    let sql = "SELECT 1 FROM token WHERE code = ?1";
    if db.prepare_cached(sql)?.exists([row.id.0.to_string()])? {
        return Err(Miss::Conflict);
    }
    let sql = "
        INSERT INTO service (id, name, scopes, accounts, digest, created_at, revoked_at, version)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)";
    one(db.prepare_cached(sql)?.execute(params![
        row.id.to_string(),
        row.name,
        json(&row.scopes)?,
        row.accounts.as_ref().map(json).transpose()?,
        row.digest.as_bytes(),
        row.created_at.as_micros(),
        micros(row.revoked_at),
    ])?)
}

fn update_service(db: &Connection, row: &Service) -> Done {
    let sql = "
        UPDATE service
        SET name = ?3, scopes = ?4, accounts = ?5, digest = ?6, revoked_at = ?7, version = version + 1
        WHERE id = ?1 AND version = ?2";
    one(db.prepare_cached(sql)?.execute(params![
        row.id.to_string(),
        row.version,
        row.name,
        json(&row.scopes)?,
        row.accounts.as_ref().map(json).transpose()?,
        row.digest.as_bytes(),
        micros(row.revoked_at),
    ])?)
}

fn insert_node(db: &Connection, row: &Node) -> Done {
    let sql = "INSERT INTO node (account, path, name, created_at) VALUES (?1, ?2, ?3, ?4)";
    let values = params![row.account.as_str(), row.path.as_str(), row.name, row.created_at.as_micros()];
    one(db.prepare_cached(sql)?.execute(values)?)
}

fn insert_installation(db: &Connection, row: &Installation) -> Done {
    let sql = "
        INSERT INTO installation (account, id, name, nodes, created_at, version)
        VALUES (?1, ?2, ?3, ?4, ?5, 1)";
    one(db.prepare_cached(sql)?.execute(params![
        row.account.as_str(),
        row.id.to_string(),
        row.name,
        json(&row.nodes)?,
        row.created_at.as_micros(),
    ])?)
}

fn update_installation(db: &Connection, row: &Installation) -> Done {
    let sql = "
        UPDATE installation
        SET name = ?4, nodes = ?5, version = version + 1
        WHERE account = ?1 AND id = ?2 AND version = ?3";
    one(db.prepare_cached(sql)?.execute(params![
        row.account.as_str(),
        row.id.to_string(),
        row.version,
        row.name,
        json(&row.nodes)?,
    ])?)
}

/// Bits are given out in order, so one that is not the next was given out meanwhile.
fn insert_permission(db: &Connection, bit: u8, name: &str) -> Done {
    let sql = "
        INSERT INTO permission (bit, name)
        SELECT ?1, ?2
        WHERE ?1 = (SELECT count(*) FROM permission)";
    one(db.prepare_cached(sql)?.execute(params![bit, name])?)
}

fn remember(db: &Connection, answer: &Remembered, now: Timestamp) -> Done {
    let sql = "
        INSERT INTO remembered (key, request, sealed, until)
        VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (key) DO UPDATE
        SET request = excluded.request, sealed = excluded.sealed, until = excluded.until
        WHERE remembered.until <= ?5";
    let until = answer.until.as_micros();
    let values = params![answer.key, answer.request, answer.sealed, until, now.as_micros()];
    one(db.prepare_cached(sql)?.execute(values)?)
}

fn use_setup_link(db: &Connection, hash: &[u8; 32], now: Timestamp) -> Done {
    let sql = "DELETE FROM setup_link WHERE hash = ?1 AND until > ?2";
    one(db.prepare_cached(sql)?.execute(params![hash, now.as_micros()])?)
}
