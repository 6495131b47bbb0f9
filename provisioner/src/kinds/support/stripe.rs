//! Stripe objects as kinds: listed whole, page by page, told ours by their metadata, archived instead of deleted.
//!
//! The author of such a kind says how its objects are listed, made, changed and retired ([`StripeKind`]); [`Stripe`]
//! does the rest.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::sync::Arc;

use billing::names::ADDRESS_TAG;
use engine::Address;
use engine::kind::{Applied, CallError, Depth, Removal};
use engine::kind_meta::KindMeta;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use stripe::StripeRequest;

use crate::cloud::stripe_api::StripeApi;
use crate::cloud::stripe_metadata::{self, Found, client, key_after};
use crate::cloud::{Cloud, clock};
use crate::kinds::typed::{Answers, Seen, TypedKind, TypedListed, TypedUpdate, TypedWant};

/// Stripe's largest page.
pub const PAGE: i64 = 100;

/// The query for a page of a list: the one after the object of that id, or the first.
#[derive(Serialize)]
pub struct PageQuery {
    limit: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_after: Option<String>,
}

impl PageQuery {
    /// Asks for as many objects as Stripe gives at once.
    pub fn after(id: Option<String>) -> PageQuery {
        PageQuery { limit: PAGE, starting_after: id }
    }
}

/// Older than this cannot come from the call that was just made, clocks a little apart included, in seconds.
const FRESH_S: i64 = 120;

/// The operations of one type of object, as Stripe's reference names them.
#[derive(Debug, Clone, Copy)]
pub struct Routes {
    /// `GET /v1/prices`.
    pub list: &'static str,
    /// `POST /v1/prices`.
    pub create: &'static str,
    /// `POST /v1/prices/{id}`.
    pub change: &'static str,
}

/// What every object says about itself.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// `price_1N…`.
    pub id: &'a str,
    /// Its metadata, where it has any.
    pub metadata: Option<&'a HashMap<String, String>>,
    /// Its name for people, where it has one.
    pub label: Option<&'a str>,
    /// Whether it can be used: one that is not is archived.
    pub active: bool,
    /// When it was made, in unix seconds.
    pub created_s: i64,
}

