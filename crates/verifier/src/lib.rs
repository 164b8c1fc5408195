//! The facts in memory, and verdicts from them: what answers a verify without a database.
//!
//! What lives here: the table of facts, kept true by commits; the one read at a time for what
//! is not in it; the counters of uses. What never will: SQL, HTTP, a clock, and any rule of
//! whether a token is good, which is [`domain::admit`]'s. It takes a fetch function and knows
//! no store.
//!
//! Start with [`Verifier::verify`]. `table` has the rules by which an old row never wins,
//! `misses` how a flood of unknown tokens stays one query at a time.

mod dense;
mod index;
mod misses;
mod slot;
mod table;
mod usage;

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, RwLock, RwLockReadGuard, Weak};

use domain::admit::{self, Ask, Code, Verdict};
use domain::facts::{Service, Snapshot};
use domain::ids::ServiceId;
use domain::permission::Registry;
use domain::time::{Moment, Timestamp};
use domain::usage::Usage;
use token::{Digest, Kind, Presented, TokenId};
use tracing::error;

use meter::Count;
use misses::{Joined, Queue, Reader, Told, Wanted};
pub use table::Generation;
use table::{Found, Table};
use usage::Counters;

/// The facts could not be had: 503, never a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undetermined;

impl fmt::Display for Undetermined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the facts about this token could not be had")
    }
}

impl std::error::Error for Undetermined {}

/// Reads rows by digest in one snapshot: tokens with their holders and accounts, and services.
/// A digest that has no row is left out. The snapshot must contain every change that was
/// applied before the call.
pub type Fetch = Box<
    dyn Fn(Vec<Digest>) -> Pin<Box<dyn Future<Output = Result<Snapshot, Undetermined>> + Send>> + Send + Sync,
>;

/// Bounds of what a [`Verifier`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Tokens in memory, 67 million at most; beyond, a new one makes another one go.
    pub max_tokens: usize,
    /// Digests that may wait to be read; beyond, a miss is undetermined at once.
    pub max_waiting: usize,
    /// Digests in one read.
    pub batch: usize,
    /// Tokens whose uses are counted by address and service between two takings; beyond, these
    /// are counted as [`domain::usage::OTHER`].
    pub max_counted: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_tokens: 10_000_000, max_waiting: 4_096, batch: 256, max_counted: 100_000 }
    }
}

/// Who asks, from where, for the counters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin<'a> {
    pub service: Option<ServiceId>,
    /// The address that the token was presented from, as the service tells it.
    pub address: Option<&'a str>,
    /// Whether this is a use; a look is none.
    pub counted: bool,
}

impl Origin<'_> {
    /// Nobody's use: to learn who calls.
    pub const LOOK: Self = Self { service: None, address: None, counted: false };
}

/// How often a miss looks and waits before it gives up: rows that leave the table faster than
/// they can be looked at, or snapshots that lag behind.
const TRIES: u32 = 4;

/// What a [`Verifier`] holds and what it had to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Tokens in memory.
    pub tokens: usize,
    /// Bytes that the table of them has taken, without what few tokens have of their own (metadata,
    /// conditions) and without accounts and holders.
    pub bytes: usize,
    /// Digests that wait to be read.
    pub waiting: usize,
    /// Questions whose facts were not in memory.
    pub misses: u64,
    /// Reads that answered them, many digests in each.
    pub reads: u64,
}

/// Facts in memory, kept true by commits.
pub struct Verifier {
    table: RwLock<Table>,
    queue: Arc<Queue>,
    counters: Counters,
    fetch: Fetch,
    batch: usize,
    misses: Count,
    reads: Count,
    /// For the task that reads.
    me: Weak<Self>,
}

