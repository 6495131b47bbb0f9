//! `http_api`: an HTTP API (API Gateway v2) with its routes, integrations and one auto-deployed stage.
//! Its id is random: it is found by its ownership tags, never by its name alone.
//!
//! Names are not unique here, so nothing stops a second CreateApi, CreateIntegration or, for a moment, CreateRoute:
//! those are sent once and never retried by the SDK. All calls that change one API go one after the other.

mod calls;
mod find;
mod routes;
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_apigatewayv2::types::{Api, Cors as SdkCors, ProtocolType};
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, OutputOf, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::support::tagging::{Tagged as _, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::code;
use crate::cloud::{Cloud, Home, client, ownership};
use calls::{MISSING, failed, sent_once};

/// What an HTTP API is to be. Outputs: `id`, `endpoint` (with the stage), `url` (the same, or on a local cloud the path
/// that it answers at from here), `execution_arn`, `invoke_arn_pattern` (any
/// stage and method, for the functions' permissions).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The API's name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// Route key -> ARN of the function that answers: `GET /costs`.
    pub routes: BTreeMap<String, String>,
    /// Cross-origin rules; none for no browser access.
    pub cors: Option<Cors>,
    /// The one stage.
    pub stage: Stage,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
    /// Ids of other APIs that carry this one's tags, which is only ever seen: AWS takes no token for a create, so one
    /// that took effect after it had been given up on made a second API. They are deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubles: Vec<String>,
}

/// Cross-origin rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// `https://mmp-toledo.billing.example.com`.
    pub allow_origins: BTreeSet<String>,
    /// `GET`, …
    pub allow_methods: BTreeSet<String>,
    /// `authorization`, …
    pub allow_headers: BTreeSet<String>,
    /// How long browsers remember, in seconds.
    pub max_age_s: u32,
}

/// The stage an API is served under.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// `prod`.
    pub name: String,
    /// Requests a second, steady.
    pub throttle_rate: u32,
    /// Requests at once.
    pub throttle_burst: u32,
    /// ARN of the log group that access lines go to.
    pub access_log_arn: Option<String>,
}

/// The kind, at work.
pub struct HttpApis {
    cloud: Arc<Cloud>,
    api_gateway: aws_sdk_apigatewayv2::Client,
}

/// How many APIs are read at once, of four calls each.
const APIS_AT_ONCE: usize = 3;
/// What the list of APIs leaves out.
const UNLISTED: &[&str] = &["routes", "stage", "tags"];

const APIS: &str = "arn:aws:apigateway:{region}::/apis";
/// The id is not known before, so permissions are for every API of the region.
const PARTS: &str = "arn:aws:apigateway:{region}::/apis/*";
const TAGS: &str = "arn:aws:apigateway:{region}::/tags/*";

/// Where a local cloud serves HTTP APIs.
const LOCAL_PATH: &str = "/_aws/execute-api";

