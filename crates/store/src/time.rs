//! The store's time, which never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::time::Timestamp;

use crate::contract::Clock;

/// Law 8 on one machine: `max(wall, floor + boot time elapsed)`, the floor being the last
/// journal time. A wall clock that is set back revives nothing.
pub(crate) struct Time {
    clock: Arc<dyn Clock>,
    /// The greatest (time − boot time) seen. Time is boot time plus this, so the floor moves on
    /// as fast as the machine's own clock does, and every answer is a floor for the next.
    ahead: AtomicI64,
}

impl Time {
    pub(crate) fn starting_at(floor: Timestamp, clock: Arc<dyn Clock>) -> Self {
        let ahead = AtomicI64::new(floor.as_micros().saturating_sub(clock.boot()));
        Self { clock, ahead }
    }

    /// Microseconds since the machine started, to measure how long something takes.
    pub(crate) fn boot(&self) -> i64 {
        self.clock.boot()
    }

    pub(crate) fn now(&self) -> Timestamp {
        // The wall first: a pause between the two readings then makes the answer earlier by
        // less than the floor already corrects, never later than the wall.
        let wall = self.clock.wall();
        let boot = self.clock.boot();
        let seen = wall.saturating_sub(boot);
        let ahead = self.ahead.fetch_max(seen, Ordering::SeqCst).max(seen);
        Timestamp::from_micros(boot.saturating_add(ahead))
    }

    /// Something carries this time already, so nothing later is earlier.
    pub(crate) fn at_least(&self, at: Timestamp) {
        self.ahead.fetch_max(at.as_micros().saturating_sub(self.clock.boot()), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Driven {
        wall: AtomicI64,
        boot: AtomicI64,
    }

    impl Clock for Driven {
        fn wall(&self) -> i64 {
            self.wall.load(Ordering::SeqCst)
        }
        fn boot(&self) -> i64 {
            self.boot.load(Ordering::SeqCst)
        }
    }

    #[test]
    fn time_follows_the_wall_forward_and_the_machine_when_the_wall_is_set_back() {
        let clock = Arc::new(Driven { wall: 1_000.into(), boot: 10.into() });
        let time = Time::starting_at(Timestamp::from_micros(500), clock.clone());
        assert_eq!(time.now().as_micros(), 1_000);
        clock.wall.store(100, Ordering::SeqCst);
        clock.boot.store(30, Ordering::SeqCst);
        assert_eq!(time.now().as_micros(), 1_020, "20 have passed, whatever the wall says");
        clock.wall.store(5_000, Ordering::SeqCst);
        assert_eq!(time.now().as_micros(), 5_000);
    }

    #[test]
    fn a_wall_behind_the_last_journal_time_starts_at_that_time() {
        let clock = Arc::new(Driven { wall: 1_000.into(), boot: 10.into() });
        let time = Time::starting_at(Timestamp::from_micros(9_000), clock.clone());
        assert_eq!(time.now().as_micros(), 9_000);
        clock.boot.store(15, Ordering::SeqCst);
        assert_eq!(time.now().as_micros(), 9_005);
    }
}
