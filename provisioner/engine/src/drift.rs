//! Drift: what differs from how we left it, told apart from what the manifest wants and nobody applied yet. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::FieldChange;
use crate::import;
use crate::input::{OutputRef, resolve};
use crate::kind::Listed;
use crate::kinds::{Kinds, UnknownKind};
use crate::refresh::{Observations, Seen};
use crate::{Action, Address, CallError, Graph, Observed, Owner, Record, Resource, State};

/// What was found. The same inputs give the same report, byte for byte.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Drift {
    /// Resources that differ from how they were left, what all share first, then by tenant, each by address.
    pub drifted: Vec<Drifted>,
    /// What the manifest wants and nobody applied yet, in the same order. It is no drift.
    pub unapplied: Vec<Unapplied>,
    /// Resources that could not be read, so that nothing is said of them.
    pub unreadable: Vec<(Address, CallError)>,
    /// Resources that wait for something outside, with what for.
    pub pending: Vec<(Address, String)>,
    /// How many resources were compared.
    pub compared: usize,
}

/// A resource that differs from how it was left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drifted {
    /// Where it stands.
    pub address: Address,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// The cloud's id of it.
    pub id: String,
    /// How it differs.
    pub finding: Finding,
    /// Field by field: `before` is what is there, `after` what we left. Empty unless fields changed.
    pub fields: Vec<FieldChange>,
}

/// How a resource differs from how it was left.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Fields were changed.
    Changed,
    /// It is gone.
    Vanished,
    /// Another one stands in its place, under this id.
    Replaced(String),
    /// Its ownership tags are gone or say another address.
    Unmarked,
    /// It says that it is somebody else's.
    Taken(Owner),
    /// It carries our name, and neither the state nor the manifest has it.
    Unknown,
}

/// A difference between the manifest and what was applied last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unapplied {
    /// Where it stands.
    pub address: Address,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// What the next apply would do.
    pub action: Action,
    /// Field by field: `before` is what was applied, `after` what the manifest says. Only updates and replacements
    /// have some.
    pub fields: Vec<FieldChange>,
}

impl Drift {
    /// Whether something differs from how it was left.
    pub fn is_drifted(&self) -> bool {
        !self.drifted.is_empty()
    }

    /// Whether something could not be judged.
    pub fn is_incomplete(&self) -> bool {
        !self.unreadable.is_empty()
    }
}

/// What is said of a resource that an apply has begun to change, still or in vain: it is neither as it was left nor
/// as it will be, and that is nobody else's doing.
const UNFINISHED: &str = "was begun by an apply that has not finished it; the next one does";

/// Compares what is seen with what was applied last. `listed` is everything that carries our name; what of it is
/// neither remembered nor wanted is drift, too.
pub fn drift(
    graph: &Graph,
    state: &State,
    observations: &Observations,
    listed: &[Listed],
    kinds: &Kinds,
) -> Result<Drift, UnknownKind> {
    let unapplied = unapplied(graph, state, kinds)?;
    let mut comparing = Comparing { graph, state, observations, kinds, drift: Drift { unapplied, ..Drift::default() } };
    for (address, seen) in &observations.seen {
        if state.intents.contains_key(address) && !matches!(seen, Seen::Unreadable(_)) {
            comparing.drift.pending.push((address.clone(), UNFINISHED.to_owned()));
            continue;
        }
        match seen {
            Seen::Unreadable(error) => comparing.drift.unreadable.push((address.clone(), error.clone())),
            Seen::Gone => comparing.gone(address),
            Seen::Here(observed) => comparing.here(address, observed)?,
        }
    }
    for one in &mut comparing.drift.unapplied {
        let there = match observations.seen.get(&one.address) {
            Some(Seen::Here(observed)) => !is_of_another_stack(&observed.owner, &state.stack),
            _ => false,
        };
        if one.action == Action::Create && there {
            one.action = Action::Adopt;
        }
    }
    listed.iter().for_each(|found| comparing.unknown(found, observations));
    Ok(comparing.finish())
}

