//! A tenant's part of a month's cost that is no tenant's.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{DraftRules, InvoiceRecord, NotReady, is_final};
use crate::ledger::{CostDay, SyncMark, cost_by_record_type, cost_by_service};
use crate::money::round;
use crate::names::UNALLOCATED;
use crate::sharing::{RecordType, Sharing, Unallocated, parts};
use crate::tenant::TenantRecord;
use crate::{Currency, Money, Month};

/// The name of a tenant's part of shared cost beside its services, on invoices too.
pub const SHARED_COST: &str = "Shared cost";

/// A month's cost of all tenants, by which cost of none of them is shared out. US dollars, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthCosts {
    /// The month.
    pub month: Month,
    /// What the tags of every tenant whose month it is claim, by id, those who left since among them. Nothing where the
    /// sharing does not weigh it.
    pub tenants: BTreeMap<String, Tagged>,
    /// What no tenant's tags claim.
    pub unallocated: Tagged,
    /// What was synced of each that counts, [`UNALLOCATED`] among them; none where nothing was, or where a sync was writing.
    pub marks: BTreeMap<String, Option<SyncMark>>,
}

/// Cost by its tags, in US dollars.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tagged {
    /// All of it.
    pub cost: Decimal,
    /// What of it is of a record type that the manifest tells apart.
    pub records: BTreeMap<RecordType, Decimal>,
}

impl Tagged {
    /// What several days come to.
    pub fn of(days: &[CostDay]) -> Tagged {
        Tagged { cost: days.iter().map(CostDay::cost).sum(), records: cost_by_record_type(days) }
    }

    /// What is borne as its tags say: without record types that are borne otherwise.
    pub fn as_tagged(&self, sharing: &Sharing) -> Decimal {
        let moved = self.records.iter().filter(|(kind, _)| sharing.records.contains_key(kind));
        self.cost - moved.map(|(_, cost)| cost).sum::<Decimal>()
    }

    fn borne(&self, sharing: &Sharing, way: Unallocated) -> Decimal {
        let moved = self.records.iter().filter(|(kind, _)| sharing.records.get(kind) == Some(&way));
        moved.map(|(_, cost)| cost).sum()
    }
}

/// A tenant's own cost by service: without record types that are borne otherwise than their tags say.
pub(crate) fn own_services(days: &[CostDay], sharing: &Sharing) -> BTreeMap<String, Decimal> {
    let mut services = cost_by_service(days);
    for (kind, cost) in cost_by_record_type(days) {
        if !sharing.records.contains_key(&kind) {
            continue;
        }
        let left = services.entry(kind.label().to_owned()).or_default();
        *left -= cost;
        if left.is_zero() {
            services.remove(kind.label());
        }
    }
    services
}

/// A tenant's part of shared cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedPart {
    /// US dollars, in whole cents.
    pub amount: Decimal,
    /// How it comes about: `an even part of 16.85 USD that no tenant's tags claim, among 3 tenants`.
    pub text: String,
    /// The same in figures: one for each way in which cost is shared out. Their amounts sum to the part.
    pub ways: Vec<SharedWay>,
}

/// A tenant's part of what is shared out in one way: within a cent of `pool × weight / weights`, as the cents that rounding
/// leaves over go to the largest remainders. US dollars; of other tenants only their number and the sum of weights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedWay {
    /// Which way.
    pub way: Unallocated,
    /// What is shared out, exact.
    pub pool: Decimal,
    /// The tenant's weight: its own cost, or 1 where every tenant bears the same; none is below zero.
    pub weight: Decimal,
    /// The sum of all tenants' weights.
    pub weights: Decimal,
    /// How many tenants there are.
    pub tenants: u32,
    /// The tenant's part, in whole cents.
    pub amount: Decimal,
}

