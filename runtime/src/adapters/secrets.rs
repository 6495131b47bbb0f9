//! Secrets Manager, with a short memory so that a busy API does not ask on every request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::aws::failed;
use crate::ports::{PortError, Secrets};
use crate::secret::Secret;

/// How long a changed secret may go unnoticed by those who ask for it as it is remembered.
const REMEMBERED: Duration = Duration::from_secs(300);

/// A secret is read past what is remembered so many times in a row at once, and then once in [`REFILL`]: signatures of
/// nobody's must not make every request a call of Secrets Manager.
const READS_AGAIN: u32 = 5;
const REFILL: Duration = Duration::from_secs(10);

/// Secrets by name.
#[derive(Debug)]
pub struct SecretsManager {
    client: aws_sdk_secretsmanager::Client,
    remembered: Mutex<HashMap<String, (Instant, Secret)>>,
    again: Mutex<HashMap<String, Allowance>>,
}

/// How often a secret may be read again.
#[derive(Debug, Clone, Copy)]
struct Allowance {
    left: u32,
    refilled: Instant,
}

impl Allowance {
    fn full(now: Instant) -> Allowance {
        Allowance { left: READS_AGAIN, refilled: now }
    }

    /// Takes one, if one is left at that time.
    fn take(&mut self, now: Instant) -> bool {
        let due = now.saturating_duration_since(self.refilled).as_secs() / REFILL.as_secs();
        if due > 0 {
            let more = u32::try_from(due).unwrap_or(READS_AGAIN);
            *self = Allowance { left: self.left.saturating_add(more).min(READS_AGAIN), refilled: now };
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }
}

impl SecretsManager {
    /// Over a client.
    pub fn new(client: aws_sdk_secretsmanager::Client) -> SecretsManager {
        SecretsManager { client, remembered: Mutex::default(), again: Mutex::default() }
    }

    fn remembered(&self, name: &str) -> Option<Secret> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(name).filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, secret)| secret.clone())
    }

    fn may_read_again(&self, name: &str) -> bool {
        let now = Instant::now();
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        again.entry(name.to_owned()).or_insert_with(|| Allowance::full(now)).take(now)
    }

    async fn fetch(&self, name: &str) -> Result<Secret, PortError> {
        let doing = || format!("read the secret {name}");
        let read = self.client.get_secret_value().secret_id(name).send().await;
        let text = read.map_err(|error| failed(doing(), &error))?.secret_string;
        let secret = Secret::new(text.ok_or_else(|| PortError::new(doing(), "it holds no text"))?);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.insert(name.to_owned(), (Instant::now(), secret.clone()));
        Ok(secret)
    }
}

#[async_trait]
impl Secrets for SecretsManager {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        match self.remembered(name) {
            Some(secret) => Ok(secret),
            None => self.fetch(name).await,
        }
    }

    async fn secret_again(&self, name: &str) -> Result<Secret, PortError> {
        if self.may_read_again(name) { self.fetch(name).await } else { self.secret(name).await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_wrong_signatures_does_not_become_a_flood_of_reads() {
        let begin = Instant::now();
        let mut allowance = Allowance::full(begin);
        let taken = (0..1_000).filter(|_| allowance.take(begin)).count();
        assert_eq!(taken, 5);
        let taken = (0..100).filter(|second| allowance.take(begin + Duration::from_secs(*second))).count();
        assert_eq!(taken, 9, "one in ten seconds");
        assert_eq!((0..9).filter(|_| allowance.take(begin + Duration::from_secs(10_000))).count(), 5);
    }
}
