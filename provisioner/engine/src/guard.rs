//! Guards: what a delete or replace would lose that billform did not write.

use futures::stream::{self, StreamExt};

use crate::clock::Clock;
use crate::kind::Contents;
use crate::observer::Observer;
use crate::plan::Plan;
use crate::retry::{Retrier, RetryPolicy, harmless_again};
use crate::{Kinds, Step};

/// How many resources are looked into at once.
const AT_ONCE: usize = 8;

/// Asks what every guarded resource that is to be deleted or replaced holds, and writes it into the plan.
/// A resource that cannot be looked into counts as one that holds something.
pub async fn guards(plan: &mut Plan, kinds: &Kinds, clock: &dyn Clock, retry: RetryPolicy, observer: &dyn Observer) {
    let retrier = Retrier { clock, policy: retry, observer };
    let asks = plan.steps.iter().enumerate().filter(|(_, step)| is_guarded(step, kinds));
    let asks = asks.map(|(at, step)| async move { (at, contents(step, kinds, retrier).await) });
    let answers: Vec<(usize, Option<Contents>)> = stream::iter(asks).buffer_unordered(AT_ONCE).collect().await;
    for (at, contents) in answers {
        plan.steps[at].guard = contents;
    }
}

fn is_guarded(step: &Step, kinds: &Kinds) -> bool {
    step.action.destroys() && kinds.of(&step.address).is_ok_and(|kind| kind.meta().guarded)
}

async fn contents(step: &Step, kinds: &Kinds, retrier: Retrier<'_>) -> Option<Contents> {
    let kind = kinds.of(&step.address).ok()?;
    let (id, fields) = (step.id.as_ref()?, step.observed.as_ref()?);
    match retrier.call(&step.address, harmless_again, || kind.contents(id, fields)).await {
        Ok(contents) => contents,
        Err(error) => Some(Contents { described: format!("nobody knows what, because {error}") }),
    }
}
