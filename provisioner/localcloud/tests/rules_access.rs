//! With signatures and policies enforced, a user may do what AWS's names and ARNs allow, and nothing else.

mod cloud;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, Method};
use localcloud::gateway::pipeline::{Answer, Call, Upstream};
use localcloud::{LocalCloud, Options};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A user's way through the gateway: every request is signed (Signature Version 4).
struct User {
    client: Upstream,
    host: String,
    key: String,
    secret: String,
}

impl User {
    async fn json(&self, service: &str, target: &str, body: Value) -> Answer {
        self.send(service, Method::POST, "/", &[("x-amz-target", target)], body.to_string()).await
    }

    async fn form(&self, pairs: &[(&str, &str)]) -> Answer {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let body: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        self.send("iam", Method::POST, "/", &[("content-type", "application/x-www-form-urlencoded")], body.join("&"))
            .await
    }

    async fn send(&self, service: &str, method: Method, path: &str, more: &[(&str, &str)], body: String) -> Answer {
        let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut signed = vec![("host", self.host.as_str()), ("x-amz-date", &now)];
        signed.extend_from_slice(more);
        signed.sort_unstable();
        let names: Vec<&str> = signed.iter().map(|(name, _)| *name).collect();
        let lines: String = signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical =
            format!("{method}\n{path}\n\n{lines}\n{}\n{}", names.join(";"), hex::encode(Sha256::digest(&body)));
        let day = &now[..8];
        let scope = format!("{day}/us-east-1/{service}/aws4_request");
        let text = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
        let first = format!("AWS4{}", self.secret).into_bytes();
        let key = [day, "us-east-1", service, "aws4_request"].iter().fold(first, |key, part| mac(&key, part));
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={}",
            self.key,
            names.join(";"),
            hex::encode(mac(&key, &text))
        );
        let mut headers = HeaderMap::new();
        for (name, value) in signed.into_iter().chain([("authorization", credential.as_str())]) {
            headers.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let call = Call {
            service: service.to_owned(),
            operation: String::new(),
            write: true,
            access_key: None,
            region: None,
            method,
            uri: path.parse().unwrap(),
            headers,
            body: Bytes::from(body),
        };
        self.client.forward(&call).await.expect("the gateway answers")
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

async fn start() -> LocalCloud {
    let options = Options { auth: true, ..Options::new(cloud::home()) };
    LocalCloud::start(options, &|_| {}).await.expect("the local cloud starts")
}

/// A user who may do these actions to this resource.
async fn user(cloud: &LocalCloud, name: &str, actions: &[&str], resource: &str) -> User {
    let policy =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]});
    let (key, secret) = cloud.create_user(name, &policy.to_string()).await.expect("the user is created");
    let client = cloud::client(cloud);
    let host = cloud.description().aws_endpoint.trim_start_matches("http://").to_owned();
    User { client, host, key, secret }
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn budget(name: &str) -> Value {
    json!({"AccountId": "123456789012", "ResourceTags": [{"Key": "billform:stack", "Value": "portal"}],
        "Budget": {"BudgetName": name, "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": {"Amount": "10", "Unit": "USD"}}})
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn budgets_are_modified_not_created() {
    let cloud = start().await;
    let create = "AWSBudgetServiceGateway.CreateBudget";
    let wrong = user(&cloud, "wrong", &["budgets:CreateBudget", "budgets:TagResource"], "*").await;
    let denied = wrong.json("budgets", create, budget("b")).await;
    assert_eq!((denied.status, &denied.body_json()["__type"]), (400, &json!("AccessDeniedException")));
    assert!(text(&denied).contains("budgets:ModifyBudget"), "{}", text(&denied));

    let untagged = user(&cloud, "untagged", &["budgets:ModifyBudget"], "*").await;
    assert!(text(&untagged.json("budgets", create, budget("b")).await).contains("budgets:TagResource"));

    let arn = "arn:aws:budgets::123456789012:budget/portal-*";
    let right =
        user(&cloud, "right", &["budgets:ModifyBudget", "budgets:TagResource", "budgets:ViewBudget"], arn).await;
    let done = right.json("budgets", create, budget("portal-a")).await;
    assert_eq!(done.status, 200, "{}", text(&done));
    assert_eq!(right.json("budgets", create, budget("other")).await.status, 400);

    let forged = User { secret: "another".to_owned(), ..right };
    let refused = forged.json("budgets", create, budget("portal-b")).await;
    assert_eq!(refused.body_json()["__type"], "InvalidSignatureException");
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn cost_explorer_asks_for_its_actions() {
    let cloud = start().await;
    let reader = user(&cloud, "reader", &["ce:GetTags"], "*").await;
    let period = json!({"TimePeriod": {"Start": "2026-10-01", "End": "2026-11-01"}});
    cloud.costs().change(|model| model.today = None);
    let tags = reader.json("ce", "AWSInsightsIndexService.GetTags", period.clone()).await;
    assert_eq!(tags.status, 200, "{}", text(&tags));
    let update = json!({"CostAllocationTagsStatus": [{"TagKey": "ClientOrganization", "Status": "Active"}]});
    let denied = reader.json("ce", "AWSInsightsIndexService.UpdateCostAllocationTagsStatus", update).await;
    assert_eq!(denied.body_json()["__type"], "AccessDeniedException");
    let forged = User { secret: "another".to_owned(), ..reader };
    let refused = forged.json("ce", "AWSInsightsIndexService.GetTags", period).await;
    assert_eq!(refused.body_json()["__type"], "InvalidSignatureException");
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn roles_are_named_with_their_path_and_passed() {
    let cloud = start().await;
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let create = |path: &'static str| {
        let tags = [("Tags.member.1.Key", "billform:stack"), ("Tags.member.1.Value", "x")];
        [
            ("Action", "CreateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", "costs"),
            ("Path", path),
            ("AssumeRolePolicyDocument", trust),
            tags[0],
            tags[1],
        ]
    };
    let arn = "arn:aws:iam::123456789012:role/billform/*";
    let creator = user(&cloud, "creator", &["iam:CreateRole", "iam:TagRole", "iam:DeleteRole"], arn).await;
    let elsewhere = creator.form(&create("/other/")).await;
    assert!(elsewhere.status == 403 && text(&elsewhere).contains("<Code>AccessDenied</Code>"), "{}", text(&elsewhere));
    let made = creator.form(&create("/billform/")).await;
    assert_eq!(made.status, 200, "{}", text(&made));

    let function = json!({"FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap", "Role": "arn:aws:iam::123456789012:role/billform/costs",
        "Code": {"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}});
    let deployer = user(&cloud, "deployer", &["lambda:*"], "*").await;
    let path = "/2015-03-31/functions";
    let denied = deployer
        .send("lambda", Method::POST, path, &[("content-type", "application/json")], function.to_string())
        .await;
    assert_eq!((denied.status, denied.headers["x-amzn-errortype"].to_str().unwrap()), (403, "AccessDeniedException"));
    assert!(text(&denied).contains("iam:PassRole"), "{}", text(&denied));

    // The path is known when the role is named again, too.
    let deleted = creator.form(&[("Action", "DeleteRole"), ("Version", "2010-05-08"), ("RoleName", "costs")]).await;
    assert_eq!(deleted.status, 200, "{}", text(&deleted));
    cloud.stop().await;
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn arns_are_awss_for_secrets_logs_and_rules() {
    let cloud = start().await;
    let one = |service: &str, resource: &str| format!("arn:aws:{service}:us-east-1:123456789012:{resource}");
    let secrets = user(&cloud, "secrets", &["secretsmanager:*"], &one("secretsmanager", "secret:portal-??????")).await;
    let body = json!({"Name": "portal", "SecretString": "x", "ClientRequestToken": "t".repeat(32), "Tags": [{"Key": "a", "Value": "b"}]});
    let made = secrets.json("secretsmanager", "secretsmanager.CreateSecret", body).await;
    assert_eq!(made.status, 200, "{}", text(&made));

    let logs = user(&cloud, "logs", &["logs:*"], &one("logs", "log-group:/aws/lambda/portal-*:*")).await;
    let group = |name: &str| json!({"logGroupName": name, "tags": {"a": "b"}});
    let made = logs.json("logs", "Logs_20140328.CreateLogGroup", group("/aws/lambda/portal-costs")).await;
    assert_eq!(made.status, 200, "{}", text(&made));
    let denied = logs.json("logs", "Logs_20140328.CreateLogGroup", group("/other")).await;
    assert_eq!(denied.body_json()["__type"], "AccessDeniedException");

    let rules = user(&cloud, "rules", &["events:*"], &one("events", "rule/portal-*")).await;
    let rule =
        |name: &str| json!({"Name": name, "ScheduleExpression": "rate(1 day)", "Tags": [{"Key": "a", "Value": "b"}]});
    let made = rules.json("events", "AWSEvents.PutRule", rule("portal-daily")).await;
    assert_eq!(made.status, 200, "{}", text(&made));
    assert_eq!(
        rules.json("events", "AWSEvents.PutRule", rule("other")).await.body_json()["__type"],
        "AccessDeniedException"
    );
    cloud.stop().await;
}
