//! Drift is what others changed; what the manifest wants and nobody applied is told apart from it.

use engine::state::{Entry, Intent, StateStore as _};
use engine::{Action, Address, Drift, Finding, Graph, Owner};
use proptest::prelude::*;
use serde_json::json;

use crate::manifest::{Spec, address, graph, manifest};
use crate::world::World;

fn spec(kind: &'static str, name: u8, size: u8) -> Spec {
    Spec { kind, name, size, fixed: 0, link: 0, tag: Some(1), tenant: None }
}

fn findings(drift: &Drift) -> Vec<(&Address, &Finding)> {
    drift.drifted.iter().map(|found| (&found.address, &found.finding)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn after_an_apply_nothing_drifted_and_another_manifest_is_no_drift(before in manifest(), after in manifest()) {
        let world = World::new();
        let before = graph(&before);
        world.apply(&before);
        world.wait();
        let drift = world.drift(&before);
        prop_assert!(!drift.is_drifted() && drift.unapplied.is_empty(), "{:#?}", drift);
        prop_assert_eq!(drift.compared, before.resources().len());
        let after = graph(&after);
        let drift = world.drift(&after);
        prop_assert!(!drift.is_drifted(), "{:#?}", drift);
        let todo: std::collections::BTreeSet<&Address> = drift.unapplied.iter().map(|one| &one.address).collect();
        let plan = world.plan(&after);
        for step in plan.changes() {
            // A replaced parent's children follow it; drift does not foresee that.
            prop_assert!(todo.contains(&step.address) || step.awaits_outputs(), "{} is to be applied", step.address);
        }
    }

    #[test]
    fn every_field_changed_behind_our_back_is_found_and_repaired(specs in manifest(), at in 0usize..14) {
        let world = World::new();
        let graph = graph(&specs);
        prop_assume!(!graph.order().is_empty());
        world.apply(&graph);
        world.wait();
        let victim = graph.order()[at % graph.order().len()].clone();
        {
            let mut inner = world.cloud.lock();
            let object = inner.objects.values_mut().find(|object| object.address == victim).expect("it is there");
            object.fields["size"] = json!(99);
        }
        let drift = world.drift(&graph);
        prop_assert_eq!(findings(&drift), [(&victim, &Finding::Changed)]);
        let [change] = drift.drifted[0].fields.as_slice() else { panic!("one field: {drift:#?}") };
        prop_assert_eq!((change.path.as_str(), &change.before), ("size", &json!(99)));
        world.apply(&graph);
        world.assert_converged(&graph);
    }
}

#[test]
fn what_vanished_was_taken_unmarked_replaced_or_is_unknown_is_told() {
    let world = World::new();
    let all: Vec<Spec> =
        (0..4).map(|name| spec("net", name, 0)).chain([spec("box", 0, 0), spec("box", 1, 0)]).collect();
    let graph = graph(&all);
    world.apply(&graph);
    {
        let mut inner = world.cloud.lock();
        let id = |name: u8| format!("net/net{name}-0");
        inner.objects.remove(&id(0));
        inner.objects.get_mut(&id(1)).expect("there").owner = Owner::Unknown;
        inner.objects.get_mut(&id(2)).expect("there").owner = Owner::stack("theirs");
        inner.objects.get_mut(&id(3)).expect("there").owner = Owner::at("test", &"net.other");
        let at = |address: Address, inner: &crate::cloud::Inner| {
            inner.objects.values().find(|object| object.address == address).expect("there").clone()
        };
        let mut another = at(address("box", 0), &inner);
        inner.objects.remove(&another.id);
        another.id = "box-another".to_owned();
        inner.objects.insert(another.id.clone(), another);
        let mut unknown = at(address("box", 1), &inner);
        unknown.id = "box-unknown".to_owned();
        unknown.address = address("box", 9);
        inner.objects.insert(unknown.id.clone(), unknown);
    }
    let drift = world.drift(&graph);
    let replaced = Finding::Replaced("box-another".to_owned());
    let taken = Finding::Taken(Owner::stack("theirs"));
    let expected = [
        (&address("box", 0), &replaced),
        (&address("box", 9), &Finding::Unknown),
        (&address("net", 0), &Finding::Vanished),
        (&address("net", 1), &Finding::Unmarked),
        (&address("net", 2), &taken),
        (&address("net", 3), &Finding::Unmarked),
    ];
    assert_eq!(findings(&drift), expected, "{drift:#?}");
}

#[test]
fn ownership_tags_that_were_wiped_are_set_again() {
    let world = World::new();
    let graph = graph(&[spec("net", 0, 0)]);
    world.apply(&graph);
    world.cloud.lock().objects.get_mut("net/net0-0").expect("there").owner = Owner::Unknown;
    world.apply(&graph);
    assert!(!world.drift(&graph).is_drifted());
    assert!(world.cloud.lock().objects["net/net0-0"].owner.is_stack("test"));
}

#[test]
fn what_is_to_be_applied_says_what_would_be_done() {
    let world = World::new();
    world.apply(&graph(&[spec("net", 0, 0), spec("net", 1, 0)]));
    let drift = world.drift(&graph(&[spec("net", 1, 5), spec("net", 2, 0)]));
    let todo: Vec<(Address, Action)> = drift.unapplied.iter().map(|one| (one.address.clone(), one.action)).collect();
    let expected =
        [(address("net", 0), Action::Delete), (address("net", 1), Action::Update), (address("net", 2), Action::Create)];
    assert_eq!(todo, expected);
    assert!(!drift.is_drifted());
    assert!(!world.drift(&Graph::empty()).is_drifted(), "a destroy that was not carried out is none either");
}

#[test]
fn what_an_apply_has_begun_is_no_drift() {
    let world = World::new();
    let graph = graph(&[spec("net", 0, 0), spec("net", 1, 0)]);
    world.apply(&graph);
    world.cloud.lock().objects.get_mut("net/net0-0").expect("there").fields["size"] = json!(7);
    world.cloud.lock().objects.remove("net/net1-0");
    assert_eq!(world.drift(&graph).drifted.len(), 2, "the check can fail");
    let begun = [0, 1].map(|name| {
        let address = address("net", name);
        Entry::Intent(Intent {
            address,
            tenant: None,
            fields: json!({}).into(),
            depends_on: Default::default(),
            generation: None,
            takes_over: false,
            replaces: None,
        })
    });
    world.cloud.sim.run(world.store.append(&begun)).expect("no crash").expect("is kept");
    let drift = world.drift(&graph);
    assert!(!drift.is_drifted(), "{drift:#?}");
    let waiting: Vec<&Address> = drift.pending.iter().map(|(address, _)| address).collect();
    assert_eq!(waiting, [&address("net", 0), &address("net", 1)]);
}

#[test]
fn without_a_state_what_is_as_the_manifest_says_is_no_drift() {
    let world = World::new();
    let graph = graph(&[spec("net", 0, 0), spec("box", 0, 0), spec("item", 0, 0)]);
    world.apply(&graph);
    world.wait();
    world.store.lose();
    let drift = world.drift(&graph);
    assert!(!drift.is_drifted(), "{:#?}", drift.drifted);
    assert!(drift.unapplied.iter().any(|one| one.action == Action::Adopt), "{:#?}", drift.unapplied);
}
