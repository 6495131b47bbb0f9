//! Requests to the strict Stripe without HTTP, from handlers and from people.

use localstripe::Call;
use runtime::adapters::stripe::requests;
use runtime::secret::Secret;
use serde_json::Value;
use stripe::StripeRequest;
use stripe_client_core::{RequestBuilder, StripeMethod};

use super::kept::Answer;
pub use super::kept::Refusal;
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
}

/// Sends what the handlers' own adapter would send, under its idempotency key.
///
/// # Errors
/// Stripe refuses it.
pub fn ask(
    shared: &Shared,
    key: &Secret,
    request: &impl StripeRequest,
    idempotency_key: Option<&str>,
) -> Result<Value, Refusal> {
    let built = request.build();
    let method = match built.method {
        StripeMethod::Get => return get(shared, key, &path(&built)),
        StripeMethod::Post => "POST",
        StripeMethod::Delete => "DELETE",
    };
    exchange(shared, key, (method, &path(&built)), built.body.as_deref().unwrap_or_default(), idempotency_key)
}

/// Sends a request of a person's, under an idempotency key of its own.
///
/// # Errors
/// Stripe refuses it.
pub fn send(shared: &Shared, (method, path): (&str, &str), form: &Form) -> Result<Value, Refusal> {
    match method {
        "GET" => get(shared, &key(), path),
        _ => exchange(shared, &key(), (method, path), &text::form(&form.0), None),
    }
}

/// Asks Stripe, or repeats what it answered before where nothing happened to the customer since.
///
/// # Errors
/// Stripe refuses it.
///
/// # Panics
/// What was kept is not what Stripe answers.
pub fn get(shared: &Shared, key: &Secret, path: &str) -> Answer {
    let ask = || exchange(shared, key, ("GET", path), "", None);
    let customer = shared.with_kept(|kept| kept.customer(path));
    let changes = customer.as_ref().map(|customer| shared.stripe.changes_of(customer));
    if let Some(changes) = changes
        && let Some((answer, is_asked_again)) = shared.with_kept(|kept| kept.repeat(path, changes))
    {
        assert!(!is_asked_again || answer == ask(), "{path} is answered otherwise, and its customer did not change");
        return answer;
    }
    let answer = ask();
    shared.with_kept(|kept| kept.keep(path, changes, &answer));
    answer
}

/// Makes one exchange, and notes which invoice it writes to.
pub(crate) fn exchange(
    shared: &Shared,
    key: &Secret,
    (method, path): (&str, &str),
    form: &str,
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
    let answer = shared.stripe.call(Call { method, path, form, headers: &headers });
    let body = answer.json();
    if method != "GET" {
        let named = path.strip_prefix("/v1/invoices/").and_then(|rest| rest.split(['/', '?']).next());
        let created = body["id"].as_str().filter(|id| id.starts_with("in_"));
        // A credit note changes its invoice.
        let credited = body["invoice"].as_str();
        shared.with_trace(|trace| trace.touched.extend(named.or(created).or(credited).map(str::to_owned)));
    }
    match answer.status {
        200 => Ok(body),
        status => {
            let message = body["error"]["message"].as_str().unwrap_or("Stripe refused it").to_owned();
            Err(Refusal { status, message })
        }
    }
}

/// The path of a built request with its query.
fn path(built: &RequestBuilder) -> String {
    let query = built.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
    format!("/v1{}{query}", built.path)
}

/// Returns everything of the list that an adapter's request begins, page by page.
///
/// # Errors
/// Stripe refuses a page.
pub fn all(shared: &Shared, key: &Secret, first: &impl StripeRequest) -> Result<Vec<Value>, Refusal> {
    pages(shared, key, &path(&first.build()))
}

/// Returns everything of an invoice's lines.
///
/// # Errors
/// Stripe refuses a page.
pub fn lines(shared: &Shared, invoice: &str) -> Result<Vec<Value>, Refusal> {
    all(shared, &key(), &requests::lines(invoice))
}

fn pages(shared: &Shared, key: &Secret, path: &str) -> Result<Vec<Value>, Refusal> {
    let (mut found, mut page) = (Vec::new(), path.to_owned());
    loop {
        let mut answer = get(shared, key, &page)?;
        if let Some(data) = answer["data"].as_array_mut() {
            found.append(data);
        }
        match found.last().and_then(|last: &Value| last["id"].as_str()) {
            Some(last) if answer["has_more"] == true => page = format!("{path}&starting_after={last}"),
            _ => return Ok(found),
        }
    }
}
