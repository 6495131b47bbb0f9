//! API Gateway's HTTP APIs: keys of routes, integrations, stages, and what refers to what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::Refusal;
use super::ask::{Ask, carried_out};
use super::shape::{shaped, tag_fault, word};

const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "ANY"];
const MOST_TAGS: usize = 50;
const MOST_ROUTES: usize = 300;

/// Checks a request to API Gateway.
pub(super) fn check(call: &Call) -> Result<(), Refusal> {
    let body = call.json();
    match call.operation.as_str() {
        "CreateApi" => check_api(&body).and_then(|()| check_cors(&body)),
        "UpdateApi" => check_cors(&body),
        "CreateRoute" => check_route(&body, true),
        "UpdateRoute" => check_route(&body, false),
        "CreateIntegration" => check_integration(&body, true),
        "UpdateIntegration" => check_integration(&body, false),
        "CreateStage" => check_stage(&body, true),
        "UpdateStage" => check_stage(&body, false),
        "TagResource" => check_tags(&body),
        _ => Ok(()),
    }
}

fn check_api(body: &Value) -> Result<(), Refusal> {
    if !shaped(body["name"].as_str().unwrap_or_default(), 1..=128, |_| true) {
        return Err(bad("Name is required and has at most 128 characters"));
    }
    if !["HTTP", "WEBSOCKET"].contains(&body["protocolType"].as_str().unwrap_or_default()) {
        return Err(bad("ProtocolType must be HTTP or WEBSOCKET"));
    }
    check_tags(body)
}

fn check_cors(body: &Value) -> Result<(), Refusal> {
    let cors = &body["corsConfiguration"];
    let holds_star = |key: &str| cors[key].as_array().is_some_and(|values| values.iter().any(|value| value == "*"));
    if cors["allowCredentials"] == true && holds_star("allowOrigins") {
        return Err(bad("allowCredentials is not possible together with the origin *"));
    }
    let age = &cors["maxAge"];
    let fits = age.is_null() || age.as_i64().is_some_and(|age| (-1..=86_400).contains(&age));
    fits.then_some(()).ok_or_else(|| bad("maxAge must lie between -1 and 86400 seconds"))
}

fn check_route(body: &Value, creates: bool) -> Result<(), Refusal> {
    let key = body["routeKey"].as_str();
    let is_key = |key: &str| {
        key == "$default"
            || key
                .split_once(' ')
                .is_some_and(|(method, path)| METHODS.contains(&method) && path.starts_with('/') && !path.contains(' '))
    };
    match key {
        Some(key) if is_key(key) => Ok(()),
        None if !creates => Ok(()),
        _ => Err(bad(format!(
            "The provided route key is not formatted properly for HTTP protocol: '{}'",
            key.unwrap_or_default()
        ))),
    }
}

fn check_integration(body: &Value, creates: bool) -> Result<(), Refusal> {
    let kinds = ["AWS_PROXY", "HTTP_PROXY", "AWS", "HTTP", "MOCK"];
    let kind = body["integrationType"].as_str();
    if (creates || kind.is_some()) && !kind.is_some_and(|kind| kinds.contains(&kind)) {
        return Err(bad(format!("IntegrationType must be one of {}", kinds.join(", "))));
    }
    let timeout = &body["timeoutInMillis"];
    if !timeout.is_null() && !timeout.as_i64().is_some_and(|timeout| (50..=30_000).contains(&timeout)) {
        return Err(bad(format!("TimeoutInMillis must lie between 50 and 30000, not {timeout}")));
    }
    if kind != Some("AWS_PROXY") || !body["integrationSubtype"].is_null() {
        return Ok(());
    }
    let uri = body["integrationUri"].as_str().unwrap_or_default();
    if !(uri.starts_with("arn:aws:lambda:") || uri.starts_with("arn:aws:apigateway:")) && (creates || !uri.is_empty()) {
        return Err(bad(format!("IntegrationUri '{uri}' must be the ARN of a function")));
    }
    let version = body["payloadFormatVersion"].as_str();
    let known = version.is_some_and(|version| ["1.0", "2.0"].contains(&version)) || (!creates && version.is_none());
    known
        .then_some(())
        .ok_or_else(|| bad("PayloadFormatVersion is a required parameter for this integration: 1.0 or 2.0"))
}

fn check_stage(body: &Value, creates: bool) -> Result<(), Refusal> {
    let name = body["stageName"].as_str().unwrap_or_default();
    if creates && name != "$default" && !shaped(name, 1..=128, word("-_.")) {
        return Err(bad(format!("Stage name '{name}' must have 1 to 128 letters, digits, - _ or ., or be $default")));
    }
    if creates && body["autoDeploy"] == true && body["deploymentId"].is_string() {
        return Err(bad("DeploymentId cannot be given for a stage that deploys automatically"));
    }
    let log = &body["accessLogSettings"];
    let destination = log["destinationArn"].as_str().unwrap_or_default();
    if log.is_object()
        && !destination.is_empty()
        && !(destination.starts_with("arn:aws:logs:") || destination.starts_with("arn:aws:firehose:"))
    {
        return Err(bad(format!("Invalid ARN '{destination}' for access logs: a log group or a delivery stream")));
    }
    let missing_id = log["format"]
        .as_str()
        .is_some_and(|format| !format.contains("$context.requestId") && !format.contains("$context.extendedRequestId"));
    if missing_id {
        return Err(bad("Access log format must contain $context.requestId or $context.extendedRequestId"));
    }
    check_tags(body)
}

