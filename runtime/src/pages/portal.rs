//! The portal: what it costs and why, the invoices, how it is paid.

mod breakdown;
mod notice;
mod payment;

use askama::Template;
use billing::ledger::{Pause, PaymentSetup};
use billing::statement::{BudgetUse, Comparison, MonthFigures, ShownInvoice, Standing, Statement};
use billing::tenant::TenantRecord;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::amount::Amount;
use super::chart::{self, DayChart};
use super::frame::{Frame, Here, Look};
use super::locale::Locale;
use super::words::{Words, fill};
use breakdown::Breakdown;
pub use notice::Message;
use notice::Notice;
use payment::Method;

/// What the portal shows.
#[derive(Debug, Clone, Copy)]
pub struct PortalPage<'a> {
    /// Whose portal it is.
    pub tenant: &'a TenantRecord,
    /// Whether they may pay, and not only read.
    pub is_admin: bool,
    /// Their figures.
    pub statement: &'a Statement,
    /// Their invoices, the latest first.
    pub invoices: &'a [ShownInvoice],
    /// Whether they are paused; none where they never were.
    pub pause: Option<&'a Pause>,
    /// How they pay; none where nothing was set up.
    pub payment: Option<&'a PaymentSetup>,
    /// Whether Stripe tells the stack how they pay: without a webhook nothing is known of it.
    pub payment_is_known: bool,
    /// Whether they can pay here at all.
    pub can_pay: bool,
    /// What is told on the way back from Stripe.
    pub message: Option<Message>,
}

#[derive(Template)]
#[template(path = "portal.html")]
struct Portal<'a> {
    frame: Frame<'a>,
    w: &'static Words,
    lead: String,
    notices: Vec<Notice>,
    figures: Vec<Figure>,
    budget: Option<Budget>,
    first_day: bool,
    this_name: &'static str,
    last_name: &'static str,
    this_month: String,
    last_month: String,
    chart: DayChart,
    chart_about: String,
    services: Breakdown,
    projects: Option<Breakdown>,
    changes: Option<Changes>,
    invoices: Vec<InvoiceRow>,
    /// The tenant's id, an `is_id`: it stands in addresses as it is.
    customer: &'a str,
    method: Method,
    can_pay: bool,
    is_admin: bool,
}

/// One of the figures on top.
struct Figure {
    title: String,
    amount: Option<Amount>,
    /// Said in place of an amount.
    none: &'static str,
    about: String,
}

struct Budget {
    percent: String,
    about: String,
    /// How much of the bar is full, of 100.
    full: u32,
    over: bool,
}

struct Changes {
    about: String,
    rows: Vec<ChangeRow>,
    total: ChangeRow,
}

struct ChangeRow {
    name: String,
    before: Amount,
    now: Amount,
    difference: Amount,
}

pub(super) struct InvoiceRow {
    /// `2026-10`.
    period: String,
    month: String,
    amount: Amount,
    standing: &'static str,
    class: &'static str,
    due: String,
}

/// The portal as HTML.
///
/// # Errors
/// When the template cannot be written, which memory does not do.
pub fn portal(look: Look, page: &PortalPage) -> askama::Result<String> {
    let (locale, statement) = (look.locale, page.statement);
    let w = Words::of(locale.language);
    let (this, last) = (&statement.this_month, &statement.last_month);
    let dollars = |amount| locale.dollars(amount);
    Portal {
        frame: look.frame(w.costs, Some(&page.tenant.name), Here::Costs),
        w,
        lead: match statement.known_through {
            Some(day) => fill(w.known_through, &[&locale.day(day)]),
            None => String::new(),
        },
        notices: notice::of(locale, w, page),
        figures: vec![so_far(locale, w, statement), whole(locale, w, last), forecast(locale, w, statement)],
        budget: statement.budget.map(|budget| self::budget(locale, w, budget)),
        first_day: statement.is_first_day(),
        this_name: locale.month_name(this.month.period().start()),
        last_name: locale.month_name(last.month.period().start()),
        this_month: locale.month(this.month),
        last_month: locale.month(last.month),
        chart: chart::by_day(locale, &this.summary.daily_breakdown, &last.summary.daily_breakdown),
        chart_about: fill(
            w.by_day_summary,
            &[&dollars(this.summary.total_cost.0), &dollars(last.summary.total_cost.0)],
        ),
        services: breakdown::of(locale, w, &this.summary.by_service, &last.summary.by_service),
        projects: breakdown::of_projects(locale, w, &this.summary.by_project, &last.summary.by_project),
        changes: statement.comparison.as_ref().map(|comparison| changes(locale, w, comparison)),
        invoices: page.invoices.iter().map(|invoice| InvoiceRow::of(locale, w, invoice)).collect(),
        customer: &page.tenant.id,
        method: Method::of(w, page.payment, page.payment_is_known),
        can_pay: page.can_pay,
        is_admin: page.is_admin,
    }
    .render()
}

