use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;

use serde_json::json;

use super::*;
use crate::Period;
use crate::ledger::LeftTenant;
use crate::names::{NO_PROJECT, UNALLOCATED};
use crate::tenant::TenantRecord;

const AT: Timestamp = Timestamp::UNIX_EPOCH;

fn row(tenant: &str, part: &str, units: i64) -> QueriedRow {
    QueriedRow {
        tenant_value: tenant.to_owned(),
        part: part.to_owned(),
        amount: CostAmount { cost: Decimal::new(units, 10), usage: Decimal::ONE },
    }
}

fn queried(day: i8, rows: Vec<QueriedRow>) -> QueriedDay {
    QueriedDay { date: date(2026, 10, day), estimated: false, rows }
}

fn two_days() -> Period {
    Period::new(date(2026, 10, 1), date(2026, 10, 3)).expect("a period")
}

fn tenant(id: &str, tags: serde_json::Value) -> TenantRecord {
    serde_json::from_value(serde_json::json!({
        "id": id, "name": id, "email": "x@example.com", "locale": "en", "currency": "USD",
        "tags": tags, "terms": [], "days_until_due": 30, "link_version": 1,
    }))
    .expect("a tenant")
}

fn two_owners() -> Owners {
    let tenants = [("A", "a"), ("B", "b")].map(|(value, id)| tenant(id, json!({"Org": value})));
    Owners::of(&tenants, &[], "Org").expect("two values")
}

/// Each query's answer in one page.
fn attribute(
    period: &Period,
    by_service: &[QueriedDay],
    by_project: Option<&[QueriedDay]>,
    owners: &Owners,
    at: Timestamp,
) -> Result<Attribution, AttributionError> {
    let mut gathering = Gathering::new(*period, owners, by_project.is_some(), false);
    gathering.take(Part::Service, None, by_service);
    gathering.take(Part::Project, None, by_project.unwrap_or_default());
    gathering.finish(at)
}

#[test]
fn untagged_and_unknown_values_are_unallocated() {
    let services = [queried(1, vec![row("A", "S3", 5), row("", "Tax", 7), row("Gone", "S3", 2)]), queried(2, vec![])];
    let found = attribute(&two_days(), &services, None, &two_owners(), AT).expect("days");
    assert_eq!(found.days_of("a")[0].cost(), Decimal::new(5, 10));
    assert_eq!(found.days_of("b")[0].cost(), Decimal::ZERO);
    assert_eq!(found.days_of(UNALLOCATED)[0].cost(), Decimal::new(9, 10));
    assert_eq!(found.days_of("a").len(), 2, "a day that cost nothing is a day");
}

#[test]
fn cost_of_no_tenant_is_kept_by_value_of_the_tenant_tag() {
    let services = [
        queried(1, vec![row("A", "S3", 5), row("", "Tax", 7), row("A-Print", "S3", 2), row("A-Print", "Lambda", 3)]),
        queried(2, vec![row("Gone", "S3", 4)]),
    ];
    let found = attribute(&two_days(), &services, None, &two_owners(), AT).expect("days");
    let values = |day: usize| {
        let values = &found.days_of(UNALLOCATED)[day].values;
        values.iter().map(|(value, amount)| format!("{value}={}", amount.cost.normalize())).collect::<Vec<_>>()
    };
    assert_eq!(
        (values(0), values(1)),
        (vec!["=0.0000000007".to_owned(), "A-Print=0.0000000005".to_owned()], vec!["Gone=0.0000000004".to_owned()])
    );
    for day in found.days_of(UNALLOCATED) {
        assert_eq!(day.values.values().map(|amount| amount.cost).sum::<Decimal>(), day.cost());
    }
    assert!(found.days_of("a").iter().all(|day| day.values.is_empty()), "a tenant's value is known");
}

