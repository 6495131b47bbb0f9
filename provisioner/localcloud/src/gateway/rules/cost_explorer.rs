//! Cost Explorer: answered here from the cost model, after MiniStack has checked the signature.

use futures::future::BoxFuture;

use super::super::pipeline::{Answer, Call, Rule, Upstream};
use super::access::authentication_failure;
use crate::costs::Costs;

/// Answers every call to Cost Explorer.
pub(super) struct CostExplorer {
    /// The cost model.
    pub(super) costs: Costs,
    /// Whether signatures are checked.
    pub(super) auth: bool,
}

impl Rule for CostExplorer {
    fn applies(&self, call: &Call) -> bool {
        call.service == "ce" || call.header("x-amz-target").starts_with("AWSInsightsIndexService.")
    }

    fn before<'a>(&'a self, call: &'a mut Call, upstream: &'a Upstream) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(async move {
            if self.auth
                && let Some(failure) = authentication_failure(call, upstream).await
            {
                return Some(failure);
            }
            let reply = self.costs.answer(&call.operation, &call.json());
            let answer = Answer::new(reply.status, "application/x-amz-json-1.1", reply.body.to_string());
            Some(match reply.body["__type"].as_str() {
                Some(kind) if reply.status >= 400 => answer.with_header("x-amzn-errortype", kind),
                _ => answer,
            })
        })
    }
}
