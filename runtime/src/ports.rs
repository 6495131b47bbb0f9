//! What handlers need from the world, as traits; adapters and tests stand behind them.

mod checkout;
mod invoices;
#[cfg(test)]
pub mod memory;
mod payments;

use std::sync::Arc;

use async_trait::async_trait;
use billing::Period;
use billing::attribution::{Cut, QueriedDay};
use billing::sharing::RecordType;
use jiff::Timestamp;
use jiff::civil::Date;

pub use billing::attribution::Part;
pub use billing::ledger::{Ledger, PortError};
pub use checkout::{Checkout, KeptMethod, PortalRequest, SetUpPage, SetUpRequest};
pub use invoices::{
    CreditRequest, DraftRequest, Invoices, LineRequest, LinesRequest, RefundRequest, RemoveRequest, StepRequest,
    UpdateRequest,
};

pub use payments::{About, DefaultRequest, EventPage, Payments, RemoteCustomer, RemoteSetup};

use crate::secret::Secret;

/// Where daily costs come from.
#[async_trait]
pub trait CostSource: Send + Sync {
    /// One page of the period's days, the first, or the one that the page before named as next: of the whole cost for all
    /// tenants, or of what a cut takes of it. Of a cut it may have values of the tenant tag that the cut does not name.
    async fn page(
        &self,
        period: &Period,
        part: Part,
        cut: Option<&Cut>,
        token: Option<&str>,
    ) -> Result<CostPage, PortError>;
}

/// One page of an answer. A day may go on on the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostPage {
    /// Days, or parts of them.
    pub days: Vec<QueriedDay>,
    /// Names the next page; none on the last.
    pub next: Option<String>,
}

/// What is asked of a cost source: the same for every period.
#[derive(Debug, Clone)]
pub struct CostQuery {
    /// The tag that tells tenants apart.
    pub tenant_tag: String,
    /// The tag that tells projects apart.
    pub project_tag: Option<String>,
    /// The cost metric: `UnblendedCost`.
    pub basis: String,
    /// Only cost with this tag and value.
    pub scope: Option<(String, String)>,
    /// Record types that are told apart: [`Part::Record`] asks for them, the other parts for the rest.
    pub records: Vec<RecordType>,
}

/// Where secrets lie.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The text of the secret of this name.
    async fn secret(&self, name: &str) -> Result<Secret, PortError>;

    /// The same past what is remembered of it: what was signed with a secret that was stored a moment ago must hold. A
    /// store may answer from its memory all the same when it was asked too often.
    async fn secret_again(&self, name: &str) -> Result<Secret, PortError> {
        self.secret(name).await
    }
}

/// What time it is.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Called at the start of each run. A clock that follows another one reads it here and stays consistent within the
    /// run.
    async fn begin_run(&self) -> Result<(), PortError> {
        Ok(())
    }

    /// Now.
    fn now(&self) -> Timestamp;

    /// Today in UTC.
    fn today(&self) -> Date {
        self.now().to_zoned(jiff::tz::TimeZone::UTC).date()
    }
}

/// Makes the ports of a process, each when the environment asks for it.
pub trait Ports: Send + Sync {
    /// The ledger in the table of this name.
    fn ledger(&self, table: &str) -> Arc<dyn Ledger>;
    /// The secret store.
    fn secrets(&self) -> Arc<dyn Secrets>;
    /// Costs, asked with this query.
    fn cost_source(&self, query: CostQuery) -> Arc<dyn CostSource>;
    /// Stripe's invoices under this key.
    fn invoices(&self, key: Secret) -> Result<Arc<dyn Invoices>, PortError>;
    /// Stripe's pages for customers under this key.
    fn checkout(&self, key: Secret) -> Result<Arc<dyn Checkout>, PortError>;
    /// Stripe's payments, customers and events under this key.
    fn payments(&self, key: Secret) -> Result<Arc<dyn Payments>, PortError>;
    /// The time.
    fn clock(&self) -> Arc<dyn Clock>;
}