impl MonthCosts {
    /// A tenant's part; none where nothing is shared out, or the month is not the tenant's.
    pub fn part_of(&self, tenant: &str, sharing: &Sharing) -> Option<SharedPart> {
        let mut part: Option<SharedPart> = None;
        for way in [Unallocated::Proportional, Unallocated::Even] {
            let Some(amount) = self.parts_in(way, sharing).get(tenant).copied() else { continue };
            let text = self.told(way, sharing);
            let in_figures = self.in_figures(tenant, way, sharing, amount);
            part = Some(match part {
                Some(mut before) => {
                    before.ways.push(in_figures);
                    SharedPart {
                        amount: before.amount + amount,
                        text: format!("{}; {text}", before.text),
                        ways: before.ways,
                    }
                }
                None => SharedPart { amount, text, ways: vec![in_figures] },
            });
        }
        part
    }

    fn in_figures(&self, tenant: &str, way: Unallocated, sharing: &Sharing, amount: Decimal) -> SharedWay {
        // What weighs less than nothing weighs nothing.
        let mut weights = self.weights(way, sharing);
        weights.values_mut().for_each(|weight| *weight = (*weight).max(Decimal::ZERO));
        SharedWay {
            way,
            pool: self.pool(way, sharing),
            weight: weights.get(tenant).copied().unwrap_or_default(),
            weights: weights.values().sum(),
            tenants: u32::try_from(weights.len()).unwrap_or(u32::MAX),
            amount,
        }
    }

    /// Every tenant's part, by id, in whole cents of a US dollar; empty where nothing is shared out.
    pub fn parts(&self, sharing: &Sharing) -> BTreeMap<String, Decimal> {
        let mut all = BTreeMap::new();
        for way in [Unallocated::Proportional, Unallocated::Even] {
            for (id, part) in self.parts_in(way, sharing) {
                *all.entry(id).or_insert(Decimal::ZERO) += part;
            }
        }
        all
    }

    /// What is no tenant's by tags and policies: what no tags claim, and record types that are nobody's.
    pub fn unclaimed(&self, sharing: &Sharing) -> Decimal {
        self.unallocated.cost
            + self.tenants.values().map(|tagged| tagged.cost - tagged.as_tagged(sharing)).sum::<Decimal>()
    }

    /// What the tenants bear in one way.
    fn pool(&self, way: Unallocated, sharing: &Sharing) -> Decimal {
        let all = self.tenants.values().chain([&self.unallocated]);
        let records: Decimal = all.map(|tagged| tagged.borne(sharing, way)).sum();
        let unclaimed = if sharing.unallocated == way { self.unallocated.as_tagged(sharing) } else { Decimal::ZERO };
        unclaimed + records
    }

    fn parts_in(&self, way: Unallocated, sharing: &Sharing) -> BTreeMap<String, Decimal> {
        if sharing.unallocated != way && !sharing.records.values().any(|record| *record == way) {
            return BTreeMap::new();
        }
        parts(self.pool(way, sharing), &self.weights(way, sharing))
    }

    /// What each tenant's part is in proportion to, by id.
    fn weights(&self, way: Unallocated, sharing: &Sharing) -> BTreeMap<String, Decimal> {
        let weight = |tagged: &Tagged| match way {
            Unallocated::Proportional => tagged.as_tagged(sharing),
            _ => Decimal::ONE,
        };
        self.tenants.iter().map(|(id, tagged)| (id.clone(), weight(tagged))).collect()
    }

    /// `an even part of 16.85 USD that no tenant's tags claim, among 3 tenants`.
    fn told(&self, way: Unallocated, sharing: &Sharing) -> String {
        let pool = Money::new(round(self.pool(way, sharing), 2), Currency::USD);
        let part = if way == Unallocated::Even { "an even part" } else { "a part in proportion to own cost" };
        let unclaimed = (sharing.unallocated == way).then_some("that no tenant's tags claim");
        let records = sharing.records.iter().filter(|(_, record)| **record == way).map(|(kind, _)| kind.word());
        let records = records.collect::<Vec<_>>().join(", ");
        let of = match (unclaimed, records.is_empty()) {
            (Some(unclaimed), true) => unclaimed.to_owned(),
            (Some(unclaimed), false) => format!("{unclaimed}, or of {records}"),
            (None, _) => format!("of {records}"),
        };
        format!("{part} of {pool} {of}, among {} tenants", self.tenants.len())
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
