//! GetTags: which keys and values occur in a period.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::filter::{Expression, Filter, select};
use super::model::CostModel;
use super::pages::Source;
use super::period::{Period, TimePeriod};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    time_period: Option<TimePeriod>,
    tag_key: Option<String>,
    search_string: Option<String>,
    filter: Option<Expression>,
    max_results: Option<usize>,
    next_page_token: Option<String>,
}

/// Answers GetTags: the active keys in use, or the values of one key.
pub fn get_tags(model: &CostModel, source: Source, body: &Value) -> Result<Value, Fault> {
    listed(model, source, body, |request, rows| {
        let values: BTreeSet<String> = match &request.tag_key {
            Some(key) => rows.iter().map(|row| model.tag(row, key).unwrap_or_default().to_owned()).collect(),
            None => rows
                .iter()
                .flat_map(|row| row.tags.keys().filter(|key| model.tag(row, key).is_some()).cloned())
                .collect(),
        };
        values
    })
}

/// A linked account with its name, as AWS adds it to answers.
pub(super) fn account_attributes(model: &CostModel, account: &str) -> Value {
    let description = if account == model.account { "payer".to_owned() } else { format!("linked {account}") };
    json!({"Value": account, "Attributes": {"description": description}})
}

fn listed(
    model: &CostModel,
    source: Source,
    body: &Value,
    values: impl FnOnce(&Request, &[&super::CostRow]) -> BTreeSet<String>,
) -> Result<Value, Fault> {
    let mut request: Request = super::explorer::read(body)?;
    let token = request.next_page_token.take();
    let period = Period::parse(request.time_period.as_ref(), model)?;
    let filter = Filter::parse(request.filter.as_ref())?;
    let rows: Vec<_> = select(model, &filter, |day| period.contains(day)).collect();
    let searched = request.search_string.as_deref().unwrap_or_default().to_lowercase();
    let found: Vec<String> =
        values(&request, &rows).into_iter().filter(|value| value.to_lowercase().contains(&searched)).collect();
    let total = found.len();
    let page_size = request.max_results.unwrap_or(usize::MAX).min(source.page_size);
    let page = Source { page_size, ..source }.page(found, &request, token.as_deref())?;
    let mut answer = json!({"ReturnSize": page.items.len(), "TotalSize": total, "Tags": page.items});
    if let Some(next) = page.next {
        answer["NextPageToken"] = Value::String(next);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const SOURCE: Source = Source { revision: 0, page_size: 1000 };

    fn october(extra: Value) -> Value {
        let mut body = json!({"TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"}});
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        body
    }

    #[test]
    fn only_active_keys_are_listed() {
        let mut model = CostModel::example(date(2026, 11, 21));
        assert_eq!(get_tags(&model, SOURCE, &october(json!({}))).unwrap()["Tags"], json!([]));
        model.active_tags.insert("BillingProject".to_owned());
        assert_eq!(get_tags(&model, SOURCE, &october(json!({}))).unwrap()["Tags"], json!(["BillingProject"]));
    }

    #[test]
    fn values_are_searched_filtered_and_paged() {
        let model = CostModel::example(date(2026, 11, 21)).activated();
        let answer =
            get_tags(&model, SOURCE, &october(json!({"TagKey": "BillingProject", "SearchString": "toledo"}))).unwrap();
        assert_eq!(answer["Tags"], json!(["mmp-toledo", "mmp-toledo-firespring"]));
        let mut body = october(json!({"TagKey": "BillingProject", "MaxResults": 3}));
        let first = get_tags(&model, SOURCE, &body).unwrap();
        assert_eq!((&first["ReturnSize"], &first["TotalSize"], &first["Tags"][0]), (&json!(3), &json!(4), &json!("")));
        body["NextPageToken"] = first["NextPageToken"].clone();
        assert_eq!(get_tags(&model, SOURCE, &body).unwrap()["ReturnSize"], 1);
    }
}
