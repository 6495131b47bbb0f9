//! The gateway's own pages under `/_billform/`, for tests and the command line: counts, faults,
//! rates, delays, the cost model, the clock, the pages' address, the mailbox.

use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::gateway::fault::{Fault, FaultState, FaultStatus};
use crate::gateway::lag::Delay;
use crate::gateway::pipeline::{Answer, Call};
use crate::gateway::rates::{Rate, published};
use crate::gateway::traffic::ByOperation;
use crate::timeline::{Advance, AdvanceError};

const PREFIX: &str = "/_billform/";
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What `PUT faults` takes: it replaces everything armed before.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmFaults {
    /// The faults to arm.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// How long every call waits before it does anything.
    #[serde(default)]
    pub latency_ms: u64,
}

/// What `GET faults` gives.
#[derive(Debug, Serialize, Deserialize)]
pub struct ArmedFaults {
    /// The faults and how far they have come.
    pub faults: Vec<FaultStatus>,
    /// The latency that is set.
    pub latency_ms: u64,
}

/// What `PUT rates` takes: it replaces every rate before, and `{}` lifts them all.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRates {
    /// Whether the rates that AWS and Stripe publish are enforced.
    #[serde(default)]
    pub published: bool,
    /// More rates. Where several cover a call, it draws from the buckets of all.
    #[serde(default)]
    pub rates: Vec<Rate>,
}

/// What `GET rates` gives.
#[derive(Debug, Serialize, Deserialize)]
pub struct RatesInForce {
    /// The rates that calls are held to.
    pub rates: Vec<Rate>,
    /// Calls that were over a rate since the start or the last `POST calls/reset`.
    pub rejections: ByOperation,
}

/// What `GET consistency` gives; `PUT consistency` takes a [`Delay`], and `{}` switches it off.
#[derive(Debug, Serialize, Deserialize)]
pub struct Consistency {
    /// For how long reads lag behind writes.
    pub delay: Delay,
    /// How many reads were answered with what was there before, since the delay was set.
    pub stale: ByOperation,
}

/// Whether a request is for these pages. A deployed API may have such a path too: its Host says so.
pub(crate) fn is_for(call: &Call) -> bool {
    call.service != "execute-api" && call.uri.path().starts_with(PREFIX)
}

/// Answers a request for one of these pages.
pub(crate) async fn answer(gateway: &Gateway, call: &Call) -> Answer {
    if !is_local_host(call.header("host")) {
        return refused(403, "only for 127.0.0.1 and localhost");
    }
    let page = &call.uri.path()[PREFIX.len()..];
    match (call.method.as_str(), page) {
        ("GET", "health") => health(gateway).await,
        ("GET", "calls") => shown(&gateway.traffic.counts()),
        ("POST", "calls/reset") => {
            gateway.traffic.reset();
            Answer::json(200, &json!({}))
        }
        ("GET", "faults") => faults(gateway),
        ("PUT", "faults") => arm(gateway, call),
        ("POST", "faults/release") => {
            gateway.traffic.release();
            faults(gateway)
        }
        ("GET", "faults/wait") => wait(gateway, call).await,
        ("GET", "rates") => rates(gateway),
        ("PUT", "rates") => set_rates(gateway, call),
        ("GET", "consistency") => consistency(gateway),
        ("PUT", "consistency") => match serde_json::from_slice(&call.body) {
            Ok(delay) => {
                gateway.lag.set(delay);
                consistency(gateway)
            }
            Err(error) => refused(400, &format!("not a delay: {error}")),
        },
        ("GET", "clock") => shown(&gateway.timeline.clock().reading()),
        ("POST", "clock/advance") => advance(gateway, call).await,
        ("GET", "site") => shown(&json!({ "url": gateway.site })),
        ("GET", "mailbox") => shown(&json!({ "mails": gateway.timeline.mailbox().mails() })),
        ("GET", "costs") => shown(&gateway.costs.model()),
        ("PUT", "costs") => match gateway.costs.set_json(&call.body) {
            Ok(()) => Answer::json(200, &json!({})),
            Err(error) => refused(400, &format!("not a cost model: {error}")),
        },
        _ => refused(
            404,
            &format!(
                "no {} {PREFIX}{page}; there are health, calls, calls/reset, faults, faults/release, faults/wait, rates, consistency, clock, clock/advance, site, mailbox, costs",
                call.method
            ),
        ),
    }
}

