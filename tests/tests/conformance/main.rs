//! Every kind passes one suite (`tests::conformance`), each on the local cloud as a user with the kind's own
//! permissions. A kind that is registered without a fixture here fails a test.

mod allocation_tags;
mod broken;
mod budget;
mod dynamodb_table;
mod http_api;
mod iam_role;
mod lambda_function;
mod log_group;
mod report_definition;
mod s3_bucket;
mod schedule;
mod secret;
mod stripe;
mod tenant_record;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use tests::conformance::{Finding, Fixture, check, check_lagging};
use tests::live::{LAG, lagging};

/// Makes a kind's fixture.
type Make = fn() -> BoxFuture<'static, Fixture>;

/// One fixture for every kind.
const FIXTURES: &[(&str, Make)] = &[
    ("allocation_tags", || Box::pin(allocation_tags::fixture())),
    ("budget", || Box::pin(budget::fixture())),
    ("dynamodb_table", || Box::pin(dynamodb_table::fixture())),
    ("http_api", || Box::pin(http_api::fixture())),
    ("iam_role", || Box::pin(iam_role::fixture())),
    ("lambda_function", || Box::pin(lambda_function::fixture())),
    ("log_group", || Box::pin(log_group::fixture())),
    ("report_definition", || Box::pin(report_definition::fixture())),
    ("s3_bucket", || Box::pin(s3_bucket::fixture())),
    ("schedule", || Box::pin(schedule::fixture())),
    ("secret", || Box::pin(secret::fixture())),
    ("stripe_customer", || Box::pin(stripe::customer())),
    ("stripe_price", || Box::pin(stripe::price())),
    ("stripe_product", || Box::pin(stripe::product())),
    ("tenant_record", || Box::pin(tenant_record::fixture())),
];

#[test]
fn every_kind_has_a_fixture() {
    let kinds: BTreeSet<&str> = provisioner::kinds::metas().map(|meta| meta.name).collect();
    let fixtures: BTreeSet<&str> = FIXTURES.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(fixtures, kinds, "each registered kind is asked all that the suite asks");
}

/// Asks all of these kinds at once, and tells which do not conform.
async fn ask<Answer>(kinds: impl Iterator<Item = (&'static str, Answer)>)
where
    Answer: Future<Output = Vec<Finding>> + Send + 'static,
{
    let asked = kinds.map(|(kind, answer)| tokio::spawn(async move { (kind, answer.await) }));
    let mut failed = String::new();
    for answer in futures::future::join_all(asked).await {
        match answer {
            Ok((_, findings)) if findings.is_empty() => {}
            Ok((kind, findings)) => failed.push_str(&format!("{kind}: {findings:#?}\n")),
            Err(error) => failed.push_str(&format!("{error}\n")),
        }
    }
    assert!(failed.is_empty(), "{failed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_conforms() {
    ask(FIXTURES.iter().map(|(kind, make)| {
        let answer = async {
            let fixture = make().await;
            assert_eq!(fixture.meta().name, *kind, "the fixture is of its kind");
            check(&fixture).await
        };
        (*kind, answer)
    }))
    .await;
}

/// Stripe shows a write at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_comes_to_rest_though_reads_lag() {
    let of_aws = FIXTURES.iter().filter(|(kind, _)| !kind.starts_with("stripe_"));
    ask(of_aws.map(|(kind, make)| (*kind, lagging(async { check_lagging(&make().await, LAG).await })))).await;
}
