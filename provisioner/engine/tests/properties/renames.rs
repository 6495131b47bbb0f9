//! Addresses that change: by `moved` in the manifest or by hand in the state; the cloud is told, nothing is made anew.

use engine::kind::Depth;
use engine::plan::Reason;
use engine::state::{Entry, RenameError};
use engine::{Action, Address, Graph, Input, Resource};
use proptest::prelude::*;

use crate::cloud::{Fault, Happened};
use crate::manifest::{Spec, address, graph, resources, spec};
use crate::world::World;

fn named(name: &str) -> Address {
    Address::new("box", name)
}

/// A box with an item in it, the box standing at `at`.
fn boxed(at: &Address) -> Graph {
    let mut all: Vec<Resource> = resources(&[spec("box", 0, 0), spec("item", 0, 0)]);
    for resource in &mut all {
        if resource.address.kind() == "box" {
            resource.address = at.clone();
        } else {
            resource.desired["box"] =
                serde_json::to_value(Input::<String>::output(at.clone(), "id")).expect("serialises");
        }
    }
    Graph::new(all).expect("a graph")
}

fn renamed(world: &World, from: &Address, to: &Address) {
    let mut state = world.store.state();
    state.rename_all(&[(from.clone(), to.clone())]);
    world.store.put(&state);
}

#[test]
fn a_renamed_resource_is_told_its_new_address_and_nothing_else_happens() {
    let (old, new) = (address("box", 0), named("crate"));
    let world = World::new();
    world.apply(&boxed(&old));
    renamed(&world, &old, &new);
    let plan = world.plan(&boxed(&new));
    let step = plan.step(&new).expect("a step");
    assert_eq!((step.action, &step.reason), (Action::Update, &Reason::Renamed(old.clone())));
    assert_eq!(plan.changes().count(), 1, "{plan:#?}");
    assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
    assert_eq!(world.cloud.history(), [Happened::Changed(new.clone())]);
    assert!(world.store.state().renamed.is_empty());
    world.assert_converged(&boxed(&new));
    // The cloud knows it, too.
    world.store.lose();
    assert!(world.rebuild(&boxed(&new)).state.records.contains_key(&new));
}

#[test]
fn a_rename_survives_a_crash_at_any_call() {
    let (old, new) = (address("box", 0), named("crate"));
    for number in 1..=4 {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let world = World::new();
            world.apply(&boxed(&old));
            renamed(&world, &old, &new);
            let plan = world.plan(&boxed(&new));
            world.carry_out(&plan, &[(number, fault)]);
            // The next run reads its state anew and carries the manifest's `moved` out again.
            renamed(&world, &old, &new);
            world.apply(&boxed(&new));
            world.assert_converged(&boxed(&new));
        }
    }
}

#[test]
fn what_cannot_be_renamed_says_why() {
    let (old, other) = (address("box", 0), address("item", 0));
    let world = World::new();
    world.apply(&boxed(&old));
    let mut state = world.store.state();
    assert_eq!(state.rename(&named("x"), &old), Err(RenameError::Unknown(named("x"))));
    assert_eq!(state.rename(&old, &other), Err(RenameError::OtherKind { from: old.clone(), to: other.clone() }));
    assert_eq!(state.rename(&old, &old), Err(RenameError::Taken(old.clone())));
    state.rename(&old, &named("b")).expect("there");
    state.rename(&named("b"), &old).expect("and back");
    assert_eq!(state, world.store.state(), "as if nothing had happened");
}

/// `state rm` of one and `state mv` of another into its place: both still stand where the manifest has them, so neither
/// may be replaced away under the other.
#[test]
fn a_record_moved_to_an_address_that_has_its_own_resource_takes_nothing_away() {
    for depth in [Depth::Lists, Depth::Full] {
        let mut world = World::new();
        world.depth = depth;
        let (first, second) = (address("net", 0), address("net", 1));
        let graph = graph(&[spec("net", 0, 0), spec("net", 1, 0), spec("box", 0, 0)]);
        world.apply(&graph);
        let mut state = world.store.state();
        state.take(Entry::Removed(second.clone()));
        state.rename(&first, &second).expect("there is room");
        world.store.put(&state);
        let plan = world.plan(&graph);
        let (one, other) = (plan.step(&first).expect("a step"), plan.step(&second).expect("a step"));
        assert_eq!((one.action, other.action), (Action::Adopt, Action::Adopt), "{plan:#?}");
        world.apply(&graph);
        assert_eq!(world.cloud.history(), [], "the cloud was right all the time");
        world.assert_converged(&graph);
    }
}

