//! A failure as a short story: what happened, what is owed, what is there.

use std::fmt::Write;

use oracle::facts::{Facts, TenantId};
use oracle::finality::ended_months;
use oracle::month::{Month, midnight};
use oracle::owed::owed;
use oracle::world::Account;

use super::driver::Failure;
use super::plan::Plan;
use super::script::Script;

/// Tells a failure of a plan.
#[must_use]
pub fn story(plan: &Plan, failure: &Failure) -> String {
    let mut story = format!("seed {}, {}: {} wrong\n", plan.seed, failure.on, failure.violations.len());
    for violation in failure.violations.iter().take(6) {
        let _ = writeln!(story, "  {violation}");
    }
    let _ = writeln!(story, "what happened ({} events):", plan.events.len());
    for event in plan.events.iter().filter(|event| event.on <= failure.on) {
        let _ = writeln!(story, "  {} {:?}", event.on, event.deed);
    }
    let mut script = Script::new(plan);
    script.advance(failure.on);
    let tenant = failure.violations.iter().find_map(|violation| violation.tenant.clone());
    if let Some((tenant, account)) = tenant.as_ref().and_then(|tenant| failure.world.accounts.get_key_value(tenant)) {
        told(&mut story, script.facts(), tenant, account, failure);
    }
    story
}

fn told(story: &mut String, facts: &Facts, tenant: &TenantId, account: &Account, failure: &Failure) {
    let _ = writeln!(story, "{tenant} owes:");
    let now = midnight(failure.on);
    for month in ended_months(facts, tenant, now) {
        let read_at = failure.world.last_read(month, now.max(account.run_at.unwrap_or(now)));
        let owed = owed(facts, tenant, month, read_at.unwrap_or(now));
        let _ = match owed {
            Ok(owed) => writeln!(story, "  {month}: {} by the read of {read_at:?}", owed.currency.show(owed.total)),
            Err(why) => writeln!(story, "  {month}: {why:?}"),
        };
    }
    let _ = writeln!(story, "there is (last run {:?}, disturbed: {}):", account.run_at, account.disturbed);
    for document in &account.documents {
        let issued = document.issued_at.map(|at| format!(", issued {at}")).unwrap_or_default();
        let (month, revision, id) = (document.month, document.revision, &document.id);
        let _ = writeln!(
            story,
            "  {month} r{revision} {id} {:?} {} {}, drawn {}{issued}",
            document.status, document.total, document.currency, document.drawn_at
        );
        for line in document.lines.iter().filter(|_| is_about(failure, tenant, document.month)) {
            let _ = writeln!(story, "      {:?} {}", line.rule, line.amount);
        }
    }
    for entry in &account.balance {
        let _ = writeln!(story, "  balance {}: {} {} {:?}", entry.id, entry.amount, entry.currency, entry.kind);
    }
    for said in &failure.said {
        let _ = writeln!(story, "  said {said}");
    }
}

/// Whether a violation is about a month, or about none in particular.
fn is_about(failure: &Failure, tenant: &TenantId, month: Month) -> bool {
    let of_tenant = failure.violations.iter().filter(|violation| violation.tenant.as_ref() == Some(tenant));
    of_tenant.into_iter().any(|violation| violation.month.is_none_or(|of| of == month))
}
