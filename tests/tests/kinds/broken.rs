//! The suite can fail: a kind in memory that conforms, and the same with one fault at a time, which it reports.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use billing::names::{ADDRESS_TAG, OWNER_TAG};
use engine::diff::FieldChange;
use engine::kind::{
    Applied, CallError, Create, Delete, Depth, ErrorClass, Listed, Observed, Owner, Removal, Update, Want,
};
use engine::kind_meta::KindMeta;
use engine::{Address, Kind};
use serde_json::{Value, json};
use tests::conformance::{Fixture, Ownership, act, check};
use tests::live::STACK;
use tests::live::stripe_account::Account;

static META: KindMeta = KindMeta {
    name: "thing",
    service: "memory",
    summary: "a thing in memory",
    create_only: &["name"],
    open_maps: &["tags"],
    unlisted: &[],
    permissions: &[],
    guarded: false,
    leaves: None,
    ..KindMeta::PLAIN
};

/// What is wrong with the kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    IgnoresSize,
    ForgetsTags,
    DropsTagsOfOthers,
    DeletesOnce,
    ListsNothing,
    ListsForeign,
    WritesToAdopt,
    UpdatesNothing,
    KeepsItsName,
}

/// One thing: its size and tags.
#[derive(Debug, Clone, Default)]
struct Thing {
    size: u64,
    tags: BTreeMap<String, String>,
}

type Things = Arc<Mutex<BTreeMap<String, Thing>>>;

struct Fake {
    fault: Fault,
    things: Things,
}

fn refused(message: &str) -> CallError {
    CallError { operation: "memory".to_owned(), message: message.to_owned(), class: ErrorClass::Refused }
}

fn tags_of(fields: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(fields["tags"].clone()).expect("tags")
}

fn owner_of(thing: &Thing) -> Owner {
    match thing.tags.get(OWNER_TAG) {
        Some(stack) => Owner::at(stack, thing.tags.get(ADDRESS_TAG).unwrap_or(&String::new())),
        None => Owner::Unknown,
    }
}

impl Fake {
    fn things(&self) -> MutexGuard<'_, BTreeMap<String, Thing>> {
        self.things.lock().expect("no test panics with it")
    }

    fn seen(name: &str, thing: &Thing) -> Observed {
        let mut tags = thing.tags.clone();
        tags.retain(|key, _| !key.starts_with("billform:"));
        Observed {
            id: name.to_owned(),
            fields: json!({"name": name, "size": thing.size, "tags": tags}).into(),
            outputs: BTreeMap::new(),
            owner: owner_of(thing),
            unread: Vec::new(),
            pending: None,
        }
    }

    fn put(&self, address: &Address, fields: &Value, keep: BTreeMap<String, String>) -> Applied {
        let name = fields["name"].as_str().expect("a name").to_owned();
        let mut tags = keep;
        tags.extend(tags_of(fields));
        if self.fault != Fault::ForgetsTags {
            tags.insert(OWNER_TAG.to_owned(), STACK.to_owned());
            tags.insert(ADDRESS_TAG.to_owned(), address.to_string());
        }
        self.things().insert(name.clone(), Thing { size: fields["size"].as_u64().expect("a size"), tags });
        Applied { id: name, ..Applied::default() }
    }
}

#[async_trait]
impl Kind for Fake {
    fn meta(&self) -> &'static KindMeta {
        &META
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        let mut changes = engine::diff::fields(&META, desired, observed, last);
        match self.fault {
            Fault::IgnoresSize => changes.retain(|change| change.path != "size"),
            Fault::KeepsItsName => changes.iter_mut().for_each(|change| change.forces_replacement = false),
            Fault::WritesToAdopt if last.is_none() => changes.push(FieldChange {
                path: "size".to_owned(),
                before: Value::Null,
                after: desired["size"].clone(),
                forces_replacement: false,
            }),
            _ => {}
        }
        changes
    }

    async fn read(&self, wants: &[Want], _depth: Depth) -> Vec<Result<Option<Observed>, CallError>> {
        let things = self.things();
        let seen = |want: &Want| {
            let name = want.fields["name"].as_str()?;
            Some(Fake::seen(name, things.get(name)?))
        };
        wants.iter().map(|want| Ok(seen(want))).collect()
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        let things = self.things();
        let listed =
            things.iter().filter(|(_, thing)| self.fault == Fault::ListsForeign || owner_of(thing).is_stack(STACK));
        let listed = listed.filter_map(|(name, thing)| {
            let address = thing.tags.get(ADDRESS_TAG)?.parse().ok()?;
            Some(Listed {
                address,
                tenant: None,
                id: name.clone(),
                fields: Value::clone(&Fake::seen(name, thing).fields),
            })
        });
        Ok(if self.fault == Fault::ListsNothing { Vec::new() } else { listed.collect() })
    }

    async fn create(&self, request: Create) -> Result<Applied, CallError> {
        Ok(self.put(&request.address, &request.desired, BTreeMap::new()))
    }

    async fn update(&self, request: Update) -> Result<Applied, CallError> {
        if self.fault == Fault::UpdatesNothing {
            return Ok(Applied { id: request.id, ..Applied::default() });
        }
        let mut keep = self.things().get(&request.id).map(|thing| thing.tags.clone()).unwrap_or_default();
        if self.fault == Fault::DropsTagsOfOthers {
            keep.clear();
        }
        let gone = request.changes.iter().filter(|change| change.after.is_null());
        gone.filter_map(|change| change.path.strip_prefix("tags.")).for_each(|key| drop(keep.remove(key)));
        Ok(self.put(&request.address, &request.desired, keep))
    }

    async fn delete(&self, request: Delete) -> Result<Removal, CallError> {
        match self.things().remove(&request.id) {
            None if self.fault == Fault::DeletesOnce => Err(refused("it is not there")),
            _ => Ok(Removal::Gone),
        }
    }
}

