//! The HTTP API and its access log: one API for all surfaces, one route per route of a deployed handler.

use std::collections::BTreeMap;

use billing::function::{Auth, DEFAULT_WEBHOOK_PATH, FunctionSpec, RouteSpec, Trigger, WEBHOOK_PATH};
use engine::{Address, Resource};

use super::{Plan, arn, shared};
use crate::kinds::{http_api, log_group};

/// The API and its log group; nothing when no deployed handler has a route.
pub fn resources(stack: &Plan) -> Vec<Resource> {
    let manifest = stack.manifest;
    let routes = routes(stack);
    if routes.is_empty() {
        return Vec::new();
    }
    let group = log_group::Desired {
        name: manifest.api.access_log.group.clone(),
        retention_days: manifest.api.access_log.retention.count(),
        tags: stack.tags(),
    };
    let log = Address::new("log_group", "api");
    let desired = http_api::Desired {
        name: manifest.api.name.clone(),
        description: format!("billform: {}", manifest.stack()),
        cors: cors(stack),
        routes,
        stage: http_api::Stage {
            name: manifest.api.stage.clone(),
            throttle_rate: manifest.api.throttle.rate,
            throttle_burst: manifest.api.throttle.burst,
            access_log_arn: Some(arn::log_group(manifest, &group.name)),
        },
        tags: stack.tags(),
        doubles: Vec::new(),
    };
    vec![shared(log.clone(), group, []), shared(address(), desired, [log])]
}

/// Where the API stands.
pub fn address() -> Address {
    Address::new("http_api", "main")
}

/// Whether the stack has an API: some deployed handler has a route.
pub fn has_api(stack: &Plan) -> bool {
    !routes(stack).is_empty()
}

/// Route key -> the function that answers. The key of the webhook's route gets the manifest's path.
fn routes(stack: &Plan) -> BTreeMap<String, String> {
    let function = |spec: &FunctionSpec| arn::function(stack.manifest, &stack.manifest.function_name(&spec.name));
    specs(stack).map(|(spec, route)| (key(stack, route), function(spec))).collect()
}

/// The routes of deployed handlers, each with its handler.
fn specs<'a>(stack: &'a Plan) -> impl Iterator<Item = (&'a FunctionSpec, &'a RouteSpec)> {
    stack.deployed().flat_map(|spec| {
        let http = spec.triggers.iter().filter_map(|trigger| match trigger {
            Trigger::Http(routes) => Some(routes),
            _ => None,
        });
        http.flatten().map(move |route| (spec, route))
    })
}

fn key(stack: &Plan, route: &RouteSpec) -> String {
    let path = stack.manifest.webhook().map_or(DEFAULT_WEBHOOK_PATH, |webhook| &webhook.path);
    route.key.replace(WEBHOOK_PATH, path)
}

/// The methods of the routes that browsers call, for the manifest's origins; none for no browser access.
fn cors(stack: &Plan) -> Option<http_api::Cors> {
    let cors = &stack.manifest.api.cors;
    if cors.origins.is_empty() {
        return None;
    }
    let browsed = specs(stack).filter(|(_, route)| route.auth != Auth::StripeSignature);
    let methods = browsed.filter_map(|(_, route)| Some(route.key.split_once(' ')?.0.to_owned())).collect();
    Some(http_api::Cors {
        allow_origins: cors.origins.iter().cloned().collect(),
        allow_methods: methods,
        allow_headers: ["authorization", "content-type"].map(str::to_owned).into(),
        max_age_s: cors.max_age.count(),
    })
}
