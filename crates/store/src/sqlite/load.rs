//! Facts for the memory of whoever verifies: by digest, or all of them.

use domain::facts::{Snapshot, Token};
use domain::ids::{AccountId, HolderId};
use rusqlite::{Connection, params};
use std::collections::BTreeSet;
use token::Digest;

use super::Sqlite;
use super::read::{all, bound, first};
use super::rows::{self, ACCOUNT, HOLDER, SERVICE, Seen, TOKEN};
use crate::contract::Unavailable;
use crate::query::Resume;

impl Sqlite {
    pub(crate) async fn snapshot(&self, digests: &[Digest]) -> Result<Snapshot, Unavailable> {
        let digests = digests.to_vec();
        self.readers.run(move |db| snapshot(db, &digests)).await
    }

    pub(crate) async fn residents(
        &self,
        after: Option<Resume>,
        limit: usize,
    ) -> Result<(Snapshot, Option<Resume>), Unavailable> {
        self.readers.run(move |db| residents(db, after, limit)).await
    }
}

fn snapshot(db: &mut Connection, digests: &[Digest]) -> Result<Snapshot, Unavailable> {
    let read = db.transaction()?;
    let mut snapshot = Snapshot { position: position(&read)?, ..Snapshot::default() };
    let mut seen = Seen::default();
    let of_tokens = format!("SELECT {TOKEN} FROM token AS t WHERE t.digest = ?1");
    let of_services = format!("SELECT {SERVICE} FROM service WHERE digest = ?1");
    for digest in digests {
        let digest = digest.as_bytes();
        let token = first(&read, &of_tokens, &[digest], |row| rows::token(row, &mut seen))?;
        if token.is_none() {
            snapshot.services.extend(first(&read, &of_services, &[digest], rows::service)?);
        }
        snapshot.tokens.extend(token);
    }
    let holders: BTreeSet<(&AccountId, HolderId)> =
        snapshot.tokens.iter().map(|token| (&token.account, token.holder)).collect();
    let accounts: BTreeSet<&AccountId> = snapshot.tokens.iter().map(|token| &token.account).collect();
    let of_holders = format!("SELECT {HOLDER} FROM holder AS h WHERE h.account = ?1 AND h.id = ?2");
    for (account, id) in holders {
        let values: [&dyn rusqlite::ToSql; 2] = [&account.as_str(), &id.to_string()];
        snapshot.holders.extend(first(&read, &of_holders, &values, |row| rows::holder(row, &mut seen))?);
    }
    let of_accounts = format!("SELECT {ACCOUNT} FROM account WHERE id = ?1");
    for account in accounts {
        snapshot.accounts.extend(first(&read, &of_accounts, &[&account.as_str()], rows::account)?);
    }
    Ok(snapshot)
}

fn residents(
    db: &mut Connection,
    after: Option<Resume>,
    limit: usize,
) -> Result<(Snapshot, Option<Resume>), Unavailable> {
    let read = db.transaction()?;
    let mut snapshot = Snapshot { position: position(&read)?, ..Snapshot::default() };
    let mut seen = Seen::default();
    if after.is_none() {
        snapshot.accounts = all(&read, &format!("SELECT {ACCOUNT} FROM account"), &[], rows::account)?;
        let sql = format!("SELECT {HOLDER} FROM holder AS h");
        snapshot.holders = all(&read, &sql, &[], |row| rows::holder(row, &mut seen))?;
        snapshot.services = all(&read, &format!("SELECT {SERVICE} FROM service"), &[], rows::service)?;
        let sql = "SELECT bit, name FROM permission ORDER BY bit";
        snapshot.permissions = all(&read, sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    }
    let (tokens, last) = tokens(&read, after, limit, &mut seen)?;
    let resume = if tokens.len() < limit.max(1) { None } else { last };
    snapshot.tokens = tokens;
    Ok((snapshot, resume))
}

/// Tokens in the order they were written, and the place of the last.
fn tokens(
    db: &Connection,
    after: Option<Resume>,
    limit: usize,
    seen: &mut Seen,
) -> rusqlite::Result<(Vec<Token>, Option<Resume>)> {
    let sql = format!(
        "SELECT {TOKEN}, t.rowid
         FROM token AS t
         WHERE t.rowid > ?1 AND t.deleted_at IS NULL
         ORDER BY t.rowid
         LIMIT ?2"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut found = statement.query(params![after.map_or(0, |after| after.0), bound(limit.max(1))])?;
    let (mut tokens, mut last) = (Vec::new(), None);
    while let Some(row) = found.next()? {
        tokens.push(rows::token(row, seen)?);
        last = Some(Resume(row.get(rows::TOKEN_COLUMNS)?));
    }
    Ok((tokens, last))
}

fn position(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT seq FROM head")?.query_row([], |row| row.get(0))
}