fn check_tags(body: &Value) -> Result<(), Refusal> {
    let Some(tags) = body["tags"].as_object() else { return Ok(()) };
    let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default()));
    tag_fault(pairs, MOST_TAGS).map_or(Ok(()), |fault| Err(bad(fault)))
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new("BadRequestException", message)
}

fn conflict(message: impl Into<String>) -> Refusal {
    Refusal::new("ConflictException", message).with_status(409)
}

/// Checks that need the rest of the API. Changes to one API are taken one after the other, so that two equal
/// routes sent at once are told apart.
#[derive(Default)]
pub(super) struct Conflicts {
    apis: Mutex<BTreeMap<String, Arc<AsyncMutex<()>>>>,
}

impl Rule for Conflicts {
    fn applies(&self, call: &Call) -> bool {
        let operations = ["CreateRoute", "UpdateRoute", "DeleteIntegration", "CreateStage", "UpdateStage"];
        call.service == "apigateway" && operations.contains(&call.operation.as_str())
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let segments = call.segments();
            let api = segments.get(2)?.clone();
            let id = segments.get(4).cloned().unwrap_or_default();
            let turn = self.turn(&api);
            let _held = turn.lock().await;
            // Done here and not by the pipeline, so that the turn lasts until MiniStack has answered.
            Some(match check_rest(call, &api, &id, Ask::new(call, upstream)).await {
                Ok(()) => carried_out(call, upstream).await,
                Err(refusal) => refusal.answer(call),
            })
        })
    }
}

impl Conflicts {
    fn turn(&self, api: &str) -> Arc<AsyncMutex<()>> {
        let mut apis = self.apis.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(apis.entry(api.to_owned()).or_default())
    }
}

async fn check_rest(call: &Call, api: &str, id: &str, ask: Ask<'_>) -> Result<(), Refusal> {
    let body = call.json();
    let list = |part: &'static str| items(ask, format!("/v2/apis/{api}/{part}"));
    match call.operation.as_str() {
        "CreateRoute" | "UpdateRoute" => {
            check_key_is_free(&list("routes").await, &body["routeKey"], id)?;
            check_target(&list("integrations").await, &body["target"])
        }
        "DeleteIntegration" => check_unused(&list("routes").await, id),
        "CreateStage" => check_stage_is_new(&list("stages").await, &body["stageName"]),
        _ => check_deployment(&list("stages").await, id, &body),
    }
}

/// All items of a list, page by page.
pub(super) async fn items(ask: Ask<'_>, path: String) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let Some(page) = ask.get("apigateway", &format!("{path}?maxResults=500{next}")).await else { return all };
        let page = page.body_json();
        all.extend(page["items"].as_array().cloned().unwrap_or_default());
        let Some(token) = page["nextToken"].as_str().filter(|token| !token.is_empty()) else { return all };
        next =
            format!("&nextToken={}", percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC));
    }
}

fn check_key_is_free(routes: &[Value], key: &Value, own_id: &str) -> Result<(), Refusal> {
    let taken = routes.iter().any(|route| route["routeKey"] == *key && route["routeId"] != own_id);
    if taken && key.is_string() {
        return Err(conflict(format!(
            "Route with key {} already exists for this API",
            key.as_str().unwrap_or_default()
        )));
    }
    if own_id.is_empty() && routes.len() >= MOST_ROUTES {
        return Err(Refusal::new("TooManyRequestsException", format!("An API has at most {MOST_ROUTES} routes"))
            .with_status(429));
    }
    Ok(())
}

fn check_target(integrations: &[Value], target: &Value) -> Result<(), Refusal> {
    let Some(target) = target.as_str().filter(|target| !target.is_empty()) else { return Ok(()) };
    let id = target.strip_prefix("integrations/").unwrap_or_default();
    let exists = integrations.iter().any(|integration| integration["integrationId"] == id);
    exists.then_some(()).ok_or_else(|| bad(format!("Invalid target '{target}': the API has no such integration")))
}

fn check_unused(routes: &[Value], integration: &str) -> Result<(), Refusal> {
    let target = format!("integrations/{integration}");
    match routes.iter().find(|route| route["target"] == target.as_str()) {
        Some(route) => Err(conflict(format!(
            "Cannot delete Integration '{integration}' which is referenced by route {}",
            route["routeKey"]
        ))),
        None => Ok(()),
    }
}

