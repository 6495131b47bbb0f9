//! `rotate`: nothing that Stripe signs is refused meanwhile, a run that dies is gone on with by the next one, and there
//! are never more than two endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use billing::rotated::Rotated;
use localstripe::{Disturbance, Kind};
use serde_json::Value;
use tests::faults::Case;
use tests::live::clients::Clients as _;
use tests::stage::{PORTAL, Ran, Stage};

/// Events during one rotation.
const EVENTS: usize = 1_000;

const WEBHOOK: &str = "client-billing/webhook";
const LINK_KEY: &str = "client-billing/link-key";

/// The portal, which takes Stripe's events.
fn manifest() -> String {
    let plain = "  payment_methods: [card]\n";
    assert_eq!(PORTAL.matches(plain).count(), 1);
    PORTAL.replace(plain, "  payment_methods: [card]\n  webhook: {}\n")
}

async fn held(stage: &Stage, secret: &str) -> Rotated {
    let answer = stage.root().await.secrets().get_secret_value().secret_id(secret).send().await.expect("is read");
    Rotated::read(answer.secret_string().expect("a text"))
}

fn endpoints(stage: &Stage) -> Vec<Value> {
    stage.place.cloud.stripe().objects(Kind::WebhookEndpoint)
}

/// The most endpoints that there were at any time, as the requests to Stripe tell.
fn most_endpoints(stage: &Stage) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for seen in stage.place.cloud.stripe().requests().iter().filter(|seen| seen.status == 200 && !seen.replayed) {
        match seen.operation.as_str() {
            "POST /v1/webhook_endpoints" => now += 1,
            "DELETE /v1/webhook_endpoints/{webhook_endpoint}" => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

async fn rotate(stage: &Stage, what: &str, more: &[&str]) -> Ran {
    stage.run(&[&["rotate", what, "--auto-approve", "--format", "json"], more].concat()).await
}

fn steps(ran: &Ran) -> Vec<String> {
    let steps = ran.json()["steps"].as_array().expect("steps").clone();
    steps.iter().map(|step| step["step"].as_str().expect("a name").to_owned()).collect()
}

async fn has_nothing_to_do(stage: &mut Stage) {
    stage.be_permitted("plan").await;
    stage.run(&["plan", "--refresh", "full", "--detailed-exitcode"]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_rotation_is_begun_and_ended_and_no_plan_undoes_it() {
    let mut stage = Stage::new(&manifest()).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let first = held(&stage, WEBHOOK).await;
    assert!(first.current.starts_with("whsec_") && first.previous.is_none());
    let asked = stage.run(&["rotate", "webhook-secret"]).await.exits(1);
    assert!(asked.stdout.contains("1. Make a second endpoint") && asked.stderr.contains("--auto-approve"), "{asked:?}");

    stage.be_permitted("rotate-webhook-secret").await;
    let begun = rotate(&stage, "webhook-secret", &[]).await.ok();
    assert_eq!(steps(&begun), ["make_second_endpoint", "open_second_endpoint"]);
    let both = held(&stage, WEBHOOK).await;
    assert_eq!(both.previous, Some(first.current.clone()));
    let there = endpoints(&stage);
    assert_eq!((there.len(), &there[0]["enabled_events"]), (2, &there[1]["enabled_events"]));
    assert_eq!(steps(&rotate(&stage, "webhook-secret", &[]).await.ok()), [""; 0], "it is under way");
    has_nothing_to_do(&mut stage).await;

    stage.be_permitted("rotate-webhook-secret").await;
    let ended = rotate(&stage, "webhook-secret", &["--finish"]).await.ok();
    assert_eq!(steps(&ended), ["apply_undelivered_events", "remove_first_endpoint", "store_one_secret"]);
    assert_eq!(held(&stage, WEBHOOK).await, Rotated { current: both.current.clone(), previous: None });
    assert_eq!((endpoints(&stage).len(), most_endpoints(&stage)), (1, 2));
    assert_eq!(steps(&rotate(&stage, "webhook-secret", &["--finish"]).await.ok()), [""; 0]);
    has_nothing_to_do(&mut stage).await;

    // The key of the links, the same way.
    stage.be_permitted("rotate-link-key").await;
    let key = held(&stage, LINK_KEY).await;
    assert_eq!(steps(&rotate(&stage, "link-key", &[]).await.ok()), ["store_second_key", "note_version"]);
    let keys = held(&stage, LINK_KEY).await;
    assert!(keys.previous.as_ref() == Some(&key.current) && keys.current != key.current);
    assert_eq!(steps(&rotate(&stage, "link-key", &[]).await.ok()), [""; 0], "it is under way");
    has_nothing_to_do(&mut stage).await;
    stage.be_permitted("rotate-link-key").await;
    assert_eq!(steps(&rotate(&stage, "link-key", &["--finish"]).await.ok()), ["store_one_key", "note_version"]);
    assert_eq!(held(&stage, LINK_KEY).await, Rotated { current: keys.current, previous: None });
    has_nothing_to_do(&mut stage).await;

    for secret in [&first.current, &both.current, &key.current] {
        let told = [&begun, &ended].map(|ran| format!("{}{}", ran.stdout, ran.stderr)).concat();
        let state = std::fs::read_to_string(stage.state_path()).expect("the state");
        assert!(!told.contains(secret) && !state.contains(secret), "a secret is told");
    }
    stage.be_permitted("destroy").await;
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    assert!(endpoints(&stage).is_empty());
}

/// Every call that writes, of the beginning and of the end: killed before it takes effect, and after.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn killed_at_each_write_it_converges_when_it_is_run_again() {
    let mut stage = Stage::new(&manifest()).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let swept = "lambda/Invoke";
    let created = "stripe/POST /v1/webhook_endpoints";
    let opened = "stripe/POST /v1/webhook_endpoints/{webhook_endpoint}";
    let removed = "stripe/DELETE /v1/webhook_endpoints/{webhook_endpoint}";
    let stored = "secretsmanager/PutSecretValue";
    let noted = "secretsmanager/TagResource";
    let webhook: &[(&str, &[&str])] = &[("", &[created, stored, opened]), ("--finish", &[swept, removed, stored])];
    let link_key: &[(&str, &[&str])] = &[("", &[stored, noted]), ("--finish", &[stored, noted])];
    for (what, secret, parts) in [("webhook-secret", WEBHOOK, webhook), ("link-key", LINK_KEY, link_key)] {
        stage.be_permitted(&format!("rotate-{what}")).await;
        for (part, calls) in parts {
            for (call, disturbance) in calls.iter().flat_map(|call| [(call, "killed-before"), (call, "killed-after")]) {
                let before = held(&stage, secret).await;
                // One begins where nothing is under way, and ends where something is.
                if part.is_empty() == before.previous.is_some() {
                    rotate(&stage, what, if part.is_empty() { &["--finish"] } else { &[] }).await.ok();
                }
                killed(&mut stage, &format!("update/{call}/1/{disturbance}"), what, part).await;
                let more: &[&str] = if part.is_empty() { &[] } else { &["--finish"] };
                rotate(&stage, what, more).await.ok();
                let after = held(&stage, secret).await;
                assert_eq!(after.previous.is_some(), part.is_empty(), "{what} {part} {call} {disturbance}");
                assert_eq!(
                    steps(&rotate(&stage, what, more).await.ok()),
                    [""; 0],
                    "{what} {part} {call} {disturbance}"
                );
            }
        }
        rotate(&stage, what, &["--finish"]).await.ok();
    }
    assert_eq!((endpoints(&stage).len(), most_endpoints(&stage)), (1, 2));
    has_nothing_to_do(&mut stage).await;
}

/// Starts a rotation and kills it at the call.
async fn killed(stage: &mut Stage, case: &str, what: &str, part: &str) {
    let case: Case = case.parse().expect("a case");
    let traffic = stage.place.cloud.traffic();
    traffic.reset();
    let fault = traffic.arm(vec![case.fault()]).expect("nth counts from 1")[0];
    let arguments = ["rotate", what, "--auto-approve", part];
    let arguments: Vec<&str> = arguments.into_iter().filter(|argument| !argument.is_empty()).collect();
    let mut run = stage.start(&arguments);
    tokio::select! {
        () = traffic.until(fault, case.killed_at()) => run.kill().await.expect("it is killed"),
        ended = run.wait() => panic!("{case} is a call of it: {ended:?}"),
    }
    traffic.disarm();
    // What is under way ends.
    while traffic.counts().in_flight > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Once the first endpoint is gone, nobody delivers what waited for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_the_first_endpoint_has_yet_to_take_is_applied_before_it_goes() {
    let mut stage = Stage::new(&manifest()).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let stripe = stage.place.cloud.stripe().clone();
    let customer = stripe.objects(Kind::Customer)[0]["id"].as_str().expect("an id").to_owned();
    let undelivered = || -> BTreeSet<String> {
        let events = stripe.objects(Kind::Event).into_iter().filter(|event| event["pending_webhooks"] != 0);
        events.map(|event| event["id"].as_str().expect("an id").to_owned()).collect()
    };
    for _ in 0..600 {
        if undelivered().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(undelivered().is_empty(), "the apply's own events are delivered");
    // Deliveries of what happens now come up to a day late.
    stripe.disturb(Some(Disturbance::new(1, 0, 86_400)));
    for n in 0..5 {
        stage.at_stripe("POST", &format!("/v1/customers/{customer}"), &format!("metadata[n]={n}")).await;
    }
    stripe.disturb(None);
    let waiting = undelivered();
    assert_eq!(waiting.len(), 5);
    stage.be_permitted("rotate-webhook-secret").await;
    rotate(&stage, "webhook-secret", &[]).await.ok();
    rotate(&stage, "webhook-secret", &["--finish"]).await.ok();
    assert_eq!(undelivered(), waiting, "no endpoint took them");
    stage.be_permitted("events").await;
    let listed = stage.run(&["events", "list", "--all", "--format", "json"]).await.ok().json();
    let listed = listed["events"].as_array().expect("events").clone();
    let applied: BTreeSet<String> = listed
        .iter()
        .filter(|event| event["result"]["state"] != "dead")
        .map(|event| event["id"].as_str().expect("an id").to_owned())
        .collect();
    assert!(waiting.is_subset(&applied), "{waiting:?} of {listed:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn of_a_thousand_events_during_a_rotation_none_is_refused_and_none_applied_twice() {
    let mut stage = Stage::new(&manifest()).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let customer = stage.place.cloud.stripe().objects(Kind::Customer)[0]["id"].as_str().expect("an id").to_owned();
    stage.be_permitted("rotate-webhook-secret").await;
    let stripe = stage.place.cloud.stripe();
    // What waits for the first endpoint when it goes stays undelivered, and the rotation's own sweep told it.
    let on_their_way = || stripe.waiting().len();
    for (part, events) in [(&[][..], 0..EVENTS / 2), (&["--finish"], EVENTS / 2..EVENTS)] {
        let changes = async {
            for n in events {
                stage.at_stripe("POST", &format!("/v1/customers/{customer}"), &format!("metadata[n]={n}")).await;
                // Spread over the whole step: it pauses so that nothing is refused.
                tokio::time::sleep(Duration::from_millis(12)).await;
            }
        };
        let rotation = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            rotate(&stage, "webhook-secret", part).await.ok();
        };
        tokio::join!(changes, rotation);
        for _ in 0..600 {
            if on_their_way() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    assert_eq!(on_their_way(), 0, "all is delivered at the first attempt or not at all");
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for attempt in stripe.attempts() {
        assert!(!matches!(attempt.outcome, Ok(400..=599)), "{attempt:?}");
        if attempt.outcome == Ok(200) {
            told.entry(attempt.event).or_default().insert(attempt.endpoint);
        }
    }
    assert!(told.len() >= EVENTS, "{} events", told.len());
    let twice = told.values().filter(|endpoints| endpoints.len() == 2).count();
    assert!(twice > 0, "both endpoints told some");
    stage.be_permitted("events").await;
    let listed = stage.run(&["events", "list", "--all", "--format", "json"]).await.ok().json();
    let listed = listed["events"].as_array().expect("events");
    let ids: BTreeSet<&str> = listed.iter().map(|event| event["id"].as_str().expect("an id")).collect();
    assert_eq!((ids.len(), listed.len()), (told.len(), told.len()), "each has one row");
    let once = |event: &&Value| event["attempts"] == 1 && event["result"]["state"] != "dead";
    let wrong: Vec<&Value> = listed.iter().filter(|event| !once(event)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{} events, {twice} of them told by both endpoints, none refused", told.len());
}
