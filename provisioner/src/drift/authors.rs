//! Who changed what drifted, as far as CloudTrail's event history says so. Pure: it judges events that were looked up.
//!
//! The history has what changed something in the last 90 days, and of that what is no data: items of a table are not in
//! it, nor is Stripe. Of each resource the newest change counts, unless that is billform's own: then it was not changed
//! since in a way that CloudTrail records.

use std::collections::BTreeMap;

use engine::Address;
use serde::Deserialize;
use serde_json::Value;

use crate::cloud::APP_NAME;

/// Who changed a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// CloudTrail says so.
    Known {
        /// The user, role or service: `arn:aws:sts::123456789012:assumed-role/Admin/ana`.
        who: String,
        /// When: `2026-11-25T20:00:00Z`.
        at: String,
        /// What was called: `PutRolePolicy`.
        event: String,
    },
    /// It does not, and why.
    Unknown(String),
}

/// The authors of what drifted. What was not looked up has none.
pub type Authors = BTreeMap<Address, Author>;

/// One event of the history, as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    event_name: String,
    event_time: String,
    #[serde(default)]
    user_identity: Value,
    #[serde(default)]
    user_agent: Option<String>,
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    read_only: Option<bool>,
    #[serde(default)]
    request_parameters: Value,
    #[serde(default)]
    response_elements: Value,
}

impl Event {
    /// The event in its JSON (`CloudTrailEvent`); none when it cannot be read as an event.
    pub fn parse(text: &str) -> Option<Event> {
        serde_json::from_str(text).ok()
    }

    /// Whether it changed something: it was no read, and was not refused.
    fn changed_something(&self) -> bool {
        self.error_code.is_none() && self.read_only != Some(true)
    }

    fn is_ours(&self) -> bool {
        let own = format!("app/{APP_NAME}");
        self.user_agent.as_deref().is_some_and(|agent| agent.split_whitespace().any(|part| part == own))
    }

    /// Whether one of these names is among what was asked for or answered.
    fn names(&self, names: &[&str]) -> bool {
        says(&self.request_parameters, names) || says(&self.response_elements, names)
    }

    fn who(&self) -> Option<&str> {
        let says = |key: &str| self.user_identity[key].as_str();
        says("arn").or_else(|| says("invokedBy")).or_else(|| says("principalId"))
    }
}

/// Whether a value is one of the names, or an ARN or path that ends with one.
fn says(value: &Value, names: &[&str]) -> bool {
    match value {
        Value::String(text) => names.iter().any(|name| {
            let rest = text.strip_suffix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with([':', '/']))
        }),
        Value::Array(items) => items.iter().any(|item| says(item, names)),
        Value::Object(fields) => fields.values().any(|field| says(field, names)),
        _ => false,
    }
}

/// The names that CloudTrail may know a resource by: its id and, of an ARN, what is last in it.
pub fn names(id: &str) -> Vec<&str> {
    let last = id.rsplit([':', '/']).next().unwrap_or(id);
    if last == id || last.is_empty() { vec![id] } else { vec![id, last] }
}

/// The author by events, newest first, of which some are of the resource with this id. None: no event changed it.
pub fn author(events: &[Event], id: &str) -> Option<Author> {
    let names = names(id);
    let newest = events.iter().find(|event| event.changed_something() && event.names(&names))?;
    if newest.is_ours() {
        return Some(Author::Unknown("the newest change that CloudTrail has is billform's own".to_owned()));
    }
    Some(match newest.who() {
        Some(who) => {
            Author::Known { who: who.to_owned(), at: newest.event_time.clone(), event: newest.event_name.clone() }
        }
        None => Author::Unknown("CloudTrail's event names no identity".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str, role: &str, more: Value) -> Event {
        let mut event = json!({
            "eventName": name, "eventTime": "2026-11-25T20:00:00Z", "readOnly": false, "userAgent": "console.amazonaws.com",
            "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/ana" },
            "requestParameters": { "roleName": role },
        });
        more.as_object().into_iter().flatten().for_each(|(key, value)| event[key] = value.clone());
        Event::parse(&event.to_string()).expect("an event")
    }

    fn known(name: &str) -> Option<Author> {
        let (who, at) = ("arn:aws:iam::123456789012:user/ana".to_owned(), "2026-11-25T20:00:00Z".to_owned());
        Some(Author::Known { who, at, event: name.to_owned() })
    }

    #[test]
    fn the_newest_change_of_the_resource_counts() {
        let events = [
            event("PutRolePolicy", "other", json!({})),
            event("GetRole", "costs", json!({ "readOnly": true })),
            event("DeleteRole", "costs", json!({ "errorCode": "AccessDenied" })),
            event("UpdateRole", "costs", json!({})),
            event("PutRolePolicy", "costs", json!({})),
        ];
        assert_eq!(author(&events, "costs"), known("UpdateRole"));
        assert_eq!(author(&events, "arn:aws:iam::123456789012:role/costs"), known("UpdateRole"));
        assert_eq!(author(&events, "nobody"), None);
        assert_eq!(author(&events, "sts"), None, "a part of a name is no name");
    }

    #[test]
    fn after_billforms_own_change_nobody_is_known() {
        let own = event("PutRolePolicy", "costs", json!({ "userAgent": "aws-sdk-rust/1.3 os/linux app/billform" }));
        let events = [own, event("UpdateRole", "costs", json!({}))];
        assert!(matches!(author(&events, "costs"), Some(Author::Unknown(why)) if why.contains("billform's own")));
        let alike = event("UpdateRole", "costs", json!({ "userAgent": "mine app/billformer" }));
        assert_eq!(author(&[alike], "costs"), known("UpdateRole"));
    }

    #[test]
    fn services_and_nameless_identities_are_told_apart() {
        let service = json!({ "userIdentity": { "type": "AWSService", "invokedBy": "budgets.amazonaws.com" } });
        let found = author(&[event("UpdateRole", "costs", service)], "costs");
        assert!(matches!(found, Some(Author::Known { who, .. }) if who == "budgets.amazonaws.com"));
        let nobody = author(&[event("UpdateRole", "costs", json!({ "userIdentity": {} }))], "costs");
        assert!(matches!(nobody, Some(Author::Unknown(_))));
    }
}
