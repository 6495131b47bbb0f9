//! `lambda_function`: one handler of the bundle, deployed; its code is compared by CodeSha256.
//!
//! A function takes one change at a time: code, then configuration, each waited for. Its resource policy is ours
//! alone: statements of others are drift.

mod calls;
mod permissions;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, FunctionCode, FunctionConfiguration, Runtime};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, OutputOf, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use calls::{Age, environment, number};

use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::errors::{call_error, code};
use crate::cloud::{Cloud, Home, client, ownership};

/// What a function is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The function's name.
    pub name: String,
    /// Shown in the console.
    pub description: String,
    /// The ARN of the role it runs as (known: it follows from the role's name).
    pub role_arn: String,
    /// `x86_64` or `arm64`.
    pub architecture: String,
    /// Memory in MB.
    pub memory_mb: u32,
    /// Time-out in seconds.
    pub timeout_s: u32,
    /// Environment variables, no secrets.
    pub environment: BTreeMap<String, engine::Input<String>>,
    /// Base64 of the bundle's SHA-256; none keeps the deployed code.
    pub code_sha256: Option<String>,
    /// How many may run at once, kept free for it; none takes from the account's own, and 0 stops it.
    #[serde(default)]
    pub reserved_concurrency: Option<u32>,
    /// Who may invoke it: statement id -> permission.
    pub permissions: BTreeMap<String, InvokePermission>,
    /// Tags beside the ownership tags.
    pub tags: BTreeMap<String, String>,
}

/// One statement of the function's resource policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokePermission {
    /// `apigateway.amazonaws.com`, `events.amazonaws.com`.
    pub principal: String,
    /// The ARN (pattern) it may call from.
    pub source_arn: engine::Input<String>,
}

/// Deploys handlers.
pub struct LambdaFunctions {
    cloud: Arc<Cloud>,
    lambda: aws_sdk_lambda::Client,
}

/// A function as it is looked at by itself.
struct Looked {
    configuration: FunctionConfiguration,
    reserved_concurrency: Option<u32>,
    tags: Tags,
}

/// What a function's configuration does not say.
#[derive(Default)]
struct Further {
    reserved_concurrency: Option<u32>,
    permissions: BTreeMap<String, InvokePermission>,
}

/// Up to so many functions are read one by one; more are listed.
const FEW: usize = 3;
/// The control plane takes about fifteen calls a second.
const READS: usize = 5;
/// What the bundle's executable must be called for `provided.al2023`.
const HANDLER: &str = "bootstrap";

const FUNCTION: &str = "arn:aws:lambda:{region}:{account}:function:{name}";
const ANY_FUNCTION: &str = "arn:aws:lambda:{region}:{account}:function:*";

