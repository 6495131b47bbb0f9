//! Where the money of an issued invoice is, by what Stripe holds.
//!
//! Source: money-lifecycle.md, the money axis: not ranked, computed from the invoice and its payments as they are.
//!
//! Readings:
//! - An attempt that waits for the payer is neither under way nor failed.
//! - A dispute has the money until it is won; an inquiry takes none.

use crate::status::Status;

/// What Stripe holds of an invoice's money, object by object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payments {
    /// The invoice's id.
    pub document: String,
    /// Where the invoice stands.
    pub status: Status,
    /// What was paid of it, by whatever means.
    pub paid: i128,
    /// What of that came in outside Stripe.
    pub out_of_band: i128,
    /// What came in beyond what was due.
    pub overpaid: i128,
    /// How each attempt to pay stands.
    pub attempts: Vec<Attempt>,
    /// What each refund gave back that did not fail.
    pub refunds: Vec<i128>,
    /// The amount of each dispute, and where it stands.
    pub disputes: Vec<(i128, Dispute)>,
}

/// How an attempt to pay stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Nothing was tried, or it is not needed any more.
    Idle,
    /// It waits for the payer.
    NeedsPayer,
    /// The bank is asked.
    UnderWay,
    /// The money came in.
    Succeeded,
    /// It was refused.
    Failed,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispute {
    /// An inquiry: no money moved.
    Inquiry,
    /// The bank has the money, and has not decided.
    Open,
    /// The money came back.
    Won,
    /// The bank keeps it.
    Lost,
}

/// How the money stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is under way.
    None,
    /// A bank is asked.
    Processing,
    /// Paid.
    Paid,
    /// Tried and refused.
    Failed,
}

/// The money of an invoice, as the ledger is to have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Where the document stands.
    pub status: Status,
    /// How the money stands.
    pub standing: Standing,
    /// What was paid.
    pub paid: i128,
    /// What of that came in outside Stripe.
    pub out_of_band: i128,
    /// What came in beyond what was due.
    pub overpaid: i128,
    /// What refunds gave back.
    pub refunded: i128,
    /// What banks have taken back.
    pub disputed: i128,
}

impl Payments {
    /// Returns what the ledger is to say of it.
    #[must_use]
    pub fn held(&self) -> Held {
        let is_taken = |(_, dispute): &&(i128, Dispute)| matches!(dispute, Dispute::Open | Dispute::Lost);
        // The ledger says that a document is issued, and beside it that its money is in.
        let status = if self.status == Status::Paid { Status::Open } else { self.status };
        Held {
            status,
            standing: self.standing(),
            paid: self.paid,
            out_of_band: self.out_of_band,
            overpaid: self.overpaid,
            refunded: self.refunds.iter().sum(),
            disputed: self.disputes.iter().filter(is_taken).map(|(amount, _)| amount).sum(),
        }
    }

    fn standing(&self) -> Standing {
        let any = |attempt| self.attempts.contains(&attempt);
        match self.status {
            Status::Paid => Standing::Paid,
            _ if any(Attempt::UnderWay) => Standing::Processing,
            _ if any(Attempt::NeedsPayer) => Standing::None,
            _ if any(Attempt::Failed) => Standing::Failed,
            _ => Standing::None,
        }
    }
}
