//! Answers of Stripe's that stay the same while nothing happens to the customer they are about: each run asks the same of
//! every customer and every invoice, and on most days nothing happened to them.

use std::collections::BTreeMap;

use runtime::secret::Secret;
use serde_json::Value;

use super::requests::{Refusal, exchange};
use super::shared::Shared;

/// What ids begin with of objects whose customer is learned from answers.
const OWNED: [&str; 4] = ["in_", "pi_", "ch_", "pm_"];
/// One of so many answers that are kept is asked for again, and must be the same.
const ASKED_AGAIN: u64 = 211;

/// What Stripe answered to a GET; what it does not know is an answer, too.
type Answer = Result<Value, Refusal>;

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
    fn customer(&self, path: &str) -> Option<String> {
        let mut parts = path.split(['/', '?', '&', '=']);
        let id = parts.find(|part| part.starts_with("cus_") || is_owned(part))?;
        if id.starts_with("cus_") { Some(id.to_owned()) } else { self.owners.get(id).cloned() }
    }

    fn repeat(&mut self, path: &str, changes: u64) -> Option<(Answer, bool)> {
        let (_, answer) = self.answers.get(path).filter(|(at, _)| *at == changes)?;
        self.repeated += 1;
        Some((answer.clone(), self.repeated.is_multiple_of(ASKED_AGAIN)))
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

/// Asks Stripe, or repeats what it answered before where nothing happened to the customer since.
///
/// # Errors
/// Stripe refuses it.
///
/// # Panics
/// What was kept is not what Stripe answers.
pub fn get(shared: &Shared, key: &Secret, path: &str) -> Answer {
    let ask = || exchange(shared, key, ("GET", path), "", None);
    let customer = shared.with_kept(|kept| kept.customer(path));
    let changes = customer.as_ref().map(|customer| shared.stripe.changes_of(customer));
    if let Some(changes) = changes
        && let Some((answer, is_asked_again)) = shared.with_kept(|kept| kept.repeat(path, changes))
    {
        assert!(!is_asked_again || answer == ask(), "{path} is answered otherwise, and its customer did not change");
        return answer;
    }
    let answer = ask();
    shared.with_kept(|kept| {
        if let Ok(answer) = &answer {
            kept.learn(answer);
        }
        let is_known = answer.as_ref().map_or_else(|refusal| refusal.status == 404, |_| true);
        if let Some(changes) = changes.filter(|_| is_known) {
            kept.answers.insert(path.to_owned(), (changes, answer.clone()));
        }
    });
    answer
}
