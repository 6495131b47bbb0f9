//! GetCostAndUsage: sums of rows by period and by up to two groups.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::filter::{Dimension, Expression, Filter, select};
use super::model::CostModel;
use super::pages::Source;
use super::period::{Granularity, Period, TimePeriod};
use super::row::CostRow;

const MOST_GROUPS: usize = 2;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    time_period: Option<TimePeriod>,
    granularity: Option<String>,
    metrics: Vec<String>,
    group_by: Vec<Group>,
    filter: Option<Expression>,
    next_page_token: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    #[serde(rename = "Type")]
    kind: String,
    key: String,
}

/// What a row is grouped by.
#[derive(Debug)]
enum Key {
    Dimension(Dimension),
    Tag(String),
}

#[derive(Clone, Copy, Debug)]
enum Metric {
    Cost,
    Quantity,
    /// Sizes of instances in normalised hours; the model has no instances.
    Normalised,
}

/// A result's period, and one of its groups where there is one.
type Item = (usize, Option<Value>);

/// Answers GetCostAndUsage.
pub fn get_cost_and_usage(model: &CostModel, source: Source, body: &Value) -> Result<Value, Fault> {
    let mut request: Request = super::explorer::read(body)?;
    let token = request.next_page_token.take();
    let period = Period::parse(request.time_period.as_ref(), model)?;
    let granularity = request.granularity.as_deref().ok_or_else(|| Fault::validation("Granularity is required"))?;
    let periods = period.split(Granularity::parse(granularity)?);
    let metrics = metrics(&request.metrics)?;
    let keys = keys(&request.group_by)?;
    let filter = Filter::parse(request.filter.as_ref())?;

    let mut items: Vec<Item> = Vec::new();
    let mut totals: Vec<Value> = Vec::new();
    for (at, period) in periods.iter().enumerate() {
        let rows: Vec<&CostRow> = select(model, &filter, |day| period.contains(day)).collect();
        if keys.is_empty() {
            totals.push(measured(&metrics, &rows));
            items.push((at, None));
        } else {
            totals.push(json!({}));
            items.extend(grouped(model, &keys, &metrics, &rows, at));
        }
    }
    let page = source.page(items, &request, token.as_deref())?;
    let mut answer = json!({
        "ResultsByTime": results(&page.items, &periods, &totals, model),
        "DimensionValueAttributes": attributes(model, &keys, &page.items),
    });
    if !keys.is_empty() {
        answer["GroupDefinitions"] = json!(request.group_by);
    }
    if let Some(next) = page.next {
        answer["NextPageToken"] = Value::String(next);
    }
    Ok(answer)
}

fn metrics(names: &[String]) -> Result<Vec<(&str, Metric)>, Fault> {
    let metric = |name: &str| match name {
        "BlendedCost" | "UnblendedCost" | "AmortizedCost" | "NetAmortizedCost" | "NetUnblendedCost" => {
            Some(Metric::Cost)
        }
        "UsageQuantity" => Some(Metric::Quantity),
        "NormalizedUsageAmount" => Some(Metric::Normalised),
        _ => None,
    };
    let read = |name: &String| metric(name).ok_or_else(|| Fault::validation(format!("Metric '{name}' is unknown")));
    if names.is_empty() {
        return Err(Fault::validation("Metrics needs at least one metric"));
    }
    names.iter().map(|name| Ok((name.as_str(), read(name)?))).collect()
}

fn keys(groups: &[Group]) -> Result<Vec<Key>, Fault> {
    if groups.len() > MOST_GROUPS {
        return Err(Fault::validation(format!("GroupBy takes at most {MOST_GROUPS} groups, not {}", groups.len())));
    }
    if groups.len() == MOST_GROUPS && groups[0] == groups[1] {
        return Err(Fault::validation("GroupBy names the same group twice"));
    }
    groups.iter().map(key).collect()
}

