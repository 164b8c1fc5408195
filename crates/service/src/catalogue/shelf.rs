//! One account's tokens in columns, as lists look at them, in blocks of rows that lie side by side.
//!
//! A row once written keeps its place; a newer version replaces what is in it. What most tokens share
//! (grants, nodes, holders) is kept once and named by a number.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use domain::facts::{Account, Binding, Holder, Life, Standing};
use domain::grant::Grant;
use domain::ids::HolderId;
use domain::life::{Lens, State};
use domain::node::NodePath;
use domain::time::Timestamp;
use store::Roll;
use token::{Code, Kind, TokenId};

use super::block::{BLOCK, Block, Columns, NEVER_ENDS, flag};

#[derive(Debug)]
pub(crate) struct Shelf {
    pub(super) account: Arc<Account>,
    pub(super) blocks: Vec<Block>,
    pub(super) holders: Vec<Held>,
    holder_places: HashMap<HolderId, u32>,
    /// The holders whose standing changed, one after the other, and [`EVERYBODY`] where the account did.
    pub(super) stops: Vec<u32>,
    pub(super) grants: Shared<Grant>,
    pub(super) nodes: Shared<NodePath>,
    bindings: Shared<Vec<Binding>>,
    /// Of each list of roles some holder who has it: rights are a holder's. None where nobody is known.
    pub(super) like: Vec<Option<Holder>>,
    twists: HashMap<u32, Twist>,
}

/// No holder's number: something that all states depend on has changed.
pub(super) const EVERYBODY: u32 = u32::MAX;

/// A holder, as far as its tokens' states and rights go.
#[derive(Debug)]
pub(super) struct Held {
    /// 0 for one that is named by a token and not known yet.
    version: i64,
    pub(super) bindings: u32,
    /// None in good standing.
    pub(super) standing: Option<Box<Standing>>,
}

/// What happens to few tokens.
#[derive(Clone, Copy, Debug)]
struct Twist {
    approved_at: Option<Timestamp>,
    rotated: Option<TokenId>,
    grace_until: Option<Timestamp>,
}

