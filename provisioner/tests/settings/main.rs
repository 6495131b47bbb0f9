//! No setting without effect: for every leaf of the manifest's schema, another value makes another graph, function
//! setting, tenant record or choice of a command; or `validate` refuses it by name; or the model marks it as provisioned
//! later, and then it changes nothing and `plan` lists it. A mark that is not true fails, and so does one that lacks.

mod edit;
mod effects;
mod judge;
mod leaves;
mod samples;

use std::fs;
use std::path::Path;

use billing::manifest::{LATER, REFUSED, json_schema};
use serde_json::{Value, json};

use judge::Judge;

/// The example manifests as documents.
fn examples() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests");
    let files = fs::read_dir(folder).expect("the folder of examples").map(|file| file.expect("an entry").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|ext| ext == "yaml")).collect();
    files.sort();
    let text = |path: &std::path::PathBuf| fs::read_to_string(path).expect("the example");
    files.iter().map(|path| serde_yaml::from_str(&text(path)).expect("plain YAML")).collect()
}

/// What is wrong with the leaves whose names begin so.
fn complaints(schema: &Value, beginning: &str) -> Vec<String> {
    let judge = Judge::new(schema, examples());
    let leaves = leaves::leaves(schema).into_iter().filter(|leaf| leaf.name().starts_with(beginning));
    leaves.flat_map(|leaf| judge.complaints(&leaf)).collect()
}

#[test]
fn no_setting_is_without_effect() {
    let schema = json_schema();
    let found = leaves::leaves(&schema).len();
    assert!(found > 150, "the walk found {found} leaves only");
    let complaints = complaints(&schema, "");
    assert!(complaints.is_empty(), "{} of {found} settings:\n{}", complaints.len(), complaints.join("\n"));
}

/// The schema with a change at a place of it.
fn doctored(pointer: &str, change: impl Fn(&mut serde_json::Map<String, Value>)) -> Value {
    let mut schema = json_schema();
    change(schema.pointer_mut(pointer).and_then(Value::as_object_mut).expect("the place is in the schema"));
    schema
}

#[test]
fn a_missing_mark_is_found() {
    let schema = doctored("/$defs/Portal/properties/bucket", |bucket| {
        bucket.remove(LATER).expect("the bucket is provisioned later: let this test take another mark away");
    });
    let found = complaints(&schema, "portal.");
    assert!(found.iter().any(|complaint| complaint == "portal.bucket: no value has an effect"), "{found:#?}");
}

#[test]
fn a_mark_on_what_has_an_effect_is_found() {
    let schema = doctored("/properties/ledger", |ledger| drop(ledger.insert(LATER.to_owned(), json!(true))));
    let found = complaints(&schema, "ledger.");
    let says = "ledger.name: is marked as provisioned later and has an effect: take the mark away";
    assert!(found.iter().any(|complaint| complaint == says), "{found:#?}");
}

#[test]
fn a_refusal_that_is_marked_and_does_not_happen_is_found() {
    let schema = doctored("/properties/ledger", |ledger| drop(ledger.insert(REFUSED.to_owned(), json!("write less"))));
    let found = complaints(&schema, "ledger.");
    assert!(found.contains(&"ledger.name: is marked as refused and is taken".to_owned()), "{found:#?}");
}

#[test]
fn a_leaf_without_a_sample_is_found() {
    let schema = doctored("/properties", |top| drop(top.insert("colour".to_owned(), json!({ "type": "string" }))));
    assert_eq!(complaints(&schema, "colour"), ["colour: no other value of it loads: give it samples"]);
}
