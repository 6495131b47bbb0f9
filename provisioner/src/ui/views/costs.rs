//! A cost report: a table for people with shares and subtotals, CSV and JSON with every digit for programs.

use std::sync::Arc;

use cur::{Amount, Dimension, Group, Report, Sums};
use serde_json::{Map, Value, json};

use super::amounts::{counted, money, share};
use super::style::{BOLD, DIM, YELLOW, paint};
use super::wrap::{columns, wrapped};

/// A line of the table: what stands on the left, its cost, how it is painted.
struct Line {
    cells: Vec<String>,
    cost: Amount,
    style: Option<anstyle::Style>,
}

/// The table: the `top` largest groups of the first dimension, a third as many below each, what is left in one line.
pub fn table(report: &Report, files: usize, top: usize, width: usize) -> String {
    let mut out = heading(report, files, width);
    let total = report.total.cost;
    let lines = match report.by.len() {
        0 => Vec::new(),
        1 => level(report, 1, report.groups.clone(), top, &[]),
        _ => nested(report, top),
    };
    let total_line = Line { cells: vec!["Total".to_owned()], cost: total, style: Some(BOLD) };
    out.push_str(&drawn(report, &lines, &total_line, width));
    out.push('\n');
    for note in notes(report) {
        out.push_str(&wrapped(&note, width, 2));
        out.push('\n');
    }
    out
}

fn heading(report: &Report, files: usize, width: usize) -> String {
    let months: Vec<&str> =
        report.months.iter().map(|month| month.month.as_str()).filter(|month| !month.is_empty()).collect();
    let months = match months[..] {
        [] => String::new(),
        [one] => format!(", {one}"),
        [first, .., last] => format!(", {first} to {last}"),
    };
    let text = format!(
        "{}, {}, {}{months}, {} cost",
        report.layout,
        counted(files as u64, "file"),
        counted(report.total.rows, "row"),
        report.basis
    );
    format!("{}\n\n", wrapped(&paint(BOLD, text).to_string(), width, 2))
}

/// The groups of the first dimension, and below each its largest.
fn nested(report: &Report, top: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in level(report, 1, report.rolled_up(1), top, &[]) {
        let value = line.cells[0].clone();
        let is_rest = line.style == Some(DIM);
        let mut line = line;
        line.style = line.style.or(Some(BOLD));
        lines.push(line);
        if is_rest {
            continue;
        }
        let name = |group: &Group| named(&report.by[0], &group.values[0]);
        let below: Vec<Group> = report.groups.iter().filter(|group| name(group) == value).cloned().collect();
        // As many again below each would be more than a screen takes.
        lines.extend(level(report, report.by.len(), below, top.div_ceil(3), &[String::new()]));
    }
    lines
}

/// Groups as lines, the largest first, by their last dimensions; the rest is one line.
fn level(report: &Report, width: usize, mut groups: Vec<Group>, top: usize, before: &[String]) -> Vec<Line> {
    groups.sort_by(|one, two| two.sums.cost.abs().cmp(&one.sums.cost.abs()).then_with(|| one.values.cmp(&two.values)));
    let shown = if top == 0 || groups.len() <= top + 1 { groups.len() } else { top };
    let rest = groups.split_off(shown);
    let line = |group: &Group| {
        let is_unallocated = before.is_empty() && report.by[0] == Dimension::Tenant && group.values[0].is_empty();
        let values = group.values[before.len()..width].iter().zip(&report.by[before.len()..]);
        let cells = before.iter().cloned().chain(values.map(|(value, dimension)| named(dimension, value)));
        Line { cells: cells.collect(), cost: group.sums.cost, style: is_unallocated.then_some(YELLOW) }
    };
    let mut lines: Vec<Line> = groups.iter().map(line).collect();
    if !rest.is_empty() {
        let cells = before.iter().cloned().chain([format!("{} more", counted_plain(rest.len()))]).collect();
        lines.push(Line { cells, cost: rest.iter().map(|group| group.sums.cost).sum(), style: Some(DIM) });
    }
    lines
}

fn counted_plain(count: usize) -> String {
    super::amounts::grouped(count as u128)
}

/// A value as people read it; cost without one is named.
fn named(dimension: &Dimension, value: &Arc<str>) -> String {
    match (dimension, value.is_empty()) {
        (_, false) => value.to_string(),
        (Dimension::Tenant, true) => "unallocated".to_owned(),
        (Dimension::Invoice, true) => "not invoiced".to_owned(),
        (_, true) => "none".to_owned(),
    }
}