/// The same where the other one does not exist yet: it is made, and the first is left alone.
#[test]
fn a_record_moved_to_an_address_that_lacks_its_resource_has_it_made() {
    let world = World::new();
    let (first, second) = (address("net", 0), address("net", 1));
    world.apply(&graph(&[spec("net", 0, 0)]));
    let mut state = world.store.state();
    state.rename(&first, &second).expect("there is room");
    world.store.put(&state);
    let graph = graph(&[spec("net", 0, 0), spec("net", 1, 0)]);
    world.apply(&graph);
    assert_eq!(world.cloud.history(), [Happened::Made(second)]);
    world.assert_converged(&graph);
}

/// Records that were exchanged: by name, both are where they belong. Nothing may be replaced.
#[test]
fn exchanged_records_are_put_right_without_a_call_that_changes_anything() {
    for kind in ["net", "note"] {
        let world = World::new();
        let graph = graph(&[spec(kind, 0, 0), spec(kind, 1, 0), spec(kind, 2, 0)]);
        world.apply(&graph);
        let mut state = world.store.state();
        let spare = Address::new(kind, "spare");
        let (first, second, third) = (address(kind, 0), address(kind, 1), address(kind, 2));
        for (from, to) in [(&first, &spare), (&second, &first), (&third, &second), (&spare, &third)] {
            state.rename(from, to).expect("there is room");
        }
        world.store.put(&state);
        world.apply(&graph);
        assert_eq!(world.cloud.history(), [], "{kind}");
        world.assert_converged(&graph);
    }
}

/// Boxes exchange their items: what stood there is nobody else's, so each item is made anew and the old one goes.
#[test]
fn items_that_change_places_leave_nothing_behind() {
    let world = World::new();
    let graph = |links: [u8; 2]| {
        let items = [spec("item", 0, links[0]), spec("item", 1, links[1])];
        Graph::new(resources(&[&[spec("box", 0, 9), spec("box", 1, 9)][..], &items].concat())).expect("a graph")
    };
    world.apply(&graph([0, 1]));
    world.apply(&graph([1, 0]));
    world.assert_converged(&graph([1, 0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However records of named resources were shuffled and forgotten: what is wanted and there stays.
    #[test]
    fn shuffled_records_take_nothing_away(
        moves in proptest::collection::vec((0u8..5, 0u8..5), 0..8),
        forgotten in proptest::collection::btree_set(0u8..5, 0..3),
        full in any::<bool>(),
    ) {
        let mut world = World::new();
        world.depth = if full { Depth::Full } else { Depth::Lists };
        let net = |name| Spec { kind: "net", name, size: name, fixed: 0, link: 0, tag: Some(name % 2), tenant: None };
        let boxed = |name| Spec { kind: "box", name, size: 0, fixed: 0, link: name, tag: None, tenant: None };
        let specs: Vec<Spec> = (0..5).map(net).chain((0..5).map(boxed)).collect();
        let graph = Graph::new(resources(&specs)).expect("a graph");
        world.apply(&graph);
        let mut state = world.store.state();
        for name in forgotten {
            state.take(Entry::Removed(address("net", name)));
        }
        for (from, to) in moves {
            // Where there is room; else the two exchange places.
            let (from, to, spare) = (address("net", from), address("net", to), Address::new("net", "spare"));
            if state.rename(&from, &to).is_err() && state.rename(&from, &spare).is_ok() {
                let _ = state.rename(&to, &from);
                let _ = state.rename(&spare, &to);
            }
        }
        world.store.put(&state);
        world.apply(&graph);
        let told = |happened: &Happened| matches!(happened, Happened::Changed(_));
        prop_assert!(world.cloud.history().iter().all(told), "{:?}", world.cloud.history());
        world.assert_converged(&graph);
    }
}
