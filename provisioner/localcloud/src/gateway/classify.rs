//! From a raw request to a [`Call`]: which service, which operation, reading or writing, signed by whom.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

use super::pipeline::Call;
use super::{routes, s3};

/// Parses a request. What cannot be named is called `unknown` or `METHOD /path`, and passes all the same.
pub fn classify(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Call {
    let mut call = Call {
        service: String::new(),
        operation: String::new(),
        write: false,
        access_key: None,
        region: None,
        method,
        uri,
        headers,
        body,
    };
    let scope = Scope::of(&call);
    call.service = service(&call, &scope);
    call.access_key = scope.access_key;
    call.region = scope.region;
    call.operation = operation(&call);
    call.write = writes(&call);
    call
}

/// What a signature says about itself.
#[derive(Default)]
struct Scope {
    access_key: Option<String>,
    region: Option<String>,
    service: Option<String>,
}

impl Scope {
    fn of(call: &Call) -> Scope {
        let in_header = call
            .header("authorization")
            .split_once("Credential=")
            .map(|(_, rest)| rest.split(',').next().unwrap_or(rest).trim().to_owned());
        let in_query = || {
            let named = |(name, _): &(String, String)| name.eq_ignore_ascii_case("x-amz-credential");
            call.query().into_iter().find(named).map(|(_, value)| value)
        };
        let Some(credential) = in_header.or_else(in_query) else {
            return Scope::default();
        };
        // key/date/region/service/aws4_request
        let mut parts = credential.split('/').map(str::to_owned);
        let access_key = parts.next().filter(|key| !key.is_empty());
        let _date = parts.next();
        Scope { access_key, region: parts.next(), service: parts.next() }
    }
}

fn service(call: &Call, scope: &Scope) -> String {
    let path = call.uri.path();
    if is_data_plane(call) {
        return "execute-api".to_owned();
    }
    if path.starts_with("/_ministack/") || path.starts_with("/_localstack/") {
        return "ministack".to_owned();
    }
    match &scope.service {
        // S3 Express and the object Lambda sign under names of their own.
        Some(service) if service == "s3express" => "s3".to_owned(),
        Some(service) => service.to_ascii_lowercase(),
        None => unsigned_service(call),
    }
}

/// Whether the request is for a deployed HTTP API and not for AWS.
fn is_data_plane(call: &Call) -> bool {
    let host = call.header("host");
    host.split_once('.').is_some_and(|(_, rest)| rest.starts_with("execute-api."))
        || call.uri.path().starts_with("/_aws/execute-api/")
}

fn unsigned_service(call: &Call) -> String {
    let target = call.header("x-amz-target");
    let known =
        [("AWSCognitoIdentityProviderService", "cognito-idp"), ("AWSCognitoIdentityService", "cognito-identity")];
    let by_target = known.iter().find(|(prefix, _)| target.starts_with(prefix)).map(|(_, service)| *service);
    by_target.unwrap_or("unknown").to_owned()
}

fn operation(call: &Call) -> String {
    let path = call.uri.path();
    if call.service == "execute-api" {
        return "Invoke".to_owned();
    }
    if let Some((_, operation)) = call.header("x-amz-target").rsplit_once('.') {
        return operation.to_owned();
    }
    // Smithy RPC v2: /service/NAME/operation/NAME
    if let Some((_, operation)) = path.rsplit_once("/operation/").filter(|_| path.starts_with("/service/")) {
        return operation.to_owned();
    }
    if call.service == "s3" {
        return s3::operation(call);
    }
    if let Some(operation) = routes::operation(&call.service, &call.method, &call.segments()) {
        return operation.to_owned();
    }
    match call.parameter("Action") {
        Some(action) if path == "/" => action,
        _ => template(&call.method, &call.segments()),
    }
}

/// `GET /v2/apis/{}` for a path without a name: what looks like an id is left out, so that calls can be counted.
fn template(method: &Method, segments: &[String]) -> String {
    let is_id = |segment: &str| {
        let version = segment.starts_with('v') && segment[1..].chars().all(|letter| letter.is_ascii_digit());
        !version && (segment.len() > 24 || segment.chars().any(|letter| letter.is_ascii_digit() || letter == ':'))
    };
    let shown: Vec<&str> = segments.iter().map(|segment| if is_id(segment) { "{}" } else { segment }).collect();
    format!("{method} /{}", shown.join("/"))
}

const READING: &[&str] = &[
    "Get",
    "List",
    "Describe",
    "Head",
    "BatchGet",
    "TransactGet",
    "Query",
    "Scan",
    "Lookup",
    "Filter",
    "Search",
    "Simulate",
    "Select",
    "Assume",
    "Decode",
    "Test",
    "Validate",
    "Check",
    "Estimate",
    "GenerateCredentialReport",
];

fn writes(call: &Call) -> bool {
    let reads_by_method = call.method == Method::GET || call.method == Method::HEAD || call.method == Method::OPTIONS;
    let named = call.operation.chars().next().is_some_and(char::is_uppercase) && !call.operation.contains(' ');
    match (call.service.as_str(), named) {
        ("execute-api" | "ministack" | "unknown", _) | (_, false) => !reads_by_method,
        (_, true) => !READING.iter().any(|prefix| call.operation.starts_with(prefix)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn parsed(method: &str, uri: &str, headers: &[(&str, &str)], body: &'static str) -> Call {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        classify(method.parse().unwrap(), uri.parse().unwrap(), map, Bytes::from_static(body.as_bytes()))
    }

    fn signed(service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential=AKIA9/20261121/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=ab"
        )
    }

    #[test]
    fn json_services_are_named_by_their_target() {
        let headers = [("authorization", &*signed("dynamodb")), ("x-amz-target", "DynamoDB_20120810.TransactGetItems")];
        let call = parsed("POST", "/", &headers, "{}");
        assert_eq!(
            (call.service.as_str(), call.operation.as_str(), call.write),
            ("dynamodb", "TransactGetItems", false)
        );
        assert_eq!((call.access_key.as_deref(), call.region.as_deref()), (Some("AKIA9"), Some("eu-west-1")));
        let headers =
            [("authorization", &*signed("budgets")), ("x-amz-target", "AWSBudgetServiceGateway.CreateBudget")];
        assert!(parsed("POST", "/", &headers, "{}").write);
    }

    #[test]
    fn query_services_are_named_by_their_action() {
        let call = parsed("POST", "/", &[("authorization", &signed("iam"))], "Action=CreateRole&Version=2010-05-08");
        assert_eq!((call.operation.as_str(), call.write), ("CreateRole", true));
    }

    #[test]
    fn rest_services_are_named_by_path_and_method() {
        let lambda =
            |method: &str, uri: &str| parsed(method, uri, &[("authorization", &signed("lambda"))], "").operation;
        assert_eq!(lambda("POST", "/2015-03-31/functions"), "CreateFunction");
        assert_eq!(lambda("GET", "/2015-03-31/functions/?MaxItems=50"), "ListFunctions");
        assert_eq!(lambda("GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A1%3Afunction%3Af"), "ListTags");
        assert_eq!(lambda("DELETE", "/2015-03-31/functions/f/policy/s"), "RemovePermission");
        let api =
            |method: &str, uri: &str| parsed(method, uri, &[("authorization", &signed("apigateway"))], "").operation;
        assert_eq!(api("PATCH", "/v2/apis/a1b2/routes/r1"), "UpdateRoute");
        assert_eq!(api("POST", "/v2/tags/arn:aws:apigateway:us-east-1::/apis/a1"), "TagResource");
        assert_eq!(api("GET", "/v2/portals/x9y8"), "GET /v2/portals/{}");
    }

    #[test]
    fn a_deployed_api_is_not_aws() {
        let call = parsed("POST", "/costs", &[("host", "a1b2.execute-api.localhost:4600")], "");
        assert_eq!((call.service.as_str(), call.operation.as_str(), call.write), ("execute-api", "Invoke", true));
        assert_eq!(parsed("GET", "/_aws/execute-api/a1b2/prod/costs", &[], "").service, "execute-api");
        assert_eq!(parsed("GET", "/_ministack/health", &[], "").service, "ministack");
    }

    #[test]
    fn presigned_requests_carry_their_scope_in_the_query() {
        let call =
            parsed("GET", "/bucket/key?X-Amz-Credential=AKIA7%2F20261121%2Fus-east-1%2Fs3%2Faws4_request", &[], "");
        assert_eq!((call.service.as_str(), call.operation.as_str()), ("s3", "GetObject"));
        assert_eq!(call.access_key.as_deref(), Some("AKIA7"));
    }
}
