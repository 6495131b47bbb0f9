//! The kinds of resources, one file each. A new kind is two lines here: its `mod` and its place in [`KINDS`];
//! help, permissions, conformance tests and documentation derive from that list.

pub mod allocation_tags;
pub mod budget;
pub mod cloudwatch_alarm;
pub mod cloudwatch_dashboard;
pub mod dynamodb_table;
pub mod http_api;
pub mod iam_oidc_provider;
pub mod iam_role;
pub mod lambda_function;
pub mod log_group;
pub mod report_definition;
pub mod s3_bucket;
pub mod schedule;
pub mod secret;
pub mod sns_topic;
pub mod stripe_customer;
pub mod stripe_portal_configuration;
pub mod stripe_price;
pub mod stripe_product;
pub mod stripe_webhook_endpoint;
pub mod support;
pub mod tenant_record;
pub mod typed;

use std::sync::Arc;

use engine::Kinds;
use engine::kind::{CallError, Kind};
use engine::kind_meta::KindMeta;
use futures::future::BoxFuture;
use serde::Deserialize as _;
use serde_json::Value;

use crate::cloud::Cloud;
use typed::{Erased, TypedKind};

/// Names everything of a kind in an account.
type Names = fn(Arc<Cloud>) -> BoxFuture<'static, Result<Vec<String>, CallError>>;

/// One kind of the list: what is said about it, and how it is put to work.
pub struct Entry {
    /// What is said once about it.
    pub meta: &'static KindMeta,
    make: fn(Arc<Cloud>) -> Box<dyn Kind>,
    reread: fn(&Value) -> serde_json::Result<Value>,
    inventory: Names,
}

impl Entry {
    /// Desired fields as the kind understands them: read into its `Desired` and written again. An error is a graph
    /// that the kind could not carry out.
    pub fn reread(&self, desired: &Value) -> serde_json::Result<Value> {
        (self.reread)(desired)
    }

    /// Names everything of the kind in the account, whoever made it.
    pub async fn inventory(&self, cloud: &Arc<Cloud>) -> Result<Vec<String>, CallError> {
        (self.inventory)(Arc::clone(cloud)).await
    }
}

const fn entry<K: TypedKind>() -> Entry {
    Entry {
        meta: &K::META,
        make: |cloud| Box::new(Erased(K::new(cloud))),
        reread: |desired| serde_json::to_value(K::Desired::deserialize(desired)?),
        inventory: |cloud| Box::pin(async { K::new(cloud).inventory().await }),
    }
}

/// Every kind, by name.
pub const KINDS: &[Entry] = &[
    entry::<allocation_tags::AllocationTags>(),
    entry::<budget::Budgets>(),
    entry::<cloudwatch_alarm::CloudwatchAlarms>(),
    entry::<cloudwatch_dashboard::CloudwatchDashboards>(),
    entry::<dynamodb_table::DynamodbTables>(),
    entry::<http_api::HttpApis>(),
    entry::<iam_oidc_provider::IamOidcProviders>(),
    entry::<iam_role::IamRoles>(),
    entry::<lambda_function::LambdaFunctions>(),
    entry::<log_group::LogGroups>(),
    entry::<report_definition::ReportDefinitions>(),
    entry::<s3_bucket::S3Buckets>(),
    entry::<schedule::Schedules>(),
    entry::<secret::Secrets>(),
    entry::<sns_topic::SnsTopics>(),
    entry::<stripe_customer::StripeCustomers>(),
    entry::<stripe_portal_configuration::StripePortalConfigurations>(),
    entry::<stripe_price::StripePrices>(),
    entry::<stripe_product::StripeProducts>(),
    entry::<stripe_webhook_endpoint::WebhookEndpoints>(),
    entry::<tenant_record::TenantRecords>(),
];

/// What is said about every kind.
pub fn metas() -> impl Iterator<Item = &'static KindMeta> {
    KINDS.iter().map(|entry| entry.meta)
}

/// What is said about the kind of that name.
pub fn meta(kind: &str) -> Option<&'static KindMeta> {
    metas().find(|meta| meta.name == kind)
}

/// Every kind that a manifest can ask for, at work in one account. Others are not looked for: what plans a manifest needs no
/// permission for them.
pub fn all(cloud: &Arc<Cloud>) -> Kinds {
    at_work(cloud, KINDS.iter().filter(|entry| !entry.meta.beside))
}

/// The same, and those of stacks beside a manifest's.
pub fn with_those_beside(cloud: &Arc<Cloud>) -> Kinds {
    at_work(cloud, KINDS.iter())
}

fn at_work<'a>(cloud: &Arc<Cloud>, entries: impl Iterator<Item = &'a Entry>) -> Kinds {
    Kinds::new(entries.map(|entry| (entry.make)(Arc::clone(cloud))).collect())
}
