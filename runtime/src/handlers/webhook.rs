//! `POST` on the manifest's `stripe.webhook.path`: Stripe's events, each applied once.
//!
//! Answers 200 once the effect of an event or a dead letter is stored, and 500 when neither could be: then Stripe sends it
//! again for three days, and the nightly sweep finds it undelivered.

use std::sync::Arc;

use billing::function::{Auth, Grant, Need, Setting};
use serde_json::json;

use crate::api::{Api, Call, Route};
use crate::environment::{Environment, Stripe};
use crate::error::StartError;
use crate::events::Envelope;
use crate::http::{Refusal, Response};
use crate::ports::{Clock, Ledger, PortError};
use crate::spec::Spec;
use crate::stripe_events::{Postponed, StripeEvents, Taken, kinds};

/// The handler and what it works with.
pub struct Webhook {
    ledger: Arc<dyn Ledger>,
    stripe: Stripe,
    clock: Arc<dyn Clock>,
}

impl Api for Webhook {
    const SPEC: Spec = Spec {
        name: "webhook",
        description: "Stripe's events: payments, refunds, disputes and payment methods, as they are at Stripe",
        memory_mb: 256,
        // Stripe waits about ten seconds for an answer.
        timeout_s: 20,
        grants: &[Grant::LedgerRead, Grant::LedgerWrite, Grant::StripeSecretRead, Grant::WebhookSecretRead],
        settings: &[Setting::LedgerTable, Setting::StripeSecret, Setting::WebhookSecret, Setting::WebhookPath],
        needs: &[Need::StripeWebhook],
        stripe_events: kinds::TAKEN,
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Webhook>] = &[Route {
        key: "POST {stripe.webhook.path}",
        auth: Auth::StripeSignature,
        serve: |webhook, call| Box::pin(webhook.receive(call)),
    }];

    fn start(env: &Environment) -> Result<Webhook, StartError> {
        Ok(Webhook { ledger: env.ledger()?, stripe: env.stripe()?, clock: env.clock() })
    }
}

impl Webhook {
    async fn receive(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let event = Envelope::read(&call.request.body);
        let invoices = self.stripe.invoices().await.map_err(|error| unusable(&error))?;
        let payments = self.stripe.payments().await.map_err(|error| unusable(&error))?;
        let (ledger, clock) = (&*self.ledger, &*self.clock);
        let events = StripeEvents { ledger, invoices: &*invoices, payments: &*payments, clock };
        let Taken { result, known } = events.take(&event).await.map_err(|postponed| later(&event, postponed))?;
        let (id, kind, state, text) = (&event.id, &event.event_type, result.state(), result.text());
        match state {
            "dead" => tracing::error!(id, kind, text, "an event could not be applied"),
            _ => tracing::info!(id, kind, state, text, known, "an event was taken"),
        }
        Ok(Response::json(200, json!({"received": id, "state": state, "known": known}).to_string()))
    }
}

fn unusable(error: &crate::error::RunError) -> Refusal {
    Refusal::failed("the event could not be applied; send it again", PortError::new("reach Stripe", error))
}

fn later(event: &Envelope, postponed: Postponed) -> Refusal {
    let cause = match postponed {
        Postponed::Port(cause) => cause,
        postponed => PortError::new(format!("apply {}", event.id), postponed),
    };
    Refusal::failed("the event could not be applied now; send it again", cause)
}

#[cfg(test)]
pub(super) mod tests;
