//! The front of Cost Explorer (`AWSInsightsIndexService`, JSON 1.1): from an operation and its body to a reply.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::fault::Fault;
use super::model::CostModel;
use super::pages::Source;
use super::{allocation, lookup, usage};

/// What is sent back: a status and a JSON 1.1 body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status: 200 or 400.
    pub status: u16,
    /// The body; of an error, `__type` and `message`.
    pub body: Value,
}

/// Answers one operation from the model. `revision` changes whenever the model is replaced.
pub fn answer(model: &mut CostModel, revision: u64, operation: &str, body: &Value) -> Reply {
    match dispatch(model, revision, operation, body) {
        Ok(body) => Reply { status: 200, body },
        Err(fault) => Reply { status: 400, body: json!({"__type": fault.code(), "message": fault.to_string()}) },
    }
}

/// Reads a request's parameters; what has the wrong type is a `ValidationException`, as in AWS.
pub(super) fn read<T: DeserializeOwned>(body: &Value) -> Result<T, Fault> {
    // Null stands for left out in the JSON protocols, at any depth.
    serde_json::from_value(without_nulls(body))
        .map_err(|error| Fault::validation(format!("The request cannot be read: {error}")))
}

fn dispatch(model: &mut CostModel, revision: u64, operation: &str, body: &Value) -> Result<Value, Fault> {
    if let Some(left) = model.throttle_next.checked_sub(1) {
        model.throttle_next = left;
        return Err(Fault::LimitExceeded("Rate exceeded: too many Cost Explorer requests; ask again later".to_owned()));
    }
    let source = Source { revision, page_size: model.page_size };
    match operation {
        "ListCostAllocationTags" => allocation::list(model, source, body),
        "UpdateCostAllocationTagsStatus" => allocation::update_status(model, body),
        "StartCostAllocationTagBackfill" => allocation::start_backfill(model, body),
        "ListCostAllocationTagBackfillHistory" => allocation::backfill_history(model, source, body),
        "GetCostAndUsage" | "GetTags" if !model.ingested => Err(Fault::DataUnavailable),
        "GetCostAndUsage" => usage::get_cost_and_usage(model, source, body),
        "GetTags" => lookup::get_tags(model, source, body),
        other => Err(Fault::UnknownOperation(other.to_owned())),
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Null => json!({}),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costs::Costs;
    use jiff::civil::date;

    fn october() -> Value {
        json!({"TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"}, "Granularity": "DAILY", "Metrics": ["UnblendedCost"]})
    }

    #[test]
    fn errors_have_the_protocols_shape() {
        let reply = Costs::default().answer("GetCostForecast", &json!({}));
        assert_eq!((reply.status, &reply.body["__type"]), (400, &json!("UnknownOperationException")));
        assert!(reply.body["message"].as_str().unwrap().contains("GetCostForecast"));
    }

    #[test]
    fn an_account_without_data_and_a_throttled_one_say_so() {
        let costs = Costs::new(CostModel { ingested: false, throttle_next: 1, ..CostModel::default() });
        let kind = |reply: Reply| reply.body["__type"].as_str().unwrap_or("none").to_owned();
        assert_eq!(kind(costs.answer("GetCostAndUsage", &october())), "LimitExceededException");
        assert_eq!(kind(costs.answer("GetCostAndUsage", &october())), "DataUnavailableException");
        assert_eq!(kind(costs.answer("ListCostAllocationTags", &json!({}))), "none");
    }

    #[test]
    fn a_page_token_expires_with_its_bill() {
        let model = CostModel { page_size: 10, ..CostModel::example(date(2026, 11, 21)) };
        let costs = Costs::new(model);
        let mut body = october();
        body["NextPageToken"] = costs.answer("GetCostAndUsage", &body).body["NextPageToken"].clone();
        assert_eq!(costs.answer("GetCostAndUsage", &body).status, 200);
        costs.change(|model| model.rows.truncate(40));
        assert_eq!(costs.answer("GetCostAndUsage", &body).body["__type"], "BillExpirationException");
    }

    #[test]
    fn a_model_is_set_as_text_or_refused_whole() {
        let costs = Costs::new(CostModel::example(date(2026, 11, 21)));
        let before = costs.model();
        assert!(costs.set_json(br#"{"rows": [{"date": "soon"}]}"#).is_err());
        assert_eq!(costs.model(), before);
        let text = serde_json::to_vec(&before).unwrap();
        costs.set(CostModel::default());
        costs.set_json(&text).unwrap();
        assert_eq!(costs.model(), before);
    }

    #[test]
    fn nulls_count_as_left_out() {
        let mut body = october();
        body["Filter"] = Value::Null;
        body["NextPageToken"] = Value::Null;
        assert_eq!(Costs::default().answer("GetCostAndUsage", &body).status, 200);
    }
}
