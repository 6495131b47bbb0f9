//! What the next invoice says of months that were billed already, and of the balance.
//!
//! Source: money-lifecycle.md, points 5 and 6.
//!
//! Readings:
//! - A month is assessed again with all its rules; the difference of the two totals is one line, to which the next
//!   month's own rules do not apply again.
//! - Carried balance comes last. An invoice that would be below zero is not made, and its sum is carried.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::facts::{Facts, TenantId};
use crate::finality::looked_at_until;
use crate::line::{Line, Rule, total};
use crate::month::Month;
use crate::owed::{NotOwed, Owed, owed};

/// A month's total as it was billed and as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restated {
    /// What invoices, credit notes and balance entries say of the month so far.
    pub before: i128,
    /// What the month is now.
    pub after: i128,
}

impl Restated {
    /// Returns what is still to be billed: below zero it is to be given back.
    #[must_use]
    pub fn delta(&self) -> i128 {
        self.after - self.before
    }
}

/// Returns how a month that was billed at `before` stands by the cost known at an instant; `before` itself once the
/// month is not looked at any more.
///
/// # Errors
/// Says why the month cannot be assessed.
pub fn restated(
    facts: &Facts,
    tenant: &TenantId,
    month: Month,
    before: i128,
    known_at: Timestamp,
) -> Result<Restated, NotOwed> {
    if known_at >= looked_at_until(&facts.policy, month) {
        return Ok(Restated { before, after: before });
    }
    Ok(Restated { before, after: owed(facts, tenant, month, known_at)?.total })
}

/// The next invoice of a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The month it is for, by itself.
    pub owed: Owed,
    /// Its lines: the month's own, then restated months from the oldest on, then balance. Empty where no invoice is
    /// made.
    pub lines: Vec<Line>,
    /// Its total; zero where no invoice is made, never below.
    pub total: i128,
    /// The balance of the currency after it: what is carried on, below zero in the tenant's favour.
    pub carried: i128,
}

/// Returns the next invoice of a tenant: `month` by the cost known at an instant, the difference of every month in
/// `billed` (month to what was billed of it so far) of the same currency, and the balance.
///
/// # Errors
/// Says why the month cannot be billed.
pub fn next_invoice(
    facts: &Facts,
    tenant: &TenantId,
    month: Month,
    known_at: Timestamp,
    billed: &BTreeMap<Month, i128>,
    balance: i128,
) -> Result<Next, NotOwed> {
    let owed = owed(facts, tenant, month, known_at)?;
    let mut lines = owed.lines.clone();
    let of = facts.tenants.get(tenant).ok_or(NotOwed::Unknown)?;
    for (earlier, before) in billed.iter().filter(|(earlier, _)| of.currency(**earlier) == Some(owed.currency.code)) {
        let delta = restated(facts, tenant, *earlier, *before, known_at)?.delta();
        if delta != 0 {
            lines.push(Line { rule: Rule::Restated(*earlier), amount: delta });
        }
    }
    let sum = total(&lines);
    if sum + balance.max(0) <= 0 {
        return Ok(Next { owed, lines: Vec::new(), total: 0, carried: balance + sum });
    }
    let taken = balance.max(-sum);
    if taken != 0 {
        lines.push(Line { rule: Rule::Credit, amount: taken });
    }
    Ok(Next { owed, total: total(&lines), lines, carried: balance - taken })
}
