//! Types inside, erased values at the edge: authors of kinds see their own `Desired`, the engine sees JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use engine::Address;
use engine::diff::FieldChange;
use engine::kind::{
    Applied, CallError, Contents, Create, Delete, Depth, ErrorClass, Kind, Listed, Observed, Owner, Removal, Update,
    Want,
};
use engine::kind_meta::KindMeta;
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cloud::Cloud;
use crate::cloud::ownership::Owned;

/// A kind of resource as its author writes it: its methods are `async fn`s. Not by `async_trait`: the bounds that this adds
/// to each method keep the compiler from remembering which types are `Send`, and Stripe's objects, which hold one another
/// in circles, took it half a minute.
pub trait TypedKind: Send + Sync + Sized + 'static {
    /// What the manifest wants it to be; what is seen is told in the same shape.
    type Desired: Serialize + DeserializeOwned + Send + Sync;

    /// What is said once about it.
    const META: KindMeta;

    /// The kind, at work in one account.
    fn new(cloud: Arc<Cloud>) -> Self;

    /// Looks for all of `wants`, one answer each, in their order. Lists and batches where the service has them.
    fn read(
        &self,
        wants: &[TypedWant<Self::Desired>],
        depth: Depth,
    ) -> impl Future<Output = Answers<Self::Desired>> + Send;

    /// Everything of this kind in the account that carries this stack's name, known to us or not. Two that say the
    /// same address are both listed, the one that counts first. What has no place to say whose it is is not listed.
    fn list(&self) -> impl Future<Output = Result<Vec<TypedListed<Self::Desired>>, CallError>> + Send;

    /// The same, of which those with a known id may be missing, where that saves calls.
    fn list_unknown(
        &self,
        _known: &BTreeSet<String>,
    ) -> impl Future<Output = Result<Vec<TypedListed<Self::Desired>>, CallError>> + Send {
        async move { self.list().await }
    }

    /// Names everything of this kind in the account, whoever made it: what an [`inventory`](crate::kinds::support::inventory) shows.
    /// Of what stays after a destroy it says so.
    fn inventory(&self) -> impl Future<Output = Result<Vec<String>, CallError>> + Send;

    /// Makes it, ownership tags included.
    fn create(
        &self,
        address: &Address,
        desired: Self::Desired,
        token: &str,
    ) -> impl Future<Output = Result<Applied, CallError>> + Send;

    /// Changes it in place; `change.fields` says what differs.
    fn update(&self, change: TypedUpdate<Self::Desired>) -> impl Future<Output = Result<Applied, CallError>> + Send;

    /// Removes it; what is already gone is [`Removal::Gone`].
    fn delete(
        &self,
        address: &Address,
        id: &str,
        last: Self::Desired,
    ) -> impl Future<Output = Result<Removal, CallError>> + Send;

    /// What a guarded resource holds that billform did not write.
    fn contents(
        &self,
        _id: &str,
        _last: Self::Desired,
    ) -> impl Future<Output = Result<Option<Contents>, CallError>> + Send {
        async move { Ok(None) }
    }

    /// What is remembered of a resource that is now as `desired`, for kinds with fields that it may leave open.
    fn remembered(&self, desired: Value, _before: Option<&Value>) -> Value {
        desired
    }

    /// Another comparison than field by field, for kinds whose fields are not all values (a secret, code).
    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        engine::diff::fields(&Self::META, desired, observed, last)
    }
}

/// What was seen of one resource; none when it does not exist.
pub type Answer<D> = Result<Option<Seen<D>>, CallError>;

/// One answer for each want, in their order; or the one error that all get, when the list they are looked up in failed.
pub type Answers<D> = Result<Vec<Answer<D>>, CallError>;

/// One resource to look for, typed.
#[derive(Debug, Clone)]
pub struct TypedWant<D> {
    /// Where it stands; ownership tags and metadata carry it.
    pub address: Address,
    /// The cloud's id of it, if the state knows one.
    pub id: Option<String>,
    /// The fields to find it by.
    pub fields: D,
    /// The fields as last applied; fields that lists do not give may be taken from here at [`Depth::Lists`].
    pub known: Option<D>,
}

/// A resource that carries this stack's name, typed.
#[derive(Debug, Clone)]
pub struct TypedListed<D> {
    /// The address that its tags or metadata say.
    pub address: Address,
    /// The tenant it belongs to, as its tags or metadata say.
    pub tenant: Option<String>,
    /// The cloud's id of it.
    pub id: String,
    /// Fields enough to find it by; the rest empty.
    pub fields: D,
}

impl<D> TypedListed<D> {
    /// What `owned` says, where that is this stack and an address of this kind. What says the stack without such an
    /// address is not listed: nobody can say which resource it is.
    pub fn of(meta: &KindMeta, stack: &str, owned: &Owned, id: &str, fields: D) -> Option<Self> {
        let address: Address = owned.address.as_deref().filter(|_| owned.owner.is_stack(stack))?.parse().ok()?;
        let tenant = owned.tenant().map(str::to_owned);
        (address.kind() == meta.name).then(|| TypedListed { address, tenant, id: id.to_owned(), fields })
    }
}

/// A resource as the cloud shows it, typed.
#[derive(Debug, Clone)]
pub struct Seen<D> {
    /// The cloud's id of it.
    pub id: String,
    /// Its fields in the desired shape; tags without the ownership tags.
    pub fields: D,
    /// What others may refer to.
    pub outputs: BTreeMap<String, Value>,
    /// Who made it.
    pub owner: Owner,
    /// Paths whose values were taken from [`TypedWant::known`].
    pub unread: Vec<String>,
    /// What it waits for outside of us.
    pub pending: Option<String>,
}

