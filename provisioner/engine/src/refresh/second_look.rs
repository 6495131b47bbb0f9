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

/// What a record stands for that was moved by hand to an address of another resource: the resource is seen at both, and
/// only the other wants it as it is. It is the other's, so that this one looks for its own, or it would replace that away.
pub(super) fn misplaced(graph: &Graph, seen: &Observations, kinds: &Kinds) -> Result<Vec<Want>, UnknownKind> {
    let mut wants = Vec::new();
    for sharing in sharing_one(graph, seen) {
        let mut others = Vec::new();
        for &(address, observed) in &sharing {
            let desired = resolve(&graph.resources()[address].desired, &|output| seen.output(output).cloned());
            let changes = kinds.of(address)?.diff(&desired, &observed.fields, None);
            if changes.iter().any(|change| change.forces_replacement) {
                others.push(Want { address: address.clone(), id: None, fields: desired, known: None });
            }
        }
        if others.len() < sharing.len() {
            wants.extend(others);
        }
    }
    Ok(wants)
}

/// Wanted addresses at which one and the same resource is seen.
fn sharing_one<'a>(graph: &Graph, seen: &'a Observations) -> Vec<Vec<(&'a Address, &'a Observed)>> {
    let mut standing: BTreeMap<(&str, &str), Vec<(&Address, &Observed)>> = BTreeMap::new();
    for (address, seen) in &seen.seen {
        if let Seen::Here(observed) = seen
            && !observed.id.is_empty()
            && graph.get(address).is_some()
        {
            standing.entry((address.kind(), &observed.id)).or_default().push((address, observed));
        }
    }
    standing.into_values().filter(|sharing| sharing.len() > 1).collect()
}
