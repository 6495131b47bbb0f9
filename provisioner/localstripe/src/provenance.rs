//! Every behaviour has a row in `provenance.toml` that says where it comes from. The test binds the rows to the code in
//! both directions: a behaviour without a row fails, and so does a row without its behaviour.
//!
//! A behaviour is
//! - an operation that is served, as `POST /v1/invoices`: from the routes;
//! - a type of event that is emitted, as `event invoice.paid`: from the catalogue, the only place that makes one;
//! - a step between states, as `step invoice pay: open -> paid`: from the table the steps are taken by;
//! - a refusal, as `refusal objects/price.rs take_lookup_key`: from the sources, every function that makes a refusal;
//! - the rest of a source file, as `file events/delivery.rs`: every file that is not mere plumbing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::events::catalogue;
use crate::objects;
use crate::objects::invoice::transition;
use crate::wire::schema::Table;

const ROWS: &str = include_str!("../provenance.toml");

/// Files that decide nothing about how Stripe behaves.
const PLUMBING: [&str; 23] = [
    "agenda.rs",
    "call.rs",
    "collection.rs",
    "control.rs",
    "events/catalogue.rs",
    "events/disturbance.rs",
    "handle.rs",
    "hooks.rs",
    "lib.rs",
    "objects.rs",
    "objects/invoice/notice.rs",
    "objects/billing_portal.rs",
    "objects/payment.rs",
    "observer.rs",
    "outbox.rs",
    "pages.rs",
    "pages/html.rs",
    "provenance.rs",
    "request.rs",
    "state.rs",
    "wire.rs",
    "wire/object.rs",
    "wire/schema.rs",
];

/// How a refusal is made.
const REFUSALS: [&str; 8] = [
    "ApiError::bad_integer(",
    "ApiError::exclusive(",
    "ApiError::invalid(",
    "ApiError::missing(",
    "ApiError::not_editable(",
    "ApiError::not_modelled(",
    "ApiError::parameter_missing(",
    "ApiError::unauthorized(",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// How many rows are assumed; the README names the figure.
    assumed: usize,
    behaviour: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    operation: String,
    behaviour: String,
    source: Source,
    /// The page, file or run; required unless the behaviour is assumed.
    reference: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    #[serde(rename = "specification")]
    Specification,
    #[serde(rename = "documentation")]
    Documentation,
    #[serde(rename = "CLI fixture")]
    CliFixture,
    #[serde(rename = "SDK run")]
    SdkRun,
    #[serde(rename = "assumed")]
    Assumed,
}

fn document() -> Document {
    toml::from_str(ROWS).expect("provenance.toml")
}

/// Every source file below `src`, by its path there, without its unit tests.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("tests.rs") {
                files.insert(relative(&root, &path), code(&path));
            }
        }
    }
    files
}

fn relative(root: &Path, path: &Path) -> String {
    let parts: PathBuf = path.strip_prefix(root).expect("below").to_owned();
    parts.to_string_lossy().replace('\\', "/")
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source");
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

/// The functions of a source that refuse something.
fn refusing(code: &str) -> BTreeSet<String> {
    let mut functions = BTreeSet::new();
    let mut current = "";
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        if let Some((before, after)) = line.split_once("fn ")
            && before.split_ascii_whitespace().all(|word| word == "async" || word == "const" || word.starts_with("pub"))
        {
            current = after.split(['(', '<']).next().unwrap_or_default();
        }
        if REFUSALS.iter().any(|refusal| line.contains(refusal)) {
            functions.insert(current.to_owned());
        }
    }
    functions
}

/// Every behaviour that the code has.
fn behaviours() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    all.extend(objects::routes().map(|route| route.operation.to_owned()));
    all.extend(catalogue::ALL.iter().map(|kind| format!("event {}", kind.name())));
    for step in transition::STEPS {
        all.extend(step.from.iter().map(|from| format!("step invoice {}: {from} -> {}", step.verb, step.to)));
    }
    for (file, code) in sources() {
        if !PLUMBING.contains(&file.as_str()) {
            all.insert(format!("file {file}"));
        }
        // The constructors themselves are not refusals.
        if file != "wire/error.rs" && file != "provenance.rs" {
            all.extend(refusing(&code).into_iter().map(|function| format!("refusal {file} {function}")));
        }
    }
    all
}

#[test]
fn every_behaviour_has_a_row_and_every_row_a_behaviour() {
    let rows: BTreeSet<String> = document().behaviour.into_iter().map(|row| row.operation).collect();
    let behaviours = behaviours();
    let without_row: Vec<_> = behaviours.difference(&rows).collect();
    let without_code: Vec<_> = rows.difference(&behaviours).collect();
    assert!(without_row.is_empty(), "behaviours without a row in provenance.toml: {without_row:#?}");
    assert!(without_code.is_empty(), "rows of provenance.toml without a behaviour: {without_code:#?}");
}

#[test]
fn every_row_says_what_and_from_where() {
    let document = document();
    let mut counts: BTreeMap<Source, usize> = BTreeMap::new();
    for row in &document.behaviour {
        assert!(row.behaviour.len() > 10, "{}: what does it do?", row.operation);
        let assumed = row.source == Source::Assumed;
        assert_eq!(row.reference.is_none(), assumed, "{}: a reference unless it is assumed", row.operation);
        *counts.entry(row.source).or_default() += 1;
    }
    let assumed = counts.get(&Source::Assumed).copied().unwrap_or_default();
    let total = document.behaviour.len();
    println!("{assumed} of {total} behaviours of the strict Stripe are assumed: {counts:?}");
    assert_eq!(document.assumed, assumed, "provenance.toml: `assumed` is {assumed} of {total} rows");
}

#[test]
fn every_emitted_type_is_a_published_one() {
    let published = Table::embedded().choices("POST /v1/webhook_endpoints", "enabled_events");
    assert!(published.len() > 200);
    for kind in catalogue::ALL {
        assert!(published.iter().any(|name| name == kind.name()), "{} is not a published type", kind.name());
    }
}

#[test]
fn a_refusal_is_seen_in_the_function_that_makes_it() {
    let code = "fn plain() {}\npub(crate) fn check(x: &str) -> Result<(), ApiError> {\n    // ApiError::invalid(\n}\n\
                async fn other<T>() {\n    return Err(ApiError::exclusive(a, b));\n}\n";
    assert_eq!(refusing(code), BTreeSet::from(["other".to_owned()]));
}
