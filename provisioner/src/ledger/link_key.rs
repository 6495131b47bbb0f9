//! The key that signs tenants' links, read from the stack's secret when a link is made. It is never shown.

use billing::link::LinkKey;

use crate::cloud::connection::{check_account, check_endpoint};
use crate::cloud::errors::call_error;
use crate::cloud::sdk_config;
use crate::project::Project;
use crate::ui::failure::Failure;

/// Reads it with the operator's credentials.
pub async fn read(project: &Project) -> Result<LinkKey, Failure> {
    let manifest = &project.manifest;
    let (_, secret) = manifest.link_secret().ok_or_else(|| {
        Failure::new("the manifest has no secret that signs links").hint("`auth.links.secret` names it")
    })?;
    check_endpoint()?;
    let config = sdk_config(&manifest.aws.region).await;
    check_account(&aws_sdk_sts::Client::new(&config), &manifest.aws.account).await?;
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let answer = client.get_secret_value().secret_id(&secret.name).send().await.map_err(|error| {
        let error = call_error("secretsmanager:GetSecretValue", error);
        Failure::new(format!("the secret {} cannot be read: {error}", secret.name))
            .hint("`billform apply` makes it; reading needs secretsmanager:GetSecretValue on it")
    })?;
    Ok(LinkKey::from_secret(answer.secret_string().unwrap_or_default())?)
}