/// The other answers leave out the record types that are told apart: together they are the bill.
#[test]
fn record_types_that_are_told_apart_are_a_part_of_each_day() {
    let owners = two_owners();
    let mut gathering = Gathering::new(two_days(), &owners, true, true);
    gathering.take(Part::Service, None, &[queried(1, vec![row("A", "S3", 100)]), queried(2, vec![])]);
    gathering.take(Part::Project, None, &[queried(1, vec![row("A", "p", 100)]), queried(2, vec![])]);
    let kinds = vec![row("A", "Credit", -30), row("", "Tax", 9), row("A", "Recurring", 4), row("A", "Upfront", 2)];
    gathering.take(Part::Record, None, &[queried(1, kinds), queried(2, vec![])]);
    let found = gathering.finish(AT).expect("days");
    let day = &found.days_of("a")[0];
    let of = |amounts: &BTreeMap<String, CostAmount>| {
        amounts.iter().map(|(name, amount)| format!("{name} {}", amount.cost.mantissa())).collect::<Vec<_>>()
    };
    assert_eq!(of(&day.services), ["Credit -30", "Fee 6", "S3 100"]);
    assert_eq!(of(&day.projects), ["(no project) -24", "p 100"]);
    let records: Vec<_> = day.records.iter().map(|(kind, amount)| (kind.word(), amount.cost.mantissa())).collect();
    assert_eq!(records, [("credit", -30), ("fee", 6)]);
    let unclaimed = &found.days_of(UNALLOCATED)[0];
    assert_eq!((of(&unclaimed.values), unclaimed.cost()), (vec![" 9".to_owned()], Decimal::new(9, 10)));
    assert_eq!(found.totals(), (Decimal::new(85, 10), Decimal::new(9, 10)));
    let unfinished = Gathering::new(two_days(), &owners, false, true).finish(AT);
    assert!(unfinished.is_err(), "its answer is waited for");
}

#[test]
fn a_missing_day_stops_everything() {
    let services = [queried(1, vec![])];
    let refused = attribute(&two_days(), &services, None, &two_owners(), AT);
    assert_eq!(refused.err(), Some(AttributionError::MissingDay(date(2026, 10, 2))));
}

#[test]
fn queries_that_disagree_stop_everything_but_far_digits_do_not() {
    let services = [queried(1, vec![row("A", "S3", 1_000_000_000)]), queried(2, vec![])];
    let check = |units| {
        let projects = [queried(1, vec![row("A", "p", units)]), queried(2, vec![])];
        attribute(&two_days(), &services, Some(&projects), &two_owners(), AT)
    };
    assert!(check(1_000_000_001).is_ok());
    assert!(matches!(check(1_200_000_000), Err(AttributionError::Disagreement { .. })));
}

#[test]
fn cost_without_a_project_is_named_so() {
    let services = [queried(1, vec![row("A", "S3", 5)]), queried(2, vec![])];
    let projects = [queried(1, vec![row("A", "", 5)]), queried(2, vec![])];
    let found = attribute(&two_days(), &services, Some(&projects), &two_owners(), AT);
    let found = found.expect("days");
    assert!(found.days_of("a")[0].projects.contains_key(NO_PROJECT));
}

#[test]
fn marks_cover_each_month_and_know_about_estimates() {
    let period = Period::new(date(2026, 9, 30), date(2026, 10, 2)).expect("a period");
    let mut estimated = queried(1, vec![]);
    estimated.estimated = true;
    let september = QueriedDay { date: date(2026, 9, 30), ..queried(1, vec![]) };
    let found = attribute(&period, &[september, estimated], None, &two_owners(), AT);
    let marks = found.expect("days").marks;
    let told: Vec<_> = marks.iter().map(|m| (m.through, m.estimated)).collect();
    assert_eq!(told, [(date(2026, 9, 30), false), (date(2026, 10, 1), true)]);
}

#[test]
fn only_changed_days_are_written() {
    let services = [queried(1, vec![row("A", "S3", 5)]), queried(2, vec![])];
    let attributed = |at| attribute(&two_days(), &services, None, &two_owners(), at);
    let first = attributed(AT).expect("days");
    assert_eq!(changed(&[], &first.days_of("a")).len(), 1);
    let later = attributed(Timestamp::MAX).expect("days");
    assert!(changed(&first.days_of("a"), &later.days_of("a")).is_empty());
    // A day that was restated to nothing replaces what was there.
    let nothing = CostDay::nothing(date(2026, 10, 1), AT);
    assert_eq!(changed(&first.days_of("a"), std::slice::from_ref(&nothing)).len(), 1);
}

#[test]
fn two_tenants_with_one_value_are_refused() {
    let tenant = |id: &str| tenant(id, json!({"Org": "Same"}));
    let refused = Owners::of(&[tenant("a"), tenant("b")], &[], "Org");
    assert!(matches!(refused, Err(AttributionError::SharedValue { .. })));
    assert_eq!(Owners::of(&[tenant("a")], &[], "Org").map(|o| o.tenants().len()), Ok(1));
    assert_eq!(Owners::of(&[tenant("a")], &[], "Other").map(|o| o.tenants().len()), Ok(0));
}

