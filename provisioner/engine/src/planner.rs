//! Planning: what is desired, remembered and seen become a plan. Pure.
//!
//! Resources are decided in the order of the graph, so that what a resource refers to is decided before it.

mod import;
mod unwanted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::action::Action;
use crate::diff::FieldChange;
use crate::import::{Progress, progress};
use crate::input::{OutputRef, resolve};
use crate::kinds::{Kinds, UnknownKind};
use crate::plan::{Blocked, Mode, Plan, Reason, Refused, Step};
use crate::refresh::{Observations, Seen};
use crate::state::{Intent, last_applied};
use crate::{Address, Graph, Observed, Owner, Record, Resource, State};

/// Plans how what is seen becomes what is desired.
pub fn plan(
    graph: &Graph,
    state: &State,
    observations: &Observations,
    kinds: &Kinds,
    mode: &Mode,
) -> Result<Plan, UnknownKind> {
    let mut planner = Planner::new(graph, state, observations, kinds, mode);
    for address in graph.order() {
        planner.decide_wanted(&graph.resources()[address])?;
    }
    unwanted::decide(&mut planner)?;
    Ok(planner.finish())
}

/// What the planner carries from resource to resource.
struct Planner<'a> {
    graph: &'a Graph,
    state: &'a State,
    observations: &'a Observations,
    kinds: &'a Kinds,
    mode: &'a Mode,
    plan: Plan,
    /// What comes out of each resource decided so far.
    outlook: BTreeMap<&'a Address, Outlook<'a>>,
    /// Where something changes.
    active: BTreeSet<&'a Address>,
    /// What cannot be brought about by this plan: unreadable, refused, or blocked by such a one.
    stuck: BTreeSet<&'a Address>,
    /// Which wanted address each existing resource stands at, by kind and id.
    standing: BTreeMap<(&'a str, &'a str), &'a Address>,
}

/// What comes out of a resource.
enum Outlook<'a> {
    /// It exists; what was not seen of it is remembered.
    Exists { observed: &'a Observed, record: Option<&'a Record> },
    /// It is made by this plan, so nobody knows yet.
    AfterApply,
}

/// Whether a resource that exists is ours to change.
enum Claim {
    /// It is ours and says so, or cannot say and is known to us.
    Ours,
    /// It is ours to have, but must be told so.
    Tell,
    /// It is somebody else's.
    Foreign,
}

impl<'a> Planner<'a> {
    fn new(
        graph: &'a Graph,
        state: &'a State,
        observations: &'a Observations,
        kinds: &'a Kinds,
        mode: &'a Mode,
    ) -> Self {
        let plan = Plan::new(mode.stack.clone(), state.serial, Vec::new());
        Planner {
            graph,
            state,
            observations,
            kinds,
            mode,
            plan,
            outlook: BTreeMap::new(),
            active: BTreeSet::new(),
            stuck: BTreeSet::new(),
            standing: BTreeMap::new(),
        }
    }

    fn decide_wanted(&mut self, resource: &'a Resource) -> Result<(), UnknownKind> {
        let address = &resource.address;
        self.kinds.of(address)?;
        let seen = self.observations.seen.get(address);
        let imported = seen.and_then(|_| progress(self.graph, self.state, address));
        match (imported, seen) {
            (Some(Progress::Pending(id)), Some(Seen::Here(_) | Seen::Gone)) => {
                return import::decide(self, resource, id);
            }
            (Some(Progress::Taken(record)), _) => {
                import::refuse_taken(self, address, record);
                return Ok(());
            }
            (Some(Progress::Done), _) => self.plan.imported.push(address.clone()),
            _ => {}
        }
        match seen {
            Some(Seen::Here(observed)) => self.decide_existing(resource, observed),
            Some(Seen::Gone) => self.decide_missing(resource),
            Some(Seen::Unreadable(error)) => {
                self.plan.unreadable.push((address.clone(), error.clone()));
                self.stuck.insert(address);
                Ok(())
            }
            // Not looked at: left alone. Whoever needs it can have it only if the state knows it.
            None => {
                if !self.state.records.contains_key(address) {
                    self.stuck.insert(address);
                }
                Ok(())
            }
        }
    }

    fn decide_missing(&mut self, resource: &'a Resource) -> Result<(), UnknownKind> {
        let address = &resource.address;
        let reason = if self.state.records.contains_key(address) {
            Reason::Vanished
        } else if self.state.intents.contains_key(address) {
            Reason::Unfinished
        } else {
            Reason::New
        };
        let desired = resolve(&resource.desired, &|reference| self.output(reference));
        let mut step = self.step(resource, Action::Create, reason);
        step.fields = each_field(&desired, |value| (Value::Null, value));
        self.propose(address, step);
        Ok(())
    }

