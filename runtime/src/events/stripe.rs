//! What is read of an event: enough to fetch its object as it is now. Nothing else in an event is believed.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// An event's envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `evt_…`.
    pub id: String,
    /// `invoice.paid`.
    pub event_type: String,
    /// When it happened, to the second.
    pub created: Timestamp,
    /// Whether it is of live mode.
    pub livemode: bool,
    /// The connected account that it is of; none of our own.
    pub account: Option<String>,
    /// Kind and id of its object; none where it names none.
    pub object: Option<(String, String)>,
    /// The customer that the event names: its object may have lost it, as a detached payment method has.
    pub customer: Option<String>,
}

impl Envelope {
    /// Reads a body. One that is no event gets an id from its bytes, so that it is kept once, too.
    pub fn read(body: &[u8]) -> Envelope {
        let event = serde_json::from_slice(body).unwrap_or(Value::Null);
        Envelope::of(&event).unwrap_or_else(|| Envelope {
            id: format!("unreadable-{}", hex::encode(&Sha256::digest(body)[..8])),
            event_type: "unreadable".to_owned(),
            created: Timestamp::UNIX_EPOCH,
            livemode: false,
            account: None,
            object: None,
            customer: None,
        })
    }

    /// The envelope of an event; none of what has no id and type.
    pub fn of(event: &Value) -> Option<Envelope> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let object = &event["data"]["object"];
        let before = &event["data"]["previous_attributes"]["customer"];
        let customer = if object["object"] == "customer" { &object["id"] } else { &object["customer"] };
        Some(Envelope {
            id: text(&event["id"])?,
            event_type: text(&event["type"])?,
            created: event["created"].as_i64().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or_default(),
            livemode: event["livemode"].as_bool().unwrap_or_default(),
            account: text(&event["account"]),
            object: text(&object["object"]).zip(text(&object["id"])),
            customer: text(customer).or_else(|| text(before)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_read_as_far_as_it_names_its_object() {
        let event = json!({"id": "evt_1", "type": "payment_method.detached", "created": 1_800_000_000, "livemode": true,
            "data": {"object": {"object": "payment_method", "id": "pm_1", "customer": null},
                     "previous_attributes": {"customer": "cus_1"}}});
        let read = Envelope::read(event.to_string().as_bytes());
        assert_eq!((read.id.as_str(), read.livemode, read.account), ("evt_1", true, None));
        assert_eq!(read.object, Some(("payment_method".to_owned(), "pm_1".to_owned())));
        assert_eq!(read.customer.as_deref(), Some("cus_1"));
        assert_eq!(read.created.as_second(), 1_800_000_000);
    }

    #[test]
    fn what_is_no_event_is_kept_once() {
        let [first, again, other] = [&b"no JSON"[..], b"no JSON", b"{}"].map(Envelope::read);
        assert_eq!(first, again);
        assert_ne!(first.id, other.id);
        assert!(first.id.starts_with("unreadable-"), "{}", first.id);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!Envelope::read(&body).id.is_empty());
        }
    }
}
