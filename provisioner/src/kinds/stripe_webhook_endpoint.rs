//! `stripe_webhook_endpoint`: where Stripe sends events. Its signing secret is answered once, on create, and goes into
//! Secrets Manager in the same step; one that got lost is never found again, so that the endpoint is made anew.
//!
//! A new endpoint hears of nothing until its secret is stored: what Stripe signs holds from the first event on. At most
//! two stand at one address, and only while one follows the other.

mod look;
mod requests;
mod rotation;
mod signing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use billing::names::ADDRESS_TAG;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Input};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::look::Standing;
pub use self::requests::Endpoint;
use self::requests::{CHANGE, Change, DELETE, Delete, LIST, List};
pub use self::rotation::{First, Follow, Keep};
use self::signing::SigningSecret;
use super::support::waiter::Waiter;
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::refused;
use crate::cloud::stripe_metadata;
use crate::cloud::{Cloud, Home, client};

/// What a webhook endpoint is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Where the HTTP API is served, its stage included: `https://a1b2.execute-api.us-east-1.amazonaws.com/prod`.
    pub base: Input<String>,
    /// The path below it: `/billing/webhook`.
    pub path: String,
    /// The types of events that are sent, each spelt out: `invoice.paid`.
    pub enabled_events: BTreeSet<String>,
    /// The version of Stripe's API that events are written in: `2026-09-30.endive`. Another one makes the endpoint anew.
    pub api_version: String,
    /// Whether nothing is sent.
    pub disabled: bool,
    /// Name of the secret that the signing secret is stored in.
    pub secret: String,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
    /// Whether the secret holds what Stripe signs with.
    #[serde(default)]
    pub signing: Signing,
    /// Ids of other endpoints at the address, which is only ever seen: what a run that died left behind. They are deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubles: Vec<String>,
}

/// What the secret holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// The endpoint's signing secret. Only this is ever wanted.
    #[default]
    Stored,
    /// It, and that of the endpoint before, which is gone or to go.
    WithPrevious,
    /// Nothing, or something else: the endpoint has to be made anew.
    Lost,
}

/// The kind, at work.
pub struct WebhookEndpoints {
    cloud: Arc<Cloud>,
    secrets: aws_sdk_secretsmanager::Client,
}

/// Secrets looked at, at once.
const LOOKS: usize = 4;
/// By then everybody sees what was stored in a secret, in seconds.
const SEEN_LIMIT_S: u64 = 3;

/// AWS puts a dash and six random characters behind the name.
const SECRET: &str = "arn:aws:secretsmanager:{region}:{account}:secret:{secret}-??????";

/// Fields that one call changes.
const CHANGEABLE: &[&str] = &["base", "path", "enabled_events", "disabled", "metadata"];

