//! What the invoicer is asked to do.

use billing::{Money, Month};
use serde::Deserialize;

use crate::error::RunError;

/// `{"action":"calculate_and_invoice"}`, for one tenant and another month if named; a schedule's event does as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoicerEvent {
    /// What to do; [`Action::CalculateAndInvoice`] without it.
    #[serde(default)]
    pub action: Action,
    /// One tenant's id; all without it.
    #[serde(default)]
    pub tenant: Option<String>,
    /// `YYYY-MM`; every open month without it.
    #[serde(default)]
    pub period: Option<Month>,
    /// Says what would be done, and does nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// For [`Action::Approve`]: the total that was shown, `"125.50 USD"`; another one is refused.
    #[serde(default)]
    pub total: Option<Money>,
    /// For [`Action::Approve`]: who approves, for the record.
    #[serde(default)]
    pub by: Option<String>,
    /// For [`Action::Refund`] and [`Action::Credit`]: how much, `"10.00 USD"`.
    #[serde(default)]
    pub amount: Option<Money>,
    /// For [`Action::Refund`] and [`Action::Credit`]: why; the tenant reads it on a credit note.
    #[serde(default)]
    pub reason: Option<String>,
    /// How long this run's claims hold without being renewed, in seconds; 60 without it.
    #[serde(default)]
    pub lease_seconds: Option<u32>,
}

/// What the invoicer can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Drafts, redraws, looks again, restates and, where approval is automatic, issues.
    #[default]
    CalculateAndInvoice,
    /// Approves a complete draft of exactly one total, and issues it.
    Approve,
    /// Takes an invoice back for good: no new revision follows.
    Void,
    /// Draws a draft up again under the terms that hold now.
    Reset,
    /// Gives back money that came in, by a refund of the payment.
    Refund,
    /// Takes an amount off an issued invoice, by a credit note.
    Credit,
}

impl InvoicerEvent {
    /// Refuses what makes no sense together.
    pub(super) fn check(&self) -> Result<(), RunError> {
        let refused = |problem: &str| Err(RunError::Event(problem.to_owned()));
        let approves = self.action == Action::Approve;
        if self.action != Action::CalculateAndInvoice && (self.tenant.is_none() || self.period.is_none()) {
            return refused("this action is for one invoice: name `tenant` and `period`");
        }
        if approves && (self.total.is_none() || self.by.is_none()) {
            return refused("an approval names the `total` that was shown, and `by` whom");
        }
        if !approves && (self.total.is_some() || self.by.is_some()) {
            return refused("`total` and `by` belong to the action `approve`");
        }
        let gives_back = matches!(self.action, Action::Refund | Action::Credit);
        if gives_back && (self.amount.is_none() || self.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()))
        {
            return refused("a refund and a credit note name the `amount`, and the `reason` why");
        }
        if !gives_back && (self.amount.is_some() || self.reason.is_some()) {
            return refused("`amount` and `reason` belong to the actions `refund` and `credit`");
        }
        if self.dry_run && self.action != Action::CalculateAndInvoice {
            return refused("`dry_run` belongs to the action `calculate_and_invoice`");
        }
        Ok(())
    }
}
