//! The port to time: the engine only ever waits, it never asks what time it is.

use async_trait::async_trait;

/// Waits on behalf of the engine.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Returns when that many milliseconds have passed.
    async fn sleep(&self, ms: u64);
}
