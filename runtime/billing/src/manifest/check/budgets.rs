//! Budgets: limits that AWS takes, alerts in range, and someone to tell.

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use super::values::email;
use super::{Checker, steps};
use crate::manifest::model::{AlertAt, Notify, Tenant};
use crate::manifest::node::Step;
use crate::{Currency, Money};

/// AWS Budgets takes five notifications a budget and ten e-mail addresses a notification.
const MOST_ALERTS: usize = 5;
const MOST_EMAILS: usize = 10;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let budgets = &manifest.budgets;
    if let Some(limit) = budgets.default {
        self::limit(checker, &steps!["budgets", "default"], limit);
    }
    if !budgets.name.contains("{tenant}") {
        let hint = "let it hold {tenant}: each tenant has a budget".to_owned();
        checker.at(&steps!["budgets", "name"], "all budgets would have the same name", hint);
    }
    alerts(checker, &budgets.alerts);
    emails(checker, &steps!["budgets", "emails"], &budgets.emails);
    let by_email = budgets.alerts.iter().any(|alert| alert.notify.contains(&Notify::Email));
    let mut told = false;
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        if let Some(limit) = tenant.budget {
            self::limit(checker, &steps!["tenants", index, "budget"], limit);
            one_tag(checker, index, tenant);
        }
        emails(checker, &steps!["tenants", index, "budget_emails"], &tenant.budget_emails);
        let nobody = tenant.budget_emails.is_empty() && budgets.emails.is_empty();
        let has_budget = manifest.budget_of(tenant).is_some();
        let reported = checker.is_reported(&steps!["budgets", "emails"]);
        if has_budget && by_email && nobody && !told && !reported {
            told = true;
            let steps = if budgets.default.is_some() {
                steps!["budgets", "default"].to_vec()
            } else {
                steps!["tenants", index, "budget"].to_vec()
            };
            let hint = "add `budgets: {emails: [costs@example.com]}`".to_owned();
            checker.at(&steps, "budget alerts go by e-mail, and no address is named", hint);
        }
    }
}

/// A budget by the tenant tag alone would count cost that is not theirs.
fn one_tag(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    let tag = &checker.manifest.attribution.tenant_tag;
    let further: Vec<String> = tenant.further_tags(tag).map(|key| format!("`{key}`")).collect();
    if !further.is_empty() {
        let message = format!(
            "an AWS budget filters by one tag, and the cost of `{}` is known by `{tag}` and {}",
            tenant.id,
            further.join(", ")
        );
        let hint = format!("leave the budget out, or give them a value of `{tag}` of their own and no other tag");
        checker.at(&steps!["tenants", index, "budget"], message, hint);
    }
}

fn limit(checker: &mut Checker<'_>, path: &[Step], limit: Money) {
    if limit.currency != Currency::USD {
        let hint = "write the limit in USD; AWS counts cost in it".to_owned();
        checker.at(path, format!("an AWS budget cannot be in {}", limit.currency), hint);
    } else if limit.amount <= Decimal::ZERO || limit.rounded() != limit {
        checker.at(path, format!("`{limit}` is no limit of a budget"), "write dollars and cents above zero".to_owned());
    }
}

fn alerts(checker: &mut Checker<'_>, alerts: &[AlertAt]) {
    if alerts.len() > MOST_ALERTS {
        let message = format!("{} alerts, and AWS takes {MOST_ALERTS} a budget", alerts.len());
        checker.at_key(&steps!["budgets", "alerts"], message, "leave some out".to_owned());
    }
    let mut seen = BTreeSet::new();
    for (i, alert) in alerts.iter().enumerate() {
        let at = alert.at.value();
        let steps = steps!["budgets", "alerts", i, "at"];
        if !at.fract().is_zero() || at < Decimal::ONE || at > Decimal::ONE_HUNDRED {
            let hint = "write a whole percentage from 1% to 100%".to_owned();
            checker.at(&steps, format!("`{}` is no share to alert at", alert.at), hint);
        } else if !seen.insert(at) {
            checker.at(&steps, format!("a second alert at `{}`", alert.at), "write one, with all it tells".to_owned());
        }
        if alert.notify.is_empty() {
            let hint = "write `notify: [email]`".to_owned();
            checker.at(&steps!["budgets", "alerts", i, "notify"], "this alert tells nobody", hint);
        }
        if alert.notify.contains(&Notify::Topic) && checker.manifest.notifications.is_none() {
            let hint = "add `notifications:` with the topic, or leave `topic` out".to_owned();
            checker.at(&steps!["budgets", "alerts", i, "notify"], "there is no topic to tell", hint);
        }
    }
}

fn emails(checker: &mut Checker<'_>, path: &[Step], emails: &[String]) {
    if emails.len() > MOST_EMAILS {
        let message = format!("{} addresses, and AWS takes {MOST_EMAILS} an alert", emails.len());
        checker.at(path, message, "name a mailing list".to_owned());
    }
    for (i, address) in emails.iter().enumerate() {
        let steps: Vec<Step> = path.iter().cloned().chain([Step::from(i)]).collect();
        email(checker, &steps, address, "costs@example.com");
    }
}
