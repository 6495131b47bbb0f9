//! Each tenant by itself, and all of them beside one another.

use std::collections::BTreeMap;

use super::references::refer;
use super::shapes::is_locale;
use super::values::{account, domain, email, id, month, tag_key_fault};
use super::{Checker, dated, report_repeats, steps};
use crate::Month;
use crate::manifest::model::{AttributionBy, Tenant};
use crate::manifest::node::{Step, Value};
use crate::manifest::suggest::{among, closest};

/// What the runtime keeps beside tenants under an id of its own.
const RESERVED: &[&str] = &["unallocated"];

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        one(checker, index, tenant);
        known_by(checker, index, tenant);
        further_tags(checker, index, tenant);
        pricing(checker, index, tenant.pricing.names());
        for (i, name) in tenant.subscriptions.iter().enumerate() {
            subscription(checker, &steps!["tenants", index, "subscriptions", i], name);
        }
    }
    activated(checker);
    let ids = collect(checker, |index, tenant| vec![(tenant.id.clone(), steps!["tenants", index, "id"].to_vec())]);
    report_repeats(checker, "the tenant id", &ids, "ids are unique");
    dated::one_tenant_each(checker);
    let accounts = collect(checker, |index, tenant| {
        let accounts = tenant.accounts.iter().enumerate();
        accounts.map(|(i, account)| (account.clone(), steps!["tenants", index, "accounts", i].to_vec())).collect()
    });
    report_repeats(checker, "the account", &accounts, "its cost would belong to two tenants");
    let projects = collect(checker, |index, tenant| {
        let projects = tenant.projects.iter().enumerate();
        projects.map(|(i, project)| (project.clone(), steps!["tenants", index, "projects", i].to_vec())).collect()
    });
    report_repeats(checker, "the project", &projects, "a project belongs to one tenant");
}

type Placed = (String, Vec<Step>);

fn collect(checker: &Checker<'_>, of: impl Fn(usize, &Tenant) -> Vec<Placed>) -> Vec<Placed> {
    let all = checker.manifest.tenants.iter().enumerate().flat_map(|(index, tenant)| of(index, tenant));
    all.filter(|(value, _)| !value.is_empty()).collect()
}

fn one(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    id(checker, &steps!["tenants", index, "id"], &tenant.id);
    if RESERVED.contains(&tenant.id.as_str()) {
        let hint = "billform keeps cost of no tenant under it; choose another".to_owned();
        checker.at(&steps!["tenants", index, "id"], format!("the id `{}` is reserved", tenant.id), hint);
    }
    email(checker, &steps!["tenants", index, "email"], &tenant.email, "billing@acme.example");
    if !is_locale(&tenant.locale) {
        let hint = "write a language and perhaps a country, such as de or en-US".to_owned();
        checker.at(&steps!["tenants", index, "locale"], format!("`{}` is no language tag", tenant.locale), hint);
    }
    if let Some(own) = &tenant.domain {
        domain(checker, &steps!["tenants", index, "domain"], own, "acme.billing.example.com");
    }
    if let Some(first) = tenant.first_period {
        month(checker, &steps!["tenants", index, "first_period"], first);
    }
    if let Some(last) = tenant.last_period {
        let first = tenant.first_period.or(checker.manifest.invoicing.first_period);
        month(checker, &steps!["tenants", index, "last_period"], last);
        if let Some(first) = first.filter(|first| last < *first) {
            let message =
                format!("the tenant `{}` leaves before they are billed: {first} is their first month", tenant.id);
            let hint = "write the last month to bill; a tenant who was never billed can be taken out".to_owned();
            checker.at(&steps!["tenants", index, "last_period"], message, hint);
        }
    }
    if tenant.link_version == 0 {
        checker.at(&steps!["tenants", index, "link_version"], "link versions start at 1", None);
    }
    if tenant.name.trim().is_empty() || tenant.name.chars().count() > 256 {
        let hint = "the name stands on pages and invoices".to_owned();
        checker.at(&steps!["tenants", index, "name"], "a tenant's name has 1 to 256 characters", hint);
    }
    dated::tags(checker, index, tenant);
    for (i, number) in tenant.accounts.iter().enumerate() {
        account(checker, &steps!["tenants", index, "accounts", i], number);
    }
}

