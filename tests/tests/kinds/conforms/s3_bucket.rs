//! `s3_bucket`: its fixture, and what is special about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::types::{
    BucketVersioningStatus, ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
};
use provisioner::cloud::Cloud;
use provisioner::kinds::s3_bucket::{Desired, LifecycleRule, S3Buckets};
use provisioner::kinds::typed::TypedKind;
use serde_json::{Value, json};
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud, tags};

const NAME: &str = "billform-conformance-bucket";

fn policy(actions: &Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Delivery", "Effect": "Allow", "Principal": {"Service": "billingreports.amazonaws.com"},
        "Action": actions, "Resource": format!("arn:aws:s3:::{NAME}"),
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
    }]})
}

fn rules(expire_days: u32) -> BTreeMap<String, LifecycleRule> {
    let rule = LifecycleRule {
        prefix: "cur/".to_owned(),
        transitions: BTreeMap::from([("GLACIER".to_owned(), 90)]),
        expire_days: Some(expire_days),
        abort_uploads_days: Some(7),
    };
    BTreeMap::from([("archive".to_owned(), rule)])
}

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&S3Buckets::META], Default::default()).await;
    let reads = json!(["s3:GetBucketAcl", "s3:GetBucketPolicy"]);
    let first = Desired {
        name: NAME.to_owned(),
        region: "us-east-1".to_owned(),
        encryption: "AES256".to_owned(),
        public_access_blocked: true,
        versioning: true,
        lifecycle: rules(400),
        policy: Some(policy(&reads)),
        tags: tags(&[("team", "billing")]),
    };
    let other_key = act(|root, id| async move {
        let kms = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms).build();
        let rule = ServerSideEncryptionRule::builder();
        let rule = rule.apply_server_side_encryption_by_default(kms.expect("builds")).build();
        let encryption = ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("builds");
        let call = root.s3().put_bucket_encryption().bucket(id).server_side_encryption_configuration(encryption);
        call.send().await.expect("is encrypted otherwise");
    });
    let opened = act(|root, id| async move {
        root.s3().delete_public_access_block().bucket(id).send().await.expect("access is opened");
    });
    let suspended = act(|root, id| async move {
        let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        let call = root.s3().put_bucket_versioning().bucket(id).versioning_configuration(suspended);
        call.send().await.expect("versioning is suspended");
    });
    let for_ever = act(|root, id| async move {
        root.s3().delete_bucket_lifecycle().bucket(id).send().await.expect("the lifecycle is gone");
    });
    let unruled = act(|root, id| async move {
        root.s3().delete_bucket_policy().bucket(id).send().await.expect("the policy is gone");
    });
    let kept = serde_json::to_value(&rules(400)["archive"]).expect("plain");
    Fixture::new::<S3Buckets>(&cloud, &root, "bucket", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .immutable("region", "a bucket stays where it is")
        .mutation("encryption", other_key, [("encryption", json!("aws:kms"), json!("AES256"))])
        .mutation("public_access_blocked", opened, [("public_access_blocked", json!(false), json!(true))])
        .mutation("versioning", suspended, [("versioning", json!(false), json!(true))])
        .mutation("lifecycle", for_ever, [("lifecycle.archive", Value::Null, kept)])
        .mutation("policy", unruled, [("policy", Value::Null, policy(&reads))])
        .update("encryption", Desired { encryption: "aws:kms".to_owned(), ..first.clone() })
        .update("public_access_blocked", Desired { public_access_blocked: false, ..first.clone() })
        .update("versioning", Desired { versioning: false, ..first.clone() })
        .update("lifecycle", Desired { lifecycle: rules(500), ..first.clone() })
        .update("policy", Desired { policy: Some(policy(&json!("s3:GetBucketAcl"))), ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "billform-conformance-other".to_owned(), ..first.clone() })
        .replace("region", Desired { region: "eu-west-1".to_owned(), ..first })
}

