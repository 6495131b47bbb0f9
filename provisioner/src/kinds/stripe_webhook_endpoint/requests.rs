//! Stripe's requests about webhook endpoints, and what they answer. Written out: the crate that has them would be
//! compiled for these five alone.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use stripe::StripeRequest;
use stripe_client_core::{RequestBuilder, StripeMethod};

use crate::kinds::support::stripe::PageQuery;

pub(super) const LIST: &str = "GET /v1/webhook_endpoints";
pub(super) const CREATE: &str = "POST /v1/webhook_endpoints";
pub(super) const CHANGE: &str = "POST /v1/webhook_endpoints/{id}";
pub(super) const DELETE: &str = "DELETE /v1/webhook_endpoints/{id}";

/// An endpoint as Stripe answers it. Without a text form: the answer to a create has the signing secret.
#[derive(Clone, miniserde::Deserialize)]
pub struct Endpoint {
    /// `we_1N…`.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// The types of events that are sent.
    pub enabled_events: Vec<String>,
    /// The version of the API that events are written in; none for the account's own.
    pub api_version: Option<String>,
    /// `enabled` or `disabled`.
    pub status: String,
    /// Its metadata.
    pub metadata: HashMap<String, String>,
    /// When it was made, in unix seconds.
    pub created: i64,
    /// The signing secret, which only the answer to a create has.
    pub(super) secret: Option<String>,
}

/// A page of endpoints.
#[derive(miniserde::Deserialize)]
pub struct Page {
    /// Newest first.
    pub data: Vec<Endpoint>,
    /// Whether there are older ones.
    pub has_more: bool,
}

/// What is left of an endpoint.
#[derive(miniserde::Deserialize)]
pub struct Deleted {
    /// Its id.
    #[allow(dead_code, reason = "an answer without it is not Stripe's")]
    pub id: String,
}

/// The page after the endpoint of that id, or the first.
pub(super) struct List(PageQuery);

impl List {
    pub(super) fn after(id: Option<String>) -> List {
        List(PageQuery::after(id))
    }
}

impl StripeRequest for List {
    type Output = Page;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Get, "/webhook_endpoints").query(&self.0)
    }
}

/// Makes an endpoint, which is enabled at once.
#[derive(Serialize)]
pub(super) struct Create {
    pub(super) url: String,
    pub(super) enabled_events: BTreeSet<String>,
    pub(super) api_version: String,
    pub(super) metadata: HashMap<String, String>,
}

impl StripeRequest for Create {
    type Output = Endpoint;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Post, "/webhook_endpoints").form(self)
    }
}

/// Changes an endpoint; its version and its signing secret stay what they are.
#[derive(Serialize)]
pub(super) struct Change {
    #[serde(skip)]
    pub(super) id: String,
    pub(super) url: String,
    pub(super) enabled_events: BTreeSet<String>,
    pub(super) disabled: bool,
    pub(super) metadata: HashMap<String, String>,
}

impl StripeRequest for Change {
    type Output = Endpoint;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Post, format!("/webhook_endpoints/{}", self.id)).form(self)
    }
}

/// Removes an endpoint, and with it what was still to be delivered there.
pub(super) struct Delete(pub(super) String);

impl StripeRequest for Delete {
    type Output = Deleted;

    fn build(&self) -> RequestBuilder {
        RequestBuilder::new(StripeMethod::Delete, format!("/webhook_endpoints/{}", self.0))
    }
}
