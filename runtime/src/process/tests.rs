use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::handler::{Handler, entry};
use crate::ports::memory::Memory;
use crate::spec::Spec;

/// Waits for a port that never answers.
struct Waiting;

#[async_trait(?Send)]
impl Handler for Waiting {
    const SPEC: Spec = Spec { name: "waiting", ..Spec::EMPTY };
    type Event = Value;
    type Answer = ();

    fn start(_env: &Environment) -> Result<Waiting, StartError> {
        Ok(Waiting)
    }

    async fn run(&self, _event: Value, _run: &Run) -> Result<Outcome<()>, RunError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_run_that_waits_for_ever_fails_before_lambda_ends_it() {
    let process =
        Process::of(&entry::<Waiting>(), Settings::default(), Arc::new(Memory::default())).expect("it starts");
    let run = Run::lasting("test", Duration::from_millis(500));
    let failed = process.handle(json!({}), &run).await;
    assert!(matches!(failed, Err(RunError::OutOfTime)), "{failed:?}");
}

/// Gives an answer of which a part failed.
struct Partly;

#[async_trait(?Send)]
impl Handler for Partly {
    const SPEC: Spec = Spec { name: "partly", ..Spec::EMPTY };
    type Event = Value;
    type Answer = Value;

    fn start(_env: &Environment) -> Result<Partly, StartError> {
        Ok(Partly)
    }

    async fn run(&self, event: Value, _run: &Run) -> Result<Outcome<Value>, RunError> {
        Ok(Outcome::new(event).failing(1, 3))
    }
}

#[tokio::test]
async fn a_run_that_fails_in_part_is_a_failure_with_its_answer() {
    let process = Process::of(&entry::<Partly>(), Settings::default(), Arc::new(Memory::default())).expect("it starts");
    let failed = process.handle(json!({"a": 1}), &Run::lasting("test", Duration::from_secs(10))).await;
    let error = failed.expect_err("a failure").to_string();
    assert_eq!(error, r#"1 of 3 tenants failed: {"a":1}"#);
}
