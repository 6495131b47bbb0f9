//! One AWS configuration for all clients: standard credentials, retries, one TLS stack.

use std::error::Error;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;

use crate::deadline;
use crate::ports::PortError;

/// Throttles of Cost Explorer pass within seconds; the SDK backs off with jitter between attempts.
const MAX_ATTEMPTS: u32 = 6;

/// Gives each call, with all its attempts, the time that its run has left.
#[derive(Debug)]
struct WithinDeadline;

impl Intercept for WithinDeadline {
    fn name(&self) -> &'static str {
        "WithinDeadline"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut timeouts = TimeoutConfig::builder().operation_attempt_timeout(deadline::attempt());
        timeouts.set_operation_timeout(deadline::left());
        config.interceptor_state().store_put(timeouts.build());
        Ok(())
    }
}

/// The configuration that every AWS client is made from.
#[derive(Debug, Clone)]
pub struct Aws(SdkConfig);

impl Aws {
    /// From the environment: credentials, region and `AWS_ENDPOINT_URL`, as the SDK reads them.
    pub async fn from_environment() -> Aws {
        let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
            .load()
            .await;
        Aws(config)
    }

    /// Where the services are, when it is not at AWS.
    pub fn endpoint(&self) -> Option<&str> {
        self.0.endpoint_url()
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.0).interceptor(WithinDeadline);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A Cost Explorer client.
    pub fn cost_explorer(&self) -> aws_sdk_costexplorer::Client {
        let config = aws_sdk_costexplorer::config::Builder::from(&self.0).interceptor(WithinDeadline);
        aws_sdk_costexplorer::Client::from_conf(config.build())
    }

    /// A Secrets Manager client.
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        let config = aws_sdk_secretsmanager::config::Builder::from(&self.0).interceptor(WithinDeadline);
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }
}

/// A failed call in one line: AWS's code and message, or the chain of causes. Never a raw answer.
pub(super) fn failed<E>(doing: impl Into<String>, error: &E) -> PortError
where
    E: Error + ProvideErrorMetadata,
{
    let cause = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => chain(error),
    };
    PortError::new(doing, cause)
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
