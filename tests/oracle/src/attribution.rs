//! To whom each row of a month's bill belongs.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::apportion::largest_remainder;
use crate::exact::Exact;
use crate::facts::{CostRow, Facts, RecordPolicy, RecordType, Tags, Tenant, TenantId, Unallocated};
use crate::month::Month;

/// Under which name a tenant's part of shared cost stands beside its services.
pub const SHARED: &str = "Shared cost";

/// Cents of a dollar: the unit in which shared cost is split.
const CENTS: i128 = 100;

/// Cost that belongs to no tenant, by what its rows carry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unowned {
    /// All tags of the rows.
    pub tags: Tags,
    /// Their record type.
    pub record: RecordType,
}

/// A month's bill, told apart. Everything is in exact dollars.
///
/// Readings:
/// - A row of several tenants' tags (one's pairs are among another's) is of the tenant with the most pairs, of as many
///   the smaller id.
/// - The cost of a tenant outside its membership is no tenant's: it is unallocated, by its tags.
/// - Shared cost is rounded once to cents of a dollar and split by largest remainder, ties by id; the rest of a cent
///   stays with the operator. It is split among the month's members, whether or not they have cost of their own.
/// - `proportional` weighs by own cost, and by nothing where that is below zero; where no tenant weighs anything the
///   operator bears it.
#[derive(Clone, Debug, Default)]
pub struct Attribution {
    /// Each member's own cost by service. A member without cost has an empty entry.
    pub own: BTreeMap<TenantId, BTreeMap<String, Exact>>,
    /// Each member's part of shared cost, in whole cents.
    pub shares: BTreeMap<TenantId, Exact>,
    /// Cost of no tenant, before any of it is shared.
    pub unowned: BTreeMap<Unowned, Exact>,
    /// All rows together.
    pub bill: Exact,
}

impl Attribution {
    /// Tells apart what AWS said of a month at an instant.
    #[must_use]
    pub fn of(facts: &Facts, month: Month, known_at: Timestamp) -> Self {
        let members = facts.tenants.iter().filter(|(_, tenant)| tenant.is_known(month));
        let mut attribution =
            Self { own: members.map(|(id, _)| (id.clone(), BTreeMap::new())).collect(), ..Self::default() };
        let mut pools: [Exact; 2] = [Exact::zero(), Exact::zero()];
        let owners = Owners::of(facts, month);
        for row in facts.rows(month) {
            let usd = row.usd(known_at);
            if let Some(services) = owners.owner(facts, row).and_then(|owner| attribution.own.get_mut(owner)) {
                *services.entry(row.service.clone()).or_default() += &usd;
                continue;
            }
            match shared_as(facts, row) {
                Unallocated::Operator => {}
                Unallocated::Proportional => pools[0] += &usd,
                Unallocated::Even => pools[1] += &usd,
            }
            let unowned = Unowned { tags: row.tags.clone(), record: row.record };
            *attribution.unowned.entry(unowned).or_default() += &usd;
        }
        let own = attribution.own.values().flat_map(BTreeMap::values);
        attribution.bill = Exact::sum(own.chain(attribution.unowned.values()));
        attribution.share(&pools[0], |own| Exact::sum(own.values()).or_zero());
        attribution.share(&pools[1], |_| Exact::whole(1));
        attribution
    }

    /// Splits a pool among the members by weight.
    fn share(&mut self, pool: &Exact, weight: impl Fn(&BTreeMap<String, Exact>) -> Exact) {
        let weights: Vec<(TenantId, Exact)> = self.own.iter().map(|(id, own)| (id.clone(), weight(own))).collect();
        let all = Exact::sum(weights.iter().map(|(_, weight)| weight));
        let cents = pool * &Exact::whole(CENTS);
        let Some(for_one) = cents.over(&all) else { return };
        let names: Vec<String> = weights.iter().map(|(id, _)| id.to_string()).collect();
        let shares: Vec<(&str, Exact)> =
            names.iter().zip(&weights).map(|(name, (_, weight))| (name.as_str(), &for_one * weight)).collect();
        let parts = largest_remainder(cents.round_to(1), 1, &shares);
        for ((id, _), part) in weights.into_iter().zip(parts) {
            let dollars = Exact::fraction(part, CENTS).unwrap_or_default();
            *self.shares.entry(id).or_default() += &dollars;
        }
    }

    /// Returns a member's cost by service, its part of shared cost included.
    #[must_use]
    pub fn cost(&self, tenant: &TenantId) -> BTreeMap<String, Exact> {
        let mut cost = self.own.get(tenant).cloned().unwrap_or_default();
        if let Some(share) = self.shares.get(tenant).filter(|share| !share.is_zero()) {
            *cost.entry(SHARED.to_owned()).or_default() += share;
        }
        cost
    }

    /// Returns what all members bear, their own cost and shared cost.
    #[must_use]
    pub fn of_tenants(&self) -> Exact {
        Exact::sum(self.own.values().flat_map(BTreeMap::values).chain(self.shares.values()))
    }

    /// Returns what the operator bears: what belongs to no tenant and was not shared out.
    #[must_use]
    pub fn of_operator(&self) -> Exact {
        Exact::sum(self.unowned.values()) - &Exact::sum(self.shares.values())
    }
}

/// A month's members by each tag pair that they ever had, so that a row is compared with few of them.
struct Owners<'f> {
    by_pair: BTreeMap<(&'f str, &'f str), BTreeMap<&'f TenantId, &'f Tenant>>,
}

impl<'f> Owners<'f> {
    fn of(facts: &'f Facts, month: Month) -> Self {
        let mut by_pair: BTreeMap<(&str, &str), BTreeMap<&TenantId, &Tenant>> = BTreeMap::new();
        for (id, tenant) in facts.tenants.iter().filter(|(_, tenant)| tenant.is_known(month)) {
            for (key, value) in tenant.tags.iter().flat_map(|(_, tags)| tags) {
                by_pair.entry((key, value)).or_default().insert(id, tenant);
            }
        }
        Self { by_pair }
    }

    /// Returns the member that a row belongs to by its tags.
    fn owner(&self, facts: &Facts, row: &CostRow) -> Option<&'f TenantId> {
        if matches!(facts.policy.records.get(&row.record), Some(RecordPolicy::Shared(_))) {
            return None;
        }
        let pairs = row.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let likely = pairs.filter_map(|pair| self.by_pair.get(&pair)).flatten();
        let owners = likely.filter(|(_, tenant)| tenant.owns(row.day, &row.tags));
        let pairs = owners.map(|(id, tenant)| (*id, tenant.tags(row.day).map_or(0, Tags::len)));
        pairs.max_by_key(|(id, pairs)| (*pairs, Reverse(*id))).map(|(id, _)| id)
    }
}

/// Returns how a row that belongs to no tenant is shared.
fn shared_as(facts: &Facts, row: &CostRow) -> Unallocated {
    match facts.policy.records.get(&row.record) {
        Some(RecordPolicy::Shared(way)) => *way,
        Some(RecordPolicy::AsTagged) | None => facts.policy.unallocated,
    }
}
