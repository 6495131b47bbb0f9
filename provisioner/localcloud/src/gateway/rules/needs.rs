//! What a caller must be allowed that MiniStack does not ask for, or asks for under a name that IAM does not have.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::super::pipeline::Call;
use super::policy::Question;

/// One permission that is needed, in the spellings that AWS accepts: one of them must be allowed.
#[derive(Clone, Debug)]
pub(super) struct Need {
    /// The spellings; the first is named when the need is not met.
    pub(super) any_of: Vec<Question>,
}

/// Whom and where the call concerns.
struct Place<'a> {
    region: &'a str,
    account: &'a str,
}

/// The permissions that the gateway must ask for.
pub(super) fn needs(call: &Call, region: &str, account: &str) -> Vec<Need> {
    let place = Place { region, account };
    let body = call.json();
    let mut needs = match call.service.as_str() {
        "budgets" => vec![need(budget_action(&call.operation), [place.budget(&call.operation, &body)], &[])],
        "ce" => vec![need(&format!("ce:{}", call.operation), ["*".to_owned()], &[])],
        _ => passed_roles(call, &body),
    };
    needs.extend(tagged(call, &body, &place));
    needs
}

/// IAM knows two actions for most of what the Budgets API does.
fn budget_action(operation: &str) -> &'static str {
    match operation {
        "TagResource" => "budgets:TagResource",
        "UntagResource" => "budgets:UntagResource",
        "ListTagsForResource" => "budgets:ListTagsForResource",
        reading if reading.starts_with("Describe") => "budgets:ViewBudget",
        _ => "budgets:ModifyBudget",
    }
}

