//! The state in S3, shared by a team: an object, journal segments beside it, and a lock that is a lease.
//!
//! ```text
//! KEY                          the state, as in a file; its label says up to which segment it holds everything
//! KEY.journal/FENCE-N          what happened since, one object per append (journal.rs)
//! KEY.lock                     who holds the lock, and the fencing token (lease.rs)
//! KEY.tenants/ID…              the same three for one tenant's part (parts.rs)
//! ```
//!
//! Every write is conditional, so none of it depends on clocks: a segment is made only where there is none, the state
//! replaced only where it is the one that was read. Whoever takes a lock that was not given back first *settles* what
//! the earlier holders may still be writing: seals their journals, then folds. From then on their appends and folds
//! fail, wherever they were held up. A write whose answer was lost is known again by who wrote it.

pub mod client;
pub mod lease;
pub mod objects;
pub mod parts;

mod bucket;
mod journal;
#[cfg(test)]
mod memory;
mod probe;
mod settle;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use engine::State;
use engine::state::{Entry, StateStore, StoreError};
use tokio::task::AbortHandle;

use super::holder::Holder;
use crate::cloud::gate::Term;
use crate::ui::exit;
pub use bucket::{Made, make};
use journal::{Label, Mark, segment, segment_key};
use lease::{Beating, Lease, Met, Refusal, Times};
use objects::{Condition, ObjectError, Objects, Put, put_own};
pub use probe::{ProbeError, probe};
use settle::settle;

/// Where a state lies in S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// The state object's key.
    pub key: String,
    /// The stack whose state it is.
    pub stack: String,
}

impl Place {
    /// `s3://bucket/key`, for messages.
    pub fn shown(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// A state in S3.
pub struct S3Store {
    objects: Arc<dyn Objects>,
    place: Place,
    held: Option<Held>,
}

struct Held {
    lease: Arc<Lease>,
    beating: Beating,
    fence: u64,
    writer: String,
    written: tokio::sync::Mutex<Written>,
    /// Whether calls are under way, which an interrupt must not cut short.
    at_work: Arc<AtomicBool>,
    /// Waits for an interrupt, until the lock is given back.
    interrupt: Mutex<Option<AbortHandle>>,
}

/// What this holder wrote, as far as it knows.
struct Written {
    /// The state as it was read when the lock was taken, until somebody asks for it; why it could not be read.
    read: Option<Result<State, StoreError>>,
    /// Whether no holder before us can write any more.
    settled: bool,
    /// The state object's ETag.
    etag: Option<String>,
    /// The number of the last segment that was sent.
    last: u64,
    /// Segments that a fold makes needless.
    needless: Vec<String>,
    /// Why nothing can be appended any more: an append of unknown effect must not be followed by another.
    broken: Option<String>,
}

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run has it.
    #[error(
        "the state {place} is in use by {} since {}; the lock lapses in {} s unless that run renews it. \
         --lock-timeout DURATION waits for it; `billform unlock` shows it",
        holder(.met), since(.met), .met.left.as_secs() + 1
    )]
    Held {
        /// The state.
        place: String,
        /// The lock that was met.
        met: Box<Met>,
    },
    /// The bucket is missing.
    #[error("the bucket {bucket} of `state.s3` does not exist; `billform init` makes it")]
    NoBucket {
        /// The bucket.
        bucket: String,
    },
    /// The store did not do as asked.
    #[error("the state {place} cannot be locked: {cause}; `billform permissions --for apply` prints what that needs")]
    Store {
        /// The state.
        place: String,
        /// The cause.
        cause: String,
    },
    /// The lock's object is no lock.
    #[error("the lock of the state {place} is damaged: {cause}; `billform unlock --force` removes it")]
    Damaged {
        /// The state.
        place: String,
        /// The cause.
        cause: String,
    },
    /// The store ignores conditions.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] StoreError),
}

fn holder(met: &Met) -> String {
    met.lock.holder.as_ref().map_or_else(|| "nobody".to_owned(), Holder::to_string)
}

fn since(met: &Met) -> &str {
    met.lock.holder.as_ref().map_or("now", |holder| &holder.since)
}

impl S3Store {
    /// The state to read only: planning takes no lock.
    pub fn open(objects: Arc<dyn Objects>, place: Place) -> S3Store {
        S3Store { objects, place, held: None }
    }

