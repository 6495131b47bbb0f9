//! Time passes on the local cloud: schedules fire when they are due, in order, and see the time they are due at.

mod cloud;

use cloud::functions::{self, Seen};
use cloud::{client, start};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use localcloud::gateway::pipeline::Upstream;
use localcloud::timeline::Advanced;
use localcloud::{LocalCloud, remote};
use serde_json::json;

/// A cloud on which a day has just begun, whatever the machine's time, and root's way to it.
async fn at_midnight() -> (LocalCloud, Upstream) {
    let cloud = start().await;
    let now = cloud.timeline().clock().now();
    let midnight = now.to_zoned(TimeZone::UTC).end_of_day().expect("a day").timestamp();
    let seconds = u64::try_from(midnight.duration_since(now).as_secs() + 1).expect("later");
    cloud.advance(seconds).await.expect("time passes");
    let gateway = client(&cloud);
    functions::bucket(&gateway).await;
    (cloud, gateway)
}

/// The firings as `schedule day-of-advance hour:minute`.
fn told(advanced: &Advanced, from: Timestamp) -> Vec<String> {
    let first = from.to_zoned(TimeZone::UTC).date();
    let told = |fired: &localcloud::Fired| {
        let at = fired.at.to_zoned(TimeZone::UTC);
        let day = at.date().since(first).expect("days").get_days();
        format!("{} {day} {}", fired.schedule, at.strftime("%H:%M"))
    };
    advanced.fired.iter().map(told).collect()
}

const DAY: u64 = 86_400;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn each_due_firing_happens_once_in_order_and_at_its_time() {
    let (cloud, gateway) = at_midnight().await;
    functions::function(&gateway, "sync").await;
    functions::function(&gateway, "bill").await;
    functions::rule(&gateway, "daily", "cron(0 6 * * ? *)", "sync", true).await;
    functions::rule(&gateway, "billing", "cron(0 8 * * ? *)", "bill", true).await;
    functions::rule(&gateway, "paused", "cron(0 7 * * ? *)", "bill", true).await;
    functions::events(&gateway, "DisableRule", json!({"Name": "paused"})).await;
    let from = cloud.timeline().clock().now();

    let endpoint = &cloud.description().aws_endpoint;
    let advanced = remote::advance(endpoint, 2 * DAY + 7 * 3_600).await.expect("time passes");
    let expected = ["daily 0 06:00", "billing 0 08:00", "daily 1 06:00", "billing 1 08:00", "daily 2 06:00"];
    assert_eq!(told(&advanced, from), expected);
    assert!(advanced.fired.iter().all(|fired| fired.ok && fired.tries == 1), "{advanced:?}");
    let seen = functions::seen(&gateway).await;
    let order: Vec<&str> = seen.iter().map(|seen| seen.function.as_str()).collect();
    assert_eq!(order, ["sync", "bill", "sync", "bill", "sync"]);
    for (Seen { event, now, .. }, fired) in seen.iter().zip(&advanced.fired) {
        assert_eq!(event["time"], fired.at.to_string(), "{event}");
        assert!(now.duration_since(fired.at) < SignedDuration::from_mins(2), "{now} is not {}", fired.at);
    }

    // Nothing more is due, and the clock goes on with the machine's.
    let reading = remote::clock(endpoint).await.expect("the clock");
    assert!(reading.now >= advanced.now && reading.offset_seconds == advanced.offset_seconds, "{reading:?}");
    assert_eq!(cloud.advance(0).await.expect("time passes").fired, []);
    functions::events(&gateway, "EnableRule", json!({"Name": "paused"})).await;
    let advanced = cloud.advance(DAY).await.expect("time passes");
    assert_eq!(told(&advanced, from), ["billing 2 08:00", "daily 3 06:00", "paused 3 07:00"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn failures_are_tried_three_times_and_do_not_stop_time() {
    let (cloud, gateway) = at_midnight().await;
    functions::function(&gateway, "broken").await;
    functions::function(&gateway, "sync").await;
    functions::rule(&gateway, "a-broken", "cron(0 6 * * ? *)", "broken", true).await;
    functions::rule(&gateway, "b-forbidden", "cron(0 6 * * ? *)", "sync", false).await;
    functions::rule(&gateway, "c-missing", "cron(0 6 * * ? *)", "sync", true).await;
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:nothing";
    functions::events(&gateway, "PutTargets", json!({"Rule": "c-missing", "Targets": [{"Id": "t", "Arn": arn}]})).await;
    functions::rule(&gateway, "d-good", "cron(0 6 * * ? *)", "sync", true).await;
    let advanced = cloud.advance(DAY).await.expect("time passes");
    let ends: Vec<(&str, bool, u32)> =
        advanced.fired.iter().map(|fired| (fired.schedule.as_str(), fired.ok, fired.tries)).collect();
    assert_eq!(ends, [("a-broken", false, 3), ("b-forbidden", false, 0), ("c-missing", false, 0), ("d-good", true, 1)]);
    assert!(advanced.fired[0].error.contains("as it always does"), "{advanced:?}");
    assert!(advanced.fired[1].error.contains("does not permit events.amazonaws.com"), "{advanced:?}");
    assert_eq!(functions::seen(&gateway).await.len(), 4);
}

/// Two months of three schedules: every firing. The first weeks in steps: the same firings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_long_advance_fires_all_and_steps_fire_the_same() {
    let mut ways = Vec::new();
    for steps in [vec![60 * DAY], vec![DAY / 2 + 1, 3_600, 9 * DAY, 17]] {
        let (cloud, gateway) = at_midnight().await;
        functions::function(&gateway, "sync").await;
        functions::rule(&gateway, "daily", "cron(0 6 * * ? *)", "sync", true).await;
        functions::rule(&gateway, "billing", "cron(0 8 * * ? *)", "sync", true).await;
        functions::rule(&gateway, "weekly", "cron(30 5 ? * MON *)", "sync", true).await;
        let from = cloud.timeline().clock().now();
        let mut fired = Vec::new();
        for seconds in steps {
            fired.extend(told(&cloud.advance(seconds).await.expect("time passes"), from));
        }
        assert_eq!(functions::seen(&gateway).await.len(), fired.len());
        ways.push(fired);
        cloud.stop().await;
    }
    // Each day two, and eight or nine Mondays.
    assert!((128..=129).contains(&ways[0].len()), "{}", ways[0].len());
    assert!((20..=22).contains(&ways[1].len()), "{}", ways[1].len());
    assert!(ways[0].starts_with(&ways[1]), "{ways:?}");
}
