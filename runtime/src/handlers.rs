//! The handlers, and how an event reaches the one that this process is.

pub mod cost_sync;
pub mod costs;
pub mod invoicer;

use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ports::PortError;
use crate::report::Metric;
use crate::settings::SettingError;

/// Which handler of the bundle a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handler {
    /// Daily: Cost Explorer into the ledger.
    CostSync,
    /// `GET /costs` from the ledger.
    Costs,
    /// Monthly: the ledger into Stripe drafts.
    Invoicer,
}

/// What a run gives back.
#[derive(Debug, Clone)]
pub struct Outcome<T> {
    /// The answer to whoever called.
    pub answer: T,
    /// Counts for CloudWatch.
    pub metrics: Vec<Metric>,
}

/// Why a run failed as a whole. Lambda shows it, retries the run and counts an error.
#[derive(Debug, thiserror::Error)]
pub enum HandlerError {
    /// The name is no handler's.
    #[error("`{0}` is no handler; use cost_sync, costs or invoicer")]
    UnknownHandler(String),
    /// The event is not what this handler takes.
    #[error("the event is malformed: {0}")]
    Event(String),
    /// The environment lacks something.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A call to AWS or Stripe failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A secret is not in a form that is known.
    #[error("the Stripe secret is unusable: {0}")]
    SecretForm(#[from] crate::secret::SecretFormError),
    /// Costs could not be given to their tenants.
    #[error(transparent)]
    Attribution(#[from] billing::attribution::AttributionError),
    /// The days to sync make no sense.
    #[error(transparent)]
    Window(#[from] billing::attribution::window::WindowError),
    /// Some tenants' invoices failed; the others are done.
    #[error("{failed} of {all} tenants failed: {summary}")]
    Tenants {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
        /// The summary of all of them, JSON.
        summary: String,
    },
}

impl Handler {
    /// Every handler.
    pub const ALL: [Handler; 3] = [Handler::CostSync, Handler::Costs, Handler::Invoicer];

    /// Its name, as settings and specs have it.
    pub fn name(self) -> &'static str {
        match self {
            Handler::CostSync => "cost_sync",
            Handler::Costs => "costs",
            Handler::Invoicer => "invoicer",
        }
    }
}

impl FromStr for Handler {
    type Err = HandlerError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Handler::ALL.into_iter().find(|handler| handler.name() == name);
        found.ok_or_else(|| HandlerError::UnknownHandler(name.to_owned()))
    }
}

/// Reads an event; `null` counts as `{}`, and fields that a schedule adds are passed over.
pub fn event<T: DeserializeOwned>(payload: Value) -> Result<T, HandlerError> {
    let payload = match payload {
        Value::Null => Value::Object(serde_json::Map::new()),
        payload => payload,
    };
    serde_json::from_value(payload).map_err(|problem| HandlerError::Event(problem.to_string()))
}
