//! `s3_bucket`: what it is asked.

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

pub async fn fixture() -> Fixture {
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
        let call = root.s3.put_bucket_encryption().bucket(id).server_side_encryption_configuration(encryption);
        call.send().await.expect("is encrypted otherwise");
    });
    let opened = act(|root, id| async move {
        root.s3.delete_public_access_block().bucket(id).send().await.expect("access is opened");
    });
    let suspended = act(|root, id| async move {
        let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
        let call = root.s3.put_bucket_versioning().bucket(id).versioning_configuration(suspended);
        call.send().await.expect("versioning is suspended");
    });
    let for_ever = act(|root, id| async move {
        root.s3.delete_bucket_lifecycle().bucket(id).send().await.expect("the lifecycle is gone");
    });
    let unruled = act(|root, id| async move {
        root.s3.delete_bucket_policy().bucket(id).send().await.expect("the policy is gone");
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
    let answer = root.s3.get_bucket_tagging().bucket(id).send().await;
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
            let call = root.s3.put_bucket_tagging().bucket(id).tagging(tagging.expect("builds"));
            call.send().await.expect("tags are put");
        },
        tags_of,
    )
}
