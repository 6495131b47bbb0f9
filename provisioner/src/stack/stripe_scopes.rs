//! The permissions of restricted Stripe keys, as Stripe's Dashboard and its errors name them: `rak_product_write`, which
//! allows reading too. Source: the names in docs.stripe.com/stripe-apps/reference/permissions, with `rak_` before them.

use std::collections::{BTreeMap, BTreeSet};

use billing::function::Grant;
use engine::Graph;
use engine::kind_meta::Verb;

use super::Plan;
use crate::kinds;

/// What each handler asks Stripe for, beside what billform's own key is for.
const HANDLERS: &[(&str, &[&str])] = &[
    // Refunds belong to charges; what was disputed of a payment is read with it.
    (
        "invoicer",
        &["charge_write", "credit_note_write", "customer_read", "dispute_read", "invoice_write", "payment_intent_read"],
    ),
    (
        "payment",
        &["checkout_session_write", "customer_portal_write", "customer_read", "invoice_read", "payment_method_read"],
    ),
    ("payment_sweep", PAYMENTS),
    ("webhook", PAYMENTS),
];

/// Whatever an event can be about is read, and a customer's default payment method is written.
const PAYMENTS: &[&str] = &[
    "charge_read",
    "checkout_session_read",
    "credit_note_read",
    "customer_write",
    "dispute_read",
    "event_read",
    "invoice_read",
    "payment_intent_read",
    "payment_method_read",
    "setup_intent_read",
];

/// Where a restricted key is made; the permissions are filled in.
const DASHBOARD: &str = "https://dashboard.stripe.com/apikeys/create";

/// Permissions of one key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeMap<String, bool>);

impl Scopes {
    /// Those that doing this to the resources of a graph needs: `STRIPE_API_KEY`.
    pub fn of_verbs(graph: &Graph, verbs: &BTreeSet<Verb>) -> Scopes {
        let writes = verbs.iter().any(|verb| *verb != Verb::Read);
        let used: BTreeSet<&str> = graph.resources().keys().map(engine::Address::kind).collect();
        let scopes = kinds::metas().filter(|meta| used.contains(meta.name)).filter_map(|meta| meta.stripe_scope);
        Scopes(scopes.map(|scope| (scope.to_owned(), writes)).collect())
    }

    /// Those that the deployed handlers need: the key in the secret of `stripe.secret_key`.
    pub fn of_handlers(stack: &Plan) -> Scopes {
        let asks = stack.deployed().filter(|spec| spec.grants.contains(&Grant::StripeSecretRead));
        let mut scopes = Scopes::default();
        for spec in asks {
            let known = HANDLERS.iter().find(|(name, _)| *name == spec.name).map_or(&[][..], |(_, scopes)| scopes);
            for scope in known {
                scopes.add(scope);
            }
        }
        scopes
    }

    /// Those of named permissions: `webhook_write`.
    pub fn of(scopes: &[&str]) -> Scopes {
        let mut all = Scopes::default();
        scopes.iter().for_each(|scope| all.add(scope));
        all
    }

    fn add(&mut self, scope: &str) {
        if let Some((resource, level)) = scope.rsplit_once('_') {
            let writes = self.0.entry(resource.to_owned()).or_default();
            *writes |= level == "write";
        }
    }

    /// Their names: `rak_customer_read`.
    pub fn names(&self) -> Vec<String> {
        let level = |writes: bool| if writes { "write" } else { "read" };
        self.0.iter().map(|(resource, writes)| format!("rak_{resource}_{}", level(*writes))).collect()
    }

    /// The page of the Dashboard that makes such a key.
    pub fn page(&self, name: &str) -> String {
        let permissions: Vec<String> = self.names().iter().map(|name| format!("&permissions[]={name}")).collect();
        format!("{DASHBOARD}?name={name}{}", permissions.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handler_that_asks_stripe_says_for_what() {
        for spec in crate::stack::handlers() {
            let asks = spec.grants.contains(&Grant::StripeSecretRead);
            assert_eq!(asks, HANDLERS.iter().any(|(name, _)| *name == spec.name), "{}", spec.name);
        }
    }

    #[test]
    fn writing_allows_reading_too() {
        let scopes = Scopes::of(&["customer_read", "customer_write", "payment_method_read"]);
        assert_eq!(scopes.names(), ["rak_customer_write", "rak_payment_method_read"]);
        let page = "https://dashboard.stripe.com/apikeys/create?name=x&permissions[]=rak_customer_write\
                    &permissions[]=rak_payment_method_read";
        assert_eq!(scopes.page("x"), page);
    }
}
