//! When and how invoices are made, and how long tenants have to pay them.

use super::pricing::payment_fee;
use super::values::{month, not_negative, share};
use super::{Checker, steps};
use crate::manifest::model::{Approval, Automatic, Collection};
use crate::manifest::node::Step;
use crate::manifest::text::Days;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let invoicing = &manifest.invoicing;
    if invoicing.day.is_some_and(|day| !(1..=28).contains(&day)) {
        let hint = "write a day from 1 to 28; every month has those".to_owned();
        checker.at(&steps!["invoicing", "day"], "not every month has this day", hint);
    }
    if invoicing.settle_days > 60 {
        let hint = "AWS restates a month for about two weeks: write 14".to_owned();
        checker.at(&steps!["invoicing", "settle_days"], "settling takes 60 days at most", hint);
    }
    if invoicing.approval == Approval::Automatic && invoicing.settle_days == 0 {
        let hint = "wait with `settle_days: 14`, or write `approval: manual`".to_owned();
        checker.at(&steps!["invoicing", "settle_days"], "invoices would go out before AWS's figures settle", hint);
    }
    if invoicing.approval == Approval::Manual && invoicing.automatic != Automatic::default() {
        let hint = "write `approval: automatic`, or leave `automatic` out".to_owned();
        checker.at(&steps!["invoicing", "automatic"], "it has no effect: a person approves every invoice", hint);
    }
    if let Some(limit) = invoicing.automatic.limit {
        not_negative(checker, &steps!["invoicing", "automatic", "limit"], limit);
    }
    if let Some(deviation) = invoicing.automatic.deviation {
        share(checker, &steps!["invoicing", "automatic", "deviation"], deviation, 1000);
    }
    if invoicing.collection == Collection::ChargeAutomatically && manifest.stripe.is_none() {
        let hint = "add `stripe: {secret_key: stripe}`".to_owned();
        checker.at(&steps!["invoicing", "collection"], "nothing can be charged without Stripe", hint);
    }
    if let Some(first) = invoicing.first_period {
        month(checker, &steps!["invoicing", "first_period"], first);
    }
    if let Some(fee) = &invoicing.payment_fee {
        payment_fee(checker, &steps!["invoicing", "payment_fee"], fee, None);
    }
    let terms = manifest.tenants.iter().enumerate();
    let terms = terms.filter_map(|(i, tenant)| Some((steps!["tenants", i, "terms"].to_vec(), tenant.terms?)));
    let all: Vec<(Vec<Step>, Days)> = terms.chain([(steps!["invoicing", "terms"].to_vec(), invoicing.terms)]).collect();
    for (steps, days) in all.into_iter().filter(|(_, days)| days.count() > 365) {
        checker.at(&steps, format!("{days} is too long to pay an invoice"), "write 365 days at most".to_owned());
    }
}