fn thing(name: &str, size: u64, tags: &[(&str, &str)]) -> Value {
    json!({"name": name, "size": size, "tags": tests::live::tags(tags)})
}

async fn fixture(fault: Fault) -> Fixture {
    let things = Things::default();
    let (grows, writes, reads) = (Arc::clone(&things), Arc::clone(&things), Arc::clone(&things));
    let grown = act(move |_, id| {
        grows.lock().expect("no panic").get_mut(&id).expect("is there").size = 9;
        async {}
    });
    let retag = move |_, id: String, set: BTreeMap<String, String>, gone: BTreeSet<String>| {
        let mut things = writes.lock().expect("no panic");
        let tags = &mut things.get_mut(&id).expect("is there").tags;
        tags.extend(set);
        tags.retain(|key, _| !gone.contains(key));
        drop(things);
        async {}
    };
    let read = move |_, id: String| {
        let tags = reads.lock().expect("no panic").get(&id).map(|thing| thing.tags.clone());
        async { tags.unwrap_or_default() }
    };
    let ours = &[("team", "billing")];
    let bare = Fixture {
        kind: Arc::new(Fake { fault, things }),
        root: Arc::clone(&Account::open().await.cloud),
        name: "one".to_owned(),
        desired: thing("one", 1, ours),
        updates: Vec::new(),
        replaces: Vec::new(),
        mutations: Vec::new(),
        immutable: Vec::new(),
        constant: Vec::new(),
        ownership: Some(Ownership::new(Some("tags"), retag, read)),
    };
    bare.immutable("name", "it is the key")
        .mutation("size", grown, [("size", json!(9), json!(1))])
        .update("size", thing("one", 2, ours))
        .update("tags", thing("one", 1, &[("cost", "x")]))
        .replace("name", thing("two", 1, ours))
}

/// The checks that found something.
async fn found(fixture: &Fixture) -> BTreeSet<&'static str> {
    check(fixture).await.into_iter().map(|finding| finding.check).collect()
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_kind_that_conforms_is_found_to() {
    assert_eq!(check(&fixture(Fault::None).await).await, []);
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn each_fault_is_reported() {
    for (fault, by) in [
        (Fault::IgnoresSize, "mutation"),
        (Fault::IgnoresSize, "update"),
        (Fault::ForgetsTags, "read back"),
        (Fault::ForgetsTags, "list"),
        (Fault::DropsTagsOfOthers, "update"),
        (Fault::DeletesOnce, "delete twice"),
        (Fault::ListsNothing, "list"),
        (Fault::ListsForeign, "foreign"),
        (Fault::WritesToAdopt, "adopt"),
        (Fault::UpdatesNothing, "mutation"),
        (Fault::KeepsItsName, "replace"),
    ] {
        let found = found(&fixture(fault).await).await;
        assert!(found.contains(by), "{fault:?} is found by {found:?}");
    }
}

#[tokio::test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_field_that_nobody_asks_about_is_reported() {
    let mut silent = fixture(Fault::None).await;
    silent.mutations.clear();
    assert!(found(&silent).await.contains("coverage"));
    let mut silent = fixture(Fault::None).await;
    silent.updates.remove(0);
    assert!(found(&silent).await.contains("coverage"));
    let mut silent = fixture(Fault::None).await;
    silent.replaces.clear();
    assert!(found(&silent).await.contains("coverage"));
}
