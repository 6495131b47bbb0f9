//! Lifecycle rules, to and from what S3 takes.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration,
    LifecycleRule as Rule, LifecycleRuleFilter, Transition, TransitionStorageClass,
};
use aws_smithy_types::error::operation::BuildError;

use super::LifecycleRule;

/// What is put behind a prefix when a rule does more than we model, so that it shows as a difference.
const UNMODELLED: &str = " (and conditions or actions that billform does not set)";

/// The whole configuration: S3 takes all rules at once.
pub fn configuration(rules: &BTreeMap<String, LifecycleRule>) -> Result<BucketLifecycleConfiguration, BuildError> {
    let rules = rules.iter().map(|(id, wanted)| rule(id, wanted)).collect::<Result<_, _>>()?;
    BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build()
}

/// Every rule has a filter, if only an empty prefix: S3 refuses one without.
fn rule(id: &str, wanted: &LifecycleRule) -> Result<Rule, BuildError> {
    let transition = |(class, days): (&String, &u32)| {
        Transition::builder().days(days_of(*days)).storage_class(TransitionStorageClass::from(class.as_str())).build()
    };
    let transitions: Vec<Transition> = wanted.transitions.iter().map(transition).collect();
    let expiration = wanted.expire_days.map(|days| LifecycleExpiration::builder().days(days_of(days)).build());
    let abort = wanted
        .abort_uploads_days
        .map(|days| AbortIncompleteMultipartUpload::builder().days_after_initiation(days_of(days)).build());
    Rule::builder()
        .id(id)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(&wanted.prefix).build())
        .set_transitions((!transitions.is_empty()).then_some(transitions))
        .set_expiration(expiration)
        .set_abort_incomplete_multipart_upload(abort)
        .build()
}

/// The enabled rules by id.
pub fn observed(rules: &[Rule]) -> BTreeMap<String, LifecycleRule> {
    let enabled = rules.iter().filter(|rule| rule.status == ExpirationStatus::Enabled);
    enabled.map(|rule| (rule.id().unwrap_or_default().to_owned(), observed_rule(rule))).collect()
}

fn observed_rule(rule: &Rule) -> LifecycleRule {
    let transition =
        |transition: &Transition| Some((transition.storage_class()?.as_str().to_owned(), count(transition.days())?));
    let mark = if beyond_the_model(rule) { UNMODELLED } else { "" };
    LifecycleRule {
        prefix: format!("{}{mark}", prefix(rule)),
        transitions: rule.transitions().iter().filter_map(transition).collect(),
        expire_days: rule.expiration().and_then(|expiration| count(expiration.days())),
        abort_uploads_days: rule
            .abort_incomplete_multipart_upload()
            .and_then(|abort| count(abort.days_after_initiation())),
    }
}

/// The prefix stands in the filter, within its `And`, or (older rules) in the rule itself.
#[expect(deprecated, reason = "rules written before filters existed still carry their prefix so")]
fn prefix(rule: &Rule) -> &str {
    let filter = rule.filter();
    let within = filter.and_then(|filter| filter.and()).and_then(|and| and.prefix());
    filter.and_then(LifecycleRuleFilter::prefix).or(within).or(rule.prefix()).unwrap_or_default()
}

fn beyond_the_model(rule: &Rule) -> bool {
    let filtered = rule.filter().is_some_and(|filter| {
        let and = filter.and().is_some_and(|and| {
            !and.tags().is_empty()
                || and.object_size_greater_than().is_some_and(|size| size > 0)
                || and.object_size_less_than().is_some()
        });
        and || filter.tag().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    });
    let dated = rule.expiration().is_some_and(|expiration| expiration.date().is_some())
        || rule.transitions().iter().any(|transition| transition.date().is_some());
    filtered
        || dated
        || !rule.noncurrent_version_transitions().is_empty()
        || rule.noncurrent_version_expiration().is_some()
}

fn days_of(days: u32) -> i32 {
    i32::try_from(days).unwrap_or(i32::MAX)
}

fn count(days: Option<i32>) -> Option<u32> {
    // S3 gives 0 for what is not set.
    days.and_then(|days| u32::try_from(days).ok()).filter(|days| *days > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{NoncurrentVersionExpiration, Tag};

    fn wanted() -> BTreeMap<String, LifecycleRule> {
        BTreeMap::from([
            (
                "old".to_owned(),
                LifecycleRule {
                    prefix: "reports/".to_owned(),
                    transitions: BTreeMap::from([("STANDARD_IA".to_owned(), 30), ("GLACIER".to_owned(), 90)]),
                    expire_days: Some(400),
                    abort_uploads_days: Some(7),
                },
            ),
            (
                "uploads".to_owned(),
                LifecycleRule {
                    prefix: String::new(),
                    transitions: BTreeMap::new(),
                    expire_days: None,
                    abort_uploads_days: Some(1),
                },
            ),
        ])
    }

    #[test]
    fn rules_survive_their_translation() {
        let sent = configuration(&wanted()).expect("builds");
        assert!(sent.rules().iter().all(|rule| rule.filter().is_some()));
        assert_eq!(observed(sent.rules()), wanted());
    }

    #[test]
    fn a_rule_that_does_more_or_less_differs() {
        let differs = |change: &dyn Fn(&mut Rule)| {
            let mut rule = configuration(&wanted()).expect("builds").rules()[0].clone();
            assert_eq!(observed(std::slice::from_ref(&rule)).get("old"), wanted().get("old"));
            change(&mut rule);
            observed(std::slice::from_ref(&rule)).get("old") != wanted().get("old")
        };
        let tag = Tag::builder().key("a").value("b").build().expect("a tag");
        let versions = NoncurrentVersionExpiration::builder().noncurrent_days(1).build();
        assert!(differs(&|rule| rule.filter = Some(LifecycleRuleFilter::builder().tag(tag.clone()).build())));
        assert!(differs(&|rule| rule.noncurrent_version_expiration = Some(versions.clone())));
        assert!(differs(&|rule| rule.status = ExpirationStatus::Disabled));
        assert!(differs(&|rule| rule.transitions = None));
    }
}
