//! `allocation_tags`: what it is asked. The keys are the whole account's.

use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry};
use provisioner::kinds::allocation_tags::{AllocationTags, Desired};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, act};
use tests::live::{allowed, cloud};

const KEY: &str = "ClientOrganization";

pub async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&AllocationTags::META], Default::default()).await;
    let off = act(|root, _| async move {
        let off = CostAllocationTagStatusEntry::builder().tag_key(KEY).status(CostAllocationTagStatus::Inactive);
        let call = root.cost_explorer.update_cost_allocation_tags_status();
        let call = call.cost_allocation_tags_status(off.build().expect("builds"));
        call.send().await.expect("is deactivated");
    });
    Fixture::new::<AllocationTags>(&cloud, &root, "active", &Desired { active: [KEY.to_owned()].into() })
        .constant("active", "keys are never deactivated, so less is no change; more is tried in `kinds`")
        .mutation("active", off, [("active", json!([]), json!([KEY]))])
}
