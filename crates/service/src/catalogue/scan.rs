//! Scans of shelves: the first rows of an order, every row, or how many there are of each sort.
//!
//! The first rows are looked for in blocks taken from all over, so that whatever the order is, most
//! rows are soon seen to come later than enough others and are not looked at any further.

use std::cmp::Ordering;

use domain::life::State;
use domain::time::Timestamp;
use store::Sort;
use token::TokenId;

use super::shelf::{BLOCK, Block, Shelf};
use super::want::{Bound, Hits, Lenses, Text, Want, id};

/// What a list is in order of, and from where on.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) sort: Sort,
    pub(crate) descending: bool,
    pub(crate) after: Option<store::After>,
    pub(crate) limit: usize,
}

/// The first tokens of an order that are wanted.
pub(super) fn first(shelves: &[&Shelf], want: &Want, order: &Order, now: Timestamp) -> Vec<TokenId> {
    let text = text(want);
    let bounds = bounds(shelves, want, text.as_ref(), now);
    let mut top = Top::new(shelves, order);
    match order.sort {
        Sort::Id => scan(&bounds, &mut top, |block, row| block.ids[row]),
        Sort::CreatedAt => scan(&bounds, &mut top, |block, row| ordered(block.created[row])),
        Sort::ExpiresAt => scan(&bounds, &mut top, |block, row| ordered(block.expires[row])),
        Sort::LastUsedAt => scan(&bounds, &mut top, |block, row| ordered(block.used[row])),
        Sort::Name => {
            let skip = top.skip;
            scan(&bounds, &mut top, |block, row| letters(block.name(row), skip));
        }
    }
    top.done()
}

/// Every token that is wanted, in no order.
pub(super) fn every<'a>(
    shelves: &[&'a Shelf],
    want: &Want,
    now: Timestamp,
    mut each: impl FnMut(&'a Shelf, State, usize, usize),
) {
    let text = text(want);
    let mut hits = Hits::new();
    for (_, bound) in bounds(shelves, want, text.as_ref(), now) {
        for block in 0..bound.shelf().blocks.len() {
            bound.hits(block, &mut hits);
            for row in 0..bound.shelf().blocks[block].ids.len() {
                if bound.wants(block, row, &hits) {
                    each(bound.shelf(), bound.state(block, row), block, row);
                }
            }
        }
    }
}

fn text(want: &Want) -> Option<Text> {
    want.text.as_deref().filter(|text| !text.is_empty()).map(Text::new)
}

/// The shelves on which something can be wanted, by their number.
fn bounds<'a, 't>(
    shelves: &[&'a Shelf],
    want: &Want,
    text: Option<&'t Text>,
    now: Timestamp,
) -> Vec<(usize, Bound<'a, 't>)> {
    let mut lenses = Lenses::default();
    let bound = |(n, shelf): (usize, &&'a Shelf)| {
        Bound::new(want, text, shelf, lenses.of(shelf, now)).map(|bound| (n, bound))
    };
    shelves.iter().enumerate().filter_map(bound).collect()
}

fn scan(bounds: &[(usize, Bound<'_, '_>)], top: &mut Top<'_>, key: impl Fn(&Block, usize) -> u64) {
    let blocks: Vec<(usize, usize)> = (0..bounds.len())
        .flat_map(|at| (0..bounds[at].1.shelf().blocks.len()).map(move |block| (at, block)))
        .collect();
    let turn = if top.order.descending { u64::MAX } else { 0 };
    let mut hits = Hits::new();
    for step in strides(blocks.len()) {
        let (at, number) = blocks[step];
        let (shelf, bound) = &bounds[at];
        let block = &bound.shelf().blocks[number];
        let mut looked = false;
        for row in 0..block.ids.len() {
            let item = Item {
                key: key(block, row) ^ turn,
                id: block.ids[row] ^ turn,
                shelf: *shelf as u32,
                row: (number * BLOCK + row) as u32,
            };
            if !top.may_take(&item) {
                continue;
            }
            if !std::mem::replace(&mut looked, true) {
                bound.hits(number, &mut hits);
            }
            if bound.wants(number, row, &hits) {
                top.take(item);
            }
        }
    }
}

/// All numbers below `count`, neighbours far from each other.
fn strides(count: usize) -> impl Iterator<Item = usize> {
    let apart = |step: &usize| {
        let (mut a, mut b) = (*step, count);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a == 1
    };
    // The golden section of all, or the next that hits each once.
    let step = (count * 618 / 1000 + 1..).find(apart).unwrap_or(1);
    (0..count).map(move |n| n * step % count)
}

/// A row in the order asked for: a smaller one comes first. Equal keys of names say nothing yet.
#[derive(Clone, Copy)]
struct Item {
    key: u64,
    id: u64,
    shelf: u32,
    row: u32,
}

/// The first rows so far.
struct Top<'a> {
    shelves: &'a [&'a Shelf],
    order: &'a Order,
    /// Letters with which all names begin, where names are what counts.
    skip: usize,
    items: Vec<Item>,
    /// The last of as many as are asked for.
    last: Option<Item>,
    /// The place from which on.
    after: Option<(u64, u64)>,
}

