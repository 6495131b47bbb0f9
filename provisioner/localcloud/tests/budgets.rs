//! Budgets publish when the cost model passes a threshold: to mailboxes and to topics that admit them, once a period.

mod cloud;

use cloud::functions::expect;
use cloud::{client, start};
use jiff::civil::date;
use localcloud::LocalCloud;
use localcloud::costs::CostModel;
use localcloud::gateway::pipeline::Upstream;
use serde_json::{Value, json};

const DAY: u64 = 86_400;
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

async fn budget(gateway: &Upstream, alerts: Value) {
    let body = json!({"AccountId": "123456789012",
        "Budget": {"BudgetName": "mmp", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "100.00", "Unit": "USD"},
            "CostFilters": {"TagKeyValue": ["user:ClientOrganization$MMP-Toledo"]}},
        "NotificationsWithSubscribers": alerts});
    expect(gateway.target("budgets", "AWSBudgetServiceGateway.CreateBudget", &body).await.expect("Budgets answers"));
}

fn alert(percent: u32, subscribers: &[(&str, &str)]) -> Value {
    let subscribers: Vec<Value> =
        subscribers.iter().map(|(kind, address)| json!({"SubscriptionType": kind, "Address": address})).collect();
    json!({"Notification": {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": percent}, "Subscribers": subscribers})
}

/// A cloud on the first of a month, whose months cost 125.50 for the organisation of the budget.
async fn on_the_first() -> (LocalCloud, Upstream) {
    let cloud = start().await;
    let today = cloud.timeline().clock().today();
    let first = today.last_of_month().tomorrow().expect("a day");
    let days = today.until(first).expect("days").get_days();
    cloud.advance(u64::try_from(days).expect("later") * DAY).await.expect("time passes");
    let model = CostModel::example(cloud.timeline().clock().today()).activated();
    cloud.costs().set(model);
    let gateway = client(&cloud);
    (cloud, gateway)
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn subscribers_are_told_once_a_period() {
    let (cloud, gateway) = on_the_first().await;
    let ops = [("EMAIL", "ops@example.com")];
    budget(&gateway, json!([alert(50, &ops), alert(100, &ops), alert(130, &ops)])).await;
    let advanced = cloud.advance(27 * DAY).await.expect("time passes");
    assert_eq!(advanced.published.len(), 2, "{advanced:?}");
    assert!(advanced.published.iter().all(|alert| alert.ok && alert.to == "ops@example.com"));
    let mails = cloud.timeline().mailbox().mails();
    let thresholds: Vec<&str> =
        mails.iter().filter_map(|mail| mail.body.lines().find(|line| line.starts_with("Alert Threshold"))).collect();
    assert_eq!(thresholds, ["Alert Threshold: > $50.00", "Alert Threshold: > $100.00"]);
    assert_eq!(mails[0].subject, "AWS Budgets: mmp has exceeded your alert threshold");
    assert_eq!((mails[0].to.as_str(), mails[0].from.as_str()), ("ops@example.com", "budgets@costalerts.amazonaws.com"));
    // The next period: both again.
    assert_eq!(cloud.advance(31 * DAY).await.expect("time passes").published.len(), 2);
    let shown =
        gateway.rest("ministack", http::Method::GET, "/_billform/mailbox", "").await.expect("the gateway answers");
    assert_eq!(shown.body_json()["mails"].as_array().map(Vec::len), Some(4));
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_topic_gets_it_if_its_policy_admits_budgets() {
    let (cloud, gateway) = on_the_first().await;
    let version = ("Version", "2010-03-31");
    expect(gateway.form("sns", &[("Action", "CreateTopic"), version, ("Name", "alerts")]).await.expect("SNS answers"));
    let queue = json!({"QueueName": "inbox"});
    expect(gateway.target("sqs", "AmazonSQS.CreateQueue", &queue).await.expect("SQS answers"));
    let subscribe = [
        ("Action", "Subscribe"),
        version,
        ("TopicArn", TOPIC),
        ("Protocol", "sqs"),
        ("Endpoint", "arn:aws:sqs:us-east-1:123456789012:inbox"),
    ];
    expect(gateway.form("sns", &subscribe).await.expect("SNS answers"));
    budget(&gateway, json!([alert(10, &[("SNS", TOPIC)]), alert(50, &[("SNS", TOPIC)])])).await;

    let refused = cloud.advance(5 * DAY).await.expect("time passes").published;
    assert!(refused.len() == 1 && !refused[0].ok && refused[0].error.contains("budgets.amazonaws.com"), "{refused:?}");
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "budgets.amazonaws.com"},
        "Action": "SNS:Publish", "Resource": TOPIC, "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}]}).to_string();
    let set = [
        ("Action", "SetTopicAttributes"),
        version,
        ("TopicArn", TOPIC),
        ("AttributeName", "Policy"),
        ("AttributeValue", policy.as_str()),
    ];
    expect(gateway.form("sns", &set).await.expect("SNS answers"));
    let told = cloud.advance(15 * DAY).await.expect("time passes").published;
    assert!(told.len() == 1 && told[0].ok, "{told:?}");
    let inbox = json!({"QueueUrl": "http://localhost/123456789012/inbox", "WaitTimeSeconds": 5});
    let received =
        expect(gateway.target("sqs", "AmazonSQS.ReceiveMessage", &inbox).await.expect("SQS answers")).body_json();
    let message: Value =
        serde_json::from_str(received["Messages"][0]["Body"].as_str().expect("a message")).expect("JSON");
    assert_eq!(message["Subject"], "AWS Budgets: mmp has exceeded your alert threshold");
    assert!(message["Message"].as_str().expect("a text").contains("ACTUAL Amount: $5"), "{message}");
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn costs_come_in_and_become_final_as_days_pass() {
    let (cloud, gateway) = on_the_first().await;
    let first = cloud.timeline().clock().today();
    let body = json!({"TimePeriod": {"Start": first, "End": first.last_of_month().tomorrow().expect("a day")},
        "Granularity": "MONTHLY", "Metrics": ["UnblendedCost"]});
    let ask = async || {
        let answer = gateway.target("ce", "AWSInsightsIndexService.GetCostAndUsage", &body).await;
        let answer = expect(answer.expect("Cost Explorer answers")).body_json();
        let result = &answer["ResultsByTime"][0];
        (
            result["Total"]["UnblendedCost"]["Amount"].as_str().expect("an amount").to_owned(),
            result["Estimated"] == true,
        )
    };
    assert_eq!(ask().await, ("0".to_owned(), true));
    let days = u64::try_from(first.days_in_month()).expect("days");
    cloud.advance(days * DAY).await.expect("time passes");
    assert_eq!(ask().await, ("142.35".to_owned(), true), "whole, and not final yet");
    cloud.advance(5 * DAY).await.expect("time passes");
    assert_eq!(ask().await, ("142.35".to_owned(), false));
    assert!(first > date(2026, 1, 1));
}
