//! What a stack gives out: addresses of its API, names of its functions, tables and buckets.

use std::collections::BTreeMap;

use engine::State;
use serde::Serialize;
use serde_json::Value;

/// What others want to know of a deployed stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// Where the HTTP API answers, stage included; on a local cloud, the gateway's path to it.
    pub api_url: Option<String>,
    /// Handler -> deployed function.
    pub functions: BTreeMap<String, String>,
    /// Role -> deployed table: `ledger`.
    pub tables: BTreeMap<String, String>,
    /// Role -> bucket: `reports`.
    pub buckets: BTreeMap<String, String>,
}

/// The outputs of what the state knows to exist.
pub fn of(state: &State) -> Outputs {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").ok();
    from_records(state, endpoint.as_deref())
}

fn from_records(state: &State, endpoint: Option<&str>) -> Outputs {
    let named = |kind: &str| {
        let records = state.records.values().filter(|record| record.address.kind() == kind);
        records.map(|record| (record.address.name().to_owned(), record.id.clone())).collect()
    };
    Outputs {
        api_url: api_url(state, endpoint),
        functions: named("lambda_function"),
        tables: named("dynamodb_table"),
        buckets: named("s3_bucket"),
    }
}

/// An API's own host name resolves nowhere on a local cloud, so the path through the endpoint is given instead.
fn api_url(state: &State, endpoint: Option<&str>) -> Option<String> {
    let record = state.records.values().find(|record| record.address.kind() == "http_api")?;
    let text = |name: &str| record.outputs.get(name).and_then(Value::as_str).map(str::to_owned);
    match endpoint {
        Some(endpoint) => {
            let stage = record.fields.pointer("/stage/name").and_then(Value::as_str)?;
            Some(format!("{}/_aws/execute-api/{}/{stage}", endpoint.trim_end_matches('/'), record.id))
        }
        None => text("endpoint"),
    }
}

impl Outputs {
    /// As JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// As lines `name  value` for people.
    pub fn lines(&self) -> Vec<(String, String)> {
        let api = self.api_url.iter().map(|url| ("api_url".to_owned(), url.clone()));
        let group = |title: &'static str, names: &BTreeMap<String, String>| {
            names.iter().map(|(role, name)| (format!("{title}.{role}"), name.clone())).collect::<Vec<_>>()
        };
        let groups = [("functions", &self.functions), ("tables", &self.tables), ("buckets", &self.buckets)];
        api.chain(groups.into_iter().flat_map(|(title, names)| group(title, names))).collect()
    }
}
