//! Facts for the memory of whoever verifies: by digest, or all of them.

use domain::facts::Snapshot;
use domain::ids::{AccountId, HolderId};
use token::Digest;

use super::Dialect;
use super::query::{Query, Read, Row, Unreadable, Value, values};
use super::reads::bound;
use super::rows::{self, ACCOUNT, HOLDER, SERVICE, Seen, TOKEN, TOKEN_COLUMNS};
use crate::journal::Touched;
use crate::query::Resume;

/// Rows for memory, the values that they share, and the place of the last token.
#[derive(Default)]
pub(crate) struct Load {
    pub(crate) snapshot: Snapshot,
    pub(crate) last: Option<Resume>,
    /// Which database it came from, where there can be another one.
    pub(crate) epoch: Option<String>,
    seen: Seen,
}

impl Load {
    fn take(&mut self, kind: Kind, row: &dyn Row) -> Result<(), Unreadable> {
        let to = &mut self.snapshot;
        match kind {
            Kind::Head => {
                to.position = rows::head(row)?.seq;
                self.epoch = row.str_or_none(3)?.map(str::to_owned);
            }
            Kind::Token => to.tokens.push(rows::token(row, &mut self.seen)?),
            Kind::Holder => to.holders.push(rows::holder(row, &mut self.seen)?),
            Kind::Account => to.accounts.push(rows::account(row)?),
            Kind::Service => to.services.push(rows::service(row)?),
            Kind::Permission => {
                let bit = u8::try_from(rows::int(row, 0)?).map_err(|cause| Unreadable::new(0, cause))?;
                to.permissions.push((bit, rows::string(row, 1)?));
            }
        }
        Ok(())
    }
}

/// What the queries of a load bring, in their order.
#[derive(Clone, Copy)]
enum Kind {
    Head,
    Token,
    Holder,
    Account,
    Service,
    Permission,
}

const ORDER: [Kind; 6] =
    [Kind::Head, Kind::Token, Kind::Holder, Kind::Account, Kind::Service, Kind::Permission];

/// The end of the journal, and which database says so.
fn head(dialect: Dialect) -> Query<'static> {
    match dialect {
        Dialect::Sqlite => Query::new("SELECT seq, at, hash, NULL FROM head", []),
        Dialect::Postgres => Query::new(format!("SELECT seq, at, hash, ({EPOCH}) FROM head"), []),
    }
}

/// Which database it is: another system or another timeline has another history. Fails on a
/// replica, from which nothing may be believed.
pub(crate) const EPOCH: &str = "SELECT system_identifier::text || '/' || \
     substring(pg_walfile_name(pg_current_wal_lsn()), 1, 8) FROM pg_control_system()";

const PERMISSIONS: &str = "SELECT bit, name FROM permission ORDER BY bit";

/// All that has to do with these digests. The registry comes along, because a role may hold a
/// permission that another peer has just made known.
pub(crate) fn snapshot(digests: &[Digest], dialect: Dialect) -> Read<Load> {
    let digests = || vec![Value::Blobs(digests.iter().map(|digest| *digest.as_bytes()).collect())];
    let among = dialect.one_of_blobs("t.digest", 1);
    let holders = format!(
        "SELECT {HOLDER}
         FROM holder AS h
         WHERE (h.account, h.id) IN (SELECT t.account, t.holder FROM token AS t WHERE {among})"
    );
    let accounts =
        format!("SELECT {ACCOUNT} FROM account WHERE id IN (SELECT t.account FROM token AS t WHERE {among})");
    let of_services = dialect.one_of_blobs("digest", 1);
    Read {
        queries: vec![
            head(dialect),
            Query::new(format!("SELECT {TOKEN} FROM token AS t WHERE {among}"), digests()),
            Query::new(holders, digests()),
            Query::new(accounts, digests()),
            Query::new(format!("SELECT {SERVICE} FROM service WHERE {of_services}"), digests()),
            Query::new(PERMISSIONS, []),
        ],
        state: Load::default(),
        row: |load, query, row| load.take(ORDER[query], row),
    }
}