impl TypedKind for LambdaFunctions {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "lambda_function",
        plural: "lambda functions",
        service: "lambda",
        summary: "Lambda function: one handler of the bundle",
        create_only: &["name"],
        open_maps: &["tags"],
        unlisted: &["reserved_concurrency", "permissions", "tags"],
        permissions: &[
            Permission { verb: Verb::Read, action: "lambda:ListFunctions", resource: "*" },
            Permission { verb: Verb::Read, action: "lambda:GetFunction", resource: FUNCTION },
            // Whose a function is stands in its tags alone.
            Permission { verb: Verb::Read, action: "lambda:ListTags", resource: ANY_FUNCTION },
            Permission { verb: Verb::Read, action: "lambda:GetPolicy", resource: FUNCTION },
            Permission { verb: Verb::Create, action: "lambda:CreateFunction", resource: FUNCTION },
            Permission { verb: Verb::Create, action: "lambda:TagResource", resource: FUNCTION },
            Permission { verb: Verb::Create, action: "lambda:GetFunctionConfiguration", resource: FUNCTION },
            Permission { verb: Verb::Create, action: "lambda:AddPermission", resource: FUNCTION },
            Permission { verb: Verb::Create, action: "lambda:PutFunctionConcurrency", resource: FUNCTION },
            Permission { verb: Verb::Create, action: "iam:PassRole", resource: "{role_arn}" },
            Permission { verb: Verb::Update, action: "lambda:GetFunctionConfiguration", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:UpdateFunctionCode", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:UpdateFunctionConfiguration", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:PutFunctionConcurrency", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:DeleteFunctionConcurrency", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:AddPermission", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:RemovePermission", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:TagResource", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:UntagResource", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "iam:PassRole", resource: "{role_arn}" },
            Permission { verb: Verb::Delete, action: "lambda:DeleteFunction", resource: FUNCTION },
        ],
        steps_at_once: 8,
        sensitive: &["environment"],
        needs_bundle: true,
        output: Some(OutputOf::Ids { heading: "functions", rank: 1 }),
        ..KindMeta::PLAIN
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        LambdaFunctions { lambda: client!(cloud, aws_sdk_lambda, Home::Stack), cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], depth: Depth) -> Answers<Desired> {
        let listed = if wants.len() <= FEW { HashMap::new() } else { self.functions().await? };
        let all_listed = wants.len() > FEW;
        let seen = wants.iter().map(|want| self.see(want, listed.get(&want.fields.name), all_listed, depth)).collect();
        Ok(at_once(READS, seen).await)
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        let functions = self.functions().await?;
        let fields = |_: &str, function: &FunctionConfiguration, tags| observed(function, Further::default(), tags);
        list_tagged(self, &self.cloud.stack, READS, functions, fields).await
    }

    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        Ok(self.functions().await?.into_keys().collect())
    }

    async fn create(&self, address: &Address, desired: Desired, _token: &str) -> Result<Applied, CallError> {
        let bundle = self.bundle(&desired)?;
        let tags = ownership::with_owner(&self.cloud.stack, address, &desired.tags);
        let call = self
            .lambda
            .create_function()
            .function_name(&desired.name)
            .description(&desired.description)
            .role(&desired.role_arn)
            .runtime(Runtime::Providedal2023)
            .handler(HANDLER)
            .architectures(Architecture::from(desired.architecture.as_str()))
            .memory_size(number(desired.memory_mb))
            .timeout(number(desired.timeout_s))
            .environment(environment(&desired))
            .publish(false)
            .set_tags(Some(tags.into_iter().collect()));
        let code_of = |zip| FunctionCode::builder().zip_file(Blob::new(zip)).build();
        if let Err(error) = bundle.upload(|zip| call.code(code_of(zip)).send()).await {
            let exists = code(&error) == Some("ResourceConflictException");
            let failed = function_error("lambda:CreateFunction", error);
            return Err(if exists { CallError { class: ErrorClass::AlreadyExists, ..failed } } else { failed });
        }
        self.until_ready(&desired.name, Age::JustMade).await?;
        if desired.reserved_concurrency.is_some() {
            self.reserve(&desired).await?;
        }
        for (id, permission) in &desired.permissions {
            self.permit(&desired.name, id, permission).await?;
        }
        Ok(self.applied(&desired.name))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let desired = &change.desired;
        let touches = |fields: &[&str]| fields.iter().any(|field| change.touches(field));
        if touches(&["code_sha256", "architecture"]) {
            self.change_code(desired).await?;
        }
        if touches(&["description", "role_arn", "memory_mb", "timeout_s", "environment"]) {
            self.change_configuration(desired).await?;
        }
        if touches(&["reserved_concurrency"]) {
            self.reserve(desired).await?;
        }
        if touches(&["permissions"]) {
            let (gone, new) = permissions::steps(&change.observed.permissions, &desired.permissions);
            for id in gone {
                self.forbid(&desired.name, id).await?;
            }
            for (id, permission) in new {
                self.permit(&desired.name, id, permission).await?;
            }
        }
        retag(self, &self.cloud.stack, &change, &desired.tags).await?;
        Ok(self.applied(&desired.name))
    }

    async fn delete(&self, _address: &Address, id: &str, _last: Desired) -> Result<Removal, CallError> {
        match self.lambda.delete_function().function_name(id).send().await {
            Err(error) if code(&error) != Some("ResourceNotFoundException") => {
                Err(function_error("lambda:DeleteFunction", error))
            }
            _ => Ok(Removal::Gone),
        }
    }

    /// Without a bundle at hand the deployed code stays, and with it what is known of it.
    fn remembered(&self, desired: Value, before: Option<&Value>) -> Value {
        with_kept_code(desired, before)
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        without_kept_code(desired, engine::diff::fields(&Self::META, desired, observed, last))
    }
}

