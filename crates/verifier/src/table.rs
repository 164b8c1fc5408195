//! The facts in memory, and which of two rows is the truth.
//!
//! Two rules keep old rows out. *Versions*: a row replaces the one that is here only if it is
//! newer. *Floors*: of a token that is no longer here no version is known, so the table keeps
//! where in the order of changes it was when it let go of one, and a token read in an earlier
//! snapshot is read again. Holders, accounts and services are let go only all at once, when the
//! table is [cleared](Table::clear): then a third rule holds, *generations*. What was read for the
//! table before it was cleared is not kept.
//!
//! Whoever holds the lock around a table calls one method of it; nothing here waits.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::admit::{Facts, Subject};
use domain::facts::{Account, Holder, Service, Snapshot, Token};
use domain::grant::Grant;
use domain::ids::{AccountId, HolderId, ServiceId};
use domain::node::NodePath;
use domain::permission::Registry;
use token::{Digest, TokenId};
use tracing::error;

use crate::dense::{Chunks, Interned, Rows, Slab};
use crate::index::{self, Index};
use crate::slot::{STRAIGHT, Slot, Text, Twists};

/// Floors are kept for groups of digests, so that letting go of one token makes hardly any
/// other one be read again.
const FLOORS: usize = 1024;

/// The time between two clearings of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

#[derive(Debug)]
pub(crate) struct Table {
    generation: Generation,
    registry: Arc<Registry>,
    accounts: Rows<AccountId, Account>,
    /// Each with the place of its account.
    holders: Rows<HolderId, (Holder, u32)>,
    grants: Interned<Grant>,
    nodes: Interned<NodePath>,
    slots: Chunks<Slot>,
    /// Beside the slots, place by place.
    texts: Chunks<Text>,
    twists: Slab<Twists>,
    index: Index,
    /// Vacant slots.
    free: Vec<u32>,
    max_tokens: usize,
    services: Rows<ServiceId, Arc<Service>>,
    service_keys: HashMap<Digest, u32>,
    /// The last change that was applied.
    applied: i64,
    floors: Box<[i64; FLOORS]>,
}

/// What a read brought about one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Present,
    /// There was no such token, and no such service, in the snapshot.
    Absent,
    /// The snapshot is too old to tell, or there was no room to keep what it told.
    Unsettled,
}

impl Table {
    pub(crate) fn new(max_tokens: usize, registry: Registry) -> Self {
        Self::empty(Generation(0), max_tokens, Arc::new(registry))
    }

    fn empty(generation: Generation, max_tokens: usize, registry: Arc<Registry>) -> Self {
        Self {
            generation,
            registry,
            accounts: Rows::new(),
            holders: Rows::new(),
            grants: Interned::new(),
            nodes: Interned::new(),
            slots: Chunks::new(),
            texts: Chunks::new(),
            twists: Slab::new(),
            index: Index::new(),
            free: Vec::new(),
            max_tokens: max_tokens.clamp(1, index::MOST),
            services: Rows::new(),
            service_keys: HashMap::new(),
            applied: i64::MIN,
            floors: Box::new([i64::MIN; FLOORS]),
        }
    }

    /// Empties the table. Returns what was in it, to be dropped where nobody waits.
    ///
    /// Positions and the registry begin anew as well: what emptied the table may be a store that was
    /// set back, and then gave a bit to another permission. What is read brings the registry along.
    pub(crate) fn clear(&mut self) -> Self {
        let registry = Arc::new(Registry::default());
        let next = Self::empty(Generation(self.generation.0 + 1), self.max_tokens, registry);
        std::mem::replace(self, next)
    }