impl Shelf {
    pub(super) fn new(account: Arc<Account>) -> Self {
        Self {
            account,
            blocks: Vec::new(),
            holders: Vec::new(),
            holder_places: HashMap::new(),
            stops: Vec::new(),
            grants: Shared::default(),
            nodes: Shared::default(),
            bindings: Shared::default(),
            like: Vec::new(),
            twists: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.blocks.last().map_or(0, |last| (self.blocks.len() - 1) * BLOCK + last.len())
    }

    /// Takes in a token, if it is newer than what is in its row. The row, where it got one now.
    pub(super) fn put(&mut self, roll: &Roll, place: Option<u32>) -> Option<u32> {
        let id = pack(roll.id);
        let version = u32::try_from(roll.version).unwrap_or(u32::MAX);
        if let Some(row) = place
            && self.blocks[block_of(row)].versions[within(row)] >= version
        {
            return None;
        }
        let life = &roll.life;
        let mut flags = if roll.desk { flag::DESK } else { 0 };
        for (set, which) in [
            (life.deleted_at.is_some(), flag::DELETED),
            (life.leaked_at.is_some(), flag::LEAKED),
            (life.revoked_at.is_some(), flag::REVOKED),
        ] {
            flags |= if set { which } else { 0 };
        }
        let twist = (life.approved_at != Some(life.created_at) || life.rotated_to.is_some()).then(|| {
            flags |= flag::TWISTED;
            Twist { approved_at: life.approved_at, rotated: life.rotated_to, grace_until: life.grace_until }
        });
        let columns = Columns {
            id,
            created: life.created_at.as_micros(),
            expires: life.expires_at.map_or(NEVER_ENDS, Timestamp::as_micros),
            holder: self.holder(roll.holder),
            issuer: self.holder(roll.issued_by),
            grant: self.grants.place(&roll.grant),
            node: self.nodes.place(&roll.node),
            version,
            flags,
        };
        let row = match place {
            Some(row) => {
                self.blocks[block_of(row)].replace(within(row), &columns, &roll.name);
                row
            }
            None => self.push(&columns, &roll.name),
        };
        match twist {
            Some(twist) => drop(self.twists.insert(row, twist)),
            None => drop(self.twists.remove(&row)),
        }
        place.is_none().then_some(row)
    }

    fn push(&mut self, columns: &Columns, name: &str) -> u32 {
        if self.blocks.last().is_none_or(|block| block.len() == BLOCK) {
            self.blocks.push(Block::default());
        }
        let last = self.blocks.len() - 1;
        let block = &mut self.blocks[last];
        let row = (last * BLOCK + block.len()) as u32;
        block.push(columns, name);
        row
    }

    /// Takes in a holder, if it is newer than what is here.
    pub(super) fn put_holder(&mut self, holder: &Holder) {
        let place = self.holder(holder.id) as usize;
        if self.holders[place].version >= holder.version {
            return;
        }
        let standing = holder.standing;
        let stopped = standing != Standing::default();
        let before = self.holders[place].standing.as_deref().copied().unwrap_or_default();
        if standing != before {
            self.stops.push(place as u32);
        }
        let bindings = self.bindings(&holder.bindings);
        self.like[bindings as usize].get_or_insert_with(|| holder.clone());
        self.holders[place] =
            Held { version: holder.version, bindings, standing: stopped.then(|| Box::new(standing)) };
    }

    /// Sorts what is not sorted yet, which the first lists would do otherwise.
    pub(super) fn sort(&self) {
        self.blocks.iter().for_each(Block::sort);
    }

    pub(super) fn put_account(&mut self, account: &Arc<Account>) {
        if self.account.version < account.version {
            self.account = account.clone();
            self.stops.push(EVERYBODY);
        }
    }

    pub(super) fn used(&mut self, row: u32, at: Timestamp) {
        self.blocks[block_of(row)].used(within(row), at.as_micros());
    }

    /// The number of a holder, known or not yet.
    fn holder(&mut self, id: HolderId) -> u32 {
        if let Some(place) = self.holder_places.get(&id) {
            return *place;
        }
        let bindings = self.bindings(&Vec::new());
        self.holders.push(Held { version: 0, bindings, standing: None });
        let place = self.holders.len() as u32 - 1;
        self.holder_places.insert(id, place);
        place
    }

    fn bindings(&mut self, bindings: &Vec<Binding>) -> u32 {
        let place = self.bindings.place(bindings);
        self.like.resize(self.bindings.all.len(), None);
        place
    }

    pub(super) fn find_holder(&self, id: HolderId) -> Option<u32> {
        self.holder_places.get(&id).copied()
    }

    /// The holders with their numbers.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (HolderId, u32)> {
        self.holder_places.iter().map(|(id, number)| (*id, *number))
    }

    pub(super) fn id(&self, row: u32) -> u64 {
        self.blocks[block_of(row)].ids[within(row)]
    }

    pub(super) fn state(&self, lens: &Lens, number: usize, row: usize) -> State {
        let block = &self.blocks[number];
        let standing = self.standing(number, row);
        let kind = KINDS[(block.ids[row] >> CODE_BITS) as usize];
        if block.flags[row] & !flag::DESK == 0 && standing.is_none() {
            let expires = block.expires[row];
            let expires = (expires != NEVER_ENDS).then(|| Timestamp::from_micros(expires));
            return lens.by_time(kind, Timestamp::from_micros(block.created[row]), expires);
        }
        lens.state(kind, &self.life(number, row), &standing.copied().unwrap_or_default())
    }

    /// The state in which a rotated token would be otherwise.
    pub(super) fn state_before_rotation(&self, lens: &Lens, number: usize, row: usize) -> State {
        let kind = KINDS[(self.blocks[number].ids[row] >> CODE_BITS) as usize];
        let life = Life { rotated_to: None, grace_until: None, ..self.life(number, row) };
        lens.state(kind, &life, &self.standing(number, row).copied().unwrap_or_default())
    }

    /// None in good standing.
    pub(super) fn standing(&self, number: usize, row: usize) -> Option<&Standing> {
        if self.stops.is_empty() {
            return None;
        }
        self.holders[self.blocks[number].holders[row] as usize].standing.as_deref()
    }

    /// The first end of a grace period of a block's rows after a moment; the last moment there is where
    /// there is none.
    pub(super) fn next_grace(&self, number: usize, after: Timestamp) -> i64 {
        let twisted =
            self.blocks[number].flags.iter().enumerate().filter(|(_, flags)| *flags & flag::TWISTED != 0);
        let grace =
            twisted.filter_map(|(row, _)| self.twists.get(&((number * BLOCK + row) as u32))?.grace_until);
        grace.filter(|until| *until > after).min().map_or(i64::MAX, Timestamp::as_micros)
    }

