//! What a person gives back: a refund of a payment, or a credit note. Each is noted in the ledger, then made in Stripe.

use billing::invoice::{InvoiceRecord, InvoiceState, Refund};
use billing::{Money, Month};

use super::Invoicing;
use super::account::{Account, Changes};
use super::command::no_invoice;
use super::event::InvoicerEvent;
use super::month::{Reached, done};
use super::stop::Stop;
use crate::ports::{PortError, RefundRequest};

impl Invoicing<'_> {
    /// Refunds a part of a payment, once for its amount and reason.
    pub(super) async fn refund(
        &self,
        account: &mut Account<'_>,
        month: Month,
        event: &InvoicerEvent,
    ) -> Result<Reached, Stop> {
        let (amount, reason) = asked(event);
        let (before, record) = self.issued(account, month, amount).await?;
        let (record, refund) = match record.refund_for(amount, reason).cloned() {
            Some(refund) if refund.stripe_refund.is_some() => return Ok(done(record, before)),
            Some(refund) => (record, refund),
            None => {
                let refundable = record.refundable();
                let fits = refundable.iter().find(|(_, left)| amount.amount <= left.amount);
                let Some((payment, _)) = fits else {
                    let most = refundable.iter().map(|(_, left)| *left).max_by_key(|left| left.amount);
                    return Err(Stop::NotRefundable { amount, most: most.unwrap_or(Money::zero(amount.currency)) });
                };
                let refund = record.next_refund(amount, payment, reason, self.now());
                let noted = record.with_refund(refund.clone());
                (self.persist(account, noted, Changes::default()).await?, refund)
            }
        };
        let record = self.make_refund(account, record, refund).await?;
        Ok(done(record, before))
    }

    /// Makes a refund that is noted, unless Stripe has it already: keys are forgotten after a day.
    async fn make_refund(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        refund: Refund,
    ) -> Result<InvoiceRecord, Stop> {
        let request = RefundRequest {
            payment: refund.payment.clone(),
            amount: refund.amount.minor_units()?,
            metadata: record.refund_metadata(&refund),
            idempotency_key: record.idempotency_key(&refund.step()),
        };
        let made = match self.invoices.refund_of(&request).await? {
            Some(made) => made,
            None => match self.invoices.refund(&request).await {
                Ok(made) => made,
                Err(error) if error.refused => return Err(self.give_up_refund(account, record, refund, error).await),
                Err(error) => return Err(error.into()),
            },
        };
        let refunded = record.with_refund(Refund { stripe_refund: Some(made), ..refund });
        let record = self.persist(account, refunded, Changes::default()).await?;
        // What it did to the money is read back.
        account.forget(&record);
        self.look(account, record).await
    }

    /// Notes that Stripe refused a refund, so that no later run makes it unasked, and the month goes on.
    async fn give_up_refund(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        refund: Refund,
        error: PortError,
    ) -> Stop {
        let refused = record.with_refund(Refund { refused: Some(error.to_string()), ..refund.clone() });
        match self.persist(account, refused, Changes::default()).await {
            Ok(_) => Stop::RefundRefused { amount: refund.amount, why: error.to_string() },
            Err(stop) => stop,
        }
    }

    /// Finishes what a command began to give back and was cut off from.
    pub(super) async fn finish_giving_back(
        &self,
        account: &mut Account<'_>,
        mut record: InvoiceRecord,
    ) -> Result<InvoiceRecord, Stop> {
        if record.state != InvoiceState::Open || !record.is_giving_back() {
            return Ok(record);
        }
        while let Some(refund) = record.noted_refund().cloned() {
            match self.make_refund(account, record.clone(), refund).await {
                Ok(made) => record = made,
                // The record says so, and the month goes on.
                Err(Stop::RefundRefused { .. }) => record = account.record(record.month()).cloned().unwrap_or(record),
                Err(stop) => return Err(stop),
            }
        }
        match record.is_giving_back() {
            true => Ok(self.credit(account, record.clone()).await?.unwrap_or(record)),
            false => Ok(record),
        }
    }

    /// Takes an amount off an issued invoice, once for its amount and reason.
    pub(super) async fn grant(
        &self,
        account: &mut Account<'_>,
        month: Month,
        event: &InvoicerEvent,
    ) -> Result<Reached, Stop> {
        let (amount, reason) = asked(event);
        let (before, mut record) = self.issued(account, month, amount).await?;
        if record.noted_credit().is_some() {
            // A note that was cut off goes first, whatever its cause.
            let finished = self.credit(account, record.clone()).await?;
            record = finished.unwrap_or(record);
        }
        if record.granted(amount, reason).is_none() {
            let invoice = record.stripe_invoice.clone().unwrap_or_default();
            if record.is_being_paid() {
                return Err(Stop::NotCreditableYet(invoice));
            }
            let remote = self.invoices.invoice(&invoice).await?.ok_or_else(|| Stop::gone(&record))?;
            let most = Money::from_minor_units(remote.creditable(), record.invoice.currency);
            if amount.amount > most.amount {
                return Err(Stop::NotCreditable { amount, most });
            }
            let note = record.next_grant(amount, reason, self.now());
            let noted = self.persist(account, record.with_credit(note), Changes::default()).await?;
            record = self.credit(account, noted.clone()).await?.unwrap_or(noted);
        }
        account.forget(&record);
        Ok(done(self.look(account, record).await?, before))
    }

    /// The month's issued invoice, as Stripe has it now, and the version of its record before.
    async fn issued(
        &self,
        account: &mut Account<'_>,
        month: Month,
        amount: Money,
    ) -> Result<(Option<u64>, InvoiceRecord), Stop> {
        let record = account.record(month).cloned().ok_or_else(|| no_invoice(account, month))?;
        let before = Some(record.version);
        let record = self.look(account, record).await?;
        if record.state != InvoiceState::Open {
            let needs = "only an invoice that was issued can be refunded or credited";
            return Err(Stop::WrongState { state: record.state, needs });
        }
        let currency = record.invoice.currency;
        if amount != amount.rounded() {
            return Err(Stop::TooFine(amount));
        }
        match amount.currency == currency && amount.amount.is_sign_positive() && !amount.amount.is_zero() {
            true => Ok((before, record)),
            false => Err(Stop::WrongAmount { amount, currency }),
        }
    }
}

/// What the event's check has made sure of.
fn asked(event: &InvoicerEvent) -> (Money, &str) {
    let amount = event.amount.unwrap_or(Money::zero(billing::Currency::USD));
    (amount, event.reason.as_deref().unwrap_or_default().trim())
}
