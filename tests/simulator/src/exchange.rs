//! The handlers' own reading of payments, customers and events, over the strict Stripe in this process.

use std::sync::Arc;

use async_trait::async_trait;
use runtime::adapters::stripe::{Exchange, Pairs};
use runtime::ports::PortError;
use runtime::secret::Secret;
use serde_json::Value;

use super::planted::Planted;
use super::requests::{Refusal, exchange};
use super::shared::Shared;
use super::text;

/// What reading is called at the gate.
const READ: &str = "read from Stripe";
/// What writing is called at the gate.
const WRITE: &str = "write to Stripe";

/// Exchanges without HTTP.
pub struct LocalExchange {
    shared: Arc<Shared>,
    key: Secret,
}

impl LocalExchange {
    /// Under a key.
    #[must_use]
    pub fn new(shared: Arc<Shared>, key: Secret) -> LocalExchange {
        LocalExchange { shared, key }
    }
}

/// The customer whose answers stay the same while nothing happens to them: each sweep asks for every customer and their
/// set-ups.
fn customer_of(path: &str) -> Option<&str> {
    let asked = path.strip_prefix("/v1/customers/").or_else(|| path.strip_prefix("/v1/setup_intents?customer="))?;
    asked.split(['?', '&', '/']).next()
}

impl LocalExchange {
    fn found(&self, path: &str) -> Result<Option<Value>, Refusal> {
        let customer = customer_of(path);
        let changes = customer.map(|customer| self.shared.stripe.changes_of(customer));
        if let Some(kept) = changes.and_then(|changes| self.shared.answer_since(path, changes)) {
            return Ok(kept);
        }
        let found = match exchange(&self.shared, &self.key, ("GET", path), "", None) {
            Ok(found) => Some(found),
            Err(refusal) if refusal.status == 404 => None,
            Err(refusal) => return Err(refusal),
        };
        if let Some(changes) = changes {
            self.shared.keep_answer(path, changes, &found);
        }
        Ok(found)
    }

    /// What the handlers believe of an answer: itself, but for the defects that lie in what is read.
    fn believed(&self, path: &str, mut found: Value) -> Value {
        let Some(rows) = found["data"].as_array_mut() else { return found };
        match self.shared.planted {
            Some(Planted::SweepSkipsUndelivered) if path.starts_with("/v1/events?") => rows.clear(),
            Some(Planted::RefundUnnoted) if path.starts_with("/v1/invoice_payments?") => {
                for row in rows {
                    if let Some(refunded) = row.pointer_mut("/payment/payment_intent/latest_charge/amount_refunded") {
                        *refunded = Value::from(0);
                    }
                }
            }
            Some(Planted::DisputeCountsWon) if path.starts_with("/v1/disputes?") => {
                rows.iter_mut().filter(|row| row["status"] == "won").for_each(|row| row["status"] = "lost".into());
            }
            Some(Planted::EventBelieved) if path.starts_with("/v1/disputes?") => {
                let believed = self.shared.with_trace(|trace| trace.believed.clone()).unwrap_or_default();
                rows.iter_mut().filter(|row| row["id"] == believed["id"]).for_each(|row| *row = believed.clone());
            }
            _ => {}
        }
        found
    }
}

/// What the adapter would make of it: what Stripe refuses is refused whenever it is asked.
fn failed(doing: &str, refusal: &Refusal) -> PortError {
    PortError { refused: matches!(refusal.status, 400 | 402 | 404), ..PortError::new(doing, refusal) }
}

#[async_trait]
impl Exchange for LocalExchange {
    fn livemode(&self) -> bool {
        self.key.is_live()
    }

    async fn get(&self, doing: &str, path: &str, query: &Pairs) -> Result<Option<Value>, PortError> {
        let due = self.shared.gate.begin(READ).await?;
        let path = format!("/v1{path}?{}", text::form(query));
        let found = self.found(&path).map(|found| found.map(|found| self.believed(&path, found)));
        self.shared.gate.end(READ, due, found.map_err(|refusal| failed(doing, &refusal)))
    }

    async fn post(&self, doing: &str, path: &str, form: &Pairs, key: &str) -> Result<Value, PortError> {
        let due = self.shared.gate.begin(WRITE).await?;
        if self.shared.has(Planted::DefaultNotSet) && path.starts_with("/customers/") {
            return self.shared.gate.end(WRITE, due, Ok(Value::Null));
        }
        let (path, form) = (format!("/v1{path}"), text::form(form));
        let done = exchange(&self.shared, &self.key, ("POST", &path), &form, Some(key));
        self.shared.gate.end(WRITE, due, done.map_err(|refusal| failed(doing, &refusal)))
    }
}
