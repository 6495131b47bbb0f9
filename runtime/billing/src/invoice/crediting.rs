//! What credit notes do to an invoice's record, and what its invoice in Stripe can take.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{CreditNote, CreditNoteState, InvoiceRecord, Remote, RemoteStatus};
use crate::balance::{Position, PositionId};
use crate::money::MinorUnits;
use crate::{Money, names};

impl InvoiceRecord {
    /// The credit note that is noted and not issued; at most one is.
    pub fn noted_credit(&self) -> Option<&CreditNote> {
        self.credit_notes.iter().find(|note| note.state == CreditNoteState::Noted)
    }

    /// The sum of the credit notes that Stripe has on it.
    pub fn credited(&self) -> Money {
        let issued = self.credit_notes.iter().filter(|note| note.state == CreditNoteState::Issued);
        Money::new(issued.map(|note| note.amount.amount).sum(), self.invoice.currency)
    }

    /// The next credit note on it, for what `drawn` takes from the balance.
    pub fn next_credit(&self, drawn: Vec<Position>, at: Timestamp) -> CreditNote {
        let sum: Decimal = drawn.iter().map(|position| position.amount.amount).sum();
        let amount = Money::new(-sum, self.invoice.currency);
        CreditNote { drawn, ..self.grant(amount, None, at) }
    }

    /// The next credit note on it, which a person grants: nothing of the balance.
    pub fn next_grant(&self, amount: Money, reason: &str, at: Timestamp) -> CreditNote {
        self.grant(amount, Some(reason.to_owned()), at)
    }

    fn grant(&self, amount: Money, reason: Option<String>, at: Timestamp) -> CreditNote {
        CreditNote {
            number: self.credit_notes.iter().map(|note| note.number).max().unwrap_or_default() + 1,
            state: CreditNoteState::Noted,
            amount,
            drawn: Vec::new(),
            reason,
            stripe_credit_note: None,
            to_balance: None,
            at,
        }
    }

    /// The grant of the same amount for the same reason, however far it got: a command that is repeated grants once.
    pub fn granted(&self, amount: Money, reason: &str) -> Option<&CreditNote> {
        let mut notes = self.credit_notes.iter().filter(|note| note.state != CreditNoteState::GivenUp);
        notes.find(|note| note.amount == amount && note.reason.as_deref() == Some(reason))
    }

    /// The record with a note of the same number in place of the one it has.
    #[must_use]
    pub fn with_credit(mut self, note: CreditNote) -> InvoiceRecord {
        match self.credit_notes.iter_mut().find(|known| known.number == note.number) {
            Some(known) => *known = note,
            None => self.credit_notes.push(note),
        }
        self
    }

    /// The metadata by which a credit note is found again: its invoice's, its number, its causes.
    pub fn credit_metadata(&self, note: &CreditNote) -> Vec<(String, String)> {
        let mut metadata = self.metadata();
        metadata.push((names::CREDIT_NOTE_METADATA.to_owned(), note.number.to_string()));
        metadata.push((names::CAUSE_METADATA.to_owned(), note.causes()));
        metadata
    }

    /// All that this document took from the balance, as lines and in credit notes, one position each.
    pub fn taken(&self) -> Vec<Position> {
        let credited = self.credit_notes.iter().filter(|note| note.state != CreditNoteState::GivenUp);
        let mut taken: BTreeMap<PositionId, Position> = BTreeMap::new();
        for position in self.drawn.iter().chain(credited.flat_map(|note| &note.drawn)) {
            match taken.get_mut(&position.id) {
                Some(sum) => sum.amount.amount += position.amount.amount,
                None => drop(taken.insert(position.id, position.clone())),
            }
        }
        taken.into_values().filter(|position| !position.amount.amount.is_zero()).collect()
    }
}

impl Remote {
    /// What a credit note can still take off it: nothing of one that is neither open nor paid.
    pub fn creditable(&self) -> MinorUnits {
        match self.status {
            RemoteStatus::Open | RemoteStatus::Paid => {
                MinorUnits((self.total.0 - self.credited_unpaid.0 - self.credited_paid.0).max(0))
            }
            _ => MinorUnits(0),
        }
    }

    /// What of a credit note of this amount had been paid.
    pub fn paid_of(&self, amount: MinorUnits) -> MinorUnits {
        let to_pay = if self.status == RemoteStatus::Open { self.remaining.0 } else { 0 };
        MinorUnits((amount.0 - to_pay).max(0))
    }
}
