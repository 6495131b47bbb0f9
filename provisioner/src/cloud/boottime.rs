//! The clock that leases are judged by: it never goes back, and it also advances while the machine sleeps.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Linux stops its monotonic clock while the machine sleeps, macOS does not.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// The time since the machine started. It means nothing on another machine.
pub fn now() -> Duration {
    let time = clock_gettime(CLOCK);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanoseconds.unwrap_or_default())
}
