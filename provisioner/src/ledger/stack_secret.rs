//! A secret of the stack, read with the operator's credentials by the commands that sign with it. It is never shown.

use billing::manifest::model::Secret;

use crate::cloud::connection::{check_account, check_endpoint};
use crate::cloud::errors::call_error;
use crate::cloud::sdk_config;
use crate::cloud::secret_values::SecretValue;
use crate::project::Project;
use crate::ui::failure::Failure;

/// Reads what the secret holds now.
///
/// # Errors
/// It does not exist yet, or the credentials may not read it.
pub async fn read(project: &Project, secret: &Secret) -> Result<SecretValue, Failure> {
    let manifest = &project.manifest;
    check_endpoint()?;
    let config = sdk_config(&manifest.aws.region).await;
    check_account(&aws_sdk_sts::Client::new(&config), &manifest.aws.account).await?;
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let answer = client.get_secret_value().secret_id(&secret.name).send().await.map_err(|error| {
        let error = call_error("secretsmanager:GetSecretValue", error);
        Failure::new(format!("the secret {} cannot be read: {error}", secret.name))
            .hint("`billform apply` makes it; reading needs secretsmanager:GetSecretValue on it")
    })?;
    Ok(SecretValue::new(answer.secret_string().unwrap_or_default()))
}
