//! Idempotency keys as Stripe keeps them: the first answer after execution began is repeated for 24 hours, also when
//! it was an error; what failed validation is not kept; a key in use or with other parameters is refused.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::{ApiError, ErrorType};
use super::object::Object;

const MAX_CHARS: usize = 255;
const KEPT_SECONDS: i64 = 24 * 60 * 60;

/// An answer as it was sent the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    pub(crate) request_id: String,
}

/// What a request with a key may do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Execute, then [`Keys::keep`] the answer or [`Keys::release`] the key.
    Execute,
    /// Answer with what was answered before.
    Replay(Kept),
}

#[derive(Debug)]
struct Use {
    fingerprint: [u8; 32],
    at: i64,
    kept: Option<Kept>,
}

/// All keys in use. Times are unix seconds of the local Stripe's clock.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    uses: HashMap<String, Use>,
    /// The keys that have an answer, oldest first, with the time they were claimed.
    answered: VecDeque<(i64, String)>,
}

impl Keys {
    /// Asks for a key on behalf of a request with these contents.
    pub(crate) fn claim(&mut self, key: &str, path: &str, params: &Object, now: i64) -> Result<Claim, ApiError> {
        check(key)?;
        self.prune(now);
        // One that was answered late stands behind younger ones.
        if self.uses.get(key).is_some_and(|used| used.kept.is_some() && now - used.at >= KEPT_SECONDS) {
            self.uses.remove(key);
        }
        let fingerprint = fingerprint(path, params);
        match self.uses.entry(key.to_owned()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Use { fingerprint, at: now, kept: None });
                Ok(Claim::Execute)
            }
            Entry::Occupied(occupied) => repeat(key, occupied.get(), fingerprint),
        }
    }

    /// Keeps the answer for later requests with the key.
    pub(crate) fn keep(&mut self, key: &str, kept: Kept) {
        if let Some(used) = self.uses.get_mut(key) {
            used.kept = Some(kept);
            self.answered.push_back((used.at, key.to_owned()));
        }
    }

    /// Forgets the answers of a day ago.
    fn prune(&mut self, now: i64) {
        while let Some((at, key)) = self.answered.pop_front_if(|(at, _)| now - *at >= KEPT_SECONDS) {
            if self.uses.get(&key).is_some_and(|used| used.at == at) {
                self.uses.remove(&key);
            }
        }
    }

    /// Gives up a key whose request did not begin to execute; an answer already kept stays.
    pub(crate) fn release(&mut self, key: &str) {
        if self.uses.get(key).is_some_and(|used| used.kept.is_none()) {
            self.uses.remove(key);
        }
    }
}

fn check(key: &str) -> Result<(), ApiError> {
    let chars = key.chars().count();
    if (1..=MAX_CHARS).contains(&chars) {
        return Ok(());
    }
    let message = format!("Idempotency keys must be 1 to {MAX_CHARS} characters long; this one has {chars}.");
    Err(ApiError::invalid(message).with_kind(ErrorType::Idempotency))
}

fn repeat(key: &str, used: &Use, fingerprint: [u8; 32]) -> Result<Claim, ApiError> {
    if used.fingerprint != fingerprint {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a \
             key other than '{key}' if you meant to execute a different request."
        );
        return Err(ApiError::invalid(message).with_kind(ErrorType::Idempotency));
    }
    match &used.kept {
        Some(kept) => Ok(Claim::Replay(kept.clone())),
        None => {
            let message = format!(
                "There is currently another in-progress request using this Stripe Account, and this Idempotency Key ('{key}')."
            );
            Err(ApiError::invalid(message)
                .with_status(409)
                .with_kind(ErrorType::Idempotency)
                .with_code("idempotency_key_in_use"))
        }
    }
}

/// Parameters count, not bytes: a client may send the same metadata in another order when it retries.
fn fingerprint(path: &str, params: &Object) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(path.as_bytes());
    hash.update([0]);
    digest_object(&mut hash, params);
    hash.finalize().into()
}

fn digest(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(object) => digest_object(hash, object),
        Value::Array(rows) => {
            hash.update(format!("[{}", rows.len()));
            rows.iter().for_each(|row| digest(hash, row));
        }
        scalar => hash.update(format!("{scalar},")),
    }
}

fn digest_object(hash: &mut Sha256, object: &Object) {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_by_key(|(name, _)| *name);
    hash.update(format!("{{{}", entries.len()));
    for (name, value) in entries {
        hash.update(format!("{name:?}:"));
        digest(hash, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::object::fields;

    fn a(value: i64) -> Object {
        fields(json!({"a": value, "metadata": {"x": "1", "y": "2"}}))
    }

    fn kept() -> Kept {
        Kept { status: 200, body: Bytes::from_static(b"{}"), request_id: "req_1".into() }
    }

    #[test]
    fn the_first_answer_is_repeated_for_a_day() {
        let mut keys = Keys::default();
        assert_eq!(keys.claim("k", "/v1/x", &a(1), 0).unwrap(), Claim::Execute);
        keys.keep("k", kept());
        let day = 24 * 60 * 60;
        assert_eq!(keys.claim("k", "/v1/x", &a(1), day - 1).unwrap(), Claim::Replay(kept()));
        assert_eq!(keys.claim("k", "/v1/x", &a(1), day).unwrap(), Claim::Execute);
    }

    #[test]
    fn only_the_keys_of_the_last_day_take_room() {
        let mut keys = Keys::default();
        for hour in 0..100 {
            let key = format!("k{hour}");
            keys.claim(&key, "/v1/x", &a(1), hour * 3600).unwrap();
            keys.keep(&key, kept());
        }
        assert_eq!((keys.uses.len(), keys.answered.len()), (24, 24));
    }

    #[test]
    fn other_parameters_or_another_path_are_refused() {
        let mut keys = Keys::default();
        keys.claim("k", "/v1/x", &a(1), 0).unwrap();
        keys.keep("k", kept());
        for (path, params) in [("/v1/x", a(2)), ("/v1/y", a(1))] {
            let error = keys.claim("k", path, &params, 1).unwrap_err();
            assert_eq!((error.status, error.kind), (400, ErrorType::Idempotency));
        }
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        let mut keys = Keys::default();
        keys.claim("k", "/v1/x", &a(1), 0).unwrap();
        keys.keep("k", kept());
        let turned = fields(json!({"metadata": {"y": "2", "x": "1"}, "a": 1}));
        assert_eq!(keys.claim("k", "/v1/x", &turned, 1).unwrap(), Claim::Replay(kept()));
    }

    #[test]
    fn a_key_in_use_conflicts_until_it_is_released() {
        let mut keys = Keys::default();
        keys.claim("k", "/v1/x", &a(1), 0).unwrap();
        let error = keys.claim("k", "/v1/x", &a(1), 0).unwrap_err();
        assert_eq!((error.status, error.code), (409, Some("idempotency_key_in_use")));
        keys.release("k");
        assert_eq!(keys.claim("k", "/v1/x", &a(1), 0).unwrap(), Claim::Execute);
    }

    #[test]
    fn keys_have_a_length() {
        let mut keys = Keys::default();
        assert!(keys.claim(&"k".repeat(255), "/", &a(0), 0).is_ok());
        assert!(keys.claim(&"k".repeat(256), "/", &a(0), 0).is_err());
        assert!(keys.claim("", "/", &a(0), 0).is_err());
    }
}
