//! Tags of AWS resources: setting them, and listing what carries the stack's.

use std::collections::BTreeMap;

use engine::kind::CallError;

use crate::cloud::ownership;
use crate::kinds::typed::{TypedKind, TypedListed, TypedUpdate, at_once};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// A kind whose resources carry tags, by the id that the state keeps of them. Its methods are `async fn`s.
pub trait Tagged: Send + Sync {
    /// Reads the tags; none of a resource that does not exist.
    fn tags(&self, id: &str) -> impl Future<Output = Result<Option<Tags>, CallError>> + Send;

    /// Sets these tags and leaves the others.
    fn tag(&self, id: &str, tags: Tags) -> impl Future<Output = Result<(), CallError>> + Send;

    /// Removes the tags of these keys.
    fn untag(&self, id: &str, keys: Vec<String>) -> impl Future<Output = Result<(), CallError>> + Send;
}

/// Brings the tags of a resource to `desired`, its ownership included, where the change touches them.
pub async fn retag<D: Sync>(
    kind: &impl Tagged,
    stack: &str,
    change: &TypedUpdate<D>,
    desired: &Tags,
) -> Result<(), CallError> {
    if change.claim || change.touches("tags") {
        kind.tag(&change.id, ownership::with_owner(stack, &change.address, desired)).await?;
    }
    match change.dropped_keys("tags") {
        dropped if dropped.is_empty() => Ok(()),
        dropped => kind.untag(&change.id, dropped).await,
    }
}

/// Reads the tags of everything in `found`, `limit` at a time, and keeps what carries the stack's name and an address
/// of the kind. `fields` turns a listed thing and its tags into fields enough to find it by.
pub async fn list_tagged<K, T>(
    kind: &K,
    stack: &str,
    limit: usize,
    found: impl IntoIterator<Item = (String, T)>,
    fields: impl Fn(&str, &T, Tags) -> K::Desired,
) -> Result<Vec<TypedListed<K::Desired>>, CallError>
where
    K: TypedKind + Tagged,
{
    let found: Vec<(String, T)> = found.into_iter().collect();
    let tags = at_once(limit, found.iter().map(|(id, _)| kind.tags(id)).collect()).await;
    let mut listed = Vec::new();
    for ((id, thing), tags) in found.iter().zip(tags) {
        let Some(tags) = tags? else { continue };
        let owned = ownership::split(tags);
        let fields = fields(id, thing, owned.tags.clone());
        listed.extend(TypedListed::of(&K::META, stack, &owned, id, fields));
    }
    Ok(listed)
}
