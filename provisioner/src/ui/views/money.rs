//! What a plan does to amounts, as text, Markdown and JSON: `acme: 2026-10 would have been 142.10 USD, +4.20 (terms)`.

use std::collections::{BTreeMap, BTreeSet};

use billing::{Currency, Money, Month};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::markdown::{code, sentence};
use crate::ledger::money_effects::{MoneyEffects, MonthEffect};
use crate::ledger::money_limit::signed;

/// Of more tenants only so many are told, those whose amounts change most, and the sums of all.
const TOLD: usize = 10;

/// A line for each month and each note, for people.
pub fn lines(effects: &MoneyEffects) -> Vec<String> {
    let Told { months, more } = Told::of(effects);
    let month = |effect: &&MonthEffect| format!("{}: {} ({})", effect.tenant, told(effect), effect.reason);
    months.iter().map(month).chain(more).chain(effects.notes.iter().chain(&effects.untold).cloned()).collect()
}

/// The same as Markdown.
pub fn markdown(effects: &MoneyEffects) -> Vec<String> {
    let Told { months, more } = Told::of(effects);
    let month =
        |effect: &&MonthEffect| format!("{}: {} ({})", code(&effect.tenant), told(effect), code(&effect.reason));
    months
        .iter()
        .map(month)
        .chain(more)
        .chain(effects.notes.iter().chain(&effects.untold).map(|note| sentence(note)))
        .collect()
}

/// The same as JSON: every tenant, amounts as `142.10 USD`; `delta` is null where it cannot be told in one currency.
pub fn json(effects: &MoneyEffects) -> Value {
    let month = |effect: &MonthEffect| {
        json!({
            "tenant": effect.tenant,
            "period": effect.period,
            "before": effect.before,
            "after": effect.after,
            "delta": effect.delta(),
            "currency": effect.after.or(effect.before).map(|money| money.currency),
            "reason": effect.reason,
        })
    };
    json!({ "months": effects.months.iter().map(month).collect::<Vec<_>>(), "notes": effects.notes.iter().chain(&effects.untold).collect::<Vec<_>>() })
}

/// Our own words and amounts alone.
fn told(effect: &MonthEffect) -> String {
    let period = effect.period;
    match (effect.before, effect.after, effect.delta()) {
        (_, Some(after), Some(delta)) => format!("{period} would have been {after}, {}", signed(delta)),
        (Some(before), Some(after), None) => format!("{period} would have been {after} instead of {before}"),
        (None, Some(after), _) => format!("{period} would have been {after}, and has no price as it is"),
        (Some(before), None, _) => format!("{period} would have had no price; it is {before}"),
        (None, None, _) => format!("{period} has no price, and would have had none"),
    }
}

/// What is told of all months.
struct Told<'a> {
    months: Vec<&'a MonthEffect>,
    /// How many more there are, and what all come to.
    more: Vec<String>,
}

