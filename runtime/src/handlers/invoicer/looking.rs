//! Stripe is looked at again: what somebody did to an invoice there is noticed, and never undone in silence.

use billing::invoice::{Carries, InvoiceRecord, InvoiceState, Payment, Remote, RemoteStatus};

use super::Invoicing;
use super::account::{Account, Changes};
use super::stop::Stop;

impl Invoicing<'_> {
    /// Compares a record with its invoice in Stripe and moves it forward; one that is gone is replaced by a new revision.
    pub(super) async fn look(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let Some(customer) = record.customer.clone().filter(|_| !record.state.without_document()) else {
            return Ok(record);
        };
        self.free(&record)?;
        account.list(self.invoices, &customer).await?;
        let remote = match (account.remote(&record).cloned(), &record.stripe_invoice) {
            (Some(remote), _) => remote,
            // Claimed, and not created yet.
            (None, None) => return Ok(record),
            (None, Some(id)) => match self.invoices.invoice(id).await? {
                Some(remote) => {
                    account.saw(&record, remote.clone());
                    remote
                }
                None => return self.gone(account, record).await,
            },
        };
        self.mode(&record, &remote)?;
        match &remote.status {
            RemoteStatus::Draft => self.still_a_draft(account, record, &remote).await,
            RemoteStatus::Open | RemoteStatus::Paid => self.forward(account, record, &remote, InvoiceState::Open).await,
            RemoteStatus::Uncollectible => self.forward(account, record, &remote, InvoiceState::Uncollectible).await,
            RemoteStatus::Void => self.replaced(account, record, InvoiceState::Void).await,
            RemoteStatus::Unknown(status) => {
                let (invoice, ours) = (remote.id.clone(), record.state);
                Err(Stop::WrongStatus { invoice, status: status.clone(), ours })
            }
        }
    }

    /// Whether no other run holds the record.
    pub(super) fn free(&self, record: &InvoiceRecord) -> Result<(), Stop> {
        match &record.lease {
            Some(lease) if record.held_by_other(&self.holder, self.now()) => Err(Stop::Held(lease.until)),
            _ => Ok(()),
        }
    }

    /// A trial in test mode says nothing about live mode, and the other way round.
    pub(super) fn mode(&self, record: &InvoiceRecord, remote: &Remote) -> Result<(), Stop> {
        let name = |livemode| if livemode { "live mode" } else { "test mode" };
        match record.livemode.filter(|livemode| *livemode != remote.livemode) {
            Some(theirs) => {
                Err(Stop::OtherMode { invoice: remote.id.clone(), theirs: name(theirs), ours: name(remote.livemode) })
            }
            None => Ok(()),
        }
    }

    async fn still_a_draft(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        remote: &Remote,
    ) -> Result<InvoiceRecord, Stop> {
        if !record.state.is_draft() {
            let (invoice, ours) = (remote.id.clone(), record.state);
            return Err(Stop::WrongStatus { invoice, status: "a draft".to_owned(), ours });
        }
        if record.carried_by(remote) == Carries::Edited {
            return Err(edited(&record, remote));
        }
        if record.stripe_invoice.is_some() {
            return Ok(record);
        }
        let found =
            InvoiceRecord { stripe_invoice: Some(remote.id.clone()), livemode: Some(remote.livemode), ..record };
        self.persist(account, found, Changes::default()).await
    }

    /// A finalised invoice: by this program, whose answer was lost, or by a person in Stripe.
    async fn forward(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        remote: &Remote,
        state: InvoiceState,
    ) -> Result<InvoiceRecord, Stop> {
        if record.differs_from(remote) {
            return Err(edited(&record, remote));
        }
        let payment = Payment::of(remote, self.invoices.payments(&remote.id).await?);
        match record.forwarded(remote, state, payment, self.now()) {
            Some(found) => self.persist(account, found, Changes::default()).await,
            None => Ok(record),
        }
    }

    /// Stripe does not know it any more. Only drafts can be deleted.
    async fn gone(&self, account: &mut Account<'_>, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        if record.state.is_draft() {
            return self.replaced(account, record, InvoiceState::Deleted).await;
        }
        Err(Stop::gone(&record))
    }

    /// Begins a new revision: new keys, the claim and its terms kept, what was drawn from the balance given back, and what
    /// was restated onto later invoices taken back, because the new revision bills the month as a whole.
    async fn replaced(
        &self,
        account: &mut Account<'_>,
        record: InvoiceRecord,
        ended: InvoiceState,
    ) -> Result<InvoiceRecord, Stop> {
        tracing::warn!(tenant = record.tenant(), month = %record.month(), ended = ended.name(), "an invoice is gone");
        let (changes, record) = superseded(record, ended, self.now());
        self.persist(account, record, changes).await
    }
}

/// The next revision of a record, empty: its cost is assessed again. And what that does to the balance.
fn superseded(record: InvoiceRecord, ended: InvoiceState, at: jiff::Timestamp) -> (Changes, InvoiceRecord) {
    let changes = Changes::returned(&record.taken()).without_restatements(&record, "billed again");
    let past = record.ended(ended, at);
    let mut invoice = record.invoice.clone();
    invoice.without_carried();
    let next = InvoiceRecord {
        state: InvoiceState::Claimed,
        revision: record.revision + 1,
        stripe_invoice: None,
        drawing: 0,
        invoice,
        drawn: Vec::new(),
        restated: None,
        approval: None,
        credit_notes: Vec::new(),
        refunds: Vec::new(),
        sent: None,
        payment: Payment::default(),
        last_error: None,
        past: record.past.iter().cloned().chain([past]).collect(),
        ..record
    };
    (changes, next)
}

pub(super) fn edited(record: &InvoiceRecord, remote: &Remote) -> Stop {
    let stripe = remote
        .money()
        .map_or_else(|| format!("{} {} (minor units)", remote.total.0, remote.currency), |money| money.to_string());
    Stop::Edited { invoice: remote.id.clone(), stripe, ours: record.invoice.total }
}
