//! What the manifest takes over by its id: one update in place, or a refusal that says why not.

use super::Planner;
use crate::action::Action;
use crate::input::{references, resolve};
use crate::kinds::UnknownKind;
use crate::plan::{Blocked, Reason, Refused, Step};
use crate::refresh::Seen;
use crate::{Address, Observed, Owner, Record, Resource};

/// Plans to bring the resource of that id to what is desired. Nothing is created or deleted for it, whatever is seen.
pub(super) fn decide<'a>(planner: &mut Planner<'a>, resource: &'a Resource, id: &str) -> Result<(), UnknownKind> {
    let address = &resource.address;
    let observed: Option<&'a Observed> = match planner.observations.seen.get(address) {
        Some(Seen::Here(observed)) => Some(observed),
        _ => None,
    };
    match importable(planner, address, id, observed) {
        Ok(observed) => propose(planner, resource, observed),
        // Where something it refers to is not known, it cannot be found.
        Err(_) if observed.is_none() && waits(planner, resource) => Ok(()),
        Err(message) => {
            refuse(planner, address, id, observed, message);
            Ok(())
        }
    }
}

/// Blocks it if something that it refers to is stuck; whether that is so.
fn waits<'a>(planner: &mut Planner<'a>, resource: &'a Resource) -> bool {
    let desired = resolve(&resource.desired, &|reference| planner.output(reference));
    let unknown = references(&desired);
    let Some(because) = unknown.iter().map(|reference| &reference.of).find(|of| planner.stuck.contains(of)) else {
        return false;
    };
    planner.plan.blocked.push(Blocked { address: resource.address.clone(), because: because.clone() });
    planner.stuck.insert(&resource.address);
    true
}

/// Refuses an import to an address at which another resource stands.
pub(super) fn refuse_taken<'a>(planner: &mut Planner<'a>, address: &'a Address, record: &Record) {
    let id = planner.graph.imports()[address].clone();
    let message = format!(
        "{address} stands for {} already, so {id} cannot be imported there: take the import out of the manifest, or \
         forget what stands there by `billform state rm {address}`, which deletes nothing",
        record.id
    );
    refuse(planner, address, &id, None, message);
}

fn propose<'a>(planner: &mut Planner<'a>, resource: &'a Resource, observed: &'a Observed) -> Result<(), UnknownKind> {
    let address = &resource.address;
    let desired = resolve(&resource.desired, &|reference| planner.output(reference));
    let last = planner.last_applied(address, None);
    let changes = planner.kinds.of(address)?.diff(&desired, &observed.fields, last.as_deref());
    let forced: Vec<&str> =
        changes.iter().filter(|change| change.forces_replacement).map(|change| change.path.as_str()).collect();
    if !forced.is_empty() {
        let message = format!(
            "{} cannot be imported at {address}, because only a new resource can have the desired {}: write what it has \
             into the manifest",
            observed.id,
            forced.join(", ")
        );
        refuse(planner, address, &observed.id, Some(observed), message);
        return Ok(());
    }
    let step = planner.step(resource, Action::Import, Reason::Imported(observed.owner.clone()));
    let mut step = Step { fields: changes, claim: must_be_marked(planner, address, observed), ..step };
    planner.describe(&mut step, observed, None);
    planner.stands_at(address, observed);
    planner.outlook.insert(address, super::Outlook::Exists { observed, record: None });
    planner.propose(address, step);
    Ok(())
}

/// Whether it does not say yet that it is ours and stands at this address.
fn must_be_marked(planner: &Planner<'_>, address: &Address, observed: &Observed) -> bool {
    match &observed.owner {
        Owner::Stack { name, .. } if *name != planner.mode.stack => true,
        Owner::Stack { address: Some(said), .. } => *said != address.to_string(),
        Owner::Stack { address: None, .. } | Owner::Untold => false,
        Owner::Unknown => true,
    }
}

/// Returns what is to be imported, or why it cannot be and what to do about it.
fn importable<'a>(
    planner: &Planner<'a>,
    address: &Address,
    id: &str,
    observed: Option<&'a Observed>,
) -> Result<&'a Observed, String> {
    if let Some(other) = stands_elsewhere(planner, address, id) {
        return Err(format!(
            "{id} stands at {other} already, so it cannot be imported at {address}: take one of the two out of the \
             manifest, or rename it by `moved`"
        ));
    }
    let Some(observed) = observed else {
        return Err(format!(
            "there is no {id} to import at {address}: give the id as the cloud's console shows it, and check the \
             account, the region and Stripe's mode"
        ));
    };
    if observed.id != *id {
        let (why, remedy) = match observed.owner.is_stack(&planner.mode.stack) {
            true => ("stands for", "take the import out of the manifest, and what is ours is taken in"),
            false => ("is by the manifest", "the manifest's name is the id of such a resource: write its name there"),
        };
        return Err(format!("{address} {why} {}, not {id}: {remedy}", observed.id));
    }
    match &observed.owner {
        Owner::Stack { name, .. } if *name != planner.mode.stack && !planner.mode.adopt => Err(format!(
            "{id} belongs to the stack {name}, so it is not imported at {address}: `--adopt` takes it over all the same, \
             and that stack loses it"
        )),
        _ => Ok(observed),
    }
}

/// Another address at which the resource of that id stands or is to stand.
fn stands_elsewhere<'a>(planner: &Planner<'a>, address: &Address, id: &str) -> Option<&'a Address> {
    let is_other = |other: &Address| other.kind() == address.kind() && other != address;
    let records = planner.state.records.values().filter(|record| record.id == *id).map(|record| &record.address);
    let imports = planner.graph.imports().iter().filter(|(_, other)| *other == id).map(|(other, _)| other);
    let seen = planner.observations.seen.iter().filter_map(|(other, seen)| match seen {
        Seen::Here(observed) if observed.id == *id && planner.graph.get(other).is_some() => Some(other),
        _ => None,
    });
    records.chain(imports).chain(seen).find(|other| is_other(other))
}

fn refuse<'a>(planner: &mut Planner<'a>, address: &'a Address, id: &str, seen: Option<&Observed>, message: String) {
    let owner = seen.map_or(Owner::Unknown, |observed| observed.owner.clone());
    planner.plan.refused.push(Refused { address: address.clone(), id: id.to_owned(), owner, message });
    planner.stuck.insert(address);
}
