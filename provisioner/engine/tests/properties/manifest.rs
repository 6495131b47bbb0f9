//! Random manifests: a few resources of each kind that refer to each other where the other is there.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Address, Graph, Input, Resource};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One resource, as the generator draws it.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) kind: &'static str,
    pub(crate) name: u8,
    pub(crate) size: u8,
    pub(crate) fixed: u8,
    pub(crate) link: u8,
    pub(crate) tag: Option<u8>,
    pub(crate) tenant: Option<&'static str>,
}

/// The plainest resource of a kind.
pub(crate) fn spec(kind: &'static str, name: u8, link: u8) -> Spec {
    Spec { kind, name, size: 0, fixed: 0, link, tag: None, tenant: None }
}

pub(crate) fn address(kind: &str, name: u8) -> Address {
    Address::new(kind, format!("n{name}"))
}

fn output(kind: &str, name: u8, output: &str) -> Value {
    serde_json::to_value(Input::<String>::output(address(kind, name), output)).expect("serialises")
}

/// Random resources; at most one per address.
pub(crate) fn manifest() -> impl Strategy<Value = Vec<Spec>> {
    let kind = prop_oneof![Just("net"), Just("box"), Just("item"), Just("note")];
    let tenant = prop_oneof![Just(None), Just(Some("acme")), Just(Some("globex"))];
    let spec = (kind, 0u8..4, 0u8..3, 0u8..2, 0u8..5, proptest::option::of(0u8..3), tenant)
        .prop_map(|(kind, name, size, fixed, link, tag, tenant)| Spec { kind, name, size, fixed, link, tag, tenant });
    proptest::collection::vec(spec, 0..14)
}

/// The resources of a manifest; a link that leads nowhere is left out, and an item without its box with it.
pub(crate) fn resources(specs: &[Spec]) -> Vec<Resource> {
    let by_address: BTreeMap<Address, &Spec> = specs.iter().map(|spec| (address(spec.kind, spec.name), spec)).collect();
    by_address.values().filter_map(|spec| resource(spec, &by_address)).collect()
}

fn resource(spec: &Spec, all: &BTreeMap<Address, &Spec>) -> Option<Resource> {
    let there = |kind: &str| all.contains_key(&address(kind, spec.link));
    let mut depends_on = BTreeSet::new();
    let desired = match spec.kind {
        "net" => {
            let tags: serde_json::Map<_, _> = spec.tag.map(|tag| (format!("t{tag}"), json!("x"))).into_iter().collect();
            json!({"name": format!("net{}-{}", spec.name, spec.fixed), "size": spec.size, "tags": tags})
        }
        "box" => {
            let net = if there("net") { output("net", spec.link, "uid") } else { Value::Null };
            json!({"zone": spec.fixed, "size": spec.size, "hidden": spec.tag, "net": net})
        }
        "item" if there("box") => json!({"box": output("box", spec.link, "id"), "size": spec.size}),
        "item" => return None,
        _ => {
            if there("net") {
                depends_on.insert(address("net", spec.link));
            }
            json!({"size": spec.size})
        }
    };
    Some(Resource {
        address: address(spec.kind, spec.name),
        tenant: spec.tenant.map(str::to_owned),
        desired,
        depends_on,
    })
}

pub(crate) fn graph(specs: &[Spec]) -> Graph {
    Graph::new(resources(specs)).expect("a random manifest makes a graph")
}
