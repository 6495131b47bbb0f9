//! What AWS refuses and MiniStack lets pass, one file per service, and what AWS has and MiniStack lacks.
//!
//! A check that needs nothing but the request is a pure function; rules that look something up ask MiniStack as
//! root. Authorisation comes first, then the checks of the service, and what the gateway answers itself last.

mod access;
mod ask;
mod budget_notifications;
mod budgets;
mod caller;
mod cloudwatch;
mod cost_explorer;
mod document;
mod dynamodb;
mod events;
mod http_api;
mod iam;
mod invoke_permission;
mod lambda;
mod logs;
mod needs;
mod oidc_providers;
pub(crate) mod policy;
mod reports;
mod s3;
mod secrets;
mod shape;
mod sns;
mod trail;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use super::pipeline::{Answer, Call, Rule, Upstream};
use super::protocol;
use crate::costs::Costs;
use crate::schedules::registry::Registry;

/// What the rules need to know.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The cost model that Cost Explorer answers from.
    pub costs: Costs,
    /// Since when each schedule counts.
    pub schedules: Registry,
    /// Whether MiniStack enforces IAM, so that the gateway must ask for what MiniStack forgets to ask for.
    pub auth: bool,
    /// How long a new role cannot be assumed by Lambda: zero unless a test wants AWS's delay.
    pub role_delay: Duration,
}

/// All rules, in the order they are asked.
pub(crate) fn all(settings: Settings) -> Vec<Box<dyn Rule>> {
    let roles = Arc::new(iam::NewRoles::new(settings.role_delay));
    let callers = settings.auth.then(|| Arc::new(caller::Callers::default()));
    let trail = Arc::new(trail::Trail::default());
    // The first rule sees each answer last, as the client does.
    let mut rules: Vec<Box<dyn Rule>> = vec![Box::new(trail::Record(Arc::clone(&trail)))];
    if let Some(callers) = &callers {
        rules.push(Box::new(caller::Watch(Arc::clone(callers))));
        rules.push(Box::new(access::Access(Arc::clone(callers))));
    }
    let checks: [(&'static str, CheckFn); 11] = [
        ("iam", iam::check),
        ("lambda", lambda::check),
        ("logs", logs::check),
        ("dynamodb", dynamodb::check),
        ("secretsmanager", secrets::check),
        ("s3", s3::check),
        ("apigateway", http_api::check),
        ("events", events::check),
        ("budgets", budgets::check),
        ("sns", sns::check),
        ("monitoring", cloudwatch::check),
    ];
    rules.extend(checks.map(|(service, check)| Box::new(Check { service, check }) as Box<dyn Rule>));
    rules.push(Box::new(iam::RememberRoles(Arc::clone(&roles))));
    rules.push(Box::new(oidc_providers::OidcProviders::default()));
    rules.push(Box::new(lambda::AssumableRole(roles)));
    rules.push(Box::new(lambda::DryRun));
    rules.push(Box::new(dynamodb::Backups::default()));
    rules.push(Box::new(dynamodb::TimeToLive));
    rules.push(Box::new(secrets::Replay::default()));
    rules.push(Box::new(reports::Reports));
    rules.push(Box::new(http_api::Conflicts::default()));
    rules.push(Box::new(invoke_permission::InvokePermission::default()));
    rules.push(Box::new(sns::Confirmations::default()));
    rules.push(Box::new(events::Targets));
    rules.push(Box::new(events::Created(settings.schedules)));
    rules.push(Box::new(budgets::Subscribers));
    rules.push(Box::new(budget_notifications::ForAccount { auth: settings.auth }));
    rules.push(Box::new(cost_explorer::CostExplorer { costs: settings.costs, auth: settings.auth }));
    rules.push(Box::new(cloudwatch::DashboardTags::default()));
    let known = callers.unwrap_or_default();
    rules.push(Box::new(trail::EventHistory { trail, callers: known, auth: settings.auth }));
    if settings.auth {
        rules.push(Box::new(access::ForwardAllowed));
    }
    rules
}

type CheckFn = fn(&Call) -> Result<(), Refusal>;

/// A check of one service's requests that needs nothing but the request.
struct Check {
    service: &'static str,
    check: CheckFn,
}

impl Rule for Check {
    fn applies(&self, call: &Call) -> bool {
        call.service == self.service
    }

    fn before<'a>(&'a self, call: &'a mut Call, _: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        let refused = (self.check)(call).err().map(|refusal| refusal.answer(call));
        Box::pin(std::future::ready(refused))
    }
}

/// A request that AWS would refuse, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
}

impl Refusal {
    /// A refusal with HTTP status 400.
    fn new(code: &'static str, message: impl Into<String>) -> Refusal {
        Refusal { status: 400, code, message: message.into() }
    }

    /// The same refusal with another HTTP status.
    fn with_status(self, status: u16) -> Refusal {
        Refusal { status, ..self }
    }

    /// The refusal in the wire format of the call's service.
    fn answer(&self, call: &Call) -> Answer {
        protocol::error(call, self.status, self.code, &self.message)
    }
}

/// The answer of a step that may be refused.
fn refused(call: &Call, result: Result<(), Refusal>) -> Option<Answer> {
    result.err().map(|refusal| refusal.answer(call))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Method};
    use serde_json::Value;

    use super::super::pipeline::Call;

    /// A call of a JSON service.
    pub(super) fn json_call(service: &str, operation: &str, body: Value) -> Call {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", HeaderValue::from_str(&format!("Service.{operation}")).unwrap());
        call(service, operation, Method::POST, "/", headers, body.to_string())
    }

    /// A call of a REST service.
    pub(super) fn rest_call(service: &str, operation: &str, method: Method, path: &str, body: Value) -> Call {
        call(service, operation, method, path, HeaderMap::new(), body.to_string())
    }

    /// A call of a query service.
    pub(super) fn form_call(service: &str, operation: &str, pairs: &[(&str, &str)]) -> Call {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let mut body = format!("Action={operation}");
        pairs.iter().for_each(|(key, value)| body.push_str(&format!("&{}={}", encode(key), encode(value))));
        call(service, operation, Method::POST, "/", HeaderMap::new(), body)
    }

    /// A call with a body of any kind.
    pub(super) fn call(
        service: &str,
        operation: &str,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: String,
    ) -> Call {
        Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
            write: true,
            access_key: Some("AKIATEST".to_owned()),
            region: Some("us-east-1".to_owned()),
            method,
            uri: path.parse().unwrap(),
            headers,
            body: Bytes::from(body),
        }
    }
}
