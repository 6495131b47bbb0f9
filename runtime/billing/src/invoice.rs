//! A closed month priced: what a tenant owes, line by line, and how each figure came about.

mod approval;
mod assess;
mod closing;
mod compose;
mod credit_note;
mod crediting;
mod derivation;
mod month_terms;
mod months;
mod payment;
mod price;
mod ready;
mod record;
mod refund;
mod remote;
mod shared;

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::pricing::ExchangeRate;
use crate::{Currency, Money, Month};

pub use approval::{AutomaticApproval, Held};
pub use assess::{Assessment, MonthFacts, Standing, assess};
pub use closing::{Leftover, closing_months, is_billed_out, is_closing, leftover};
pub use compose::{Composed, LINES_AT_MOST, compose};
pub use credit_note::{CreditNote, CreditNoteState, RemoteCreditNote};
pub use derivation::Derivation;
pub use month_terms::MonthTerms;
pub use months::{LOOK_BACK_MONTHS, is_followed, is_looked_at, open_months};
pub use payment::{Attempt, AttemptStatus, Dispute, Payment, PaymentStatus};
pub use price::{PriceError, PriceInput, price};
pub use ready::{DraftRules, NotReady, Ready, is_final, overdue_since, ready, settles_on};
pub use record::{
    Approval, Collection, Finality, InvoiceRecord, InvoiceState, LastError, Lease, PastRevision, Restated,
};
pub use refund::Refund;
pub use remote::{Carries, REDRAWING, Remote, RemoteStatus};
pub(crate) use shared::own_services;
pub use shared::{MonthCosts, SHARED_COST, SharedPart, SharedWay, Tagged, sharing_of};

/// What a tenant owes for a month. The lines sum to the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// The tenant's id.
    pub tenant: String,
    /// The month billed.
    pub month: Month,
    /// The currency of every line.
    pub currency: Currency,
    /// In the order of the rules; none of them is zero.
    pub lines: Vec<Line>,
    /// The sum of the lines; negative when the tenant is owed.
    pub total: Money,
    /// The month's AWS cost in US dollars, exact; with the tenant's part of shared cost.
    pub cost_usd: Decimal,
    /// The rate that turned it into the invoice's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeRate>,
    /// How the total came about, rule by rule.
    pub steps: Vec<Step>,
}

/// One line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which rule made it.
    pub rule: Rule,
    /// As the tenant reads it.
    pub description: String,
    /// Rounded to what Stripe can charge in the currency.
    pub amount: Money,
}

/// The rules of an invoice, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The fixed monthly amount.
    BaseFee,
    /// AWS cost, one line for each service, and one for the tenant's part of shared cost.
    Cost,
    /// The share added to the cost.
    Markup,
    /// The service fee, flat or by tier.
    Fee,
    /// Usage that the base fee includes.
    Allowance,
    /// The share taken off.
    Discount,
    /// What lifts the sum to the minimum.
    Minimum,
    /// The payment provider's fee, passed on.
    CardFee,
    /// The tax.
    Tax,
    /// What an earlier month's cost changed by after it was invoiced.
    Restated,
    /// Credit from an earlier month.
    Credit,
}

/// One step of the explanation: what a rule added, and the sum after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The rule.
    pub rule: Rule,
    /// How its amount came about: `10% of 125.50 USD`.
    pub text: String,
    /// What it added.
    pub amount: Money,
    /// The sum so far.
    pub running: Money,
    /// What it was calculated from; none in what an older version stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<Derivation>,
}

/// What follows from an invoice's total.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The tenant pays.
    Charge(Money),
    /// Nobody pays.
    Nothing,
    /// The tenant is owed this much (a positive amount): carried to the next month, nothing is charged.
    Credit(Money),
}

impl Settlement {
    /// Whether the tenant pays.
    pub fn charges(self) -> bool {
        matches!(self, Settlement::Charge(_))
    }
}

impl Invoice {
    /// An invoice without a line.
    pub fn empty(tenant: &str, month: Month, currency: Currency) -> Invoice {
        let (lines, steps) = (Vec::new(), Vec::new());
        let (total, cost_usd) = (Money::zero(currency), Decimal::ZERO);
        Invoice { tenant: tenant.to_owned(), month, currency, lines, total, cost_usd, exchange: None, steps }
    }

    /// Takes away what came from the balance: the month's own lines are left.
    pub fn without_carried(&mut self) {
        self.lines.retain(|line| !line.rule.is_carried());
        self.steps.retain(|step| !step.rule.is_carried());
        self.total = Money::new(self.lines.iter().map(|line| line.amount.amount).sum(), self.currency);
    }

    /// Whether it is drawn up as `other` is: equal, but for derivations that an older version did not keep.
    pub fn is_drawn_as(&self, other: &Invoice) -> bool {
        if self.steps.iter().all(|step| step.derivation.is_some()) {
            return self == other;
        }
        let plain = |invoice: &Invoice| {
            let mut plain = invoice.clone();
            plain.steps.iter_mut().for_each(|step| step.derivation = None);
            plain
        };
        plain(self) == plain(other)
    }

    /// What follows from the total.
    pub fn settlement(&self) -> Settlement {
        let total = self.total.amount;
        if total.is_zero() {
            Settlement::Nothing
        } else if total.is_sign_negative() {
            Settlement::Credit(Money::new(-total, self.currency))
        } else {
            Settlement::Charge(self.total)
        }
    }

    /// The least Stripe charges in this currency, where the total is a charge below it: Stripe then marks the invoice paid
    /// and moves the amount to the customer's balance, so that no cash arrives.
    pub fn below_minimum_charge(&self) -> Option<Money> {
        let charged = self.total.amount > Decimal::ZERO;
        Money::minimum_charge(self.currency).filter(|least| charged && self.total.amount < least.amount)
    }

    /// The exchange in one sentence, for the invoice itself; none when nothing was converted.
    pub fn exchange_note(&self) -> Option<String> {
        self.exchange.as_ref().map(|rate| {
            let cost = Money::new(self.cost_usd, rate.from);
            format!(
                "AWS cost of {cost} converted at {} {} per {} ({}, {}).",
                rate.rate.normalize(),
                rate.to,
                rate.from,
                rate.source,
                rate.date
            )
        })
    }

    /// The explanation as lines of text, one for each rule that applied.
    pub fn explain(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .steps
            .iter()
            .map(|step| {
                let (rule, text) = (step.rule, &step.text);
                format!("{rule}: {text} -> {}, sum {}", step.amount, step.running)
            })
            .collect();
        lines.push(format!("total: {}", self.total));
        lines
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::BaseFee => "base fee",
            Rule::Cost => "AWS cost",
            Rule::Markup => "markup",
            Rule::Fee => "service fee",
            Rule::Allowance => "allowance",
            Rule::Discount => "discount",
            Rule::Minimum => "minimum",
            Rule::CardFee => "card fee",
            Rule::Tax => "tax",
            Rule::Restated => "restated",
            Rule::Credit => "credit",
        })
    }
}

#[cfg(test)]
mod tests;
