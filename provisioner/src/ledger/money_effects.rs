//! What an edit of the manifest means for amounts: what the last closed months would have been by the facts it gives
//! tenants, beside what they are by the deployed ones.
//!
//! Both amounts come from the one assessment that invoices and previews are drawn from ([`billing::invoice::assess`]), over
//! the cost that the ledger holds; nothing is written. An edit without a date changes no month that is over: its effect is
//! what would have been, had it been made before.

mod facts;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use billing::invoice::{DraftRules, LOOK_BACK_MONTHS, MonthCosts, MonthFacts, Tagged, assess, sharing_of};
use billing::ledger::{CostDay, LeftTenant, SyncMark};
use billing::names::UNALLOCATED;
use billing::tenant::TenantRecord;
use billing::{Money, Month, Period};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::reader::LedgerReader;
use crate::ui::failure::Failure;
use facts::Change;
use tags::Moved;

/// How many tenants' items are read at once.
const TENANTS_AT_ONCE: usize = 8;
/// How many tenants a note names.
const NAMED: usize = 3;

/// What a plan does to amounts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoneyEffects {
    /// By tenant, then month by month.
    pub months: Vec<MonthEffect>,
    /// What is to be known beside it, or why nothing can be told; a sentence each.
    pub notes: Vec<String>,
    /// What changes amounts and cannot be told by how much; a sentence each. No limit lets it pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub untold: Vec<String>,
}

/// What one tenant's closed month would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthEffect {
    /// The tenant's id.
    pub tenant: String,
    /// The month.
    pub period: Month,
    /// What it comes to by the deployed facts, nothing where it is not billed; none where they give no price.
    pub before: Option<Money>,
    /// The same by the planned facts.
    pub after: Option<Money>,
    /// Which facts make the difference: `terms, exchange rate`.
    pub reason: String,
}

impl MonthEffect {
    /// What is billed more, or less where it is negative; none where that cannot be told in one currency.
    pub fn delta(&self) -> Option<Money> {
        let (before, after) = (self.before?, self.after?);
        let delta = || Money::new(after.amount - before.amount, after.currency);
        (before.currency == after.currency).then(delta)
    }
}

impl MoneyEffects {
    /// Nothing but a sentence.
    pub fn note(note: impl Into<String>) -> MoneyEffects {
        MoneyEffects { notes: vec![note.into()], ..MoneyEffects::default() }
    }

    /// Reads what the ledger holds of the tenants concerned, and tells what their last closed months would have been.
    /// `wanted` are the records that are written over deployed ones or made, as the manifest has them, and `tenant_tag` is
    /// the tag that tells tenants' cost apart. Reads by queries alone, and nothing where no such fact changes.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn load(
        reader: &LedgerReader,
        wanted: &[TenantRecord],
        tenant_tag: &str,
        today: Date,
    ) -> Result<MoneyEffects, Failure> {
        if wanted.is_empty() {
            return Ok(MoneyEffects::default());
        }
        let deployed: BTreeMap<String, TenantRecord> =
            reader.tenants().await?.into_iter().map(|tenant| (tenant.id.clone(), tenant)).collect();
        let this = Month::of(today);
        let changes = wanted.iter().filter_map(|wanted| Change::of(deployed.get(&wanted.id)?, wanted, this));
        let changes: BTreeMap<String, Change> = changes.map(|change| (change.id().to_owned(), change)).collect();
        let added = wanted.iter().filter(|wanted| !deployed.contains_key(&wanted.id));
        let mut untold: Vec<String> = added.filter_map(|tenant| billed_before(tenant, this)).collect();
        if changes.is_empty() {
            return Ok(MoneyEffects { untold, ..MoneyEffects::default() });
        }
        let mut known =
            Known { months: closed(this), tenant_tag, deployed, left: Vec::new(), changes, cost: BTreeMap::new() };
        let ids = known.concerned();
        if known.weighs() {
            known.left = reader.left_tenants().await?;
        }
        let left = known.left.iter().map(|left| left.id.clone());
        let ids: BTreeSet<String> = ids.into_iter().chain(left).chain([UNALLOCATED.to_owned()]).collect();
        let Some(period) = known.period() else { return Ok(MoneyEffects { untold, ..MoneyEffects::default() }) };
        let costs = ids.into_iter().map(|id| async move {
            let days = reader.cost_days(&id, period).await?;
            let marks = reader.sync_marks(&id).await?;
            Ok::<_, Failure>((id, Cost { days, marks }))
        });
        known.cost = stream::iter(costs).buffer_unordered(TENANTS_AT_ONCE).try_collect().await?;
        let told = known.effects();
        untold.extend(told.untold);
        Ok(MoneyEffects { untold, ..told })
    }
}

