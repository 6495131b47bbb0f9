//! The invariant at the end of money-lifecycle.md, and what stands beside it in money-pitfalls.md.
//!
//! What must hold at every instant is judged of every account; what holds once a run has ended is judged of accounts
//! that were not disturbed since: see [`crate::world::Account::disturbed`].

mod closes;
mod documents;
mod leaving;
mod money;
mod reads;
mod sums;
mod timing;

use std::rc::Rc;

use jiff::Timestamp;

use crate::attribution::Attribution;
use crate::bills::Bills;
use crate::facts::{Facts, TenantId};
use crate::finality::{Stage, stage_of};
use crate::line::Rule;
use crate::month::Month;
use crate::owed::{NotOwed, Owed};
use crate::violation::{Fault, Violation};
use crate::world::{Account, Document, World};

use reads::Reads;

/// Returns everything that is wrong with a world, given the facts: nothing for a system that bills as the contract
/// says.
#[must_use]
pub fn invariant(facts: &Facts, world: &World) -> Vec<Violation> {
    judge(&mut Bills::default(), facts, world)
}

/// The same as [`invariant`], for who asks day after day: the answers that still hold are kept in `bills`.
#[must_use]
pub fn judge(bills: &mut Bills, facts: &Facts, world: &World) -> Vec<Violation> {
    bills.follow(facts);
    let judge = Judge { facts, world, bills, reads: Reads::of(world) };
    let mut violations = closes::faults(&judge);
    violations.extend(money::of_events(world));
    for (tenant, account) in &world.accounts {
        let case = Case { judge: &judge, tenant, account };
        let mut faults = documents::faults(&case);
        faults.extend(timing::faults(&case));
        faults.extend(sums::faults(&case));
        faults.extend(leaving::faults(&case));
        faults.extend(money::faults(&case));
        let of_tenant = |(month, fault)| Violation { tenant: Some(tenant.clone()), month, fault };
        violations.extend(faults.into_iter().map(of_tenant));
    }
    violations
}

/// A fault and the month it is about.
type Found = (Option<Month>, Fault);

/// The facts and the world.
struct Judge<'a> {
    facts: &'a Facts,
    world: &'a World,
    bills: &'a Bills,
    reads: Reads,
}

impl Judge<'_> {
    fn bill(&self, month: Month, known_at: Timestamp) -> Rc<Attribution> {
        self.bills.bill(self.facts, month, known_at)
    }

    /// Returns how far a month could be taken at an instant, by what was read until then.
    fn stage(&self, month: Month, at: Timestamp) -> Stage {
        let read_at = self.reads.last(month, at);
        stage_of(&self.facts.policy, month, read_at, at, |read_at| self.bills.is_estimated(self.facts, month, read_at))
    }
}

/// One tenant before the judge.
struct Case<'a> {
    judge: &'a Judge<'a>,
    tenant: &'a TenantId,
    account: &'a Account,
}

impl Case<'_> {
    fn owed(&self, month: Month, known_at: Timestamp) -> Rc<Result<Owed, NotOwed>> {
        self.judge.bills.owed(self.judge.facts, self.tenant, month, known_at)
    }

    /// Says whether a document is of a month after the tenant's last one and carries nothing but what earlier months
    /// left: see [`leaving`].
    fn is_closing(&self, document: &Document) -> bool {
        let last = self.judge.facts.tenants.get(self.tenant).and_then(|tenant| tenant.last_period);
        let is_carried = |rule: &Rule| matches!(rule, Rule::Restated(_) | Rule::Credit);
        last.is_some_and(|last| last < document.month) && document.lines.iter().all(|line| is_carried(&line.rule))
    }

    /// Returns when the account was last worked on, where nothing disturbed it since.
    fn settled_run(&self) -> Option<Timestamp> {
        self.account.run_at.filter(|_| !self.account.disturbed)
    }
}