async fn health(gateway: &Gateway) -> Answer {
    let asked = gateway.upstream.rest("ministack", Method::GET, "/_ministack/health", "").await;
    let ministack = match &asked {
        Ok(answer) if answer.is_success() => "ok".to_owned(),
        Ok(answer) => format!("answers {}", answer.status),
        Err(error) => error.to_string(),
    };
    let status = if ministack == "ok" { 200 } else { 503 };
    Answer::json(status, &json!({"pid": std::process::id(), "ministack": ministack}))
}

/// Answers when all that falls due has happened.
async fn advance(gateway: &Gateway, call: &Call) -> Answer {
    let Advance { seconds } = match serde_json::from_slice(&call.body) {
        Ok(wanted) => wanted,
        Err(error) => return refused(400, &format!("not a number of seconds to advance: {error}")),
    };
    match gateway.timeline.advance(seconds).await {
        Ok(advanced) => shown(&advanced),
        Err(error @ AdvanceError::TooFar(_)) => refused(400, &error.to_string()),
        Err(error @ AdvanceError::Upstream(_)) => refused(503, &error.to_string()),
    }
}

fn faults(gateway: &Gateway) -> Answer {
    let latency_ms = u64::try_from(gateway.traffic.latency().as_millis()).unwrap_or(u64::MAX);
    shown(&ArmedFaults { faults: gateway.traffic.faults(), latency_ms })
}

fn arm(gateway: &Gateway, call: &Call) -> Answer {
    let wanted: ArmFaults = match serde_json::from_slice(&call.body) {
        Ok(wanted) => wanted,
        Err(error) => return refused(400, &format!("not a list of faults: {error}")),
    };
    if let Err(error) = gateway.traffic.arm(wanted.faults) {
        return refused(400, &error.to_string());
    }
    gateway.traffic.set_latency(Duration::from_millis(wanted.latency_ms));
    faults(gateway)
}

fn consistency(gateway: &Gateway) -> Answer {
    shown(&Consistency { delay: gateway.lag.delay(), stale: gateway.lag.stale() })
}

fn rates(gateway: &Gateway) -> Answer {
    shown(&RatesInForce { rates: gateway.traffic.rates(), rejections: gateway.traffic.counts().rejections })
}

fn set_rates(gateway: &Gateway, call: &Call) -> Answer {
    let mut wanted: SetRates = match serde_json::from_slice(&call.body) {
        Ok(wanted) => wanted,
        Err(error) => return refused(400, &format!("not a list of rates: {error}")),
    };
    if wanted.published {
        wanted.rates.extend(published());
    }
    match gateway.traffic.set_rates(wanted.rates) {
        Ok(()) => rates(gateway),
        Err(error) => refused(400, &error.to_string()),
    }
}

/// `faults/wait?id=1&state=holding`: answers when the fault has come so far, or after a minute, with all faults.
async fn wait(gateway: &Gateway, call: &Call) -> Answer {
    let id = call.parameter("id").and_then(|id| id.parse().ok());
    let state =
        call.parameter("state").map_or(Ok(FaultState::Holding), |state| serde_json::from_value(Value::String(state)));
    let (Some(id), Ok(state)) = (id, state) else {
        return refused(400, "faults/wait takes id=NUMBER and state=struck, holding or done");
    };
    let _ = tokio::time::timeout(LONGEST_WAIT, gateway.traffic.until(id, state)).await;
    faults(gateway)
}

/// A web page that made its name resolve to loopback shall not read or set anything here.
fn is_local_host(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "127.0.0.1" || name == "localhost"
}

fn shown(value: &impl Serialize) -> Answer {
    match serde_json::to_value(value) {
        Ok(value) => Answer::json(200, &value),
        Err(error) => refused(500, &error.to_string()),
    }
}