impl<'a> Told<'a> {
    fn of(effects: &'a MoneyEffects) -> Told<'a> {
        let mut largest: BTreeMap<&str, Decimal> = BTreeMap::new();
        for effect in &effects.months {
            // What cannot be compared comes first.
            let size = effect.delta().map_or(Decimal::MAX, |delta| delta.amount.abs());
            let of = largest.entry(&effect.tenant).or_default();
            *of = size.max(*of);
        }
        if largest.len() <= TOLD {
            return Told { months: effects.months.iter().collect(), more: Vec::new() };
        }
        let mut tenants: Vec<(&str, Decimal)> = largest.into_iter().collect();
        tenants.sort_by_key(|(tenant, size)| (std::cmp::Reverse(*size), *tenant));
        let told: BTreeSet<&str> = tenants.iter().take(TOLD).map(|(tenant, _)| *tenant).collect();
        let more = format!("{} more tenants; `billform plan --format json` has all", tenants.len() - TOLD);
        let months = effects.months.iter().filter(|effect| told.contains(effect.tenant.as_str())).collect();
        Told { months, more: std::iter::once(more).chain(sums(effects)).collect() }
    }
}

/// `all 1000 tenants: 2026-10 +4200.00 USD`; a line for each month and currency.
fn sums(effects: &MoneyEffects) -> Vec<String> {
    let mut sums: BTreeMap<(Month, String), (usize, Currency, Decimal)> = BTreeMap::new();
    for effect in &effects.months {
        let Some(delta) = effect.delta() else { continue };
        let currency = delta.currency;
        let sum = sums.entry((effect.period, currency.code().to_owned())).or_insert((0, currency, Decimal::ZERO));
        (sum.0, sum.2) = (sum.0 + 1, sum.2 + delta.amount);
    }
    let line = |((period, code), (count, currency, sum)): ((Month, String), (usize, Currency, Decimal))| {
        format!("all {count} together: {period} {} {code}", signed(Money::new(sum, currency)))
    };
    sums.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(tenant: &str, before: Option<&str>, after: Option<&str>) -> MonthEffect {
        let money = |text: Option<&str>| text.map(|text| text.parse().expect("money"));
        let (period, reason) = ("2026-10".parse().expect("a month"), "terms".to_owned());
        MonthEffect { tenant: tenant.to_owned(), period, before: money(before), after: money(after), reason }
    }

    #[test]
    fn a_month_is_told_with_its_change_and_why() {
        let effects = MoneyEffects {
            months: vec![
                effect("acme", Some("137.90 USD"), Some("142.10 USD")),
                effect("beta", Some("9.00 USD"), Some("7.50 USD")),
                effect("gamma", Some("9.00 USD"), Some("8.00 EUR")),
                effect("delta", Some("9.00 USD"), None),
                effect("eta", None, Some("9.00 USD")),
            ],
            notes: vec!["A note.".to_owned()],
            untold: Vec::new(),
        };
        assert_eq!(
            lines(&effects),
            [
                "acme: 2026-10 would have been 142.10 USD, +4.20 (terms)",
                "beta: 2026-10 would have been 7.50 USD, -1.50 (terms)",
                "gamma: 2026-10 would have been 8.00 EUR instead of 9.00 USD (terms)",
                "delta: 2026-10 would have had no price; it is 9.00 USD (terms)",
                "eta: 2026-10 would have been 9.00 USD, and has no price as it is (terms)",
                "A note.",
            ]
        );
        assert_eq!(markdown(&effects)[0], "`acme`: 2026-10 would have been 142.10 USD, +4.20 (`terms`)");
        let first = json!({
            "tenant": "acme", "period": "2026-10", "before": "137.90 USD", "after": "142.10 USD", "delta": "4.20 USD",
            "currency": "USD", "reason": "terms",
        });
        let document = json(&effects);
        assert_eq!(document["months"][0], first);
        assert_eq!(document["months"][1]["delta"], "-1.50 USD");
        assert_eq!(
            (&document["months"][2]["delta"], &document["months"][2]["currency"]),
            (&Value::Null, &json!("EUR"))
        );
        assert_eq!(
            (&document["months"][3]["after"], &document["months"][3]["currency"]),
            (&Value::Null, &json!("USD"))
        );
        assert_eq!(document["notes"], json!(["A note."]));
    }

    #[test]
    fn of_many_tenants_those_that_change_most_are_told_and_the_sum_of_all() {
        let month = |n: usize| effect(&format!("t{n:02}"), Some("100.00 USD"), Some(&format!("{}.00 USD", 100 - n)));
        let effects = MoneyEffects { months: (0..12).map(month).collect(), ..MoneyEffects::default() };
        let told = lines(&effects);
        assert_eq!((told.len(), told[0].as_str()), (12, "t02: 2026-10 would have been 98.00 USD, -2.00 (terms)"));
        let more = ["2 more tenants; `billform plan --format json` has all", "all 12 together: 2026-10 -66.00 USD"];
        assert_eq!(told[10..], more);
        assert_eq!(json(&effects)["months"].as_array().map(Vec::len), Some(12));
    }
}
