//! The database's time, as this process can know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::{Moment, Timestamp};

use crate::contract::Clock;

/// Law 8 with a database: it was asked for its time at a moment between `sent` and `received` of
/// the machine's boot clock. So its clock now shows at most that time plus what has passed since
/// sending, and at least that time plus what has passed since receiving. A clock that is set back,
/// there or here, revives nothing.
pub(super) struct Time {
    clock: Arc<dyn Clock>,
    /// (time − boot) at most, by the questions so far.
    latest: AtomicI64,
    /// (time − boot) at least, by the questions so far; never less than it once was.
    earliest: AtomicI64,
    /// (time − boot) at least, by what stands in the journal, which other peers may have dated a
    /// little late.
    floor: AtomicI64,
    /// The latest moment that was ever answered.
    answered: AtomicI64,
}

impl Time {
    /// By nothing but what stands in the journal.
    pub(super) fn starting_at(at: i64, clock: Arc<dyn Clock>) -> Self {
        let ahead = at.saturating_sub(clock.boot());
        Self {
            clock,
            latest: AtomicI64::new(i64::MAX),
            earliest: AtomicI64::new(i64::MIN),
            floor: AtomicI64::new(ahead),
            answered: AtomicI64::new(at),
        }
    }

    pub(super) fn boot(&self) -> i64 {
        self.clock.boot()
    }

    /// What the database's clock showed, between two readings of this machine's. Of what was
    /// believed before, as much stays as the answer leaves possible, so that one slow answer does
    /// not make all time afterwards late.
    pub(super) fn sample(&self, shown: i64, sent: i64, received: i64) {
        let (least, most) = (shown.saturating_sub(received), shown.saturating_sub(sent));
        let believed = self.latest.load(Ordering::SeqCst);
        self.latest.store(believed.clamp(least, most.max(least)), Ordering::SeqCst);
        self.earliest.fetch_max(least, Ordering::SeqCst);
    }

    /// Something carries this time already, so nothing later is earlier.
    pub(super) fn at_least(&self, at: i64) {
        self.floor.fetch_max(at.saturating_sub(self.clock.boot()), Ordering::SeqCst);
    }

    pub(super) fn moment(&self) -> Moment {
        let boot = self.clock.boot();
        let earliest = self.earliest.load(Ordering::SeqCst);
        let latest = self.latest.load(Ordering::SeqCst).max(earliest).max(self.floor.load(Ordering::SeqCst));
        let latest = boot.saturating_add(latest);
        let latest = self.answered.fetch_max(latest, Ordering::SeqCst).max(latest);
        Moment {
            latest: Timestamp::from_micros(latest),
            earliest: Timestamp::from_micros(boot.saturating_add(earliest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Driven(AtomicI64);

    impl Clock for Driven {
        fn wall(&self) -> i64 {
            panic!("the wall clock of a peer is nobody's business")
        }
        fn boot(&self) -> i64 {
            self.0.load(Ordering::SeqCst)
        }
    }

    fn at(time: &Time) -> (i64, i64) {
        let Moment { latest, earliest } = time.moment();
        (earliest.as_micros(), latest.as_micros())
    }

    #[test]
    fn the_time_lies_between_what_it_must_be_and_what_it_can_be() {
        let clock = Arc::new(Driven::default());
        let time = Time::starting_at(0, clock.clone());
        clock.0.store(130, Ordering::SeqCst);
        time.sample(1_000, 100, 120);
        assert_eq!(at(&time), (1_010, 1_030), "10 since received, 30 since sent");
        // A slow answer says less than what is known, and changes nothing.
        clock.0.store(1_000, Ordering::SeqCst);
        time.sample(1_880, 200, 1_000);
        assert_eq!(at(&time), (1_880, 1_900));
        // A quick one narrows it down, and no time that was answered is taken back.
        time.sample(1_890, 1_000, 1_000);
        assert_eq!(at(&time), (1_890, 1_900));
        clock.0.store(2_000, Ordering::SeqCst);
        assert_eq!(at(&time), (2_890, 2_890));
        // A clock that was set forward is followed.
        time.sample(9_000, 1_999, 2_000);
        assert_eq!(at(&time), (9_000, 9_000));
    }

    #[test]
    fn a_database_whose_clock_is_set_back_takes_no_time_back() {
        let clock = Arc::new(Driven::default());
        let time = Time::starting_at(0, clock.clone());
        time.sample(5_000, 0, 0);
        clock.0.store(10, Ordering::SeqCst);
        time.sample(100, 10, 10);
        assert_eq!(at(&time), (5_010, 5_010));
        time.at_least(9_000);
        assert_eq!(at(&time), (5_010, 9_000), "the journal may be dated late, but not past its date");
        clock.0.store(20, Ordering::SeqCst);
        assert_eq!(at(&time), (5_020, 9_010), "and from there time goes on");
    }
}