fn refused(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({"message": message}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::costs::Costs;
    use crate::gateway::classify::classify;
    use crate::gateway::pipeline::Upstream;
    use crate::gateway::traffic::Traffic;
    use crate::timeline::Timeline;
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue};
    use localstripe::Stripe;

    fn gateway() -> Gateway {
        let upstream = Upstream::new("127.0.0.1:1".into(), "123456789012".into(), "us-east-1".into());
        let (traffic, lag, costs) = (Traffic::new(), Default::default(), Costs::default());
        let stripe = Stripe::new(Default::default());
        let timeline = Timeline::new(Clock::default(), upstream.clone(), costs.clone(), stripe);
        let site = "http://localhost:1".to_owned();
        Gateway {
            upstream,
            rules: crate::gateway::pipeline::Rules::new(Vec::new()),
            traffic,
            lag,
            costs,
            timeline,
            site,
        }
    }

    async fn ask(gateway: &Gateway, method: &str, page: &str, body: &'static str) -> (u16, Value) {
        ask_host(gateway, method, page, body, "127.0.0.1:4600").await
    }

    async fn ask_host(
        gateway: &Gateway,
        method: &str,
        page: &str,
        body: &'static str,
        host: &'static str,
    ) -> (u16, Value) {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(host));
        let uri = format!("{PREFIX}{page}").parse().unwrap();
        let call = classify(method.parse().unwrap(), uri, headers, Bytes::from_static(body.as_bytes()));
        assert!(is_for(&call));
        let answer = answer(gateway, &call).await;
        (answer.status, answer.body_json())
    }

    #[tokio::test]
    async fn calls_are_shown_and_forgotten() {
        let gateway = gateway();
        gateway.traffic.admit("iam", "GetRole", false).await.settle(404);
        let (status, calls) = ask(&gateway, "GET", "calls", "").await;
        assert_eq!(status, 200);
        assert_eq!(calls["services"]["iam"]["GetRole"], 1);
        assert_eq!(
            calls["log"][0],
            json!({"n": 1, "service": "iam", "operation": "GetRole", "write": false, "status": 404})
        );
        ask(&gateway, "POST", "calls/reset", "").await;
        assert_eq!(ask(&gateway, "GET", "calls", "").await.1["total"], 0);
    }

    #[tokio::test]
    async fn faults_are_armed_shown_and_refused_when_wrong() {
        let gateway = gateway();
        let (status, shown) =
            ask(&gateway, "PUT", "faults", r#"{"faults":[{"nth":3,"effect":"throttle"}],"latency_ms":7}"#).await;
        assert_eq!((status, &shown["latency_ms"], &shown["faults"][0]["state"]), (200, &json!(7), &json!("armed")));
        let (status, error) = ask(&gateway, "PUT", "faults", r#"{"faults":[{"nth":0,"effect":"throttle"}]}"#).await;
        assert!(status == 400 && error["message"].as_str().unwrap().contains("nth is 0"));
        assert_eq!(ask(&gateway, "PUT", "faults", r#"{"fault":[]}"#).await.0, 400);
        assert_eq!(ask(&gateway, "GET", "faults/wait?state=holding", "").await.0, 400);
    }

    #[tokio::test]
    async fn rates_are_set_shown_and_lifted() {
        let gateway = gateway();
        assert_eq!(ask(&gateway, "GET", "rates", "").await, (200, json!({"rates": [], "rejections": {}})));
        let own = r#"{"rates":[{"service":"iam","operations":["GetRole"],"per_second":1,"burst":1}]}"#;
        assert_eq!(ask(&gateway, "PUT", "rates", own).await.0, 200);
        for _ in 0..3 {
            gateway.traffic.admit("iam", "GetRole", false).await.settle(200);
        }
        let (_, shown) = ask(&gateway, "GET", "rates", "").await;
        assert_eq!(shown["rejections"], json!({"iam": {"GetRole": 2}}));
        assert_eq!(ask(&gateway, "GET", "calls", "").await.1["rejections"], shown["rejections"]);
        let (_, shown) = ask(&gateway, "PUT", "rates", r#"{"published":true}"#).await;
        assert_eq!(shown["rates"].as_array().unwrap().len(), published().len());
        assert_eq!(ask(&gateway, "PUT", "rates", "{}").await.1["rates"], json!([]));
        let zero = r#"{"rates":[{"service":"iam","operations":["*"],"per_second":0,"burst":1}]}"#;
        let (status, error) = ask(&gateway, "PUT", "rates", zero).await;
        assert!(status == 400 && error["message"].as_str().unwrap().contains("per_second"), "{error}");
        assert_eq!(ask(&gateway, "PUT", "rates", r#"{"publishd":true}"#).await.0, 400);
    }

    #[tokio::test]
    async fn the_delay_is_shown_and_set() {
        let gateway = gateway();
        let (status, shown) = ask(&gateway, "PUT", "consistency", r#"{"delay_ms":5,"at_most_ms":9,"seed":3}"#).await;
        assert_eq!(status, 200);
        assert_eq!(shown, json!({"delay": {"delay_ms": 5, "at_most_ms": 9, "seed": 3}, "stale": {}}));
        assert_eq!(gateway.lag.delay(), Delay { delay_ms: 5, at_most_ms: 9, seed: 3 });
        assert_eq!(ask(&gateway, "PUT", "consistency", "{}").await.1["delay"]["delay_ms"], 0);
        assert_eq!(ask(&gateway, "PUT", "consistency", r#"{"delay":5}"#).await.0, 400);
    }

    #[tokio::test]
    async fn the_cost_model_is_shown_and_set() {
        let gateway = gateway();
        let (status, model) = ask(&gateway, "GET", "costs", "").await;
        assert_eq!((status, &model["page_size"]), (200, &json!(1000)));
        assert_eq!(ask(&gateway, "PUT", "costs", r#"{"page_size":7}"#).await.0, 200);
        assert_eq!(ask(&gateway, "GET", "costs", "").await.1["page_size"], 7);
        let (status, error) = ask(&gateway, "PUT", "costs", r#"{"page_sise":7}"#).await;
        assert!(status == 400 && error["message"].as_str().unwrap().contains("page_sise"), "{error}");
    }

    #[tokio::test]
    async fn the_clock_is_shown_and_wrong_advances_are_refused() {
        let gateway = gateway();
        let (status, clock) = ask(&gateway, "GET", "clock", "").await;
        assert_eq!((status, &clock["offset_seconds"]), (200, &json!(0)));
        let now: jiff::Timestamp = clock["now"].as_str().unwrap().parse().unwrap();
        assert!(now.duration_since(jiff::Timestamp::now()).abs() < jiff::SignedDuration::from_mins(1), "{now}");
        for body in ["", "{}", r#"{"seconds":-1}"#, r#"{"second":1}"#, r#"{"seconds":99999999999}"#] {
            assert_eq!(ask(&gateway, "POST", "clock/advance", body).await.0, 400, "{body}");
        }
        let (status, error) = ask(&gateway, "POST", "clock/advance", r#"{"seconds":60}"#).await;
        assert!(status == 503 && error["message"].as_str().unwrap().contains("127.0.0.1:1"), "{error}");
        assert_eq!(ask_host(&gateway, "GET", "clock", "", "evil.example:4600").await.0, 403);
        assert_eq!(ask(&gateway, "GET", "mailbox", "").await, (200, json!({"mails": []})));
    }

    #[tokio::test]
    async fn a_missing_ministack_is_unhealthy_and_a_foreign_host_is_refused() {
        let gateway = gateway();
        let (status, body) = ask(&gateway, "GET", "health", "").await;
        assert!(status == 503 && body["ministack"].as_str().unwrap().contains("127.0.0.1:1"));
        assert_eq!(ask_host(&gateway, "GET", "calls", "", "evil.example:4600").await.0, 403);
        assert_eq!(ask(&gateway, "GET", "nothing", "").await.0, 404);
    }
}
