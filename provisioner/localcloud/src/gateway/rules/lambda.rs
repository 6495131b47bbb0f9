//! Lambda: limits of functions and permissions, whether the role can be assumed, and a dry run that is one.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value;

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::ask::Ask;
use super::iam::NewRoles;
use super::policy::{Policy, Question};
use super::shape::{element, percent_decoded, shaped, tag_fault, word};
use super::{Refusal, refused};

const ENVIRONMENT_BYTES: usize = 4096;
const MOST_TAGS: usize = 50;

/// Runtimes that Lambda creates functions with.
const RUNTIMES: &[&str] = &[
    "provided.al2023",
    "provided.al2",
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "java11",
    "java17",
    "java21",
    "java25",
    "dotnet8",
    "dotnet10",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
];

/// Variables that Lambda sets itself.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "LAMBDA_TASK_ROOT",
    "LAMBDA_RUNTIME_DIR",
];

/// Checks a request to Lambda.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    match call.operation.as_str() {
        "CreateFunction" => check_create(&call.json()),
        "UpdateFunctionConfiguration" => check_settings(&call.json()),
        "AddPermission" => check_permission(&call.json()),
        "TagResource" => check_tags(&call.json()["Tags"]),
        _ => Ok(()),
    }
}

fn check_create(body: &Value) -> Result<(), Refusal> {
    let name = body["FunctionName"].as_str().unwrap_or_default();
    let plain = name.rsplit(':').next().unwrap_or_default();
    if !shaped(plain, 1..=64, word("-_")) {
        return Err(invalid("functionName", name, "1 to 64 letters, digits, - or _"));
    }
    if body["PackageType"] != "Image" {
        required(body, "Runtime")?;
        required(body, "Handler")?;
    }
    required(body, "Role")?;
    let architectures = &body["Architectures"];
    if !architectures.is_null()
        && architectures != &serde_json::json!(["x86_64"])
        && architectures != &serde_json::json!(["arm64"])
    {
        return Err(invalid("architectures", &architectures.to_string(), "one of [x86_64], [arm64]"));
    }
    check_tags(&body["Tags"])?;
    check_settings(body)
}

/// The settings that creating and updating share.
fn check_settings(body: &Value) -> Result<(), Refusal> {
    if let Some(runtime) = body["Runtime"].as_str().filter(|runtime| !RUNTIMES.contains(runtime)) {
        return Err(Refusal::new(
            "InvalidParameterValueException",
            format!("Value {runtime} at 'runtime' failed to satisfy constraint: Member must be a runtime in support"),
        ));
    }
    if let Some(handler) =
        body["Handler"].as_str().filter(|handler| !shaped(handler, 1..=128, |letter| !letter.is_whitespace()))
    {
        return Err(invalid("handler", handler, "at most 128 letters without white space"));
    }
    for (key, range) in [("MemorySize", 128..=10_240), ("Timeout", 1..=900)] {
        if !body[key].is_null() && !body[key].as_i64().is_some_and(|value| range.contains(&value)) {
            return Err(invalid(
                key,
                &body[key].to_string(),
                &format!("a number from {} to {}", range.start(), range.end()),
            ));
        }
    }
    if let Some(role) = body["Role"].as_str().filter(|role| role_name(role).is_none()) {
        return Err(invalid("role", role, "arn:aws:iam::ACCOUNT:role/NAME"));
    }
    check_environment(&body["Environment"]["Variables"])
}

fn check_environment(variables: &Value) -> Result<(), Refusal> {
    let Some(variables) = variables.as_object() else { return Ok(()) };
    let is_name = |name: &str| {
        name.chars().next().is_some_and(|first| first.is_ascii_alphabetic()) && shaped(name, 2..=usize::MAX, word("_"))
    };
    if let Some(name) = variables.keys().find(|name| !is_name(name) && !RESERVED.contains(&name.as_str())) {
        return Err(invalid("environment.variables", name, "keys of a letter and further letters, digits or _"));
    }
    let reserved: Vec<&str> = variables.keys().map(String::as_str).filter(|name| RESERVED.contains(name)).collect();
    if !reserved.is_empty() {
        let message = format!(
            "Lambda was unable to configure your environment variables because they contain reserved keys: {}",
            reserved.join(", ")
        );
        return Err(Refusal::new("InvalidParameterValueException", message));
    }
    // Lambda measures the variables as one JSON object.
    let size = Value::Object(variables.clone()).to_string().len();
    if size > ENVIRONMENT_BYTES {
        let message = format!(
            "Lambda was unable to configure your environment variables because they exceed the 4KB limit: {size} bytes"
        );
        return Err(Refusal::new("InvalidParameterValueException", message));
    }
    Ok(())
}

