//! What Stripe knows of the business: products with their prices, a customer per tenant, and what customers may do in
//! Stripe's portal.

use std::collections::BTreeMap;

use billing::function::Setting;
use billing::manifest::model::{Price, Product, Tenant};
use billing::names::TENANT_METADATA;
use engine::{Address, Input, Resource};

use super::{Plan, of_tenant, shared};
use crate::kinds::{stripe_customer, stripe_portal_configuration, stripe_price, stripe_product};

/// Products, prices, customers and the portal's configuration; nothing without a Stripe account in the manifest. Metered prices wait for meters.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    if stack.manifest.stripe.is_none() {
        return Vec::new();
    }
    let products = stack.manifest.products.iter().flat_map(|(name, product)| of_product(name, product));
    let customers = stack.manifest.tenants.iter().map(customer);
    products.chain(customers).chain(portal_configuration(stack)).collect()
}

/// Where the portal's configuration stands.
pub fn portal_configuration_address() -> Address {
    Address::new("stripe_portal_configuration", "main")
}

/// The stack's own configuration, where a deployed handler opens the portal.
fn portal_configuration(stack: &Plan) -> Option<Resource> {
    stack.deployed().find(|spec| spec.settings.contains(&Setting::PortalConfiguration))?;
    let manifest = stack.manifest;
    let said = manifest.stripe.as_ref()?.portal.as_ref();
    let domain = manifest.portal.as_ref().and_then(|portal| portal.domain.as_ref());
    let desired = stripe_portal_configuration::Desired {
        name: manifest.stack(),
        return_url: said.map(|said| said.return_url.clone()).or(domain.map(|domain| format!("https://{domain}/"))),
        payment_method_update: said.is_none_or(|said| said.allow_payment_method),
        subscription_cancel: said.is_some_and(|said| said.allow_cancel),
        invoice_history: true,
        active: true,
        metadata: BTreeMap::new(),
    };
    Some(shared(portal_configuration_address(), desired, []))
}

fn of_product(name: &str, product: &Product) -> Vec<Resource> {
    let address = Address::new("stripe_product", name);
    let desired = stripe_product::Desired {
        name: product.name.clone(),
        description: product.description.clone(),
        active: true,
        metadata: BTreeMap::new(),
    };
    let flat = product.prices.iter().filter(|(_, price)| price.meter.is_none());
    let prices = flat.map(|(price_name, flat)| price(&address, name, price_name, flat));
    std::iter::once(shared(address.clone(), desired, [])).chain(prices).collect()
}

fn price(product: &Address, product_name: &str, name: &str, price: &Price) -> Resource {
    let desired = stripe_price::Desired {
        lookup_key: price.lookup_key.clone(),
        product: Input::output(product.clone(), "id"),
        currency: price.amount.currency.code().to_ascii_lowercase(),
        // The manifest's checks refuse amounts that do not fit, and fractions of a minor unit.
        unit_amount: price.amount.minor_units().map_or(i64::MAX, |units| units.0),
        interval: price.every.map(|interval| interval.as_str().to_owned()),
        nickname: Some(name.to_owned()),
        active: true,
        metadata: BTreeMap::new(),
    };
    shared(Address::new("stripe_price", format!("{product_name}.{name}")), desired, [])
}

fn customer(tenant: &Tenant) -> Resource {
    let facts = [("billing_account", &tenant.billing_account), ("cost_center", &tenant.cost_center)];
    let given = facts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
    let metadata = std::iter::once((TENANT_METADATA.to_owned(), tenant.id.clone())).chain(given).collect();
    let desired = stripe_customer::Desired {
        name: tenant.name.clone(),
        email: tenant.email.clone(),
        preferred_locales: vec![tenant.locale.clone()],
        metadata,
    };
    of_tenant(&tenant.id, Address::new("stripe_customer", &tenant.id), desired, [])
}