/// A tenant who is new and billed for months that are over: their cost is known after the next sync.
fn billed_before(tenant: &TenantRecord, this: Month) -> Option<String> {
    let first = tenant.first_period.filter(|first| *first < this)?;
    let id = &tenant.id;
    Some(format!(
        "{id} is new and billed from {first} on: what its closed months come to is known after the next cost sync."
    ))
}

/// The last months that are over and whose cost is still read, oldest first.
pub fn closed(this: Month) -> Vec<Month> {
    let earlier = std::iter::successors(this.previous().ok(), |month| month.previous().ok());
    let mut months: Vec<Month> = earlier.take(LOOK_BACK_MONTHS as usize).collect();
    months.reverse();
    months
}

/// What the ledger holds, and what changes.
struct Known<'a> {
    months: Vec<Month>,
    tenant_tag: &'a str,
    deployed: BTreeMap<String, TenantRecord>,
    left: Vec<LeftTenant>,
    changes: BTreeMap<String, Change>,
    cost: BTreeMap<String, Cost>,
}

/// What was synced of one tenant, or of none.
#[derive(Default)]
struct Cost {
    days: Vec<CostDay>,
    marks: Vec<SyncMark>,
}

impl Cost {
    fn days_of(&self, month: Month) -> Vec<CostDay> {
        self.days.iter().filter(|day| month.period().contains(day.date)).cloned().collect()
    }

    fn is_whole(&self, month: Month) -> bool {
        self.marks.iter().any(|mark| mark.month == month && mark.whole_month())
    }
}

/// One month as it is and as it would be.
struct OneMonth {
    month: Month,
    /// What tag values that are others would bring.
    moved: BTreeMap<String, Moved>,
    before: MonthCosts,
    after: MonthCosts,
}