/// Lines with their costs to the right; values are cut where the width asks for it.
fn drawn(report: &Report, lines: &[Line], total: &Line, width: usize) -> String {
    let of = report.total.cost;
    let currency = report.currency.as_deref().map(|currency| format!(" ({currency})")).unwrap_or_default();
    let title = Line {
        cells: report.by.iter().map(|dimension| capital(&dimension.to_string())).collect(),
        cost: Amount::ZERO,
        style: Some(BOLD),
    };
    let head = (format!("Cost{currency}"), "Share".to_owned());
    let rows: Vec<(&Line, (String, String))> = std::iter::once((&title, head))
        .chain(lines.iter().chain([total]).map(|line| (line, (money(line.cost), share(line.cost, of)))))
        .collect();
    let right =
        |part: fn(&(String, String)) -> &String| rows.iter().map(|(_, cells)| columns(part(cells))).max().unwrap_or(0);
    let (cost_wide, share_wide) = (right(|cells| &cells.0), right(|cells| &cells.1));
    let count = report.by.len().max(1);
    let mut wide: Vec<usize> = (0..count)
        .map(|at| rows.iter().filter_map(|(line, _)| line.cells.get(at)).map(|cell| columns(cell)).max().unwrap_or(0))
        .collect();
    // The widest column gives way first.
    let room = width.saturating_sub(cost_wide + share_wide + 4 + 2 * (count - 1));
    while wide.iter().sum::<usize>() > room.max(count * 4) {
        if let Some(widest) = wide.iter_mut().max() {
            *widest -= 1;
        }
    }
    let mut out = String::new();
    for (line, (cost, share)) in rows {
        let cells = wide.iter().enumerate().map(|(at, wide)| {
            let cell = cut(line.cells.get(at).map(String::as_str).unwrap_or_default(), *wide);
            format!("{cell}{:1$}", "", wide - columns(&cell))
        });
        let left = cells.collect::<Vec<_>>().join("  ");
        let text = format!("{left}  {cost:>cost_wide$}  {share:>share_wide$}");
        let text = line.style.map_or(text.clone(), |style| paint(style, &text));
        out.push_str(&text);
        out.push('\n');
    }
    out
}

fn cut(text: &str, wide: usize) -> String {
    if columns(text) <= wide {
        return text.to_owned();
    }
    let kept: String = text.chars().take(wide.saturating_sub(1)).collect();
    format!("{kept}…")
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// What is not final, what no tenant has used, what was left out, and that nothing was lost.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    let currency = report.currency.as_deref().unwrap_or_default();
    if let Some(place) = report.place(&Dimension::Tenant) {
        let untagged = report.groups.iter().filter(|group| group.values[place].is_empty());
        let (mut cost, mut rows) = (Amount::ZERO, 0);
        untagged.for_each(|group| (cost, rows) = (cost + group.sums.cost, rows + group.sums.rows));
        if rows > 0 {
            let text = format!(
                "{} {currency} ({}) in {} name no tenant.",
                money(cost),
                share(cost, report.total.cost),
                counted(rows, "row")
            );
            notes.push(format!("{} {text}", paint(YELLOW, "Unallocated:")));
        }
    }
    for month in &report.months {
        let Some(open) = month.open.filter(|open| open.rows > 0) else { continue };
        let (cost, rows) = (money(open.cost), counted(open.rows, "row"));
        let text = format!("{cost} {currency} of {} ({rows}) have no invoice yet and may change.", month.month);
        notes.push(format!("{} {text}", paint(YELLOW, "Not final:")));
    }
    if report.outside > 0 {
        notes.push(format!("{} on other days are left out.", counted(report.outside, "row")));
    }
    let lost = format!(
        "The sum of {} is the sum of {}: {} {currency}",
        counted(report.groups.len() as u64, "group"),
        counted(report.total.rows, "row"),
        report.total.cost
    );
    notes.push(paint(DIM, format!("{}.", lost.trim_end())).to_string());
    notes
}

/// All groups: a column for each dimension, `cost` and `usage` with every digit.
pub fn csv(report: &Report) -> String {
    let header = report.by.iter().map(ToString::to_string).chain(["cost".to_owned(), "usage".to_owned()]);
    let rows = report.groups.iter().map(|group| {
        let values = group.values.iter().map(|value| value.to_string());
        record(values.chain([group.sums.cost.to_string(), group.sums.usage.to_string()]))
    });
    std::iter::once(record(header)).chain(rows).collect()
}

/// A line of CSV.
pub(super) fn record(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    format!("{}\n", cells.map(quoted).collect::<Vec<_>>().join(","))
}

/// The whole report; amounts are texts, so that no reader makes floats of them.
pub fn json(report: &Report, files: usize) -> Value {
    let groups = report.groups.iter().map(|group| with_values(&report.by, &group.values, sums(&group.sums)));
    let months = report.months.iter().map(|month| {
        json!({ "month": month.month, "sums": sums(&month.all), "not_final": month.open.as_ref().map(sums), "final": month.is_final() })
    });
    json!({
        "format": "billform-costs/1",
        "layout": report.layout.to_string(),
        "files": files,
        "basis": report.basis.to_string(),
        "columns": report.columns,
        "currency": report.currency,
        "by": report.by.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "groups": groups.collect::<Vec<_>>(),
        "total": sums(&report.total),
        "rows_on_other_days": report.outside,
        "months": months.collect::<Vec<_>>(),
        "conserved": report.is_conserved(),
    })
}

/// Sums as JSON.
pub(super) fn sums(sums: &Sums) -> Value {
    json!({ "cost": sums.cost.to_string(), "usage": sums.usage.to_string(), "rows": sums.rows })
}

/// An object with the values of a group before the rest.
pub(super) fn with_values(by: &[Dimension], values: &[Arc<str>], rest: Value) -> Value {
    let mut object = Map::new();
    object.extend(by.iter().zip(values).map(|(dimension, value)| (dimension.to_string(), json!(value))));
    if let Value::Object(rest) = rest {
        object.extend(rest);
    }
    Value::Object(object)
}
