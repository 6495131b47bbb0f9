//! What the manifest imports is taken over by its id: never created, never deleted, whatever goes wrong meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use engine::kind::Depth;
use engine::plan::{Reason, Refused};
use engine::state::Entry;
use engine::{Action, Address, Graph, Owner, Plan, Resource};
use proptest::prelude::*;
use serde_json::json;

use crate::cloud::{Fault, Happened};
use crate::kinds::STACK;
use crate::manifest::{Spec, address, graph, manifest, resources, spec};
use crate::world::World;

/// The ids to import, by address.
type Imports = BTreeMap<Address, String>;

/// Makes what a manifest wants as somebody else would have: nothing says whose it is, and there is no state.
fn others_made(world: &World, graph: &Graph) -> Imports {
    world.apply(graph);
    world.wait();
    world.store.lose();
    let mut inner = world.cloud.lock();
    let mut imports = Imports::new();
    for object in inner.objects.values_mut() {
        imports.insert(object.address.clone(), object.id.clone());
        object.owner = Owner::Unknown;
        // A note stands where it is found; whose the others are is in their tags alone.
        if object.kind != "note" {
            object.address = Address::new(object.kind, format!("of-others-{}", object.address.name()));
        }
    }
    imports
}

/// What is wanted of both manifests; where both have an address, the first counts.
fn both(base: &[Spec], more: Vec<Spec>) -> Vec<Resource> {
    let mut wanted = resources(base);
    let taken: BTreeSet<Address> = wanted.iter().map(|one| one.address.clone()).collect();
    let all: Vec<Spec> = base.iter().cloned().chain(more).collect();
    wanted.extend(resources(&all).into_iter().filter(|one| !taken.contains(&one.address)));
    wanted
}

fn created_or_deleted(world: &World, imports: &Imports) -> Vec<Happened> {
    let is_import = |address: &Address| imports.contains_key(address);
    let history = world.cloud.history().into_iter();
    let wrong = history.filter(|happened| match happened {
        Happened::Made(address) => is_import(address),
        Happened::Changed(_) => false,
        Happened::Deleted(_) | Happened::DeletedUnder { .. } => true,
    });
    wrong.collect()
}

