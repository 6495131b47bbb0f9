//! The account, the region, tags, the state's place.

use std::collections::BTreeMap;

use super::shapes::{DIRECTIONS, is_account, is_domain, is_id, is_region};
use super::{Checker, steps};
use crate::manifest::model::State;
use crate::manifest::node::Step;
use crate::manifest::suggest::closest;
use crate::manifest::text::Seconds;

const SHORTEST_LEASE_S: u32 = 2;
const LONGEST_LEASE_S: u32 = 3_600;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    if manifest.version != 1 {
        let hint = "write `version: 1`, or use a newer billform".to_owned();
        checker.at(&steps!["version"], format!("version {} is not known", manifest.version), hint);
    }
    id(checker, &steps!["project"], &manifest.project);
    if let Some(environment) = &manifest.environment {
        id(checker, &steps!["environment"], environment);
    }
    account(checker, &steps!["aws", "account"], &manifest.aws.account);
    region(checker, &steps!["aws", "region"], &manifest.aws.region);
    tags(checker, &steps!["aws", "tags"], &manifest.aws.tags);
    if manifest.aws.tags.len() > 40 {
        let hint = "AWS takes 50 on a resource, and billform adds its own".to_owned();
        checker.at(&steps!["aws", "tags"], "more than 40 tags", hint);
    }
    if let Some(payer) = &manifest.aws.payer {
        account(checker, &steps!["aws", "payer", "account"], &payer.account);
    }
    match &manifest.state {
        State::File(file) if file.is_empty() => {}
        State::File(file) => {
            if file.ends_with('/') {
                checker.at(&steps!["state", "file"], "the state's file is a folder", "name a file in it".to_owned());
            }
        }
        State::S3(state) => {
            region(checker, &steps!["state", "s3", "region"], &state.region);
            lease(checker, state.lease);
        }
    }
    for (key, domain) in domains(checker) {
        if !is_domain(&domain) {
            checker.at(&key, format!("`{domain}` is no domain name"), "write it as billing.example.com".to_owned());
        }
    }
}

/// Domains of the API and the portal, each with its steps.
fn domains(checker: &Checker<'_>) -> Vec<(Vec<Step>, String)> {
    let manifest = checker.manifest;
    let mut found = Vec::new();
    let mut add = |section: &str, key: &str, value: Option<&String>| {
        let steps: Vec<Step> = section.split('.').chain([key]).map(Step::from).collect();
        found.extend(value.map(|value| (steps, value.clone())));
    };
    if let Some(domain) = &manifest.api.domain {
        add("api.domain", "name", Some(&domain.name));
        add("api.domain", "certificate", domain.certificate.as_ref());
        add("api.domain", "zone", domain.zone.as_ref());
    }
    if let Some(portal) = &manifest.portal {
        add("portal", "domain", portal.domain.as_ref());
        add("portal", "certificate", portal.certificate.as_ref());
        add("portal", "zone", portal.zone.as_ref());
    }
    found
}

pub(super) fn id(checker: &mut Checker<'_>, path: &[Step], id: &str) {
    if !is_id(id) {
        let lower: String = id.to_lowercase().replace([' ', '_', '.'], "-").chars().take(40).collect();
        let lower = lower.trim_matches('-');
        let hint = match is_id(lower) {
            true => format!("write it as `{lower}`"),
            false => "use 1 to 40 small letters, digits and dashes".to_owned(),
        };
        checker.at(path, format!("`{id}` is no id: ids are small letters, digits and dashes, at most 40"), hint);
    }
}

pub(super) fn account(checker: &mut Checker<'_>, path: &[Step], account: &str) {
    if !is_account(account) {
        let hint = "an account number has 12 digits; leading zeros count".to_owned();
        checker.at(path, format!("`{account}` is no AWS account number"), hint);
    }
}

fn region(checker: &mut Checker<'_>, path: &[Step], region: &str) {
    if !is_region(region) {
        let near = region.split('-').filter(|word| word.len() > 3).find_map(|word| {
            let meant = closest(word, DIRECTIONS).filter(|meant| *meant != word)?;
            Some(region.replace(word, meant)).filter(|region| is_region(region))
        });
        let hint = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a region's code, such as us-east-1".to_owned(),
        };
        checker.at(path, format!("`{region}` is no AWS region"), hint);
    }
}

/// A lease must outlast a few calls to S3, and a run that died must not keep others out for a day.
fn lease(checker: &mut Checker<'_>, lease: Seconds) {
    if !(SHORTEST_LEASE_S..=LONGEST_LEASE_S).contains(&lease.count()) {
        let hint = "from `2 seconds` to `1 hour`; a minute when left out".to_owned();
        checker.at(&steps!["state", "s3", "lease"], format!("a lock cannot hold {} seconds", lease.count()), hint);
    }
}

/// Tags that AWS refuses, and billform's own.
pub(super) fn tags(checker: &mut Checker<'_>, path: &[Step], tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        let mut steps = path.to_vec();
        steps.push(Step::from(key));
        if let Some(fault) = tag_key_fault(key) {
            checker.at_key(&steps, format!("the tag key `{key}` {fault}"), "choose another key".to_owned());
        }
        if value.chars().count() > 256 || !value.chars().all(is_tag_character) {
            let hint = "at most 256 letters, digits, spaces and any of _ . : / = + - @".to_owned();
            checker.at(&steps, format!("AWS refuses this value of the tag `{key}`"), hint);
        }
    }
}

/// What is wrong with a tag key, as the end of a sentence.
pub(super) fn tag_key_fault(key: &str) -> Option<&'static str> {
    if key.is_empty() || key.chars().count() > 128 {
        Some("must have 1 to 128 characters")
    } else if key.to_ascii_lowercase().starts_with("aws:") {
        Some("starts with `aws:`, which AWS keeps for itself")
    } else if key.starts_with("billform:") {
        Some("starts with `billform:`, which billform sets itself")
    } else if !key.chars().all(is_tag_character) {
        Some("holds a character that AWS refuses")
    } else {
        None
    }
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}