/// An update to carry out, typed.
#[derive(Debug, Clone)]
pub struct TypedUpdate<D> {
    /// Where it stands.
    pub address: Address,
    /// The cloud's id.
    pub id: String,
    /// The fields to be.
    pub desired: D,
    /// The fields as they were seen.
    pub observed: D,
    /// What differs.
    pub fields: Vec<FieldChange>,
    /// Ownership tags are to be set as well.
    pub claim: bool,
    /// The same for the same change: idempotency key where the service takes one.
    pub token: String,
}

impl<D> TypedUpdate<D> {
    /// Whether the field, or one below it, is to change.
    pub fn touches(&self, field: &str) -> bool {
        let below = |path: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.fields.iter().any(|change| below(&change.path))
    }

    /// The keys of an open map (tags) that are to go.
    pub fn dropped_keys(&self, map: &str) -> Vec<String> {
        let key = |change: &FieldChange| {
            let key = change.path.strip_prefix(map)?.strip_prefix('.')?;
            change.after.is_null().then(|| key.to_owned())
        };
        self.fields.iter().filter_map(key).collect()
    }
}

/// Runs calls, `limit` of them at a time, and answers in their order. Collect them first
/// (`wants.iter().map(…).collect()`): a lazily mapped closure does not live through an await.
pub async fn at_once<F: Future + Send>(limit: usize, calls: Vec<F>) -> Vec<F::Output>
where
    F::Output: Send,
{
    futures::stream::iter(calls).buffered(limit).collect().await
}

/// A typed kind as the engine sees it.
pub struct Erased<K>(pub K);

#[async_trait]
impl<K: TypedKind> Kind for Erased<K> {
    fn meta(&self) -> &'static KindMeta {
        &K::META
    }

    fn diff(&self, desired: &Value, observed: &Value, last: Option<&Value>) -> Vec<FieldChange> {
        self.0.diff(desired, observed, last)
    }

    fn remembered(&self, desired: Value, before: Option<&Value>) -> Value {
        self.0.remembered(desired, before)
    }

    async fn read(&self, wants: &[Want], depth: Depth) -> Vec<Result<Option<Observed>, CallError>> {
        let all_fail = |error: CallError| wants.iter().map(|_| Err(error.clone())).collect();
        let typed: Vec<_> = match wants.iter().map(typed_want::<K>).collect() {
            Ok(typed) => typed,
            Err(error) => return all_fail(error),
        };
        match self.0.read(&typed, depth).await {
            Ok(seen) => {
                debug_assert_eq!(seen.len(), wants.len(), "{} answers each want", K::META.name);
                seen.into_iter().map(|answer| answer.and_then(|seen| seen.map(erase::<K>).transpose())).collect()
            }
            Err(error) => all_fail(error),
        }
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        self.0.list().await?.into_iter().map(listed::<K>).collect()
    }

    async fn list_unknown(&self, known: &BTreeSet<String>) -> Result<Vec<Listed>, CallError> {
        self.0.list_unknown(known).await?.into_iter().map(listed::<K>).collect()
    }

    async fn create(&self, request: Create) -> Result<Applied, CallError> {
        let desired = parse::<K>(&request.desired)?;
        self.0.create(&request.address, desired, &request.token).await
    }

    async fn update(&self, request: Update) -> Result<Applied, CallError> {
        let update = TypedUpdate {
            address: request.address,
            id: request.id,
            desired: parse::<K>(&request.desired)?,
            observed: parse::<K>(&request.observed)?,
            fields: request.changes,
            claim: request.claim,
            token: request.token,
        };
        self.0.update(update).await
    }

    async fn delete(&self, request: Delete) -> Result<Removal, CallError> {
        let last = parse::<K>(&request.fields)?;
        self.0.delete(&request.address, &request.id, last).await
    }

    async fn contents(&self, id: &str, fields: &Value) -> Result<Option<Contents>, CallError> {
        self.0.contents(id, parse::<K>(fields)?).await
    }
}

fn typed_want<K: TypedKind>(want: &Want) -> Result<TypedWant<K::Desired>, CallError> {
    Ok(TypedWant {
        address: want.address.clone(),
        id: want.id.clone(),
        fields: parse::<K>(&want.fields)?,
        known: want.known.as_deref().map(parse::<K>).transpose()?,
    })
}

fn erase<K: TypedKind>(seen: Seen<K::Desired>) -> Result<Observed, CallError> {
    Ok(Observed {
        id: seen.id,
        fields: serde_json::to_value(seen.fields).map_err(|error| malformed::<K>(&error))?.into(),
        outputs: seen.outputs,
        owner: seen.owner,
        unread: seen.unread,
        pending: seen.pending,
    })
}

fn listed<K: TypedKind>(listed: TypedListed<K::Desired>) -> Result<Listed, CallError> {
    Ok(Listed {
        address: listed.address,
        tenant: listed.tenant,
        id: listed.id,
        fields: serde_json::to_value(listed.fields).map_err(|error| malformed::<K>(&error))?,
    })
}

fn parse<K: TypedKind>(fields: &Value) -> Result<K::Desired, CallError> {
    K::Desired::deserialize(fields).map_err(|error| malformed::<K>(&error))
}

fn malformed<K: TypedKind>(error: &serde_json::Error) -> CallError {
    CallError {
        operation: format!("{} fields", K::META.name),
        message: format!("the recorded fields do not fit this version of billform: {error}"),
        class: ErrorClass::Refused,
    }
}
