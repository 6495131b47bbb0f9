//! From a claimed record to a verified draft in Stripe.

use std::collections::BTreeMap;

use billing::invoice::{InvoiceRecord, InvoiceState};

use super::{Invoicing, Stop};
use crate::ports::{DraftRequest, ItemRequest, RemoteInvoice, RemoteStatus};

impl Invoicing<'_> {
    /// Finds or creates the draft, adds the items it lacks, and verifies its total.
    pub(super) async fn draft(&self, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let (record, id) = self.with_draft(record).await?;
        let mut record = match state_of(&self.invoices.invoice(&id).await?)? {
            // Somebody was quicker to finalise it; what it came to is still verified.
            InvoiceState::Issued => record,
            _ => self.with_items(record, &id).await?,
        };
        let invoice = self.invoices.invoice(&id).await?;
        verify(&record, &invoice)?;
        record.state = state_of(&invoice)?;
        self.persist(record).await
    }

    /// The ledger's id if it has one; else what listing finds; else a new draft's.
    async fn with_draft(&self, mut record: InvoiceRecord) -> Result<(InvoiceRecord, String), Stop> {
        if let Some(id) = record.stripe_invoice.clone() {
            return Ok((record, id));
        }
        let customer = customer(&record)?;
        let metadata = record.metadata();
        let invoice = match self.invoices.find(&customer, &metadata).await? {
            Some(found) => found,
            None => {
                let request = DraftRequest {
                    customer,
                    currency: record.invoice.currency,
                    days_until_due: record.days_until_due,
                    description: record.invoice.exchange_note(),
                    metadata,
                    idempotency_key: record.idempotency_key("draft"),
                };
                self.invoices.create_draft(&request).await?
            }
        };
        record.stripe_invoice = Some(invoice.id.clone());
        record.state = InvoiceState::Drafting;
        Ok((self.persist(record).await?, invoice.id))
    }

    /// Adds one item for each line that has none yet, in order, each persisted.
    async fn with_items(&self, mut record: InvoiceRecord, invoice: &str) -> Result<InvoiceRecord, Stop> {
        let items = self.invoices.items(invoice).await?;
        let present: BTreeMap<usize, String> =
            items.into_iter().filter_map(|item| item.line.map(|line| (line, item.id))).collect();
        record.stripe_items.clear();
        for line in 0..record.invoice.lines.len() {
            if let Some(id) = present.get(&line) {
                record.stripe_items.push(id.clone());
                continue;
            }
            let added = self.invoices.add_item(&item(&record, invoice, line)?).await?;
            record.stripe_items.push(added.id);
            record = self.persist(record).await?;
        }
        Ok(record)
    }
}

fn item(record: &InvoiceRecord, invoice: &str, line: usize) -> Result<ItemRequest, Stop> {
    let billed = &record.invoice.lines[line];
    Ok(ItemRequest {
        customer: customer(record)?,
        invoice: invoice.to_owned(),
        amount: billed.amount.minor_units()?,
        currency: record.invoice.currency,
        description: billed.description.clone(),
        period: record.month().period(),
        line,
        idempotency_key: record.idempotency_key(&format!("line-{line}")),
    })
}

fn customer(record: &InvoiceRecord) -> Result<String, Stop> {
    record.customer.clone().ok_or_else(|| Stop::NoCustomer(record.tenant().to_owned()))
}

fn verify(record: &InvoiceRecord, invoice: &RemoteInvoice) -> Result<(), Stop> {
    let ours = record.invoice.total;
    if invoice.total == ours.minor_units()? && invoice.currency == ours.currency.code() {
        return Ok(());
    }
    let stripe = format!("{} {} (minor units)", invoice.total.0, invoice.currency);
    Err(Stop::Mismatch { invoice: invoice.id.clone(), stripe, ours })
}

/// What Stripe's status means for the record; a void or unknown one is nothing to go on with.
fn state_of(invoice: &RemoteInvoice) -> Result<InvoiceState, Stop> {
    let stop = |status: &str| Stop::WrongStatus { invoice: invoice.id.clone(), status: status.to_owned() };
    match &invoice.status {
        RemoteStatus::Draft => Ok(InvoiceState::Draft),
        RemoteStatus::Issued => Ok(InvoiceState::Issued),
        RemoteStatus::Void => Err(stop("void")),
        RemoteStatus::Unknown(status) => Err(stop(status)),
    }
}
