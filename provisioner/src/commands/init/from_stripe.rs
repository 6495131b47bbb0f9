//! `init --from-stripe`: proposes a tenant and an import for each customer that Stripe has.

use billing::manifest::model::Manifest;
use billing::manifest::{Source, load};
use billing::names::LEFT_METADATA;
use engine::{Address, Owner};
use stripe_core::Customer;

use super::proposal::{Found, Proposal};
use crate::cloud::calls::Calls;
use crate::cloud::stripe_api::StripeApi;
use crate::cloud::stripe_metadata;
use crate::kinds::stripe_customer::Customers;
use crate::kinds::support::stripe::StripeKind as _;
use crate::run::secrets;
use crate::stack;
use crate::ui::failure::Failure;

/// Lists Stripe's customers, oldest first, and makes a manifest of the starter one and them. Nothing is changed in Stripe,
/// which lists no deleted customers.
pub async fn propose(starter: &str) -> Result<Proposal, Failure> {
    let manifest = starting(starter)?;
    let (mut proposal, stack) = (Proposal::new(&manifest.attribution.tenant_tag), manifest.stack());
    let mut customers = listed().await?;
    customers.reverse();
    for customer in &customers {
        match marked(customer, &stack) {
            Marked::Unmarked => proposal.add(found(customer, None)),
            Marked::Ours(tenant) => proposal.add(found(customer, tenant)),
            Marked::OtherStack => proposal.left_out.other_stacks += 1,
            Marked::Left => proposal.left_out.destroyed += 1,
        }
    }
    Ok(proposal)
}

/// The starter manifest, for the names that it chooses.
fn starting(starter: &str) -> Result<Manifest, Failure> {
    let source = Source { path: "billform.yaml".to_owned(), text: starter.to_owned() };
    load(&[source], None, &stack::handlers()).map_err(|problems| crate::project::ProjectError::Invalid(problems).into())
}

async fn listed() -> Result<Vec<Customer>, Failure> {
    let key = secrets::environment("STRIPE_API_KEY").ok_or_else(|| {
        Failure::new("STRIPE_API_KEY is not set, so Stripe's customers cannot be listed")
            .hint("export STRIPE_API_KEY=rk_test_… (a key that may read customers is enough)")
    })?;
    let base = std::env::var("STRIPE_API_BASE").ok();
    let stripe = StripeApi::new(&key, base.as_deref(), Calls::default())?;
    let id = |customer: &Customer| customer.id.as_str().to_owned();
    Ok(stripe.list(Customers::ROUTES.list, Customers::page, Customers::unpack, id).await?)
}

/// What the metadata of a customer says of billform.
enum Marked {
    /// Nothing.
    Unmarked,
    /// It belongs to the stack to be, for this tenant where it names one.
    Ours(Option<String>),
    /// It belongs to another stack.
    OtherStack,
    /// It stayed for its books when its stack was destroyed or its tenant left.
    Left,
}

fn marked(customer: &Customer, stack: &str) -> Marked {
    let Some(metadata) = &customer.metadata else { return Marked::Unmarked };
    let owned = stripe_metadata::split(metadata);
    match &owned.owner {
        Owner::Stack { name, .. } if name != stack => Marked::OtherStack,
        Owner::Stack { .. } if metadata.contains_key(LEFT_METADATA) => Marked::Left,
        Owner::Stack { .. } => {
            let address: Option<Address> = owned.address.and_then(|address| address.parse().ok());
            Marked::Ours(address.map(|address| address.name().to_owned()))
        }
        Owner::Unknown | Owner::Untold => Marked::Unmarked,
    }
}

fn found(customer: &Customer, tenant: Option<String>) -> Found {
    let texts = [&customer.name, &customer.business_name, &customer.individual_name];
    let metadata = customer.metadata.iter().flatten();
    Found {
        id: customer.id.as_str().to_owned(),
        name: texts.into_iter().flatten().find(|name| !name.trim().is_empty()).cloned(),
        email: customer.email.clone(),
        locale: customer.preferred_locales.iter().flatten().next().cloned(),
        currency: customer.currency.as_ref().map(|currency| currency.to_string().to_ascii_uppercase()),
        metadata: metadata.map(|(key, value)| (key.clone(), value.clone())).collect(),
        tenant,
    }
}
