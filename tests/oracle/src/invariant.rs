//! The invariant at the end of money-lifecycle.md, and what stands beside it in money-pitfalls.md.
//!
//! What must hold at every instant is judged of every account; what holds once a run has ended is judged of accounts that
//! were not disturbed since: see [`crate::world::Account::disturbed`].

mod closes;
mod documents;
mod sums;
mod timing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;

use crate::attribution::Attribution;
use crate::facts::{Facts, TenantId};
use crate::month::Month;
use crate::owed::{NotOwed, Owed, owed_of};
use crate::violation::{Fault, Violation};
use crate::world::{Account, World};

/// Returns everything that is wrong with a world, given the facts: nothing for a system that bills as the contract says.
#[must_use]
pub fn invariant(facts: &Facts, world: &World) -> Vec<Violation> {
    let judge = Judge { facts, world, bills: RefCell::default() };
    let mut violations = closes::faults(&judge);
    for (tenant, account) in &world.accounts {
        let case = Case { judge: &judge, tenant, account };
        let mut faults = documents::faults(&case);
        faults.extend(timing::faults(&case));
        faults.extend(sums::faults(&case));
        let of_tenant = |(month, fault)| Violation { tenant: Some(tenant.clone()), month, fault };
        violations.extend(faults.into_iter().map(of_tenant));
    }
    violations
}

/// A fault and the month it is about.
type Found = (Option<Month>, Fault);

/// The facts and the world, with the bills that were told apart already.
struct Judge<'a> {
    facts: &'a Facts,
    world: &'a World,
    bills: RefCell<BTreeMap<(Month, Timestamp), Rc<Attribution>>>,
}

impl Judge<'_> {
    fn bill(&self, month: Month, known_at: Timestamp) -> Rc<Attribution> {
        let mut bills = self.bills.borrow_mut();
        let bill = bills.entry((month, known_at));
        Rc::clone(bill.or_insert_with(|| Rc::new(Attribution::of(self.facts, month, known_at))))
    }
}

/// One tenant before the judge.
struct Case<'a> {
    judge: &'a Judge<'a>,
    tenant: &'a TenantId,
    account: &'a Account,
}

impl Case<'_> {
    fn owed(&self, month: Month, known_at: Timestamp) -> Result<Owed, NotOwed> {
        owed_of(self.judge.facts, &self.judge.bill(month, known_at), self.tenant, month)
    }

    /// Returns when the account was last worked on, where nothing disturbed it since.
    fn settled_run(&self) -> Option<Timestamp> {
        self.account.run_at.filter(|_| !self.account.disturbed)
    }
}
