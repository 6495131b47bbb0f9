//! The one assessment of a tenant's month: what it comes to, and how it stands.
//!
//! The invoicer, `invoice preview` and the guard of tenants who leave load the facts their own way and ask here.

use jiff::civil::Date;

use super::shared::own_services;
use super::{
    Composed, DraftRules, Invoice, InvoiceRecord, MonthCosts, MonthTerms, NotReady, PriceError, PriceInput, Ready,
    closing, compose, is_closing, price, ready, sharing_of,
};
use crate::Month;
use crate::balance::Balance;
use crate::ledger::{CostClaim, CostDay, SyncMark};
use crate::tenant::TenantRecord;

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
    /// All tenants' cost of the month, where [`sharing_of`] it shares some out; else it does not matter.
    pub shared: Option<&'a MonthCosts>,
    /// What is open of the tenant's balance.
    pub balance: Option<&'a Balance>,
    /// The claim on the month's cost, whichever tenant has it.
    pub claim: Option<&'a CostClaim>,
    /// The month's invoice, as far as it got.
    pub record: Option<&'a InvoiceRecord>,
}

/// What a month comes to, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The month by its own cost, also while it waits; or why its terms do not allow that.
    pub own: Result<Invoice, PriceError>,
    /// With what earlier months left.
    pub composed: Result<Composed, PriceError>,
    /// What it is priced under: the claim's terms, once it was claimed.
    pub terms: Result<MonthTerms, PriceError>,
    /// How far its figures got.
    pub standing: Standing,
}

/// How far a tenant's month got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It cannot be drafted yet.
    Waiting(NotReady),
    /// Its terms give no price.
    Unpriced(PriceError),
    /// Its cost is invoiced to another tenant: the tag, or the tenant's id, was another until then.
    Claimed {
        /// The tenant invoiced.
        holder: String,
    },
    /// It can be drafted; its figures may change, for this reason.
    Provisional(NotReady),
    /// Its figures are final.
    Complete,
}

/// Assesses a month on the UTC day `today`.
pub fn assess(facts: &MonthFacts, rules: DraftRules, today: Date) -> Assessment {
    let MonthFacts { tenant, month, .. } = *facts;
    if is_closing(tenant, month, facts.record, facts.balance) {
        return closing(facts, rules, today);
    }
    let terms = match facts.record {
        Some(record) => Ok(record.month_terms()),
        None => MonthTerms::of(tenant, month),
    };
    let sharing = sharing_of(tenant, month, facts.record);
    let services = own_services(facts.days, &sharing);
    let shared = facts.shared.and_then(|costs| costs.part_of(&tenant.id, &sharing));
    let shared = shared.as_ref();
    let own = terms
        .clone()
        .and_then(|terms| price(&PriceInput { tenant, month, terms: &terms, services: &services, shared }));
    let composed = own.clone().map(|own| compose(own, &balance_before(facts)));
    let standing = standing(facts, &own, rules, today);
    Assessment { own, composed, terms, standing }
}

/// A closing month: the balance alone, which is final once the month is over.
fn closing(facts: &MonthFacts, rules: DraftRules, today: Date) -> Assessment {
    let own = Invoice::empty(&facts.tenant.id, facts.month, facts.tenant.currency);
    let composed = closing::composed(own.clone(), &balance_before(facts));
    let standing = ready::begun(facts.month, rules, today).map_or_else(Standing::Waiting, |()| Standing::Complete);
    Assessment { own: Ok(own), composed: Ok(composed), terms: Ok(MonthTerms::default()), standing }
}

/// The balance without what this month's own draft has drawn of it, and without the credit it left before its figures
/// were final.
fn balance_before(facts: &MonthFacts) -> Balance {
    let mut balance = facts.balance.cloned().unwrap_or_else(|| Balance::nothing(facts.tenant.currency));
    if let Some(record) = facts.record {
        record.drawn.iter().for_each(|drawn| balance.add(drawn));
        record.credit().filter(|_| record.reopens()).iter().for_each(|credit| balance.take(credit));
    }
    balance
}

fn standing(facts: &MonthFacts, own: &Result<Invoice, PriceError>, rules: DraftRules, today: Date) -> Standing {
    let ready = match ready(facts.tenant, facts.month, facts.mark, rules, today) {
        Ok(ready) => ready,
        Err(reason) => return Standing::Waiting(reason),
    };
    let ready = match (shared_ready(facts, rules), ready) {
        (Err(reason), _) => return Standing::Waiting(reason),
        (Ok(Some(reason)), Ready::Complete) => Ready::Provisional(reason),
        (Ok(_), ready) => ready,
    };
    let invoice = match own {
        Ok(invoice) => invoice,
        Err(error) => return Standing::Unpriced(error.clone()),
    };
    // With nothing due nothing is claimed.
    match facts.claim.filter(|claim| claim.tenant != facts.tenant.id && !invoice.total.amount.is_zero()) {
        Some(claim) => Standing::Claimed { holder: claim.tenant.clone() },
        None => match ready {
            Ready::Provisional(reason) => Standing::Provisional(reason),
            Ready::Complete => Standing::Complete,
        },
    }
}

/// Whether the month's shared cost is known, and why it may still change.
fn shared_ready(facts: &MonthFacts, rules: DraftRules) -> Result<Option<NotReady>, NotReady> {
    let month = facts.month;
    if !sharing_of(facts.tenant, month, facts.record).shares() {
        return Ok(None);
    }
    let unknown = || NotReady::SharedIncomplete { month, tenant: "cost".to_owned() };
    facts.shared.filter(|costs| costs.month == month).ok_or_else(unknown)?.ready(rules)
}
