//! The facts and the journal, kept: the only crate that knows SQL.
//!
//! What lives here: [`Store`], an enum of backends; their schema, statements and files; the
//! journal's chain; the seal on texts that a policy says can be recovered. What never will:
//! rules. Which change is right is decided in `domain`; this crate carries it out whole or not
//! at all, and reads back what was written.
//!
//! Three places to start: [`Store::commit`] for the way in, [`Store::snapshot`] for the way out,
//! and `sqlite/writer.rs` for how changes are grouped and when a caller is answered. `sql` has the
//! statements of both backends.
//!
//! Every account-scoped read takes the account's id, and another account's row reads as a
//! missing one. An [`Unavailable`] says that the facts could not be had; it is never a fact.

mod backup;
mod checkpoints;
mod common;
mod contract;
mod entries;
mod erasures;
mod examine;
mod export;
mod figures;
mod journal;
mod keys;
mod links;
mod mail;
mod migrations;
mod narrowings;
mod people;
pub mod place;
mod postgres;
mod query;
mod restore;
mod sealing;
mod sql;
mod sqlite;
mod time;
mod transfer;
mod tree;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;

use domain::change::{Change, Make, Remembered};
use domain::facts::{Account, Holder, Service, Snapshot, Token};
use domain::ids::{AccountId, ExternalId, HolderId, PersonId, ServiceId};
use domain::life::Lens;
use domain::permission::Registry;
use domain::time::{Moment, Timestamp};
use domain::usage::Usage;
use token::{Digest, Entropy, TokenId, TokenText};

pub use backup::{BackedUp, BackupError, backup};
pub use checkpoints::{Audit, Checkpoint, CheckpointError, CheckpointFile, Disagreement, read_checkpoints};
pub use contract::{
    Broken, ChainError, Clock, CommitError, Committed, Health, Heard, Listener, OpenError, Options, Purged,
    Stop, USAGE_DAYS, Unavailable,
};
pub use entries::{EntryPage, EntryQuery, Erased, Said, Verified};
pub use examine::{Configured, Finding, Verdict, examine};
pub use export::{ExportError, export};
pub use figures::{Figures, Following, Peer};
pub use journal::{JournalRow, canonical, chain, entry_hash, entry_text};
pub use keys::{Key, KeyFileError, Keys};
pub use migrations::Migrated;
pub use query::{
    After, ForeignToken, HolderKind, HolderQuery, LastUse, Place, Resume, Roll, Sort, TokenQuery, UsageReport,
};
pub use restore::{Log, Order, Reasserted, RestoreError, Restored, restore};
pub use transfer::{MoveError, Moved, transfer};

use common::Common;
use figures::Told;
use sql::beside::Beside;
use sql::query::Read;
use sql::{Dialect, due, foreign, lists, loads, reads, rolls};

/// Entries of the journal that are recomputed at a time.
const STRETCH: usize = 5_000;

/// Where the facts are. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub enum Store {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(Arc<postgres::Postgres>),
}

/// Brings a store's schema up to this program's, one process at a time: SQLite's lock, or an
/// advisory lock on PostgreSQL, where servers of the version before may go on running. What takes
/// something away is done only with `contract`, once every peer that runs knows of it.
///
/// # Errors
/// A schema of a newer program is refused; see [`OpenError`] for that and the rest.
pub async fn migrate(access: &place::Access, contract: bool) -> Result<Migrated, OpenError> {
    match &access.place {
        place::Place::Sqlite(data) => sqlite::migrate(data),
        place::Place::Postgres(there) => postgres::migrate(there, access, contract).await,
    }
}

macro_rules! each {
    ($store:expr, $backend:ident => $do:expr) => {
        match $store {
            Store::Sqlite($backend) => $do,
            Store::Postgres($backend) => $do,
        }
    };
}

impl Store {
    /// Opens, and creates where there is none, the SQLite store in `options.data`. Blocks for as
    /// long as migrations take. Nothing else may have it open; see [`OpenError`] for what each
    /// failure asks of the operator.
    ///
    /// After an I/O error during a commit the process is aborted: the commit may be there, and
    /// nobody can say so until the file is opened again.
    pub fn open_sqlite(
        options: Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        listener: Listener,
    ) -> Result<Store, OpenError> {
        Store::open_sqlite_with(options, clock, entropy, listener, contract::abort())
    }

