//! `sns_topic`: where alerts go, who may publish them, and who gets them by e-mail.
//!
//! AWS asks every address by a mail of its own and sends it nothing before it agrees, so a topic is pending until all
//! have. An address that does not agree has no ARN to be taken off by: it lapses by itself after two days.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_sns::types::{Subscription, Tag};
use aws_smithy_types::error::operation::BuildError;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::policy;
use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a topic is to be. Output: `arn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// `client-billing-alerts`: letters, digits, `-` and `_`.
    pub name: String,
    /// The policy of the topic: which services publish to it.
    pub policy: Value,
    /// The addresses that are subscribed.
    pub emails: BTreeSet<String>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The topics of one account.
pub struct SnsTopics {
    cloud: Arc<Cloud>,
    sns: aws_sdk_sns::Client,
}

/// How many topics are read at once.
const TOPICS_AT_ONCE: usize = 8;
/// What the lists leave out.
const UNLISTED: &[&str] = &["policy", "tags"];
const EMAIL: &str = "email";
/// What lists say in place of the ARN of a subscription that is not confirmed.
const PENDING: &str = "PendingConfirmation";
/// How the service says that something is not there.
const MISSING: &str = "NotFound";
/// The same, when its tags are asked for.
const MISSING_WITH_TAGS: &str = "ResourceNotFound";

const TOPIC: &str = "arn:aws:sns:{region}:{account}:{name}";
const ANY_TOPIC: &str = "arn:aws:sns:{region}:{account}:*";

impl TypedKind for SnsTopics {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "sns_topic",
        plural: "topics",
        service: "sns",
        summary: "SNS topic for alerts, with its e-mail subscriptions",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: UNLISTED,
        permissions: &[
            Permission { verb: Verb::Read, action: "sns:ListTopics", resource: "*" },
            Permission { verb: Verb::Read, action: "sns:ListSubscriptions", resource: "*" },
            Permission { verb: Verb::Read, action: "sns:GetTopicAttributes", resource: TOPIC },
            // Its tags alone say which stack a topic belongs to.
            Permission { verb: Verb::Read, action: "sns:ListTagsForResource", resource: ANY_TOPIC },
            Permission { verb: Verb::Create, action: "sns:GetTopicAttributes", resource: TOPIC },
            Permission { verb: Verb::Create, action: "sns:CreateTopic", resource: TOPIC },
            Permission { verb: Verb::Create, action: "sns:TagResource", resource: TOPIC },
            Permission { verb: Verb::Create, action: "sns:Subscribe", resource: TOPIC },
            Permission { verb: Verb::Update, action: "sns:SetTopicAttributes", resource: TOPIC },
            Permission { verb: Verb::Update, action: "sns:Subscribe", resource: TOPIC },
            Permission { verb: Verb::Update, action: "sns:Unsubscribe", resource: "*" },
            Permission { verb: Verb::Update, action: "sns:ListSubscriptionsByTopic", resource: TOPIC },
            Permission { verb: Verb::Update, action: "sns:TagResource", resource: TOPIC },
            Permission { verb: Verb::Update, action: "sns:UntagResource", resource: TOPIC },
            Permission { verb: Verb::Delete, action: "sns:DeleteTopic", resource: TOPIC },
        ],
        steps_at_once: 5,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        SnsTopics { sns: client!(cloud, aws_sdk_sns, Home::Stack), cloud }
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        engine::diff::fields(&Self::META, desired, &policy::spelled_as(desired, observed), last)
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        if wants.is_empty() {
            return Ok(Vec::new());
        }
        let (names, subscribers) = futures::try_join!(self.names(), self.subscribers())?;
        let seen = wants.iter().map(|want| async {
            match names.contains(&want.fields.name) {
                true => self.see(want, subscribers.get(&self.arn(&want.fields.name)), depth).await,
                false => Ok(None),
            }
        });
        Ok(at_once(TOPICS_AT_ONCE, seen.collect()).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let topics = self.names().await?.into_iter().map(|name| (name, ()));
        let fields = |name: &str, (): &(), tags| Desired {
            name: name.to_owned(),
            policy: Value::Null,
            emails: BTreeSet::new(),
            tags,
        };
        list_tagged(self, &self.cloud.stack, TOPICS_AT_ONCE, topics, fields).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.names().await?.into_iter().collect())
    }

    /// CreateTopic answers 200 for a topic that is there, so it is looked for first.
    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        if self.policy(&desired.name).await?.is_some() {
            return Err(CallError {
                operation: "sns:CreateTopic".to_owned(),
                message: format!("the topic {} exists", desired.name),
                class: ErrorClass::AlreadyExists,
            });
        }
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let call = self.sns.create_topic().name(&desired.name).attributes("Policy", desired.policy.to_string());
        let call = call.set_tags(Some(sdk_tags(tags)?));
        call.send().await.map_err(|error| call_error("sns:CreateTopic", error))?;
        for email in &desired.emails {
            self.subscribe(&desired.name, email).await?;
        }
        Ok(self.applied(&desired.name, &desired.emails))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let desired = &change.desired;
        if change.touches("policy") {
            let call = self.sns.set_topic_attributes().topic_arn(self.arn(&desired.name)).attribute_name("Policy");
            let call = call.attribute_value(desired.policy.to_string());
            call.send().await.map_err(|error| call_error("sns:SetTopicAttributes", error))?;
        }
        let mut subscribers = self.subscribers_of(&desired.name).await?;
        if change.touches("emails") {
            for (email, arn) in subscribers.confirmed.iter().filter(|(email, _)| !desired.emails.contains(*email)) {
                self.unsubscribe(arn).await.map_err(|error| refused_for(email, error))?;
            }
            let new: BTreeSet<String> =
                desired.emails.iter().filter(|email| !subscribers.knows(email)).cloned().collect();
            for email in &new {
                self.subscribe(&desired.name, email).await?;
            }
            subscribers.pending.extend(new);
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        let waiting = subscribers.pending.intersection(&desired.emails).cloned().collect();
        Ok(self.applied(&desired.name, &waiting))
    }

    /// Deleting a topic that is gone succeeds. Its subscriptions go with it.
    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        match self.sns.delete_topic().topic_arn(self.arn(id)).send().await {
            Err(error) if code(&error) != Some(MISSING) => Err(call_error("sns:DeleteTopic", error)),
            _ => Ok(Removal::Gone),
        }
    }
}

/// The e-mail subscribers of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Subscribers {
    /// Address -> ARN of the subscription.
    confirmed: BTreeMap<String, String>,
    /// Addresses that AWS wrote to and that did not answer yet.
    pending: BTreeSet<String>,
}

impl Subscribers {
    fn add(&mut self, subscription: &Subscription) {
        let (Some(EMAIL), Some(address)) = (subscription.protocol(), subscription.endpoint()) else { return };
        match subscription.subscription_arn() {
            Some(PENDING) | None => drop(self.pending.insert(address.to_owned())),
            Some(arn) => drop(self.confirmed.insert(address.to_owned(), arn.to_owned())),
        }
    }

    fn knows(&self, address: &str) -> bool {
        self.confirmed.contains_key(address) || self.pending.contains(address)
    }

    /// Those that count: confirmed addresses, and wanted ones that were asked. Others that were asked lapse by themselves.
    fn counted(&self, wanted: &BTreeSet<String>) -> BTreeSet<String> {
        self.confirmed.keys().chain(self.pending.intersection(wanted)).cloned().collect()
    }
}

impl SnsTopics {
    /// Every topic of the account by name.
    async fn names(&self) -> Result<BTreeSet<String>, CallError> {
        let mut topics = self.sns.list_topics().into_paginator().items().send();
        let mut found = BTreeSet::new();
        while let Some(topic) = topics.next().await {
            let topic = topic.map_err(|error| call_error("sns:ListTopics", error))?;
            found.extend(topic.topic_arn().and_then(|arn| arn.rsplit(':').next()).map(str::to_owned));
        }
        Ok(found)
    }

    /// The e-mail subscribers of every topic, by the topic's ARN.
    async fn subscribers(&self) -> Result<HashMap<String, Subscribers>, CallError> {
        let mut subscriptions = self.sns.list_subscriptions().into_paginator().items().send();
        let mut found: HashMap<String, Subscribers> = HashMap::new();
        while let Some(subscription) = subscriptions.next().await {
            let subscription = subscription.map_err(|error| call_error("sns:ListSubscriptions", error))?;
            found.entry(subscription.topic_arn().unwrap_or_default().to_owned()).or_default().add(&subscription);
        }
        Ok(found)
    }

    async fn subscribers_of(&self, name: &str) -> Result<Subscribers, CallError> {
        let call = self.sns.list_subscriptions_by_topic().topic_arn(self.arn(name));
        let mut subscriptions = call.into_paginator().items().send();
        let mut found = Subscribers::default();
        while let Some(subscription) = subscriptions.next().await {
            found.add(&subscription.map_err(|error| call_error("sns:ListSubscriptionsByTopic", error))?);
        }
        Ok(found)
    }

    async fn see(
        &self,
        want: &TypedWant<Desired>,
        subscribers: Option<&Subscribers>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let (name, wanted) = (&want.fields.name, &want.fields.emails);
        let emails = subscribers.map(|found| found.counted(wanted)).unwrap_or_default();
        let waiting = subscribers.map(|found| found.pending.intersection(wanted).cloned().collect());
        let Applied { id, outputs, pending } = self.applied(name, &waiting.unwrap_or_default());
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let fields = Desired { emails, ..known.clone() };
            let unread = UNLISTED.iter().map(|field| (*field).to_owned()).collect();
            return Ok(Some(Seen { id, fields, outputs, owner: Owner::stack(&self.cloud.stack), unread, pending }));
        }
        let (policy, tags) = futures::try_join!(self.policy(name), self.tags(name))?;
        let (Some(policy), Some(tags)) = (policy, tags) else { return Ok(None) };
        let owned = ownership::split(tags);
        let fields = Desired { name: name.clone(), policy, emails, tags: owned.tags };
        Ok(Some(Seen { id, fields, outputs, owner: owned.owner, unread: Vec::new(), pending }))
    }

    /// A topic's policy; none of a topic that does not exist. Text that is no JSON stays text, so that it differs.
    async fn policy(&self, name: &str) -> Result<Option<Value>, CallError> {
        let answer = match self.sns.get_topic_attributes().topic_arn(self.arn(name)).send().await {
            Err(error) if code(&error) == Some(MISSING) => return Ok(None),
            answer => answer.map_err(|error| call_error("sns:GetTopicAttributes", error))?,
        };
        let text = answer.attributes.and_then(|mut attributes| attributes.remove("Policy")).unwrap_or_default();
        Ok(Some(serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    async fn subscribe(&self, name: &str, email: &str) -> Result<(), CallError> {
        let call = self.sns.subscribe().topic_arn(self.arn(name)).protocol(EMAIL).endpoint(email);
        call.send().await.map(drop).map_err(|error| unseen_yet(refused_for(email, call_error("sns:Subscribe", error))))
    }

    async fn unsubscribe(&self, arn: &str) -> Result<(), CallError> {
        match self.sns.unsubscribe().subscription_arn(arn).send().await {
            Err(error) if code(&error) != Some(MISSING) => Err(call_error("sns:Unsubscribe", error)),
            _ => Ok(()),
        }
    }

    fn applied(&self, name: &str, waiting: &BTreeSet<String>) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(name)))]);
        Applied { id: name.to_owned(), outputs, pending: pending(waiting) }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:sns:{}:{}:{name}", self.cloud.region, self.cloud.account)
    }
}

impl Tagged for SnsTopics {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        match self.sns.list_tags_for_resource().resource_arn(self.arn(id)).send().await {
            Ok(answer) => {
                Ok(Some(answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()))
            }
            Err(error) if matches!(code(&error), Some(MISSING | MISSING_WITH_TAGS)) => Ok(None),
            Err(error) => Err(call_error("sns:ListTagsForResource", error)),
        }
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.sns.tag_resource().resource_arn(self.arn(id)).set_tags(Some(sdk_tags(tags)?));
        call.send().await.map(drop).map_err(|error| call_error("sns:TagResource", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.sns.untag_resource().resource_arn(self.arn(id)).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| call_error("sns:UntagResource", error))
    }
}

/// What a topic waits for while these addresses have not agreed.
fn pending(waiting: &BTreeSet<String>) -> Option<String> {
    let addresses: Vec<&str> = waiting.iter().map(String::as_str).collect();
    (!addresses.is_empty()).then(|| {
        format!("waits until {} confirms the subscription: AWS sent a mail with the link", addresses.join(", "))
    })
}

/// An error about one address names it.
fn refused_for(email: &str, error: CallError) -> CallError {
    CallError { message: format!("{email}: {}", error.message), ..error }
}

/// The topic was made a moment ago, so one that is not there is not there yet.
fn unseen_yet(error: CallError) -> CallError {
    if error.message.contains("does not exist") { CallError { class: ErrorClass::NotYet, ..error } } else { error }
}

fn sdk_tags(tags: BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<Tag>, BuildError> = tags.into_iter().map(tag).collect();
    tags.map_err(|error| refused("sns:TagResource", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription(arn: &str, protocol: &str, address: &str) -> Subscription {
        Subscription::builder().subscription_arn(arn).protocol(protocol).endpoint(address).build()
    }

    fn set(addresses: &[&str]) -> BTreeSet<String> {
        addresses.iter().map(|address| (*address).to_owned()).collect()
    }

    #[test]
    fn who_was_asked_counts_while_it_is_wanted_and_who_confirmed_always() {
        let mut found = Subscribers::default();
        found.add(&subscription(PENDING, EMAIL, "asked@example.com"));
        found.add(&subscription(PENDING, EMAIL, "left@example.com"));
        found.add(&subscription("arn:aws:sns:r:1:t:x", EMAIL, "theirs@example.com"));
        found.add(&subscription("arn:aws:sns:r:1:t:y", "sqs", "arn:aws:sqs:r:1:q"));
        let wanted = set(&["asked@example.com", "new@example.com"]);
        assert_eq!(found.counted(&wanted), set(&["asked@example.com", "theirs@example.com"]));
        assert!(found.knows("left@example.com") && !found.knows("new@example.com"));
    }

    #[test]
    fn a_topic_waits_for_all_who_were_asked() {
        assert_eq!(pending(&BTreeSet::new()), None);
        let told = pending(&set(&["b@example.com", "a@example.com"])).expect("waits");
        assert!(told.starts_with("waits until a@example.com, b@example.com confirms"), "{told}");
    }
}
