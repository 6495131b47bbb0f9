//! Reports in S3: an object, a folder and its manifest give what the same files give on disk; a part that is written
//! again in the middle is noticed.

use std::fmt::Write as _;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use localcloud::gateway::fault::{Effect, Fault};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Ran, Stage, TenantDraft};

const BUCKET: &str = "acme-cost-reports";
const FOLDER: &str = "reports/r/20260101-20260201";

/// A report of a month whose costs depend on the seed.
fn report(seed: u64) -> String {
    let mut text = "bill/BillingPeriodStartDate,bill/InvoiceId,lineItem/UsageStartDate,lineItem/ProductCode,\
        lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,resourceTags/user:tenant\n"
        .to_owned();
    for row in 0..2_000 {
        let (tenant, service, day) = (row % 7, row % 3, row % 31 + 1);
        let _ = writeln!(
            text,
            "2026-01-01T00:00:00Z,1,2026-01-{day:02}T00:00:00Z,Service{service},{row}.25,USD,{}.{:010},tenant-{tenant}",
            row * seed % 17,
            row * 7_919 * seed % 10_000_000_000,
        );
    }
    text
}

fn manifest(version: &str) -> String {
    format!(
        r#"{{"assemblyId":"{version}","bucket":"{BUCKET}","reportName":"r","billingPeriod":{{"start":"20260101T000000.000Z"}},
            "reportKeys":["{FOLDER}/{version}/r-1.csv","{FOLDER}/{version}/r-2.csv"]}}"#
    )
}

async fn stage() -> (Stage, Client) {
    let draft = Draft::new("costs").tenant(TenantDraft::new("press", "MMP-Toledo"));
    let mut stage = Stage::without_handlers(&draft.yaml()).await;
    stage.set("COLUMNS", "400");
    let s3 = stage.root().await.s3();
    s3.create_bucket().bucket(BUCKET).send().await.expect("a bucket");
    (stage, s3)
}

async fn put(s3: &Client, key: &str, text: &str) {
    let body = ByteStream::from(text.as_bytes().to_vec());
    s3.put_object().bucket(BUCKET).key(key).body(body).send().await.expect("the object is put");
}

async fn csv(stage: &Stage, places: &[&str]) -> Ran {
    stage.run_as_root(&[&["costs", "report", "--format", "csv", "--by", "tenant,service,day"], places].concat()).await
}

/// What the same files give on disk.
async fn on_disk(stage: &Stage, parts: &[String]) -> String {
    let names = (0..parts.len()).map(|part| format!("part-{part}.csv"));
    let names: Vec<String> = names.collect();
    for (name, part) in names.iter().zip(parts) {
        std::fs::write(stage.folder().join(name), part).expect("written");
    }
    csv(stage, &names.iter().map(String::as_str).collect::<Vec<_>>()).await.ok().stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn an_object_a_folder_and_a_manifest_are_read_as_files_are() {
    let (stage, s3) = stage().await;
    for (version, seed) in [("old", 3), ("new", 5)] {
        put(&s3, &format!("{FOLDER}/{version}/r-1.csv"), &report(seed)).await;
        put(&s3, &format!("{FOLDER}/{version}/r-2.csv"), &report(seed + 1)).await;
        put(&s3, &format!("{FOLDER}/{version}/r-Manifest.json"), &manifest(version)).await;
    }
    put(&s3, &format!("{FOLDER}/r-Manifest.json"), &manifest("new")).await;

    let both = on_disk(&stage, &[report(5), report(6)]).await;
    let address = |rest: &str| format!("s3://{BUCKET}/{rest}");
    for place in ["reports", "reports/r/", &format!("{FOLDER}/new/r-Manifest.json")] {
        assert_eq!(csv(&stage, &[&address(place)]).await.ok().stdout, both, "{place}");
    }
    let old = on_disk(&stage, &[report(3)]).await;
    assert_eq!(csv(&stage, &[&address(&format!("{FOLDER}/old/r-1.csv"))]).await.ok().stdout, old);

    let old_and_new = ["old", "new"].map(|version| address(&format!("{FOLDER}/{version}/r-Manifest.json")));
    let compare = ["costs", "report", "--by", "tenant", "--compare", &old_and_new[0], &old_and_new[1]];
    let changed = stage.run_as_root(&compare).await.ok().stdout;
    assert!(changed.contains("tenant-6"), "{changed}");

    let failed = csv(&stage, &[&address("elsewhere")]).await.exits(1);
    assert!(
        failed.stderr.contains("s3://acme-cost-reports/elsewhere has no cost report below it"),
        "{}",
        failed.stderr
    );
    let failed = csv(&stage, &[&address("none.csv")]).await.exits(1);
    assert!(failed.stderr.contains("s3://acme-cost-reports/none.csv cannot be read"), "{}", failed.stderr);
}

/// Reads an object, and writes it again as soon as its first bytes have been read.
async fn read_while_written(stage: &Stage, s3: &Client) -> Ran {
    put(s3, "r.csv", &report(3)).await;
    let traffic = stage.place.cloud.traffic();
    let held = Fault::on_operation("s3", "GetObject", Effect::HoldAnswer);
    let fault = traffic.arm(vec![held]).expect("armed")[0];
    let root = stage.place.root();
    let place = format!("s3://{BUCKET}/r.csv");
    let mut command = stage.command(&["costs", "report", "--format", "csv", "--by", "tenant,service,day", &place]);
    command.env("AWS_ACCESS_KEY_ID", root.id).env("AWS_SECRET_ACCESS_KEY", root.secret);
    let mut run = command.spawn().expect("billform starts");
    assert_eq!(stage.until_held(fault, &mut run).await, None, "it ended before it read");
    put(s3, "r.csv", &report(4)).await;
    traffic.release();
    stage.finish(run).await.ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_part_that_is_written_again_meanwhile_is_read_from_its_beginning() {
    let (stage, s3) = stage().await;
    let ran = read_while_written(&stage, &s3).await;
    assert_eq!(ran.stdout, on_disk(&stage, &[report(4)]).await);
    assert!(ran.stderr.contains("written again while it was read"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_bucket_with_versions_gives_the_version_that_was_looked_at() {
    let (stage, s3) = stage().await;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let call = s3.put_bucket_versioning().bucket(BUCKET).versioning_configuration(enabled);
    call.send().await.expect("versions are kept");
    let ran = read_while_written(&stage, &s3).await;
    assert_eq!((ran.stdout, ran.stderr.as_str()), (on_disk(&stage, &[report(3)]).await, ""));
    let place = format!("s3://{BUCKET}/r.csv");
    assert_eq!(csv(&stage, &[&place]).await.ok().stdout, on_disk(&stage, &[report(4)]).await);
}
