//! The system's clock, for whoever takes a clock as an argument. The only place of jeton that
//! reads one.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, DynamicClockId, Timespec, clock_gettime, clock_gettime_dynamic};

/// Reads the machine's wall clock and its time since boot. Both in microseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Microseconds of UTC since 1970. May be set back by the operator or the network.
    #[expect(clippy::disallowed_methods)] // This is the clock that everything else takes as an argument.
    pub fn wall(&self) -> i64 {
        // Before 1970 counts as 1970: the caller never lets time go below its floor anyway.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }

    /// Microseconds since the machine started, counting the time it was suspended
    /// (`CLOCK_BOOTTIME`, clock_gettime(2)). Never goes back.
    ///
    /// Rust's `Instant` is `CLOCK_MONOTONIC`, which stands still in suspension, so that a lease
    /// measured with it would outlive the night.
    pub fn boot(&self) -> i64 {
        let Timespec { tv_sec, tv_nsec } = clock_gettime_dynamic(DynamicClockId::Boottime)
            .expect("every Linux since 2.6.39 has CLOCK_BOOTTIME");
        tv_sec * 1_000_000 + tv_nsec / 1_000
    }

    /// Microseconds of `CLOCK_MONOTONIC`, which service managers count in.
    pub fn monotonic(&self) -> i64 {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
        tv_sec * 1_000_000 + tv_nsec / 1_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_is_in_this_century_and_in_microseconds() {
        let (year_2025, year_2100) = (1_735_689_600_000_000, 4_102_444_800_000_000);
        assert!((year_2025..year_2100).contains(&SystemClock.wall()));
    }

    #[test]
    fn time_since_boot_agrees_with_the_kernel_and_never_goes_back() {
        let uptime = || -> f64 {
            std::fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap()
        };
        let before = uptime();
        let (first, second) = (SystemClock.boot(), SystemClock.boot());
        let after = uptime();
        assert!(first <= second);
        // /proc/uptime counts in hundredths of a second.
        assert!(
            before - 0.02 <= first as f64 / 1e6 && second as f64 / 1e6 <= after + 0.02,
            "{before} {first} {second} {after}"
        );
    }
}
