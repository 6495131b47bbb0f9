//! Values of the tenant tag that are no tenant's, and near one that is: a resource tagged `Acme-Print` costs nobody
//! anything where the tenant has `Acme`.

use std::collections::BTreeMap;

use billing::manifest::closest;
use billing::tenant::TenantRecord;
use rust_decimal::Decimal;

/// A value that is near a tenant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The value that no tenant had.
    pub value: String,
    /// What it cost, US dollars.
    pub cost: Decimal,
    /// The tenant's id.
    pub tenant: String,
    /// The tenant's value.
    pub theirs: String,
}

/// Letters that a value shares with another before it counts as its beginning.
const BEGINNING: usize = 3;

/// Finds them among cost of no tenant by value, in the order of the values.
pub fn near_misses(values: &BTreeMap<String, Decimal>, tenants: &[TenantRecord], tag: &str) -> Vec<NearMiss> {
    let spans = |tenant: &TenantRecord| tenant.tag_spans(tag).map(|span| span.value).collect::<Vec<_>>();
    let theirs: Vec<(String, String, &str)> = tenants
        .iter()
        .flat_map(|tenant| spans(tenant).into_iter().map(|value| (folded(&value), value, tenant.id.as_str())))
        .filter(|(folded, ..)| !folded.is_empty())
        .collect();
    let costs = values.iter().filter(|(value, cost)| !value.is_empty() && !cost.is_zero());
    let near = costs.filter_map(|(value, cost)| {
        let (_, theirs, tenant) = nearest(&folded(value), &theirs)?;
        Some(NearMiss { value: value.clone(), cost: *cost, tenant: (*tenant).to_owned(), theirs: theirs.clone() })
    });
    near.collect()
}

/// The tenant's value that is most like it: the same but for case and punctuation, the longest beginning of one by the
/// other, or a slip of the pen away.
fn nearest<'a>(value: &str, theirs: &'a [(String, String, &'a str)]) -> Option<&'a (String, String, &'a str)> {
    let same = theirs.iter().find(|(known, ..)| known == value);
    let begins = |known: &str| {
        let shorter = known.len().min(value.len());
        shorter >= BEGINNING && (value.starts_with(known) || known.starts_with(value))
    };
    let beginning = || theirs.iter().filter(|(known, ..)| begins(known)).max_by_key(|(known, ..)| known.len());
    let slip = || {
        let name = closest(value, theirs.iter().map(|(known, ..)| known.as_str()))?;
        theirs.iter().find(|(known, ..)| known == name)
    };
    same.or_else(beginning).or_else(slip)
}

/// Letters and digits alone, in lower case.
fn folded(value: &str) -> String {
    value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tenant(id: &str, value: &str) -> TenantRecord {
        serde_json::from_value(json!({
            "id": id, "name": id, "email": "x@example.com", "locale": "en", "currency": "USD",
            "tags": {"Org": value}, "terms": [], "days_until_due": 30, "link_version": 1,
        }))
        .expect("a tenant")
    }

    fn near(value: &str) -> Option<String> {
        let tenants = [tenant("acme", "Acme"), tenant("press", "MMP-Toledo")];
        let values = [(value.to_owned(), Decimal::new(1275, 2))].into();
        let found = near_misses(&values, &tenants, "Org");
        found.first().map(|near| format!("{} {} {}", near.cost, near.tenant, near.theirs))
    }

    #[test]
    fn values_like_a_tenants_are_named_with_what_they_cost() {
        assert_eq!(near("Acme-Print").as_deref(), Some("12.75 acme Acme"));
        assert_eq!(near("acme ").as_deref(), Some("12.75 acme Acme"));
        assert_eq!(near("mmp_toledo").as_deref(), Some("12.75 press MMP-Toledo"));
        assert_eq!(near("MMP-Toldeo").as_deref(), Some("12.75 press MMP-Toledo"));
        assert_eq!(near("MMP").as_deref(), Some("12.75 press MMP-Toledo"));
    }

    #[test]
    fn other_values_and_untagged_cost_are_not() {
        assert_eq!(near("Studio"), None);
        assert_eq!(near(""), None);
        assert_eq!(near("Ac"), None);
        let tenants = [tenant("acme", "Acme")];
        assert!(near_misses(&[("Acme-Print".to_owned(), Decimal::ZERO)].into(), &tenants, "Org").is_empty());
    }
}
