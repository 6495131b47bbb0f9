//! Secrets, where cost figures come from, and what Stripe sells.

use std::collections::HashMap;

use ::stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice};
use ::stripe_product::product::CreateProduct;
use aws_sdk_costandusagereport::types::{
    AwsRegion, CompressionFormat, ReportDefinition, ReportFormat, ReportVersioning, SchemaElement, Tag as ReportTag,
    TimeUnit,
};
use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry, CostAllocationTagType};
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketVersioningStatus, CreateBucketConfiguration,
    ExpirationStatus, LifecycleRule, LifecycleRuleFilter, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag as BucketTag,
    Transition, TransitionStorageClass, VersioningConfiguration,
};
use aws_sdk_secretsmanager::types::Tag as SecretTag;
use provisioner::kinds::{allocation_tags, report_definition, s3_bucket, secret, stripe_price, stripe_product};
use stripe::{IdempotencyKey, RequestStrategy, StripeRequest as _};

use super::{Raw, Wanted, each, failed, unbuildable};
use crate::Fallible;

/// The secrets, each with some value.
pub async fn secrets(raw: &Raw) -> Fallible<()> {
    let secrets = raw.wanted("secret")?;
    each(&secrets, |wanted| secret(raw, wanted)).await
}

async fn secret(raw: &Raw, wanted: &Wanted<secret::Desired>) -> Fallible<()> {
    let _room = raw.room("secretsmanager").await?;
    let desired = &wanted.desired;
    let tags = raw.tags(&wanted.address, &desired.tags).into_iter();
    let tags = tags.map(|(key, value)| SecretTag::builder().key(key).value(value).build()).collect();
    let call = raw.clients.secrets.create_secret().name(&desired.name).description(&desired.description);
    let call = call.secret_string("{\"apiKey\":\"sk_test_by_hand\"}").set_tags(Some(tags));
    call.send().await.map(drop).map_err(failed("secretsmanager:CreateSecret"))
}

/// The activated tags, and the report after its bucket.
pub async fn costs(raw: &Raw) -> Fallible<()> {
    let (tags, buckets, reports) =
        (raw.wanted("allocation_tags")?, raw.wanted("s3_bucket")?, raw.wanted("report_definition")?);
    let delivered = async {
        each(&buckets, |wanted| bucket(raw, wanted)).await?;
        each(&reports, |wanted| report(raw, wanted)).await
    };
    futures::try_join!(each(&tags, |wanted| activate(raw, wanted)), delivered).map(drop)
}

async fn activate(raw: &Raw, wanted: &Wanted<allocation_tags::Desired>) -> Fallible<()> {
    let _room = raw.room("ce").await?;
    let explorer = &raw.clients.cost_explorer;
    let listed = explorer.list_cost_allocation_tags().r#type(CostAllocationTagType::UserDefined).send().await;
    let listed = listed.map_err(failed("ce:ListCostAllocationTags"))?;
    let inactive = listed
        .cost_allocation_tags()
        .iter()
        .filter(|tag| wanted.desired.active.contains(tag.tag_key()) && tag.status == CostAllocationTagStatus::Inactive);
    let entry = |tag: &aws_sdk_costexplorer::types::CostAllocationTag| {
        let entry = CostAllocationTagStatusEntry::builder().tag_key(tag.tag_key());
        entry.status(CostAllocationTagStatus::Active).build().map_err(unbuildable)
    };
    let entries = inactive.map(entry).collect::<Fallible<Vec<_>>>()?;
    if entries.is_empty() {
        return Ok(());
    }
    let call = explorer.update_cost_allocation_tags_status().set_cost_allocation_tags_status(Some(entries));
    call.send().await.map(drop).map_err(failed("ce:UpdateCostAllocationTagsStatus"))
}

async fn bucket(raw: &Raw, wanted: &Wanted<s3_bucket::Desired>) -> Fallible<()> {
    let _room = raw.room("s3").await?;
    let (s3, desired) = (&raw.clients.s3, &wanted.desired);
    let name = &desired.name;
    // It is not there, and the answer says so.
    let _ = s3.head_bucket().bucket(name).send().await;
    let tag = |(key, value)| BucketTag::builder().key(key).value(value).build().map_err(unbuildable);
    let tags: Fallible<Vec<_>> = raw.tags(&wanted.address, &desired.tags).into_iter().map(tag).collect();
    let configuration = CreateBucketConfiguration::builder().set_tags(Some(tags?)).build();
    let call = s3.create_bucket().bucket(name).create_bucket_configuration(configuration);
    call.send().await.map_err(failed("s3:CreateBucket"))?;
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    let call = s3.put_public_access_block().bucket(name).public_access_block_configuration(block);
    call.send().await.map_err(failed("s3:PutPublicAccessBlock"))?;
    let by_default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let by_default = by_default.build().map_err(unbuildable)?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(by_default).build();
    let encryption = ServerSideEncryptionConfiguration::builder().rules(rule).build().map_err(unbuildable)?;
    let call = s3.put_bucket_encryption().bucket(name).server_side_encryption_configuration(encryption);
    call.send().await.map_err(failed("s3:PutBucketEncryption"))?;
    if desired.versioning {
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let call = s3.put_bucket_versioning().bucket(name).versioning_configuration(versioning);
        call.send().await.map_err(failed("s3:PutBucketVersioning"))?;
    }
    let call = s3.put_bucket_lifecycle_configuration().bucket(name).lifecycle_configuration(lifecycle(desired)?);
    call.send().await.map_err(failed("s3:PutBucketLifecycleConfiguration"))?;
    if let Some(policy) = &desired.policy {
        let call = s3.put_bucket_policy().bucket(name).policy(policy.to_string());
        call.send().await.map_err(failed("s3:PutBucketPolicy"))?;
    }
    Ok(())
}

