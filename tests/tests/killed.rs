//! `apply` killed with SIGKILL at any moment, then applied again: the same resources, none twice.
//!
//! The moments are drawn: after the k-th call of the whole apply that changes something, AWS and Stripe counted
//! together, took effect and before its answer went out. A kill around a read is one of these as well: the next
//! write never happens. `BILLFORM_SEED` repeats a run, `BILLFORM_KILLS` draws more moments than five.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use futures::{StreamExt as _, stream};
use localcloud::gateway::fault::{Effect, Fault};
use serde_json::Value;
use tests::stage::{Inventory, PORTAL, Stage};

/// How many moments are tried.
const KILLS: u64 = 5;

/// Clouds that run at once.
const AT_ONCE: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_apply_killed_at_any_call_is_finished_by_the_next() {
    let seed = number("BILLFORM_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("BILLFORM_SEED={seed} repeats this");
    let undisturbed = undisturbed().await;
    println!("an undisturbed apply changes something by {} calls", undisturbed.writes);
    let moments = draw(seed, number("BILLFORM_KILLS").unwrap_or(KILLS), undisturbed.writes);
    let runs = moments.into_iter().map(|k| killed_after(k, &undisturbed));
    let told: Vec<String> = stream::iter(runs).buffered(AT_ONCE).collect().await;
    told.iter().for_each(|line| println!("{line}"));
}

/// What an apply that nobody disturbs comes to.
struct Undisturbed {
    writes: u64,
    inventory: Inventory,
    records: BTreeMap<String, Value>,
}

async fn undisturbed() -> Undisturbed {
    let stage = Stage::without_handlers(PORTAL).await;
    stage.place.cloud.traffic().reset();
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let writes = stage.place.cloud.traffic().counts().log.iter().filter(|call| call.write).count() as u64;
    Undisturbed { writes, inventory: stage.inventory().await, records: records(&stage) }
}

/// Kills one apply, applies again, compares. Says which call was hit.
async fn killed_after(k: u64, undisturbed: &Undisturbed) -> String {
    let stage = Stage::without_handlers(PORTAL).await;
    let hit = kill(&stage, k).await;
    let told = format!("killed after write {k}: {hit}");
    let again = stage.run(&["apply", "--auto-approve"]).await;
    assert_eq!(again.status, Some(0), "{told}\n{}{}", again.stdout, again.stderr);
    assert_eq!(stage.inventory().await, undisturbed.inventory, "{told}");
    assert_eq!(records(&stage), undisturbed.records, "{told}");
    let third = stage.run(&["plan", "--refresh", "full", "--detailed-exitcode"]).await;
    assert_eq!(third.status, Some(0), "{told}\n{}{}", third.stdout, third.stderr);
    told
}

/// Starts an apply and kills it while the answer of its k-th write is held back.
async fn kill(stage: &Stage, k: u64) -> String {
    let traffic = stage.place.cloud.traffic();
    traffic.reset();
    let fault = traffic.arm(vec![Fault::on_write(k, Effect::HoldAnswer)]).expect("k counts from 1")[0];
    let mut apply = stage.start(&["apply", "--auto-approve"]);
    if let Some(status) = stage.until_held(fault, &mut apply).await {
        // Writes vary by a few from run to run: a create that is tried again until its role can be assumed.
        assert!(status.success(), "an apply that was not killed ended with {status}");
        return "beyond the last one of this run".to_owned();
    }
    apply.kill().await.expect("it is killed");
    // Calls that were under way beside the held one take effect as well; the next apply begins after them.
    while traffic.counts().in_flight > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let counts = traffic.counts();
    let struck = traffic.faults().first().and_then(|fault| fault.call);
    let call = counts.log.into_iter().find(|call| Some(call.n) == struck).expect("the log has the call");
    traffic.arm(Vec::new()).expect("no faults");
    format!("call {} of all, {}:{}", call.n, call.service, call.operation)
}

/// The state's records without what the cloud made up: ids, and texts that hold them.
fn records(stage: &Stage) -> BTreeMap<String, Value> {
    let state: Value = serde_json::from_slice(&fs::read(stage.state_path()).expect("a state")).expect("JSON");
    let records = state["records"].as_object().expect("records").clone();
    let mut made_up: Vec<(String, String)> = Vec::new();
    for (address, record) in &records {
        let outputs = record["outputs"].as_object().into_iter().flatten();
        let outputs =
            outputs.filter_map(|(name, value)| Some((value.as_str()?.to_owned(), format!("{address}.{name}"))));
        let id = record["id"].as_str().map(|id| (id.to_owned(), format!("{address}.id")));
        made_up.extend(outputs.chain(id));
    }
    // Longer texts first: an ARN holds the id.
    made_up.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    let plain = |value: &Value| {
        let text = made_up.iter().fold(value.to_string(), |text, (made_up, name)| text.replace(made_up, name));
        serde_json::from_str(&text).expect("still JSON")
    };
    records.iter().map(|(address, record)| (address.clone(), plain(record))).collect()
}

/// Moments, each between the first and the last call, no two the same while there are enough.
fn draw(seed: u64, how_many: u64, calls: u64) -> Vec<u64> {
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() as u64 != how_many.min(calls) {
        // SplitMix64 (Steele, Lea, Flood 2014): any seed will do.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let k = (mixed ^ (mixed >> 31)) % calls + 1;
        if !drawn.contains(&k) {
            drawn.push(k);
        }
    }
    drawn
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, which is no whole number")))
}

#[test]
fn a_seed_repeats_its_moments() {
    let drawn = draw(7, 5, 80);
    assert_eq!(drawn, draw(7, 5, 80));
    assert_ne!(drawn, draw(8, 5, 80));
    assert!(drawn.iter().all(|k| (1..=80).contains(k)));
    let mut all = draw(7, 9, 4);
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4]);
}
