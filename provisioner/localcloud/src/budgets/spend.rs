//! What a budget counts, from the cost model.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::costs::{CostModel, CostRow};

/// AWS forecasts once it has about five weeks of usage.
/// Source: docs.aws.amazon.com/cost-management/latest/userguide/budgets-best-practices.html.
const DAYS_BEFORE_FORECAST: i64 = 35;

/// The days that a forecast takes its mean of.
const DAYS_IN_MEAN: i64 = 30;

/// A period, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Date,
    pub(super) end: Date,
}

/// Which rows a budget counts.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    /// Filters by name; a row must fit one value of each.
    filters: Vec<(String, Vec<String>)>,
    /// Record types that the budget's cost types leave out.
    left_out: Vec<&'static str>,
}

/// The record types that CostTypes can leave out.
const COST_TYPES: [(&str, &str); 7] = [
    ("IncludeTax", "Tax"),
    ("IncludeCredit", "Credit"),
    ("IncludeRefund", "Refund"),
    ("IncludeUpfront", "Fee"),
    ("IncludeRecurring", "RIFee"),
    ("IncludeSupport", "Support"),
    ("IncludeOtherSubscription", "Other"),
];

impl Scope {
    /// The scope of a budget as the API answers it.
    pub(super) fn parse(budget: &Value) -> Scope {
        let values = |values: &Value| {
            values.as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
        };
        let filters = budget["CostFilters"].as_object().into_iter().flatten();
        let left_out = COST_TYPES.iter().filter(|(flag, _)| budget["CostTypes"][*flag] == false);
        Scope {
            filters: filters.map(|(name, listed)| (name.clone(), values(listed))).collect(),
            left_out: left_out.map(|(_, record_type)| *record_type).collect(),
        }
    }

    /// What the period's days have cost.
    pub(super) fn spent(&self, model: &CostModel, span: Span) -> Decimal {
        self.rows(model).filter(|row| span.start <= row.date && row.date < span.end).map(|row| row.amount).sum()
    }

    /// What the period will come to: its cost so far, and for each day left the mean of the last thirty. None while
    /// there are less than five weeks of cost.
    pub(super) fn forecast(&self, model: &CostModel, span: Span, today: Date) -> Option<Decimal> {
        let first = self.rows(model).map(|row| row.date).min()?;
        if first.saturating_add(DAYS_BEFORE_FORECAST.days()) > today {
            return None;
        }
        let recent = Span { start: today.saturating_sub(DAYS_IN_MEAN.days()), end: today };
        let days_left = today.until(span.end).ok().map(|left| i64::from(left.get_days()).max(0))?;
        let mean = self.spent(model, recent).checked_div(Decimal::from(DAYS_IN_MEAN))?;
        Some(self.spent(model, span) + mean * Decimal::from(days_left))
    }

    fn rows<'a>(&'a self, model: &'a CostModel) -> impl Iterator<Item = &'a CostRow> {
        model.rows.iter().filter(|row| self.counts(model, row))
    }

    fn counts(&self, model: &CostModel, row: &CostRow) -> bool {
        let fits = |(name, values): &(String, Vec<String>)| values.iter().any(|value| fits(model, row, name, value));
        !self.left_out.contains(&row.record_type.as_str()) && self.filters.iter().all(fits)
    }
}

/// Whether a row has the value of a filter. Rows have no value of filters that the model does not know.
fn fits(model: &CostModel, row: &CostRow, filter: &str, value: &str) -> bool {
    match filter {
        "TagKeyValue" => value.split_once('$').is_some_and(|(key, value)| {
            model.tag(row, key.strip_prefix("user:").unwrap_or(key)).unwrap_or_default() == value
        }),
        "Service" | "SERVICE" => row.service == value,
        "Region" | "REGION" => row.region.as_deref() == Some(value),
        "LinkedAccount" | "LINKED_ACCOUNT" => model.account_of(row) == value,
        "RecordType" | "RECORD_TYPE" => row.record_type == value,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    const OCTOBER: Span = Span { start: date(2026, 10, 1), end: date(2026, 11, 1) };

    fn spent(budget: Value) -> String {
        let mut model = CostModel::example(date(2026, 11, 21)).activated();
        let tax = json!({"date": "2026-10-31", "service": "Tax", "record_type": "Tax", "amount": "1.00"});
        model.rows.push(serde_json::from_value(tax).unwrap());
        Scope::parse(&budget).spent(&model, OCTOBER).normalize().to_string()
    }

    #[test]
    fn filters_and_cost_types_decide_what_counts() {
        assert_eq!(spent(json!({})), "143.35");
        assert_eq!(spent(json!({"CostTypes": {"IncludeTax": false}})), "142.35");
        assert_eq!(spent(json!({"CostFilters": {"TagKeyValue": ["user:ClientOrganization$MMP-Toledo"]}})), "125.5");
        assert_eq!(
            spent(
                json!({"CostFilters": {"TagKeyValue": ["user:ClientOrganization$MMP-Toledo", "user:ClientOrganization$Acme-Print"]}})
            ),
            "138.25"
        );
        assert_eq!(
            spent(
                json!({"CostFilters": {"Service": ["AWS Lambda"], "TagKeyValue": ["user:ClientOrganization$Acme-Print"]}})
            ),
            "3.55"
        );
        assert_eq!(spent(json!({"CostFilters": {"UsageType": ["x"]}})), "0");
    }

    #[test]
    fn a_tag_counts_once_it_is_active() {
        let budget = json!({"CostFilters": {"TagKeyValue": ["user:ClientOrganization$MMP-Toledo"]}});
        let model = CostModel::example(date(2026, 11, 21));
        assert_eq!(Scope::parse(&budget).spent(&model, OCTOBER), Decimal::ZERO);
    }
}
