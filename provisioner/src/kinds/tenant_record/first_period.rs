//! The first month a tenant is billed for, where the manifest names none: the month in which the record is made. Stored
//! then, read back and never changed by us; a record from before this rule, without one, stays without a lower limit.

use std::borrow::Cow;

use billing::Month;
use serde_json::Value;

/// The record's field.
const FIELD: &str = "first_period";

/// Fills it in for a record that is made now.
pub(super) fn fill(record: &mut Value, this_month: Month) {
    if let Some(fields) = record.as_object_mut() {
        fields.entry(FIELD).or_insert_with(|| this_month.to_string().into());
    }
}

/// Keeps the stored one in a record that is written again.
pub(super) fn keep(record: &mut Value, stored: &Value) {
    if let (Some(fields), Some(first)) = (record.as_object_mut(), stored.get(FIELD)) {
        fields.entry(FIELD).or_insert_with(|| first.clone());
    }
}

/// The observed fields as they compare with the desired ones: one that was filled in is no difference.
pub(super) fn beside<'a>(desired: &Value, observed: &'a Value) -> Cow<'a, Value> {
    let names_it = |fields: &Value| fields.get("record").is_some_and(|record| record.get(FIELD).is_some());
    if names_it(desired) || !names_it(observed) {
        return Cow::Borrowed(observed);
    }
    let mut observed = observed.clone();
    if let Some(record) = observed.get_mut("record").and_then(Value::as_object_mut) {
        record.shift_remove(FIELD);
    }
    Cow::Owned(observed)
}

/// The first month that a record bills: as it says, or as it is filled in when it is made; none without a lower limit.
/// `observed` is the record as it is stored, where it is.
pub fn effective(desired: &Value, observed: Option<&Value>, this_month: Month) -> Option<Month> {
    let named = |record: &Value| record.get(FIELD)?.as_str()?.parse().ok();
    match (named(desired), observed) {
        (Some(first), _) => Some(first),
        (None, Some(stored)) => named(stored),
        (None, None) => Some(this_month),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn november() -> Month {
        "2026-11".parse().expect("a month")
    }

    #[test]
    fn a_new_record_begins_with_the_month_it_is_made_in_unless_it_says_another() {
        let mut record = json!({"id": "acme"});
        fill(&mut record, november());
        assert_eq!(record, json!({"id": "acme", "first_period": "2026-11"}));
        let mut named = json!({"first_period": "2026-09"});
        fill(&mut named, november());
        assert_eq!(named, json!({"first_period": "2026-09"}));
    }

    #[test]
    fn a_record_that_is_written_again_keeps_its_month_or_its_lack_of_one() {
        for (desired, stored, kept) in [
            (json!({}), json!({"first_period": "2026-10"}), json!({"first_period": "2026-10"})),
            (
                json!({"first_period": "2026-12"}),
                json!({"first_period": "2026-10"}),
                json!({"first_period": "2026-12"}),
            ),
            // Made before the rule: nothing starts or stops being billed because of it.
            (json!({}), json!({}), json!({})),
            (json!({}), Value::Null, json!({})),
        ] {
            let mut record = desired.clone();
            keep(&mut record, &stored);
            assert_eq!(record, kept, "{desired} over {stored}");
        }
    }

    #[test]
    fn only_a_named_month_can_differ() {
        let fields = |record: Value| json!({"record": record});
        let (none, october) = (fields(json!({"id": "a"})), fields(json!({"id": "a", "first_period": "2026-10"})));
        assert_eq!(*beside(&none, &october), none);
        assert_eq!(*beside(&october, &none), none);
        assert_eq!(*beside(&october, &october), october);
        assert_eq!(*beside(&none, &fields(Value::Null)), fields(Value::Null));
    }

    #[test]
    fn the_month_that_counts_is_the_named_then_the_stored_then_this_one() {
        let (none, october) = (json!({}), json!({"first_period": "2026-10"}));
        assert_eq!(effective(&october, Some(&json!({"first_period": "2026-08"})), november()), "2026-10".parse().ok());
        assert_eq!(effective(&none, Some(&october), november()), "2026-10".parse().ok());
        assert_eq!(effective(&none, Some(&none), november()), None);
        assert_eq!(effective(&none, None, november()), Some(november()));
    }
}
