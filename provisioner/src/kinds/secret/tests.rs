//! Translation and comparison of secrets.

use super::look::{current_version, seen};
use super::*;
use crate::cloud::ownership;
use crate::cloud::secret_values::SecretValue;

fn secret(source: Source) -> Desired {
    Desired {
        name: "shop/stripe".to_owned(),
        description: "Stripe key".to_owned(),
        source,
        json_key: None,
        recovery_days: 7,
        tags: BTreeMap::new(),
        replaced_by: None,
    }
}

fn observed(fingerprint: Option<String>) -> Value {
    let mut seen = secret(Source::Generated);
    seen.tags.extend(fingerprint.map(|fingerprint| (fingerprint::TAG.to_owned(), fingerprint)));
    serde_json::to_value(seen).expect("serialises")
}

fn given(value: &'static str) -> impl Fn(&str) -> Option<SecretValue> {
    move |name| (name == "stripe-key").then(|| SecretValue::new(value))
}

#[test]
fn only_another_given_value_is_a_change() {
    let desired = secret(Source::Given("stripe-key".to_owned()));
    let stored = observed(Some(fingerprint::of("sk_1", [1; 16])));
    assert_eq!(value_change(&desired, &stored, given("sk_1")), None);
    assert_eq!(value_change(&desired, &stored, |_| None), None);
    let change = value_change(&desired, &stored, given("sk_2")).expect("a change");
    assert_eq!(change.path, "value");
    assert!(change.before.as_str().is_some_and(|before| before.starts_with("sha256:")), "{change:?}");
    assert_eq!(change.after, json!("given by BILLFORM_SECRET_STRIPE_KEY"));
    assert!(!format!("{change:?}").contains("sk_"));
}

#[test]
fn a_given_value_is_set_where_no_fingerprint_tells() {
    let desired = secret(Source::Given("stripe-key".to_owned()));
    let change = value_change(&desired, &observed(None), given("sk_1")).expect("a change");
    assert_eq!(change.before, json!("unknown"));
}

#[test]
fn a_generated_value_never_changes() {
    assert_eq!(value_change(&secret(Source::Generated), &observed(None), given("sk_1")), None);
}

#[test]
fn the_key_it_is_stored_under_is_part_of_the_value() {
    let desired = Desired { json_key: Some("api_key".to_owned()), ..secret(Source::Given("stripe-key".to_owned())) };
    let plain = observed(Some(fingerprint::of("sk_1", [1; 16])));
    assert!(value_change(&desired, &plain, given("sk_1")).is_some());
    let under_key = observed(Some(fingerprint::of(r#"{"api_key":"sk_1"}"#, [1; 16])));
    assert_eq!(value_change(&desired, &under_key, given("sk_1")), None);
}

#[test]
fn tokens_repeat_with_the_call_and_differ_with_the_value() {
    let token = request_token("t", "salt:a");
    assert_eq!(token.len(), 64);
    assert_eq!(token, request_token("t", "salt:a"));
    assert_ne!(token, request_token("t", "salt:b"));
}

#[test]
fn what_aws_does_not_keep_is_as_applied_last() {
    let known = Desired { recovery_days: 30, ..secret(Source::Given("a".to_owned())) };
    let want = TypedWant {
        address: Address::new("secret", "stripe"),
        id: None,
        fields: secret(Source::Given("b".to_owned())),
        known: Some(known.clone()),
    };
    let owned = ownership::split([(billing::names::OWNER_TAG.to_owned(), "shop".to_owned())]);
    let seen = seen(&want, Some("arn:x"), Some("Stripe key"), owned, None);
    assert_eq!(seen.fields, known);
    assert_eq!((seen.owner.is_stack("shop"), &seen.outputs["arn"]), (true, &json!("arn:x")));
}

/// A rebuilt state remembers what it saw, the fingerprint among the tags.
#[test]
fn the_fingerprint_is_no_tag_to_take_away() {
    let seen = observed(Some(fingerprint::of("sk_1", [1; 16])));
    let mut desired = secret(Source::Generated);
    desired.description = "Another".to_owned();
    let desired = serde_json::to_value(desired).expect("serialises");
    let paths = |last: &Value, observed: &Value| -> Vec<String> {
        field_changes(&desired, observed, Some(last)).into_iter().map(|change| change.path).collect()
    };
    assert_eq!(paths(&seen, &seen), ["description"]);
    assert_eq!(paths(&seen, &observed(None)), ["description"], "nor one to put back");

    let mut others = seen.clone();
    others["tags"]["team"] = json!("x");
    assert_eq!(paths(&others, &others), ["description", "tags.team"], "a tag that was ours goes");
}

#[test]
fn a_value_that_somebody_else_stored_is_seen_by_its_version() {
    let stages = |version: &str, stage: &str| (version.to_owned(), vec![stage.to_owned()]);
    let versions = HashMap::from([stages("0123456789", "AWSCURRENT"), stages("ours", "AWSPREVIOUS")]);
    assert_eq!(current_version(Some(&versions)), Some("0123456789"));
    assert_eq!(current_version(None), None);
    let want = TypedWant {
        address: Address::new("secret", "stripe"),
        id: None,
        fields: secret(Source::Generated),
        known: None,
    };
    let replaced = |tag: String, current: Option<&str>| {
        let owned = ownership::split([(fingerprint::TAG.to_owned(), tag)]);
        seen(&want, None, None, owned, current).fields.replaced_by
    };
    let plain = fingerprint::of("sk_1", [1; 16]);
    let ours = fingerprint::with_version(&plain, "ours");
    assert_eq!(replaced(ours.clone(), Some("ours")), None);
    assert_eq!(replaced(ours.clone(), Some("0123456789")).as_deref(), Some("version 01234567"));
    assert_eq!(replaced(ours, None), None, "a list that tells no versions");
    assert_eq!(replaced(plain, Some("0123456789")), None, "stored by an older billform");
}
