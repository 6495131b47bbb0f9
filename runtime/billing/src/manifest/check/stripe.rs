//! The Stripe account and the secrets that it is reached with.

use super::references::refer;
use super::shapes::is_origin;
use super::{Checker, steps};
use crate::manifest::model::{Stripe, Webhook};

/// API Gateway's route keys are longer than any path that somebody types; this keeps a URL readable.
const LONGEST_PATH: usize = 200;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let Some(stripe) = &manifest.stripe else { return };
    refer(checker, &steps!["stripe", "secret_key"], &stripe.secret_key, "secrets");
    if stripe.publishable_key.as_ref().is_some_and(|key| !key.starts_with("pk_")) {
        let hint = "the publishable key begins with pk_; a secret key never stands here".to_owned();
        checker.at(&steps!["stripe", "publishable_key"], "this is no publishable key", hint);
    }
    if stripe.payment_methods.is_empty() {
        let hint = "write `payment_methods: [card]`, or leave it out".to_owned();
        checker.at(&steps!["stripe", "payment_methods"], "no way to pay is listed", hint);
    }
    if manifest.secrets.get(&stripe.secret_key).is_some_and(|secret| secret.generate) {
        let hint = "leave `generate` out of that secret; its value comes from Stripe".to_owned();
        checker.at(&steps!["stripe", "secret_key"], "billform cannot make up a key of Stripe's", hint);
    }
    if stripe.portal.as_ref().is_some_and(|portal| !is_url(&portal.return_url)) {
        let hint = "write a whole address, such as https://billing.example.com/".to_owned();
        checker.at(&steps!["stripe", "portal", "return_url"], "this is no address to return to", hint);
    }
    if let Some(webhook) = &stripe.webhook {
        path(checker, webhook);
        api_version(checker, webhook);
        signing_secret(checker, stripe, webhook);
    }
}

/// An origin, and a path without white space.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    is_origin(&format!("{scheme}://{host}")) && path.chars().all(|c| c.is_ascii_graphic())
}

/// The path is one that API Gateway takes as it is, and no handler answers at it already.
fn path(checker: &mut Checker<'_>, webhook: &Webhook) {
    let (place, path) = (steps!["stripe", "webhook", "path"], webhook.path.as_str());
    let wrong = if !path.starts_with('/') {
        Some("does not begin with `/`")
    } else if path.contains(['?', '#']) {
        Some("has a query or a fragment")
    } else if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b)) {
        Some("has a character beside letters, digits, `-`, `.`, `_`, `~` and `/`")
    } else if path[1..].split('/').any(|segment| segment.is_empty() || segment == "." || segment == "..") {
        Some("has an empty segment, `.` or `..`")
    } else if path.len() > LONGEST_PATH {
        Some("is longer than 200 characters")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        let hint = "write an absolute path of the HTTP API, such as /billing/webhook".to_owned();
        return checker.at(&place, format!("`{path}` {wrong}"), hint);
    }
    if let Some((handler, key)) = checker.catalogue.route_at(path) {
        let hint = "choose a path of its own, such as /billing/webhook".to_owned();
        checker.at(&place, format!("the handler `{handler}` answers at `{key}`"), hint);
    }
}

/// A day, and from 2024-09-30 on a name: `2026-09-30.endive`.
fn api_version(checker: &mut Checker<'_>, webhook: &Webhook) {
    let version = webhook.api_version.as_str();
    let (day, name) = version.split_once('.').unwrap_or((version, "x"));
    let is_day = day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok();
    if !is_day || name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase()) {
        let hint =
            "write a version as Stripe's changelog has it, such as 2026-09-30.endive, or leave it out".to_owned();
        let message = format!("`{version}` is not a version of Stripe's API");
        checker.at(&steps!["stripe", "webhook", "api_version"], message, hint);
    }
}

/// billform stores what Stripe issues, whole, in a secret that holds nothing else.
fn signing_secret(checker: &mut Checker<'_>, stripe: &Stripe, webhook: &Webhook) {
    let (place, manifest) = (steps!["stripe", "webhook", "secret"], checker.manifest);
    // One of its own is made where none is named.
    if webhook.secret != Webhook::SECRET {
        refer(checker, &place, &webhook.secret, "secrets");
    }
    let Some(secret) = manifest.secrets.get(&webhook.secret) else { return };
    let links = manifest.auth.links.as_ref().is_some_and(|links| links.secret == webhook.secret);
    let (message, hint) = if webhook.secret == stripe.secret_key || links {
        ("the signing secret needs a secret of its own", "leave `secret` out, or name an entry that nothing else uses")
    } else if secret.generate {
        (
            "billform cannot make up a key of Stripe's",
            "leave `generate` out of that secret; its value comes from Stripe",
        )
    } else if secret.key.is_some() {
        ("the signing secret is stored whole", "leave `key` out of that secret; billform stores what Stripe issues")
    } else {
        return;
    };
    checker.at(&place, message, hint.to_owned());
}
