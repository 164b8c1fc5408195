//! Scans of shelves: the first rows of an order, or every row.
//!
//! Each block has its rows in the order asked for, so the first of all are the first of some blocks. A
//! block's columns are looked through when its next row is the first of all that are left: where most
//! rows are wanted that happens to few blocks.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use domain::life::State;
use domain::time::Timestamp;
use store::Sort;
use token::TokenId;

use super::block::Block;
use super::ranks::Key;
use super::shelf::{Shelf, pack};
use super::text::Text;
use super::want::{Bound, Lenses, Sift, Want, id};

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
    let blocks =
        bounds.iter().flat_map(|bound| (0..bound.shelf().blocks.len()).map(move |block| (bound, block)));
    let mut lanes: Vec<Lane<'_, '_>> = blocks.map(|(bound, block)| Lane::new(bound, block, order)).collect();
    let heads = lanes.iter().enumerate().filter_map(|(number, lane)| lane.head(number, false));
    let mut heads: BinaryHeap<Head<'_>> = heads.collect();
    let mut found = Vec::new();
    while found.len() < order.limit
        && let Some(mut head) = heads.peek_mut()
    {
        let number = head.lane;
        let lane = &mut lanes[number];
        if head.wanted {
            found.extend(id(head.id));
            lane.step();
        }
        lane.seek();
        match lane.head(number, true) {
            Some(next) => *head = next,
            None => drop(PeekMut::pop(head)),
        }
    }
    found
}

/// Every token that is wanted, in no order.
pub(super) fn every<'a>(
    shelves: &[&'a Shelf],
    want: &Want,
    now: Timestamp,
    mut each: impl FnMut(&'a Shelf, State, usize, usize),
) {
    let text = text(want);
    for bound in bounds(shelves, want, text.as_ref(), now) {
        for block in 0..bound.shelf().blocks.len() {
            let mut sift = bound.sift(block);
            for row in sift.rows.rows() {
                if bound.wants(block, row, &mut sift) {
                    each(bound.shelf(), bound.state(block, row), block, row);
                }
            }
        }
    }
}

fn text(want: &Want) -> Option<Text> {
    want.text.as_deref().filter(|text| !text.is_empty()).map(Text::new)
}

/// The shelves on which something can be wanted.
fn bounds<'a, 't>(
    shelves: &[&'a Shelf],
    want: &Want,
    text: Option<&'t Text>,
    now: Timestamp,
) -> Vec<Bound<'a, 't>> {
    let mut lenses = Lenses::default();
    shelves.iter().filter_map(|shelf| Bound::new(want, text, shelf, lenses.of(shelf, now))).collect()
}

/// What is left of a block, in the order asked for.
struct Lane<'a, 'b> {
    bound: &'b Bound<'a, 'b>,
    number: usize,
    block: &'a Block,
    sort: Sort,
    descending: bool,
    /// Ascending, whatever is asked for: then the last one is next.
    rows: &'a [u16],
    /// None before its columns were looked through.
    sift: Option<Sift>,
}

impl<'a, 'b> Lane<'a, 'b> {
    fn new(bound: &'b Bound<'a, 'b>, number: usize, order: &'b Order) -> Self {
        let block = &bound.shelf().blocks[number];
        let Order { sort, descending, .. } = *order;
        let mut rows = block.ranks(sort);
        if let Some(after) = &order.after {
            let key = match &after.value {
                _ if sort == Sort::Id => Key::Number(0),
                store::Place::Time(micros) => Key::Number(*micros),
                store::Place::Text(name) => Key::name(name.as_bytes()),
            };
            let place = (key, pack(after.id));
            if descending {
                rows = &rows[..rows.partition_point(|row| block.place(sort, (*row).into()) < place)];
            } else {
                rows = &rows[rows.partition_point(|row| block.place(sort, (*row).into()) <= place)..];
            }
        }
        Self { bound, number, block, sort, descending, rows, sift: None }
    }

    fn row(&self) -> Option<usize> {
        let row = if self.descending { self.rows.last() } else { self.rows.first() };
        row.map(|row| usize::from(*row))
    }

    fn step(&mut self) {
        let length = self.rows.len();
        self.rows = if self.descending { &self.rows[..length - 1] } else { &self.rows[1..] };
    }

    /// Goes to the next row that is wanted.
    fn seek(&mut self) {
        let sift = self.sift.get_or_insert_with(|| self.bound.sift(self.number));
        let (bound, number) = (self.bound, self.number);
        let mut is =
            |row: &u16| sift.none || sift.rows.has((*row).into()) && bound.wants(number, (*row).into(), sift);
        self.rows = if self.descending {
            &self.rows[..self.rows.iter().rposition(&mut is).map_or(0, |at| at + 1)]
        } else {
            &self.rows[self.rows.iter().position(&mut is).unwrap_or(self.rows.len())..]
        };
        if sift.none {
            self.rows = &[];
        }
    }

    fn head(&self, lane: usize, wanted: bool) -> Option<Head<'a>> {
        let (key, id) = self.block.place(self.sort, self.row()?);
        Some(Head { key, id, lane, wanted, descending: self.descending })
    }
}

/// The next row of a lane. The greatest is the first in the order asked for.
struct Head<'a> {
    key: Key<'a>,
    id: u64,
    lane: usize,
    /// Whether it is known to be wanted.
    wanted: bool,
    descending: bool,
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = (self.key, self.id).cmp(&(other.key, other.id));
        if self.descending { order } else { order.reverse() }
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head<'_> {}
