//! What the deployed invoicer answered, month by month.

use std::fmt::Write;

use serde_json::Value;

use super::style::{RED, YELLOW, paint};
use super::table::aligned;
use super::wrap::wrapped;

/// One line for each month, and its reason below where there is one.
pub fn render(answer: &Value, width: usize) -> String {
    let months = answer["invoices"].as_array().map(Vec::as_slice).unwrap_or_default();
    if months.is_empty() {
        return "No month is open.\n".to_owned();
    }
    let rows: Vec<[String; 4]> = months.iter().map(row).collect();
    let mut out = String::new();
    for (line, month) in aligned(&rows).lines().zip(months) {
        let failed = month["result"] == "failed";
        let _ = writeln!(out, "{}", if failed { paint(RED, line).to_string() } else { line.to_owned() });
        if let Some(reason) = text(month, "reason").or(text(month, "waits")) {
            let _ = writeln!(out, "{}", wrapped(&format!("  {reason}."), width, 2));
        }
    }
    if let Some(left) = answer["left"].as_u64().filter(|left| *left > 0) {
        let note = format!("{left} tenants are left: there was no time for them. Run it again to go on.");
        let _ = writeln!(out, "{}", wrapped(&paint(YELLOW, note).to_string(), width, 2));
    }
    out
}

fn row(month: &Value) -> [String; 4] {
    let state = text(month, "state").or(text(month, "result")).unwrap_or_default().replace('_', " ");
    let cell = |key: &str| text(month, key).unwrap_or_default().to_owned();
    [format!("{} {}", cell("tenant"), cell("period")), state, cell("total"), cell("stripe_invoice")]
}

fn text<'a>(month: &'a Value, key: &str) -> Option<&'a str> {
    month[key].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_month_is_a_line_and_reasons_stand_below() {
        let answer = json!({"left": 2, "invoices": [
            {"tenant": "a", "period": "2026-10", "result": "done", "state": "nothing_due", "total": "0.00 USD"},
            {"tenant": "bee", "period": "2026-10", "result": "failed", "reason": "it is odd"},
        ]});
        let shown = anstream::adapter::strip_str(&render(&answer, 80)).to_string();
        assert_eq!(
            shown,
            "a 2026-10    nothing due  0.00 USD\nbee 2026-10  failed\n  it is odd.\n\
             2 tenants are left: there was no time for them. Run it again to go on.\n"
        );
        assert_eq!(render(&json!({"invoices": []}), 80), "No month is open.\n");
    }
}
