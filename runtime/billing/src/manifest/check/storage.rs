//! Buckets that tenants keep data in.

use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let Some(storage) = &checker.manifest.storage else { return };
    if !storage.bucket.contains("{tenant}") {
        let hint = "let it hold {tenant}: each tenant has a bucket".to_owned();
        checker.at(&steps!["storage", "bucket"], "all tenants would share a bucket", hint);
    }
    for (id, rule) in &storage.lifecycle {
        if rule.transitions.is_empty() && rule.expire_after.is_none() && rule.abort_uploads_after.is_none() {
            let hint = "add `transitions`, `expire_after` or `abort_uploads_after`".to_owned();
            checker.at_key(&steps!["storage", "lifecycle", id], format!("the rule `{id}` does nothing"), hint);
        }
    }
}