/// This month, up to the last known day.
fn so_far(locale: Locale, w: &'static Words, statement: &Statement) -> Figure {
    let month = &statement.this_month;
    let title = fill(w.so_far, &[locale.month_name(month.month.period().start())]);
    let days = &month.summary.daily_breakdown;
    match (days.first(), days.last()) {
        (Some(first), Some(last)) => {
            let days = billing::Period::inclusive(first.date, last.date);
            let about = days.map(|days| locale.days(&days)).unwrap_or_default();
            let amount = Some(Amount::dollars(locale, month.summary.total_cost.0));
            Figure { title, amount, none: "", about }
        }
        _ => Figure { title, amount: None, none: w.no_cost_yet, about: w.no_cost_why.to_owned() },
    }
}

/// Last month.
fn whole(locale: Locale, w: &'static Words, month: &MonthFigures) -> Figure {
    let title = locale.month(month.month);
    if month.summary.daily_breakdown.is_empty() {
        return Figure { title, amount: None, none: w.no_cost_yet, about: String::new() };
    }
    let about = if month.estimated { w.estimated } else { w.whole_month };
    Figure {
        title,
        amount: Some(Amount::dollars(locale, month.summary.total_cost.0)),
        none: "",
        about: about.to_owned(),
    }
}

fn forecast(locale: Locale, w: &'static Words, statement: &Statement) -> Figure {
    let title = w.forecast.to_owned();
    match &statement.forecast {
        Some(forecast) => Figure {
            title,
            amount: Some(Amount::dollars(locale, forecast.amount.0)),
            none: "",
            about: fill(w.forecast_basis, &[&locale.days(&forecast.basis)]),
        },
        None => Figure { title, amount: None, none: w.no_forecast, about: w.no_forecast_why.to_owned() },
    }
}

fn budget(locale: Locale, w: &'static Words, budget: BudgetUse) -> Budget {
    let limit = locale.dollars(budget.limit);
    let over = budget.left() < Decimal::ZERO;
    let phrase = if over { w.budget_over } else { w.budget_left };
    Budget {
        percent: fill(w.budget_used, &[&locale.percent(budget.percent)]),
        about: fill(phrase, &[&locale.dollars(budget.left().abs()), &limit]),
        full: budget.percent.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED).round().to_u32().unwrap_or(0),
        over,
    }
}

fn changes(locale: Locale, w: &'static Words, comparison: &Comparison) -> Changes {
    let row = |change: &billing::statement::Change| ChangeRow {
        name: change.name.clone(),
        before: Amount::dollars(locale, change.before),
        now: Amount::dollars(locale, change.now),
        difference: Amount::difference(locale, change.difference()),
    };
    Changes {
        about: fill(w.changes_basis, &[&locale.days(&comparison.days), &locale.days(&comparison.before)]),
        rows: comparison.services.iter().map(row).collect(),
        total: row(&comparison.total),
    }
}

impl InvoiceRow {
    fn of(locale: Locale, w: &Words, invoice: &ShownInvoice) -> InvoiceRow {
        let is_to_pay = !invoice.to_pay.amount.is_zero();
        InvoiceRow {
            period: invoice.month.to_string(),
            month: locale.month(invoice.month),
            amount: Amount::money(locale, invoice.total),
            standing: w.standing_of(invoice.standing),
            class: class(invoice.standing),
            due: invoice.due.filter(|_| is_to_pay).map(|day| locale.day(day)).unwrap_or_default(),
        }
    }
}

/// How a standing is coloured, beside its words.
pub(super) fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Paid | Standing::Credit => "good",
        Standing::Overdue | Standing::Failed | Standing::Disputed => "bad",
        Standing::Open | Standing::NeedsConfirmation => "warn",
        Standing::Preparing | Standing::Processing | Standing::WrittenOff | Standing::Void | Standing::NothingDue => "",
    }
}
