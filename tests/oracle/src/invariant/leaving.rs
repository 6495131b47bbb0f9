//! What a tenant that left leaves open: nothing that could be invoiced or given back, unless the system says why.
//!
//! Source: money-lifecycle.md, points 5 and 9; a leaver's difference is one more invoice or a credit note.
//!
//! Readings:
//! - What is owed after the final invoice is on a document of a later month, once that month is over, which carries
//!   nothing but it: a closing document. Less than Stripe's least charge may wait.
//! - What is owed to the leaver is given back by the next run. Stripe takes no credit note on an invoice while a payment of it
//!   is under way: up to that invoice's total it may wait.

use jiff::Timestamp;

use super::timing::entered;
use super::{Case, Found};
use crate::balance::balance;
use crate::currency::Currency;
use crate::facts::Tenant;
use crate::finality::{Stage, draft_from};
use crate::money::Attempt;
use crate::month::{Month, days_after};
use crate::violation::Fault;
use crate::world::Document;

pub(super) fn faults(case: &Case) -> Vec<Found> {
    let tenant = case.judge.facts.tenants.get(case.tenant);
    let leaver = tenant.and_then(|tenant| Some((tenant, tenant.last_period?, case.settled_run()?)));
    let Some((tenant, last, run_at)) = leaver else { return Vec::new() };
    if !case.account.named_months.is_empty() || !is_billed_out(case, tenant, last, run_at) {
        return Vec::new();
    }
    let open = balance(&case.account.balance).into_iter();
    open.filter_map(|(currency, amount)| left(case, last, run_at, (currency, amount)))
        .map(|fault| (None, fault))
        .collect()
}

/// Says whether every month is billed by its settled cost, and the run saw each document issued.
fn is_billed_out(case: &Case, tenant: &Tenant, last: Month, run_at: Timestamp) -> bool {
    let entered = entered(case);
    let is_billed = |month: Month| entered.contains(&month) && case.judge.stage(month, run_at) == Stage::Complete;
    let is_issued = |document: &Document| document.issued_at.is_some_and(|issued_at| issued_at <= run_at);
    let mut live = case.account.documents.iter().filter(|document| document.status.is_live());
    tenant.first_period.to(last).all(is_billed) && live.all(|document| is_issued(document) && !document.edited)
}

/// The totals of the invoices of which a payment is under way.
fn under_way(case: &Case) -> i128 {
    let is_under_way = |document: &&Document| {
        let payments = case.account.money.iter().map(|money| &money.stripe);
        let mut of_it = payments.filter(|payments| payments.document == document.id);
        of_it.any(|payments| payments.attempts.contains(&Attempt::UnderWay))
    };
    let live = case.account.documents.iter().filter(|document| document.status.is_live());
    live.filter(is_under_way).map(|document| document.total).sum()
}

fn left(case: &Case, last: Month, run_at: Timestamp, (currency, amount): (&str, i128)) -> Option<Fault> {
    let currency = currency.to_owned();
    if amount < 0 {
        let owed = -amount;
        return (owed > under_way(case)).then_some(Fault::LeftOwed { currency, amount: owed });
    }
    let least = Currency::find(&currency).and_then(|currency| currency.least_charge()).unwrap_or(1);
    let live = case.account.documents.iter().filter(|document| document.status.is_live());
    let newest = live.map(|document| document.month).fold(last, Month::max);
    let policy = &case.judge.facts.policy;
    let since = days_after(draft_from(policy, newest.plus(1)), policy.wait_days);
    (amount >= least && run_at >= since).then_some(Fault::LeftOwing { currency, amount, since })
}
