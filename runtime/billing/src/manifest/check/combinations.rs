//! Settings that are fine by themselves and cannot be together, and numbers out of their range.

use super::aws::tag_key_fault;
use super::shapes::{is_email, is_origin};
use super::{Checker, steps};
use crate::manifest::model::{
    Approval, AttributionBy, Collection, CostSource, CostsEngine, ReportFormat, ReportVersioning,
};
use crate::manifest::node::Step;
use crate::manifest::text::Days;

/// How long CloudWatch can keep logs, in days.
const LOG_RETENTIONS: &[u32] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/// Handlers behind the HTTP API, which waits 30 seconds.
const HTTP_HANDLERS: &[&str] = &["billing", "costs", "payment", "usage", "webhook"];

pub(super) fn check(checker: &mut Checker<'_>) {
    attribution(checker);
    costs(checker);
    invoicing(checker);
    functions(checker);
    api(checker);
    stripe(checker);
    extras(checker);
}

fn attribution(checker: &mut Checker<'_>) {
    let attribution = &checker.manifest.attribution;
    let tag = &attribution.tenant_tag;
    match attribution.by {
        AttributionBy::Tag if tag.is_empty() => {
            let hint = "add `tenant_tag: ClientOrganization`".to_owned();
            checker.at(&steps!["attribution", "tenant_tag"], "cost is told apart by tag, and no tag is named", hint);
        }
        AttributionBy::LinkedAccount if !tag.is_empty() => {
            let hint = "leave `tenant_tag` out, or write `by: tag`".to_owned();
            checker.at(
                &steps!["attribution", "tenant_tag"],
                "cost is told apart by account, so a tag has no use",
                hint,
            );
        }
        AttributionBy::Tag if !attribution.activate.is_empty() && !attribution.activate.contains(tag) => {
            let hint = format!("add `{tag}` to it; without activation no cost carries the tag");
            checker.at_key(&steps!["attribution", "activate"], "the tenant tag is not activated", hint);
        }
        _ => {}
    }
    let keys = [("tenant_tag", Some(tag)), ("project_tag", attribution.project_tag.as_ref())];
    let keys = keys.into_iter().filter_map(|(key, tag)| Some((steps!["attribution", key].to_vec(), tag?)));
    let activated = attribution.activate.iter().enumerate();
    let activated = activated.map(|(i, tag)| (steps!["attribution", "activate", i].to_vec(), tag));
    for (steps, tag) in keys.chain(activated).filter(|(_, tag)| !tag.is_empty()) {
        if let Some(fault) = tag_key_fault(tag) {
            checker.at(&steps, format!("the tag key `{tag}` {fault}"), "choose another key".to_owned());
        }
    }
    if attribution.project_tag.as_ref() == Some(tag) && !tag.is_empty() {
        let hint = "name another tag, or leave it out".to_owned();
        checker.at(&steps!["attribution", "project_tag"], "one tag cannot name both tenants and projects", hint);
    }
}

fn costs(checker: &mut Checker<'_>) {
    let costs = &checker.manifest.costs;
    let reads_report = costs.source != CostSource::CostExplorer;
    if reads_report && costs.report.is_none() {
        let hint = "add `report: {}` under `costs`, or write `source: cost-explorer`".to_owned();
        checker.at(&steps!["costs", "source"], "cost is read from a report, and none is described", hint);
    }
    if let (Some(_), false) = (costs.engine, reads_report) {
        let hint = "leave `engine` out".to_owned();
        checker.at(&steps!["costs", "engine"], "cost comes from Cost Explorer, so no engine reads a report", hint);
    }
    let Some(report) = &costs.report else { return };
    if costs.engine == Some(CostsEngine::Athena) && report.format != ReportFormat::Parquet {
        let hint = "write `format: parquet`".to_owned();
        checker.at(&steps!["costs", "report", "format"], "Athena reads reports in Parquet only", hint);
    }
    if costs.engine == Some(CostsEngine::Athena) && report.versioning != ReportVersioning::Overwrite {
        let hint = "write `versioning: overwrite`".to_owned();
        checker.at(&steps!["costs", "report", "versioning"], "Athena reads reports that are overwritten only", hint);
    }
    if report.prefix.starts_with('/') || report.prefix.ends_with('/') {
        let hint = format!("write it as `{}`", report.prefix.trim_matches('/'));
        checker.at(&steps!["costs", "report", "prefix"], "a prefix begins and ends without a slash", hint);
    }
    if let Some(delete) = report.retention.delete_after.filter(|delete| *delete <= report.retention.archive_after) {
        let hint = "delete later, or never: the files are the audit basis of invoices".to_owned();
        let steps = steps!["costs", "report", "retention", "delete_after"];
        checker.at(&steps, format!("files are deleted after {delete}, before they are archived"), hint);
    }
}

