//! Who is billed what for a month: as a table, as CSV, as JSON.

use std::fmt::Write;

use billing::csv::{self, Cell};
use billing::{Currency, Money};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::near_misses::sentences;
use super::style::{BOLD, DIM, YELLOW, paint};
use super::wrap::{columns, wrapped};
use crate::ledger::bills::{Bill, Bills, Parts};
use crate::ledger::unclaimed::Unclaimed;

/// A column of the table: its title, whether it holds amounts, and its cell.
struct Column {
    title: &'static str,
    is_amount: bool,
    cell: fn(&Bill) -> String,
}

/// In this order; of those that do not fit the terminal, the last of `SPARED` are left out first.
const COLUMNS: &[Column] = &[
    Column { title: "Tenant", is_amount: false, cell: |bill| bill.tenant.clone() },
    Column { title: "AWS, USD", is_amount: true, cell: |bill| bill.aws_usd.map(dollars).unwrap_or_default() },
    Column { title: "Markup", is_amount: true, cell: |bill| part(bill, |parts| parts.markup) },
    Column { title: "Fees", is_amount: true, cell: |bill| part(bill, |parts| parts.fees) },
    Column { title: "Discount", is_amount: true, cell: |bill| part(bill, |parts| parts.discount) },
    Column { title: "Tax", is_amount: true, cell: |bill| part(bill, |parts| parts.tax) },
    Column { title: "Earlier", is_amount: true, cell: |bill| part(bill, |parts| parts.earlier) },
    Column { title: "Total", is_amount: true, cell: |bill| total(bill.parts.as_ref()) },
    Column { title: "State", is_amount: false, cell: |bill| bill.state.replace('_', " ") },
    Column { title: "Due", is_amount: false, cell: |bill| bill.due.map(|day| day.to_string()).unwrap_or_default() },
    Column { title: "Invoice", is_amount: false, cell: |bill| bill.stripe_invoice.clone().unwrap_or_default() },
];
/// What a narrow terminal goes without; CSV and JSON have all.
const SPARED: [&str; 6] = ["Invoice", "Due", "Earlier", "Discount", "Markup", "Fees"];

/// The table for `width` columns, the sums by currency, what no tenant is billed, and what looks wrong.
pub fn render(bills: &Bills, width: usize) -> String {
    if bills.rows.is_empty() {
        return format!("Nobody is billed for {}; `billform apply` deploys the manifest's tenants.\n", bills.month);
    }
    let (table, left_out) = table(bills, width);
    let mut out = format!("{}\n{table}", paint(BOLD, format!("Bills of {}", bills.month)));
    for (count, sum) in bills.sums() {
        let noun = if count == 1 { "bill" } else { "bills" };
        let _ = writeln!(out, "{}", wrapped(&format!("{count} {noun} in {}", sums(&sum)), width, 2));
    }
    for note in notes(bills).into_iter().chain(left_out) {
        let _ = writeln!(out, "{}", wrapped(&note, width, 2));
    }
    out
}

/// A column in which nobody has anything is no column.
fn table(bills: &Bills, width: usize) -> (String, Option<String>) {
    let filled = |column: &&Column| bills.rows.iter().any(|bill| !(column.cell)(bill).is_empty());
    let mut shown: Vec<&Column> = COLUMNS.iter().filter(filled).collect();
    let mut left_out = Vec::new();
    for spared in SPARED {
        if lines(&shown, bills).iter().all(|line| columns(line) <= width) {
            break;
        }
        let before = shown.len();
        shown.retain(|column| column.title != spared);
        left_out.extend((shown.len() < before).then_some(spared));
    }
    let note = (!left_out.is_empty()).then(|| {
        let text = format!("Left out for want of room: {}; `--format csv` has all.", left_out.join(", "));
        paint(DIM, text).to_string()
    });
    (lines(&shown, bills).concat(), note)
}

