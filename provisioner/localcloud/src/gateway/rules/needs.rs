//! What a caller must be allowed that MiniStack does not ask for, or asks for under a name that IAM does not have.

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::super::pipeline::Call;
use super::policy::Question;
use super::{cloudwatch, oidc_providers, sns};

/// One permission that is needed, in the spellings that AWS accepts: one of them must be allowed.
#[derive(Clone, Debug)]
pub(super) struct Need {
    /// The spellings; the first is named when the need is not met.
    pub(super) any_of: Vec<Question>,
}

/// Where a call is made.
pub(super) struct Place<'a> {
    /// The region.
    pub(super) region: &'a str,
    /// The account.
    pub(super) account: &'a str,
}

/// The permission for the call itself, where MiniStack asks for it under another action or on an ARN that AWS
/// spells otherwise: it leaves out the path of a role, the random end of a new secret's ARN and the `:*` of a log
/// group, puts the default bus into the ARN of a rule, and finds neither the function that is created nor the report
/// nor the table or rule whose tags are meant. `role` is the ARN of the role that the call names.
pub(super) fn own_need(call: &Call, place: &Place<'_>, role: Option<&str>) -> Option<Need> {
    let body = call.json();
    let text = |key: &str| body[key].as_str();
    let action = format!("{}:{}", call.service, call.operation);
    let tags = request_tags(call, &body);
    let tags = context(&tags);
    match call.service.as_str() {
        "budgets" => Some(need(budget_action(&call.operation), [place.budget(&call.operation, &body)], &tags)),
        "ce" | "cloudtrail" => Some(need(&action, ["*".to_owned()], &[])),
        "iam" => {
            let about = role.map(str::to_owned).or_else(|| oidc_providers::arn(call, place.account));
            Some(need(&action, [about?], &tags))
        }
        "logs" => Some(need(&action, place.log_group(text("logGroupName")?), &tags)),
        "secretsmanager" if call.operation == "CreateSecret" => {
            Some(need(&action, place.new_secret(text("Name")?), &tags))
        }
        "lambda" if call.operation == "CreateFunction" => {
            Some(need(&action, [place.arn("lambda", &format!("function:{}", text("FunctionName")?))], &tags))
        }
        "cur" if call.operation != "DescribeReportDefinitions" => {
            let name = text("ReportName").or_else(|| body["ReportDefinition"]["ReportName"].as_str())?;
            Some(need(&action, [place.arn("cur", &format!("definition/{name}"))], &tags))
        }
        "dynamodb" if is_about_tags(&call.operation) => Some(need(&action, [text("ResourceArn")?.to_owned()], &tags)),
        "sns" => Some(need(&action, [sns::resource(call, |name| place.arn("sns", name))?], &tags)),
        "monitoring" => {
            let about = cloudwatch::resource(call, place.region, place.account).unwrap_or_else(|| "*".to_owned());
            Some(need(&format!("cloudwatch:{}", call.operation), [about], &tags))
        }
        "events" if is_about_tags(&call.operation) => Some(need(&action, [text("ResourceARN")?.to_owned()], &tags)),
        "events" if matches!(text("EventBusName"), None | Some("default")) => {
            let rule = text("Rule").or_else(|| text("Name").filter(|_| call.operation.ends_with("Rule")))?;
            Some(need(&action, [place.arn("events", &format!("rule/{rule}"))], &tags))
        }
        _ => None,
    }
}

/// Whether an operation reads or writes the tags of the resource that it names by its ARN.
fn is_about_tags(operation: &str) -> bool {
    ["TagResource", "UntagResource", "ListTagsOfResource", "ListTagsForResource"].contains(&operation)
}

