//! EventBridge's event of a rule with a schedule expression, and inputs that a schedule or a caller may give.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A schedule fell due.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Envelope")]
pub struct Schedule {
    /// EventBridge's id of the event; the same again when it is delivered twice.
    pub id: String,
    /// When it fell due.
    pub time: Timestamp,
    /// The ARN of the rule.
    pub rule: String,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    time: Timestamp,
    resources: [String; 1],
    #[serde(rename = "detail-type")]
    detail_type: String,
}

const SCHEDULED: &str = "Scheduled Event";

impl TryFrom<Envelope> for Schedule {
    type Error = String;

    fn try_from(envelope: Envelope) -> Result<Schedule, String> {
        let Envelope { id, time, resources: [rule], detail_type } = envelope;
        match detail_type == SCHEDULED {
            true => Ok(Schedule { id, time, rule }),
            false => Err(format!("`{detail_type}` is not an event of a schedule")),
        }
    }
}

/// Whether a payload is an envelope of EventBridge's.
pub(super) fn is_envelope(payload: &Value) -> bool {
    payload.get("detail-type").is_some() && payload.get("source").is_some()
}

/// The input of a handler with a schedule: what a caller gives, or the default when the schedule's own event comes.
///
/// The rules that `billform apply` makes send `{}`; a rule without an input sends EventBridge's envelope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scheduled<T>(pub T);

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Scheduled<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scheduled<T>, D::Error> {
        let payload = Value::deserialize(deserializer)?;
        let read = match is_envelope(&payload) {
            true => serde_json::from_value::<Schedule>(payload).map(|_| T::default()),
            false => serde_json::from_value(payload),
        };
        read.map(Scheduled).map_err(serde::de::Error::custom)
    }
}