fn check_stage_is_new(stages: &[Value], name: &Value) -> Result<(), Refusal> {
    let taken = stages.iter().any(|stage| stage["stageName"] == *name);
    (!taken).then_some(()).ok_or_else(|| conflict(format!("Stage {name} already exists for this API")))
}

fn check_deployment(stages: &[Value], name: &str, body: &Value) -> Result<(), Refusal> {
    let stage = stages.iter().find(|stage| stage["stageName"] == name);
    let automatic = stage.is_some_and(|stage| stage["autoDeploy"] == true) && body["autoDeploy"] != false;
    let refused = automatic && body["deploymentId"].is_string();
    (!refused).then_some(()).ok_or_else(|| bad("DeploymentId cannot be changed while the stage deploys automatically"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::rest_call;
    use super::*;
    use http::Method;
    use serde_json::json;

    fn ask(operation: &str, body: Value) -> Result<(), Refusal> {
        check(&rest_call("apigateway", operation, Method::POST, "/v2/apis", body))
    }

    #[test]
    fn apis_and_cors() {
        assert_eq!(ask("CreateApi", json!({"name": "portal", "protocolType": "HTTP", "tags": {"a": "b"}})), Ok(()));
        assert!(ask("CreateApi", json!({"protocolType": "HTTP"})).is_err());
        assert!(ask("CreateApi", json!({"name": "n", "protocolType": "REST"})).is_err());
        assert!(
            ask("UpdateApi", json!({"corsConfiguration": {"allowCredentials": true, "allowOrigins": ["*"]}})).is_err()
        );
        assert_eq!(ask("UpdateApi", json!({"corsConfiguration": {"allowOrigins": ["*"], "maxAge": 300}})), Ok(()));
    }

    #[test]
    fn route_keys() {
        for good in ["GET /costs", "ANY /{proxy+}", "$default"] {
            assert_eq!(ask("CreateRoute", json!({"routeKey": good})), Ok(()), "{good}");
        }
        for bad in ["costs", "FETCH /b", "GET b", "get /b", ""] {
            assert!(ask("CreateRoute", json!({"routeKey": bad})).is_err(), "{bad}");
        }
        assert_eq!(ask("UpdateRoute", json!({"target": "integrations/a"})), Ok(()));
    }

    #[test]
    fn integrations_and_stages() {
        let good = json!({"integrationType": "AWS_PROXY", "integrationUri": "arn:aws:lambda:us-east-1:1:function:f", "payloadFormatVersion": "2.0"});
        assert_eq!(ask("CreateIntegration", good.clone()), Ok(()));
        for (key, value) in [
            ("timeoutInMillis", json!(40_000)),
            ("payloadFormatVersion", Value::Null),
            ("integrationUri", json!("nope")),
            ("integrationType", json!("LAMBDA")),
        ] {
            let mut body = good.clone();
            body[key] = value;
            assert!(ask("CreateIntegration", body).is_err(), "{key}");
        }
        assert_eq!(ask("CreateStage", json!({"stageName": "$default", "autoDeploy": true})), Ok(()));
        assert!(ask("CreateStage", json!({"stageName": "p r"})).is_err());
        assert!(ask("CreateStage", json!({"stageName": "p", "autoDeploy": true, "deploymentId": "d"})).is_err());
        let logs = |arn: &str, format: &str| json!({"stageName": "p", "accessLogSettings": {"destinationArn": arn, "format": format}});
        assert_eq!(ask("CreateStage", logs("arn:aws:logs:us-east-1:1:log-group:g", "$context.requestId")), Ok(()));
        assert!(ask("CreateStage", logs("nope", "$context.requestId")).is_err());
        assert!(ask("CreateStage", logs("arn:aws:logs:us-east-1:1:log-group:g", "$context.status")).is_err());
    }

    #[test]
    fn keys_targets_and_stages_are_compared_with_what_is_there() {
        let routes = [json!({"routeId": "r1", "routeKey": "GET /a", "target": "integrations/i1"})];
        assert_eq!(check_key_is_free(&routes, &json!("GET /a"), "").unwrap_err().code, "ConflictException");
        assert_eq!(check_key_is_free(&routes, &json!("GET /a"), "r1"), Ok(()));
        assert_eq!(check_key_is_free(&routes, &json!("GET /b"), ""), Ok(()));
        assert!(check_target(&[json!({"integrationId": "i1"})], &json!("integrations/i2")).is_err());
        assert_eq!(check_target(&[json!({"integrationId": "i1"})], &json!("integrations/i1")), Ok(()));
        assert!(check_unused(&routes, "i1").is_err());
        assert_eq!(check_unused(&routes, "i2"), Ok(()));
        let stages = [json!({"stageName": "prod", "autoDeploy": true})];
        assert!(check_stage_is_new(&stages, &json!("prod")).is_err());
        assert!(check_deployment(&stages, "prod", &json!({"deploymentId": "d"})).is_err());
        assert_eq!(check_deployment(&stages, "prod", &json!({"description": "d"})), Ok(()));
    }
}
