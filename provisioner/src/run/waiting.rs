//! The engine's clock, by tokio.

use std::time::Duration;

use async_trait::async_trait;
use engine::clock::Clock;

/// Really waits.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock;

#[async_trait]
impl Clock for TokioClock {
    async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
