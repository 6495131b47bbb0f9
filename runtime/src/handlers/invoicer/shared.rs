//! Cost of no tenant that is shared out: read once a run and month, and only where terms share it.

use std::sync::Arc;

use billing::Month;
use billing::invoice::{InvoiceRecord, MonthCosts, sharing_of};
use billing::ledger::month_costs;
use billing::tenant::TenantRecord;

use super::Invoicing;
use crate::ports::PortError;

impl Invoicing<'_> {
    /// All tenants' cost of a month, where this tenant's terms share some of it out.
    pub(super) async fn shared_costs(
        &self,
        tenant: &TenantRecord,
        month: Month,
        record: Option<&InvoiceRecord>,
    ) -> Result<Option<Arc<MonthCosts>>, PortError> {
        let sharing = sharing_of(tenant, month, record);
        if !sharing.shares() {
            return Ok(None);
        }
        let asked = (month, sharing.weighs());
        // Held while it is read: tenants are worked on side by side, and all ask for the same months.
        let mut known = self.shared.lock().await;
        if let Some(found) = known.get(&asked) {
            return Ok(Some(found.clone()));
        }
        let found = Arc::new(month_costs::load(self.ledger, month, asked.1).await?);
        known.insert(asked, found.clone());
        Ok(Some(found))
    }
}