impl LambdaFunctions {
    /// Every function of the account by name.
    async fn functions(&self) -> Result<HashMap<String, FunctionConfiguration>, CallError> {
        let mut functions = self.lambda.list_functions().into_paginator().items().send();
        let mut found = HashMap::new();
        while let Some(function) = functions.next().await {
            let function = function.map_err(|error| call_error("lambda:ListFunctions", error))?;
            if let Some(name) = function.function_name() {
                found.insert(name.to_owned(), function);
            }
        }
        Ok(found)
    }

    /// The list has no tags, permissions or reserved concurrency. What we know to exist and it lacks is looked at itself.
    async fn see(
        &self,
        want: &TypedWant<Desired>,
        listed: Option<&FunctionConfiguration>,
        all_listed: bool,
        depth: Depth,
    ) -> Result<Option<Seen<Desired>>, CallError> {
        let name = &want.fields.name;
        if all_listed && listed.is_none() && want.known.is_none() {
            return Ok(None);
        }
        if let (Depth::Lists, Some(known), Some(configuration)) = (depth, &want.known, listed) {
            return Ok(Some(self.believed(configuration, known)));
        }
        let Some(Looked { configuration, reserved_concurrency, tags }) = self.function(name).await? else {
            return Ok(None);
        };
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            return Ok(Some(self.believed(&configuration, known)));
        }
        let owned = ownership::split(tags);
        let further = Further { reserved_concurrency, permissions: self.permissions(name).await? };
        Ok(Some(self.seen(observed(&configuration, further, owned.tags), owned.owner, Vec::new())))
    }

    /// What the list shows, completed by what is known.
    fn believed(&self, configuration: &FunctionConfiguration, known: &Desired) -> Seen<Desired> {
        let further =
            Further { reserved_concurrency: known.reserved_concurrency, permissions: known.permissions.clone() };
        let unread = Self::META.unlisted.iter().map(|path| (*path).to_owned()).collect();
        self.seen(observed(configuration, further, known.tags.clone()), Owner::stack(&self.cloud.stack), unread)
    }

    /// One function as GetFunction shows it.
    async fn function(&self, name: &str) -> Result<Option<Looked>, CallError> {
        match self.lambda.get_function().function_name(name).send().await {
            Ok(answer) => {
                let reserved = answer.concurrency.and_then(|concurrency| concurrency.reserved_concurrent_executions);
                Ok(answer.configuration.map(|configuration| Looked {
                    configuration,
                    reserved_concurrency: reserved.and_then(|number| u32::try_from(number).ok()),
                    tags: answer.tags.into_iter().flatten().collect(),
                }))
            }
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("lambda:GetFunction", error)),
        }
    }

    async fn permissions(&self, name: &str) -> Result<BTreeMap<String, InvokePermission>, CallError> {
        match self.lambda.get_policy().function_name(name).send().await {
            Ok(answer) => Ok(permissions::read(answer.policy().unwrap_or_default())),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(BTreeMap::new()),
            Err(error) => Err(call_error("lambda:GetPolicy", error)),
        }
    }

    fn seen(&self, fields: Desired, owner: Owner, unread: Vec<String>) -> Seen<Desired> {
        let Applied { id, outputs, .. } = self.applied(&fields.name);
        Seen { id, fields, outputs, owner, unread, pending: None }
    }

    /// The log group is told so that whoever finds the function without its manifest knows that it goes first.
    fn applied(&self, name: &str) -> Applied {
        let outputs = BTreeMap::from([
            ("arn".to_owned(), json!(self.arn(name))),
            ("log_group".to_owned(), json!(format!("/aws/lambda/{name}"))),
        ]);
        Applied { id: name.to_owned(), outputs, pending: None }
    }

    fn arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{}:{}:function:{name}", self.cloud.region, self.cloud.account)
    }
}

