//! What must hold of payments once a sweep has ended: the ledger says of each issued invoice what Stripe holds, every event
//! has a result, a customer's newest set-up is what is charged. And at every instant: no event is applied twice.
//!
//! Source: money-lifecycle.md, the money axis and point 7; web.md, "Webhooks".

use super::{Case, Found};
use crate::violation::{Fault, Violation};
use crate::world::{Event, World};

pub(super) fn faults(case: &Case) -> Vec<Found> {
    if !case.judge.world.is_swept || case.account.disturbed {
        return Vec::new();
    }
    let differs = case.account.money.iter().filter_map(|seen| {
        let must = seen.stripe.held();
        let is = seen.ledger.clone();
        let differs = is.as_ref() != Some(&must);
        differs.then(|| (Some(seen.month), Fault::MoneyDiffers { document: seen.stripe.document.clone(), is, must }))
    });
    let mut found: Vec<Found> = differs.collect();
    if let Some(methods) = &case.account.methods
        && let Some(newest) = &methods.newest
        && methods.default.as_ref() != Some(newest)
    {
        found.push((None, Fault::WrongDefault { is: methods.default.clone(), must: newest.clone() }));
    }
    found
}

/// Faults of events, whoever they are about.
pub(super) fn of_events(world: &World) -> Vec<Violation> {
    let fault = |event: &Event| match event.times_done {
        0 if world.is_swept => Some(Fault::EventWithoutResult { event: event.id.clone() }),
        0 | 1 => None,
        times => Some(Fault::EventTakenTwice { event: event.id.clone(), times }),
    };
    let faults = world.events.iter().filter_map(fault);
    faults.map(|fault| Violation { tenant: None, month: None, fault }).collect()
}
