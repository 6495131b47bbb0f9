//! From an empty account to a bill and back, as people run it: the built program, in a folder, as an IAM user under
//! the policy that it prints, against the local cloud.

mod backfill;
mod changes;
mod checkout;
mod claims;
mod collecting;
mod effects;
mod facts;
mod golden;
mod imports;
mod invoices;
mod isolation;
mod journey;
mod leaving;
mod looks;
mod month;
mod ownership;
mod payments;
mod portal;
mod refusals;
mod shared;
mod state;
mod tags;
mod unaided;

use std::collections::BTreeMap;

use serde_json::Value;

/// The addresses that a plan changes, and how.
fn changes(plan: &Value) -> BTreeMap<String, String> {
    let changes = plan["changes"].as_array().expect("changes").iter();
    let text = |change: &Value, key: &str| change[key].as_str().expect("a text").to_owned();
    let all = changes.map(|change| (text(change, "address"), text(change, "action")));
    all.filter(|(_, action)| action != "no-op").collect()
}

/// The same from pairs.
fn exactly(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(address, action)| ((*address).to_owned(), (*action).to_owned())).collect()
}

/// The keys of a JSON object, in their order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}
