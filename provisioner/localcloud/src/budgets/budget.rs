//! A cost budget as the Budgets API answers it, and which of its alerts the cost model has passed.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::alert::{Alert, Passed, Subject};
use super::spend::Scope;
use super::time_unit::TimeUnit;
use crate::costs::CostModel;
use crate::gateway::pipeline::{Upstream, UpstreamError};

/// A cost budget with its alerts.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    name: String,
    account: String,
    unit: TimeUnit,
    limits: Limits,
    scope: Scope,
    alerts: Vec<Alert>,
}

#[derive(Clone, Debug)]
enum Limits {
    Fixed(Decimal),
    /// By the first moment of the period they hold for, oldest first.
    Planned(Vec<(Timestamp, Decimal)>),
}

impl Budget {
    fn parse(budget: &Value, account: &str, alerts: Vec<Alert>) -> Option<Budget> {
        if budget["BudgetType"] != "COST" {
            return None;
        }
        Some(Budget {
            name: budget["BudgetName"].as_str()?.to_owned(),
            account: account.to_owned(),
            unit: TimeUnit::parse(budget["TimeUnit"].as_str()?)?,
            limits: Limits::parse(budget)?,
            scope: Scope::parse(budget),
            alerts,
        })
    }

    /// The alerts whose threshold is passed on a day.
    pub(super) fn passed(&self, model: &CostModel, today: Date) -> Vec<Passed> {
        let span = self.unit.span(today);
        let Some(limit) = self.limits.on(span.start) else { return Vec::new() };
        let spent = self.scope.spent(model, span);
        let forecast = self.scope.forecast(model, span, today);
        let subject = Subject { budget: &self.name, account: &self.account, unit: self.unit, start: span.start, limit };
        self.alerts.iter().filter_map(|alert| alert.passed(&subject, spent, forecast)).collect()
    }
}

impl Limits {
    fn parse(budget: &Value) -> Option<Limits> {
        let amount = |spend: &Value| Decimal::from_str_exact(spend["Amount"].as_str()?).ok();
        if let Some(planned) = budget["PlannedBudgetLimits"].as_object() {
            let entry = |(start, spend): (&String, &Value)| {
                Some((Timestamp::from_second(start.parse().ok()?).ok()?, amount(spend)?))
            };
            let mut planned: Vec<_> = planned.iter().filter_map(entry).collect();
            planned.sort_by_key(|(start, _)| *start);
            return Some(Limits::Planned(planned));
        }
        amount(&budget["BudgetLimit"]).map(Limits::Fixed)
    }

    fn on(&self, day: Date) -> Option<Decimal> {
        match self {
            Limits::Fixed(limit) => Some(*limit),
            Limits::Planned(planned) => {
                let begun = planned.iter().take_while(|(start, _)| crate::clock::day(*start) <= day);
                begun.last().map(|(_, limit)| *limit)
            }
        }
    }
}

