//! The same figures as files for a spreadsheet.

use crate::costs::{CostAnswer, ShownAmount};
use crate::csv::{Cell, table};
use crate::{Currency, Money};

use super::ShownInvoice;

/// E1's answer as a table: a row for the total, each service, project and day.
pub fn costs_file(answer: &CostAnswer) -> String {
    let summary = &answer.summary;
    let currency = || Cell::text(Currency::USD.code());
    let row = |breakdown: &str, name: Cell, cost, usage| {
        vec![Cell::text(breakdown), name, Cell::Number(cost), currency(), usage]
    };
    let mut rows = vec![row("total", Cell::Empty, summary.total_cost.0, Cell::Empty)];
    let named = |breakdown: &'static str, name: &str, amount: &ShownAmount| {
        row(breakdown, Cell::text(name), amount.cost.0, Cell::Number(amount.usage.0))
    };
    rows.extend(summary.by_service.iter().map(|(name, amount)| named("service", name, amount)));
    rows.extend(summary.by_project.iter().map(|(name, amount)| named("project", name, amount)));
    let days = summary.daily_breakdown.iter();
    rows.extend(days.map(|day| row("day", Cell::text(day.date.to_string()), day.cost.0, Cell::Empty)));
    table(&["breakdown", "name", "cost", "currency", "usage"], &rows)
}

/// A tenant's invoices as a table, in their order.
pub fn invoices_file(invoices: &[ShownInvoice]) -> String {
    let row = |invoice: &ShownInvoice| {
        vec![
            Cell::text(invoice.month.to_string()),
            Cell::text(invoice.standing.name()),
            money(&invoice.total),
            money(&invoice.to_pay),
            money(&invoice.refunded),
            Cell::text(invoice.total.currency.code()),
            Cell::optional(invoice.issued),
            Cell::optional(invoice.due),
            Cell::optional(invoice.stripe_invoice.as_ref()),
        ]
    };
    let rows: Vec<Vec<Cell>> = invoices.iter().map(row).collect();
    let head = ["month", "status", "total", "to_pay", "refunded", "currency", "issued", "due", "invoice_id"];
    table(&head, &rows)
}

/// With the currency's decimals even when they are zero.
fn money(money: &Money) -> Cell {
    let mut amount = money.amount;
    amount.rescale(money.currency.decimals());
    Cell::Number(amount)
}
