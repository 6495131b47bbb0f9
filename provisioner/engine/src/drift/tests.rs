//! A kind that compares beside fields: its value is given, and only what is seen has its fingerprint.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde_json::json;

use super::*;
use crate::kind::{Create, Delete, Depth, Removal, Update, Want};
use crate::{Applied, Kind, KindMeta};

const META: KindMeta = KindMeta {
    name: "secret",
    service: "test",
    summary: "a secret",
    create_only: &[],
    open_maps: &["tags"],
    unlisted: &[],
    permissions: &[],
    guarded: false,
    leaves: None,
    ..KindMeta::PLAIN
};

struct Secrets {
    given: Option<&'static str>,
}

#[async_trait]
impl Kind for Secrets {
    fn meta(&self) -> &'static KindMeta {
        &META
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        let mut changes = crate::diff::fields(&META, desired, observed, last);
        let deployed = observed["tags"]["fingerprint"].as_str();
        if self.given.is_some_and(|given| deployed != Some(given)) {
            let (before, after) = (json!(deployed), json!("given"));
            changes.push(FieldChange { path: "value".to_owned(), before, after, forces_replacement: false });
        }
        changes
    }

    async fn read(&self, _: &[Want], _: Depth) -> Vec<Result<Option<Observed>, CallError>> {
        unreachable!("drift is pure")
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        unreachable!("drift is pure")
    }

    async fn create(&self, _: Create) -> Result<Applied, CallError> {
        unreachable!("drift is pure")
    }

    async fn update(&self, _: Update) -> Result<Applied, CallError> {
        unreachable!("drift is pure")
    }

    async fn delete(&self, _: Delete) -> Result<Removal, CallError> {
        unreachable!("drift is pure")
    }
}

fn address() -> Address {
    Address::new("secret", "stripe")
}

/// Drift of one secret whose deployed value has the fingerprint `old`.
fn found(given: Option<&'static str>, description: &str) -> Drift {
    let fields = json!({ "description": "ours", "tags": {} });
    let resource = Resource { address: address(), tenant: None, desired: fields.clone(), depends_on: BTreeSet::new() };
    let graph = Graph::new(vec![resource]).expect("a graph");
    let mut state = State::empty("test");
    let record = Record {
        address: address(),
        id: "s".to_owned(),
        tenant: None,
        fields: fields.into(),
        outputs: BTreeMap::new(),
        depends_on: BTreeSet::new(),
        pending: None,
        generation: None,
    };
    state.records.insert(address(), record);
    let observed = Observed {
        id: "s".to_owned(),
        fields: json!({ "description": description, "tags": { "fingerprint": "old" } }).into(),
        outputs: BTreeMap::new(),
        owner: Owner::stack("test"),
        unread: Vec::new(),
        pending: None,
    };
    let observations = Observations { seen: [(address(), Seen::Here(Box::new(observed)))].into(), assumed: false };
    let kinds = Kinds::new(vec![Box::new(Secrets { given })]);
    drift(&graph, &state, &observations, &[], &kinds).expect("kinds are known")
}

fn paths(fields: &[FieldChange]) -> Vec<&str> {
    fields.iter().map(|change| change.path.as_str()).collect()
}

#[test]
fn a_value_that_is_given_and_deployed_is_nothing_to_tell() {
    for given in [None, Some("old")] {
        let drift = found(given, "ours");
        assert!(!drift.is_drifted() && drift.unapplied.is_empty(), "{given:?}: {drift:#?}");
    }
}

#[test]
fn another_value_that_is_given_is_to_be_applied_and_no_drift() {
    let drift = found(Some("new"), "ours");
    assert!(!drift.is_drifted(), "{drift:#?}");
    assert_eq!(drift.unapplied.len(), 1);
    assert_eq!((drift.unapplied[0].action, paths(&drift.unapplied[0].fields)), (Action::Update, vec!["value"]));
}

#[test]
fn what_others_changed_beside_it_is_drift() {
    for given in [None, Some("old"), Some("new")] {
        let drift = found(given, "theirs");
        assert_eq!(drift.drifted.iter().flat_map(|one| paths(&one.fields)).collect::<Vec<_>>(), ["description"]);
        assert_eq!(drift.unapplied.is_empty(), given != Some("new"));
    }
}

/// Drift of one wanted resource that the state does not know and that others' eyes see differently.
fn unknown_to(state: &State, owner: Owner) -> Drift {
    let desired = json!({ "description": "ours", "tags": {} });
    let resource = Resource { address: address(), tenant: None, desired, depends_on: BTreeSet::new() };
    let graph = Graph::new(vec![resource]).expect("a graph");
    let observed = Observed {
        id: "s".to_owned(),
        fields: json!({ "description": "archived", "tags": {} }).into(),
        outputs: BTreeMap::new(),
        owner,
        unread: Vec::new(),
        pending: None,
    };
    let observations = Observations { seen: [(address(), Seen::Here(Box::new(observed)))].into(), assumed: false };
    let kinds = Kinds::new(vec![Box::new(Secrets { given: None })]);
    drift(&graph, state, &observations, &[], &kinds).expect("kinds are known")
}

#[test]
fn what_a_destroy_archived_is_no_drift() {
    let (blank, kept) = (State::empty("test"), State { serial: 3, ..State::empty("test") });
    assert!(blank.is_blank() && !kept.is_blank());
    assert!(unknown_to(&blank, Owner::stack("test")).is_drifted(), "without a state the manifest says how it was left");
    let after_destroy = unknown_to(&kept, Owner::stack("test"));
    assert!(!after_destroy.is_drifted(), "{after_destroy:#?}");
    assert_eq!(after_destroy.unapplied[0].action, Action::Adopt, "the next apply takes it up again");
}

#[test]
fn what_belongs_to_another_stack_is_not_to_be_adopted() {
    let blank = State::empty("test");
    let theirs = unknown_to(&blank, Owner::stack("theirs"));
    assert!(!theirs.is_drifted());
    assert_eq!(theirs.unapplied[0].action, Action::Create);
    assert_eq!(unknown_to(&blank, Owner::Unknown).unapplied[0].action, Action::Adopt);
}
