//! Drift for programs: `billform-drift/1`, in the shape of a plan. Only what drifted is listed, with a `finding` in
//! the place of a plan's `action`.

use std::collections::BTreeMap;

use engine::{Drifted, Unapplied};
use serde_json::{Map, Value, json};

use super::drift::Surroundings;
use super::plan_json;
use crate::drift::authors::Author;
use crate::drift::report::{DriftReport, Sort, happened};
use crate::ui::sensitive;

/// The report as one JSON document. A field's `before` is what is there, its `after` what it was left as and goes
/// back to, as in a plan. `api_calls` are the calls that reading took, by service.
pub fn render(report: &DriftReport, around: &Surroundings, api_calls: &BTreeMap<String, u64>) -> Value {
    let drift = &report.drift;
    let errors = |name: &str, items: Vec<(Value, String)>| {
        let error = |(what, error): (Value, String)| json!({ name: what, "error": sensitive::text(&error) });
        items.into_iter().map(error).collect::<Vec<_>>()
    };
    let unreadable = drift.unreadable.iter().map(|(address, error)| (json!(address), error.to_string()));
    let unlisted = report.unlisted.iter().map(|(kind, error)| (json!(kind), error.to_string()));
    json!({
        "format": "billform-drift/1",
        "stack": around.stack,
        "account": around.account,
        "region": around.region,
        "changes": drift.drifted.iter().map(|drifted| by(found(drifted), report.authors.get(&drifted.address))).collect::<Vec<_>>(),
        "summary": summary(report),
        "api_calls": api_calls,
        "unapplied": drift.unapplied.iter().map(todo).collect::<Vec<_>>(),
        "ignored": report.ignored.iter().map(|ignored| {
            let mut found = found(&ignored.found);
            found["ignore"] = json!(ignored.by.to_string());
            found["until"] = json!(ignored.by.until().map(|until| until.to_string()));
            found
        }).collect::<Vec<_>>(),
        "expired_ignores": report.expired.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "needless_ignores": report.idle.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "unreadable": errors("address", unreadable.collect()),
        "unlisted": errors("kind", unlisted.collect()),
        "pending": plan_json::pending(drift.pending.iter().map(|(address, until)| (address, until.as_str()))),
        "state_moved": report.state_moved,
    })
}

fn found(found: &Drifted) -> Value {
    json!({
        "address": found.address,
        "kind": found.address.kind(),
        "tenant": found.tenant,
        "finding": Sort::of(&found.finding).name(),
        "id": found.id,
        "happened": happened(found),
        "fields": found.fields,
    })
}

/// With who changed it, where that was looked up.
fn by(mut found: Value, author: Option<&Author>) -> Value {
    match author {
        Some(Author::Known { who, at, event }) => {
            found["changed_by"] = json!({ "who": sensitive::text(who), "at": at, "event": event });
        }
        Some(Author::Unknown(why)) => {
            found["changed_by"] = json!({ "who": "unknown", "reason": sensitive::text(why) });
        }
        None => {}
    }
    found
}

fn todo(todo: &Unapplied) -> Value {
    json!({
        "address": todo.address,
        "kind": todo.address.kind(),
        "tenant": todo.tenant,
        "action": todo.action,
        "fields": todo.fields,
    })
}

fn summary(report: &DriftReport) -> Value {
    let sorts = Sort::ALL.into_iter().map(|sort| (sort.name(), report.count(sort)));
    let others = [
        ("ignored", report.ignored.len()),
        ("unapplied", report.drift.unapplied.len()),
        ("unreadable", report.drift.unreadable.len()),
        ("unlisted", report.unlisted.len()),
        ("pending", report.drift.pending.len()),
        ("compared", report.drift.compared),
    ];
    let all = sorts.chain(others).map(|(name, count)| (name.to_owned(), json!(count)));
    Value::Object(all.collect::<Map<_, _>>())
}
