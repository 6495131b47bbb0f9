//! Calls that fail while the process lives: lost, throttled, refused; and a run that is stopped or cannot be kept.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use engine::status::ApplyError;
use engine::{Action, Address, Event, Graph, Observer, Options, Status, apply};
use proptest::prelude::*;

use crate::cloud::{Fault, Happened};
use crate::manifest::{Spec, address, graph, manifest};
use crate::world::World;

fn spec(kind: &'static str, name: u8, link: u8) -> Spec {
    Spec { kind, name, size: 0, fixed: 0, link, tag: None, tenant: None }
}

/// Everything that needs `of`, directly or not.
fn dependants(graph: &Graph, of: &Address) -> BTreeSet<Address> {
    let mut found = BTreeSet::from([of.clone()]);
    for address in graph.order() {
        if graph.needs(address).iter().any(|needed| found.contains(needed)) {
            found.insert(address.clone());
        }
    }
    found.remove(of);
    found
}

/// Sets the stop flag once so many steps have ended.
struct StopAfter<'a> {
    options: &'a Options,
    left: Mutex<usize>,
}

impl Observer for StopAfter<'_> {
    fn event(&self, event: &Event) {
        let Event::Finished { .. } = event else { return };
        let mut left = self.left.lock().expect("one thread");
        *left = left.saturating_sub(1);
        self.options.stop.store(*left == 0, Ordering::Relaxed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_lost_call_or_answer_is_made_good_within_the_same_apply(
        before in manifest(), after in manifest(), at in 0u64..60, effect: bool, invisible_ms in 0u64..300,
    ) {
        let world = World::new();
        world.cloud.lock().invisible_ms = invisible_ms;
        world.apply(&graph(&before));
        world.wait();
        let after = graph(&after);
        let plan = world.plan(&after);
        let fault = if effect { Fault::LostAnswer } else { Fault::LostCall };
        let outcome = world.carry_out(&plan, &[(1 + at, fault)]).expect("nothing crashes");
        if outcome.store_error.is_none() {
            prop_assert!(outcome.succeeded(), "{:#?}", outcome.statuses);
        } else {
            // It was the journal's own call: the run says so, and the next one finds everything.
            world.wait();
            world.apply(&after);
        }
        world.wait();
        world.assert_converged(&after);
    }

    #[test]
    fn a_halted_run_starts_nothing_more_and_the_next_one_goes_on(
        before in manifest(), after in manifest(), at in 0u64..60,
    ) {
        let world = World::new();
        world.apply(&graph(&before));
        let after = graph(&after);
        let plan = world.plan(&after);
        // Once halted every later call is, too: a lapsed lock does not come back.
        let halts: Vec<(u64, Fault)> = (1 + at..1_000).map(|number| (number, Fault::Halt)).collect();
        let outcome = world.carry_out(&plan, &halts).expect("nothing crashes");
        if outcome.store_error.is_none() && !plan.is_empty() {
            prop_assert!(outcome.failed().next().is_none(), "{:#?}", outcome.statuses);
        }
        if let Some(why) = &outcome.halted {
            prop_assert_eq!(why, "injected");
            prop_assert!(outcome.statuses.values().any(|status| *status == Status::NotStarted));
            prop_assert!(!outcome.succeeded());
        }
        world.wait();
        world.apply(&after);
        world.assert_converged(&after);
    }

    #[test]
    fn throttling_only_takes_time(specs in manifest(), one_in in 2u64..5) {
        let world = World::new();
        let graph = graph(&specs);
        let plan = world.plan(&graph);
        world.cloud.lock().throttle_one_in = one_in;
        let outcome = world.carry_out(&plan, &[]).expect("nothing crashes");
        world.cloud.lock().throttle_one_in = 0;
        prop_assert!(outcome.succeeded(), "{:#?}", outcome.statuses);
        world.assert_converged(&graph);
    }

    #[test]
    fn a_failing_resource_stops_only_what_needs_it(specs in manifest(), at in 0usize..14) {
        let graph = graph(&specs);
        prop_assume!(!graph.order().is_empty());
        let poisoned = graph.order()[at % graph.order().len()].clone();
        let world = World::new();
        world.cloud.lock().poisoned.push(poisoned.clone());
        let plan = world.plan(&graph);
        let outcome = world.carry_out(&plan, &[]).expect("nothing crashes");
        let skipped = dependants(&graph, &poisoned);
        for (address, status) in &outcome.statuses {
            match status {
                Status::Failed(_) => prop_assert_eq!(address, &poisoned),
                Status::Skipped { because } => {
                    prop_assert!(skipped.contains(address), "{} skipped", address);
                    prop_assert_eq!(because, &poisoned);
                }
                status => prop_assert!(status.succeeded() && !skipped.contains(address), "{} {:?}", address, status),
            }
        }
        prop_assert_eq!(outcome.summary.create, graph.order().len() - 1 - skipped.len());
        world.cloud.lock().poisoned.clear();
        world.apply(&graph);
        world.assert_converged(&graph);
    }

    #[test]
    fn a_stopped_run_saves_what_it_did_and_goes_on_next_time(before in manifest(), after in manifest(), left in 1usize..8) {
        let world = World::new();
        world.apply(&graph(&before));
        let after = graph(&after);
        let plan = world.plan(&after);
        world.cloud.fresh_process();
        let stopper = StopAfter { options: &world.options, left: Mutex::new(left) };
        let state = world.store.state();
        let run = apply(&plan, state, &world.kinds, &world.store, &*world.cloud.sim, &world.options, &stopper);
        let outcome = world.cloud.sim.run(run).expect("nothing crashes");
        let unstarted = outcome.statuses.values().filter(|status| **status == Status::NotStarted).count();
        prop_assert_eq!(outcome.stopped, unstarted > 0);
        prop_assert!(outcome.failed().next().is_none());
        prop_assert!(outcome.state.intents.is_empty(), "what ran has ended: {:?}", outcome.state.intents);
        if plan.changes().count() > left + world.options.total_limit {
            prop_assert!(unstarted > 0, "something was left to start");
        }
        world.options.stop.store(false, Ordering::Relaxed);
        world.apply(&after);
        world.assert_converged(&after);
    }
}

#[test]
fn no_service_is_asked_more_at_once_than_it_may_be_and_all_room_is_used() {
    let specs: Vec<Spec> = (0..40).flat_map(|name| ["net", "box", "note"].map(|kind| spec(kind, name, 99))).collect();
    for total_limit in [20, 6, 1] {
        let mut world = World::new();
        world.options.total_limit = total_limit;
        world.apply(&graph(&specs));
        let inner = world.cloud.lock();
        let most = ["alpha", "beta", "gamma"].map(|service| inner.most_running[service]);
        assert!(most[0] <= 2 && most[1] <= 3 && most[2] <= 4, "{most:?}");
        assert!(inner.most_in_all <= total_limit + 1, "{} and the journal's call", inner.most_in_all);
        if total_limit == 20 {
            assert_eq!(most, [2, 3, 4]);
            assert!(world.store.appends() < 120, "{} appends for 120 steps", world.store.appends());
        }
    }
}

#[test]
fn a_journal_that_breaks_stops_what_has_not_started_and_says_so() {
    let world = World::new();
    let specs: Vec<Spec> = (0..12).map(|name| spec("net", name, 0)).collect();
    let graph = graph(&specs);
    let plan = world.plan(&graph);
    // The first append is the first call of all; its answer is lost.
    let outcome = world.carry_out(&plan, &[(1, Fault::LostAnswer)]).expect("nothing crashes");
    assert!(outcome.store_error.is_some() && !outcome.succeeded());
    assert!(outcome.statuses.values().all(|status| *status == Status::NotStarted), "{:?}", outcome.statuses);
    assert!(world.cloud.contents().is_empty(), "no call without its intent on record");
    assert_eq!(outcome.summary.changes(), 0);
    world.apply(&graph);
    world.assert_converged(&graph);
}

#[test]
fn what_appears_between_plan_and_apply_is_refused_by_name_if_it_is_not_ours() {
    let world = World::new();
    let graph = graph(&[spec("net", 0, 0), spec("box", 0, 0)]);
    let plan = world.plan(&graph);
    let other = World::new();
    other.apply(&graph);
    let mut foreign = other.cloud.lock().objects["net/net0-0"].clone();
    foreign.owner = engine::Owner::stack("theirs");
    world.cloud.lock().objects.insert(foreign.id.clone(), foreign);
    let outcome = world.carry_out(&plan, &[]).expect("nothing crashes");
    let (_, error) = outcome.failed().next().expect("the net fails");
    assert!(matches!(error, ApplyError::NotOurs { .. }));
    assert_eq!(
        error.to_string(),
        "net.n0 exists as net/net0-0 and belongs to the stack theirs; `--adopt` takes it over"
    );
    let because = address("net", 0);
    assert_eq!(outcome.statuses[&address("box", 0)], Status::Skipped { because });
    assert!(outcome.state.intents.is_empty(), "the next plan must not take it for ours");
}

#[test]
fn a_replacement_takes_along_what_lived_in_it() {
    let world = World::new();
    let before = [spec("box", 0, 99), spec("item", 0, 0), spec("item", 1, 0)];
    world.apply(&graph(&before));
    let mut after = before;
    after[0].fixed = 1;
    let after = graph(&after);
    let mut plan = world.plan(&after);
    let actions: Vec<Action> = plan.steps.iter().map(|step| step.action).collect();
    assert_eq!(actions, [Action::Replace; 3]);
    let asked = engine::guards(
        &mut plan,
        &world.kinds,
        &*world.cloud.sim,
        engine::RetryPolicy::default(),
        &engine::observer::Unobserved,
    );
    world.cloud.sim.run(asked).expect("no crash");
    let unapproved: Vec<_> = plan.unapproved(&BTreeSet::new()).iter().map(|step| step.address.clone()).collect();
    assert_eq!(unapproved, [address("box", 0)]);
    assert!(plan.unapproved(&BTreeSet::from([address("box", 0)])).is_empty());
    let outcome = world.carry_out(&plan, &[]).expect("no crash");
    assert!(outcome.succeeded(), "{:#?}", outcome.statuses);
    world.assert_converged(&after);
    let deleted = world.cloud.history().iter().filter(|one| matches!(one, Happened::Deleted(_))).count();
    assert_eq!(deleted, 1, "the items went with their box and were made again");
}
