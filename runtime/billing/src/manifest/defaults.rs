//! Names that the manifest leaves out, derived from the project: `<prefix>-…`.

use super::catalogue::Catalogue;
use super::model::{Links, Manifest, Secret, State, Webhook};

/// Fills in every name and setting that was left out, so that consumers read plain values.
pub(super) fn fill(manifest: &mut Manifest, catalogue: Catalogue<'_>) {
    let prefix = manifest.prefix();
    let account = manifest.aws.account.clone();
    let name = |slot: &mut String, default: String| {
        if slot.is_empty() {
            *slot = default;
        }
    };
    name(&mut manifest.ledger.name, format!("{prefix}-ledger"));
    name(&mut manifest.api.name, format!("{prefix}-api"));
    let group = format!("/aws/apigateway/{}", manifest.api.name);
    name(&mut manifest.api.access_log.group, group);
    for schedule in catalogue.schedules() {
        let settings = manifest.schedules.entry(schedule.to_owned()).or_default();
        name(&mut settings.name, format!("{prefix}-{}", dashed(schedule)));
    }
    for (handler, settings) in &mut manifest.functions.handlers {
        name(&mut settings.name, format!("{prefix}-{}", dashed(handler)));
    }
    if let Some(report) = &mut manifest.costs.report {
        name(&mut report.name, format!("{prefix}-cur"));
        name(&mut report.bucket, format!("{prefix}-cur-{account}"));
    }
    for (product, settings) in &mut manifest.products {
        for (price, settings) in &mut settings.prices {
            name(&mut settings.lookup_key, format!("{prefix}-{}-{}", dashed(product), dashed(price)));
        }
    }
    for (meter, settings) in &mut manifest.meters {
        name(&mut settings.name, format!("{prefix}-{}", dashed(meter)));
        name(&mut settings.event_name, format!("{prefix}-{}", dashed(meter)));
    }
    let stack = manifest.stack();
    if let State::S3(state) = &mut manifest.state {
        name(&mut state.key, format!("billform/{stack}.json"));
        name(&mut state.region, manifest.aws.region.clone());
    }
    if let Some(cognito) = &mut manifest.auth.cognito {
        name(&mut cognito.user_pool, format!("{prefix}-users"));
        name(&mut cognito.client, format!("{prefix}-portal"));
    }
    if let Some(portal) = &mut manifest.portal {
        name(&mut portal.bucket, format!("{prefix}-portal-{account}"));
    }
    if let Some(notifications) = &mut manifest.notifications {
        name(&mut notifications.topic, format!("{prefix}-alerts"));
    }
    if let Some(monitoring) = &mut manifest.monitoring {
        name(&mut monitoring.dashboard, prefix.clone());
    }
    link_secret(manifest);
    webhook_secret(manifest);
    evidence_secret(manifest);
    for (secret, settings) in &mut manifest.secrets {
        name(&mut settings.name, format!("{prefix}/{}", dashed(secret)));
    }
}

/// Signed links need a key wherever a surface is deployed; billform makes one up unless the manifest names another.
fn link_secret(manifest: &mut Manifest) {
    if manifest.api.surfaces.is_empty() && manifest.auth.links.is_none() {
        return;
    }
    let links = manifest.auth.links.get_or_insert_with(Links::default);
    if links.secret == Links::default().secret {
        let made_up = || Secret { generate: true, ..Secret::default() };
        manifest.secrets.entry(links.secret.clone()).or_insert_with(made_up);
    }
}

/// What Stripe issues for the webhook is stored in a secret of its own unless the manifest names one.
fn webhook_secret(manifest: &mut Manifest) {
    if manifest.webhook().is_some_and(|webhook| webhook.secret == Webhook::SECRET) {
        manifest.secrets.entry(Webhook::SECRET.to_owned()).or_default();
    }
}

/// What invoices came from is signed, by a key pair that billform makes up.
fn evidence_secret(manifest: &mut Manifest) {
    if manifest.stripe.is_some() {
        manifest.secrets.entry(Secret::EVIDENCE.to_owned()).or_insert_with(|| Secret {
            description: Some("Signs evidence of invoices; its public key is an output".to_owned()),
            ..Secret::default()
        });
    }
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}
