//! Up to [`BLOCK`] rows of a shelf in columns, and what is known of all of them together: their orders,
//! their states for the time being, and which pieces of text they have.

use store::Sort;

use super::ranks::{Key, Ranks};
use super::shelf::CODE_BITS;
use super::states::States;
use super::text::{Pieces, Sketch};

/// Rows of a block: what a scan works on without leaving the cache.
pub(super) const BLOCK: usize = 1024;

/// What never expires comes after everything that does, what was never used before everything else.
pub(super) const NEVER_ENDS: i64 = i64::MAX;
pub(super) const NEVER_USED: i64 = i64::MIN;

/// What happened to a token besides time.
pub(super) mod flag {
    pub(crate) const DESK: u8 = 1;
    pub(crate) const DELETED: u8 = 2;
    pub(crate) const LEAKED: u8 = 4;
    pub(crate) const REVOKED: u8 = 8;
    /// Rotated, or approved at another time than created: the rest is among the twists.
    pub(crate) const TWISTED: u8 = 16;
}

/// Columns. Names follow one another in `names`, each up to its `ends`.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) ids: Vec<u64>,
    pub(super) created: Vec<i64>,
    pub(super) expires: Vec<i64>,
    pub(super) used: Vec<i64>,
    pub(super) holders: Vec<u32>,
    pub(super) issuers: Vec<u32>,
    pub(super) grants: Vec<u32>,
    pub(super) nodes: Vec<u32>,
    pub(super) versions: Vec<u32>,
    pub(super) ends: Vec<u32>,
    pub(super) flags: Vec<u8>,
    pub(super) names: Vec<u8>,
    /// Of each name its sketch.
    pub(super) letters: Vec<u64>,
    pub(super) threes: Vec<u64>,
    /// The kinds that there are, a bit each.
    pub(super) kinds: u8,
    ranks: Ranks,
    pub(super) states: States,
    /// Of a full block. Names that it had once are among them.
    pub(super) pieces: Option<Pieces>,
    renamed: usize,
}

/// The values of a row, but for its name and last use.
pub(super) struct Columns {
    pub(super) id: u64,
    pub(super) created: i64,
    pub(super) expires: i64,
    pub(super) holder: u32,
    pub(super) issuer: u32,
    pub(super) grant: u32,
    pub(super) node: u32,
    pub(super) version: u32,
    pub(super) flags: u8,
}

impl Block {
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn name(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.names[start as usize..self.ends[row] as usize]
    }

    /// The rows in an order, the smallest first.
    pub(super) fn ranks(&self, sort: Sort) -> &[u16] {
        self.ranks.of(sort, self)
    }

    /// Sorts by everything that can be asked for.
    pub(super) fn sort(&self) {
        self.ranks.all(self);
    }

    /// Where a row stands in an order.
    pub(super) fn place(&self, sort: Sort, row: usize) -> (Key<'_>, u64) {
        let key = match sort {
            Sort::Name => Key::name(self.name(row)),
            Sort::ExpiresAt => Key::Number(self.expires[row]),
            Sort::CreatedAt => Key::Number(self.created[row]),
            Sort::LastUsedAt => Key::Number(self.used[row]),
            Sort::Id => Key::Number(0),
        };
        (key, self.ids[row])
    }

    pub(super) fn push(&mut self, columns: &Columns, name: &str) {
        self.ids.push(columns.id);
        self.created.push(columns.created);
        self.expires.push(columns.expires);
        self.used.push(NEVER_USED);
        self.holders.push(columns.holder);
        self.issuers.push(columns.issuer);
        self.grants.push(columns.grant);
        self.nodes.push(columns.node);
        self.versions.push(columns.version);
        self.flags.push(columns.flags);
        self.names.extend(name.as_bytes());
        self.ends.push(self.names.len() as u32);
        let sketch = Sketch::of(name.as_bytes());
        self.letters.push(sketch.letters);
        self.threes.push(sketch.threes);
        self.kinds |= 1 << (columns.id >> CODE_BITS);
        self.states.forget();
        self.ranked(|ranks, block| ranks.add(block, block.len() - 1));
        if self.len() == BLOCK {
            self.pieces = Some(Pieces::of(self));
        }
    }

    pub(super) fn replace(&mut self, row: usize, columns: &Columns, name: &str) {
        self.holders[row] = columns.holder;
        self.issuers[row] = columns.issuer;
        self.grants[row] = columns.grant;
        self.nodes[row] = columns.node;
        self.versions[row] = columns.version;
        self.flags[row] = columns.flags;
        self.states.forget();
        if self.created[row] != columns.created {
            self.reorder(Sort::CreatedAt, row, |block| block.created[row] = columns.created);
        }
        if self.expires[row] != columns.expires {
            self.reorder(Sort::ExpiresAt, row, |block| block.expires[row] = columns.expires);
        }
        if self.name(row) != name.as_bytes() {
            self.reorder(Sort::Name, row, |block| block.rename(row, name.as_bytes()));
        }
    }

    /// Moves the last use on.
    pub(super) fn used(&mut self, row: usize, at: i64) {
        if at > self.used[row] {
            self.reorder(Sort::LastUsedAt, row, |block| block.used[row] = at);
        }
    }

    fn rename(&mut self, row: usize, name: &[u8]) {
        let end = self.ends[row] as usize;
        let start = end - self.name(row).len();
        self.names.splice(start..end, name.iter().copied());
        for later in &mut self.ends[row..] {
            *later = (*later as usize - (end - start) + name.len()) as u32;
        }
        let sketch = Sketch::of(name);
        (self.letters[row], self.threes[row]) = (sketch.letters, sketch.threes);
        if let Some(pieces) = &mut self.pieces {
            pieces.add_name(name);
            self.renamed += 1;
            if self.renamed == BLOCK {
                self.renamed = 0;
                self.pieces = Some(Pieces::of(self));
            }
        }
    }

    /// Changes what a row is sorted by.
    fn reorder(&mut self, sort: Sort, row: usize, change: impl FnOnce(&mut Self)) {
        self.ranked(|ranks, block| ranks.remove(sort, block, row));
        change(self);
        self.ranked(|ranks, block| ranks.place(sort, block, row));
    }

    fn ranked(&mut self, change: impl FnOnce(&mut Ranks, &Self)) {
        let mut ranks = std::mem::take(&mut self.ranks);
        change(&mut ranks, self);
        self.ranks = ranks;
    }
}
