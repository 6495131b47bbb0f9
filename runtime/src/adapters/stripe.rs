//! Stripe's invoices through async-stripe, with derived idempotency keys and retries under the same key.

mod attempts;
mod checkout;
mod exchange;
mod pace;
mod payments;
pub mod requests;

use async_trait::async_trait;
use billing::invoice::{Attempt, Remote, RemoteCreditNote, RemoteStatus};
use billing::money::MinorUnits;
use billing::names::TENANT_METADATA;
use stripe::StripeRequest;
use stripe_billing::{CreditNote, Invoice, InvoiceStatus};
use stripe_core::customer::RetrieveCustomerReturned;

use crate::ports::{
    CreditRequest, DraftRequest, Invoices, LinesRequest, PortError, RefundRequest, RemoveRequest, StepRequest,
    UpdateRequest,
};
pub use checkout::StripeCheckout;
pub use exchange::{Exchange, HttpExchange, Pairs};
pub use payments::StripePayments;

/// Stripe's invoices.
pub struct StripeInvoices {
    exchange: HttpExchange,
    payments: StripePayments<HttpExchange>,
}

impl StripeInvoices {
    /// Over an exchange.
    pub fn new(exchange: HttpExchange) -> StripeInvoices {
        StripeInvoices { payments: StripePayments::new(exchange.clone()), exchange }
    }

    /// Sends a request that writes, under its idempotency key.
    async fn under_key<R>(&self, doing: &str, idempotency_key: &str, request: &R) -> Result<Remote, PortError>
    where
        R: StripeRequest<Output = Invoice>,
    {
        let strategy = attempts::under_key(doing, idempotency_key)?;
        let sent = self
            .exchange
            .account
            .repeat(doing, || request.customize().request_strategy(strategy.clone()).send(&self.exchange.client));
        remote(&sent.await?)
    }
}

#[async_trait]
impl Invoices for StripeInvoices {
    async fn of_customer(&self, customer: &str) -> Result<Vec<Remote>, PortError> {
        let mut list = requests::of_customer(customer);
        let mut found = Vec::new();
        loop {
            let page =
                self.exchange.account.repeat("list Stripe's invoices", || list.send(&self.exchange.client)).await?;
            let ours = |invoice: &&Invoice| {
                invoice.metadata.as_ref().is_some_and(|metadata| metadata.contains_key(TENANT_METADATA))
            };
            for invoice in page.data.iter().filter(ours) {
                found.push(remote(invoice)?);
            }
            match page.data.last().and_then(|invoice| invoice.id.as_ref()) {
                Some(last) if page.has_more => list = list.starting_after(last.to_string()),
                _ => return Ok(found),
            }
        }
    }

    async fn invoice(&self, id: &str) -> Result<Option<Remote>, PortError> {
        let retrieve = requests::invoice(id);
        let found = self
            .exchange
            .account
            .repeat_found("read a Stripe invoice", || retrieve.send(&self.exchange.client))
            .await?;
        found.as_ref().map(remote).transpose()
    }

    async fn create_draft(&self, request: &DraftRequest) -> Result<Remote, PortError> {
        self.under_key("create a draft invoice", &request.idempotency_key, &requests::create(request)).await
    }

    async fn add_lines(&self, request: &LinesRequest) -> Result<Remote, PortError> {
        let add = requests::add_lines(request)?;
        self.under_key("add an invoice's lines", &request.idempotency_key, &add).await
    }

    async fn line_ids(&self, invoice: &str) -> Result<Vec<String>, PortError> {
        let mut list = requests::lines(invoice);
        let mut found = Vec::new();
        loop {
            let page =
                self.exchange.account.repeat("list an invoice's lines", || list.send(&self.exchange.client)).await?;
            found.extend(page.data.iter().map(|line| line.id.to_string()));
            match page.data.last() {
                Some(last) if page.has_more => list = list.starting_after(last.id.to_string()),
                _ => return Ok(found),
            }
        }
    }

    async fn remove_lines(&self, request: &RemoveRequest) -> Result<Remote, PortError> {
        self.under_key("remove a draft's lines", &request.idempotency_key, &requests::remove_lines(request)).await
    }

    async fn update(&self, request: &UpdateRequest) -> Result<Remote, PortError> {
        self.under_key("update a draft", &request.idempotency_key, &requests::update(request)).await
    }

    async fn finalize(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.under_key("finalise an invoice", &step.idempotency_key, &requests::finalize(step)).await
    }

    async fn send(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.under_key("send an invoice", &step.idempotency_key, &requests::send(step)).await
    }

