//! `dynamodb_table`, live.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
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
