use std::sync::{Arc, Mutex};
use std::time::Duration;

use billing::function::{Grant, Setting};
use serde_json::{Value, json};

use super::*;
use crate::api::{Api, Route, Served};
use crate::environment::NamedSecret;
use crate::handler::Handler;
use crate::http::Response;
use crate::ports::memory::{FixedClock, Memory, World};
use crate::ports::{PortError, Secrets};
use crate::run::Run;
use crate::secret::Secret;
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

/// A store that remembers what it read first, until it is asked again.
#[derive(Clone)]
struct Forgetful {
    remembered: Arc<Mutex<Option<String>>>,
    stored: Arc<Mutex<String>>,
}

#[async_trait::async_trait]
impl Secrets for Forgetful {
    async fn secret(&self, _name: &str) -> Result<Secret, PortError> {
        let stored = self.stored.lock().expect("the text").clone();
        Ok(Secret::new(self.remembered.lock().expect("the text").get_or_insert(stored).clone()))
    }

    async fn secret_again(&self, name: &str) -> Result<Secret, PortError> {
        *self.remembered.lock().expect("the text") = None;
        self.secret(name).await
    }
}

#[tokio::test]
async fn an_event_signed_with_what_was_stored_a_moment_ago_holds() {
    let at = 1_795_248_000;
    let store = Forgetful { remembered: Arc::default(), stored: Arc::new(Mutex::new("whsec_first".to_owned())) };
    let clock = Arc::new(FixedClock::at("2026-11-21T08:00:00Z"));
    let verifier =
        stripe_signature::SignatureVerifier::new(NamedSecret::new(Arc::new(store.clone()), "signing"), clock);
    let check = async |secret: &str| {
        let signature = stripe_signature::sign_for_tests(secret, at, b"{}");
        let request = serde_json::from_value(event(&signature, "{}", false)).expect("a request");
        verifier.check(&request).await.is_ok()
    };
    assert!(check("whsec_first").await && !check("whsec_second").await);
    *store.stored.lock().expect("the text") = r#"{"current":"whsec_second","previous":"whsec_first"}"#.to_owned();
    assert!(check("whsec_first").await, "as it is remembered");
    assert!(check("whsec_second").await && check("whsec_first").await, "both hold");
    assert!(!check("whsec_third").await && !check(r#"{"current":"whsec_second"}"#).await);
    *store.stored.lock().expect("the text") = "whsec_second".to_owned();
    assert!(check("whsec_second").await && !check("whsec_third").await, "looked at again");
    assert!(!check("whsec_first").await, "the rotation ended");
}
