//! Budgets: amounts, names, filters, notifications and subscribers.

use futures::future::BoxFuture;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::ask::Ask;
use super::shape::{shaped, tag_fault};
use super::{Refusal, refused};

const MOST_NOTIFICATIONS: usize = 5;
const MOST_EMAILS: usize = 10;
const MOST_TOPICS: usize = 1;
const MOST_TAGS: usize = 200;

const FILTERS: &[&str] = &[
    "AZ",
    "INSTANCE_TYPE",
    "LINKED_ACCOUNT",
    "OPERATION",
    "PURCHASE_TYPE",
    "SERVICE",
    "USAGE_TYPE",
    "USAGE_TYPE_GROUP",
    "RECORD_TYPE",
    "OPERATING_SYSTEM",
    "TENANCY",
    "REGION",
    "INVOICING_ENTITY",
    "LEGAL_ENTITY_NAME",
    "CostCategory",
    "TagKeyValue",
    "Service",
    "LinkedAccount",
    "Region",
    "UsageType",
    "Operation",
    "Az",
    "InstanceType",
    "PurchaseType",
    "RecordType",
    "UsageTypeGroup",
];

/// Checks a request to Budgets.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = call.json();
    match call.operation.as_str() {
        "CreateBudget" => check_create(&body),
        "UpdateBudget" => check_budget(&body["NewBudget"]),
        "CreateNotification" => check_subscribers(&body["Subscribers"]),
        "CreateSubscriber" => check_subscriber(&body["Subscriber"]),
        "UpdateSubscriber" => check_subscriber(&body["NewSubscriber"]),
        "TagResource" => check_tags(&body["ResourceTags"]),
        _ => Ok(()),
    }
}

fn check_create(body: &Value) -> Result<(), Refusal> {
    check_budget(&body["Budget"])?;
    check_tags(&body["ResourceTags"])?;
    let notifications = body["NotificationsWithSubscribers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if notifications.len() > MOST_NOTIFICATIONS {
        return Err(limit(format!(
            "A budget has at most {MOST_NOTIFICATIONS} notifications, not {}",
            notifications.len()
        )));
    }
    let daily = body["Budget"]["TimeUnit"] == "DAILY";
    for entry in notifications {
        check_forecast(daily, &entry["Notification"])?;
        check_subscribers(&entry["Subscribers"])?;
    }
    Ok(())
}

fn check_budget(budget: &Value) -> Result<(), Refusal> {
    let name = budget["BudgetName"].as_str().unwrap_or_default();
    if !shaped(name, 1..=100, |letter| letter != ':' && letter != '\\' && !letter.is_control()) {
        return Err(invalid(format!("BudgetName '{name}' must have 1 to 100 characters without : and \\")));
    }
    let (limit, planned) = (&budget["BudgetLimit"], &budget["PlannedBudgetLimits"]);
    if budget["BudgetType"] == "COST" && limit.is_null() == planned.is_null() {
        return Err(invalid("A cost budget needs either BudgetLimit or PlannedBudgetLimits"));
    }
    if !limit.is_null() {
        check_spend("BudgetLimit", limit)?;
    }
    planned.as_object().into_iter().flatten().try_for_each(|(_, spend)| check_spend("PlannedBudgetLimits", spend))?;
    check_filters(&budget["CostFilters"])
}

fn check_spend(key: &str, spend: &Value) -> Result<(), Refusal> {
    let amount = spend["Amount"].as_str().and_then(|text| Decimal::from_str_exact(text).ok());
    if amount.is_none_or(|amount| amount <= Decimal::ZERO) {
        return Err(invalid(format!("{key}.Amount must be decimal text above zero, not {}", spend["Amount"])));
    }
    // Budgets are kept in the currency of the payer's account, which is the dollar here.
    (spend["Unit"] == "USD")
        .then_some(())
        .ok_or_else(|| invalid(format!("{key}.Unit must be USD, not {}", spend["Unit"])))
}

fn check_filters(filters: &Value) -> Result<(), Refusal> {
    for (key, values) in filters.as_object().into_iter().flatten() {
        if !FILTERS.contains(&key.as_str()) {
            return Err(invalid(format!("CostFilters: '{key}' is not a filter that budgets know")));
        }
        let values = values.as_array().filter(|values| !values.is_empty());
        let values = values.ok_or_else(|| invalid(format!("CostFilters: '{key}' needs values")))?;
        let is_tag = |value: &Value| {
            value
                .as_str()
                .is_some_and(|text| (text.starts_with("user:") || text.starts_with("aws:")) && text.contains('$'))
        };
        if key == "TagKeyValue" && !values.iter().all(is_tag) {
            return Err(invalid("CostFilters: TagKeyValue takes user:KEY$VALUE"));
        }
    }
    Ok(())
}

