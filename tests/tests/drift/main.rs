//! `billform drift`, as people run it: what others change is found by a user who may only read, told apart from what
//! is merely not applied, and repaired by `apply`.

mod authors;
mod fields;
mod incomplete;
mod meanwhile;
mod sorts;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tests::stage::{Ran, Stage};

/// What drifted: address -> its findings, each a word and the paths of its fields.
fn found(report: &Value) -> BTreeMap<String, Vec<String>> {
    findings(report["changes"].as_array().expect("changes"))
}

fn findings(changes: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for change in changes {
        let text = |key: &str| change[key].as_str().expect("a text").to_owned();
        let fields = change["fields"].as_array().expect("fields").iter();
        let paths = fields.map(|field| field["path"].as_str().expect("a path"));
        let all: Vec<String> = [text("finding")].into_iter().chain(paths.map(str::to_owned)).collect();
        found.entry(text("address")).or_default().push(all.join(" "));
    }
    found
}

/// The same from pairs.
fn exactly(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (address, finding) in pairs {
        all.entry((*address).to_owned()).or_default().push((*finding).to_owned());
    }
    all
}

/// Runs `drift` and sees that it wrote nothing, neither to a service nor in the folder.
async fn drift(stage: &Stage, more: &[&str], exits: i32) -> Ran {
    let traffic = stage.place.cloud.traffic();
    let files = files(stage.folder());
    traffic.reset();
    let ran = stage.run(&[&["drift"][..], more].concat()).await.exits(exits);
    let counts = traffic.counts();
    let writes: Vec<_> = counts.log.iter().filter(|call| call.write).collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(counts.total > 10 && counts.log.len() as u64 == counts.total, "every call is in the log: {}", counts.total);
    assert_eq!(self::files(stage.folder()), files, "files are as they were");
    ran
}

/// The report as JSON.
async fn report(stage: &Stage, exits: i32) -> Value {
    drift(stage, &["--format", "json"], exits).await.json()
}

/// Every file of a folder with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.display().to_string(), fs::read(&path).expect("is read"));
        }
    }
    all
}

/// The cloud's id of a resource, as the state remembers it.
fn id(stage: &Stage, address: &str) -> String {
    let state: Value = serde_json::from_slice(&fs::read(stage.state_path()).expect("a state")).expect("JSON");
    state["records"][address]["id"].as_str().unwrap_or_else(|| panic!("{address} is not in {state}")).to_owned()
}
