//! The lock on a state in S3: an object that names its holder and is renewed while the holder lives.
//!
//! **Nobody's wall clock is compared with another's.** A holder counts from the moment *before* it sent a renewal, on a
//! clock that also advances while the machine sleeps, and stops at the end of the lease. Another takes the lock
//! only when a whole lease and a margin passed since the store took the last renewal, which is later. That is judged
//! in one of two ways, both within one clock: by the store's own (`Date` of the answer less the object's
//! `Last-Modified`), so that whoever comes long after a crash does not wait; or by ours, while we watch the ETag stay
//! the same. A machine whose wall clock is off by hours does neither better nor worse. Two clocks that *run* at
//! different speeds are what the margin is for.
//!
//! Taking is a write under the condition that the ETag is still the one that was judged: a renewal that came in between
//! makes it fail. Each holder has a fencing token one higher than the last, and all it writes carries it
//! ([`super::journal`]), so that even a holder that is wrong about its lease corrupts nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::objects::{Condition, Object, ObjectError, Objects, put_own};
use crate::cloud::boottime;
use crate::cloud::gate::Term;
use crate::store::holder::Holder;

/// The lock object's format that this billform writes.
const FORMAT: &str = "billform-lock/1";

/// The lock, as its object says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    format: String,
    /// Who holds it; none when it is free.
    pub holder: Option<Holder>,
    /// The holder's fencing token, or the last one's.
    pub fence: u64,
    /// Up to this fencing token nobody can be writing any more.
    pub settled: u64,
    /// How long it holds without a renewal, in milliseconds.
    pub lease_ms: u64,
    /// Grows with each renewal.
    pub renewals: u64,
    /// Tells our own write from another's.
    writer: String,
}

/// Somebody's lock that was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The lock.
    pub lock: Lock,
    /// For how long it holds at most, unless it is renewed.
    pub left: Duration,
}

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is somebody else's.
    Held(Box<Met>),
    /// The store does not do.
    Store(ObjectError),
    /// What lies in the lock's place is none.
    Damaged(String),
}

impl From<ObjectError> for Refusal {
    fn from(error: ObjectError) -> Self {
        Refusal::Store(error)
    }
}

/// How long leases are, and how long to wait for somebody else's.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// A lock holds so long without a renewal.
    pub lease: Duration,
    /// How long to wait for somebody else's.
    pub patience: Duration,
}

/// A lock that is ours. It is given back by [`Lease::release`], and else lapses.
pub(super) struct Lease {
    objects: Arc<dyn Objects>,
    key: String,
    times: Times,
    term: Arc<Term>,
    current: tokio::sync::Mutex<Current>,
}

struct Current {
    lock: Lock,
    etag: String,
    /// When the renewal that is under way was first sent.
    sent: Option<Duration>,
}

/// What an attempt to renew came to.
enum Renewed {
    Yes,
    Gone,
    NotYet,
}

/// Where the lock of a state lies.
pub(super) fn lock_key(key: &str) -> String {
    format!("{key}.lock")
}

/// Reads the lock; none when there never was one.
pub(super) async fn look(objects: &dyn Objects, key: &str) -> Result<Option<(Met, String)>, Refusal> {
    let Some(object) = objects.get(&lock_key(key)).await? else { return Ok(None) };
    let lock = parse(&object)?;
    let left = left(&lock, object.age, Duration::ZERO);
    Ok(Some((Met { lock, left }, object.etag)))
}

fn parse(object: &Object) -> Result<Lock, Refusal> {
    let lock: Lock = serde_json::from_slice(&object.body).map_err(|error| Refusal::Damaged(error.to_string()))?;
    match lock.format == FORMAT {
        true => Ok(lock),
        false => Err(Refusal::Damaged(format!("its format is {}, this billform knows {FORMAT}", lock.format))),
    }
}

/// For how long a lock holds at most, when the store says it is `age` old and we have watched it for `watched`.
fn left(lock: &Lock, age: Option<Duration>, watched: Duration) -> Duration {
    if lock.holder.is_none() {
        return Duration::ZERO;
    }
    let lease = Duration::from_millis(lock.lease_ms);
    // A tenth for clocks that run at different speeds.
    (lease + lease / 10).saturating_sub(watched.max(age.unwrap_or_default()))
}

