//! The one stage: deployed automatically, throttled, with an access log. A deployment's id is never sent.

use aws_sdk_apigatewayv2::types::{AccessLogSettings, RouteSettings, Stage as SdkStage};
use engine::kind::CallError;

use super::calls::{MISSING, failed, sent_once};
use super::{HttpApis, Stage};
use crate::cloud::errors::code;

/// The stage that is served without its name in the path.
const DEFAULT: &str = "$default";
/// Put behind the name of a stage that does not deploy by itself, so that it differs.
const NOT_DEPLOYED: &str = " (not deployed automatically)";
/// Put behind the ARN of an access log whose lines are not ours, so that it differs.
const OTHER_LINES: &str = " (lines of another format)";

/// The access line: one JSON object a request, without anything that the caller sent in headers or query.
const LINE: &str = concat!(
    r#"{"requestId":"$context.requestId","time":"$context.requestTime","ip":"$context.identity.sourceIp","#,
    r#""route":"$context.routeKey","status":"$context.status","responseLength":"$context.responseLength","#,
    r#""latencyMs":"$context.responseLatency","integrationError":"$context.integrationErrorMessage"}"#
);

impl HttpApis {
    /// Makes or changes the stage; the one that was seen in its place, if any, goes. Others are left alone.
    pub(super) async fn put_stage(&self, api: &str, wanted: &Stage, in_its_place: &str) -> Result<(), CallError> {
        let present = self.stages(api).await?;
        let is_there = |name: &str| present.iter().any(|stage| stage.stage_name() == Some(name));
        if is_there(&wanted.name) {
            self.update_stage(api, wanted).await?;
        } else {
            self.create_stage(api, wanted).await?;
        }
        if in_its_place == wanted.name || !is_there(in_its_place) {
            return Ok(());
        }
        match self.api_gateway.delete_stage().api_id(api).stage_name(in_its_place).send().await {
            Err(error) if code(&error) != Some(MISSING) => Err(failed("apigateway:DeleteStage", error)),
            _ => Ok(()),
        }
    }

    async fn create_stage(&self, api: &str, wanted: &Stage) -> Result<(), CallError> {
        let call = self.api_gateway.create_stage().api_id(api).stage_name(&wanted.name).auto_deploy(true);
        let call = call.default_route_settings(throttle(wanted)).set_access_log_settings(access_log(wanted));
        let made = call.customize().config_override(sent_once()).send().await;
        made.map(drop).map_err(|error| failed("apigateway:CreateStage", error))
    }

    async fn update_stage(&self, api: &str, wanted: &Stage) -> Result<(), CallError> {
        // Settings without a destination take the log away.
        let log = access_log(wanted).unwrap_or_else(|| AccessLogSettings::builder().build());
        let call = self.api_gateway.update_stage().api_id(api).stage_name(&wanted.name).auto_deploy(true);
        let call = call.default_route_settings(throttle(wanted)).access_log_settings(log);
        call.send().await.map(drop).map_err(|error| failed("apigateway:UpdateStage", error))
    }
}

fn throttle(wanted: &Stage) -> RouteSettings {
    RouteSettings::builder()
        .throttling_rate_limit(f64::from(wanted.throttle_rate))
        .throttling_burst_limit(i32::try_from(wanted.throttle_burst).unwrap_or(i32::MAX))
        .build()
}

fn access_log(wanted: &Stage) -> Option<AccessLogSettings> {
    let arn = wanted.access_log_arn.as_ref()?;
    Some(AccessLogSettings::builder().destination_arn(arn).format(LINE).build())
}

/// The wanted stage, or else the one that is there instead; empty when there is none.
pub fn observed(stages: &[SdkStage], wanted: &str) -> Stage {
    let of_name = stages.iter().find(|stage| stage.stage_name() == Some(wanted));
    of_name.or(stages.first()).map(observed_stage).unwrap_or_default()
}

fn observed_stage(stage: &SdkStage) -> Stage {
    let settings = stage.default_route_settings();
    let burst = settings.and_then(RouteSettings::throttling_burst_limit);
    let mark = if stage.auto_deploy() == Some(true) { "" } else { NOT_DEPLOYED };
    Stage {
        name: format!("{}{mark}", stage.stage_name().unwrap_or_default()),
        throttle_rate: settings.and_then(RouteSettings::throttling_rate_limit).map_or(0, whole),
        throttle_burst: burst.and_then(|burst| u32::try_from(burst).ok()).unwrap_or(0),
        access_log_arn: stage.access_log_settings().and_then(observed_log),
    }
}

/// The rate, through text: one that is not whole, so not ours, reads as none, where a conversion would round it.
fn whole(rate: f64) -> u32 {
    rate.to_string().parse().unwrap_or(0)
}

fn observed_log(log: &AccessLogSettings) -> Option<String> {
    // The group's ARN is given with and without the wildcard for its streams.
    let arn = log.destination_arn().map(|arn| arn.strip_suffix(":*").unwrap_or(arn)).filter(|arn| !arn.is_empty())?;
    let mark = if log.format() == Some(LINE) { "" } else { OTHER_LINES };
    Some(format!("{arn}{mark}"))
}

/// The stage's name without what may stand behind it.
pub fn plain_name(stage: &Stage) -> &str {
    stage.name.strip_suffix(NOT_DEPLOYED).unwrap_or(&stage.name)
}

/// Where the stage is served.
pub fn address(endpoint: &str, stage: &str) -> String {
    if stage == DEFAULT || stage.is_empty() { endpoint.to_owned() } else { format!("{endpoint}/{stage}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Stage {
        Stage {
            name: "prod".to_owned(),
            throttle_rate: 50,
            throttle_burst: 100,
            access_log_arn: Some("arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/x".to_owned()),
        }
    }

    fn sdk() -> SdkStage {
        SdkStage::builder()
            .stage_name("prod")
            .auto_deploy(true)
            .default_route_settings(throttle(&wanted()))
            .set_access_log_settings(access_log(&wanted()))
            .deployment_id("ignored")
            .build()
    }

    #[test]
    fn a_stage_survives_its_translation() {
        assert_eq!(observed(&[sdk()], "prod"), wanted());
        let mut with_wildcard = sdk();
        let log = with_wildcard.access_log_settings.as_mut().expect("a log");
        log.destination_arn = log.destination_arn.as_ref().map(|arn| format!("{arn}:*"));
        assert_eq!(observed(&[with_wildcard], "prod"), wanted());
    }

    #[test]
    fn whatever_is_not_as_we_make_it_differs() {
        let differs = |change: &dyn Fn(&mut SdkStage)| {
            let mut stage = sdk();
            change(&mut stage);
            observed(&[stage], "prod") != wanted()
        };
        assert!(differs(&|stage| stage.auto_deploy = None));
        assert!(differs(&|stage| stage.default_route_settings = None));
        assert!(differs(&|stage| stage.default_route_settings.as_mut().unwrap().throttling_rate_limit = Some(49.5)));
        assert!(differs(&|stage| stage.access_log_settings.as_mut().unwrap().format = Some("x".to_owned())));
        assert!(differs(&|stage| stage.access_log_settings = None));
        assert_eq!(observed(&[], "prod"), Stage::default());
    }

    #[test]
    fn another_stage_shows_in_place_of_the_missing_one() {
        assert_eq!(observed(&[sdk()], "live").name, "prod");
    }

    #[test]
    fn the_default_stage_has_no_name_in_its_address() {
        assert_eq!(address("https://x", "$default"), "https://x");
        assert_eq!(address("https://x", "prod"), "https://x/prod");
    }
}
