//! The trait of handlers, and handlers of any event and answer behind one type.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::environment::Environment;
use crate::error::{RunError, StartError};
use crate::ports::PortError;
use crate::run::{Outcome, Run};
use crate::spec::Spec;

/// One kind of work that Lambda calls: an event in, an answer out.
///
/// A process runs one event at a time on one thread, so the futures need not be `Send`.
#[async_trait(?Send)]
pub trait Handler: Sized + Send + Sync + 'static {
    /// What it needs to be deployed.
    const SPEC: Spec;
    /// What calls it.
    type Event: DeserializeOwned + Send;
    /// What it answers, as JSON.
    type Answer: Serialize + Send;

    /// Takes its settings and ports, once for each process.
    fn start(env: &Environment) -> Result<Self, StartError>;

    /// Handles one event.
    async fn run(&self, event: Self::Event, run: &Run) -> Result<Outcome<Self::Answer>, RunError>;
}

/// A handler of the bundle, by name.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What it needs to be deployed.
    pub spec: Spec,
    start: fn(&Environment) -> Result<Box<dyn Started>, StartError>,
}

/// The entry of a handler type.
pub const fn entry<H: Handler>() -> Entry {
    Entry { spec: H::SPEC, start: start::<H> }
}

/// A started handler, whatever its event and answer.
#[async_trait(?Send)]
pub trait Started: Send + Sync {
    /// Reads the event, handles it, and gives the answer as JSON text, so that exact numbers stay exact.
    async fn handle(&self, payload: Value, run: &Run) -> Result<Outcome<Box<RawValue>>, RunError>;
}

fn start<H: Handler>(env: &Environment) -> Result<Box<dyn Started>, StartError> {
    Ok(Box::new(Typed(H::start(env)?)))
}

struct Typed<H>(H);

#[async_trait(?Send)]
impl<H: Handler> Started for Typed<H> {
    async fn handle(&self, payload: Value, run: &Run) -> Result<Outcome<Box<RawValue>>, RunError> {
        let Outcome { answer, metrics, failures } = self.0.run(event(payload)?, run).await?;
        let answer = to_raw_value(&answer).map_err(|error| PortError::new("write the answer", error))?;
        Ok(Outcome { answer, metrics, failures })
    }
}

/// Reads an event; `null` counts as `{}`.
///
/// # Errors
/// [`RunError::Event`] when the event is not of the handler's type.
pub fn event<T: DeserializeOwned>(payload: Value) -> Result<T, RunError> {
    let payload = match payload {
        Value::Null => Value::Object(serde_json::Map::new()),
        payload => payload,
    };
    serde_json::from_value(payload).map_err(|problem| RunError::Event(problem.to_string()))
}

impl Entry {
    /// Starts the handler in this environment, which must be of the same spec.
    ///
    /// # Errors
    /// When a setting is missing or malformed, or the handler asks for what its spec does not declare.
    pub fn start(&self, env: &Environment) -> Result<Box<dyn Started>, StartError> {
        (self.start)(env)
    }
}
