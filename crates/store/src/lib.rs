//! The facts and the journal, kept: the only crate that knows SQL.
//!
//! What lives here: [`Store`], an enum of backends; their schema, statements and files; the
//! journal's chain; the seal on texts that a policy says can be recovered. What never will:
//! rules. Which change is right is decided in `domain`; this crate carries it out whole or not
//! at all, and reads back what was written.
//!
//! Three places to start: [`Store::commit`] for the way in, [`Store::snapshot`] for the way out,
//! and `sqlite/writer.rs` for how changes are grouped and when a caller is answered.
//!
//! Every account-scoped read takes the account's id, and another account's row reads as a
//! missing one. An [`Unavailable`] says that the facts could not be had; it is never a fact.

mod contract;
mod journal;
mod keys;
mod narrowings;
pub mod place;
mod query;
mod sealing;
mod sqlite;
mod states;
mod time;

use std::sync::Arc;

use domain::change::{Change, Remembered};
use domain::facts::{Account, Holder, Installation, Node, Person, Service, Snapshot, Token};
use domain::ids::{AccountId, HolderId, InstallationId, PersonId, ServiceId};
use domain::node::NodePath;
use domain::permission::Registry;
use domain::time::Timestamp;
use domain::usage::Usage;
use token::{Digest, Entropy, TokenId, TokenText};

pub use contract::{
    Broken, ChainError, Clock, CommitError, Committed, Health, Listener, OpenError, Options, Purged, Stop,
    USAGE_DAYS, Unavailable,
};
pub use journal::{JournalRow, canonical, chain, entry_hash, entry_text};
pub use keys::{Key, KeyFileError, Keys};
pub use query::{After, HolderKind, HolderQuery, LastUse, Place, Resume, Sort, TokenQuery, UsageReport};

/// Where the facts are. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub enum Store {
    Sqlite(Arc<sqlite::Sqlite>),
}