    fn decide_existing(&mut self, resource: &'a Resource, observed: &'a Observed) -> Result<(), UnknownKind> {
        let address = &resource.address;
        let record = self.state.records.get(address).filter(|record| record.id == observed.id);
        let (claim, foreign) = match self.claim(address, observed, record, self.state.intents.get(address)) {
            Claim::Ours => (false, false),
            Claim::Tell => (true, false),
            Claim::Foreign if self.mode.adopt => (true, true),
            Claim::Foreign => {
                self.refuse(address, observed, "`--adopt` takes it over; or give yours another name".to_owned());
                return Ok(());
            }
        };
        self.stands_at(address, observed);
        let desired = resolve(&resource.desired, &|reference| self.output(reference));
        let last = self.last_applied(address, record);
        let kind = self.kinds.of(address)?;
        let mut changes = kind.diff(&desired, &observed.fields, last.as_deref());
        if let Some(record) = record.filter(|_| self.observations.assumed) {
            // Only what is seen can tell.
            let beside = kind.opaque_paths(&record.fields);
            changes.retain(|change| !beside.contains(&change.path));
        }
        let forced: Vec<&str> =
            changes.iter().filter(|change| change.forces_replacement).map(|change| change.path.as_str()).collect();
        if foreign && !forced.is_empty() {
            let fields = forced.join(", ");
            self.refuse(
                address,
                observed,
                format!(
                    "it cannot be taken over, because only a new resource can have the desired {fields}; \
                     write what it has into the manifest, or give yours another name"
                ),
            );
            return Ok(());
        }
        let (action, reason) = if !forced.is_empty() {
            (Action::Replace, Reason::ForcesReplacement)
        } else if foreign {
            (Action::Adopt, Reason::TakenOver(observed.owner.clone()))
        } else if record.is_none() || self.begun(address) && claim {
            (Action::Adopt, if self.begun(address) { Reason::Unfinished } else { Reason::Found })
        } else if !changes.is_empty() {
            (Action::Update, Reason::Differs)
        } else if claim {
            let from = self.state.renamed.get(address);
            (Action::Update, from.map_or(Reason::Unmarked, |from| Reason::Renamed(from.clone())))
        } else {
            (Action::NoOp, Reason::Same)
        };
        let mut step = self.step(resource, action, reason);
        step.fields = changes;
        step.claim = claim;
        self.describe(&mut step, observed, record);
        // What stays as it is, and is known to, needs no copies: of ten thousand tenants they are most of a plan.
        if action == Action::NoOp && record.is_some_and(|record| self.is_recorded(&step, record, &desired)) {
            step.desired = None;
            step.outputs.clear();
            step.depends_on.clear();
        }
        self.outlook.insert(address, Outlook::Exists { observed, record });
        self.propose(address, step);
        Ok(())
    }

    fn stands_at(&mut self, address: &'a Address, observed: &'a Observed) {
        if !observed.id.is_empty() {
            self.standing.insert((address.kind(), &observed.id), address);
        }
    }

    /// Takes a step in, unless something it needs is stuck.
    fn propose(&mut self, address: &'a Address, mut step: Step) {
        let needs = self.graph.needs(address);
        if step.action.is_change() {
            if let Some(because) = needs.iter().find(|needed| self.stuck.contains(needed)) {
                self.plan.blocked.push(Blocked { address: address.clone(), because: because.clone() });
                self.stuck.insert(address);
                return;
            }
            self.active.insert(address);
        }
        if step.action.makes() {
            self.outlook.insert(address, Outlook::AfterApply);
        }
        step.after = needs.iter().filter(|needed| self.active.contains(needed)).cloned().collect();
        self.plan.steps.push(step);
    }

    fn refuse(&mut self, address: &'a Address, observed: &Observed, remedy: String) {
        let owner = match &observed.owner {
            owner if owner.is_stack(&self.mode.stack) => "is ours".to_owned(),
            Owner::Stack { name, .. } => format!("belongs to the stack {name}"),
            Owner::Unknown | Owner::Untold => "was not made by billform".to_owned(),
        };
        self.plan.refused.push(Refused {
            address: address.clone(),
            id: observed.id.clone(),
            owner: observed.owner.clone(),
            message: format!("{address} exists as {} and {owner}: {remedy}", observed.id),
        });
        self.stuck.insert(address);
    }

