//! The clients, as the SDKs' own examples make them: default retries, nothing counted.

use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::{Builder, tls};

use crate::Fallible;

/// A client of every service that tenants' resources lie in.
pub struct Clients {
    pub budgets: aws_sdk_budgets::Client,
    pub dynamodb: aws_sdk_dynamodb::Client,
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
        Ok(Clients {
            budgets: aws_sdk_budgets::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
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