impl Tagged for LambdaFunctions {
    async fn tags(&self, id: &str) -> Result<Option<Tags>, CallError> {
        match self.lambda.list_tags().resource(self.arn(id)).send().await {
            Ok(answer) => Ok(Some(answer.tags.into_iter().flatten().collect())),
            Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(call_error("lambda:ListTags", error)),
        }
    }

    async fn tag(&self, id: &str, tags: Tags) -> Result<(), CallError> {
        let call = self.lambda.tag_resource().resource(self.arn(id)).set_tags(Some(tags.into_iter().collect()));
        call.send().await.map(drop).map_err(|error| function_error("lambda:TagResource", error))
    }

    async fn untag(&self, id: &str, keys: Vec<String>) -> Result<(), CallError> {
        let call = self.lambda.untag_resource().resource(self.arn(id)).set_tag_keys(Some(keys));
        call.send().await.map(drop).map_err(|error| function_error("lambda:UntagResource", error))
    }
}

/// An error, with the two that only mean "later" told apart: another change is under way, and a role too new.
fn function_error<E>(operation: &str, error: SdkError<E, Response>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let code = code(&error).map(str::to_owned);
    let failed = call_error(operation, error);
    match code.as_deref() {
        Some("ResourceConflictException") => CallError { class: ErrorClass::NotYet, ..failed },
        // The same code also means real errors: only this message passes.
        Some("InvalidParameterValueException") if failed.message.contains("cannot be assumed") => {
            CallError { class: ErrorClass::NotYet, ..failed }
        }
        _ => failed,
    }
}

/// A function as it is seen.
fn observed(configuration: &FunctionConfiguration, further: Further, tags: BTreeMap<String, String>) -> Desired {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let amount = |amount: Option<i32>| amount.and_then(|amount| u32::try_from(amount).ok()).unwrap_or(0);
    let variables = configuration.environment().and_then(|environment| environment.variables());
    Desired {
        name: text(configuration.function_name()),
        description: text(configuration.description()),
        role_arn: text(configuration.role()),
        architecture: configuration.architectures().first().map_or("x86_64", Architecture::as_str).to_owned(),
        memory_mb: amount(configuration.memory_size()),
        timeout_s: amount(configuration.timeout()),
        environment: variables
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect(),
        code_sha256: configuration.code_sha256().map(str::to_owned),
        reserved_concurrency: further.reserved_concurrency,
        permissions: further.permissions,
        tags,
    }
}

/// Without a bundle at hand the deployed code stays: that it has a hash is no change.
fn without_kept_code(desired: &Value, mut changes: Vec<FieldChange>) -> Vec<FieldChange> {
    if desired.get("code_sha256").is_none_or(Value::is_null) {
        changes.retain(|change| change.path != "code_sha256");
    }
    changes
}

/// What is remembered: the deployed code where none is wanted, so that code changed behind our back is drift.
fn with_kept_code(mut desired: Value, before: Option<&Value>) -> Value {
    let kept = before.and_then(|before| before.get("code_sha256"));
    if let (Some(kept), Some(hash @ Value::Null)) = (kept, desired.get_mut("code_sha256")) {
        *hash = kept.clone();
    }
    desired
}

#[cfg(test)]
mod tests;
