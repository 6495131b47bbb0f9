//! The field-level difference between what is desired and what is seen.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::input::as_reference;
use crate::kind_meta::KindMeta;

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where in the resource: `timeout_s`, `tags.team`, `policy`.
    pub path: String,
    /// What is there; null when nothing is.
    pub before: Value,
    /// What is to be there; null when it goes; a reference when it is known only after apply.
    pub after: Value,
    /// Whether only a new resource can have it so.
    pub forces_replacement: bool,
}

/// The difference of two erased values of one kind.
///
/// Objects are compared key by key, anything else whole. In [`KindMeta::open_maps`] a key that only the cloud has
/// counts only when `last` had it: then it was ours and is to go.
pub fn fields(meta: &KindMeta, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare(meta, String::new(), desired, observed, last, &mut changes);
    changes
}

fn compare(
    meta: &KindMeta,
    path: String,
    desired: &Value,
    observed: &Value,
    last: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    match (desired, observed) {
        (Value::Object(want), Value::Object(have)) if as_reference(desired).is_none() => {
            compare_objects(meta, &path, want, have, last, changes);
        }
        _ if desired != observed => {
            let forces_replacement = create_only(meta, &path);
            changes.push(FieldChange { path, before: observed.clone(), after: desired.clone(), forces_replacement });
        }
        _ => {}
    }
}

/// The path of a key: `tags.team`, or `team` where nothing stands above it.
pub fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn compare_objects(
    meta: &KindMeta,
    path: &str,
    want: &Map<String, Value>,
    have: &Map<String, Value>,
    last: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    let open = meta.open_maps.contains(&path);
    let only_seen = have.keys().filter(|key| !want.contains_key(*key));
    let ours = |key: &&String| !open || last.is_some_and(|last| last.get(key.as_str()).is_some());
    let keys = want.keys().chain(only_seen.filter(ours));
    for key in keys {
        let below = below(path, key);
        let desired = want.get(key).unwrap_or(&Value::Null);
        let observed = have.get(key).unwrap_or(&Value::Null);
        compare(meta, below, desired, observed, last.and_then(|last| last.get(key)), changes);
    }
}

/// Whether the path is, or lies below, a create-only field.
fn create_only(meta: &KindMeta, path: &str) -> bool {
    meta.create_only
        .iter()
        .any(|field| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const META: KindMeta = KindMeta {
        name: "thing",
        service: "test",
        summary: "a thing",
        create_only: &["keys"],
        open_maps: &["tags"],
        unlisted: &[],
        permissions: &[],
        guarded: false,
        leaves: None,
        ..KindMeta::PLAIN
    };

    #[test]
    fn a_tag_of_others_is_left_and_one_of_ours_goes() {
        let desired = json!({"tags": {"a": "1"}});
        let observed = json!({"tags": {"a": "1", "theirs": "x", "old": "y"}});
        let last = json!({"tags": {"a": "1", "old": "y"}});
        assert!(fields(&META, &desired, &observed, None).is_empty());
        let changes = fields(&META, &desired, &observed, Some(&last));
        assert_eq!(changes.len(), 1);
        assert_eq!((changes[0].path.as_str(), &changes[0].after), ("tags.old", &Value::Null));
    }

    #[test]
    fn a_change_below_a_create_only_field_replaces() {
        let changes =
            fields(&META, &json!({"keys": {"hash": "a"}, "n": 1}), &json!({"keys": {"hash": "b"}, "n": 2}), None);
        let forces: Vec<bool> = changes.iter().map(|change| change.forces_replacement).collect();
        assert_eq!(forces, [true, false]);
    }
}
