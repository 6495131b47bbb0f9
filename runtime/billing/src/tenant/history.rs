//! How a tenant's facts go on from the deployed ones. An edit without a date holds from the month in which it is made: no
//! month that is over is billed otherwise because of it. What the manifest dates holds from its date.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;

use super::{HeldRate, TagSpan, TagValues, TenantRecord};
use crate::Month;
use crate::pricing::Terms;

/// What of a tenant's facts differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// Their terms.
    Terms,
    /// The exchange rate.
    Rate,
    /// The tag values that tell their cost apart.
    Tags,
}

impl Fact {
    const ALL: [Fact; 3] = [Fact::Terms, Fact::Rate, Fact::Tags];
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fact::Terms => "terms",
            Fact::Rate => "exchange rate",
            Fact::Tags => "tag values",
        })
    }
}

impl TenantRecord {
    /// The record that replaces `deployed` when it is written in `month`, with these facts of the manifest.
    ///
    /// What the manifest does not date holds from `month` on, and the deployed facts before it; what it dates holds from
    /// its date. Tag values that were replaced stay the tenant's until `month` is over: resources are tagged otherwise
    /// one by one. Doing it again, in that month or later, changes nothing. In another currency there is no history to
    /// keep.
    #[must_use]
    pub fn following(self, deployed: &TenantRecord, month: Month) -> TenantRecord {
        if self.currency != deployed.currency {
            return self;
        }
        TenantRecord {
            tags: tags(&self.tags, &deployed.tags, month),
            terms: terms(&self.terms, &deployed.terms, month),
            rates: rates(&self.rates, &deployed.rates, month),
            ..self
        }
    }

    /// Which facts of a month differ from the deployed ones. Terms and a rate that were lacking are supplied, not changed.
    pub fn changes_in(&self, month: Month, deployed: &TenantRecord) -> Vec<Fact> {
        let supplied = |fact: &Fact| match fact {
            Fact::Terms => deployed.terms_for(month).is_none(),
            Fact::Rate => deployed.rate_for(month).is_err(),
            Fact::Tags => false,
        };
        Fact::ALL.into_iter().filter(|fact| self.differs(*fact, month, deployed) && !supplied(fact)).collect()
    }

    /// From which month on which facts differ from the deployed ones.
    pub fn changes_from(&self, deployed: &TenantRecord) -> Vec<(Fact, Month)> {
        let months: BTreeSet<Month> = self.turning_points().into_iter().chain(deployed.turning_points()).collect();
        let first = |fact: Fact| months.iter().find(|month| self.differs(fact, **month, deployed));
        Fact::ALL.into_iter().filter_map(|fact| Some((fact, *first(fact)?))).collect()
    }

    fn differs(&self, fact: Fact, month: Month, other: &TenantRecord) -> bool {
        match fact {
            Fact::Terms => !alike(self.terms_for(month), other.terms_for(month)),
            Fact::Rate => self.rate_for(month).ok() != other.rate_for(month).ok(),
            Fact::Tags => self.tags_of(month) != other.tags_of(month),
        }
    }

    /// The days of a month by tag and value.
    fn tags_of(&self, month: Month) -> BTreeMap<&str, TagValues> {
        let days = month.period();
        let within =
            |key: &str| self.tag_spans(key).filter_map(|span| span.before(Some(days.end()))?.since(days.start()));
        let all = self.tags.keys().map(|key| (key.as_str(), TagValues::new(within(key))));
        all.filter(|(_, values)| !values.spans().is_empty()).collect()
    }

    /// The months in which some fact begins to hold or ends, and those around the day of each rate.
    fn turning_points(&self) -> Vec<Month> {
        let terms = self.terms.iter().map(|terms| terms.effective_from.unwrap_or(Month::of(crate::period::EARLIEST)));
        let spans = self.tags.values().flat_map(TagValues::spans);
        let days = spans.flat_map(|span| [span.from, span.until]).flatten().map(Month::of);
        let near = |held: &HeldRate| {
            let month = Month::of(held.rate.date);
            [month.previous().ok(), Some(month), month.next().ok(), held.since, held.until].into_iter().flatten()
        };
        let left = self.last_period.and_then(|last| last.next().ok());
        let rates = self.rates.iter().flat_map(near);
        terms.chain(days).chain(rates).chain(left).chain([Month::of(crate::period::EARLIEST)]).collect()
    }
}

