//! Tenants' parts of a state in S3: each an object with a journal and a lock of its own, under `KEY.tenants/`.
//!
//! A run for one tenant takes the part's lock, and then looks whether anybody has the whole; a run over the whole takes
//! the state's lock, and then waits for those who have a part. S3 shows each what the other wrote before, so they
//! never go on both. Where they meet, the part is given back: whoever has the whole waits for nobody new.

use std::sync::Arc;
use std::time::Instant;

use billing::names::is_id;
use engine::state::{StateStore as _, StoreError};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::journal::unreadable;
use super::lease::{self, Lock, Met, Times};
use super::objects::{ObjectError, Objects};
use super::{LockError, Place, S3Store, refused};
use crate::store::holder::Holder;

/// Locks looked at side by side.
const AT_ONCE: usize = 16;
const LOCK: &str = ".lock";

/// Where a tenant's part lies.
pub fn part(place: &Place, tenant: &str) -> Place {
    Place { key: format!("{}{tenant}", prefix(place)), ..place.clone() }
}

fn prefix(place: &Place) -> String {
    format!("{}.tenants/", place.key)
}

/// The tenants who have a part that holds something; what lies beside a part has no name of an id.
pub async fn kept(objects: &dyn Objects, place: &Place) -> Result<Vec<String>, StoreError> {
    let names = names(objects, place).await.map_err(|error| unreadable(&place.shown(), &error))?;
    Ok(names.into_iter().filter(|name| is_id(name)).collect())
}

/// The tenants whose part was ever locked.
pub async fn locks(objects: &dyn Objects, place: &Place) -> Result<Vec<String>, StoreError> {
    let names = names(objects, place).await.map_err(|error| unreadable(&place.shown(), &error))?;
    let locked = |name: &String| name.strip_suffix(LOCK).filter(|name| is_id(name)).map(str::to_owned);
    Ok(names.iter().filter_map(locked).collect())
}

async fn names(objects: &dyn Objects, place: &Place) -> Result<Vec<String>, ObjectError> {
    let prefix = prefix(place);
    let keys = objects.list(&prefix).await?;
    Ok(keys.iter().filter_map(|key| key.strip_prefix(&prefix)).map(str::to_owned).collect())
}

/// Removes parts that count no more, but for their locks, which remember fencing tokens.
pub async fn discard(objects: &dyn Objects, place: &Place, tenants: &[String]) {
    let Ok(names) = names(objects, place).await else { return };
    let is_discarded = |name: &&String| {
        let tenant = name.split(['.', '/']).next().unwrap_or_default();
        !name.ends_with(LOCK) && tenants.iter().any(|discarded| discarded == tenant)
    };
    let keys: Vec<String> = names.iter().filter(is_discarded).map(|name| prefix(place) + name).collect();
    // What stays says nothing, and goes the next time.
    let _ = objects.delete(&keys).await;
}

/// For the holder of the whole: waits until nobody has a part, and makes sure that those who died with one can write
/// it no more.
pub async fn drain(
    objects: &Arc<dyn Objects>,
    place: &Place,
    holder: &Holder,
    times: Times,
    waiting: &(dyn Fn(&Met) + Sync),
) -> Result<(), LockError> {
    let began = Instant::now();
    let parts = locks(&**objects, place).await?.into_iter().map(|tenant| part(place, &tenant));
    let looked = stream::iter(parts).map(async |part: Place| {
        let met = lease::look(&**objects, &part.key).await.map_err(|refusal| refused(&part, refusal))?;
        Ok::<_, LockError>(met.filter(|(met, _)| !is_at_rest(&met.lock)).map(|_| part))
    });
    let looked: Vec<Option<Place>> = looked.buffered(AT_ONCE).try_collect().await?;
    for part in looked.into_iter().flatten() {
        let times = Times { patience: times.patience.saturating_sub(began.elapsed()), ..times };
        let store = S3Store::lock(Arc::clone(objects), part.clone(), holder, times, waiting).await?;
        given_back(&store, &part).await?;
    }
    Ok(())
}

/// Nobody has it, and nothing of those who had it can still be on its way.
fn is_at_rest(lock: &Lock) -> bool {
    lock.holder.is_none() && lock.settled >= lock.fence
}

async fn given_back(store: &S3Store, place: &Place) -> Result<(), LockError> {
    let failed = |error: ObjectError| LockError::Store { place: place.shown(), cause: error.to_string() };
    store.release().await.map_err(failed)
}

/// Locks a tenant's part, waiting for whoever has it or the whole as long as `times` says.
pub async fn lock(
    objects: &Arc<dyn Objects>,
    place: &Place,
    tenant: &str,
    holder: &Holder,
    times: Times,
    waiting: &(dyn Fn(&Met) + Sync),
) -> Result<S3Store, LockError> {
    let (began, part) = (Instant::now(), part(place, tenant));
    let left = || Times { patience: times.patience.saturating_sub(began.elapsed()), ..times };
    loop {
        await_whole(objects, place, holder, left(), waiting).await?;
        let store = S3Store::lock(Arc::clone(objects), part.clone(), holder, left(), waiting).await?;
        // Only now may the whole be believed free: whoever takes it from here on sees our lock.
        let looked = lease::look(&**objects, &place.key).await;
        if let Ok(Some((met, _))) = &looked
            && is_at_rest(&met.lock)
        {
            return Ok(store);
        }
        given_back(&store, &part).await?;
        looked.map_err(|refusal| refused(place, refusal))?;
    }
}

/// Waits until nobody has the whole, and settles what the last one who had it may still be writing.
async fn await_whole(
    objects: &Arc<dyn Objects>,
    place: &Place,
    holder: &Holder,
    times: Times,
    waiting: &(dyn Fn(&Met) + Sync),
) -> Result<(), LockError> {
    let met = lease::look(&**objects, &place.key).await.map_err(|refusal| refused(place, refusal))?;
    if met.is_some_and(|(met, _)| is_at_rest(&met.lock)) {
        return Ok(());
    }
    let store = S3Store::lock(Arc::clone(objects), place.clone(), holder, times, waiting).await?;
    let loaded = store.load(&place.stack).await;
    given_back(&store, place).await?;
    // A state that cannot be read stays unsettled: that has to be said instead of tried again.
    loaded.map(drop).map_err(LockError::from)
}

#[cfg(test)]
mod tests;
