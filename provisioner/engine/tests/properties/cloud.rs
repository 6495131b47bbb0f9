//! The cloud in memory: objects, whose they are, and what goes wrong with which call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use engine::kind::ErrorClass;
use engine::{Address, CallError, Clock, Owner};
use serde_json::Value;

use crate::sim::Sim;

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before the call takes effect.
    CrashBefore,
    /// The process dies after the call took effect.
    CrashAfter,
    /// The call takes no effect and nobody hears so.
    LostCall,
    /// The call takes effect and nobody hears so.
    LostAnswer,
    /// Too many calls.
    Throttle,
    /// The call is not made: this run may make no more.
    Halt,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Object {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    pub(crate) address: Address,
    pub(crate) owner: Owner,
    pub(crate) fields: Value,
    pub(crate) uid: String,
    pub(crate) visible_from_ms: u64,
}

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Happened {
    Made(Address),
    Changed(Address),
    Deleted(Address),
    /// Something was deleted while what needs it was there.
    DeletedUnder {
        deleted: Address,
        needed_by: Address,
    },
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) objects: BTreeMap<String, Object>,
    pub(crate) tokens: BTreeMap<String, String>,
    pub(crate) next: u64,
    pub(crate) calls: u64,
    pub(crate) faults: BTreeMap<u64, Fault>,
    /// One call in so many of the cloud, not of the state store, is throttled; 0 for none.
    pub(crate) throttle_one_in: u64,
    /// How long a new object is not seen.
    pub(crate) invisible_ms: u64,
    /// Creates and updates of these are refused for good.
    pub(crate) poisoned: Vec<Address>,
    pub(crate) history: Vec<Happened>,
    pub(crate) running: BTreeMap<&'static str, usize>,
    pub(crate) most_running: BTreeMap<&'static str, usize>,
    pub(crate) most_in_all: usize,
}

#[derive(Clone, Default)]
pub(crate) struct Cloud {
    pub(crate) sim: Arc<Sim>,
    inner: Arc<Mutex<Inner>>,
}

/// What everybody agrees is chance, as long as the number is the same.
fn chance(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

impl Cloud {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("one thread")
    }

    /// One call: takes a while, goes wrong if it is its turn, and otherwise has its effect.
    pub(crate) async fn call<T>(
        &self,
        service: &'static str,
        operation: &str,
        effect: impl FnOnce(&mut Inner, u64) -> Result<T, CallError> + Send,
    ) -> Result<T, CallError> {
        let number = self.begin(service);
        self.sim.sleep(1 + chance(number) % 20).await;
        let answer = self.carry_out(number, service, operation, effect).await;
        self.sim.sleep(chance(number + 7) % 20).await;
        *self.lock().running.get_mut(service).expect("it runs") -= 1;
        answer
    }

    async fn carry_out<T>(
        &self,
        number: u64,
        service: &'static str,
        operation: &str,
        effect: impl FnOnce(&mut Inner, u64) -> Result<T, CallError> + Send,
    ) -> Result<T, CallError> {
        let error = |class| CallError { operation: operation.to_owned(), message: "injected".to_owned(), class };
        let fault = self.fault(number, service);
        match fault {
            Some(Fault::CrashBefore) => self.sim.crash().await,
            Some(Fault::LostCall) => return Err(error(ErrorClass::Ambiguous)),
            Some(Fault::Throttle) => return Err(error(ErrorClass::Throttled)),
            Some(Fault::Halt) => return Err(error(ErrorClass::Halted)),
            Some(Fault::CrashAfter | Fault::LostAnswer) | None => {}
        }
        let now_ms = self.sim.now_ms();
        let answer = effect(&mut self.lock(), now_ms);
        match fault {
            Some(Fault::CrashAfter) => self.sim.crash().await,
            Some(Fault::LostAnswer) => return Err(error(ErrorClass::Ambiguous)),
            _ => {}
        }
        answer
    }

    fn fault(&self, number: u64, service: &str) -> Option<Fault> {
        let mut inner = self.lock();
        let throttled = service != "store"
            && inner.throttle_one_in > 0
            && chance(number + 99).is_multiple_of(inner.throttle_one_in);
        inner.faults.remove(&number).or(throttled.then_some(Fault::Throttle))
    }

    fn begin(&self, service: &'static str) -> u64 {
        let mut inner = self.lock();
        inner.calls += 1;
        *inner.running.entry(service).or_default() += 1;
        let (running, all) = (inner.running[service], inner.running.values().sum());
        let most = inner.most_running.entry(service).or_default();
        *most = running.max(*most);
        inner.most_in_all = inner.most_in_all.max(all);
        inner.calls
    }

    /// Forgets what is counted and what was to go wrong, as a new process does.
    pub(crate) fn fresh_process(&self) {
        let mut inner = self.lock();
        inner.calls = 0;
        inner.faults.clear();
        inner.running.clear();
        inner.most_running.clear();
        inner.most_in_all = 0;
        inner.history.clear();
    }

    pub(crate) fn history(&self) -> Vec<Happened> {
        self.lock().history.clone()
    }

    /// What there is: address, fields with generated identifiers replaced by the address of whose they are.
    pub(crate) fn contents(&self) -> Vec<(Address, Value)> {
        let inner = self.lock();
        let names: BTreeMap<&str, String> = inner
            .objects
            .values()
            .flat_map(|object| [(object.uid.as_str(), object), (object.id.as_str(), object)])
            .map(|(generated, object)| (generated, format!("<{}>", object.address)))
            .collect();
        let name = |value: &Value| value.as_str().and_then(|text| names.get(text)).cloned();
        let plain = |fields: &Value| -> Value {
            let fields = fields.as_object().expect("an object");
            let plain = fields.iter().map(|(key, value)| (key.clone(), name(value).map_or(value.clone(), Value::from)));
            plain.collect::<serde_json::Map<_, _>>().into()
        };
        let mut contents: Vec<(Address, Value)> =
            inner.objects.values().map(|object| (object.address.clone(), plain(&object.fields))).collect();
        contents.sort_by(|a, b| a.0.cmp(&b.0));
        contents
    }
}