fn lifecycle(desired: &s3_bucket::Desired) -> Fallible<BucketLifecycleConfiguration> {
    let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
    let mut configuration = BucketLifecycleConfiguration::builder();
    for (id, wanted) in &desired.lifecycle {
        let mut rule = LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled);
        rule = rule.filter(LifecycleRuleFilter::builder().prefix(&wanted.prefix).build());
        for (class, after) in &wanted.transitions {
            let class = TransitionStorageClass::from(class.as_str());
            rule = rule.transitions(Transition::builder().days(days(*after)).storage_class(class).build());
        }
        if let Some(after) = wanted.abort_uploads_days {
            let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(days(after)).build();
            rule = rule.abort_incomplete_multipart_upload(abort);
        }
        configuration = configuration.rules(rule.build().map_err(unbuildable)?);
    }
    configuration.build().map_err(unbuildable)
}

async fn report(raw: &Raw, wanted: &Wanted<report_definition::Desired>) -> Fallible<()> {
    let _room = raw.room("cur").await?;
    let desired = &wanted.desired;
    let elements = desired.schema_elements.iter().map(|element| SchemaElement::from(element.as_str())).collect();
    let definition = ReportDefinition::builder()
        .report_name(&desired.name)
        .time_unit(TimeUnit::from(desired.time_unit.as_str()))
        .format(ReportFormat::from(desired.format.as_str()))
        .compression(CompressionFormat::from(desired.compression.as_str()))
        .set_additional_schema_elements(Some(elements))
        .s3_bucket(&desired.bucket)
        .s3_prefix(&desired.prefix)
        .s3_region(AwsRegion::from(desired.bucket_region.as_str()))
        .refresh_closed_reports(desired.refresh_closed_reports)
        .report_versioning(ReportVersioning::from(desired.versioning.as_str()))
        .build()
        .map_err(unbuildable)?;
    let tag = |(key, value)| ReportTag::builder().key(key).value(value).build().map_err(unbuildable);
    let tags: Fallible<Vec<_>> = raw.tags(&wanted.address, &desired.tags).into_iter().map(tag).collect();
    let call = raw.clients.cost_reports.put_report_definition().report_definition(definition);
    call.set_tags(Some(tags?)).send().await.map(drop).map_err(failed("cur:PutReportDefinition"))
}

/// The products, each before its prices.
pub async fn products(raw: &Raw) -> Fallible<()> {
    let prices: Vec<Wanted<stripe_price::Desired>> = raw.wanted("stripe_price")?;
    let products = raw.wanted("stripe_product")?;
    each(&products, |wanted| with_prices(raw, wanted, &prices)).await
}

async fn with_prices(
    raw: &Raw,
    wanted: &Wanted<stripe_product::Desired>,
    prices: &[Wanted<stripe_price::Desired>],
) -> Fallible<()> {
    let id = product(raw, wanted).await?;
    let of_product = format!("{}.", wanted.address.name());
    let its_own = prices.iter().filter(|price| price.address.name().starts_with(&of_product));
    futures::future::try_join_all(its_own.map(|wanted| price(raw, wanted, &id))).await.map(drop)
}

fn key(wanted: &engine::Address) -> Fallible<RequestStrategy> {
    IdempotencyKey::new(format!("bench-{wanted}")).map(RequestStrategy::Idempotent).map_err(unbuildable)
}

async fn product(raw: &Raw, wanted: &Wanted<stripe_product::Desired>) -> Fallible<String> {
    let _room = raw.room("stripe").await?;
    let desired = &wanted.desired;
    let metadata: HashMap<String, String> = raw.tags(&wanted.address, &desired.metadata).into_iter().collect();
    let mut request = CreateProduct::new(desired.name.clone()).active(desired.active).metadata(metadata);
    if let Some(description) = &desired.description {
        request = request.description(description.clone());
    }
    let sent = request.customize().request_strategy(key(&wanted.address)?).send(&raw.clients.stripe).await;
    Ok(sent.map_err(failed("POST /v1/products"))?.id.to_string())
}

async fn price(raw: &Raw, wanted: &Wanted<stripe_price::Desired>, product: &str) -> Fallible<()> {
    let _room = raw.room("stripe").await?;
    let desired = &wanted.desired;
    let holders = ListPrice::new().lookup_keys(vec![desired.lookup_key.clone()]).limit(1);
    holders.send(&raw.clients.stripe).await.map_err(failed("GET /v1/prices"))?;
    let currency = desired.currency.parse::<stripe_types::Currency>().map_err(|_| "no currency".to_owned())?;
    let metadata: HashMap<String, String> = raw.tags(&wanted.address, &desired.metadata).into_iter().collect();
    let mut request = CreatePrice::new(currency)
        .product(product.to_owned())
        .unit_amount(desired.unit_amount)
        .lookup_key(desired.lookup_key.clone())
        .transfer_lookup_key(true)
        .active(desired.active)
        .metadata(metadata);
    if let Some(nickname) = &desired.nickname {
        request = request.nickname(nickname.clone());
    }
    if desired.interval.is_some() {
        request = request.recurring(CreatePriceRecurring::new(CreatePriceRecurringInterval::Month));
    }
    let sent = request.customize().request_strategy(key(&wanted.address)?).send(&raw.clients.stripe).await;
    sent.map(drop).map_err(failed("POST /v1/prices"))
}
