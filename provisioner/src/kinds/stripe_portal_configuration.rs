//! `stripe_portal_configuration`: what tenants may do in Stripe's customer portal. The stack has one of its own, found by
//! its metadata; the account's default is left alone. Stripe deletes none, so a destroy switches it off.

mod requests;

use std::collections::{BTreeMap, HashMap};

use engine::kind::{CallError, Removal};
use engine::kind_meta::KindMeta;
use serde::{Deserialize, Serialize};

use self::requests::{Change, Configuration, Create, Features, List, Page};
use super::support::stripe::{Facts, Routes, Stripe, StripeKind};
use super::typed::TypedUpdate;

/// What a configuration is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Its name in Stripe's Dashboard.
    pub name: String,
    /// Where tenants come back to when nothing else is said.
    pub return_url: Option<String>,
    /// Whether they may change how they pay.
    pub payment_method_update: bool,
    /// Whether they may cancel a subscription, at the end of its period.
    pub subscription_cancel: bool,
    /// Whether they see their invoices there.
    pub invoice_history: bool,
    /// Whether sessions can be opened with it.
    pub active: bool,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
}

/// The kind.
pub enum Configurations {}

/// Portal configurations in one account.
pub type StripePortalConfigurations = Stripe<Configurations>;

impl StripeKind for Configurations {
    type Desired = Desired;
    type Object = Configuration;
    type Page = List;
    type Create = Create;
    type Change = Change;

    const META: KindMeta = KindMeta {
        name: "stripe_portal_configuration",
        plural: "stripe portal configurations",
        service: "stripe",
        summary: "What tenants may do in Stripe's customer portal; switched off on destroy",
        open_maps: &["metadata"],
        leaves: Some("Stripe keeps it, switched off"),
        stripe_scope: Some("customer_portal"),
        steps_at_once: 10,
        ..KindMeta::PLAIN
    };
    const ROUTES: Routes = Routes {
        list: "GET /v1/billing_portal/configurations",
        create: "POST /v1/billing_portal/configurations",
        change: "POST /v1/billing_portal/configurations/{id}",
    };

    fn page(after: Option<String>) -> List {
        List::after(after)
    }

    fn unpack(page: Page) -> (Vec<Configuration>, bool) {
        (page.data, page.has_more)
    }

    fn facts(configuration: &Configuration) -> Facts<'_> {
        Facts {
            id: &configuration.id,
            metadata: configuration.metadata.as_ref(),
            label: configuration.name.as_deref(),
            active: configuration.active,
            created_s: configuration.created,
        }
    }

    fn fields(configuration: &Configuration, metadata: BTreeMap<String, String>) -> Desired {
        let features = &configuration.features;
        Desired {
            name: configuration.name.clone().unwrap_or_default(),
            return_url: configuration.default_return_url.clone().filter(|url| !url.is_empty()),
            payment_method_update: features.payment_method_update.enabled,
            subscription_cancel: features.subscription_cancel.enabled,
            invoice_history: features.invoice_history.enabled,
            active: configuration.active,
            metadata,
        }
    }

    fn metadata(desired: &Desired) -> &BTreeMap<String, String> {
        &desired.metadata
    }

    /// The active one, else the newest.
    fn prefer(newer: &Configuration, older: &Configuration) -> bool {
        older.active && !newer.active
    }

    /// Stripe makes them active.
    fn create(desired: &Desired, metadata: HashMap<String, String>) -> Result<Create, CallError> {
        Ok(Create {
            name: desired.name.clone(),
            default_return_url: desired.return_url.clone(),
            features: Features::of(desired),
            metadata,
        })
    }

    fn update(change: TypedUpdate<Desired>, metadata: HashMap<String, String>) -> Change {
        Change {
            features: Some(Features::of(&change.desired)),
            name: Some(change.desired.name),
            // An empty text takes the address away.
            default_return_url: Some(change.desired.return_url.unwrap_or_default()),
            active: change.desired.active,
            metadata,
            id: change.id,
        }
    }

    fn retire(id: &str, last: &Desired) -> (Change, Removal) {
        let told = format!("the Stripe portal configuration {id} ({}) is switched off: Stripe deletes none", last.name);
        (Change { id: id.to_owned(), active: false, ..Change::default() }, Removal::Archived(told))
    }
}

#[cfg(test)]
mod tests {
    use engine::Address;
    use serde_json::json;

    use super::*;
    use crate::kinds::support::stripe::{index, seen};

    fn configuration(id: &str, active: bool, is_default: bool) -> Configuration {
        let metadata = match is_default {
            true => json!({}),
            false => json!({"billform:stack": "s", "billform:address": "stripe_portal_configuration.main"}),
        };
        let text = json!({
            "id": id, "object": "billing_portal.configuration", "active": active, "created": 1, "is_default": is_default,
            "default_return_url": "", "name": "s", "metadata": metadata,
            "features": {
                "customer_update": {"enabled": false, "allowed_updates": []}, "invoice_history": {"enabled": true},
                "payment_method_update": {"enabled": true}, "subscription_update": {"enabled": false},
                "subscription_cancel": {"enabled": false, "mode": "at_period_end"},
            },
        });
        miniserde::json::from_str(&text.to_string()).expect("a configuration")
    }

    #[test]
    fn the_stacks_own_counts_and_never_the_accounts_default() {
        let at = |all: &[Configuration]| {
            let found = index::<Configurations>(all, "s");
            found.at(&Address::new("stripe_portal_configuration", "main"), None).map(|found| found.id.clone())
        };
        let (default, own) = (configuration("default", true, true), configuration("own", false, false));
        assert_eq!(at(&[configuration("default", true, true)]), None);
        assert_eq!(at(&[default, own]).as_deref(), Some("own"));
        let newer = configuration("newer", false, false);
        assert_eq!(at(&[newer, configuration("older", true, false)]).as_deref(), Some("older"), "the active one");
    }

    #[test]
    fn an_empty_address_is_none() {
        let seen = seen::<Configurations>(&configuration("bpc_1", true, false));
        let expected = Desired {
            name: "s".to_owned(),
            return_url: None,
            payment_method_update: true,
            subscription_cancel: false,
            invoice_history: true,
            active: true,
            metadata: BTreeMap::new(),
        };
        assert_eq!(seen.fields, expected);
    }
}
