//! A plan for programs: `billform-plan/1`, the JSON contract of the design.

use std::collections::BTreeMap;

use engine::{Action, Plan, Step};
use serde_json::{Value, json};

use super::money;
use crate::ledger::money_effects::MoneyEffects;

/// The plan as one JSON document. `api_calls` are the calls that reading took, by service; `effects` is what the plan does to
/// amounts.
pub fn render(plan: &Plan, api_calls: &BTreeMap<String, u64>, unprovisioned: &[&str], effects: &MoneyEffects) -> Value {
    let changes: Vec<Value> = plan.steps.iter().filter(|step| !step.forgets()).map(change).collect();
    let not_read: Vec<String> = plan
        .not_read
        .iter()
        .flat_map(|(kind, fields)| fields.iter().map(move |field| format!("{kind}.{field}")))
        .collect();
    json!({
        "format": "billform-plan/1",
        "changes": changes,
        "summary": plan.summary(),
        "api_calls": api_calls,
        "not_read": not_read,
        "pending": pending(plan.pending.iter().map(|(address, until)| (address, until.as_str()))),
        "unreadable": plan.unreadable.iter().map(|(address, error)| {
            json!({ "address": address, "error": error.to_string() })
        }).collect::<Vec<_>>(),
        "refused": plan.refused.iter().map(|refused| {
            json!({ "address": refused.address, "id": refused.id, "message": refused.message })
        }).collect::<Vec<_>>(),
        "imported": plan.imported,
        "unprovisioned": unprovisioned,
        "money": money::json(effects),
    })
}

/// What waits for something outside, as JSON.
pub fn pending<'a>(items: impl Iterator<Item = (&'a engine::Address, &'a str)>) -> Vec<Value> {
    items.map(|(address, until)| json!({ "address": address, "until": until })).collect()
}

fn change(step: &Step) -> Value {
    let mut change = json!({
        "address": step.address,
        "kind": step.address.kind(),
        "tenant": step.tenant,
        "action": step.action,
        "fields": fields(step),
        "guard": step.guard.as_ref().map(|guard| &guard.described),
    });
    // Only a delete leaves something behind, and few do.
    if let Some(leaves) = &step.leaves {
        change["leaves"] = json!(leaves);
    }
    if !step.notes.is_empty() {
        change["notes"] = json!(step.notes);
    }
    if step.action == Action::Import {
        change["id"] = json!(step.id);
    }
    change
}

/// Of something new every field counts as changed, from nothing.
fn fields(step: &Step) -> Vec<Value> {
    match (step.action, &step.desired) {
        (Action::Create, Some(Value::Object(fields))) => {
            let new = |(path, after): (&String, &Value)| json!({ "path": path, "before": null, "after": after, "forces_replacement": false });
            fields.iter().map(new).collect()
        }
        _ => step.fields.iter().map(|field| json!(field)).collect(),
    }
}
