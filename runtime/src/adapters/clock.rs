//! The time of a run: the machine's, or the local cloud's in a development bundle.

use std::sync::Arc;

use jiff::Timestamp;

use crate::ports::Clock;

#[cfg(debug_assertions)]
mod local_cloud;
#[cfg(debug_assertions)]
use local_cloud::LocalCloudClock;

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The clock of a process with this `AWS_ENDPOINT_URL`: the local cloud's in a development bundle on loopback, else the
/// machine's.
pub fn clock(endpoint: Option<&str>) -> Arc<dyn Clock> {
    #[cfg(debug_assertions)]
    if let Some(clock) = endpoint.and_then(LocalCloudClock::at) {
        return Arc::new(clock);
    }
    #[cfg(not(debug_assertions))]
    let _ = endpoint;
    Arc::new(SystemClock)
}