fn key(group: &Group) -> Result<Key, Fault> {
    match group.kind.as_str() {
        "DIMENSION" => Ok(Key::Dimension(Dimension::parse(&group.key)?)),
        "TAG" if group.key.is_empty() => Err(Fault::validation("GroupBy of type TAG needs the tag's key")),
        "TAG" => Ok(Key::Tag(group.key.clone())),
        "COST_CATEGORY" => Err(Fault::validation("The local cloud has no cost categories to group by")),
        other => Err(Fault::validation(format!("GroupBy.Type must be DIMENSION, TAG or COST_CATEGORY, not '{other}'"))),
    }
}

impl Key {
    /// The group's name for a row: a tag's is `Key$value`, and `Key$` where there is no value.
    fn of(&self, row: &CostRow, model: &CostModel) -> String {
        match self {
            Key::Dimension(dimension) => dimension.of(row, model).to_owned(),
            Key::Tag(key) => format!("{key}${}", model.tag(row, key).unwrap_or_default()),
        }
    }
}

/// The groups of one period, in the order of their keys; a period without any keeps its place.
fn grouped(model: &CostModel, keys: &[Key], metrics: &[(&str, Metric)], rows: &[&CostRow], at: usize) -> Vec<Item> {
    let mut groups: BTreeMap<Vec<String>, Vec<&CostRow>> = BTreeMap::new();
    for row in rows {
        groups.entry(keys.iter().map(|key| key.of(row, model)).collect()).or_default().push(row);
    }
    if groups.is_empty() {
        return vec![(at, None)];
    }
    let group = |(keys, rows): (Vec<String>, Vec<&CostRow>)| json!({"Keys": keys, "Metrics": measured(metrics, &rows)});
    groups.into_iter().map(|entry| (at, Some(group(entry)))).collect()
}

fn measured(metrics: &[(&str, Metric)], rows: &[&CostRow]) -> Value {
    let value = |metric| match metric {
        Metric::Cost => json!({"Amount": text(rows.iter().map(|row| row.amount).sum()), "Unit": "USD"}),
        Metric::Quantity => json!({"Amount": text(rows.iter().map(|row| row.quantity).sum()), "Unit": unit(rows)}),
        Metric::Normalised => json!({"Amount": "0", "Unit": "N/A"}),
    };
    Value::Object(metrics.iter().map(|(name, metric)| ((*name).to_owned(), value(*metric))).collect::<Map<_, _>>())
}

fn text(amount: Decimal) -> String {
    amount.normalize().to_string()
}

/// The unit that all rows share. Cost Explorer adds unlike quantities and then calls the unit `N/A`.
fn unit(rows: &[&CostRow]) -> String {
    let units: BTreeSet<&str> = rows.iter().map(|row| row.unit.as_str()).collect();
    match units.first() {
        Some(unit) if units.len() == 1 && !unit.is_empty() => (*unit).to_owned(),
        _ => "N/A".to_owned(),
    }
}

/// Folds a page's items back into results. A period cut by a page's end goes on at the head of the next page.
fn results(items: &[Item], periods: &[Period], totals: &[Value], model: &CostModel) -> Vec<Value> {
    let mut results: Vec<Value> = Vec::new();
    let mut last = None;
    for (at, group) in items {
        if last != Some(at) {
            let estimated = model.estimated_from.is_some_and(|from| periods[*at].end > from);
            results.push(
                json!({"TimePeriod": periods[*at].text(), "Total": totals[*at], "Groups": [], "Estimated": estimated}),
            );
            last = Some(at);
        }
        if let (Some(group), Some(Value::Array(groups))) =
            (group, results.last_mut().map(|result| &mut result["Groups"]))
        {
            groups.push(group.clone());
        }
    }
    results
}

