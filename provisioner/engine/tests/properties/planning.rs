//! Planning decides the same from the same, touches only what it must, and survives being written down.

use std::collections::BTreeSet;

use engine::plan::Reason;
use engine::{Action, Address, Broken, Graph, Mode, Plan, Seen, Step, plan};
use proptest::prelude::*;
use serde_json::json;

use crate::kinds::STACK;
use crate::manifest::{Spec, address, graph, manifest, resources};
use crate::world::World;

fn spec(kind: &'static str, name: u8, link: u8) -> Spec {
    Spec { kind, name, size: 0, fixed: 0, link, tag: None, tenant: None }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_same_inputs_give_the_same_bytes_in_whatever_order(before in manifest(), after in manifest(), turn in 0usize..14) {
        let world = World::new();
        world.apply(&graph(&before));
        let straight = resources(&after);
        let mut turned = straight.clone();
        turned.reverse();
        turned.rotate_left(turn % straight.len().max(1));
        let first = world.plan(&Graph::new(straight).expect("a graph"));
        let second = world.plan(&Graph::new(turned).expect("a graph"));
        let bytes = serde_json::to_string(&first).expect("serialises");
        prop_assert_eq!(&bytes, &serde_json::to_string(&second).expect("serialises"));
        prop_assert_eq!(serde_json::from_str::<Plan>(&bytes).expect("reads"), first);
    }

    #[test]
    fn another_tenant_changes_only_its_own_addresses(base in manifest(), more in manifest()) {
        let shared: Vec<Spec> = base.into_iter().map(|spec| Spec { tenant: None, ..spec }).collect();
        let mut all = resources(&shared);
        let world = World::new();
        world.apply(&Graph::new(all.clone()).expect("a graph"));
        let taken: BTreeSet<_> = all.iter().map(|one| one.address.clone()).collect();
        // The tenant's resources may refer to the shared ones, which keep their addresses.
        let tenant = resources(&shared.iter().cloned().chain(more).collect::<Vec<_>>());
        all.extend(tenant.into_iter().filter(|one| !taken.contains(&one.address)).map(|mut one| {
            one.tenant = Some("new".to_owned());
            one
        }));
        let graph = Graph::new(all).expect("a graph");
        let plan = world.plan(&graph);
        prop_assert!(plan.changes().all(|step| step.tenant.as_deref() == Some("new")), "{:#?}", plan);
        prop_assert_eq!(plan.changes().count(), graph.for_tenant("new").count());
    }

    #[test]
    fn a_plan_waits_for_its_own_steps_only_and_never_in_a_circle(before in manifest(), after in manifest()) {
        let world = World::new();
        world.apply(&graph(&before));
        let plan = world.plan(&graph(&after));
        let mut open: Vec<_> = plan.changes().collect();
        let mut done = BTreeSet::new();
        while !open.is_empty() {
            let (ready, waiting): (Vec<&Step>, Vec<&Step>) = open.into_iter().partition(|step| step.after.is_subset(&done));
            prop_assert!(!ready.is_empty(), "{:#?}", waiting);
            done.extend(ready.iter().map(|step| step.address.clone()));
            open = waiting;
        }
    }

    #[test]
    fn a_saved_plan_is_stale_only_if_what_it_changes_is_not_as_it_was(before in manifest(), after in manifest(), at in 0usize..14) {
        let world = World::new();
        world.apply(&graph(&before));
        let after = graph(&after);
        let plan = world.plan(&after);
        let promises = plan.promises();
        let kept = world.plan(&after).keeping(&promises).expect("nothing happened");
        prop_assert_eq!(kept.changes().collect::<Vec<_>>(), plan.changes().collect::<Vec<_>>());
        let touched = {
            let mut inner = world.cloud.lock();
            let count = inner.objects.len().max(1);
            inner.objects.values_mut().nth(at % count).map(|object| {
                object.fields["size"] = json!(50);
                object.address.clone()
            })
        };
        let changed = touched.filter(|address| plan.step(address).is_some_and(|step| step.action.is_change()));
        match (changed, world.plan(&after).keeping(&promises)) {
            (Some(changed), kept) => prop_assert!(
                matches!(&kept, Err(Broken::Stale { done, changed: others }) if done.contains(&changed) || others.contains(&changed)), "{} changed: {:#?}", changed, kept
            ),
            // Something else changed: what it does not wait for goes on, and that alone.
            (None, Ok(kept)) => prop_assert_eq!(kept.promises(), promises),
            (None, Err(Broken::Stale { done, changed })) => {
                let waits = |address: &Address| !world.plan(&after).step(address).expect("a step").after.is_empty();
                prop_assert!(done.is_empty() && changed.iter().all(waits), "{:?} {:?}", done, changed);
            }
            (None, Err(altered)) => prop_assert!(false, "{:?}", altered),
        }
    }

    #[test]
    fn a_saved_plan_that_was_altered_is_found_out(before in manifest(), after in manifest(), at in 0usize..14, how in 0usize..3) {
        let world = World::new();
        world.apply(&graph(&before));
        let after = graph(&after);
        let mut promises = world.plan(&after).promises();
        prop_assume!(!promises.is_empty());
        let at = at % promises.len();
        match how {
            0 => promises[at].intent.replace_range(..1, "x"),
            1 => promises[at].live.replace_range(..1, "x"),
            _ => promises[at].address = address("net", 77),
        }
        prop_assert!(world.plan(&after).keeping(&promises).is_err());
    }
}

