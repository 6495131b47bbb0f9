//! Whose is it: refused by name, taken over on request, given up when somebody else has it, moved without a delete.

use engine::plan::Reason;
use engine::{Action, Address, Graph, Owner, Plan};

use crate::cloud::{Cloud, Happened};
use crate::manifest::{address, graph, resources, spec};
use crate::world::World;

fn give_to(cloud: &Cloud, id: &str, owner: Owner) {
    cloud.lock().objects.get_mut(id).expect("it is there").owner = owner;
}

fn one_step<'p>(plan: &'p Plan, address: &Address) -> &'p engine::Step {
    plan.step(address).unwrap_or_else(|| panic!("a step at {address} in {plan:#?}"))
}

/// A world in which the net exists, belongs to `owner`, and is not in the state.
fn world_with_foreign_net(owner: Owner) -> World {
    let world = World::new();
    world.apply(&graph(&[spec("net", 0, 0)]));
    world.store.lose();
    give_to(&world.cloud, "net/net0-0", owner);
    world
}

#[test]
fn somebody_elses_is_refused_by_name_and_what_needs_it_is_blocked() {
    let world = world_with_foreign_net(Owner::stack("theirs"));
    let plan = world.plan(&graph(&[spec("net", 0, 0), spec("box", 0, 0), spec("box", 1, 99)]));
    let refused = &plan.refused[0];
    assert_eq!(
        refused.message,
        "net.n0 exists as net/net0-0 and belongs to the stack theirs: `--adopt` takes it over; or give yours another name"
    );
    assert_eq!((&plan.blocked[0].address, &plan.blocked[0].because), (&address("box", 0), &address("net", 0)));
    let made: Vec<_> = plan.changes().map(|step| &step.address).collect();
    assert_eq!(made, [&address("box", 1)], "the others go on");
    assert!(plan.is_incomplete());
}

#[test]
fn adopting_takes_over_and_marks_as_ours() {
    for owner in [Owner::stack("theirs"), Owner::Unknown] {
        let mut world = world_with_foreign_net(owner.clone());
        world.adopt = true;
        let graph = graph(&[spec("net", 0, 0), spec("box", 0, 0)]);
        let plan = world.plan(&graph);
        let step = one_step(&plan, &address("net", 0));
        assert_eq!((step.action, step.claim), (Action::Adopt, true));
        assert_eq!(step.reason, Reason::TakenOver(owner));
        assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
        world.adopt = false;
        world.assert_converged(&graph);
    }
}

#[test]
fn a_takeover_never_replaces() {
    let mut world = World::new();
    world.adopt = true;
    let before = [spec("box", 0, 99)];
    world.apply(&graph(&before));
    world.store.lose();
    give_to(&world.cloud, "box-1", Owner::stack("theirs"));
    let mut after = before;
    after[0].fixed = 1;
    let plan = world.plan(&graph(&after));
    assert!(plan.is_empty() && plan.refused[0].message.contains("cannot be taken over"), "{plan:#?}");
    assert!(plan.refused[0].message.contains("zone"), "{}", plan.refused[0].message);
}

#[test]
fn what_somebody_took_from_us_is_not_deleted() {
    let world = World::new();
    world.apply(&graph(&[spec("net", 0, 0)]));
    give_to(&world.cloud, "net/net0-0", Owner::stack("theirs"));
    let plan = world.plan(&Graph::empty());
    let step = one_step(&plan, &address("net", 0));
    assert!(step.forgets() && matches!(step.reason, Reason::NoLongerOurs(_)), "{step:?}");
    assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
    assert_eq!(world.cloud.contents().len(), 1);
    assert!(world.store.state().records.is_empty());
}

#[test]
fn what_moves_to_another_address_is_neither_deleted_nor_made_again() {
    let world = World::new();
    let before = resources(&[spec("net", 0, 0)]);
    world.apply(&Graph::new(before.clone()).expect("a graph"));
    let mut moved = before;
    moved[0].address = Address::new("net", "renamed");
    let graph = Graph::new(moved).expect("a graph");
    let plan = world.plan(&graph);
    assert_eq!(one_step(&plan, &address("net", 0)).reason, Reason::Moved(Address::new("net", "renamed")));
    assert_eq!(one_step(&plan, &Address::new("net", "renamed")).action, Action::Adopt);
    assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
    let told = [Happened::Changed(Address::new("net", "renamed"))];
    assert_eq!(world.cloud.history(), told, "only its tags are told the new address");
    assert!(world.plan(&graph).is_empty());
}

#[test]
fn what_vanished_and_is_no_longer_wanted_is_only_forgotten() {
    let world = World::new();
    world.apply(&graph(&[spec("net", 0, 0)]));
    world.cloud.lock().objects.clear();
    let plan = world.plan(&Graph::empty());
    assert!(plan.is_empty() && plan.steps[0].forgets());
    assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
    assert!(world.store.state().records.is_empty());
}

#[test]
fn another_one_in_its_place_is_adopted_for_what_it_is() {
    let world = World::new();
    let graph = graph(&[spec("box", 0, 99)]);
    world.apply(&graph);
    {
        let mut inner = world.cloud.lock();
        let mut other = inner.objects.remove("box-1").expect("it is there");
        other.id = "box-other".to_owned();
        inner.objects.insert(other.id.clone(), other);
    }
    let plan = world.plan(&graph);
    let step = one_step(&plan, &address("box", 0));
    assert_eq!((step.action, &step.reason), (Action::Adopt, &Reason::Found));
    assert!(world.carry_out(&plan, &[]).expect("no crash").succeeded());
    assert_eq!(world.store.state().records[&address("box", 0)].id, "box-other");
    world.assert_converged(&graph);
}
