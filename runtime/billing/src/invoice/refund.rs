//! Refunds that a person asks for: noted in the ledger, then made in Stripe, so that one that was cut off is finished and
//! none is made twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AttemptStatus, InvoiceRecord};
use crate::money::MinorUnits;
use crate::{Money, names};

/// A refund of a payment towards an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Counts the refunds of the invoice's revision, from 1.
    pub number: u32,
    /// What is given back, above zero.
    pub amount: Money,
    /// Which payment: `pi_…`.
    pub payment: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// In Stripe, once it was made: `re_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_refund: Option<String>,
    /// Why Stripe refused it, if it did: it is not made any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// When it was noted.
    pub at: Timestamp,
}

impl Refund {
    /// What the step is called in its idempotency key.
    pub fn step(&self) -> String {
        format!("refund-{}", self.number)
    }
}

impl InvoiceRecord {
    /// What can be refunded of each payment, newest first: what came in by it and was not given back.
    pub fn refundable(&self) -> Vec<(String, Money)> {
        let money = |units: i64| Money::from_minor_units(MinorUnits(units), self.invoice.currency);
        let came_in = self.payment.attempts.iter().rev().filter(|attempt| attempt.status == AttemptStatus::Succeeded);
        let left = came_in.map(|attempt| (attempt.id.clone(), money(attempt.amount - attempt.refunded)));
        left.filter(|(_, left)| left.amount.is_sign_positive() && !left.amount.is_zero()).collect()
    }

    /// Whether a refund, or a credit note that a person grants, is noted and not made.
    pub fn is_giving_back(&self) -> bool {
        let granted = self.noted_credit().is_some_and(|note| note.reason.is_some());
        granted || self.noted_refund().is_some()
    }

    /// The first refund that is noted and not made.
    pub fn noted_refund(&self) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.stripe_refund.is_none() && refund.refused.is_none())
    }

    /// The metadata by which a refund is found again: its invoice's, and its number.
    pub fn refund_metadata(&self, refund: &Refund) -> Vec<(String, String)> {
        let mut metadata = self.metadata();
        metadata.push((names::REFUND_METADATA.to_owned(), refund.number.to_string()));
        metadata
    }

    /// The refund of the same amount for the same reason, however far it got: a command that is repeated refunds once. One
    /// that Stripe refused is asked for anew.
    pub fn refund_for(&self, amount: Money, reason: &str) -> Option<&Refund> {
        let is_it = |refund: &&Refund| refund.amount == amount && refund.reason == reason && refund.refused.is_none();
        self.refunds.iter().find(is_it)
    }

    /// The next refund of a payment.
    pub fn next_refund(&self, amount: Money, payment: &str, reason: &str, at: Timestamp) -> Refund {
        Refund {
            number: self.refunds.iter().map(|refund| refund.number).max().unwrap_or_default() + 1,
            amount,
            payment: payment.to_owned(),
            reason: reason.to_owned(),
            stripe_refund: None,
            refused: None,
            at,
        }
    }

    /// The record with a refund of the same number in place of the one it has.
    #[must_use]
    pub fn with_refund(mut self, refund: Refund) -> InvoiceRecord {
        match self.refunds.iter_mut().find(|known| known.number == refund.number) {
            Some(known) => *known = refund,
            None => self.refunds.push(refund),
        }
        self
    }
}
