//! The one assessment of a tenant's month: what it comes to, and how it stands.
//!
//! The invoicer, `invoice preview` and the guard of tenants who leave load the facts their own way and ask here.

use jiff::civil::Date;

use super::{Invoice, InvoiceRecord, NotReady, PriceError, PriceInput, Settlement, price, ready};
use crate::ledger::{CostClaim, CostDay, SyncMark, cost_by_service};
use crate::tenant::TenantRecord;
use crate::{Money, Month};

/// What the ledger holds of a tenant's month.
#[derive(Debug, Clone, Copy)]
pub struct MonthFacts<'a> {
    /// The tenant, as deployed.
    pub tenant: &'a TenantRecord,
    /// The month.
    pub month: Month,
    /// What was synced of it.
    pub mark: Option<&'a SyncMark>,
    /// Its days of cost; days without an item cost nothing.
    pub days: &'a [CostDay],
    /// Credit that the month before left to the tenant, positive, in the tenant's currency.
    pub balance: Option<Money>,
    /// The claim on the month's cost, whichever tenant has it.
    pub claim: Option<&'a CostClaim>,
    /// The month's invoice, as far as it got.
    pub record: Option<&'a InvoiceRecord>,
}

/// What a month comes to, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The month priced by the facts at hand, also while it waits; or why its terms do not allow that.
    pub invoice: Result<Invoice, PriceError>,
    /// Whether it is to be invoiced now.
    pub standing: Standing,
}

/// How a tenant's month stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Its invoice is done, or nothing was due and still is not.
    Done,
    /// Its invoice is being drafted from what was priced when it was claimed.
    Begun,
    /// It cannot be invoiced yet.
    Waiting(NotReady),
    /// Its terms give no price.
    Unpriced(PriceError),
    /// Its cost is invoiced to another tenant: the tag, or the tenant's id, was another until then.
    Claimed {
        /// The tenant invoiced.
        holder: String,
    },
    /// It is to be invoiced, or to be closed as a credit or with nothing due.
    Due(Settlement),
}

/// Assesses a month on the UTC day `today`; it settles `settle_days` after its end.
pub fn assess(facts: &MonthFacts, settle_days: u32, today: Date) -> Assessment {
    let MonthFacts { tenant, month, .. } = *facts;
    let services = cost_by_service(facts.days);
    let invoice = price(&PriceInput { tenant, month, services: &services, credit: facts.balance });
    let standing = match facts.record {
        Some(record) if record.closes_month() => Standing::Done,
        Some(record) if !record.state.is_done() => Standing::Begun,
        // Nothing was due: cost that was found late opens the month again.
        Some(_) => match open(facts, &invoice, settle_days, today) {
            due @ Standing::Due(settlement) if settlement != Settlement::Nothing => due,
            Standing::Unpriced(error) => Standing::Unpriced(error),
            claimed @ Standing::Claimed { .. } => claimed,
            _ => Standing::Done,
        },
        None => open(facts, &invoice, settle_days, today),
    };
    Assessment { invoice, standing }
}

/// How a month stands that has no invoice.
fn open(facts: &MonthFacts, invoice: &Result<Invoice, PriceError>, settle_days: u32, today: Date) -> Standing {
    if let Err(reason) = ready(facts.tenant, facts.month, facts.mark, settle_days, today) {
        return Standing::Waiting(reason);
    }
    let settlement = match invoice {
        Ok(invoice) => invoice.settlement(),
        Err(error) => return Standing::Unpriced(error.clone()),
    };
    // With nothing due nothing is claimed.
    match facts.claim.filter(|claim| claim.tenant != facts.tenant.id && settlement != Settlement::Nothing) {
        Some(claim) => Standing::Claimed { holder: claim.tenant.clone() },
        None => Standing::Due(settlement),
    }
}

impl InvoiceRecord {
    /// Whether its month needs no other look: a month with nothing due is opened again when cost is found late.
    pub fn closes_month(&self) -> bool {
        self.state.is_done() && self.state != super::InvoiceState::NothingDue
    }
}
