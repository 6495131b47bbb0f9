//! What a month costs by service or project, beside the month before: a table whose rows carry bars.

use std::collections::{BTreeMap, BTreeSet};

use billing::costs::ShownAmount;
use billing::invoice::SHARED_COST;
use billing::names::NO_PROJECT;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::pages::amount::Amount;
use crate::pages::locale::Locale;
use crate::pages::words::Words;

/// One breakdown.
pub(super) struct Breakdown {
    pub(super) rows: Vec<Row>,
    pub(super) now: Amount,
    pub(super) was: Amount,
    /// Its bars are those of the last month.
    pub(super) is_early: bool,
}

pub(super) struct Row {
    pub(super) name: String,
    pub(super) now: Amount,
    pub(super) was: Amount,
    /// How long its bar is, of 100.
    pub(super) share: u32,
}

type Amounts = BTreeMap<String, ShownAmount>;

/// The largest first, by this month and then by the last one.
pub(super) fn of(locale: Locale, w: &Words, now: &Amounts, was: &Amounts) -> Breakdown {
    let cost = |of: &Amounts, name: &str| of.get(name).map_or(Decimal::ZERO, |amount| amount.cost.0);
    let names: BTreeSet<&String> = now.keys().chain(was.keys()).collect();
    let mut parts: Vec<_> = names.into_iter().map(|name| (name, cost(now, name), cost(was, name))).collect();
    parts.sort_by_key(|(_, now, was)| std::cmp::Reverse((*now, *was)));
    // In the first days of a month its own bars say little: those of the last month then stand in.
    let is_early = parts.iter().all(|(_, now, _)| *now <= Decimal::ZERO);
    let weight = |now: Decimal, was: Decimal| if is_early { was } else { now };
    let longest = parts.iter().map(|(_, now, was)| weight(*now, *was)).max().unwrap_or_default();
    let sum = |of: &Amounts| of.values().map(|amount| amount.cost.0).sum();
    let row = |(name, now, was): &(&String, Decimal, Decimal)| Row {
        name: named(w, name),
        now: Amount::dollars(locale, *now),
        was: Amount::dollars(locale, *was),
        share: share(weight(*now, *was), longest),
    };
    Breakdown {
        rows: parts.iter().map(row).collect(),
        now: Amount::dollars(locale, sum(now)),
        was: Amount::dollars(locale, sum(was)),
        is_early,
    }
}

/// None where the stack tells no projects apart.
pub(super) fn of_projects(locale: Locale, w: &Words, now: &Amounts, was: &Amounts) -> Option<Breakdown> {
    (!now.is_empty() || !was.is_empty()).then(|| of(locale, w, now, was))
}

fn named(w: &Words, name: &str) -> String {
    match name {
        NO_PROJECT => w.no_project.to_owned(),
        SHARED_COST => w.shared.to_owned(),
        name => name.to_owned(),
    }
}

fn share(part: Decimal, longest: Decimal) -> u32 {
    if longest <= Decimal::ZERO {
        return 0;
    }
    let share = (part.max(Decimal::ZERO) * Decimal::ONE_HUNDRED / longest).round().to_u32().unwrap_or(0);
    if share == 0 && part > Decimal::ZERO { 1 } else { share }
}
