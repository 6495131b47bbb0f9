//! The world that the handlers run in: every port over memory, behind one gate.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use runtime::adapters::stripe::{StripeCheckout, StripePayments};
use runtime::ports::{Checkout, Clock, CostQuery, CostSource, Invoices, Ledger, Payments, PortError, Ports, Secrets};
use runtime::secret::Secret;

use super::costs::Costs;
use super::exchange::LocalExchange;
use super::handlers::SIGNING_SECRET;
use super::invoices::{Listings, StripeInvoices};
use super::ledger::Watched;
use super::requests::key;
use super::shared::Shared;

/// The ports of the handlers.
#[derive(Debug)]
pub struct Memory {
    shared: Arc<Shared>,
    costs: Arc<Costs>,
    listings: Arc<Listings>,
}

impl Memory {
    /// Over one world.
    pub fn new(shared: Arc<Shared>) -> Memory {
        Memory { costs: Arc::new(Costs::new(Arc::clone(&shared))), listings: Arc::default(), shared }
    }
}

impl Ports for Memory {
    fn ledger(&self, _table: &str) -> Arc<dyn Ledger> {
        Arc::new(Watched::new(Arc::clone(&self.shared)))
    }

    fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(Keys(Arc::clone(&self.shared)))
    }

    fn cost_source(&self, _query: CostQuery) -> Arc<dyn CostSource> {
        self.costs.clone()
    }

    fn invoices(&self, key: Secret) -> Result<Arc<dyn Invoices>, PortError> {
        Ok(Arc::new(StripeInvoices::new(Arc::clone(&self.shared), key, Arc::clone(&self.listings))))
    }

    fn checkout(&self, key: Secret) -> Result<Arc<dyn Checkout>, PortError> {
        Ok(Arc::new(StripeCheckout::new(LocalExchange::new(Arc::clone(&self.shared), key))))
    }

    fn payments(&self, key: Secret) -> Result<Arc<dyn Payments>, PortError> {
        Ok(Arc::new(StripePayments::new(LocalExchange::new(Arc::clone(&self.shared), key))))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Moved(Arc::clone(&self.shared)))
    }
}

/// The clock that the driver moves.
#[derive(Debug)]
struct Moved(Arc<Shared>);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A store that has the Stripe key, and what events are signed with.
#[derive(Debug)]
struct Keys(Arc<Shared>);

#[async_trait]
impl Secrets for Keys {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        const DOING: &str = "read a secret";
        let due = self.0.gate.begin(DOING).await?;
        let found = if name == SIGNING_SECRET { Secret::new(self.0.signing_secret()) } else { key() };
        self.0.gate.end(DOING, due, Ok(found))
    }
}
