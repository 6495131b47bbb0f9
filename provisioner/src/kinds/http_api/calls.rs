//! The lists of API Gateway, page by page, and what its errors mean.

use aws_sdk_apigatewayv2::config::Builder;
use aws_sdk_apigatewayv2::config::retry::RetryConfig;
use aws_sdk_apigatewayv2::types::{Api, Integration, Route, Stage};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::kind::{CallError, ErrorClass};

use super::HttpApis;
use crate::cloud::errors::{call_error, code};
use crate::kinds::support::tagging::{Tagged, Tags};
use crate::kinds::support::waiter::Waiter;

/// How the service says that something is not there.
pub const MISSING: &str = "NotFoundException";
/// By then everybody sees an API that was made.
const SEEN_LIMIT_S: u64 = 60;
/// How many items a page holds at most.
const PAGE: &str = "500";

/// For calls that make a second thing when sent twice.
pub fn sent_once() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

/// The engine's view of an error. A conflict is another change of the same API under way, or a route or stage that
/// an earlier try made: the next one looks again.
pub fn failed<E>(operation: &str, error: SdkError<E, Response>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let conflict = code(&error) == Some("ConflictException");
    let failed = call_error(operation, error);
    if conflict { CallError { class: ErrorClass::NotYet, ..failed } } else { failed }
}

/// Collects the items of a paged call; the service has no paginators.
macro_rules! all_pages {
    ($operation:literal, $call:expr) => {{
        let (mut items, mut token) = (Vec::new(), None);
        loop {
            let page = $call.max_results(PAGE).set_next_token(token).send().await;
            let page = page.map_err(|error| failed($operation, error))?;
            items.extend(page.items.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break Ok(items);
            }
        }
    }};
}

impl HttpApis {
    pub(super) async fn apis(&self) -> Result<Vec<Api>, CallError> {
        all_pages!("apigateway:GetApis", self.api_gateway.get_apis())
    }

    pub(super) async fn routes(&self, api: &str) -> Result<Vec<Route>, CallError> {
        all_pages!("apigateway:GetRoutes", self.api_gateway.get_routes().api_id(api))
    }

    pub(super) async fn integrations(&self, api: &str) -> Result<Vec<Integration>, CallError> {
        all_pages!("apigateway:GetIntegrations", self.api_gateway.get_integrations().api_id(api))
    }

    pub(super) async fn stages(&self, api: &str) -> Result<Vec<Stage>, CallError> {
        all_pages!("apigateway:GetStages", self.api_gateway.get_stages().api_id(api))
    }

    /// Waits until everybody knows of an API that was just made.
    pub(super) async fn until_seen(&self, api: &str) -> Result<(), CallError> {
        let mut waiter = Waiter::new(SEEN_LIMIT_S);
        loop {
            match self.api_gateway.get_api().api_id(api).send().await {
                Err(error) if code(&error) == Some(MISSING) => {
                    if !waiter.pause().await {
                        return Err(failed("apigateway:GetApi", error));
                    }
                }
                answer => return answer.map(drop).map_err(|error| failed("apigateway:GetApi", error)),
            }
        }
    }

    pub(super) async fn endpoint(&self, api: &str) -> Result<String, CallError> {
        let answer = self.api_gateway.get_api().api_id(api).send().await;
        Ok(answer.map_err(|error| failed("apigateway:GetApi", error))?.api_endpoint.unwrap_or_default())
    }
}

impl Tagged for HttpApis {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        match self.api_gateway.get_tags().resource_arn(self.arn(id)).send().await {
            Ok(answer) => Ok(Some(answer.tags.into_iter().flatten().collect())),
            Err(error) if code(&error) == Some(MISSING) => Ok(None),
            Err(error) => Err(failed("apigateway:GetTags", error)),
        }
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.api_gateway.tag_resource().resource_arn(self.arn(id));
        let call = call.set_tags(Some(tags.into_iter().collect()));
        call.send().await.map(drop).map_err(|error| failed("apigateway:TagResource", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.api_gateway.untag_resource().resource_arn(self.arn(id)).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| failed("apigateway:UntagResource", error))
    }
}