/// Reads all cost budgets of the account, by name.
pub(super) async fn read(upstream: &Upstream) -> Result<Vec<Budget>, UpstreamError> {
    let account = upstream.account();
    let list = async |operation: &str, asked: Value, key: &str| {
        upstream.list("budgets", &format!("AWSBudgetServiceGateway.{operation}"), asked, key).await
    };
    let mut found = Vec::new();
    for budget in list("DescribeBudgets", json!({ "AccountId": account }), "Budgets").await? {
        let mut asked = json!({ "AccountId": account, "BudgetName": budget["BudgetName"] });
        let mut alerts = Vec::new();
        for notification in list("DescribeNotificationsForBudget", asked.clone(), "Notifications").await? {
            asked["Notification"] = notification.clone();
            let subscribers = list("DescribeSubscribersForNotification", asked.clone(), "Subscribers").await?;
            alerts.extend(Alert::parse(&notification, &subscribers));
        }
        found.extend(Budget::parse(&budget, account, alerts));
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn budget(change: impl FnOnce(&mut Value), alerts: &[Value]) -> Budget {
        let mut budget = json!({"BudgetName": "mmp", "BudgetType": "COST", "TimeUnit": "MONTHLY",
            "BudgetLimit": {"Amount": "100.00", "Unit": "USD"},
            "CostFilters": {"TagKeyValue": ["user:ClientOrganization$MMP-Toledo"]}});
        change(&mut budget);
        let subscribers = [json!({"SubscriptionType": "EMAIL", "Address": "ops@example.com"})];
        let alerts = alerts.iter().filter_map(|alert| Alert::parse(alert, &subscribers)).collect();
        Budget::parse(&budget, "123456789012", alerts).unwrap()
    }

    fn alert(kind: &str, percent: u32) -> Value {
        json!({"NotificationType": kind, "ComparisonOperator": "GREATER_THAN", "Threshold": f64::from(percent)})
    }

    /// The example's months come to 125.50 for the organisation.
    fn passed(budget: &Budget, today: Date) -> Vec<String> {
        let passed = budget.passed(&CostModel::example(today).activated(), today);
        passed.into_iter().map(|passed| passed.key).collect()
    }

    #[test]
    fn an_actual_threshold_is_passed_by_what_the_days_before_cost() {
        let budget = budget(|_| (), &[alert("ACTUAL", 50), alert("ACTUAL", 100), alert("ACTUAL", 126)]);
        assert_eq!(passed(&budget, date(2026, 11, 1)), Vec::<String>::new());
        // 11 days cost 46.02, 12 cost 50.20; 23 cost 96.22, 24 cost 100.40.
        assert_eq!(passed(&budget, date(2026, 11, 12)), Vec::<String>::new());
        assert_eq!(passed(&budget, date(2026, 11, 13)), ["mmp 2026-11-01 ACTUAL > 50%"]);
        assert_eq!(passed(&budget, date(2026, 11, 24)).len(), 1);
        assert_eq!(passed(&budget, date(2026, 11, 25)).len(), 2);
        assert_eq!(passed(&budget, date(2026, 12, 1)), Vec::<String>::new(), "a new period begins");
    }

    #[test]
    fn a_forecast_needs_five_weeks_of_cost() {
        let budget = budget(|_| (), &[alert("FORECASTED", 100), alert("FORECASTED", 130)]);
        assert_eq!(passed(&budget, date(2026, 11, 3)), ["mmp 2026-11-01 FORECASTED > 100%"]);
        let mut young = CostModel::example(date(2026, 11, 3)).activated();
        young.rows.retain(|row| row.date >= date(2026, 10, 1));
        assert!(budget.passed(&young, date(2026, 11, 3)).is_empty());
    }

    #[test]
    fn a_daily_budget_looks_at_yesterday() {
        let daily = |amount: &str| {
            let amount = amount.to_owned();
            let change = move |budget: &mut Value| {
                budget["TimeUnit"] = json!("DAILY");
                budget["BudgetLimit"]["Amount"] = json!(amount);
            };
            budget(change, &[alert("ACTUAL", 100)])
        };
        // A day costs 4.18.
        assert_eq!(passed(&daily("4.00"), date(2026, 11, 27)), ["mmp 2026-11-26 ACTUAL > 100%"]);
        assert_eq!(passed(&daily("4.50"), date(2026, 11, 27)), Vec::<String>::new());
    }

    #[test]
    fn planned_limits_change_with_the_period() {
        let planned =
            json!({"1790812800": {"Amount": "1000", "Unit": "USD"}, "1793491200": {"Amount": "100", "Unit": "USD"}});
        let budget = budget(
            |budget| {
                budget["BudgetLimit"] = Value::Null;
                budget["PlannedBudgetLimits"] = planned;
            },
            &[alert("ACTUAL", 100)],
        );
        assert_eq!(passed(&budget, date(2026, 10, 31)), Vec::<String>::new());
        assert_eq!(passed(&budget, date(2026, 11, 30)), ["mmp 2026-11-01 ACTUAL > 100%"]);
    }
}
