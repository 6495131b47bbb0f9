//! Translation and comparison of secrets.

use super::*;

fn secret(source: Source) -> Desired {
    Desired {
        name: "shop/stripe".to_owned(),
        description: "Stripe key".to_owned(),
        source,
        json_key: None,
        recovery_days: 7,
        tags: BTreeMap::new(),
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
    let seen = seen(&want, Some("arn:x"), Some("Stripe key"), owned);
    assert_eq!(seen.fields, known);
    assert_eq!((seen.owner.is_stack("shop"), &seen.outputs["arn"]), (true, &json!("arn:x")));
}
