//! Tokens in memory as lists look at them: whatever a list filters by and is in order of, it costs a
//! walk along a few columns, and the rows that it shows are then read from the store.
//!
//! An account's tokens are brought in when somebody first asks for a list that the store would have to
//! search for, or the whole server's by an inventory; they are kept true by commits, like the facts in
//! the verifier, and let go of when nobody has asked for a while. Nothing here decides anything: states
//! are told by `domain::life`, and what is shown, or revoked, is a row of the store.

mod block;
#[cfg(test)]
mod changes;
mod mask;
mod outlook;
mod ranks;
mod scan;
mod shelf;
mod shifts;
mod states;
mod tally;
#[cfg(test)]
mod tests;
mod text;
mod want;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use domain::facts::{Account, Holder, Snapshot};
use domain::ids::{AccountId, HolderId};
use domain::outlook::Outlook;
use domain::policy::Policy;
use domain::time::Timestamp;
use store::{HolderQuery, Roll, Store};
use token::TokenId;

use crate::Error;
pub(crate) use scan::Order;
use shelf::{Place, Places, Shelf, pack};
pub use shifts::Shifted;
pub use tally::{Buckets, Tally};
pub use want::{Span, Want};

/// Rows read at a time.
const CHUNK: usize = 20_000;

/// From how many tokens of an account on the uses of all accounts are read, and not those of each token.
const MANY: usize = 250_000;

/// How long nobody must have asked for a catalogue to be let go of, in microseconds: an hour.
const IDLE: i64 = 3_600_000_000;

/// How long last uses that other peers wrote may go unseen, in microseconds.
const STALE: i64 = 60_000_000;

pub(crate) struct Catalogue {
    shelves: RwLock<Shelves>,
    /// One is brought in at a time; what is heard meanwhile is in `late`.
    bringing: tokio::sync::Mutex<()>,
    late: Mutex<Option<Vec<Late>>>,
    /// Tokens that may be here, at most.
    most: usize,
    /// When somebody last asked, and when uses of other peers were last read.
    asked: AtomicI64,
    uses_read: AtomicI64,
}

#[derive(Default)]
struct Shelves {
    all: Vec<Shelf>,
    by_account: HashMap<AccountId, u32>,
    places: Places,
    /// Every account is here.
    whole: bool,
    /// How often everything was let go of: what was read for an earlier time is not kept.
    generation: u64,
}

/// What was heard of while rows were read that may be older.
enum Late {
    Account(Arc<Account>),
    Holder(Box<Holder>),
    Token(Box<Roll>),
    Use(TokenId, Timestamp),
}

/// What a list is about.
#[derive(Clone, Debug)]
pub(crate) enum Scope {
    Account(AccountId),
    Server,
}

/// More tokens than this server is set to have in memory.
#[derive(Debug)]
pub(crate) struct TooMany;