impl TypedKind for WebhookEndpoints {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "stripe_webhook_endpoint",
        plural: "stripe webhook endpoints",
        service: "stripe",
        summary: "Where Stripe sends events; its signing secret goes straight into a secret",
        open_maps: &["metadata"],
        permissions: &[
            // A secret that does not exist has no ARN to allow.
            Permission { verb: Verb::Read, action: "secretsmanager:DescribeSecret", resource: "*" },
            Permission { verb: Verb::Create, action: "secretsmanager:PutSecretValue", resource: SECRET },
            Permission { verb: Verb::Update, action: "secretsmanager:DescribeSecret", resource: "*" },
            Permission { verb: Verb::Update, action: "secretsmanager:PutSecretValue", resource: SECRET },
            // While one endpoint follows another both secrets hold, and Stripe does not tell the first again.
            Permission { verb: Verb::Update, action: "secretsmanager:GetSecretValue", resource: SECRET },
        ],
        stripe_scope: Some("webhook"),
        steps_at_once: 10,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        WebhookEndpoints { secrets: client!(cloud, aws_sdk_secretsmanager, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Answers<Desired> {
        let all = self.all().await?;
        let seen = wants.iter().map(|want| self.see(want, &all)).collect();
        Ok(at_once(LOOKS, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let all = self.all().await?;
        let listed = all.iter().filter_map(|endpoint| {
            let owned = look::owned(&endpoint.metadata);
            let fields = look::bare(endpoint, owned.tags.clone());
            TypedListed::of(&Self::META, &self.cloud.stack, &owned, &endpoint.id, fields)
        });
        Ok(listed.collect())
    }

    /// By their addresses, which others do not have, or URLs; none where there is no key at hand.
    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        if self.cloud.stripe.is_none() {
            return Ok(Vec::new());
        }
        let all = self.all().await?;
        Ok(all.iter().map(|one| one.metadata.get(ADDRESS_TAG).unwrap_or(&one.url).clone()).collect())
    }

    async fn create(&self, address: &Address, desired: Desired, token: &str) -> Result<Applied, CallError> {
        let all = self.all().await?;
        if let Some(there) = self.found(&all, address, None, &desired, None) {
            return Err(CallError {
                operation: format!("stripe:{}", requests::CREATE),
                message: format!("the webhook endpoint {} is there", there.id),
                class: ErrorClass::AlreadyExists,
            });
        }
        let follow = Follow { address, desired: &desired, token, first: None, waits: false };
        self.make(&follow, Keep::Nothing).await.map(|made| applied(&made.id))
    }

    /// Repeated as a whole when an answer was lost, so each part looks at what is there.
    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let lost = change.observed.signing == Signing::Lost && self.is_lost(&change).await?;
        if lost || change.touches("api_version") {
            return self.renew(&change, if lost { Keep::Nothing } else { Keep::Previous }).await;
        }
        if change.claim || CHANGEABLE.iter().any(|field| change.touches(field)) {
            let dropped = change.dropped_keys("metadata");
            self.change(&change.address, &change.id, &change.desired, &dropped).await?;
        }
        // Not before: one of them may be all that hears of events.
        for double in &change.observed.doubles {
            self.remove(double).await?;
        }
        if change.observed.signing == Signing::WithPrevious {
            self.forget_previous(&change.id, &change.desired.secret).await?;
        }
        Ok(applied(&change.id))
    }

    /// All at the address go: the one that an unfinished rotation would have removed, too.
    async fn delete(&self, address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        let all = self.all().await?;
        let ours = all.iter().filter(|one| stripe_metadata::is_at(&one.metadata, &self.cloud.stack, address));
        let others: Vec<&str> = ours.map(|one| one.id.as_str()).filter(|one| *one != id).collect();
        for one in others.into_iter().chain([id]) {
            self.remove(one).await?;
        }
        Ok(Removal::Gone)
    }
}

impl WebhookEndpoints {
    /// Lists every endpoint of the account, newest first.
    pub async fn all(&self) -> Result<Vec<Endpoint>, CallError> {
        let stripe = stripe_metadata::client(&self.cloud)?;
        stripe.list(LIST, List::after, |page| (page.data, page.has_more), |endpoint| endpoint.id.clone()).await
    }

    /// The secret of that name.
    pub fn secret<'a>(&'a self, name: &'a str) -> SigningSecret<'a> {
        SigningSecret::new(&self.secrets, name)
    }

    /// The stack whose endpoints these are.
    pub fn stack(&self) -> &str {
        &self.cloud.stack
    }

    /// The endpoint at the address, else the one that the state knows, else one at the same URL, whoever made it: two
    /// would tell everything twice.
    fn found<'a>(
        &self,
        all: &'a [Endpoint],
        address: &Address,
        id: Option<&str>,
        desired: &Desired,
        held: Option<&str>,
    ) -> Option<&'a Endpoint> {
        let at_address = Standing::of(all, &self.cloud.stack, address, held).current().map(|one| one.id.clone());
        let at_address = at_address.and_then(|id| all.iter().find(|endpoint| endpoint.id == id));
        let url = url(desired).ok();
        at_address
            .or_else(|| all.iter().find(|endpoint| Some(endpoint.id.as_str()) == id))
            .or_else(|| all.iter().find(|endpoint| Some(&endpoint.url) == url.as_ref()))
    }