/// A tenant must be known by what cost is told apart by.
fn known_by(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    let attribution = &checker.manifest.attribution;
    let tag = &attribution.tenant_tag;
    let untagged = || tenant.tags.get(tag).is_none_or(|values| values.values().all(str::is_empty));
    match attribution.by {
        AttributionBy::Tag if tag_key_fault(tag).is_none() && untagged() => {
            let near = closest(tag, tenant.tags.keys().map(String::as_str));
            let hint = match near.filter(|near| near != tag) {
                Some(near) => {
                    format!("`{near}` is near: a tag's key is written exactly as `attribution.tenant_tag` has it")
                }
                None => format!("add `tags: {{{tag}: …}}` with the value that their resources carry"),
            };
            let message = format!("the tenant `{}` has no value of the tag `{tag}`, so no cost is theirs", tenant.id);
            checker.at(&steps!["tenants", index, "tags", tag], message, hint);
        }
        AttributionBy::LinkedAccount if tenant.accounts.is_empty() => {
            let hint = "add `accounts: [\"123456789012\"]`".to_owned();
            let message = format!("the tenant `{}` has no account, so no cost is theirs", tenant.id);
            checker.at(&steps!["tenants", index, "accounts"], message, hint);
        }
        _ => {}
    }
}

/// Tags beside the tenant tag narrow the tenant's cost, so each has a value on some day.
fn further_tags(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    let tag = &checker.manifest.attribution.tenant_tag;
    for (key, _) in tenant.tags.iter().filter(|(key, values)| *key != tag && values.values().all(str::is_empty)) {
        let message = format!("the tag `{key}` of the tenant `{}` has no value, so it narrows nothing", tenant.id);
        let hint = format!("leave it out, or write the value that their resources carry beside `{tag}`");
        checker.at_key(&steps!["tenants", index, "tags", key], message, hint);
    }
}

/// Cost carries a tag only once it is activated: each one that tells tenants apart is among those to activate.
fn activated(checker: &mut Checker<'_>) {
    let attribution = &checker.manifest.attribution;
    if attribution.by != AttributionBy::Tag || attribution.activate.is_empty() {
        return;
    }
    let mut keys: BTreeMap<&String, &str> = BTreeMap::new();
    for tenant in checker.manifest.tenants.iter().rev() {
        keys.extend(tenant.tags.keys().map(|key| (key, tenant.id.as_str())));
    }
    // That the tenant tag is there was checked.
    let lacking = |key: &String| *key != attribution.tenant_tag && !attribution.activate.contains(key);
    for (key, tenant) in keys.into_iter().filter(|(key, _)| lacking(key) && tag_key_fault(key).is_none()) {
        let message = format!("the tag `{key}`, by which the cost of `{tenant}` is known, is not activated");
        let hint = format!("add `{key}` to it; without activation no cost carries the tag, and none is theirs");
        checker.at_key(&steps!["attribution", "activate"], message, hint);
    }
}

/// The terms that hold for a tenant: entries of `pricing`, of which each begins in another month.
fn pricing(checker: &mut Checker<'_>, index: usize, names: &[String]) {
    for (i, name) in names.iter().enumerate() {
        let at: &[Step] = &steps!["tenants", index, "pricing", i];
        // A name by itself is the value, a name of a list one of its elements.
        let at = if is_list(checker, index) { at } else { &at[..3] };
        if !checker.manifest.pricing.contains_key(name) {
            refer(checker, at, name, "pricing");
        }
    }
    successive(checker, index, names);
}

/// Whether a tenant's `pricing` is written as a list.
fn is_list(checker: &Checker<'_>, tenant: usize) -> bool {
    let Some(Value::List(tenants)) = checker.tree.get("tenants").map(|node| &node.value) else { return false };
    let tenant = tenants.iter().filter(|item| item.value != Value::Hole).nth(tenant);
    let pricing = tenant.and_then(|tenant| tenant.get("pricing"));
    pricing.is_some_and(|node| matches!(node.value, Value::List(_)))
}

/// Several terms of a tenant must say which holds when.
fn successive(checker: &mut Checker<'_>, index: usize, names: &[String]) {
    let mut seen: Vec<(Option<Month>, &str)> = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let Some(terms) = checker.manifest.pricing.get(name) else { continue };
        if checker.is_reported(&steps!["pricing", name])
            || checker.is_reported(&steps!["pricing", name, "effective_from"])
        {
            continue;
        }
        if let Some((_, other)) = seen.iter().find(|(from, _)| *from == terms.effective_from) {
            let message = format!("the terms `{other}` and `{name}` begin in the same month");
            let hint = "give each of them another `effective_from`".to_owned();
            checker.at(&steps!["tenants", index, "pricing", i], message, hint);
        }
        seen.push((terms.effective_from, name));
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
