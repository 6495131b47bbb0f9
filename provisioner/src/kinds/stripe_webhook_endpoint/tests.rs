//! Which endpoint counts, and how one is told. The calls are in the conformance suite.

use std::collections::{BTreeMap, HashMap};

use billing::names::{ADDRESS_TAG, OWNER_TAG};
use engine::Input;
use serde_json::json;

use super::look::{FOLLOWS, WAITS, Waiting, fields};
use super::signing::{version_of, version_of_both};
use super::*;

fn address() -> Address {
    Address::new("stripe_webhook_endpoint", "main")
}

fn endpoint(id: &str, more: &[(&str, &str)]) -> Endpoint {
    let mut metadata: HashMap<&str, &str> =
        HashMap::from([(OWNER_TAG, "s"), (ADDRESS_TAG, "stripe_webhook_endpoint.main")]);
    metadata.extend(more.iter().copied());
    let text = json!({
        "id": id, "object": "webhook_endpoint", "created": 1, "livemode": false, "status": "enabled",
        "url": "https://a.example/prod/billing/webhook", "enabled_events": ["invoice.paid"], "application": null,
        "api_version": "2026-09-30.endive", "description": null, "metadata": metadata,
    });
    miniserde::json::from_str(&text.to_string()).expect("an endpoint")
}

fn desired() -> Desired {
    Desired {
        base: Input::Known("https://a.example/prod".to_owned()),
        path: "/billing/webhook".to_owned(),
        enabled_events: ["invoice.paid".to_owned()].into(),
        api_version: "2026-09-30.endive".to_owned(),
        disabled: false,
        secret: "shop/webhook".to_owned(),
        metadata: BTreeMap::new(),
        signing: Signing::Stored,
        doubles: Vec::new(),
    }
}

fn standing<'a>(all: &'a [Endpoint], held: Option<&'a str>) -> (&'a str, Signing, Vec<String>, Option<Waiting<'a>>) {
    let address = address();
    let standing = Standing::of(all, "s", &address, held);
    let current = standing.current().map_or("", |one| one.id.as_str());
    (current, standing.signing(), standing.doubles(), standing.waiting())
}

#[test]
fn the_endpoint_whose_secret_is_stored_counts() {
    // Newest first, as Stripe lists them.
    let all = [endpoint("we_2", &[(FOLLOWS, "we_1")]), endpoint("we_1", &[])];
    let (first, second) = (version_of("we_1"), version_of("we_2"));
    assert_eq!(standing(&all, Some(&first)), ("we_1", Signing::Stored, vec!["we_2".to_owned()], None));
    assert_eq!(standing(&all, Some(&second)), ("we_2", Signing::Stored, vec!["we_1".to_owned()], None));
    // Neither: the one that came first may still be listened to.
    assert_eq!(standing(&all, None), ("we_1", Signing::Lost, vec!["we_2".to_owned()], None));
    assert_eq!(standing(&all, Some("theirs")).1, Signing::Lost);
    assert_eq!(standing(&[], Some(&first)).1, Signing::Lost);
}

#[test]
fn a_rotation_that_a_person_began_waits_and_one_of_an_apply_goes_on() {
    let both = version_of_both("we_2", "we_1");
    let waiting = Waiting { current: "we_2", previous: "we_1" };
    let begun = [endpoint("we_2", &[(FOLLOWS, "we_1"), (WAITS, "true")]), endpoint("we_1", &[])];
    assert_eq!(standing(&begun, Some(&both)), ("we_2", Signing::Stored, vec![], Some(waiting)));
    // Its end died after the first was removed.
    assert_eq!(standing(&begun[..1], Some(&both)), ("we_2", Signing::WithPrevious, vec![], None));
    // Its beginning died before both were stored.
    let first = version_of("we_1");
    assert_eq!(standing(&begun, Some(&first)), ("we_1", Signing::Stored, vec!["we_2".to_owned()], None));
    let of_apply = [endpoint("we_2", &[(FOLLOWS, "we_1")]), endpoint("we_1", &[])];
    assert_eq!(standing(&of_apply, Some(&both)), ("we_2", Signing::WithPrevious, vec!["we_1".to_owned()], None));
}

#[test]
fn a_url_is_told_in_the_parts_that_are_wanted() {
    let told = |url: &str| {
        let mut there = endpoint("we_1", &[]);
        url.clone_into(&mut there.url);
        let want = TypedWant { address: address(), id: None, fields: desired(), known: None };
        let seen = fields(&there, &want, Signing::Stored, Vec::new());
        (seen.base.known().cloned().unwrap_or_default(), seen.path)
    };
    let parts = |base: &str, path: &str| (base.to_owned(), path.to_owned());
    assert_eq!(told("https://a.example/prod/billing/webhook"), parts("https://a.example/prod", "/billing/webhook"));
    assert_eq!(told("https://a.example/prod/other"), parts("https://a.example/prod", "/other"));
    assert_eq!(told("https://b.example/x/billing/webhook"), parts("https://b.example/x", "/billing/webhook"));
    assert_eq!(told("https://b.example/other"), parts("https://b.example", "/other"));
    assert_eq!(told("https://b.example"), parts("https://b.example", ""));
}

#[test]
fn what_a_rotation_notes_is_not_among_the_metadata() {
    let there = endpoint("we_2", &[(FOLLOWS, "we_1"), (WAITS, "true"), ("team", "billing")]);
    let want = TypedWant { address: address(), id: None, fields: desired(), known: None };
    let seen = fields(&there, &want, Signing::Stored, Vec::new());
    assert_eq!(seen.metadata, BTreeMap::from([("team".to_owned(), "billing".to_owned())]));
    let observed = serde_json::to_value(&seen).expect("plain");
    let wanted = serde_json::to_value(desired()).expect("plain");
    assert!(engine::diff::fields(&WebhookEndpoints::META, &wanted, &observed, None).is_empty());
}

#[test]
fn the_default_version_is_the_one_that_the_client_speaks() {
    assert_eq!(billing::function::DEFAULT_WEBHOOK_API_VERSION, stripe_client_core::VERSION.as_str());
}
