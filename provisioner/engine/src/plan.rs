//! A plan as data: what is to be done, why, and what stands in the way. [`crate::planner`] makes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::action::Action;
use crate::diff::FieldChange;
use crate::input::references;
use crate::kind::Contents;
use crate::token::digest;
use crate::{Address, CallError, Owner};

/// What a planner is told beside the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// The stack planned for; what carries its name is ours.
    pub stack: String,
    /// Take over what exists and is not ours.
    pub adopt: bool,
}

/// What is to be done. The same inputs give the same plan, byte for byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The stack it is for.
    pub stack: String,
    /// [`crate::State::serial`] of the state it was made from.
    pub serial: u64,
    /// One step per resource, no-ops included: what all share first, then by tenant, each by address.
    pub steps: Vec<Step>,
    /// Resources that exist but wait for something outside, with what for.
    pub pending: Vec<(Address, String)>,
    /// Fields that were taken from the state because lists do not give them, by kind.
    pub not_read: BTreeMap<String, BTreeSet<String>>,
    /// Resources that could not be read, so that nothing is planned for them.
    pub unreadable: Vec<(Address, CallError)>,
    /// Resources that exist and are not ours.
    pub refused: Vec<Refused>,
    /// Changes that cannot be made because of a resource that is unreadable or refused.
    pub blocked: Vec<Blocked>,
    /// Where the manifest's imports were carried out before, so that its entries have no effect any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imported: Vec<Address>,
}

/// A resource that exists and is somebody else's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Where it would stand.
    pub address: Address,
    /// The cloud's id of it.
    pub id: String,
    /// Whose it is.
    pub owner: Owner,
    /// What it is and what can be done, in a sentence or two.
    pub message: String,
}

/// A change that waits for something this plan cannot bring about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// What would change.
    pub address: Address,
    /// What it waits for.
    pub because: Address,
}

/// What is done to one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where it stands.
    pub address: Address,
    /// The tenant it belongs to.
    pub tenant: Option<String>,
    /// What is done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// What differs, field by field; for a create what will be there, for a delete what was.
    pub fields: Vec<FieldChange>,
    /// The desired fields, references unresolved; none for what is to go, and for what stays as the state has it.
    pub desired: Option<Value>,
    /// The cloud's id, where it exists.
    pub id: Option<String>,
    /// Its fields as seen, where it exists and something is done to it.
    pub observed: Option<Arc<Value>>,
    /// Its outputs as seen, where it exists; none for what stays as the state has it.
    pub outputs: BTreeMap<String, Value>,
    /// What it waits for outside, where it exists and does.
    pub pending: Option<String>,
    /// What it needs to exist, for the record; none for what stays as the state has it.
    pub depends_on: BTreeSet<Address>,
    /// The steps that must have succeeded before this one starts.
    pub after: BTreeSet<Address>,
    /// What would be lost that billform did not write; such a step needs an approval of its own.
    pub guard: Option<Contents>,
    /// What stays when it is deleted, if something does.
    pub leaves: Option<String>,
    /// What is to be known of the change beside its fields, such as from when it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The ownership tags are set anew: a takeover, or a create that never got to its tags.
    pub claim: bool,
}

/// Why a step does what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is new in the manifest.
    New,
    /// The state has it, the cloud does not: it vanished.
    Vanished,
    /// An earlier apply began it and never heard of it again.
    Unfinished,
    /// It carries our name, and the state does not know it.
    Found,
    /// It is somebody else's and is taken over, as asked.
    TakenOver(Owner),
    /// The manifest imports it by its id; says whose it is until then.
    Imported(Owner),
    /// Fields differ.
    Differs,
    /// Its ownership tags are gone, or say another address.
    Unmarked,
    /// It stood at another address of this stack until now.
    Renamed(Address),
    /// Fields differ that only a new resource can have otherwise.
    ForcesReplacement,
    /// The manifest no longer has it.
    NotWanted,
    /// The manifest no longer has it and neither has the cloud: only the state forgets it.
    AlreadyGone,
    /// The manifest no longer has it and it is somebody else's by now: only the state forgets it.
    NoLongerOurs(Owner),
    /// The same resource stands at another address now: only the state forgets it here.
    Moved(Address),
    /// Nothing differs.
    Same,
}

/// How many steps do what; the contract's JSON names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub adopt: usize,
    #[serde(default)]
    pub import: usize,
    pub no_op: usize,
}

impl Summary {
    /// Counts one more.
    pub fn count(&mut self, action: Action) {
        *match action {
            Action::Create => &mut self.create,
            Action::Update => &mut self.update,
            Action::Replace => &mut self.replace,
            Action::Delete => &mut self.delete,
            Action::Adopt => &mut self.adopt,
            Action::Import => &mut self.import,
            Action::NoOp => &mut self.no_op,
        } += 1;
    }

