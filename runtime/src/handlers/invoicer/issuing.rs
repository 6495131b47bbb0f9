//! From a complete draft to an issued invoice: approved, finalised, sent or charged.

use billing::invoice::{
    Approval, AutomaticApproval, Carries, Collection, Finality, InvoiceRecord, InvoiceState, Payment,
};

use super::Invoicing;
use super::account::{Account, Changes};
use super::looking::edited;
use super::stop::Stop;
use crate::ports::{StepRequest, UpdateRequest};

impl Invoicing<'_> {
    /// Approves by the rules where approval is automatic, and issues what is approved.
    pub(super) async fn issue(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let record = match record.state {
            InvoiceState::Complete => match self.policy.automatic {
                None => return Ok(record),
                Some(rules) => {
                    let total = record.invoice.total;
                    // A closing month has no cost of its own to be compared with the months before.
                    let is_closing = account.tenant.last_period.is_some_and(|last| last < record.month());
                    let deviation = rules.deviation.filter(|_| !is_closing);
                    let rules = AutomaticApproval { deviation, ..rules };
                    rules.allows(total, record.own(), record.month(), &account.records())?;
                    let approval = Approval { total, at: self.now(), by: "billform".to_owned() };
                    self.approved(account, record, approval).await?
                }
            },
            InvoiceState::Approved | InvoiceState::Open => record,
            _ => return Ok(record),
        };
        let record = self.finalized(account, record).await?;
        self.sent(account, record).await
    }

    /// Notes the approval, before anything goes out.
    pub(super) async fn approved(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        approval: Approval,
    ) -> Result<InvoiceRecord, Stop> {
        let approved = InvoiceRecord { state: InvoiceState::Approved, approval: Some(approval), ..record };
        self.persist(account, approved, Changes::default()).await
    }

    /// Finalises a draft that carries exactly what was approved. Nothing else is ever finalised.
    async fn finalized(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        if record.state != InvoiceState::Approved {
            return Ok(record);
        }
        let record = self.held(account, record).await?;
        let wrong =
            || Stop::WrongState { state: record.state, needs: "its draft is not in Stripe; run the invoicer again" };
        let remote = account.remote(&record).cloned().ok_or_else(wrong)?;
        let complete = Carries::Drawing { drawing: record.drawing, finality: Finality::Complete };
        let shown = record.approval.as_ref().map(|approval| approval.total);
        if record.carried_by(&remote) != complete
            || Ok(remote.total) != record.invoice.total.minor_units()
            || shown != Some(record.invoice.total)
        {
            return Err(edited(&record, &remote));
        }
        let record = self.with_collection(account, record).await?;
        let step = StepRequest { invoice: remote.id, idempotency_key: record.idempotency_key("finalize") };
        let remote = self.invoices.finalize(&step).await?;
        // Charged at once, or nothing was tried yet.
        let attempts = match remote.attempted {
            true => self.invoices.payments(&remote.id).await?,
            false => Vec::new(),
        };
        let payment = Payment::of(&remote, attempts);
        account.saw(&record, remote);
        let open = InvoiceRecord { state: InvoiceState::Open, payment, last_error: None, ..record };
        self.persist(account, open, Changes::default()).await
    }

    /// Charges where the customer has a payment method for it, else sends the invoice. What it says of the exchange is told
    /// by the cost that is issued, not by the one that the draft began with.
    async fn with_collection(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let (Some(customer), Some(invoice)) = (record.customer.clone(), record.stripe_invoice.clone()) else {
            return Ok(record);
        };
        let record = match record.collection {
            // Noted before the invoice is issued: a run that goes on after this one sends it, too.
            Collection::ChargeAutomatically if !self.invoices.can_charge(&customer).await? => {
                tracing::warn!(tenant = record.tenant(), "no payment method to charge: the invoice is sent");
                let sends = InvoiceRecord { collection: Collection::SendInvoice, ..record };
                return self.described(self.persist(account, sends, Changes::default()).await?).await;
            }
            Collection::ChargeAutomatically => record,
            Collection::SendInvoice => return self.described(record).await,
        };
        let request = UpdateRequest {
            invoice,
            metadata: Vec::new(),
            collection: Some(Collection::ChargeAutomatically),
            description: record.invoice.exchange_note(),
            idempotency_key: self.key(&record, "collection"),
        };
        self.invoices.update(&request).await?;
        Ok(record)
    }

    /// Has the draft name the exchange of the cost that is issued. An invoice in US dollars has none.
    async fn described(&self, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let (Some(invoice), Some(note)) = (record.stripe_invoice.clone(), record.invoice.exchange_note()) else {
            return Ok(record);
        };
        let request = UpdateRequest {
            invoice,
            metadata: Vec::new(),
            collection: None,
            description: Some(note),
            idempotency_key: self.key(&record, "describe"),
        };
        self.invoices.update(&request).await?;
        Ok(record)
    }

    /// E-mails an invoice that billform finalised. One that a person finalised is that person's to send.
    async fn sent(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let is_due = record.state == InvoiceState::Open
            && record.collection == Collection::SendInvoice
            && record.approval.is_some()
            && record.sent.is_none();
        let Some(invoice) = record.stripe_invoice.clone().filter(|_| is_due) else { return Ok(record) };
        let step = StepRequest { invoice, idempotency_key: record.idempotency_key("send") };
        let remote = self.invoices.send(&step).await?;
        account.saw(&record, remote);
        let sent = InvoiceRecord { sent: Some(self.now()), ..record };
        self.persist(account, sent, Changes::default()).await
    }
}