fn invoicing(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let invoicing = &manifest.invoicing;
    if invoicing.day.is_some_and(|day| !(1..=28).contains(&day)) {
        let hint = "write a day from 1 to 28; every month has those".to_owned();
        checker.at(&steps!["invoicing", "day"], "not every month has this day", hint);
    }
    if invoicing.settle_days > 60 {
        let hint = "AWS restates a month for about two weeks: write 14".to_owned();
        checker.at(&steps!["invoicing", "settle_days"], "settling takes 60 days at most", hint);
    }
    if invoicing.approval == Approval::Automatic && invoicing.settle_days == 0 {
        let hint = "wait with `settle_days: 14`, or write `approval: manual`".to_owned();
        checker.at(&steps!["invoicing", "settle_days"], "invoices would go out before AWS's figures settle", hint);
    }
    if invoicing.collection == Collection::ChargeAutomatically && manifest.stripe.is_none() {
        let hint = "add `stripe: {secret_key: stripe}`".to_owned();
        checker.at(&steps!["invoicing", "collection"], "nothing can be charged without Stripe", hint);
    }
    let terms = manifest.tenants.iter().enumerate();
    let terms = terms.filter_map(|(i, tenant)| Some((steps!["tenants", i, "terms"].to_vec(), tenant.terms?)));
    let all: Vec<(Vec<Step>, Days)> = terms.chain([(steps!["invoicing", "terms"].to_vec(), invoicing.terms)]).collect();
    for (steps, days) in all.into_iter().filter(|(_, days)| days.count() > 365) {
        checker.at(&steps, format!("{days} is too long to pay an invoice"), "write 365 days at most".to_owned());
    }
}

fn functions(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    retention(checker, &steps!["functions", "log_retention"], manifest.functions.log_retention);
    for (name, handler) in &manifest.functions.handlers {
        if handler.memory_mb.is_some_and(|memory| !(128..=10_240).contains(&memory)) {
            let hint = "write 128 to 10240".to_owned();
            checker.at(&steps!["functions", "handlers", name, "memory_mb"], "Lambda has no such memory size", hint);
        }
        let longest = if HTTP_HANDLERS.contains(&name.as_str()) { 29 } else { 900 };
        if handler.timeout.is_some_and(|timeout| !(1..=longest).contains(&timeout.count())) {
            let hint = format!("write 1 second to {longest} seconds");
            let steps = steps!["functions", "handlers", name, "timeout"];
            checker.at(&steps, format!("`{name}` cannot run for so long"), hint);
        }
    }
}

fn retention(checker: &mut Checker<'_>, path: &[Step], days: Days) {
    if !LOG_RETENTIONS.contains(&days.count()) {
        let near = LOG_RETENTIONS.iter().min_by_key(|known| known.abs_diff(days.count()));
        let hint = near.map(|near| format!("the nearest that it knows is `{} days`", near));
        checker.at(path, format!("CloudWatch cannot keep logs for {days}"), hint);
    }
}

fn api(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let api = &manifest.api;
    retention(checker, &steps!["api", "access_log", "retention"], api.access_log.retention);
    for (i, surface) in api.surfaces.iter().enumerate() {
        if api.surfaces[..i].contains(surface) {
            let message = format!("the surface `{}` is listed twice", surface.as_str());
            checker.at(&steps!["api", "surfaces", i], message, "leave one out".to_owned());
        }
    }
    for (i, origin) in api.cors.origins.iter().enumerate().filter(|(_, origin)| !is_origin(origin)) {
        let hint = "write scheme and host without a path, such as https://billing.example.com".to_owned();
        checker.at(&steps!["api", "cors", "origins", i], format!("`{origin}` is no origin"), hint);
    }
    let throttle = [("rate", api.throttle.rate, 10_000), ("burst", api.throttle.burst, 5_000)];
    for (key, value, most) in throttle {
        if value == 0 || value > most {
            let hint = format!("write 1 to {most}");
            checker.at(&steps!["api", "throttle", key], format!("`{key}` cannot be {value}"), hint);
        }
    }
    if manifest.auth.cognito.is_some() && manifest.auth.oidc.is_some() {
        let hint = "keep one of `cognito` and `oidc`".to_owned();
        checker.at(&steps!["auth", "oidc"], "the API takes tokens of one issuer", hint);
    }
    if manifest.auth.links.as_ref().is_some_and(|links| !(1..=366).contains(&links.valid_for.count())) {
        let hint = "write 1 day to 366 days".to_owned();
        checker.at(&steps!["auth", "links", "valid_for"], "links cannot hold for so long", hint);
    }
}