/// Takes the lock, waiting for it as long as `times` says. `floor` is a fencing token that was met elsewhere: ours will
/// be higher. `waiting` is told once whom we wait for.
pub(super) async fn acquire(
    objects: &Arc<dyn Objects>,
    key: &str,
    place: &str,
    holder: &Holder,
    times: Times,
    floor: u64,
    waiting: &(dyn Fn(&Met) + Sync),
) -> Result<Lease, Refusal> {
    let began = boottime::now();
    let writer = format!("{}-{}", holder.pid, hex::encode(unique_bytes()));
    let mut watch = Watch::default();
    let mut told = false;
    loop {
        let seen = objects.get(&lock_key(key)).await?;
        let (condition, lock) = match &seen {
            None => (Condition::Absent, first(holder, times, floor, &writer)),
            Some(object) => {
                let lock = parse(object)?;
                let left = left(&lock, object.age, watch.since(&object.etag));
                if !left.is_zero() {
                    let met = Met { lock, left };
                    let spent = boottime::now().saturating_sub(began);
                    if spent >= times.patience {
                        return Err(Refusal::Held(Box::new(met)));
                    }
                    if !std::mem::replace(&mut told, true) {
                        waiting(&met);
                    }
                    tokio::time::sleep(left.min(times.patience - spent).min(poll(times))).await;
                    continue;
                }
                (Condition::Is(&object.etag), next(&lock, holder, times, floor, &writer))
            }
        };
        let sent = boottime::now();
        if let Some(etag) = put_own(&**objects, &lock_key(key), encoded(&lock)?, condition).await? {
            let term = Term::new(place, sent + times.lease, reserve(times));
            return Ok(Lease {
                objects: Arc::clone(objects),
                key: lock_key(key),
                times,
                term: Arc::new(term),
                current: tokio::sync::Mutex::new(Current { lock, etag, sent: None }),
            });
        }
    }
}

/// Puts a free lock in place of one whose holder is known dead. What it wrote is settled by the next holder.
pub(super) async fn break_open(objects: &dyn Objects, key: &str) -> Result<(), Refusal> {
    let Some(object) = objects.get(&lock_key(key)).await? else { return Ok(()) };
    let lock = match parse(&object) {
        Ok(lock) => Lock { holder: None, writer: hex::encode(unique_bytes()), ..lock },
        // What cannot be read says nothing of fencing tokens either: they are found in the journal.
        Err(Refusal::Damaged(_)) => return Ok(objects.delete(&[lock_key(key)]).await?),
        Err(refusal) => return Err(refusal),
    };
    match put_own(objects, &lock_key(key), encoded(&lock)?, Condition::Is(&object.etag)).await? {
        Some(_) => Ok(()),
        None => {
            let met = look(objects, key).await?.map(|(met, _)| met);
            Err(met.map_or_else(
                || Refusal::Damaged("it changed meanwhile".to_owned()),
                |met| Refusal::Held(Box::new(met)),
            ))
        }
    }
}

fn first(holder: &Holder, times: Times, floor: u64, writer: &str) -> Lock {
    Lock {
        format: FORMAT.to_owned(),
        holder: Some(holder.clone()),
        fence: floor + 1,
        // Who deleted the lock's object deleted what it knew.
        settled: 0,
        lease_ms: u64::try_from(times.lease.as_millis()).unwrap_or(u64::MAX),
        renewals: 0,
        writer: writer.to_owned(),
    }
}

fn next(before: &Lock, holder: &Holder, times: Times, floor: u64, writer: &str) -> Lock {
    let fence = before.fence.max(floor) + 1;
    Lock { fence, settled: before.settled, ..first(holder, times, 0, writer) }
}

/// Bytes that no other run has.
pub(super) fn unique_bytes() -> [u8; 12] {
    let mut bytes = [0_u8; 12];
    if getrandom::fill(&mut bytes).is_err() {
        // Without the system's randomness the clock still tells runs apart, which is all that is asked of it.
        bytes.copy_from_slice(&boottime::now().as_nanos().to_be_bytes()[4..]);
    }
    bytes
}

fn encoded(lock: &Lock) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec_pretty(lock).map_err(|error| Refusal::Damaged(error.to_string()))
}

/// A call that is begun takes a while, so a sixth of the lease is left for it.
fn reserve(times: Times) -> Duration {
    times.lease / 6
}

fn poll(times: Times) -> Duration {
    (times.lease / 10).clamp(Duration::from_millis(50), Duration::from_secs(2))
}

/// For how long an ETag was seen to stay the same.
#[derive(Default)]
struct Watch(Option<(String, Duration)>);

