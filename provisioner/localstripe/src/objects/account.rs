//! The account the keys belong to.

use serde_json::{Value, json};

use crate::request::{Request, Route, route};
use crate::state::State;
use crate::wire::error::ApiError;

/// The operations served here.
pub(crate) const ROUTES: &[Route] = &[route("GET /v1/account", retrieve)];

/// `GET /v1/account`
pub(crate) fn retrieve(state: &mut State, _request: &Request) -> Result<Value, ApiError> {
    let account = &state.account;
    Ok(json!({
        "id": account.id, "object": "account", "business_profile": {"name": account.name}, "business_type": null,
        "charges_enabled": true, "country": account.country, "default_currency": account.currency,
        "details_submitted": true, "email": null, "metadata": {}, "payouts_enabled": true,
        "settings": {"dashboard": {"display_name": account.name, "timezone": "Etc/UTC"}}, "type": "standard",
    }))
}
