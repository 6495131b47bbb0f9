//! Credentials that are known to be of the manifest's account: what clients are made from.

use aws_config::SdkConfig;
use billing::manifest::Manifest;

use super::calls::Calls;
use super::errors::call_error;
use super::{sdk_config, timeouts};
use crate::ui::failure::Failure;

/// One run's way to AWS. The credentials are looked for once, so that a helper that asks for a code asks once.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Credentials, region, endpoint.
    pub config: SdkConfig,
    /// The path of every call made over it.
    pub calls: Calls,
}

impl Connection {
    /// Connects; credentials of any other account than the manifest's are refused before anything is read.
    pub async fn open(manifest: &Manifest, calls: Calls) -> Result<Connection, Failure> {
        check_endpoint()?;
        let config = sdk_config(&manifest.aws.region).await;
        let config = match calls.answer_limit() {
            Some(limit) => config.into_builder().timeout_config(timeouts(limit)).build(),
            None => config,
        };
        let sts = aws_sdk_sts::config::Builder::from(&config).interceptor(calls.clone()).build();
        check_account(&aws_sdk_sts::Client::from_conf(sts), &manifest.aws.account).await?;
        Ok(Connection { config, calls })
    }
}

/// Refuses an `AWS_ENDPOINT_URL` that is not an address: the SDK tells of it in debug output, service by service.
pub fn check_endpoint() -> Result<(), Failure> {
    match std::env::var("AWS_ENDPOINT_URL") {
        Ok(endpoint) if !endpoint.is_empty() => check_address(&endpoint),
        _ => Ok(()),
    }
}

fn check_address(endpoint: &str) -> Result<(), Failure> {
    let parsed: Option<http::Uri> = endpoint.parse().ok();
    let is_address =
        parsed.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
    if is_address {
        return Ok(());
    }
    Err(Failure::new(format!("the AWS endpoint `{endpoint}` is not an address"))
        .hint("AWS_ENDPOINT_URL looks like http://127.0.0.1:4566; without it AWS is called"))
}

/// Asks whose credentials these are: a manifest names its account, and no other is touched.
pub async fn check_account(sts: &aws_sdk_sts::Client, wanted: &str) -> Result<(), Failure> {
    let identity = sts.get_caller_identity().send().await.map_err(|error| {
        let error = call_error("sts:GetCallerIdentity", error);
        Failure::new(format!("AWS does not say whose credentials these are: {error}")).hint(
            "check the profile, AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL; `aws sts get-caller-identity` asks the same",
        )
    })?;
    let account = identity.account().unwrap_or_default();
    if account == wanted {
        return Ok(());
    }
    Err(Failure::new(format!("the manifest is for AWS account {wanted}, the credentials are of {account}"))
        .hint("use the other account's credentials, or change `aws.account`; nothing was read or changed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_an_address_with_scheme_and_host() {
        for good in ["http://127.0.0.1:4566", "https://aws.example.com/"] {
            assert!(check_address(good).is_ok(), "{good}");
        }
        for bad in ["notaurl", "127.0.0.1:4566", "ftp://host", "http://"] {
            let failure = check_address(bad).expect_err("no address");
            assert!(failure.message.contains(&format!("`{bad}`")), "{}", failure.message);
            assert!(failure.hint.is_some_and(|hint| hint.contains("AWS_ENDPOINT_URL")));
        }
    }
}
