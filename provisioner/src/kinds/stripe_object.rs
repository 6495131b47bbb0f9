//! A type of Stripe object as its kind sees it: listed whole, page by page, and told ours by its metadata.

use std::collections::{BTreeMap, HashMap};

use engine::kind::{Applied, CallError};
use engine::kind_meta::KindMeta;
use serde_json::json;
use stripe::StripeRequest;
use stripe_types::List;

use super::typed::{Seen, TypedListed, TypedWant};
use crate::cloud::Cloud;
use crate::cloud::stripe_metadata::{self, client};

/// Stripe's largest page.
pub const PAGE: i64 = 100;

/// A type of Stripe object that a kind manages.
pub trait StripeObject: Sized + Send + Sync {
    /// The kind's desired fields.
    type Desired: Send + Sync;
    /// The request for a page of them.
    type Page: StripeRequest<Output = List<Self>> + Send;

    /// `GET /v1/prices`.
    const LIST: &'static str;
    /// Whether of two at one address the older one counts. Stripe lists newest first.
    const OLDEST_COUNTS: bool = false;

    /// The page after the object of that id, or the first.
    fn page(after: Option<String>) -> Self::Page;

    /// The object's id.
    fn id(&self) -> &str;

    /// Its metadata.
    fn metadata(&self) -> &HashMap<String, String>;

    /// Whether it is in use; what is archived is what a destroy leaves.
    fn is_in_use(&self) -> bool;

    /// Its fields in the kind's shape, with the metadata that is not ownership.
    fn fields(&self, metadata: BTreeMap<String, String>) -> Self::Desired;

    /// Sorts a listing once, and then says which object stands at an address.
    fn finder<'a>(
        objects: &'a [Self],
        stack: &'a str,
    ) -> impl Fn(&TypedWant<Self::Desired>) -> Option<&'a Self> + use<'a, Self>;
}

/// Every object of the type, newest first.
pub async fn all<T: StripeObject>(cloud: &Cloud) -> Result<Vec<T>, CallError>
where
    List<T>: miniserde::Deserialize,
{
    let unpack = |page: List<T>| (page.data, page.has_more);
    client(cloud)?.list(T::LIST, T::page, unpack, |object| object.id().to_owned()).await
}

/// Looks for all of `wants` in one listing.
pub async fn read<T: StripeObject>(
    cloud: &Cloud,
    wants: &[TypedWant<T::Desired>],
) -> Vec<Result<Option<Seen<T::Desired>>, CallError>>
where
    List<T>: miniserde::Deserialize,
{
    match all::<T>(cloud).await {
        Ok(objects) => {
            let find = T::finder(&objects, &cloud.stack);
            wants.iter().map(|want| Ok(find(want).map(seen))).collect()
        }
        Err(error) => wants.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Everything of the type that carries the stack's name and is in use. What is archived is history: a manifest that
/// wants it again finds it by its address or key.
pub async fn list<T: StripeObject>(cloud: &Cloud, meta: &KindMeta) -> Result<Vec<TypedListed<T::Desired>>, CallError>
where
    List<T>: miniserde::Deserialize,
{
    let mut objects = all::<T>(cloud).await?;
    if T::OLDEST_COUNTS {
        objects.reverse();
    }
    let listed = objects.iter().filter(|object| object.is_in_use()).filter_map(|object| {
        let owned = stripe_metadata::split(object.metadata());
        TypedListed::of(meta, &cloud.stack, &owned, object.id(), object.fields(owned.tags.clone()))
    });
    Ok(listed.collect())
}

/// An object as it is seen.
pub fn seen<T: StripeObject>(object: &T) -> Seen<T::Desired> {
    let owned = stripe_metadata::split(object.metadata());
    let Applied { id, outputs, pending } = applied(object);
    Seen { id, fields: object.fields(owned.tags), outputs, owner: owned.owner, unread: Vec::new(), pending }
}

/// What a call that answered with the object brought about.
pub fn applied<T: StripeObject>(object: &T) -> Applied {
    let id = object.id().to_owned();
    Applied { outputs: BTreeMap::from([("id".to_owned(), json!(id))]), id, pending: None }
}
