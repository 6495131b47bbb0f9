//! The stack's link key as the runtime reads it: anew when what it should have signed does not hold.

use billing::link_key::LinkKey;

use crate::environment::{Environment, NamedSecret};
use crate::error::StartError;
use crate::ports::PortError;
use crate::secret::Secret;

/// The key that seals links and sessions.
pub(super) struct StackKey(NamedSecret);

impl StackKey {
    pub(super) fn start(env: &Environment) -> Result<StackKey, StartError> {
        Ok(StackKey(env.link_secret()?))
    }

    /// The key that seals now.
    pub(super) async fn current(&self) -> Result<LinkKey, PortError> {
        key(&self.0.read().await?)
    }

    /// What `open` makes of the key. The key is remembered for minutes, and it may have been rotated since: where the
    /// error is `stale` it is read again, and `open` tried once more when it is another one.
    pub(super) async fn opened<T, E: PartialEq>(
        &self,
        stale: &E,
        open: impl Fn(&LinkKey) -> Result<T, E>,
    ) -> Result<Result<T, E>, PortError> {
        let read = self.0.read().await?;
        match open(&key(&read)?) {
            Err(error) if error == *stale => {
                let again = self.0.read_again().await?;
                if again == read { Ok(Err(error)) } else { Ok(open(&key(&again)?)) }
            }
            opened => Ok(opened),
        }
    }
}

fn key(secret: &Secret) -> Result<LinkKey, PortError> {
    LinkKey::from_secret(secret.expose()).map_err(|cause| PortError::new("use the link key", cause))
}
