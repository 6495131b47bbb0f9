//! The edit of the manifest that would accept a change made behind billform's back. Pure.

use billing::Money;
use engine::diff::FieldChange;
use engine::kind_meta::TenantKey;
use serde_json::Value;

use crate::drift::document::Found;
use crate::kinds;

/// Longer values are not offered as an argument.
const LONGEST: usize = 200;

/// The command that writes into the manifest what is there: `billform tenant set acme --budget "900.00 USD"`. None
/// where a field has no key of its own in the manifest, or a value that nobody should paste into a shell.
pub fn command(found: &Found) -> Option<String> {
    let tenant = found.tenant.as_deref().filter(|tenant| billing::names::is_id(tenant) && !tenant.starts_with('-'))?;
    let keys = kinds::meta(found.address.kind())?.tenant_keys;
    if found.fields.is_empty() {
        return None;
    }
    // All of it or nothing: half an acceptance leaves drift.
    let options: Option<Vec<String>> = found.fields.iter().map(|change| option(keys, change)).collect();
    Some(format!("billform tenant set {tenant} {}", options?.join(" ")))
}

fn option(keys: &[TenantKey], change: &FieldChange) -> Option<String> {
    let key = keys.iter().find(|key| key.path == change.path)?;
    let text = plain(&change.before)?;
    let text = match key.currency {
        // AWS writes amounts in its own way: `900.0`.
        Some(currency) => format!("{text} {currency}").parse::<Money>().ok()?.to_string(),
        None => text,
    };
    Some(format!("--{} {}", key.key.replace('_', "-"), quoted(&text)?))
}

/// A text, a number, or the one entry of a list.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => match items.as_slice() {
            [one] => plain(one),
            _ => None,
        },
        _ => None,
    }
}

/// The text in quotes in which a shell changes nothing. What is not printed as it is, is refused.
fn quoted(text: &str) -> Option<String> {
    let is_shown = |c: char| c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && c.is_alphanumeric());
    if text.chars().count() > LONGEST || !text.chars().all(is_shown) || text.starts_with('-') {
        return None;
    }
    let is_bare = |c: char| c.is_alphanumeric() || " .,@_+-:/=".contains(c);
    if text.chars().all(is_bare) {
        Some(format!("\"{text}\""))
    } else {
        Some(format!("'{}'", text.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(at: &str, tenant: Option<&str>, fields: &[(&str, Value)]) -> Found {
        let change = |(path, before): &(&str, Value)| FieldChange {
            path: (*path).to_owned(),
            before: before.clone(),
            after: Value::Null,
            forces_replacement: false,
        };
        Found {
            address: at.parse().expect("an address"),
            tenant: tenant.map(str::to_owned),
            finding: "changed".to_owned(),
            happened: None,
            fields: fields.iter().map(change).collect(),
            changed_by: None,
        }
    }

    fn offered(at: &str, fields: &[(&str, Value)]) -> Option<String> {
        command(&found(at, Some("acme"), fields))
    }

    #[test]
    fn what_a_tenant_s_key_says_can_be_accepted() {
        let budget = offered("budget.acme", &[("limit_usd", json!("900.00"))]);
        assert_eq!(budget.as_deref(), Some(r#"billform tenant set acme --budget "900.00 USD""#));
        let as_aws_writes = offered("budget.acme", &[("limit_usd", json!("900.0"))]);
        assert_eq!(as_aws_writes, budget);
        let customer = [
            ("name", json!("Acme & Söhne")),
            ("email", json!("pay@acme.example")),
            ("preferred_locales", json!(["de-DE"])),
            ("metadata.cost_center", json!("O'Hara")),
        ];
        assert_eq!(
            offered("stripe_customer.acme", &customer).as_deref(),
            Some(
                r#"billform tenant set acme --name 'Acme & Söhne' --email "pay@acme.example" --locale "de-DE" --cost-center 'O'\''Hara'"#
            )
        );
    }

    #[test]
    fn nothing_is_offered_where_it_would_not_accept_all_or_not_be_safe() {
        let both = [("limit_usd", json!("900.00")), ("alerts.80", json!({ "emails": [] }))];
        assert_eq!(offered("budget.acme", &both), None);
        assert_eq!(offered("budget.acme", &[]), None);
        assert_eq!(offered("iam_role.acme", &[("policy", json!("x"))]), None);
        for limit in [Value::Null, json!("much"), json!("1e3")] {
            assert_eq!(offered("budget.acme", &[("limit_usd", limit)]), None);
        }
        for name in ["a\nb", "\u{202e}x", "--budget", "", &"x".repeat(201)] {
            assert_eq!(offered("stripe_customer.acme", &[("name", json!(name))]), None, "{name:?}");
        }
        let shell = offered("stripe_customer.acme", &[("name", json!("$(rm -rf ~)`id`"))]);
        assert_eq!(shell.as_deref(), Some("billform tenant set acme --name '$(rm -rf ~)`id`'"));
        let limit = [("limit_usd", json!("1.00"))];
        assert_eq!(command(&found("budget.acme", None, &limit)), None, "no tenant");
        assert_eq!(command(&found("budget.acme", Some("acme; rm"), &limit)), None, "no tenant's id");
    }

    /// The keys are the manifest's: one that is renamed there is renamed here.
    #[test]
    fn every_key_is_one_of_the_manifest_s_tenants() {
        let schema = billing::manifest::json_schema().to_string();
        let keys = kinds::metas().flat_map(|meta| meta.tenant_keys);
        let unknown: Vec<&str> =
            keys.map(|key| key.key).filter(|key| !schema.contains(&format!("\"{key}\":"))).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
