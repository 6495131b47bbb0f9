//! What AWS refuses is refused through the gateway, in each service's wire format, and nothing reaches MiniStack.

mod cloud;

use std::time::Duration;

use http::Method;
use localcloud::gateway::pipeline::{Answer, Upstream};
use localcloud::{LocalCloud, Options};
use serde_json::{Value, json};

const READS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"GetObject","Resource":"*"}]}"#;

async fn json_service(client: &Upstream, service: &str, target: &str, body: Value) -> Answer {
    client.target(service, target, &body).await.expect("the gateway answers")
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn code(answer: &Answer) -> String {
    answer.body_json()["__type"].as_str().unwrap_or_default().to_owned()
}

fn function(role: &str) -> String {
    let role = format!("arn:aws:iam::123456789012:role/{role}");
    json!({"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": role, "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}})
        .to_string()
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn policies_and_roles() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    assert_eq!(client.form("iam", &cloud::role("CreateRole", "r")).await.unwrap().status, 200);
    let mut put = cloud::role("PutRolePolicy", "r");
    put.extend([("PolicyName", "p"), ("PolicyDocument", READS)]);
    let refused = client.form("iam", &put).await.unwrap();
    assert_eq!(refused.status, 400);
    assert!(text(&refused).contains("<Code>MalformedPolicyDocument</Code>"), "{}", text(&refused));
    let listed = client.form("iam", &cloud::role("ListRolePolicies", "r")).await.unwrap();
    assert!(!text(&listed).contains("<member>"), "nothing was stored");

    assert_eq!(client.rest("s3", Method::PUT, "/portal-bucket", "").await.unwrap().status, 200);
    let refused = client.rest("s3", Method::PUT, "/portal-bucket?policy", READS).await.unwrap();
    assert!(text(&refused).contains("<Code>MalformedPolicy</Code>"), "{}", text(&refused));

    let refused = client.rest("lambda", Method::POST, "/2015-03-31/functions", function("missing")).await.unwrap();
    assert_eq!(refused.headers["x-amzn-errortype"], "InvalidParameterValueException");
    assert!(text(&refused).contains("cannot be assumed by Lambda"), "{}", text(&refused));
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_new_role_waits_when_asked_to() {
    let options = Options { role_delay: Duration::from_secs(3600), ..Options::new(cloud::home()) };
    let cloud = LocalCloud::start(options, &|_| {}).await.expect("the local cloud starts");
    let client = cloud::client(&cloud);
    client.form("iam", &cloud::role("CreateRole", "r")).await.unwrap();
    let refused = client.rest("lambda", Method::POST, "/2015-03-31/functions", function("r")).await.unwrap();
    assert!(text(&refused).contains("cannot be assumed by Lambda"), "{}", text(&refused));
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn rules_with_targets_stay() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    let events = |operation: &'static str, body: Value| json_service(&client, "events", operation, body);
    let wrong = events("AWSEvents.PutRule", json!({"Name": "monthly", "ScheduleExpression": "rate(1 days)"})).await;
    assert_eq!((wrong.status, code(&wrong)), (400, "ValidationException".to_owned()));
    let rule = json!({"Name": "monthly", "ScheduleExpression": "cron(0 0 1 * ? *)"});
    assert_eq!(events("AWSEvents.PutRule", rule).await.status, 200);
    let target = json!({"Id": "f", "Arn": "arn:aws:lambda:us-east-1:123456789012:function:f"});
    assert_eq!(events("AWSEvents.PutTargets", json!({"Rule": "monthly", "Targets": [target]})).await.status, 200);
    assert_eq!(code(&events("AWSEvents.DeleteRule", json!({"Name": "monthly"})).await), "ValidationException");
    assert_eq!(events("AWSEvents.RemoveTargets", json!({"Rule": "monthly", "Ids": ["f"]})).await.status, 200);
    assert_eq!(events("AWSEvents.DeleteRule", json!({"Name": "monthly"})).await.status, 200);
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn secrets_are_made_once_per_token() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    let create = |value: &'static str| {
        let body = json!({"Name": "stripe", "SecretString": value, "ClientRequestToken": "t".repeat(32)});
        json_service(&client, "secretsmanager", "secretsmanager.CreateSecret", body)
    };
    let (first, again, other) = (create("one").await, create("one").await, create("two").await);
    assert_eq!((first.status, again.status), (200, 200));
    assert_eq!(first.body_json()["ARN"], again.body_json()["ARN"]);
    assert_eq!(code(&other), "ResourceExistsException");
    let delete = json!({"SecretId": "stripe", "RecoveryWindowInDays": 7});
    json_service(&client, "secretsmanager", "secretsmanager.DeleteSecret", delete).await;
    assert_eq!(code(&create("one").await), "InvalidRequestException", "the name is in its recovery window");
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn tables_keep_their_recovery_days() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    let ask = |operation: &str, body: Value| {
        let target = format!("DynamoDB_20120810.{operation}");
        let client = client.clone();
        async move { json_service(&client, "dynamodb", &target, body).await }
    };
    let table = json!({"TableName": "ledger", "BillingMode": "PAY_PER_REQUEST", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]});
    assert_eq!(ask("CreateTable", table).await.status, 200);
    let recovery = json!({"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 7});
    ask("UpdateContinuousBackups", json!({"TableName": "ledger", "PointInTimeRecoverySpecification": recovery})).await;
    let shown = ask("DescribeContinuousBackups", json!({"TableName": "ledger"})).await.body_json();
    let shown = &shown["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"];
    assert_eq!((&shown["PointInTimeRecoveryStatus"], &shown["RecoveryPeriodInDays"]), (&json!("ENABLED"), &json!(7)));
    let live = json!({"TableName": "ledger", "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "ttl"}});
    assert_eq!(ask("UpdateTimeToLive", live.clone()).await.status, 200);
    assert_eq!(code(&ask("UpdateTimeToLive", live).await), "ValidationException");
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_report_needs_its_bucket_and_keeps_its_tags() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    let ask = |operation: &str, body: Value| {
        let target = format!("AWSOrigamiServiceGatewayService.{operation}");
        let client = client.clone();
        async move { json_service(&client, "cur", &target, body).await }
    };
    let mut definition = json!({"ReportName": "portal-cur", "TimeUnit": "HOURLY", "Format": "Parquet", "Compression": "Parquet",
        "AdditionalSchemaElements": ["RESOURCES"], "S3Bucket": "reports", "S3Prefix": "cur", "S3Region": "us-east-1",
        "AdditionalArtifacts": ["ATHENA"], "RefreshClosedReports": true, "ReportVersioning": "OVERWRITE_REPORT"});
    let put = json!({"ReportDefinition": definition, "Tags": [{"Key": "billform:stack", "Value": "portal"}]});
    assert_eq!(code(&ask("PutReportDefinition", put.clone()).await), "ValidationException", "no bucket yet");

    client.rest("s3", Method::PUT, "/reports", "").await.unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "billingreports.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:GetBucketPolicy", "s3:PutObject"], "Resource": ["arn:aws:s3:::reports", "arn:aws:s3:::reports/*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012", "aws:SourceArn": "arn:aws:cur:us-east-1:123456789012:definition/*"}}}]});
    let stored = client.rest("s3", Method::PUT, "/reports?policy", policy.to_string()).await.unwrap();
    assert!(stored.is_success(), "{}", text(&stored));
    let done = ask("PutReportDefinition", put).await;
    assert_eq!(done.status, 200, "{}", text(&done));
    let tags = ask("ListTagsForResource", json!({"ReportName": "portal-cur"})).await.body_json();
    assert_eq!(tags["Tags"][0]["Key"], "billform:stack");

    definition["TimeUnit"] = json!("DAILY");
    let modified =
        ask("ModifyReportDefinition", json!({"ReportName": "portal-cur", "ReportDefinition": definition})).await;
    assert!(text(&modified).contains("TimeUnit cannot be changed"), "{}", text(&modified));
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn budgets_have_limits_and_one_list_of_notifications() {
    let cloud = cloud::start().await;
    let client = cloud::client(&cloud);
    let ask = |operation: &str, body: Value| {
        let target = format!("AWSBudgetServiceGateway.{operation}");
        let client = client.clone();
        async move { json_service(&client, "budgets", &target, body).await }
    };
    let notification = json!({"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80});
    let subscriber = |at: usize| json!({"SubscriptionType": "EMAIL", "Address": format!("ops{at}@example.com")});
    let entry = json!({"Notification": notification, "Subscribers": [subscriber(0)]});
    let budget = |amount: &str| {
        json!({"AccountId": "123456789012", "NotificationsWithSubscribers": [entry],
            "Budget": {"BudgetName": "portal", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": amount, "Unit": "USD"}}})
    };
    assert_eq!(code(&ask("CreateBudget", budget("much")).await), "InvalidParameterException");
    assert_eq!(ask("CreateBudget", budget("200.00")).await.status, 200);
    for at in 1..=10 {
        let body = json!({"AccountId": "123456789012", "BudgetName": "portal", "Notification": notification, "Subscriber": subscriber(at)});
        let answer = ask("CreateSubscriber", body).await;
        // Ten e-mail addresses fit, the eleventh does not.
        assert_eq!(answer.is_success(), at < 10, "subscriber {at}: {}", text(&answer));
    }
    let listed = ask("DescribeBudgetNotificationsForAccount", json!({"AccountId": "123456789012"})).await.body_json();
    let listed = &listed["BudgetNotificationsForAccount"][0];
    assert_eq!(
        (&listed["BudgetName"], &listed["Notifications"][0]["NotificationType"]),
        (&json!("portal"), &json!("ACTUAL"))
    );
    cloud.stop().await;
}
