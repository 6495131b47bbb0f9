//! The webhook that Stripe's events arrive at: which events those are follows from the handlers that are deployed.

use std::collections::{BTreeMap, BTreeSet};

use billing::function::FunctionSpec;
use engine::{Address, Input, Resource};

use super::{Plan, api, shared};
use crate::kinds::stripe_webhook_endpoint::{Desired, Signing};

/// The endpoint; nothing without `stripe.webhook`, or without a handler that takes an event.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    let Some(webhook) = stack.manifest.webhook() else { return Vec::new() };
    let listeners: Vec<&FunctionSpec> = stack.deployed().filter(|spec| !spec.stripe_events.is_empty()).collect();
    let events: BTreeSet<String> = listeners.iter().flat_map(|spec| spec.stripe_events.clone()).collect();
    let (true, Some((_, secret))) = (!events.is_empty() && api::has_api(stack), stack.manifest.webhook_secret()) else {
        return Vec::new();
    };
    let desired = Desired {
        base: Input::output(api::address(), "url"),
        path: webhook.path.clone(),
        enabled_events: events,
        api_version: webhook.api_version.clone(),
        disabled: false,
        secret: secret.name.clone(),
        metadata: BTreeMap::new(),
        signing: Signing::Stored,
        doubles: Vec::new(),
    };
    // Events that arrive find their function; it goes after the endpoint.
    let functions = listeners.iter().map(|spec| Address::new("lambda_function", &spec.name));
    let needs = functions.chain([Address::new("secret", &webhook.secret)]);
    vec![shared(address(), desired, needs)]
}

/// Where the endpoint stands.
pub fn address() -> Address {
    Address::new("stripe_webhook_endpoint", "main")
}
