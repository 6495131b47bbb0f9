//! What a request becomes on its way through the gateway, and how rules take part.
//!
//! A [`Call`] is parsed once; each [`Rule`] that applies may change it, answer it itself, or change MiniStack's
//! [`Answer`]. A rule that needs to look something up asks [`Upstream`], whose requests are root's and are
//! neither counted nor passed through the rules again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::cbor;

/// One request to AWS, parsed.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service as requests are signed for it: `iam`, `dynamodb`, `s3`, `lambda`, `apigateway`, `events`, `logs`,
    /// `secretsmanager`, `budgets`, `cur`, `ce`, `sts`; `execute-api` for a deployed HTTP API; `ministack` for its own pages.
    pub service: String,
    /// The operation as the AWS API names it (`CreateFunction`), else `METHOD /path` with ids left out.
    pub operation: String,
    /// Whether the operation changes something.
    pub write: bool,
    /// The access key id the request was signed with.
    pub access_key: Option<String>,
    /// The region of the signature.
    pub region: Option<String>,
    /// The HTTP method.
    pub method: Method,
    /// Path and query, as they came.
    pub uri: Uri,
    /// The headers, as they came.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Call {
    /// The body as JSON, that of CloudWatch read from CBOR; `Null` when it is none.
    pub fn json(&self) -> Value {
        parsed(&self.headers, &self.body)
    }

    /// The decoded pairs of a form body (the query protocol of IAM and STS).
    pub fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }

    /// The decoded pairs of the query string.
    pub fn query(&self) -> Vec<(String, String)> {
        pairs(self.uri.query().unwrap_or_default())
    }

    /// A parameter of the form body or, failing that, of the query string.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let found = |list: Vec<(String, String)>| list.into_iter().find(|(key, _)| key == name).map(|(_, value)| value);
        found(self.form()).or_else(|| found(self.query()))
    }

    /// The decoded segments of the path, empty ones left out.
    pub fn segments(&self) -> Vec<String> {
        let path = self.uri.path();
        path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
    }

    /// A header as text; empty when absent or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Replaces the signature by root's, which MiniStack lets do everything: for calls that the gateway has
    /// authorised itself. `access_key` keeps saying who asked.
    pub fn authorise_as_root(&mut self) {
        let region = self.region.clone().unwrap_or_else(|| "us-east-1".to_owned());
        self.headers.insert(AUTHORIZATION, root_credential(&self.service, &region));
        self.headers.remove("x-amz-security-token");
    }
}

/// The answer to a call, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers; content-length is set when the answer is sent.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Answer {
    /// An answer with a body of the given content type.
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Answer { status, headers, body: body.into() }
    }

    /// A JSON answer (`application/json`).
    pub fn json(status: u16, body: &Value) -> Answer {
        Answer::new(status, "application/json", body.to_string())
    }

    /// The same answer with one more header.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Answer {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// Whether the status is a success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON, that of CloudWatch read from CBOR; `Null` when it is none.
    pub fn body_json(&self) -> Value {
        parsed(&self.headers, &self.body)
    }
}

/// MiniStack did not answer.
#[derive(Debug, thiserror::Error)]
#[error("MiniStack at {address} did not answer: {cause}; its log is in the local cloud's folder")]
pub struct UpstreamError {
    address: String,
    cause: String,
}

/// The way to MiniStack behind the gateway.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    address: String,
    account: String,
    region: String,
}

