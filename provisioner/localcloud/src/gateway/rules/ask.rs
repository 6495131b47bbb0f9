//! Look-ups that a rule makes on behalf of a call: as root, in the call's own region.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde_json::Value;

use super::super::pipeline::{Answer, Call, Upstream};
use super::super::protocol;

/// Asks MiniStack in the region of a call.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    call: &'a Call,
    upstream: &'a Upstream,
}

impl<'a> Ask<'a> {
    /// Look-ups for this call.
    pub(super) fn new(call: &'a Call, upstream: &'a Upstream) -> Ask<'a> {
        Ask { call, upstream }
    }

    /// The region that look-ups are made in.
    pub(super) fn region(&self) -> &'a str {
        self.call.region.as_deref().unwrap_or(self.upstream.region())
    }

    /// The account.
    pub(super) fn account(&self) -> &'a str {
        self.upstream.account()
    }

    /// GETs from a REST service; none when it does not answer with success.
    pub(super) async fn get(&self, service: &str, path: &str) -> Option<Answer> {
        self.send(service, Method::GET, path, HeaderMap::new(), Bytes::new()).await
    }

    /// Asks a JSON service; none when it does not answer with success.
    pub(super) async fn target(&self, service: &str, target: &str, body: &Value) -> Option<Value> {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", HeaderValue::from_str(target).ok()?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        let answer = self.send(service, Method::POST, "/", headers, Bytes::from(body.to_string())).await?;
        Some(answer.body_json())
    }

    /// Asks IAM; none when it does not answer with success.
    pub(super) async fn iam(&self, pairs: &[(&str, &str)]) -> Option<String> {
        let mut all = vec![("Version", "2010-05-08")];
        all.extend_from_slice(pairs);
        let answer = self.upstream.form("iam", &all).await.ok().filter(Answer::is_success)?;
        Some(String::from_utf8_lossy(&answer.body).into_owned())
    }

    async fn send(
        &self,
        service: &str,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Option<Answer> {
        headers.insert(
            HOST,
            self.call.headers.get(HOST).cloned().unwrap_or_else(|| HeaderValue::from_static("localhost")),
        );
        let mut asked = Call {
            service: service.to_owned(),
            operation: String::new(),
            write: false,
            access_key: None,
            region: Some(self.region().to_owned()),
            method,
            uri: path.parse::<Uri>().ok()?,
            headers,
            body,
        };
        asked.authorise_as_root();
        self.upstream.forward(&asked).await.ok().filter(Answer::is_success)
    }
}

/// Sends the call itself, for rules that look at the answer before others do.
pub(super) async fn carried_out(call: &Call, upstream: &Upstream) -> Answer {
    match upstream.forward(call).await {
        Ok(answer) => answer,
        Err(error) => protocol::error(call, 503, "ServiceUnavailable", &error.to_string()),
    }
}
