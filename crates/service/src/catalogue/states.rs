//! The states of a block's rows as they were last worked out, and for how long that stays so.
//!
//! States are told by `domain::life` alone. What is here only remembers what it said, until a row, its
//! holder or the account changes, or until time has passed one of the moments at which it matters.

use std::sync::{Mutex, PoisonError};

use domain::life::{Lens, State};
use domain::time::Timestamp;

use super::mask::Mask;
use super::shelf::{EVERYBODY, Shelf};

/// None where they have to be worked out (again).
#[derive(Debug, Default)]
pub(super) struct States(Mutex<Option<Box<Known>>>);

#[derive(Debug)]
struct Known {
    /// What was looked through, and how many of the shelf's stops there were.
    lens: Lens,
    stops: usize,
    /// The first end after `now` and after `soon`, the first end of a grace period after `now`, and the
    /// first creation that the longest life does not end for all at once.
    end: i64,
    soon_end: i64,
    grace: i64,
    start: i64,
    soon_start: i64,
    /// The states that there are, a bit each, and their rows.
    present: u16,
    rows: Vec<(State, Mask)>,
}

impl States {
    /// A row has changed.
    pub(super) fn forget(&mut self) {
        *self.0.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Leaves the rows that are in one of some states, a bit each.
    pub(super) fn keep(&self, rows: &mut Mask, wanted: u16, shelf: &Shelf, block: usize, lens: &Lens) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.as_mut().is_some_and(|known| known.is_of(shelf, block) && known.holds(lens)) {
            *known = Some(Box::new(Known::of(shelf, block, lens)));
        }
        let Some(known) = &*known else { return };
        if known.present & !wanted == 0 {
            return;
        }
        let mut of_these = Mask::NONE;
        for (_, rows) in known.rows.iter().filter(|(state, _)| wanted >> (*state as u16) & 1 == 1) {
            of_these.or(rows);
        }
        rows.and(&of_these);
    }
}

impl Known {
    fn of(shelf: &Shelf, number: usize, lens: &Lens) -> Self {
        let block = &shelf.blocks[number];
        let mut rows = [Mask::NONE; State::ALL.len()];
        for row in 0..block.len() {
            rows[shelf.state(lens, number, row) as usize].add(row);
        }
        let rows: Vec<(State, Mask)> =
            State::ALL.into_iter().zip(rows).filter(|(_, rows)| !rows.is_empty()).collect();
        Self {
            lens: *lens,
            stops: shelf.stops.len(),
            end: next(&block.expires, Some(lens.now)),
            soon_end: next(&block.expires, lens.soon),
            grace: shelf.next_grace(number, lens.now),
            start: next(&block.created, lens.outlived_all),
            soon_start: next(&block.created, lens.soon_outlived_all),
            present: rows.iter().map(|(state, _)| 1 << (*state as u16)).sum(),
            rows,
        }
    }

    /// Whether nothing has happened to the account, nor to a holder who has a token in the block.
    fn is_of(&mut self, shelf: &Shelf, number: usize) -> bool {
        /// Holders of whom it is worth while to look whether they have one.
        const FEW: usize = 16;
        let since = shelf.stops.get(self.stops..).unwrap_or_default();
        let holders = &shelf.blocks[number].holders;
        let elsewhere = |stopped: &u32| *stopped != EVERYBODY && !holders.contains(stopped);
        let holds = since.len() <= FEW && since.iter().all(elsewhere);
        self.stops = if holds { shelf.stops.len() } else { self.stops };
        holds
    }

    /// Whether every comparison that led to a state comes out as it did.
    fn holds(&self, lens: &Lens) -> bool {
        let was = &self.lens;
        let before = |value: Timestamp, next: i64| value.as_micros() < next;
        // Nothing that was created between the two is here, nor anything for which the day counts.
        let none_between = |all: (Option<Timestamp>, Option<Timestamp>),
                            some: (Option<Timestamp>, Option<Timestamp>),
                            next: i64| match (all, some) {
            ((Some(was_all), Some(all)), (Some(was), Some(is))) => {
                was_all <= all && before(was, next) && before(is, next)
            }
            (all, some) => all == (None, None) && some == (None, None),
        };
        was == lens
            || was.closed == lens.closed
                && was.suspends == lens.suspends
                && was.now <= lens.now
                && before(lens.now, self.end)
                && before(lens.now, self.grace)
                && match (was.soon, lens.soon) {
                    (Some(was), Some(soon)) => was <= soon && before(soon, self.soon_end),
                    (was, soon) => was == soon,
                }
                && none_between(
                    (was.outlived_all, lens.outlived_all),
                    (was.outlived, lens.outlived),
                    self.start,
                )
                && none_between(
                    (was.soon_outlived_all, lens.soon_outlived_all),
                    (was.soon_outlived, lens.soon_outlived),
                    self.soon_start,
                )
    }
}

/// The first moment of a column after that one; the last there is where there is none.
fn next(column: &[i64], after: Option<Timestamp>) -> i64 {
    let Some(after) = after.map(Timestamp::as_micros) else { return i64::MAX };
    column.iter().fold(i64::MAX, |next, moment| if *moment > after { next.min(*moment) } else { next })
}
