//! `allocation_tags`: its fixture, and what is special about it.

use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry};
use provisioner::kinds::allocation_tags::{AllocationTags, Desired};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Fixture, act};
use tests::live::clients::Clients as _;
use tests::live::{allowed, cloud};

/// One that no other test here touches: keys are the whole account's.
const KEY: &str = "ClientName";

tests::conforms!(fixture);

async fn fixture() -> Fixture {
    let root = cloud().await;
    let cloud = allowed(&root, &[&AllocationTags::META], Default::default()).await;
    let off = act(|root, _| async move {
        let off = CostAllocationTagStatusEntry::builder().tag_key(KEY).status(CostAllocationTagStatus::Inactive);
        let call = root.cost_explorer().update_cost_allocation_tags_status();
        let call = call.cost_allocation_tags_status(off.build().expect("builds"));
        call.send().await.expect("is deactivated");
    });
    Fixture::new::<AllocationTags>(&cloud, &root, "active", &Desired { active: [KEY.to_owned()].into() })
        .constant("active", "keys are never deactivated, so less is no change; more is tried below")
        .mutation("active", off, [("active", json!([]), json!([KEY]))])
}

mod special {
    use std::collections::{BTreeMap, BTreeSet};

    use aws_sdk_costexplorer::types::{CostAllocationTagStatus, CostAllocationTagStatusEntry};
    use engine::Address;
    use engine::kind::{Create, Depth, Kind, Removal, Want};
    use provisioner::kinds::allocation_tags::{AllocationTags, Desired};
    use provisioner::kinds::typed::{Erased, TypedKind};
    use serde_json::to_value;

    use tests::live::clients::Clients as _;
    use tests::live::{Stage, allowed, cloud};

    fn desired(keys: &[&str]) -> Desired {
        Desired { active: keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<String>>() }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn keys_are_activated_and_stay() {
        let root = cloud().await;
        let cloud = allowed(&root, &[&AllocationTags::META], BTreeMap::new()).await;
        let stage = Stage::<AllocationTags>::new(&cloud, "active");
        let address = Address::new("allocation_tags", "active");
        let kind = Erased(AllocationTags::new(cloud.clone()));

        let nothing = desired(&["NobodyUsesThis"]);
        assert_eq!(stage.see(&nothing, None, Depth::Lists).await, None);

        let first = desired(&["ClientOrganization", "NobodyUsesThis"]);
        let create = Create { address: address.clone(), desired: to_value(&first).unwrap(), token: "t".to_owned() };
        let made = kind.create(create.clone()).await.expect("is activated");
        let waits = "waits until AWS has seen the tag key NobodyUsesThis in use; the next apply activates it";
        assert_eq!(made.pending.as_deref(), Some(waits));
        // There is nothing to conflict with: again is as good as once.
        assert_eq!(kind.create(create).await.expect("is active"), made);

        // Known to the state, it is as wanted, though pending, and stays so.
        let want = |desired: &Desired| Want {
            address: address.clone(),
            id: Some(made.id.clone()),
            fields: to_value(desired).unwrap(),
            known: Some(to_value(desired).unwrap().into()),
        };
        for depth in [Depth::Lists, Depth::Full] {
            let seen = kind.read(&[want(&first)], depth).await.remove(0).expect("is read").expect("is there");
            assert_eq!(kind.diff(&to_value(&first).unwrap(), &seen.fields, None), []);
            assert_eq!(seen.pending.as_deref(), Some(waits));
        }

        // One more key, then one deactivated behind our back: each is a difference, and mended.
        let more = desired(&["BillingProject", "ClientOrganization"]);
        stage.change(&first, &more, &["active"]).await;
        let off = CostAllocationTagStatusEntry::builder().tag_key("BillingProject");
        let off = off.status(CostAllocationTagStatus::Inactive).build().expect("builds");
        let call = cloud.cost_explorer().update_cost_allocation_tags_status().cost_allocation_tags_status(off);
        call.send().await.expect("is deactivated");
        stage.repair(&more, &["active"]).await;

        let kept = stage.try_delete(&made.id, &more).await.expect("is let go");
        assert!(matches!(&kept, Removal::Kept(why) if why.contains("BillingProject, ClientOrganization")), "{kept:?}");
        stage.settled(&more).await;
    }
}
