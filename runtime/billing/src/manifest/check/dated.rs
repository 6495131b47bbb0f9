//! Tag values by day: each list in order, and no value with two tenants on one day.

use std::collections::BTreeMap;

use super::values::{is_tag_value, tag_key_fault};
use super::{Checker, steps};
use crate::manifest::model::{DatedValues, Tenant};
use crate::manifest::node::Step;
use crate::period::EARLIEST;
use crate::tenant::TagSpan;

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

/// Each value of the tenant tag has one tenant on each day.
pub(super) fn one_tenant_each(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let tag = &manifest.attribution.tenant_tag;
    let mut seen: BTreeMap<String, Vec<(usize, TagSpan, Vec<Step>)>> = BTreeMap::new();
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        let Some(values) = tenant.tags.get(tag) else { continue };
        let path = steps!["tenants", index, "tags", tag];
        let left = tenant.last_period.map(|last| last.period().end());
        for (place, span) in values.spans().into_iter().enumerate() {
            let at = of_value(&path, values, place);
            let Some(span) = span.before(left).filter(|span| !span.value.is_empty()) else { continue };
            let others = seen.entry(span.value.clone()).or_default();
            let taken = others.iter().find(|(other, held, _)| *other != index && held.overlaps(&span));
            if let Some((_, held, first)) = taken {
                let since = held.from.max(span.from).map_or_else(String::new, |day| format!(" from {day} on"));
                let hint = format!(
                    "the first is at {}; cost with it would belong to two tenants{since}",
                    checker.place_text(first)
                );
                checker.at(&at, format!("the tag value `{}` is taken", span.value), hint);
            } else {
                others.push((index, span, at));
            }
        }
    }
}
