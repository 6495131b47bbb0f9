//! A state made from the cloud alone: it equals the lost one, finds what the manifest forgot, and plans nothing.

use engine::{Address, Graph, State};
use proptest::prelude::*;

use crate::manifest::{Spec, address, graph, manifest};
use crate::world::World;

fn spec(kind: &'static str, name: u8, link: u8) -> Spec {
    Spec { kind, name, size: 0, fixed: 0, link, tag: Some(1), tenant: None }
}

/// What a state remembers, its count aside.
fn memory(state: &State) -> State {
    State { serial: 0, ..state.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn it_equals_the_lost_state_and_plans_nothing(before in manifest(), after in manifest()) {
        let world = World::new();
        world.apply(&graph(&before));
        let after = graph(&after);
        world.apply(&after);
        world.wait();
        let lost = world.store.state();
        world.store.lose();
        let rebuilt = world.rebuild(&after);
        prop_assert!(rebuilt.is_whole() && rebuilt.doubles.is_empty());
        prop_assert_eq!(memory(&rebuilt.state), memory(&lost));
        prop_assert_eq!(rebuilt.state.serial, 7);
        world.store.put(&rebuilt.state);
        world.assert_converged(&after);
    }

    #[test]
    fn without_the_manifest_what_can_say_so_is_found_and_goes_in_the_right_order(specs in manifest()) {
        let world = World::new();
        world.apply(&graph(&specs));
        world.wait();
        world.store.lose();
        let rebuilt = world.rebuild(&Graph::empty());
        world.store.put(&rebuilt.state);
        world.apply(&Graph::empty());
        let left: Vec<Address> = world.cloud.contents().into_iter().map(|(address, _)| address).collect();
        prop_assert!(left.iter().all(|address| address.kind() == "note"), "only notes cannot say whose they are: {:?}", left);
        let under = world.cloud.history().into_iter().any(|what| matches!(what, crate::cloud::Happened::DeletedUnder { .. }));
        prop_assert!(!under, "nothing goes before what needs it: {:?}", world.cloud.history());
    }
}

#[test]
fn what_is_somebody_elses_is_left_out_and_two_of_one_address_are_told() {
    let world = World::new();
    let graph = graph(&[spec("net", 0, 0), spec("box", 0, 0)]);
    world.apply(&graph);
    world.store.lose();
    {
        let mut inner = world.cloud.lock();
        let mut double = inner.objects["box-2"].clone();
        double.id = "box-double".to_owned();
        inner.objects.insert(double.id.clone(), double);
        inner.objects.get_mut("net/net0-0").expect("the net").owner = engine::Owner::stack("theirs");
    }
    let rebuilt = world.rebuild(&graph);
    assert_eq!(rebuilt.state.records.keys().collect::<Vec<_>>(), [&address("box", 0)]);
    assert_eq!(rebuilt.doubles, [(address("box", 0), "box-double".to_owned())]);
}

#[test]
fn a_kind_that_cannot_be_listed_leaves_it_not_whole() {
    let world = World::new();
    world.apply(&graph(&[spec("net", 0, 0)]));
    world.store.lose();
    world.cloud.fresh_process();
    world.cloud.lock().throttle_one_in = 1;
    let rebuilt = world.rebuild(&Graph::empty());
    assert!(!rebuilt.is_whole() && rebuilt.state.records.is_empty(), "{rebuilt:?}");
}

/// How a resource was left is not known any more when its state is lost: the manifest says it best.
#[test]
fn what_had_drifted_before_a_rebuild_is_drift_until_an_apply_has_settled_it() {
    let world = World::new();
    let graph = graph(&[spec("net", 0, 0), spec("net", 1, 0)]);
    world.apply(&graph);
    world.wait();
    world.store.lose();
    world.cloud.lock().objects.get_mut("net/net0-0").expect("there").fields["size"] = serde_json::json!(7);
    let rebuilt = world.rebuild(&graph);
    assert_eq!(rebuilt.state.rebuilt, [address("net", 0)].into());
    world.store.put(&rebuilt.state);
    let drift = world.drift(&graph);
    let found: Vec<_> = drift.drifted.iter().map(|one| (&one.address, one.fields[0].path.as_str())).collect();
    assert_eq!(found, [(&address("net", 0), "size")]);
    world.apply(&graph);
    assert!(!world.drift(&graph).is_drifted());
    assert!(world.store.state().rebuilt.is_empty());
}
