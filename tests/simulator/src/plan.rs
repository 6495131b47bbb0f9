//! A plan: all events of a simulation.

use jiff::civil::Date;
use oracle::facts::Policy;
use oracle::month::Month;

use super::event::Event;

/// All that will happen. A plan with events dropped is a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The seed it was drawn from.
    pub seed: u64,
    /// The first month.
    pub first: Month,
    /// The last month.
    pub last: Month,
    /// The operator's settings.
    pub policy: Policy,
    /// What happens, by day.
    pub events: Vec<Event>,
}

impl Plan {
    /// Returns every day of the simulation: from the first of the first month until the last month has settled, and was
    /// looked back on.
    pub fn days(&self) -> impl Iterator<Item = Date> + use<> {
        let last = self.last.plus(self.policy.look_back_months + 1).last();
        let next = |day: &Date| day.tomorrow().ok();
        std::iter::successors(Some(self.first.first()), next).take_while(move |day| *day <= last)
    }

    /// Returns the same plan under settings that can be played: the cost source tells no record types apart, and months
    /// settle no sooner than AWS has its bill ready.
    #[must_use]
    pub fn as_built(mut self) -> Self {
        self.policy.records.clear();
        self.policy.settle_days = self.policy.settle_days.max(10);
        self
    }

    /// Returns the same plan with other events.
    #[must_use]
    pub fn with(&self, events: Vec<Event>) -> Self {
        Self { events, ..self.clone() }
    }
}
