//! Each tenant by itself, and all of them beside one another.

use super::aws::{account, id, tag_key_fault, tags};
use super::shapes::{is_domain, is_email, is_locale};
use super::{Checker, report_repeats, steps};
use crate::manifest::model::{AttributionBy, Tenant};
use crate::manifest::node::Step;
use crate::manifest::suggest::closest;

/// What the runtime keeps beside tenants under an id of its own.
const RESERVED: &[&str] = &["unallocated"];

pub(super) fn check(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    for (index, tenant) in manifest.tenants.iter().enumerate() {
        one(checker, index, tenant);
        known_by(checker, index, tenant);
        told_apart_by_one_tag(checker, index, tenant);
    }
    let ids = collect(checker, |index, tenant| vec![(tenant.id.clone(), steps!["tenants", index, "id"].to_vec())]);
    report_repeats(checker, "the tenant id", &ids, "ids are unique");
    let tag = &manifest.attribution.tenant_tag;
    let values = collect(checker, |index, tenant| {
        let value = tenant.tags.get(tag).map(|value| (value.clone(), steps!["tenants", index, "tags", tag].to_vec()));
        value.into_iter().collect()
    });
    report_repeats(checker, "the tag value", &values, "cost with it would belong to two tenants");
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
    if !is_email(&tenant.email) {
        let hint = "write it as billing@acme.example".to_owned();
        checker.at(&steps!["tenants", index, "email"], format!("`{}` is no e-mail address", tenant.email), hint);
    }
    if !is_locale(&tenant.locale) {
        let hint = "write a language and perhaps a country, such as de or en-US".to_owned();
        checker.at(&steps!["tenants", index, "locale"], format!("`{}` is no language tag", tenant.locale), hint);
    }
    if let Some(domain) = tenant.domain.as_ref().filter(|domain| !is_domain(domain)) {
        let hint = "write it as acme.billing.example.com".to_owned();
        checker.at(&steps!["tenants", index, "domain"], format!("`{domain}` is no domain name"), hint);
    }
    if tenant.link_version == 0 {
        checker.at(&steps!["tenants", index, "link_version"], "link versions start at 1", None);
    }
    if tenant.name.trim().is_empty() || tenant.name.chars().count() > 256 {
        let hint = "the name stands on pages and invoices".to_owned();
        checker.at(&steps!["tenants", index, "name"], "a tenant's name has 1 to 256 characters", hint);
    }
    tags(checker, &steps!["tenants", index, "tags"], &tenant.tags);
    for (i, number) in tenant.accounts.iter().enumerate() {
        account(checker, &steps!["tenants", index, "accounts", i], number);
    }
}

/// A tenant must be known by what cost is told apart by.
fn known_by(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    let attribution = &checker.manifest.attribution;
    let tag = &attribution.tenant_tag;
    let untagged = || tenant.tags.get(tag).is_none_or(String::is_empty);
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

/// Tags beside the tenant tag: they read as if they narrowed the tenant's cost, and cost with another value of them
/// would be the tenant's all the same.
fn told_apart_by_one_tag(checker: &mut Checker<'_>, index: usize, tenant: &Tenant) {
    let attribution = &checker.manifest.attribution;
    let tag = &attribution.tenant_tag;
    if attribution.by != AttributionBy::Tag || !tenant.tags.contains_key(tag) {
        // The tenant is known by no tag at all, which was reported.
        return;
    }
    for key in tenant.tags.keys().filter(|key| *key != tag) {
        let hint = format!(
            "leave it out: all cost with this `{tag}` is the tenant's, whatever its `{key}`. Cost that is not theirs \
             needs another value of `{tag}`"
        );
        let message = format!("`tenants.tags.{key}` has no effect yet");
        checker.at_key(&steps!["tenants", index, "tags", key], message, hint);
    }
}