/// What the manifest wants and nobody applied yet, as far as the state knows and without looking: what all share
/// first, then by tenant, each by address.
pub fn unapplied(graph: &Graph, state: &State, kinds: &Kinds) -> Result<Vec<Unapplied>, UnknownKind> {
    let mut found = Vec::new();
    let mut note = |address: &Address, tenant: &Option<String>, action, fields| {
        found.push(Unapplied { address: address.clone(), tenant: tenant.clone(), action, fields });
    };
    for (address, resource) in graph.resources() {
        let Some(record) = state.records.get(address) else {
            let action = import::pending(graph, state, address).map_or(Action::Create, |_| Action::Import);
            note(address, &resource.tenant, action, Vec::new());
            continue;
        };
        let kind = kinds.of(address)?;
        let mut fields = kind.diff(&desired(resource, state), &record.fields, Some(&record.fields));
        let beside = kind.opaque_paths(&record.fields);
        fields.retain(|change| !beside.contains(&change.path));
        let replaces = fields.iter().any(|change| change.forces_replacement);
        if !fields.is_empty() || state.renamed.contains_key(address) {
            note(address, &resource.tenant, if replaces { Action::Replace } else { Action::Update }, fields);
        }
    }
    for record in state.records.values().filter(|record| graph.get(&record.address).is_none()) {
        note(&record.address, &record.tenant, Action::Delete, Vec::new());
    }
    found.sort_by(|a, b| (&a.tenant, &a.address).cmp(&(&b.tenant, &b.address)));
    Ok(found)
}

/// Whether a resource says that it belongs to another stack: an apply refuses that one and adopts nothing.
fn is_of_another_stack(owner: &Owner, stack: &str) -> bool {
    matches!(owner, Owner::Stack { .. }) && !owner.is_stack(stack)
}

/// The desired fields, references resolved from what is remembered.
fn desired(resource: &Resource, state: &State) -> Value {
    resolve(&resource.desired, &|reference: &OutputRef| {
        state.records.get(&reference.of)?.outputs.get(&reference.name).cloned()
    })
}

struct Comparing<'a> {
    graph: &'a Graph,
    state: &'a State,
    observations: &'a Observations,
    kinds: &'a Kinds,
    drift: Drift,
}

