//! Values of the tenant tag that are no tenant's, and near one that is: a resource tagged `Acme-Print` costs nobody
//! anything where the tenant has `Acme`, nor does one tagged `Acme` that lacks another tag of the tenant's.

use std::collections::BTreeMap;

use billing::manifest::closest;
use billing::money::round;
use billing::tenant::{TagClaim, TenantRecord};
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
    /// The tenant's value: `Acme`; or all their tags, where they have more than one: `Org=Acme, Env=prod`.
    pub theirs: String,
}

/// Letters that a value shares with another before it counts as its beginning.
const BEGINNING: usize = 3;

/// A value of the tenant tag that is a tenant's.
struct Theirs<'a> {
    tenant: &'a str,
    folded: String,
    value: String,
    /// As it is shown.
    told: String,
}

/// Finds them among cost of no tenant by value, in the order of the values.
pub fn near_misses(values: &BTreeMap<String, Decimal>, tenants: &[TenantRecord], tag: &str) -> Vec<NearMiss> {
    let theirs: Vec<Theirs<'_>> = tenants.iter().flat_map(|tenant| theirs(tenant, tag)).collect();
    let costs = values.iter().filter(|(value, cost)| !value.is_empty() && !cost.is_zero());
    let near = costs.filter_map(|(value, cost)| {
        let near = nearest(&folded(value), &theirs)?;
        // What Cost Explorer rounds otherwise in its two answers is left of a value that tenants share.
        let is_rest = near.value == *value && round(*cost, 2).is_zero();
        let (tenant, theirs) = (near.tenant.to_owned(), near.told.clone());
        (!is_rest).then(|| NearMiss { value: value.clone(), cost: *cost, tenant, theirs })
    });
    near.collect()
}

fn theirs<'a>(tenant: &'a TenantRecord, tag: &str) -> impl Iterator<Item = Theirs<'a>> {
    let told = |claim: &TagClaim| match claim.further.is_empty() {
        true => claim.span.value.clone(),
        false => {
            let further = claim.further.iter().map(|(key, value)| format!(", {key}={value}"));
            format!("{tag}={}{}", claim.span.value, further.collect::<String>())
        }
    };
    let of = |claim: TagClaim| Theirs {
        tenant: &tenant.id,
        folded: folded(&claim.span.value),
        told: told(&claim),
        value: claim.span.value,
    };
    let all: Vec<Theirs<'a>> = tenant.claims(tag).into_iter().map(of).collect();
    all.into_iter().filter(|theirs| !theirs.folded.is_empty())
}

/// The tenant's value that is most like it: the same but for case and punctuation, the longest beginning of one by the
/// other, or a slip of the pen away.
fn nearest<'a>(value: &str, theirs: &'a [Theirs<'a>]) -> Option<&'a Theirs<'a>> {
    let same = theirs.iter().find(|theirs| theirs.folded == value);
    let begins = |known: &str| {
        let shorter = known.len().min(value.len());
        shorter >= BEGINNING && (value.starts_with(known) || known.starts_with(value))
    };
    let beginning = || theirs.iter().filter(|theirs| begins(&theirs.folded)).max_by_key(|theirs| theirs.folded.len());
    let slip = || {
        let name = closest(value, theirs.iter().map(|theirs| theirs.folded.as_str()))?;
        theirs.iter().find(|theirs| theirs.folded == name)
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
    /// Cost of the tenant's value without the tenant's other tag.
    #[test]
    fn cost_that_lacks_another_tag_of_the_tenants_is_named() {
        let mut acme = tenant("acme", "Acme");
        acme.tags.insert("Env".to_owned(), "prod".into());
        let tenants = [acme];
        let near = |value: &str, cents| {
            let found = near_misses(&[(value.to_owned(), Decimal::new(cents, 2))].into(), &tenants, "Org");
            found.first().map(|near| format!("{} {} {}", near.cost, near.tenant, near.theirs))
        };
        assert_eq!(near("Acme", 1275).as_deref(), Some("12.75 acme Org=Acme, Env=prod"));
        assert_eq!(near("acme", 1275).as_deref(), Some("12.75 acme Org=Acme, Env=prod"));
        let dust = [("Acme".to_owned(), Decimal::new(-1, 10))].into();
        assert_eq!(near_misses(&dust, &tenants, "Org"), []);
    }
}
