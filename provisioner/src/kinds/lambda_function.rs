//! `lambda_function`: one handler of the bundle, deployed; its code is compared by CodeSha256.
//!
//! A function takes one change at a time: code, then configuration, each waited for. Its resource policy is ours
//! alone: statements of others are drift.

mod permissions;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Architecture, Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, Runtime, State,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use engine::diff::FieldChange;
use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::{KindMeta, OutputOf, Permission, Verb};
use engine::{Address, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::support::tagging::{Tagged, Tags, list_tagged, retag};
use super::support::waiter::Waiter;
use super::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant, at_once};
use crate::cloud::bundle::Bundle;
use crate::cloud::errors::{call_error, code, refused};
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
    pub environment: BTreeMap<String, String>,
    /// Base64 of the bundle's SHA-256; none keeps the deployed code.
    pub code_sha256: Option<String>,
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

/// Whether a function was there before this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    /// It was made by it.
    JustMade,
    /// It was.
    Old,
}

/// Up to so many functions are read one by one; more are listed.
const FEW: usize = 3;
/// The control plane takes about fifteen calls a second.
const READS: usize = 5;
const READY_LIMIT_S: u64 = 180;
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
        unlisted: &["permissions", "tags"],
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
            Permission { verb: Verb::Create, action: "iam:PassRole", resource: "{role_arn}" },
            Permission { verb: Verb::Update, action: "lambda:GetFunctionConfiguration", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:UpdateFunctionCode", resource: FUNCTION },
            Permission { verb: Verb::Update, action: "lambda:UpdateFunctionConfiguration", resource: FUNCTION },
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
        let fields = |_: &str, function: &FunctionConfiguration, tags| observed(function, BTreeMap::new(), tags);
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

    /// The list has neither tags nor permissions. What we know to exist and it lacks is looked at itself.
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
        let (configuration, tags) = match listed {
            Some(configuration) => (configuration.clone(), None),
            None => match self.function(name).await? {
                Some((configuration, tags)) => (configuration, Some(tags)),
                None => return Ok(None),
            },
        };
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            let fields = observed(&configuration, known.permissions.clone(), known.tags.clone());
            let unread = Self::META.unlisted.iter().map(|path| (*path).to_owned()).collect();
            return Ok(Some(self.seen(fields, Owner::stack(&self.cloud.stack), unread)));
        }
        let tags = match tags {
            Some(tags) => tags,
            None => self.tags(name).await?.unwrap_or_default(),
        };
        let owned = ownership::split(tags);
        let fields = observed(&configuration, self.permissions(name).await?, owned.tags);
        Ok(Some(self.seen(fields, owned.owner, Vec::new())))
    }

    async fn function(&self, name: &str) -> Result<Option<(FunctionConfiguration, Tags)>, CallError> {
        match self.lambda.get_function().function_name(name).send().await {
            Ok(answer) => Ok(answer.configuration.map(|found| (found, answer.tags.into_iter().flatten().collect()))),
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

    /// The bundle, if it is the one that was planned with.
    fn bundle(&self, desired: &Desired) -> Result<&Bundle, CallError> {
        let Some(bundle) = &self.cloud.bundle else {
            let message = format!(
                "{} needs code and no bundle is at hand; run `billform package`, or name one with --bundle FILE",
                desired.name
            );
            return Err(refused("lambda:CreateFunction", message));
        };
        match &desired.code_sha256 {
            Some(planned) if *planned != bundle.sha256 => Err(refused(
                "lambda:CreateFunction",
                format!("{} is not the bundle that was planned with; plan again", bundle.path.display()),
            )),
            _ => Ok(bundle),
        }
    }

    async fn change_code(&self, desired: &Desired) -> Result<(), CallError> {
        let bundle = self.bundle(desired)?;
        self.until_ready(&desired.name, Age::Old).await?;
        let call = self.lambda.update_function_code().function_name(&desired.name);
        let call = call.architectures(Architecture::from(desired.architecture.as_str())).publish(false);
        let sent = bundle.upload(|zip| call.zip_file(Blob::new(zip)).send()).await;
        sent.map_err(|error| function_error("lambda:UpdateFunctionCode", error))?;
        self.until_ready(&desired.name, Age::Old).await
    }

    async fn change_configuration(&self, desired: &Desired) -> Result<(), CallError> {
        self.until_ready(&desired.name, Age::Old).await?;
        let call = self.lambda.update_function_configuration().function_name(&desired.name);
        let call = call
            .description(&desired.description)
            .role(&desired.role_arn)
            .memory_size(number(desired.memory_mb))
            .timeout(number(desired.timeout_s))
            .environment(environment(desired));
        call.send().await.map_err(|error| function_error("lambda:UpdateFunctionConfiguration", error))?;
        self.until_ready(&desired.name, Age::Old).await
    }

    /// Waits until the function is active and its last change is in.
    async fn until_ready(&self, name: &str, age: Age) -> Result<(), CallError> {
        let operation = "lambda:GetFunctionConfiguration";
        let mut waiter = Waiter::new(READY_LIMIT_S);
        loop {
            let now = match self.lambda.get_function_configuration().function_name(name).send().await {
                Ok(now) => now,
                // Not everybody knows yet that it was made.
                Err(error) if age == Age::JustMade && code(&error) == Some("ResourceNotFoundException") => {
                    if waiter.pause().await {
                        continue;
                    }
                    return Err(CallError { class: ErrorClass::NotYet, ..call_error(operation, error) });
                }
                Err(error) => return Err(call_error(operation, error)),
            };
            let failed = |reason: Option<&str>| refused(operation, format!("{name}: {}", reason.unwrap_or("failed")));
            match (now.state(), now.last_update_status()) {
                (Some(State::Failed), _) => return Err(failed(now.state_reason())),
                (_, Some(LastUpdateStatus::Failed)) => return Err(failed(now.last_update_status_reason())),
                (Some(State::Pending), _) | (_, Some(LastUpdateStatus::InProgress)) => {}
                _ => return Ok(()),
            }
            if !waiter.pause().await {
                let late = refused(operation, format!("{name} is still being made ready"));
                return Err(CallError { class: ErrorClass::NotYet, ..late });
            }
        }
    }

    async fn permit(&self, name: &str, id: &str, permission: &InvokePermission) -> Result<(), CallError> {
        let operation = "lambda:AddPermission";
        let Some(source) = permission.source_arn.known() else {
            return Err(refused(operation, format!("{name}: the source of permission {id} is not known yet")));
        };
        let call = self.lambda.add_permission().function_name(name).statement_id(id);
        let call = call.action("lambda:InvokeFunction").principal(&permission.principal).source_arn(source);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let failed = function_error(operation, error);
                // The answer to a first try was lost: the statement is there.
                if failed.message.contains("already exists") { Ok(()) } else { Err(failed) }
            }
        }
    }

    async fn forbid(&self, name: &str, id: &str) -> Result<(), CallError> {
        match self.lambda.remove_permission().function_name(name).statement_id(id).send().await {
            Err(error) if code(&error) != Some("ResourceNotFoundException") => {
                Err(function_error("lambda:RemovePermission", error))
            }
            _ => Ok(()),
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
fn observed(
    configuration: &FunctionConfiguration,
    permissions: BTreeMap<String, InvokePermission>,
    tags: BTreeMap<String, String>,
) -> Desired {
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
        environment: variables.map(|all| all.clone().into_iter().collect()).unwrap_or_default(),
        code_sha256: configuration.code_sha256().map(str::to_owned),
        permissions,
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

fn environment(desired: &Desired) -> Environment {
    Environment::builder().set_variables(Some(desired.environment.clone().into_iter().collect())).build()
}

/// Lambda's own limits lie far below; what does not fit is refused by it.
fn number(amount: u32) -> i32 {
    i32::try_from(amount).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
