//! What a kind is asked: desired values, and what others do to a resource behind billform's back.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;

use engine::Kind;
use engine::kind_meta::KindMeta;
use futures::future::BoxFuture;
use provisioner::cloud::Cloud;
use provisioner::kinds::typed::{Erased, TypedKind};
use serde::Serialize;
use serde_json::Value;

/// One kind, and all it is asked.
pub struct Fixture {
    /// The kind at work, as a user who may do what it says it needs and nothing else.
    pub kind: Arc<dyn Kind>,
    /// The account with every right: what others do is done with it.
    pub root: Arc<Cloud>,
    /// The name in the resource's address.
    pub name: String,
    /// What it is to be.
    pub desired: Value,
    /// Other desired values, at least one for each field that can be updated.
    pub updates: Vec<Variant>,
    /// Other desired values, one for each create-only field.
    pub replaces: Vec<Variant>,
    /// What others change, at least once for each field that can be changed.
    pub mutations: Vec<Mutation>,
    /// Fields that nobody can change on a resource that exists, and why.
    pub immutable: Vec<Field>,
    /// Fields that can be desired in one way only, and why.
    pub constant: Vec<Field>,
    /// Where it says whose it is; none for what has no such place.
    pub ownership: Option<Ownership>,
}

/// Why the name of an AWS resource cannot be changed behind our back.
pub const NAMED: &str = "AWS renames nothing: another name is another resource";

/// A field, and why it is left out.
pub type Field = (&'static str, &'static str);

/// Another desired value.
pub struct Variant {
    /// The field that differs.
    pub field: &'static str,
    /// The whole desired value.
    pub desired: Value,
}

/// A change behind billform's back.
pub struct Mutation {
    /// The managed field it changes.
    pub field: &'static str,
    /// Makes it; the argument is the resource's id.
    pub act: Act,
    /// What a full read then shows: path, what is there, what is to be there.
    pub shows: Vec<(String, Value, Value)>,
}

/// Something done to the resource of an id.
pub type Act = Box<dyn Fn(Arc<Cloud>, String) -> BoxFuture<'static, ()> + Send + Sync>;

/// Something done to the resource of an id.
pub fn act<F, Done>(act: F) -> Act
where
    F: Fn(Arc<Cloud>, String) -> Done + Send + Sync + 'static,
    Done: Future<Output = ()> + Send + 'static,
{
    Box::new(move |root, id| Box::pin(act(root, id)))
}

/// Sets tags, then takes others away: `(root, id, set, gone)`.
pub type Retag =
    Box<dyn Fn(Arc<Cloud>, String, BTreeMap<String, String>, BTreeSet<String>) -> BoxFuture<'static, ()> + Send + Sync>;
/// Reads all tags.
pub type Tags = Box<dyn Fn(Arc<Cloud>, String) -> BoxFuture<'static, BTreeMap<String, String>> + Send + Sync>;

/// Where a resource says whose it is: tags, metadata or attributes.
pub struct Ownership {
    /// The managed field they are beside: `tags`, `metadata`; none when they are not among the fields.
    pub field: Option<&'static str>,
    /// Changes them behind billform's back.
    pub retag: Retag,
    /// Reads them all.
    pub tags: Tags,
}

impl Ownership {
    /// Tags that are beside the field, how they are changed and how they are read.
    pub fn new<F, Changed, G, Read>(field: Option<&'static str>, retag: F, tags: G) -> Ownership
    where
        F: Fn(Arc<Cloud>, String, BTreeMap<String, String>, BTreeSet<String>) -> Changed + Send + Sync + 'static,
        Changed: Future<Output = ()> + Send + 'static,
        G: Fn(Arc<Cloud>, String) -> Read + Send + Sync + 'static,
        Read: Future<Output = BTreeMap<String, String>> + Send + 'static,
    {
        Ownership {
            field,
            retag: Box::new(move |root, id, set, gone| Box::pin(retag(root, id, set, gone))),
            tags: Box::new(move |root, id| Box::pin(tags(root, id))),
        }
    }
}

impl Fixture {
    /// A kind with one desired value, to be completed.
    pub fn new<K: TypedKind>(cloud: &Arc<Cloud>, root: &Arc<Cloud>, name: &str, desired: &K::Desired) -> Fixture {
        Fixture {
            kind: Arc::new(Erased(K::new(Arc::clone(cloud)))),
            root: Arc::clone(root),
            name: name.to_owned(),
            desired: plain(desired),
            updates: Vec::new(),
            replaces: Vec::new(),
            mutations: Vec::new(),
            immutable: Vec::new(),
            constant: Vec::new(),
            ownership: None,
        }
    }

    /// What is said once about the kind.
    pub fn meta(&self) -> &'static KindMeta {
        self.kind.meta()
    }

    /// Another desired value for a field that can be updated.
    pub fn update(mut self, field: &'static str, desired: impl Serialize) -> Self {
        self.updates.push(Variant { field, desired: plain(&desired) });
        self
    }

    /// Another desired value for a create-only field.
    pub fn replace(mut self, field: &'static str, desired: impl Serialize) -> Self {
        self.replaces.push(Variant { field, desired: plain(&desired) });
        self
    }

    /// A change behind billform's back, and what it shows: `(path, there, to be there)`.
    pub fn mutation<const N: usize>(mut self, field: &'static str, act: Act, shows: [(&str, Value, Value); N]) -> Self {
        let shows = shows.map(|(path, before, after)| (path.to_owned(), before, after)).into();
        self.mutations.push(Mutation { field, act, shows });
        self
    }

    /// A field that nobody can change on a resource that exists, and why.
    pub fn immutable(mut self, field: &'static str, why: &'static str) -> Self {
        self.immutable.push((field, why));
        self
    }

    /// A field that can be desired in one way only, and why.
    pub fn constant(mut self, field: &'static str, why: &'static str) -> Self {
        self.constant.push((field, why));
        self
    }

    /// Where it says whose it is.
    pub fn owned(mut self, ownership: Ownership) -> Self {
        self.ownership = Some(ownership);
        self
    }

    /// The field of `desired` that lies at `path`.
    pub fn wanted(&self, path: &str) -> Value {
        let at = |value: &Value, part: &str| value.get(part).cloned().unwrap_or_default();
        path.split('.').fold(self.desired.clone(), |value, part| at(&value, part))
    }
}

fn plain(desired: &impl Serialize) -> Value {
    serde_json::to_value(desired).expect("desired fields are plain data")
}
