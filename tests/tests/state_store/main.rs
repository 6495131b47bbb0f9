//! The state in S3, as a team uses it, and what ends in a clear error and no loss with either store: two applies at
//! once, a killed, a stopped and a slept holder, damaged and newer states, stores that cannot be written, credentials that
//! stop working, a network that is gone.

mod bucket;
mod crashes;
mod holders;
mod losses;
mod states;
mod tenants;

use std::time::Duration;

use localcloud::gateway::fault::{Effect, Fault};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};
use tokio::process::Child;

/// The state's bucket in these tests.
const BUCKET: &str = "acme-billform-state";
/// A lock whose holder died keeps others out for so long: longer than a busy machine pauses.
const LEASE_S: u64 = 12;

/// A small stack that keeps its state in a file.
fn in_file(project: &str) -> String {
    Draft::new(project).tenant(TenantDraft::new("press", "MMP-Toledo")).yaml()
}

/// The same with its state in S3.
fn in_s3(project: &str) -> String {
    let state = format!("state: {{ s3: {{ bucket: {BUCKET}, lease: \"{LEASE_S} seconds\" }} }}");
    Draft::new(project).tenant(TenantDraft::new("press", "MMP-Toledo")).with(&state).yaml()
}

/// The state's key in the bucket.
fn key(project: &str) -> String {
    format!("billform/{project}.json")
}

/// A stage on which nothing that is said is broken into lines.
async fn alone(manifest: &str) -> Stage {
    let mut stage = Stage::without_handlers(manifest).await;
    stage.set("COLUMNS", "400");
    stage
}

/// A stage whose state is in S3, its bucket made; the user may apply.
async fn team(project: &str) -> Stage {
    let mut stage = alone(&in_s3(project)).await;
    stage.be_permitted("init").await;
    stage.run(&["init"]).await.ok();
    stage.be_permitted("apply").await;
    stage
}

/// Starts an apply that stands still in the middle: its table is made and the answer held back.
async fn standing_still(stage: &Stage) -> Child {
    let traffic = stage.place.cloud.traffic();
    let held = Fault::on_operation("dynamodb", "CreateTable", Effect::HoldAnswer);
    let fault = traffic.arm(vec![held]).expect("armed")[0];
    let mut apply = stage.start(&["apply", "--auto-approve"]);
    assert_eq!(stage.until_held(fault, &mut apply).await, None, "apply ended before it made the table");
    quiet(stage).await;
    apply
}

/// Waits until nothing but heartbeats is under way.
async fn quiet(stage: &Stage) {
    let busy = || {
        let log = stage.place.cloud.traffic().counts().log;
        log.iter().filter(|call| call.service != "s3").count()
    };
    loop {
        let before = busy();
        tokio::time::sleep(Duration::from_millis(500)).await;
        if busy() == before {
            return;
        }
    }
}

/// Nothing is to do, and everything was looked at.
async fn is_done(stage: &Stage) {
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
}

/// Puts an object into the state's bucket, past the program.
async fn put(stage: &Stage, key: &str, text: &str) {
    let body = aws_sdk_s3::primitives::ByteStream::from(text.as_bytes().to_vec());
    let call = stage.root().await.s3().put_object().bucket(BUCKET).key(key).body(body).send();
    call.await.expect("the object is put");
}

/// The keys in the state's bucket.
async fn keys(stage: &Stage) -> Vec<String> {
    let answer = stage.root().await.s3().list_objects_v2().bucket(BUCKET).send().await.expect("objects are listed");
    answer.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
}
