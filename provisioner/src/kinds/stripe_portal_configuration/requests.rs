//! Stripe's requests about portal configurations, and what they answer. Written out: the crate's own types would be
//! compiled for these three alone, and refuse an answer of which any feature is new.

use std::collections::HashMap;

use serde::Serialize;
use stripe::StripeRequest;
use stripe_client_core::{RequestBuilder, StripeMethod};

use super::Desired;
use crate::kinds::support::stripe::PageQuery;

const PATH: &str = "/billing_portal/configurations";

/// A configuration as Stripe answers it.
#[derive(Debug, Clone, miniserde::Deserialize)]
pub struct Configuration {
    /// `bpc_1N…`.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether sessions can be opened with it.
    pub active: bool,
    /// Where customers come back to by default.
    pub default_return_url: Option<String>,
    /// What customers may do.
    pub features: SeenFeatures,
    /// Its metadata.
    pub metadata: Option<HashMap<String, String>>,
    /// When it was made, in unix seconds.
    pub created: i64,
}

/// The features that are managed.
#[derive(Debug, Clone, miniserde::Deserialize)]
pub struct SeenFeatures {
    /// Changing how one pays.
    pub payment_method_update: SeenFeature,
    /// Cancelling subscriptions.
    pub subscription_cancel: SeenFeature,
    /// Seeing invoices.
    pub invoice_history: SeenFeature,
}

/// One feature.
#[derive(Debug, Clone, miniserde::Deserialize)]
pub struct SeenFeature {
    /// Whether customers have it.
    pub enabled: bool,
}

/// A page of configurations.
#[derive(Debug, miniserde::Deserialize)]
pub struct Page {
    /// Newest first.
    pub data: Vec<Configuration>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// The page after the configuration of that id, or the first.
pub struct List(PageQuery);

impl List {
    pub(super) fn after(id: Option<String>) -> List {
        List(PageQuery::after(id))
    }
}

impl StripeRequest for List {
    type Output = Page;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Get, PATH).query(&self.0)
    }
}

/// What customers may do. Features that are not named stay off.
#[derive(Serialize)]
pub struct Features {
    payment_method_update: Enabled,
    subscription_cancel: Enabled,
    invoice_history: Enabled,
}

#[derive(Serialize)]
struct Enabled {
    enabled: bool,
}

impl Features {
    pub(super) fn of(desired: &Desired) -> Features {
        Features {
            payment_method_update: Enabled { enabled: desired.payment_method_update },
            subscription_cancel: Enabled { enabled: desired.subscription_cancel },
            invoice_history: Enabled { enabled: desired.invoice_history },
        }
    }
}

/// Makes a configuration.
#[derive(Serialize)]
pub struct Create {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_return_url: Option<String>,
    pub(super) features: Features,
    pub(super) metadata: HashMap<String, String>,
}

impl StripeRequest for Create {
    type Output = Configuration;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Post, PATH).form(self)
    }
}

/// Changes a configuration; what is left out stays.
#[derive(Default, Serialize)]
pub struct Change {
    #[serde(skip)]
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) default_return_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) features: Option<Features>,
    pub(super) active: bool,
    #[serde(skip_serializing_if = "HashMap::is_empty")]
    pub(super) metadata: HashMap<String, String>,
}

impl StripeRequest for Change {
    type Output = Configuration;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Post, format!("{PATH}/{}", self.id)).form(self)
    }
}