async fn tags_of(root: Arc<Cloud>, id: String) -> BTreeMap<String, String> {
    let answer = root.s3().get_bucket_tagging().bucket(id).send().await;
    let tags = answer.map(|answer| answer.tag_set).unwrap_or_default();
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            // S3 knows only the whole set.
            let mut tags = tags_of(Arc::clone(&root), id.clone()).await;
            tags.extend(set);
            tags.retain(|key, _| !gone.contains(key));
            let tag = |(key, value)| Tag::builder().key(key).value(value).build().expect("a tag");
            let tagging = Tagging::builder().set_tag_set(Some(tags.into_iter().map(tag).collect())).build();
            let call = root.s3().put_bucket_tagging().bucket(id).tagging(tagging.expect("builds"));
            call.send().await.expect("tags are put");
        },
        tags_of,
    )
}

mod special {
    use std::collections::BTreeMap;

    use aws_sdk_s3::primitives::ByteStream;
    use aws_sdk_s3::types::{
        BucketVersioningStatus, ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
        ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
    };
    use engine::kind::{Depth, Removal};
    use provisioner::kinds::s3_bucket::{Desired, LifecycleRule, S3Buckets};
    use provisioner::kinds::typed::TypedKind;
    use serde_json::{Value, json};

    use tests::live::clients::Clients as _;
    use tests::live::{Stage, allowed, cloud, tags};

