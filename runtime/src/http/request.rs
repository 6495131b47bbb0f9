//! A request as the HTTP API hands it to a function: payload version 2.0.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::Refusal;

/// A request that came through the HTTP API.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Wire")]
pub struct Request {
    /// The route that the gateway chose: `GET /invoices/{month}`.
    pub route: String,
    /// `GET`.
    pub method: String,
    /// The path, with the stage's name in front of it unless the stage is `$default`.
    pub path: String,
    /// Values of the route's `{…}` parts, decoded by the gateway.
    pub parameters: BTreeMap<String, String>,
    /// The query, decoded; several values of one name are joined by commas.
    pub query: BTreeMap<String, String>,
    /// Header names arrive in lower case; several values of one name are joined by commas.
    pub headers: BTreeMap<String, String>,
    /// `name=value` of each cookie.
    pub cookies: Vec<String>,
    /// The raw bytes, as the client sent them.
    pub body: Vec<u8>,
    /// Claims that a JWT authorizer of the gateway verified; empty on routes without one.
    pub claims: BTreeMap<String, String>,
}

/// The event's fields that are read. An explicit `null` is nothing given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Wire {
    route_key: String,
    raw_path: String,
    #[serde(deserialize_with = "or_default")]
    path_parameters: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    query_string_parameters: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    cookies: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    body: String,
    is_base64_encoded: bool,
    request_context: Context,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    http: Http,
    #[serde(deserialize_with = "or_default")]
    authorizer: Authorizer,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Http {
    method: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authorizer {
    #[serde(deserialize_with = "or_default")]
    jwt: Jwt,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Jwt {
    #[serde(deserialize_with = "or_default")]
    claims: BTreeMap<String, String>,
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl TryFrom<Wire> for Request {
    type Error = base64::DecodeError;

    fn try_from(wire: Wire) -> Result<Request, base64::DecodeError> {
        let body = match wire.is_base64_encoded {
            true => STANDARD.decode(wire.body)?,
            false => wire.body.into_bytes(),
        };
        Ok(Request {
            route: wire.route_key,
            method: wire.request_context.http.method,
            path: wire.raw_path,
            parameters: wire.path_parameters,
            query: wire.query_string_parameters,
            headers: wire.headers,
            cookies: wire.cookies,
            body,
            claims: wire.request_context.authorizer.jwt.claims,
        })
    }
}

impl Request {
    /// A header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A query parameter; an empty one counts as not given.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of the route's `{name}`.
    ///
    /// # Errors
    /// 404 when it is missing or empty: the path names nothing.
    pub fn parameter(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(Refusal::no_route)
    }

    /// A cookie's value. The gateway lists cookies apart from the headers; other servers leave them in `cookie`.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let header = self.header("cookie").into_iter().flat_map(|cookies| cookies.split(';'));
        let all = self.cookies.iter().map(String::as_str).chain(header);
        all.filter_map(|cookie| cookie.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The token of `Authorization: Bearer …`.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.trim().split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// 400 when it is not JSON of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|problem| Refusal::new(400, "bad_body", format!("the body is not valid: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn request(event: Value) -> Request {
        serde_json::from_value(event).expect("a request")
    }

    #[test]
    fn an_event_of_the_http_api_is_read() {
        let request = request(json!({
            "version": "2.0", "routeKey": "GET /costs", "rawPath": "/prod/costs", "rawQueryString": "period=last-month",
            "cookies": ["__Host-a=1", "b=two=2"],
            "headers": {"Authorization": "Bearer x", "host": "example.com"},
            "queryStringParameters": {"period": "last-month", "start": ""},
            "requestContext": {"http": {"method": "GET", "path": "/prod/costs"}, "stage": "prod",
                "authorizer": {"jwt": {"claims": {"sub": "u1", "token_use": "access"}, "scopes": null}}},
            "pathParameters": {"month": "2026-10"}, "isBase64Encoded": false
        }));
        assert_eq!((request.route.as_str(), request.path.as_str()), ("GET /costs", "/prod/costs"));
        assert_eq!(request.header("authorization"), Some("Bearer x"));
        assert_eq!(request.bearer(), Some("x"));
        assert_eq!(request.query("period"), Some("last-month"));
        assert_eq!(request.query("start"), None);
        assert_eq!(request.method, "GET");
        assert_eq!(
            (request.cookie("__Host-a"), request.cookie("b"), request.cookie("c")),
            (Some("1"), Some("two=2"), None)
        );
        assert_eq!(request.parameter("month").ok(), Some("2026-10"));
        assert_eq!(request.parameter("year").err().map(|refusal| refusal.status), Some(404));
        assert_eq!(request.claims["sub"], "u1");
    }

    #[test]
    fn a_request_without_a_query_is_read() {
        let event =
            json!({"queryStringParameters": null, "pathParameters": null, "requestContext": {"authorizer": null}});
        assert_eq!(request(event).query("period"), None);
    }

    #[test]
    fn cookies_of_the_header_are_read_too() {
        let request = request(json!({"headers": {"cookie": "a=1; b=2"}}));
        assert_eq!((request.cookie("a"), request.cookie("b"), request.cookie("")), (Some("1"), Some("2"), None));
    }

    #[test]
    fn a_body_is_read_as_json_or_refused() {
        let good = request(json!({"body": "{\"a\": 1}", "isBase64Encoded": false}));
        assert_eq!(good.json::<Value>().ok(), Some(json!({"a": 1})));
        let bad = request(json!({"body": "a=1"})).json::<Value>().expect_err("a refusal");
        assert_eq!((bad.status, bad.code), (400, "bad_body"));
        assert!(serde_json::from_value::<Request>(json!({"body": "%", "isBase64Encoded": true})).is_err());
    }

    proptest! {
        /// Signatures are computed over the bytes that the client sent.
        #[test]
        fn any_bytes_come_back_from_base64(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let event = json!({"body": STANDARD.encode(&bytes), "isBase64Encoded": true});
            prop_assert_eq!(request(event).body, bytes);
        }

        #[test]
        fn any_text_is_a_cookie_header(text in ".{0,60}", name in "[a-z]{0,3}") {
            let _ = request(json!({"headers": {"cookie": text}})).cookie(&name);
        }
    }
}
