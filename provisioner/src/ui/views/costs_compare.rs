//! Two versions of a cost report: the groups whose cost or usage differs.

use cur::{Amount, Change, Report, compare};
use serde_json::{Value, json};

use super::amounts::{counted, money};
use super::costs::{record, sums, with_values};
use super::style::{BOLD, DIM, GREEN, RED, paint};
use super::wrap::{columns, wrapped};

/// The groups that changed most; `top` of them, or all with 0.
pub fn table(old: &Report, new: &Report, top: usize, width: usize) -> String {
    let mut changes = compare(old, new);
    let same = old.total.cost == new.total.cost;
    if changes.is_empty() {
        return format!("{}\n", wrapped(&format!("No group differs: {} in both.", money(new.total.cost)), width, 2));
    }
    changes.sort_by(|one, two| two.cost().abs().cmp(&one.cost().abs()).then_with(|| one.values.cmp(&two.values)));
    let shown = if top == 0 { changes.len() } else { top.min(changes.len()) };
    let rest: Amount = changes[shown..].iter().map(Change::cost).sum();
    let mut rows = vec![[heading(new), "Old".to_owned(), "New".to_owned(), "Change".to_owned()]];
    rows.extend(changes[..shown].iter().map(row));
    if shown < changes.len() {
        rows.push([format!("{} more", changes.len() - shown), String::new(), String::new(), signed(rest)]);
    }
    let difference = new.total.cost - old.total.cost;
    rows.push(["Total".to_owned(), money(old.total.cost), money(new.total.cost), signed(difference)]);
    let mut out = drawn(&rows, width);
    let currency = new.currency.as_deref().unwrap_or_default();
    let verdict = if same {
        "the total is the same".to_owned()
    } else {
        format!("the total by {} {currency}", signed_exact(difference))
    };
    let text = format!("{} changed, {}.", counted(changes.len() as u64, "group"), verdict.trim_end());
    out.push_str(&format!("\n{}\n", wrapped(&text, width, 2)));
    out
}

fn heading(report: &Report) -> String {
    report.by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn row(change: &Change) -> [String; 4] {
    let values: Vec<&str> = change.values.iter().map(|value| if value.is_empty() { "none" } else { value }).collect();
    let cost = |sums: &Option<cur::Sums>| sums.map(|sums| money(sums.cost)).unwrap_or_default();
    [values.join(", "), cost(&change.old), cost(&change.new), signed(change.cost())]
}

fn signed(amount: Amount) -> String {
    let text = money(amount);
    if amount.is_negative() || amount.is_zero() { text } else { format!("+{text}") }
}

fn signed_exact(amount: Amount) -> String {
    if amount.is_negative() { amount.to_string() } else { format!("+{amount}") }
}

fn drawn(rows: &[[String; 4]], width: usize) -> String {
    let wide = |at: usize| rows.iter().map(|row| columns(&row[at])).max().unwrap_or(0);
    let right = [wide(1), wide(2), wide(3)];
    let left = wide(0).min(width.saturating_sub(right.iter().sum::<usize>() + 6)).max(8);
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        let name = if columns(&row[0]) > left {
            row[0].chars().take(left - 1).chain(['…']).collect()
        } else {
            row[0].clone()
        };
        let pad = " ".repeat(left - columns(&name));
        let change = format!("{:>1$}", row[3], right[2]);
        let change = match row[3].chars().next() {
            Some('+') if number > 0 => paint(RED, change),
            Some('-') if number > 0 => paint(GREEN, change),
            _ => change,
        };
        let text = format!("{name}{pad}  {:>2$}  {:>3$}  {change}", row[1], row[2], right[0], right[1]);
        let is_edge = number == 0 || number + 1 == rows.len();
        let text = if is_edge {
            paint(BOLD, text)
        } else if row[1].is_empty() && row[2].is_empty() {
            paint(DIM, text)
        } else {
            text
        };
        out.push_str(&text);
        out.push('\n');
    }
    out
}

/// All groups that differ, with every digit.
pub fn csv(old: &Report, new: &Report) -> String {
    let names = ["old_cost", "new_cost", "old_usage", "new_usage"].map(str::to_owned);
    let header = record(new.by.iter().map(ToString::to_string).chain(names));
    let rows = compare(old, new).into_iter().map(|change| {
        let cell = |sums: &Option<cur::Sums>, of: fn(&cur::Sums) -> Amount| {
            sums.as_ref().map(|sums| of(sums).to_string()).unwrap_or_default()
        };
        let cells = [
            cell(&change.old, |sums| sums.cost),
            cell(&change.new, |sums| sums.cost),
            cell(&change.old, |sums| sums.usage),
            cell(&change.new, |sums| sums.usage),
        ];
        record(change.values.iter().map(|value| value.to_string()).chain(cells))
    });
    std::iter::once(header).chain(rows).collect()
}

/// The same as JSON.
pub fn json(old: &Report, new: &Report) -> Value {
    let changes = compare(old, new).into_iter().map(|change| {
        let rest = json!({
            "old": change.old.as_ref().map(sums),
            "new": change.new.as_ref().map(sums),
            "cost_change": change.cost().to_string(),
        });
        with_values(&new.by, &change.values, rest)
    });
    json!({
        "format": "billform-costs-compare/1",
        "basis": new.basis.to_string(),
        "currency": new.currency,
        "by": new.by.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "changes": changes.collect::<Vec<_>>(),
        "old": sums(&old.total),
        "new": sums(&new.total),
        "cost_change": (new.total.cost - old.total.cost).to_string(),
    })
}