impl Watch {
    fn since(&mut self, etag: &str) -> Duration {
        let now = boottime::now();
        match &self.0 {
            Some((seen, at)) if seen == etag => now.saturating_sub(*at),
            _ => {
                self.0 = Some((etag.to_owned(), now));
                Duration::ZERO
            }
        }
    }
}

impl Lease {
    /// How long it still holds.
    pub(super) fn term(&self) -> &Arc<Term> {
        &self.term
    }

    /// The fencing token, the highest one that can write no more, and what tells our writes from another's.
    pub(super) async fn tokens(&self) -> (u64, u64, String) {
        let current = self.current.lock().await;
        (current.lock.fence, current.lock.settled, current.lock.writer.clone())
    }

    /// Renews until the lock is gone, a third of the lease apart. Failures are tried again until it lapses.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut pause = self.times.lease / 3;
        loop {
            tokio::time::sleep(pause).await;
            if self.term.is_over() {
                return;
            }
            pause = match tokio::time::timeout(self.times.lease / 4, self.renew()).await {
                Ok(Renewed::Yes) => self.times.lease / 3,
                Ok(Renewed::Gone) => return,
                // What became of it is found out by the next attempt.
                Ok(Renewed::NotYet) | Err(_) => self.times.lease / 20,
            };
        }
    }

    async fn renew(&self) -> Renewed {
        let mut current = self.current.lock().await;
        let lock = Lock { renewals: current.lock.renewals + 1, ..current.lock.clone() };
        let sent = *current.sent.get_or_insert_with(boottime::now);
        let Ok(body) = encoded(&lock) else { return Renewed::NotYet };
        match put_own(&*self.objects, &self.key, body, Condition::Is(&current.etag)).await {
            Ok(Some(etag)) => {
                *current = Current { lock, etag, sent: None };
                self.term.prolong(sent + self.times.lease);
                Renewed::Yes
            }
            Ok(None) => {
                drop(current);
                self.term.lose(&self.taker().await);
                Renewed::Gone
            }
            Err(_) => Renewed::NotYet,
        }
    }

    /// Before a write to the state: a lease that seems lapsed may still be ours, if nobody took it.
    pub(super) async fn is_ours(&self) -> Result<(), String> {
        if !self.term.is_over() {
            return Ok(());
        }
        let writer = self.current.lock().await.lock.writer.clone();
        match self.objects.get(&self.key).await {
            Ok(Some(object)) if parse(&object).is_ok_and(|lock| lock.writer == writer) => Ok(()),
            Ok(_) => Err(self.taker().await),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Who has it now, as the end of a sentence.
    async fn taker(&self) -> String {
        let fence = self.current.lock().await.lock.fence;
        let object = self.objects.get(&self.key).await.ok().flatten();
        let lock = object.and_then(|object| parse(&object).ok());
        match lock {
            Some(Lock { holder: Some(holder), .. }) => format!("{holder} took it over"),
            Some(lock) if lock.fence > fence => "another run took it over, and has ended since".to_owned(),
            _ => "it was broken by `billform unlock --force`".to_owned(),
        }
    }

    /// Gives it back. `settled` says that nothing of ours can still be on its way to the state.
    pub(super) async fn release(&self, settled: bool) -> Result<(), ObjectError> {
        let mut current = self.current.lock().await;
        self.term.lose("it was given back");
        let mut lock = Lock { holder: None, renewals: current.lock.renewals + 1, ..current.lock.clone() };
        if settled {
            lock.settled = lock.fence;
        }
        let Ok(body) = encoded(&lock) else { return Ok(()) };
        // A renewal whose answer was lost left another ETag than the one we know.
        let mut etag = current.etag.clone();
        for _ in 0..2 {
            if let Some(written) = put_own(&*self.objects, &self.key, body.clone(), Condition::Is(&etag)).await? {
                *current = Current { lock, etag: written, sent: None };
                return Ok(());
            }
            match self.objects.get(&self.key).await? {
                Some(object) if parse(&object).is_ok_and(|there| there.writer == lock.writer) => etag = object.etag,
                // Another has it: there is nothing to give back.
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}

/// A task that ends with its handle.
pub(super) struct Beating(Mutex<Option<tokio::task::JoinHandle<()>>>);

impl Beating {
    pub(super) fn start(lease: &Arc<Lease>) -> Beating {
        Beating(Mutex::new(Some(tokio::spawn(Arc::clone(lease).keep()))))
    }

    /// Ends it, and waits until it has ended: a renewal must not follow the release.
    pub(super) async fn stop(&self) {
        let task = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        if let Some(task) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}
