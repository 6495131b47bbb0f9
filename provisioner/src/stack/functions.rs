//! Each deployed handler: its role, log group, function and, its schedules.

use std::collections::BTreeMap;

use billing::function::{FunctionSpec, Setting, Trigger};
use billing::manifest::model::Manifest;
use billing::sharing::RecordType;
use engine::{Address, Input, Resource};
use serde_json::json;

use super::{Plan, arn, policy, shared};
use crate::kinds::{iam_role, lambda_function, log_group, schedule};

/// The resources of every deployed handler.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    stack.deployed().flat_map(|spec| of_handler(stack, spec)).collect()
}

fn of_handler(stack: &Plan, spec: &FunctionSpec) -> Vec<Resource> {
    let mut resources = vec![log_group_of(stack, spec), role(stack, spec), function(stack, spec)];
    resources.extend(spec.triggers.iter().filter_map(|trigger| schedule_of(stack, spec, trigger)));
    resources
}

/// IAM's limit on a role's name.
const ROLE_NAME: usize = 64;

fn role_name(manifest: &Manifest, spec: &FunctionSpec) -> String {
    let mut name = manifest.function_name(&spec.name);
    name.truncate(ROLE_NAME);
    name
}

fn log_group_name(manifest: &Manifest, spec: &FunctionSpec) -> String {
    format!("/aws/lambda/{}", manifest.function_name(&spec.name))
}

fn role(stack: &Plan, spec: &FunctionSpec) -> Resource {
    let manifest = stack.manifest;
    let desired = iam_role::Desired {
        name: role_name(manifest, spec),
        description: spec.description.clone(),
        trusted_service: "lambda.amazonaws.com".to_owned(),
        policy: policy::of_handler(manifest, spec, &log_group_name(manifest, spec)),
        tags: stack.tags(),
        attached: Default::default(),
    };
    shared(Address::new("iam_role", &spec.name), desired, [])
}

fn log_group_of(stack: &Plan, spec: &FunctionSpec) -> Resource {
    let desired = log_group::Desired {
        name: log_group_name(stack.manifest, spec),
        retention_days: stack.manifest.functions.log_retention.count(),
        tags: stack.tags(),
    };
    shared(Address::new("log_group", &spec.name), desired, [])
}

/// The function goes before its log group and role when it is deleted: it depends on both.
fn function(stack: &Plan, spec: &FunctionSpec) -> Resource {
    let manifest = stack.manifest;
    let sized = manifest.functions.handler(&spec.name);
    let desired = lambda_function::Desired {
        name: manifest.function_name(&spec.name),
        description: spec.description.clone(),
        role_arn: arn::role(manifest, &role_name(manifest, spec)),
        architecture: manifest.aws.architecture.as_str().to_owned(),
        memory_mb: sized.memory_mb.unwrap_or(spec.memory_mb),
        timeout_s: sized.timeout.map_or(spec.timeout_s, |timeout| timeout.count()),
        environment: environment(manifest, spec),
        code_sha256: stack.code_sha256.map(str::to_owned),
        reserved_concurrency: None,
        permissions: permissions(stack, spec),
        tags: stack.tags(),
    };
    let needs = ["iam_role", "log_group"].map(|kind| Address::new(kind, &spec.name));
    shared(Address::new("lambda_function", &spec.name), desired, needs)
}

/// The settings the handler asked for; those that the manifest leaves empty are left out.
fn environment(manifest: &Manifest, spec: &FunctionSpec) -> BTreeMap<String, Input<String>> {
    let handler = (Setting::Handler.variable().to_owned(), Input::Known(spec.name.clone()));
    let settings =
        spec.settings.iter().filter_map(|setting| Some((setting.variable().to_owned(), input(manifest, *setting)?)));
    std::iter::once(handler).chain(settings).collect()
}

/// A setting's value, or whose output it is; none where the manifest leaves it empty.
fn input(manifest: &Manifest, setting: Setting) -> Option<Input<String>> {
    match setting {
        Setting::PortalConfiguration => Some(Input::output(super::stripe::portal_configuration_address(), "id")),
        setting => Some(value(manifest, setting)).filter(|value| !value.is_empty()).map(Input::Known),
    }
}

