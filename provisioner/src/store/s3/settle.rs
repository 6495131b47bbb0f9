//! Taking over from holders that did not give their lock back: whatever they still write comes to nothing.

use engine::state::StoreError;

use super::Place;
use super::journal::{self, Label, Mark, Snapshot, seal, segment_key, unreadable};
use super::objects::{Condition, ObjectError, Objects, Put, put_own};

/// How often settling begins anew because an earlier holder's write came in between. Each can do so but a few times.
const SETTLE_TRIES: u32 = 20;

/// Reads the state, after making sure that no holder before `fence` can write any more: those above `settled` may.
pub(super) async fn settle(
    objects: &dyn Objects,
    place: &Place,
    fence: u64,
    settled: u64,
    writer: &str,
) -> Result<Snapshot, StoreError> {
    let shown = place.shown();
    let failed =
        |error: ObjectError| StoreError { message: format!("the state {shown} cannot be taken over: {error}") };
    for _ in 0..SETTLE_TRIES {
        let snapshot = journal::read(objects, &place.key, &shown, &place.stack).await?;
        if snapshot.highest > fence {
            return Err(StoreError { message: format!("the state {shown} was taken over by a later run") });
        }
        // Holders before the one whose fold the state is cannot fold any more, and their segments are void.
        let first = snapshot.mark.fence.max(settled + 1).max(1);
        if first >= fence {
            return Ok(snapshot);
        }
        let mut all_sealed = true;
        for earlier in (first..fence).filter(|earlier| !snapshot.sealed.contains(earlier)) {
            let folded = if earlier == snapshot.mark.fence { snapshot.mark.number } else { 0 };
            let number = snapshot.last.get(&earlier).copied().unwrap_or(folded) + 1;
            let key = segment_key(&place.key, Mark { fence: earlier, number });
            let body = seal(writer, fence).map_err(|error| failed(ObjectError::Failed(error.to_string())))?;
            all_sealed &= put_own(objects, &key, body, Condition::Absent).await.map_err(failed)?.is_some();
        }
        // A segment came in where a seal was to go: it was acknowledged, so it is read first.
        if !all_sealed {
            continue;
        }
        if let Some(etag) = settling_fold(objects, place, &snapshot, fence, writer).await? {
            return Ok(Snapshot { etag: Some(etag), mark: Mark { fence, number: 0 }, ..snapshot });
        }
    }
    Err(StoreError { message: format!("the state {shown} changes faster than it can be taken over; try again") })
}

/// Writes the state under the new token, which makes void what earlier holders wrote and their folds fail. None when
/// one of their folds came first.
async fn settling_fold(
    objects: &dyn Objects,
    place: &Place,
    snapshot: &Snapshot,
    fence: u64,
    writer: &str,
) -> Result<Option<String>, StoreError> {
    let failed =
        |cause: String| StoreError { message: format!("the state {} cannot be taken over: {cause}", place.shown()) };
    let body = serde_json::to_vec_pretty(&snapshot.state).map_err(|error| failed(error.to_string()))?;
    let label = Label::write(Mark { fence, number: 0 }, writer);
    let condition = snapshot.etag.as_deref().map_or(Condition::Absent, Condition::Is);
    match objects.put(&place.key, body, Some(&label), condition).await.map_err(|error| failed(error.to_string()))? {
        Put::Written(etag) => Ok(Some(etag)),
        Put::Refused => {
            let there = objects.get(&place.key).await.map_err(|error| unreadable(&place.shown(), &error))?;
            Ok(there.filter(|there| there.label.as_ref() == Some(&label)).map(|there| there.etag))
        }
    }
}