impl<'a> Top<'a> {
    fn new(shelves: &'a [&'a Shelf], order: &'a Order) -> Self {
        let skip = if order.sort == Sort::Name { alike(shelves, order) } else { 0 };
        let turn = if order.descending { u64::MAX } else { 0 };
        let after = order.after.as_ref().map(|after| {
            let key = match (&after.value, order.sort) {
                (_, Sort::Id) => super::shelf::pack(after.id),
                (store::Place::Time(micros), _) => ordered(*micros),
                (store::Place::Text(name), _) => letters(name.as_bytes(), skip),
            };
            (key ^ turn, super::shelf::pack(after.id) ^ turn)
        });
        Self { shelves, order, skip, items: Vec::new(), last: None, after }
    }

    /// Whether a row stands after the place asked for, and not after enough others.
    fn may_take(&self, item: &Item) -> bool {
        if let Some(last) = &self.last
            && (item.key > last.key || (item.key == last.key && self.compare(item, last).is_ge()))
        {
            return false;
        }
        match self.after {
            Some((key, _)) if item.key != key => item.key > key,
            Some((_, id)) => self.compare_with_place(item, id).is_gt(),
            None => true,
        }
    }

    fn take(&mut self, item: Item) {
        self.items.push(item);
        if self.items.len() >= 4 * self.order.limit.max(64) {
            self.cut();
        }
    }

    /// Leaves as many as are asked for, in no order.
    fn cut(&mut self) {
        let limit = self.order.limit;
        if limit == 0 || self.items.len() < limit {
            return;
        }
        let mut items = std::mem::take(&mut self.items);
        let (_, last, _) = items.select_nth_unstable_by(limit - 1, |a, b| self.compare(a, b));
        self.last = Some(*last);
        items.truncate(limit);
        self.items = items;
    }

    fn done(mut self) -> Vec<TokenId> {
        self.cut();
        let mut items = std::mem::take(&mut self.items);
        items.sort_unstable_by(|a, b| self.compare(a, b));
        items.truncate(self.order.limit);
        let turn = if self.order.descending { u64::MAX } else { 0 };
        items.iter().filter_map(|item| id(item.id ^ turn)).collect()
    }

    fn compare(&self, a: &Item, b: &Item) -> Ordering {
        a.key.cmp(&b.key).then_with(|| self.turned(|| self.name(a).cmp(self.name(b)))).then(a.id.cmp(&b.id))
    }

    /// Of a row whose key is that of the place asked for.
    fn compare_with_place(&self, item: &Item, id: u64) -> Ordering {
        let name = match self.order.after.as_ref().map(|after| &after.value) {
            Some(store::Place::Text(name)) if self.order.sort == Sort::Name => name.as_bytes(),
            _ => return item.id.cmp(&id),
        };
        self.turned(|| self.name(item).cmp(name)).then(item.id.cmp(&id))
    }

    /// The order of names, where it counts.
    fn turned(&self, names: impl FnOnce() -> Ordering) -> Ordering {
        match self.order.sort {
            Sort::Name if self.order.descending => names().reverse(),
            Sort::Name => names(),
            _ => Ordering::Equal,
        }
    }

    fn name(&self, item: &Item) -> &[u8] {
        let row = item.row as usize;
        self.shelves[item.shelf as usize].blocks[row / BLOCK].name(row % BLOCK)
    }
}

/// How many letters all names have in common, and the one from which on.
fn alike(shelves: &[&Shelf], order: &Order) -> usize {
    let after = match order.after.as_ref().map(|after| &after.value) {
        Some(store::Place::Text(name)) => Some(name.as_bytes()),
        _ => None,
    };
    let mut texts = shelves.iter().filter_map(|shelf| shelf.alike.as_deref()).map(str::as_bytes).chain(after);
    let Some(first) = texts.next() else { return 0 };
    let same = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    texts.fold(first.len(), |length, text| same(&first[..length], text))
}

/// Eight letters as a number in their order, from that one on. A name that ends earlier comes first:
/// no name has a NUL.
fn letters(name: &[u8], skip: usize) -> u64 {
    let mut eight = [0; 8];
    if let Some(rest) = name.get(skip..) {
        let length = rest.len().min(8);
        eight[..length].copy_from_slice(&rest[..length]);
    }
    u64::from_be_bytes(eight)
}

/// A time as a number in its order.
fn ordered(micros: i64) -> u64 {
    micros as u64 ^ (1 << 63)
}
