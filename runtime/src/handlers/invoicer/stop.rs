//! Why a month's invoice did not get done.

use billing::invoice::{Held, InvoiceRecord, InvoiceState, LastError, NotReady, PriceError, Remote, overdue_since};
use billing::{Money, Month};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::Invoicing;
use super::account::{Account, Changes};
use super::answer::MonthResult;
use crate::ports::PortError;

/// Why a month's invoice did not get done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error("{reason} (it should have been complete on {since})")]
    Late { reason: NotReady, since: Date },
    #[error("{0} was synced again while it was read; run the invoicer again")]
    Resynced(Month),
    #[error("tenant {0} has no Stripe customer yet; run `billform apply`")]
    NoCustomer(String),
    #[error("the cost of {tag} in {month} was invoiced to tenant {holder}, or is being")]
    Claimed { tag: String, month: Month, holder: String },
    #[error("another run holds it until {0}")]
    Held(Timestamp),
    #[error("another run took it over")]
    TakenOver,
    #[error(transparent)]
    ForAPerson(#[from] Held),
    #[error(transparent)]
    Price(#[from] PriceError),
    #[error(transparent)]
    Money(#[from] billing::money::MoneyError),
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(
        "Stripe's {invoice} comes to {stripe}, the ledger to {ours}; somebody edited it: undo the edit in Stripe, or run \
         `billform invoice void`, which deletes the draft"
    )]
    Edited { invoice: String, stripe: String, ours: Money },
    #[error("Stripe's {invoice} is {status}, and the ledger has it as {}; look at it in Stripe", ours.name())]
    WrongStatus { invoice: String, status: String, ours: InvoiceState },
    #[error(
        "Stripe's {invoice} is of {theirs}, and the Stripe key is of {ours}: the month was billed there. To bill it here, \
         set `first_period` so that it is left to whoever billed it, or remove the ledger's record"
    )]
    OtherMode { invoice: String, theirs: &'static str, ours: &'static str },
    #[error(
        "{rest} is owed to the tenant, who left, and no invoice can take it: a credit note is taken by an invoice that is \
         open or paid, up to its total. Pay it out by hand; then approving the tenant's removal closes the account"
    )]
    NotGivenBack { rest: Money },
    #[error(
        "Stripe's {invoice} has less in credit notes than the {ours} that billform issued on it: somebody voided one. \
         Issue it again in Stripe, or void the invoice, so that the month is billed again"
    )]
    CreditNoteVoided { invoice: String, ours: Money },
    #[error("there is no invoice of {tenant} for {month}")]
    NoInvoice { tenant: String, month: Month },
    #[error("it comes to {total} now, and {shown} was approved; look at it again and approve that")]
    AnotherTotal { total: Money, shown: Money },
    #[error("its figures are not final: {0}; a provisional draft cannot be approved")]
    NotFinal(NotReady),
    #[error("{amount} is not an amount above zero in {currency}, the invoice's currency")]
    WrongAmount { amount: Money, currency: billing::Currency },
    #[error(
        "{amount} cannot be refunded: at most {most} of one payment is left in Stripe. What came in outside Stripe, or by a \
         balance, is given back outside Stripe; `billform invoice credit` takes it off the invoice"
    )]
    NotRefundable { amount: Money, most: Money },
    #[error("a payment of Stripe's {0} is under way: it takes a credit note once that has come in or failed")]
    PaymentUnderWay(String),
    #[error("Stripe's {invoice} cannot be taken back: {why}")]
    NotVoidable { invoice: String, why: &'static str },
    #[error("Stripe refused to refund {amount}, and it is not tried again: {why}")]
    RefundRefused { amount: Money, why: String },
    #[error(
        "nothing can be credited now: a payment of Stripe's {0} is under way. Ask again once it has come in or failed"
    )]
    NotCreditableYet(String),
    #[error("{0} is finer than the smallest unit of its currency that Stripe takes")]
    TooFine(Money),
    #[error("{amount} cannot be credited: {most} of the invoice is left")]
    NotCreditable { amount: Money, most: Money },
    #[error("it is {}: {needs}", state.name())]
    WrongState { state: InvoiceState, needs: &'static str },
}

/// When a failed step is tried again at the latest: the schedule runs daily.
const RETRY_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The step that errors about credit notes are kept under.
pub(super) const CREDIT_STEP: &str = "credit";

impl Stop {
    /// Stripe does not know a finalised invoice of ours.
    pub(super) fn gone(record: &InvoiceRecord) -> Stop {
        let invoice = record.stripe_invoice.clone().unwrap_or_default();
        Stop::WrongStatus { invoice, status: "unknown".to_owned(), ours: record.state }
    }

