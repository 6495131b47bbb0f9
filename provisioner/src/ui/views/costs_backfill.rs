//! Months that were read again from Cost Explorer.

use std::fmt::Write;

use billing::Month;
use serde_json::{Value, json};

use super::costs_synced::{amount, failed, failures};
use super::style::{YELLOW, paint};
use super::table::aligned;
use super::wrap::wrapped;

/// What became of the months asked for.
#[derive(Debug)]
pub struct Backfilled {
    /// The first month asked for.
    pub from: Month,
    /// Why nothing was read yet.
    pub waits: Option<String>,
    /// What the cost sync answered for each month.
    pub months: Vec<(Month, Value)>,
}

impl Backfilled {
    /// Whether a tenant's costs could not be written.
    pub fn has_failures(&self) -> bool {
        self.months.iter().any(|(_, answer)| !failed(answer).is_empty())
    }
}

/// One line for each month and one for each tenant that failed, or what is waited for.
pub fn render(backfilled: &Backfilled, width: usize) -> String {
    let mut out = String::new();
    if let Some(waits) = &backfilled.waits {
        let _ = writeln!(out, "{}", wrapped(&paint(YELLOW, format!("Pending: {waits}.")).to_string(), width, 2));
        return out;
    }
    let head = ["Month", "AWS's total", "unallocated", "days changed"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(backfilled.months.iter().map(row)).collect();
    out.push_str(&aligned(&rows));
    for (month, answer) in &backfilled.months {
        for line in failures(answer, &format!("{month}: ")) {
            let _ = writeln!(out, "{}", wrapped(&line, width, 2));
        }
    }
    out
}

/// The same as one JSON document.
pub fn json(backfilled: &Backfilled) -> Value {
    let month = |(month, answer): &(Month, Value)| {
        json!({
            "period": month,
            "total_usd": answer["total"],
            "unallocated_usd": answer["unallocated"],
            "days_written": answer["days_written"],
            "failed": failed(answer),
        })
    };
    json!({
        "from": backfilled.from,
        "status": if backfilled.waits.is_some() { "pending" } else { "done" },
        "reason": backfilled.waits,
        "months": backfilled.months.iter().map(month).collect::<Vec<_>>(),
    })
}

fn row((month, answer): &(Month, Value)) -> [String; 4] {
    let days = answer["days_written"].to_string();
    [month.to_string(), amount(answer, "total"), amount(answer, "unallocated"), days]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backfilled(waits: Option<&str>) -> Backfilled {
        let answer = json!({
            "total": "129.75", "unallocated": "3.25", "days_written": 2,
            "failed": [{ "tenant": "b", "reason": "it has too many projects" }],
        });
        let month: Month = "2026-10".parse().expect("a month");
        Backfilled { from: month, waits: waits.map(str::to_owned), months: vec![(month, answer)] }
    }

    #[test]
    fn months_are_lines_and_tenants_that_failed_are_named() {
        let shown = anstream::adapter::strip_str(&render(&backfilled(None), 80)).to_string();
        assert_eq!(
            shown,
            "Month    AWS's total  unallocated  days changed\n2026-10  129.75 USD   3.25 USD     2\n\
             2026-10: b was not written: it has too many projects.\n"
        );
        assert!(backfilled(None).has_failures());
        assert_eq!(json(&backfilled(None))["months"][0]["days_written"], 2);
    }

    #[test]
    fn what_is_waited_for_is_said_alone() {
        let shown = anstream::adapter::strip_str(&render(&backfilled(Some("AWS works on it")), 80)).to_string();
        assert_eq!(shown, "Pending: AWS works on it.\n");
        assert_eq!(json(&backfilled(Some("x")))["status"], "pending");
    }
}
