//! A cloud, a state store and the steps a user takes with them.

use std::collections::BTreeMap;

use engine::kind::Depth;
use engine::observer::Unobserved;
use engine::{
    Drift, Graph, Kinds, Mode, Observations, Options, Outcome, Plan, Rebuilt, RefreshOptions, RetryPolicy, apply,
    drift, plan, rebuild, refresh,
};
use serde_json::Value;

use crate::cloud::{Cloud, Fault};
use crate::kinds::{STACK, kinds};
use crate::store::Store;

pub(crate) struct World {
    pub(crate) cloud: Cloud,
    pub(crate) store: Store,
    pub(crate) kinds: Kinds,
    pub(crate) options: Options,
    pub(crate) depth: Depth,
    pub(crate) adopt: bool,
}

impl World {
    pub(crate) fn new() -> World {
        let cloud = Cloud::default();
        let limits = BTreeMap::from([("alpha", 2), ("beta", 3)]);
        World {
            store: Store::new(&cloud),
            kinds: kinds(&cloud),
            cloud,
            options: Options { limits, default_limit: 4, total_limit: 6, ..Options::default() },
            depth: Depth::Lists,
            adopt: false,
        }
    }

    pub(crate) fn observe(&self, graph: &Graph) -> Observations {
        self.observe_at(self.depth, graph)
    }

    fn observe_at(&self, depth: Depth, graph: &Graph) -> Observations {
        let options = RefreshOptions { depth, retry: RetryPolicy::default() };
        let state = self.store.state();
        let seen = refresh(graph, &state, &self.kinds, &*self.cloud.sim, &options, &Unobserved);
        self.cloud.sim.run(seen).expect("a refresh does not crash").expect("kinds are known")
    }

    /// What the cloud alone tells; `graph` is the manifest at hand.
    pub(crate) fn rebuild(&self, graph: &Graph) -> Rebuilt {
        self.cloud.fresh_process();
        let clock = &*self.cloud.sim;
        let run = rebuild(graph, STACK, 7, &self.kinds, clock, RetryPolicy::default(), &Unobserved);
        self.cloud.sim.run(run).expect("a rebuild does not crash").expect("kinds are known")
    }

    /// What drifted, by a full read.
    pub(crate) fn drift(&self, graph: &Graph) -> Drift {
        let observations = self.observe_at(Depth::Full, graph);
        let clock = &*self.cloud.sim;
        let state = self.store.state();
        let list = engine::rebuild::list(&self.kinds, &state, clock, RetryPolicy::default(), &Unobserved);
        let (listed, failed) = self.cloud.sim.run(list).expect("a list does not crash");
        assert!(failed.is_empty(), "{failed:?}");
        drift(graph, &self.store.state(), &observations, &listed, &self.kinds).expect("kinds are known")
    }

    pub(crate) fn plan(&self, graph: &Graph) -> Plan {
        self.plan_at(self.depth, graph)
    }

    fn plan_at(&self, depth: Depth, graph: &Graph) -> Plan {
        let observations = self.observe_at(depth, graph);
        let mode = Mode { stack: STACK.to_owned(), adopt: self.adopt };
        plan(graph, &self.store.state(), &observations, &self.kinds, &mode).expect("kinds are known")
    }

    /// Carries a plan out in a new process; `None` if that crashes.
    pub(crate) fn carry_out(&self, plan: &Plan, faults: &[(u64, Fault)]) -> Option<Outcome> {
        self.cloud.fresh_process();
        self.cloud.lock().faults.extend(faults.iter().copied());
        let state = self.store.state();
        let run = apply(plan, state, &self.kinds, &self.store, &*self.cloud.sim, &self.options, &Unobserved);
        let outcome = self.cloud.sim.run(run);
        self.cloud.lock().faults.clear();
        outcome
    }

    pub(crate) fn apply(&self, graph: &Graph) -> Outcome {
        let plan = self.plan(graph);
        assert!(!plan.is_incomplete(), "{plan:#?}");
        let outcome = self.carry_out(&plan, &[]).expect("nothing crashes");
        assert!(outcome.succeeded(), "{:#?}", outcome.statuses);
        outcome
    }

    /// Until everything made so far is visible.
    pub(crate) fn wait(&self) {
        self.cloud.sim.run(engine::Clock::sleep(&*self.cloud.sim, 1_000));
    }

    /// Asserts that the cloud is exactly as desired, and that everybody knows.
    pub(crate) fn assert_converged(&self, graph: &Graph) {
        let desired: Vec<(engine::Address, Value)> =
            graph.resources().values().map(|one| (one.address.clone(), named(&one.desired))).collect();
        assert_eq!(self.cloud.contents(), desired, "the cloud holds what is desired");
        for depth in [Depth::Lists, Depth::Full] {
            let plan = self.plan_at(depth, graph);
            assert!(plan.is_empty() && !plan.is_incomplete(), "{depth:?}: {:#?}", plan.changes().collect::<Vec<_>>());
        }
        let state = self.store.state();
        assert!(state.intents.is_empty(), "nothing is left open: {:?}", state.intents);
        assert!(state.records.keys().eq(graph.resources().keys()), "the state knows what there is");
    }
}

/// Desired fields as [`Cloud::contents`] shows them: a reference as the address it leads to.
fn named(desired: &Value) -> Value {
    engine::input::resolve(desired, &|reference| Some(Value::from(format!("<{}>", reference.of))))
}
