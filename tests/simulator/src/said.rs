//! What the invoicer said of each month in its last answer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use oracle::month::Month;
use serde_json::Value;

/// The last answers, by tenant and month.
#[derive(Debug, Default)]
pub struct Said(BTreeMap<String, BTreeMap<Month, Value>>);

/// A draft that waits for a person to approve it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvable {
    /// The tenant's id.
    pub tenant: String,
    /// The month.
    pub month: Month,
    /// What it comes to, as approvals name it.
    pub total: String,
}

impl Said {
    /// Forgets what was said, before a run over all tenants says it again.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes an answer about some months beside what was said of others.
    pub fn add(&mut self, answer: &str) {
        let answer: Value = serde_json::from_str(answer).unwrap_or_default();
        for invoice in answer["invoices"].as_array().into_iter().flatten() {
            let (tenant, period) = (invoice["tenant"].as_str(), invoice["period"].as_str());
            let day = period.and_then(|period| format!("{period}-01").parse::<Date>().ok());
            if let Some((tenant, day)) = tenant.zip(day) {
                self.0.entry(tenant.to_owned()).or_default().insert(Month::of(day), invoice.clone());
            }
        }
    }

    /// Returns the months that it named as failing or waiting too long.
    pub fn named_months(&self, tenant: &str) -> BTreeSet<Month> {
        self.failed(tenant).map(|(month, _)| *month).collect()
    }

    /// Returns the invoices that it named as edited.
    pub fn named_documents(&self, tenant: &str) -> BTreeSet<String> {
        let reasons = self.failed(tenant).filter_map(|(_, invoice)| invoice["reason"].as_str());
        let words = reasons.flat_map(|reason| reason.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
        words.filter(|word| word.starts_with("in_")).map(str::to_owned).collect()
    }

    /// Returns the drafts that a person may approve.
    pub fn approvable(&self) -> Vec<Approvable> {
        let of_tenant = |(tenant, months): (&String, &BTreeMap<Month, Value>)| {
            let waits = |invoice: &Value| invoice["state"] == "complete" || invoice["result"] == "held";
            let of_month = |(month, invoice): (&Month, &Value)| {
                let total = invoice["total"].as_str().filter(|_| waits(invoice))?;
                Some(Approvable { tenant: tenant.clone(), month: *month, total: total.to_owned() })
            };
            months.iter().filter_map(of_month).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_tenant).collect()
    }

    /// Returns what was said of a tenant's months, for people.
    pub fn of(&self, tenant: &str) -> impl Iterator<Item = (&Month, &Value)> {
        self.0.get(tenant).into_iter().flatten()
    }

    fn failed(&self, tenant: &str) -> impl Iterator<Item = (&Month, &Value)> {
        self.of(tenant).filter(|(_, invoice)| invoice["result"] == "failed")
    }
}