fn check_permission(body: &Value) -> Result<(), Refusal> {
    let text = |key: &str| body[key].as_str().unwrap_or_default();
    if !shaped(text("StatementId"), 1..=100, word("-_")) {
        return Err(invalid("statementId", text("StatementId"), "1 to 100 letters, digits, - or _"));
    }
    let action = text("Action");
    if !(action == "*"
        || action == "lambda:*"
        || action
            .strip_prefix("lambda:")
            .is_some_and(|name| shaped(name, 1..=64, |letter| letter.is_ascii_alphabetic())))
    {
        return Err(invalid("action", action, "lambda:NAME or *"));
    }
    let principal = text("Principal");
    let known = principal == "*"
        || principal.ends_with(".amazonaws.com")
        || principal.starts_with("arn:")
        || shaped(principal, 12..=12, |letter| letter.is_ascii_digit());
    if !known {
        return Err(Refusal::new(
            "InvalidParameterValueException",
            "The provided principal was invalid. Please check the principal and try again.",
        ));
    }
    if !body["SourceArn"].is_null() && text("SourceArn").splitn(6, ':').filter(|part| !part.is_empty()).count() < 4 {
        return Err(invalid("sourceArn", text("SourceArn"), "an ARN"));
    }
    if !body["SourceAccount"].is_null() && !shaped(text("SourceAccount"), 12..=12, |letter| letter.is_ascii_digit()) {
        return Err(invalid("sourceAccount", text("SourceAccount"), "twelve digits"));
    }
    Ok(())
}

fn check_tags(tags: &Value) -> Result<(), Refusal> {
    let Some(tags) = tags.as_object() else { return Ok(()) };
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(Refusal::new("InvalidParameterValueException", fault)))
}

fn required(body: &Value, key: &str) -> Result<(), Refusal> {
    let set = body[key].as_str().is_some_and(|text| !text.is_empty());
    set.then_some(()).ok_or_else(|| {
        Refusal::new(
            "InvalidParameterValueException",
            format!("{key} is mandatory for functions created from a zip file"),
        )
    })
}

fn invalid(key: &str, value: &str, expected: &str) -> Refusal {
    Refusal::new(
        "ValidationException",
        format!("1 validation error detected: Value '{value}' at '{key}' failed to satisfy constraint: {expected}"),
    )
}

/// The name at the end of a role's ARN.
pub(super) fn role_name(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:aws:iam::")?;
    let (account, path) = rest.split_once(":role/")?;
    let name = path.rsplit('/').next()?;
    (shaped(account, 12..=12, |letter| letter.is_ascii_digit()) && shaped(name, 1..=64, word("+=,.@-_")))
        .then_some(name)
}

/// Lambda takes only a role that exists, lets Lambda assume it, and is old enough.
pub(super) struct AssumableRole(pub(super) Arc<NewRoles>);

impl Rule for AssumableRole {
    fn applies(&self, call: &Call) -> bool {
        call.service == "lambda" && ["CreateFunction", "UpdateFunctionConfiguration"].contains(&call.operation.as_str())
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let body = call.json();
            let role = body["Role"].as_str()?;
            refused(call, self.check(role, Ask::new(call, upstream)).await)
        })
    }
}

impl AssumableRole {
    async fn check(&self, arn: &str, ask: Ask<'_>) -> Result<(), Refusal> {
        let name = role_name(arn).unwrap_or_default();
        let role = ask.iam(&[("Action", "GetRole"), ("RoleName", name)]).await.unwrap_or_default();
        let is_it = element(&role, "Arn").as_deref() == Some(arn);
        let trust = element(&role, "AssumeRolePolicyDocument").map(|text| percent_decoded(&text)).unwrap_or_default();
        if is_it && !self.0.is_new(name) && trusts_lambda(&trust) {
            return Ok(());
        }
        Err(Refusal::new(
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        ))
    }
}

fn trusts_lambda(document: &str) -> bool {
    let question = Question { action: "sts:AssumeRole".to_owned(), ..Question::default() };
    Policy::parse(document).admits_service("lambda.amazonaws.com", &question)
}

/// UpdateFunctionCode with DryRun changes nothing. (MiniStack changes the code.)
pub(super) struct DryRun;

