//! An answer to the HTTP API: JSON, a page, a redirect or a file, always with headers that keep it safe.

use std::collections::BTreeMap;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::Cookie;

/// An answer to the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Header name in lower case -> value.
    pub headers: BTreeMap<&'static str, String>,
    /// `Set-Cookie` values.
    pub cookies: Vec<String>,
    /// Text or bytes.
    pub body: Body,
}

/// What an answer carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Sent as it stands.
    Text(String),
    /// Sent in base64, which the gateway decodes.
    Bytes(Vec<u8>),
}

/// On every answer: nothing of it is cached, framed or sniffed, and no other site is told of it. CORS is the API's own to
/// add. With `no-referrer` browsers would send a form of our own pages as from nowhere, with `Origin: null`.
const HEADERS: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    ("referrer-policy", "same-origin"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
];

/// Data is never run or shown as a page.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// A page uses styles, images and scripts of its own origin, and images that it holds itself; nothing inline runs.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self'; \
                           connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Shorter texts fit into one packet as they are.
const WORTH_BYTES: usize = 1_000;

/// Compressed as browsers take it. Writing into memory does not fail; if it did, the empty answer would be seen at once.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(bytes).and_then(|()| encoder.finish()).unwrap_or_default()
}

impl Response {
    fn new(status: u16, policy: &str, content_type: &str, body: Body) -> Response {
        let mut headers: BTreeMap<&'static str, String> =
            HEADERS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        headers.insert("content-security-policy", policy.to_owned());
        headers.insert("content-type", content_type.to_owned());
        Response { status, headers, cookies: Vec::new(), body }
    }

    /// JSON text.
    pub fn json(status: u16, body: String) -> Response {
        Self::new(status, DATA_POLICY, "application/json; charset=utf-8", Body::Text(body))
    }

    /// A page.
    pub fn html(status: u16, body: String) -> Response {
        Self::new(status, PAGE_POLICY, "text/html; charset=utf-8", Body::Text(body))
    }

    /// 303: the browser asks for `location` with GET. Control characters in it are percent-encoded, so that it cannot
    /// begin another header.
    pub fn redirect(location: &str) -> Response {
        let mut response = Self::new(303, DATA_POLICY, "text/plain; charset=utf-8", Body::Text(String::new()));
        response.headers.insert("location", utf8_percent_encode(location, percent_encoding::CONTROLS).to_string());
        response
    }

    /// A file to save under `name`.
    pub fn file(name: &str, content_type: &str, bytes: Vec<u8>) -> Response {
        let mut response = Self::new(200, DATA_POLICY, content_type, Body::Bytes(bytes));
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        response.headers.insert("content-disposition", format!("attachment; filename*=UTF-8''{name}"));
        response
    }

    /// A table to save under `name`.
    pub fn csv(name: &str, text: String) -> Response {
        Self::file(name, "text/csv; charset=utf-8", text.into_bytes())
    }

    /// A style or a script. Its name says what it holds, so that browsers keep it for ever.
    pub fn asset(content_type: &str, text: &str) -> Response {
        let asset = Self::new(200, DATA_POLICY, content_type, Body::Text(text.to_owned()));
        asset.with_header("cache-control", "public, max-age=31536000, immutable")
    }

    /// A page that shows an image of this address as well; one that it holds itself needs no leave.
    #[must_use]
    pub fn with_images_of(self, address: Option<&str>) -> Response {
        let host = address.and_then(|address| address.strip_prefix("https://")).and_then(|rest| rest.split('/').next());
        match host.filter(|host| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b))) {
            Some(host) => {
                let own = format!("img-src 'self' data: https://{host};");
                self.with_header("content-security-policy", PAGE_POLICY.replace("img-src 'self' data:;", &own))
            }
            None => self,
        }
    }

    /// Compressed where the request's `Accept-Encoding` takes it and it is worth it. The gateway does not compress.
    #[must_use]
    pub fn compressed(self, accepted: Option<&str>) -> Response {
        let takes = |coding: &str| {
            let mut parts = coding.split(';').map(str::trim);
            let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
            is_gzip && !parts.any(|weight| ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains(&weight))
        };
        let is_taken = accepted.is_some_and(|header| header.split(',').any(takes));
        let response = self.with_header("vary", "accept-encoding");
        match &response.body {
            Body::Text(text) if is_taken && text.len() >= WORTH_BYTES => {
                let body = Body::Bytes(gzip(text.as_bytes()));
                Response { body, ..response }.with_header("content-encoding", "gzip")
            }
            _ => response,
        }
    }

    /// With a cookie.
    #[must_use]
    pub fn with_cookie(mut self, cookie: &Cookie) -> Response {
        self.cookies.push(cookie.to_string());
        self
    }

    /// With a header of its own.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Response {
        self.headers.insert(name, value.into());
        self
    }

    /// The body as text; empty for bytes.
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Text(text) => text,
            Body::Bytes(_) => "",
        }
    }
}

/// Payload version 2.0: `{"statusCode","headers","cookies","body","isBase64Encoded"}`.
impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_struct("Response", 5)?;
        event.serialize_field("statusCode", &self.status)?;
        event.serialize_field("headers", &self.headers)?;
        match self.cookies.is_empty() {
            true => event.skip_field("cookies")?,
            false => event.serialize_field("cookies", &self.cookies)?,
        }
        match &self.body {
            Body::Text(text) => event.serialize_field("body", text)?,
            Body::Bytes(bytes) => event.serialize_field("body", &STANDARD.encode(bytes))?,
        }
        event.serialize_field("isBase64Encoded", &matches!(self.body, Body::Bytes(_)))?;
        event.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_redirects_and_files_are_what_the_gateway_takes() {
        let page = Response::html(200, "<p>hi</p>".to_owned()).with_cookie(&Cookie::session("s", "1", 60));
        let shown = serde_json::to_value(&page).expect("JSON");
        assert_eq!(shown["headers"]["content-type"], "text/html; charset=utf-8");
        assert!(!PAGE_POLICY.contains("unsafe"));
        assert_eq!(shown["headers"]["content-security-policy"], PAGE_POLICY);
        assert_eq!(shown["cookies"], json!(["__Host-s=1; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"]));

        let elsewhere = serde_json::to_value(Response::redirect("/signin?next=%2F")).expect("JSON");
        assert_eq!(
            (&elsewhere["statusCode"], &elsewhere["headers"]["location"]),
            (&json!(303), &json!("/signin?next=%2F"))
        );
        assert_eq!(elsewhere.get("cookies"), None);

        let file = Response::file("Rechnung Ä.pdf", "application/pdf", b"%PDF".to_vec());
        let shown = serde_json::to_value(file).expect("JSON");
        assert_eq!((&shown["body"], &shown["isBase64Encoded"]), (&json!("JVBERg=="), &json!(true)));
        assert_eq!(shown["headers"]["content-disposition"], "attachment; filename*=UTF-8''Rechnung%20%C3%84%2Epdf");
    }

    proptest! {
        #[test]
        fn no_text_begins_another_header(text in any::<String>()) {
            let redirect = Response::redirect(&text);
            let file = Response::file(&text, "text/csv", Vec::new());
            for value in redirect.headers.values().chain(file.headers.values()) {
                prop_assert!(!value.chars().any(char::is_control), "{value:?}");
            }
        }
    }
}
