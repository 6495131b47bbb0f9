//! `dynamodb_table`, live.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate,
    KeySchemaElement, KeyType, PointInTimeRecoverySpecification, Projection, ProjectionType, ScalarAttributeType,
    SseSpecification, Tag, TimeToLiveSpecification,
};
use billing::names::OWNER_TAG;
use provisioner::kinds::dynamodb_table::{Desired, DynamodbTables, Keys};
use provisioner::kinds::typed::TypedKind;

use crate::stage::{STACK, Stage, allowed, cloud, tags};

fn keys(partition: &str, sort: Option<&str>) -> Keys {
    Keys { partition: partition.to_owned(), sort: sort.map(str::to_owned) }
}

fn desired(name: &str) -> Desired {
    Desired {
        name: format!("kinds-{name}"),
        keys: keys("tenant", Some("item")),
        indexes: BTreeMap::from([("by_kind".to_owned(), keys("kind", Some("tenant")))]),
        ttl_attribute: Some("ttl".to_owned()),
        point_in_time_recovery: true,
        deletion_protection: true,
        kms_encryption: true,
        tags: tags(&[("team", "billing")]),
    }
}

fn bare(name: &str) -> Desired {
    Desired {
        indexes: BTreeMap::new(),
        ttl_attribute: None,
        point_in_time_recovery: false,
        deletion_protection: false,
        kms_encryption: false,
        tags: BTreeMap::new(),
        ..desired(name)
    }
}

#[tokio::test]
async fn a_table_lives() {
    let root = cloud().await;
    let cloud = allowed(&root, &[&DynamodbTables::META], BTreeMap::new()).await;
    let stage = Stage::<DynamodbTables>::new(&cloud, "life");
    let first = bare("life");
    let made = stage.create(&first).await;

    let protected = Desired { deletion_protection: true, ..first.clone() };
    stage.change(&first, &protected, &["deletion_protection"]).await;
    let encrypted = Desired { kms_encryption: true, ..protected.clone() };
    stage.change(&protected, &encrypted, &["kms_encryption"]).await;
    let index = |name: &str, by: &str| (name.to_owned(), keys(by, None));
    let indexed = Desired { indexes: BTreeMap::from([index("a", "kind"), index("b", "item")]), ..encrypted.clone() };
    stage.change(&encrypted, &indexed, &["indexes.a", "indexes.b"]).await;
    let reindexed =
        Desired { indexes: BTreeMap::from([index("a", "tenant"), index("c", "kind")]), ..encrypted.clone() };
    stage.change(&indexed, &reindexed, &["indexes.a.partition", "indexes.c", "indexes.b"]).await;
    let expiring = Desired { ttl_attribute: Some("ttl".to_owned()), ..reindexed.clone() };
    stage.change(&reindexed, &expiring, &["ttl_attribute"]).await;
    let otherwise = Desired { ttl_attribute: Some("expires".to_owned()), ..expiring.clone() };
    stage.change(&expiring, &otherwise, &["ttl_attribute"]).await;
    let restorable = Desired { point_in_time_recovery: true, ttl_attribute: None, ..otherwise.clone() };
    stage.change(&otherwise, &restorable, &["ttl_attribute", "point_in_time_recovery"]).await;
    let tagged = Desired { tags: tags(&[("team", "billing")]), ..restorable.clone() };
    stage.change(&restorable, &tagged, &["tags.team"]).await;
    let untagged = Desired { tags: BTreeMap::new(), kms_encryption: false, ..tagged.clone() };
    stage.change(&tagged, &untagged, &["kms_encryption", "tags.team"]).await;

    // Protected as it is, an approved delete takes it away.
    stage.delete(&made.id, &untagged).await;
}

#[tokio::test]
async fn a_table_is_repaired() {
    let cloud = cloud().await;
    let stage = Stage::<DynamodbTables>::new(&cloud, "repair");
    let desired = desired("repair");
    let made = stage.create(&desired).await;
    let (dynamodb, name) = (&cloud.dynamodb, &desired.name);
    let arn = made.outputs["arn"].as_str().expect("an ARN");

    let call = dynamodb.update_table().table_name(name).deletion_protection_enabled(false);
    call.send().await.expect("protection is lifted");
    stage.repair(&desired, &["deletion_protection"]).await;

    let off = SseSpecification::builder().enabled(false).build();
    dynamodb.update_table().table_name(name).sse_specification(off).send().await.expect("encryption is changed");
    stage.repair(&desired, &["kms_encryption"]).await;

    let off = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(false).build().expect("whole");
    let call = dynamodb.update_continuous_backups().table_name(name).point_in_time_recovery_specification(off);
    call.send().await.expect("recovery is switched off");
    stage.repair(&desired, &["point_in_time_recovery"]).await;

    let off = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(false).build().expect("whole");
    let call = dynamodb.update_time_to_live().table_name(name).time_to_live_specification(off);
    call.send().await.expect("expiry is switched off");
    stage.repair(&desired, &["ttl_attribute"]).await;

    let foreign = CreateGlobalSecondaryIndexAction::builder()
        .index_name("theirs")
        .key_schema(KeySchemaElement::builder().attribute_name("x").key_type(KeyType::Hash).build().expect("whole"))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .expect("whole");
    let attribute = AttributeDefinition::builder().attribute_name("x").attribute_type(ScalarAttributeType::S).build();
    let call = dynamodb.update_table().table_name(name).attribute_definitions(attribute.expect("whole"));
    let call = call.global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(foreign).build());
    call.send().await.expect("an index is added");
    stage.repair(&desired, &["indexes.theirs"]).await;

    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
    let call = dynamodb.tag_resource().resource_arn(arn).tags(tag("team", "theirs")).tags(tag("other", "stays"));
    call.send().await.expect("tags are changed");
    stage.repair(&desired, &["tags.team"]).await;
    let kept = dynamodb.list_tags_of_resource().resource_arn(arn).send().await.expect("tags").tags;
    assert!(kept.is_some_and(|tags| tags.contains(&tag("other", "stays"))));

    dynamodb.untag_resource().resource_arn(arn).tag_keys(OWNER_TAG).send().await.expect("is disowned");
    stage.reclaim(&desired).await;
    stage.delete(&made.id, &desired).await;
}

#[tokio::test]
async fn a_table_says_what_others_wrote_into_it() {
    let cloud = cloud().await;
    let stage = Stage::<DynamodbTables>::new(&cloud, "contents");
    let desired = bare("contents");
    let made = stage.create(&desired).await;
    assert_eq!(stage.contents(&made.id, &desired).await, None);

    let put = |n: usize, stack: Option<&str>| {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let call = cloud.dynamodb.put_item().table_name(&desired.name);
        let call = call.item("tenant", text("acme")).item("item", text(&format!("{n}")));
        match stack {
            Some(stack) => call.item(OWNER_TAG, text(stack)).send(),
            None => call.send(),
        }
    };
    put(0, Some(STACK)).await.expect("ours is put");
    assert_eq!(stage.contents(&made.id, &desired).await, None);
    put(1, Some("another")).await.expect("another stack's is put");
    assert_eq!(stage.contents(&made.id, &desired).await.as_deref(), Some("1 item"));
    for n in 2..103 {
        put(n, None).await.expect("an item is put");
    }
    assert_eq!(stage.contents(&made.id, &desired).await.as_deref(), Some("at least 100 items"));
    stage.delete(&made.id, &desired).await;
    assert_eq!(stage.contents(&made.id, &desired).await, None);
}
