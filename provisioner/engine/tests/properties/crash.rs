//! A process that dies at any call, before or after it took effect: the next one repairs it, and nothing is there twice.

use proptest::prelude::*;

use crate::cloud::Fault;
use crate::manifest::{Spec, graph, manifest};
use crate::world::World;

/// How many calls an undisturbed apply makes, the journal's included.
fn calls_of(before: &[Spec], after: &[Spec]) -> u64 {
    let world = World::new();
    world.apply(&graph(before));
    world.apply(&graph(after));
    world.cloud.lock().calls
}

/// Applies `before`, dies at call `number` of applying `after`, and applies `then`.
fn crash(before: &[Spec], after: &[Spec], then: &[Spec], number: u64, fault: Fault) {
    crash_in(World::new(), before, after, then, (number, fault));
}

/// The same where others have run in between, so that the count of idempotency tokens has gone on, and what the dead run
/// made is not to be seen yet: only its own tokens tell that it is there.
fn crash_unseen(before: &[Spec], after: &[Spec], number: u64, fault: Fault) {
    let world = World::new();
    world.cloud.lock().invisible_ms = 200;
    crash_in(world, before, after, after, (number, fault));
}

fn crash_in(mut world: World, before: &[Spec], after: &[Spec], then: &[Spec], (number, fault): (u64, Fault)) {
    world.apply(&graph(before));
    world.wait();
    let plan = world.plan(&graph(after));
    let outcome = world.carry_out(&plan, &[(number, fault)]);
    assert!(outcome.is_none(), "call {number} happens and kills");
    let then = graph(then);
    world.options.generation = 1_000;
    world.apply(&then);
    world.wait();
    world.assert_converged(&then);
}

/// Two manifests between which everything happens: creates, updates, both ways of replacing, deletes, a moved link.
fn eventful() -> (Vec<Spec>, Vec<Spec>) {
    let spec = |kind, name, size, fixed, link| Spec { kind, name, size, fixed, link, tag: Some(size), tenant: None };
    // Only a field that lists do not give changes here.
    let hidden = |tag| Spec { tag: Some(tag), ..spec("box", 4, 0, 0, 99) };
    let before = vec![
        hidden(0),
        spec("net", 0, 0, 0, 0),
        spec("net", 1, 0, 0, 0),
        spec("net", 2, 0, 0, 0),
        spec("box", 0, 0, 0, 0),
        spec("box", 1, 0, 0, 2),
        spec("box", 2, 0, 0, 1),
        spec("item", 0, 0, 0, 0),
        spec("item", 1, 0, 0, 1),
        spec("item", 2, 0, 0, 2),
        spec("note", 0, 0, 0, 2),
    ];
    let after = vec![
        hidden(1),
        spec("net", 0, 1, 1, 0),
        spec("net", 1, 1, 0, 0),
        spec("net", 3, 0, 0, 0),
        spec("box", 0, 1, 0, 0),
        spec("box", 1, 0, 1, 3),
        spec("box", 3, 0, 0, 1),
        spec("item", 0, 0, 0, 1),
        spec("item", 1, 1, 0, 1),
        spec("item", 3, 0, 0, 3),
        spec("note", 0, 1, 0, 3),
    ];
    (before, after)
}

#[test]
fn every_call_of_an_eventful_apply_may_be_the_last() {
    let (before, after) = eventful();
    let calls = calls_of(&before, &after);
    assert!(calls > 25, "the apply is eventful: {calls} calls");
    for number in 1..=calls {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            crash(&before, &after, &after, number, fault);
            crash_unseen(&before, &after, number, fault);
            crash(&before, &after, &before, number, fault);
            crash(&before, &after, &[], number, fault);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_call_of_any_apply_may_be_the_last_and_then_anything_may_be_wanted(
        before in manifest(), after in manifest(), then in manifest(), at in 0u64..60, effect: bool,
    ) {
        let number = 1 + at % calls_of(&before, &after);
        let fault = if effect { Fault::CrashAfter } else { Fault::CrashBefore };
        crash(&before, &after, &after, number, fault);
        crash(&before, &after, &then, number, fault);
    }
}
