//! Why a handler does not start, and why a run fails as a whole.

use billing::function::{Grant, Setting};

use crate::ports::PortError;
use crate::settings::SettingError;

/// Why a process does not start. Lambda logs it and ends the process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// No handler has this name.
    #[error("`{name}` is not a handler; use one of {known}")]
    UnknownHandler {
        /// The name asked for.
        name: String,
        /// The names there are, comma separated.
        known: String,
    },
    /// The process environment lacks a setting, or its value is malformed.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The handler reads a setting that its spec does not declare.
    #[error("{handler} reads the setting {}, which its spec does not declare; add it to `SPEC.settings`", setting.variable())]
    UndeclaredSetting {
        /// The handler.
        handler: &'static str,
        /// What it reads.
        setting: Setting,
    },
    /// The handler uses a port that its spec grants nothing on.
    #[error("{handler} uses {port}, which its spec does not grant; add one of {grants:?} to `SPEC.grants`")]
    UndeclaredPort {
        /// The handler.
        handler: &'static str,
        /// The port: `the ledger`.
        port: &'static str,
        /// The grants of which one is needed.
        grants: &'static [Grant],
    },
}

/// Why a run failed as a whole. Lambda shows it, retries the run and counts an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The event is not one that this handler takes.
    #[error("the event is malformed: {0}")]
    Event(String),
    /// A call to AWS or Stripe failed.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A secret is not in a known form.
    #[error("the Stripe secret is unusable: {0}")]
    SecretForm(#[from] crate::secret::SecretFormError),
    /// Costs could not be given to their tenants.
    #[error(transparent)]
    Attribution(#[from] billing::attribution::AttributionError),
    /// The days to sync make no sense.
    #[error(transparent)]
    Window(#[from] billing::attribution::window::WindowError),
    /// The run did not end in the time that Lambda gives it.
    #[error("the run did not end in time; raise the function's time-out, or look for a service that does not answer")]
    OutOfTime,
    /// Some parts of the run failed; the others are done.
    #[error("{failed} of {all} tenants failed: {summary}")]
    Partial {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
        /// The answer about all of them, JSON.
        summary: String,
    },
}
