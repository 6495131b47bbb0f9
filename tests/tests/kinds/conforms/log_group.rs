//! `log_group`: its fixture, and what is special about it.

use provisioner::kinds::log_group::{Desired, LogGroups};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, NAMED, Ownership, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud, tags};

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&LogGroups::META], Default::default()).await;
    let first = Desired { name: "/conformance/g".to_owned(), retention_days: 30, tags: tags(&[("team", "billing")]) };
    let shorter = act(|root, id| async move {
        let call = root.logs().put_retention_policy().log_group_name(id).retention_in_days(7);
        call.send().await.expect("retention is changed");
    });
    let for_ever = act(|root, id| async move {
        root.logs().delete_retention_policy().log_group_name(id).send().await.expect("retention is gone");
    });
    Fixture::new::<LogGroups>(&cloud, &root, "group", &first)
        .owned(ownership())
        .immutable("name", NAMED)
        .mutation("retention_days", shorter, [("retention_days", json!(7), json!(30))])
        .mutation("retention_days", for_ever, [("retention_days", json!(0), json!(30))])
        .update("retention_days", Desired { retention_days: 90, ..first.clone() })
        .update("retention_days", Desired { retention_days: 0, ..first.clone() })
        .update("tags", Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..first.clone() })
        .replace("name", Desired { name: "/conformance/other".to_owned(), ..first })
}

fn arn(name: &str) -> String {
    format!("arn:aws:logs:us-east-1:123456789012:log-group:{name}")
}

fn ownership() -> Ownership {
    Ownership::new(
        Some("tags"),
        |root, id, set, gone| async move {
            if !set.is_empty() {
                let call = root.logs().tag_resource().resource_arn(arn(&id)).set_tags(Some(set.into_iter().collect()));
                call.send().await.expect("tags are set");
            }
            if !gone.is_empty() {
                let keys = Some(gone.into_iter().collect());
                root.logs().untag_resource().resource_arn(arn(&id)).set_tag_keys(keys).send().await.expect("tags go");
            }
        },
        |root, id| async move {
            let answer = root.logs().list_tags_for_resource().resource_arn(arn(&id)).send().await.expect("tags");
            answer.tags.unwrap_or_default().into_iter().collect()
        },
    )
}

mod special {
    use std::collections::BTreeMap;

    use provisioner::kinds::log_group::{Desired, LogGroups};
    use provisioner::kinds::typed::TypedKind;

    use tests::live::{Stage, allowed, cloud, tags};

    fn desired(name: &str) -> Desired {
        Desired { name: format!("/kinds/{name}"), retention_days: 30, tags: tags(&[("team", "billing")]) }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_log_group_lives() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&LogGroups::META], BTreeMap::new()).await;
        let stage = Stage::<LogGroups>::new(&cloud, "life");
        let first = desired("life");
        let made = stage.create(&first).await;

        let longer = Desired { retention_days: 90, ..first.clone() };
        stage.change(&first, &longer, &["retention_days"]).await;
        let for_ever = Desired { retention_days: 0, ..first.clone() };
        stage.change(&longer, &for_ever, &["retention_days"]).await;
        let retagged = Desired { tags: tags(&[("team", "money"), ("cost", "x")]), ..for_ever.clone() };
        stage.change(&for_ever, &retagged, &["tags.cost", "tags.team"]).await;
        let fewer = Desired { tags: tags(&[("team", "money")]), ..retagged.clone() };
        stage.change(&retagged, &fewer, &["tags.cost"]).await;

        stage.delete(&made.id, &fewer).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn log_groups_are_listed() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&LogGroups::META], BTreeMap::new()).await;
        let stage = Stage::<LogGroups>::new(&cloud, "many");
        let all: Vec<Desired> = (0..7).map(|n| desired(&format!("many-{n}"))).collect();
        for desired in &all {
            stage.try_create(desired).await.expect("is created");
        }
        stage.read_together(&all).await;
        for desired in &all {
            stage.delete(&desired.name, desired).await;
        }
    }
}