/// What the page's linked accounts are called.
fn attributes(model: &CostModel, keys: &[Key], items: &[Item]) -> Vec<Value> {
    let Some(at) = keys.iter().position(|key| matches!(key, Key::Dimension(Dimension::LinkedAccount))) else {
        return Vec::new();
    };
    let named = |(_, group): &Item| group.as_ref().and_then(|group| group["Keys"][at].as_str().map(str::to_owned));
    let accounts: BTreeSet<String> = items.iter().filter_map(named).collect();
    accounts.into_iter().map(|account| super::lookup::account_attributes(model, &account)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const ALL: Source = Source { revision: 0, page_size: 1000 };

    fn model() -> CostModel {
        CostModel::example(date(2026, 11, 21)).activated()
    }

    fn ask(model: &CostModel, change: impl FnOnce(&mut Value)) -> Result<Value, Fault> {
        let mut body = json!({"TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"}, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]});
        change(&mut body);
        get_cost_and_usage(model, ALL, &body)
    }

    fn groups(answer: &Value, result: usize) -> Vec<(String, String)> {
        let list = answer["ResultsByTime"][result]["Groups"].as_array().unwrap();
        let joined = |keys: &Value| {
            keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect::<Vec<_>>().join(" | ")
        };
        let amount = |group: &Value| group["Metrics"]["UnblendedCost"]["Amount"].as_str().unwrap().to_owned();
        list.iter().map(|group| (joined(&group["Keys"]), amount(group))).collect()
    }

    fn pair(key: &str, amount: &str) -> (String, String) {
        (key.to_owned(), amount.to_owned())
    }

    #[test]
    fn without_groups_the_total_is_the_bill() {
        let answer = ask(&model(), |_| ()).unwrap();
        let result = &answer["ResultsByTime"][0];
        assert_eq!(result["Total"]["UnblendedCost"], json!({"Amount": "142.35", "Unit": "USD"}));
        assert_eq!((&result["Groups"], &result["Estimated"]), (&json!([]), &json!(false)));
        assert!(answer.get("GroupDefinitions").is_none());
    }

    #[test]
    fn two_groups_of_tags_give_the_example_to_the_cent() {
        let by = json!([{"Type": "TAG", "Key": "ClientOrganization"}, {"Type": "TAG", "Key": "BillingProject"}]);
        let answer = ask(&model(), |body| body["GroupBy"] = by.clone()).unwrap();
        let expected = [
            pair("ClientOrganization$ | BillingProject$", "4.1"),
            pair("ClientOrganization$Acme-Print | BillingProject$acme-shop", "12.75"),
            pair("ClientOrganization$MMP-Toledo | BillingProject$mmp-toledo", "85.3"),
            pair("ClientOrganization$MMP-Toledo | BillingProject$mmp-toledo-firespring", "40.2"),
        ];
        assert_eq!(groups(&answer, 0), expected);
        assert_eq!(answer["GroupDefinitions"], by);
        assert_eq!(answer["ResultsByTime"][0]["Total"], json!({}));
    }

    #[test]
    fn a_tag_that_is_not_active_groups_everything_as_untagged() {
        let mut model = model();
        model.active_tags.remove("ClientOrganization");
        let answer =
            ask(&model, |body| body["GroupBy"] = json!([{"Type": "TAG", "Key": "ClientOrganization"}])).unwrap();
        assert_eq!(groups(&answer, 0), [pair("ClientOrganization$", "142.35")]);
    }

    #[test]
    fn days_add_up_to_the_month_and_mark_estimates() {
        let answer = ask(&model(), |body| {
            body["Granularity"] = json!("DAILY");
            body["TimePeriod"]["End"] = json!("2026-11-02");
        })
        .unwrap();
        let results = answer["ResultsByTime"].as_array().unwrap();
        let amount =
            |result: &Value| result["Total"]["UnblendedCost"]["Amount"].as_str().unwrap().parse::<Decimal>().unwrap();
        assert_eq!(results.len(), 32);
        assert_eq!(results[..31].iter().map(amount).sum::<Decimal>(), Decimal::new(14_235, 2));
        assert_eq!((&results[30]["Estimated"], &results[31]["Estimated"]), (&json!(false), &json!(true)));
    }

    #[test]
    fn a_filter_and_a_dimension_give_one_tenant_by_service() {
        let answer = ask(&model(), |body| {
            body["GroupBy"] = json!([{"Type": "DIMENSION", "Key": "SERVICE"}]);
            body["Filter"] = json!({"Tags": {"Key": "ClientOrganization", "Values": ["MMP-Toledo"]}});
        })
        .unwrap();
        let expected = [
            pair("AWS Lambda", "25"),
            pair("Amazon CloudFront", "39.5"),
            pair("Amazon DynamoDB", "16"),
            pair("Amazon Simple Storage Service", "45"),
        ];
        assert_eq!(groups(&answer, 0), expected);
    }

    #[test]
    fn pages_cut_a_period_and_lose_nothing() {
        let model = model();
        let mut body = json!({"TimePeriod": {"Start": "2026-09-01", "End": "2026-11-01"}, "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"],
            "GroupBy": [{"Type": "TAG", "Key": "ClientOrganization"}, {"Type": "DIMENSION", "Key": "SERVICE"}]});
        let whole = get_cost_and_usage(&model, ALL, &body).unwrap();
        let paged = Source { revision: 0, page_size: 5 };
        let mut seen: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut pages = 0;
        loop {
            let answer = get_cost_and_usage(&model, paged, &body).unwrap();
            for (at, result) in answer["ResultsByTime"].as_array().unwrap().iter().enumerate() {
                seen.entry(result["TimePeriod"]["Start"].as_str().unwrap().to_owned())
                    .or_default()
                    .extend(groups(&answer, at));
            }
            pages += 1;
            match answer.get("NextPageToken") {
                Some(token) => body["NextPageToken"] = token.clone(),
                None => break,
            }
        }
        assert_eq!(pages, 3);
        assert_eq!(seen["2026-09-01"], groups(&whole, 0));
        assert_eq!(seen["2026-10-01"], groups(&whole, 1));
    }

    #[test]
    fn quantities_of_unlike_units_add_up_without_a_unit() {
        let answer = ask(&model(), |body| body["Metrics"] = json!(["UsageQuantity"])).unwrap();
        assert_eq!(answer["ResultsByTime"][0]["Total"]["UsageQuantity"]["Unit"], "N/A");
        let s3 = json!({"Dimensions": {"Key": "SERVICE", "Values": ["Amazon Simple Storage Service"]}});
        let answer = ask(&model(), |body| {
            body["Metrics"] = json!(["UsageQuantity"]);
            body["Filter"] = s3;
        })
        .unwrap();
        assert_eq!(answer["ResultsByTime"][0]["Total"]["UsageQuantity"], json!({"Amount": "2355", "Unit": "GB-Mo"}));
    }

    #[test]
    fn accounts_are_described_and_empty_periods_kept() {
        let answer =
            ask(&model(), |body| body["GroupBy"] = json!([{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}])).unwrap();
        assert_eq!(answer["DimensionValueAttributes"][0]["Value"], "123456789012");
        let answer = ask(&model(), |body| {
            body["TimePeriod"] = json!({"Start": "2026-01-01", "End": "2026-03-01"});
            body["GroupBy"] = json!([{"Type": "DIMENSION", "Key": "SERVICE"}]);
        })
        .unwrap();
        assert_eq!(answer["ResultsByTime"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let model = model();
        let tag = |key: &str| json!({"Type": "TAG", "Key": key});
        type Change = Box<dyn Fn(&mut Value)>;
        let changes: Vec<Change> = vec![
            Box::new(|body| body["Metrics"] = json!([])),
            Box::new(|body| body["Metrics"] = json!(["Cost"])),
            Box::new(|body| body["Granularity"] = json!("WEEKLY")),
            Box::new(|body| body["Granularity"] = Value::Null),
            Box::new(|body| body["TimePeriod"] = Value::Null),
            Box::new(move |body| body["GroupBy"] = json!([tag("a"), tag("b"), tag("c")])),
            Box::new(move |body| body["GroupBy"] = json!([tag("a"), tag("a")])),
            Box::new(move |body| body["GroupBy"] = json!([tag("")])),
            Box::new(|body| body["GroupBy"] = json!([{"Type": "COLOUR", "Key": "x"}])),
            Box::new(|body| body["Metrics"] = json!("UnblendedCost")),
        ];
        for (at, change) in changes.iter().enumerate() {
            assert_eq!(ask(&model, change).unwrap_err().code(), "ValidationException", "change {at}");
        }
    }
}
