//! Crashes at the state's own calls to S3: the process is killed at one, or all their answers are lost.
//!
//! `BILLFORM_S3_KILLS=all` kills at every call of an apply; without it a few moments stand for all, and the unit tests of the
//! store, against a bucket in memory, go through every call and every fault each time.

use localcloud::gateway::fault::{Effect, Fault};
use tests::stage::Inventory;

use super::{is_done, key, keys, team};

/// The n-th call to S3 from now.
fn on_s3(nth: u64, effect: Effect) -> Fault {
    Fault { service: Some("s3".to_owned()), ..Fault::on_call(nth, effect) }
}

/// How many calls to S3 an undisturbed apply makes, and what there is afterwards.
async fn undisturbed() -> (u64, Inventory) {
    let stage = team("crashed").await;
    stage.place.cloud.traffic().reset();
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let calls = stage.place.cloud.traffic().counts().services["s3"].values().sum();
    (calls, stage.inventory().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn an_apply_killed_at_a_call_of_its_state_is_finished_by_the_next() {
    let (calls, inventory) = undisturbed().await;
    assert!(calls >= 10, "an apply makes {calls} calls to S3");
    let all = std::env::var("BILLFORM_S3_KILLS").is_ok_and(|which| which == "all");
    // The lock, the first intents, the middle, the fold and the release.
    let moments: Vec<u64> = if all { (1..=calls).collect() } else { vec![3, calls / 2, calls - 2] };
    println!("an apply makes {calls} calls to S3; killed at {moments:?}");
    for moment in moments {
        let stage = team("crashed").await;
        let traffic = stage.place.cloud.traffic().clone();
        let fault = traffic.arm(vec![on_s3(moment, Effect::HoldAnswer)]).expect("armed")[0];
        let mut apply = stage.start(&["apply", "--auto-approve"]);
        if stage.until_held(fault, &mut apply).await.is_none() {
            apply.kill().await.expect("killed");
        }
        traffic.arm(Vec::new()).expect("no faults");
        while traffic.counts().in_flight > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        stage.run(&["apply", "--auto-approve", "--lock-timeout", "2m"]).await.ok();
        assert_eq!(stage.inventory().await, inventory, "killed at call {moment} to S3");
        is_done(&stage).await;
    }
}

/// Every second call to S3 takes effect and its answer is lost, so that each is made twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn lost_answers_of_the_state_are_found_out() {
    let (calls, inventory) = undisturbed().await;
    let stage = team("crashed").await;
    let traffic = stage.place.cloud.traffic().clone();
    let faults = (0..calls * 2).map(|n| on_s3(1 + 2 * n, Effect::LoseAnswer)).collect();
    traffic.arm(faults).expect("armed");
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let struck = traffic.faults().iter().filter(|fault| fault.call.is_some()).count() as u64;
    assert!(struck >= calls, "{struck} answers of {calls} calls were lost");
    traffic.arm(Vec::new()).expect("no faults");
    assert_eq!(stage.inventory().await, inventory);
    let left = keys(&stage).await;
    assert_eq!(left, [key("crashed"), format!("{}.lock", key("crashed"))], "nothing is left half done");
    is_done(&stage).await;
}