/// A type of Stripe object that billform manages, as its author writes it.
pub trait StripeKind: Send + Sync + Sized + 'static {
    /// What the manifest wants it to be.
    type Desired: Serialize + DeserializeOwned + Send + Sync;
    /// Stripe's object.
    type Object: miniserde::Deserialize + Send + Sync;
    /// The request for a page of them.
    type Page: StripeRequest<Output: miniserde::Deserialize + Send> + Send;
    /// The request that makes one.
    type Create: StripeRequest<Output = Self::Object> + Send;
    /// The request that changes one.
    type Change: StripeRequest<Output = Self::Object> + Send;

    /// See [`TypedKind::META`].
    const META: KindMeta;
    /// Its operations.
    const ROUTES: Routes;
    /// Whether of two at one address the older one counts. Stripe lists newest first.
    const OLDEST_COUNTS: bool = false;

    /// Asks for the page after the object of that id, or for the first.
    fn page(after: Option<String>) -> Self::Page;

    /// Returns a page's objects and whether there are more.
    fn unpack(page: <Self::Page as StripeRequest>::Output) -> (Vec<Self::Object>, bool);

    /// Returns what the object says about itself.
    fn facts(object: &Self::Object) -> Facts<'_>;

    /// Whether it counts as there; what is archived is what a destroy leaves.
    fn is_in_use(object: &Self::Object) -> bool {
        Self::facts(object).active
    }

    /// Returns the object's fields, with the metadata that is not ownership.
    fn fields(object: &Self::Object, metadata: BTreeMap<String, String>) -> Self::Desired;

    /// Returns the desired metadata beside the ownership keys.
    fn metadata(desired: &Self::Desired) -> &BTreeMap<String, String>;

    /// Whether of two objects at one address the later listed, so older one, counts.
    fn prefer(_newer: &Self::Object, _older: &Self::Object) -> bool {
        Self::OLDEST_COUNTS
    }

    /// Finds the object at an address in a listing: by its metadata, else by the id that the state knows.
    fn find<'a>(
        _objects: &'a [Self::Object],
        found: &Found<'a, Self::Object>,
        _stack: &str,
        want: &TypedWant<Self::Desired>,
    ) -> Option<&'a Self::Object> {
        found.at(&want.address, want.id.as_deref())
    }

    /// Builds the request that makes `desired`.
    fn create(desired: &Self::Desired, metadata: HashMap<String, String>) -> Result<Self::Create, CallError>;

    /// Builds the request that carries the change out.
    fn update(change: TypedUpdate<Self::Desired>, metadata: HashMap<String, String>) -> Self::Change;

    /// Builds the request that retires an object, and says what becomes of it.
    fn retire(id: &str, last: &Self::Desired) -> (Self::Change, Removal);

    /// Makes the object. Stripe replays an answer for a day, so an answer that is not fresh may tell of an object that
    /// was deleted since; then it is made once more under another key.
    fn make(
        stripe: &Stripe<Self>,
        address: &Address,
        desired: Self::Desired,
        token: &str,
    ) -> impl Future<Output = Made<Self>> + Send {
        async move {
            let made = stripe.post(address, &desired, &key_after(token, None)).await?;
            let facts = Self::facts(&made);
            if is_fresh(facts.created_s, clock::now().await) || !Self::is_deleted(stripe, facts.id).await? {
                return Ok(made);
            }
            stripe.post(address, &desired, &key_after(token, Some(facts.id))).await
        }
    }

    /// Whether the object of that id was deleted: then no list has it.
    fn is_deleted(stripe: &Stripe<Self>, id: &str) -> impl Future<Output = Result<bool, CallError>> + Send {
        async move { Ok(!stripe.all().await?.iter().any(|object| Self::facts(object).id == id)) }
    }
}

/// The object that a call made, or why not.
pub type Made<K> = Result<<K as StripeKind>::Object, CallError>;

/// A [`StripeKind`] in one account.
pub struct Stripe<K> {
    cloud: Arc<Cloud>,
    kind: PhantomData<K>,
}

impl<K: StripeKind> Stripe<K> {
    /// Returns the stack's name.
    pub fn stack(&self) -> &str {
        &self.cloud.stack
    }

    /// Returns the client, or a refusal that says what to set.
    pub fn client(&self) -> Result<&StripeApi, CallError> {
        client(&self.cloud)
    }

    /// Creates the object under an idempotency key.
    pub async fn post(&self, address: &Address, desired: &K::Desired, key: &str) -> Made<K> {
        let metadata = stripe_metadata::to_write(self.stack(), address, K::metadata(desired), &[]);
        self.client()?.write(K::ROUTES.create, key, K::create(desired, metadata)?).await
    }

    /// Lists every object of the type, newest first.
    pub async fn all(&self) -> Result<Vec<K::Object>, CallError> {
        self.client()?.list(K::ROUTES.list, K::page, K::unpack, |object| K::facts(object).id.to_owned()).await
    }
}

/// Sorts a listing by address and id.
pub fn index<'a, K: StripeKind>(objects: &'a [K::Object], stack: &'a str) -> Found<'a, K::Object> {
    Found::new(stack, objects, |object| K::facts(object).id, |object| K::facts(object).metadata, K::prefer)
}

impl<K: StripeKind> TypedKind for Stripe<K> {
    type Desired = K::Desired;

    const META: KindMeta = K::META;

    fn new(cloud: Arc<Cloud>) -> Self {
        Stripe { cloud, kind: PhantomData }
    }

    async fn read(&self, wants: &[TypedWant<K::Desired>], _depth: Depth) -> Answers<K::Desired> {
        let objects = self.all().await?;
        let found = index::<K>(&objects, self.stack());
        Ok(wants.iter().map(|want| Ok(K::find(&objects, &found, self.stack(), want).map(seen::<K>))).collect())
    }