/// Whoever gives a role to a service must be allowed to pass it.
fn passed_roles(call: &Call, body: &Value) -> Vec<Need> {
    let pass = |role: &str, service: &str| need("iam:PassRole", [role.to_owned()], &[("iam:passedtoservice", service)]);
    match (call.service.as_str(), call.operation.as_str()) {
        ("lambda", "CreateFunction" | "UpdateFunctionConfiguration") => {
            body["Role"].as_str().map(|role| pass(role, "lambda.amazonaws.com")).into_iter().collect()
        }
        ("events", "PutTargets") => {
            let targets = body["Targets"].as_array().into_iter().flatten();
            targets
                .filter_map(|target| target["RoleArn"].as_str())
                .map(|role| pass(role, "events.amazonaws.com"))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Whoever creates something with tags must be allowed to tag it.
fn tagged(call: &Call, body: &Value, place: &Place<'_>) -> Option<Need> {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    let (action, resources, tags) = match (call.service.as_str(), call.operation.as_str()) {
        ("iam", operation) => return tagged_identity(call, operation, place),
        ("lambda", "CreateFunction") => (
            "lambda:TagResource",
            vec![place.arn("lambda", &format!("function:{}", text("FunctionName")))],
            tags_of(&body["Tags"]),
        ),
        ("logs", "CreateLogGroup") => {
            let group = place.arn("logs", &format!("log-group:{}", text("logGroupName")));
            ("logs:TagResource", vec![group.clone(), group + ":*"], tags_of(&body["tags"]))
        }
        ("dynamodb", "CreateTable") => (
            "dynamodb:TagResource",
            vec![place.arn("dynamodb", &format!("table/{}", text("TableName")))],
            tags_of(&body["Tags"]),
        ),
        ("secretsmanager", "CreateSecret") => {
            let secret = place.arn("secretsmanager", &format!("secret:{}", text("Name")));
            // Six random characters end the ARN of a secret; policies allow for them.
            ("secretsmanager:TagResource", vec![secret.clone() + "-AbCdEf", secret], tags_of(&body["Tags"]))
        }
        ("events", "PutRule") => {
            ("events:TagResource", vec![place.arn("events", &format!("rule/{}", text("Name")))], tags_of(&body["Tags"]))
        }
        ("budgets", "CreateBudget") => {
            ("budgets:TagResource", vec![place.budget("CreateBudget", body)], tags_of(&body["ResourceTags"]))
        }
        ("cur", "PutReportDefinition") => {
            let name = body["ReportDefinition"]["ReportName"].as_str().unwrap_or_default();
            ("cur:TagResource", vec![place.arn("cur", &format!("definition/{name}"))], tags_of(&body["Tags"]))
        }
        ("s3", "CreateBucket") => {
            let has_tags = String::from_utf8_lossy(&call.body).contains("<Tag>");
            let bucket = format!("arn:aws:s3:::{}", super::s3::bucket(call));
            return has_tags.then(|| need("s3:TagResource", [bucket], &[]));
        }
        ("apigateway", "CreateApi" | "CreateStage") => return tagged_api(call, tags_of(&body["tags"]), place),
        _ => return None,
    };
    (!tags.is_empty()).then(|| need(action, resources, &context(&tags)))
}

fn tagged_identity(call: &Call, operation: &str, place: &Place<'_>) -> Option<Need> {
    let (action, kind, key) = match operation {
        "CreateRole" => ("iam:TagRole", "role", "RoleName"),
        "CreateUser" => ("iam:TagUser", "user", "UserName"),
        "CreatePolicy" => ("iam:TagPolicy", "policy", "PolicyName"),
        _ => return None,
    };
    let form: BTreeMap<String, String> = call.form().into_iter().collect();
    let keys = form.iter().filter(|(name, _)| name.starts_with("Tags.member.") && name.ends_with(".Key"));
    let value = |name: &str| form.get(&name.replace(".Key", ".Value")).cloned().unwrap_or_default();
    let tags: Vec<(String, String)> = keys.map(|(name, key)| (key.clone(), value(name))).collect();
    let path = form.get("Path").map_or("/", String::as_str);
    let name = form.get(key).map(String::as_str).unwrap_or_default();
    let whole = |path: &str| format!("arn:aws:iam::{}:{kind}{path}{name}", place.account);
    // MiniStack's own check leaves the path out of the ARN: a policy must hold under both.
    (!tags.is_empty()).then(|| need(action, [whole(path), whole("/")], &context(&tags)))
}

/// API Gateway's tags are a resource of their own; newer accounts know an action for them as well.
fn tagged_api(call: &Call, tags: Vec<(String, String)>, place: &Place<'_>) -> Option<Need> {
    let region = place.region;
    let path = call.uri.path().trim_start_matches("/v2").trim_end_matches('/');
    let made = format!("arn:aws:apigateway:{region}::{path}/new");
    let encoded = utf8_percent_encode(&made, NON_ALPHANUMERIC);
    let question = |action: &str, resource: String| Question {
        action: action.to_owned(),
        resource,
        context: by_key(&context(&tags)),
    };
    let any_of = vec![
        question("apigateway:POST", format!("arn:aws:apigateway:{region}::/tags/{encoded}")),
        question("apigateway:POST", format!("arn:aws:apigateway:{region}::/tags/{made}")),
        question("apigateway:TagResource", format!("arn:aws:apigateway:{region}::{path}")),
    ];
    (!tags.is_empty()).then_some(Need { any_of })
}

impl Place<'_> {
    fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{resource}", self.region, self.account)
    }

    fn budget(&self, operation: &str, body: &Value) -> String {
        if let Some(arn) = body["ResourceARN"].as_str() {
            return arn.to_owned();
        }
        let name = match operation {
            "CreateBudget" => &body["Budget"]["BudgetName"],
            "UpdateBudget" => &body["NewBudget"]["BudgetName"],
            _ => &body["BudgetName"],
        };
        format!("arn:aws:budgets::{}:budget/{}", self.account, name.as_str().unwrap_or("*"))
    }
}

fn need(action: &str, resources: impl IntoIterator<Item = String>, context: &[(&str, &str)]) -> Need {
    let question = |resource| Question { action: action.to_owned(), resource, context: by_key(context) };
    Need { any_of: resources.into_iter().map(question).collect() }
}

fn by_key(context: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    let mut keyed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in context {
        let (prefix, rest) = key.split_once('/').map_or((*key, ""), |(prefix, rest)| (prefix, rest));
        if prefix == "aws:requesttag" {
            keyed.entry(key.to_lowercase()).or_default().push((*value).to_owned());
            keyed.entry("aws:tagkeys".to_owned()).or_default().push(rest.to_owned());
        } else {
            keyed.entry((*key).to_owned()).or_default().push((*value).to_owned());
        }
    }
    keyed
}

/// Tags as they stand in a body: a map, or a list of `Key` and `Value`.
fn tags_of(tags: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match tags {
        Value::Object(map) => map.iter().map(|(key, value)| (format!("aws:requesttag/{key}"), text(value))).collect(),
        Value::Array(list) => {
            list.iter().map(|tag| (format!("aws:requesttag/{}", text(&tag["Key"])), text(&tag["Value"]))).collect()
        }
        _ => Vec::new(),
    }
}

