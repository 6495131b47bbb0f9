//! `bootstrap`, the one binary of the bundle: Lambda starts it and `BILLFORM_HANDLER` says which handler it is.
//!
//! `bootstrap describe` prints what every handler needs to be deployed (`handlers.json`) and ends.

use std::process::ExitCode;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use runtime::app::App;
use runtime::handlers::HandlerError;
use runtime::settings::Settings;
use runtime::spec;
use serde_json::Value;

/// A failed run as Lambda shows it.
#[derive(Debug)]
struct Failure(HandlerError);

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Diagnostic {
        Diagnostic { error_type: "HandlerError".to_owned(), error_message: failure.0.to_string() }
    }
}

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("describe") => {
            print!("{}", spec::json());
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
    let settings = Settings::new(std::env::vars());
    let app = match App::start(settings).await {
        Ok(app) => app,
        Err(error) => {
            tracing::error!(%error, "cannot start");
            return ExitCode::FAILURE;
        }
    };
    let app = &app;
    let handle = service_fn(|event: LambdaEvent<Value>| async move {
        let (payload, context) = event.into_parts();
        app.handle(payload, &context.request_id).await.map_err(Failure)
    });
    match lambda_runtime::run(handle).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the Lambda runtime ended");
            ExitCode::FAILURE
        }
    }
}
