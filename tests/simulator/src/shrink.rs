//! The smallest plan that still fails.

use super::event::Event;
use super::plan::Plan;

/// Drops events from a plan that fails for as long as it still fails: halves first, then ever smaller parts, at last
/// one by one. The result fails, and no single event can be dropped from it. At most `tries` plans are tried.
pub fn shrink(plan: &Plan, tries: usize, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut smallest = plan.clone();
    let mut left = tries;
    let mut size = smallest.events.len().div_ceil(2);
    while size > 0 && left > 0 {
        let before = smallest.events.len();
        let mut at = 0;
        while at < smallest.events.len() && left > 0 {
            let candidate = smallest.with(without(&smallest.events, at, size));
            left -= 1;
            if fails(&candidate) {
                smallest = candidate;
            } else {
                at += size;
            }
        }
        let is_done = size == 1 && smallest.events.len() == before;
        size = match size {
            1 if is_done => 0,
            1 => 1,
            size => size.div_ceil(2),
        };
    }
    smallest
}

fn without(events: &[Event], at: usize, size: usize) -> Vec<Event> {
    let end = (at + size).min(events.len());
    events[..at].iter().chain(&events[end..]).cloned().collect()
}
