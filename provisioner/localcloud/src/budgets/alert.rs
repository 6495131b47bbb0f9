//! An alert of a budget: its threshold and its subscribers.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value;

use super::time_unit::TimeUnit;

/// What an alert compares with its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What was spent.
    Actual,
    /// What the period will come to.
    Forecasted,
}

/// How it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Greater,
    Less,
    Equal,
}

/// A mail address or a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subscriber {
    Email(String),
    Topic(String),
}

/// One alert.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    kind: Kind,
    operator: Operator,
    threshold: Decimal,
    is_percentage: bool,
    subscribers: Vec<Subscriber>,
}

/// The budget and period of an evaluation.
pub(super) struct Subject<'a> {
    pub(super) budget: &'a str,
    pub(super) account: &'a str,
    pub(super) unit: TimeUnit,
    pub(super) start: Date,
    pub(super) limit: Decimal,
}

/// An alert whose threshold is passed.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    /// Budget, first day of the period, alert: what is published once.
    pub(super) key: String,
    pub(super) budget: String,
    pub(super) account: String,
    pub(super) unit: TimeUnit,
    pub(super) kind: Kind,
    pub(super) operator: Operator,
    /// US dollars.
    pub(super) limit: Decimal,
    /// US dollars, also where the alert's threshold is a percentage.
    pub(super) threshold: Decimal,
    /// US dollars.
    pub(super) amount: Decimal,
    pub(super) subscribers: Vec<Subscriber>,
}

impl Kind {
    /// As the API and the mails spell it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Actual => "ACTUAL",
            Kind::Forecasted => "FORECASTED",
        }
    }
}

impl Operator {
    /// As the mails spell it.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Operator::Greater => ">",
            Operator::Less => "<",
            Operator::Equal => "=",
        }
    }

    fn holds(self, amount: Decimal, threshold: Decimal) -> bool {
        match self {
            Operator::Greater => amount > threshold,
            Operator::Less => amount < threshold,
            Operator::Equal => amount == threshold,
        }
    }
}

impl Alert {
    /// An alert as the API answers it; none for a type that is unknown.
    pub(super) fn parse(notification: &Value, subscribers: &[Value]) -> Option<Alert> {
        let kind = match notification["NotificationType"].as_str()? {
            "ACTUAL" => Kind::Actual,
            "FORECASTED" => Kind::Forecasted,
            _ => return None,
        };
        let operator = match notification["ComparisonOperator"].as_str()? {
            "GREATER_THAN" => Operator::Greater,
            "LESS_THAN" => Operator::Less,
            "EQUAL_TO" => Operator::Equal,
            _ => return None,
        };
        Some(Alert {
            kind,
            operator,
            threshold: Decimal::from_str_exact(&notification["Threshold"].to_string()).ok()?.normalize(),
            is_percentage: notification["ThresholdType"] != "ABSOLUTE_VALUE",
            subscribers: subscribers.iter().filter_map(Subscriber::parse).collect(),
        })
    }

    /// This alert, if what was spent or forecast passes its threshold.
    pub(super) fn passed(&self, subject: &Subject<'_>, spent: Decimal, forecast: Option<Decimal>) -> Option<Passed> {
        let amount = match self.kind {
            Kind::Actual => spent,
            Kind::Forecasted => forecast?,
        };
        let threshold = match self.is_percentage {
            true => subject.limit * self.threshold / Decimal::ONE_HUNDRED,
            false => self.threshold,
        };
        let (kind, sign, percent) =
            (self.kind.as_str(), self.operator.sign(), if self.is_percentage { "%" } else { "" });
        self.operator.holds(amount, threshold).then(|| Passed {
            key: format!("{} {} {kind} {sign} {}{percent}", subject.budget, subject.start, self.threshold),
            budget: subject.budget.to_owned(),
            account: subject.account.to_owned(),
            unit: subject.unit,
            kind: self.kind,
            operator: self.operator,
            limit: subject.limit,
            threshold,
            amount,
            subscribers: self.subscribers.clone(),
        })
    }
}

impl Subscriber {
    fn parse(subscriber: &Value) -> Option<Subscriber> {
        let address = subscriber["Address"].as_str()?.to_owned();
        match subscriber["SubscriptionType"].as_str()? {
            "EMAIL" => Some(Subscriber::Email(address)),
            "SNS" => Some(Subscriber::Topic(address)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;

    fn passed(notification: Value, spent: i64) -> Option<String> {
        let subject = Subject {
            budget: "b",
            account: "1",
            unit: TimeUnit::Monthly,
            start: date(2026, 11, 1),
            limit: Decimal::from(200),
        };
        let alert = Alert::parse(&notification, &[]).unwrap();
        alert
            .passed(&subject, Decimal::from(spent), None)
            .map(|passed| format!("{} at {}", passed.key, passed.threshold))
    }

    #[test]
    fn thresholds_are_percentages_or_amounts_and_must_be_passed() {
        let alert = |operator: &str, kind: &str| json!({"NotificationType": "ACTUAL", "ComparisonOperator": operator, "Threshold": 80.0, "ThresholdType": kind});
        assert_eq!(passed(alert("GREATER_THAN", "PERCENTAGE"), 160), None, "equal is not greater");
        assert_eq!(passed(alert("GREATER_THAN", "PERCENTAGE"), 161).unwrap(), "b 2026-11-01 ACTUAL > 80% at 160");
        assert_eq!(passed(alert("GREATER_THAN", "ABSOLUTE_VALUE"), 81).unwrap(), "b 2026-11-01 ACTUAL > 80 at 80");
        assert!(passed(alert("LESS_THAN", "PERCENTAGE"), 159).is_some());
        assert!(passed(alert("EQUAL_TO", "PERCENTAGE"), 160).is_some());
    }

    #[test]
    fn without_a_forecast_nothing_is_forecast() {
        let alert = json!({"NotificationType": "FORECASTED", "ComparisonOperator": "GREATER_THAN", "Threshold": 1});
        assert_eq!(passed(alert, 1_000), None);
    }
}
