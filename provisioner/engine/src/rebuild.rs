//! A state made from the cloud alone: what carries the stack's name is found by asking every kind for all it has.
//!
//! The manifest's graph only adds what the cloud cannot say: which resource needs which, and the desired form of fields
//! that have several. A resource the manifest no longer has is found all the same.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::Value;

use crate::clock::Clock;
use crate::input::{OutputRef, references, resolve};
use crate::kind::{Depth, Listed};
use crate::kinds::{Kinds, UnknownKind};
use crate::observer::Observer;
use crate::refresh::{Observations, RefreshOptions, Seen, refresh};
use crate::retry::{Retrier, RetryPolicy, harmless_again};
use crate::{Address, CallError, Graph, Kind, Observed, Owner, Record, State};

/// What was found, and what could not be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuilt {
    /// The state, with every resource that is ours.
    pub state: State,
    /// Resources that say the same address as one in the state: address and the id that was left out.
    pub doubles: Vec<(Address, String)>,
    /// What nobody could tell; while this is not empty the state is not whole.
    pub unreadable: Vec<(Address, CallError)>,
    /// Kinds that could not be listed; while this is not empty the state is not whole.
    pub unlisted: Vec<(&'static str, CallError)>,
}

impl Rebuilt {
    /// Whether everything could be looked at.
    pub fn is_whole(&self) -> bool {
        self.unreadable.is_empty() && self.unlisted.is_empty()
    }
}

/// Everything that carries the stack's name, as every kind lists it, with the kinds that could not be listed. What
/// `state` knows by its id may be missing.
pub async fn list(
    kinds: &Kinds,
    state: &State,
    clock: &dyn Clock,
    retry: RetryPolicy,
    observer: &dyn Observer,
) -> (Vec<Listed>, Vec<(&'static str, CallError)>) {
    let retrier = Retrier { clock, policy: retry, observer };
    let lists = kinds.iter().map(|kind| async move {
        let name = kind.meta().name;
        let records = state.records.values().filter(|record| record.address.kind() == name);
        let known: BTreeSet<String> = records.map(|record| record.id.clone()).collect();
        let answer = retrier.call(&Address::new(name, "all"), harmless_again, || kind.list_unknown(&known)).await;
        (name, answer)
    });
    let (mut found, mut failed) = (Vec::new(), Vec::new());
    for (name, answer) in join_all(lists).await {
        match answer {
            Ok(listed) => found.extend(listed),
            Err(error) => failed.push((name, error)),
        }
    }
    (found, failed)
}

/// Rebuilds the state of a stack. `serial` is where its count goes on: above any that the lost state can have had, so
/// that no idempotency token comes up a second time.
pub async fn rebuild(
    graph: &Graph,
    stack: &str,
    serial: u64,
    kinds: &Kinds,
    clock: &dyn Clock,
    retry: RetryPolicy,
    observer: &dyn Observer,
) -> Result<Rebuilt, UnknownKind> {
    let mut known = State { serial, ..State::empty(stack) };
    let (listed, unlisted) = list(kinds, &known, clock, retry, observer).await;
    let mut tenants = BTreeMap::new();
    let mut doubles = Vec::new();
    for found in listed {
        if known.records.contains_key(&found.address) {
            doubles.push((found.address, found.id));
            continue;
        }
        tenants.insert(found.address.clone(), found.tenant.clone());
        known.records.insert(found.address.clone(), sketch(found));
    }
    let options = RefreshOptions { depth: Depth::Full, retry };
    let seen = refresh(graph, &known, kinds, clock, &options, observer).await?;
    let mut rebuilt =
        Rebuilt { state: State { serial, ..State::empty(stack) }, doubles, unreadable: Vec::new(), unlisted };
    for (address, seen_here) in &seen.seen {
        match seen_here {
            Seen::Here(observed) if is_ours(observed, stack, address, graph) => {
                let tenant = graph.get(address).map(|resource| &resource.tenant).or(tenants.get(address));
                let (found, differs) = found(address, observed, graph, &seen, kinds.of(address)?);
                let record = Record { tenant: tenant.cloned().flatten(), ..found };
                if differs {
                    rebuilt.state.rebuilt.insert(address.clone());
                }
                rebuilt.state.records.insert(address.clone(), record);
            }
            Seen::Unreadable(error) => rebuilt.unreadable.push((address.clone(), error.clone())),
            Seen::Here(_) | Seen::Gone => {}
        }
    }
    add_edges(&mut rebuilt.state, graph);
    Ok(rebuilt)
}

/// A record just good enough to find the resource by.
fn sketch(found: Listed) -> Record {
    Record {
        address: found.address,
        id: found.id,
        tenant: found.tenant,
        fields: found.fields.into(),
        outputs: BTreeMap::new(),
        depends_on: BTreeSet::new(),
        pending: None,
        generation: None,
    }
}

/// What cannot say whose it is counts as ours where the manifest has it: nobody can know better.
fn is_ours(observed: &Observed, stack: &str, address: &Address, graph: &Graph) -> bool {
    match &observed.owner {
        Owner::Untold => graph.get(address).is_some(),
        owner => owner.is_stack(stack),
    }
}

/// The record of what is there, and whether it differs from the manifest. Where nothing differs from the desired fields,
/// it holds those: the form an apply keeps.
fn found(
    address: &Address,
    observed: &Observed,
    graph: &Graph,
    seen: &Observations,
    kind: &dyn Kind,
) -> (Record, bool) {
    let lookup = |reference: &OutputRef| seen.output(reference).cloned();
    let desired = graph.get(address).map(|resource| resolve(&resource.desired, &lookup));
    let desired = desired.filter(|desired| references(desired).is_empty());
    let is_known = desired.is_some();
    let as_desired = desired.filter(|desired| kind.diff(desired, &observed.fields, None).is_empty());
    let differs = is_known && as_desired.is_none();
    let record = Record {
        address: address.clone(),
        id: observed.id.clone(),
        tenant: None,
        fields: as_desired
            .map_or_else(|| observed.fields.clone(), |desired| kind.remembered(desired, Some(&observed.fields)).into()),
        outputs: observed.outputs.clone(),
        depends_on: BTreeSet::new(),
        pending: observed.pending.clone(),
        generation: None,
    };
    (record, differs)
}

/// What needs what: as the manifest says, and for what it no longer has, whoever stands in its fields or outputs by
/// id or output.
fn add_edges(state: &mut State, graph: &Graph) {
    let mut by_text: BTreeMap<String, Address> = BTreeMap::new();
    for record in state.records.values() {
        let given = record.outputs.values().filter_map(Value::as_str);
        for text in given.chain([record.id.as_str()]).filter(|text| !text.is_empty()) {
            by_text.insert(text.to_owned(), record.address.clone());
        }
    }
    let mut edges: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for record in state.records.values() {
        if graph.get(&record.address).is_some() {
            edges.insert(record.address.clone(), graph.needs(&record.address).clone());
            continue;
        }
        for needed in mentioned(record, &by_text) {
            // Two can mention each other: a function says who may call it, the caller whom it calls. One of them has
            // to go first, and either may.
            if !reaches(&edges, &needed, &record.address) {
                edges.entry(record.address.clone()).or_default().insert(needed);
            }
        }
    }
    for (address, needs) in edges {
        if let Some(record) = state.records.get_mut(&address) {
            record.depends_on = needs;
        }
    }
}

/// Whether one needs the other, at any remove.
fn reaches(edges: &BTreeMap<Address, BTreeSet<Address>>, from: &Address, to: &Address) -> bool {
    let mut seen: BTreeSet<&Address> = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        if next == to {
            return true;
        }
        if seen.insert(next) {
            open.extend(edges.get(next).into_iter().flatten());
        }
    }
    false
}

