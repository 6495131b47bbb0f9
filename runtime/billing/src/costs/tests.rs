use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::Month;
use crate::costs::query::asked_period;

const TODAY: Date = date(2026, 11, 21);

fn decimal(text: &str) -> Decimal {
    Decimal::from_str_exact(text).expect("a decimal")
}

fn amount(cost: &str, usage: &str) -> CostAmount {
    CostAmount { cost: decimal(cost), usage: decimal(usage) }
}

fn day(date: Date, services: &[(&str, CostAmount)], projects: &[(&str, CostAmount)]) -> CostDay {
    let named =
        |parts: &[(&str, CostAmount)]| parts.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect();
    CostDay { services: named(services), projects: named(projects), ..CostDay::nothing(date, Timestamp::UNIX_EPOCH) }
}

fn mark(through: Date) -> SyncMark {
    SyncMark { month: Month::of(through), through, estimated: false, complete: true, synced_at: Timestamp::UNIX_EPOCH }
}

fn last_month() -> AskedPeriod {
    asked_period(Some("last-month"), None, None, TODAY).expect("a period")
}

/// The portal's example month: 125.50 in all, 85.30 and 40.20 by project.
fn portal_october() -> Vec<CostDay> {
    vec![
        day(
            date(2026, 10, 1),
            &[("Amazon Simple Storage Service", amount("85.30", "100"))],
            &[("mmp-toledo", amount("85.30", "100"))],
        ),
        day(
            date(2026, 10, 31),
            &[("AWS Lambda", amount("40.20", "2.5"))],
            &[("mmp-toledo-firespring", amount("40.20", "2.5"))],
        ),
    ]
}

#[test]
fn the_portal_example_is_answered_to_the_digit() {
    let marks = [mark(date(2026, 10, 31))];
    let answer = answer("MMP-Toledo", &last_month(), &portal_october(), &marks);
    let text = serde_json::to_string(&answer).expect("JSON");
    assert!(
        text.starts_with(concat!(
            r#"{"clientOrganization":"MMP-Toledo","#,
            r#""period":{"start":"2026-10-01","end":"2026-10-31","type":"last-month"},"#,
            r#""summary":{"totalCost":125.50,"#,
            r#""byService":{"AWS Lambda":{"cost":40.20,"usage":2.5},"#,
            r#""Amazon Simple Storage Service":{"cost":85.30,"usage":100}},"#,
            r#""byProject":{"mmp-toledo":{"cost":85.30,"usage":100},"#,
            r#""mmp-toledo-firespring":{"cost":40.20,"usage":2.5}},"#,
            r#""dailyBreakdown":[{"date":"2026-10-01","cost":85.30},{"date":"2026-10-02","cost":0.00},"#,
        )),
        "{text}"
    );
    // 30 of the 31 days count: all but the first.
    assert!(text.ends_with(r#""forecast":{"amount":40.20,"unit":"USD","period":"next-30-days"}}"#), "{text}");
    assert_eq!(answer.summary.daily_breakdown.len(), 31);
}

#[test]
fn days_after_the_last_known_one_are_not_shown_as_free() {
    let asked = asked_period(None, None, None, TODAY).expect("a period");
    let marks = [mark(date(2026, 11, 5))];
    let answer = answer("X", &asked, &[], &marks);
    assert_eq!(answer.summary.daily_breakdown.len(), 5);
    assert_eq!(answer.forecast, None, "five days are too few");
}

#[test]
fn nothing_known_is_an_answer_of_nothing() {
    let answer = answer("X", &last_month(), &[], &[]);
    assert!(answer.summary.daily_breakdown.is_empty());
    assert_eq!(answer.summary.total_cost, ExactNumber(decimal("0.00")));
    assert_eq!(answer.forecast, None);
}

#[test]
fn a_forecast_of_seven_days_is_thirty_times_their_mean() {
    let days: Vec<CostDay> = (1..=7).map(|n| day(date(2026, 11, n), &[("S", amount("0.10", "1"))], &[])).collect();
    let asked = asked_period(None, None, None, TODAY).expect("a period");
    let seven = answer("X", &asked, &days, &[mark(date(2026, 11, 7))]);
    let forecast = seven.forecast.expect("a forecast");
    assert_eq!(forecast.amount, ExactNumber(decimal("3.00")));
}

#[test]
fn cost_without_a_project_is_shown_as_such() {
    let days = [day(date(2026, 10, 2), &[("S", amount("10.00", "1"))], &[("a", amount("7.00", "1"))])];
    let answer = answer("X", &last_month(), &days, &[mark(date(2026, 10, 31))]);
    let rest = &answer.summary.by_project[NO_PROJECT];
    assert_eq!(rest.cost, ExactNumber(decimal("3.00")));
}

#[test]
fn the_days_needed_reach_back_for_the_forecast() {
    let asked = asked_period(Some("current-month"), None, None, TODAY).expect("a period");
    let needed = days_needed(&asked, &[mark(date(2026, 11, 20))]);
    assert_eq!((needed.start(), needed.last_day()), (date(2026, 10, 22), TODAY));
}

proptest! {
    #[test]
    fn every_breakdown_sums_to_the_shown_total(
        costs in proptest::collection::vec((0_usize..31, 0_u8..4, 0_u8..3, -1_000_000_i64..5_000_000), 1..60),
    ) {
        let mut days: Vec<CostDay> = Month::of(date(2026, 10, 1))
            .period()
            .days()
            .map(|date| CostDay::nothing(date, Timestamp::UNIX_EPOCH))
            .collect();
        for (at, service, project, units) in costs {
            let amount = CostAmount { cost: Decimal::new(units, 5), usage: Decimal::ONE };
            days[at].services.entry(format!("s{service}")).or_default().add(amount);
            days[at].projects.entry(format!("p{project}")).or_default().add(amount);
        }
        let summary = answer("X", &last_month(), &days, &[mark(date(2026, 10, 31))]).summary;
        let total = summary.total_cost.0;
        let sum = |parts: Vec<Decimal>| parts.iter().sum::<Decimal>();
        prop_assert_eq!(sum(summary.by_service.values().map(|a| a.cost.0).collect()), total);
        prop_assert_eq!(sum(summary.by_project.values().map(|a| a.cost.0).collect()), total);
        prop_assert_eq!(sum(summary.daily_breakdown.iter().map(|d| d.cost.0).collect()), total);
        let exact: Decimal = days.iter().map(CostDay::cost).sum();
        prop_assert_eq!(total, round(exact, 2));
    }
}
