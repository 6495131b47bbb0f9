//! One apply is enough, whatever changed; and then there is nothing to do.

use engine::kind::Depth;
use engine::{Action, Graph};
use proptest::prelude::*;

use crate::cloud::Happened;
use crate::manifest::{graph, manifest};
use crate::world::World;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_sequence_of_manifests_converges_in_one_apply_each(
        manifests in proptest::collection::vec(manifest(), 1..5), full: bool, invisible_ms in 0u64..400,
    ) {
        let mut world = World::new();
        world.depth = if full { Depth::Full } else { Depth::Lists };
        world.cloud.lock().invisible_ms = invisible_ms;
        for specs in manifests {
            let graph = graph(&specs);
            world.apply(&graph);
            world.wait();
            world.assert_converged(&graph);
        }
    }

    #[test]
    fn destroy_leaves_nothing_and_nothing_goes_before_what_needs_it(
        before in manifest(), between in manifest(),
    ) {
        let world = World::new();
        world.apply(&graph(&before));
        world.apply(&graph(&between));
        let outcome = world.apply(&Graph::empty());
        prop_assert!(world.cloud.contents().is_empty());
        prop_assert!(outcome.state.records.is_empty() && outcome.state.intents.is_empty());
        let under: Vec<_> =
            world.cloud.history().into_iter().filter(|one| matches!(one, Happened::DeletedUnder { .. })).collect();
        prop_assert!(under.is_empty(), "{under:?}");
    }

    #[test]
    fn what_somebody_changes_or_deletes_is_repaired(specs in manifest(), victims in proptest::collection::vec((0usize..20, any::<bool>()), 0..5)) {
        let mut world = World::new();
        world.depth = Depth::Full;
        let graph = graph(&specs);
        world.apply(&graph);
        {
            let mut inner = world.cloud.lock();
            for (at, delete) in victims {
                let Some(id) = inner.objects.keys().nth(at).cloned() else { continue };
                if delete {
                    inner.objects.remove(&id);
                    inner.objects.retain(|_, other| other.fields["box"] != id.as_str());
                } else if let Some(object) = inner.objects.get_mut(&id) {
                    object.fields["size"] = 77.into();
                }
            }
        }
        world.apply(&graph);
        world.assert_converged(&graph);
    }

    #[test]
    fn what_others_write_into_an_open_map_stays(specs in manifest()) {
        let world = World::new();
        let graph = graph(&specs);
        world.apply(&graph);
        for object in world.cloud.lock().objects.values_mut().filter(|object| object.kind == "net") {
            object.fields["tags"]["theirs"] = "y".into();
        }
        prop_assert!(world.plan(&graph).is_empty());
    }

    #[test]
    fn a_lost_state_is_found_again_without_making_anything(specs in manifest()) {
        let mut world = World::new();
        world.adopt = true;
        let graph = graph(&specs);
        world.apply(&graph);
        world.store.lose();
        let plan = world.plan(&graph);
        prop_assert!(plan.steps.iter().all(|step| step.action == Action::Adopt && step.fields.is_empty()), "{plan:#?}");
        world.apply(&graph);
        prop_assert!(!world.cloud.history().iter().any(|one| matches!(one, Happened::Made(_))));
        world.adopt = false;
        world.assert_converged(&graph);
    }
}