fn stripe(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let without = manifest.stripe.is_none();
    for (section, used) in [("products", !manifest.products.is_empty()), ("meters", !manifest.meters.is_empty())] {
        if used && without && checker.whole.get("stripe").is_none() {
            let hint = "add `stripe: {secret_key: stripe}`, or leave them out".to_owned();
            checker.at_key(
                &steps![section],
                format!("`{section}` live in Stripe, which the manifest does not name"),
                hint,
            );
        }
    }
    for (name, product) in &manifest.products {
        for (price, settings) in &product.prices {
            if settings.meter.is_some() && settings.every.is_none() {
                let hint = "add `every: month`".to_owned();
                let steps = steps!["products", name, "prices", price, "meter"];
                checker.at(&steps, "a metered price is charged by a period", hint);
            }
        }
    }
    let Some(stripe) = &manifest.stripe else { return };
    if stripe.publishable_key.as_ref().is_some_and(|key| !key.starts_with("pk_")) {
        let hint = "the publishable key begins with pk_; a secret key never stands here".to_owned();
        checker.at(&steps!["stripe", "publishable_key"], "this is no publishable key", hint);
    }
    for (reference, steps) in [
        (Some(&stripe.secret_key), steps!["stripe", "secret_key"].to_vec()),
        (stripe.webhook.as_ref().map(|webhook| &webhook.secret), steps!["stripe", "webhook", "secret"].to_vec()),
    ] {
        let made_up = reference.and_then(|name| manifest.secrets.get(name)).is_some_and(|secret| secret.generate);
        if made_up {
            let hint = "leave `generate` out of that secret; its value comes from Stripe".to_owned();
            checker.at(&steps, "billform cannot make up a key of Stripe's", hint);
        }
    }
}

fn extras(checker: &mut Checker<'_>) {
    let manifest = checker.manifest;
    let mut addresses: Vec<(Vec<Step>, &String)> = Vec::new();
    if let Some(notifications) = &manifest.notifications {
        addresses.extend(notifications.from.iter().map(|from| (steps!["notifications", "from"].to_vec(), from)));
        let emails = notifications.emails.iter().enumerate();
        addresses.extend(emails.map(|(i, email)| (steps!["notifications", "emails", i].to_vec(), email)));
    }
    if let Some(portal) = &manifest.portal {
        addresses.extend(portal.support_email.iter().map(|email| (steps!["portal", "support_email"].to_vec(), email)));
    }
    for (steps, email) in addresses.into_iter().filter(|(_, email)| !is_email(email)) {
        checker.at(&steps, format!("`{email}` is no e-mail address"), "write it as billing@example.com".to_owned());
    }
    for (i, moved) in manifest.moved.iter().enumerate() {
        for (key, address) in [("from", &moved.from), ("to", &moved.to)] {
            let is_address = address.split_once('.').is_some_and(|(kind, name)| {
                !kind.is_empty() && !name.is_empty() && !address.contains(char::is_whitespace)
            });
            if !is_address {
                let hint = "write KIND.NAME, such as budget.acme; `billform state list` shows them".to_owned();
                checker.at(&steps!["moved", i, key], format!("`{address}` is no address"), hint);
            }
        }
        let kind = |address: &str| address.split_once('.').map(|(kind, _)| kind.to_owned());
        if kind(&moved.from) != kind(&moved.to) {
            let hint = "a resource keeps its kind: only what comes after the dot can change".to_owned();
            checker.at(&steps!["moved", i, "to"], "this moves a resource to another kind", hint);
        }
        if moved.from == moved.to {
            checker.at(&steps!["moved", i, "to"], "this moves an address to itself", "leave it out".to_owned());
        }
    }
    if let Some(storage) = &manifest.storage {
        if !storage.bucket.contains("{tenant}") {
            let hint = "let it hold {tenant}: each tenant has a bucket".to_owned();
            checker.at(&steps!["storage", "bucket"], "all tenants would share a bucket", hint);
        }
        for (id, rule) in &storage.lifecycle {
            if rule.transitions.is_empty() && rule.expire_after.is_none() && rule.abort_uploads_after.is_none() {
                let hint = "add `transitions`, `expire_after` or `abort_uploads_after`".to_owned();
                checker.at_key(&steps!["storage", "lifecycle", id], format!("the rule `{id}` does nothing"), hint);
            }
        }
    }
}
