use std::time::Duration;

use billing::function::{Grant, Setting};
use serde_json::{Value, json};

use super::*;
use crate::api::{Api, Route, Served};
use crate::handler::Handler;
use crate::http::Response;
use crate::ports::memory::{Memory, World};
use crate::run::Run;
use crate::settings::Settings;
use crate::spec::Spec;

/// A webhook that answers with the caller that its route proved.
struct Webhook;

impl Api for Webhook {
    const SPEC: Spec = Spec {
        name: "webhook",
        grants: &[Grant::WebhookSecretRead],
        settings: &[Setting::WebhookSecret],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Webhook>] = &[Route {
        key: "POST /webhook",
        auth: Auth::StripeSignature,
        serve: |_, call| {
            Box::pin(async move {
                assert_eq!(*call.caller, Caller::Stripe);
                assert_eq!(call.caller.tenant().err().map(|refusal| refusal.status), Some(403));
                Ok(Response::json(200, "{}".to_owned()))
            })
        },
    }];

    fn start(_env: &Environment) -> Result<Webhook, StartError> {
        Ok(Webhook)
    }
}

/// The status of a request with this event; the clock stands at 2026-11-21T08:00:00Z.
async fn status(event: Value) -> u16 {
    let mut world = World::default();
    world.secrets.insert("signing".to_owned(), "whsec_test_secret".to_owned());
    let settings = Settings::new([(Setting::WebhookSecret.variable().to_owned(), "signing".to_owned())]);
    let env = Environment::new(Webhook::SPEC, settings, Arc::new(Memory::new(world)));
    let webhook = Served::<Webhook>::start(&env).expect("it starts");
    let request = serde_json::from_value(event).expect("a request");
    webhook.answer(&request, &Run::lasting("test", Duration::from_secs(10))).await.answer.status
}

fn event(signature: &str, body: &str, is_base64: bool) -> Value {
    json!({"routeKey": "POST /webhook", "requestContext": {"http": {"method": "POST"}},
        "headers": {"stripe-signature": signature}, "body": body, "isBase64Encoded": is_base64})
}

#[tokio::test]
async fn stripes_signature_is_checked_on_the_bytes_that_stripe_sent() {
    let body = r#"{"id":"evt_test","object":"event"}"#;
    let encoded = "eyJpZCI6ImV2dF90ZXN0Iiwib2JqZWN0IjoiZXZlbnQifQ==";
    let at = 1_795_248_000;
    let signature = stripe_signature::sign_for_tests("whsec_test_secret", at, body.as_bytes());
    assert_eq!(status(event(&signature, body, false)).await, 200);
    assert_eq!(status(event(&signature, encoded, true)).await, 200);
    assert_eq!(status(event(&signature, "{}", false)).await, 401);
    assert_eq!(status(event("", body, false)).await, 401);
    let replayed = stripe_signature::sign_for_tests("whsec_test_secret", at - 301, body.as_bytes());
    assert_eq!(status(event(&replayed, body, false)).await, 401);
}
