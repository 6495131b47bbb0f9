//! `schedule`: an EventBridge rule with its one target, a function. The permission to call it is the function's.
//!
//! PutRule overwrites a rule of the same name without a word (and leaves its tags), so create looks first; putting
//! and removing targets answers 200 though single entries failed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_eventbridge::types::{Rule, RuleState, Tag, Target};
use aws_smithy_types::error::operation::BuildError;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::prefix::common_prefix;
use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code, refused};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a schedule is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The rule's name: `monthly-client-billing`.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// `cron(0 0 1 * ? *)`, UTC.
    pub expression: String,
    /// Whether it fires.
    pub enabled: bool,
    /// ARN of the function it calls.
    pub target_arn: String,
    /// The event the function gets.
    pub input: Value,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// The kind, at work.
pub struct Schedules {
    cloud: Arc<Cloud>,
    events: aws_sdk_eventbridge::Client,
}

/// The id of the one target. Any other target is drift.
const TARGET_ID: &str = "billform";
/// How many rules' targets and tags are read at once.
const RULES_AT_ONCE: usize = 8;
/// What the list of rules leaves out.
const UNLISTED: &[&str] = &["target_arn", "input", "tags"];

const RULE: &str = "arn:aws:events:{region}:{account}:rule/{name}";
const ANY_RULE: &str = "arn:aws:events:{region}:{account}:rule/*";

