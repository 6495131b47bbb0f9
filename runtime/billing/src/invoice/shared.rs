//! A tenant's part of a month's cost that is no tenant's.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{DraftRules, InvoiceRecord, NotReady, is_final};
use crate::ledger::SyncMark;
use crate::money::round;
use crate::names::UNALLOCATED;
use crate::sharing::{Sharing, Unallocated, parts};
use crate::tenant::TenantRecord;
use crate::{Currency, Money, Month};

/// The name of a tenant's part of shared cost beside its services, on invoices too.
pub const SHARED_COST: &str = "Shared cost";

/// A month's cost of all tenants, by which cost of none of them is shared out. US dollars, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthCosts {
    /// The month.
    pub month: Month,
    /// The own cost of every tenant whose month it is, by id, those who left since among them. Zero where the sharing does
    /// not weigh it.
    pub tenants: BTreeMap<String, Decimal>,
    /// What no tenant's tags claim.
    pub unallocated: Decimal,
    /// What was synced of each that counts, [`UNALLOCATED`] among them; none where nothing was, or where a sync was writing.
    pub marks: BTreeMap<String, Option<SyncMark>>,
}

/// A tenant's part of shared cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedPart {
    /// US dollars, in whole cents.
    pub amount: Decimal,
    /// How it comes about: `an even part of 16.85 USD that no tenant's tags claim, among 3 tenants`.
    pub text: String,
}

impl MonthCosts {
    /// A tenant's part; none where nothing is shared out, or the month is not the tenant's.
    pub fn part_of(&self, tenant: &str, sharing: &Sharing) -> Option<SharedPart> {
        let amount = *self.parts(sharing).get(tenant)?;
        let (shared, count) = (Money::new(round(self.unallocated, 2), Currency::USD), self.tenants.len());
        let way = match sharing.unallocated {
            Unallocated::Proportional => "a part in proportion to own cost",
            _ => "an even part",
        };
        let text = format!("{way} of {shared} that no tenant's tags claim, among {count} tenants");
        Some(SharedPart { amount, text })
    }

    /// Every tenant's part, by id, in whole cents of a US dollar; empty where nothing is shared out.
    pub fn parts(&self, sharing: &Sharing) -> BTreeMap<String, Decimal> {
        match sharing.unallocated {
            Unallocated::Operator => BTreeMap::new(),
            Unallocated::Proportional => parts(self.unallocated, &self.tenants),
            Unallocated::Even => {
                parts(self.unallocated, &self.tenants.keys().map(|id| (id.clone(), Decimal::ONE)).collect())
            }
        }
    }

    /// Whether the parts can be told, and why they may still change, if they may.
    pub(super) fn ready(&self, rules: DraftRules) -> Result<Option<NotReady>, NotReady> {
        let month = self.month;
        let mut provisional = None;
        for (id, mark) in &self.marks {
            let whole = mark.as_ref().filter(|mark| mark.month == month && mark.whole_month());
            let mark = whole.ok_or_else(|| NotReady::SharedIncomplete { month, tenant: named(id) })?;
            if !is_final(mark, rules.settle_days) && provisional.is_none() {
                provisional = Some(NotReady::SharedNotFinal { month, tenant: named(id) });
            }
        }
        Ok(provisional)
    }
}

/// How a tenant's month shares out what is no tenant's: as claimed, else by the terms that hold for it.
pub fn sharing_of(tenant: &TenantRecord, month: Month, record: Option<&InvoiceRecord>) -> Sharing {
    let claimed = record.map(|record| &record.terms);
    claimed.or_else(|| tenant.terms_for(month)).map(|terms| terms.sharing.clone()).unwrap_or_default()
}

/// Whose cost it is, in a sentence.
fn named(id: &str) -> String {
    if id == UNALLOCATED { "cost of no tenant".to_owned() } else { format!("cost of {id}") }
}
