//! One credit note: noted in the ledger together with what it takes from the balance, then issued in Stripe. A run that is
//! killed between is finished by the next one.

use billing::Money;
use billing::invoice::{CreditNote, CreditNoteState, InvoiceRecord, Remote, RemoteCreditNote};

use super::Invoicing;
use super::account::{Account, Changes};
use super::stop::Stop;
use crate::ports::CreditRequest;

impl Invoicing<'_> {
    /// Issues the note that was noted on an invoice, or notes and issues a new one for what the balance holds for the
    /// tenant. None where the invoice can take nothing.
    pub(super) async fn credit(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
    ) -> Result<Option<InvoiceRecord>, Stop> {
        let Some(invoice) = record.stripe_invoice.clone() else { return Ok(None) };
        self.free(&record)?;
        // As it is now: what it can take depends on what was paid since the run listed it.
        let remote = self.invoices.invoice(&invoice).await?;
        let remote = remote.ok_or_else(|| Stop::gone(&record))?;
        self.mode(&record, &remote)?;
        account.saw(&record, remote.clone());
        let (record, note) = match record.noted_credit().cloned() {
            Some(note) => (record, note),
            None => match self.note_credit(account, record, &remote).await? {
                Some(noted) => noted,
                None => return Ok(None),
            },
        };
        self.issue_credit(account, record, note, &remote).await.map(Some)
    }

    /// Notes a credit note for what the balance holds for the tenant, up to what the invoice can take: the balance changes
    /// in the same transaction, so that nothing else takes it.
    async fn note_credit(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        remote: &Remote,
    ) -> Result<Option<(InvoiceRecord, CreditNote)>, Stop> {
        if let Some(stop) = Stop::voided_credit(&record, remote).or_else(|| Stop::under_way(&record)) {
            return Err(stop);
        }
        let creditable = Money::from_minor_units(remote.creditable(), record.invoice.currency);
        let note = record.next_credit(account.balance().drawn_by(creditable.amount), self.now());
        if creditable.amount.is_zero() || !note.amount.amount.is_sign_positive() || note.amount.amount.is_zero() {
            return Ok(None);
        }
        let changes = Changes::credited(&note.drawn);
        let record = self.persist(account, record.with_credit(note.clone()), changes).await?;
        Ok(Some((record, note)))
    }

    /// Issues a note, unless Stripe has it already: an answer may have been lost, and keys are forgotten after a day.
    async fn issue_credit(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        note: CreditNote,
        remote: &Remote,
    ) -> Result<InvoiceRecord, Stop> {
        let (amount, metadata) = (note.amount.minor_units()?, record.credit_metadata(&note));
        let there = self.invoices.credit_notes(&remote.id).await?;
        let is_it =
            |found: &RemoteCreditNote| metadata.iter().all(|(key, value)| found.metadata.get(key) == Some(value));
        let issued = match there.into_iter().find(is_it) {
            Some(found) => found,
            None if remote.creditable() < amount => return self.give_up_credit(account, record, note).await,
            // Stripe refuses it for days. What it took from the balance goes back, to be noted again; what a person asked for
            // stays noted.
            None if record.is_being_paid() && !note.drawn.is_empty() => {
                return self.give_up_credit(account, record, note).await;
            }
            None => {
                Stop::under_way(&record).map_or(Ok(()), Err)?;
                let to_balance = remote.paid_of(amount);
                let request = CreditRequest {
                    invoice: remote.id.clone(),
                    amount,
                    to_balance,
                    memo: note.memo(),
                    metadata,
                    idempotency_key: record.idempotency_key(&note.step(to_balance)),
                };
                self.invoices.credit(&request).await?
            }
        };
        let paid = Money::from_minor_units(issued.after_payment, record.invoice.currency);
        let issued = CreditNote {
            state: CreditNoteState::Issued,
            stripe_credit_note: Some(issued.id),
            to_balance: Some(paid).filter(|paid| !paid.amount.is_zero()),
            ..note
        };
        let record = InvoiceRecord { last_error: None, ..record.with_credit(issued) };
        self.persist(account, record, Changes::default()).await
    }

    /// Gives back to the balance what a note had taken that its invoice cannot take any more: it is given up in Stripe, or
    /// a person has credited it.
    async fn give_up_credit(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        note: CreditNote,
    ) -> Result<InvoiceRecord, Stop> {
        let changes = Changes::returned(&note.drawn);
        let note = CreditNote { state: CreditNoteState::GivenUp, ..note };
        self.persist(account, record.with_credit(note), changes).await
    }
}
