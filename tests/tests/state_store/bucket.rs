//! The bucket: made once, and nobody is permitted more than they need.

use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryption};
use serde_json::Value;
use tests::live::clients::Clients as _;
use tests::stage::Stage;

use super::{BUCKET, alone, in_s3, is_done, key, keys};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn init_makes_the_bucket_and_each_command_does_with_its_own_policy() {
    let mut stage = alone(&in_s3("team")).await;
    let early = stage.run(&["apply", "--auto-approve"]).await.exits(1);
    assert!(early.stderr.contains(BUCKET) && early.stderr.contains("billform init"), "{}", early.stderr);

    stage.be_permitted("init").await;
    let made = stage.run(&["init", "--format", "json"]).await.ok().json();
    assert_eq!((made["bucket"].as_str(), made["created"].as_bool()), (Some(BUCKET), Some(true)));
    looks_safe(&stage).await;
    let again = stage.run(&["init", "--format", "json"]).await.ok().json();
    assert_eq!(again["created"].as_bool(), Some(false), "init is harmless when run twice");
    assert_eq!(keys(&stage).await, Vec::<String>::new(), "the probe leaves nothing");

    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    assert_eq!(keys(&stage).await, [key("team"), format!("{}.lock", key("team"))], "the journal is folded");
    assert!(!stage.folder().join(".billform/state.json").exists(), "nothing is kept here");

    stage.be_permitted("plan").await;
    let traffic = stage.place.cloud.traffic().clone();
    traffic.reset();
    is_done(&stage).await;
    let written: Vec<_> = traffic.counts().log.into_iter().filter(|call| call.write).collect();
    assert!(written.is_empty(), "plan neither writes nor locks: {written:?}");
    let listed = stage.run(&["state", "list"]).await.ok().stdout;
    assert!(listed.contains("iam_role."), "{listed}");
    let pulled = stage.run(&["state", "pull"]).await.ok().json();
    assert_eq!(pulled["stack"], "team");
    stage.run(&["output"]).await.ok();

    stage.be_permitted("destroy").await;
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    let pulled = stage.run(&["state", "pull"]).await.ok().json();
    assert_eq!(pulled["records"].as_object().map(serde_json::Map::len), Some(0));
}

async fn looks_safe(stage: &Stage) {
    let s3 = stage.root().await.s3();
    let versioning = s3.get_bucket_versioning().bucket(BUCKET).send().await.expect("versioning");
    assert_eq!(versioning.status(), Some(&BucketVersioningStatus::Enabled));
    let encryption = s3.get_bucket_encryption().bucket(BUCKET).send().await.expect("encryption");
    let rules = encryption.server_side_encryption_configuration().expect("a configuration").rules();
    let default = rules[0].apply_server_side_encryption_by_default().expect("a default");
    assert_eq!(default.sse_algorithm(), &ServerSideEncryption::Aes256);
    let access = s3.get_public_access_block().bucket(BUCKET).send().await.expect("a block");
    let access = access.public_access_block_configuration().expect("a configuration");
    let all = [
        access.block_public_acls(),
        access.ignore_public_acls(),
        access.block_public_policy(),
        access.restrict_public_buckets(),
    ];
    assert_eq!(all, [Some(true); 4]);
    let tags = s3.get_bucket_tagging().bucket(BUCKET).send().await.expect("tags");
    assert!(tags.tag_set().iter().any(|tag| (tag.key(), tag.value()) == ("billform:purpose", "state")), "{tags:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_bucket_that_was_made_by_hand_is_used_as_it_is() {
    let mut stage = alone(&in_s3("byhand")).await;
    let s3 = stage.root().await.s3();
    s3.create_bucket().bucket(BUCKET).send().await.expect("made by hand");
    stage.be_permitted("init").await;
    let made = stage.run(&["init", "--format", "json"]).await.ok().json();
    assert_eq!(made["created"].as_bool(), Some(false));
    let versioning = s3.get_bucket_versioning().bucket(BUCKET).send().await.expect("versioning");
    assert_eq!(versioning.status(), None, "whoever made it decides about it");
    stage.be_permitted("apply").await;
    let traffic = stage.place.cloud.traffic().clone();
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let first = traffic.counts().of("s3", "PutObject");
    traffic.reset();
    let again: Value = stage.run(&["apply", "--auto-approve", "--format", "json"]).await.ok().json();
    assert_eq!(again["halted"], Value::Null);
    assert!(traffic.counts().of("s3", "PutObject") < first, "the store is tried out once");
}
