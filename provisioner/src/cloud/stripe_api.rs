//! Stripe, called through async-stripe, with its errors sorted by what can be done about them.

use std::time::Duration;

use engine::kind::{CallError, ErrorClass};
use stripe::{IdempotencyKey, RequestStrategy, StripeError, StripeRequest};

use super::calls::Calls;
use super::pacing::Pacer;
use super::secret_values::SecretValue;
use super::stripe_answer::{self, Keeping};

/// A Stripe account, ready to be called.
#[derive(Clone)]
pub struct StripeApi {
    client: stripe::Client,
    /// Where calls go, as the gate tells endpoints apart.
    endpoint: String,
    live: bool,
    calls: Calls,
    pacer: Pacer,
}

/// Stripe's own clients give up on an answer after so long.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(80);

/// The Stripe key does not do.
#[derive(Debug, thiserror::Error)]
pub enum StripeKeyError {
    /// It is no secret key.
    #[error("the Stripe key is no secret key: it must begin with sk_test_, sk_live_, rk_test_ or rk_live_")]
    NotSecret,
    /// The key for the handlers is of another mode than the one that plans and applies.
    #[error("the key for the handlers is not of {here} mode, in which this run works")]
    OtherMode {
        /// This run's mode.
        here: &'static str,
    },
    /// The client refused it.
    #[error("the Stripe client cannot be set up: {0}")]
    Client(String),
}

impl StripeApi {
    /// A client for the key; `base` is another address than Stripe's own (`STRIPE_API_BASE`).
    pub fn new(key: &SecretValue, base: Option<&str>, calls: Calls) -> Result<StripeApi, StripeKeyError> {
        let live = is_live(key).ok_or(StripeKeyError::NotSecret)?;
        let key = key.expose();
        let builder = stripe::ClientBuilder::new(key).timeout(calls.answer_limit().unwrap_or(ANSWER_TIMEOUT));
        let builder = match base {
            Some(base) => builder.url(base),
            None => builder,
        };
        let client = builder.build().map_err(|error| StripeKeyError::Client(error.to_string()))?;
        let endpoint = base.unwrap_or("https://api.stripe.com").to_owned();
        Ok(StripeApi { client, endpoint, live, calls, pacer: Pacer::of_endpoint(base.is_some()) })
    }

