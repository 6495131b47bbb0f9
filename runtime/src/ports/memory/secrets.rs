//! The secret store in memory.

use async_trait::async_trait;

use super::Memory;
use crate::ports::{PortError, Secrets};
use crate::secret::Secret;

#[async_trait]
impl Secrets for Memory {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        self.call("read a secret", |world| {
            world.secrets.get(name).map(Secret::new).ok_or_else(|| "no such secret".to_owned())
        })
    }
}
