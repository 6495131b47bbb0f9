//! Roles, log groups, the API, then the functions, then what calls them.

use aws_sdk_apigatewayv2::types::{AccessLogSettings, Cors, IntegrationType, ProtocolType, RouteSettings};
use aws_sdk_eventbridge::types::{RuleState, Tag as RuleTag, Target};
use aws_sdk_iam::types::Tag as RoleTag;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{Architecture, Environment, FunctionCode, LastUpdateStatus, Runtime, State};
use provisioner::kinds::{http_api, iam_role, lambda_function, log_group, schedule};
use serde_json::json;

use super::{Raw, Wanted, each, failed, unbuildable, until_ready};
use crate::Fallible;

/// Makes all of it.
pub async fn make(raw: &Raw) -> Fallible<()> {
    let roles = raw.wanted("iam_role")?;
    let groups = raw.wanted("log_group")?;
    let apis = raw.wanted("http_api")?;
    let served = async {
        each(&groups, |group| log_group(raw, group)).await?;
        let mut patterns = Vec::new();
        for wanted in &apis {
            patterns.push(api(raw, wanted).await?);
        }
        Ok(patterns.pop().unwrap_or_default())
    };
    let (_, pattern) = futures::try_join!(each(&roles, |wanted| role(raw, wanted)), served)?;
    let functions = raw.wanted("lambda_function")?;
    each(&functions, |wanted| function(raw, wanted, &pattern)).await?;
    let rules = raw.wanted("schedule")?;
    each(&rules, |wanted| rule(raw, wanted)).await
}

async fn role(raw: &Raw, wanted: &Wanted<iam_role::Desired>) -> Fallible<()> {
    let _room = raw.room("iam").await?;
    let (iam, desired) = (&raw.clients.iam, &wanted.desired);
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": desired.trusted_service}, "Action": "sts:AssumeRole",
        }],
    });
    let call = iam.create_role().role_name(&desired.name).description(&desired.description);
    let mut call = call.assume_role_policy_document(trust.to_string());
    for (key, value) in raw.tags(&wanted.address, &desired.tags) {
        call = call.tags(RoleTag::builder().key(key).value(value).build().map_err(unbuildable)?);
    }
    call.send().await.map_err(failed("iam:CreateRole"))?;
    let call = iam.put_role_policy().role_name(&desired.name).policy_name("billform");
    call.policy_document(desired.policy.to_string()).send().await.map(drop).map_err(failed("iam:PutRolePolicy"))
}

async fn log_group(raw: &Raw, wanted: &Wanted<log_group::Desired>) -> Fallible<()> {
    let _room = raw.room("logs").await?;
    let (logs, desired) = (&raw.clients.logs, &wanted.desired);
    let tags = raw.tags(&wanted.address, &desired.tags).into_iter().collect();
    let call = logs.create_log_group().log_group_name(&desired.name).set_tags(Some(tags));
    call.send().await.map_err(failed("logs:CreateLogGroup"))?;
    let days = i32::try_from(desired.retention_days).map_err(unbuildable)?;
    let call = logs.put_retention_policy().log_group_name(&desired.name).retention_in_days(days);
    call.send().await.map(drop).map_err(failed("logs:PutRetentionPolicy"))
}

/// The API; gives the pattern of ARNs it calls functions from. It looks where billform looks, to be able to go on
/// with what a lost answer left behind.
async fn api(raw: &Raw, wanted: &Wanted<http_api::Desired>) -> Fallible<String> {
    let _room = raw.room("apigateway").await?;
    let (gateway, desired) = (&raw.clients.api_gateway, &wanted.desired);
    gateway.get_apis().max_results("500").send().await.map_err(failed("apigateway:GetApis"))?;
    let call = gateway.create_api().name(&desired.name).protocol_type(ProtocolType::Http);
    let call = call.description(&desired.description).set_cors_configuration(desired.cors.as_ref().map(cors));
    let call = call.set_tags(Some(raw.tags(&wanted.address, &desired.tags).into_iter().collect()));
    let id = call.send().await.map_err(failed("apigateway:CreateApi"))?.api_id.unwrap_or_default();
    gateway.get_integrations().api_id(&id).send().await.map_err(failed("apigateway:GetIntegrations"))?;
    let mut targets = std::collections::BTreeMap::new();
    for function in desired.routes.values() {
        if !targets.contains_key(function) {
            let call = gateway.create_integration().api_id(&id).integration_uri(function);
            let call = call.integration_type(IntegrationType::AwsProxy).payload_format_version("2.0");
            let made = call.send().await.map_err(failed("apigateway:CreateIntegration"))?;
            targets.insert(function, format!("integrations/{}", made.integration_id.unwrap_or_default()));
        }
    }
    gateway.get_routes().api_id(&id).send().await.map_err(failed("apigateway:GetRoutes"))?;
    for (key, function) in &desired.routes {
        let call = gateway.create_route().api_id(&id).route_key(key).set_target(targets.get(function).cloned());
        call.send().await.map_err(failed("apigateway:CreateRoute"))?;
    }
    gateway.get_stages().api_id(&id).send().await.map_err(failed("apigateway:GetStages"))?;
    stage(raw, &id, &desired.stage).await?;
    Ok(format!("arn:aws:execute-api:{}:{}:{id}/*/*", raw.region, raw.account))
}

