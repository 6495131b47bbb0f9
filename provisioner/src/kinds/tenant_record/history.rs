//! The history of a tenant's facts: a record that is written again goes on from the stored one
//! ([`TenantRecord::following`]). The state remembers the manifest's facts alone, and they are no difference from a record
//! that goes on to say the same.

use std::borrow::Cow;

use billing::Month;
use billing::ledger::decode;
use billing::tenant::TenantRecord;
use serde_json::Value;

/// The record as it is written over the stored one in a month. What is no record of a tenant has no history.
pub(super) fn following(desired: &Value, stored: &Value, month: Option<Month>) -> Value {
    let written = || {
        let (wanted, deployed) = (record(desired)?, record(stored)?);
        // One that takes another's place has a history of its own.
        let is_same = wanted.id == deployed.id;
        is_same.then(|| serde_json::to_value(wanted.following(&deployed, month?)).ok()).flatten()
    };
    written().unwrap_or_else(|| desired.clone())
}

/// The desired fields as they compare with the observed ones: their record as it would be written.
pub(super) fn beside<'a>(desired: &'a Value, observed: &Value, month: Option<Month>) -> Cow<'a, Value> {
    let (Some(wanted), Some(stored)) = (desired.get("record"), observed.get("record")) else {
        return Cow::Borrowed(desired);
    };
    let written = following(wanted, stored, month);
    let mut desired = desired.clone();
    desired["record"] = written;
    Cow::Owned(desired)
}

/// A tenant's record in any stored form; none where the value is none.
pub fn record(value: &Value) -> Option<TenantRecord> {
    decode(&value.to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn facts(markup: &str) -> Value {
        json!({
            "id": "acme", "name": "Acme", "email": "a@acme.example", "locale": "en-US", "currency": "USD",
            "tags": {"Client": "Acme"}, "terms": [{"markup": markup}], "days_until_due": 30, "link_version": 1,
        })
    }

    fn november() -> Option<Month> {
        "2026-11".parse().ok()
    }

    /// An undated price edit billed the closing month by the new price: 240 instead of 220.
    #[test]
    fn an_edit_goes_on_from_what_is_stored() {
        let written = following(&facts("20%"), &facts("10%"), november());
        assert_eq!(written["terms"], json!([{"markup": "10%"}, {"markup": "20%", "effective_from": "2026-11"}]));
        let fields = |record: &Value| json!({"table": "ledger", "record": record});
        let again = beside(&fields(&facts("20%")), &fields(&written), "2027-02".parse().ok()).into_owned();
        assert_eq!(again, fields(&written), "the manifest's facts are no difference from what they became");
        assert_eq!(following(&facts("20%"), &facts("10%"), None), facts("20%"));
    }

    /// What was stored before there were histories has always held.
    #[test]
    fn a_record_of_an_older_form_is_history_too() {
        let mut older = facts("10%");
        older["terms"][0]["card_fee"] = json!({"percent": "2.9%", "fixed": "0.30 USD"});
        let written = following(&facts("10%"), &older, november());
        let fee = json!({"mode": "pass-through", "percent": "2.9%", "fixed": "0.30 USD"});
        assert_eq!(
            written["terms"],
            json!([{"markup": "10%", "payment_fee": fee}, {"markup": "10%", "effective_from": "2026-11"}])
        );
    }

    #[test]
    fn what_is_no_record_has_no_history() {
        for stored in [Value::Null, json!("{"), json!({"id": "acme"}), json!({"schema": 99})] {
            assert_eq!(following(&facts("20%"), &stored, november()), facts("20%"), "{stored}");
        }
    }
}