    /// `live` or `test`.
    pub fn mode(&self) -> &'static str {
        if self.live { "live" } else { "test" }
    }

    /// Refuses the key that is deployed for the handlers when it is none, or moves another kind of money.
    pub fn check_deployed(&self, key: &SecretValue) -> Result<(), StripeKeyError> {
        match is_live(key) {
            None => Err(StripeKeyError::NotSecret),
            Some(live) if live != self.live => Err(StripeKeyError::OtherMode { here: self.mode() }),
            Some(_) => Ok(()),
        }
    }

    /// Reads, or says once more what is to be: `operation` is `GET /v1/prices`. The engine repeats what fails; it
    /// waits in between, which async-stripe does not.
    pub async fn read<R>(&self, operation: &str, request: R) -> Result<R::Output, CallError>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize,
    {
        self.pacer.wait("stripe", operation).await;
        self.pass(operation)?;
        self.send(request, RequestStrategy::Once).await.map_err(|error| call_error(operation, &error))
    }

    /// Changes an object that may have gone; none when it has.
    pub async fn change<R>(&self, operation: &str, request: R) -> Result<Option<R::Output>, CallError>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize,
    {
        self.pacer.wait("stripe", operation).await;
        self.pass(operation)?;
        match self.send(request, RequestStrategy::Once).await {
            Ok(object) => Ok(Some(object)),
            Err(StripeError::Stripe(_, 404)) => Ok(None),
            Err(error) => Err(call_error(operation, &error)),
        }
    }

    /// Asks the gate; what is no GET changes something.
    fn pass(&self, operation: &str) -> Result<(), CallError> {
        let passed = self.calls.gate().check(&self.endpoint, !operation.starts_with("GET "));
        passed.map_err(|halt| CallError {
            operation: format!("stripe:{operation}"),
            message: halt.to_string(),
            class: ErrorClass::Halted,
        })
    }

    /// Both strategies in use send a request once, so that one question to the gate is enough.
    async fn send<R>(&self, request: R, strategy: RequestStrategy) -> Result<R::Output, StripeError>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize,
    {
        self.calls.add("stripe");
        let client = Keeping::new(&self.client);
        let answer = request.customize().request_strategy(strategy).send(&client).await;
        match &answer {
            Err(StripeError::ClientError(cause)) => self.calls.gate().unreachable(&self.endpoint, cause),
            Err(StripeError::Timeout) => self.calls.gate().unreachable(&self.endpoint, "no answer in time"),
            _ => self.calls.gate().reached(&self.endpoint),
        }
        answer.map_err(|error| match (error, client.answer()) {
            (StripeError::JSONDeserialize(_), Some(text)) => {
                StripeError::JSONDeserialize(stripe_answer::obstacle::<R::Output>(&text))
            }
            (error, _) => error,
        })
    }

    /// Reads all pages. `page` asks for what comes after an id, `unpack` takes an answer apart into its objects and
    /// whether there are more.
    pub async fn list<R, T>(
        &self,
        operation: &str,
        page: impl Fn(Option<String>) -> R + Send,
        unpack: fn(R::Output) -> (Vec<T>, bool),
        id: fn(&T) -> String,
    ) -> Result<Vec<T>, CallError>
    where
        R: StripeRequest + Send,
        R::Output: miniserde::Deserialize + Send,
        T: Send,
    {
        let mut all: Vec<T> = Vec::new();
        loop {
            let (objects, more) = unpack(self.read(operation, page(all.last().map(id))).await?);
            let more = more && !objects.is_empty();
            all.extend(objects);
            if !more {
                return Ok(all);
            }
        }
    }

    /// Writes under an idempotency key: the same key and parameters take effect once.
    pub async fn write<R>(&self, operation: &str, key: &str, request: R) -> Result<R::Output, CallError>
    where
        R: StripeRequest,
        R::Output: miniserde::Deserialize,
    {
        self.pacer.wait("stripe", operation).await;
        self.pass(operation)?;
        let key = IdempotencyKey::new(key).map_err(|error| CallError {
            operation: format!("stripe:{operation}"),
            message: format!("the idempotency key is malformed: {error}"),
            class: ErrorClass::Refused,
        })?;
        let sent = self.send(request, RequestStrategy::Idempotent(key)).await;
        sent.map_err(|error| call_error(operation, &error))
    }
}

/// Whether a secret or restricted key moves real money; none when it is no such key.
fn is_live(key: &SecretValue) -> Option<bool> {
    let key = key.expose();
    let rest = key.strip_prefix("sk_").or_else(|| key.strip_prefix("rk_"))?;
    match rest.split_once('_')? {
        ("test", _) => Some(false),
        ("live", _) => Some(true),
        _ => None,
    }
}

/// What async-stripe says of an answer with an error status that is not JSON.
const UNREADABLE_ERROR: &str = "error deserializing Stripe error";

fn call_error(operation: &str, error: &StripeError) -> CallError {
    let (class, message) = match error {
        StripeError::Stripe(error, status) => {
            let message = error.message.clone().unwrap_or_else(|| format!("HTTP status {status}"));
            let message = match status {
                401 => format!("Stripe no longer takes the key: {message}. Set another STRIPE_API_KEY, then run again"),
                _ => message,
            };
            (classify(*status), message)
        }
        StripeError::ConfigError(message) => (ErrorClass::Refused, message.clone()),
        // The client's words for an error status with a body that is not Stripe's; it does not say which status.
        StripeError::JSONDeserialize(message) if message == UNREADABLE_ERROR => {
            let message = "an error whose text is not Stripe's: a proxy, or a server that fails, answered in its place";
            (ErrorClass::Ambiguous, message.to_owned())
        }
        StripeError::JSONDeserialize(message) => {
            (ErrorClass::Refused, format!("Stripe's answer cannot be read: {message}"))
        }
        StripeError::ClientError(message) => (ErrorClass::Ambiguous, format!("the connection failed: {message}")),
        StripeError::Timeout => (ErrorClass::Ambiguous, "no answer in time".to_owned()),
    };
    CallError { operation: format!("stripe:{operation}"), message, class }
}

