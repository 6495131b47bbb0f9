//! The gate in the path of every call: whether it may still be made.
//!
//! It is asked right before a request goes out, retries included, so a process that slept finds it closed before its
//! next call and not after. It closes for calls that change something when the lock on the state has lapsed, and for
//! all calls when nothing of an endpoint could be reached for a while: the run then ends with one clear error
//! instead of minutes of retries, step by step.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::boottime;

/// Why a call was not made; for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Halt(pub String);

/// The gate of one run; clones are the same gate. By default nothing closes it but a lost network.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: fn() -> Duration,
    term: Mutex<Option<Arc<Term>>>,
    network: Mutex<Network>,
}

#[derive(Debug)]
struct Network {
    patience: Duration,
    outages: BTreeMap<String, Outage>,
}

/// Failures to reach an endpoint with no success in between.
#[derive(Debug)]
struct Outage {
    since: Duration,
    failures: u32,
    cause: String,
}

/// For how long nothing of an endpoint may be reachable before the run gives up.
pub const NETWORK_PATIENCE: Duration = Duration::from_secs(20);

/// One lost connection is no lost network, however long ago it was lost.
const FEWEST_FAILURES: u32 = 3;

impl Default for Inner {
    fn default() -> Self {
        Inner::with_clock(boottime::now)
    }
}

impl Inner {
    fn with_clock(clock: fn() -> Duration) -> Inner {
        let network = Network { patience: NETWORK_PATIENCE, outages: BTreeMap::new() };
        Inner { clock, term: Mutex::default(), network: Mutex::new(network) }
    }
}

impl Gate {
    /// From now on calls that change something are made only while the term lasts.
    pub fn bind(&self, term: Arc<Term>) {
        *locked(&self.0.term) = Some(term);
    }

    /// Sets for how long an endpoint may be out of reach.
    pub fn set_patience(&self, patience: Duration) {
        locked(&self.0.network).patience = patience;
    }

    /// Whether a call to this endpoint may be made now.
    pub fn check(&self, endpoint: &str, changes_something: bool) -> Result<(), Halt> {
        if changes_something && let Some(term) = &*locked(&self.0.term) {
            term.check()?;
        }
        let network = locked(&self.0.network);
        let Some(outage) = network.outages.get(endpoint) else { return Ok(()) };
        let lasted = (self.0.clock)().saturating_sub(outage.since);
        if outage.failures < FEWEST_FAILURES || lasted < network.patience {
            return Ok(());
        }
        Err(Halt(format!(
            "nothing of {endpoint} could be reached for {} s ({} attempts; {}). Check the network; what was done is \
             known, and the next run goes on from there",
            lasted.as_secs(),
            outage.failures,
            outage.cause
        )))
    }

    /// The endpoint answered, whatever it said.
    pub fn reached(&self, endpoint: &str) {
        locked(&self.0.network).outages.remove(endpoint);
    }

    /// The endpoint could not be reached, or the connection was lost before an answer.
    pub fn unreachable(&self, endpoint: &str, cause: &str) {
        let now = (self.0.clock)();
        let mut network = locked(&self.0.network);
        let outage = network.outages.entry(endpoint.to_owned()).or_insert_with(|| Outage {
            since: now,
            failures: 0,
            cause: String::new(),
        });
        outage.failures += 1;
        cause.clone_into(&mut outage.cause);
    }
}

/// How long a lock still holds, by our own clock. Once it was found lapsed or lost it stays so: who was told to stop
/// is not told to go on.
#[derive(Debug)]
pub struct Term {
    clock: fn() -> Duration,
    /// What is locked, for the message.
    place: String,
    /// A call is begun only while this much is left: it takes a while, too.
    reserve: Duration,
    end: Mutex<End>,
}

#[derive(Debug)]
struct End {
    at: Duration,
    lost: Option<String>,
}

impl Term {
    /// A term that ends at `end`, as [`boottime::now`] counts.
    pub fn new(place: &str, end: Duration, reserve: Duration) -> Term {
        Term::with_clock(boottime::now, place, end, reserve)
    }

