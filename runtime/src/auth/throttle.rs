//! How much one tenant may ask, over all instances of all functions.
//!
//! The count lies in the ledger. Lambda starts an instance for each request that none is free for, so that a count in an
//! instance's memory limits nobody; an item that is written on condition counts exactly. An instance remembers what it
//! wrote: in a quiet time a request costs one write and no read, and a flood is refused with neither.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use billing::ledger::throttle::{self, RetryAfter, Throttle};
use billing::ledger::{Expect, Wrote};

use crate::environment::Environment;
use crate::error::StartError;
use crate::http::Refusal;
use crate::ports::{Clock, Ledger, PortError};

/// Others were quicker as often as this: the tenant asks for more than is good.
const ATTEMPTS: usize = 5;
/// More tenants than an instance needs to remember.
const REMEMBERED: usize = 1000;

/// Counts what tenants ask.
pub(super) struct Throttled {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    /// As this instance saw it last.
    known: Mutex<BTreeMap<String, Throttle>>,
    /// What a request of the route costs.
    units: u32,
}

impl Throttled {
    /// Of requests that cost so many units each.
    pub(super) fn start(units: u32, env: &Environment) -> Result<Throttled, StartError> {
        Ok(Throttled { ledger: env.throttle_ledger()?, clock: env.clock(), known: Mutex::default(), units })
    }

    /// Counts one request.
    ///
    /// # Errors
    /// 429 with `Retry-After` when the tenant asks too much, 500 when the ledger cannot be reached.
    pub(super) async fn take(&self, tenant: &str) -> Result<(), Refusal> {
        let now_ms = self.clock.now().as_millisecond();
        let mut present = match self.remembered(tenant) {
            Some(known) => known,
            None => throttle::one(&*self.ledger, tenant).await?,
        };
        for _ in 0..ATTEMPTS {
            let next = present.taking(self.units, now_ms).map_err(too_much)?;
            if self.write(&present, &next).await? == Wrote::Done {
                self.remember(next);
                return Ok(());
            }
            present = throttle::one(&*self.ledger, tenant).await?;
        }
        Err(too_much(RetryAfter { seconds: 1 }))
    }

    async fn write(&self, before: &Throttle, next: &Throttle) -> Result<Wrote, PortError> {
        let expect = if before.version == 0 { Expect::Absent } else { Expect::Version(before.version) };
        self.ledger.put(next.stored()?, expect).await
    }

    fn remembered(&self, tenant: &str) -> Option<Throttle> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    fn remember(&self, throttle: Throttle) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(throttle.tenant.clone(), throttle);
    }
}

fn too_much(after: RetryAfter) -> Refusal {
    let RetryAfter { seconds } = after;
    let message = format!("too many requests; try again in {seconds} s");
    Refusal { retry_after_s: Some(seconds), ..Refusal::new(429, "too_many_requests", message) }
}

#[cfg(test)]
mod tests {
    use billing::function::{Grant, Setting};

    use super::*;
    use crate::ports::memory::{Fault, Memory};
    use crate::settings::Settings;
    use crate::spec::Spec;

    fn throttled(memory: &Memory, units: u32) -> Throttled {
        let spec = Spec { grants: &[Grant::ThrottleWrite], settings: &[Setting::LedgerTable], ..Spec::EMPTY };
        let settings = Settings::new([(Setting::LedgerTable.variable().to_owned(), "ledger".to_owned())]);
        Throttled::start(units, &Environment::new(spec, settings, Arc::new(memory.clone()))).expect("it starts")
    }

    async fn taken(throttled: &Throttled, tenant: &str) -> u16 {
        throttled.take(tenant).await.map_or_else(|refusal| refusal.status, |()| 200)
    }

    #[tokio::test]
    async fn all_instances_count_together_and_each_tenant_alone() {
        let memory = Memory::default();
        let instances = [throttled(&memory, 1), throttled(&memory, 1), throttled(&memory, 5)];
        // By turns: each finds that the others wrote. 8 x (1 + 1 + 5) = 56 units, and four more.
        for _ in 0..8 {
            for instance in &instances {
                assert_eq!(taken(instance, "acme").await, 200);
            }
        }
        for _ in 0..4 {
            assert_eq!(taken(&instances[0], "acme").await, 200);
        }
        for instance in &instances {
            let refused = instance.take("acme").await.expect_err("a refusal");
            assert_eq!((refused.status, refused.code), (429, "too_many_requests"));
            let after = refused.response().headers["retry-after"].parse::<i64>().expect("seconds");
            assert!((1..=3).contains(&after), "{after}");
            assert_eq!(taken(instance, "other").await, 200);
        }
    }

    /// A flood must not become a bill.
    #[tokio::test]
    async fn who_is_refused_costs_nothing_and_who_is_alone_one_write() {
        let memory = Memory::default();
        let instance = throttled(&memory, 1);
        memory.fail(usize::MAX, Fault::Before);
        for _ in 0..60 {
            assert_eq!(taken(&instance, "acme").await, 200);
        }
        assert_eq!(memory.calls(), 61, "one read at first");
        for _ in 0..100 {
            assert_eq!(taken(&instance, "acme").await, 429);
        }
        assert_eq!(memory.calls(), 61);
    }

    #[tokio::test]
    async fn a_ledger_that_fails_lets_nobody_pass_uncounted() {
        let memory = Memory::default();
        memory.fail(0, Fault::Before);
        assert_eq!(taken(&throttled(&memory, 1), "acme").await, 500);
    }
}