impl Known<'_> {
    fn period(&self) -> Option<Period> {
        Period::new(self.months.first()?.period().start(), self.months.last()?.period().end()).ok()
    }

    /// All terms that hold for the months, before and after.
    fn any_terms(&self, asked: impl Fn(&billing::sharing::Sharing) -> bool) -> bool {
        let deployed =
            self.deployed.values().flat_map(|tenant| self.months.iter().map(|month| sharing_of(tenant, *month, None)));
        let planned = self.changes.values();
        let planned = planned
            .flat_map(|change| self.months.iter().map(|month| sharing_of(&change.supposed(*month), *month, None)));
        deployed.chain(planned).any(|sharing| asked(&sharing))
    }

    /// Whether tenants' own cost decides what they bear of shared cost.
    fn weighs(&self) -> bool {
        self.any_terms(billing::sharing::Sharing::weighs)
    }

    /// The tenants whose amounts may change: those with a change, and all of them where cost is shared out.
    fn concerned(&self) -> BTreeSet<String> {
        let shares = self.any_terms(billing::sharing::Sharing::shares);
        if shares { self.deployed.keys().cloned().collect() } else { self.changes.keys().cloned().collect() }
    }

    fn cost(&self, id: &str) -> &Cost {
        static NOTHING: Cost = Cost { days: Vec::new(), marks: Vec::new() };
        self.cost.get(id).unwrap_or(&NOTHING)
    }

    fn effects(&self) -> MoneyEffects {
        let mut told = MoneyEffects::default();
        let mut unread: BTreeMap<Month, BTreeSet<&str>> = BTreeMap::new();
        let mut untold: BTreeSet<&str> = BTreeSet::new();
        let months: Vec<OneMonth> = self.months.iter().map(|month| self.one_month(*month)).collect();
        for id in self.concerned() {
            let Some((id, deployed)) = self.deployed.get_key_value(&id) else { continue };
            let change = self.changes.get(id);
            let mut seen = false;
            for one in &months {
                let planned = change.map_or_else(|| deployed.clone(), |change| change.supposed(one.month));
                if !deployed.bills(one.month) && !planned.bills(one.month) {
                    continue;
                }
                seen = true;
                if !self.is_known(id, one, [deployed, &planned]) {
                    unread.entry(one.month).or_default().insert(id);
                    continue;
                }
                if matches!(one.moved.get(id), Some(Moved::Unknown)) {
                    untold.insert(id);
                }
                told.months.extend(self.effect(change, one, deployed, &planned));
            }
            if !seen && change.is_some() {
                told.notes.push(format!("{id}: no month that is billed is over, so no effect on amounts can be told."));
            }
        }
        // A month that was not read has no amount yet, so the edit changes none.
        told.notes.extend(unread.iter().map(|(month, ids)| {
            format!("{month}: the cost of {} was not read whole, so no effect on it can be told.", named(ids))
        }));
        if !untold.is_empty() {
            let ids = named(&untold);
            told.untold.push(format!(
                "{ids}: what cost other tag values bring is known after the next cost sync; it is in no amount here."
            ));
        }
        told
    }

    fn is_known(&self, id: &str, one: &OneMonth, records: [&TenantRecord; 2]) -> bool {
        let month = one.month;
        let shares = records.iter().any(|record| sharing_of(record, month, None).shares());
        let needs_unclaimed = shares || matches!(one.moved.get(id), Some(Moved::To { .. }));
        self.cost(id).is_whole(month) && (!needs_unclaimed || self.cost(UNALLOCATED).is_whole(month))
    }

    fn effect(
        &self,
        change: Option<&Change>,
        one: &OneMonth,
        deployed: &TenantRecord,
        planned: &TenantRecord,
    ) -> Option<MonthEffect> {
        let (id, month) = (&deployed.id, one.month);
        let own = self.cost(id).days_of(month);
        let moved = one.moved.get(id).and_then(|moved| moved.days(&own, &self.cost(UNALLOCATED).days_of(month)));
        let before = amount(deployed, month, &own, &one.before);
        let after = amount(planned, month, moved.as_ref().unwrap_or(&own), &one.after);
        let mut reasons = change.map(|change| change.reasons(month)).unwrap_or_default();
        if moved.is_some() && change.is_some_and(Change::changes_tags) {
            reasons.push("tag values");
        }
        if reasons.is_empty() && before != after {
            reasons.push("shared cost");
        }
        let (tenant, reason) = (id.clone(), reasons.join(", "));
        (!reason.is_empty()).then_some(MonthEffect { tenant, period: month, before, after, reason })
    }

    fn one_month(&self, month: Month) -> OneMonth {
        let moved = |(id, change): (&String, &Change)| {
            let others = self.deployed.values().filter(|other| other.id != *id);
            Some((id.clone(), tags::moved(change, month, self.tenant_tag, others)?))
        };
        let moved: BTreeMap<String, Moved> = self.changes.iter().filter_map(moved).collect();
        let before = self.costs_before(month);
        let after = self.costs_after(month, &before, &moved);
        OneMonth { month, moved, before, after }
    }

    /// All tenants' cost of a month, as `billing::ledger::month_costs` reads it.
    fn costs_before(&self, month: Month) -> MonthCosts {
        let present = self.deployed.values().filter(|tenant| tenant.bills(month)).map(|tenant| &tenant.id);
        let left = self.left.iter().filter(|left| left.bills(month)).map(|left| &left.id);
        let tagged = |id: &str| Tagged::of(&self.cost(id).days_of(month));
        MonthCosts {
            month,
            tenants: present.chain(left).map(|id| (id.clone(), tagged(id))).collect(),
            unallocated: tagged(UNALLOCATED),
            marks: BTreeMap::new(),
        }
    }

    fn costs_after(&self, month: Month, before: &MonthCosts, moved: &BTreeMap<String, Moved>) -> MonthCosts {
        let mut after = before.clone();
        for (id, change) in &self.changes {
            let own = self.cost(id).days_of(month);
            let own_then = moved.get(id).and_then(|moved| moved.days(&own, &self.cost(UNALLOCATED).days_of(month)));
            if let Some(then) = &own_then {
                let (was, then) = (Tagged::of(&own), Tagged::of(then));
                after.unallocated.cost += was.cost - then.cost;
                let records = &mut after.unallocated.records;
                // Days by value tell no record types apart, so that all that were told are the tenant's own.
                was.records.into_iter().for_each(|(kind, cost)| *records.entry(kind).or_default() += cost);
                then.records.into_iter().for_each(|(kind, cost)| *records.entry(kind).or_default() -= cost);
            }
            match change.supposed(month).bills(month) {
                true => after.tenants.insert(id.clone(), Tagged::of(own_then.as_ref().unwrap_or(&own))),
                false => after.tenants.remove(id),
            };
        }
        after
    }
}

/// What a month comes to by a record: by its own cost, without what earlier months left.
fn amount(tenant: &TenantRecord, month: Month, days: &[CostDay], costs: &MonthCosts) -> Option<Money> {
    if !tenant.bills(month) {
        return Some(Money::zero(tenant.currency));
    }
    let shared = Some(costs).filter(|_| sharing_of(tenant, month, None).shares());
    let facts = MonthFacts { tenant, month, mark: None, days, shared, balance: None, claim: None, record: None };
    // Whether it has settled makes no difference to what it comes to.
    assess(&facts, DraftRules { day: 1, settle_days: 0 }, Date::MAX).own.ok().map(|invoice| invoice.total)
}

/// `acme, beta, gamma and 997 more`.
fn named(ids: &BTreeSet<&str>) -> String {
    let shown: Vec<&str> = ids.iter().take(NAMED).copied().collect();
    let more = ids.len().saturating_sub(NAMED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

#[cfg(test)]
mod tests;