impl TypedKind for Schedules {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "schedule",
        plural: "event rules",
        service: "events",
        summary: "EventBridge rule that calls a function on a schedule",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: UNLISTED,
        permissions: &[
            Permission { verb: Verb::Read, action: "events:ListRules", resource: "*" },
            Permission { verb: Verb::Read, action: "events:ListTargetsByRule", resource: RULE },
            // Whose a rule is stands in its tags alone.
            Permission { verb: Verb::Read, action: "events:ListTagsForResource", resource: ANY_RULE },
            Permission { verb: Verb::Create, action: "events:DescribeRule", resource: RULE },
            Permission { verb: Verb::Create, action: "events:PutRule", resource: RULE },
            Permission { verb: Verb::Create, action: "events:TagResource", resource: RULE },
            Permission { verb: Verb::Create, action: "events:PutTargets", resource: RULE },
            Permission { verb: Verb::Update, action: "events:PutRule", resource: RULE },
            Permission { verb: Verb::Update, action: "events:ListTargetsByRule", resource: RULE },
            Permission { verb: Verb::Update, action: "events:PutTargets", resource: RULE },
            Permission { verb: Verb::Update, action: "events:RemoveTargets", resource: RULE },
            Permission { verb: Verb::Update, action: "events:TagResource", resource: RULE },
            Permission { verb: Verb::Update, action: "events:UntagResource", resource: RULE },
            Permission { verb: Verb::Delete, action: "events:ListTargetsByRule", resource: RULE },
            Permission { verb: Verb::Delete, action: "events:RemoveTargets", resource: RULE },
            Permission { verb: Verb::Delete, action: "events:DeleteRule", resource: RULE },
        ],
        steps_at_once: 5,
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        Schedules { events: client!(cloud, aws_sdk_eventbridge, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let names: Vec<&str> = wants.iter().map(|want| want.fields.name.as_str()).collect();
        let rules = self.rules(&common_prefix(&names)).await?;
        let seen = wants.iter().map(|want| self.see(want, rules.get(&want.fields.name), depth)).collect();
        Ok(at_once(RULES_AT_ONCE, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let rules = self.rules("").await?;
        let fields = |_: &str, rule: &Rule, tags| observed(rule, (String::new(), Value::Null), tags);
        list_tagged(self, &self.cloud.stack, RULES_AT_ONCE, rules, fields).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.rules("").await?.into_keys().collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        self.refuse_existing(&desired.name).await?;
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        self.put_rule(&desired, Some(tags)).await?;
        self.put_target(&desired).await?;
        Ok(self.applied(&desired))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let desired = &change.desired;
        if ["description", "expression", "enabled"].iter().any(|field| change.touches(field)) {
            self.put_rule(desired, None).await?;
        }
        if change.touches("target_arn") || change.touches("input") {
            self.put_target(desired).await?;
            let foreign = self.targets(&desired.name).await?.into_iter().map(|target| target.id);
            let foreign = foreign.filter(|id| id != TARGET_ID).collect();
            self.remove_targets(&desired.name, foreign).await?;
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(self.applied(desired))
    }

    /// Targets go first: a rule with targets is not deleted.
    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        let targets = match self.targets(id).await {
            Err(error) if is_missing(&error) => return Ok(Removal::Gone),
            targets => targets?,
        };
        self.remove_targets(id, targets.into_iter().map(|target| target.id).collect()).await?;
        match self.events.delete_rule().name(id).send().await {
            Err(error) if code(&error) != Some(MISSING) => Err(call_error("events:DeleteRule", error)),
            _ => Ok(Removal::Gone),
        }
    }
}

/// How EventBridge says that a rule is not there.
const MISSING: &str = "ResourceNotFoundException";

fn is_missing(error: &CallError) -> bool {
    error.message.contains(MISSING)
}

impl Schedules {
    /// The rules whose names begin so, by name: one paged list.
    async fn rules(&self, prefix: &str) -> Result<HashMap<String, Rule>, CallError> {
        let (mut rules, mut token) = (HashMap::new(), None);
        loop {
            let call = self.events.list_rules().set_next_token(token);
            let call = if prefix.is_empty() { call } else { call.name_prefix(prefix) };
            let page = call.send().await.map_err(|error| call_error("events:ListRules", error))?;
            let named = page.rules.unwrap_or_default().into_iter().filter_map(|rule| Some((rule.name.clone()?, rule)));
            rules.extend(named);
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(rules);
            }
        }
    }

    async fn see(
        &self,
        want: &TypedWant<Desired>,
        rule: Option<&Rule>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let Some(rule) = rule else { return Ok(None) };
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let unread = UNLISTED.iter().map(|field| (*field).to_owned()).collect();
            let target = (known.target_arn.clone(), known.input.clone());
            let fields = observed(rule, target, known.tags.clone());
            return Ok(Some(self.seen(fields, Owner::stack(&self.cloud.stack), unread)));
        }
        let name = &want.fields.name;
        let (targets, tags) = futures::try_join!(self.targets(name), self.tags(name))?;
        let Some(tags) = tags else { return Ok(None) };
        let owned = ownership::split(tags);
        Ok(Some(self.seen(observed(rule, observed_target(&targets), owned.tags), owned.owner, Vec::new())))
    }

    async fn targets(&self, rule: &str) -> Result<Vec<Target>, CallError> {
        let (mut targets, mut token) = (Vec::new(), None);
        loop {
            let call = self.events.list_targets_by_rule().rule(rule).set_next_token(token);
            let page = call.send().await.map_err(|error| call_error("events:ListTargetsByRule", error))?;
            targets.extend(page.targets.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(targets);
            }
        }
    }

    async fn refuse_existing(&self, rule: &str) -> Result<(), CallError> {
        match self.events.describe_rule().name(rule).send().await {
            Ok(_) => Err(CallError {
                operation: "events:PutRule".to_owned(),
                message: format!("the rule {rule} exists"),
                class: ErrorClass::AlreadyExists,
            }),
            Err(error) if code(&error) == Some(MISSING) => Ok(()),
            Err(error) => Err(call_error("events:DescribeRule", error)),
        }
    }

    /// The whole rule every time: PutRule resets what it is not given. Tags count for a new rule only.
    async fn put_rule(&self, desired: &Desired, tags: Option<BTreeMap<String, String>>) -> Result<(), CallError> {
        let state = if desired.enabled { RuleState::Enabled } else { RuleState::Disabled };
        let call = self.events.put_rule().name(&desired.name).description(&desired.description);
        let call = call.schedule_expression(&desired.expression).state(state);
        let call = call.set_tags(tags.map(to_sdk).transpose()?);
        call.send().await.map(drop).map_err(|error| call_error("events:PutRule", error))
    }

    async fn put_target(&self, desired: &Desired) -> Result<(), CallError> {
        let target = Target::builder().id(TARGET_ID).arn(&desired.target_arn).input(desired.input.to_string()).build();
        let target = target.map_err(|error| refused("events:PutTargets", error.to_string()))?;
        let answer = self.events.put_targets().rule(&desired.name).targets(target).send().await;
        let answer = answer.map_err(|error| unseen_yet(call_error("events:PutTargets", error)))?;
        let failures = answer.failed_entries().iter().map(|entry| (entry.target_id(), entry.error_code()));
        failures_are_errors("events:PutTargets", answer.failed_entry_count, failures.collect())
    }

    async fn remove_targets(&self, rule: &str, ids: Vec<String>) -> Result<(), CallError> {
        if ids.is_empty() {
            return Ok(());
        }
        let answer = match self.events.remove_targets().rule(rule).set_ids(Some(ids)).send().await {
            Err(error) if code(&error) == Some(MISSING) => return Ok(()),
            answer => answer.map_err(|error| call_error("events:RemoveTargets", error))?,
        };
        let failures = answer.failed_entries().iter().map(|entry| (entry.target_id(), entry.error_code()));
        failures_are_errors("events:RemoveTargets", answer.failed_entry_count, failures.collect())
    }

    fn seen(&self, fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
        let applied = self.applied(&fields);
        Seen { id: applied.id, fields, outputs: applied.outputs, owner, unread, pending: None }
    }

    fn applied(&self, desired: &Desired) -> Applied {
        let outputs = BTreeMap::from([("arn".to_owned(), json!(self.arn(&desired.name)))]);
        Applied { id: desired.name.clone(), outputs, pending: None }
    }

    fn arn(&self, rule: &str) -> String {
        format!("arn:aws:events:{}:{}:rule/{rule}", self.cloud.region, self.cloud.account)
    }
}

impl Tagged for Schedules {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        let answer = match self.events.list_tags_for_resource().resource_arn(self.arn(id)).send().await {
            Err(error) if code(&error) == Some(MISSING) => return Ok(None),
            answer => answer.map_err(|error| call_error("events:ListTagsForResource", error))?,
        };
        Ok(Some(answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()))
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.events.tag_resource().resource_arn(self.arn(id)).set_tags(Some(to_sdk(tags)?));
        call.send().await.map(drop).map_err(|error| call_error("events:TagResource", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.events.untag_resource().resource_arn(self.arn(id)).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| call_error("events:UntagResource", error))
    }
}

/// The rule was put a moment ago, so one that is not there is not there yet.
fn unseen_yet(error: CallError) -> CallError {
    if is_missing(&error) { CallError { class: ErrorClass::NotYet, ..error } } else { error }
}

fn failures_are_errors(
    operation: &str,
    count: i32,
    failures: Vec<(Option<&str>, Option<&str>)>,
) -> Result<(), CallError> {
    if count == 0 && failures.is_empty() {
        return Ok(());
    }
    let told = failures.iter().map(|(id, code)| format!("{} ({})", id.unwrap_or("?"), code.unwrap_or("no code")));
    let busy = failures.iter().any(|(_, code)| *code == Some("ConcurrentModificationException"));
    Err(CallError {
        operation: operation.to_owned(),
        message: format!("{count} of the targets failed: {}", told.collect::<Vec<_>>().join(", ")),
        class: if busy { ErrorClass::NotYet } else { ErrorClass::Refused },
    })
}

fn observed(rule: &Rule, (target_arn, input): (String, Value), tags: BTreeMap<String, String>) -> Desired {
    Desired {
        name: rule.name().unwrap_or_default().to_owned(),
        description: rule.description().unwrap_or_default().to_owned(),
        expression: rule.schedule_expression().unwrap_or_default().to_owned(),
        enabled: rule.state() != Some(&RuleState::Disabled),
        target_arn,
        input,
        tags,
    }
}

/// What our target calls and sends. Targets of others stand behind it, so that they show as a difference.
fn observed_target(targets: &[Target]) -> (String, Value) {
    let ours = targets.iter().find(|target| target.id == TARGET_ID);
    let foreign = targets.iter().filter(|target| target.id != TARGET_ID);
    let arns = ours.map(|target| target.arn.clone()).into_iter();
    let arns = arns.chain(foreign.map(|target| format!("{} (target {})", target.arn, target.id)));
    (arns.collect::<Vec<_>>().join(", "), ours.map_or(Value::Null, observed_input))
}

fn observed_input(target: &Target) -> Value {
    match (&target.input, &target.input_path, &target.input_transformer) {
        (Some(input), None, None) => serde_json::from_str(input).unwrap_or_else(|_| json!(input)),
        (None, None, None) => Value::Null,
        (_, Some(path), _) => json!(format!("the event at {path}")),
        (_, _, Some(_)) => json!("a transformed event"),
    }
}

fn to_sdk(tags: BTreeMap<String, String>) -> Result<Vec<Tag>, CallError> {
    let tag = |(key, value)| Tag::builder().key(key).value(value).build();
    let tags: Result<Vec<Tag>, BuildError> = tags.into_iter().map(tag).collect();
    tags.map_err(|error| refused("events:TagResource", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(id: &str, arn: &str) -> Target {
        Target::builder().id(id).arn(arn).input(r#"{"b":1,"a":2}"#).build().expect("builds")
    }

    #[test]
    fn a_rule_is_told_in_the_desired_shape() {
        let rule = Rule::builder().name("r").schedule_expression("rate(1 day)").state(RuleState::Disabled).build();
        let seen = observed(&rule, observed_target(&[target(TARGET_ID, "arn:f")]), BTreeMap::new());
        assert_eq!((seen.enabled, seen.description.as_str(), seen.target_arn.as_str()), (false, "", "arn:f"));
        assert_eq!(seen.input, json!({"a": 2, "b": 1}));
    }

    #[test]
    fn missing_changed_and_foreign_targets_differ() {
        let ours = observed_target(&[target(TARGET_ID, "arn:f")]);
        assert_eq!(observed_target(&[]), (String::new(), Value::Null));
        assert_ne!(observed_target(&[target(TARGET_ID, "arn:f"), target("x", "arn:g")]), ours);
        assert_ne!(observed_target(&[target("x", "arn:f")]), ours);
        let mut at_path = target(TARGET_ID, "arn:f");
        (at_path.input, at_path.input_path) = (None, Some("$.detail".to_owned()));
        assert_ne!(observed_target(&[at_path]), ours);
    }

    #[test]
    fn a_failed_entry_within_a_success_is_an_error() {
        assert_eq!(failures_are_errors("events:PutTargets", 0, Vec::new()), Ok(()));
        let failed = failures_are_errors("events:PutTargets", 1, vec![(Some("billform"), Some("LimitExceeded"))]);
        assert!(failed.expect_err("fails").message.contains("billform (LimitExceeded)"));
    }
}
