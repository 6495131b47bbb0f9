//! The lines of an invoice, as the oracle writes them and as an observer reads them.

use crate::month::Month;

/// Under which name services are folded where an invoice would have more lines than Stripe takes.
pub const OTHER: &str = "Other services";

/// What a line is for, in the order in which rules apply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The fixed amount of the month.
    BaseFee,
    /// The cost of a service.
    Cost(String),
    /// The share added to the cost.
    Markup,
    /// The service fee.
    Fee,
    /// Usage that the base fee includes.
    Allowance,
    /// The share taken off.
    Discount,
    /// What is missing to the least amount.
    Minimum,
    /// The payment provider's fee.
    PaymentFee,
    /// Tax.
    Tax,
    /// The difference of an earlier month.
    Restated(Month),
    /// Balance carried over: below zero for a credit taken.
    Credit,
}

/// One line: what it is for, and its amount in the currency's smallest unit at Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is for.
    pub rule: Rule,
    /// Its amount, signed.
    pub amount: i128,
}

/// Returns the sum of lines.
#[must_use]
pub fn total(lines: &[Line]) -> i128 {
    lines.iter().map(|line| line.amount).sum()
}
