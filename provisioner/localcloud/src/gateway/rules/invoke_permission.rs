//! An HTTP API may invoke a function only if the function's own policy says so: otherwise AWS answers 500 without
//! a reason. MiniStack invokes it anyway.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use http::{Method, Uri};
use serde_json::{Value, json};

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::ask::Ask;
use super::http_api::items;
use super::policy::ServiceCall;

const KEPT: Duration = Duration::from_secs(1);

/// Checks the way from a deployed API to its function. Only a yes is remembered, and only for a moment.
#[derive(Default)]
pub(super) struct InvokePermission {
    permitted: Mutex<BTreeMap<String, Instant>>,
}

/// Where a request to a deployed API goes.
#[derive(Debug, PartialEq, Eq)]
struct Destination {
    api: String,
    segments: Vec<String>,
}

impl Rule for InvokePermission {
    fn applies(&self, call: &Call) -> bool {
        call.service == "execute-api"
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            let destination = destination(call.header("host"), &call.uri)?;
            let known = format!("{} {}/{}", call.method, destination.api, destination.segments.join("/"));
            if self.is_known(&known) {
                return None;
            }
            if is_permitted(call, &destination, Ask::new(call, upstream)).await {
                self.permitted.lock().unwrap_or_else(PoisonError::into_inner).insert(known, Instant::now());
                return None;
            }
            Some(Answer::json(500, &json!({"message": "Internal Server Error"})))
        })
    }
}

impl InvokePermission {
    fn is_known(&self, key: &str) -> bool {
        let mut permitted = self.permitted.lock().unwrap_or_else(PoisonError::into_inner);
        permitted.retain(|_, at| at.elapsed() < KEPT);
        permitted.contains_key(key)
    }
}

/// Whether the request may reach its function. What does not reach one is MiniStack's to answer.
async fn is_permitted(call: &Call, destination: &Destination, ask: Ask<'_>) -> bool {
    let api = &destination.api;
    let stages = items(ask, format!("/v2/apis/{api}/stages")).await;
    let Some((stage, path)) = stage(&stages, &destination.segments) else { return true };
    let routes = items(ask, format!("/v2/apis/{api}/routes")).await;
    let Some(route) = route(&routes, &call.method, path) else { return true };
    // Without a token the authorizer answers before anything is invoked.
    if route["authorizationType"] != "NONE" && call.header("authorization").is_empty() {
        return true;
    }
    let id = route["target"].as_str().unwrap_or_default().trim_start_matches("integrations/");
    let Some(integration) = ask.get("apigateway", &format!("/v2/apis/{api}/integrations/{id}")).await else {
        return true;
    };
    let integration = integration.body_json();
    let Some(function) = function(integration["integrationUri"].as_str().unwrap_or_default()) else { return true };
    let key = route["routeKey"].as_str().unwrap_or_default();
    let source = format!(
        "arn:aws:execute-api:{}:{}:{api}/{stage}/{}",
        ask.region(),
        ask.account(),
        source_path(key, &call.method)
    );
    let policy = ask.get("lambda", &format!("/2015-03-31/functions/{}/policy", name(&function))).await;
    policy.is_some_and(|answer| admits(&answer.body_json(), &function, &source, ask.account()))
}

fn destination(host: &str, uri: &Uri) -> Option<Destination> {
    let mut segments: Vec<String> = uri.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if let Some(rest) = uri.path().strip_prefix("/_aws/execute-api/") {
        let api = rest.split('/').next().filter(|api| !api.is_empty())?.to_owned();
        return Some(Destination { api, segments: segments.split_off(3) });
    }
    let (api, rest) = host.split_once('.')?;
    rest.starts_with("execute-api.").then(|| Destination { api: api.to_owned(), segments })
}

/// The stage of a request and what is left of its path: the first segment, or `$default`.
fn stage<'a>(stages: &[Value], segments: &'a [String]) -> Option<(String, &'a [String])> {
    let named = |name: &str| stages.iter().any(|stage| stage["stageName"] == name);
    match segments.split_first() {
        Some((first, rest)) if named(first) => Some((first.clone(), rest)),
        _ if named("$default") => Some(("$default".to_owned(), segments)),
        _ => None,
    }
}

/// The route that takes a request: the more exact path wins, then the method over ANY, then `$default`.
fn route<'a>(routes: &'a [Value], method: &Method, path: &[String]) -> Option<&'a Value> {
    let ranked = routes.iter().filter_map(|route| Some((rank(route["routeKey"].as_str()?, method, path)?, route)));
    ranked.max_by_key(|(rank, _)| *rank).map(|(_, route)| route)
}

/// How well a route fits; none when it does not.
fn rank(key: &str, method: &Method, path: &[String]) -> Option<(usize, usize, bool)> {
    if key == "$default" {
        return Some((0, 0, false));
    }
    let (verb, template) = key.split_once(' ')?;
    if verb != "ANY" && verb != method.as_str() {
        return None;
    }
    let parts: Vec<&str> = template.split('/').filter(|part| !part.is_empty()).collect();
    let is_greedy = parts.last().is_some_and(|part| part.ends_with("+}"));
    let fits_length = if is_greedy { path.len() >= parts.len() } else { path.len() == parts.len() };
    let mut exact = 0;
    for (part, actual) in parts.iter().zip(path) {
        if part == actual {
            exact += 1;
        } else if !part.starts_with('{') {
            return None;
        }
    }
    // Any full match beats a greedy one, and a greedy one beats $default.
    fits_length.then_some((if is_greedy { 1 } else { 2 }, exact, verb != "ANY"))
}