    /// Lists what carries the stack's name and is in use. An archived object is history: a manifest that wants it again
    /// finds it by its address or key.
    async fn list(&self) -> Result<Vec<TypedListed<K::Desired>>, CallError> {
        let mut objects = self.all().await?;
        if K::OLDEST_COUNTS {
            objects.reverse();
        }
        let listed = objects.iter().filter_map(|object| {
            let facts = K::facts(object);
            let owned = stripe_metadata::split(facts.metadata.filter(|_| K::is_in_use(object))?);
            TypedListed::of(&K::META, self.stack(), &owned, facts.id, K::fields(object, owned.tags.clone()))
        });
        Ok(listed.collect())
    }

    /// By their names; none where there is no key at hand.
    async fn inventory(&self) -> Result<Vec<String>, CallError> {
        if self.cloud.stripe.is_none() {
            return Ok(Vec::new());
        }
        Ok(self.all().await?.iter().map(|object| named(K::facts(object))).collect())
    }

    async fn create(&self, address: &Address, desired: K::Desired, token: &str) -> Result<Applied, CallError> {
        K::make(self, address, desired, token).await.map(|object| applied::<K>(&object))
    }

    /// No idempotency key: an update says what is to be, and saying it twice is the same.
    async fn update(&self, change: TypedUpdate<K::Desired>) -> Result<Applied, CallError> {
        let dropped = change.dropped_keys("metadata");
        let desired = K::metadata(&change.desired);
        let metadata = stripe_metadata::to_write(self.stack(), &change.address, desired, &dropped);
        let object = self.client()?.read(K::ROUTES.change, K::update(change, metadata)).await?;
        Ok(applied::<K>(&object))
    }

    async fn delete(&self, _address: &Address, id: &str, last: K::Desired) -> Result<Removal, CallError> {
        let (request, removal) = K::retire(id, &last);
        let changed = self.client()?.change(K::ROUTES.change, request).await?;
        Ok(changed.map_or(Removal::Gone, |_| removal))
    }
}

/// The name for people, else the address, as of a price whose lookup key went to its successor, else the id.
fn named(facts: Facts<'_>) -> String {
    let address = || facts.metadata?.get(ADDRESS_TAG).map(String::as_str);
    let name = facts.label.or_else(address).unwrap_or(facts.id);
    if facts.active { name.to_owned() } else { format!("{name} (archived)") }
}

/// Returns an object as it is seen.
pub fn seen<K: StripeKind>(object: &K::Object) -> Seen<K::Desired> {
    static NONE: std::sync::LazyLock<HashMap<String, String>> = std::sync::LazyLock::new(HashMap::new);
    let owned = stripe_metadata::split(K::facts(object).metadata.unwrap_or(&NONE));
    let Applied { id, outputs, pending } = applied::<K>(object);
    Seen { id, fields: K::fields(object, owned.tags), outputs, owner: owned.owner, unread: Vec::new(), pending }
}

/// Returns what a call that answered with the object brought about. Output: `id`.
pub fn applied<K: StripeKind>(object: &K::Object) -> Applied {
    let id = K::facts(object).id.to_owned();
    Applied { outputs: BTreeMap::from([("id".to_owned(), json!(id))]), id, pending: None }
}

/// Whether an object of this creation time, in unix seconds, was made by the call that answered it. `now` is the time that
/// business goes by, which stamps the objects of the local Stripe, too.
fn is_fresh(created_s: i64, now: Timestamp) -> bool {
    now.as_second() - created_s < FRESH_S
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_made_long_ago_was_not_made_by_this_call() {
        let now: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
        let made = now.as_second();
        assert!([0, -60, 60].iter().all(|apart_s| is_fresh(made + apart_s, now)), "clocks differ a little");
        assert!(!is_fresh(made - 3_600, now));
    }
}
