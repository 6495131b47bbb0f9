//! The rows of `provenance.toml` are the stand-in's behaviours, and its answers have the shape of GitHub's schema.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::actions::{self, Artifact, Branch};
use super::operations::{OPERATIONS, page};
use super::refusal::Refusal;
use super::shape;
use super::state::{ACTIONS_BOT, Comment, Issue};

/// Rules that hold for more than one operation.
const RULES: [&str; 3] = ["rule pages", "rule limits", "rule authors"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    assumed: usize,
    behaviour: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    operation: String,
    behaviour: String,
    source: Source,
    reference: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Source {
    Specification,
    Documentation,
    Observed,
    Assumed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Published {
    source: String,
    version: String,
    licence: String,
    taken: String,
    schemas: BTreeMap<String, Schema>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    required: Vec<String>,
    properties: BTreeMap<String, Vec<String>>,
}

/// One of each refusal.
const REFUSALS: [Refusal; 9] = [
    Refusal::BadCredentials,
    Refusal::NoUserAgent,
    Refusal::UnknownVersion,
    Refusal::NotAccessible,
    Refusal::NotFound,
    Refusal::MissingField("Issue", "title"),
    Refusal::TooLong("IssueComment"),
    Refusal::NotJson,
    Refusal::NotModelled,
];

/// The row of a refusal. A new one has to be named here, and then to stand in the list above.
fn row(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::BadCredentials => "refusal bad_credentials",
        Refusal::NoUserAgent => "refusal no_user_agent",
        Refusal::UnknownVersion => "refusal unknown_version",
        Refusal::NotAccessible => "refusal not_accessible",
        Refusal::NotFound => "refusal not_found",
        Refusal::MissingField(..) => "refusal missing_field",
        Refusal::TooLong(_) => "refusal too_long",
        Refusal::NotJson => "refusal not_json",
        Refusal::NotModelled => "refusal not_modelled",
    }
}

fn document() -> Document {
    toml::from_str(include_str!("provenance.toml")).expect("provenance.toml")
}

fn published() -> Published {
    serde_json::from_str(include_str!("schema.json")).expect("schema.json")
}

#[test]
fn every_behaviour_has_a_row_and_every_row_a_behaviour() {
    let rows: Vec<String> = document().behaviour.into_iter().map(|row| row.operation).collect();
    let unique: BTreeSet<String> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), unique.len(), "a row stands twice");
    let operations = OPERATIONS.iter().map(|one| format!("{} {}", one.method, one.path));
    let refusals = REFUSALS.iter().map(|refusal| row(*refusal).to_owned());
    let behaviours: BTreeSet<String> = operations.chain(refusals).chain(RULES.map(str::to_owned)).collect();
    let wrong: Vec<&String> = behaviours.symmetric_difference(&unique).collect();
    assert!(wrong.is_empty(), "a behaviour without a row, or a row without its behaviour: {wrong:#?}");
}

#[test]
fn every_row_says_what_and_from_where() {
    let document = document();
    for row in &document.behaviour {
        assert!(row.behaviour.len() > 10, "{}: what does it do?", row.operation);
        assert_eq!(row.reference.is_none(), row.source == Source::Assumed, "{}: a reference", row.operation);
    }
    let assumed = document.behaviour.iter().filter(|row| row.source == Source::Assumed).count();
    assert_eq!(document.assumed, assumed, "provenance.toml: `assumed` is {assumed}");
}

/// What is wrong with an answer of a schema: a required field that is missing, a field of another type, an unknown one.
fn misfits(schema: &str, value: &Value) -> Vec<String> {
    let published = published();
    let schema = &published.schemas[schema];
    let fields = value.as_object().expect("an object");
    let missing =
        schema.required.iter().filter(|name| !fields.contains_key(*name)).map(|name| format!("{name} is missing"));
    let wrong = fields.iter().filter_map(|(name, value)| match schema.properties.get(name) {
        None => Some(format!("{name} is not published")),
        Some(types) if types.iter().any(|known| known == "any" || known == type_of(value)) => None,
        Some(types) => Some(format!("{name} is {value}, not of {types:?}")),
    });
    missing.chain(wrong).collect()
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn issue(is_pull_request: bool, state: &str) -> Issue {
    Issue {
        number: 7,
        title: "Drift".to_owned(),
        body: "text".to_owned(),
        state: state.to_owned(),
        state_reason: (state == "closed").then(|| "completed".to_owned()),
        labels: vec!["billform-drift".to_owned()],
        author: ACTIONS_BOT.to_owned(),
        is_pull_request,
    }
}

#[test]
fn answers_have_the_published_shape() {
    let comment = Comment { id: 1, on: 7, body: "text".to_owned(), author: "ana".to_owned() };
    assert_eq!(misfits("issue-comment", &shape::comment(&comment, true)), [""; 0]);
    for (is_pull_request, state) in [(false, "open"), (false, "closed"), (true, "open")] {
        assert_eq!(misfits("issue", &shape::issue(&issue(is_pull_request, state), 3)), [""; 0]);
    }
    assert_eq!(misfits("simple-user", &shape::user(ACTIONS_BOT)), [""; 0]);
    assert_eq!(misfits("label", &shape::label("billform-drift")), [""; 0]);
    for merged in [None, Some("b".repeat(40))] {
        let branch = Branch { number: 7, head: "a".repeat(40), merged };
        assert_eq!(misfits("pull-request-simple", &shape::pull_request(&issue(true, "open"), &branch)), [""; 0]);
    }
    let (name, head) = ("billform-plan".to_owned(), "a".repeat(40));
    let kept = Artifact { id: 1, name, run: 2, head, of_fork: false, expired: false };
    assert_eq!(misfits("artifact", &actions::artifact(&kept)), [""; 0]);
    for refusal in REFUSALS {
        let (status, body) = refusal.answer();
        let schema = if status == 422 { "validation-error" } else { "basic-error" };
        // The description of a failed validation has no `status`; GitHub sends it all the same.
        let wrong: Vec<String> =
            misfits(schema, &body).into_iter().filter(|one| one != "status is not published").collect();
        assert_eq!(wrong, [""; 0], "{}", row(refusal));
    }
}

#[test]
fn the_schema_says_where_it_is_from_and_a_misfit_is_seen() {
    let published = published();
    assert!(published.source.contains("OpenAPI") && published.licence.contains("MIT"));
    assert!(!published.version.is_empty() && published.taken.len() == 10);
    let mut value = shape::label("x");
    value["id"] = Value::from("1");
    value["colour"] = Value::from("red");
    value.as_object_mut().expect("an object").remove("name");
    assert_eq!(misfits("label", &value).len(), 3);
}

#[test]
fn a_list_is_cut_into_pages() {
    let all: Vec<Value> = (0..250).map(Value::from).collect();
    let (first, more) = page(&all, "per_page=100&state=all");
    assert_eq!((first.as_array().map(Vec::len), more), (Some(100), Some((2, 3))));
    let (last, more) = page(&all, "per_page=100&page=3");
    assert_eq!((last.as_array().map(Vec::len), more), (Some(50), None));
    assert_eq!(page(&all, "").0.as_array().map(Vec::len), Some(30));
    assert_eq!(page(&all, "per_page=1000").0.as_array().map(Vec::len), Some(100));
    assert_eq!(page(&[], "").1, None);
}
