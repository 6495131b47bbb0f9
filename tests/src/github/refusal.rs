//! What the stand-in refuses, in GitHub's words.

use serde_json::{Value, json};

/// One way of refusing. `provenance.toml` has a row for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No token, or another one.
    BadCredentials,
    /// No `User-Agent`.
    NoUserAgent,
    /// Another `X-GitHub-Api-Version` than a published one.
    UnknownVersion,
    /// The token may not write there.
    NotAccessible,
    /// There is no such thing.
    NotFound,
    /// A field that must be there is missing.
    MissingField(&'static str, &'static str),
    /// A body of more than 65,536 characters.
    TooLong(&'static str),
    /// The body is not JSON.
    NotJson,
    /// An operation that is not modelled: of the stand-in, not of GitHub.
    NotModelled,
}

impl Refusal {
    /// The status and the body.
    pub fn answer(self) -> (u16, Value) {
        let docs = "https://docs.github.com/rest";
        let basic = |status: u16, message: &str| {
            (status, json!({ "message": message, "documentation_url": docs, "status": status.to_string() }))
        };
        let invalid = |error: Value| {
            let body = json!({ "message": "Validation Failed", "errors": [error], "documentation_url": docs, "status": "422" });
            (422, body)
        };
        match self {
            Refusal::BadCredentials => basic(401, "Bad credentials"),
            Refusal::NoUserAgent => basic(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
            ),
            Refusal::UnknownVersion => basic(400, "The API version that was asked for is not supported"),
            Refusal::NotAccessible => basic(403, "Resource not accessible by integration"),
            Refusal::NotFound => basic(404, "Not Found"),
            Refusal::MissingField(resource, field) => {
                invalid(json!({ "resource": resource, "code": "missing_field", "field": field }))
            }
            Refusal::TooLong(resource) => invalid(json!({
                "resource": resource,
                "code": "unprocessable",
                "field": "data",
                "message": "Body is too long (maximum is 65536 characters)",
            })),
            Refusal::NotJson => basic(400, "Problems parsing JSON"),
            Refusal::NotModelled => basic(501, "The stand-in does not have this operation"),
        }
    }
}