impl Catalogue {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            shelves: RwLock::default(),
            bringing: tokio::sync::Mutex::default(),
            late: Mutex::default(),
            most,
            asked: AtomicI64::new(i64::MIN),
            uses_read: AtomicI64::new(i64::MIN),
        }
    }

    /// Whether lists of this can be answered now.
    pub(crate) fn has(&self, scope: &Scope) -> bool {
        self.read().has(scope)
    }

    /// The first tokens of an order that are wanted. None where they are not here (any more).
    pub(crate) fn first(
        &self,
        scope: &Scope,
        want: &Want,
        order: &Order,
        now: Timestamp,
    ) -> Option<Vec<TokenId>> {
        self.over(scope, now, |shelves| scan::first(shelves, want, order, now))
    }

    /// Every token that is wanted, in the order in which they were made: so most lie beside each other in a store.
    pub(crate) fn every(&self, scope: &Scope, want: &Want, now: Timestamp) -> Option<Vec<TokenId>> {
        self.over(scope, now, |shelves| {
            let mut all = Vec::new();
            scan::every(shelves, want, now, |shelf, _, block, row| {
                let block = &shelf.blocks[block];
                all.push((block.created[row], block.ids[row]));
            });
            all.sort_unstable();
            all.into_iter().filter_map(|(_, id)| want::id(id)).collect()
        })
    }

    /// How many are wanted, of each sort.
    pub(crate) fn tally(&self, scope: &Scope, want: &Want, now: Timestamp) -> Option<Tally> {
        self.over(scope, now, |shelves| tally::tally(shelves, want, now))
    }

    /// What becomes of an account's tokens under another policy. None where they are not here.
    pub(crate) fn outlook(&self, account: &AccountId, next: &Policy, now: Timestamp) -> Option<Outlook> {
        let scope = Scope::Account(account.clone());
        self.over(&scope, now, |shelves| {
            let shelf = shelves.first();
            shelf.map_or_else(Outlook::default, |shelf| outlook::outlook(shelf, next, now))
        })
    }

    /// The holders of most of the tokens that are wanted, the first of them with how many each has.
    pub(crate) fn holders(
        &self,
        scope: &Scope,
        want: &Want,
        most: usize,
        now: Timestamp,
    ) -> Option<Vec<(AccountId, HolderId, u64)>> {
        self.over(scope, now, |shelves| tally::holders(shelves, want, most, now))
    }

    /// Of one account's tokens that are wanted, whose would do less or more if it were as in `after`.
    pub(crate) fn shifts(
        &self,
        want: &Want,
        before: &Account,
        after: &Account,
        now: Timestamp,
    ) -> Option<HashMap<HolderId, Shifted>> {
        let scope = Scope::Account(before.id.clone());
        self.over(&scope, now, |shelves| shifts::shifts(shelves, want, before, after, now))
    }

    fn over<T>(&self, scope: &Scope, now: Timestamp, look: impl FnOnce(&[&Shelf]) -> T) -> Option<T> {
        self.asked.fetch_max(now.as_micros(), Ordering::Relaxed);
        let shelves = self.read();
        if !shelves.has(scope) {
            return None;
        }
        Some(match scope {
            Scope::Account(id) => match shelves.by_account.get(id) {
                Some(shelf) => look(&[&shelves.all[*shelf as usize]]),
                None => look(&[]),
            },
            Scope::Server => look(&shelves.all.iter().collect::<Vec<_>>()),
        })
    }

    /// Brings in what is not here; it may be let go of again at once.
    ///
    /// # Errors
    /// The outer one: the rows could not be read.
    pub(crate) async fn bring(&self, store: &Store, scope: &Scope) -> Result<Result<(), TooMany>, Error> {
        let _one = self.bringing.lock().await;
        let generation = {
            let shelves = self.read();
            if shelves.has(scope) {
                return Ok(Ok(()));
            }
            shelves.generation
        };
        // From here on nothing that is written goes unheard; what was written before will be read.
        *self.late() = Some(Vec::new());
        let brought = self.read_all(store, scope).await;
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        let late = self.late().take().unwrap_or_default();
        let mut brought = match brought? {
            Ok(brought) => brought,
            Err(too_many) => return Ok(Err(too_many)),
        };
        late.iter().for_each(|late| brought.hear(late));
        if shelves.generation == generation {
            match scope {
                Scope::Server => *shelves = Shelves { generation, ..brought },
                Scope::Account(_) => shelves.take_in(brought),
            }
        }
        Ok(Ok(()))
    }

    async fn read_all(&self, store: &Store, scope: &Scope) -> Result<Result<Shelves, TooMany>, Error> {
        let mut shelves = Shelves::default();
        let account = match scope {
            Scope::Account(id) => Some(id),
            Scope::Server => None,
        };
        shelves.whole = account.is_none();
        match account {
            Some(id) => store.account(id).await?.into_iter().for_each(|account| shelves.add(account)),
            None => {
                let mut after: Option<AccountId> = None;
                loop {
                    let some = store.accounts(after.as_ref(), CHUNK).await?;
                    let full = some.len() == CHUNK;
                    after = some.last().map(|account| account.id.clone());
                    some.into_iter().for_each(|account| shelves.add(account));
                    if !full {
                        break;
                    }
                }
            }
        }
        let mut after = None;
        loop {
            let some = match account {
                Some(id) => {
                    let after = after.as_ref().map(|(_, id)| *id);
                    let query = HolderQuery { kind: None, after, limit: CHUNK, include_removed: true };
                    store.holders(id, query).await?
                }
                None => store.every_holder(after.as_ref().map(|(account, id)| (account, *id)), CHUNK).await?,
            };
            after = some.last().map(|holder: &Holder| (holder.account.clone(), holder.id));
            let full = some.len() == CHUNK;
            for holder in &some {
                if let Some(shelf) = shelves.shelf(&holder.account) {
                    shelf.put_holder(holder);
                }
            }
            if !full {
                break;
            }
        }
        let most = self.most.saturating_sub(self.len());
        let mut read = store.rolls(account, None, CHUNK).await?;
        loop {
            let (some, next) = read;
            let put = async { some.iter().for_each(|roll| shelves.put(roll)) };
            let Some(after) = next else {
                put.await;
                break;
            };
            // The next ones are read while these find their places.
            read = tokio::join!(store.rolls(account, Some(after), CHUNK), put).0?;
            if shelves.places.len() > most {
                return Ok(Err(TooMany));
            }
        }
        if shelves.places.len() > most {
            return Ok(Err(TooMany));
        }
        self.uses_read.store(store.now().as_micros(), Ordering::Relaxed);
        // Row by row takes ten times as long as all in their order.
        let of_account = account.filter(|_| shelves.places.len() < MANY);
        for (id, at) in store.uses(of_account, None).await? {
            shelves.used(id, at);
        }
        // That takes a moment, in which nobody else should wait.
        let sorted = tokio::task::spawn_blocking(move || {
            shelves.all.iter().for_each(Shelf::sort);
            shelves
        });
        Ok(Ok(sorted.await.map_err(|_| Error::Undetermined)?))
    }

    /// Rows as commits left them, here or on another peer.
    pub(crate) fn apply(&self, rows: &Snapshot) {
        let late = self.late().is_some();
        if !late && self.is_empty() {
            return;
        }
        let accounts = rows.accounts.iter().map(|row| Late::Account(Arc::new(row.clone())));
        let holders = rows.holders.iter().map(|row| Late::Holder(Box::new(row.clone())));
        let tokens = rows.tokens.iter().map(|row| Late::Token(Box::new(row.into())));
        self.hear(accounts.chain(holders).chain(tokens));
    }

    /// When tokens were last used.
    pub(crate) fn used(&self, uses: impl IntoIterator<Item = (TokenId, Timestamp)>) {
        if self.late().is_some() || !self.is_empty() {
            self.hear(uses.into_iter().map(|(token, at)| Late::Use(token, at)));
        }
    }

    fn hear(&self, mut news: impl Iterator<Item = Late>) {
        /// What is heard at once: lists should not wait for the whole of a change of many rows.
        const SOME: usize = 1_000;
        loop {
            let some: Vec<Late> = news.by_ref().take(SOME).collect();
            if some.is_empty() {
                return;
            }
            // Under the lock that whoever brings something in must have to take `late` away.
            let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
            let mut late = self.late();
            for news in some {
                shelves.hear(&news);
                if let Some(late) = &mut *late {
                    late.push(news);
                }
            }
        }
    }

    /// Learns what other peers wrote of uses, once in a while.
    pub(crate) async fn learn_uses(&self, store: &Store, now: Timestamp) -> Result<(), Error> {
        let last = self.uses_read.load(Ordering::Relaxed);
        if !store.has_peers() || now.as_micros() - last < STALE {
            return Ok(());
        }
        self.uses_read.store(now.as_micros(), Ordering::Relaxed);
        // A use is written up to half a minute after it was.
        let since = Timestamp::from_micros(last.max(0).saturating_sub(2 * STALE));
        let uses = store.uses(None, Some(since)).await?;
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        uses.into_iter().for_each(|(id, at)| shelves.used(id, at));
        Ok(())
    }

    /// Lets go of everything: it may be wrong.
    pub(crate) fn clear(&self) {
        let mut shelves = self.shelves.write().unwrap_or_else(PoisonError::into_inner);
        let generation = shelves.generation + 1;
        let gone = std::mem::replace(&mut *shelves, Shelves { generation, ..Shelves::default() });
        // Dropped without the lock: that takes a while for millions of tokens.
        drop(shelves);
        drop(gone);
    }

    /// Lets go of everything if nobody has asked for an hour.
    pub(crate) fn rest(&self, now: Timestamp) {
        if now.as_micros() - self.asked.load(Ordering::Relaxed) > IDLE && !self.is_empty() {
            self.clear();
        }
    }

    /// Tokens that are here.
    pub(crate) fn len(&self) -> usize {
        self.read().places.len()
    }

    fn is_empty(&self) -> bool {
        let shelves = self.read();
        !shelves.whole && shelves.all.is_empty()
    }

    fn read(&self) -> RwLockReadGuard<'_, Shelves> {
        // What is in it is compared with the store's rows before anybody sees it.
        self.shelves.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn late(&self) -> std::sync::MutexGuard<'_, Option<Vec<Late>>> {
        self.late.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn has(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Server => self.whole,
            Scope::Account(id) => self.whole || self.by_account.contains_key(id),
        }
    }

    fn shelf(&mut self, account: &AccountId) -> Option<&mut Shelf> {
        let number = *self.by_account.get(account)?;
        self.all.get_mut(number as usize)
    }

    fn add(&mut self, account: Arc<Account>) {
        self.by_account.insert(account.id.clone(), self.all.len() as u32);
        self.all.push(Shelf::new(account));
    }

    /// Onto its shelf; an account that is new begins one where all are here.
    fn hear(&mut self, news: &Late) {
        match news {
            Late::Account(account) => {
                if let Some(shelf) = self.shelf(&account.id) {
                    shelf.put_account(account);
                } else if self.whole {
                    self.add(account.clone());
                }
            }
            Late::Holder(holder) => {
                if let Some(shelf) = self.shelf(&holder.account) {
                    shelf.put_holder(holder);
                }
            }
            Late::Token(roll) => self.put(roll),
            Late::Use(id, at) => self.used(*id, *at),
        }
    }

    fn put(&mut self, roll: &Roll) {
        let Some(number) = self.by_account.get(&roll.account).copied() else { return };
        let place = self.find(roll.id).map(|place| place.row);
        if let Some(row) = self.all[number as usize].put(roll, place) {
            self.index(pack(roll.id), Place { shelf: number, row });
        }
    }

    /// A token was used. One that is not here is passed over.
    fn used(&mut self, id: TokenId, at: Timestamp) {
        if let Some(place) = self.find(id) {
            self.all[place.shelf as usize].used(place.row, at);
        }
    }

    fn find(&self, id: TokenId) -> Option<Place> {
        self.places.find(pack(id), |at| self.all[at.shelf as usize].id(at.row))
    }

    fn index(&mut self, id: u64, place: Place) {
        let all = &self.all;
        self.places.insert(id, place, |at| all[at.shelf as usize].id(at.row));
    }

    /// Adds shelves of accounts that are not here.
    fn take_in(&mut self, others: Self) {
        for shelf in others.all {
            let number = self.all.len() as u32;
            self.by_account.insert(shelf.account.id.clone(), number);
            self.all.push(shelf);
            for row in 0..self.all[number as usize].len() as u32 {
                let id = self.all[number as usize].id(row);
                self.index(id, Place { shelf: number, row });
            }
        }
    }
}
