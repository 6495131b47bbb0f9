//! What exists, or may, and is no longer desired: deletes, in an order in which nothing goes before what needs it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Claim, Planner, each_field};
use crate::action::Action;
use crate::kinds::UnknownKind;
use crate::plan::{Blocked, Reason, Step};
use crate::refresh::Seen;
use crate::{Address, Observed, Owner};

/// Who needs a resource, as far as the state remembers.
type Dependants<'a> = BTreeMap<&'a Address, BTreeSet<&'a Address>>;

pub(super) fn decide(planner: &mut Planner<'_>) -> Result<(), UnknownKind> {
    let state = planner.state;
    let remembered = state.records.keys().chain(state.intents.keys()).chain(planner.observations.seen.keys());
    let unwanted: BTreeSet<&Address> = remembered.filter(|address| planner.graph.get(address).is_none()).collect();
    let dependants = dependants(planner);
    for address in dependants_first(&unwanted, &dependants) {
        let leaves = planner.kinds.of(address)?.meta().leaves;
        decide_one(planner, address, dependants.get(address), leaves);
    }
    Ok(())
}

fn dependants<'a>(planner: &Planner<'a>) -> Dependants<'a> {
    let state = planner.state;
    let records = state.records.values().map(|record| (&record.address, &record.depends_on));
    let intents = state.intents.values().map(|intent| (&intent.address, &intent.depends_on));
    let mut dependants = Dependants::new();
    for (address, needs) in records.chain(intents) {
        for needed in needs {
            dependants.entry(needed).or_default().insert(address);
        }
    }
    dependants
}

/// Dependants before what they need. Records of different times can, after failures, need each other in a circle;
/// what is left of one goes by address, and only waits for what came before it, so that no step waits for itself.
fn dependants_first<'a>(unwanted: &BTreeSet<&'a Address>, dependants: &Dependants<'a>) -> Vec<&'a Address> {
    let mut waits_for: BTreeMap<&Address, usize> = unwanted.iter().map(|address| (*address, 0)).collect();
    let mut needs: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for (needed, by) in dependants {
        for dependant in by.iter().filter(|by| unwanted.contains(*by)) {
            if let Some(count) = waits_for.get_mut(needed) {
                *count += 1;
                needs.entry(dependant).or_default().push(needed);
            }
        }
    }
    let mut ready: BTreeSet<&Address> =
        waits_for.iter().filter(|(_, count)| **count == 0).map(|(address, _)| *address).collect();
    let mut order = Vec::with_capacity(unwanted.len());
    while let Some(next) = ready.pop_first().or_else(|| waits_for.keys().next().copied()) {
        waits_for.remove(next);
        order.push(*unwanted.get(next).expect("only what is unwanted waits"));
        for needed in needs.get(next).into_iter().flatten() {
            let Some(count) = waits_for.get_mut(needed) else { continue };
            *count -= 1;
            if *count == 0 {
                ready.insert(needed);
            }
        }
    }
    order
}

fn decide_one<'a>(
    planner: &mut Planner<'a>,
    address: &'a Address,
    by: Option<&BTreeSet<&'a Address>>,
    leaves: Option<&str>,
) {
    match planner.observations.seen.get(address) {
        None => {}
        Some(Seen::Unreadable(error)) => {
            planner.plan.unreadable.push((address.clone(), error.clone()));
            planner.stuck.insert(address);
        }
        Some(Seen::Gone) => forget(planner, address, Reason::AlreadyGone),
        Some(Seen::Here(observed)) => decide_existing(planner, address, observed, by, leaves),
    }
}

fn decide_existing<'a>(
    planner: &mut Planner<'a>,
    address: &'a Address,
    observed: &'a Observed,
    by: Option<&BTreeSet<&'a Address>>,
    leaves: Option<&str>,
) {
    if let Some(to) = planner.standing.get(&(address.kind(), observed.id.as_str())) {
        let reason = Reason::Moved((*to).clone());
        return forget(planner, address, reason);
    }
    let record = planner.state.records.get(address).filter(|record| record.id == observed.id);
    let intent = planner.state.intents.get(address);
    // What was to be taken over and has no place for an owner was not ours before, and is left alone.
    let only_begun = record.is_none() && intent.is_some_and(|intent| intent.takes_over);
    let foreign = only_begun && observed.owner == Owner::Untold;
    if foreign || matches!(planner.claim(address, observed, record, intent), Claim::Foreign) {
        return forget(planner, address, Reason::NoLongerOurs(observed.owner.clone()));
    }
    let by = by.into_iter().flatten();
    if let Some(because) = by.clone().find(|by| planner.stuck.contains(**by)) {
        planner.plan.blocked.push(Blocked { address: address.clone(), because: (**because).clone() });
        planner.stuck.insert(address);
        return;
    }
    let mut step = leaving(planner, address, Action::Delete, Reason::NotWanted);
    step.leaves = leaves.map(str::to_owned);
    step.fields = each_field(&observed.fields, |value| (value, Value::Null));
    step.after = by.filter(|by| planner.active.contains(**by)).map(|by| (**by).clone()).collect();
    planner.describe(&mut step, observed, record);
    planner.active.insert(address);
    planner.plan.steps.push(step);
}

fn forget(planner: &mut Planner<'_>, address: &Address, reason: Reason) {
    let known = planner.state.records.contains_key(address) || planner.state.intents.contains_key(address);
    if known {
        let step = leaving(planner, address, Action::NoOp, reason);
        planner.plan.steps.push(step);
    }
}

fn leaving(planner: &Planner<'_>, address: &Address, action: Action, reason: Reason) -> Step {
    let record = planner.state.records.get(address);
    let intent = planner.state.intents.get(address);
    let tenant = record.map(|record| &record.tenant).or(intent.map(|intent| &intent.tenant));
    let depends_on = record.map(|record| &record.depends_on).or(intent.map(|intent| &intent.depends_on));
    Step {
        id: record.map(|record| record.id.clone()),
        depends_on: depends_on.cloned().unwrap_or_default(),
        ..Step::new(address.clone(), tenant.cloned().flatten(), action, reason)
    }
}
