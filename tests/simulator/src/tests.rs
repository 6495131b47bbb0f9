//! Plans are the same for the same seed, any event can be dropped from them, and nothing is two tenants'.

use std::collections::BTreeSet;
use std::mem::discriminant;

use jiff::Timestamp;
use oracle::close::close;
use oracle::facts::Facts;
use oracle::month::Month;

use super::event::{Deed, Event, Trouble};
use super::{Plan, Script, Sizes, shrink};

const SMALL: Sizes = Sizes { tenants: 5, months: 5, trouble_percent: 10 };

fn played(plan: &Plan) -> Facts {
    let mut script = Script::new(plan);
    plan.days().for_each(|day| drop(script.advance(day)));
    script.facts().clone()
}

fn months(plan: &Plan) -> impl Iterator<Item = Month> {
    plan.first.to(plan.last)
}

/// The rows of a plan's months as they are in the end, those of some tag values.
fn rows(plan: &Plan, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let facts = played(plan);
    let rows = months(plan).flat_map(|month| facts.rows(month).map(|row| format!("{row:?}")).collect::<Vec<_>>());
    rows.filter(|row| is_wanted(row)).collect()
}

#[test]
fn a_seed_draws_one_plan_and_another_draws_another() {
    let plan = Plan::draw(SMALL, 7);
    assert_eq!(plan, Plan::draw(SMALL, 7));
    assert_ne!(plan.events, Plan::draw(SMALL, 8).events);
    assert!(plan.events.is_sorted_by_key(|event| event.on));
    let larger = Plan::draw(Sizes { tenants: 6, ..SMALL }, 7);
    let added = larger.events.iter().filter(|event| !plan.events.contains(event)).count();
    assert_eq!(larger.events.len(), plan.events.len() + added, "the first five are as they were");
}

#[test]
fn every_kind_of_event_is_drawn_within_20_seeds() {
    let (mut deeds, mut troubles) = (BTreeSet::new(), BTreeSet::new());
    for event in (0..20).flat_map(|seed| Plan::draw(SMALL, seed).events) {
        deeds.insert(format!("{:?}", discriminant(&event.deed)));
        if let Deed::Trouble(trouble) = event.deed {
            troubles.insert(format!("{:?}", discriminant(&trouble)));
        }
    }
    assert_eq!((deeds.len(), troubles.len()), (9, 13));
    let is_trouble = |event: &Event| matches!(event.deed, Deed::Trouble(_));
    assert!(!Plan::draw(Sizes { trouble_percent: 0, ..SMALL }, 3).events.iter().any(is_trouble));
}

#[test]
fn any_event_can_be_dropped_and_the_bill_still_adds_up() {
    let plan = Plan::draw(SMALL, 1);
    for at in (0..plan.events.len()).step_by(13) {
        let mut events = plan.events.clone();
        events.remove(at);
        let plan = plan.with(events);
        let facts = played(&plan);
        for month in months(&plan) {
            assert!(close(&facts, month, Timestamp::MAX).holds, "without event {at}, {month}");
        }
    }
}

#[test]
fn no_row_is_two_tenants() {
    for seed in 0..5 {
        let plan = Plan::draw(SMALL, seed);
        let facts = played(&plan);
        let mut owned = 0;
        for month in months(&plan) {
            for row in facts.rows(month) {
                let owners = facts.tenants.iter().filter(|(_, of)| of.is_member(month) && of.owns(row.day, &row.tags));
                let owners: Vec<String> = owners.map(|(id, _)| id.to_string()).collect();
                assert!(owners.len() <= 1, "seed {seed}, {}: {owners:?}", row.day);
                owned += owners.len();
            }
        }
        assert!(owned > 100, "seed {seed}: {owned} rows have an owner");
    }
}

#[test]
fn what_is_dropped_of_one_tenant_leaves_the_others_cost() {
    let plan = Plan::draw(SMALL, 4);
    let is_first = |event: &Event| format!("{:?}", event.deed).contains("T000");
    let rest: Vec<Event> = plan.events.iter().filter(|event| !is_first(event)).cloned().collect();
    assert!(rest.len() < plan.events.len());
    let others = |text: &str| !text.contains("T000");
    assert_eq!(rows(&plan, others), rows(&plan.with(rest), others));
}

#[test]
fn a_restated_figure_is_not_taken_back_by_one_that_was_to_come() {
    for seed in 0..5 {
        let plan = Plan::draw(SMALL, seed);
        let mut script = Script::new(&plan);
        let Some(restated) = plan.events.iter().find(|event| matches!(event.deed, Deed::Restate { percent: 0, .. }))
        else {
            continue;
        };
        let Deed::Restate { value, from, until, .. } = &restated.deed else { continue };
        script.advance(restated.on);
        for row in script.facts().rows(Month::of(*from)).filter(|row| row.day >= *from && row.day <= *until) {
            if row.tags == super::script::tags(value) {
                assert!(row.usd(Timestamp::MAX).is_zero(), "seed {seed}: {row:?}");
            }
        }
    }
}

#[test]
fn shrinking_leaves_only_what_makes_it_fail() {
    let plan = Plan::draw(SMALL, 2);
    let fails = |plan: &Plan| {
        let has = |is: fn(&Deed) -> bool| plan.events.iter().any(|event| is(&event.deed));
        has(|deed| matches!(deed, Deed::SetTerms { .. }))
            && has(|deed| matches!(deed, Deed::Trouble(Trouble::Outage { .. })))
    };
    assert!(fails(&plan) && plan.events.len() > 50, "{} events", plan.events.len());
    let smallest = shrink(&plan, 10_000, fails);
    assert_eq!(smallest.events.len(), 2, "{:?}", smallest.events);
    let mut tries = 0;
    let counted = shrink(&plan, 3, |plan| {
        tries += 1;
        fails(plan)
    });
    assert!(tries == 3 && fails(&counted));
}
