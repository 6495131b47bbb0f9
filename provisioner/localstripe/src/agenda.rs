//! What falls due by itself: drafts that finalise themselves, attempts to collect, bank debits under way, invoices that
//! become overdue. Each belongs to a customer and falls due by that customer's clock.

use std::collections::{BTreeMap, HashMap};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// Finalise the draft.
    Finalize,
    /// Try to collect the invoice once more.
    Collect,
    /// Tell that the invoice is overdue.
    Overdue,
    /// The bank answers about the debit of the payment intent.
    Settle,
    /// The bank answers about the refund.
    Refund,
    /// The Checkout session is over unless somebody completed it.
    Expire,
}

/// One thing that falls due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// Unix seconds by the customer's clock.
    pub(crate) at: i64,
    pub(crate) task: Task,
    /// The id of the invoice or payment intent.
    pub(crate) subject: String,
    pub(crate) customer: String,
}

/// Everything that falls due, in order of time; what falls due in the same second keeps the order in which it was set.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    rows: BTreeMap<(i64, u64), Due>,
    places: HashMap<(String, Task), (i64, u64)>,
    made: u64,
}

impl Agenda {
    /// Sets when a task falls due, in place of the time it had.
    pub(crate) fn set(&mut self, due: Due) {
        self.cancel(&due.subject, due.task);
        self.made += 1;
        let place = (due.at, self.made);
        self.places.insert((due.subject.clone(), due.task), place);
        self.rows.insert(place, due);
    }

    /// The task does not fall due any more.
    pub(crate) fn cancel(&mut self, subject: &str, task: Task) {
        if let Some(place) = self.places.remove(&(subject.to_owned(), task)) {
            self.rows.remove(&place);
        }
    }

    /// What falls due, the earliest first.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Due> {
        self.rows.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(at: i64, subject: &str) -> Due {
        Due { at, task: Task::Finalize, subject: subject.to_owned(), customer: "cus_1".to_owned() }
    }

    #[test]
    fn tasks_stand_once_and_in_order() {
        let mut agenda = Agenda::default();
        for row in [due(5, "b"), due(3, "a"), due(5, "c"), due(9, "a")] {
            agenda.set(row);
        }
        let order: Vec<_> = agenda.rows().map(|row| (row.at, row.subject.as_str())).collect();
        assert_eq!(order, [(5, "b"), (5, "c"), (9, "a")]);
        agenda.cancel("b", Task::Collect);
        agenda.cancel("b", Task::Finalize);
        assert_eq!(agenda.rows().count(), 2);
    }
}
