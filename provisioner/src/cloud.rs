//! One account, ready to be called: the AWS and Stripe clients, the stack's name and what kinds share.

pub mod boottime;
pub mod bundle;
pub mod calls;
pub mod clock;
pub mod connection;
pub mod errors;
pub mod gate;
pub mod http;
pub mod ownership;
pub mod pacing;
pub mod secret_values;
mod stripe_answer;
pub mod stripe_api;
pub mod stripe_metadata;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};

use bundle::Bundle;
use calls::Calls;
use secret_values::SecretValues;
use stripe_api::StripeApi;

/// What kinds need to do their work.
pub struct Cloud {
    /// The stack's name, value of the ownership tag: `<project>` or `<project>/<environment>`.
    pub stack: String,
    /// The AWS account everything is made in.
    pub account: String,
    /// The region everything is made in, but for services that live in us-east-1 only.
    pub region: String,
    /// The values of secrets, as they are given or asked for; never stored.
    pub secret_values: Arc<dyn SecretValues>,
    /// The handlers' code, when a bundle is at hand.
    pub bundle: Option<Arc<Bundle>>,
    /// The Stripe client, when a key is at hand.
    pub stripe: Option<StripeApi>,
    /// How many calls were made, by service.
    pub calls: Calls,
    /// API Gateway v2.
    pub api_gateway: aws_sdk_apigatewayv2::Client,
    /// Budgets.
    pub budgets: aws_sdk_budgets::Client,
    /// Cost Explorer, in us-east-1.
    pub cost_explorer: aws_sdk_costexplorer::Client,
    /// Cost and Usage Reports, in us-east-1.
    pub cost_reports: aws_sdk_costandusagereport::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
}

/// What a [`Cloud`] is made from, beside the standard AWS chain.
pub struct CloudOptions {
    /// See [`Cloud::stack`].
    pub stack: String,
    /// See [`Cloud::account`].
    pub account: String,
    /// See [`Cloud::region`].
    pub region: String,
    /// See [`Cloud::secret_values`].
    pub secret_values: Arc<dyn SecretValues>,
    /// See [`Cloud::bundle`].
    pub bundle: Option<Arc<Bundle>>,
    /// See [`Cloud::stripe`].
    pub stripe: Option<StripeApi>,
    /// See [`Cloud::calls`]; shared with the Stripe client.
    pub calls: Calls,
}

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long an answer may take to begin, the upload of a bundle included.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// Where billing services live, whatever the stack's region (aws-stripe-quirks, "Reports and cost").
const BILLING_REGION: &str = "us-east-1";

/// The standard chain: credentials, profile, `AWS_ENDPOINT_URL`; the region is the manifest's. Calls to AWS itself are
/// paced.
pub async fn sdk_config(region: &str) -> SdkConfig {
    // Throttles and lost connections are retried here; a create whose answer was lost comes back as
    // "already exists", which the engine looks into. Creates without a name opt out of retries.
    let retry = RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(200));
    let config = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts(ANSWER_LIMIT))
        .http_client(http::client())
        .region(Region::new(region.to_owned()))
        .retry_config(retry)
        .load()
        .await;
    let pacer = pacing::Pacer::of_endpoint(config.endpoint_url().is_some());
    pacing::paced(&config, pacer)
}

/// A connection that died without a word would be waited for until TCP gives up; an upload may take its time.
fn timeouts(answer_limit: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_LIMIT).read_timeout(answer_limit).build()
}

/// A client whose calls are counted.
macro_rules! client {
    ($sdk:ident, $config:expr, $calls:expr) => {
        $sdk::Client::from_conf($sdk::config::Builder::from($config).interceptor($calls.clone()).build())
    };
}

impl Cloud {
    /// Clients for everything, from one configuration.
    pub fn new(config: &SdkConfig, options: CloudOptions) -> Cloud {
        let calls = options.calls;
        let billing = &config.to_builder().region(Region::new(BILLING_REGION)).build();
        // Path-style addresses: the local cloud has no wildcard host names, and AWS takes them too.
        let s3 = aws_sdk_s3::config::Builder::from(config).force_path_style(true).interceptor(calls.clone()).build();
        Cloud {
            stack: options.stack,
            account: options.account,
            region: options.region,
            secret_values: options.secret_values,
            bundle: options.bundle,
            stripe: options.stripe,
            api_gateway: client!(aws_sdk_apigatewayv2, config, calls),
            budgets: client!(aws_sdk_budgets, billing, calls),
            cost_explorer: client!(aws_sdk_costexplorer, billing, calls),
            cost_reports: client!(aws_sdk_costandusagereport, billing, calls),
            dynamodb: client!(aws_sdk_dynamodb, config, calls),
            events: client!(aws_sdk_eventbridge, config, calls),
            iam: client!(aws_sdk_iam, config, calls),
            lambda: client!(aws_sdk_lambda, config, calls),
            logs: client!(aws_sdk_cloudwatchlogs, config, calls),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secrets: client!(aws_sdk_secretsmanager, config, calls),
            sts: client!(aws_sdk_sts, config, calls),
            calls,
        }
    }
}