#[test]
fn what_follows_from_a_replacement_is_known_after_apply() {
    let world = World::new();
    let before = [spec("net", 0, 0), spec("box", 0, 0), spec("item", 0, 0)];
    world.apply(&graph(&before));
    let mut after = before;
    after[0].fixed = 1;
    let after = graph(&after);
    let plan = world.plan(&after);
    let net = plan.step(&address("net", 0)).expect("a step");
    let dependant = plan.step(&address("box", 0)).expect("a step");
    assert_eq!((net.action, &net.reason), (Action::Replace, &Reason::ForcesReplacement));
    assert_eq!((dependant.action, dependant.fields.len()), (Action::Update, 1));
    assert_eq!(dependant.fields[0].after, json!({"$output": {"of": "net.n0", "name": "uid"}}));
    assert_eq!(dependant.after, BTreeSet::from([address("net", 0)]));
    assert_eq!(plan.step(&address("item", 0)).map(|step| step.action), Some(Action::NoOp));
    assert_eq!((plan.summary().replace, plan.summary().update, plan.summary().no_op), (1, 1, 1));
    assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
    world.assert_converged(&after);
}

#[test]
fn an_unreadable_resource_is_left_alone_and_so_is_what_must_not_go_before_it() {
    let world = World::new();
    let both = graph(&[spec("net", 0, 0), spec("box", 0, 0)]);
    world.apply(&both);
    let state = world.store.state();
    let mode = Mode { stack: STACK.to_owned(), adopt: false };
    let mut seen = world.observe(&both);
    let error = engine::CallError {
        operation: "beta:read".to_owned(),
        message: "not allowed".to_owned(),
        class: engine::kind::ErrorClass::Denied,
    };
    seen.seen.insert(address("box", 0), Seen::Unreadable(error));
    let destroy = plan(&Graph::empty(), &state, &seen, &world.kinds, &mode).expect("kinds are known");
    assert!(destroy.is_empty() && destroy.is_incomplete());
    assert_eq!(destroy.unreadable[0].0, address("box", 0));
    assert_eq!(destroy.blocked[0].address, address("net", 0));
    seen.seen.remove(&address("box", 0));
    let partial = plan(&both, &state, &seen, &world.kinds, &mode).expect("kinds are known");
    assert!(partial.step(&address("box", 0)).is_none(), "what was not looked at is left alone");
}

#[test]
fn only_a_dependency_or_a_tenant_changes_is_written_down_without_being_a_change() {
    let world = World::new();
    let before = resources(&[spec("net", 0, 0), spec("note", 0, 99)]);
    world.apply(&Graph::new(before.clone()).expect("a graph"));
    let mut after = before;
    after[1].depends_on.insert(address("net", 0));
    after[1].tenant = Some("acme".to_owned());
    let outcome = world.apply(&Graph::new(after).expect("a graph"));
    assert_eq!((outcome.summary.changes(), outcome.summary.no_op), (0, 2));
    let record = &world.store.state().records[&address("note", 0)];
    assert_eq!((record.tenant.as_deref(), record.depends_on.len()), (Some("acme"), 1));
    assert!(world.cloud.history().is_empty());
}

#[test]
fn a_state_of_an_unknown_kind_is_a_clear_error() {
    let world = World::new();
    world.apply(&graph(&[spec("net", 0, 0)]));
    let mut state = world.store.state();
    let mut record = state.records[&address("net", 0)].clone();
    record.address = engine::Address::new("moat", "m");
    state.records.insert(record.address.clone(), record);
    let seen = world.observe(&Graph::empty());
    let mode = Mode { stack: STACK.to_owned(), adopt: false };
    let error = plan(&Graph::empty(), &state, &seen, &world.kinds, &mode).expect_err("unknown");
    assert!(
        error.to_string().starts_with("moat.m is of kind `moat`, which this billform does not know; it knows box, ")
    );
}

#[test]
fn records_that_need_each_other_in_a_circle_still_go() {
    let world = World::new();
    world.apply(&graph(&[spec("net", 0, 0), spec("net", 1, 0), spec("box", 0, 0)]));
    let mut state = world.store.state();
    for (from, to) in [(0, 1), (1, 0)] {
        let record = state.records.get_mut(&address("net", from)).expect("a record");
        record.depends_on.insert(address("net", to));
    }
    let seen = world.observe(&Graph::empty());
    let mode = Mode { stack: STACK.to_owned(), adopt: false };
    let plan = plan(&Graph::empty(), &state, &seen, &world.kinds, &mode).expect("kinds are known");
    assert_eq!(plan.summary().delete, 3);
    assert_eq!(plan.step(&address("net", 0)).map(|step| &step.after), Some(&BTreeSet::from([address("box", 0)])));
    assert_eq!(plan.step(&address("net", 1)).map(|step| &step.after), Some(&BTreeSet::from([address("net", 0)])));
}
