//! What must not come too early, and what must not be left out.

use std::collections::BTreeSet;

use jiff::{Span, Timestamp};

use super::{Case, Found};
use crate::balance::EntryKind;
use crate::finality::{Blocked, Stage, draft_from, due_by, ended_months, looked_at_until};
use crate::line::Rule;
use crate::month::{Month, days_after};
use crate::violation::Fault;
use crate::world::Document;

/// How far apart the reads of one sync may be.
const ONE_SYNC: i64 = 24;

pub(super) fn faults(case: &Case) -> Vec<Found> {
    let facts = case.judge.facts;
    let documents = case.account.documents.iter();
    let mut found: Vec<Found> = documents.filter_map(|document| early(case, document)).collect();
    if let Some(run_at) = case.settled_run() {
        let entered = entered(case);
        for month in ended_months(facts, case.tenant, run_at) {
            let fault = late(case, month, run_at, &entered).or_else(|| forgotten(case, month, run_at));
            found.extend(fault.map(|fault| (Some(month), fault)));
        }
    }
    found
}

/// Returns the months that the account's books have anything of: a live document, a line on one, or balance.
pub(super) fn entered(case: &Case) -> BTreeSet<Month> {
    let tenant = case.judge.facts.tenants.get(case.tenant);
    let is_member = |month| tenant.is_none_or(|tenant| tenant.is_member(month));
    let live = || case.account.documents.iter().filter(|document| document.status.is_live());
    let own = live().filter(|document| !case.is_closing(document)).map(|document| document.month);
    let restated = live().flat_map(|document| &document.lines).filter_map(|line| match line.rule {
        Rule::Restated(month) => Some(month),
        _ => None,
    });
    let carries = |kind| matches!(kind, EntryKind::Carried | EntryKind::WrittenOff);
    let carried = case.account.balance.iter().filter(|entry| carries(entry.kind));
    // A closing document that came to nothing is no month.
    let carried = carried.filter(|entry| entry.amount != 0 || is_member(entry.month)).map(|entry| entry.month);
    own.chain(restated).chain(carried).collect()
}

/// Judges when a document was drawn and issued.
fn early(case: &Case, document: &Document) -> Option<Found> {
    let (month, id) = (document.month, document.id.clone());
    if case.is_closing(document) {
        // It has no figures of its own that could settle.
        let is_early = document.drawn_at < draft_from(&case.judge.facts.policy, month);
        let fault = Fault::DraftedEarly { document: id, waits_for: Blocked::BeforeDraftDay };
        return is_early.then_some((Some(month), fault));
    }
    let at = |instant| case.judge.stage(month, instant);
    let issued = document.issued_at.map(at).filter(|stage| *stage != Stage::Complete);
    if let Some(stage) = issued {
        return Some((Some(month), Fault::IssuedEarly { document: id, stage }));
    }
    match at(document.drawn_at) {
        Stage::Closed(waits_for) => Some((Some(month), Fault::DraftedEarly { document: id, waits_for })),
        Stage::Provisional(_) | Stage::Complete => None,
    }
}

/// Judges a month that should be drafted, or billed, by now.
fn late(case: &Case, month: Month, run_at: Timestamp, entered: &BTreeSet<Month>) -> Option<Fault> {
    let facts = case.judge.facts;
    if entered.contains(&month) {
        return None;
    }
    let read_at = case.judge.reads.last(month, run_at);
    let owed = case.owed(month, read_at.unwrap_or(Timestamp::MIN));
    let total = owed.as_ref().as_ref().map(|owed| owed.total);
    let stage = case.judge.stage(month, run_at);
    let due_by = due_by(&facts.policy, month);
    if run_at < due_by {
        let since = days_after(draft_from(&facts.policy, month), facts.policy.wait_days);
        let is_missing = run_at >= since && stage >= Stage::Provisional(Blocked::Running);
        let owed = total.ok().filter(|total| is_missing && *total > 0)?;
        return Some(Fault::NotDrafted { owed, since });
    }
    match total {
        Ok(0) if stage == Stage::Complete => None,
        Ok(owed) if stage == Stage::Complete => Some(Fault::NotBilled { owed, due_by }),
        _ => (!case.account.named_months.contains(&month)).then_some(Fault::SilentWait { due_by }),
    }
}

/// Judges whether a month that is to be looked at was left out of the last sync.
fn forgotten(case: &Case, month: Month, run_at: Timestamp) -> Option<Fault> {
    let (facts, reads) = (case.judge.facts, &case.judge.reads);
    let synced_at = reads.last_sync(run_at)?;
    if synced_at < month.close() || synced_at >= looked_at_until(&facts.policy, month) {
        return None;
    }
    let read_at = reads.last(month, run_at);
    let since = synced_at.checked_sub(Span::new().hours(ONE_SYNC)).unwrap_or(Timestamp::MIN);
    let forgotten = read_at.is_none_or(|read_at| read_at < since);
    forgotten.then_some(Fault::NotLookedAt { read_at, synced_at })
}
