//! Making an endpoint, perhaps after another one, so that no signed event is refused on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use billing::rotated::Rotated;
use engine::Address;
use engine::kind::CallError;

use super::requests::{CREATE, Create, Endpoint};
use super::signing::{version_of, version_of_both};
use super::{Desired, WebhookEndpoints, look, url};
use crate::cloud::Home;
use crate::cloud::errors::refused;
use crate::cloud::stripe_metadata::{self, key_after};

/// What an endpoint is made with until its secret is stored: a type of event that no live account has, and that says
/// nothing of ours in a test account.
pub(super) const QUIET: &str = "test_helpers.test_clock.internal_failure";

/// Answers about endpoints that are gone, one after the other: as many as runs died on one rotation in a day.
const REPLAYS: usize = 8;

/// By then whoever reads the secret sees what was stored.
const SEEN: Duration = Duration::from_secs(2);

/// The longest that a delivery is on its way: an HTTP API gives up after 30 seconds.
const ON_ITS_WAY: Duration = Duration::from_secs(30);

/// The endpoint that another one follows.
#[derive(Debug, Clone, Copy)]
pub struct First<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its metadata without ownership, which the new one takes over.
    pub metadata: &'a BTreeMap<String, String>,
}

/// An endpoint to be made.
pub struct Follow<'a> {
    /// Where it stands.
    pub address: &'a Address,
    /// What it is to be.
    pub desired: &'a Desired,
    /// The same for the same call.
    pub token: &'a str,
    /// The one it follows; none for the first.
    pub first: Option<First<'a>>,
    /// Whether that one stays until a person ends the rotation.
    pub waits: bool,
}

/// Which signing secrets are stored beside the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// None: there is none, or it is lost.
    Nothing,
    /// That of the endpoint before.
    Previous,
}

impl Endpoint {
    /// Whether it was made and hears of nothing yet.
    pub fn is_quiet(&self) -> bool {
        self.enabled_events == [QUIET]
    }

    /// Returns what it would have to be wanted as to stay as it is; its signing secret is in the secret of that name.
    pub fn as_deployed(&self, secret: &str) -> Desired {
        Desired { secret: secret.to_owned(), ..look::bare(self, look::owned(&self.metadata).tags) }
    }
}

impl WebhookEndpoints {
    /// Makes an endpoint, stores its signing secret and lets it hear of events.
    pub async fn make(&self, follow: &Follow<'_>, keep: Keep) -> Result<Endpoint, CallError> {
        let made = self.make_quiet(follow, keep).await?;
        self.open(follow.address, &made.id, follow.desired, follow.first.is_some()).await
    }

    /// Makes an endpoint that hears of nothing yet, and stores its signing secret in the same step.
    pub async fn make_quiet(&self, follow: &Follow<'_>, keep: Keep) -> Result<Endpoint, CallError> {
        let mut made = self.post(follow).await?;
        let signing = made.secret.take().filter(|secret| !secret.is_empty()).ok_or_else(|| {
            refused(&format!("stripe:{CREATE}"), format!("the answer about {} has no signing secret", made.id))
        })?;
        let secret = self.secret(&follow.desired.secret);
        let alone = Rotated { current: signing, previous: None };
        let (version, text) = match (keep, follow.first) {
            (Keep::Previous, Some(first)) => {
                let both = version_of_both(&made.id, first.id);
                let held = secret.held().await?;
                if held.as_ref().is_some_and(|held| *held == both || *held == version_of(&made.id)) {
                    // An earlier attempt of this call stored it.
                    return Ok(made);
                }
                (both, Rotated { previous: Some(secret.read().await?.current), ..alone })
            }
            _ => (version_of(&made.id), alone),
        };
        secret.store(&version, &text).await?;
        Ok(made)
    }

    /// Lets an endpoint hear of the wanted events. One that follows another waits until its secret is seen everywhere:
    /// what it sends before would be refused.
    pub async fn open(
        &self,
        address: &Address,
        id: &str,
        desired: &Desired,
        follows: bool,
    ) -> Result<Endpoint, CallError> {
        if follows {
            tokio::time::sleep(SEEN).await;
        }
        self.change(address, id, desired, &[]).await
    }

    /// Stores the signing secret of an endpoint alone, once no delivery of the one before is on its way.
    pub async fn forget_previous(&self, id: &str, secret: &str) -> Result<(), CallError> {
        let (version, secret) = (version_of(id), self.secret(secret));
        if secret.held().await?.as_ref() == Some(&version) {
            return Ok(());
        }
        let is_local = self.cloud.config(Home::Stack).endpoint_url().is_some();
        tokio::time::sleep(if is_local { SEEN } else { ON_ITS_WAY }).await;
        // What was seen before may have been old.
        if secret.held().await?.as_ref() == Some(&version) {
            return Ok(());
        }
        let held = secret.read().await?;
        if held.previous.is_none() {
            let message = "the secret holds no longer what the rotation stored; apply again";
            return Err(refused("secretsmanager:PutSecretValue", message));
        }
        secret.store(&version, &Rotated { previous: None, ..held }).await
    }

    /// Stripe replays an answer for a day, so it may tell of an endpoint that was deleted since; then it is made once more
    /// under another key.
    async fn post(&self, follow: &Follow<'_>) -> Result<Endpoint, CallError> {
        let mut key = key_after(follow.token, follow.first.map(|first| first.id));
        for _ in 0..REPLAYS {
            let made = self.post_under(follow, &key).await?;
            if self.all().await?.iter().any(|endpoint| endpoint.id == made.id) {
                return Ok(made);
            }
            key = key_after(follow.token, Some(&made.id));
        }
        let message = "Stripe repeats answers about endpoints that are gone; try again in a day";
        Err(refused(&format!("stripe:{CREATE}"), message))
    }

    async fn post_under(&self, follow: &Follow<'_>, key: &str) -> Result<Endpoint, CallError> {
        let mut metadata = follow.first.map(|first| first.metadata.clone()).unwrap_or_default();
        metadata.extend(follow.desired.metadata.clone());
        if let Some(first) = follow.first {
            metadata.insert(look::FOLLOWS.to_owned(), first.id.to_owned());
        }
        if follow.waits {
            metadata.insert(look::WAITS.to_owned(), "true".to_owned());
        }
        let request = Create {
            url: url(follow.desired)?,
            enabled_events: [QUIET.to_owned()].into(),
            api_version: follow.desired.api_version.clone(),
            metadata: stripe_metadata::to_write(&self.cloud.stack, follow.address, &metadata, &[]),
        };
        stripe_metadata::client(&self.cloud)?.write(CREATE, key, request).await
    }
}
