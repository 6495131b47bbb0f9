//! The handlers' own reading of payments, customers and events, over the strict Stripe in this process.

use std::sync::Arc;

use async_trait::async_trait;
use runtime::adapters::stripe::{Exchange, Pairs};
use runtime::ports::PortError;
use runtime::secret::Secret;
use serde_json::Value;

use super::planted::Planted;
use super::requests::{self, Refusal, exchange};
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

impl LocalExchange {
    fn found(&self, path: &str) -> Result<Option<Value>, Refusal> {
        match requests::get(&self.shared, &self.key, path) {
            Ok(found) => Ok(Some(found)),
            Err(refusal) if refusal.status == 404 => Ok(None),
            Err(refusal) => Err(refusal),
        }
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
            Some(Planted::EventBelieved) => {
                if let Some(believed) = self.shared.with_trace(|trace| trace.believed.clone()) {
                    rows.iter_mut().for_each(|row| believe(row, &believed));
                }
            }
            _ => {}
        }
        found
    }
}

/// What an event says of a dispute or a charge stands in place of what Stripe says now.
fn believe(row: &mut Value, believed: &Value) {
    if row["object"] == "dispute" && row["id"] == believed["id"] {
        *row = believed.clone();
    }
    if let Some(charge) = row.pointer_mut("/payment/payment_intent/latest_charge")
        && charge["object"] == "charge"
        && charge["id"] == believed["id"]
    {
        charge["amount_refunded"] = believed["amount_refunded"].clone();
        charge["disputed"] = believed["disputed"].clone();
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
