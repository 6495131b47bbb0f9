//! Lambda triggers of a Cognito user pool. Cognito expects the event back, with `response` filled in.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Something happened to a user of the pool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct UserPool {
    /// What happened: `PostConfirmation_ConfirmSignUp`.
    pub trigger: String,
    /// The pool's id.
    pub pool: String,
    /// The user's name in the pool.
    pub user: String,
    /// The app client that was used.
    pub client: String,
    /// The user's attributes. The user may write some of them: they prove nothing about his tenant.
    pub attributes: BTreeMap<String, String>,
    /// The whole event, to be answered with.
    pub whole: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    trigger_source: String,
    user_pool_id: String,
    user_name: String,
    caller_context: CallerContext,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallerContext {
    client_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    user_attributes: BTreeMap<String, String>,
}

/// Whether a payload is a trigger of Cognito's.
pub(super) fn is_trigger(payload: &Value) -> bool {
    payload.get("triggerSource").is_some()
}

impl TryFrom<Value> for UserPool {
    type Error = serde_json::Error;

    fn try_from(whole: Value) -> Result<UserPool, serde_json::Error> {
        let wire: Wire = Wire::deserialize(&whole)?;
        Ok(UserPool {
            trigger: wire.trigger_source,
            pool: wire.user_pool_id,
            user: wire.user_name,
            client: wire.caller_context.client_id,
            attributes: wire.request.user_attributes,
            whole,
        })
    }
}
