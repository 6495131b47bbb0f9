//! The HTTP API's events, payload version 2.0, as far as handlers read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

/// A request that came through the HTTP API.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpRequest {
    /// Header names arrive in lower case; several values of one name are joined by commas.
    #[serde(deserialize_with = "or_default")]
    pub headers: BTreeMap<String, String>,
    /// The query, decoded; several values of one name are joined by commas.
    #[serde(deserialize_with = "or_default")]
    pub query_string_parameters: BTreeMap<String, String>,
    /// How it was called.
    pub request_context: RequestContext,
}

/// The part of a request's context that is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RequestContext {
    /// Method and path.
    pub http: HttpCall,
}

/// Method and path of a request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HttpCall {
    /// `GET`.
    pub method: String,
}

/// An answer to the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpResponse {
    /// HTTP status.
    pub status_code: u16,
    /// Header name -> value.
    pub headers: BTreeMap<&'static str, &'static str>,
    /// JSON text.
    pub body: String,
    /// Always false: the body is text.
    pub is_base64_encoded: bool,
}

/// On every answer: nothing of it is cached, framed, sniffed or run. CORS is the API's own to add.
const HEADERS: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("content-type", "application/json; charset=utf-8"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
];

impl HttpRequest {
    /// A header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A query parameter; an empty one counts as not given.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query_string_parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl HttpResponse {
    /// An answer with this JSON text.
    pub fn json(status_code: u16, body: String) -> HttpResponse {
        HttpResponse { status_code, headers: HEADERS.iter().copied().collect(), body, is_base64_encoded: false }
    }

    /// An error: `{"error":{"code","message"}}`.
    pub fn error(status_code: u16, code: &str, message: &str) -> HttpResponse {
        let mut response = Self::json(status_code, json!({"error": {"code": code, "message": message}}).to_string());
        if status_code == 401 {
            response.headers.insert("www-authenticate", "Bearer");
        }
        response
    }
}

/// An explicit `null` is nothing given.
fn or_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_the_http_api_is_read() {
        let event = json!({
            "version": "2.0", "routeKey": "GET /costs", "rawPath": "/prod/costs", "rawQueryString": "period=last-month",
            "headers": {"Authorization": "Bearer x", "host": "example.com"},
            "queryStringParameters": {"period": "last-month", "start": ""},
            "requestContext": {"http": {"method": "GET", "path": "/prod/costs"}, "stage": "prod"},
            "isBase64Encoded": false
        });
        let request: HttpRequest = serde_json::from_value(event).expect("a request");
        assert_eq!(request.header("authorization"), Some("Bearer x"));
        assert_eq!(request.query("period"), Some("last-month"));
        assert_eq!(request.query("start"), None);
        assert_eq!(request.request_context.http.method, "GET");
    }

    #[test]
    fn a_request_without_a_query_is_read() {
        let request: HttpRequest = serde_json::from_value(json!({"queryStringParameters": null})).expect("a request");
        assert_eq!(request.query("period"), None);
    }

    #[test]
    fn an_answer_is_text_with_safe_headers() {
        let response = HttpResponse::error(401, "unauthorized", "no token");
        let shown = serde_json::to_value(&response).expect("JSON");
        assert_eq!(shown["statusCode"], 401);
        assert_eq!(shown["isBase64Encoded"], false);
        assert_eq!(shown["headers"]["cache-control"], "no-store");
        assert_eq!(shown["headers"]["www-authenticate"], "Bearer");
        assert_eq!(shown["body"], r#"{"error":{"code":"unauthorized","message":"no token"}}"#);
    }
}
