//! What a tenant is shown: their figures and their invoices. Pages, tables, CSV and API all show what is made here, so
//! that no two of them differ.
//!
//! AWS cost is in US dollars, invoices are in the tenant's currency.

mod comparison;
mod files;
mod invoices;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use rust_decimal::Decimal;

pub use comparison::{Change, Comparison};
pub use files::{costs_file, invoices_file};
pub use invoices::{Outlook, ShownInvoice, Standing, invoices};

use crate::costs::{self, AskedPeriod, Forecast, PeriodKind, Summary};
use crate::ledger::{CostDay, SyncMark};
use crate::money::round;
use crate::{Currency, Money, Month, Period};

/// What the ledger holds of a tenant's cost, for a statement on the UTC day `today`.
#[derive(Debug, Clone, Copy)]
pub struct StatementFacts<'a> {
    /// The day.
    pub today: Date,
    /// The days of [`days_needed`].
    pub days: &'a [CostDay],
    /// The marks of the months of [`months_needed`].
    pub marks: &'a [SyncMark],
    /// What the tenant means to spend in a month.
    pub budget: Option<Money>,
}

/// A tenant's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The day it is made.
    pub today: Date,
    /// The last day whose cost is known; none before the first sync.
    pub known_through: Option<Date>,
    /// This month, as E1 answers `current-month`.
    pub this_month: MonthFigures,
    /// The month before it, as E1 answers `last-month`.
    pub last_month: MonthFigures,
    /// The next 30 days; none while too few days are known.
    pub forecast: Option<Forecast>,
    /// What of the budget is used; none without one.
    pub budget: Option<BudgetUse>,
    /// This month beside as many days of the last one; none while either is not known.
    pub comparison: Option<Comparison>,
}

/// A month's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthFigures {
    /// The month.
    pub month: Month,
    /// Its cost, by service, project and day.
    pub summary: Summary,
    /// AWS may still restate a day of it.
    pub estimated: bool,
}

/// What of a budget is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetUse {
    /// The budget of a month, US dollars.
    pub limit: Decimal,
    /// What of it this month has used.
    pub used: Decimal,
    /// The same in percent, to one decimal; above 100 where more was used.
    pub percent: Decimal,
}

impl BudgetUse {
    /// What is left of it; negative where more was used.
    pub fn left(&self) -> Decimal {
        self.limit - self.used
    }
}

/// The months whose marks a statement needs, first and last. A sync that stopped within them is seen.
pub fn months_needed(today: Date) -> (Month, Month) {
    let this = Month::of(today);
    let last = this.previous().unwrap_or(this);
    (last.previous().unwrap_or(last), this)
}

/// The days a statement needs.
pub fn days_needed(today: Date, marks: &[SyncMark]) -> Period {
    let (last, this) = both(today);
    let asked = AskedPeriod { period: Period::new(last.start(), this.end()).unwrap_or(this), kind: PeriodKind::Custom };
    costs::days_needed(&asked, marks)
}

/// A tenant's figures.
pub fn statement(facts: &StatementFacts) -> Statement {
    let StatementFacts { today, days, marks, budget } = *facts;
    let known = costs::by_date(days);
    let known_through = costs::last_known(marks);
    let (last, this) = both(today);
    let figures = |period: &Period| {
        let month = Month::of(period.start());
        let estimated = marks.iter().any(|mark| mark.month == month && mark.estimated);
        MonthFigures { month, summary: costs::summary(period, &known, known_through), estimated }
    };
    let this_month = figures(&this);
    Statement {
        today,
        known_through,
        forecast: costs::forecast(&known, marks),
        budget: budget.and_then(|budget| budget_use(budget, this_month.summary.total_cost.0)),
        comparison: comparison::comparison(today, &known, marks),
        last_month: figures(&last),
        this_month,
    }
}

impl Statement {
    /// Whether no cost was ever read.
    pub fn is_first_day(&self) -> bool {
        self.known_through.is_none()
    }
}

/// Last month, and this one up to today.
fn both(today: Date) -> (Period, Period) {
    let this = Period::inclusive(today.first_of_month(), today).unwrap_or(Month::of(today).period());
    let last = Month::of(today).previous().unwrap_or(Month::of(today)).period();
    (last, this)
}

/// AWS's budgets are in US dollars, as its cost is.
fn budget_use(limit: Money, used: Decimal) -> Option<BudgetUse> {
    let usable = limit.currency == Currency::USD && limit.amount > Decimal::ZERO;
    usable.then(|| BudgetUse {
        limit: limit.amount,
        used,
        percent: round(used * Decimal::ONE_HUNDRED / limit.amount, 1),
    })
}