    /// The times of a row, as far as its state follows from them.
    pub(super) fn life(&self, block: usize, row: usize) -> Life {
        let columns = &self.blocks[block];
        let (flags, created_at) = (columns.flags[row], Timestamp::from_micros(columns.created[row]));
        let happened = |which| (flags & which != 0).then_some(created_at);
        let expires = columns.expires[row];
        let straight = Life {
            leaked_at: happened(flag::LEAKED),
            revoked_at: happened(flag::REVOKED),
            deleted_at: happened(flag::DELETED),
            ..Life::from(created_at, (expires != NEVER_ENDS).then(|| Timestamp::from_micros(expires)))
        };
        match self.twists.get(&((block * BLOCK + row) as u32)).filter(|_| flags & flag::TWISTED != 0) {
            Some(twist) => Life {
                approved_at: twist.approved_at,
                rotated_to: twist.rotated,
                grace_until: twist.grace_until,
                ..straight
            },
            None => straight,
        }
    }
}

pub(super) fn block_of(row: u32) -> usize {
    row as usize / BLOCK
}

pub(super) fn within(row: u32) -> usize {
    row as usize % BLOCK
}

/// Kinds in the order of their names, so that packed ids are in the order of their texts: the digits of
/// Crockford's alphabet are in the order of ASCII.
pub(super) const KINDS: [Kind; 5] = [Kind::Pat, Kind::Rft, Kind::Sat, Kind::Ses, Kind::Svc];
pub(super) const CODE_BITS: u32 = 60;
pub(super) const CODE: u64 = (1 << CODE_BITS) - 1;

pub(super) fn pack(id: TokenId) -> u64 {
    let rank = KINDS.iter().position(|kind| *kind == id.kind).unwrap_or_default() as u64;
    rank << CODE_BITS | id.code.as_u64()
}

/// None for what nobody packed.
pub(super) fn unpack(id: u64) -> Option<TokenId> {
    Some(TokenId { kind: *KINDS.get((id >> CODE_BITS) as usize)?, code: Code::from_u64(id & CODE)? })
}

/// Values that many rows share.
#[derive(Debug)]
pub(super) struct Shared<T> {
    pub(super) all: Vec<T>,
    places: HashMap<T, u32>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { all: Vec::new(), places: HashMap::new() }
    }
}

impl<T: Clone + Eq + Hash> Shared<T> {
    pub(super) fn find(&self, value: &T) -> Option<u32> {
        self.places.get(value).copied()
    }

    fn place(&mut self, value: &T) -> u32 {
        if let Some(place) = self.places.get(value) {
            return *place;
        }
        let place = self.all.len() as u32;
        self.all.push(value.clone());
        self.places.insert(value.clone(), place);
        place
    }
}

/// Finds a shelf and a row on it by the id that is there: open addressing.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// A power of two long, at most three quarters full.
    entries: Vec<Place>,
    len: usize,
}

/// A shelf by its number, and a row on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) shelf: u32,
    pub(super) row: u32,
}

const EMPTY: Place = Place { shelf: u32::MAX, row: u32::MAX };

impl Places {
    pub(super) fn find(&self, id: u64, id_at: impl Fn(Place) -> u64) -> Option<Place> {
        if self.entries.is_empty() {
            return None;
        }
        let mut at = self.home(id);
        loop {
            match self.entries[at] {
                EMPTY => return None,
                place if id_at(place) == id => return Some(place),
                _ => at = (at + 1) & (self.entries.len() - 1),
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds an id that is not here yet.
    pub(super) fn insert(&mut self, id: u64, place: Place, id_at: impl Fn(Place) -> u64) {
        if (self.len + 1) * 4 > self.entries.len() * 3 {
            let longer = vec![EMPTY; (self.entries.len() * 2).max(16)];
            for place in std::mem::replace(&mut self.entries, longer) {
                if place != EMPTY {
                    self.write(id_at(place), place);
                }
            }
        }
        self.len += 1;
        self.write(id, place);
    }

    fn write(&mut self, id: u64, place: Place) {
        let mut at = self.home(id);
        while self.entries[at] != EMPTY {
            at = (at + 1) & (self.entries.len() - 1);
        }
        self.entries[at] = place;
    }

    /// Ids are drawn, but imported ones may be anything.
    fn home(&self, id: u64) -> usize {
        (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.entries.len() - 1)
    }
}
