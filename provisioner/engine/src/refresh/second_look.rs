//! What is looked for a second time, because the first look has told where else it may be.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Observations, Seen};
use crate::input::{references, resolve};
use crate::kind::Want;
use crate::kinds::{Kinds, UnknownKind};
use crate::{Address, Graph, Observed, State};

/// The wants that were not found, and of which more is known now. Each round resolves at least one more reference
/// of each, so rounds end.
pub(super) fn better_informed(wants: Vec<Want>, observations: &Observations) -> Vec<Want> {
    let again = wants.into_iter().filter_map(|mut want| {
        let lacking = references(&want.fields);
        let news = lacking.iter().any(|reference| observations.output(reference).is_some());
        if !news || observations.seen.get(&want.address) != Some(&Seen::Gone) {
            return None;
        }
        want.fields = resolve(&want.fields, &|reference| observations.output(reference).cloned());
        Some(want)
    });
    again.collect()
}

/// What is gone from where it was, and was begun where only a new one can be: its parent was replaced and took it along,
/// and the run that made it anew was killed before it heard of it.
pub(super) fn moving(state: &State, observations: &Observations, kinds: &Kinds) -> Result<Vec<Want>, UnknownKind> {
    let mut wants = Vec::new();
    for (address, intent) in &state.intents {
        let Some(record) = state.records.get(address) else { continue };
        let changes = kinds.of(address)?.diff(&intent.fields, &record.fields, None);
        let elsewhere = changes.iter().any(|change| change.forces_replacement);
        if elsewhere && observations.seen.get(address) == Some(&Seen::Gone) {
            let fields = Value::clone(&intent.fields);
            wants.push(Want { address: address.clone(), id: None, fields, known: None });
        }
    }
    Ok(wants)
}

/// What may stand at an address by mistake: records that were moved by hand, or names that were exchanged. It cannot
/// become what its address wants, and it shares that with another of its kind, or is seen at another address as well.
pub(super) fn misplaced(
    graph: &Graph,
    state: &State,
    seen: &Observations,
    kinds: &Kinds,
) -> Result<Vec<Want>, UnknownKind> {
    let standing = standing(graph, seen);
    let mut by_kind: BTreeMap<&str, Vec<(Want, bool)>> = BTreeMap::new();
    for (address, observed) in here(graph, seen).filter(|(address, _)| state.records.contains_key(address)) {
        let desired = resolve(&graph.resources()[address].desired, &|output| seen.output(output).cloned());
        let changes = kinds.of(address)?.diff(&desired, &observed.fields, None);
        if changes.iter().any(|change| change.forces_replacement) {
            let shared = standing.get(&(address.kind(), observed.id.as_str())).is_some_and(|count| *count > 1);
            let want = Want { address: address.clone(), id: None, fields: desired, known: None };
            by_kind.entry(address.kind()).or_default().push((want, shared));
        }
    }
    let several = |wants: &Vec<(Want, bool)>| wants.len() > 1 || wants.iter().any(|(_, shared)| *shared);
    Ok(by_kind.into_values().filter(several).flatten().map(|(want, _)| want).collect())
}

/// Takes in what was found at those addresses' own places, as far as somebody wanted holds what stood there before:
/// otherwise that would be nobody's from now on, and the address has to replace it.
pub(super) fn settle(observations: &mut Observations, found: Vec<(Address, Seen)>, graph: &Graph) {
    let mut before: BTreeMap<Address, Seen> = BTreeMap::new();
    for (address, seen) in found {
        if let Some(old) = observations.seen.insert(address.clone(), seen) {
            before.insert(address, old);
        }
    }
    loop {
        let standing = standing(graph, observations);
        let is_nobodys = |address: &Address, old: &Seen| match (old, observations.seen.get(address)) {
            (_, Some(Seen::Unreadable(_))) => false,
            (Seen::Here(old), _) => !standing.contains_key(&(address.kind(), old.id.as_str())),
            _ => false,
        };
        let lost: Vec<Address> = before
            .iter()
            .filter(|(address, old)| is_nobodys(address, old))
            .map(|(address, _)| address.clone())
            .collect();
        if lost.is_empty() {
            return;
        }
        for address in lost {
            observations.seen.extend(before.remove_entry(&address));
        }
    }
}

/// What is seen at wanted addresses.
pub(super) fn here<'a>(graph: &'a Graph, seen: &'a Observations) -> impl Iterator<Item = (&'a Address, &'a Observed)> {
    seen.seen.iter().filter_map(|(address, seen)| match seen {
        Seen::Here(observed) if graph.get(address).is_some() => Some((address, &**observed)),
        _ => None,
    })
}

/// At how many wanted addresses a resource is seen, by kind and id.
pub(super) fn standing<'a>(graph: &'a Graph, seen: &'a Observations) -> BTreeMap<(&'a str, &'a str), usize> {
    let mut standing = BTreeMap::new();
    for (address, observed) in here(graph, seen).filter(|(_, observed)| !observed.id.is_empty()) {
        *standing.entry((address.kind(), observed.id.as_str())).or_default() += 1;
    }
    standing
}
