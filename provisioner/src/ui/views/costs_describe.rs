//! What a cost report is.

use std::fmt::Write as _;

use cur::Description;
use serde_json::{Value, json};

use super::amounts::{counted, grouped};
use super::costs::sums;
use super::style::{BOLD, YELLOW, paint};
use super::table::aligned;
use super::wrap::wrapped;

/// For people.
pub fn render(report: &Description, width: usize) -> String {
    let mut out = String::new();
    let bytes: u64 = report.files.iter().map(|file| file.bytes).sum();
    let head = format!(
        "{}, {}, {}, {} bytes",
        report.layout,
        counted(report.files.len() as u64, "file"),
        counted(report.rows, "row"),
        grouped(bytes.into())
    );
    let _ = writeln!(out, "{}\n", wrapped(&paint(BOLD, head).to_string(), width, 2));
    let files: Vec<[String; 3]> = report
        .files
        .iter()
        .map(|file| {
            let groups =
                file.row_groups.map(|groups| format!(", {}", counted(groups as u64, "row group"))).unwrap_or_default();
            [file.name.clone(), grouped(file.bytes.into()), format!("{}{groups}", file.format)]
        })
        .collect();
    out.push_str(&aligned(&files));
    let months = report.months.iter().map(|month| {
        let state = match month.is_final() {
            Some(true) => "final".to_owned(),
            Some(false) => {
                paint(YELLOW, format!("{} not invoiced", counted(month.open.map_or(0, |open| open.rows), "row")))
            }
            None => "no invoice ids".to_owned(),
        };
        format!(
            "{} ({}, {state})",
            if month.month.is_empty() { "unknown" } else { &month.month },
            counted(month.all.rows, "row")
        )
    });
    let currencies = report
        .currencies
        .iter()
        .map(|(name, rows)| format!("{} ({})", if name.is_empty() { "unknown" } else { name }, counted(*rows, "row")));
    let lists = [
        ("Months", months.collect::<Vec<_>>()),
        ("Currencies", currencies.collect()),
        ("Tags", report.tags.iter().cloned().collect()),
        ("Columns", report.columns.clone()),
    ];
    for (name, entries) in lists {
        let entries = if entries.is_empty() { "none".to_owned() } else { entries.join(", ") };
        let _ = writeln!(out, "\n{}", wrapped(&format!("{} {entries}", paint(BOLD, format!("{name}:"))), width, 2));
    }
    out
}

/// For programs.
pub fn json(report: &Description) -> Value {
    let files = report.files.iter().map(
        |file| json!({ "name": file.name, "bytes": file.bytes, "format": file.format, "row_groups": file.row_groups }),
    );
    let months = report.months.iter().map(|month| {
        json!({ "month": month.month, "sums": sums(&month.all), "not_final": month.open.as_ref().map(sums), "final": month.is_final() })
    });
    let currencies = report.currencies.iter().map(|(name, rows)| json!({ "currency": name, "rows": rows }));
    json!({
        "layout": report.layout.to_string(),
        "files": files.collect::<Vec<_>>(),
        "rows": report.rows,
        "months": months.collect::<Vec<_>>(),
        "currencies": currencies.collect::<Vec<_>>(),
        "tags": report.tags,
        "columns": report.columns,
    })
}
