//! `log_group`, live.

use std::collections::BTreeMap;

use provisioner::kinds::log_group::{Desired, LogGroups};
use provisioner::kinds::typed::TypedKind;

use crate::stage::{Stage, allowed, cloud, tags};

fn desired(name: &str) -> Desired {
    Desired { name: format!("/kinds/{name}"), retention_days: 30, tags: tags(&[("team", "billing")]) }
}

#[tokio::test]
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