impl Comparing<'_> {
    fn gone(&mut self, address: &Address) {
        if let Some(record) = self.state.records.get(address) {
            self.found(address, record.tenant.clone(), &record.id, Finding::Vanished);
        }
    }

    fn here(&mut self, address: &Address, observed: &Observed) -> Result<(), UnknownKind> {
        let Some(record) = self.state.records.get(address) else {
            // Without a state it is compared with the manifest; what is not ours is no concern of drift. A state that
            // was ever kept is believed: what it has forgotten is what a destroy archived, or what was made and is not
            // applied yet.
            let is_ours = observed.owner.is_stack(&self.state.stack);
            return match self.graph.get(address) {
                Some(resource) if is_ours && self.state.is_blank() => self.unremembered(resource, observed),
                _ => Ok(()),
            };
        };
        self.drift.compared += 1;
        let tenant = record.tenant.clone();
        if record.id != observed.id {
            self.found(address, tenant, &record.id, Finding::Replaced(observed.id.clone()));
            return Ok(());
        }
        if let Some(why) = &observed.pending {
            self.drift.pending.push((address.clone(), why.clone()));
        }
        match self.marking(address, &observed.owner) {
            Some(finding @ Finding::Taken(_)) => {
                self.found(address, tenant, &record.id, finding);
                return Ok(());
            }
            Some(finding) => self.found(address, tenant.clone(), &record.id, finding),
            None => {}
        }
        let kind = self.kinds.of(address)?;
        let beside = kind.opaque_paths(&record.fields);
        let mut fields = match self.graph.get(address).filter(|_| self.state.rebuilt.contains(address)) {
            Some(resource) => kind.diff(&desired(resource, self.state), &observed.fields, None),
            None => kind.diff(&record.fields, &observed.fields, Some(&record.fields)),
        };
        fields.retain(|change| !beside.contains(&change.path));
        self.changed(address, tenant, &record.id, fields);
        if let Some(resource) = self.graph.get(address) {
            let mut fields = kind.diff(&desired(resource, self.state), &observed.fields, Some(&record.fields));
            fields.retain(|change| beside.contains(&change.path));
            self.also_to_apply(resource, fields);
        }
        Ok(())
    }

    fn also_to_apply(&mut self, resource: &Resource, fields: Vec<FieldChange>) {
        if fields.is_empty() {
            return;
        }
        let unapplied = &mut self.drift.unapplied;
        match unapplied.iter_mut().find(|one| one.address == resource.address) {
            Some(one) => one.fields.extend(fields),
            None => {
                let (address, tenant) = (resource.address.clone(), resource.tenant.clone());
                unapplied.push(Unapplied { address, tenant, action: Action::Update, fields });
            }
        }
    }

    fn unremembered(&mut self, resource: &Resource, observed: &Observed) -> Result<(), UnknownKind> {
        self.drift.compared += 1;
        let address = &resource.address;
        // What it refers to may not be remembered either: then it is what was seen.
        let seen = |reference: &OutputRef| self.observations.output(reference).cloned();
        let desired = resolve(&desired(resource, self.state), &seen);
        let fields = self.kinds.of(address)?.diff(&desired, &observed.fields, None);
        self.changed(address, resource.tenant.clone(), &observed.id, fields);
        Ok(())
    }

    /// What is wrong with whose it says it is. What was renamed and not told yet is not wrong: that is unapplied.
    fn marking(&self, address: &Address, owner: &Owner) -> Option<Finding> {
        match owner {
            Owner::Untold => None,
            Owner::Unknown => Some(Finding::Unmarked),
            Owner::Stack { name, .. } if *name != self.state.stack => Some(Finding::Taken(owner.clone())),
            Owner::Stack { address: None, .. } => None,
            Owner::Stack { address: Some(said), .. } => {
                let renamed = self.state.renamed.get(address).map(Address::to_string);
                let right = *said == address.to_string() || renamed.as_ref() == Some(said);
                (!right).then_some(Finding::Unmarked)
            }
        }
    }

    fn changed(&mut self, address: &Address, tenant: Option<String>, id: &str, fields: Vec<FieldChange>) {
        if !fields.is_empty() {
            self.found(address, tenant, id, Finding::Changed);
            if let Some(last) = self.drift.drifted.last_mut() {
                last.fields = fields;
            }
        }
    }

    fn found(&mut self, address: &Address, tenant: Option<String>, id: &str, finding: Finding) {
        let address = address.clone();
        self.drift.drifted.push(Drifted { address, tenant, id: id.to_owned(), finding, fields: Vec::new() });
    }

    fn unknown(&mut self, found: &Listed, observations: &Observations) {
        let known_id = |record: &Record| record.address.kind() == found.address.kind() && record.id == found.id;
        let remembered = self.state.records.get(&found.address).is_some_and(|record| record.id == found.id)
            || self.state.intents.contains_key(&found.address)
            || self.state.records.values().any(known_id);
        let wanted = match observations.seen.get(&found.address) {
            Some(Seen::Here(observed)) => observed.id == found.id && self.graph.get(&found.address).is_some(),
            _ => false,
        };
        // What is to be imported may say another address of ours until then.
        let imported = self.graph.imports().iter().any(|(address, id)| {
            address.kind() == found.address.kind() && *id == found.id && !self.state.records.contains_key(address)
        });
        if !remembered && !wanted && !imported {
            self.found(&found.address, found.tenant.clone(), &found.id, Finding::Unknown);
        }
    }

    fn finish(mut self) -> Drift {
        self.drift
            .drifted
            .sort_by(|a, b| (&a.tenant, &a.address, &a.finding).cmp(&(&b.tenant, &b.address, &b.finding)));
        self.drift.unapplied.sort_by(|a, b| (&a.tenant, &a.address).cmp(&(&b.tenant, &b.address)));
        self.drift
    }
}

#[cfg(test)]
mod tests;
