//! The ledger table, and each tenant's customer, record and budget.

use aws_sdk_budgets::types::{
    Budget, BudgetType, ComparisonOperator, Notification, NotificationType, NotificationWithSubscribers, ResourceTag,
    Spend, Subscriber, SubscriptionType, ThresholdType, TimeUnit,
};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    PointInTimeRecoverySpecification, Projection, ProjectionType, ScalarAttributeType, SseSpecification, SseType,
    TableStatus, Tag, TimeToLiveSpecification,
};
use billing::names::{ADDRESS_TAG, LEDGER_KIND, OWNER_TAG, TENANT_ATTRIBUTE, TENANT_ITEM};
use futures::FutureExt as _;
use provisioner::kinds::{budget, dynamodb_table, stripe_customer, tenant_record};
use serde_json::Value;
use stripe::{IdempotencyKey, RequestStrategy, StripeRequest as _};
use stripe_core::customer::CreateCustomer;

use super::{Raw, Wanted, each, failed, reads, unbuildable, until_ready};
use crate::Fallible;

/// Makes all of it.
pub async fn make(raw: &Raw) -> Fallible<()> {
    let tables = raw.wanted("dynamodb_table")?;
    let table = async { each(&tables, |wanted| table(raw, wanted)).await }.shared();
    let customers = raw.wanted("stripe_customer")?;
    let records = raw.wanted("tenant_record")?;
    // Both are in the order of their addresses, which is that of the tenants.
    let pairs = customers.iter().zip(&records).map(|(customer_wanted, record_wanted)| {
        let table = table.clone();
        async move {
            let (id, ()) = futures::try_join!(customer(raw, customer_wanted), table)?;
            record(raw, record_wanted, &id).await
        }
    });
    let budgets = raw.wanted("budget")?;
    let pairs = futures::future::try_join_all(pairs);
    futures::try_join!(pairs, each(&budgets, |wanted| budget(raw, wanted)), table).map(drop)
}

async fn table(raw: &Raw, wanted: &Wanted<dynamodb_table::Desired>) -> Fallible<()> {
    let _room = raw.room("dynamodb").await?;
    let (dynamodb, desired) = (&raw.clients.dynamodb, &wanted.desired);
    let call = dynamodb.create_table().table_name(&desired.name).billing_mode(BillingMode::PayPerRequest);
    let mut call = call.set_key_schema(Some(schema(&desired.keys)?));
    for name in attributes(desired) {
        let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        call = call.attribute_definitions(attribute.build().map_err(unbuildable)?);
    }
    for (name, keys) in &desired.indexes {
        let everything = Projection::builder().projection_type(ProjectionType::All).build();
        let index = GlobalSecondaryIndex::builder().index_name(name).set_key_schema(Some(schema(keys)?));
        call = call.global_secondary_indexes(index.projection(everything).build().map_err(unbuildable)?);
    }
    if desired.kms_encryption {
        call = call.sse_specification(SseSpecification::builder().enabled(true).sse_type(SseType::Kms).build());
    }
    for (key, value) in raw.tags(&wanted.address, &desired.tags) {
        call = call.tags(Tag::builder().key(key).value(value).build().map_err(unbuildable)?);
    }
    let call = call.deletion_protection_enabled(desired.deletion_protection);
    call.send().await.map_err(failed("dynamodb:CreateTable"))?;
    until_ready(|| async {
        let now = dynamodb.describe_table().table_name(&desired.name).send().await;
        let now = now.map_err(failed("dynamodb:DescribeTable"))?;
        Ok(now.table().and_then(|table| table.table_status()) == Some(&TableStatus::Active))
    })
    .await?;
    if let Some(attribute) = &desired.ttl_attribute {
        let ttl = TimeToLiveSpecification::builder().attribute_name(attribute).enabled(true);
        let call = dynamodb.update_time_to_live().table_name(&desired.name);
        let call = call.time_to_live_specification(ttl.build().map_err(unbuildable)?);
        call.send().await.map_err(failed("dynamodb:UpdateTimeToLive"))?;
    }
    if desired.point_in_time_recovery {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true);
        let call = dynamodb.update_continuous_backups().table_name(&desired.name);
        let call = call.point_in_time_recovery_specification(on.build().map_err(unbuildable)?);
        call.send().await.map_err(failed("dynamodb:UpdateContinuousBackups"))?;
    }
    Ok(())
}

fn schema(keys: &dynamodb_table::Keys) -> Fallible<Vec<KeySchemaElement>> {
    let element = |name: &String, part| {
        KeySchemaElement::builder().attribute_name(name).key_type(part).build().map_err(unbuildable)
    };
    let sort = keys.sort.iter().map(|sort| element(sort, KeyType::Range));
    std::iter::once(element(&keys.partition, KeyType::Hash)).chain(sort).collect()
}