    async fn void(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.under_key("void an invoice", &step.idempotency_key, &requests::void(step)).await
    }

    async fn payments(&self, invoice: &str) -> Result<Vec<Attempt>, PortError> {
        self.payments.of_invoice(invoice).await
    }

    async fn credit_notes(&self, invoice: &str) -> Result<Vec<RemoteCreditNote>, PortError> {
        let mut list = requests::credit_notes(invoice);
        let mut found = Vec::new();
        loop {
            let page = self
                .exchange
                .account
                .repeat("list an invoice's credit notes", || list.send(&self.exchange.client))
                .await?;
            found.extend(page.data.iter().map(credit_note));
            match page.data.last() {
                Some(last) if page.has_more => list = list.starting_after(last.id.to_string()),
                _ => return Ok(found),
            }
        }
    }

    async fn credit(&self, request: &CreditRequest) -> Result<RemoteCreditNote, PortError> {
        const DOING: &str = "issue a credit note";
        let create = requests::credit(request);
        let strategy = attempts::under_key(DOING, &request.idempotency_key)?;
        let send = || create.customize().request_strategy(strategy.clone()).send(&self.exchange.client);
        self.exchange.account.repeat(DOING, send).await.as_ref().map(credit_note).map_err(Clone::clone)
    }

    async fn refund_of(&self, request: &RefundRequest) -> Result<Option<String>, PortError> {
        self.payments.refund_of(request).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<String, PortError> {
        self.payments.refund(request).await
    }

    async fn delete_draft(&self, invoice: &str) -> Result<(), PortError> {
        let delete = requests::delete(invoice);
        // Deleting has the same effect however often it is sent: it needs no key.
        self.exchange.account.repeat_found("delete a draft", || delete.send(&self.exchange.client)).await.map(drop)
    }

    async fn can_charge(&self, customer: &str) -> Result<bool, PortError> {
        let retrieve = requests::customer(customer);
        let found =
            self.exchange.account.repeat("read a Stripe customer", || retrieve.send(&self.exchange.client)).await?;
        Ok(match found {
            RetrieveCustomerReturned::Customer(customer) => {
                let chosen = customer.invoice_settings.and_then(|settings| settings.default_payment_method);
                chosen.is_some() || customer.default_source.is_some()
            }
            RetrieveCustomerReturned::DeletedCustomer(_) => false,
        })
    }
}

/// An invoice as far as the ledger compares it.
fn remote(invoice: &Invoice) -> Result<Remote, PortError> {
    let id = invoice.id.as_ref().ok_or_else(|| PortError::new("read a Stripe invoice", "it has no id"))?;
    let status = match &invoice.status {
        Some(InvoiceStatus::Draft) => RemoteStatus::Draft,
        Some(InvoiceStatus::Open) => RemoteStatus::Open,
        Some(InvoiceStatus::Paid) => RemoteStatus::Paid,
        Some(InvoiceStatus::Uncollectible) => RemoteStatus::Uncollectible,
        Some(InvoiceStatus::Void) => RemoteStatus::Void,
        // Stripe may add a status; only those we know are taken for anything.
        Some(other) => RemoteStatus::Unknown(other.to_string()),
        None => RemoteStatus::Unknown("without a status".to_owned()),
    };
    let after = invoice.ending_balance.unwrap_or(invoice.starting_balance);
    Ok(Remote {
        id: id.to_string(),
        status,
        total: MinorUnits(invoice.total),
        currency: invoice.currency.to_string().to_ascii_uppercase(),
        livemode: invoice.livemode,
        has_lines: !invoice.lines.data.is_empty(),
        paid: MinorUnits(invoice.amount_paid),
        remaining: MinorUnits(invoice.amount_remaining),
        credited_unpaid: MinorUnits(invoice.pre_payment_credit_notes_amount),
        credited_paid: MinorUnits(invoice.post_payment_credit_notes_amount),
        by_balance: MinorUnits((after - invoice.starting_balance).max(0)),
        off_stripe: MinorUnits(invoice.amount_paid_off_stripe.unwrap_or_default()),
        overpaid: MinorUnits(invoice.amount_overpaid),
        attempted: invoice.attempted,
        metadata: invoice.metadata.iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect(),
    })
}

/// A credit note as far as the ledger compares it.
fn credit_note(note: &CreditNote) -> RemoteCreditNote {
    RemoteCreditNote {
        id: note.id.to_string(),
        amount: MinorUnits(note.amount),
        after_payment: MinorUnits(note.post_payment_amount),
        metadata: note.metadata.iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect(),
    }
}