fn not_imported<'a>(plan: &'a Plan, imports: &Imports) -> Vec<(&'a Address, Action)> {
    let steps = plan.steps.iter().filter(|step| imports.contains_key(&step.address));
    steps.filter(|step| step.action != Action::Import).map(|step| (&step.address, step.action)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn nothing_is_created_or_deleted_for_an_import_and_a_done_one_is_history(
        base in manifest(), more in manifest(), changed in proptest::collection::btree_set(0usize..14, 0..4), full: bool,
    ) {
        let mut world = World::new();
        world.depth = if full { Depth::Full } else { Depth::Lists };
        let imports = others_made(&world, &graph(&base));
        for (at, object) in world.cloud.lock().objects.values_mut().enumerate() {
            if changed.contains(&at) {
                object.fields["size"] = json!(70);
            }
        }
        let wanted = Graph::new(both(&base, more)).expect("a graph").importing(imports.clone());
        let plan = world.plan(&wanted);
        prop_assert_eq!(not_imported(&plan, &imports), []);
        prop_assert_eq!(plan.summary().import, imports.len());
        prop_assert!(plan.imported.is_empty() && !plan.is_incomplete(), "{:#?}", plan);
        prop_assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
        prop_assert_eq!(created_or_deleted(&world, &imports), []);
        world.wait();
        world.assert_converged(&wanted);
        let done = world.plan(&wanted);
        prop_assert!(done.imported.iter().eq(imports.keys()), "{:#?}", done.imported);
        world.assert_converged(&wanted.importing([]));
    }

    #[test]
    fn a_wrong_id_is_refused_and_nothing_is_made_in_its_place(
        base in manifest(), wrong in proptest::collection::btree_set(0usize..14, 1..4),
    ) {
        let world = World::new();
        let mut imports = others_made(&world, &graph(&base));
        for (at, id) in imports.values_mut().enumerate() {
            if wrong.contains(&at) {
                id.push_str("-wrong");
            }
        }
        let is_wrong = |address: &Address| imports[address].ends_with("-wrong");
        let plan = world.plan(&graph(&base).importing(imports.clone()));
        prop_assert_eq!(not_imported(&plan, &imports), []);
        let refused: BTreeSet<&Address> = plan.refused.iter().map(|refused| &refused.address).collect();
        prop_assert!(refused.iter().all(|address| is_wrong(address)), "{:#?}", plan.refused);
        // What refers to a refused one waits for it, also where its own id is wrong.
        let blocked: BTreeSet<&Address> = plan.blocked.iter().map(|blocked| &blocked.address).collect();
        let told: BTreeSet<&Address> = refused.union(&blocked).copied().collect();
        prop_assert!(imports.keys().filter(|address| is_wrong(address)).all(|address| told.contains(address)));
        prop_assert_eq!(refused.is_empty(), !imports.keys().any(is_wrong));
    }

    #[test]
    fn a_crash_at_any_call_is_repaired_and_what_was_only_begun_is_let_be(
        base in manifest(), more in manifest(), at in 0u64..60, effect: bool,
    ) {
        let fault = if effect { Fault::CrashAfter } else { Fault::CrashBefore };
        let started = || {
            let world = World::new();
            let imports = others_made(&world, &graph(&base));
            let wanted = Graph::new(both(&base, more.clone())).expect("a graph").importing(imports.clone());
            (world, imports, wanted)
        };
        let (undisturbed, _, wanted) = started();
        undisturbed.apply(&wanted);
        let calls = undisturbed.cloud.lock().calls;
        let crashed = || {
            let (world, imports, wanted) = started();
            let plan = world.plan(&wanted);
            assert!(world.carry_out(&plan, &[(1 + at % calls, fault)]).is_none(), "it crashes");
            (world, imports, wanted)
        };

        let (mut world, imports, wanted) = crashed();
        let before = created_or_deleted(&world, &imports);
        world.options.generation = 1_000;
        world.apply(&wanted);
        prop_assert_eq!([before, created_or_deleted(&world, &imports)].concat(), []);
        world.wait();
        world.assert_converged(&wanted);

        let (world, _, _) = crashed();
        world.wait();
        let unmarked = || -> BTreeSet<String> {
            let inner = world.cloud.lock();
            let theirs = inner.objects.values().filter(|object| object.owner == Owner::Unknown);
            // A note cannot say whose it is: the state does.
            let records = world.store.state().records;
            let theirs = theirs.filter(|object| !records.values().any(|record| record.id == object.id));
            // What is in a box goes with it, whoever made it.
            theirs.filter(|object| object.kind != "item").map(|object| object.id.clone()).collect()
        };
        let theirs = unmarked();
        world.apply(&Graph::empty());
        prop_assert_eq!(unmarked(), theirs, "what is not marked as ours stays");
    }
}

/// A world in which others made two nets and a box, and the graph that wants them.
fn three() -> (World, Graph, Imports) {
    let world = World::new();
    let wanted = graph(&[spec("net", 0, 9), spec("net", 1, 9), spec("box", 0, 0), spec("box", 1, 9)]);
    let imports = others_made(&world, &wanted);
    (world, wanted, imports)
}

/// The one refusal of a plan in which the import changes as said.
fn refusal(world: &World, wanted: &Graph, imports: &Imports) -> Refused {
    let plan = world.plan(&wanted.clone().importing(imports.clone()));
    assert_eq!(not_imported(&plan, imports), []);
    let [refused] = plan.refused.as_slice() else { panic!("one refusal: {:#?}", plan.refused) };
    refused.clone()
}

#[test]
fn an_import_is_one_update_in_place_with_what_differs() {
    let (world, wanted, imports) = three();
    let id = imports[&address("box", 1)].clone();
    world.cloud.lock().objects.get_mut(&id).expect("there").fields["size"] = json!(3);
    let plan = world.plan(&wanted.clone().importing(imports));
    let step = plan.step(&address("box", 1)).expect("a step");
    assert_eq!((step.action, &step.reason), (Action::Import, &Reason::Imported(Owner::Unknown)));
    assert_eq!((step.id.as_ref(), step.claim), (Some(&id), true));
    let [change] = step.fields.as_slice() else { panic!("one field: {:#?}", step.fields) };
    assert_eq!((change.path.as_str(), &change.before, &change.after), ("size", &json!(3), &json!(0)));
    let dependant = plan.step(&address("box", 0)).expect("a step");
    assert_eq!(dependant.after, BTreeSet::from([address("net", 0)]), "what it refers to is imported before");
}

#[test]
fn another_stacks_is_refused_until_it_is_adopted() {
    let (mut world, wanted, imports) = three();
    let id = &imports[&address("box", 1)];
    world.cloud.lock().objects.get_mut(id).expect("there").owner = Owner::at("shop", &"box.theirs");
    let refused = refusal(&world, &wanted, &imports);
    assert!(
        refused.message.contains("belongs to the stack shop") && refused.message.contains("--adopt"),
        "{refused:?}"
    );
    world.adopt = true;
    let wanted = wanted.importing(imports);
    let step = world.plan(&wanted).step(&address("box", 1)).cloned().expect("a step");
    assert_eq!((step.action, step.claim), (Action::Import, true));
    world.apply(&wanted);
    world.assert_converged(&wanted);
}

#[test]
fn an_address_that_stands_for_another_is_refused() {
    let (world, wanted, imports) = three();
    world.apply(&wanted.clone().importing(imports.clone()));
    let other = BTreeMap::from([(address("box", 1), "box-9".to_owned())]);
    let plan = world.plan(&wanted.clone().importing(other));
    let [refused] = plan.refused.as_slice() else { panic!("one refusal: {:#?}", plan.refused) };
    assert!(refused.message.contains("box.n1 stands for box-"), "{refused:?}");
    assert!(refused.message.contains("state rm box.n1"), "{refused:?}");
    assert!(plan.is_empty(), "{plan:#?}");
}

#[test]
fn an_id_that_stands_elsewhere_is_refused() {
    let (world, wanted, mut imports) = three();
    // Twice in the manifest.
    let first = imports[&address("box", 0)].clone();
    imports.insert(address("box", 1), first.clone());
    let plan = world.plan(&wanted.clone().importing(imports.clone()));
    assert_eq!(plan.refused.len(), 2, "either of the two may be the mistake: {:#?}", plan.refused);
    assert!(plan.refused[0].message.contains("stands at box.n1 already"), "{:#?}", plan.refused);

    // In the state.
    let (world, wanted, mut imports) = three();
    let second = imports.remove(&address("box", 1)).expect("there");
    world.cloud.lock().objects.remove(&second);
    world.apply(&wanted.clone().importing(imports.clone()));
    let more = graph(&[spec("net", 0, 9), spec("net", 1, 9), spec("box", 0, 0), spec("box", 1, 9), spec("box", 2, 9)]);
    let imports = BTreeMap::from([(address("box", 2), imports[&address("box", 0)].clone())]);
    let refused = refusal(&world, &more, &imports);
    assert!(refused.message.contains("stands at box.n0 already"), "{refused:?}");

    // In the cloud alone: the state is lost, and its tags say where it is to stand.
    world.store.lose();
    let refused = refusal(&world, &more, &imports);
    assert!(refused.message.contains("stands at box.n0 already"), "{refused:?}");
}

#[test]
fn a_name_of_the_manifest_that_is_not_the_id_is_refused() {
    let (world, wanted, mut imports) = three();
    imports.insert(address("net", 1), "net/by-hand".to_owned());
    let refused = refusal(&world, &wanted, &imports);
    assert_eq!(refused.address, address("net", 1));
    assert!(refused.message.contains("net.n1 is by the manifest net/net1-0, not net/by-hand"), "{refused:?}");
}

#[test]
fn what_only_a_new_one_can_have_is_refused() {
    let (world, wanted, imports) = three();
    let id = &imports[&address("box", 1)];
    world.cloud.lock().objects.get_mut(id).expect("there").fields["zone"] = json!(7);
    let refused = refusal(&world, &wanted, &imports);
    assert!(refused.message.contains("only a new resource can have the desired zone"), "{refused:?}");
}

#[test]
fn one_that_says_it_is_ours_is_imported_without_a_call_that_changes_anything() {
    let (world, wanted, imports) = three();
    let wanted = wanted.importing(imports);
    world.apply(&wanted);
    world.store.lose();
    let plan = world.plan(&wanted);
    assert!(plan.changes().all(|step| step.action == Action::Import && step.fields.is_empty() && !step.claim));
    world.apply(&wanted);
    assert_eq!(world.cloud.history(), []);
    world.assert_converged(&wanted);
}

/// An import that is done is history: its resource may be replaced, and a run that dies between delete and create is
/// repaired although the imported id is gone.
#[test]
fn a_done_import_does_not_stand_in_the_way_of_a_replacement_that_was_begun() {
    let before = [spec("box", 0, 9)];
    let after = graph(&[Spec { fixed: 1, ..spec("box", 0, 9) }]);
    let calls = 12;
    let mut crashes = 0;
    for (number, fault) in (1..calls).flat_map(|number| [(number, Fault::CrashBefore), (number, Fault::CrashAfter)]) {
        let world = World::new();
        let imports = others_made(&world, &graph(&before));
        world.apply(&graph(&before).importing(imports.clone()));
        let after = after.clone().importing(imports.clone());
        let plan = world.plan(&after);
        assert_eq!(plan.summary().replace, 1);
        if world.carry_out(&plan, &[(number, fault)]).is_some() {
            continue;
        }
        crashes += 1;
        let unrepaired = world.plan(&after);
        if world
            .store
            .state()
            .records
            .get(&address("box", 0))
            .is_some_and(|record| !imports.values().any(|id| *id == record.id))
        {
            // All but the end of the run was kept: the new one stands there, and the entry must go.
            assert!(unrepaired.refused[0].message.contains("take the import out"), "{unrepaired:#?}");
            continue;
        }
        world.apply(&after);
        world.assert_converged(&after.importing([]));
    }
    assert!(crashes >= 6, "{crashes} crashes");
}

#[test]
fn an_intent_to_take_over_is_no_claim() {
    let (world, wanted, imports) = three();
    let plan = world.plan(&wanted.clone().importing(imports.clone()));
    // Dies when the intents are kept and nothing else has happened.
    assert!(world.carry_out(&plan, &[(1, Fault::CrashAfter)]).is_none());
    let intents = world.store.state().intents;
    assert!(!intents.is_empty() && intents.values().all(|intent| intent.takes_over), "{intents:#?}");
    let refused = world.plan(&wanted).refused;
    assert!(
        refused.iter().any(|refused| refused.address.kind() == "net"),
        "without the import it is theirs: {refused:#?}"
    );
    let plan = world.plan(&Graph::empty());
    assert!(plan.is_empty(), "nothing of theirs is deleted: {plan:#?}");
    world.apply(&Graph::empty());
    assert!(world.store.state().intents.is_empty());
    assert_eq!(world.cloud.lock().objects.len(), 4);
}

#[test]
fn a_pending_import_is_unapplied_and_no_drift() {
    let (world, wanted, imports) = three();
    // It carries our name at an address that is gone, as after `state rm`.
    let id = &imports[&address("box", 1)];
    let old = Address::new("box", "old");
    {
        let mut inner = world.cloud.lock();
        let object = inner.objects.get_mut(id).expect("there");
        object.owner = Owner::at(STACK, &old);
        object.address = old;
    }
    let unknown = world.drift(&wanted);
    assert_eq!(unknown.drifted.len(), 1, "without the import it is unknown: {unknown:#?}");
    let drift = world.drift(&wanted.clone().importing(imports.clone()));
    assert!(!drift.is_drifted(), "{drift:#?}");
    assert!(drift.unapplied.iter().all(|one| one.action == Action::Import), "{:#?}", drift.unapplied);
    assert_eq!(drift.unapplied.len(), imports.len());
    let wanted = wanted.importing(imports);
    world.apply(&wanted);
    let drift = world.drift(&wanted);
    assert!(!drift.is_drifted() && drift.unapplied.is_empty(), "{drift:#?}");
}

#[test]
fn without_a_look_nothing_is_said_of_an_import() {
    let (world, wanted, imports) = three();
    let wanted = wanted.importing(imports);
    let mut state = world.store.state();
    state.take(Entry::Removed(address("net", 0)));
    let assumed = engine::Observations::assumed(&wanted, &state);
    assert!(assumed.seen.is_empty(), "{assumed:#?}");
}
