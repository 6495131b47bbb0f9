//! A local cloud with signatures and policies enforced, and root's way to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_config::AppName;
use aws_sdk_iam::config::{Credentials as AwsCredentials, SharedCredentialsProvider};
use localcloud::{LocalCloud, Options};
use provisioner::cloud::calls::Calls;
use provisioner::cloud::secret_values::{SecretValue, SecretValues};
use provisioner::cloud::stripe_api::StripeApi;
use provisioner::cloud::{Cloud, CloudOptions, sdk_config};

use super::{Credentials, built};

/// A running local cloud; it ends when this is dropped.
pub struct Place {
    /// The cloud.
    pub cloud: LocalCloud,
}

impl Place {
    /// Starts one.
    pub async fn start() -> Place {
        let options = Options { auth: true, ..Options::new(built::local_cloud_home()) };
        let cloud = LocalCloud::start(options, &|line| eprintln!("{line}")).await.expect("the local cloud starts");
        Place { cloud }
    }

    /// Root's key.
    pub fn root(&self) -> Credentials {
        let description = self.cloud.description();
        Credentials { id: description.access_key_id.clone(), secret: description.secret_access_key.clone() }
    }

    /// Clients that are root.
    pub async fn clients(&self) -> Cloud {
        let description = self.cloud.description();
        let Credentials { id, secret } = self.root();
        let config = sdk_config(&description.region).await.to_builder();
        let config = config
            .endpoint_url(&description.aws_endpoint)
            // Whoever acts by hand is not billform.
            .app_name(AppName::new("console").expect("a name"))
            .credentials_provider(SharedCredentialsProvider::new(AwsCredentials::new(id, secret, None, None, "tests")))
            .build();
        let options = CloudOptions {
            stack: "tests".to_owned(),
            account: description.account.clone(),
            region: description.region.clone(),
            secret_values: Arc::new(NoSecrets),
            bundle: None,
            stripe: Some(self.stripe()),
            calls: Calls::default(),
        };
        Cloud::new(&config, options)
    }

    fn stripe(&self) -> StripeApi {
        let description = self.cloud.description();
        let key = SecretValue::new(description.stripe_api_key.clone());
        StripeApi::new(&key, Some(&description.stripe_api_base), Calls::default()).expect("a key of the local Stripe")
    }

    /// How often each service was called since the last reset.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        let services = self.cloud.traffic().counts().services;
        services.into_iter().map(|(service, operations)| (service, operations.values().sum())).collect()
    }
}

/// Tests look and change; they give no secrets.
struct NoSecrets;

impl SecretValues for NoSecrets {
    fn given(&self, _: &str) -> Option<SecretValue> {
        None
    }

    fn required(&self, name: &str) -> Result<SecretValue, String> {
        Err(format!("tests have no value for `{name}`"))
    }
}
