//! Events of the triggers that are not HTTP, told apart by their shape and read into types.
//!
//! Inputs of direct invocations refuse unknown keys: a misspelt key must not run everything. AWS's own events are read
//! field by field, since AWS adds to them.

mod bucket;
mod schedule;
mod stripe;
mod topic;
mod user_pool;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub use bucket::{Bucket, Object};
pub use schedule::{Schedule, Scheduled};
pub use stripe::Envelope;
pub use topic::{Message, Topic};
pub use user_pool::UserPool;

/// An event of any trigger but HTTP.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A schedule fell due.
    Schedule(Schedule),
    /// Objects were written to a bucket.
    Bucket(Bucket),
    /// Messages were published to a topic.
    Topic(Topic),
    /// Something happened to a user of the pool.
    UserPool(UserPool),
    /// The input of a direct invocation.
    Direct(Value),
}

impl Event {
    /// The event in errors: `a schedule`.
    pub fn noun(&self) -> &'static str {
        match self {
            Event::Schedule(_) => "a schedule",
            Event::Bucket(_) => "a bucket's event",
            Event::Topic(_) => "a topic's message",
            Event::UserPool(_) => "a user pool's trigger",
            Event::Direct(_) => "a direct invocation",
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Event, D::Error> {
        let payload = Value::deserialize(deserializer)?;
        let read = if schedule::is_envelope(&payload) {
            serde_json::from_value(payload).map(Event::Schedule)
        } else if bucket::is_notification(&payload) {
            serde_json::from_value(payload).map(Event::Bucket)
        } else if topic::is_notification(&payload) {
            serde_json::from_value(payload).map(Event::Topic)
        } else if user_pool::is_trigger(&payload) {
            serde_json::from_value(payload).map(Event::UserPool)
        } else {
            Ok(Event::Direct(payload))
        };
        read.map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
