//! The calls that change a function, each waited for.

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, Environment, LastUpdateStatus, State};
use engine::kind::{CallError, ErrorClass};

use super::super::support::waiter::Waiter;
use super::{Desired, InvokePermission, LambdaFunctions, function_error};
use crate::cloud::bundle::Bundle;
use crate::cloud::errors::{call_error, code, refused};

const READY_LIMIT_S: u64 = 180;

/// Whether a function was there before this call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// It was made by it.
    JustMade,
    /// It was.
    Old,
}

impl LambdaFunctions {
    /// The bundle, if it is the one that was planned with.
    pub(super) fn bundle(&self, desired: &Desired) -> Result<&Bundle, CallError> {
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

    pub(super) async fn change_code(&self, desired: &Desired) -> Result<(), CallError> {
        let bundle = self.bundle(desired)?;
        self.until_ready(&desired.name, Age::Old).await?;
        let call = self.lambda.update_function_code().function_name(&desired.name);
        let call = call.architectures(Architecture::from(desired.architecture.as_str())).publish(false);
        let sent = bundle.upload(|zip| call.zip_file(Blob::new(zip)).send()).await;
        sent.map_err(|error| function_error("lambda:UpdateFunctionCode", error))?;
        self.until_ready(&desired.name, Age::Old).await
    }

    pub(super) async fn change_configuration(&self, desired: &Desired) -> Result<(), CallError> {
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
    pub(super) async fn until_ready(&self, name: &str, age: Age) -> Result<(), CallError> {
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

    pub(super) async fn permit(&self, name: &str, id: &str, permission: &InvokePermission) -> Result<(), CallError> {
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

    pub(super) async fn forbid(&self, name: &str, id: &str) -> Result<(), CallError> {
        match self.lambda.remove_permission().function_name(name).statement_id(id).send().await {
            Err(error) if code(&error) != Some("ResourceNotFoundException") => {
                Err(function_error("lambda:RemovePermission", error))
            }
            _ => Ok(()),
        }
    }

    /// Keeps so many runs free for the function, or none.
    pub(super) async fn reserve(&self, desired: &Desired) -> Result<(), CallError> {
        match desired.reserved_concurrency {
            Some(reserved) => {
                let call = self.lambda.put_function_concurrency().function_name(&desired.name);
                let sent = call.reserved_concurrent_executions(number(reserved)).send().await;
                sent.map(drop).map_err(|error| function_error("lambda:PutFunctionConcurrency", error))
            }
            None => {
                let sent = self.lambda.delete_function_concurrency().function_name(&desired.name).send().await;
                sent.map(drop).map_err(|error| function_error("lambda:DeleteFunctionConcurrency", error))
            }
        }
    }
}

pub(super) fn environment(desired: &Desired) -> Environment {
    // The engine resolves references before it calls; one whose resource failed stops the function before this.
    let known = desired.environment.iter().filter_map(|(name, value)| Some((name.clone(), value.known()?.clone())));
    Environment::builder().set_variables(Some(known.collect())).build()
}

/// Lambda's own limits lie far below; what does not fit is refused by it.
pub(super) fn number(amount: u32) -> i32 {
    i32::try_from(amount).unwrap_or(i32::MAX)
}
