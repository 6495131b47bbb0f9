//! One account, ready to be called: the configuration that kinds make their clients from, the Stripe client, the
//! stack's name. A new kind changes nothing here.

pub mod boottime;
pub mod bundle;
pub mod calls;
pub mod clock;
pub mod connection;
pub mod cost_total;
pub mod errors;
pub mod evidence_key;
pub mod functions;
pub mod gate;
pub mod github;
pub mod http;
pub mod ownership;
pub mod pacing;
pub mod secret_values;
mod stripe_answer;
pub mod stripe_api;
pub mod stripe_metadata;
pub mod tag_backfill;

use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

use bundle::Bundle;
use calls::Calls;
use jiff::civil::Date;
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
    /// The UTC day of the run, by which undated edits of tenants' facts are dated. None where facts are written as they
    /// come.
    pub today: Option<Date>,
    stack_config: SdkConfig,
    us_east_1_config: SdkConfig,
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

/// How billform names itself to AWS: in each call's user agent, and so in what CloudTrail records.
pub const APP_NAME: &str = "billform";

/// A client of Cost Explorer, which is in us-east-1 whatever the stack's region.
pub async fn cost_explorer() -> aws_sdk_costexplorer::Client {
    aws_sdk_costexplorer::Client::new(&sdk_config("us-east-1").await)
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
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts(ANSWER_LIMIT))
        .http_client(http::client())
        .region(Region::new(region.to_owned()))
        .retry_config(retry);
    if let Ok(name) = AppName::new(APP_NAME) {
        loader = loader.app_name(name);
    }
    let config = loader.load().await;
    let pacer = pacing::Pacer::of_endpoint(config.endpoint_url().is_some());
    pacing::paced(&config, pacer)
}

/// A connection that died without a word would be waited for until TCP gives up; an upload may take its time.
fn timeouts(answer_limit: Duration) -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_LIMIT).read_timeout(answer_limit).build()
}

/// Where a service's resources live: which account and which region its calls go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The stack's account and region.
    Stack,
    /// The account that pays, in us-east-1: cost reports and cost-allocation tags. It is the stack's own account until
    /// the manifest's `aws.payer` is provisioned.
    Payer,
    /// The stack's account in us-east-1, for services that have no other region.
    UsEast1,
}

impl Cloud {
    /// Keeps the configurations that kinds make their clients from ([`client!`]); makes no client itself.
    pub fn new(config: &SdkConfig, options: CloudOptions) -> Cloud {
        Cloud {
            stack: options.stack,
            account: options.account,
            region: options.region,
            secret_values: options.secret_values,
            bundle: options.bundle,
            stripe: options.stripe,
            calls: options.calls,
            today: None,
            stack_config: config.clone(),
            us_east_1_config: config.to_builder().region(Region::new(BILLING_REGION)).build(),
        }
    }

    /// The same on a day, so that undated edits of tenants' facts are dated.
    #[must_use]
    pub fn on(self, today: Date) -> Cloud {
        Cloud { today: Some(today), ..self }
    }

    /// Returns the credentials, region, endpoint, time-outs, retries and pacing of clients for `home`.
    pub fn config(&self, home: Home) -> &SdkConfig {
        match home {
            Home::Stack => &self.stack_config,
            Home::Payer | Home::UsEast1 => &self.us_east_1_config,
        }
    }
}

/// Begins the configuration of one service's client: `config!(cloud, aws_sdk_s3, Home::Stack)`. Its calls are paced,
/// timed out and retried as [`Cloud::config`] says, counted, and pass the run's gate.
#[macro_export]
macro_rules! config {
    ($cloud:expr, $sdk:ident, $home:expr) => {
        $sdk::config::Builder::from($cloud.config($home)).interceptor($cloud.calls.clone())
    };
}

/// Makes a client of one service: `client!(cloud, aws_sdk_sns, Home::Stack)`, configured by [`config!`].
#[macro_export]
macro_rules! client {
    ($cloud:expr, $sdk:ident, $home:expr) => {
        $sdk::Client::from_conf($crate::config!($cloud, $sdk, $home).build())
    };
}

pub use crate::{client, config};