impl TypedKind for HttpApis {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "http_api",
        plural: "http apis",
        service: "apigateway",
        summary: "HTTP API with its routes to functions and one stage",
        open_maps: &["tags"],
        unlisted: UNLISTED,
        permissions: &[
            Permission { verb: Verb::Read, action: "apigateway:GET", resource: APIS },
            Permission { verb: Verb::Read, action: "apigateway:GET", resource: PARTS },
            Permission { verb: Verb::Read, action: "apigateway:GET", resource: TAGS },
            Permission { verb: Verb::Create, action: "apigateway:POST", resource: APIS },
            Permission { verb: Verb::Create, action: "apigateway:POST", resource: PARTS },
            Permission { verb: Verb::Create, action: "apigateway:POST", resource: TAGS },
            Permission { verb: Verb::Create, action: "apigateway:TagResource", resource: APIS },
            Permission { verb: Verb::Create, action: "apigateway:TagResource", resource: PARTS },
            // A stage with an access log has log delivery set up by API Gateway, in the caller's name.
            Permission { verb: Verb::Create, action: "logs:CreateLogDelivery", resource: "*" },
            Permission { verb: Verb::Create, action: "logs:PutResourcePolicy", resource: "*" },
            Permission { verb: Verb::Create, action: "logs:DescribeResourcePolicies", resource: "*" },
            Permission { verb: Verb::Create, action: "logs:DescribeLogGroups", resource: "*" },
            Permission { verb: Verb::Update, action: "apigateway:GET", resource: PARTS },
            Permission { verb: Verb::Update, action: "apigateway:POST", resource: PARTS },
            Permission { verb: Verb::Update, action: "apigateway:PATCH", resource: PARTS },
            Permission { verb: Verb::Update, action: "apigateway:DELETE", resource: PARTS },
            Permission { verb: Verb::Update, action: "apigateway:POST", resource: TAGS },
            Permission { verb: Verb::Update, action: "apigateway:DELETE", resource: TAGS },
            Permission { verb: Verb::Update, action: "apigateway:TagResource", resource: PARTS },
            Permission { verb: Verb::Update, action: "apigateway:UntagResource", resource: PARTS },
            Permission { verb: Verb::Update, action: "logs:CreateLogDelivery", resource: "*" },
            Permission { verb: Verb::Update, action: "logs:UpdateLogDelivery", resource: "*" },
            Permission { verb: Verb::Update, action: "logs:GetLogDelivery", resource: "*" },
            Permission { verb: Verb::Update, action: "logs:ListLogDeliveries", resource: "*" },
            Permission { verb: Verb::Update, action: "logs:DeleteLogDelivery", resource: "*" },
            Permission { verb: Verb::Update, action: "logs:PutResourcePolicy", resource: "*" },
            Permission { verb: Verb::Update, action: "logs:DescribeResourcePolicies", resource: "*" },
            Permission { verb: Verb::Update, action: "logs:DescribeLogGroups", resource: "*" },
            Permission { verb: Verb::Delete, action: "apigateway:DELETE", resource: PARTS },
            Permission { verb: Verb::Delete, action: "apigateway:GET", resource: APIS },
            Permission { verb: Verb::Delete, action: "logs:DeleteLogDelivery", resource: "*" },
        ],
        steps_at_once: 2,
        output: Some(OutputOf::Address {
            name: "api_url",
            output: "endpoint",
            local_path: "/_aws/execute-api/{id}/{/stage/name}",
        }),
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        HttpApis { api_gateway: client!(cloud, aws_sdk_apigatewayv2, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let apis = self.apis().await?;
        let seen = wants.iter().map(|want| async {
            match find::ours(&apis, &self.cloud.stack, &want.address, want.id.as_deref())? {
                Some(api) => {
                    self.see(want, api, find::doubles(&apis, &self.cloud.stack, &want.address, api), depth).await
                }
                None => Ok(None),
            }
        });
        Ok(at_once(APIS_AT_ONCE, seen.collect()).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let apis = self.apis().await?;
        let mut listed = Vec::new();
        for api in find::oldest_first(&apis).into_iter().filter(|api| find::says(api, &self.cloud.stack)) {
            let id = api.api_id().unwrap_or_default();
            // The list may say what the tags were: they are asked for themselves where it says that it is ours.
            let Some(tags) = self.tags(id).await? else { continue };
            let owned = ownership::split(tags);
            let fields = Desired { tags: owned.tags.clone(), ..observed(api, None) };
            listed.extend(TypedListed::of(&Self::META, &self.cloud.stack, &owned, id, fields));
        }
        Ok(listed)
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.apis().await?.into_iter().filter_map(|api| api.name).collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        if let Some(api) = find::ours(&self.apis().await?, &self.cloud.stack, address, None)? {
            return Err(CallError {
                operation: "apigateway:CreateApi".to_owned(),
                message: format!("the API {} of {address} exists", api.api_id().unwrap_or_default()),
                class: ErrorClass::AlreadyExists,
            });
        }
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let call = self.api_gateway.create_api().name(&desired.name).protocol_type(ProtocolType::Http);
        let call =
            call.description(&desired.description).set_cors_configuration(desired.cors.as_ref().map(cors_to_sdk));
        let call = call.set_tags(Some(tags.into_iter().collect())).customize().config_override(sent_once());
        let made = call.send().await.map_err(|error| failed("apigateway:CreateApi", error))?;
        let id = made.api_id.unwrap_or_default();
        self.until_seen(&id).await?;
        // Should one of these fail, the next read shows what is missing.
        self.converge_routes(&id, &desired.routes).await?;
        self.put_stage(&id, &desired.stage, "").await?;
        Ok(self.applied(&id, made.api_endpoint.as_deref().unwrap_or_default(), &desired.stage.name))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let (id, desired) = (&change.id, &change.desired);
        let endpoint = if ["name", "description", "cors"].iter().any(|field| change.touches(field)) {
            self.update_api(id, desired).await?
        } else {
            self.endpoint(id).await?
        };
        if change.touches("routes") {
            self.converge_routes(id, &desired.routes).await?;
        }
        if change.touches("stage") {
            self.put_stage(id, &desired.stage, stage::plain_name(&change.observed.stage)).await?;
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        if change.touches("doubles") {
            for double in &change.observed.doubles {
                self.delete_api(double).await?;
            }
        }
        Ok(self.applied(id, &endpoint, &desired.stage.name))
    }

    /// Routes, integrations and stages go with it, and so does every other API at its address: a create that was given
    /// up on may have made one after the last plan looked.
    async fn delete(&self, address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        let others = find::at_address(&self.apis().await?, &self.cloud.stack, address);
        self.delete_api(id).await?;
        for other in others.iter().filter(|other| *other != id) {
            self.delete_api(other).await?;
        }
        Ok(Removal::Gone)
    }
}

impl HttpApis {
    async fn see(
        &self,
        want: &TypedWant<Desired>,
        api: &Api,
        doubles: Vec<String>,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let id = api.api_id().unwrap_or_default();
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let fields = Desired {
                routes: known.routes.clone(),
                stage: known.stage.clone(),
                tags: known.tags.clone(),
                doubles,
                ..observed(api, want.fields.cors.as_ref())
            };
            let unread = UNLISTED.iter().map(|field| (*field).to_owned()).collect();
            return Ok(Some(self.seen(api, fields, Owner::stack(&self.cloud.stack), unread)));
        }
        let (routes, integrations, stages, tags) =
            futures::try_join!(self.routes(id), self.integrations(id), self.stages(id), self.tags(id))?;
        let Some(tags) = tags else { return Ok(None) };
        let owned = ownership::split(tags);
        let fields = Desired {
            routes: routes::observed(&routes, &integrations),
            stage: stage::observed(&stages, &want.fields.stage.name),
            tags: owned.tags,
            doubles,
            ..observed(api, want.fields.cors.as_ref())
        };
        Ok(Some(self.seen(api, fields, owned.owner, Vec::new())))
    }

    /// Name, description and cross-origin rules; gives back the endpoint.
    async fn update_api(&self, id: &str, desired: &Desired) -> Result<String, CallError> {
        let api_gateway = &self.api_gateway;
        if desired.cors.is_none() {
            // UpdateApi cannot take them away.
            match api_gateway.delete_cors_configuration().api_id(id).send().await {
                Err(error) if code(&error) != Some(MISSING) => {
                    return Err(failed("apigateway:DeleteCorsConfiguration", error));
                }
                _ => {}
            }
        }
        let call = api_gateway.update_api().api_id(id).name(&desired.name).description(&desired.description);
        let call = call.set_cors_configuration(desired.cors.as_ref().map(cors_to_sdk));
        let api = call.send().await.map_err(|error| failed("apigateway:UpdateApi", error))?;
        Ok(api.api_endpoint.unwrap_or_default())
    }

    fn seen(&self, api: &Api, fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
        let applied = self.applied(
            api.api_id().unwrap_or_default(),
            api.api_endpoint().unwrap_or_default(),
            stage::plain_name(&fields.stage),
        );
        Seen { id: applied.id, fields, outputs: applied.outputs, owner, unread, pending: None }
    }

    fn applied(&self, id: &str, endpoint: &str, stage: &str) -> Applied {
        let execution_arn = format!("arn:aws:execute-api:{}:{}:{id}", self.cloud.region, self.cloud.account);
        let outputs = BTreeMap::from([
            ("id".to_owned(), json!(id)),
            ("endpoint".to_owned(), json!(stage::address(endpoint, stage))),
            ("url".to_owned(), json!(self.url(id, endpoint, stage))),
            ("invoke_arn_pattern".to_owned(), json!(format!("{execution_arn}/*/*"))),
            ("execution_arn".to_owned(), json!(execution_arn)),
        ]);
        Applied { id: id.to_owned(), outputs, pending: None }
    }

    /// A host name of AWS's resolves nowhere on a local cloud: there the API is a path of the endpoint.
    fn url(&self, id: &str, endpoint: &str, stage: &str) -> String {
        match self.cloud.config(Home::Stack).endpoint_url() {
            Some(local) => format!("{}{LOCAL_PATH}/{id}/{stage}", local.trim_end_matches('/')),
            None => stage::address(endpoint, stage),
        }
    }

    /// One that is gone already is just as well.
    async fn delete_api(&self, id: &str) -> Result<(), CallError> {
        match self.api_gateway.delete_api().api_id(id).send().await {
            Err(error) if code(&error) != Some(MISSING) => Err(failed("apigateway:DeleteApi", error)),
            _ => Ok(()),
        }
    }

    fn arn(&self, id: &str) -> String {
        format!("arn:aws:apigateway:{}::/apis/{id}", self.cloud.region)
    }
}

/// What the list tells; routes, stage and tags are read apart.
fn observed(api: &Api, wanted: Option<&Cors>) -> Desired {
    Desired {
        name: api.name().unwrap_or_default().to_owned(),
        description: api.description().unwrap_or_default().to_owned(),
        routes: BTreeMap::new(),
        cors: api.cors_configuration().map(|cors| observed_cors(cors, wanted)),
        stage: Stage::default(),
        tags: BTreeMap::new(),
        doubles: Vec::new(),
    }
}

fn cors_to_sdk(cors: &Cors) -> SdkCors {
    let list = |values: &BTreeSet<String>| Some(values.iter().cloned().collect::<Vec<String>>());
    SdkCors::builder()
        .set_allow_origins(list(&cors.allow_origins))
        .set_allow_methods(list(&cors.allow_methods))
        .set_allow_headers(list(&cors.allow_headers))
        .max_age(i32::try_from(cors.max_age_s).unwrap_or(i32::MAX))
        .build()
}

/// Names of headers have no case: one that is wanted is shown as it is wanted.
fn observed_cors(cors: &SdkCors, wanted: Option<&Cors>) -> Cors {
    let set = |values: &[String]| values.iter().cloned().collect::<BTreeSet<String>>();
    let as_wanted = |header: &String| {
        let mut headers = wanted.into_iter().flat_map(|cors| &cors.allow_headers);
        headers.find(|wanted| wanted.eq_ignore_ascii_case(header)).unwrap_or(header).clone()
    };
    Cors {
        allow_origins: set(cors.allow_origins()),
        allow_methods: set(cors.allow_methods()),
        allow_headers: cors.allow_headers().iter().map(as_wanted).collect(),
        max_age_s: cors.max_age().and_then(|age| u32::try_from(age).ok()).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cross_origin_rules_survive_whatever_the_order_and_the_case_of_headers() {
        let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<String>>();
        let wanted = Cors {
            allow_origins: set(&["https://b", "https://a"]),
            allow_methods: set(&["GET", "POST"]),
            allow_headers: set(&["Authorization", "x-other"]),
            max_age_s: 300,
        };
        let mut sent = cors_to_sdk(&wanted);
        sent.allow_headers = Some(vec!["x-other".to_owned(), "authorization".to_owned()]);
        assert_eq!(observed_cors(&sent, Some(&wanted)), wanted);
        assert_ne!(observed_cors(&sent, None), wanted);
    }
}
