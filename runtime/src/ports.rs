//! What handlers need from the world, as traits; adapters and tests stand behind them.

mod invoices;
#[cfg(test)]
pub mod memory;

use std::sync::Arc;

use async_trait::async_trait;
use billing::attribution::QueriedDay;
use billing::invoice::InvoiceRecord;
use billing::ledger::{CostClaim, CostDay, SyncMark};
use billing::tenant::TenantRecord;
use billing::{Month, Period};
use jiff::Timestamp;
use jiff::civil::Date;

pub use invoices::{DraftRequest, Invoices, ItemRequest, RemoteInvoice, RemoteItem, RemoteStatus};

use crate::secret::Secret;

/// A call to the world that failed. Holds no payload and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {doing}: {cause}")]
pub struct PortError {
    /// What was being done: `read the ledger`.
    pub doing: String,
    /// What went wrong, in the service's words.
    pub cause: String,
}

impl PortError {
    /// Names what was being done and what went wrong.
    pub fn new(doing: impl Into<String>, cause: impl ToString) -> PortError {
        PortError { doing: doing.into(), cause: cause.to_string() }
    }
}

/// The ledger table.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// All tenant records.
    async fn tenants(&self) -> Result<Vec<TenantRecord>, PortError>;
    /// One tenant's record.
    async fn tenant(&self, id: &str) -> Result<Option<TenantRecord>, PortError>;
    /// A tenant's stored days of a period, in order; days without an item are left out.
    async fn cost_days(&self, tenant: &str, period: &Period) -> Result<Vec<CostDay>, PortError>;
    /// Replaces one day, unless a later sync already did.
    async fn put_cost_day(&self, tenant: &str, day: &CostDay) -> Result<(), PortError>;
    /// A tenant's sync marks from one month to another, both included, in order.
    async fn sync_marks(&self, tenant: &str, first: Month, last: Month) -> Result<Vec<SyncMark>, PortError>;
    /// Replaces one mark, unless a later sync already did.
    async fn put_sync_mark(&self, tenant: &str, mark: &SyncMark) -> Result<(), PortError>;
    /// A tenant's invoice of a month.
    async fn invoice(&self, tenant: &str, month: Month) -> Result<Option<InvoiceRecord>, PortError>;
    /// Claims a month's cost for a tenant, unless another tenant has it; gives who has it now.
    async fn claim_cost(&self, claim: &CostClaim) -> Result<String, PortError>;
    /// Writes an invoice if the stored one has the expected version (none: if there is none); false when it has not.
    async fn write_invoice(&self, record: &InvoiceRecord, expected: Option<u64>) -> Result<bool, PortError>;
}

/// Which part a cost query groups by, beside the tenant tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// AWS service.
    Service,
    /// The project tag.
    Project,
}

/// Where daily costs come from.
#[async_trait]
pub trait CostSource: Send + Sync {
    /// Every page of the period's days for all tenants; all of them or an error.
    async fn daily(&self, period: &Period, part: Part) -> Result<Vec<QueriedDay>, PortError>;
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
}

/// Where secrets lie.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The text of the secret of this name.
    async fn secret(&self, name: &str) -> Result<Secret, PortError>;
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
    /// The time.
    fn clock(&self) -> Arc<dyn Clock>;
}