fn context(tags: &[(String, String)]) -> Vec<(&str, &str)> {
    tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{form_call, json_call, rest_call};
    use super::*;
    use http::Method;
    use serde_json::json;

    fn asked(call: &Call) -> Vec<(String, String)> {
        let first = |need: Need| (need.any_of[0].action.clone(), need.any_of[0].resource.clone());
        needs(call, "us-east-1", "123456789012").into_iter().map(first).collect()
    }

    fn pair(action: &str, resource: &str) -> (String, String) {
        (action.to_owned(), resource.to_owned())
    }

    #[test]
    fn budgets_have_two_actions() {
        let create = json_call(
            "budgets",
            "CreateBudget",
            json!({"Budget": {"BudgetName": "b"}, "ResourceTags": [{"Key": "k", "Value": "v"}]}),
        );
        let arn = "arn:aws:budgets::123456789012:budget/b";
        assert_eq!(asked(&create), [pair("budgets:ModifyBudget", arn), pair("budgets:TagResource", arn)]);
        let notify = json_call("budgets", "CreateNotification", json!({"BudgetName": "b"}));
        assert_eq!(asked(&notify), [pair("budgets:ModifyBudget", arn)]);
        let list = json_call("budgets", "DescribeBudgets", json!({}));
        assert_eq!(asked(&list), [pair("budgets:ViewBudget", "arn:aws:budgets::123456789012:budget/*")]);
    }

    #[test]
    fn a_function_passes_its_role_and_tags() {
        let body = json!({"FunctionName": "f", "Role": "arn:aws:iam::123456789012:role/r", "Tags": {"k": "v"}});
        let call = rest_call("lambda", "CreateFunction", Method::POST, "/2015-03-31/functions", body);
        assert_eq!(
            asked(&call),
            [
                pair("iam:PassRole", "arn:aws:iam::123456789012:role/r"),
                pair("lambda:TagResource", "arn:aws:lambda:us-east-1:123456789012:function:f")
            ]
        );
        let context = &needs(&call, "us-east-1", "123456789012")[0].any_of[0].context;
        assert_eq!(context["iam:passedtoservice"], ["lambda.amazonaws.com"]);
        let update = rest_call(
            "lambda",
            "UpdateFunctionConfiguration",
            Method::PUT,
            "/2015-03-31/functions/f/configuration",
            json!({"Timeout": 3}),
        );
        assert!(asked(&update).is_empty());
    }

    #[test]
    fn tags_on_create_need_the_tag_action_and_say_which() {
        let call = form_call(
            "iam",
            "CreateRole",
            &[("RoleName", "r"), ("Path", "/billform/"), ("Tags.member.1.Key", "Owner"), ("Tags.member.1.Value", "x")],
        );
        let need = &needs(&call, "us-east-1", "123456789012")[0];
        assert_eq!(need.any_of[0].resource, "arn:aws:iam::123456789012:role/billform/r");
        assert_eq!(need.any_of[1].resource, "arn:aws:iam::123456789012:role/r");
        assert!(asked(&form_call("iam", "CreateRole", &[("RoleName", "r")])).is_empty());
        let table =
            json_call("dynamodb", "CreateTable", json!({"TableName": "t", "Tags": [{"Key": "Owner", "Value": "x"}]}));
        let context = &needs(&table, "us-east-1", "123456789012")[0].any_of[0].context;
        assert_eq!(
            (&context["aws:requesttag/owner"][0], &context["aws:tagkeys"][0]),
            (&"x".to_owned(), &"Owner".to_owned())
        );
    }

    #[test]
    fn other_services_are_asked_for_too() {
        let tags = json!([{"Key": "k", "Value": "v"}]);
        for (call, action) in [
            (json_call("logs", "CreateLogGroup", json!({"logGroupName": "g", "tags": {"k": "v"}})), "logs:TagResource"),
            (
                json_call("secretsmanager", "CreateSecret", json!({"Name": "s", "Tags": tags})),
                "secretsmanager:TagResource",
            ),
            (json_call("events", "PutRule", json!({"Name": "r", "Tags": tags})), "events:TagResource"),
            (
                json_call("cur", "PutReportDefinition", json!({"ReportDefinition": {"ReportName": "n"}, "Tags": tags})),
                "cur:TagResource",
            ),
            (
                rest_call("apigateway", "CreateApi", Method::POST, "/v2/apis", json!({"tags": {"k": "v"}})),
                "apigateway:POST",
            ),
            (json_call("ce", "GetCostAndUsage", json!({})), "ce:GetCostAndUsage"),
        ] {
            assert_eq!(asked(&call).iter().map(|(action, _)| action.as_str()).collect::<Vec<_>>(), [action]);
        }
    }
}