/// The rows that changes touched, as they are now. With a token come its holder and its account:
/// memory that began after those were written must not wait for them to change.
pub(crate) fn touched(touched: Touched) -> Read<Load> {
    let Touched { tokens, holders, accounts, services, permissions: _ } = touched;
    let dialect = Dialect::Postgres;
    let texts = |list: &[String]| Value::Texts(list.to_vec());
    let codes = || texts(&tokens);
    let of_tokens = dialect.one_of_texts("t.code", 1);
    // Two arms each, and what stands in both comes twice: an OR of the two would read all rows.
    let holders_of = format!(
        "SELECT {HOLDER} FROM holder AS h WHERE {named}
         UNION ALL
         SELECT {HOLDER}
         FROM holder AS h
         WHERE (h.account, h.id) IN (SELECT t.account, t.holder FROM token AS t WHERE {of_tokens})",
        named = dialect.one_of_texts("h.id", 2)
    );
    let accounts_of = format!(
        "SELECT {ACCOUNT} FROM account WHERE {named}
         UNION ALL
         SELECT {ACCOUNT} FROM account WHERE id IN (SELECT t.account FROM token AS t WHERE {of_tokens})",
        named = dialect.one_of_texts("id", 2)
    );
    let services_of = format!("SELECT {SERVICE} FROM service WHERE {}", dialect.one_of_texts("id", 1));
    let holders: Vec<String> = holders.iter().map(HolderId::to_string).collect();
    let accounts: Vec<String> = accounts.iter().map(AccountId::to_string).collect();
    Read {
        queries: vec![
            head(dialect),
            Query::new(format!("SELECT {TOKEN} FROM token AS t WHERE {of_tokens}"), vec![codes()]),
            Query::new(holders_of, vec![codes(), Value::Texts(holders)]),
            Query::new(accounts_of, vec![codes(), Value::Texts(accounts)]),
            Query::new(services_of, vec![texts(&services)]),
            Query::new(PERMISSIONS, []),
        ],
        state: Load::default(),
        row: |load, query, row| load.take(ORDER[query], row),
    }
}

/// A chunk of everything that could verify; the first brings all that is not a token too.
pub(crate) fn residents(after: Option<&Resume>, limit: usize, dialect: Dialect) -> Read<Load> {
    let mut queries = vec![head(dialect), tokens(after, limit, dialect)];
    if after.is_none() {
        queries.extend([
            Query::new(format!("SELECT {HOLDER} FROM holder AS h"), []),
            Query::new(format!("SELECT {ACCOUNT} FROM account"), []),
            Query::new(format!("SELECT {SERVICE} FROM service"), []),
            Query::new(PERMISSIONS, []),
        ]);
    }
    Read {
        queries,
        state: Load::default(),
        row: |load, query, row| {
            let kind = ORDER[query];
            load.take(kind, row)?;
            if let Kind::Token = kind {
                let account = rows::string(row, 0)?;
                load.last = Some(Resume { account, number: rows::int(row, TOKEN_COLUMNS)? });
            }
            Ok(())
        },
    }
}

/// Tokens in an order in which new ones come last or in a place of their own, so that each is
/// brought once: SQLite's rows lie in the order in which they were written, PostgreSQL's are
/// walked by the primary key.
fn tokens(after: Option<&Resume>, limit: usize, dialect: Dialect) -> Query<'static> {
    let (account, number) = after.map_or((String::new(), 0), |after| (after.account.clone(), after.number));
    let limit = bound(limit.max(1));
    match dialect {
        Dialect::Sqlite => {
            let sql = format!(
                "SELECT {TOKEN}, t.rowid
                 FROM token AS t
                 WHERE t.rowid > ?1 AND t.deleted_at IS NULL
                 ORDER BY t.rowid
                 LIMIT ?2"
            );
            Query::new(sql, values![number, limit])
        }
        Dialect::Postgres => {
            let sql = format!(
                "SELECT {TOKEN}, t.number
                 FROM token AS t
                 WHERE (t.account, t.number) > (?1, ?2) AND t.deleted_at IS NULL
                 ORDER BY t.account, t.number
                 LIMIT ?3"
            );
            Query::new(sql, values![account, number, limit])
        }
    }
}
