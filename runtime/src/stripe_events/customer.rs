//! How a customer pays, as Stripe has it now. A method that was set up is made the default: Stripe does not do it, and
//! without a default nothing is charged.

use billing::ledger::{PaymentSetup, payment_setup, tenants};

use super::{Effect, EventResult, Postponed, StripeEvents};
use crate::ports::{DefaultRequest, PortError, RemoteSetup};

impl StripeEvents<'_> {
    pub(super) async fn of_customer(&self, customer: &str) -> Result<Effect, Postponed> {
        match self.tenant_of(Some(customer)).await? {
            Some(tenant) => self.of_tenant(tenant, customer).await,
            None => Ok(Effect::none(format!("{customer} is no tenant's customer in this stack"))),
        }
    }

    async fn of_tenant(&self, tenant: String, customer: &str) -> Result<Effect, Postponed> {
        let before = payment_setup::one(self.ledger, &tenant).await?;
        // What an earlier customer of the tenant set up says nothing of this one.
        let of_customer = before.as_ref().filter(|before| before.customer == customer);
        let found = self.setup(customer, of_customer, before.as_ref()).await?;
        if before.as_ref().is_some_and(|before| before.agrees_with(&found)) {
            return Ok(
                Effect::none(format!("the ledger says so already: {}", shown(&tenant, &found))).of(&tenant, None)
            );
        }
        let items = vec![found.write(&tenant, before.as_ref())?];
        let result = EventResult::Applied { what: shown(&tenant, &found) };
        Ok(Effect { items, ..Effect::only(result) }.of(&tenant, None))
    }

    /// Brings how a tenant pays up to date; none where the ledger says so already.
    pub(crate) async fn look_at_customer(
        &self,
        tenant: &str,
        customer: &str,
    ) -> Result<Option<EventResult>, Postponed> {
        self.store(self.of_tenant(tenant.to_owned(), customer).await?).await
    }

    async fn setup(
        &self,
        customer: &str,
        before: Option<&PaymentSetup>,
        stored: Option<&PaymentSetup>,
    ) -> Result<PaymentSetup, PortError> {
        let (at, version) = (self.clock.now(), stored.map_or(0, |stored| stored.version) + 1);
        let nothing = PaymentSetup {
            customer: customer.to_owned(),
            deleted: true,
            method: None,
            setup_intent: None,
            mandate: None,
            at,
            version,
        };
        let Some(remote) = self.payments.customer(customer).await?.filter(|remote| !remote.deleted) else {
            return Ok(nothing);
        };
        let newest = self.payments.newest_setup(customer).await?;
        let known = before.and_then(|before| before.setup_intent.as_deref());
        let mut method = remote.method;
        // The method of the known one was detached, and this is an earlier one: a default that there is was chosen by a person.
        let is_earlier = |setup: &RemoteSetup| known.is_some_and(|known| setup.detached.iter().any(|id| id == known));
        let is_chosen = newest.as_ref().is_some_and(|setup| is_earlier(setup) && method.is_some());
        let unseen = newest.as_ref().filter(|setup| Some(setup.id.as_str()) != known && !is_chosen);
        if let Some(setup) = unseen {
            // Set up and not looked at yet: the newest one wins, in whatever order the events came.
            if let Some(found) = &setup.method {
                // The one before was detached, and this one is an earlier one again: not what its key did then.
                let again = known.filter(|_| method.is_none());
                self.payments.set_default(&default_request(customer, &setup.id, &found.id, again)).await?;
                method = Some(found.clone());
            }
        }
        let setup_intent = newest.as_ref().map(|setup| setup.id.clone());
        Ok(PaymentSetup {
            deleted: false,
            method,
            setup_intent,
            mandate: newest.and_then(|setup| setup.mandate),
            ..nothing
        })
    }

    /// The tenant whose Stripe customer this is.
    pub(super) async fn tenant_of(&self, customer: Option<&str>) -> Result<Option<String>, PortError> {
        let Some(customer) = customer else { return Ok(None) };
        let tenants = tenants::all(self.ledger).await?;
        let found = tenants.into_iter().find(|tenant| tenant.stripe_customer.as_deref() == Some(customer));
        Ok(found.map(|tenant| tenant.id))
    }
}

fn default_request(customer: &str, setup: &str, method: &str, after: Option<&str>) -> DefaultRequest {
    let after = after.map(|after| format!("-after-{after}")).unwrap_or_default();
    DefaultRequest {
        customer: customer.to_owned(),
        method: method.to_owned(),
        idempotency_key: format!("billform-default-{customer}-{setup}{after}"),
    }
}

fn shown(tenant: &str, setup: &PaymentSetup) -> String {
    let mandate = setup.mandate.as_deref().filter(|mandate| *mandate != "active");
    let mandate = mandate.map(|mandate| format!(", its mandate is {mandate}")).unwrap_or_default();
    match &setup.method {
        Some(method) => format!("{tenant} pays by {method}{mandate}"),
        None if setup.deleted => format!("{tenant}'s customer was deleted in Stripe"),
        None => format!("{tenant} has no payment method"),
    }
}