    /// To be asked for before a read begins, and handed in with what it brought.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// All that is known of the token with this digest; none where something of it is not here.
    pub(crate) fn facts(&self, digest: &Digest) -> Option<Facts<'_>> {
        let place = self.find(digest)?;
        let slot = &self.slots[place];
        let text = &self.texts[place];
        let (holder, account) = self.holders.at(slot.holder)?;
        let twists = (slot.twists != STRAIGHT).then(|| self.twists.at(slot.twists));
        let token = Subject {
            id: slot.id()?,
            name: text.name(),
            metadata: text.metadata(),
            life: slot.life(twists),
            conditions: Twists::conditions(twists),
            grant: self.grants.at(slot.grant)?,
            desk: slot.desk(),
            node: self.nodes.at(slot.node)?,
            version: slot.version,
        };
        Some(Facts { token, holder, account: self.accounts.at(*account)?, registry: &self.registry })
    }

    /// The service with this key. A key that was replaced leads nowhere.
    pub(crate) fn service(&self, digest: &Digest) -> Option<&Arc<Service>> {
        self.services.at(*self.service_keys.get(digest)?).filter(|service| service.digest == *digest)
    }

    pub(crate) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Tokens in memory.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Bytes that the rows of tokens and their index have taken.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.bytes() + self.texts.bytes() + self.index.bytes()
    }

    /// Rows as commits left them. With several peers two tell of them, who commits here and who
    /// follows the others, so one may be late: a token that was let go since is read again.
    pub(crate) fn apply(&mut self, mut rows: Snapshot) {
        self.applied = self.applied.max(rows.position);
        self.keep_surroundings(&mut rows);
        for token in rows.tokens {
            match self.find(&token.digest) {
                Some(place) => self.replace(place, token),
                None if rows.position >= self.floor(&token.digest) => self.insert(token),
                None => {}
            }
        }
    }

    /// Rows read because these digests were asked for, and what that tells about each of them.
    pub(crate) fn fill(&mut self, mut rows: Snapshot, wanted: &[Digest], since: Generation) -> Vec<Found> {
        if since != self.generation {
            let settled = |digest| if self.knows(digest) { Found::Present } else { Found::Unsettled };
            return wanted.iter().map(settled).collect();
        }
        self.keep_surroundings(&mut rows);
        let read: HashSet<Digest> = rows.tokens.iter().map(|token| token.digest).collect();
        for token in rows.tokens {
            match self.find(&token.digest) {
                Some(place) => self.replace(place, token),
                None if rows.position >= self.floor(&token.digest) => self.insert(token),
                None => {}
            }
        }
        let found = |digest: &Digest| {
            if self.knows(digest) {
                Found::Present
            } else if read.contains(digest) || rows.position < self.floor(digest) {
                Found::Unsettled
            } else {
                Found::Absent
            }
        };
        wanted.iter().map(found).collect()
    }

    /// Rows of a bulk load, which make nobody go: what finds no room is left to be read when
    /// somebody asks.
    pub(crate) fn load(&mut self, mut chunk: Snapshot, since: Generation) {
        if since != self.generation {
            return;
        }
        self.keep_surroundings(&mut chunk);
        for token in chunk.tokens {
            match self.find(&token.digest) {
                Some(place) => self.replace(place, token),
                None if chunk.position >= self.floor(&token.digest) && self.len() < self.max_tokens => {
                    self.insert(token);
                }
                None => {}
            }
        }
    }

    /// The digests of these tokens, where they are here: a walk through the whole table.
    pub(crate) fn digests_of(&self, ids: &HashSet<TokenId>) -> Vec<Digest> {
        let named = |slot: &&Slot| slot.id().is_some_and(|id| ids.contains(&id));
        self.slots.iter().filter(named).map(|slot| slot.digest).collect()
    }

    pub(crate) fn forget(&mut self, digest: &Digest) {
        if let Some(place) = self.find(digest) {
            self.let_go(place);
        }
    }

    /// Whether an ask for this digest can be answered from here.
    pub(crate) fn knows(&self, digest: &Digest) -> bool {
        self.facts(digest).is_some() || self.service(digest).is_some()
    }

    fn find(&self, digest: &Digest) -> Option<u32> {
        self.index.find(digest, |place| self.slots[place].digest == *digest)
    }

    /// Everything but tokens: what stays once it came, so that versions alone decide.
    fn keep_surroundings(&mut self, rows: &mut Snapshot) {
        for (bit, name) in rows.permissions.drain(..) {
            self.keep_permission(bit, name);
        }
        for account in rows.accounts.drain(..) {
            self.accounts.offer(account.id.clone(), account, |row| row.version);
        }
        for holder in rows.holders.drain(..) {
            let account = self.accounts.place(holder.account.clone());
            self.holders.offer(holder.id, (holder, account), |(row, _)| row.version);
        }
        for service in rows.services.drain(..) {
            self.service_keys.insert(service.digest, self.services.place(service.id));
            self.services.offer(service.id, Arc::new(service), |row| row.version);
        }
    }

    /// Bits are given out in order and never change, so a snapshot tells what is known already,
    /// or what comes next.
    fn keep_permission(&mut self, bit: u8, name: String) {
        let known = self.registry.names();
        if known.get(usize::from(bit)) == Some(&name) {
            return;
        }
        if usize::from(bit) != known.len() || Arc::make_mut(&mut self.registry).extend([name]).is_err() {
            error!(
                bit,
                "permission {bit} does not follow the ones that are known; it is held by nobody here"
            );
        }
    }

    fn replace(&mut self, place: u32, token: Token) {
        if self.slots[place].version >= token.version {
            return;
        }
        self.release(place);
        self.write(place, token);
    }

    /// Finds room for a token that is not here; when the table is full, another one goes.
    fn insert(&mut self, token: Token) {
        if self.len() >= self.max_tokens {
            self.let_go(self.victim(&token.digest));
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.slots.push(Slot::VACANT);
                self.texts.push(Text::EMPTY);
                self.slots.len() as u32 - 1
            }
        };
        self.index.insert(&token.digest, place, |place| &self.slots[place].digest);
        self.write(place, token);
    }

    fn write(&mut self, place: u32, token: Token) {
        let holder = self.holders.place(token.holder);
        let grant = self.grants.take(token.grant);
        let node = self.nodes.take(token.node);
        let twists =
            Twists::of(&token.life, token.conditions).map_or(STRAIGHT, |twists| self.twists.put(twists));
        let places = [holder, grant, node, twists];
        self.slots[place] = Slot::new(token.digest, token.id, token.desk, &token.life, token.version, places);
        self.texts[place] = Text::new(token.name, token.metadata);
    }

    /// Gives back what the row at this place shares with others.
    fn release(&mut self, place: u32) {
        let slot = &self.slots[place];
        self.grants.release(slot.grant);
        self.nodes.release(slot.node);
        if slot.twists != STRAIGHT {
            self.twists.release(slot.twists);
        }
    }

    fn let_go(&mut self, place: u32) {
        let digest = self.slots[place].digest;
        self.release(place);
        self.index.remove(&digest, place, |place| &self.slots[place].digest);
        self.slots[place] = Slot::VACANT;
        self.texts[place] = Text::EMPTY;
        self.free.push(place);
        self.floors[floor_of(&digest)] = self.floors[floor_of(&digest)].max(self.applied);
    }

    /// Any token, as the newcomer's digest has it: chance without a generator, and without a
    /// note of who was used last, which each verify would have to write.
    fn victim(&self, newcomer: &Digest) -> u32 {
        let [.., a, b, c, d] = *newcomer.as_bytes();
        let slots = self.slots.len() as u32;
        let first = u32::from_le_bytes([a, b, c, d]) % slots;
        (first..slots).chain(0..first).find(|place| self.slots[*place].id().is_some()).unwrap_or(first)
    }

    /// The earliest position at which a token with this digest may have been read.
    fn floor(&self, digest: &Digest) -> i64 {
        self.floors[floor_of(digest)]
    }
}

fn floor_of(digest: &Digest) -> usize {
    let bytes = digest.as_bytes();
    usize::from(u16::from_le_bytes([bytes[16], bytes[17]])) % FLOORS
}
