use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::costs::query::asked_period;
use crate::ledger::CostAmount;

const TODAY: Date = date(2026, 11, 28);

fn amount(cents: i64) -> CostAmount {
    CostAmount { cost: Decimal::new(cents, 2), usage: Decimal::ONE }
}

fn day(on: Date, costs: &[(&str, i64)]) -> CostDay {
    let services = costs.iter().map(|(name, cents)| ((*name).to_owned(), amount(*cents))).collect();
    CostDay { services, ..CostDay::nothing(on, Timestamp::UNIX_EPOCH) }
}

fn mark(of: Date, through: Date) -> SyncMark {
    SyncMark { month: Month::of(of), through, estimated: false, complete: true, synced_at: Timestamp::UNIX_EPOCH }
}

fn known() -> Vec<SyncMark> {
    vec![mark(date(2026, 10, 1), date(2026, 10, 31)), mark(date(2026, 11, 1), date(2026, 11, 27))]
}

fn made(days: &[CostDay], marks: &[SyncMark], budget: Option<Money>) -> Statement {
    statement(&StatementFacts { today: TODAY, days, marks, budget })
}

fn names(comparison: &Comparison) -> Vec<(&str, Decimal)> {
    comparison.services.iter().map(|change| (change.name.as_str(), change.difference())).collect()
}

#[test]
fn a_month_is_held_against_as_many_days_of_the_last_one() {
    let days = [
        day(date(2026, 10, 3), &[("AWS Lambda", 1_000), ("Amazon S3", 500)]),
        // Beyond the 27th: no day of November stands against it yet.
        day(date(2026, 10, 30), &[("AWS Lambda", 90_000)]),
        day(date(2026, 11, 3), &[("AWS Lambda", 2_240), ("Amazon S3", 500), ("Amazon EC2", 100)]),
    ];
    let comparison = made(&days, &known(), None).comparison.expect("both are known");
    assert_eq!((comparison.days.last_day(), comparison.before.last_day()), (date(2026, 11, 27), date(2026, 10, 27)));
    assert_eq!(names(&comparison), [("AWS Lambda", Decimal::new(1_240, 2)), ("Amazon EC2", Decimal::new(100, 2))]);
    assert_eq!(comparison.total.difference(), Decimal::new(1_340, 2));
}

#[test]
fn a_longer_month_is_held_against_the_whole_of_a_shorter_one() {
    let march = date(2026, 3, 31);
    let marks = [mark(date(2026, 2, 1), date(2026, 2, 28)), mark(march, march)];
    let shown = statement(&StatementFacts { today: march, days: &[], marks: &marks, budget: None });
    let comparison = shown.comparison.expect("both are known");
    assert_eq!((comparison.days.len_days(), comparison.before.len_days()), (31, 28));
}

#[test]
fn nothing_is_compared_with_what_is_not_known() {
    let marks = known();
    for few in [&[][..], &marks[..1], &marks[1..]] {
        assert_eq!(made(&[], few, None).comparison, None, "{few:?}");
    }
    let mut torn = known();
    torn[0].complete = false;
    assert_eq!(made(&[], &torn, None).comparison, None);
}

#[test]
fn a_first_day_knows_nothing() {
    let shown = made(&[], &[], Some("500.00 USD".parse().expect("money")));
    assert!(shown.is_first_day());
    assert_eq!((shown.forecast, shown.this_month.summary.daily_breakdown.len()), (None, 0));
    assert_eq!(shown.budget.map(|budget| budget.percent), Some(Decimal::ZERO));
}

#[test]
fn a_budget_is_used_to_a_tenth_of_a_percent() {
    let days = [day(date(2026, 11, 3), &[("AWS Lambda", 32_234)])];
    let budget = made(&days, &known(), Some("500.00 USD".parse().expect("money"))).budget.expect("a budget");
    assert_eq!((budget.percent, budget.left()), (Decimal::new(645, 1), Decimal::new(17_766, 2)));
    let euros = made(&days, &known(), Some("500.00 EUR".parse().expect("money")));
    assert_eq!(euros.budget, None);
}

#[test]
fn a_forecast_says_which_days_it_rests_on() {
    let forecast = made(&[], &known(), None).forecast.expect("enough days");
    assert_eq!((forecast.basis.start(), forecast.basis.last_day()), (date(2026, 10, 29), date(2026, 11, 27)));
}

proptest! {
    /// Both months are what E1 answers for them, whatever the ledger holds.
    #[test]
    fn a_statement_says_what_the_api_says(
        today in 1_i8..=30,
        through in 0_i64..3,
        costs in prop::collection::vec((0_i64..61, 0_usize..5, -99_999_i64..999_999), 0..40),
    ) {
        let today = date(2026, 11, today);
        let services = ["AWS Lambda", "Amazon S3", "Amazon EC2", "Tax", "x"];
        let first = date(2026, 10, 1);
        let mut days: Vec<CostDay> = Vec::new();
        for (on, service, millis) in costs {
            let on = first.checked_add(jiff::ToSpan::days(on)).expect("a day");
            let cost = CostAmount { cost: Decimal::new(millis, 3), usage: Decimal::ONE };
            match days.iter_mut().find(|day| day.date == on) {
                Some(day) => { day.services.insert(services[service].to_owned(), cost); }
                None => days.push(CostDay {
                    services: [(services[service].to_owned(), cost)].into(),
                    ..CostDay::nothing(on, Timestamp::UNIX_EPOCH)
                }),
            }
        }
        let through = today.checked_sub(jiff::ToSpan::days(through)).expect("a day");
        let marks = [mark(first, date(2026, 10, 31).min(through)), mark(today, through)];
        let shown = statement(&StatementFacts { today, days: &days, marks: &marks, budget: None });
        for (name, figures) in [("current-month", &shown.this_month), ("last-month", &shown.last_month)] {
            let asked = asked_period(Some(name), None, None, today).expect("a period");
            let api = costs::answer("x", &asked, &days, &marks);
            prop_assert_eq!(&api.summary, &figures.summary);
            prop_assert_eq!(&api.forecast, &shown.forecast);
        }
        if let Some(comparison) = shown.comparison {
            let sum: Decimal = comparison.services.iter().map(Change::difference).sum();
            prop_assert_eq!(sum, comparison.total.difference());
        }
    }
}
