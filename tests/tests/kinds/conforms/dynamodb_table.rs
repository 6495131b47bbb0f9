//! `dynamodb_table`: its fixture, and what is special about it.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate, KeySchemaElement, KeyType,
    PointInTimeRecoverySpecification, Projection, ProjectionType, ScalarAttributeType, SseSpecification, Tag,
    TimeToLiveSpecification,
};
use provisioner::kinds::dynamodb_table::{Desired, DynamodbTables, Keys};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud, tags};

fn keys(partition: &str, sort: Option<&str>) -> Keys {
    Keys { partition: partition.to_owned(), sort: sort.map(str::to_owned) }
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&DynamodbTables::META], Default::default()).await;
    let first = Desired {
        name: "conformance-table".to_owned(),
        keys: keys("tenant", Some("item")),
        indexes: BTreeMap::from([("by_kind".to_owned(), keys("kind", Some("tenant")))]),
        ttl_attribute: Some("ttl".to_owned()),
        point_in_time_recovery: true,
        deletion_protection: true,
        kms_encryption: true,
        tags: tags(&[("team", "billing")]),
    };
    let unprotected = act(|root, id| async move {
        let call = root.dynamodb().update_table().table_name(id).deletion_protection_enabled(false);
        call.send().await.expect("protection is lifted");
    });
    let plain = act(|root, id| async move {
        let off = SseSpecification::builder().enabled(false).build();
        root.dynamodb()
            .update_table()
            .table_name(id)
            .sse_specification(off)
            .send()
            .await
            .expect("is encrypted otherwise");
    });
    let for_good = act(|root, id| async move {
        let off = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(false).build();
        let call = root.dynamodb().update_continuous_backups().table_name(id);
        let call = call.point_in_time_recovery_specification(off.expect("whole"));
        call.send().await.expect("recovery is switched off");
    });
    let for_ever = act(|root, id| async move {
        let off = TimeToLiveSpecification::builder().attribute_name("ttl").enabled(false).build().expect("whole");
        let call = root.dynamodb().update_time_to_live().table_name(id).time_to_live_specification(off);
        call.send().await.expect("expiry is switched off");
    });
    let indexed = act(|root, id| async move {
        let key = KeySchemaElement::builder().attribute_name("x").key_type(KeyType::Hash).build().expect("whole");
        let index = CreateGlobalSecondaryIndexAction::builder().index_name("theirs").key_schema(key);
        let index = index.projection(Projection::builder().projection_type(ProjectionType::All).build());
        let index = GlobalSecondaryIndexUpdate::builder().create(index.build().expect("whole")).build();
        let x = AttributeDefinition::builder().attribute_name("x").attribute_type(ScalarAttributeType::S).build();
        let call = root.dynamodb().update_table().table_name(id).attribute_definitions(x.expect("whole"));
        call.global_secondary_index_updates(index).send().await.expect("an index is added");
    });
    let theirs = json!({"partition": "x", "sort": null});
    Fixture::new::<DynamodbTables>(&cloud, &root, "table", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .immutable("keys", "a table keeps its keys")
        .mutation("deletion_protection", unprotected, [("deletion_protection", json!(false), json!(true))])
        .mutation("kms_encryption", plain, [("kms_encryption", json!(false), json!(true))])
        .mutation("point_in_time_recovery", for_good, [("point_in_time_recovery", json!(false), json!(true))])
        .mutation("ttl_attribute", for_ever, [("ttl_attribute", Value::Null, json!("ttl"))])
        .mutation("indexes", indexed, [("indexes.theirs", theirs, Value::Null)])
        .update("deletion_protection", Desired { deletion_protection: false, ..first.clone() })
        .update("kms_encryption", Desired { kms_encryption: false, ..first.clone() })
        .update("point_in_time_recovery", Desired { point_in_time_recovery: false, ..first.clone() })
        .update("ttl_attribute", Desired { ttl_attribute: Some("expires".to_owned()), ..first.clone() })
        .update("indexes", Desired { indexes: BTreeMap::new(), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance-other".to_owned(), ..first.clone() })
        .replace("keys", Desired { keys: keys("tenant", None), ..first })
}

fn arn(id: &str) -> String {
    format!("arn:aws:dynamodb:us-east-1:123456789012:table/{id}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("a tag");
            if !set.is_empty() {
                let tags = Some(set.into_iter().map(tag).collect());
                root.dynamodb()
                    .tag_resource()
                    .resource_arn(arn(&id))
                    .set_tags(tags)
                    .send()
                    .await
                    .expect("tags are set");
            }
            if !gone.is_empty() {
                let call = root.dynamodb().untag_resource().resource_arn(arn(&id));
                call.set_tag_keys(Some(gone.into_iter().collect())).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.dynamodb().list_tags_of_resource().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
        },
    )
}

mod special {
    use std::collections::BTreeMap;

    use aws_sdk_dynamodb::types::AttributeValue;
    use billing::names::OWNER_TAG;
    use provisioner::kinds::dynamodb_table::{Desired, DynamodbTables, Keys};
    use provisioner::kinds::typed::TypedKind;

    use tests::live::clients::Clients as _;
    use tests::live::{STACK, Stage, allowed, cloud, tags};

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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
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
        let indexed =
            Desired { indexes: BTreeMap::from([index("a", "kind"), index("b", "item")]), ..encrypted.clone() };
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
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_table_says_what_others_wrote_into_it() {
        let cloud = cloud().await;
        let stage = Stage::<DynamodbTables>::new(&cloud, "contents");
        let desired = bare("contents");
        let made = stage.create(&desired).await;
        assert_eq!(stage.contents(&made.id, &desired).await, None);

        let put = |n: usize, stack: Option<&str>| {
            let text = |text: &str| AttributeValue::S(text.to_owned());
            let call = cloud.dynamodb().put_item().table_name(&desired.name);
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
}