    fn with_clock(clock: fn() -> Duration, place: &str, end: Duration, reserve: Duration) -> Term {
        Term { clock, place: place.to_owned(), reserve, end: Mutex::new(End { at: end, lost: None }) }
    }

    /// It was prolonged to `end`.
    pub fn prolong(&self, end: Duration) {
        let mut state = locked(&self.end);
        state.at = state.at.max(end);
    }

    /// It is over, whatever the clock says.
    pub fn lose(&self, why: &str) {
        locked(&self.end).lost.get_or_insert_with(|| why.to_owned());
    }

    /// Whether it was lost or found lapsed.
    pub fn is_over(&self) -> bool {
        self.check().is_err()
    }

    /// Whether something may be begun under it.
    pub fn check(&self) -> Result<(), Halt> {
        let now = (self.clock)();
        let mut end = locked(&self.end);
        if end.lost.is_none() && now + self.reserve > end.at {
            let late = (now + self.reserve).saturating_sub(end.at).as_secs();
            end.lost =
                Some(format!("it lapsed {late} s ago: this process was stopped, slept, or could not renew it in time"));
        }
        let Some(why) = &end.lost else { return Ok(()) };
        Err(Halt(format!(
            "the lock on the state {} is gone: {why}. Another run may be at work, so nothing more is changed; plan and \
             apply again",
            self.place
        )))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static NOW_S: Cell<u64> = const { Cell::new(0) };
    }

    fn clock() -> Duration {
        Duration::from_secs(NOW_S.get())
    }

    fn gate() -> Gate {
        NOW_S.set(0);
        Gate(Arc::new(Inner::with_clock(clock)))
    }

    #[test]
    fn a_lapsed_lock_stops_what_changes_something_and_nothing_else() {
        let gate = gate();
        let term = Arc::new(Term::with_clock(clock, "s3://b/k", Duration::from_secs(60), Duration::from_secs(10)));
        gate.bind(Arc::clone(&term));
        NOW_S.set(50);
        assert_eq!(gate.check("aws", true), Ok(()));
        NOW_S.set(51);
        let halt = gate.check("aws", true).expect_err("less than the reserve is left");
        assert!(halt.0.contains("s3://b/k") && halt.0.contains("lapsed"), "{halt}");
        assert_eq!(gate.check("aws", false), Ok(()), "reads go on");
        term.prolong(Duration::from_secs(600));
        assert!(gate.check("aws", true).is_err(), "what was found lapsed stays so");
    }

    #[test]
    fn a_prolonged_lock_goes_on_and_a_lost_one_says_why() {
        let gate = gate();
        let term = Arc::new(Term::with_clock(clock, "s3://b/k", Duration::from_secs(60), Duration::from_secs(10)));
        gate.bind(Arc::clone(&term));
        term.prolong(Duration::from_secs(80));
        term.prolong(Duration::from_secs(70));
        NOW_S.set(70);
        assert_eq!(gate.check("aws", true), Ok(()), "an older answer does not shorten it");
        term.lose("ben has it");
        assert!(gate.check("aws", true).expect_err("lost").0.contains("ben has it"));
    }

    #[test]
    fn a_lost_network_closes_the_gate_and_one_answer_opens_it() {
        let gate = gate();
        gate.set_patience(Duration::from_secs(5));
        gate.unreachable("aws", "refused");
        NOW_S.set(100);
        assert_eq!(gate.check("aws", true), Ok(()), "one failure is no outage");
        gate.unreachable("aws", "refused");
        gate.unreachable("aws", "refused");
        let halt = gate.check("aws", false).expect_err("reads would only wait");
        assert!(halt.0.contains("nothing of aws could be reached for 100 s"), "{halt}");
        assert_eq!(gate.check("stripe", true), Ok(()), "another endpoint is another matter");
        gate.reached("aws");
        assert_eq!(gate.check("aws", true), Ok(()));
    }

    #[test]
    fn many_failures_at_once_are_a_hiccup() {
        let gate = gate();
        (0..40).for_each(|_| gate.unreachable("aws", "reset"));
        assert_eq!(gate.check("aws", true), Ok(()));
    }
}
