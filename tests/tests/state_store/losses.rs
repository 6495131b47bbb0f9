//! What goes missing in the middle of an apply: the network, the credentials, the right to write.

use std::fs;
use std::time::Instant;

use localcloud::gateway::fault::{Effect, Fault};
use tests::live::clients::Clients as _;
use tests::stage::Stage;

use super::{alone, in_file, in_s3, is_done, standing_still, team};

/// Cuts the network off after some writes, applies, repairs it, applies again.
async fn without_a_network(stage: &Stage) {
    let traffic = stage.place.cloud.traffic().clone();
    traffic
        .arm(vec![Fault { service: Some("iam".to_owned()), ..Fault::on_write(2, Effect::HoldAnswer) }])
        .expect("armed");
    let fault = traffic.faults()[0].id;
    let mut apply = stage.start(&["apply", "--auto-approve", "--network-timeout", "2s", "--format", "json", "-v"]);
    assert_eq!(stage.until_held(fault, &mut apply).await, None, "apply ended early");
    traffic.arm(vec![Fault::on_call(1, Effect::CutOff)]).expect("armed");
    traffic.release();
    let began = Instant::now();
    let ended = stage.finish(apply).await.exits(1);
    // Step by step it would be minutes: each step looks and calls again a dozen times.
    assert!(began.elapsed().as_secs() < 60, "{:?} {}", began.elapsed(), ended.stderr);
    let halted = ended.json()["halted"].as_str().unwrap_or_default().to_owned();
    assert!(halted.contains("could be reached"), "{halted}\n{}", ended.stderr);
    traffic.arm(Vec::new()).expect("the network is back");
    stage.run(&["apply", "--auto-approve", "--lock-timeout", "2m"]).await.ok();
    is_done(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_lost_network_ends_in_one_clear_error_with_a_file() {
    without_a_network(&alone(&in_file("offline")).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_lost_network_ends_in_one_clear_error_with_s3() {
    without_a_network(&team("offline").await).await;
}

/// Takes the user's key away in the middle of an apply; AWS answers the same way when a session's token expires.
async fn without_credentials(mut stage: Stage) {
    let traffic = stage.place.cloud.traffic().clone();
    let apply = standing_still(&stage).await;
    let key = stage.user().id.clone();
    take_away(&stage, &key).await;
    traffic.reset();
    traffic.release();
    let ended = stage.finish(apply).await.exits(1);
    assert!(ended.stdout.contains("halted:"), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("no longer takes the credentials"), "{}", ended.stdout);
    let tried = traffic.counts().log.into_iter().filter(|call| call.write && call.service != "s3").count();
    assert!(tried < 12, "the other steps were not tried: {tried}");
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve", "--lock-timeout", "2m"]).await.ok();
    is_done(&stage).await;
}

/// Deletes an access key, whoever has it.
async fn take_away(stage: &Stage, key: &str) {
    let iam = stage.root().await.iam();
    let users = iam.list_users().send().await.expect("users are listed");
    for user in users.users() {
        let keys = iam.list_access_keys().user_name(user.user_name()).send().await.expect("keys are listed");
        if keys.access_key_metadata().iter().any(|known| known.access_key_id() == Some(key)) {
            let gone = iam.delete_access_key().user_name(user.user_name()).access_key_id(key).send().await;
            gone.expect("the key is deleted");
            return;
        }
    }
    panic!("nobody has the key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn credentials_that_stop_working_halt_the_run_with_a_file() {
    without_credentials(alone(&in_file("expired")).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn credentials_that_stop_working_halt_the_run_with_s3() {
    without_credentials(team("expired").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_store_that_cannot_be_written_is_found_out_before_anything_is_done() {
    let mut stage = team("readonly").await;
    let there = stage.inventory().await;
    // Everything that an apply needs, but for the state only what a plan needs.
    let policy = stage.run(&["permissions", "--for", "apply"]).await.ok().stdout;
    stage.be_user_under(&policy.replace("\"s3:PutObject\",", "").replace("\"s3:PutObject\"", "\"s3:GetObject\"")).await;
    let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1);
    let said = &refused.stderr;
    assert!(said.contains("s3:PutObject") && said.contains("billform permissions"), "{said}");
    assert_eq!(stage.inventory().await, there);

    stage.write(&in_file("readonly"));
    // Not a matter of rights: a file where the folder should be stops root, too.
    fs::write(stage.folder().join(".billform"), "").expect("written");
    let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1);
    assert!(refused.stderr.contains("billform needs to write in its folder"), "{}", refused.stderr);
    assert_eq!(stage.inventory().await, there);

    fs::remove_file(stage.folder().join(".billform")).expect("removed");
    stage.write(&in_s3("readonly"));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    is_done(&stage).await;
}

/// A call took effect and its answer never comes, as when a router forgets the connection: it is given up, made again,
/// and found done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn an_answer_that_never_comes_is_not_waited_for() {
    let stage = alone(&in_file("silent")).await;
    let traffic = stage.place.cloud.traffic().clone();
    let silent = ["CreateTable", "CreateRole"].map(|operation| {
        let service = if operation == "CreateTable" { "dynamodb" } else { "iam" };
        Fault::on_operation(service, operation, Effect::HoldAnswer)
    });
    let stripe = Fault { service: Some("stripe".to_owned()), ..Fault::on_write(1, Effect::HoldAnswer) };
    traffic.arm(silent.into_iter().chain([stripe]).collect()).expect("armed");
    let began = Instant::now();
    let apply = ["apply", "--auto-approve", "--answer-timeout", "3s"];
    stage.run(&apply).await.ok();
    assert!(traffic.faults().iter().all(|fault| fault.call.is_some()), "each struck: {:?}", traffic.faults());
    assert!(began.elapsed().as_secs() < 90, "{:?}", began.elapsed());
    traffic.release();
    is_done(&stage).await;
}
