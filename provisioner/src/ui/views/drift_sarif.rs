//! Drift as SARIF 2.1.0, for GitHub code scanning: an alert for each finding, on the manifest. What is not applied yet,
//! ignored or not readable is no alert but a notification of the run.

use billing::manifest::Places;
use engine::{Address, Drifted};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::drift::{ignored_what, remarks, unseen};
use super::field;
use crate::drift::report::{DriftReport, Sort, happened};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What stays as it is in the path of a URI.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Fields named in a message; more are counted.
const MOST_FIELDS: usize = 10;

/// Columns for one field in a message.
const WIDTH: usize = 160;

/// The report as one SARIF log. `stack` tells the runs of several stacks apart; `places` are those of the manifest's tenants.
pub fn render(report: &DriftReport, stack: &str, places: &Places) -> Value {
    let results: Vec<Value> = report.drift.drifted.iter().map(|found| result(found, stack, places)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "billform",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": Sort::ALL.map(rule),
                "notifications": Note::ALL.map(Note::descriptor),
            } },
            "automationDetails": { "id": format!("billform-drift/{stack}/") },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": !report.is_incomplete(),
                "exitCode": report.exit_code(),
                "toolExecutionNotifications": notifications(report, places),
            }],
            "results": results,
        }],
    })
}

/// The id of a sort's rule: `drift/changed`.
fn rule_id(sort: Sort) -> String {
    format!("drift/{}", sort.name())
}

/// Somebody else's and what is gone stop the next apply or the business; the rest is worth a look.
fn level(sort: Sort) -> &'static str {
    match sort {
        Sort::Vanished | Sort::Replaced | Sort::Taken => "error",
        Sort::Changed | Sort::Unmarked | Sort::Unknown => "warning",
    }
}

fn rule(sort: Sort) -> Value {
    json!({
        "id": rule_id(sort),
        "name": format!("Drift{}{}", sort.name()[..1].to_ascii_uppercase(), &sort.name()[1..]),
        "shortDescription": { "text": sort.meaning() },
        "fullDescription": { "text": sort.meaning() },
        "help": { "text": sort.remedy() },
        "defaultConfiguration": { "level": level(sort) },
        "properties": { "tags": ["drift"] },
    })
}

fn result(found: &Drifted, stack: &str, places: &Places) -> Value {
    let sort = Sort::of(&found.finding);
    let print = fingerprint(found, stack);
    json!({
        "ruleId": rule_id(sort),
        "ruleIndex": Sort::ALL.iter().position(|one| *one == sort),
        "level": level(sort),
        "message": { "text": message(found) },
        "locations": [location(&found.address, found.tenant.as_deref(), places)],
        // GitHub keeps an alert by the first; without it, by the text of the manifest's line.
        "partialFingerprints": { "primaryLocationLineHash": format!("{}:1", &print[..16]), "finding/v1": print },
    })
}

/// What happened, and each field: plain text, in which SARIF's own signs are spelled out.
fn message(found: &Drifted) -> String {
    let mut text = match happened(found) {
        Some(what) => format!("{}: {what}.", found.address),
        None => format!("{} was changed behind billform's back.", found.address),
    };
    for change in found.fields.iter().take(MOST_FIELDS) {
        text.push('\n');
        text.push_str(&field::drifted(change, WIDTH));
    }
    let more = found.fields.len().saturating_sub(MOST_FIELDS);
    if more > 0 {
        text.push_str(&format!("\nand {more} more fields"));
    }
    plain(&text)
}

/// In a message `[text](1)` links and `{0}` stands for an argument (SARIF 2.1.0, 3.11.5 and 3.11.6).
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            '\n' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

fn location(address: &Address, tenant: Option<&str>, places: &Places) -> Value {
    let mut location = json!({
        "logicalLocations": [{
            "name": address.name(),
            "fullyQualifiedName": address.to_string(),
            "kind": "resource",
        }],
    });
    let place = tenant.and_then(|tenant| places.tenant(tenant)).or(places.start());
    if let Some(place) = place {
        location["physicalLocation"] = json!({
            "artifactLocation": artifact(&place.file),
            "region": { "startLine": place.line },
        });
    }
    location
}

/// A relative path is one from the checkout's root, where code scanning looks for it.
fn artifact(path: &str) -> Value {
    let uri = utf8_percent_encode(&path.replace('\\', "/"), PATH).to_string();
    match path.starts_with('/') {
        true => json!({ "uri": format!("file://{uri}") }),
        false => json!({ "uri": uri, "uriBaseId": "%SRCROOT%" }),
    }
}

/// The same finding has the same fingerprint in every run, whatever else changed in the manifest. Which fields differ
/// does not count: one resource is one alert. Of what nobody knows there may be several at one address.
fn fingerprint(found: &Drifted, stack: &str) -> String {
    let sort = Sort::of(&found.finding);
    let id = if sort == Sort::Unknown { found.id.as_str() } else { "" };
    let parts = [stack, &rule_id(sort), &found.address.to_string(), id];
    hex::encode(Sha256::digest(parts.join("\n")))
}

/// What a run says beside its results.
#[derive(Clone, Copy)]
enum Note {
    Unreadable,
    Unapplied,
    Ignored,
    Remark,
}

impl Note {
    const ALL: [Note; 4] = [Note::Unreadable, Note::Unapplied, Note::Ignored, Note::Remark];

    fn id(self) -> &'static str {
        match self {
            Note::Unreadable => "unreadable",
            Note::Unapplied => "unapplied",
            Note::Ignored => "ignored",
            Note::Remark => "remark",
        }
    }

    fn descriptor(self) -> Value {
        let meaning = match self {
            Note::Unreadable => "It could not be read, so nothing is said of it.",
            Note::Unapplied => "The manifest wants it, and nobody applied it yet: no drift.",
            Note::Ignored => "Drift that `--ignore` hides.",
            Note::Remark => "What is good to know.",
        };
        json!({ "id": self.id(), "shortDescription": { "text": meaning } })
    }

    fn with(self, text: &str) -> Value {
        let level = if matches!(self, Note::Unreadable) { "error" } else { "note" };
        json!({ "descriptor": { "id": self.id() }, "level": level, "message": { "text": plain(text) } })
    }
}

fn notifications(report: &DriftReport, places: &Places) -> Vec<Value> {
    let unreadable = unseen(report).into_iter().map(|line| Note::Unreadable.with(&line));
    let unapplied = report.drift.unapplied.iter().map(|todo| {
        let mut note = Note::Unapplied.with(&format!("{}: {} not applied yet", todo.address, todo.action));
        note["locations"] = json!([location(&todo.address, todo.tenant.as_deref(), places)]);
        note
    });
    let ignored = report
        .ignored
        .iter()
        .map(|one| Note::Ignored.with(&format!("{} is ignored by --ignore {}", ignored_what(one), one.by)));
    let remarks = remarks(report).into_iter().map(|(head, text)| Note::Remark.with(&format!("{head} {text}")));
    unreadable.chain(unapplied).chain(ignored).chain(remarks).collect()
}
