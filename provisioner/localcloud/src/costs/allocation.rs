//! Cost-allocation tags: their list, their activation, and the backfill of past months.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use super::backfill::Backfill;
use super::fault::Fault;
use super::model::CostModel;
use super::pages::Source;

const MOST_KEYS_A_CALL: usize = 20;
const MOST_LISTED: usize = 1000;
const LISTED_BY_DEFAULT: usize = 100;
const MONTHS_BACKFILLED: i64 = 12;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HistoryRequest {
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ListRequest {
    status: Option<String>,
    tag_keys: Option<Vec<String>>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UpdateRequest {
    cost_allocation_tags_status: Vec<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    tag_key: String,
    status: String,
}

/// Answers ListCostAllocationTags. A key that no resource ever carried is not in it.
pub fn list(model: &CostModel, source: Source, body: &Value) -> Result<Value, Fault> {
    let mut request: ListRequest = super::explorer::read(body)?;
    let token = request.next_token.take();
    let status = one_of("Status", request.status.as_deref(), &["Active", "Inactive"])?;
    let kind = one_of("Type", request.kind.as_deref(), &["UserDefined", "AWSGenerated"])?;
    let page_size = page_size(request.max_results, source)?;
    let asked = |key: &str| request.tag_keys.as_ref().is_none_or(|keys| keys.iter().any(|asked| asked == key));
    let wanted = |tag: &Value| {
        status.is_none_or(|status| tag["Status"] == status) && kind.is_none_or(|kind| tag["Type"] == kind)
    };
    let tags =
        model.seen().into_iter().filter(|key| asked(key)).map(|key| described(model, key)).filter(wanted).collect();
    let page = Source { page_size, ..source }.page(tags, &request, token.as_deref())?;
    let mut answer = json!({"CostAllocationTags": page.items});
    if let Some(next) = page.next {
        answer["NextToken"] = Value::String(next);
    }
    Ok(answer)
}

/// Answers UpdateCostAllocationTagsStatus: up to twenty keys, and an entry under `Errors` for each one unseen.
pub fn update_status(model: &mut CostModel, body: &Value) -> Result<Value, Fault> {
    let request: UpdateRequest = super::explorer::read(body)?;
    let entries = request.cost_allocation_tags_status;
    if entries.is_empty() {
        return Err(Fault::validation("CostAllocationTagsStatus needs at least one entry"));
    }
    if entries.len() > MOST_KEYS_A_CALL {
        return Err(Fault::LimitExceeded(format!(
            "CostAllocationTagsStatus takes at most {MOST_KEYS_A_CALL} keys a call, not {}",
            entries.len()
        )));
    }
    for entry in &entries {
        one_of("Status", Some(&entry.status), &["Active", "Inactive"])?;
    }
    let mut errors = Vec::new();
    for entry in entries {
        if model.seen().contains(entry.tag_key.as_str()) {
            model.set_status(entry.tag_key, entry.status == "Active");
        } else {
            let message = format!("Tag keys not found: {}", entry.tag_key);
            errors.push(json!({"TagKey": entry.tag_key, "Code": "TagKeysNotFoundException", "Message": message}));
        }
    }
    Ok(json!({"Errors": errors}))
}

/// Answers StartCostAllocationTagBackfill: active keys also count from an earlier first of a month on.
pub fn start_backfill(model: &mut CostModel, body: &Value) -> Result<Value, Fault> {
    let text = body["BackfillFrom"].as_str().ok_or_else(|| Fault::validation("BackfillFrom is required"))?;
    let from: Date = text
        .get(..10)
        .and_then(|day| day.parse().ok())
        .ok_or_else(|| Fault::validation(format!("BackfillFrom '{text}' is no time")))?;
    if from.day() != 1 {
        return Err(Fault::validation("BackfillFrom must be the first of a month"));
    }
    if let Some(today) = model.today {
        let oldest = today.first_of_month().saturating_sub(MONTHS_BACKFILLED.months());
        if from < oldest || from > today {
            return Err(Fault::validation(format!("BackfillFrom must lie between {oldest} and today")));
        }
        if model.backfills.iter().any(|before| !before.has_ended(model.today)) {
            return Err(Fault::BackfillLimitExceeded);
        }
    }
    let backfill = Backfill { from, requested: model.today, keys: model.active_tags.clone() };
    let shown = backfill.described(model.today);
    model.backfills.push(backfill);
    Ok(json!({ "BackfillRequest": shown }))
}

/// Answers ListCostAllocationTagBackfillHistory, newest first.
pub fn backfill_history(model: &CostModel, source: Source, body: &Value) -> Result<Value, Fault> {
    let mut request: HistoryRequest = super::explorer::read(body)?;
    let token = request.next_token.take();
    let page_size = page_size(request.max_results, source)?;
    let all = model.backfills.iter().rev().map(|backfill| backfill.described(model.today)).collect();
    let page = Source { page_size, ..source }.page(all, &request, token.as_deref())?;
    let mut answer = json!({ "BackfillRequests": page.items });
    if let Some(next) = page.next {
        answer["NextToken"] = Value::String(next);
    }
    Ok(answer)
}

fn page_size(asked: Option<usize>, source: Source) -> Result<usize, Fault> {
    match asked {
        Some(size) if !(1..=MOST_LISTED).contains(&size) => {
            Err(Fault::validation(format!("MaxResults must lie between 1 and {MOST_LISTED}")))
        }
        size => Ok(size.unwrap_or(LISTED_BY_DEFAULT).min(source.page_size)),
    }
}

impl CostModel {
    fn set_status(&mut self, key: String, active: bool) {
        if !active {
            self.seen_tags.insert(key.clone());
            self.active_tags.remove(&key);
            self.tags_apply_from.remove(&key);
            self.activated_on.remove(&key);
        } else if self.active_tags.insert(key.clone())
            && let Some(today) = self.today
        {
            self.activated_on.insert(key.clone(), today);
            if !self.activation_is_retroactive {
                self.tags_apply_from.insert(key, today);
            }
        }
    }
}

fn described(model: &CostModel, key: &str) -> Value {
    let kind = if key.starts_with("aws:") { "AWSGenerated" } else { "UserDefined" };
    let status = if model.active_tags.contains(key) { "Active" } else { "Inactive" };
    let mut tag = json!({"TagKey": key, "Type": kind, "Status": status});
    if let Some(last) = model.rows.iter().filter(|row| row.tags.contains_key(key)).map(|row| row.date).max() {
        tag["LastUsedDate"] = json!(format!("{}T00:00:00Z", last.first_of_month()));
    }
    if let Some(day) = model.activated_on.get(key) {
        tag["LastUpdatedDate"] = json!(format!("{day}T00:00:00Z"));
    }
    tag
}

fn one_of<'a>(name: &str, value: Option<&'a str>, known: &[&str]) -> Result<Option<&'a str>, Fault> {
    match value {
        Some(value) if !known.contains(&value) => {
            Err(Fault::validation(format!("{name} must be one of {}, not '{value}'", known.join(", "))))
        }
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const SOURCE: Source = Source { revision: 0, page_size: 1000 };

    fn model() -> CostModel {
        CostModel::example(date(2026, 11, 21))
    }

    fn activate(model: &mut CostModel, keys: &[&str]) -> Result<Value, Fault> {
        let entries: Vec<Value> = keys.iter().map(|key| json!({"TagKey": key, "Status": "Active"})).collect();
        update_status(model, &json!({"CostAllocationTagsStatus": entries}))
    }

    fn keys(answer: &Value) -> Vec<&str> {
        answer["CostAllocationTags"].as_array().unwrap().iter().map(|tag| tag["TagKey"].as_str().unwrap()).collect()
    }

    #[test]
    fn unseen_keys_are_errors_inside_a_success() {
        let mut model = model();
        let answer = activate(&mut model, &["BillingProject", "Nobody"]).unwrap();
        assert_eq!(answer["Errors"][0]["TagKey"], "Nobody");
        assert_eq!(answer["Errors"].as_array().unwrap().len(), 1);
        assert_eq!(keys(&list(&model, SOURCE, &json!({"Status": "Active"})).unwrap()), ["BillingProject"]);
    }

    #[test]
    fn the_list_is_filtered_and_paged() {
        let mut model = model();
        model.seen_tags.insert("aws:createdBy".to_owned());
        assert_eq!(keys(&list(&model, SOURCE, &json!({"Type": "AWSGenerated"})).unwrap()), ["aws:createdBy"]);
        assert_eq!(keys(&list(&model, SOURCE, &json!({"TagKeys": ["ClientName", "Nobody"]})).unwrap()), ["ClientName"]);
        let mut body = json!({"MaxResults": 3});
        let first = list(&model, SOURCE, &body).unwrap();
        body["NextToken"] = first["NextToken"].clone();
        let second = list(&model, SOURCE, &body).unwrap();
        assert_eq!((keys(&first).len(), keys(&second).len(), second.get("NextToken")), (3, 2, None));
        assert!(list(&model, SOURCE, &json!({"MaxResults": 0})).is_err());
        assert!(list(&model, SOURCE, &json!({"Status": "On"})).is_err());
    }

    #[test]
    fn twenty_keys_a_call_and_known_statuses() {
        let many: Vec<String> = (0..21).map(|at| format!("k{at}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(activate(&mut model(), &many).unwrap_err().code(), "LimitExceededException");
        assert!(activate(&mut model(), &many[..20]).is_ok());
        assert!(activate(&mut model(), &[]).is_err());
        let bad = json!({"CostAllocationTagsStatus": [{"TagKey": "BillingProject", "Status": "active"}]});
        assert!(update_status(&mut model(), &bad).is_err());
    }

    #[test]
    fn a_strict_activation_needs_a_backfill_for_the_past() {
        let mut model = CostModel { activation_is_retroactive: false, ..model() };
        activate(&mut model, &["BillingProject"]).unwrap();
        let tagged =
            |model: &CostModel| model.rows.iter().filter(|row| model.tag(row, "BillingProject").is_some()).count();
        assert_eq!(tagged(&model), 0);
        start_backfill(&mut model, &json!({"BackfillFrom": "2026-10-01T00:00:00Z"})).unwrap();
        assert_eq!(tagged(&model), 0, "it takes until tomorrow");
        let status = |model: &CostModel| {
            let history = backfill_history(model, SOURCE, &json!({})).unwrap();
            history["BackfillRequests"][0]["BackfillStatus"].as_str().unwrap().to_owned()
        };
        assert_eq!(status(&model), "PROCESSING");
        let second = start_backfill(&mut model, &json!({"BackfillFrom": "2026-09-01T00:00:00Z"}));
        assert_eq!(second.unwrap_err(), Fault::BackfillLimitExceeded);
        model.today = Some(date(2026, 11, 22));
        assert_eq!(status(&model), "SUCCEEDED");
        let since_october =
            model.rows.iter().filter(|row| row.date >= date(2026, 10, 1) && !row.tags.is_empty()).count();
        assert_eq!(tagged(&model), since_october);
        start_backfill(&mut model, &json!({"BackfillFrom": "2026-09-01T00:00:00Z"})).unwrap();
        assert_eq!(
            backfill_history(&model, SOURCE, &json!({})).unwrap()["BackfillRequests"].as_array().unwrap().len(),
            2
        );
    }

    #[test]
    fn a_backfill_starts_on_a_first_within_a_year() {
        for from in ["2026-10-02T00:00:00Z", "2025-10-01T00:00:00Z", "2026-12-01T00:00:00Z", "soon", ""] {
            assert!(start_backfill(&mut model(), &json!({"BackfillFrom": from})).is_err(), "{from}");
        }
    }

    #[test]
    fn a_deactivated_key_stays_seen() {
        let mut model = CostModel {
            seen_tags: ["Only".to_owned()].into(),
            active_tags: ["Only".to_owned()].into(),
            ..CostModel::default()
        };
        update_status(&mut model, &json!({"CostAllocationTagsStatus": [{"TagKey": "Only", "Status": "Inactive"}]}))
            .unwrap();
        assert_eq!(keys(&list(&model, SOURCE, &json!({"Status": "Inactive"})).unwrap()), ["Only"]);
    }
}
