//! One process of the bundle: its handler, and the way from an event to an answer.

use std::sync::Arc;

use billing::function::Setting;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::deadline;
use crate::environment::{self, Environment};
use crate::error::{RunError, StartError};
use crate::handler::{Entry, Started};
use crate::ports::{Clock, Ports};
use crate::registry;
use crate::run::{ERRORS, Failures, Metric, Outcome, Run, metric_line};
use crate::settings::Settings;

/// A started process.
pub struct Process {
    name: &'static str,
    handler: Box<dyn Started>,
    clock: Arc<dyn Clock>,
}

impl Process {
    /// Starts the handler that [`Setting::Handler`] names.
    ///
    /// # Errors
    /// When the handler is unknown, or a setting that its spec declares is missing or malformed.
    pub fn start(settings: Settings, ports: Arc<dyn Ports>) -> Result<Process, StartError> {
        let entry = registry::find(settings.required(Setting::Handler)?)?;
        Process::of(entry, settings, ports)
    }

    /// Starts the handler of this entry, in the registry or not.
    ///
    /// # Errors
    /// When a setting that its spec declares is missing or malformed, or it uses what its spec does not declare.
    pub fn of(entry: &Entry, settings: Settings, ports: Arc<dyn Ports>) -> Result<Process, StartError> {
        if let Some(missing) = environment::missing(&entry.spec, &settings) {
            return Err(missing.into());
        }
        let env = Environment::new(entry.spec, settings, ports);
        Ok(Process { name: entry.spec.name, handler: entry.start(&env)?, clock: env.clock() })
    }

    /// Answers one event and reports its counts.
    ///
    /// # Errors
    /// When the run fails as a whole or in part; Lambda then repeats asynchronous events.
    pub async fn handle(&self, payload: Value, run: &Run) -> Result<Box<RawValue>, RunError> {
        match self.in_time(payload, run).await {
            Ok(outcome) => {
                self.report(&outcome.metrics);
                match outcome.failures {
                    Failures { failed: 0, .. } => Ok(outcome.answer),
                    Failures { failed, all } => {
                        Err(self.logged(RunError::Partial { failed, all, summary: outcome.answer.get().to_owned() }))
                    }
                }
            }
            Err(error) => {
                self.report(&[Metric::new(ERRORS, 1)]);
                Err(self.logged(error))
            }
        }
    }

    /// Ends the run before Lambda ends the process, whatever the handler waits for.
    async fn in_time(&self, payload: Value, run: &Run) -> Result<Outcome<Box<RawValue>>, RunError> {
        let work = deadline::scope(run.deadline, async {
            self.clock.begin_run().await?;
            self.handler.handle(payload, run).await
        });
        tokio::time::timeout_at(run.deadline.work, work).await.unwrap_or(Err(RunError::OutOfTime))
    }

    fn logged(&self, error: RunError) -> RunError {
        tracing::error!(handler = self.name, %error, "the run failed");
        error
    }

    fn report(&self, metrics: &[Metric]) {
        if !metrics.is_empty() {
            // CloudWatch reads metrics from lines of standard output.
            println!("{}", metric_line(self.name, metrics, self.clock.now()));
        }
    }
}

#[cfg(test)]
mod tests;
