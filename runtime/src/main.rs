//! `bootstrap`, the one binary of the bundle: Lambda starts it and `BILLFORM_HANDLER` says which handler it is.
//!
//! `bootstrap describe` prints what every handler needs to be deployed (`handlers.json`) and ends.

use std::process::ExitCode;

use std::sync::Arc;
use std::time::SystemTime;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use runtime::adapters::{Aws, AwsPorts};
use runtime::error::RunError;
use runtime::process::Process;
use runtime::registry;
use runtime::run::Run;
use runtime::settings::Settings;
use serde_json::Value;

/// The address of a local Stripe; Stripe's own without it.
const STRIPE_API_BASE: &str = "STRIPE_API_BASE";

/// A failed run as Lambda shows it.
#[derive(Debug)]
struct Failure(RunError);

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        Diagnostic { error_type: "HandlerError".to_owned(), error_message: failure.0.to_string() }
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("describe") => {
            print!("{}", registry::describe_json());
            ExitCode::SUCCESS
        }
        Some(other) => {
            eprintln!("error: unknown argument `{other}`; run `bootstrap describe`, or let Lambda start it");
            ExitCode::FAILURE
        }
        None => serve(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> ExitCode {
    tracing_subscriber::fmt().json().with_max_level(tracing::Level::INFO).with_span_list(false).init();
    let ports = AwsPorts::new(Aws::from_environment().await, std::env::var(STRIPE_API_BASE).ok());
    let process = match Process::start(Settings::new(std::env::vars()), Arc::new(ports)) {
        Ok(process) => process,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let process = &process;
    let handle = service_fn(|event: LambdaEvent<Value>| async move {
        let (payload, context) = event.into_parts();
        let left = context.deadline().duration_since(SystemTime::now()).unwrap_or_default();
        process.handle(payload, &Run::lasting(context.request_id, left)).await.map_err(Failure)
    });
    match lambda_runtime::run(handle).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}
