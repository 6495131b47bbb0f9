//! How events reach the handler: in order, in any order and more than once, in part, or not at all.

use simulator::Random;

use super::scenarios::Scenario;
use super::world::World;

/// The most deliveries that happen between one step of a scenario and the next.
const BETWEEN_STEPS: u32 = 6;

/// Plays a scenario, every event delivered as soon as it happened.
pub fn in_order(scenario: &Scenario) -> World {
    let world = World::new(1);
    deliver_all(&world);
    for step in scenario.steps {
        step(&world);
        deliver_all(&world);
    }
    world
}

pub fn deliver_all(world: &World) {
    loop {
        let mut waiting = world.shared.stripe.waiting();
        if waiting.is_empty() {
            return;
        }
        waiting.sort_by_key(|waiting| waiting.number);
        for waiting in &waiting {
            assert_eq!(world.webhook.deliver(waiting), Some(200), "{waiting:?}");
        }
    }
}

/// Plays a scenario with events delivered late, in an order of the seed's, some twice, some two at once; odd seeds have two
/// endpoints, which both are sent each event. Every event arrives in the end.
pub fn shuffled(scenario: &Scenario, seed: u64) -> World {
    let world = World::new(1 + (seed % 2) as usize);
    let mut random = Random::of(seed, scenario.name);
    for step in scenario.steps {
        step(&world);
        for _ in 0..random.below(BETWEEN_STEPS) {
            one(&world, &mut random);
        }
    }
    while !world.shared.stripe.waiting().is_empty() {
        one(&world, &mut random);
    }
    world
}

/// Attempts one delivery of those that wait: once, twice in a row, or at once with another one.
fn one(world: &World, random: &mut Random) {
    let mut waiting = world.shared.stripe.waiting();
    if waiting.is_empty() {
        return;
    }
    waiting.sort_by_key(|waiting| waiting.number);
    let first = random.one_of(&waiting).clone();
    let second = if random.chance(70) { first.clone() } else { random.one_of(&waiting).clone() };
    let sent = |of: &localstripe::Waiting| world.shared.stripe.sent(&of.event, &of.endpoint).expect("an event");
    match random.below(4) {
        // Both at once, and their calls in between each other's: which one is refused is sent again.
        0 => {
            world.shared.gate.begin_run(None, Some(Random::new(u64::from(random.below(u32::MAX)))));
            let statuses = world.webhook.post_at_once(&[sent(&first), sent(&second)]);
            world.shared.gate.begin_run(None, None);
            for (waiting, status) in [&first, &second].into_iter().zip(statuses) {
                assert!(matches!(status, 200 | 500), "{waiting:?}: {status}");
                world.shared.stripe.answered(waiting.number, Ok(status));
            }
        }
        // The answer to the first attempt is lost.
        1 => {
            assert_eq!(world.webhook.post(&sent(&first)), 200, "{first:?}");
            assert_eq!(world.webhook.deliver(&first), Some(200), "{first:?}");
        }
        _ => assert_eq!(world.webhook.deliver(&first), Some(200), "{first:?}"),
    }
}

/// Plays a scenario of which so many of a hundred deliveries get lost for good, and then sweeps; none, and only the sweep
/// hears of anything.
pub fn swept(scenario: &Scenario, seed: u64, lost_percent: u32) -> World {
    let world = World::new(1);
    let mut random = Random::of(seed, scenario.name);
    let mut settled = Vec::new();
    for step in scenario.steps {
        step(&world);
        for waiting in world.shared.stripe.waiting() {
            if !settled.contains(&waiting.number) {
                settled.push(waiting.number);
                if !random.chance(lost_percent) {
                    assert_eq!(world.webhook.deliver(&waiting), Some(200), "{waiting:?}");
                }
            }
        }
    }
    // The first looks at what happened, the second at what the first did.
    world.sweep(serde_json::json!({}));
    world
}