async fn stage(raw: &Raw, api: &str, stage: &http_api::Stage) -> Fallible<()> {
    let burst = i32::try_from(stage.throttle_burst).map_err(unbuildable)?;
    let throttle = RouteSettings::builder().throttling_rate_limit(f64::from(stage.throttle_rate));
    let throttle = throttle.throttling_burst_limit(burst).build();
    let call = raw.clients.api_gateway.create_stage().api_id(api).stage_name(&stage.name).auto_deploy(true);
    let mut call = call.default_route_settings(throttle);
    if let Some(arn) = &stage.access_log_arn {
        let line = r#"{"requestId":"$context.requestId"}"#;
        call = call.access_log_settings(AccessLogSettings::builder().destination_arn(arn).format(line).build());
    }
    call.send().await.map(drop).map_err(failed("apigateway:CreateStage"))
}

fn cors(cors: &http_api::Cors) -> Cors {
    Cors::builder()
        .set_allow_origins(Some(cors.allow_origins.iter().cloned().collect()))
        .set_allow_methods(Some(cors.allow_methods.iter().cloned().collect()))
        .set_allow_headers(Some(cors.allow_headers.iter().cloned().collect()))
        .max_age(i32::try_from(cors.max_age_s).unwrap_or(i32::MAX))
        .build()
}

async fn function(raw: &Raw, wanted: &Wanted<lambda_function::Desired>, api_pattern: &str) -> Fallible<()> {
    let _room = raw.room("lambda").await?;
    let (lambda, desired) = (&raw.clients.lambda, &wanted.desired);
    let number = |amount: u32| i32::try_from(amount).map_err(unbuildable);
    let variables = desired.environment.clone().into_iter().collect();
    let call = lambda
        .create_function()
        .function_name(&desired.name)
        .description(&desired.description)
        .role(&desired.role_arn)
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .architectures(Architecture::from(desired.architecture.as_str()))
        .memory_size(number(desired.memory_mb)?)
        .timeout(number(desired.timeout_s)?)
        .environment(Environment::builder().set_variables(Some(variables)).build())
        .code(FunctionCode::builder().zip_file(Blob::new(raw.bundle.clone())).build())
        .set_tags(Some(raw.tags(&wanted.address, &desired.tags).into_iter().collect()));
    call.send().await.map_err(failed("lambda:CreateFunction"))?;
    until_ready(|| async {
        let call = lambda.get_function_configuration().function_name(&desired.name);
        let now = call.send().await.map_err(failed("lambda:GetFunctionConfiguration"))?;
        Ok(now.state() != Some(&State::Pending) && now.last_update_status() != Some(&LastUpdateStatus::InProgress))
    })
    .await?;
    for (id, permission) in &desired.permissions {
        let source = permission.source_arn.known().map_or(api_pattern, String::as_str);
        let call = lambda.add_permission().function_name(&desired.name).statement_id(id);
        let call = call.action("lambda:InvokeFunction").principal(&permission.principal).source_arn(source);
        call.send().await.map_err(failed("lambda:AddPermission"))?;
    }
    Ok(())
}

async fn rule(raw: &Raw, wanted: &Wanted<schedule::Desired>) -> Fallible<()> {
    let _room = raw.room("events").await?;
    let (events, desired) = (&raw.clients.events, &wanted.desired);
    // It is not there, and the answer says so.
    let _ = events.describe_rule().name(&desired.name).send().await;
    let state = if desired.enabled { RuleState::Enabled } else { RuleState::Disabled };
    let call = events.put_rule().name(&desired.name).description(&desired.description);
    let mut call = call.schedule_expression(&desired.expression).state(state);
    for (key, value) in raw.tags(&wanted.address, &desired.tags) {
        call = call.tags(RuleTag::builder().key(key).value(value).build().map_err(unbuildable)?);
    }
    call.send().await.map_err(failed("events:PutRule"))?;
    let target = Target::builder().id("billform").arn(&desired.target_arn).input(desired.input.to_string()).build();
    let call = events.put_targets().rule(&desired.name).targets(target.map_err(unbuildable)?);
    call.send().await.map(drop).map_err(failed("events:PutTargets"))
}