    /// As [`Store::open_sqlite`], with something else to call than `abort` when the outcome of a
    /// commit cannot be known. If it returns, the store answers [`Unavailable`] from then on.
    pub fn open_sqlite_with(
        options: Options,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        listener: Listener,
        stop: Stop,
    ) -> Result<Store, OpenError> {
        sqlite::Sqlite::open(options, clock, entropy, listener, stop).map(Arc::new).map(Store::Sqlite)
    }

    /// Opens the store in a database on PostgreSQL, as one of the peers that serve from it. A
    /// database without tables gets them; one of an older schema is refused until it is migrated.
    /// `connections` read at the same time, besides the one that writes and the one that follows
    /// what other peers write.
    ///
    /// # Errors
    /// See [`OpenError`] for what each failure asks of the operator.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub async fn open_postgres(
        place: &place::Postgres,
        access: &place::Access,
        connections: usize,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        listener: Listener,
    ) -> Result<Store, OpenError> {
        let stop = contract::abort();
        let open = postgres::Postgres::open(place, access, connections, clock, entropy, listener, stop);
        open.await.map(Arc::new).map(Store::Postgres)
    }

    /// The time by which everything is judged. On SQLite the wall clock, but never less than the
    /// last journal entry's time plus what has passed since (by the clock that counts from boot
    /// and cannot be set), and never less than was answered before. On PostgreSQL the latest that
    /// the database's clock can show.
    pub fn now(&self) -> Timestamp {
        self.moment().latest
    }

    /// The time, and how early it may still be: what must not be used yet is judged by that.
    pub fn moment(&self) -> Moment {
        each!(self, backend => backend.moment())
    }

    /// Whether other processes may write to the same facts: what this one remembers of its own
    /// doings is then not all there is to know.
    pub fn has_peers(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Keys of this installation, for whoever must seal or sign something of its own.
    pub fn keys(&self) -> &Keys {
        &self.common().keys
    }

    /// Carries out a change, all of it or nothing, and answers once it is durable and the
    /// listener has heard of it. A caller that is gone meanwhile changes nothing of that.
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        let told = Told::of(&change);
        let outcome = each!(self, backend => backend.commit(change).await);
        self.common().meter.outcome(&outcome);
        if let Ok(committed) = &outcome {
            told.say(committed.position);
        }
        outcome
    }

    pub async fn account(&self, id: &AccountId) -> Result<Option<Arc<Account>>, Unavailable> {
        let read = self.read(reads::account(id, self.common().known(id))).await?;
        Ok(self.seen(read.account))
    }

    /// Accounts by id, those after `after`, at most `limit`.
    pub async fn accounts(
        &self,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Arc<Account>>, Unavailable> {
        self.read(reads::accounts(after, limit)).await
    }

    /// The accounts of these names in the product, in no order.
    pub async fn accounts_by_external_id(
        &self,
        names: &[ExternalId],
    ) -> Result<Vec<Arc<Account>>, Unavailable> {
        self.read(reads::accounts_by_external_id(names, self.dialect())).await
    }

    /// Those of `ids` that are accounts', in no order.
    pub async fn accounts_there(&self, ids: &[AccountId]) -> Result<Vec<AccountId>, Unavailable> {
        let there = self.read(reads::account_ids(ids, self.dialect())).await?;
        Ok(ids.iter().filter(|id| there.iter().any(|there| there == id.as_str())).cloned().collect())
    }

    /// Whether there has never been an account.
    pub async fn is_empty(&self) -> Result<bool, Unavailable> {
        Ok(!self.read(reads::any_account()).await?)
    }

    /// A holder of the account, removed ones too.
    pub async fn holder(&self, account: &AccountId, holder: HolderId) -> Result<Option<Holder>, Unavailable> {
        self.read(reads::holder(account, holder)).await
    }

    /// An account of this version, if it was read before: a row of one version is the same for ever.
    pub fn known(&self, account: &AccountId, version: i64) -> Option<Arc<Account>> {
        self.common().known(account).filter(|known| known.version == version)
    }

    /// Whether this process is the only one that writes here, as far as it can know: on PostgreSQL
    /// by the last beat.
    pub fn is_alone(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(backend) => backend.is_alone(),
        }
    }

    /// Other processes that have these facts open, by the names of their rows. On SQLite nobody can.
    pub async fn others(&self) -> Result<Vec<String>, Unavailable> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(backend) => backend.others().await,
        }
    }

    /// Every process that serves from these facts, as the database has it; none on SQLite, where this
    /// one is alone.
    pub async fn peers(&self) -> Result<Vec<Peer>, Unavailable> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(backend) => backend.peers().await,
        }
    }

    /// An account and one of its holders, read together: what every call to the desk begins with.
    pub async fn household(
        &self,
        account: &AccountId,
        holder: HolderId,
    ) -> Result<Option<(Arc<Account>, Holder)>, Unavailable> {
        let read = self.read(reads::household(account, holder, self.common().known(account))).await?;
        Ok(self.seen(read.account).zip(read.holder))
    }

    /// The holder of that name in the product; removed ones are not found.
    pub async fn holder_by_external_id(
        &self,
        account: &AccountId,
        external_id: &str,
    ) -> Result<Option<Holder>, Unavailable> {
        self.read(reads::holder_by_external_id(account, external_id)).await
    }

    /// The holders of these names in the product, in no order; removed ones are not found.
    pub async fn holders_by_external_id(
        &self,
        account: &AccountId,
        names: &[ExternalId],
    ) -> Result<Vec<Holder>, Unavailable> {
        self.read(reads::holders_by_external_id(account, names, self.dialect())).await
    }

    /// Holders by id.
    pub async fn holders(&self, account: &AccountId, query: HolderQuery) -> Result<Vec<Holder>, Unavailable> {
        self.read(reads::holders(account, query)).await
    }

    /// Those of `ids` that are holders of the account, removed ones too, in no order.
    pub async fn holders_by_id(
        &self,
        account: &AccountId,
        ids: &[HolderId],
    ) -> Result<Vec<Holder>, Unavailable> {
        self.read(reads::holders_by_id(account, ids, self.dialect())).await
    }

    /// Where a person is a member; removed memberships apart.
    pub async fn memberships(&self, person: PersonId) -> Result<Vec<Holder>, Unavailable> {
        self.read(reads::memberships(person)).await
    }

    /// The same with removed memberships.
    pub async fn memberships_ever(&self, person: PersonId) -> Result<Vec<Holder>, Unavailable> {
        self.read(reads::memberships_ever(person)).await
    }

    pub async fn token(
        &self,
        account: &AccountId,
        token: TokenId,
    ) -> Result<Option<(Token, LastUse)>, Unavailable> {
        self.read(reads::token(account, token)).await
    }

    /// The token that was rotated into this one (whose `rotated_to` it is), if any.
    pub async fn rotated_into(
        &self,
        account: &AccountId,
        token: TokenId,
    ) -> Result<Option<Token>, Unavailable> {
        self.read(reads::rotated_into(account, token)).await
    }

    /// A page of the account's tokens.
    pub async fn tokens(
        &self,
        account: &AccountId,
        query: TokenQuery,
    ) -> Result<Vec<(Token, LastUse)>, Unavailable> {
        Ok(self.read(lists::tokens(account, &query, self.dialect())).await?.rows)
    }

    /// These tokens with their last use, in no order; of one account, or of any.
    pub async fn tokens_by_id(
        &self,
        account: Option<&AccountId>,
        ids: &[TokenId],
    ) -> Result<Vec<(Token, LastUse)>, Unavailable> {
        Ok(self.read(rolls::tokens(account, ids, self.dialect())).await?.rows)
    }

    /// These tokens of any account, in no order.
    pub async fn token_rows(&self, ids: &[TokenId]) -> Result<Vec<Token>, Unavailable> {
        Ok(self.read(rolls::token_rows(ids, self.dialect())).await?.0)
    }

    /// How many tokens the account was ever given: no fewer than it has.
    pub async fn tokens_made(&self, account: &AccountId) -> Result<i64, Unavailable> {
        Ok(self.read(rolls::made(account)).await?.unwrap_or_default())
    }

    /// Every token of an account, or of the server, as lists look at it; deleted ones too. In chunks of
    /// at most `limit`, each of a snapshot of its own; what is written meanwhile the listener hears.
    pub async fn rolls(
        &self,
        account: Option<&AccountId>,
        after: Option<Resume>,
        limit: usize,
    ) -> Result<(Vec<Roll>, Option<Resume>), Unavailable> {
        let read = self.read(rolls::rolls(account, after.as_ref(), limit, self.dialect())).await?;
        let full = read.rows.len() >= limit.max(1);
        Ok((read.rows, read.last.filter(|_| full)))
    }

    /// Every holder of the server by account and id, removed ones too; those after `after`, at most
    /// `limit`.
    pub async fn every_holder(
        &self,
        after: Option<(&AccountId, HolderId)>,
        limit: usize,
    ) -> Result<Vec<Holder>, Unavailable> {
        self.read(rolls::holders(after, limit)).await
    }

    /// Those of `ids` that are holders of one of these accounts, removed ones too, in no order.
    pub async fn holders_anywhere(
        &self,
        ids: &[HolderId],
        accounts: &[AccountId],
    ) -> Result<Vec<Holder>, Unavailable> {
        Ok(self.read(rolls::holders_anywhere(ids, accounts, self.dialect())).await?.0)
    }

    /// When tokens were last used, of an account or of the server, where that was after `since`.
    pub async fn uses(
        &self,
        account: Option<&AccountId>,
        since: Option<Timestamp>,
    ) -> Result<Vec<(TokenId, Timestamp)>, Unavailable> {
        self.read(rolls::uses(account, since)).await
    }

    /// The tokens, not ended otherwise, that were replaced by one of these and are in grace at `now`.
    pub async fn in_grace(&self, ids: &[TokenId], now: Timestamp) -> Result<Vec<Token>, Unavailable> {
        Ok(self.read(rolls::in_grace(ids, now, self.dialect())).await?.0)
    }

    /// Those of these tokens, ended or not, that were rotated into one made after `since`.
    pub async fn rotated_since(&self, ids: &[TokenId], since: Timestamp) -> Result<Vec<Token>, Unavailable> {
        Ok(self.read(rolls::rotated_since(ids, since, self.dialect())).await?.0)
    }

    /// Tokens that are expiring by this lens: about the nearest, those that end by themselves before
    /// those that end with the longest life, at most `limit` of each.
    pub async fn due(
        &self,
        account: &AccountId,
        holder: Option<HolderId>,
        lens: &Lens,
        limit: usize,
    ) -> Result<Vec<Token>, Unavailable> {
        Ok(self.read(due::due(account, holder, lens, limit, self.dialect())).await?.tokens)
    }

    /// How many these are, at most `limit`.
    pub async fn count_due(
        &self,
        account: &AccountId,
        holder: Option<HolderId>,
        lens: &Lens,
        limit: usize,
    ) -> Result<usize, Unavailable> {
        let found = self.read(due::ids_due(account, holder, lens, limit, self.dialect())).await?;
        Ok(found.len().min(limit))
    }

    pub async fn service(&self, id: ServiceId) -> Result<Option<Service>, Unavailable> {
        self.read(reads::service(id)).await
    }

    pub async fn services(&self) -> Result<Vec<Service>, Unavailable> {
        self.read(reads::services()).await
    }

    pub async fn registry(&self) -> Result<Arc<Registry>, Unavailable> {
        let known = self.common().registry();
        let more = self.read(reads::permissions(known.names().len())).await?;
        if more.is_empty() {
            return Ok(known);
        }
        let names = known.names().iter().cloned().chain(more).collect();
        let registry = Arc::new(Registry::from_names(names).map_err(Unavailable::because)?);
        self.common().remember_registry(&registry);
        Ok(registry)
    }

    /// Everything that has to do with these digests, read in one snapshot: tokens with their
    /// holders and accounts, and services. A digest that nothing has is simply not there.
    pub async fn snapshot(&self, digests: &[Digest]) -> Result<Snapshot, Unavailable> {
        let read = loads::snapshot(digests, self.dialect());
        Ok(each!(self, backend => backend.load(read).await)?.snapshot)
    }

    /// Everything that could verify, in chunks of at most `limit` tokens, in the order they were
    /// written; deleted tokens apart. The first chunk (`after` none) brings every account,
    /// holder, service and permission too. Each chunk has the position of its own snapshot.
    pub async fn residents(
        &self,
        after: Option<Resume>,
        limit: usize,
    ) -> Result<(Snapshot, Option<Resume>), Unavailable> {
        let read = loads::residents(after.as_ref(), limit, self.dialect());
        let read = each!(self, backend => backend.load(read).await)?;
        let full = read.snapshot.tokens.len() >= limit.max(1);
        Ok((read.snapshot, read.last.filter(|_| full)))
    }

    /// The kinds of texts that were made elsewhere.
    pub async fn makes(&self) -> Result<Vec<Make>, Unavailable> {
        self.read(foreign::makes()).await
    }

    /// Imported tokens that are found so, whose text was not seen yet; a few of each.
    pub async fn foreign(&self, lookups: Vec<(i64, Vec<u8>)>) -> Result<Vec<ForeignToken>, Unavailable> {
        self.read(foreign::found(lookups)).await
    }

    /// Which of these digests, or marks of imported tokens, there are, and in which account.
    pub async fn there(&self, digests: &[Digest]) -> Result<HashMap<[u8; 32], AccountId>, Unavailable> {
        self.read(foreign::there(digests, self.dialect())).await
    }

    /// How many tokens of a make have each of these prefixes; one that none has is not there.
    pub async fn crowded(
        &self,
        make: i64,
        prefixes: &[String],
    ) -> Result<HashMap<Vec<u8>, i64>, Unavailable> {
        self.read(foreign::crowded(make, prefixes)).await
    }

    /// The last number that an account has given to a token.
    pub async fn last_number(&self, account: &AccountId) -> Result<Option<i64>, Unavailable> {
        self.read(foreign::last_number(account)).await
    }

    /// The text of a token that was kept sealed; none where it was not, or was forgotten.
    /// A seal that does not open is [`Unavailable`]: the row or the key is not what it was.
    pub async fn reveal(
        &self,
        account: &AccountId,
        token: TokenId,
    ) -> Result<Option<TokenText>, Unavailable> {
        let Some(sealed) = self.read(reads::sealed(account, token)).await? else { return Ok(None) };
        self.common().sealer.open(account, token, &sealed).map(Some).map_err(Unavailable::because)
    }

    /// The answer kept under this key, until its time is over.
    pub async fn remembered(&self, key: &[u8; 32]) -> Result<Option<Remembered>, Unavailable> {
        self.read(reads::remembered(key, self.now())).await
    }

    /// How a token was used from that day on (days since 1970-01-01, UTC); none where the account
    /// has no such token.
    pub async fn usage(
        &self,
        account: &AccountId,
        token: TokenId,
        since_day: i32,
    ) -> Result<Option<UsageReport>, Unavailable> {
        self.read(reads::usage(account, token, since_day)).await
    }

    /// Journal entries after that number, in order, at most `limit`.
    pub async fn journal(&self, after: i64, limit: usize) -> Result<Vec<JournalRow>, Unavailable> {
        self.read(reads::journal(after, limit)).await
    }

    /// Adds up uses. Tokens that do not exist are passed over.
    pub async fn record_usage(&self, usage: Vec<Usage>) -> Result<(), CommitError> {
        self.beside(Beside::Usage(usage)).await.map(drop)
    }

    /// Removes what has served its time: remembered answers past their `until`, links
    /// likewise, and daily counts older than [`USAGE_DAYS`] days.
    pub async fn purge(&self, now: Timestamp) -> Result<Purged, CommitError> {
        self.beside(Beside::Purge { now }).await
    }

    /// Waits for what was handed in, tidies up the files and lets go of the lock. What is asked
    /// afterwards is [`Unavailable`].
    pub async fn close(&self) {
        each!(self, backend => backend.close().await)
    }

    pub fn health(&self) -> Health {
        each!(self, backend => backend.health())
    }

    /// What was counted since the store was opened, and how it is.
    pub fn figures(&self) -> Figures {
        Figures::new(&self.common().meter, each!(self, backend => backend.figures()))
    }

    async fn read<S: Send + 'static>(&self, read: Read<S>) -> Result<S, Unavailable> {
        each!(self, backend => backend.read(read).await)
    }

    async fn beside(&self, what: Beside) -> Result<Purged, CommitError> {
        each!(self, backend => backend.beside(what).await)
    }

    fn common(&self) -> &Common {
        each!(self, backend => &backend.common)
    }

    fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    fn seen(&self, account: Option<Arc<Account>>) -> Option<Arc<Account>> {
        if let Some(account) = &account {
            self.common().remember(account);
        }
        account
    }
}