/// What the source ARN says after the stage: the method that was used and the path as the route has it.
fn source_path(route_key: &str, method: &Method) -> String {
    route_key.split_once(' ').map_or_else(|| route_key.to_owned(), |(_, path)| format!("{method}{path}"))
}

/// The function's ARN in an integration, which may be wrapped into API Gateway's own.
fn function(uri: &str) -> Option<String> {
    let arn = match uri.split_once("/functions/") {
        Some((_, rest)) => rest.trim_end_matches("/invocations"),
        None => uri,
    };
    arn.starts_with("arn:aws:lambda:").then(|| arn.to_owned())
}

fn name(function_arn: &str) -> &str {
    function_arn.split(':').nth(6).unwrap_or_default()
}

fn admits(answer: &Value, function: &str, source: &str, account: &str) -> bool {
    let call = ServiceCall {
        service: "apigateway.amazonaws.com",
        action: "lambda:InvokeFunction",
        resource: function,
        source_arn: source,
        account,
    };
    call.is_admitted_by(answer["Policy"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn requests_name_their_api_by_host_or_path() {
        let at = |host: &str, uri: &str| destination(host, &uri.parse().unwrap());
        let expected = |api: &str, rest: &str| Some(Destination { api: api.to_owned(), segments: path(rest) });
        assert_eq!(at("a1.execute-api.localhost:4600", "/prod/costs?x=1"), expected("a1", "prod/costs"));
        assert_eq!(at("127.0.0.1:4600", "/_aws/execute-api/a1/prod/costs"), expected("a1", "prod/costs"));
        assert_eq!(at("127.0.0.1:4600", "/costs"), None);
    }

    #[test]
    fn the_stage_is_the_first_segment_or_the_default() {
        let stages = [json!({"stageName": "prod"}), json!({"stageName": "$default"})];
        let (prod, other) = (path("prod/costs"), path("costs"));
        assert_eq!(stage(&stages, &prod), Some(("prod".to_owned(), &prod[1..])));
        assert_eq!(stage(&stages, &other), Some(("$default".to_owned(), &other[..])));
        assert_eq!(stage(&stages[..1], &other), None);
    }

    #[test]
    fn the_most_exact_route_wins() {
        let routes: Vec<Value> = [
            "$default",
            "ANY /{proxy+}",
            "GET /customers/{id}",
            "GET /customers/me",
            "ANY /customers/me",
            "POST /costs",
        ]
        .iter()
        .map(|key| json!({"routeKey": key}))
        .collect();
        let found = |method: Method, text: &str| {
            route(&routes, &method, &path(text)).unwrap()["routeKey"].as_str().unwrap().to_owned()
        };
        assert_eq!(found(Method::GET, "customers/me"), "GET /customers/me");
        assert_eq!(found(Method::PUT, "customers/me"), "ANY /customers/me");
        assert_eq!(found(Method::GET, "customers/7"), "GET /customers/{id}");
        assert_eq!(found(Method::GET, "costs"), "ANY /{proxy+}");
        assert_eq!(found(Method::GET, ""), "$default");
        assert!(route(&routes[5..], &Method::GET, &path("costs")).is_none());
    }

    #[test]
    fn the_functions_policy_decides() {
        let function_arn = "arn:aws:lambda:us-east-1:1:function:f";
        let answer = |condition: Value| {
            let document = json!({"Statement": [{"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "lambda:InvokeFunction",
                "Resource": function_arn, "Condition": condition}]});
            json!({"Policy": document.to_string()})
        };
        let source = format!("arn:aws:execute-api:us-east-1:1:a1/prod/{}", source_path("GET /costs", &Method::GET));
        assert!(admits(
            &answer(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:1:a1/*/*"}})),
            function_arn,
            &source,
            "1"
        ));
        assert!(admits(
            &answer(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:1:a1/*/GET/costs"}})),
            function_arn,
            &source,
            "1"
        ));
        assert!(!admits(
            &answer(json!({"ArnLike": {"AWS:SourceArn": "arn:aws:execute-api:us-east-1:1:other/*"}})),
            function_arn,
            &source,
            "1"
        ));
        assert!(!admits(&json!({}), function_arn, &source, "1"));
        assert_eq!(source_path("$default", &Method::GET), "$default");
    }

    #[test]
    fn the_function_is_read_from_either_kind_of_uri() {
        let arn = "arn:aws:lambda:us-east-1:1:function:f";
        let wrapped = format!("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations");
        assert_eq!(function(arn).as_deref(), Some(arn));
        assert_eq!(function(&wrapped).as_deref(), Some(arn));
        assert_eq!(function("https://example.com"), None);
        assert_eq!(name(arn), "f");
    }
}
