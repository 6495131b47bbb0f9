//! What became of every month that a run looked at.

use billing::invoice::{InvoiceRecord, InvoiceState, PaymentStatus};
use billing::tenant::TenantRecord;
use billing::{Money, Month};
use serde::Serialize;

use crate::run::{
    CREDIT_NOTES_ISSUED, CREDITS_STRANDED, ERRORS, INVOICES_DRAFTED, INVOICES_HELD, INVOICES_ISSUED, INVOICES_LATE,
    MONTHS_RESTATED, Metric,
};

/// What became of every month that a run looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct InvoicerAnswer {
    /// One entry for each tenant and month, by id, then month.
    pub invoices: Vec<MonthAnswer>,
    /// Tenants that there was no time for: the next run goes on with them.
    pub left: usize,
}

/// What became of one tenant's month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthAnswer {
    /// The tenant's id.
    pub tenant: String,
    /// The month; none where not even the tenant's months could be read.
    pub period: Option<Month>,
    /// Where it stands.
    #[serde(flatten)]
    pub result: MonthResult,
    /// Whether this run drafted it, whole.
    #[serde(skip)]
    pub drafted: bool,
    /// Whether this run finalised it.
    #[serde(skip)]
    pub issued: bool,
    /// Whether this run restated it after it was issued.
    #[serde(skip)]
    pub restated: bool,
    /// Whether this run issued a credit note on it.
    #[serde(skip)]
    pub credited: bool,
    /// Whether something is owed to a tenant who left that no invoice can take.
    #[serde(skip)]
    pub stranded: bool,
}

/// Where a tenant's month stands after the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum MonthResult {
    /// Everything that can be done now is done.
    Done {
        /// How far the document got.
        state: InvoiceState,
        /// What it comes to.
        total: Money,
        /// In Stripe, where there is anything to pay.
        stripe_invoice: Option<String>,
        /// Where the money is.
        payment: PaymentStatus,
        /// What it waits for, if for anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        waits: Option<String>,
        /// Whether this run changed it.
        new: bool,
    },
    /// What a run would draft; nothing was done.
    Rehearsed {
        /// What it would come to.
        total: Money,
        /// What it waits for, if for anything.
        #[serde(skip_serializing_if = "Option::is_none")]
        waits: Option<String>,
    },
    /// Cannot be billed yet.
    Waiting {
        /// Why.
        reason: String,
    },
    /// Failed, or waits longer than it should; wants a look or another run.
    Failed {
        /// Why.
        reason: String,
        /// It should have been complete by now.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        late: bool,
    },
    /// Complete, but for a person to approve although approval is automatic.
    Held {
        /// Why.
        reason: String,
        /// What it comes to.
        total: Money,
        /// The draft.
        stripe_invoice: Option<String>,
    },
}

impl MonthAnswer {
    /// What became of a month, whose record was `before` when the run began.
    pub(super) fn new(
        tenant: &TenantRecord,
        month: Month,
        before: Option<&InvoiceRecord>,
        (result, after): (MonthResult, Option<InvoiceRecord>),
    ) -> MonthAnswer {
        let is_whole = |record: &InvoiceRecord| {
            matches!(record.state, InvoiceState::Provisional | InvoiceState::Complete | InvoiceState::Approved)
                || record.state == InvoiceState::Open
        };
        let drawing = |record: &InvoiceRecord| (record.revision, record.drawing);
        let drafted = after.as_ref().is_some_and(|after| {
            is_whole(after) && before.is_none_or(|before| !is_whole(before) || drawing(before) != drawing(after))
        });
        let is_open = |record: &InvoiceRecord| record.state == InvoiceState::Open;
        let issued = after.as_ref().is_some_and(is_open) && !before.is_some_and(is_open);
        let times = |record: &InvoiceRecord| record.restated.as_ref().map_or(0, |restated| restated.times);
        let restated = after.as_ref().map_or(0, times) > before.map_or(0, times);
        MonthAnswer { drafted, issued, restated, ..MonthAnswer::untouched(tenant, Some(month), result) }
    }

    /// A tenant that could not even be looked at.
    pub(super) fn failed(tenant: &TenantRecord, period: Option<Month>, error: &dyn std::error::Error) -> MonthAnswer {
        let reason = error.to_string();
        tracing::error!(tenant = tenant.id, reason, "invoicing failed");
        let result = MonthResult::Failed { reason, late: false };
        MonthAnswer::untouched(tenant, period, result)
    }

    /// An answer of a run that did nothing.
    fn untouched(tenant: &TenantRecord, period: Option<Month>, result: MonthResult) -> MonthAnswer {
        let tenant = tenant.id.clone();
        let (drafted, issued, restated, credited, stranded) = (false, false, false, false, false);
        MonthAnswer { tenant, period, result, drafted, issued, restated, credited, stranded }
    }
}

impl InvoicerAnswer {
    /// How many months failed.
    pub fn failed(&self) -> usize {
        self.count(|answer| matches!(answer.result, MonthResult::Failed { .. }))
    }

    fn count(&self, is: impl Fn(&MonthAnswer) -> bool) -> usize {
        self.invoices.iter().filter(|answer| is(answer)).count()
    }

    pub(super) fn metrics(&self) -> Vec<Metric> {
        let late = |answer: &MonthAnswer| matches!(answer.result, MonthResult::Failed { late: true, .. });
        let held = |answer: &MonthAnswer| matches!(answer.result, MonthResult::Held { .. });
        vec![
            Metric::new(INVOICES_DRAFTED, self.count(|answer| answer.drafted)),
            Metric::new(INVOICES_ISSUED, self.count(|answer| answer.issued)),
            Metric::new(MONTHS_RESTATED, self.count(|answer| answer.restated)),
            Metric::new(CREDIT_NOTES_ISSUED, self.count(|answer| answer.credited)),
            Metric::new(CREDITS_STRANDED, self.count(|answer| answer.stranded)),
            Metric::new(INVOICES_LATE, self.count(late)),
            Metric::new(INVOICES_HELD, self.count(held)),
            Metric::new(ERRORS, self.failed()),
        ]
    }
}
