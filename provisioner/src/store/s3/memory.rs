//! A bucket in memory, with faults: the store's tests need many runs, and calls that fail at will.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::objects::{Condition, Object, ObjectError, Objects, Put};
use crate::cloud::boottime;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does nothing and fails.
    Before,
    /// It takes effect, and its answer is lost; the client's own second try meets what the first one did.
    Repeated,
    /// It takes effect, and its answer is lost for good.
    Lost,
    /// From this call on nothing is answered: the process is killed.
    Killed,
}

/// Clones are the same bucket, each with faults of its own.
#[derive(Clone, Default)]
pub(super) struct Memory {
    kept: Arc<Mutex<Kept>>,
    faults: Arc<Mutex<Faults>>,
    /// Whether conditions are ignored, as some stores do.
    lax: bool,
    /// Whether the store says how old its objects are.
    dated: bool,
}

#[derive(Default)]
struct Kept {
    objects: BTreeMap<String, (Object, std::time::Duration)>,
    writes: u64,
}

#[derive(Default)]
struct Faults {
    calls: u64,
    armed: BTreeMap<u64, Fault>,
    dead: bool,
}

impl Memory {
    /// A store that ignores conditions.
    pub(super) fn lax() -> Memory {
        Memory { lax: true, ..Memory::default() }
    }

    /// A store that says how old its objects are, if it does.
    pub(super) fn dated(dated: bool) -> Memory {
        Memory { dated, ..Memory::default() }
    }

    /// The same bucket for another run: its calls count from 1 and meet no faults.
    pub(super) fn for_another(&self) -> Memory {
        Memory { faults: Arc::default(), ..self.clone() }
    }

    /// The n-th call from now meets this fault.
    pub(super) fn arm(&self, n: u64, fault: Fault) {
        let mut faults = locked(&self.faults);
        let at = faults.calls + n;
        faults.armed.insert(at, fault);
    }

    pub(super) fn calls(&self) -> u64 {
        locked(&self.faults).calls
    }

    pub(super) fn keys(&self) -> Vec<String> {
        locked(&self.kept).objects.keys().cloned().collect()
    }

    pub(super) fn set(&self, key: &str, body: &[u8]) {
        locked(&self.kept).write(key, body.to_vec(), None);
    }

    fn fault(&self) -> Option<Fault> {
        let mut faults = locked(&self.faults);
        if faults.dead {
            return Some(Fault::Before);
        }
        faults.calls += 1;
        let at = faults.calls;
        let fault = faults.armed.remove(&at);
        faults.dead = fault == Some(Fault::Killed);
        fault
    }

    async fn call<T>(&self, mut effect: impl FnMut(&mut Kept) -> T) -> Result<T, ObjectError> {
        tokio::task::yield_now().await;
        let fault = self.fault();
        if fault == Some(Fault::Before) {
            return Err(lost());
        }
        let first = effect(&mut locked(&self.kept));
        match fault {
            None => Ok(first),
            Some(Fault::Repeated) => Ok(effect(&mut locked(&self.kept))),
            Some(_) => Err(lost()),
        }
    }
}

impl Kept {
    fn write(&mut self, key: &str, body: Vec<u8>, label: Option<String>) -> String {
        self.writes += 1;
        let etag = format!("\"{:032x}\"", self.writes);
        let object = Object { body, etag: etag.clone(), label, age: None };
        self.objects.insert(key.to_owned(), (object, boottime::now()));
        etag
    }
}

#[async_trait]
impl Objects for Memory {
    async fn get(&self, key: &str) -> Result<Option<Object>, ObjectError> {
        let dated = self.dated;
        self.call(|kept| {
            let (object, written) = kept.objects.get(key)?;
            let age = dated.then(|| boottime::now().saturating_sub(*written));
            Some(Object { age, ..object.clone() })
        })
        .await
    }

    async fn put(
        &self,
        key: &str,
        body: Vec<u8>,
        label: Option<&str>,
        condition: Condition<'_>,
    ) -> Result<Put, ObjectError> {
        let lax = self.lax;
        self.call(|kept| {
            let there = kept.objects.get(key).map(|(object, _)| object.etag.as_str());
            let holds = match condition {
                Condition::Absent => there.is_none(),
                Condition::Is(etag) => there == Some(etag),
            };
            match holds || lax {
                true => Put::Written(kept.write(key, body.clone(), label.map(str::to_owned))),
                false => Put::Refused,
            }
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        self.call(|kept| kept.objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect()).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), ObjectError> {
        self.call(|kept| keys.iter().for_each(|key| drop(kept.objects.remove(key)))).await
    }
}

fn lost() -> ObjectError {
    ObjectError::Failed("the connection was lost".to_owned())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