impl Upstream {
    /// The way to the MiniStack that listens on `address` (`127.0.0.1:4600`).
    pub fn new(address: String, account: String, region: String) -> Upstream {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        // MiniStack closes idle connections after 75 s; ours go first, so that none closes under a request.
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(60)).build(connector);
        Upstream { client, address, account, region }
    }

    /// The account that MiniStack serves.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region of root's own requests.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Sends the call as it is, with its own signature and Host.
    pub async fn forward(&self, call: &Call) -> Result<Answer, UpstreamError> {
        let path = call.uri.path_and_query().map_or("/", |path| path.as_str());
        self.send(&call.method, path, &call.headers, call.body.clone()).await
    }

    /// Sends root's request to a REST service (`lambda`, `apigateway`, `s3`): method, path with query, body.
    pub async fn rest(
        &self,
        service: &str,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<Answer, UpstreamError> {
        let headers = self.root_headers(service, "application/json");
        self.send(&method, path, &headers, body.into()).await
    }

    /// Sends root's request to a JSON service by its target (`DynamoDB_20120810.DescribeTable`).
    pub async fn target(&self, service: &str, target: &str, body: &Value) -> Result<Answer, UpstreamError> {
        let mut headers = self.root_headers(service, "application/x-amz-json-1.1");
        if let Ok(target) = HeaderValue::from_str(target) {
            headers.insert("x-amz-target", target);
        }
        self.send(&Method::POST, "/", &headers, Bytes::from(body.to_string())).await
    }

    /// All pages of a list of a JSON service that pages by `NextToken`: what stands at `key` of every answer.
    pub async fn list(
        &self,
        service: &str,
        target: &str,
        mut asked: Value,
        key: &str,
    ) -> Result<Vec<Value>, UpstreamError> {
        let mut found = Vec::new();
        loop {
            let mut answer = self.target(service, target, &asked).await?.body_json();
            if let Value::Array(page) = answer[key].take() {
                found.extend(page);
            }
            match answer["NextToken"].take() {
                token @ Value::String(_) => asked["NextToken"] = token,
                _ => return Ok(found),
            }
        }
    }

    /// Sends root's request to a query service (`iam`, `sts`); the pairs are `Action`, `Version` and the parameters.
    pub async fn form(&self, service: &str, pairs: &[(&str, &str)]) -> Result<Answer, UpstreamError> {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let body: Vec<String> = pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
        let headers = self.root_headers(service, "application/x-www-form-urlencoded");
        self.send(&Method::POST, "/", &headers, Bytes::from(body.join("&"))).await
    }

    fn root_headers(&self, service: &str, content_type: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, root_credential(service, &self.region));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers
    }

    async fn send(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Answer, UpstreamError> {
        let failed =
            |cause: &dyn std::error::Error| UpstreamError { address: self.address.clone(), cause: chain(cause) };
        let uri: Uri =
            format!("http://{}{path}", self.address).parse().map_err(|error: http::uri::InvalidUri| failed(&error))?;
        let size = body.len().to_string();
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = end_to_end(headers);
        // A rule may have changed the body; otherwise the length stays, because the signature may cover it.
        if request.headers().get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != size.as_bytes()) {
            request.headers_mut().remove(CONTENT_LENGTH);
        }
        let response = self.client.request(request).await.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| failed(&error))?.to_bytes();
        let mut headers = end_to_end(&parts.headers);
        // A HEAD answer tells a length it does not carry, every other length is told anew when the answer is sent.
        if method != Method::HEAD {
            headers.remove(CONTENT_LENGTH);
        }
        Ok(Answer { status: parts.status.as_u16(), headers, body })
    }
}

/// One thing that AWS does and MiniStack does not.
pub trait Rule: Send + Sync {
    /// Whether this rule has anything to say about the call.
    fn applies(&self, call: &Call) -> bool;

    /// Before MiniStack sees the call: change it, or answer instead of MiniStack.
    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        let _ = (call, upstream);
        Box::pin(std::future::ready(None))
    }

    /// After MiniStack (or another rule's `before`) answered: change the answer.
    fn after<'a>(&'a self, call: &'a Call, answer: Answer, upstream: &'a Upstream) -> BoxFuture<'a, Answer> {
        let _ = (call, upstream);
        Box::pin(std::future::ready(answer))
    }

    /// Forgets what it has seen: the account is empty again.
    fn reset(&self) {}
}

/// The rules of one gateway, in order. Clones are the same rules.
#[derive(Clone)]
pub struct Rules(Arc<[Box<dyn Rule>]>);

impl Rules {
    /// These rules, in this order.
    pub fn new(rules: Vec<Box<dyn Rule>>) -> Rules {
        Rules(rules.into())
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Box<dyn Rule>] {
        &self.0
    }

    /// Has every rule forget what it has seen.
    pub fn reset(&self) {
        self.0.iter().for_each(|rule| rule.reset());
    }
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rules", self.0.len())
    }
}

