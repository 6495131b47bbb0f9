//! Repeating a call to Stripe where that can help, and saying what went wrong where it cannot.

use std::time::Duration;

use stripe::{IdempotencyKey, RequestStrategy, StripeError};

use super::pace::Pace;
use crate::deadline;
use crate::ports::PortError;
use crate::secret::Secret;

const MAX_ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Sends a request once under its idempotency key; repeating is [`repeat`]'s.
pub(super) fn under_key(doing: &str, key: &str) -> Result<RequestStrategy, PortError> {
    let key = IdempotencyKey::new(key).map_err(|error| PortError::new(doing, error))?;
    Ok(RequestStrategy::Idempotent(key))
}

/// What every call of one account shares.
pub(super) struct Account {
    /// Blacked out of every error: some servers repeat the key they refuse.
    key: Secret,
    pace: Pace,
}

impl Account {
    /// The account that a key is of.
    pub(super) fn new(key: Secret) -> Account {
        Account { pace: Pace::of(&key), key }
    }

    /// Sends until it succeeds, cannot succeed, or was tried often enough. The key never shows in an error.
    pub(super) async fn repeat<T, F>(&self, doing: &str, send: impl FnMut() -> F) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, StripeError>>,
    {
        self.repeat_after(FIRST_PAUSE, doing, send).await
    }

    /// The same where a thing that Stripe does not know is an answer: none.
    pub(super) async fn repeat_found<T, F>(
        &self,
        doing: &str,
        mut send: impl FnMut() -> F,
    ) -> Result<Option<T>, PortError>
    where
        F: Future<Output = Result<T, StripeError>>,
    {
        let found = || {
            let sent = send();
            async {
                match sent.await {
                    Ok(found) => Ok(Some(found)),
                    Err(StripeError::Stripe(_, 404)) => Ok(None),
                    Err(error) => Err(error),
                }
            }
        };
        self.repeat(doing, found).await
    }

    /// The pause doubles with each attempt.
    async fn repeat_after<T, F>(
        &self,
        mut pause: Duration,
        doing: &str,
        mut send: impl FnMut() -> F,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, StripeError>>,
    {
        for _ in 1..MAX_ATTEMPTS {
            self.pace.turn().await;
            match in_time(send()).await {
                Ok(answer) => return Ok(answer),
                Err(error) if passes_by_itself(&error) && is_left(pause) => tokio::time::sleep(pause).await,
                Err(error) => return Err(self.failed(doing, &error)),
            }
            pause *= 2;
        }
        self.pace.turn().await;
        in_time(send()).await.map_err(|error| self.failed(doing, &error))
    }

    /// Stripe's own words, without what they might repeat of the key.
    fn failed(&self, doing: &str, error: &StripeError) -> PortError {
        failed(&self.key, doing, error)
    }
}

/// One attempt, within its part of the time that the run has left.
async fn in_time<T>(attempt: impl Future<Output = Result<T, StripeError>>) -> Result<T, StripeError> {
    tokio::time::timeout(deadline::attempt(), attempt).await.unwrap_or(Err(StripeError::Timeout))
}

/// Whether the run has time for another attempt after this pause.
fn is_left(pause: Duration) -> bool {
    deadline::left().is_none_or(|left| left > pause)
}

/// Throttles, a key in use by another request, server errors and lost connections.
fn passes_by_itself(error: &StripeError) -> bool {
    match error {
        StripeError::Stripe(_, status) => matches!(status, 409 | 424 | 429 | 500..=599),
        StripeError::ClientError(_) | StripeError::Timeout => true,
        StripeError::JSONDeserialize(_) | StripeError::ConfigError(_) => false,
    }
}

/// Whether the same request would be refused again. A key that is not accepted, or may not, is mended by a person.
fn is_refused(error: &StripeError) -> bool {
    matches!(error, StripeError::Stripe(_, 400 | 402 | 404) | StripeError::JSONDeserialize(_))
}

/// Stripe's own words, without what they might repeat of the key.
pub(super) fn failed(key: &Secret, doing: &str, error: &StripeError) -> PortError {
    let cause = match error {
        StripeError::Stripe(details, status) => {
            let message = details.message.as_deref().unwrap_or("no message");
            let param = details.param.as_ref().map(|param| format!(" ({param})")).unwrap_or_default();
            format!("Stripe answered {status}: {message}{param}")
        }
        other => other.to_string(),
    };
    PortError { refused: is_refused(error), ..PortError::new(doing, key.redact(&cause)) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::deadline::Deadline;

    fn lost() -> StripeError {
        StripeError::ClientError("connection reset while using sk_test_canary".to_owned())
    }

    fn account() -> Account {
        Account::new(Secret::new("sk_test_canary"))
    }

    /// Repeats without waiting.
    async fn at_once<T, F: Future<Output = Result<T, StripeError>>>(send: impl FnMut() -> F) -> Result<T, PortError> {
        account().repeat_after(Duration::ZERO, "test", send).await
    }

    #[tokio::test]
    async fn a_lost_connection_is_tried_again() {
        let tries = Cell::new(0);
        let answer = at_once(|| {
            tries.set(tries.get() + 1);
            let now = tries.get();
            async move { if now < 3 { Err(lost()) } else { Ok(now) } }
        });
        assert_eq!(answer.await, Ok(3));
    }

    #[tokio::test]
    async fn it_ends_and_its_error_does_not_show_the_key() {
        let tries = Cell::new(0);
        let answer = at_once::<(), _>(|| {
            tries.set(tries.get() + 1);
            async { Err(lost()) }
        });
        let error = answer.await.expect_err("five failures");
        assert_eq!(tries.get(), MAX_ATTEMPTS);
        assert!(!error.to_string().contains("canary"), "{error}");
    }

    #[tokio::test]
    async fn a_stripe_that_never_answers_is_an_error_in_time() {
        let within = Deadline::after(Duration::from_millis(400));
        let never = || std::future::pending::<Result<(), StripeError>>();
        let answer = deadline::scope(within, account().repeat("test", never)).await;
        assert!(tokio::time::Instant::now() < within.calls + Duration::from_secs(5), "it would take 100 s without");
        let error = answer.expect_err("no answer").to_string();
        assert!(error.contains("could not test") && !error.contains("canary"), "{error}");
    }

    #[tokio::test]
    async fn what_cannot_help_is_not_repeated() {
        let tries = Cell::new(0);
        let answer = at_once::<(), _>(|| {
            tries.set(tries.get() + 1);
            async { Err(StripeError::ConfigError("bad".to_owned())) }
        });
        assert!(answer.await.is_err());
        assert_eq!(tries.get(), 1);
    }
}
