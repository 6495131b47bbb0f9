//! From a claimed record to a whole draft in Stripe: created, its lines added in one call, their total verified.

use billing::invoice::{Carries, InvoiceRecord, InvoiceState, REDRAWING, Remote};
use billing::names::STATE_METADATA;

use super::Invoicing;
use super::account::{Account, Changes};
use super::looking::edited;
use super::stop::Stop;
use crate::ports::{DraftRequest, LineRequest, LinesRequest, RemoveRequest, UpdateRequest};

impl Invoicing<'_> {
    /// Makes Stripe's draft carry what the record says. A month that comes to nothing to pay gives its draft up.
    pub(super) async fn draw(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        if record.state.without_document() {
            return self.give_up_draft(account, record).await;
        }
        if record.state != InvoiceState::Claimed {
            return Ok(record);
        }
        let record = self.held(account, record).await?;
        let (record, remote) = self.with_draft(account, record).await?;
        let remote = self.carrying(&record, remote).await?;
        verify(&record, &remote)?;
        account.saw(&record, remote);
        let whole = InvoiceRecord { state: record.finality.state(), last_error: None, ..record };
        self.persist(account, whole, Changes::default()).await
    }

    /// The record with this run's lease on it.
    pub(super) async fn held(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        self.free(&record)?;
        let ours = record.lease.as_ref().is_some_and(|lease| lease.holder == self.holder && lease.until > self.now());
        if ours { Ok(record) } else { self.persist(account, record, Changes::default()).await }
    }

    /// The draft that Stripe was seen to have, or a new one. It was looked for by its metadata before: Stripe may have
    /// forgotten the key of a draft that was created a day ago.
    async fn with_draft(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
    ) -> Result<(InvoiceRecord, Remote), Stop> {
        let customer = record.customer.clone().ok_or_else(|| Stop::NoCustomer(record.tenant().to_owned()))?;
        account.list(self.invoices, &customer).await?;
        let remote = match account.remote(&record).cloned() {
            Some(remote) => remote,
            None => {
                let request = DraftRequest {
                    customer,
                    currency: record.invoice.currency,
                    days_until_due: record.days_until_due,
                    description: record.invoice.exchange_note(),
                    metadata: record.metadata(),
                    idempotency_key: record.idempotency_key("draft"),
                };
                self.invoices.create_draft(&request).await?
            }
        };
        account.saw(&record, remote.clone());
        if record.stripe_invoice.as_ref() == Some(&remote.id) {
            return Ok((record, remote));
        }
        let (stripe_invoice, livemode) = (Some(remote.id.clone()), Some(remote.livemode));
        let created = InvoiceRecord { stripe_invoice, livemode, ..record };
        Ok((self.persist(account, created, Changes::default()).await?, remote))
    }

    /// The draft with the record's lines on it, and nothing else.
    async fn carrying(&self, record: &InvoiceRecord, remote: Remote) -> Result<Remote, Stop> {
        match record.carried_by(&remote) {
            Carries::Nothing => self.with_lines(record, &remote.id).await,
            Carries::Drawing { drawing, finality } if drawing == record.drawing => {
                if finality == record.finality {
                    return Ok(remote);
                }
                let request = UpdateRequest {
                    invoice: remote.id,
                    metadata: record.drawing_metadata(),
                    collection: None,
                    description: record.invoice.exchange_note(),
                    idempotency_key: self.key(record, "state"),
                };
                Ok(self.invoices.update(&request).await?)
            }
            Carries::Drawing { .. } => {
                let lines = self.invoices.line_ids(&remote.id).await?;
                let request = RemoveRequest {
                    invoice: remote.id.clone(),
                    lines,
                    metadata: vec![(STATE_METADATA.to_owned(), REDRAWING.to_owned())],
                    idempotency_key: self.key(record, "clear"),
                };
                self.invoices.remove_lines(&request).await?;
                self.with_lines(record, &remote.id).await
            }
            Carries::Edited => Err(edited(record, &remote)),
        }
    }

    async fn with_lines(&self, record: &InvoiceRecord, invoice: &str) -> Result<Remote, Stop> {
        let mut lines = Vec::with_capacity(record.invoice.lines.len());
        for line in &record.invoice.lines {
            lines.push(LineRequest { amount: line.amount.minor_units()?, description: line.description.clone() });
        }
        let request = LinesRequest {
            invoice: invoice.to_owned(),
            lines,
            period: record.month().period(),
            metadata: record.drawing_metadata(),
            idempotency_key: self.key(record, "lines"),
        };
        Ok(self.invoices.add_lines(&request).await?)
    }

    /// Derived from what the step puts there: which drawing, and how final it is.
    pub(super) fn key(&self, record: &InvoiceRecord, step: &str) -> String {
        record.idempotency_key(&format!("{step}-{}-{}", record.drawing, record.finality.word()))
    }

    /// Deletes the draft of a month that comes to nothing to pay after all. A later invoice of it is a new revision: the
    /// deleted draft's keys are used up.
    async fn give_up_draft(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let Some(id) = record.stripe_invoice.clone() else { return Ok(record) };
        self.invoices.delete_draft(&id).await?;
        // What it drew and left stands as it was taken up: only the document is gone.
        let past = record.past.iter().cloned().chain([record.ended(InvoiceState::Deleted, self.now())]).collect();
        let kept = InvoiceRecord { revision: record.revision + 1, stripe_invoice: None, drawing: 0, past, ..record };
        self.persist(account, kept, Changes::default()).await
    }
}

fn verify(record: &InvoiceRecord, remote: &Remote) -> Result<(), Stop> {
    let same = remote.total == record.invoice.total.minor_units()? && remote.currency == record.invoice.currency.code();
    if same { Ok(()) } else { Err(edited(record, remote)) }
}
