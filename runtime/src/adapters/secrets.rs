//! Secrets Manager, with a short memory so that a busy API does not ask on every request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::aws::failed;
use crate::ports::{PortError, Secrets};
use crate::secret::Secret;

/// How long a changed secret may go unnoticed.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Secrets by name.
#[derive(Debug)]
pub struct SecretsManager {
    client: aws_sdk_secretsmanager::Client,
    remembered: Mutex<HashMap<String, (Instant, Secret)>>,
}

impl SecretsManager {
    /// Over a client.
    pub fn new(client: aws_sdk_secretsmanager::Client) -> SecretsManager {
        SecretsManager { client, remembered: Mutex::default() }
    }

    fn remembered(&self, name: &str) -> Option<Secret> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(name).filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, secret)| secret.clone())
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        if let Some(secret) = self.remembered(name) {
            return Ok(secret);
        }
        let doing = || format!("read the secret {name}");
        let read = self.client.get_secret_value().secret_id(name).send().await;
        let text = read.map_err(|error| failed(doing(), &error))?.secret_string;
        let secret = Secret::new(text.ok_or_else(|| PortError::new(doing(), "it holds no text"))?);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(name.to_owned(), (Instant::now(), secret.clone()));
        Ok(secret)
    }
}
