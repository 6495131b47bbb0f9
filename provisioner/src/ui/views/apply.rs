//! What an apply or destroy came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use engine::{Action, Address, ApplyError, Outcome, Status};
use serde_json::{Value, json};

use super::plan::{DENIED, lacks_permission};
use super::plan_json;
use super::style::{BOLD, GREEN, RED, YELLOW, paint};
use super::wrap::wrapped;

/// The outcome as text for `width` columns, with colours.
pub fn render(outcome: &Outcome, took: Duration, width: usize) -> String {
    wrapped(&lines(outcome, took), width, 2)
}

fn lines(outcome: &Outcome, took: Duration) -> String {
    let mut out = String::new();
    for (address, status) in &outcome.statuses {
        match status {
            Status::Failed(error) => {
                let error = error.to_string();
                // Some errors name the address themselves.
                let error = error.strip_prefix(&format!("{address} ")).unwrap_or(&error);
                let _ = writeln!(out, "{} {}: {error}", paint(RED.bold(), "failed"), paint(BOLD, address));
            }
            Status::Skipped { because } => {
                let _ = writeln!(out, "{} {address}: it needs {because}", paint(YELLOW, "skipped"));
            }
            Status::Pending(until) => {
                let _ = writeln!(out, "{} {address}: {until}", paint(YELLOW, "pending"));
            }
            Status::Archived(why) | Status::Kept(why) => {
                let _ = writeln!(out, "{} {address}: {why}", paint(YELLOW, "kept"));
            }
            _ => {}
        }
    }
    if outcome.failed().any(|(_, error)| is_denied(error)) {
        let _ = writeln!(out, "{DENIED}");
    }
    if let Some(why) = &outcome.halted {
        let _ = writeln!(out, "{} {why}", paint(RED.bold(), "halted:"));
    }
    if let Some(error) = &outcome.store_error {
        let _ = writeln!(out, "{} {error}", paint(RED.bold(), "the state could not be kept:"));
    }
    let saved = outcome.store_error.is_none();
    let head = match (outcome.succeeded(), outcome.stopped) {
        (true, _) => paint(GREEN.bold(), "Done:"),
        (false, _) if outcome.halted.is_some() && saved => paint(RED.bold(), "Halted; what was done is saved:"),
        (false, true) if saved => paint(YELLOW.bold(), "Stopped; what was done is saved:"),
        (false, _) => paint(RED.bold(), "Not all was done:"),
    };
    let not_begun: Vec<String> = not_begun(outcome).map(Address::to_string).collect();
    let count = if not_begun.is_empty() { String::new() } else { format!(", {} not begun", not_begun.len()) };
    let _ = writeln!(out, "{head} {}{count}, in {}.", counts(outcome), seconds(took));
    if !not_begun.is_empty() {
        let _ = writeln!(out, "Not begun: {}. Run it again: it goes on where this one ended.", not_begun.join(", "));
    }
    out
}

fn not_begun(outcome: &Outcome) -> impl Iterator<Item = &Address> {
    outcome.statuses.iter().filter(|(_, status)| **status == Status::NotStarted).map(|(address, _)| address)
}

fn is_denied(error: &ApplyError) -> bool {
    matches!(error, ApplyError::Call(error) if lacks_permission(error))
}

/// `10 created, 1 updated`. What a service keeps counts as kept, not as deleted.
fn counts(outcome: &Outcome) -> String {
    let of = |is: fn(&Status) -> bool| outcome.statuses.values().filter(|status| is(status)).count();
    let archived = of(|status| matches!(status, Status::Archived(_)));
    let kept = archived + of(|status| matches!(status, Status::Kept(_)));
    let done = |action: Action| outcome.summary.of(action);
    let words = [
        (done(Action::Create), "created"),
        (done(Action::Update), "updated"),
        (done(Action::Replace), "replaced"),
        (done(Action::Delete).saturating_sub(archived), "deleted"),
        (kept, "kept"),
        (done(Action::Adopt), "adopted"),
        (done(Action::Import), "imported"),
    ];
    let parts: Vec<String> =
        words.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") }
}

/// `2.3 s`.
pub fn seconds(took: Duration) -> String {
    let tenths = took.as_millis() / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// The outcome as one JSON document: `billform-apply/1`.
///
/// `imported` are the addresses of imports that are done, whose entries can be taken out of the manifest.
pub fn json(
    outcome: &Outcome,
    took: Duration,
    api_calls: &BTreeMap<String, u64>,
    outputs: &Value,
    imported: &[Address],
) -> Value {
    let failed: Vec<Value> = outcome
        .statuses
        .iter()
        .filter_map(|(address, status)| match status {
            Status::Failed(error) => Some(json!({ "address": address, "error": error.to_string() })),
            Status::Skipped { because } => Some(json!({ "address": address, "error": format!("it needs {because}") })),
            _ => None,
        })
        .collect();
    let pending = texts(outcome, |status| match status {
        Status::Pending(until) => Some(until),
        _ => None,
    });
    let kept = texts(outcome, |status| match status {
        Status::Archived(why) | Status::Kept(why) => Some(why),
        _ => None,
    });
    json!({
        "format": "billform-apply/1",
        "summary": outcome.summary,
        "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        "api_calls": api_calls,
        "outputs": outputs,
        "imported": imported,
        "failed": failed,
        "pending": plan_json::pending(pending.into_iter()),
        "kept": kept.into_iter().map(|(address, why)| json!({ "address": address, "why": why })).collect::<Vec<_>>(),
        "stopped": outcome.stopped,
        "halted": outcome.halted,
        "state_error": outcome.store_error.as_ref().map(ToString::to_string),
    })
}

fn texts(outcome: &Outcome, text: impl Fn(&Status) -> Option<&String>) -> Vec<(&Address, &str)> {
    outcome.statuses.iter().filter_map(|(address, status)| Some((address, text(status)?.as_str()))).collect()
}