fn attributes(desired: &dynamodb_table::Desired) -> std::collections::BTreeSet<&String> {
    let keys = std::iter::once(&desired.keys).chain(desired.indexes.values());
    keys.flat_map(|keys| std::iter::once(&keys.partition).chain(&keys.sort)).collect()
}

/// The customer; gives its id.
async fn customer(raw: &Raw, wanted: &Wanted<stripe_customer::Desired>) -> Fallible<String> {
    let _room = raw.room("stripe").await?;
    let desired = &wanted.desired;
    let metadata: std::collections::HashMap<String, String> =
        raw.tags(&wanted.address, &desired.metadata).into_iter().collect();
    let request = CreateCustomer::new()
        .name(desired.name.clone())
        .email(desired.email.clone())
        .preferred_locales(desired.preferred_locales.clone())
        .metadata(metadata);
    let key = IdempotencyKey::new(format!("bench-{}", wanted.address)).map_err(unbuildable)?;
    let sent = request.customize().request_strategy(RequestStrategy::Idempotent(key)).send(&raw.clients.stripe).await;
    Ok(sent.map_err(failed("POST /v1/customers"))?.id.to_string())
}

async fn record(raw: &Raw, wanted: &Wanted<tenant_record::Desired>, customer: &str) -> Fallible<()> {
    let _room = raw.room("dynamodb").await?;
    let desired = &wanted.desired;
    let mut stored = desired.record.clone();
    stored["stripe_customer"] = Value::String(customer.to_owned());
    let values = [
        ("#kind", ":kind", LEDGER_KIND, TENANT_ITEM.to_owned()),
        ("#record", ":record", TENANT_ATTRIBUTE, stored.to_string()),
        ("#stack", ":stack", OWNER_TAG, raw.stack.clone()),
        ("#address", ":address", ADDRESS_TAG, wanted.address.to_string()),
    ];
    let call = raw.clients.dynamodb.update_item().table_name(&desired.table);
    let call = call.set_key(Some(reads::record_key(&desired.tenant)));
    let call = call.update_expression("SET #kind = :kind, #record = :record, #stack = :stack, #address = :address");
    let mut call = call.condition_expression("attribute_not_exists(#record) AND attribute_not_exists(#stack)");
    for (name, placeholder, attribute, value) in values {
        call = call.expression_attribute_names(name, attribute);
        call = call.expression_attribute_values(placeholder, AttributeValue::S(value));
    }
    call.send().await.map(drop).map_err(failed("dynamodb:UpdateItem"))
}

async fn budget(raw: &Raw, wanted: &Wanted<budget::Desired>) -> Fallible<()> {
    let _room = raw.room("budgets").await?;
    let desired = &wanted.desired;
    let call = raw.clients.budgets.create_budget().account_id(&raw.account).budget(limit(desired)?);
    let alerts: Fallible<Vec<_>> = desired.alerts.iter().map(alert).collect();
    let tag = |(key, value)| ResourceTag::builder().key(key).value(value).build().map_err(unbuildable);
    let tags: Fallible<Vec<_>> = raw.tags(&wanted.address, &desired.tags).into_iter().map(tag).collect();
    let call = call.set_notifications_with_subscribers(Some(alerts?)).set_resource_tags(Some(tags?));
    call.send().await.map(drop).map_err(failed("budgets:CreateBudget"))
}

#[expect(deprecated, reason = "the same request as billform's")]
fn limit(desired: &budget::Desired) -> Fallible<Budget> {
    let limit = Spend::builder().amount(desired.limit_usd.to_string()).unit("USD").build().map_err(unbuildable)?;
    Budget::builder()
        .budget_name(&desired.name)
        .budget_type(BudgetType::Cost)
        .time_unit(TimeUnit::Monthly)
        .budget_limit(limit)
        .cost_filters("TagKeyValue", vec![format!("user:{}${}", desired.tag_key, desired.tag_value)])
        .build()
        .map_err(unbuildable)
}

fn alert((threshold, who): (&u32, &budget::Subscribers)) -> Fallible<NotificationWithSubscribers> {
    let notification = Notification::builder()
        .notification_type(NotificationType::Actual)
        .comparison_operator(ComparisonOperator::GreaterThan)
        .threshold(f64::from(*threshold))
        .threshold_type(ThresholdType::Percentage)
        .build()
        .map_err(unbuildable)?;
    let subscriber = |email: &String| {
        Subscriber::builder().subscription_type(SubscriptionType::Email).address(email).build().map_err(unbuildable)
    };
    let subscribers: Fallible<Vec<_>> = who.emails.iter().map(subscriber).collect();
    let alert = NotificationWithSubscribers::builder().notification(notification);
    alert.set_subscribers(Some(subscribers?)).build().map_err(unbuildable)
}