impl Verifier {
    /// An empty memory, which reads what it is asked for. `registry`: what the server knows now.
    pub fn new(options: Options, registry: Registry, fetch: Fetch) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            table: RwLock::new(Table::new(options.max_tokens, registry)),
            queue: Arc::new(Queue::new(options.max_waiting)),
            counters: Counters::new(options.max_counted),
            fetch,
            batch: options.batch.max(1),
            misses: Count::default(),
            reads: Count::default(),
            me: me.clone(),
        })
    }

    /// Says whether a token is good, and lets `render` make the answer of it.
    ///
    /// Where the facts are in memory nothing is awaited and nothing allocated but what `render`
    /// allocates. `now` is asked after the facts are there. `render` is given the latest time
    /// that it may be; it runs under the read lock and must be quick. A text that cannot be a token never comes here. A service's key is
    /// nobody's token: not found.
    ///
    /// # Errors
    /// The facts are not in memory and could not be read, or too many are being waited for.
    ///
    /// # Panics
    /// On a miss, outside a Tokio runtime.
    pub async fn verify<R>(
        &self,
        presented: &Presented,
        ask: &Ask<'_>,
        origin: Origin<'_>,
        now: impl Fn() -> Moment,
        render: impl FnOnce(&Verdict<'_>, Timestamp) -> R,
    ) -> Result<R, Undetermined> {
        let mut render = render;
        if presented.id().is_none_or(|id| id.kind != Kind::Svc) {
            for _ in 0..TRIES {
                match self.answer(presented, ask, &origin, &now, render)? {
                    Ok(answer) => return Ok(answer),
                    Err(unused) => render = unused,
                }
                if self.read(presented.digest()).await? == Told::Absent {
                    return Ok(render(&Verdict::unknown(Code::NotFound), now().latest));
                }
            }
            return Err(Undetermined);
        }
        Ok(render(&Verdict::unknown(Code::NotFound), now().latest))
    }

    /// Whether the token with this digest is in memory.
    pub fn knows(&self, digest: &Digest) -> bool {
        self.table().is_ok_and(|table| table.knows(digest))
    }

    /// The service whose key this is, unless the key was revoked or is none.
    ///
    /// # Errors
    /// As [`Verifier::verify`].
    ///
    /// # Panics
    /// As [`Verifier::verify`].
    pub async fn service(&self, presented: &Presented) -> Result<Option<Arc<Service>>, Undetermined> {
        let Presented::Ours { id: TokenId { kind: Kind::Svc, code }, digest } = *presented else {
            return Ok(None);
        };
        for _ in 0..TRIES {
            if let Some(service) = self.table()?.service(&digest) {
                let good = service.id.0 == code && service.revoked_at.is_none();
                return Ok(good.then(|| Arc::clone(service)));
            }
            if self.read(digest).await? == Told::Absent {
                return Ok(None);
            }
        }
        Err(Undetermined)
    }

    /// Bulk load while starting: chunks in any order, among commits. Misses are answered by
    /// reading meanwhile. What finds no room is left out, and so is a chunk whose read began `since`
    /// a generation that has ended.
    pub fn load(&self, chunk: Snapshot, since: Generation) {
        self.change(|table| table.load(chunk, since));
    }

    /// To be asked for before a chunk for [`Verifier::load`] is read.
    pub fn generation(&self) -> Generation {
        // Only a clearing changes it, in one step.
        self.table.read().unwrap_or_else(|poisoned| poisoned.into_inner()).generation()
    }

    /// Forgets everything but the registry and the counters, because commits may have been missed:
    /// whatever is asked for is read again. A read that began before brings nothing in and is
    /// repeated for those who wait for it.
    ///
    /// Commits that are applied from here on must follow on the snapshots that are read from here on.
    pub fn clear(&self) {
        // Dropped without the lock: that takes a while for millions of tokens.
        drop(self.write(Table::clear));
    }

    /// Rows as a commit left them. Called in commit order, before anyone is answered.
    pub fn apply(&self, rows: Snapshot) {
        self.change(|table| table.apply(rows));
    }

    /// Drops tokens that were purged from the store. One that a read under way brings back is as
    /// dead as when it was purged.
    pub fn forget(&self, tokens: &[TokenId]) {
        // Found under the read lock, which stops nobody: the walk is long, the change is short.
        let ids: HashSet<TokenId> = tokens.iter().copied().collect();
        let Ok(digests) = self.table().map(|table| table.digests_of(&ids)) else { return };
        self.change(|table| digests.iter().for_each(|digest| table.forget(digest)));
    }

    /// Which permission has which bit, as of the last rows that said so.
    pub fn registry(&self) -> Arc<Registry> {
        // It only ever grows by whole names, so it is sound even where a change was cut short.
        let table = self.table.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        Arc::clone(table.registry())
    }

    /// What was counted since the last call.
    pub fn take_usage(&self) -> Vec<Usage> {
        self.counters.take()
    }

    /// The same of these tokens alone, for whoever is about to show how they were used.
    pub fn take_usage_of(&self, tokens: &[TokenId]) -> Vec<Usage> {
        self.counters.take_of(tokens)
    }

    /// When tokens were last used, of those that were since the last call of [`take_usage`](Self::take_usage).
    pub fn last_uses(&self) -> Vec<(TokenId, Timestamp)> {
        self.counters.last()
    }

    /// The same of one token, with the address that was named.
    pub fn last_use_of(&self, token: TokenId) -> Option<(Timestamp, Option<String>)> {
        self.counters.last_of(token)
    }

    /// Counts that could not be written, to be taken again with what came since.
    pub fn give_back(&self, usage: Vec<Usage>) {
        self.counters.give_back(usage);
    }

    /// Tokens in memory.
    pub fn resident(&self) -> usize {
        self.table().map_or(0, |table| table.len())
    }

    /// For whoever watches over the server.
    pub fn figures(&self) -> Figures {
        let (tokens, bytes) = self.table().map_or((0, 0), |table| (table.len(), table.bytes()));
        let (misses, reads) = (self.misses.read(), self.reads.read());
        Figures { tokens, bytes, waiting: self.queue.len(), misses, reads }
    }

    /// The answer, or `render` back where the facts are not here.
    fn answer<R, F: FnOnce(&Verdict<'_>, Timestamp) -> R>(
        &self,
        presented: &Presented,
        ask: &Ask<'_>,
        origin: &Origin<'_>,
        now: impl Fn() -> Moment,
        render: F,
    ) -> Result<Result<R, F>, Undetermined> {
        let table = self.table()?;
        let Some(facts) = table.facts(&presented.digest()) else { return Ok(Err(render)) };
        let moment = now();
        let at = moment.latest;
        let id = facts.token.id;
        // The digest covers the id, so this differs only where somebody edited the rows by hand.
        let verdict = match presented.id() {
            Some(named) if named != id => Verdict::unknown(Code::NotFound),
            _ => admit::admit(facts, ask, moment),
        };
        let admitted = verdict.is_valid();
        let answer = render(&verdict, at);
        drop(table);
        if origin.counted {
            self.counters.count(id, admitted, at, origin);
        }
        Ok(Ok(answer))
    }

    /// Waits until the facts about this digest were read.
    async fn read(&self, digest: Digest) -> Result<Told, Undetermined> {
        self.misses.add(1);
        let known = || self.table().is_ok_and(|table| table.knows(&digest));
        match self.queue.join(digest, known)? {
            Joined::Known => Ok(Told::Present),
            Joined::Waiting { told, read } => {
                if read {
                    let reader = Reader::new(Arc::clone(&self.queue));
                    let me = self.me.upgrade().ok_or(Undetermined)?;
                    tokio::spawn(async move { me.read_all(reader).await });
                }
                told.await.map_err(|_| Undetermined)
            }
        }
    }

    /// Reads batch after batch until nobody waits.
    async fn read_all(&self, mut reader: Reader) {
        let mut carried = Vec::new();
        while let Some(batch) = reader.next(std::mem::take(&mut carried), self.batch) {
            let since = self.generation();
            let digests: Vec<Digest> = batch.iter().map(|wanted| wanted.digest).collect();
            self.reads.add(1);
            // Those whose batch could not be read hear of it by its being dropped.
            let Ok(rows) = (self.fetch)(digests.clone()).await else { continue };
            let Ok(found) = self.write(|table| table.fill(rows, &digests, since)) else { continue };
            carried = settle(&reader, batch, found);
        }
    }

    fn table(&self) -> Result<RwLockReadGuard<'_, Table>, Undetermined> {
        // A change that panicked half-way leaves a table that determines nothing.
        self.table.read().map_err(|_| Undetermined)
    }

    fn write<R>(&self, change: impl FnOnce(&mut Table) -> R) -> Result<R, Undetermined> {
        self.table.write().map(|mut table| change(&mut table)).map_err(|_| Undetermined)
    }

    fn change(&self, change: impl FnOnce(&mut Table)) {
        if self.write(change).is_err() {
            error!("the facts in memory were damaged by a panic; verdicts are undetermined until a restart");
        }
    }
}

/// Tells the waiters of a batch what was found, and returns what must be read once more.
fn settle(reader: &Reader, batch: Vec<Wanted>, found: Vec<Found>) -> Vec<Wanted> {
    let mut again = Vec::new();
    for (mut wanted, found) in batch.into_iter().zip(found) {
        match found {
            Found::Present => reader.tell(wanted, Told::Present),
            Found::Absent => reader.tell(wanted, Told::Absent),
            Found::Unsettled => {
                wanted.tries += 1;
                if wanted.tries < TRIES {
                    again.push(wanted);
                }
            }
        }
    }
    again
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("resident", &self.resident()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
