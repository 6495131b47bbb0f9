//! Stripe's payments, customers and events in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::Memory;
use crate::events::Envelope;
use crate::ports::{About, DefaultRequest, EventPage, Payments, PortError, RemoteCustomer, RemoteSetup};

/// What there is beside the invoices.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Side {
    /// What objects are about, by id; invoices and customers are about themselves.
    pub(crate) about: BTreeMap<String, About>,
    pub(crate) customers: BTreeMap<String, RemoteCustomer>,
    pub(crate) setups: BTreeMap<String, RemoteSetup>,
    /// Undelivered ones, newest first.
    pub(crate) events: Vec<Envelope>,
    pub(crate) defaults: Vec<DefaultRequest>,
    pub(crate) refunds: Vec<crate::ports::RefundRequest>,
}

#[async_trait]
impl Payments for Memory {
    fn livemode(&self) -> bool {
        self.with(|world| world.stripe.livemode)
    }

    async fn about(&self, kind: &str, id: &str) -> Result<About, PortError> {
        self.call("read an object", |world| {
            Ok(match kind {
                "invoice" => About::Invoices(vec![id.to_owned()]),
                "customer" => About::Customer(Some(id.to_owned())),
                _ => world.stripe.side.about.get(id).cloned().unwrap_or(About::Unknown),
            })
        })
    }

    async fn customer(&self, id: &str) -> Result<Option<RemoteCustomer>, PortError> {
        self.call("read a customer's methods", |world| Ok(world.stripe.side.customers.get(id).cloned()))
    }

    async fn newest_setup(&self, customer: &str) -> Result<Option<RemoteSetup>, PortError> {
        self.call("list set-ups", |world| Ok(world.stripe.side.setups.get(customer).cloned()))
    }

    async fn set_default(&self, request: &DefaultRequest) -> Result<(), PortError> {
        self.call("set a default", |world| {
            let side = &mut world.stripe.side;
            let setup = side.setups.get(&request.customer).and_then(|setup| setup.method.clone());
            let customer = side.customers.entry(request.customer.clone()).or_default();
            customer.method = setup.filter(|method| method.id == request.method);
            if !side.defaults.contains(request) {
                side.defaults.push(request.clone());
            }
            Ok(())
        })
    }

    async fn event(&self, id: &str) -> Result<Option<Envelope>, PortError> {
        self.call("read an event", |world| Ok(world.stripe.side.events.iter().find(|event| event.id == id).cloned()))
    }

    async fn undelivered(&self, after: Option<&str>) -> Result<EventPage, PortError> {
        self.call("list events", |world| {
            let events = &world.stripe.side.events;
            let from = after.and_then(|after| events.iter().position(|event| event.id == after)).map_or(0, |at| at + 1);
            // Pages of two: further ones are asked for.
            let page: Vec<Envelope> = events[from..].iter().take(2).cloned().collect();
            let has_more = from + page.len() < events.len();
            Ok(EventPage { events: page, has_more })
        })
    }
}
