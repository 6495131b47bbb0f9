//! One file per kind: its fixture, which the suite of `tests::conformance` asks all that it asks of every kind, and
//! tests of what is special about it. A new kind is one line here; by name: `cargo test -p tests conforms::budget`.

mod cloudwatch_tags;
mod dashboard;

use std::collections::BTreeSet;

/// Declares the files of the kinds, and lists their names.
macro_rules! kinds {
    ($($kind:ident,)*) => {
        $(mod $kind;)*

        const KINDS: &[&str] = &[$(stringify!($kind)),*];
    };
}

kinds! {
    allocation_tags,
    budget,
    cloudwatch_alarm,
    cloudwatch_dashboard,
    dynamodb_table,
    http_api,
    iam_oidc_provider,
    iam_role,
    lambda_function,
    log_group,
    report_definition,
    s3_bucket,
    schedule,
    secret,
    sns_topic,
    stripe_customer,
    stripe_portal_configuration,
    stripe_price,
    stripe_product,
    stripe_webhook_endpoint,
    tenant_record,
}

#[test]
fn every_kind_has_a_fixture() {
    let kinds: BTreeSet<&str> = provisioner::kinds::metas().map(|meta| meta.name).collect();
    let fixtures: BTreeSet<&str> = KINDS.iter().copied().collect();
    assert_eq!(fixtures, kinds, "each registered kind is asked all that the suite asks");
}
