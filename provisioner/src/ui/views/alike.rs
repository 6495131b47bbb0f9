//! Tenants whose steps are alike, told once: a price for all of ten thousand tenants is one thing to read, not ten
//! thousand.
//!
//! Alike means: the same kinds of resources, the same actions for the same reasons, and, but for what is new, the same
//! values before and after. What would lose data is never told together.

use std::collections::BTreeMap;

use engine::{Action, Step};
use serde_json::{Value, json};

use super::amounts::grouped;

/// The steps of all, or of one tenant, and who else has steps alike.
pub struct Group<'a> {
    /// The tenant; none for what all share.
    pub tenant: Option<&'a str>,
    /// Its steps.
    pub steps: Vec<&'a Step>,
    /// Other tenants whose steps are alike.
    pub alike: Vec<&'a str>,
}

/// Up to so many tenants are told one by one.
const TOLD_APART: usize = 10;

/// The changes by tenant, in their order; those alike together, at the place of the first.
pub fn groups<'a>(changes: &[&'a Step]) -> Vec<Group<'a>> {
    let mut by_tenant: Vec<Group> = Vec::new();
    for step in changes {
        match by_tenant.last_mut() {
            Some(group) if group.tenant == step.tenant.as_deref() => group.steps.push(step),
            _ => by_tenant.push(Group { tenant: step.tenant.as_deref(), steps: vec![step], alike: Vec::new() }),
        }
    }
    let shapes: Vec<Option<String>> = by_tenant.iter().map(shape).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    shapes.iter().flatten().for_each(|shape| *counts.entry(shape).or_default() += 1);
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Group> = Vec::new();
    for (group, shape) in by_tenant.into_iter().zip(&shapes) {
        let shared = shape.as_deref().filter(|shape| counts[shape] > TOLD_APART);
        match (shared.and_then(|shape| first.get(shape)), group.tenant) {
            (Some(at), Some(tenant)) => groups[*at].alike.push(tenant),
            _ => {
                if let Some(shape) = shared {
                    first.insert(shape, groups.len());
                }
                groups.push(group);
            }
        }
    }
    groups
}

/// What must be the same for tenants to be told together; none for what all share and for what would lose data.
fn shape(group: &Group) -> Option<String> {
    let tenant = group.tenant?;
    if group.steps.iter().any(|step| step.guard.is_some() || step.action == Action::Delete) {
        return None;
    }
    let steps: Vec<Value> = group.steps.iter().map(|step| step_shape(step, tenant)).collect();
    Some(json!(steps).to_string())
}

fn step_shape(step: &Step, tenant: &str) -> Value {
    let name = if step.address.name() == tenant { "{tenant}" } else { step.address.name() };
    let fields: Vec<Value> = step
        .fields
        .iter()
        .map(|change| match step.action {
            Action::Create => json!(change.path),
            _ => json!(change),
        })
        .collect();
    json!([step.address.kind(), name, step.action, step.reason, step.claim, fields])
}

/// `and 9,988 more tenants alike: beta, gamma, delta …`
pub fn told(alike: &[&str]) -> String {
    const NAMED: usize = 5;
    let named = alike.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = if alike.len() > NAMED { " …" } else { "" };
    let tenants = if alike.len() == 1 { "tenant" } else { "tenants" };
    format!("and {} more {tenants} alike: {named}{more} (`--tenant ID` shows one)", grouped(alike.len() as u128))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use engine::diff::FieldChange;
    use engine::kind::Contents;
    use engine::plan::Reason;
    use engine::{Action, Address};

    use super::*;

    fn step(tenant: &str, action: Action, after: Value) -> Step {
        Step {
            address: Address::new("budget", tenant),
            tenant: Some(tenant.to_owned()),
            action,
            reason: Reason::Differs,
            fields: vec![FieldChange { path: "limit".to_owned(), before: json!(1), after, forces_replacement: false }],
            desired: Some(json!({})),
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

    fn told_apart(steps: &[Step]) -> Vec<(Option<&str>, usize)> {
        let all: Vec<&Step> = steps.iter().collect();
        groups(&all).into_iter().map(|group| (group.tenant, group.alike.len())).collect()
    }

    fn many(action: Action, value: impl Fn(usize) -> Value) -> Vec<Step> {
        (0..20).map(|n| step(&format!("t{n:02}"), action, value(n))).collect()
    }

    #[test]
    fn the_same_change_is_told_once_and_another_value_apart() {
        let same = many(Action::Update, |_| json!(2));
        assert_eq!(told_apart(&same), [(Some("t00"), 19)]);
        let odd = many(Action::Update, |n| if n == 7 { json!(20) } else { json!(2) });
        assert_eq!(told_apart(&odd), [(Some("t00"), 18), (Some("t07"), 0)]);
        assert_eq!(told_apart(&same[..10]).len(), 10, "few are told one by one");
    }

    #[test]
    fn new_tenants_are_alike_whatever_their_values() {
        assert_eq!(told_apart(&many(Action::Create, |n| json!(n))), [(Some("t00"), 19)]);
    }

    #[test]
    fn what_is_deleted_or_would_lose_data_is_told_one_by_one() {
        assert_eq!(told_apart(&many(Action::Delete, |_| json!(null))).len(), 20);
        let mut guarded = many(Action::Replace, |_| json!(2));
        guarded[3].guard = Some(Contents { described: "100 items".to_owned() });
        assert_eq!(told_apart(&guarded), [(Some("t00"), 18), (Some("t03"), 0)]);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([1, 999, 1_000, 1_234_567].map(grouped), ["1", "999", "1,000", "1,234,567"]);
        assert!(told(&["a"]).starts_with("and 1 more tenant alike: a ("));
    }
}
