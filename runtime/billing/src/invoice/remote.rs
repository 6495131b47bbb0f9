//! An invoice as Stripe has it, and what that says of the ledger's record.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Finality, InvoiceRecord, InvoiceState, Payment};
use crate::money::MinorUnits;
use crate::{Money, names};

/// An invoice in Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// `in_…`.
    pub id: String,
    /// How far it got.
    pub status: RemoteStatus,
    /// The sum of its lines.
    pub total: MinorUnits,
    /// Its currency's code, upper case.
    pub currency: String,
    /// Whether it is in live mode.
    pub livemode: bool,
    /// Whether it has any line.
    pub has_lines: bool,
    /// What was paid, by whatever means.
    pub paid: MinorUnits,
    /// What is still to pay.
    pub remaining: MinorUnits,
    /// What credit notes took off before it was paid.
    pub credited_unpaid: MinorUnits,
    /// What credit notes gave back of what had been paid.
    pub credited_paid: MinorUnits,
    /// What the customer's balance in Stripe settled of it; negative amounts do not occur.
    pub by_balance: MinorUnits,
    /// What of the payments was made outside Stripe.
    pub off_stripe: MinorUnits,
    /// What was paid beyond what was asked for.
    pub overpaid: MinorUnits,
    /// Whether a payment was attempted.
    pub attempted: bool,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
}

/// How far an invoice got in Stripe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteStatus {
    /// Can still be edited.
    Draft,
    /// Finalised, not paid.
    Open,
    /// Finalised and paid.
    Paid,
    /// Finalised and given up.
    Uncollectible,
    /// Taken back.
    Void,
    /// A status that this version does not know; never taken for success.
    Unknown(String),
}

/// What a draft in Stripe carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carries {
    /// No lines: they were never added, or were removed to be drawn up again.
    Nothing,
    /// The lines of this drawing, whole.
    Drawing {
        /// Which one.
        drawing: u32,
        /// The finality it states.
        finality: Finality,
    },
    /// Something that billform did not put there.
    Edited,
}

/// The words of [`names::STATE_METADATA`] on a draft whose lines are being replaced.
pub const REDRAWING: &str = "redrawing";

impl Finality {
    /// The word of [`names::STATE_METADATA`].
    pub fn word(self) -> &'static str {
        match self {
            Finality::Provisional => "provisional",
            Finality::Complete => "complete",
        }
    }
}

impl InvoiceRecord {
    /// Whether a Stripe invoice is the one of this revision.
    pub fn is_of(&self, remote: &Remote) -> bool {
        self.metadata().iter().all(|(key, value)| remote.metadata.get(key) == Some(value))
    }

    /// What a whole draft of the present drawing states of itself: which drawing, how final, what total. Somebody who
    /// edits the draft changes its total, and not this.
    pub fn drawing_metadata(&self) -> Vec<(String, String)> {
        let total = self.invoice.total.minor_units().map(|units| units.0).unwrap_or_default();
        [
            (names::STATE_METADATA, self.finality.word().to_owned()),
            (names::TOTAL_METADATA, total.to_string()),
            (names::DRAWING_METADATA, self.drawing.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }

    /// What the draft in Stripe carries.
    pub fn carried_by(&self, remote: &Remote) -> Carries {
        let word = remote.metadata.get(names::STATE_METADATA).map(String::as_str);
        let Some(word) = word else {
            // Schema 1 stated nothing: its draft is whole when its total is the record's.
            let ours = self.invoice.total.minor_units();
            return match remote.has_lines {
                false => Carries::Nothing,
                true if self.drawing == 0 && ours == Ok(remote.total) => self.whole(0, Finality::Complete),
                true => Carries::Edited,
            };
        };
        let stated = |key: &str| remote.metadata.get(key)?.parse::<i64>().ok();
        let drawing = stated(names::DRAWING_METADATA).and_then(|drawing| u32::try_from(drawing).ok());
        match (word, drawing) {
            (REDRAWING, _) if !remote.has_lines => Carries::Nothing,
            ("provisional" | "complete", Some(drawing)) if stated(names::TOTAL_METADATA) == Some(remote.total.0) => {
                let finality =
                    if word == Finality::Complete.word() { Finality::Complete } else { Finality::Provisional };
                self.whole(drawing, finality)
            }
            _ => Carries::Edited,
        }
    }

    /// The record moved forward to what a finalised invoice in Stripe says; none where it says so already.
    pub fn forwarded(
        &self,
        remote: &Remote,
        state: InvoiceState,
        payment: Payment,
        now: Timestamp,
    ) -> Option<InvoiceRecord> {
        if self.state == state && self.payment == payment && self.stripe_invoice.is_some() {
            return None;
        }
        Some(InvoiceRecord {
            state,
            since: if self.state == state { self.since } else { Some(now) },
            payment,
            stripe_invoice: Some(remote.id.clone()),
            livemode: Some(remote.livemode),
            last_error: None,
            ..self.clone()
        })
    }

    /// Whether a finalised invoice came to another total than the draft that the ledger knows: a person edited it.
    pub fn differs_from(&self, remote: &Remote) -> bool {
        let same = self.invoice.total.minor_units() == Ok(remote.total);
        self.state.is_draft() && !(same && remote.currency == self.invoice.currency.code())
    }

    fn whole(&self, drawing: u32, finality: Finality) -> Carries {
        Carries::Drawing { drawing, finality }
    }
}

impl Remote {
    /// Its total as money, if its currency is one we know.
    pub fn money(&self) -> Option<Money> {
        Some(Money::from_minor_units(self.total, self.currency.parse().ok()?))
    }
}