    /// The state to write, locked until it is released or the lease lapses. The first time the store is probed.
    pub async fn lock(
        objects: Arc<dyn Objects>,
        place: Place,
        holder: &Holder,
        times: Times,
        waiting: &(dyn Fn(&Met) + Sync),
    ) -> Result<S3Store, LockError> {
        let refused = |refusal| refused(&place, refusal);
        let floor = match lease::look(&*objects, &place.key).await.map_err(refused)? {
            Some(_) => 0,
            // No lock was ever here, or somebody deleted it: then the journal knows the tokens that were used.
            None => {
                probe(&*objects, &place).await?;
                journal::read(&*objects, &place.key, &place.shown(), &place.stack).await?.highest
            }
        };
        let lease = lease::acquire(&objects, &place.key, &place.shown(), holder, times, floor, waiting).await;
        let lease = Arc::new(lease.map_err(refused)?);
        let beating = Beating::start(&lease);
        let (fence, settled, writer) = lease.tokens().await;
        let written = match settle(&*objects, &place, fence, settled, &writer).await {
            Ok(snapshot) => Ok(Written {
                read: Some(Ok(snapshot.state)),
                settled: true,
                etag: snapshot.etag,
                last: 0,
                needless: snapshot.needless,
                broken: None,
            }),
            Err(damage) => damaged(&*objects, &place, damage).await,
        };
        match written {
            Ok(written) => {
                let (written, at_work) = (tokio::sync::Mutex::new(written), Arc::default());
                let held = Held { lease, beating, fence, writer, written, at_work, interrupt: Mutex::default() };
                Ok(S3Store { objects, place, held: Some(held) })
            }
            Err(error) => {
                beating.stop().await;
                // The earlier holders are not settled; should this fail, the lock lapses by itself.
                let _ = lease.release(false).await;
                Err(error.into())
            }
        }
    }

    /// Who holds the lock, if anybody does.
    pub async fn holder(&self) -> Result<Option<Met>, LockError> {
        let looked = lease::look(&*self.objects, &self.place.key).await;
        let met = looked.map_err(|refusal| refused(&self.place, refusal))?.map(|(met, _)| met);
        Ok(met.filter(|met| met.lock.holder.is_some()))
    }

    /// Removes the lock of a holder that is known dead.
    pub async fn break_lock(&self) -> Result<(), LockError> {
        lease::break_open(&*self.objects, &self.place.key).await.map_err(|refusal| refused(&self.place, refusal))
    }

    /// How long the lock holds; none for a store that was opened to be read.
    pub fn term(&self) -> Option<&Arc<Term>> {
        self.held.as_ref().map(|held| held.lease.term())
    }

    /// From now on Ctrl-C gives the lock back and ends the process, until [`S3Store::begin`] says that calls are under
    /// way: who is asked and changes their mind should not keep others out for a minute.
    pub fn give_back_on_interrupt(&self) {
        let Some(held) = &self.held else { return };
        let (lease, at_work) = (Arc::clone(&held.lease), Arc::clone(&held.at_work));
        let waits = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() && !at_work.load(Ordering::SeqCst) {
                let _ = lease.release(false).await;
                std::process::exit(exit::INTERRUPTED.into());
            }
        });
        *held.interrupt.lock().unwrap_or_else(PoisonError::into_inner) = Some(waits.abort_handle());
    }

    /// Calls are under way from now on.
    pub fn begin(&self) {
        if let Some(held) = &self.held {
            held.at_work.store(true, Ordering::SeqCst);
        }
    }

    /// Gives the lock back.
    pub async fn release(&self) -> Result<(), ObjectError> {
        let Some(held) = &self.held else { return Ok(()) };
        // The run may go on under another lock, and an interrupt is that one's matter then.
        if let Some(waits) = held.interrupt.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waits.abort();
        }
        held.beating.stop().await;
        let written = held.written.lock().await;
        held.lease.release(written.settled && written.broken.is_none()).await
    }

    fn held(&self) -> Result<&Held, StoreError> {
        self.held.as_ref().ok_or_else(|| StoreError {
            message: format!("the state {} was opened to be read only", self.place.shown()),
        })
    }

    fn unkept(&self, cause: &str) -> StoreError {
        StoreError {
            message: format!(
                "the state {} cannot be written: {cause}. What was done is found again by name and tags",
                self.place.shown()
            ),
        }
    }
}

