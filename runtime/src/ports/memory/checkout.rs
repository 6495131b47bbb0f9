//! Stripe's pages for a customer, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Memory;
use crate::ports::{Checkout, KeptMethod, PortError, PortalRequest, SetUpPage, SetUpRequest};

/// What was asked for, and what customers keep.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Pages {
    pub(crate) set_ups: Vec<SetUpRequest>,
    pub(crate) portals: Vec<PortalRequest>,
    pub(crate) methods: BTreeMap<String, Vec<KeptMethod>>,
    /// Invoice -> its page.
    pub(crate) invoices: BTreeMap<String, String>,
}

#[async_trait]
impl Checkout for Memory {
    async fn set_up(&self, request: &SetUpRequest) -> Result<SetUpPage, PortError> {
        self.call("begin a Checkout session", |world| {
            let set_ups = &mut world.stripe.pages.set_ups;
            if !set_ups.contains(request) {
                set_ups.push(request.clone());
            }
            let id = format!("cs_{}", set_ups.len());
            Ok(SetUpPage { url: format!("https://checkout.example/{id}"), id })
        })
    }

    async fn methods(&self, customer: &str) -> Result<Vec<KeptMethod>, PortError> {
        self.call("list payment methods", |world| {
            Ok(world.stripe.pages.methods.get(customer).cloned().unwrap_or_default())
        })
    }

    async fn portal(&self, request: &PortalRequest) -> Result<String, PortError> {
        self.call("open the customer portal", |world| {
            let portals = &mut world.stripe.pages.portals;
            portals.push(request.clone());
            Ok(format!("https://portal.example/{}", portals.len()))
        })
    }

    async fn invoice_page(&self, invoice: &str) -> Result<Option<String>, PortError> {
        self.call("read an invoice's page", |world| Ok(world.stripe.pages.invoices.get(invoice).cloned()))
    }
}
