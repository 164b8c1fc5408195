//! Counting what happens, so cheaply that nobody has to ask whether it is worth it: numbers that
//! are added to where something happens and read when somebody looks.
//!
//! What lives here: [`Tally`] for the busy places, [`Count`] and [`Histogram`] for the others. What
//! never will: names of metrics, labels, a clock, and anything that could fail.

#![forbid(unsafe_code)]

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many threads add without meeting on a line of memory.
const SHARDS: usize = 16;

/// A row of counters that many threads add to at once. Each thread has a shard of its own, or
/// shares it with few others, so that adding waits for nobody's memory; reading sums them up.
pub struct Tally {
    shards: Box<[Shard]>,
}

/// On lines of memory of its own (two, because processors fetch them in pairs).
#[repr(align(128))]
struct Shard(Box<[AtomicU64]>);

impl Tally {
    /// `len` counters, all at zero.
    pub fn new(len: usize) -> Self {
        // Whole pairs of lines, so that no two shards have one in common.
        let room = len.next_multiple_of(16);
        let shard = || Shard((0..room).map(|_| AtomicU64::new(0)).collect());
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    /// Adds to one of them. One that does not exist is not counted.
    #[inline]
    pub fn add(&self, which: usize, more: u64) {
        self.mine().add(which, more);
    }

    /// The counters that this thread adds to, for who adds to several.
    #[inline]
    pub fn mine(&self) -> Mine<'_> {
        Mine(&self.shards[own_shard()].0)
    }

    /// What has been counted in one of them.
    pub fn read(&self, which: usize) -> u64 {
        self.shards.iter().filter_map(|shard| shard.0.get(which)).map(|at| at.load(Ordering::Relaxed)).sum()
    }
}

/// This thread's share of a [`Tally`].
pub struct Mine<'a>(&'a [AtomicU64]);

impl Mine<'_> {
    /// As [`Tally::add`].
    #[inline]
    pub fn add(&self, which: usize, more: u64) {
        if let Some(at) = self.0.get(which) {
            at.fetch_add(more, Ordering::Relaxed);
        }
    }
}

#[inline]
fn own_shard() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: Cell<usize> = const { Cell::new(usize::MAX) });
    // A thread that is ending has no memory of its own any more, and counts all the same.
    OWN.try_with(|own| match own.get() {
        usize::MAX => {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
            own.get()
        }
        known => known,
    })
    .unwrap_or_default()
}

/// One counter, for what happens seldom or holds a lock anyway.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Upper ends of the steps in which times are counted, in microseconds: from a tenth of a
/// millisecond to the minute that a request may take.
pub const STEPS: [u64; 17] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 60_000_000,
];

/// The counters of a distribution: one a step, one for what is beyond the last, and the sum.
pub const CELLS: usize = STEPS.len() + 2;

/// Where among the [`CELLS`] the sum of all times stands.
pub const SUM: usize = STEPS.len() + 1;

/// The step that a time belongs to: its place in [`STEPS`], or one more.
#[inline]
pub fn step(micros: u64) -> usize {
    STEPS.partition_point(|end| *end < micros)
}

/// Times as they were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many in each of [`STEPS`], and how many beyond.
    pub counts: [u64; STEPS.len() + 1],
    /// All of them together, in microseconds.
    pub micros: u64,
}

impl Distribution {
    /// Of the [`CELLS`] of counters, as `read` tells them.
    pub fn of(read: impl Fn(usize) -> u64) -> Self {
        Self { counts: std::array::from_fn(&read), micros: read(SUM) }
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Times of what happens seldom, such as a commit.
#[derive(Debug, Default)]
pub struct Histogram([AtomicU64; CELLS]);

impl Histogram {
    pub fn observe(&self, micros: u64) {
        self.0[step(micros)].fetch_add(1, Ordering::Relaxed);
        self.0[SUM].fetch_add(micros, Ordering::Relaxed);
    }

    pub fn read(&self) -> Distribution {
        Distribution::of(|which| self.0[which].load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_threads_count_is_all_there() {
        let tally = Tally::new(3);
        std::thread::scope(|scope| {
            for _ in 0..40 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        tally.add(0, 1);
                        tally.mine().add(2, 2);
                    }
                });
            }
        });
        assert_eq!([0, 1, 2].map(|which| tally.read(which)), [40_000, 0, 80_000]);
        tally.add(1_000, 1);
        assert_eq!(tally.read(1_000), 0, "what does not exist is not counted");
    }

    #[test]
    fn a_time_is_counted_in_the_step_whose_end_it_does_not_pass() {
        let histogram = Histogram::default();
        for micros in [0, 100, 101, 60_000_000, 60_000_001] {
            histogram.observe(micros);
        }
        let told = histogram.read();
        assert_eq!((told.counts[0], told.counts[1]), (2, 1));
        assert_eq!((told.counts[16], told.counts[17]), (1, 1));
        assert_eq!((told.count(), told.micros), (5, 120_000_202));
    }
}
