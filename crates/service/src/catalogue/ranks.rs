//! The orders that lists come in, block by block: which row of a block is the first, the second, ….
//!
//! The first rows of all are then found by looking at the first of each block. An order is sorted when
//! it is first asked for; from then on a row that changes moves to its new place.

use std::cmp::Ordering;
use std::sync::OnceLock;

use store::Sort;

use super::block::Block;

/// What a row stands by in an order; its id decides where that is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    Number(i64),
    /// Its first letters stand by themselves: most names differ in them, and those need not be fetched.
    Name(u128, &'a [u8]),
}

impl<'a> Key<'a> {
    pub(super) fn name(name: &'a [u8]) -> Self {
        let mut first = [0; 16];
        let length = name.len().min(first.len());
        first[..length].copy_from_slice(&name[..length]);
        // No name has a NUL, so that shorter ones come first as they do in full.
        Self::Name(u128::from_be_bytes(first), name)
    }
}

const SORTS: [Sort; 5] = [Sort::Name, Sort::ExpiresAt, Sort::CreatedAt, Sort::LastUsedAt, Sort::Id];

/// Of each order the rows by their place in it; nothing for one that nobody asked for.
#[derive(Debug, Default)]
pub(super) struct Ranks([OnceLock<Vec<u16>>; SORTS.len()]);

impl Ranks {
    /// The rows of the block in an order, the smallest first.
    pub(super) fn of<'a>(&'a self, sort: Sort, block: &Block) -> &'a [u16] {
        self.0[number(sort)].get_or_init(|| {
            let mut rows: Vec<u16> = (0..block.ids.len() as u16).collect();
            let column = match sort {
                Sort::Name => {
                    rows.sort_unstable_by(|a, b| compare(block, sort, *a, *b));
                    return rows;
                }
                Sort::ExpiresAt => Some(&block.expires),
                Sort::CreatedAt => Some(&block.created),
                Sort::LastUsedAt => Some(&block.used),
                Sort::Id => None,
            };
            let key = |row: usize| (column.map_or(0, |column| column[row]), block.ids[row]);
            let mut keys: Vec<_> = (0..block.ids.len()).map(|row| (key(row), row as u16)).collect();
            keys.sort_unstable();
            keys.into_iter().map(|(_, row)| row).collect()
        })
    }

    /// Sorts what is not sorted yet.
    pub(super) fn all(&self, block: &Block) {
        for sort in SORTS {
            self.of(sort, block);
        }
    }

    /// Gives a row its place in every order. It has none there.
    pub(super) fn add(&mut self, block: &Block, row: usize) {
        for sort in SORTS {
            self.place(sort, block, row);
        }
    }

    /// Gives a row its place in an order. It has none there.
    pub(super) fn place(&mut self, sort: Sort, block: &Block, row: usize) {
        if let Some(rows) = self.0[number(sort)].get_mut() {
            let at = before(rows, block, sort, row as u16);
            rows.insert(at, row as u16);
        }
    }

    /// Takes a row out of an order, while the block still has the value by which it stands there.
    pub(super) fn remove(&mut self, sort: Sort, block: &Block, row: usize) {
        if let Some(rows) = self.0[number(sort)].get_mut() {
            let at = before(rows, block, sort, row as u16);
            let removed = rows.remove(at);
            debug_assert_eq!(usize::from(removed), row);
        }
    }
}

/// How many rows come before that one.
fn before(rows: &[u16], block: &Block, sort: Sort, row: u16) -> usize {
    // What is created later comes last in most orders that matter.
    match rows.last() {
        Some(last) if compare(block, sort, *last, row) == Ordering::Less => rows.len(),
        _ => rows.partition_point(|other| compare(block, sort, *other, row) == Ordering::Less),
    }
}

fn compare(block: &Block, sort: Sort, a: u16, b: u16) -> Ordering {
    block.place(sort, a.into()).cmp(&block.place(sort, b.into()))
}

fn number(sort: Sort) -> usize {
    match sort {
        Sort::Name => 0,
        Sort::ExpiresAt => 1,
        Sort::CreatedAt => 2,
        Sort::LastUsedAt => 3,
        Sort::Id => 4,
    }
}