fn value(manifest: &Manifest, setting: Setting) -> String {
    let secret = |secret: Option<(&str, &billing::manifest::model::Secret)>| {
        secret.map(|(_, secret)| secret.name.clone()).unwrap_or_default()
    };
    match setting {
        // The handler's own name is set for every function; the configuration's id is Stripe's to say.
        Setting::Handler | Setting::PortalConfiguration => String::new(),
        Setting::LedgerTable => manifest.ledger.name.clone(),
        Setting::Stack => manifest.stack(),
        Setting::ClaimsTable => manifest.ledger.claims.clone().unwrap_or_default(),
        Setting::StripeSecret => secret(manifest.stripe_secret()),
        Setting::LinkSecret => secret(manifest.link_secret()),
        Setting::WebhookSecret => secret(manifest.webhook_secret()),
        Setting::WebhookPath => text(manifest.webhook().map(|webhook| &webhook.path)),
        Setting::TenantTag => manifest.attribution.tenant_tag.clone(),
        Setting::ProjectTag => manifest.attribution.project_tag.clone().unwrap_or_default(),
        Setting::CostBasis => manifest.costs.basis.metric().to_owned(),
        Setting::CostScope => {
            manifest.attribution.scope.as_ref().map(|s| format!("{}={}", s.tag, s.value)).unwrap_or_default()
        }
        Setting::CostRecords => {
            let told = manifest.costs.sharing().records.into_keys().map(RecordType::word);
            told.collect::<Vec<_>>().join(",")
        }
        Setting::AllowedOrigins => origins(manifest),
        Setting::SettleDays => manifest.invoicing.settle_days.to_string(),
        Setting::InvoicingDay => manifest.invoicing.draft_rules().day.to_string(),
        Setting::Approval => manifest.invoicing.approval.word().to_owned(),
        Setting::ApprovalLimit => text(manifest.invoicing.automatic.limit),
        Setting::ApprovalDeviation => text(manifest.invoicing.automatic.deviation),
        Setting::Collection => manifest.invoicing.collection.word().to_owned(),
        Setting::Brand => brand(manifest),
        Setting::Payments => payments(manifest),
    }
}

/// Whether tenants can pay, and whether the ledger learns how.
fn payments(manifest: &Manifest) -> String {
    let told = if manifest.webhook().is_some() { "told" } else { "untold" };
    text(manifest.stripe.as_ref().map(|_| told))
}

/// How pages look. Colours of a checked manifest are colours.
fn brand(manifest: &Manifest) -> String {
    serde_json::to_string(&manifest.brand()).unwrap_or_default()
}

/// The origins of the stack's own pages: the portal's domain, then those that the API is called from.
fn origins(manifest: &Manifest) -> String {
    let domain = manifest.portal.as_ref().and_then(|portal| portal.domain.as_ref());
    let domain = domain.map(|domain| format!("https://{domain}"));
    let mut origins: Vec<String> = domain.into_iter().chain(manifest.api.cors.origins.iter().cloned()).collect();
    // Any origin may read by CORS; none is our own by that.
    origins.retain(|origin| origin != "*");
    origins.dedup();
    origins.join(",")
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// Who may invoke it: the API for its routes, the rule for its schedule.
fn permissions(stack: &Plan, spec: &FunctionSpec) -> BTreeMap<String, lambda_function::InvokePermission> {
    let manifest = stack.manifest;
    let permission = |trigger: &Trigger| {
        let (id, principal, source_arn) = match trigger {
            Trigger::Http(_) => {
                let arn = Input::output(Address::new("http_api", "main"), "invoke_arn_pattern");
                ("billform-api".to_owned(), "apigateway.amazonaws.com", arn)
            }
            Trigger::Schedule { name, .. } => {
                let rule = arn::rule(manifest, &manifest.schedules.get(name)?.name);
                (format!("billform-schedule-{name}"), "events.amazonaws.com", Input::Known(rule))
            }
            // No handler has one of these yet; `every_trigger_is_provisioned` fails when one does.
            Trigger::Bucket { .. } | Trigger::Topic { .. } | Trigger::UserPool { .. } | Trigger::Invoke => return None,
        };
        Some((id, lambda_function::InvokePermission { principal: principal.to_owned(), source_arn }))
    };
    spec.triggers.iter().filter_map(permission).collect()
}

fn schedule_of(stack: &Plan, spec: &FunctionSpec, trigger: &Trigger) -> Option<Resource> {
    let Trigger::Schedule { name, expression } = trigger else { return None };
    let manifest = stack.manifest;
    let set = manifest.schedules.get(name)?;
    let desired = schedule::Desired {
        name: set.name.clone(),
        description: spec.description.clone(),
        expression: set.expression.clone().unwrap_or_else(|| expression.clone()),
        enabled: set.enabled,
        target_arn: arn::function(manifest, &manifest.function_name(&spec.name)),
        input: json!({}),
        tags: stack.tags(),
    };
    Some(shared(Address::new("schedule", name), desired, [Address::new("lambda_function", &spec.name)]))
}