/// 70.00 went to nobody when a tag value changed; and a value that another tenant takes up is not theirs before.
#[test]
fn a_value_is_the_tenants_for_the_days_it_was_theirs() {
    let renamed = json!([{"value": "Old", "until": "2026-10-03"}, {"value": "A", "from": "2026-10-01"}]);
    let tenants = [tenant("a", json!({"Org": renamed})), tenant("b", json!({"Org": "Old"}))];
    let owners = Owners::of(&tenants, &[], "Org").expect("one gave the value up");
    let owner = |value: &str, day: i8| owners.on(value, date(2026, 10, day)).map(|at| owners.tenants()[at].as_str());
    assert_eq!([2, 3].map(|day| owner("Old", day)), [Some("a"), Some("b")]);
    assert_eq!(owner("A", 1), Some("a"));
    assert_eq!(owners.on("A", date(2026, 9, 30)), None);

    let services = [queried(1, vec![row("Old", "S3", 70), row("A", "S3", 5)]), queried(2, vec![row("Old", "S3", 1)])];
    let found = attribute(&two_days(), &services, None, &owners, AT).expect("days");
    assert_eq!(found.days_of("a")[0].cost(), Decimal::new(75, 10));
    assert_eq!(found.totals().1, Decimal::ZERO);
}

#[test]
fn a_value_goes_to_another_tenant_when_its_tenant_has_left() {
    let left = TenantRecord { last_period: "2026-09".parse().ok(), ..tenant("a", json!({"Org": "Same"})) };
    let heir = tenant("b", json!({"Org": "Same"}));
    let gone = LeftTenant::of(&left).expect("it left");
    // As long as the record is there, and once what stays of it is.
    for owners in [Owners::of([&left, &heir], &[], "Org"), Owners::of([&heir], &[gone], "Org")] {
        let owners = owners.expect("one left");
        let owner = |month, day| owners.on("Same", date(2026, month, day)).map(|at| owners.tenants()[at].as_str());
        assert_eq!((owner(9, 30), owner(10, 1)), (Some("a"), Some("b")));
    }
    assert_eq!(LeftTenant::of(&heir), None, "one who did not leave leaves nothing");
}

proptest! {
    #[test]
    fn tenants_and_unallocated_are_the_bill(
        rows in proptest::collection::vec((1_i8..3, "[ABC]?", "[xyz]?", any::<i32>()), 0..40),
    ) {
        let mut services = vec![queried(1, vec![]), queried(2, vec![])];
        let mut bill = Decimal::ZERO;
        for (day, tenant, service, units) in rows {
            let row = row(&tenant, &service, units.into());
            bill += row.amount.cost;
            services.push(queried(day, vec![row]));
        }
        let found = attribute(&two_days(), &services, None, &two_owners(), AT).expect("days");
        let days = found.tenants().iter().flat_map(|tenant| found.days_of(tenant));
        let attributed: Decimal = days.map(|day| day.cost()).sum();
        prop_assert_eq!(attributed, bill);
        prop_assert_eq!(found.totals().0, bill);
        let unallocated: Decimal = found.days_of(UNALLOCATED).iter().map(CostDay::cost).sum();
        prop_assert_eq!(found.totals().1, unallocated);
    }
}

proptest! {
    /// However the answer is cut into pages, each tenant's days are the same.
    #[test]
    fn pages_may_be_cut_anywhere(
        rows in proptest::collection::vec((1_i8..3, "[ABC]?", "[xyz]?", any::<i32>()), 0..40),
        cuts in proptest::collection::vec(0_usize..40, 0..5),
    ) {
        let mut answer = vec![queried(1, vec![]), queried(2, vec![])];
        answer.extend(rows.into_iter().map(|(day, tenant, part, units)| {
            queried(day, vec![row(&tenant, &part, units.into())])
        }));
        let whole = attribute(&two_days(), &answer, Some(&answer), &two_owners(), AT).expect("days");
        let mut gathering = Gathering::new(two_days(), &two_owners(), true, false);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(answer.len())).chain([0, answer.len()]).collect();
        cuts.sort_unstable();
        for page in cuts.windows(2) {
            gathering.take(Part::Project, None, &answer[page[0]..page[1]]);
            gathering.take(Part::Service, None, &answer[page[0]..page[1]]);
        }
        let paged = gathering.finish(AT).expect("days");
        for tenant in ["a", "b", UNALLOCATED] {
            prop_assert_eq!(whole.days_of(tenant), paged.days_of(tenant));
        }
        prop_assert_eq!(whole.marks, paged.marks);
    }
}

mod cuts;