fn mentioned(record: &Record, by_text: &BTreeMap<String, Address>) -> BTreeSet<Address> {
    let mut texts = Vec::new();
    collect(&record.fields, &mut texts);
    record.outputs.values().for_each(|value| collect(value, &mut texts));
    // Its own name may be another's as well: a role is called as its function.
    let others = texts.into_iter().filter(|text| *text != record.id);
    let others = others.filter_map(|text| by_text.get(text)).filter(|address| **address != record.address);
    // A name that two resources of one kind share says nothing about which needs which.
    others.filter(|address| address.kind() != record.address.kind()).cloned().collect()
}

fn collect<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn record(kind: &str, name: &str, fields: Value, outputs: Value) -> Record {
        let outputs = outputs.as_object().expect("an object").clone();
        Record {
            address: Address::new(kind, name),
            id: format!("{kind}-{name}"),
            tenant: None,
            fields: fields.into(),
            outputs: outputs.into_iter().collect(),
            depends_on: BTreeSet::new(),
            pending: None,
            generation: None,
        }
    }

    fn state(records: impl IntoIterator<Item = Record>) -> State {
        let records = records.into_iter().map(|record| (record.address.clone(), record)).collect();
        State { records, ..State::empty("s") }
    }

    fn needs(state: &State, address: &str) -> Vec<String> {
        let address: Address = address.parse().expect("an address");
        state.records[&address].depends_on.iter().map(Address::to_string).collect()
    }

    /// A function says which rule may call it, the rule which function it calls, and both are forgotten.
    #[test]
    fn two_that_mention_each_other_make_no_circle_and_keep_what_they_need() {
        let function = record(
            "function",
            "f",
            json!({"role": "arn:role", "callers": ["arn:rule"]}),
            json!({"arn": "arn:f", "log_group": "log_group-f"}),
        );
        let rule = record("rule", "r", json!({"target": "arn:f"}), json!({"arn": "arn:rule"}));
        let role = record("role", "f", json!({}), json!({"arn": "arn:role"}));
        let log = record("log_group", "f", json!({}), json!({}));
        let mut state = state([function, rule, role, log]);
        add_edges(&mut state, &Graph::empty());
        assert_eq!(needs(&state, "function.f"), ["log_group.f", "role.f", "rule.r"]);
        assert_eq!(needs(&state, "rule.r"), [""; 0]);
    }
}
