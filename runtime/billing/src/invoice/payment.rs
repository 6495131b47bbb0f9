//! The money's own axis of an invoice: what was paid towards it, is under way, failed, came back or is disputed.
//!
//! It is not ranked: it is computed anew from the invoice and its payments whenever Stripe is looked at, so that neither
//! the order of events nor their number matters.

use serde::{Deserialize, Serialize};

use super::{Remote, RemoteStatus};

/// Where the money is. Amounts are in Stripe's minor units of the invoice's currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// How it stands.
    pub status: PaymentStatus,
    /// What came in: cash, or by hand; also a part of the total. Zero where a balance or the minimum charge settled it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paid: i64,
    /// What Stripe settled without cash: by the customer's balance, or below the minimum charge.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub without_cash: i64,
    /// What of it came in outside Stripe, noted by a person.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub off_stripe: i64,
    /// What came in beyond what was asked for; it is on the customer's balance in Stripe.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub overpaid: i64,
    /// What was given back of it by refunds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunded: i64,
    /// What a bank has taken back: disputes that are open or lost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub disputed: i64,
    /// Each payment that was tried, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// How a payment stands; not ranked: it moves as the money does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// None yet.
    #[default]
    None,
    /// Under way: a direct debit takes days.
    Processing,
    /// Paid.
    Paid,
    /// The last attempt failed.
    Failed,
}

/// One payment towards an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// `pi_…`, or `ch_…` of a charge without an intent.
    pub id: String,
    /// How far it got.
    pub status: AttemptStatus,
    /// What it is about.
    pub amount: i64,
    /// Stripe's word for the kind of method: `card`, `sepa_debit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Stripe's code of the last failure: `card_declined`, `authentication_required`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What refunds gave back of it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refunded: i64,
    /// Its disputes, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<Dispute>,
}

/// How far one payment got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// Nothing was tried yet.
    Open,
    /// The tenant has to authenticate it (3-D Secure).
    NeedsAuthentication,
    /// Under way.
    Processing,
    /// The money came in.
    Succeeded,
    /// It was tried and refused.
    Failed,
    /// Not needed any more.
    Canceled,
    /// A status that this version does not know; never taken for success.
    Unknown,
}

/// A dispute: a bank takes a payment back, for good or until it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// `du_…`.
    pub id: String,
    /// What is disputed.
    pub amount: i64,
    /// Stripe's word: `needs_response`, `under_review`, `won`, `lost`, `warning_needs_response`.
    pub status: String,
}

fn is_zero(units: &i64) -> bool {
    *units == 0
}

impl Dispute {
    /// Whether the bank has the money: an inquiry (`warning_…`) takes none, and a dispute that is won gives it back.
    /// Source: docs.stripe.com/disputes/how-disputes-work.
    pub fn takes_money(&self) -> bool {
        matches!(self.status.as_str(), "needs_response" | "under_review" | "lost")
    }
}

impl Payment {
    /// Where the money of a finalised invoice is, from the invoice and every payment towards it.
    pub fn of(remote: &Remote, attempts: Vec<Attempt>) -> Payment {
        let status = status(remote, &attempts);
        let disputes = attempts.iter().flat_map(|attempt| &attempt.disputes);
        let settled = remote.total.0 - remote.credited_unpaid.0 - remote.paid.0;
        Payment {
            status,
            paid: remote.paid.0,
            without_cash: if status == PaymentStatus::Paid { settled } else { remote.by_balance.0 },
            off_stripe: remote.off_stripe.0,
            overpaid: remote.overpaid.0,
            refunded: attempts.iter().map(|attempt| attempt.refunded).sum(),
            disputed: disputes.filter(|dispute| dispute.takes_money()).map(|dispute| dispute.amount).sum(),
            attempts,
        }
    }

    /// Whether it waits for the tenant to authenticate a payment.
    pub fn needs_authentication(&self) -> bool {
        let waits = |attempt: &Attempt| attempt.status == AttemptStatus::NeedsAuthentication;
        self.status != PaymentStatus::Paid && self.attempts.iter().any(waits)
    }

    /// Stripe's code of the last failure, while the invoice is not paid.
    pub fn failure(&self) -> Option<&str> {
        let failed = self.attempts.iter().rev().find_map(|attempt| attempt.failure.as_deref());
        failed.filter(|_| self.status != PaymentStatus::Paid)
    }
}

/// Stripe marks an invoice as attempted; its payments say how that went.
fn status(remote: &Remote, attempts: &[Attempt]) -> PaymentStatus {
    let any = |status: AttemptStatus| attempts.iter().any(|attempt| attempt.status == status);
    match remote.status {
        RemoteStatus::Paid => PaymentStatus::Paid,
        _ if any(AttemptStatus::Processing) => PaymentStatus::Processing,
        _ if any(AttemptStatus::NeedsAuthentication) => PaymentStatus::None,
        _ if any(AttemptStatus::Failed) => PaymentStatus::Failed,
        RemoteStatus::Open if remote.attempted && !any(AttemptStatus::Succeeded) => PaymentStatus::Failed,
        _ => PaymentStatus::None,
    }
}
