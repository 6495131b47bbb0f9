//! The Stripe account and the secrets that it is reached with.

use super::references::refer;
use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let Some(stripe) = &manifest.stripe else { return };
    refer(checker, &steps!["stripe", "secret_key"], &stripe.secret_key, "secrets");
    if let Some(webhook) = &stripe.webhook {
        refer(checker, &steps!["stripe", "webhook", "secret"], &webhook.secret, "secrets");
    }
    if stripe.publishable_key.as_ref().is_some_and(|key| !key.starts_with("pk_")) {
        let hint = "the publishable key begins with pk_; a secret key never stands here".to_owned();
        checker.at(&steps!["stripe", "publishable_key"], "this is no publishable key", hint);
    }
    if stripe.payment_methods.is_empty() {
        let hint = "write `payment_methods: [card]`, or leave it out".to_owned();
        checker.at(&steps!["stripe", "payment_methods"], "no way to pay is listed", hint);
    }
    for (reference, steps) in [
        (Some(&stripe.secret_key), steps!["stripe", "secret_key"].to_vec()),
        (stripe.webhook.as_ref().map(|webhook| &webhook.secret), steps!["stripe", "webhook", "secret"].to_vec()),
    ] {
        let made_up = reference.and_then(|name| manifest.secrets.get(name)).is_some_and(|secret| secret.generate);
        if made_up {
            let hint = "leave `generate` out of that secret; its value comes from Stripe".to_owned();
            checker.at(&steps, "billform cannot make up a key of Stripe's", hint);
        }
    }
}
