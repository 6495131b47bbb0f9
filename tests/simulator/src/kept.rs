//! Answers of Stripe's that stay the same while nothing happens to the customer they are about: each run asks the same of
//! every customer and every invoice, and on most days nothing happened to them.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// What ids begin with of objects whose customer is learned from answers.
const OWNED: [&str; 4] = ["in_", "pi_", "ch_", "pm_"];
/// One of so many answers that are kept is asked for again, and must be the same.
const ASKED_AGAIN: u64 = 211;

/// Why Stripe refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Stripe's words.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (status {})", self.message, self.status)
    }
}

/// What Stripe answered to a GET; what it does not know is an answer, too.
pub type Answer = Result<Value, Refusal>;

/// The answers that are kept.
#[derive(Debug, Default)]
pub struct Kept {
    /// By path: how many changes of the customer there were, and the answer.
    answers: BTreeMap<String, (u64, Answer)>,
    /// Whose an object is.
    owners: BTreeMap<String, String>,
    repeated: u64,
}

impl Kept {
    /// The customer that a request is about, by the first id in its path.
    pub fn customer(&self, path: &str) -> Option<String> {
        let mut parts = path.split(['/', '?', '&', '=']);
        let id = parts.find(|part| part.starts_with("cus_") || is_owned(part))?;
        if id.starts_with("cus_") { Some(id.to_owned()) } else { self.owners.get(id).cloned() }
    }

    /// What was answered when there were as many changes, and whether it is to be asked for again.
    pub fn repeat(&mut self, path: &str, changes: u64) -> Option<(Answer, bool)> {
        let (_, answer) = self.answers.get(path).filter(|(at, _)| *at == changes)?;
        self.repeated += 1;
        Some((answer.clone(), self.repeated.is_multiple_of(ASKED_AGAIN)))
    }

    /// Keeps an answer that was given after so many changes of the customer it is about, where that is known.
    pub fn keep(&mut self, path: &str, changes: Option<u64>, answer: &Answer) {
        if let Ok(answer) = answer {
            self.learn(answer);
        }
        let is_known = answer.as_ref().map_or_else(|refusal| refusal.status == 404, |_| true);
        if let Some(changes) = changes.filter(|_| is_known) {
            self.answers.insert(path.to_owned(), (changes, answer.clone()));
        }
    }

    /// Learns whose the objects of an answer are.
    fn learn(&mut self, answer: &Value) {
        if let (Some(id), Some(customer)) = (answer["id"].as_str(), answer["customer"].as_str())
            && is_owned(id)
        {
            self.owners.entry(id.to_owned()).or_insert_with(|| customer.to_owned());
        }
        answer["data"].as_array().into_iter().flatten().for_each(|row| self.learn(row));
        for inner in ["payment", "payment_intent", "latest_charge", "charge"] {
            if answer[inner].is_object() {
                self.learn(&answer[inner]);
            }
        }
    }
}

fn is_owned(id: &str) -> bool {
    OWNED.iter().any(|prefix| id.starts_with(prefix))
}