/// Runs a call through the rules and MiniStack. The rules' `before` run in order, their `after` in reverse, and
/// only the `after` of those whose `before` was reached.
pub async fn run(rules: &[Box<dyn Rule>], mut call: Call, upstream: &Upstream) -> Result<Answer, UpstreamError> {
    let mut reached: Vec<&dyn Rule> = Vec::new();
    let mut answer = None;
    for rule in rules.iter().map(Box::as_ref).filter(|rule| rule.applies(&call)).collect::<Vec<_>>() {
        reached.push(rule);
        answer = rule.before(&mut call, upstream).await;
        if answer.is_some() {
            break;
        }
    }
    let mut answer = match answer {
        Some(answer) => answer,
        None => upstream.forward(&call).await?,
    };
    for rule in reached.into_iter().rev() {
        answer = rule.after(&call, answer, upstream).await;
    }
    Ok(answer)
}

/// The `Authorization` of MiniStack's root, whose signature it does not check.
fn root_credential(service: &str, region: &str) -> HeaderValue {
    let text = format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    );
    HeaderValue::from_str(&text).unwrap_or_else(|_| {
        HeaderValue::from_static(
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0",
        )
    })
}

/// The headers without those that concern one connection only. Host stays: signatures cover it.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for name in
        ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer", "expect"]
    {
        kept.remove(name);
    }
    kept
}

fn parsed(headers: &HeaderMap, body: &[u8]) -> Value {
    let is_cbor = headers.get(CONTENT_TYPE).is_some_and(|given| given.as_bytes() == cbor::CONTENT_TYPE.as_bytes());
    let found = if is_cbor { cbor::to_json(body) } else { serde_json::from_slice(body).ok() };
    found.unwrap_or(Value::Null)
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let split = |pair: &str| {
        pair.split_once('=').map_or((pair.to_owned(), String::new()), |(key, value)| (key.to_owned(), value.to_owned()))
    };
    let decode = |text: String| decoded(&text.replace('+', " "));
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(split)
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(uri: &str, body: &'static str) -> Call {
        Call {
            service: "iam".into(),
            operation: "GetRole".into(),
            write: false,
            access_key: Some("AKIA1".into()),
            region: Some("eu-west-1".into()),
            method: Method::POST,
            uri: uri.parse().unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    #[test]
    fn parameters_are_decoded_from_body_then_query() {
        let call = call("/a%2Fb/c?Name=query&Only=x%20y", "Action=GetRole&Name=a+b%2Fc");
        assert_eq!(call.parameter("Name").as_deref(), Some("a b/c"));
        assert_eq!(call.parameter("Only").as_deref(), Some("x y"));
        assert_eq!(call.segments(), ["a/b", "c"]);
        assert_eq!(call.parameter("Missing"), None);
    }

    #[test]
    fn root_takes_the_place_of_the_signature_but_not_of_the_caller() {
        let mut call = call("/", "");
        call.headers.insert("x-amz-security-token", HeaderValue::from_static("t"));
        call.authorise_as_root();
        assert!(call.header("authorization").contains("Credential=test/20260101/eu-west-1/iam/"));
        assert_eq!(call.header("x-amz-security-token"), "");
        assert_eq!(call.access_key.as_deref(), Some("AKIA1"));
    }

    struct Answers(&'static str);
    impl Rule for Answers {
        fn applies(&self, call: &Call) -> bool {
            call.service == "iam"
        }
        fn before<'a>(&'a self, _: &'a mut Call, _: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
            Box::pin(async { (!self.0.is_empty()).then(|| Answer::new(200, "text/plain", self.0)) })
        }
        fn after<'a>(&'a self, _: &'a Call, mut answer: Answer, _: &'a Upstream) -> BoxFuture<'a, Answer> {
            Box::pin(async move {
                answer.body = [answer.body.as_ref(), b"<", self.0.as_bytes()].concat().into();
                answer
            })
        }
    }

    #[tokio::test]
    async fn the_first_answer_wins_and_after_runs_in_reverse_for_those_reached() {
        let rules: Vec<Box<dyn Rule>> = vec![Box::new(Answers("")), Box::new(Answers("b")), Box::new(Answers("c"))];
        let upstream = Upstream::new("127.0.0.1:1".into(), "123456789012".into(), "us-east-1".into());
        let answer = run(&rules, call("/", ""), &upstream).await.unwrap();
        assert_eq!(answer.body, "b<b<");
    }

    #[tokio::test]
    async fn a_silent_ministack_is_an_error_that_names_the_address() {
        let upstream = Upstream::new("127.0.0.1:1".into(), "123456789012".into(), "us-east-1".into());
        let error = run(&[], call("/", ""), &upstream).await.unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:1"), "{error}");
    }
}