    /// Whether a person voided a credit note of ours.
    pub(super) fn voided_credit(record: &InvoiceRecord, remote: &Remote) -> Option<Stop> {
        let ours = record.credited();
        let is_less = ours.minor_units().is_ok_and(|ours| remote.credited_unpaid.0 + remote.credited_paid.0 < ours.0);
        is_less.then(|| Stop::CreditNoteVoided { invoice: remote.id.clone(), ours })
    }

    /// Whether Stripe takes no credit note, because a bank is being asked about a payment.
    pub(super) fn under_way(record: &InvoiceRecord) -> Option<Stop> {
        let invoice = || record.stripe_invoice.clone().unwrap_or_default();
        record.is_being_paid().then(|| Stop::PaymentUnderWay(invoice()))
    }

    /// A command that asks for what cannot be: it says nothing of the invoice.
    fn is_of_a_command(&self) -> bool {
        matches!(
            self,
            Stop::WrongAmount { .. }
                | Stop::NotRefundable { .. }
                | Stop::NotCreditable { .. }
                | Stop::NotCreditableYet(_)
                | Stop::TooFine(_)
                | Stop::NotVoidable { .. }
                | Stop::RefundRefused { .. }
        )
    }

    /// Waiting passes by itself; everything else wants a look or another run.
    fn passes(&self) -> bool {
        matches!(
            self,
            Stop::NotReady(_)
                | Stop::Resynced(_)
                | Stop::NoCustomer(_)
                | Stop::Claimed { .. }
                | Stop::Held(_)
                | Stop::TakenOver
                | Stop::PaymentUnderWay(_)
        )
    }
}

impl Invoicing<'_> {
    /// What a month answers that stopped. A failure is kept with the record, so that it is seen where the invoice is.
    pub(super) async fn stopped(
        &self,
        account: &mut Account<'_>,
        month: Month,
        stop: Stop,
    ) -> (MonthResult, Option<InvoiceRecord>) {
        let (tenant, reason) = (&account.tenant.id, stop.to_string());
        let record = account.record(month).cloned();
        let overdue = self.overdue(month).filter(|_| matches!(stop, Stop::NoCustomer(_)));
        let result = match (&stop, &record) {
            (Stop::ForAPerson(_), Some(record)) => {
                tracing::warn!(tenant, %month, reason, "an invoice waits for a person");
                let (total, stripe_invoice) = (record.invoice.total, record.stripe_invoice.clone());
                return (MonthResult::Held { reason, total, stripe_invoice }, Some(record.clone()));
            }
            _ if let Some(since) = overdue => {
                tracing::error!(tenant, %month, reason, "a month is late");
                let reason = format!("{reason} (it should have been complete on {since})");
                MonthResult::Failed { reason, late: true }
            }
            _ if stop.passes() => {
                tracing::info!(tenant, %month, reason, "not invoiced yet");
                return (MonthResult::Waiting { reason }, record);
            }
            _ => {
                tracing::error!(tenant, %month, reason, "invoicing failed");
                MonthResult::Failed { reason: reason.clone(), late: matches!(stop, Stop::Late { .. }) }
            }
        };
        (result, self.noted(account, record, &stop, reason).await)
    }

    /// Since when a month should have been complete; none while it may wait.
    fn overdue(&self, month: Month) -> Option<Date> {
        overdue_since(month, self.policy.rules.settle_days, self.today())
    }

    /// Writes the failure into the record. It may fail as the step did: the answer and the metric say it anyway.
    async fn noted(
        &self,
        account: &mut Account<'_>,
        record: Option<InvoiceRecord>,
        stop: &Stop,
        message: String,
    ) -> Option<InvoiceRecord> {
        let record = record?;
        let known = record.last_error.as_ref().is_some_and(|last| last.message == message);
        if known
            || matches!(stop, Stop::AnotherTotal { .. } | Stop::WrongState { .. } | Stop::NotFinal(_))
            || stop.is_of_a_command()
        {
            return Some(record);
        }
        let at = self.now();
        let is_credit = matches!(stop, Stop::NotGivenBack { .. } | Stop::CreditNoteVoided { .. });
        let step = if is_credit { CREDIT_STEP } else { record.state.name() }.to_owned();
        let error = LastError { at, step, message, retry_at: at.checked_add(RETRY_AFTER).ok() };
        let noted = InvoiceRecord { last_error: Some(error), ..record.clone() };
        let written = account.write(self.ledger, noted, Changes::default(), at).await;
        Some(written.ok().flatten().unwrap_or(record))
    }
}
