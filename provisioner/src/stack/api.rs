//! The HTTP API and its access log: one API for all surfaces, one route per route of a deployed handler.

use std::collections::{BTreeMap, BTreeSet};

use billing::function::Trigger;
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
        cors: cors(stack, &routes),
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

fn routes(stack: &Plan) -> BTreeMap<String, String> {
    let mut routes = BTreeMap::new();
    for spec in stack.deployed() {
        let function = arn::function(stack.manifest, &stack.manifest.function_name(&spec.name));
        for trigger in &spec.triggers {
            if let Trigger::Http(specs) = trigger {
                routes.extend(specs.iter().map(|route| (route.key.clone(), function.clone())));
            }
        }
    }
    routes
}

/// The methods of the routes, for the manifest's origins; none for no browser access.
fn cors(stack: &Plan, routes: &BTreeMap<String, String>) -> Option<http_api::Cors> {
    let cors = &stack.manifest.api.cors;
    if cors.origins.is_empty() {
        return None;
    }
    let methods: BTreeSet<String> = routes.keys().filter_map(|key| Some(key.split_once(' ')?.0.to_owned())).collect();
    Some(http_api::Cors {
        allow_origins: cors.origins.iter().cloned().collect(),
        allow_methods: methods,
        allow_headers: ["authorization", "content-type"].map(str::to_owned).into(),
        max_age_s: cors.max_age.count(),
    })
}