/// What can be done under the lock when the state cannot be read: it can be replaced whole.
async fn damaged(objects: &dyn Objects, place: &Place, damage: StoreError) -> Result<Written, StoreError> {
    let looked = async {
        let there = objects.get(&place.key).await?;
        Ok::<_, ObjectError>((there, journal::keys(objects, &place.key).await?))
    };
    // If even that fails, it is not the state that is damaged.
    let Ok((there, needless)) = looked.await else { return Err(damage) };
    let etag = there.map(|there| there.etag);
    Ok(Written { read: Some(Err(damage)), settled: false, etag, last: 0, needless, broken: None })
}

fn refused(place: &Place, refusal: Refusal) -> LockError {
    let shown = place.shown();
    match refusal {
        Refusal::Held(met) => LockError::Held { place: shown, met },
        Refusal::Store(ObjectError::NoBucket(bucket)) => LockError::NoBucket { bucket },
        Refusal::Store(error) => LockError::Store { place: shown, cause: error.to_string() },
        Refusal::Damaged(cause) => LockError::Damaged { place: shown, cause },
    }
}

#[async_trait]
impl StateStore for S3Store {
    async fn load(&self, stack: &str) -> Result<State, StoreError> {
        if let Some(held) = &self.held
            && let Some(read) = held.written.lock().await.read.take()
        {
            return read;
        }
        Ok(journal::read(&*self.objects, &self.place.key, &self.place.shown(), stack).await?.state)
    }

    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let held = self.held()?;
        let mut written = held.written.lock().await;
        if let Some(why) = &written.broken {
            return Err(self.unkept(why));
        }
        let body = segment(&held.writer, entries).map_err(|error| self.unkept(&error.to_string()))?;
        written.read = None;
        written.last += 1;
        let key = segment_key(&self.place.key, Mark { fence: held.fence, number: written.last });
        let kept = match held.lease.is_ours().await {
            Ok(()) => put_own(&*self.objects, &key, body, Condition::Absent).await.map_err(|error| error.to_string()),
            Err(why) => Err(why),
        };
        match kept {
            Ok(Some(_)) => {
                written.needless.push(key);
                Ok(())
            }
            Ok(None) => {
                let why = "another run took the lock over".to_owned();
                held.lease.term().lose(&why);
                Err(self.unkept(written.broken.insert(why)))
            }
            Err(why) => Err(self.unkept(written.broken.insert(why))),
        }
    }

    async fn fold(&self, state: &State) -> Result<(), StoreError> {
        let held = self.held()?;
        let mut written = held.written.lock().await;
        written.read = None;
        held.lease.is_ours().await.map_err(|why| self.unkept(&why))?;
        let body = serde_json::to_vec_pretty(state).map_err(|error| self.unkept(&error.to_string()))?;
        // A segment whose effect is unknown counts as folded, so that it says nothing should it turn up.
        let label = Label::write(
            Mark { fence: held.fence, number: written.last },
            &format!("{} {}", held.writer, state.serial),
        );
        let etag = self.replace(held, body, &label, written.etag.clone()).await;
        match etag {
            Ok(etag) => {
                written.etag = Some(etag);
                written.broken = None;
                // It bears our token, by which all that came before it is void.
                written.settled = true;
            }
            Err(why) => {
                written.broken.get_or_insert_with(|| why.clone());
                return Err(self.unkept(&why));
            }
        }
        // What stays because of an error is void, and goes with the next fold.
        if !written.needless.is_empty() && self.objects.delete(&written.needless).await.is_ok() {
            written.needless.clear();
        }
        Ok(())
    }
}

impl S3Store {
    /// Replaces the state object; what an earlier holder folded late is in our state as well, so it is replaced too.
    async fn replace(&self, held: &Held, body: Vec<u8>, label: &str, etag: Option<String>) -> Result<String, String> {
        let mut etag = etag;
        for _ in 0..3 {
            let condition = etag.as_deref().map_or(Condition::Absent, Condition::Is);
            let put = self.objects.put(&self.place.key, body.clone(), Some(label), condition).await;
            if let Put::Written(etag) = put.map_err(|error| error.to_string())? {
                return Ok(etag);
            }
            let there = self.objects.get(&self.place.key).await.map_err(|error| error.to_string())?;
            let Some(there) = there else { return Err("the state object was deleted meanwhile".to_owned()) };
            if there.label.as_deref() == Some(label) {
                return Ok(there.etag);
            }
            let fence = there.label.as_deref().and_then(Label::mark).map_or(0, |mark| mark.fence);
            if fence > held.fence {
                held.lease.term().lose("a later run has written the state");
                return Err("another run took the lock over and has written it".to_owned());
            }
            etag = Some(there.etag);
        }
        Err("others keep writing it".to_owned())
    }
}
