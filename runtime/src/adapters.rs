//! The ports on AWS and Stripe. Each file translates between the domain and one SDK; nothing is decided here.

mod aws;
mod clock;
mod cost_explorer;
mod dynamodb;
mod secrets;
pub mod stripe;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use billing::ledger::TableLedger;

pub use aws::Aws;
pub use clock::SystemClock;
pub use cost_explorer::CostExplorer;
pub use dynamodb::{DynamoLedger, DynamoTable};
pub use secrets::SecretsManager;
pub use stripe::{HttpExchange, StripeCheckout, StripeInvoices, StripePayments};

use crate::ports::{Checkout, Clock, CostQuery, CostSource, Invoices, Ledger, Payments, PortError, Ports, Secrets};
use crate::secret::Secret;

/// The ports of a deployed process; each client is made when it is asked for.
pub struct AwsPorts {
    aws: Aws,
    stripe_api_base: Option<String>,
    /// One for the process: it remembers what it read.
    secrets: OnceLock<Arc<SecretsManager>>,
    /// One for the process and its key: what is asked of one account keeps one pace, and its connections.
    stripe: Mutex<Option<(Secret, HttpExchange)>>,
    /// One for the process: each run reads it at its start.
    clock: Arc<dyn Clock>,
}

impl AwsPorts {
    /// Over this configuration; Stripe's own address without `stripe_api_base`.
    pub fn new(aws: Aws, stripe_api_base: Option<String>) -> AwsPorts {
        let clock = clock::clock(aws.endpoint());
        AwsPorts { aws, stripe_api_base, secrets: OnceLock::new(), stripe: Mutex::default(), clock }
    }

    fn stripe(&self, key: Secret) -> Result<HttpExchange, PortError> {
        let mut known = self.stripe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, exchange)) = known.as_ref().filter(|(of, _)| *of == key) {
            return Ok(exchange.clone());
        }
        let exchange = HttpExchange::new(key.clone(), self.stripe_api_base.as_deref())?;
        *known = Some((key, exchange.clone()));
        Ok(exchange)
    }
}

impl Ports for AwsPorts {
    fn ledger(&self, table: &str) -> Arc<dyn Ledger> {
        Arc::new(TableLedger(DynamoTable::new(self.aws.dynamodb(), table)))
    }

    fn secrets(&self) -> Arc<dyn Secrets> {
        self.secrets.get_or_init(|| Arc::new(SecretsManager::new(self.aws.secrets_manager()))).clone()
    }

    fn cost_source(&self, query: CostQuery) -> Arc<dyn CostSource> {
        Arc::new(CostExplorer::new(self.aws.cost_explorer(), query))
    }

    fn invoices(&self, key: Secret) -> Result<Arc<dyn Invoices>, PortError> {
        Ok(Arc::new(StripeInvoices::new(self.stripe(key)?)))
    }

    fn checkout(&self, key: Secret) -> Result<Arc<dyn Checkout>, PortError> {
        Ok(Arc::new(StripeCheckout::new(self.stripe(key)?)))
    }

    fn payments(&self, key: Secret) -> Result<Arc<dyn Payments>, PortError> {
        Ok(Arc::new(StripePayments::new(self.stripe(key)?)))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }
}