    async fn see(&self, want: &TypedWant<Desired>, all: &[Endpoint]) -> Result<Option<Seen<Desired>>, CallError> {
        let held = self.secret(&want.fields.secret).held().await?;
        let held = held.as_deref();
        let id = want.id.as_deref();
        let Some(endpoint) = self.found(all, &want.address, id, &want.fields, held) else { return Ok(None) };
        let standing = Standing::of(all, &self.cloud.stack, &want.address, held);
        let is_at_address = standing.current().is_some_and(|current| current.id == endpoint.id);
        let (signing, doubles) = match is_at_address {
            true => (standing.signing(), standing.doubles()),
            false => (look::signing(endpoint, held), Vec::new()),
        };
        let waits = standing.waiting().map(|waiting| {
            format!("the endpoint {} until `billform rotate webhook-secret --finish` removes it", waiting.previous)
        });
        let Applied { id, outputs, .. } = applied(&endpoint.id);
        let fields = look::fields(endpoint, want, signing, doubles);
        Ok(Some(Seen { id, fields, outputs, owner: look::owner(endpoint), unread: Vec::new(), pending: waits }))
    }

    /// Makes the endpoint anew and removes it. With its secret known, both hold until nothing of its is on its way.
    async fn renew(&self, change: &TypedUpdate<Desired>, keep: Keep) -> Result<Applied, CallError> {
        let (address, desired) = (&change.address, &change.desired);
        if change.claim {
            self.change(address, &change.id, desired, &[]).await?;
        }
        for other in self.others(change).await? {
            self.remove(&other).await?;
        }
        let first = First { id: &change.id, metadata: &change.observed.metadata };
        let follow = Follow { address, desired, token: &change.token, first: Some(first), waits: false };
        let made = self.make(&follow, keep).await?;
        self.remove(&change.id).await?;
        if keep == Keep::Previous {
            self.forget_previous(&made.id, &desired.secret).await?;
        }
        Ok(applied(&made.id))
    }

    /// The others at the address, but for the one that an earlier attempt of this change made.
    async fn others(&self, change: &TypedUpdate<Desired>) -> Result<Vec<String>, CallError> {
        let all = self.all().await?;
        let others = all.into_iter().filter(|one| {
            let is_made_here = one.metadata.get(look::FOLLOWS) == Some(&change.id);
            let is_ours = stripe_metadata::is_at(&one.metadata, &self.cloud.stack, &change.address);
            is_ours && one.id != change.id && (!is_made_here || change.observed.doubles.contains(&one.id))
        });
        Ok(others.map(|one| one.id).collect())
    }

    /// Looks again whether the secret holds nothing of the endpoint's: a secret may show late what was stored.
    async fn is_lost(&self, change: &TypedUpdate<Desired>) -> Result<bool, CallError> {
        let mut waiter = Waiter::new(SEEN_LIMIT_S);
        loop {
            let secret = self.secret(&change.desired.secret);
            let (all, held) = futures::try_join!(self.all(), secret.held())?;
            let endpoint = all.iter().find(|endpoint| endpoint.id == change.id);
            let lost = endpoint.is_none_or(|one| look::signing(one, held.as_deref()) == Signing::Lost);
            if !lost || !waiter.pause().await {
                return Ok(lost);
            }
        }
    }

    async fn change(
        &self,
        address: &Address,
        id: &str,
        desired: &Desired,
        dropped: &[String],
    ) -> Result<Endpoint, CallError> {
        let request = Change {
            id: id.to_owned(),
            url: url(desired)?,
            enabled_events: desired.enabled_events.clone(),
            disabled: desired.disabled,
            metadata: stripe_metadata::to_write(&self.cloud.stack, address, &desired.metadata, dropped),
        };
        stripe_metadata::client(&self.cloud)?.read(CHANGE, request).await
    }

    /// Removes an endpoint; one that is gone is just as well.
    pub async fn remove(&self, id: &str) -> Result<(), CallError> {
        let stripe = stripe_metadata::client(&self.cloud)?;
        stripe.change(DELETE, Delete(id.to_owned())).await.map(drop)
    }
}

/// The URL that events are sent to.
pub fn url(desired: &Desired) -> Result<String, CallError> {
    let base = desired.base.known().ok_or_else(|| refused("stripe", "the HTTP API's address is not known"))?;
    Ok(format!("{base}{}", desired.path))
}

fn applied(id: &str) -> Applied {
    Applied { outputs: BTreeMap::from([("id".to_owned(), json!(id))]), id: id.to_owned(), pending: None }
}

#[cfg(test)]
mod tests;