    /// Whose a resource is. What has no owner written on it is ours if the state knows it by its id, or if we
    /// began to make it: nothing was there when that was planned. That we began to take it over makes it ours only once
    /// it says so. What says another address is told the right one, so
    /// that it is found there when the state is lost. What has no place to say whose it is is nobody's, so no one's to
    /// be refused: it is adopted, visibly.
    fn claim(&self, at: &Address, observed: &Observed, record: Option<&Record>, intent: Option<&Intent>) -> Claim {
        let known = record.is_some() || intent.is_some_and(|intent| !intent.takes_over);
        match &observed.owner {
            Owner::Stack { name, .. } if *name != self.mode.stack => Claim::Foreign,
            Owner::Stack { address: Some(said), .. } if *said != at.to_string() => Claim::Tell,
            Owner::Stack { .. } => Claim::Ours,
            Owner::Unknown if known => Claim::Tell,
            Owner::Untold => Claim::Ours,
            Owner::Unknown => Claim::Foreign,
        }
    }

    /// Whether the state says just what it would say after this step.
    fn is_recorded(&self, step: &Step, record: &Record, desired: &Value) -> bool {
        let settled =
            !self.state.intents.contains_key(&step.address) && !self.state.renamed.contains_key(&step.address);
        settled
            && *record.fields == *desired
            && record.outputs == step.outputs
            && record.tenant == step.tenant
            && record.depends_on == step.depends_on
            && record.pending == step.pending
    }

    fn begun(&self, address: &Address) -> bool {
        self.state.intents.contains_key(address)
    }

    fn last_applied(&self, address: &Address, record: Option<&Record>) -> Option<Arc<Value>> {
        last_applied(record, self.state.intents.get(address))
    }

    /// What an output is, as far as anybody can know before apply: seen first, then remembered.
    fn output(&self, reference: &OutputRef) -> Option<Value> {
        let name = &reference.name;
        match self.outlook.get(&reference.of) {
            Some(Outlook::AfterApply) => None,
            Some(Outlook::Exists { observed, record }) => {
                observed.outputs.get(name).or_else(|| record.as_ref()?.outputs.get(name)).cloned()
            }
            None => self.state.records.get(&reference.of)?.outputs.get(name).cloned(),
        }
    }

    fn step(&self, resource: &Resource, action: Action, reason: Reason) -> Step {
        Step {
            address: resource.address.clone(),
            tenant: resource.tenant.clone(),
            action,
            reason,
            fields: Vec::new(),
            desired: Some(resource.desired.clone()),
            id: None,
            observed: None,
            outputs: BTreeMap::new(),
            pending: None,
            depends_on: self.graph.needs(&resource.address).clone(),
            after: BTreeSet::new(),
            guard: None,
            leaves: None,
            notes: Vec::new(),
            claim: false,
        }
    }

    /// Writes down what is there.
    fn describe(&mut self, step: &mut Step, observed: &Observed, record: Option<&Record>) {
        step.id = Some(observed.id.clone());
        step.observed = (step.action != Action::NoOp).then(|| observed.fields.clone());
        step.outputs = record.map(|record| record.outputs.clone()).unwrap_or_default();
        step.outputs.extend(observed.outputs.clone());
        step.pending.clone_from(&observed.pending);
        if let Some(why) = &observed.pending {
            self.plan.pending.push((step.address.clone(), why.clone()));
        }
        if !observed.unread.is_empty() {
            let fields = self.plan.not_read.entry(step.address.kind().to_owned()).or_default();
            fields.extend(observed.unread.iter().cloned());
        }
    }

    fn finish(mut self) -> Plan {
        self.plan.steps.sort_by(|a, b| (&a.tenant, &a.address).cmp(&(&b.tenant, &b.address)));
        self.plan.pending.sort();
        self.plan.imported.sort();
        self.plan.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
        self.plan.refused.sort_by(|a, b| a.address.cmp(&b.address));
        self.plan.blocked.sort_by(|a, b| a.address.cmp(&b.address));
        self.plan
    }
}

/// Each field of a value as a change that comes or goes whole.
fn each_field(fields: &Value, sides: fn(Value) -> (Value, Value)) -> Vec<FieldChange> {
    let named = fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let changes = named.map(|(name, value)| {
        let (before, after) = sides(value.clone());
        FieldChange { path: name.clone(), before, after, forces_replacement: false }
    });
    changes.collect()
}
