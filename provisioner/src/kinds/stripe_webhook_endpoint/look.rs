//! Which endpoint counts, which ones are left over, and whose signing secret is stored. Pure.

use std::collections::{BTreeMap, HashMap};

use engine::kind::Owner;
use engine::{Address, Input};

use super::requests::Endpoint;
use super::signing::{version_of, version_of_both};
use super::{Desired, Signing};
use crate::cloud::ownership::Owned;
use crate::cloud::stripe_metadata;
use crate::kinds::typed::TypedWant;

/// Metadata key of an endpoint that was made in place of another: that one's id.
pub(super) const FOLLOWS: &str = "billform:follows";
/// Metadata key of one whose predecessor stays until a person ends the rotation.
pub(super) const WAITS: &str = "billform:waits";

/// The endpoints of one address, and what the secret holds.
pub struct Standing<'a> {
    /// Newest first.
    ours: Vec<&'a Endpoint>,
    held: Option<&'a str>,
}

/// A rotation that waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting<'a> {
    /// The endpoint that stays.
    pub current: &'a str,
    /// The one that goes.
    pub previous: &'a str,
}

impl<'a> Standing<'a> {
    /// Picks the endpoints that say they stand at the address from a listing, newest first as Stripe gives it.
    pub fn of(all: &'a [Endpoint], stack: &str, address: &Address, held: Option<&'a str>) -> Standing<'a> {
        let ours = all.iter().filter(|endpoint| stripe_metadata::is_at(&endpoint.metadata, stack, address));
        Standing { ours: ours.collect(), held }
    }

    /// The endpoint whose signing secret is stored, as the current one where two are; else the oldest: what came after it
    /// did not get as far.
    pub fn current(&self) -> Option<&'a Endpoint> {
        let stored = self.ours.iter().find(|endpoint| signing(endpoint, self.held) != Signing::Lost);
        stored.or(self.ours.last()).copied()
    }

    /// The rotation that a person began and has yet to end.
    pub fn waiting(&self) -> Option<Waiting<'a>> {
        let current = self.current().filter(|endpoint| endpoint.metadata.contains_key(WAITS))?;
        let previous = current.metadata.get(FOLLOWS)?;
        let both = self.held == Some(&version_of_both(&current.id, previous));
        let is_there = self.ours.iter().any(|endpoint| endpoint.id == *previous);
        (both && is_there).then_some(Waiting { current: &current.id, previous })
    }

    /// The others at the address, which are to go.
    pub fn doubles(&self) -> Vec<String> {
        let stays =
            [self.current().map(|endpoint| endpoint.id.as_str()), self.waiting().map(|waiting| waiting.previous)];
        let left = self.ours.iter().filter(|endpoint| !stays.contains(&Some(endpoint.id.as_str())));
        left.map(|endpoint| endpoint.id.clone()).collect()
    }

    /// What is stored for the endpoint that counts.
    pub fn signing(&self) -> Signing {
        match self.current() {
            Some(_) if self.waiting().is_some() => Signing::Stored,
            Some(endpoint) => signing(endpoint, self.held),
            None => Signing::Lost,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ours.len()
    }
}

/// What the version that is read holds for an endpoint.
pub(super) fn signing(endpoint: &Endpoint, held: Option<&str>) -> Signing {
    let Some(held) = held else { return Signing::Lost };
    let both = |previous: &String| held == version_of_both(&endpoint.id, previous);
    if held == version_of(&endpoint.id) {
        Signing::Stored
    } else if endpoint.metadata.get(FOLLOWS).is_some_and(both) {
        Signing::WithPrevious
    } else {
        Signing::Lost
    }
}

/// The endpoint's metadata, parted: whose it is, and what is neither ownership nor part of a rotation.
pub(super) fn owned(metadata: &HashMap<String, String>) -> Owned {
    let mut owned = stripe_metadata::split(metadata);
    owned.tags.retain(|key, _| key != FOLLOWS && key != WAITS);
    owned
}

/// The endpoint's fields, told in the shape of what is wanted. What Stripe does not know is as it was applied last.
pub(super) fn fields(
    endpoint: &Endpoint,
    want: &TypedWant<Desired>,
    signing: Signing,
    doubles: Vec<String>,
) -> Desired {
    let (base, path) = parted(&endpoint.url, &want.fields);
    let known = want.known.as_ref().filter(|known| !known.secret.is_empty());
    Desired {
        base: Input::Known(base.to_owned()),
        path: path.to_owned(),
        secret: known.unwrap_or(&want.fields).secret.clone(),
        signing,
        doubles,
        ..bare(endpoint, owned(&endpoint.metadata).tags)
    }
}

/// What Stripe alone tells.
pub(super) fn bare(endpoint: &Endpoint, metadata: BTreeMap<String, String>) -> Desired {
    let (base, path) = origin(&endpoint.url);
    Desired {
        base: Input::Known(base.to_owned()),
        path: path.to_owned(),
        enabled_events: endpoint.enabled_events.iter().cloned().collect(),
        api_version: endpoint.api_version.clone().unwrap_or_default(),
        disabled: endpoint.status != "enabled",
        secret: String::new(),
        metadata,
        signing: Signing::Lost,
        doubles: Vec::new(),
    }
}

/// Where the wanted address or path is in the URL, the rest is the other part; else the path begins behind the host.
fn parted<'a>(url: &'a str, wanted: &Desired) -> (&'a str, &'a str) {
    let behind_base = wanted.base.known().and_then(|base| url.strip_prefix(base.as_str()));
    if let Some(path) = behind_base.filter(|path| path.starts_with('/')) {
        return (&url[..url.len() - path.len()], path);
    }
    match url.strip_suffix(wanted.path.as_str()) {
        Some(base) if !wanted.path.is_empty() => (base, &url[base.len()..]),
        _ => origin(url),
    }
}

fn origin(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    url.split_at(end)
}

/// Whose it is, where it does not say the address it is looked for at: found by its id or its URL.
pub(super) fn owner(endpoint: &Endpoint) -> Owner {
    owned(&endpoint.metadata).owner
}
