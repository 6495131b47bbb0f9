//! Which tenant has which cost by its tags, day by day.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::Date;

use super::AttributionError;
use super::cut::{CutOwners, Taken};
use crate::Period;
use crate::ledger::LeftTenant;
use crate::tenant::{Pairs, TagClaim, TenantRecord, agree};

/// The tenants that claim cost on some day, and their claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// By id.
    tenants: Vec<String>,
    /// Value of the tenant tag -> who claims cost with it when, the claims that come first before the others.
    claims: HashMap<String, Vec<Owned>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    claim: TagClaim,
    /// Index in `tenants`.
    tenant: usize,
}

impl Owners {
    /// What the tenants' records say, and what stayed of tenants who left.
    ///
    /// What was a tenant's and no longer is stays theirs for its days, whoever has it now: of several claims on one row of
    /// cost the one that ends first counts, and one by values that the tenant never had together after all others.
    ///
    /// # Errors
    /// Two tenants claim the same cost on a day, and neither of them gave it up.
    pub fn of<'a>(
        tenants: impl IntoIterator<Item = &'a TenantRecord>,
        left: &[LeftTenant],
        tenant_tag: &str,
    ) -> Result<Owners, AttributionError> {
        let mut owners = Owners::default();
        let mut numbers = HashMap::new();
        let present = tenants.into_iter().map(|tenant| (&tenant.id, tenant.claims(tenant_tag)));
        let gone = left.iter().map(|left| (&left.id, left.claims(tenant_tag)));
        for (id, claims) in present.chain(gone) {
            for claim in claims {
                // An id that came back has the days of both.
                let number = *numbers.entry(id.clone()).or_insert_with(|| {
                    owners.tenants.push(id.clone());
                    owners.tenants.len() - 1
                });
                let value = claim.span.value.clone();
                owners.claims.entry(value).or_default().push(Owned { claim, tenant: number });
            }
        }
        for (value, owned) in &mut owners.claims {
            // Those that end, the earliest first, before those that do not.
            owned.sort_by_key(|Owned { claim: TagClaim { span, is_mixed, .. }, tenant }| {
                (*is_mixed, span.until.is_none(), span.until, span.from, *tenant)
            });
            if let Some((first, second)) = shared(owned) {
                let since = first.claim.span.from.max(second.claim.span.from);
                let (first, second) = (first.tenant.min(second.tenant), first.tenant.max(second.tenant));
                let (first, second) = (owners.tenants[first].clone(), owners.tenants[second].clone());
                return Err(AttributionError::SharedValue { value: value.clone(), first, second, since });
            }
        }
        Ok(owners)
    }

    /// The tenants' ids.
    pub fn tenants(&self) -> &[String] {
        &self.tenants
    }

    /// The tenant that has what no [`Cut`](super::Cut) takes of the cost with a value of the tenant tag on a day, by its index in
    /// [`Owners::tenants`]: all of it where no claim on it names further tags.
    pub fn on(&self, value: &str, day: Date) -> Option<usize> {
        let mut owned = self.claims.get(value)?.iter();
        let whole = owned.find(|owned| owned.claim.span.covers(day) && owned.claim.further.is_empty());
        whole.map(|owned| owned.tenant)
    }

    /// What must be asked for beside the whole cost of a period, in a fixed order: none where every tenant is known by the
    /// tenant tag alone. No row of cost is in two of them.
    pub(super) fn cuts(&self, period: &Period) -> Vec<CutOwners> {
        let mut cuts = CutOwners::none();
        for (value, owned) in &self.claims {
            let within: Vec<&Owned> = owned.iter().filter(|owned| has_days(&owned.claim, period)).collect();
            if within.iter().all(|owned| owned.claim.further.is_empty()) {
                continue;
            }
            for days in stretches(&within, period) {
                let there = within.iter().filter(|owned| owned.claim.span.covers(days.start()));
                for (further, except, tenant) in in_order(there.copied()) {
                    cuts.add(further, except, Taken { value: value.clone(), days, tenant });
                }
            }
        }
        cuts.finish()
    }
}

/// What each claim of a day takes, the first ones first: cost with its further pairs, without what earlier claims take. It
/// ends with the first claim that takes all.
fn in_order<'a>(claims: impl Iterator<Item = &'a Owned>) -> Vec<(Pairs, BTreeSet<Pairs>, usize)> {
    let mut taken: Vec<(Pairs, BTreeSet<Pairs>, usize)> = Vec::new();
    for Owned { claim: TagClaim { further, .. }, tenant } in claims {
        if further.is_empty() {
            break;
        }
        let rest = |earlier: &Pairs| -> Pairs {
            let not_ours = earlier.iter().filter(|(key, _)| !further.contains_key(*key));
            not_ours.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        let before = taken.iter().filter(|(earlier, ..)| agree(earlier, further));
        let except: BTreeSet<Pairs> = before.map(|(earlier, ..)| rest(earlier)).collect();
        // An earlier claim that names no other pair takes all that this one does.
        if !except.contains(&Pairs::new()) {
            taken.push((further.clone(), except, *tenant));
        }
    }
    taken
}

fn has_days(claim: &TagClaim, period: &Period) -> bool {
    let span = &claim.span;
    span.from.is_none_or(|from| from < period.end()) && span.until.is_none_or(|until| period.start() < until)
}

/// The period cut where a claim begins or ends.
fn stretches(claims: &[&Owned], period: &Period) -> Vec<Period> {
    let turns = claims.iter().flat_map(|owned| [owned.claim.span.from, owned.claim.span.until]).flatten();
    let inner = turns.filter(|day| period.contains(*day));
    let days: Vec<Date> = inner.chain([period.start(), period.end()]).collect::<BTreeSet<Date>>().into_iter().collect();
    days.windows(2).filter_map(|days| Period::new(days[0], days[1]).ok()).collect()
}

/// Two tenants that claim the same cost for good.
fn shared(owned: &[Owned]) -> Option<(&Owned, &Owned)> {
    let open = || owned.iter().filter(|owned| owned.claim.span.until.is_none());
    let pairs = open().flat_map(|one| open().map(move |other| (one, other)));
    pairs.into_iter().find(|(one, other)| one.tenant < other.tenant && one.claim.meets(&other.claim))
}
