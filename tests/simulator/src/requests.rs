//! Requests to the strict Stripe without HTTP, from handlers and from people.

use std::fmt;

use billing::Period;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use localstripe::Call;
use runtime::ports::{DraftRequest, LinesRequest};
use runtime::secret::Secret;
use serde_json::Value;

use super::shared::Shared;
use super::text;

/// Returns the key that the strict Stripe lets in.
#[must_use]
pub fn key() -> Secret {
    Secret::new("sk_test_local")
}

/// The pairs of a request's body.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Adds a pair.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Form {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Adds metadata under a parameter's name.
    pub fn metadata(&mut self, name: &str, metadata: &[(String, String)]) -> &mut Form {
        for (key, value) in metadata {
            self.add(format!("{name}[{key}]"), value);
        }
        self
    }
}

/// Why Stripe refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Stripe's words.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (status {})", self.message, self.status)
    }
}

/// Sends one request, under an idempotency key of its own where none is given, and notes which invoice it writes to.
///
/// # Errors
/// Stripe refuses it.
pub fn send(
    shared: &Shared,
    key: &Secret,
    (method, path): (&str, &str),
    form: &Form,
    idempotency_key: Option<&str>,
) -> Result<Value, Refusal> {
    let own = shared.with_trace(|trace| {
        trace.requests += 1;
        format!("request-{}", trace.requests)
    });
    let authorization = format!("Bearer {}", key.expose());
    let mut headers = vec![("authorization", authorization.as_str())];
    if method == "POST" {
        headers.push(("idempotency-key", idempotency_key.unwrap_or(&own)));
    }
    let answer = shared.stripe.call(Call { method, path, form: &text::form(&form.0), headers: &headers });
    let body = answer.json();
    if method != "GET" {
        let named = path.strip_prefix("/v1/invoices/").and_then(|rest| rest.split(['/', '?']).next());
        let created = body["id"].as_str().filter(|id| id.starts_with("in_"));
        shared.with_trace(|trace| trace.touched.extend(named.or(created).map(str::to_owned)));
    }
    match answer.status {
        200 => Ok(body),
        status => {
            let message = body["error"]["message"].as_str().unwrap_or("Stripe refused it").to_owned();
            Err(Refusal { status, message })
        }
    }
}

/// Returns everything of a list, page by page.
///
/// # Errors
/// Stripe refuses a page.
pub fn pages(shared: &Shared, key: &Secret, path: &str) -> Result<Vec<Value>, Refusal> {
    let (mut found, mut page) = (Vec::new(), path.to_owned());
    loop {
        let mut answer = send(shared, key, ("GET", &page), &Form::default(), None)?;
        if let Some(data) = answer["data"].as_array_mut() {
            found.append(data);
        }
        match found.last().and_then(|last: &Value| last["id"].as_str()) {
            Some(last) if answer["has_more"] == true => page = format!("{path}&starting_after={last}"),
            _ => return Ok(found),
        }
    }
}

/// A draft that takes up no pending items, sends nothing and collects nothing by itself.
pub fn create(request: &DraftRequest) -> Form {
    let mut form = Form::default();
    form.add("customer", &request.customer)
        .add("currency", request.currency.code().to_ascii_lowercase())
        .add("collection_method", "send_invoice")
        .add("days_until_due", request.days_until_due.to_string())
        .add("auto_advance", "false")
        .add("pending_invoice_items_behavior", "exclude")
        .metadata("metadata", &request.metadata);
    if let Some(description) = &request.description {
        form.add("description", description);
    }
    form
}

/// All lines in one call, with what the draft then carries.
///
/// # Errors
/// The period is beyond the calendar.
pub fn add_lines(request: &LinesRequest) -> Result<Form, jiff::Error> {
    let (start, end) = noons(&request.period)?;
    let mut form = Form::default();
    for (at, line) in request.lines.iter().enumerate() {
        form.add(format!("lines[{at}][amount]"), line.amount.0.to_string())
            .add(format!("lines[{at}][description]"), &line.description)
            .add(format!("lines[{at}][discountable]"), "false")
            .add(format!("lines[{at}][period][start]"), start.to_string())
            .add(format!("lines[{at}][period][end]"), end.to_string());
    }
    form.metadata("invoice_metadata", &request.metadata);
    Ok(form)
}

/// Noon of a period's first and last day, in unix seconds.
fn noons(period: &Period) -> Result<(i64, i64), jiff::Error> {
    let noon = |day: Date| -> Result<i64, jiff::Error> {
        Ok(day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC)?.timestamp().as_second())
    };
    Ok((noon(period.start())?, noon(period.last_day())?))
}
