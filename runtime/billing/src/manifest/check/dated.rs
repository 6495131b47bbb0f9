//! Tag values by day: each list in order, and no cost with two tenants on one day.

use std::collections::{BTreeMap, BTreeSet};

use super::values::{is_tag_value, tag_key_fault};
use super::{Checker, steps};
use crate::manifest::model::{DatedValues, Tenant};
use crate::manifest::node::Step;
use crate::period::EARLIEST;
use crate::tenant::TagClaim;

/// A tenant's tags: keys and values that AWS takes, and days that follow one another.
pub(super) fn tags(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    for (key, values) in &tenant.tags {
        let path = steps!["tenants", index, "tags", key];
        if let Some(fault) = tag_key_fault(key) {
            checker.at_key(&path, format!("the tag key `{key}` {fault}"), "choose another key".to_owned());
        }
        for (place, value) in values.values().enumerate() {
            if !is_tag_value(value) {
                let hint = "at most 256 letters, digits, spaces and any of _ . : / = + - @".to_owned();
                checker.at(&of_value(&path, values, place), format!("AWS refuses this value of the tag `{key}`"), hint);
            }
        }
        in_order(checker, &path, values);
    }
}

/// The steps to the text of a value.
fn of_value(path: &[Step], values: &DatedValues, place: usize) -> Vec<Step> {
    match values {
        DatedValues::One(_) => path.to_vec(),
        DatedValues::Many(_) => path.iter().cloned().chain(steps![place, "value"]).collect(),
    }
}

fn in_order(checker: &mut Checker<'_>, path: &[Step], values: &DatedValues) {
    let DatedValues::Many(values) = values else { return };
    for (place, dated) in values.iter().enumerate().skip(1) {
        let at: Vec<Step> = path.iter().cloned().chain(steps![place, "from"]).collect();
        match (values[place - 1].from, dated.from) {
            (_, None) if checker.is_reported(&at) => {}
            (_, None) => {
                let hint =
                    "add `from: 2026-12-01`; only the first value of a list holds from the beginning on".to_owned();
                checker.at(&at, format!("no day says from when on `{}` holds", dated.value), hint);
            }
            (Some(before), Some(from)) if from <= before => {
                let message =
                    format!("{} is not after {}, on which the value before begins", from.value(), before.value());
                checker.at(&at, message, "write the values from the oldest to the newest".to_owned());
            }
            _ => {}
        }
    }
    if let Some(early) = values.iter().position(|dated| dated.from.is_some_and(|from| from.value() < EARLIEST)) {
        let at: Vec<Step> = path.iter().cloned().chain(steps![early, "from"]).collect();
        checker.at(&at, "the day lies before AWS had a bill", None);
    }
}

/// No cost can be of two tenants: on each day two of them differ in the value of a tag that both have.
///
/// Nothing less will do. Tags that only one of them has tell nothing apart: cost with `Org: a, Env: prod, Team: blue` is of
/// a tenant with `Org: a, Env: prod`, of one with `Org: a, Team: blue`, and of one with `Org: a`.
pub(super) fn one_tenant_each(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let tag = &manifest.attribution.tenant_tag;
    let mut seen: BTreeMap<String, Vec<Claimed>> = BTreeMap::new();
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        let Some(values) = tenant.tags.get(tag) else { continue };
        let path = steps!["tenants", index, "tags", tag];
        let left = tenant.last_period.map(|last| last.period().end());
        let further: Vec<_> = further(tenant, tag).map(|(key, values)| (key, values.spans())).collect();
        let mut is_reported = false;
        for (place, span) in values.spans().into_iter().enumerate() {
            let at = of_value(&path, values, place);
            let Some(span) = span.before(left) else { continue };
            for claim in TagClaim::by(span, &further) {
                let others = seen.entry(claim.span.value.clone()).or_default();
                let taken = others.iter().find(|other| other.tenant != index && other.claim.meets(&claim));
                match taken {
                    // Of a tenant's claims on another's cost one is enough.
                    Some(other) if !is_reported || further.is_empty() => {
                        is_reported = true;
                        let (message, hint) = shared(checker, &claim, other);
                        checker.at(&at, message, hint);
                    }
                    Some(_) => {}
                    None => others.push(Claimed { tenant: index, claim, at: at.clone() }),
                }
            }
        }
    }
}

/// What a tenant claims, and where its value of the tenant tag is written.
struct Claimed {
    tenant: usize,
    claim: TagClaim,
    at: Vec<Step>,
}

fn shared(checker: &Checker<'_>, claim: &TagClaim, other: &Claimed) -> (String, String) {
    let since = other.claim.span.from.max(claim.span.from);
    let since = since.map_or_else(String::new, |day| format!(" from {day} on"));
    let (first, value) = (checker.place_text(&other.at), &claim.span.value);
    let names: BTreeSet<&String> = claim.further.keys().chain(other.claim.further.keys()).collect();
    if names.is_empty() {
        let hint = format!("the first is at {first}; cost with it would belong to two tenants{since}");
        return (format!("the tag value `{value}` is taken"), hint);
    }
    let tenants = &checker.manifest.tenants;
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let message = format!(
        "the tag value `{value}` is taken, and no other tag tells its cost apart from that of `{}`",
        tenants[other.tenant].id
    );
    let hint = format!(
        "the first is at {first}; some cost would belong to two tenants{since}: give both a value of {}, each another",
        names.join(" or ")
    );
    (message, hint)
}

/// The tags that a tenant has beside the tenant tag.
fn further<'a>(tenant: &'a Tenant, tag: &'a str) -> impl Iterator<Item = (&'a str, &'a DatedValues)> {
    tenant.tags.iter().filter(move |(key, _)| *key != tag).map(|(key, values)| (key.as_str(), values))
}
