//! What the cost sync answered: what was read, what is no tenant's, and whose costs could not be written.

use std::fmt::Write;

use rust_decimal::Decimal;
use serde_json::Value;

use super::style::{RED, paint};
use super::wrap::wrapped;
use crate::ledger::closing::dollars;

/// One line about what was read, and one for each tenant that failed.
pub fn render(answer: &Value, width: usize) -> String {
    let (start, end) = (text(answer, "start"), text(answer, "end"));
    let line = match start.is_empty() {
        true => "Costs: no open month has a day that is over.".to_owned(),
        false => format!(
            "Costs from {start} to {end}: {}, {} of it unallocated; {} changed.",
            amount(answer, "total"),
            amount(answer, "unallocated"),
            days(answer)
        ),
    };
    let mut out = wrapped(&line, width, 2) + "\n";
    for line in failures(answer, "") {
        let _ = writeln!(out, "{}", wrapped(&line, width, 2));
    }
    out
}

/// A line for each tenant whose costs could not be written, after what it is about.
pub fn failures(answer: &Value, about: &str) -> Vec<String> {
    let line = |tenant: &Value| {
        let (id, reason) = (text(tenant, "tenant"), text(tenant, "reason"));
        paint(RED, format!("{about}{id} was not written: {reason}.")).to_string()
    };
    failed(answer).iter().map(line).collect()
}

/// The tenants whose costs could not be written.
pub fn failed(answer: &Value) -> &[Value] {
    answer["failed"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// An amount of the answer in US dollars.
pub fn amount(answer: &Value, key: &str) -> String {
    let amount = Decimal::from_str_exact(&answer[key].to_string().replace('"', ""));
    amount.map_or_else(|_| "unknown".to_owned(), dollars)
}

fn days(answer: &Value) -> String {
    match answer["days_written"].as_u64().unwrap_or(0) {
        0 => "nothing".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(answer: &Value) -> String {
        anstream::adapter::strip_str(&render(answer, 80)).to_string()
    }

    #[test]
    fn what_was_read_is_one_line_and_each_failure_another() {
        let mut answer = json!({
            "start": "2026-10-01", "end": "2026-11-27", "total": "129.75", "unallocated": 3.25, "days_written": 2,
        });
        let line = "Costs from 2026-10-01 to 2026-11-27: 129.75 USD, 3.25 USD of it unallocated; 2\n  days changed.\n";
        assert_eq!(shown(&answer), line);
        answer["failed"] = json!([{ "tenant": "b", "reason": "it has too many projects" }]);
        assert_eq!(shown(&answer), format!("{line}b was not written: it has too many projects.\n"));
    }

    #[test]
    fn where_nothing_is_open_that_is_said() {
        let nothing = json!({ "start": null, "end": null, "total": "0", "unallocated": "0", "days_written": 0 });
        assert_eq!(shown(&nothing), "Costs: no open month has a day that is over.\n");
    }
}
