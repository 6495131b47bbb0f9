//! `secret`: its fixture, and what is special about it.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::types::Tag;
use provisioner::kinds::secret::{Desired, Secrets, Source};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud, tags};

const NOT_KEPT: &str = "AWS does not keep it: it is as the state remembers it";

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let given = BTreeMap::from([("stripe-key".to_owned(), "sk_test_conformance".to_owned())]);
    let cloud = allowed(&root, &[&Secrets::META], given).await;
    let first = Desired {
        name: "conformance/secret".to_owned(),
        description: "Stripe key".to_owned(),
        source: Source::Given("stripe-key".to_owned()),
        json_key: None,
        recovery_days: 0,
        replaced_by: None,
        tags: tags(&[("team", "billing")]),
    };
    let described = act(|root, id| async move {
        root.secrets().update_secret().secret_id(id).description("theirs").send().await.expect("is described");
    });
    Fixture::new::<Secrets>(&cloud, &root, "secret", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .immutable("source", NOT_KEPT)
        .immutable("json_key", NOT_KEPT)
        .immutable("recovery_days", NOT_KEPT)
        .mutation("description", described, [("description", json!("theirs"), json!("Stripe key"))])
        .update("description", Desired { description: "Another".to_owned(), ..first.clone() })
        .update("source", Desired { source: Source::Generated, ..first.clone() })
        .update("json_key", Desired { json_key: Some("api_key".to_owned()), ..first.clone() })
        .update("recovery_days", Desired { recovery_days: 7, ..first.clone() })
        .update("tags", Desired { tags: tags(&[("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "conformance/other".to_owned(), ..first })
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            let tag = |(key, value): (String, String)| Tag::builder().key(key).value(value).build();
            if !set.is_empty() {
                let call =
                    root.secrets().tag_resource().secret_id(&id).set_tags(Some(set.into_iter().map(tag).collect()));
                call.send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let call =
                    root.secrets().untag_resource().secret_id(&id).set_tag_keys(Some(gone.into_iter().collect()));
                call.send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.secrets().describe_secret().secret_id(id).send().await.expect("tags");
            let pair = |tag: Tag| Some((tag.key?, tag.value.unwrap_or_default()));
            answer.tags.unwrap_or_default().into_iter().filter_map(pair).collect()
        },
    )
}

mod special {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use aws_sdk_secretsmanager::types::Tag;
    use billing::names::OWNER_TAG;
    use engine::kind::{Depth, Removal};
    use provisioner::cloud::Cloud;
    use provisioner::cloud::evidence_key::EvidenceKey;
    use provisioner::cloud::secret_values::SecretValue;
    use provisioner::kinds::secret::{Desired, Secrets, Source};
    use provisioner::kinds::typed::TypedKind;
    use serde_json::json;

    use tests::live::clients::Clients as _;
    use tests::live::{Stage, allowed, cloud, cloud_with, tags};

    fn desired(name: &str, source: Source) -> Desired {
        Desired {
            name: format!("kinds/{name}"),
            description: "Stripe key".to_owned(),
            source,
            json_key: None,
            recovery_days: 0,
            tags: tags(&[("team", "billing")]),
            replaced_by: None,
        }
    }

    fn given() -> Source {
        Source::Given("stripe-key".to_owned())
    }

    fn giving(value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("stripe-key".to_owned(), value.to_owned())])
    }

    async fn cloud_giving(value: &str) -> Arc<Cloud> {
        cloud_with(giving(value), None).await
    }

    async fn value(cloud: &Cloud, desired: &Desired) -> String {
        let answer = cloud.secrets().get_secret_value().secret_id(&desired.name).send().await.expect("is read");
        answer.secret_string.expect("a value")
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_given_secret_lives() {
        let root = cloud_giving("sk_first").await;
        let cloud = allowed(&root, &[&Secrets::META], giving("sk_first")).await;
        let stage = Stage::<Secrets>::new(&cloud, "life");
        let first = desired("life", given());
        let made = stage.create(&first).await;
        assert_eq!(value(&root, &first).await, "sk_first");

        let described = Desired { description: "Another key".to_owned(), ..first.clone() };
        stage.change(&first, &described, &["description"]).await;
        let retagged = Desired { tags: tags(&[("cost", "x")]), ..described.clone() };
        stage.change(&described, &retagged, &["tags.cost", "tags.team"]).await;
        let keyed = Desired { json_key: Some("api_key".to_owned()), ..retagged.clone() };
        stage.change(&retagged, &keyed, &["json_key", "value"]).await;
        assert_eq!(value(&root, &keyed).await, r#"{"api_key":"sk_first"}"#);
        let kept_longer = Desired { recovery_days: 30, ..keyed.clone() };
        stage.change(&keyed, &kept_longer, &["recovery_days"]).await;

        stage.delete(&made.id, &Desired { recovery_days: 0, ..kept_longer }).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn another_given_value_is_seen_and_stored_without_being_told() {
        let (before, after, silent) = (cloud_giving("sk_before").await, cloud_giving("sk_after").await, cloud().await);
        let desired = desired("rotated", given());
        let made = Stage::<Secrets>::new(&before, "rotated").create(&desired).await;

        Stage::<Secrets>::new(&silent, "rotated").settled(&desired).await;
        let stage = Stage::<Secrets>::new(&after, "rotated");
        let (seen, changes) = stage.drift(&desired, &desired).await;
        assert_eq!(changes.len(), 1);
        assert_eq!(
            (changes[0].path.as_str(), &changes[0].after),
            ("value", &json!("given by BILLFORM_SECRET_STRIPE_KEY"))
        );
        assert!(!format!("{seen:?}{changes:?}").contains("sk_"));
        stage.update(&desired, seen, changes, false).await.expect("is updated");
        stage.settled(&desired).await;
        assert_eq!(value(&after, &desired).await, "sk_after");

        let missing = Desired { name: "kinds/never-given".to_owned(), ..desired.clone() };
        let refused = Stage::<Secrets>::new(&silent, "never").try_create(&missing).await.expect_err("nothing is given");
        assert!(refused.message.contains("BILLFORM_SECRET_STRIPE_KEY"), "{refused}");
        stage.delete(&made.id, &desired).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_generated_secret_keeps_its_value() {
        let cloud = cloud().await;
        let stage = Stage::<Secrets>::new(&cloud, "generated");
        let first = Desired { json_key: Some("key".to_owned()), ..desired("generated", Source::Generated) };
        let made = stage.create(&first).await;
        let generated = value(&cloud, &first).await;
        let key: serde_json::Value = serde_json::from_str(&generated).expect("JSON");
        assert_eq!(key["key"].as_str().map(str::len), Some(64));

        let described = Desired { description: "Another".to_owned(), ..first.clone() };
        stage.change(&first, &described, &["description"]).await;
        assert_eq!(value(&cloud, &described).await, generated);
        stage.delete(&made.id, &described).await;
    }

    /// Its public half is told by whoever looks at the secret, and the private one by nobody.
    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_key_pair_keeps_its_value_and_tells_its_public_half() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&Secrets::META], BTreeMap::new()).await;
        let stage = Stage::<Secrets>::new(&cloud, "key-pair");
        let first = Desired { recovery_days: 7, ..desired("key-pair", Source::KeyPair) };
        let made = stage.create(&first).await;
        let private = value(&root, &first).await;
        let key = EvidenceKey::read(&SecretValue::new(&private)).expect("a private key in PEM");
        let public = json!(key.public().line());
        assert_eq!(made.outputs["public_key"], public);
        let seen = stage.see(&first, Some(&first), Depth::Full).await.expect("it is there");
        assert_eq!(seen.outputs["public_key"], public);
        assert!(!format!("{seen:?}{made:?}").contains(private.lines().nth(1).expect("the key")), "{seen:?}");

        let described = Desired { description: "Another".to_owned(), ..first.clone() };
        stage.change(&first, &described, &["description"]).await;
        assert!(matches!(stage.try_delete(&made.id, &described).await, Ok(Removal::Archived(_))));
        let again = stage.create(&described).await;
        assert_eq!((value(&root, &described).await, &again.outputs["public_key"]), (private, &public));
        stage.delete(&made.id, &Desired { recovery_days: 0, ..described }).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_secret_is_repaired() {
        let cloud = cloud_giving("sk_repair").await;
        let stage = Stage::<Secrets>::new(&cloud, "repair");
        let desired = desired("repair", given());
        let made = stage.create(&desired).await;
        let (secrets, name) = (&cloud.secrets(), &desired.name);

        secrets.update_secret().secret_id(name).description("changed").send().await.expect("is changed");
        stage.repair(&desired, &["description"]).await;

        let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build();
        let call = secrets.tag_resource().secret_id(name).tags(tag("team", "theirs")).tags(tag("other", "stays"));
        call.send().await.expect("tags are changed");
        stage.repair(&desired, &["tags.team"]).await;
        let kept = secrets.describe_secret().secret_id(name).send().await.expect("tags").tags;
        assert!(kept.is_some_and(|tags| tags.contains(&tag("other", "stays"))));

        secrets
            .untag_resource()
            .secret_id(name)
            .tag_keys("billform:fingerprint")
            .send()
            .await
            .expect("fingerprint goes");
        stage.repair(&desired, &["value"]).await;
        secrets.untag_resource().secret_id(name).tag_keys(OWNER_TAG).send().await.expect("is disowned");
        stage.reclaim(&desired).await;
        stage.delete(&made.id, &desired).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_deleted_secret_comes_back_with_a_new_value() {
        let (before, after) = (cloud_giving("sk_before").await, cloud_giving("sk_after").await);
        let desired = Desired { recovery_days: 7, ..desired("restored", given()) };
        let stage = Stage::<Secrets>::new(&before, "restored");
        let made = stage.create(&desired).await;
        assert!(matches!(stage.try_delete(&made.id, &desired).await, Ok(Removal::Archived(_))));
        assert_eq!(stage.see(&desired, Some(&desired), Depth::Full).await, None);

        let stage = Stage::<Secrets>::new(&after, "restored");
        let described = Desired { description: "Back again".to_owned(), ..desired.clone() };
        stage.create(&described).await;
        assert_eq!(value(&after, &described).await, "sk_after");
        stage.delete(&made.id, &Desired { recovery_days: 0, ..described }).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_value_that_somebody_else_stored_is_seen_and_the_one_before_brought_back() {
        let root = cloud_giving("sk_ours").await;
        let cloud = allowed(&root, &[&Secrets::META], BTreeMap::new()).await;
        let first = [("taken-given", given()), ("taken-generated", Source::Generated)];
        for (name, source) in first {
            let desired = desired(name, source);
            let made = Stage::<Secrets>::new(&root, name).create(&desired).await;
            let before = value(&root, &desired).await;
            let call = root.secrets().put_secret_value().secret_id(&desired.name).secret_string("theirs");
            call.send().await.expect("somebody stores another value");
            Stage::<Secrets>::new(&cloud, name).repair(&desired, &["replaced_by"]).await;
            assert_eq!(value(&root, &desired).await, before);
            Stage::<Secrets>::new(&root, name).delete(&made.id, &desired).await;
        }
    }

    /// By a generated value links were signed that hold: it comes back as it was.
    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_deleted_generated_secret_comes_back_with_its_value() {
        let cloud = cloud_giving("sk_unused").await;
        let desired = Desired { recovery_days: 7, ..desired("signing", Source::Generated) };
        let stage = Stage::<Secrets>::new(&cloud, "signing");
        let made = stage.create(&desired).await;
        let before = value(&cloud, &desired).await;
        assert!(matches!(stage.try_delete(&made.id, &desired).await, Ok(Removal::Archived(_))));
        stage.create(&desired).await;
        assert_eq!(value(&cloud, &desired).await, before);
        stage.delete(&made.id, &Desired { recovery_days: 0, ..desired }).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_deleted_secret_of_others_blocks_the_name() {
        let cloud = cloud_giving("sk_mine").await;
        let desired = desired("blocked", given());
        let call = cloud.secrets().create_secret().name(&desired.name).secret_string("theirs");
        call.send().await.expect("theirs is made");
        let call = cloud.secrets().delete_secret().secret_id(&desired.name).recovery_window_in_days(7);
        call.send().await.expect("theirs is deleted");

        let stage = Stage::<Secrets>::new(&cloud, "blocked");
        let refused = stage.try_create(&desired).await.expect_err("the name is blocked");
        assert!(refused.message.contains("not of this stack"), "{refused}");
        let call = cloud.secrets().delete_secret().secret_id(&desired.name).force_delete_without_recovery(true);
        call.send().await.expect("theirs goes for good");
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn secrets_are_listed() {
        let root = cloud_giving("sk_many").await;
        let cloud = allowed(&root, &[&Secrets::META], giving("sk_first")).await;
        let stage = Stage::<Secrets>::new(&cloud, "many");
        let all: Vec<Desired> = (0..7).map(|n| desired(&format!("many-{n}"), given())).collect();
        for desired in &all {
            stage.try_create(desired).await.expect("is created");
        }
        stage.read_together(&all).await;
        for desired in &all {
            stage.delete(&desired.name, desired).await;
        }
    }
}
