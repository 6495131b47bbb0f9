//! What is true in the world: tenants, their dated facts, and what AWS says each day cost, as it became known.

mod cost;
mod policy;
mod rate;
mod tenant;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use crate::currency::Currency;
use crate::exact::Exact;
use crate::month::Month;

pub use cost::{CostRow, Figure, RecordType, Tags};
pub use policy::{Policy, RecordPolicy, Scope, Unallocated};
pub use rate::Rate;
pub use tenant::{Tenant, TenantId};
pub use terms::{Fee, Money, PaymentFee, Terms, Tier};

/// Everything the oracle knows.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The operator's settings.
    pub policy: Policy,
    /// The tenants by id. An id that is used again is another tenant: see [`TenantId`].
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// Exchange rates in the order in which they were stated.
    pub rates: Vec<Rate>,
    /// What AWS says, by month of the day it is about.
    costs: BTreeMap<Month, OfMonth>,
}

/// What tells a row from the others of its month.
type RowKey = (Date, RecordType, String, Tags);

/// What AWS says of one month.
#[derive(Clone, Debug, Default)]
struct OfMonth {
    rows: BTreeMap<RowKey, CostRow>,
    /// The instants at which a figure became known.
    known: BTreeSet<Timestamp>,
    /// How many figures were recorded.
    figures: usize,
}

/// What is known of a month at an instant, without the figures: while it is the same, so are they.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edition {
    figures: usize,
    last_known: Option<Timestamp>,
}

impl Facts {
    /// Records what AWS says from `figure.known_at` on of one day, one set of tags, one service and one record type.
    ///
    /// An earlier figure of the same row is superseded, not added to. In which order figures are recorded does not
    /// matter, but for those of one instant, of which the last counts.
    pub fn record(&mut self, day: Date, tags: &Tags, service: &str, record: RecordType, figure: Figure) {
        let month = self.costs.entry(Month::of(day)).or_default();
        month.known.insert(figure.known_at);
        month.figures += 1;
        let key = (day, record, service.to_owned(), tags.clone());
        month.rows.entry(key).or_insert_with(|| CostRow::new(day, tags.clone(), service, record)).add(figure);
    }

    /// Returns what tells this month's figures, as known at an instant, from those known at others.
    #[must_use]
    pub fn edition(&self, month: Month, known_at: Timestamp) -> Edition {
        let of_month = self.costs.get(&month);
        let last_known = of_month.and_then(|of_month| of_month.known.range(..=known_at).next_back().copied());
        Edition { figures: of_month.map_or(0, |of_month| of_month.figures), last_known }
    }

    /// Returns the rows of a month that belong to the system, whatever is known of them.
    pub fn rows(&self, month: Month) -> impl Iterator<Item = &CostRow> {
        let rows = self.costs.get(&month).into_iter().flat_map(|of_month| of_month.rows.values());
        rows.filter(|row| self.policy.scope.as_ref().is_none_or(|scope| scope.holds(&row.tags)))
    }

    /// Says whether a figure of a month that was known at an instant is still an estimate.
    #[must_use]
    pub fn is_estimated(&self, month: Month, known_at: Timestamp) -> bool {
        self.rows(month).filter_map(|row| row.at(known_at)).any(|figure| figure.estimated)
    }

    /// Returns how many units of a currency one dollar is at a month's end for a tenant first recorded on a day; none
    /// without a stated rate near it.
    ///
    /// Dollars need none.
    #[must_use]
    pub fn rate(&self, currency: Currency, month: Month, recorded: Option<Date>) -> Option<Exact> {
        if currency.code == "USD" {
            return Some(Exact::whole(1));
        }
        let of_currency = self.rates.iter().filter(|rate| rate.currency == currency.code);
        rate::of_month(of_currency, month, recorded, &self.policy).map(|rate| rate.per_dollar.clone())
    }
}

/// Returns the month from which an edit without a date holds.
///
/// Reading: "from the first month that nothing was closed for" is the month, in UTC, of the edit: every month before it
/// has ended, is closing or billed, and keeps the facts it had, whether or not a draft exists.
#[must_use]
pub fn undated_edit_holds_from(edited_at: Timestamp) -> Month {
    Month::at(edited_at)
}

/// Returns what holds in a month of facts that each hold from a month: the latest that has begun.
fn dated<T>(facts: &[(Month, T)], month: Month) -> Option<&T> {
    let begun = facts.iter().filter(|(from, _)| *from <= month);
    begun.max_by_key(|(from, _)| *from).map(|(_, fact)| fact)
}
