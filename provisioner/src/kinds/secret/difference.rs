//! Where a secret differs from what is wanted, its value told by its fingerprint alone.

use engine::diff::FieldChange;
use serde_json::{Value, json};

use super::store::stored;
use super::{Desired, Secrets, Source, fingerprint, key_pair};
use crate::cloud::secret_values::{SecretValue, variable};
use crate::kinds::typed::TypedKind as _;

/// The changes of the fields. What the tags say of the value is none of them: a state rebuilt from the cloud remembers it as
/// a tag of ours, and taking it away would have a restored secret take another value.
pub(super) fn field_changes(desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
    let mut changes = engine::diff::fields(&Secrets::META, desired, observed, last);
    let of_value = [fingerprint::TAG, key_pair::TAG];
    changes.retain(|change| change.path.strip_prefix("tags.").is_none_or(|tag| !of_value.contains(&tag)));
    changes
}

/// The change of the value, as far as it can be told without reading it: only a value that is given, and is not
/// the one the fingerprint is of. A generated value stays what it is.
pub(super) fn value_change(
    desired: &Desired,
    observed: &Value,
    given: impl Fn(&str) -> Option<SecretValue>,
) -> Option<FieldChange> {
    let Source::Given(name) = &desired.source else { return None };
    let value = stored(&given(name)?, desired.json_key.as_deref());
    let fingerprint = observed.get("tags").and_then(|tags| tags.get(fingerprint::TAG)).and_then(Value::as_str);
    if fingerprint.is_some_and(|fingerprint| fingerprint::is_of(fingerprint, value.expose())) {
        return None;
    }
    Some(FieldChange {
        path: "value".to_owned(),
        before: fingerprint.map_or_else(|| json!("unknown"), |fingerprint| json!(fingerprint::short(fingerprint))),
        after: json!(format!("given by {}", variable(name))),
        forces_replacement: false,
    })
}
