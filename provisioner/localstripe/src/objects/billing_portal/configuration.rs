//! Portal configurations: what customers may do there.

use serde_json::{Value, json};

use crate::events::catalogue;
use crate::objects::metadata;
use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::blank::blank;
use crate::wire::error::ApiError;
use crate::wire::list::same;
use crate::wire::object::{Object, assign, cleared, fields, flag, group, set};

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[
    route("POST /v1/billing_portal/configurations", create),
    route("GET /v1/billing_portal/configurations", list),
    route("GET /v1/billing_portal/configurations/{configuration}", retrieve),
    route("POST /v1/billing_portal/configurations/{configuration}", update),
];

/// `POST /v1/billing_portal/configurations`
fn create(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let metadata = metadata::fresh(params)?;
    let (id, now) = (state.ids.next("bpc"), state.now());
    let mut made = blank("billing_portal.configuration");
    made.extend(fields(json!({
        "id": id, "active": true, "business_profile": {"headline": null, "privacy_policy_url": null, "terms_of_service_url": null},
        "created": now, "features": nothing(), "is_default": false, "livemode": false,
        "login_page": {"enabled": false, "url": null}, "metadata": metadata, "updated": now,
    })));
    apply(&mut made, params);
    state.portal_configurations.insert(&id, made.clone());
    let made = Value::Object(made);
    state.emit(catalogue::PORTAL_CONFIGURATION_CREATED, &made);
    Ok(made)
}

/// `GET /v1/billing_portal/configurations`
fn list(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let params = &request.params;
    let rows = state
        .portal_configurations
        .newest_first()
        .filter(|row| ["active", "is_default"].iter().all(|name| same(row, params, name)));
    let url = "/v1/billing_portal/configurations";
    request.newest_first(&state.portal_configurations, rows, url, |row| Value::Object(row.clone()))
}

/// `GET /v1/billing_portal/configurations/{configuration}`
fn retrieve(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    state.portal_configurations.find(request.id(0)).cloned().map(Value::Object)
}

/// `POST /v1/billing_portal/configurations/{configuration}`: changes what is given.
fn update(state: &mut State, request: &Request) -> Result<Value, ApiError> {
    let (id, params) = (request.id(0), &request.params);
    let mut changed = state.portal_configurations.find(id)?.clone();
    let before = Value::Object(changed.clone());
    assign(&mut changed, params, &["active"]);
    apply(&mut changed, params);
    let metadata = metadata::merged(changed.get("metadata"), params, "metadata")?;
    set(&mut changed, "metadata", metadata);
    if Value::Object(changed.clone()) != before {
        set(&mut changed, "updated", state.now());
    }
    *state.portal_configurations.find_mut(id)? = changed.clone();
    let after = Value::Object(changed);
    state.emit_update(catalogue::PORTAL_CONFIGURATION_UPDATED, &before, &after);
    Ok(after)
}

/// Whether a configuration lets customers do that (`invoice_history`, `payment_method_update`).
pub(crate) fn allows(state: &State, configuration: &str, feature: &str) -> bool {
    let found = state.portal_configurations.find(configuration).ok();
    let features = found.and_then(|found| group(found, "features"));
    features.and_then(|features| group(features, feature)).and_then(|feature| flag(feature, "enabled")) == Some(true)
}

fn apply(configuration: &mut Object, params: &Object) {
    assign(configuration, params, &["default_return_url", "name"]);
    for name in ["business_profile", "features", "login_page"] {
        if let (Some(given), Some(own)) =
            (group(params, name), configuration.get_mut(name).and_then(Value::as_object_mut))
        {
            merge(own, given);
        }
    }
}

/// Writes what is given into a group, and into the groups in it.
fn merge(own: &mut Object, given: &Object) {
    for (name, value) in given {
        match (own.get_mut(name).and_then(Value::as_object_mut), value) {
            (Some(inner), Value::Object(given)) => merge(inner, given),
            _ => set(own, name, cleared(value)),
        }
    }
}

/// Every feature, switched off.
fn nothing() -> Value {
    const REASONS: [&str; 8] = [
        "too_expensive",
        "missing_features",
        "switched_service",
        "unused",
        "customer_service",
        "too_complex",
        "low_quality",
        "other",
    ];
    json!({
        "customer_update": {"allowed_updates": [], "enabled": false},
        "invoice_history": {"enabled": false},
        "payment_method_update": {"enabled": false, "payment_method_configuration": null},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": false, "options": REASONS}, "enabled": false, "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_update": {
            "billing_cycle_anchor": null, "default_allowed_updates": [], "enabled": false, "products": null,
            "proration_behavior": "none", "schedule_at_period_end": {"conditions": []}, "trial_update_behavior": "end_trial",
        },
    })
}
