//! What a run reports beside its answer: counts, as CloudWatch's embedded metric format reads them from a log line.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

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
/// Invoices drafted in Stripe by this run.
pub const INVOICES_DRAFTED: &str = "InvoicesDrafted";
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
