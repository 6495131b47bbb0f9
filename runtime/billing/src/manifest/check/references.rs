//! Names that refer to an entry elsewhere: pricing, secrets, products, meters, handlers.

use super::{Checker, steps};
use crate::manifest::model::HANDLERS;
use crate::manifest::node::{Step, Value};
use crate::manifest::suggest::among;

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        let names = tenant.pricing.names();
        for (i, name) in names.iter().enumerate() {
            if !manifest.pricing.contains_key(name) {
                let at: &[Step] = &steps!["tenants", index, "pricing", i];
                // A name by itself is the value, a name of a list one of its elements.
                let at = if is_list(checker, index) { at } else { &at[..3] };
                refer(checker, at, name, "pricing");
            }
        }
        for (i, name) in tenant.subscriptions.iter().enumerate() {
            subscription(checker, &steps!["tenants", index, "subscriptions", i], name);
        }
    }
    if let Some(stripe) = &manifest.stripe {
        refer(checker, &steps!["stripe", "secret_key"], &stripe.secret_key, "secrets");
        if let Some(webhook) = &stripe.webhook {
            refer(checker, &steps!["stripe", "webhook", "secret"], &webhook.secret, "secrets");
        }
    }
    if let Some(links) = manifest.auth.links.as_ref().filter(|links| !manifest.secrets.contains_key(&links.secret)) {
        refer(checker, &steps!["auth", "links", "secret"], &links.secret, "secrets");
    }
    for (name, product) in &manifest.products {
        for (price_name, price) in &product.prices {
            if let Some(meter) = &price.meter {
                refer(checker, &steps!["products", name, "prices", price_name, "meter"], meter, "meters");
            }
        }
    }
    for handler in manifest.functions.handlers.keys() {
        if !HANDLERS.iter().any(|(known, _)| known == handler) {
            let hint = among(handler, HANDLERS.iter().map(|(known, _)| *known), "handlers");
            let steps = steps!["functions", "handlers", handler];
            checker.at_key(&steps, format!("there is no handler `{handler}`"), hint);
        }
    }
}

/// Whether a tenant's `pricing` is written as a list.
fn is_list(checker: &Checker<'_>, tenant: usize) -> bool {
    let Some(Value::List(tenants)) = checker.tree.get("tenants").map(|node| &node.value) else { return false };
    let tenant = tenants.iter().filter(|item| item.value != Value::Hole).nth(tenant);
    let pricing = tenant.and_then(|tenant| tenant.get("pricing"));
    pricing.is_some_and(|node| matches!(node.value, Value::List(_)))
}

/// Reports a name that is no entry of a section.
fn refer(checker: &mut Checker<'_>, path: &[Step], name: &str, section: &str) {
    if checker.whole.get(section).is_some_and(|node| !matches!(node.value, Value::Map(_))) {
        // The section is no mapping at all, which was reported.
        return;
    }
    let known = checker.names_in(section);
    if !known.contains(&name) {
        let hint = match known.is_empty() {
            true => format!("add `{section}: {{{name}: …}}`, or leave this out"),
            false => among(name, known.iter().copied(), section),
        };
        checker.at(path, format!("`{section}` has no entry `{name}`"), hint);
    }
}

/// `product` or `product.price`.
fn subscription(checker: &mut Checker<'_>, path: &[Step], name: &str) {
    let (product, price) = name.split_once('.').map_or((name, None), |(product, price)| (product, Some(price)));
    let before = checker.problems.len();
    refer(checker, path, product, "products");
    let (Some(price), true) = (price, checker.problems.len() == before) else { return };
    let Some(found) = checker.manifest.products.get(product) else { return };
    if !found.prices.contains_key(price) {
        let hint = among(price, found.prices.keys().map(String::as_str), "prices");
        checker.at(path, format!("the product `{product}` has no price `{price}`"), hint);
    }
}