impl Rule for DryRun {
    fn applies(&self, call: &Call) -> bool {
        call.service == "lambda" && call.operation == "UpdateFunctionCode"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            if call.json()["DryRun"] != true {
                return None;
            }
            let path = call.uri.path().trim_end_matches('/').trim_end_matches("code").to_owned() + "configuration";
            // A function that is missing is MiniStack's to refuse.
            Ask::new(call, upstream).get("lambda", &path).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rest_call;
    use super::*;
    use http::Method;
    use serde_json::json;

    fn create(key: &str, value: Value) -> Result<(), Refusal> {
        let mut body = json!({"FunctionName": "costs", "Runtime": "provided.al2023", "Handler": "bootstrap",
            "Role": "arn:aws:iam::123456789012:role/billform/costs", "MemorySize": 256, "Timeout": 30,
            "Architectures": ["x86_64"], "Environment": {"Variables": {"LEDGER_TABLE": "t"}}, "Tags": {"a": "b"}});
        body[key] = value;
        check(&rest_call("lambda", "CreateFunction", Method::POST, "/2015-03-31/functions", body))
    }

    #[test]
    fn a_good_function_passes() {
        assert_eq!(create("Description", json!("x")), Ok(()));
        assert_eq!(create("Architectures", json!(["arm64"])), Ok(()));
        assert_eq!(create("MemorySize", json!(10_240)), Ok(()));
    }

    #[test]
    fn limits_are_enforced() {
        let many: Value = (0..60)
            .map(|at| (format!("VARIABLE_{at}"), json!("x".repeat(70))))
            .collect::<serde_json::Map<_, _>>()
            .into();
        for (key, value, code) in [
            ("FunctionName", json!("bad name"), "ValidationException"),
            ("FunctionName", json!("n".repeat(65)), "ValidationException"),
            ("Runtime", json!("go1.x"), "InvalidParameterValueException"),
            ("Runtime", Value::Null, "InvalidParameterValueException"),
            ("Handler", json!("a b"), "ValidationException"),
            ("MemorySize", json!(64), "ValidationException"),
            ("MemorySize", json!(10_241), "ValidationException"),
            ("Timeout", json!(0), "ValidationException"),
            ("Timeout", json!(901), "ValidationException"),
            ("Role", json!("nope"), "ValidationException"),
            ("Architectures", json!(["x86_64", "arm64"]), "ValidationException"),
            ("Tags", json!({"aws:x": "y"}), "InvalidParameterValueException"),
            ("Environment", json!({"Variables": {"1A": "x"}}), "ValidationException"),
            ("Environment", json!({"Variables": {"AWS_REGION": "x"}}), "InvalidParameterValueException"),
            ("Environment", json!({"Variables": many}), "InvalidParameterValueException"),
        ] {
            assert_eq!(create(key, value.clone()).unwrap_err().code, code, "{key} {value}");
        }
    }

    #[test]
    fn permissions_are_checked() {
        let add = |key: &str, value: Value| {
            let mut body = json!({"StatementId": "api", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
                "SourceArn": "arn:aws:execute-api:us-east-1:123456789012:abc/*/*/costs"});
            body[key] = value;
            check(&rest_call("lambda", "AddPermission", Method::POST, "/2015-03-31/functions/f/policy", body))
        };
        assert_eq!(add("SourceAccount", json!("123456789012")), Ok(()));
        assert_eq!(add("SourceArn", json!("arn:aws:s3:::bucket")), Ok(()));
        for (key, value) in [
            ("StatementId", json!("a b")),
            ("Action", json!("invoke")),
            ("Principal", json!("apigateway")),
            ("SourceArn", json!("nope")),
            ("SourceAccount", json!("12")),
        ] {
            assert!(add(key, value.clone()).is_err(), "{key} {value}");
        }
    }

    #[test]
    fn roles_are_read_from_their_arns() {
        assert_eq!(role_name("arn:aws:iam::123456789012:role/a/b/c"), Some("c"));
        assert_eq!(role_name("arn:aws:iam::123456789012:role/"), None);
        assert_eq!(role_name("arn:aws:iam::123456789012:user/c"), None);
    }

    #[test]
    fn only_a_trust_policy_for_lambda_will_do() {
        let document = |service: &str| {
            json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}})
                .to_string()
        };
        assert!(trusts_lambda(&document("lambda.amazonaws.com")));
        assert!(!trusts_lambda(&document("events.amazonaws.com")));
        assert!(!trusts_lambda(""));
    }
}
