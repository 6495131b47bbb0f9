//! What the state says, made comparable between accounts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Address -> record, without what the cloud made up: ids, and texts that hold them, are named by where they come from.
pub fn of(state: &Path) -> BTreeMap<String, Value> {
    let state: Value = serde_json::from_slice(&fs::read(state).expect("a state")).expect("JSON");
    let records = state["records"].as_object().expect("records").clone();
    let mut made_up: Vec<(String, String)> = Vec::new();
    for (address, record) in &records {
        let outputs = record["outputs"].as_object().into_iter().flatten();
        let outputs =
            outputs.filter_map(|(name, value)| Some((value.as_str()?.to_owned(), format!("{address}.{name}"))));
        let id = record["id"].as_str().map(|id| (id.to_owned(), format!("{address}.id")));
        made_up.extend(outputs.chain(id));
    }
    // Longer texts first: an ARN holds the id.
    made_up.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    let plain = |value: &Value| {
        let text = made_up.iter().fold(value.to_string(), |text, (made_up, name)| text.replace(made_up, name));
        serde_json::from_str(&text).expect("still JSON")
    };
    let mut comparable: BTreeMap<String, Value> =
        records.iter().map(|(address, record)| (address.clone(), plain(record))).collect();
    // An intent that is left over is something the next run has to look into.
    for (address, _) in state["intents"].as_object().into_iter().flatten() {
        comparable.insert(format!("{address}, an open intent"), Value::Null);
    }
    comparable
}
