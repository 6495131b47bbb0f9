//! Publishes budget alerts, which MiniStack never does: an evaluation compares the cost model with each budget's alerts
//! and notifies the subscribers, once for each alert and period.

mod alert;
mod budget;
mod message;
mod publish;
mod spend;
mod time_unit;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

pub use publish::Published;

use crate::clock::day;
use crate::costs::Costs;
use crate::gateway::pipeline::{Upstream, UpstreamError};
use crate::mailbox::Mailbox;

use budget::Budget;

/// When budgets are evaluated, as the fields of a cron expression: three times a day.
///
/// AWS: "Budgets information is updated up to three times a day. Updates typically occur 8-12 hours after the
/// previous update." The hours are ours.
pub(crate) const EVALUATIONS: &str = "0 4,12,20 * * ? *";

/// Evaluates budgets; remembers what was published.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    upstream: Upstream,
    costs: Costs,
    mailbox: Mailbox,
    /// Budget, alert and first day of the period.
    published: Arc<Mutex<HashSet<String>>>,
}

/// The budgets of one moment, read once for many evaluations.
#[derive(Debug)]
pub(crate) struct Budgets {
    all: Vec<Budget>,
    /// The cost model's revision at the last evaluation: without new cost there is nothing new to publish.
    evaluated: Option<u64>,
}

impl Watch {
    /// Watches the budgets behind `upstream`.
    pub(crate) fn new(upstream: Upstream, costs: Costs, mailbox: Mailbox) -> Watch {
        Watch { upstream, costs, mailbox, published: Arc::default() }
    }

    /// Reads every budget with its alerts and subscribers.
    pub(crate) async fn read(&self) -> Result<Budgets, UpstreamError> {
        Ok(Budgets { all: budget::read(&self.upstream).await?, evaluated: None })
    }

    /// Publishes what passed its threshold and was not published in the period yet.
    pub(crate) async fn evaluate(&self, budgets: &mut Budgets, at: Timestamp) -> Result<Vec<Published>, UpstreamError> {
        let revision = Some(self.costs.revision());
        if budgets.evaluated == revision {
            return Ok(Vec::new());
        }
        budgets.evaluated = revision;
        let mut published = Vec::new();
        for budget in &budgets.all {
            for passed in self.costs.look(|model| budget.passed(model, day(at))) {
                if self.is_new(&passed.key) {
                    published.extend(publish::publish(&self.upstream, &self.mailbox, &passed, at).await?);
                }
            }
        }
        Ok(published)
    }

    /// Forgets what was published.
    pub(crate) fn reset(&self) {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn is_new(&self, key: &str) -> bool {
        self.published.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned())
    }
}