/// Whether two terms bill alike, whenever they began.
fn alike(one: Option<&Terms>, other: Option<&Terms>) -> bool {
    let undated = |terms: &Terms| Terms { effective_from: None, ..terms.clone() };
    one.map(undated) == other.map(undated)
}

/// The terms in force at the beginning of a stretch; `None` is the beginning of time.
fn in_force(terms: &[Terms], at: Option<Month>) -> Option<&Terms> {
    terms.iter().filter(|terms| terms.effective_from <= at).max_by_key(|terms| terms.effective_from)
}

fn terms(wanted: &[Terms], deployed: &[Terms], month: Month) -> Vec<Terms> {
    let starts = wanted.iter().chain(deployed).map(|terms| terms.effective_from);
    let starts: BTreeSet<Option<Month>> = starts.chain([None, Some(month)]).collect();
    let mut kept: Vec<Terms> = Vec::new();
    for start in starts {
        let now = in_force(wanted, start);
        let counts = now.is_some_and(|terms| terms.effective_from.is_some()) || start >= Some(month);
        // Terms that are dated later let the deployed ones go on until then.
        let held = if counts { now.or(in_force(deployed, start)) } else { in_force(deployed, start) };
        if held.is_some() && !alike(held, kept.last()) {
            kept.extend(held.map(|terms| Terms { effective_from: start, ..terms.clone() }));
        }
    }
    kept
}

fn rates(wanted: &[HeldRate], deployed: &[HeldRate], month: Month) -> Vec<HeldRate> {
    let same_day =
        |a: &HeldRate, b: &HeldRate| (a.rate.from, a.rate.to, a.rate.date) == (b.rate.from, b.rate.to, b.rate.date);
    // What began or ended in this month or later is decided now.
    let open = |held: &HeldRate| HeldRate { until: held.until.filter(|until| *until < month), ..held.clone() };
    let begun: Vec<HeldRate> =
        deployed.iter().filter(|held| held.since.is_none_or(|since| since < month)).map(open).collect();
    let mut kept: Vec<HeldRate> = Vec::new();
    for held in &begun {
        let stays = held.until.is_some() || wanted.iter().any(|wanted| same_day(wanted, held));
        kept.push(HeldRate { until: if stays { held.until } else { Some(month) }, ..held.clone() });
    }
    for stated in wanted {
        let of_day = begun.iter().filter(|held| same_day(held, stated));
        let newest = of_day.clone().filter(|held| held.until.is_none()).max_by_key(|held| held.since);
        match newest {
            Some(newest) if newest.rate == stated.rate => {}
            None if of_day.clone().next().is_none() => kept.push(HeldRate::plain(stated.rate.clone())),
            _ => kept.push(HeldRate { since: Some(month), ..HeldRate::plain(stated.rate.clone()) }),
        }
    }
    kept.sort_by(|a, b| (a.rate.to.code(), a.rate.date, a.since).cmp(&(b.rate.to.code(), b.rate.date, b.since)));
    kept
}

fn tags(
    wanted: &BTreeMap<String, TagValues>,
    deployed: &BTreeMap<String, TagValues>,
    month: Month,
) -> BTreeMap<String, TagValues> {
    let none = TagValues::default();
    let keys: BTreeSet<&String> = wanted.keys().chain(deployed.keys()).collect();
    let values = |key: &String| {
        let (wanted, deployed) = (wanted.get(key).unwrap_or(&none), deployed.get(key).unwrap_or(&none));
        (key.clone(), values(wanted, deployed, month))
    };
    keys.into_iter().map(values).filter(|(_, values)| !values.spans().is_empty()).collect()
}

fn values(wanted: &TagValues, deployed: &TagValues, month: Month) -> TagValues {
    let days = month.period();
    let (undated, dated): (Vec<&TagSpan>, Vec<&TagSpan>) = wanted.spans().iter().partition(|span| span.from.is_none());
    let first_dated: Option<Date> = dated.iter().filter_map(|span| span.from).min();
    // With nothing wanted the tag is gone, and narrows nothing any more.
    let replaced = match (undated.is_empty(), first_dated) {
        (true, None) => Some(days.start()),
        (true, dated) => dated,
        (false, dated) => Some(dated.map_or(days.end(), |dated| dated.min(days.end()))),
    };
    let kept = deployed.spans().iter().filter_map(|span| span.clone().before(replaced));
    let from_now_on = undated.into_iter().filter_map(|span| span.clone().since(days.start()));
    TagValues::new(kept.chain(from_now_on).chain(dated.into_iter().cloned()))
}

#[cfg(test)]
mod tests;