fn check_forecast(daily: bool, notification: &Value) -> Result<(), Refusal> {
    let forecasted = notification["NotificationType"] == "FORECASTED";
    (!(daily && forecasted))
        .then_some(())
        .ok_or_else(|| invalid("FORECASTED notifications are not possible for a DAILY budget"))
}

/// The subscribers of one notification: at least one, at most ten e-mails and one topic.
fn check_subscribers(subscribers: &Value) -> Result<(), Refusal> {
    let subscribers = subscribers.as_array().map(Vec::as_slice).unwrap_or_default();
    if subscribers.is_empty() {
        return Err(invalid("A notification needs at least one subscriber"));
    }
    subscribers.iter().try_for_each(check_subscriber)?;
    check_counts(subscribers.iter())
}

fn check_counts<'a>(subscribers: impl Iterator<Item = &'a Value>) -> Result<(), Refusal> {
    let (topics, emails): (Vec<_>, Vec<_>) =
        subscribers.partition(|subscriber| subscriber["SubscriptionType"] == "SNS");
    if emails.len() > MOST_EMAILS || topics.len() > MOST_TOPICS {
        return Err(limit(format!(
            "A notification has at most {MOST_EMAILS} e-mail subscribers and {MOST_TOPICS} SNS topic"
        )));
    }
    Ok(())
}

fn check_subscriber(subscriber: &Value) -> Result<(), Refusal> {
    let address = subscriber["Address"].as_str().unwrap_or_default();
    let is_mail = || {
        address.split_once('@').is_some_and(|(local, domain)| {
            let plain = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace) && !text.contains('@');
            plain(local) && plain(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
        })
    };
    let is_topic =
        || address.starts_with("arn:aws:sns:") && address.splitn(6, ':').filter(|part| !part.is_empty()).count() == 6;
    let fits = match subscriber["SubscriptionType"].as_str() {
        Some("EMAIL") => shaped(address, 1..=50, |_| true) && is_mail(),
        Some("SNS") => is_topic(),
        _ => false,
    };
    fits.then_some(()).ok_or_else(|| {
        invalid(format!("'{address}' is no address for a subscriber of type {}", subscriber["SubscriptionType"]))
    })
}

