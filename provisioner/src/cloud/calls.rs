//! The path of every call: how many went to which service, which the plan reports, and whether one may still be made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::gate::Gate;

/// A count of calls per service and the gate they pass, shared by all clients of one run. Every attempt counts.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
    gate: Gate,
    answer_limit: Option<Duration>,
}

/// How operations that only look are called; whatever is called otherwise is taken to change something.
const READING: &[&str] = &["Get", "List", "Describe", "Head", "BatchGet", "Query", "Scan", "Lookup"];

impl Calls {
    /// Counts one call.
    pub fn add(&self, service: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *counts.entry(service.to_owned()).or_default() += 1;
    }

    /// The counts so far, by service.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The same, each waiting so long for an answer to begin.
    pub fn waiting(self, answer_limit: Duration) -> Calls {
        Calls { answer_limit: Some(answer_limit), ..self }
    }

    /// How long a call waits for its answer to begin; none leaves that to its client.
    pub fn answer_limit(&self) -> Option<Duration> {
        self.answer_limit
    }

    /// The gate that all of these calls pass.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The counter alone, for calls that nothing may hold up: those that keep the state and its lock.
    pub fn ungated(&self) -> Calls {
        Calls { gate: Gate::default(), ..self.clone() }
    }
}

/// Whether an operation, as the API names it, changes something.
fn changes_something(operation: &str) -> bool {
    !READING.iter().any(|prefix| operation.starts_with(prefix))
}

/// Where an attempt went: the request itself is consumed by sending it.
#[derive(Debug)]
struct Endpoint(String);

impl Storable for Endpoint {
    type Storer = StoreReplace<Self>;
}

/// Host and port, all that a network needs to be asked for.
fn endpoint(request: &HttpRequest) -> String {
    let rest = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "Calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = cfg.load::<Metadata>().map_or("", Metadata::name);
        let endpoint = endpoint(context.request());
        self.gate.check(&endpoint, changes_something(operation))?;
        let service = cfg.load::<Metadata>().map_or("aws", Metadata::service).to_ascii_lowercase();
        self.add(&service.replace(' ', "-"));
        cfg.interceptor_state().store_put(Endpoint(endpoint));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Endpoint(endpoint)) = cfg.load::<Endpoint>() else { return Ok(()) };
        if context.response().is_some() {
            self.gate.reached(endpoint);
        } else if let Some(Err(error)) = context.output_or_error()
            && let Some(error) = error.as_connector_error()
            // A connection that closed before the answer is of no kind of its own, but says that it may pass.
            && (error.is_io() || error.is_timeout() || error.as_other().is_some())
        {
            self.gate.unreachable(endpoint, &super::errors::causes(error));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_look_changes_something() {
        for reading in ["GetRole", "ListFunctions", "DescribeTable", "HeadBucket", "BatchGetItem", "Query"] {
            assert!(!changes_something(reading), "{reading}");
        }
        for writing in ["CreateRole", "PutItem", "TagResource", "UpdateBudget", "DeleteRule", "RestoreSecret", ""] {
            assert!(changes_something(writing), "{writing}");
        }
    }

    #[test]
    fn an_endpoint_is_host_and_port() {
        let request = |uri: &str| {
            let mut request = HttpRequest::empty();
            request.set_uri(uri).expect("a URI");
            endpoint(&request)
        };
        assert_eq!(request("https://iam.amazonaws.com/?Action=x"), "iam.amazonaws.com");
        assert_eq!(request("http://127.0.0.1:4600/bucket/key"), "127.0.0.1:4600");
    }
}
