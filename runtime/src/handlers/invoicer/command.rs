//! What a person asks for: approve, void, reset.

use billing::Month;
use billing::invoice::{Approval, AttemptStatus, InvoiceRecord, InvoiceState, MonthTerms, RemoteStatus};

use super::Invoicing;
use super::account::{Account, Changes};
use super::event::InvoicerEvent;
use super::month::{Reached, done};
use super::stop::Stop;
use crate::ports::StepRequest;

impl Invoicing<'_> {
    /// Brings a month up to date, approves it if it comes to exactly what was shown, and issues it.
    pub(super) async fn approve(
        &self,
        account: &mut Account<'_>,
        month: Month,
        event: &InvoicerEvent,
    ) -> Result<Reached, Stop> {
        let before = account.record(month).map(|record| record.version);
        let record = match self.month(account, month).await {
            Ok((_, record)) => record,
            // What the rules hold back is what the person has looked at.
            Err(Stop::ForAPerson(_)) => account.record(month).cloned(),
            Err(stop) => return Err(stop),
        };
        let record = record.ok_or_else(|| no_invoice(account, month))?;
        let total = record.invoice.total;
        match (record.state, event.total.filter(|shown| *shown != total)) {
            (InvoiceState::Complete, None) => {}
            (InvoiceState::Complete, Some(shown)) => return Err(Stop::AnotherTotal { total, shown }),
            // Approved before: it was issued, or is on its way.
            (InvoiceState::Open, None) => return Ok(done(record, before)),
            (InvoiceState::Provisional, _) => {
                let reason = self.assess(account, month).await?.waits;
                return Err(reason.map_or(Stop::TakenOver, Stop::NotFinal));
            }
            (state, _) => return Err(Stop::WrongState { state, needs: "only a complete draft can be approved" }),
        }
        let approval = Approval { total, at: self.now(), by: event.by.clone().unwrap_or_default() };
        let record = self.approved(account, record, approval).await?;
        Ok(done(self.issue(account, record).await?, before))
    }

    /// Deletes the draft or voids the invoice, for good.
    pub(super) async fn write_off(&self, account: &mut Account<'_>, month: Month) -> Result<Reached, Stop> {
        let before = account.record(month).map(|record| record.version);
        let record = account.record(month).cloned().ok_or_else(|| no_invoice(account, month))?;
        self.free(&record)?;
        if record.written_off || record.state.without_document() {
            return Err(Stop::WrongState { state: record.state, needs: "there is nothing to take back" });
        }
        self.refuse_paid(&record).await?;
        // Noted first: a run that finds the invoice gone must not bill it again.
        let record = InvoiceRecord { written_off: true, ..record };
        let record = self.persist(account, record, Changes::default()).await?;
        Ok(done(self.taken_back(account, record).await?, before))
    }

    /// Stripe voids no invoice that is paid, or of which a payment is under way.
    async fn refuse_paid(&self, record: &InvoiceRecord) -> Result<(), Stop> {
        let Some(id) = &record.stripe_invoice else { return Ok(()) };
        let Some(remote) = self.invoices.invoice(id).await? else { return Ok(()) };
        let why = match &remote.status {
            RemoteStatus::Paid => {
                "it is paid; `billform invoice refund` gives money back, `invoice credit` takes it off"
            }
            RemoteStatus::Open => {
                let attempts = self.invoices.payments(id).await?;
                let is_under_way = attempts.iter().any(|attempt| attempt.status == AttemptStatus::Processing);
                match is_under_way {
                    true => "a payment of it is under way; ask again once it has come in or failed",
                    false => return Ok(()),
                }
            }
            _ => return Ok(()),
        };
        Err(Stop::NotVoidable { invoice: id.clone(), why })
    }

    /// Takes back in Stripe what was written off, as far as it is not yet, and gives back what it drew on the balance.
    pub(super) async fn taken_back(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
    ) -> Result<InvoiceRecord, Stop> {
        if matches!(record.state, InvoiceState::Void | InvoiceState::Deleted) {
            return Ok(record);
        }
        let remote = match &record.stripe_invoice {
            Some(id) => self.invoices.invoice(id).await?,
            None => None,
        };
        let state = match remote {
            None => InvoiceState::Deleted,
            Some(remote) if remote.status == RemoteStatus::Draft => {
                self.invoices.delete_draft(&remote.id).await?;
                InvoiceState::Deleted
            }
            Some(remote) if remote.status == RemoteStatus::Void => InvoiceState::Void,
            // Paid just before Stripe was asked: it stands.
            Some(remote) if remote.status == RemoteStatus::Paid => {
                let stands = InvoiceRecord { written_off: false, ..record };
                let stands = self.persist(account, stands, Changes::default()).await?;
                return self.look(account, stands).await;
            }
            Some(remote) => {
                let step = StepRequest { invoice: remote.id, idempotency_key: record.idempotency_key("void") };
                self.invoices.void(&step).await?;
                InvoiceState::Void
            }
        };
        // What later invoices had of its restatements goes back, too: the month is billed by nobody.
        let changes = Changes::returned(&record.taken()).without_restatements(&record, "taken back");
        let given_up = InvoiceRecord { state, drawn: Vec::new(), restated: None, last_error: None, ..record };
        self.persist(account, given_up, changes).await
    }

    /// Takes up the tenant's present terms for a draft, and draws it up again.
    pub(super) async fn reset(&self, account: &mut Account<'_>, month: Month) -> Result<Reached, Stop> {
        let before = account.record(month).map(|record| record.version);
        let record = account.record(month).cloned().ok_or_else(|| no_invoice(account, month))?;
        let record = self.look(account, record).await?;
        let can_be_redrawn = record.state.is_draft() && record.state != InvoiceState::Approved;
        if !can_be_redrawn && !record.state.without_document() {
            return Err(Stop::WrongState { state: record.state, needs: "only a draft can be drawn up again" });
        }
        let terms = MonthTerms::of(account.tenant, month)?;
        let mut record = InvoiceRecord { terms: terms.terms, ..record };
        record.invoice.exchange = terms.exchange;
        self.persist(account, record, Changes::default()).await?;
        let (result, record) = self.month(account, month).await?;
        Ok(record.map_or((result, None), |record| done(record, before)))
    }
}

pub(super) fn no_invoice(account: &Account<'_>, month: Month) -> Stop {
    Stop::NoInvoice { tenant: account.tenant.id.clone(), month }
}