/// The further permissions that MiniStack does not ask for.
pub(super) fn further_needs(call: &Call, place: &Place<'_>) -> Vec<Need> {
    let body = call.json();
    let mut needs = passed_roles(call, &body);
    needs.extend(tagged(call, &body, place));
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
        ("sns", "CreateTopic") => {
            let name = call.parameter("Name").unwrap_or_default();
            ("sns:TagResource", vec![place.arn("sns", &name)], request_tags(call, body))
        }
        ("monitoring", "PutMetricAlarm" | "PutDashboard") => {
            let made = cloudwatch::resource(call, place.region, place.account);
            ("cloudwatch:TagResource", made.into_iter().collect(), request_tags(call, body))
        }
        ("lambda", "CreateFunction") => (
            "lambda:TagResource",
            vec![place.arn("lambda", &format!("function:{}", text("FunctionName")))],
            tags_of(&body["Tags"]),
        ),
        ("logs", "CreateLogGroup") => {
            ("logs:TagResource", place.log_group(text("logGroupName")), tags_of(&body["tags"]))
        }
        ("dynamodb", "CreateTable") => (
            "dynamodb:TagResource",
            vec![place.arn("dynamodb", &format!("table/{}", text("TableName")))],
            tags_of(&body["Tags"]),
        ),
        ("secretsmanager", "CreateSecret") => {
            ("secretsmanager:TagResource", place.new_secret(text("Name")), tags_of(&body["Tags"]))
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
    let path = call.parameter("Path").unwrap_or_else(|| "/".to_owned());
    let name = call.parameter(key).unwrap_or_default();
    let arn = format!("arn:aws:iam::{}:{kind}{path}{name}", place.account);
    let tags = request_tags(call, &Value::Null);
    (!tags.is_empty()).then(|| need(action, [arn], &context(&tags)))
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

    fn log_group(&self, name: &str) -> Vec<String> {
        let group = self.arn("logs", &format!("log-group:{name}"));
        vec![group.clone(), group + ":*"]
    }

    /// Six random characters end the ARN of a secret; policies allow for them.
    fn new_secret(&self, name: &str) -> Vec<String> {
        let secret = self.arn("secretsmanager", &format!("secret:{name}"));
        vec![secret.clone() + "-AbCdEf", secret]
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

/// The tags that a request carries, as condition keys.
fn request_tags(call: &Call, body: &Value) -> Vec<(String, String)> {
    if !["iam", "sns"].contains(&call.service.as_str()) {
        return ["Tags", "tags", "ResourceTags"].iter().flat_map(|key| tags_of(&body[*key])).collect();
    }
    let form: BTreeMap<String, String> = call.form().into_iter().collect();
    let keys = form.iter().filter(|(name, _)| name.starts_with("Tags.member.") && name.ends_with(".Key"));
    let value = |name: &str| form.get(&name.replace(".Key", ".Value")).cloned().unwrap_or_default();
    keys.map(|(name, key)| (format!("aws:requesttag/{key}"), value(name))).collect()
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

    const PLACE: Place<'_> = Place { region: "us-east-1", account: "123456789012" };

    fn asked(call: &Call) -> Vec<(String, String)> {
        let first = |need: Need| (need.any_of[0].action.clone(), need.any_of[0].resource.clone());
        let own = own_need(call, &PLACE, Some("arn:aws:iam::123456789012:role/billform/r"));
        own.into_iter().chain(further_needs(call, &PLACE)).map(first).collect()
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
                pair("lambda:CreateFunction", "arn:aws:lambda:us-east-1:123456789012:function:f"),
                pair("iam:PassRole", "arn:aws:iam::123456789012:role/r"),
                pair("lambda:TagResource", "arn:aws:lambda:us-east-1:123456789012:function:f")
            ]
        );
        let context = &further_needs(&call, &PLACE)[0].any_of[0].context;
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
    fn a_topic_is_made_and_tagged_by_name() {
        let topic = "arn:aws:sns:us-east-1:123456789012:alerts";
        let made = || pair("sns:CreateTopic", topic);
        let plain = form_call("sns", "CreateTopic", &[("Name", "alerts")]);
        assert_eq!(asked(&plain), [made()]);
        let tag = [("Name", "alerts"), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")];
        assert_eq!(asked(&form_call("sns", "CreateTopic", &tag)), [made(), pair("sns:TagResource", topic)]);
        assert_eq!(asked(&form_call("sns", "ListTopics", &[])), [pair("sns:ListTopics", "*")]);
    }

    #[test]
    fn reports_and_the_tags_of_rules_are_asked_for_by_name() {
        let report = "arn:aws:cur:us-east-1:123456789012:definition/r";
        let put = json_call("cur", "PutReportDefinition", json!({"ReportDefinition": {"ReportName": "r"}}));
        assert_eq!(asked(&put), [pair("cur:PutReportDefinition", report)]);
        let delete = json_call("cur", "DeleteReportDefinition", json!({"ReportName": "r"}));
        assert_eq!(asked(&delete), [pair("cur:DeleteReportDefinition", report)]);
        assert!(asked(&json_call("cur", "DescribeReportDefinitions", json!({}))).is_empty());
        let rule = "arn:aws:events:us-east-1:123456789012:rule/daily";
        let tags = json_call("events", "ListTagsForResource", json!({ "ResourceARN": rule }));
        assert_eq!(asked(&tags), [pair("events:ListTagsForResource", rule)]);
    }

    #[test]
    fn the_tags_of_a_table_belong_to_the_table() {
        let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/t";
        for operation in ["TagResource", "UntagResource", "ListTagsOfResource"] {
            let call = json_call("dynamodb", operation, json!({ "ResourceArn": arn }));
            assert_eq!(asked(&call), [pair(&format!("dynamodb:{operation}"), arn)]);
        }
        assert!(asked(&json_call("dynamodb", "DescribeTable", json!({"TableName": "t"}))).is_empty());
    }

    #[test]
    fn tags_on_create_need_the_tag_action_and_say_which() {
        let call = form_call(
            "iam",
            "CreateRole",
            &[("RoleName", "r"), ("Path", "/billform/"), ("Tags.member.1.Key", "Owner"), ("Tags.member.1.Value", "x")],
        );
        let need = &further_needs(&call, &PLACE)[0];
        assert_eq!(need.any_of[0].resource, "arn:aws:iam::123456789012:role/billform/r");
        assert!(further_needs(&form_call("iam", "CreateRole", &[("RoleName", "r")]), &PLACE).is_empty());
        let table =
            json_call("dynamodb", "CreateTable", json!({"TableName": "t", "Tags": [{"Key": "Owner", "Value": "x"}]}));
        let context = &further_needs(&table, &PLACE)[0].any_of[0].context;
        assert_eq!(
            (&context["aws:requesttag/owner"][0], &context["aws:tagkeys"][0]),
            (&"x".to_owned(), &"Owner".to_owned())
        );
    }

    #[test]
    fn arns_are_spelled_as_aws_spells_them() {
        let role = form_call("iam", "PutRolePolicy", &[("RoleName", "r"), ("PolicyName", "p")]);
        assert_eq!(asked(&role), [pair("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/billform/r")]);
        assert!(own_need(&role, &PLACE, None).is_none());
        let group = json_call("logs", "PutRetentionPolicy", json!({"logGroupName": "/g", "retentionInDays": 30}));
        let spelled: Vec<String> =
            own_need(&group, &PLACE, None).unwrap().any_of.into_iter().map(|question| question.resource).collect();
        let arn = "arn:aws:logs:us-east-1:123456789012:log-group:/g";
        assert_eq!(spelled, [arn.to_owned(), format!("{arn}:*")]);
        let secret = json_call("secretsmanager", "CreateSecret", json!({"Name": "s"}));
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-AbCdEf";
        assert_eq!(asked(&secret), [pair("secretsmanager:CreateSecret", arn)]);
        let rule = "arn:aws:events:us-east-1:123456789012:rule/r";
        for (operation, body) in [("PutRule", json!({"Name": "r"})), ("PutTargets", json!({"Rule": "r"}))] {
            assert_eq!(asked(&json_call("events", operation, body)), [pair(&format!("events:{operation}"), rule)]);
        }
        assert!(asked(&json_call("events", "CreateEventBus", json!({"Name": "bus"}))).is_empty());
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
            assert_eq!(asked(&call).last().map(|(action, _)| action.as_str()), Some(action));
        }
    }
}