/// The head and a line for each bill, amounts to the right.
fn lines(shown: &[&Column], bills: &Bills) -> Vec<String> {
    let head: Vec<String> = shown.iter().map(|column| column.title.to_owned()).collect();
    let rows = bills.rows.iter().map(|bill| shown.iter().map(|column| (column.cell)(bill)).collect());
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let wide: Vec<usize> =
        (0..shown.len()).map(|at| rows.iter().map(|row| columns(&row[at])).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(shown).zip(&wide).map(|((text, column), wide)| {
            let gap = " ".repeat(wide - columns(text));
            if column.is_amount { format!("{gap}{text}") } else { format!("{text}{gap}") }
        });
        format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// An amount without its currency, which the total names; nothing where it is zero.
fn part(bill: &Bill, of: fn(&Parts) -> Decimal) -> String {
    let parts = bill.parts.as_ref().map(|parts| Money::new(of(parts), parts.currency));
    parts.filter(|money| !money.amount.is_zero()).map(Money::plain).unwrap_or_default()
}

fn total(parts: Option<&Parts>) -> String {
    parts.map(|parts| parts.money().to_string()).unwrap_or_default()
}

fn dollars(cost: Decimal) -> String {
    Money::new(cost, Currency::USD).rounded().plain()
}

/// `USD: 1204.10 USD (cost 1000.00, markup 100.00, tax 104.10)`.
fn sums(sum: &Parts) -> String {
    let named = [
        ("cost", sum.cost),
        ("markup", sum.markup),
        ("fees", sum.fees),
        ("discount", sum.discount),
        ("tax", sum.tax),
        ("earlier months", sum.earlier),
    ];
    let some = named.into_iter().filter(|(_, amount)| !amount.is_zero());
    let some = some.map(|(name, amount)| format!("{name} {}", Money::new(amount, sum.currency).plain()));
    format!("{}: {} ({})", sum.currency.code(), sum.money(), some.collect::<Vec<_>>().join(", "))
}

/// Cost of no tenant by its tag's value, and bills that look wrong.
fn notes(bills: &Bills) -> Vec<String> {
    let waiting = bills.rows.iter().filter(|bill| bill.parts.is_none());
    let waiting = waiting.map(|bill| {
        let reason = bill.reason.as_deref().unwrap_or("it cannot be priced yet");
        format!("{}: {reason}.", bill.tenant)
    });
    let empty = bills.rows.iter().filter(|bill| bill.is_without_cost()).map(|bill| {
        let text = format!("{} has no AWS cost in {}: is anything tagged as its?", bill.tenant, bills.month);
        paint(YELLOW, text).to_string()
    });
    let unclaimed = bills.unclaimed.iter().filter(|unclaimed| !unclaimed.cost.is_zero());
    let unclaimed = unclaimed.flat_map(|unclaimed| std::iter::once(nobodys(unclaimed)).chain(sentences(unclaimed)));
    waiting.chain(empty).chain(unclaimed).collect()
}

/// How many values of the tenant tag are told; the rest is summed up.
const VALUES: usize = 10;

/// `Of no tenant: 15.85 USD: 12.75 of `Acme-Print`, 3.10 without the tag`.
fn nobodys(unclaimed: &Unclaimed) -> String {
    let mut values: Vec<(&String, &Decimal)> = unclaimed.values.iter().filter(|(_, cost)| !cost.is_zero()).collect();
    values.sort_by_key(|(value, cost)| (std::cmp::Reverse(**cost), *value));
    let told = values.iter().take(VALUES).map(|(value, cost)| match value.is_empty() {
        true => format!("{} without the tag", dollars(**cost)),
        false => format!("{} of `{value}`", dollars(**cost)),
    });
    let more: Decimal = values.iter().skip(VALUES).map(|(_, cost)| **cost).sum();
    let more = (values.len() > VALUES).then(|| format!("{} of {} more", dollars(more), values.len() - VALUES));
    let told: Vec<String> = told.chain(more).collect();
    let shared = match unclaimed.shared.is_zero() {
        true => String::new(),
        false => format!("; {} of it are shared out among the tenants", dollars(unclaimed.shared)),
    };
    let told = if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) };
    format!("Of no tenant: {} USD{told}{shared}.", dollars(unclaimed.cost))
}

/// One line for each tenant, every amount in the bill's currency but `aws_usd`.
pub fn csv(bills: &Bills) -> String {
    let head = [
        "period",
        "tenant",
        "name",
        "aws_usd",
        "currency",
        "cost",
        "markup",
        "fees",
        "discount",
        "tax",
        "earlier",
        "total",
        "state",
        "due",
        "stripe_invoice",
        "reason",
    ];
    let rows: Vec<Vec<Cell>> = bills.rows.iter().map(|bill| cells(bills, bill)).collect();
    csv::table(&head, &rows)
}

fn cells(bills: &Bills, bill: &Bill) -> Vec<Cell> {
    let number = |number: Option<Decimal>| number.map_or(Cell::Empty, Cell::Number);
    let parts = bill.parts.as_ref();
    let of = |part: fn(&Parts) -> Decimal| number(parts.map(part));
    vec![
        Cell::text(bills.month.to_string()),
        Cell::text(bill.tenant.clone()),
        Cell::text(bill.name.clone()),
        number(bill.aws_usd.map(|cost| cost.normalize())),
        Cell::optional(parts.map(|parts| parts.currency.code())),
        of(|parts| parts.cost),
        of(|parts| parts.markup),
        of(|parts| parts.fees),
        of(|parts| parts.discount),
        of(|parts| parts.tax),
        of(|parts| parts.earlier),
        of(|parts| parts.total),
        Cell::text(bill.state),
        Cell::optional(bill.due),
        Cell::optional(bill.stripe_invoice.as_ref()),
        Cell::optional(bill.reason.as_ref()),
    ]
}

/// The same as JSON; amounts as `142.10 USD`.
pub fn json(bills: &Bills) -> Value {
    let unclaimed = bills.unclaimed.as_ref();
    json!({
        "period": bills.month,
        "bills": bills.rows.iter().map(bill).collect::<Vec<_>>(),
        "sums": bills.sums().iter().map(|(count, sum)| json!({ "bills": count, "parts": parts(sum) })).collect::<Vec<_>>(),
        "without_cost": bills.rows.iter().filter(|bill| bill.is_without_cost()).map(|bill| &bill.tenant).collect::<Vec<_>>(),
        "unallocated_usd": unclaimed.map(|unclaimed| unclaimed.cost.normalize()),
        "unallocated_by_value_usd": unclaimed.map(|unclaimed| &unclaimed.values),
        "shared_usd": unclaimed.map(|unclaimed| unclaimed.shared.normalize()),
        "near_misses": unclaimed.map(super::near_misses::json).unwrap_or_default(),
    })
}

fn bill(bill: &Bill) -> Value {
    json!({
        "tenant": bill.tenant,
        "name": bill.name,
        "aws_usd": bill.aws_usd.map(|cost| cost.normalize()),
        "parts": bill.parts.as_ref().map(parts),
        "state": bill.state,
        "reason": bill.reason,
        "due": bill.due,
        "stripe_invoice": bill.stripe_invoice,
    })
}

fn parts(parts: &Parts) -> Value {
    let money = |amount: Decimal| Money::new(amount, parts.currency);
    json!({
        "cost": money(parts.cost),
        "markup": money(parts.markup),
        "fees": money(parts.fees),
        "discount": money(parts.discount),
        "tax": money(parts.tax),
        "earlier": money(parts.earlier),
        "total": parts.money(),
    })
}
