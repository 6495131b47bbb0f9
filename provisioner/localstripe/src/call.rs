//! Requests of the same process, without HTTP: what a simulator makes a million of.

use bytes::Bytes;
use serde_json::Value;

use crate::exchange::Exchange;
use crate::handle::Stripe;
use crate::wire::server::Asked;

/// One request as a client would send it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'a str,
    /// The path, with its query: `/v1/invoices?customer=cus_1`.
    pub path: &'a str,
    /// The form that is the body (`auto_advance=false&…`); empty for none.
    pub form: &'a str,
    /// Names in lower case: `authorization` is required, `idempotency-key`, `stripe-version`, `stripe-account` and
    /// `content-type` count too; others are ignored.
    pub headers: &'a [(&'a str, &'a str)],
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON text.
    pub body: Bytes,
    /// The `Request-Id` header.
    pub request_id: String,
    /// Whether an earlier answer was repeated for the idempotency key.
    pub replayed: bool,
}

impl Answered {
    /// The body, read; null when it is no JSON, which no answer is.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

impl Stripe {
    /// Answers one request in this process: every check and every effect of the same request over HTTP, but no
    /// connection, and the observer is not asked. `/_localstripe/` is not served: this handle does the same directly.
    ///
    /// Events are logged and queued; they go out when [`crate::serve`] or [`crate::Clock::advance_to`] runs.
    pub fn call(&self, call: Call<'_>) -> Answered {
        let header = |name: &str| {
            let found = call.headers.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let (path, query) = call.path.split_once('?').unwrap_or((call.path, ""));
        let asked = Asked {
            method: call.method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            authorization: header("authorization"),
            content_type: header("content-type"),
            idempotency_key: header("idempotency-key"),
            version: header("stripe-version"),
            account: header("stripe-account"),
            host: header("host"),
            body: Bytes::copy_from_slice(call.form.as_bytes()),
        };
        let reply = Exchange::new(self, asked).unobserved();
        Answered {
            status: reply.status,
            body: reply.body,
            request_id: reply.request_id,
            replayed: reply.original_request.is_some(),
        }
    }
}
