//! What a stack gives out: addresses of its API, names of its functions, tables and buckets, as the kinds declare it.

use std::collections::BTreeMap;

use engine::State;
use engine::kind_meta::OutputOf;
use engine::state::Record;
use serde_json::{Map, Value, json};

use crate::kinds;

/// What others want to know of a deployed stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outputs {
    /// Name -> what stands alone: `api_url`, `evidence_public_key`. None while it is not deployed.
    texts: Vec<(&'static str, Option<String>)>,
    /// Heading -> name -> id: `functions`, `tables`, `buckets`.
    ids: Vec<(&'static str, BTreeMap<String, String>)>,
}

/// Returns the outputs of what the state knows to exist.
pub fn of(state: &State) -> Outputs {
    let endpoint = std::env::var("AWS_ENDPOINT_URL").ok();
    from_records(state, endpoint.as_deref())
}

fn from_records(state: &State, endpoint: Option<&str>) -> Outputs {
    let mut outputs = Outputs::default();
    let mut ids = Vec::new();
    for meta in kinds::metas() {
        let mut records = state.records.values().filter(|record| record.address.kind() == meta.name);
        match meta.output {
            None => {}
            Some(OutputOf::Ids { heading, rank }) => {
                let named = records.map(|record| (record.address.name().to_owned(), record.id.clone()));
                ids.push((rank, heading, named.collect()));
            }
            Some(OutputOf::Address { name, output, local_path }) => {
                let address = records.next().and_then(|record| match endpoint {
                    Some(endpoint) => local_address(endpoint, local_path, record),
                    None => record.outputs.get(output).and_then(Value::as_str).map(str::to_owned),
                });
                outputs.texts.push((name, address));
            }
            Some(OutputOf::Text { name, output }) => {
                let text = records.find_map(|record| record.outputs.get(output).and_then(Value::as_str));
                outputs.texts.push((name, text.map(str::to_owned)));
            }
        }
    }
    ids.sort_by_key(|(rank, ..)| *rank);
    outputs.ids = ids.into_iter().map(|(_, heading, named)| (heading, named)).collect();
    outputs
}

/// A host name of AWS's resolves nowhere on a local cloud, so the path through the endpoint is given instead.
fn local_address(endpoint: &str, path: &str, record: &Record) -> Option<String> {
    let mut filled = path.replace("{id}", &record.id);
    while let Some((before, rest)) = filled.split_once('{') {
        let (pointer, after) = rest.split_once('}')?;
        filled = format!("{before}{}{after}", record.fields.pointer(pointer)?.as_str()?);
    }
    Some(format!("{}{filled}", endpoint.trim_end_matches('/')))
}

impl Outputs {
    /// Returns an address by its name: `api_url`.
    pub fn address(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|(known, _)| *known == name)?.1.as_deref()
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        let texts = self.texts.iter().map(|(name, text)| ((*name).to_owned(), json!(text)));
        let ids = self.ids.iter().map(|(heading, named)| ((*heading).to_owned(), json!(named)));
        Value::Object(texts.chain(ids).collect::<Map<_, _>>())
    }

    /// As lines `name  value` for people.
    pub fn lines(&self) -> Vec<(String, String)> {
        let texts = self.texts.iter().filter_map(|(name, text)| Some(((*name).to_owned(), text.clone()?)));
        let ids = self
            .ids
            .iter()
            .flat_map(|(heading, named)| named.iter().map(move |(name, id)| (format!("{heading}.{name}"), id.clone())));
        texts.chain(ids).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Address;

    fn state() -> State {
        let record = |kind: &str, name: &str, id: &str, fields: Value| {
            let address = Address::new(kind, name);
            let outputs = json!({ "endpoint": "https://x.example/prod", "public_key": "MCow" });
            let record = json!({ "address": address, "id": id, "fields": fields, "outputs": outputs });
            (address, serde_json::from_value(record).expect("a record"))
        };
        let records = [
            record("http_api", "portal", "a1b2", json!({ "stage": { "name": "prod" } })),
            record("lambda_function", "costs", "shop-costs", json!({})),
            record("log_group", "costs", "/aws/lambda/shop-costs", json!({})),
            record("secret", "evidence", "shop/evidence", json!({})),
        ];
        State { records: records.into(), ..State::empty("shop") }
    }

    #[test]
    fn headings_come_by_rank_and_a_local_address_is_a_path_of_the_endpoint() {
        let local = from_records(&state(), Some("http://127.0.0.1:4600/"));
        let expected = json!({
            "api_url": "http://127.0.0.1:4600/_aws/execute-api/a1b2/prod",
            "evidence_public_key": "MCow",
            "functions": { "costs": "shop-costs" }, "tables": {}, "buckets": {},
        });
        assert_eq!(local.to_json().to_string(), expected.to_string(), "in this order");
        assert_eq!(from_records(&state(), None).address("api_url"), Some("https://x.example/prod"));
        let lines =
            [("api_url", "https://x.example/prod"), ("evidence_public_key", "MCow"), ("functions.costs", "shop-costs")];
        let lines = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(from_records(&state(), None).lines(), lines);
    }
}
