//! The handlers' own reading of payments, customers and events, over the strict Stripe in this process.

use std::sync::Arc;

use async_trait::async_trait;
use runtime::adapters::stripe::{Exchange, Pairs};
use runtime::ports::PortError;
use runtime::secret::Secret;
use serde_json::Value;

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
        let found = match exchange(&self.shared, &self.key, ("GET", &path), "", None) {
            Ok(found) => Ok(Some(found)),
            Err(refusal) if refusal.status == 404 => Ok(None),
            Err(refusal) => Err(failed(doing, &refusal)),
        };
        self.shared.gate.end(READ, due, found)
    }

    async fn post(&self, doing: &str, path: &str, form: &Pairs, key: &str) -> Result<Value, PortError> {
        let due = self.shared.gate.begin(WRITE).await?;
        let (path, form) = (format!("/v1{path}"), text::form(form));
        let done = exchange(&self.shared, &self.key, ("POST", &path), &form, Some(key));
        self.shared.gate.end(WRITE, due, done.map_err(|refusal| failed(doing, &refusal)))
    }
}
