//! Events: what happened, kept for 30 days and delivered to the endpoints that ask for it.
//!
//! They are born in one place, [`crate::state::State::emit`]; here is what it keeps.

pub(crate) mod catalogue;
pub(crate) mod delivery;
pub(crate) mod disturbance;
pub(crate) mod send;
pub(crate) mod signature;

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::collection::Collection;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, integer, rows, set, text};

use catalogue::EventType;
use delivery::Queue;

/// How long the API lists an event, in seconds.
pub(crate) const LISTED_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Where an event came from: the request that caused it. Both are null for what the clock did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// One thing that happened to one object.
#[derive(Debug)]
pub(crate) struct Happened<'a> {
    pub(crate) id: String,
    /// Unix seconds of the local Stripe's clock.
    pub(crate) at: i64,
    pub(crate) kind: EventType,
    /// The object as the API would answer it at this moment.
    pub(crate) object: &'a Value,
    /// What the changed fields held before; only for updates.
    pub(crate) previous: Option<Object>,
    pub(crate) origin: &'a Origin,
    pub(crate) api_version: &'a str,
}

/// The log of events and the deliveries under way.
#[derive(Debug)]
pub(crate) struct Events {
    /// The events without their data.
    pub(crate) log: Collection,
    /// The data of each event as JSON text: far smaller than the tree, and rarely read.
    data: HashMap<String, String>,
    pub(crate) queue: Queue,
    /// Deliveries of an event that no endpoint has answered with 2xx yet.
    outstanding: HashMap<String, i64>,
}

impl Events {
    pub(crate) fn new() -> Events {
        Events {
            log: Collection::new("event"),
            data: HashMap::new(),
            queue: Queue::default(),
            outstanding: HashMap::new(),
        }
    }

    /// Keeps an event and queues its delivery to the enabled endpoints that asked for its type.
    pub(crate) fn emit(&mut self, happened: Happened<'_>, endpoints: &Collection) {
        let mut data = format!("{{\"object\":{}", happened.object);
        if let Some(previous) = happened.previous {
            data.push_str(",\"previous_attributes\":");
            data.push_str(&Value::Object(previous).to_string());
        }
        data.push('}');
        let wanting: Vec<&str> = endpoints
            .newest_first()
            .filter(|endpoint| wants(endpoint, happened.kind))
            .filter_map(|endpoint| text(endpoint, "id"))
            .collect();
        let count = i64::try_from(wanting.len()).unwrap_or(i64::MAX);
        let event = fields(json!({
            "id": happened.id, "object": "event", "api_version": happened.api_version, "created": happened.at,
            "data": null, "livemode": false, "pending_webhooks": count,
            "request": {"id": happened.origin.request_id, "idempotency_key": happened.origin.idempotency_key},
            "type": happened.kind.name(),
        }));
        self.prune(happened.at);
        self.log.insert(&happened.id, event);
        self.data.insert(happened.id.clone(), data);
        self.outstanding.insert(happened.id.clone(), count);
        // Endpoints are told in the order in which they were registered.
        for endpoint in wanting.into_iter().rev() {
            self.queue.add(&happened.id, endpoint, happened.at);
        }
    }

    /// Forgets events that are too old to be listed; their deliveries ended long before.
    fn prune(&mut self, now: i64) {
        let past = |event: &Object| now - integer(event, "created").unwrap_or(0) > LISTED_SECONDS;
        while let Some(id) = self.log.forget_oldest(past) {
            self.outstanding.remove(&id);
            self.data.remove(&id);
        }
    }

    /// An event of the log with its data, as the API answers it.
    pub(crate) fn shown(&self, event: &Object) -> Value {
        let mut event = event.clone();
        let data = text(&event, "id").and_then(|id| self.data.get(id));
        let data = data.and_then(|data| serde_json::from_str(data).ok()).unwrap_or(Value::Null);
        set(&mut event, "data", data);
        Value::Object(event)
    }

    /// An endpoint took the event.
    pub(crate) fn delivered(&mut self, event: &str) -> Result<(), ApiError> {
        let left = self.outstanding.entry(event.to_owned()).or_default();
        *left = (*left - 1).max(0);
        set(self.log.find_mut(event)?, "pending_webhooks", *left);
        Ok(())
    }

    /// Events young enough to be listed, newest first.
    pub(crate) fn listed(&self, now: i64) -> impl Iterator<Item = &Object> {
        self.log.newest_first().filter(move |event| now - integer(event, "created").unwrap_or(0) <= LISTED_SECONDS)
    }
}

fn wants(endpoint: &Object, kind: EventType) -> bool {
    let asked = rows(endpoint, "enabled_events");
    text(endpoint, "status") == Some("enabled") && asked.iter().any(|name| name == "*" || name == kind.name())
}

/// The fields that differ, with what they held before; none when nothing that counts changed.
pub(crate) fn previous_attributes(before: &Value, after: &Value) -> Option<Object> {
    let (before, after) = (before.as_object()?, after.as_object()?);
    let mut previous = Object::new();
    for (name, now) in after {
        match before.get(name) {
            Some(was) if was == now => {}
            Some(was) => {
                set(&mut previous, name, changed(was, now));
            }
            None => set(&mut previous, name, Value::Null),
        }
    }
    (!previous.is_empty()).then_some(previous)
}

/// Of groups only the keys that changed; a key that is new was null.
fn changed(was: &Value, now: &Value) -> Value {
    let (Value::Object(was), Value::Object(now)) = (was, now) else {
        return was.clone();
    };
    if was.get("object").is_some_and(|kind| kind == "list") {
        return Value::Object(was.clone());
    }
    let names = was.keys().chain(now.keys().filter(|name| !was.contains_key(*name)));
    let differing = names.filter(|name| was.get(*name) != now.get(*name));
    Value::Object(differing.map(|name| (name.clone(), was.get(name).cloned().unwrap_or(Value::Null))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previous_attributes_hold_only_what_changed() {
        let before = json!({"name": "a", "metadata": {"x": "1", "y": "2"}, "address": null, "total": 5});
        let after = json!({"name": "b", "metadata": {"x": "1", "z": "3"}, "address": {"city": "Toledo"}, "total": 5});
        let previous = previous_attributes(&before, &after).unwrap();
        assert_eq!(Value::Object(previous), json!({"name": "a", "metadata": {"y": "2", "z": null}, "address": null}));
        assert_eq!(previous_attributes(&before, &before), None);
    }
}
