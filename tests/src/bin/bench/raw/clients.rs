//! The clients, as the SDKs' own examples make them: default retries, nothing counted.

use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::{Builder, tls};

use crate::Fallible;

/// A client of every service.
pub struct Clients {
    pub api_gateway: aws_sdk_apigatewayv2::Client,
    pub budgets: aws_sdk_budgets::Client,
    pub cost_explorer: aws_sdk_costexplorer::Client,
    pub cost_reports: aws_sdk_costandusagereport::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
    pub events: aws_sdk_eventbridge::Client,
    pub iam: aws_sdk_iam::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub s3: aws_sdk_s3::Client,
    pub secrets: aws_sdk_secretsmanager::Client,
    pub sts: aws_sdk_sts::Client,
    pub stripe: stripe::Client,
}

impl Clients {
    /// From the environment, as billform's.
    pub async fn new(region: &str) -> Fallible<Clients> {
        // The SDKs' crates are built without their own TLS, so that the tree has one.
        let tls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(Builder::new().tls_provider(tls).build_https())
            .region(Region::new(region.to_owned()))
            .load()
            .await;
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Ok(Clients {
            api_gateway: aws_sdk_apigatewayv2::Client::new(&config),
            budgets: aws_sdk_budgets::Client::new(&config),
            cost_explorer: aws_sdk_costexplorer::Client::new(&config),
            cost_reports: aws_sdk_costandusagereport::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            lambda: aws_sdk_lambda::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            stripe: stripe_client()?,
        })
    }
}

fn stripe_client() -> Fallible<stripe::Client> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let builder = stripe::ClientBuilder::new(variable("STRIPE_API_KEY")?).url(variable("STRIPE_API_BASE")?);
    builder.build().map_err(|error| error.to_string())
}