    fn policy(bucket: &str, actions: Value) -> Value {
        json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "Delivery", "Effect": "Allow", "Principal": {"Service": "billingreports.amazonaws.com"},
            "Action": actions, "Resource": format!("arn:aws:s3:::{bucket}"),
            "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}},
        }]})
    }

    fn rule(expire_days: u32) -> LifecycleRule {
        LifecycleRule {
            prefix: "cur/".to_owned(),
            transitions: BTreeMap::from([("GLACIER".to_owned(), 90)]),
            expire_days: Some(expire_days),
            abort_uploads_days: Some(7),
        }
    }

    fn desired(name: &str) -> Desired {
        let name = format!("billform-kinds-{name}");
        Desired {
            region: "us-east-1".to_owned(),
            encryption: "AES256".to_owned(),
            public_access_blocked: true,
            versioning: true,
            lifecycle: BTreeMap::from([("archive".to_owned(), rule(400))]),
            policy: Some(policy(&name, json!(["s3:GetBucketAcl", "s3:GetBucketPolicy"]))),
            tags: tags(&[("team", "billing")]),
            name,
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_bucket_lives() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&S3Buckets::META], BTreeMap::new()).await;
        let stage = Stage::<S3Buckets>::new(&cloud, "life");
        let first = desired("life");
        let made = stage.create(&first).await;

        let unversioned = Desired { versioning: false, ..first.clone() };
        stage.change(&first, &unversioned, &["versioning"]).await;
        let longer = Desired { lifecycle: BTreeMap::from([("archive".to_owned(), rule(500))]), ..unversioned.clone() };
        stage.change(&unversioned, &longer, &["lifecycle.archive.expire_days"]).await;
        let for_ever = Desired { lifecycle: BTreeMap::new(), ..longer.clone() };
        stage.change(&longer, &for_ever, &["lifecycle.archive"]).await;
        let other_policy = Desired { policy: Some(policy(&first.name, json!("s3:GetBucketAcl"))), ..for_ever.clone() };
        stage.change(&for_ever, &other_policy, &["policy.Statement"]).await;
        let no_policy = Desired { policy: None, ..other_policy.clone() };
        stage.change(&other_policy, &no_policy, &["policy"]).await;
        let retagged = Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..no_policy.clone() };
        stage.change(&no_policy, &retagged, &["tags.cost", "tags.team"]).await;
        let fewer = Desired { tags: tags(&[("team", "money")]), ..retagged.clone() };
        stage.change(&retagged, &fewer, &["tags.cost"]).await;

        stage.delete(&made.id, &fewer).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_bucket_is_repaired() {
        let cloud = cloud().await;
        let stage = Stage::<S3Buckets>::new(&cloud, "repair");
        let desired = desired("repair");
        let made = stage.create(&desired).await;
        let (s3, name) = (&cloud.s3(), &desired.name);

        let by_default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms).build();
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default.expect("builds"))
            .build();
        let encryption = ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("builds");
        let call = s3.put_bucket_encryption().bucket(name).server_side_encryption_configuration(encryption);
        call.send().await.expect("encryption is changed");
        stage.repair(&desired, &["encryption"]).await;

        s3.delete_public_access_block().bucket(name).send().await.expect("access is opened");
        stage.repair(&desired, &["public_access_blocked"]).await;

        let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        let call = s3.put_bucket_versioning().bucket(name).versioning_configuration(suspended);
        call.send().await.expect("versioning is suspended");
        stage.repair(&desired, &["versioning"]).await;

        s3.delete_bucket_lifecycle().bucket(name).send().await.expect("lifecycle is deleted");
        stage.repair(&desired, &["lifecycle.archive"]).await;
        s3.delete_bucket_policy().bucket(name).send().await.expect("policy is deleted");
        stage.repair(&desired, &["policy"]).await;

        // The same policy in other words is no drift.
        let reworded = policy(name, json!(["s3:GetBucketPolicy", "s3:GetBucketAcl"])).to_string();
        s3.put_bucket_policy().bucket(name).policy(reworded).send().await.expect("policy is reworded");
        stage.settled(&desired).await;

        stage.delete(&made.id, &desired).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn tags_of_others_stay_on_a_bucket() {
        let cloud = cloud().await;
        let stage = Stage::<S3Buckets>::new(&cloud, "tags");
        let desired = desired("tags");
        let made = stage.create(&desired).await;
        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
        let put = async |set: Vec<Tag>| {
            let tagging = Tagging::builder().set_tag_set(Some(set)).build().expect("builds");
            cloud.s3().put_bucket_tagging().bucket(&desired.name).tagging(tagging).send().await.expect("tags are put");
        };
        // The ownership tags go with the rest: S3 knows only the whole set.
        put(vec![tag("team", "billing"), tag("theirs", "stays")]).await;
        stage.reclaim(&desired).await;
        let longer = Desired { tags: tags(&[("team", "money")]), ..desired.clone() };
        stage.change(&desired, &longer, &["tags.team"]).await;
        let seen = cloud.s3().get_bucket_tagging().bucket(&desired.name).send().await.expect("tags");
        assert!(seen.tag_set.contains(&tag("theirs", "stays")), "{:?}", seen.tag_set);
        stage.delete(&made.id, &longer).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn what_is_in_a_bucket_is_told_and_goes_with_it() {
        let cloud = cloud().await;
        let stage = Stage::<S3Buckets>::new(&cloud, "full");
        let desired = desired("full");
        let made = stage.create(&desired).await;
        assert_eq!(stage.contents(&made.id, &desired).await, None);

        // Three versions of one object, one of another, and a delete marker.
        let put = async |key: &str| {
            let body = ByteStream::from_static(b"x");
            cloud.s3().put_object().bucket(&desired.name).key(key).body(body).send().await.expect("is put");
        };
        for _ in 0..3 {
            put("cur/a").await;
        }
        put("cur/b").await;
        cloud.s3().delete_object().bucket(&desired.name).key("cur/b").send().await.expect("is deleted");
        let allowed = allowed(&cloud, &[&S3Buckets::META], BTreeMap::new()).await;
        let stage = Stage::<S3Buckets>::new(&allowed, "full");
        assert_eq!(stage.contents(&made.id, &desired).await.as_deref(), Some("5 objects and versions"));

        assert_eq!(stage.try_delete(&made.id, &desired).await, Ok(Removal::Gone));
        assert_eq!(stage.see(&desired, None, Depth::Full).await, None);
        assert_eq!(stage.contents(&made.id, &desired).await, None);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn buckets_are_listed() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&S3Buckets::META], BTreeMap::new()).await;
        let stage = Stage::<S3Buckets>::new(&cloud, "many");
        let all: Vec<Desired> = (0..4).map(|n| desired(&format!("many-{n}"))).collect();
        for desired in &all {
            stage.try_create(desired).await.expect("is created");
        }
        stage.read_together(&all).await;
        for desired in &all {
            stage.delete(&desired.name, desired).await;
        }
    }
}
