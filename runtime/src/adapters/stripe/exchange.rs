//! One exchange with Stripe whose answer is read field by field: what is not read may be missing, new or of another type.
//!
//! async-stripe's own types refuse an object of which any field does not parse, and a webhook sees objects of every kind.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
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

/// Over HTTP, with repetitions under the same key. A clone is the same client, under the same pace.
#[derive(Clone)]
pub struct HttpExchange {
    pub(super) client: Client,
    pub(super) account: Arc<Account>,
    livemode: bool,
}

impl HttpExchange {
    /// With a key, at Stripe's address or another one.
    pub fn new(key: Secret, api_base: Option<&str>) -> Result<HttpExchange, PortError> {
        let builder = ClientBuilder::new(key.expose());
        let builder = match api_base {
            Some(url) => builder.url(url),
            None => builder,
        };
        let client = builder.build().map_err(|error| attempts::failed(&key, "set up Stripe", &error))?;
        let livemode = key.is_live();
        Ok(HttpExchange { client, account: Arc::new(Account::new(key)), livemode })
    }
}

#[async_trait]
impl Exchange for HttpExchange {
    fn livemode(&self) -> bool {
        self.livemode
    }

    async fn get(&self, doing: &str, path: &str, query: &Pairs) -> Result<Option<Value>, PortError> {
        let query = (!query.is_empty()).then(|| encoded(query));
        let request = || RequestBuilder { query: query.clone(), ..RequestBuilder::new(StripeMethod::Get, path) };
        self.account.repeat_found(doing, || answered(&self.client, request(), RequestStrategy::Once)).await
    }

    async fn post(&self, doing: &str, path: &str, form: &Pairs, key: &str) -> Result<Value, PortError> {
        let strategy = attempts::under_key(doing, key)?;
        let body = encoded(form);
        let request = || RequestBuilder { body: Some(body.clone()), ..RequestBuilder::new(StripeMethod::Post, path) };
        self.account.repeat(doing, || answered(&self.client, request(), strategy.clone())).await
    }
}

/// Pairs as a query or a form has them; a name may stand several times.
fn encoded(pairs: &Pairs) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_stand_twice_and_nothing_of_a_value_is_taken_for_another_pair() {
        let pairs = [("expand[]", "data.a"), ("expand[]", "data.b"), ("metadata[x]", "a&b=c d")];
        let pairs: Pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(encoded(&pairs), "expand%5B%5D=data%2Ea&expand%5B%5D=data%2Eb&metadata%5Bx%5D=a%26b%3Dc%20d");
        assert_eq!(encoded(&Pairs::new()), "");
    }
}
