//! One exchange with Stripe whose answer is read field by field: what is not read may be missing, new or of another type.
//!
//! async-stripe's own types refuse an object of which any field does not parse, and a webhook sees objects of every kind.

use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use stripe::{Client, ClientBuilder, CustomizedStripeRequest, RequestStrategy, StripeError};
use stripe_client_core::{RequestBuilder, StripeClient, StripeMethod};

use super::attempts::{self, Account};
use crate::ports::PortError;
use crate::secret::Secret;

/// Names and values of a query or a form: `("expand[]", "data.payment.payment_intent")`.
pub type Pairs = Vec<(String, String)>;

/// How requests get to Stripe.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// Whether the key is of live mode.
    fn livemode(&self) -> bool;
    /// Reads; none of what Stripe does not know.
    async fn get(&self, doing: &str, path: &str, query: &Pairs) -> Result<Option<Value>, PortError>;
    /// Writes, under an idempotency key.
    async fn post(&self, doing: &str, path: &str, form: &Pairs, key: &str) -> Result<Value, PortError>;
}

/// Over HTTP, with repetitions under the same key.
pub struct HttpExchange {
    client: Client,
    account: Account,
    livemode: bool,
}

impl HttpExchange {
    /// With a key, at Stripe's address or another one.
    pub fn new(key: Secret, api_base: Option<&str>) -> Result<HttpExchange, PortError> {
        let client = client(&key, api_base)?;
        let livemode = key.is_live();
        Ok(HttpExchange { client, account: Account::new(key), livemode })
    }
}

/// A client with a key, at Stripe's address or another one.
pub(super) fn client(key: &Secret, api_base: Option<&str>) -> Result<Client, PortError> {
    let builder = ClientBuilder::new(key.expose());
    let builder = match api_base {
        Some(url) => builder.url(url),
        None => builder,
    };
    builder.build().map_err(|error| attempts::failed(key, "set up Stripe", &error))
}

#[async_trait]
impl Exchange for HttpExchange {
    fn livemode(&self) -> bool {
        self.livemode
    }

    async fn get(&self, doing: &str, path: &str, query: &Pairs) -> Result<Option<Value>, PortError> {
        let request = || RequestBuilder::new(StripeMethod::Get, path).query(query);
        self.account.repeat_found(doing, || answered(&self.client, request(), RequestStrategy::Once)).await
    }

    async fn post(&self, doing: &str, path: &str, form: &Pairs, key: &str) -> Result<Value, PortError> {
        let strategy = attempts::under_key(doing, key)?;
        let request = || RequestBuilder::new(StripeMethod::Post, path).form(form);
        self.account.repeat(doing, || answered(&self.client, request(), strategy.clone())).await
    }
}

/// A client that keeps an answer's text.
struct Kept<'a> {
    client: &'a Client,
    body: OnceLock<Bytes>,
}

impl StripeClient for Kept<'_> {
    type Err = StripeError;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, StripeError> {
        let body = self.client.execute(request).await?;
        Ok(self.body.get_or_init(|| body).clone())
    }
}

async fn answered(client: &Client, request: RequestBuilder, strategy: RequestStrategy) -> Result<Value, StripeError> {
    let kept = Kept { client, body: OnceLock::new() };
    // No answer is `()`: what was kept is the answer, and an error of parsing it as `()` says nothing.
    let sent = request.customize::<()>().request_strategy(strategy).send(&kept).await;
    match (kept.body.into_inner(), sent) {
        (Some(body), _) => {
            serde_json::from_slice(&body).map_err(|error| StripeError::JSONDeserialize(error.to_string()))
        }
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(StripeError::JSONDeserialize("the answer is empty".to_owned())),
    }
}
