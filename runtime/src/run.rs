//! One run of a handler: which request it is, until when it must answer, and what comes out of it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::deadline::Deadline;

/// One run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Lambda's request id; the same again when Lambda repeats the event.
    pub request_id: String,
    /// Until when its calls, its work and its process may last.
    pub deadline: Deadline,
}

impl Run {
    /// A run that Lambda ends after `left`, counted from now.
    pub fn lasting(request_id: impl Into<String>, left: Duration) -> Run {
        Run { request_id: request_id.into(), deadline: Deadline::after(left) }
    }
}

/// What a run gives back.
#[derive(Debug, Clone)]
pub struct Outcome<T> {
    /// The answer to the caller.
    pub answer: T,
    /// Counts for CloudWatch.
    pub metrics: Vec<Metric>,
    /// Parts that failed while others are done: the answer is logged and the run counts as failed.
    pub failures: Failures,
}

/// How many parts of a run failed, and of how many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Failures {
    /// How many failed.
    pub failed: usize,
    /// Of how many.
    pub all: usize,
}

impl<T> Outcome<T> {
    /// An answer without counts or failures.
    pub fn new(answer: T) -> Outcome<T> {
        Outcome { answer, metrics: Vec::new(), failures: Failures::default() }
    }

    /// The same counts and failures beside another form of the answer.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Outcome<U> {
        Outcome { answer: form(self.answer), metrics: self.metrics, failures: self.failures }
    }

    /// With these counts beside the answer.
    #[must_use]
    pub fn counting(self, metrics: Vec<Metric>) -> Outcome<T> {
        Outcome { metrics, ..self }
    }

    /// With `failed` of `all` parts failed; the run fails when any did.
    #[must_use]
    pub fn failing(self, failed: usize, all: usize) -> Outcome<T> {
        Outcome { failures: Failures { failed, all }, ..self }
    }
}

/// The CloudWatch namespace of every metric.
pub const NAMESPACE: &str = "billform";

/// One count of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// What is counted: `DaysSynced`.
    pub name: &'static str,
    /// How many.
    pub count: u64,
}

/// Days of cost written to the ledger.
pub const DAYS_SYNCED: &str = "DaysSynced";
/// Drafts that this run drew up in Stripe, whole.
pub const INVOICES_DRAFTED: &str = "InvoicesDrafted";
/// Invoices that this run found finalised, or finalised.
pub const INVOICES_ISSUED: &str = "InvoicesIssued";
/// Months whose cost changed after their invoice was issued.
pub const MONTHS_RESTATED: &str = "MonthsRestated";
/// Credit notes that this run issued.
pub const CREDIT_NOTES_ISSUED: &str = "CreditNotesIssued";
/// Tenants who left and are owed what no invoice can take.
pub const CREDITS_STRANDED: &str = "CreditsStranded";
/// Months that should have been complete by now.
pub const INVOICES_LATE: &str = "InvoicesLate";
/// Invoices that wait for a person although approval is automatic.
pub const INVOICES_HELD: &str = "InvoicesHeld";
/// Invoices and customers that the sweep brought up to date.
pub const PAYMENTS_SWEPT: &str = "PaymentsSwept";
/// Events of Stripe's that could not be applied.
pub const EVENTS_DEAD: &str = "EventsDead";
/// Stripe invoices with a tenant's name that the ledger does not know.
pub const INVOICES_UNKNOWN: &str = "InvoicesUnknown";
/// Runs, requests or tenants that failed.
pub const ERRORS: &str = "Errors";

impl Metric {
    /// A count.
    pub fn new(name: &'static str, count: usize) -> Metric {
        Metric { name, count: u64::try_from(count).unwrap_or(u64::MAX) }
    }
}

/// One line of the embedded metric format, with the handler's name as the only dimension.
pub fn metric_line(handler: &str, metrics: &[Metric], at: Timestamp) -> String {
    let definitions: Vec<Value> = metrics.iter().map(|metric| json!({"Name": metric.name, "Unit": "Count"})).collect();
    let mut line = Map::new();
    let directive = json!({"Namespace": NAMESPACE, "Dimensions": [["handler"]], "Metrics": definitions});
    line.insert("_aws".to_owned(), json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": [directive]}));
    line.insert("handler".to_owned(), json!(handler));
    for metric in metrics {
        line.insert(metric.name.to_owned(), json!(metric.count));
    }
    Value::Object(line).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_what_cloudwatch_documents() {
        let line = metric_line("cost_sync", &[Metric::new(DAYS_SYNCED, 31)], Timestamp::UNIX_EPOCH);
        let expected = concat!(
            r#"{"_aws":{"Timestamp":0,"CloudWatchMetrics":[{"Namespace":"billform","Dimensions":[["handler"]],"#,
            r#""Metrics":[{"Name":"DaysSynced","Unit":"Count"}]}]},"handler":"cost_sync","DaysSynced":31}"#,
        );
        assert_eq!(line, expected);
    }
}
