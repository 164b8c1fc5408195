//! What the kernel says of this process, by proc(5).

use std::fs;
use std::sync::OnceLock;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, getrlimit};

use crate::clock::SystemClock;

pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: u64,
    pub(super) virtual_bytes: u64,
    pub(super) open_fds: usize,
    pub(super) max_fds: u64,
    pub(super) threads: u64,
    /// Since 1970.
    pub(super) started: f64,
}

/// The same for as long as the process runs, whoever sets the clock meanwhile.
static STARTED: OnceLock<f64> = OnceLock::new();

/// When the machine started, in seconds since 1970. By the clocks: a hardened unit hides /proc/stat.
fn booted() -> f64 {
    (SystemClock.wall() - SystemClock.boot()) as f64 / 1e6
}

/// None where /proc is not there or is not Linux's.
pub(super) fn look() -> Option<Process> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; fields are counted from behind it, the first being 3.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let field = |number: usize| fields.get(number - 3)?.trim_end().parse::<u64>().ok();
    let ticks = clock_ticks_per_second() as f64;
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    Some(Process {
        cpu_seconds: (field(14)? + field(15)?) as f64 / ticks,
        resident_bytes: kilobytes("VmRSS:")? * 1024,
        virtual_bytes: kilobytes("VmSize:")? * 1024,
        // One of them is the look itself.
        open_fds: fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1),
        max_fds: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        threads: field(20)?,
        started: *STARTED.get_or_init(|| booted() + field(22).unwrap_or(0) as f64 / ticks),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_this_process_is() {
        let process = look().unwrap();
        assert!(process.resident_bytes > 1 << 20 && process.virtual_bytes >= process.resident_bytes);
        assert!(process.open_fds > 2 && process.max_fds as usize >= process.open_fds);
        assert!(process.threads >= 1 && process.cpu_seconds >= 0.0);
        let now = SystemClock.wall() as f64 / 1e6;
        assert!((0.0..3_600.0 * 24.0).contains(&(now - process.started)), "{} at {now}", process.started);
    }
}
