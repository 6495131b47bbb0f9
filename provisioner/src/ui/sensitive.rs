//! Values as they may be shown: what others wrote into the cloud may hold a secret, and no output repeats one.
//!
//! Fields that billform itself writes hold none, kinds keep those out. But drift and plans show what is there.

use billing::manifest::{holds_secret, masked};
use engine::diff::FieldChange;
use serde_json::Value;

use crate::kinds;

/// What stands for a value that is not shown.
pub const NOT_SHOWN: &str = "(set by others, not shown)";

/// Whether a path lies in a map that some kind declares sensitive: a function's `environment.DB_PASSWORD`.
fn is_sensitive(path: &str) -> bool {
    let is_in = |map: &str| path.strip_prefix(map).is_some_and(|rest| rest.starts_with('.'));
    kinds::metas().any(|meta| meta.sensitive.iter().any(|map| is_in(map)))
}

/// Takes out of a change what may be sensitive; `before` was found in the cloud. A variable that others added is not
/// shown at all; of one that is ours, and of any other text, what looks like a key or secret is masked.
pub fn mask(change: &mut FieldChange) {
    if is_sensitive(&change.path) && change.after.is_null() && !change.before.is_null() {
        change.before = Value::String(NOT_SHOWN.to_owned());
        return;
    }
    mask_ours(change);
}

/// The same where both values are of our own making.
pub fn mask_ours(change: &mut FieldChange) {
    let variable = is_sensitive(&change.path);
    let hide = |text: &str| variable || holds_secret(text);
    mask_texts(&mut change.before, &hide);
    mask_texts(&mut change.after, &hide);
}

/// The text with what looks like a key or secret masked.
pub fn text(text: &str) -> String {
    if holds_secret(text) { masked(text) } else { text.to_owned() }
}

fn mask_texts(value: &mut Value, hide: &dyn Fn(&str) -> bool) {
    match value {
        Value::String(text) if hide(text) => *text = masked(text),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_texts(item, hide)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mask_texts(field, hide)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(path: &str, before: Value, after: Value) -> (Value, Value) {
        let mut change = FieldChange { path: path.to_owned(), before, after, forces_replacement: false };
        mask(&mut change);
        (change.before, change.after)
    }

    #[test]
    fn a_variable_of_others_is_not_shown_and_ours_is_masked_where_it_looks_like_a_secret() {
        let hidden = (json!(NOT_SHOWN), Value::Null);
        assert_eq!(shown("environment.DB_PASSWORD", json!("hunter2"), Value::Null), hidden);
        assert_eq!(shown("environment.DAYS", json!("15"), json!("14")), (json!("15"), json!("14")));
        let (found, _) = shown("environment.KEY", json!("0123456789abcdef0123456789abcdef"), json!("name"));
        assert_eq!(found, json!("*".repeat(32)));
        assert_eq!(shown("environment.GONE", Value::Null, json!("14")), (Value::Null, json!("14")));
    }

    #[test]
    fn keys_are_masked_wherever_they_stand_and_hashes_stay() {
        let (found, _) = shown("policy", json!({"a": ["x", "sk_live_canary"]}), Value::Null);
        assert_eq!(found, json!({"a": ["x", "sk_live_******"]}));
        let hash = json!("0123456789abcdef0123456789abcdef0123456789a=");
        assert_eq!(shown("code_sha256", hash.clone(), Value::Null).0, hash);
        assert_eq!(text("the key rk_test_abc is bad"), "the key rk_test_*** is bad");
    }
}
