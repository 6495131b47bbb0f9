//! The webhook as the strict Stripe reaches it: endpoints in its account, and the real handler behind the HTTP API.

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::join_all;
use localstripe::{Sent, Waiting};
use oracle::facts::Policy;
use runtime::error::StartError;
use runtime::handler::Started;
use runtime::ports::Ports;
use runtime::run::Run;
use runtime::stripe_events::kinds;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::handlers::{WEBHOOK_PATH, start};
use super::requests::{Form, send};
use super::shared::Shared;

/// How long Stripe waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The handler, and what it listens to.
pub struct Webhook {
    shared: Arc<Shared>,
    handler: Box<dyn Started>,
    /// Requests end in time: their clock is this one's, which nothing waits for.
    clock: Runtime,
}

/// An endpoint in Stripe's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `we_…`.
    pub id: String,
    /// What it signs with.
    pub secret: String,
}

impl Webhook {
    /// The handler over these ports; no endpoint yet.
    ///
    /// # Errors
    /// The handler does not start on the settings of a stack.
    ///
    /// # Panics
    /// This thread can have no clock.
    pub fn new(shared: Arc<Shared>, policy: &Policy, ports: Arc<dyn Ports>) -> Result<Webhook, StartError> {
        let handler = start("webhook", policy, true, ports)?;
        let clock = Builder::new_current_thread().enable_time().build().expect("a clock");
        Ok(Webhook { shared, handler, clock })
    }

    /// Makes an endpoint that asks for every event that the handler takes.
    ///
    /// # Panics
    /// Stripe refuses it.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        let mut form = Form::default();
        form.add("url", format!("https://api.example.com{WEBHOOK_PATH}"));
        for (at, kind) in kinds::TAKEN.iter().enumerate() {
            form.add(format!("enabled_events[{at}]"), *kind);
        }
        let made = send(&self.shared, ("POST", "/v1/webhook_endpoints"), &form).expect("an endpoint");
        let text = |name: &str| made[name].as_str().unwrap_or_default().to_owned();
        Endpoint { id: text("id"), secret: text("secret") }
    }

    /// Posts a body with its signature; the status that it is answered with.
    #[must_use]
    pub fn post(&self, sent: &Sent) -> u16 {
        self.post_at_once(std::slice::from_ref(sent)).first().copied().unwrap_or_default()
    }

    /// The same for several at once, whose calls the gate interleaves. What fails altogether is answered 500, as the HTTP
    /// API does.
    #[must_use]
    pub fn post_at_once(&self, sent: &[Sent]) -> Vec<u16> {
        let _entered = self.clock.enter();
        let answers = sent.iter().map(|sent| async move {
            let run = Run::lasting("webhook", PATIENCE);
            let outcome = self.handler.handle(request(sent), &run).await;
            let answer = outcome.ok().and_then(|outcome| serde_json::from_str::<Value>(outcome.answer.get()).ok());
            let status = answer.and_then(|answer| answer["statusCode"].as_u64());
            status.and_then(|status| u16::try_from(status).ok()).unwrap_or(500)
        });
        block_on(join_all(answers))
    }

    /// Makes one attempt of a delivery, and tells Stripe how it was answered.
    pub fn deliver(&self, waiting: &Waiting) -> Option<u16> {
        let sent = self.shared.stripe.sent(&waiting.event, &waiting.endpoint)?;
        let status = self.post(&sent);
        self.shared.stripe.answered(waiting.number, Ok(status));
        Some(status)
    }
}

/// A request as the HTTP API hands it to a function.
fn request(sent: &Sent) -> Value {
    json!({
        "version": "2.0", "routeKey": format!("POST {WEBHOOK_PATH}"), "rawPath": WEBHOOK_PATH,
        "requestContext": {"http": {"method": "POST", "path": WEBHOOK_PATH}},
        "headers": {"stripe-signature": sent.signature, "content-type": "application/json"}, "body": sent.body,
        "isBase64Encoded": false,
    })
}
