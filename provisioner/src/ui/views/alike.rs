//! Tenants whose steps are alike, told once: a price for all of ten thousand tenants is one thing to read, not ten
//! thousand.
//!
//! Alike means: the same kinds of resources, the same actions for the same reasons, and the same values before and
//! after, but for the names of a new tenant ([`engine::kind_meta::KindMeta::names`]). What would lose data is never told
//! together.

use std::collections::{BTreeMap, BTreeSet};

use engine::diff::below;
use engine::kind_meta::KindMeta;
use engine::{Action, Step};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::amounts::grouped;
use crate::kinds;

/// The steps of all, or of one tenant, and who else has steps alike.
pub struct Group<'a> {
    /// The tenant; none for what all share.
    pub tenant: Option<&'a str>,
    /// Its steps.
    pub steps: Vec<&'a Step>,
    /// Other tenants whose steps are alike.
    pub alike: Vec<&'a str>,
}

/// How tenants are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Folding {
    /// Those alike together, when there are many.
    #[default]
    Alike,
    /// Each by itself.
    None,
}

/// Up to so many tenants that are alike are told one by one.
const TOLD_APART: usize = 3;

/// The changes by tenant, in their order; those alike together, at the place of the first.
pub fn groups<'a>(changes: &[&'a Step], folding: Folding) -> Vec<Group<'a>> {
    let by_tenant = apart(changes);
    if folding == Folding::None {
        return by_tenant;
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

fn apart<'a>(changes: &[&'a Step]) -> Vec<Group<'a>> {
    let mut by_tenant: Vec<Group> = Vec::new();
    for step in changes {
        match by_tenant.last_mut() {
            Some(group) if group.tenant == step.tenant.as_deref() => group.steps.push(step),
            _ => by_tenant.push(Group { tenant: step.tenant.as_deref(), steps: vec![step], alike: Vec::new() }),
        }
    }
    by_tenant
}

/// What must be the same for tenants to be told together; none for what all share and for what would lose data.
fn shape(group: &Group) -> Option<String> {
    let tenant = group.tenant?;
    if group.steps.iter().any(|step| step.guard.is_some() || step.action == Action::Delete) {
        return None;
    }
    let names = Names::of(tenant, &group.steps);
    let steps: Vec<Value> = group.steps.iter().map(|step| names.shape(step)).collect();
    Some(json!(steps).to_string())
}

/// What one tenant is called, to be left out of what is compared.
struct Names<'a> {
    tenant: &'a str,
    texts: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(tenant: &'a str, steps: &[&'a Step]) -> Names<'a> {
        let mut texts = BTreeSet::from([tenant]);
        for step in steps {
            if let Some(desired) = &step.desired {
                names_in(meta(step), "", desired, &mut texts);
            }
        }
        Names { tenant, texts }
    }

    fn shape(&self, step: &Step) -> Value {
        let name = if step.address.name() == self.tenant { "{tenant}" } else { step.address.name() };
        let values = match (step.action, &step.desired) {
            (Action::Create, Some(desired)) => self.without_names(meta(step), "", desired),
            _ => json!(step.fields),
        };
        json!([step.address.kind(), name, step.action, step.reason, step.claim, step.notes, values])
    }

    /// The value with `{name}` for each field that is a name, and wherever else that name stands by itself, as in a tag.
    fn without_names(&self, meta: &KindMeta, path: &str, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let field = |(key, value): (&String, &Value)| {
                    let value = match value {
                        Value::String(_) if is_name(meta, path, key) => json!("{name}"),
                        _ => self.without_names(meta, &below(path, key), value),
                    };
                    (key.clone(), value)
                };
                Value::Object(fields.iter().map(field).collect::<Map<_, _>>())
            }
            Value::Array(items) => items.iter().map(|item| self.without_names(meta, path, item)).collect(),
            Value::String(text) if self.texts.contains(text.as_str()) => json!("{name}"),
            other => other.clone(),
        }
    }
}

/// Every text below a value that stands where a name does.
fn names_in<'a>(meta: &KindMeta, path: &str, value: &'a Value, found: &mut BTreeSet<&'a str>) {
    let Value::Object(fields) = value else { return };
    for (key, value) in fields {
        match value {
            Value::String(text) if is_name(meta, path, key) && !is_fact(text) => _ = found.insert(text),
            _ => names_in(meta, &below(path, key), value, found),
        }
    }
}

fn meta(step: &Step) -> &'static KindMeta {
    const NONE: &KindMeta = &KindMeta::PLAIN;
    kinds::meta(step.address.kind()).unwrap_or(NONE)
}

fn is_name(meta: &KindMeta, map: &str, key: &str) -> bool {
    meta.names.iter().any(|name| match name.strip_suffix(".*") {
        Some(any) => any == map,
        None => *name == below(map, key),
    })
}

/// Whether a text that somebody is called by may also be an amount or a currency somewhere else: it is compared there.
fn is_fact(text: &str) -> bool {
    text.parse::<Decimal>().is_ok()
        || text.parse::<billing::Currency>().is_ok()
        || text.parse::<billing::Money>().is_ok()
}

/// `and 3 more tenants alike: beta, delta, gamma`, every one named.
pub fn told(alike: &[&str]) -> String {
    let tenants = if alike.len() == 1 { "tenant" } else { "tenants" };
    format!("and {} more {tenants} alike: {}", grouped(alike.len() as u128), alike.join(", "))
}

#[cfg(test)]
mod tests;
