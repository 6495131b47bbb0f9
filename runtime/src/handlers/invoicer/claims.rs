//! Claims of the cost that is invoiced: no two tenants, and no two stacks, are invoiced for the same.

use billing::function::Setting;
use billing::invoice::InvoiceRecord;
use billing::ledger::{Claims, CostClaim, SharedClaims};

use super::Invoicing;
use super::account::Account;
use super::stop::Stop;
use crate::environment::Environment;
use crate::error::StartError;

/// Another stack's ledger; none where the stack claims in its own alone.
pub(super) fn shared(env: &Environment) -> Result<Option<SharedClaims>, StartError> {
    let stack = env.setting(Setting::Stack)?;
    let table = env.optional(Setting::ClaimsTable)?;
    table.map(|table| Ok(SharedClaims { ledger: env.claims_ledger(&table)?, table, stack })).transpose()
}

impl Invoicing<'_> {
    /// Claims the cost that is invoiced: it may have been another tenant's until the tag changed hands. Before the record
    /// is written, so that a run which is killed between leaves at worst a claim of its own.
    pub(super) async fn claim_cost(&self, account: &Account<'_>, record: &InvoiceRecord) -> Result<(), Stop> {
        let Some(tag) = account.tenant.cost_tag(&self.policy.tenant_tag, record.month()) else { return Ok(()) };
        if record.own().amount.is_zero() {
            return Ok(());
        }
        let claim = CostClaim { tag, month: record.month(), tenant: account.tenant.id.clone() };
        let holder = Claims::new(self.ledger, self.claims).take(&claim).await?;
        match holder == claim.tenant {
            true => Ok(()),
            false => Err(Stop::Claimed { tag: claim.tag, month: claim.month, holder }),
        }
    }
}