    /// How many of one action.
    pub fn of(&self, action: Action) -> usize {
        match action {
            Action::Create => self.create,
            Action::Update => self.update,
            Action::Replace => self.replace,
            Action::Delete => self.delete,
            Action::Adopt => self.adopt,
            Action::Import => self.import,
            Action::NoOp => self.no_op,
        }
    }

    /// How many change something.
    pub fn changes(&self) -> usize {
        Action::ALL.into_iter().filter(|action| action.is_change()).map(|action| self.of(action)).sum()
    }
}

impl Step {
    /// A step that says what is done and why, and nothing else.
    pub fn new(address: Address, tenant: Option<String>, action: Action, reason: Reason) -> Step {
        Step {
            address,
            tenant,
            action,
            reason,
            fields: Vec::new(),
            desired: None,
            id: None,
            observed: None,
            outputs: BTreeMap::new(),
            pending: None,
            depends_on: BTreeSet::new(),
            after: BTreeSet::new(),
            guard: None,
            leaves: None,
            notes: Vec::new(),
            claim: false,
        }
    }

    /// Whether only the state forgets it.
    pub fn forgets(&self) -> bool {
        matches!(self.reason, Reason::AlreadyGone | Reason::NoLongerOurs(_) | Reason::Moved(_))
    }

    /// Whether it takes over what was there before and not ours.
    pub fn takes_over(&self) -> bool {
        self.action == Action::Import || matches!(self.reason, Reason::TakenOver(_))
    }

    /// What the live object it touches is, in hex: its id and every field seen. Changes when the object does.
    pub fn live_digest(&self) -> String {
        digest(&json!([self.id, self.observed]))
    }

    /// What it does, in hex: everything but the live object, the reason and what it would lose, which are told anew
    /// when it is carried out.
    pub fn intent_digest(&self) -> String {
        let changes: Vec<Value> =
            self.fields.iter().map(|change| json!([change.path, change.after, change.forces_replacement])).collect();
        digest(&json!([self.address.to_string(), self.tenant, self.action, self.desired, changes, self.claim]))
    }

    /// Whether some of what differs is known only once other steps are done.
    pub fn awaits_outputs(&self) -> bool {
        self.fields.iter().any(|change| !references(&change.after).is_empty())
    }
}

impl Plan {
    /// A plan for a stack, made from the state of that serial, with nothing in the way.
    pub fn new(stack: String, serial: u64, steps: Vec<Step>) -> Plan {
        Plan {
            stack,
            serial,
            steps,
            pending: Vec::new(),
            not_read: BTreeMap::new(),
            unreadable: Vec::new(),
            refused: Vec::new(),
            blocked: Vec::new(),
            imported: Vec::new(),
        }
    }

    /// Whether nothing is to change.
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none()
    }

    /// Whether the cloud could not be judged whole: reads failed, resources are refused, changes are blocked.
    pub fn is_incomplete(&self) -> bool {
        !(self.unreadable.is_empty() && self.refused.is_empty() && self.blocked.is_empty())
    }

    /// The steps that change something, in display order.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action.is_change())
    }

    /// The step at an address; linear.
    pub fn step(&self, address: &Address) -> Option<&Step> {
        self.steps.iter().find(|step| step.address == *address)
    }

    /// How many steps do what.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        self.steps.iter().for_each(|step| summary.count(step.action));
        summary
    }

    /// The steps that would lose what billform did not write and that nobody approved by address.
    pub fn unapproved(&self, approved: &BTreeSet<Address>) -> Vec<&Step> {
        self.steps.iter().filter(|step| step.guard.is_some() && !approved.contains(&step.address)).collect()
    }

    /// What the plan says of these addresses, and of no others. It is to be shown: what is left out may be needed.
    #[must_use]
    pub fn only(mut self, is_shown: impl Fn(&Address) -> bool) -> Plan {
        self.steps.retain(|step| is_shown(&step.address));
        self.pending.retain(|(address, _)| is_shown(address));
        self.unreadable.retain(|(address, _)| is_shown(address));
        self.refused.retain(|refused| is_shown(&refused.address));
        self.blocked.retain(|blocked| is_shown(&blocked.address));
        self.imported.retain(is_shown);
        self
    }

    /// The same plan, doing only what `is_kept` of what changes something. What is left out is left alone.
    pub fn restricted(mut self, is_kept: impl Fn(&Address) -> bool) -> Plan {
        self.steps.retain(|step| !step.action.is_change() || is_kept(&step.address));
        self
    }
}
