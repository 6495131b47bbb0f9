//! Invoices before they exist: lines and total, amounts aligned.

use std::fmt::Write;

use super::style::{BOLD, YELLOW, paint};
use crate::commands::invoice::Preview;

/// All previews, with colours.
pub fn render(previews: &[Preview]) -> String {
    let shown: Vec<String> = previews.iter().map(one).collect();
    shown.join("\n")
}

fn one(preview: &Preview) -> String {
    let invoice = &preview.invoice;
    let mut out = format!("{}, {}\n", paint(BOLD, &preview.name), invoice.month);
    let lines: Vec<(&str, String)> =
        invoice.lines.iter().map(|line| (line.description.as_str(), line.amount.to_string())).collect();
    let total = ("Total", invoice.total.to_string());
    let wide = lines.iter().chain([&total]).map(|(text, _)| text.chars().count()).max().unwrap_or(0);
    let right = lines.iter().chain([&total]).map(|(_, amount)| amount.chars().count()).max().unwrap_or(0);
    for (text, amount) in &lines {
        let _ = writeln!(out, "  {text:wide$}  {amount:>right$}");
    }
    let _ = writeln!(out, "  {}", paint(BOLD, format!("{:wide$}  {:>right$}", total.0, total.1)));
    if let Some(note) = invoice.exchange_note() {
        let _ = writeln!(out, "  {note}");
    }
    if let Some(reason) = &preview.not_ready {
        let _ = writeln!(out, "  {} {reason}", paint(YELLOW, "Not drafted yet:"));
    }
    out
}
