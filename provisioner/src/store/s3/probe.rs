//! Whether a store honours the conditions of writes. Some that speak S3 ignore them, and then no lock holds.

use super::Place;
use super::objects::{Condition, ObjectError, Objects, Put};

/// Why a store cannot keep a state.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It ignores conditions.
    #[error(
        "the store of {place} takes writes whose condition does not hold ({condition}), so two runs could change the \
         state at once; keep the state in a store that honours conditional writes, as S3 itself does, or in a file"
    )]
    IgnoresConditions {
        /// The state.
        place: String,
        /// The condition.
        condition: &'static str,
    },
    /// It refuses what it should take.
    #[error("the store of {place} refuses a write whose condition holds ({condition}); it cannot keep a state")]
    RefusesAll {
        /// The state.
        place: String,
        /// The condition.
        condition: &'static str,
    },
    /// It cannot be asked.
    #[error("the store of {place} cannot be tried out: {cause}{hint}")]
    Store {
        /// The state.
        place: String,
        /// The cause.
        cause: String,
        /// What to do about it.
        hint: &'static str,
    },
}

/// Tries it out with an object of its own beside the state, which is removed again.
pub async fn probe(objects: &dyn Objects, place: &Place) -> Result<(), ProbeError> {
    let key = format!("{}.probe-{}", place.key, hex::encode(super::lease::unique_bytes()));
    let result = tried(objects, place, &key).await;
    // A store that ignores conditions deletes all the same; what stays is a few bytes.
    let _ = objects.delete(std::slice::from_ref(&key)).await;
    result
}

async fn tried(objects: &dyn Objects, place: &Place, key: &str) -> Result<(), ProbeError> {
    let failed = |error: ObjectError| ProbeError::Store {
        place: place.shown(),
        hint: match &error {
            ObjectError::NoBucket(_) => "; `billform init` makes it",
            ObjectError::Failed(_) => "; `billform permissions --for apply` prints what that needs",
        },
        cause: error.to_string(),
    };
    let put =
        async |body: &'static str, condition| objects.put(key, body.into(), None, condition).await.map_err(failed);
    let shown = || place.shown();
    // Answers can be lost: the object is there after the first write, or it was refused for nothing.
    if put("1", Condition::Absent).await? == Put::Refused && objects.get(key).await.map_err(failed)?.is_none() {
        return Err(ProbeError::RefusesAll { place: shown(), condition: "If-None-Match: *" });
    }
    if put("2", Condition::Absent).await? != Put::Refused {
        return Err(ProbeError::IgnoresConditions { place: shown(), condition: "If-None-Match: *" });
    }
    // Another object's ETag, in the form that ETags have.
    if put("3", Condition::Is("\"00000000000000000000000000000000\"")).await? != Put::Refused {
        return Err(ProbeError::IgnoresConditions { place: shown(), condition: "If-Match" });
    }
    let Some(there) = objects.get(key).await.map_err(failed)? else {
        return Err(ProbeError::RefusesAll { place: shown(), condition: "If-Match" });
    };
    let replaced = put("4", Condition::Is(&there.etag)).await? != Put::Refused;
    let replaced = replaced || objects.get(key).await.map_err(failed)?.is_some_and(|now| now.body == b"4");
    match replaced {
        true => Ok(()),
        false => Err(ProbeError::RefusesAll { place: shown(), condition: "If-Match" }),
    }
}