/// Stripe's statuses: 401 is a key that is no good for any call, 409 a request under the same key that is still under
/// way.
fn classify(status: u16) -> ErrorClass {
    match status {
        401 => ErrorClass::Halted,
        403 => ErrorClass::Denied,
        409 => ErrorClass::NotYet,
        429 => ErrorClass::Throttled,
        500.. => ErrorClass::Ambiguous,
        _ => ErrorClass::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_what_can_be_done() {
        let classes = [401, 403, 409, 429, 500, 503, 400, 402, 404].map(classify);
        use ErrorClass::*;
        assert_eq!(classes, [Halted, Denied, NotYet, Throttled, Ambiguous, Ambiguous, Refused, Refused, Refused]);
        let lost = call_error("GET /v1/prices", &StripeError::ClientError("reset".to_owned()));
        assert_eq!(lost.to_string(), "stripe:GET /v1/prices: the connection failed: reset");
        assert_eq!(lost.class, Ambiguous);
        assert_eq!(call_error("GET /v1/prices", &StripeError::Timeout).class, Ambiguous);
        let proxy = call_error("GET /v1/prices", &StripeError::JSONDeserialize(UNREADABLE_ERROR.to_owned()));
        assert_eq!(proxy.class, Ambiguous, "{proxy}");
        let strange = call_error("GET /v1/prices", &StripeError::JSONDeserialize("miniserde error".to_owned()));
        assert_eq!(strange.class, Refused, "{strange}");
    }

    /// A Stripe that answers one request with this body.
    async fn answering(body: &'static str) -> StripeApi {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a request");
            stream.read_exact(&mut [0; 4]).await.expect("a request");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.expect("an answer");
        });
        StripeApi::new(&SecretValue::new("sk_test_1"), Some(&base), Calls::default()).expect("a key")
    }

    #[tokio::test]
    async fn an_answer_without_a_field_is_an_error_that_names_it() {
        let stripe = answering(r#"{"object": "product", "id": "prod_7", "active": true}"#).await;
        let request = stripe_product::product::RetrieveProduct::new("prod_7");
        let error = stripe.read("GET /v1/products/{id}", request).await.expect_err("it lacks fields");
        assert_eq!(error.class, ErrorClass::Refused);
        assert!(error.message.contains("the product prod_7 has no `created`"), "{error}");
    }

    #[test]
    fn the_handlers_key_moves_the_same_kind_of_money() {
        let here = StripeApi::new(&SecretValue::new("sk_test_1"), None, Calls::default()).expect("a key");
        let checked = |key: &str| here.check_deployed(&SecretValue::new(key)).map_err(|error| error.to_string());
        assert_eq!(checked("rk_test_2"), Ok(()));
        assert!(checked("sk_live_2").is_err_and(|error| error.contains("test mode") && !error.contains("sk_live")));
        assert!(checked("garbage").is_err_and(|error| error.contains("no secret key") && !error.contains("garbage")));
    }

    #[test]
    fn only_secret_keys_are_taken_and_never_shown() {
        let live = StripeApi::new(&SecretValue::new("sk_live_1234567890"), None, Calls::default()).expect("a key");
        assert_eq!(live.mode(), "live");
        for bad in ["pk_test_1", "sk_other_1", "", "whsec_1"] {
            let refused = StripeApi::new(&SecretValue::new(bad), None, Calls::default());
            assert!(refused.is_err_and(|error| bad.is_empty() || !error.to_string().contains(bad)), "{bad}");
        }
    }
}