macro_rules! each {
    ($store:expr, $backend:ident => $do:expr) => {
        match $store {
            Store::Sqlite($backend) => $do,
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

    /// The time by which everything is judged: the wall clock, but never less than the last
    /// journal entry's time plus what has passed since (by the clock that counts from boot and
    /// cannot be set), and never less than was answered before.
    pub fn now(&self) -> Timestamp {
        each!(self, backend => backend.now())
    }

    /// Keys of this installation, for whoever must seal or sign something of its own.
    pub fn keys(&self) -> &Keys {
        each!(self, backend => backend.keys())
    }

    /// Carries out a change, all of it or nothing, and answers once it is durable and the
    /// listener has heard of it. A caller that is gone meanwhile changes nothing of that.
    pub async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        each!(self, backend => backend.commit(change).await)
    }

    pub async fn account(&self, id: &AccountId) -> Result<Option<Arc<Account>>, Unavailable> {
        each!(self, backend => backend.account(id).await)
    }

    /// Accounts by id, those after `after`, at most `limit`.
    pub async fn accounts(
        &self,
        after: Option<&AccountId>,
        limit: usize,
    ) -> Result<Vec<Arc<Account>>, Unavailable> {
        each!(self, backend => backend.accounts(after, limit).await)
    }

    pub async fn account_by_external_id(
        &self,
        external_id: &str,
    ) -> Result<Option<Arc<Account>>, Unavailable> {
        each!(self, backend => backend.account_by_external_id(external_id).await)
    }

    /// Whether there has never been an account.
    pub async fn is_empty(&self) -> Result<bool, Unavailable> {
        each!(self, backend => backend.is_empty().await)
    }

    /// A holder of the account, removed ones too.
    pub async fn holder(&self, account: &AccountId, holder: HolderId) -> Result<Option<Holder>, Unavailable> {
        each!(self, backend => backend.holder(account, holder).await)
    }

    /// An account and one of its holders, read together: what every call to the desk begins with.
    pub async fn household(
        &self,
        account: &AccountId,
        holder: HolderId,
    ) -> Result<Option<(Arc<Account>, Holder)>, Unavailable> {
        each!(self, backend => backend.household(account, holder).await)
    }

    /// The holder of that name in the product; removed ones are not found.
    pub async fn holder_by_external_id(
        &self,
        account: &AccountId,
        external_id: &str,
    ) -> Result<Option<Holder>, Unavailable> {
        each!(self, backend => backend.holder_by_external_id(account, external_id).await)
    }

    /// Holders by id.
    pub async fn holders(&self, account: &AccountId, query: HolderQuery) -> Result<Vec<Holder>, Unavailable> {
        each!(self, backend => backend.holders(account, query).await)
    }

    /// Those of `ids` that are holders of the account, removed ones too, in no order.
    pub async fn holders_by_id(
        &self,
        account: &AccountId,
        ids: &[HolderId],
    ) -> Result<Vec<Holder>, Unavailable> {
        each!(self, backend => backend.holders_by_id(account, ids).await)
    }

    pub async fn person(&self, id: PersonId) -> Result<Option<Person>, Unavailable> {
        each!(self, backend => backend.person(id).await)
    }

    /// `email` in lower case, as rows keep it.
    pub async fn person_by_email(&self, email: &str) -> Result<Option<Person>, Unavailable> {
        each!(self, backend => backend.person_by_email(email).await)
    }

    /// Where a person is a member; removed memberships apart.
    pub async fn memberships(&self, person: PersonId) -> Result<Vec<Holder>, Unavailable> {
        each!(self, backend => backend.memberships(person).await)
    }

    pub async fn token(
        &self,
        account: &AccountId,
        token: TokenId,
    ) -> Result<Option<(Token, LastUse)>, Unavailable> {
        each!(self, backend => backend.token(account, token).await)
    }

    /// The token that was rotated into this one (whose `rotated_to` it is), if any.
    pub async fn rotated_into(
        &self,
        account: &AccountId,
        token: TokenId,
    ) -> Result<Option<Token>, Unavailable> {
        each!(self, backend => backend.rotated_into(account, token).await)
    }

    /// A page of the account's tokens.
    pub async fn tokens(
        &self,
        account: &AccountId,
        query: TokenQuery,
    ) -> Result<Vec<(Token, LastUse)>, Unavailable> {
        each!(self, backend => backend.tokens(account, query).await)
    }

    pub async fn node(&self, account: &AccountId, path: &NodePath) -> Result<Option<Node>, Unavailable> {
        each!(self, backend => backend.node(account, path).await)
    }

    /// The account's nodes by path; the root is not among them.
    pub async fn nodes(&self, account: &AccountId) -> Result<Vec<Node>, Unavailable> {
        each!(self, backend => backend.nodes(account).await)
    }

    pub async fn installation(
        &self,
        account: &AccountId,
        id: InstallationId,
    ) -> Result<Option<Installation>, Unavailable> {
        each!(self, backend => backend.installation(account, id).await)
    }

    pub async fn installations(&self, account: &AccountId) -> Result<Vec<Installation>, Unavailable> {
        each!(self, backend => backend.installations(account).await)
    }

    pub async fn service(&self, id: ServiceId) -> Result<Option<Service>, Unavailable> {
        each!(self, backend => backend.service(id).await)
    }

    pub async fn services(&self) -> Result<Vec<Service>, Unavailable> {
        each!(self, backend => backend.services().await)
    }

    pub async fn registry(&self) -> Result<Arc<Registry>, Unavailable> {
        each!(self, backend => backend.registry().await)
    }

    /// Everything that has to do with these digests, read in one snapshot: tokens with their
    /// holders and accounts, and services. A digest that nothing has is simply not there.
    pub async fn snapshot(&self, digests: &[Digest]) -> Result<Snapshot, Unavailable> {
        each!(self, backend => backend.snapshot(digests).await)
    }

    /// Everything that could verify, in chunks of at most `limit` tokens, in the order they were
    /// written; deleted tokens apart. The first chunk (`after` none) brings every account,
    /// holder, service and permission too. Each chunk has the position of its own snapshot.
    pub async fn residents(
        &self,
        after: Option<Resume>,
        limit: usize,
    ) -> Result<(Snapshot, Option<Resume>), Unavailable> {
        each!(self, backend => backend.residents(after, limit).await)
    }

    /// The text of a token that was kept sealed; none where it was not, or was forgotten.
    /// A seal that does not open is [`Unavailable`]: the row or the key is not what it was.
    pub async fn reveal(
        &self,
        account: &AccountId,
        token: TokenId,
    ) -> Result<Option<TokenText>, Unavailable> {
        each!(self, backend => backend.reveal(account, token).await)
    }

    /// The answer kept under this key, until its time is over.
    pub async fn remembered(&self, key: &[u8; 32]) -> Result<Option<Remembered>, Unavailable> {
        each!(self, backend => backend.remembered(key).await)
    }

    /// How a token was used from that day on (days since 1970-01-01, UTC); none where the account
    /// has no such token.
    pub async fn usage(
        &self,
        account: &AccountId,
        token: TokenId,
        since_day: i32,
    ) -> Result<Option<UsageReport>, Unavailable> {
        each!(self, backend => backend.usage(account, token, since_day).await)
    }

    /// Journal entries after that number, in order, at most `limit`.
    pub async fn journal(&self, after: i64, limit: usize) -> Result<Vec<JournalRow>, Unavailable> {
        each!(self, backend => backend.journal(after, limit).await)
    }

    /// Recomputes the whole chain; how many entries it has, or the first that does not fit.
    pub async fn verify_journal(&self) -> Result<i64, ChainError> {
        each!(self, backend => backend.verify_journal().await)
    }

    /// Adds up uses. Tokens that do not exist are passed over.
    pub async fn record_usage(&self, usage: Vec<Usage>) -> Result<(), CommitError> {
        each!(self, backend => backend.record_usage(usage).await)
    }

    /// Makes this the one set-up link, until then; an older one opens nothing any more.
    pub async fn put_setup_link(&self, hash: [u8; 32], until: Timestamp) -> Result<(), CommitError> {
        each!(self, backend => backend.put_setup_link(hash, until).await)
    }

    pub async fn setup_link_open(&self, hash: [u8; 32]) -> Result<bool, Unavailable> {
        each!(self, backend => backend.setup_link_open(hash).await)
    }

    /// Removes what has served its time: remembered answers past their `until`, set-up links
    /// likewise, and daily counts older than [`USAGE_DAYS`] days.
    pub async fn purge(&self, now: Timestamp) -> Result<Purged, CommitError> {
        each!(self, backend => backend.purge(now).await)
    }

    /// Waits for what was handed in, tidies up the files and lets go of the lock. What is asked
    /// afterwards is [`Unavailable`].
    pub async fn close(&self) {
        each!(self, backend => backend.close().await)
    }

    pub fn health(&self) -> Health {
        each!(self, backend => backend.health())
    }
}