fn check_tags(tags: &Value) -> Result<(), Refusal> {
    let Some(tags) = tags.as_array() else { return Ok(()) };
    let pairs =
        tags.iter().map(|tag| (tag["Key"].as_str().unwrap_or_default(), tag["Value"].as_str().unwrap_or_default()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(invalid(fault)))
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

fn limit(message: String) -> Refusal {
    Refusal::new("CreationLimitExceededException", message)
}

/// The checks that need what is already there: the account, the other notifications, the other subscribers.
pub(super) struct Subscribers;

impl Rule for Subscribers {
    fn applies(&self, call: &Call) -> bool {
        call.service == "budgets"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move { refused(call, check_present(call, Ask::new(call, upstream)).await) })
    }
}

async fn check_present(call: &Call, ask: Ask<'_>) -> Result<(), Refusal> {
    let body = call.json();
    if body["AccountId"].as_str().is_some_and(|account| account != ask.account()) {
        return Err(Refusal::new(
            "AccessDeniedException",
            format!("Account {} is not the account of the caller", body["AccountId"]),
        ));
    }
    let of_budget =
        json!({"AccountId": ask.account(), "BudgetName": body["BudgetName"], "Notification": body["Notification"]});
    match call.operation.as_str() {
        "CreateNotification" => {
            let budget = describe(ask, "DescribeBudget", &of_budget).await;
            check_forecast(budget["Budget"]["TimeUnit"] == "DAILY", &body["Notification"])?;
            let present = describe(ask, "DescribeNotificationsForBudget", &of_budget).await;
            let count = present["Notifications"].as_array().map_or(0, Vec::len);
            (count < MOST_NOTIFICATIONS)
                .then_some(())
                .ok_or_else(|| limit(format!("A budget has at most {MOST_NOTIFICATIONS} notifications")))
        }
        "CreateSubscriber" => {
            let present = describe(ask, "DescribeSubscribersForNotification", &of_budget).await;
            let present = present["Subscribers"].as_array().map(Vec::as_slice).unwrap_or_default();
            check_counts(
                present.iter().filter(|subscriber| **subscriber != body["Subscriber"]).chain([&body["Subscriber"]]),
            )
        }
        _ => Ok(()),
    }
}

async fn describe(ask: Ask<'_>, operation: &str, body: &Value) -> Value {
    ask.target("budgets", &format!("AWSBudgetServiceGateway.{operation}"), body).await.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::tests::json_call;
    use super::*;

    fn mails(count: usize) -> Value {
        (0..count).map(|at| json!({"SubscriptionType": "EMAIL", "Address": format!("ops{at}@example.com")})).collect()
    }

    fn notification(subscribers: Value) -> Value {
        json!({"Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80}, "Subscribers": subscribers})
    }

    fn create(change: impl FnOnce(&mut Value)) -> Result<(), Refusal> {
        let mut body = json!({"AccountId": "123456789012",
            "Budget": {"BudgetName": "portal-mmp-toledo-monthly", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "200.00", "Unit": "USD"},
                "CostFilters": {"TagKeyValue": ["user:ClientOrganization$MMP-Toledo"]}},
            "NotificationsWithSubscribers": [notification(mails(10))]});
        change(&mut body);
        check(&json_call("budgets", "CreateBudget", body))
    }

    #[test]
    fn a_good_budget_passes() {
        assert_eq!(create(|_| ()), Ok(()));
        assert_eq!(
            create(|body| body["NotificationsWithSubscribers"] = json!(vec![notification(mails(1)); 5])),
            Ok(())
        );
    }

    #[test]
    fn what_aws_refuses_is_refused() {
        let topic = |name: &str| json!({"SubscriptionType": "SNS", "Address": format!("arn:aws:sns:us-east-1:123456789012:{name}")});
        type Change = Box<dyn Fn(&mut Value)>;
        let changes: Vec<Change> = vec![
            Box::new(|body| body["Budget"]["BudgetName"] = json!("a:b")),
            Box::new(|body| body["Budget"]["BudgetName"] = json!("x".repeat(101))),
            Box::new(|body| body["Budget"]["BudgetLimit"]["Amount"] = json!("abc")),
            Box::new(|body| body["Budget"]["BudgetLimit"]["Amount"] = json!("-1")),
            Box::new(|body| body["Budget"]["BudgetLimit"]["Amount"] = json!(200)),
            Box::new(|body| body["Budget"]["BudgetLimit"]["Unit"] = json!("EUR")),
            Box::new(|body| body["Budget"]["BudgetLimit"] = Value::Null),
            Box::new(|body| body["Budget"]["CostFilters"] = json!({"Nope": ["x"]})),
            Box::new(|body| body["Budget"]["CostFilters"] = json!({"TagKeyValue": ["ClientOrganization=MMP"]})),
            Box::new(|body| body["NotificationsWithSubscribers"] = json!(vec![notification(mails(1)); 6])),
            Box::new(|body| body["NotificationsWithSubscribers"] = json!([notification(mails(11))])),
            Box::new(|body| body["NotificationsWithSubscribers"] = json!([notification(json!([]))])),
            Box::new(move |body| {
                body["NotificationsWithSubscribers"] = json!([notification(json!([topic("a"), topic("b")]))])
            }),
            Box::new(|body| {
                body["NotificationsWithSubscribers"] =
                    json!([notification(json!([{"SubscriptionType": "EMAIL", "Address": "nope"}]))])
            }),
            Box::new(|body| {
                body["NotificationsWithSubscribers"] =
                    json!([notification(json!([{"SubscriptionType": "SNS", "Address": "nope"}]))])
            }),
            Box::new(|body| {
                body["Budget"]["TimeUnit"] = json!("DAILY");
                body["NotificationsWithSubscribers"][0]["Notification"]["NotificationType"] = json!("FORECASTED");
            }),
            Box::new(|body| body["ResourceTags"] = json!([{"Key": "aws:x", "Value": "y"}])),
        ];
        for (at, change) in changes.iter().enumerate() {
            assert!(create(change).is_err(), "change {at}");
        }
    }
}
