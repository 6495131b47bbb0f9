//! Values that several sections hold, each checked and reported in one way.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::Checker;
use super::shapes::{DIRECTIONS, is_account, is_domain, is_email, is_id, is_region};
use crate::manifest::node::Step;
use crate::manifest::suggest::closest;
use crate::manifest::text::Days;
use crate::period::EARLIEST;
use crate::{Money, Month, Percent};

/// How long CloudWatch can keep logs, in days.
const LOG_RETENTIONS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

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

pub(super) fn region(checker: &mut Checker<'_>, path: &[Step], region: &str) {
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

/// Tags that AWS refuses, and billform's own.
pub(super) fn tags(checker: &mut Checker<'_>, path: &[Step], tags: &BTreeMap<String, String>) {
    for (key, value) in tags {
        let mut steps = path.to_vec();
        steps.push(Step::from(key));
        if let Some(fault) = tag_key_fault(key) {
            checker.at_key(&steps, format!("the tag key `{key}` {fault}"), "choose another key".to_owned());
        }
        if !is_tag_value(value) {
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

/// Values of tags, as AWS takes them.
pub fn is_tag_value(value: &str) -> bool {
    value.chars().count() <= 256 && value.chars().all(is_tag_character)
}

fn is_tag_character(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c)
}

/// An e-mail address.
pub(super) fn email(checker: &mut Checker<'_>, path: &[Step], email: &str, example: &str) {
    if !is_email(email) {
        checker.at(path, format!("`{email}` is no e-mail address"), format!("write it as {example}"));
    }
}

/// A domain name.
pub(super) fn domain(checker: &mut Checker<'_>, path: &[Step], domain: &str, example: &str) {
    if !is_domain(domain) {
        checker.at(path, format!("`{domain}` is no domain name"), format!("write it as {example}"));
    }
}

pub(super) fn retention(checker: &mut Checker<'_>, path: &[Step], days: Days) {
    if !LOG_RETENTIONS.contains(&days.count()) {
        let near = LOG_RETENTIONS.iter().min_by_key(|known| known.abs_diff(days.count()));
        let hint = near.map(|near| format!("the nearest that it knows is `{} days`", near));
        checker.at(path, format!("CloudWatch cannot keep logs for {days}"), hint);
    }
}

/// Months before AWS began are typing mistakes.
pub(super) fn month(checker: &mut Checker<'_>, path: &[Step], month: Month) {
    if month < Month::of(EARLIEST) {
        let hint = "write the first month to bill, such as 2026-11".to_owned();
        checker.at(path, format!("{month} lies before AWS had a bill"), hint);
    }
}

pub(super) fn share(checker: &mut Checker<'_>, path: &[Step], percent: Percent, most: u32) {
    if percent.value() < Decimal::ZERO || percent.value() > Decimal::from(most) {
        checker.at(path, format!("`{percent}` is out of range"), format!("write a percentage from 0% to {most}%"));
    }
}

pub(super) fn not_negative(checker: &mut Checker<'_>, path: &[Step], money: Money) {
    if money.amount < Decimal::ZERO {
        checker.at(path, format!("`{money}` is negative"), "write an amount of zero or more".to_owned());
    }
}
