//! Looking at the cloud: one read per kind, all kinds at once. The only I/O before a plan is approved.

mod second_look;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::Value;

use crate::clock::Clock;
use crate::import;
use crate::input::{OutputRef, resolve};
use crate::kind::{Depth, ErrorClass, Want};
use crate::kinds::{Kinds, UnknownKind};
use crate::observer::{Event, Observer};
use crate::retry::{Retrier, RetryPolicy, harmless_again};
use crate::{Address, CallError, Graph, Kind, Observed, Owner, Record, State};

/// How to look.
#[derive(Debug, Clone, Copy)]
pub struct RefreshOptions {
    /// How much is read.
    pub depth: Depth,
    /// When to ask again.
    pub retry: RetryPolicy,
}

/// What was found at one address.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// It exists.
    Here(Box<Observed>),
    /// It does not.
    Gone,
    /// Nobody can say: the read failed.
    Unreadable(CallError),
}

/// What was found. An address that is missing was not looked at, and a plan leaves it alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observations {
    /// By address.
    pub seen: BTreeMap<Address, Seen>,
    /// Nothing was looked at: this is what the state says.
    pub assumed: bool,
}

impl Observations {
    /// The same without what is not `looked_at`.
    pub fn only(mut self, looked_at: impl Fn(&Address) -> bool) -> Observations {
        self.seen.retain(|address, _| looked_at(address));
        self
    }

    /// What the state says, without looking: `--refresh none`. Of what was begun and never heard of nobody can say
    /// whether it exists. Nothing is said of imports that are pending.
    pub fn assumed(graph: &Graph, state: &State) -> Observations {
        let addresses = graph.resources().keys().chain(state.records.keys()).chain(state.intents.keys());
        // What is to be imported is not ours yet, so the state cannot say anything of it.
        let addresses = addresses.filter(|address| import::pending(graph, state, address).is_none());
        let seen = addresses.map(|address| {
            let seen = match state.records.get(address) {
                _ if state.intents.contains_key(address) => Seen::Unreadable(unfinished()),
                Some(record) => Seen::Here(Box::new(as_remembered(record, state))),
                None => Seen::Gone,
            };
            (address.clone(), seen)
        });
        Observations { seen: seen.collect(), assumed: true }
    }

    /// Wanted addresses that share what is seen at them with another one.
    pub fn sharing(&self, graph: &Graph) -> BTreeSet<Address> {
        let standing = second_look::standing(graph, self);
        let shares = |observed: &Observed, address: &Address| {
            standing.get(&(address.kind(), observed.id.as_str())).is_some_and(|count| *count > 1)
        };
        let here = second_look::here(graph, self);
        here.filter(|(address, observed)| shares(observed, address)).map(|(address, _)| address.clone()).collect()
    }

    /// An output of what was seen.
    pub(crate) fn output(&self, reference: &OutputRef) -> Option<&Value> {
        match self.seen.get(&reference.of)? {
            Seen::Here(observed) => observed.outputs.get(&reference.name),
            Seen::Gone | Seen::Unreadable(_) => None,
        }
    }
}

fn unfinished() -> CallError {
    CallError {
        operation: "plan without a refresh".to_owned(),
        message: "an earlier apply did not finish here, so what is there must be looked at".to_owned(),
        class: ErrorClass::Refused,
    }
}

fn as_remembered(record: &Record, state: &State) -> Observed {
    // What was renamed here says its old address until an apply tells it the new one.
    let renamed = state.renamed.get(&record.address).map(|from| Owner::at(&state.stack, from));
    Observed {
        id: record.id.clone(),
        fields: record.fields.clone(),
        outputs: record.outputs.clone(),
        owner: renamed.unwrap_or_else(|| Owner::stack(&state.stack)),
        unread: Vec::new(),
        pending: record.pending.clone(),
    }
}

/// Looks for everything that is wanted, remembered or begun.
///
/// Each kind is asked once for all its resources. It is asked again only for what was not found while a reference
/// in it was unknown and has come out of this same refresh: a child of an adopted parent.
pub async fn refresh(
    graph: &Graph,
    state: &State,
    kinds: &Kinds,
    clock: &dyn Clock,
    options: &RefreshOptions,
    observer: &dyn Observer,
) -> Result<Observations, UnknownKind> {
    refresh_only(&|_| true, graph, state, kinds, clock, options, observer).await
}

/// Looks for those of the above that are `looked_at`. A plan leaves the others alone.
pub async fn refresh_only(
    looked_at: &(dyn Fn(&Address) -> bool + Sync),
    graph: &Graph,
    state: &State,
    kinds: &Kinds,
    clock: &dyn Clock,
    options: &RefreshOptions,
    observer: &dyn Observer,
) -> Result<Observations, UnknownKind> {
    let retrier = Retrier { clock, policy: options.retry, observer };
    let mut wants = wants(graph, state, kinds)?;
    wants.retain(|want| looked_at(&want.address));
    let mut observations = Observations::default();
    while !wants.is_empty() {
        observations.seen.extend(read_all(&wants, kinds, options.depth, retrier).await?);
        wants = second_look::better_informed(wants, &observations);
    }
    let moving = second_look::moving(state, &observations, kinds)?;
    observations.seen.extend(read_all(&moving, kinds, options.depth, retrier).await?);
    let misplaced = second_look::misplaced(graph, state, &observations, kinds)?;
    second_look::settle(&mut observations, read_all(&misplaced, kinds, options.depth, retrier).await?, graph);
    Ok(observations)
}

fn wants(graph: &Graph, state: &State, kinds: &Kinds) -> Result<Vec<Want>, UnknownKind> {
    let addresses: BTreeSet<&Address> =
        graph.resources().keys().chain(state.records.keys()).chain(state.intents.keys()).collect();
    addresses.into_iter().map(|address| Ok(want(address, graph, state, kinds.of(address)?))).collect()
}

/// What to find a resource by: the desired fields, unless what exists, or was begun, differs from them in what only
/// a new resource can have. Then it is the old one that must be found, for it is the one to replace.
fn want(address: &Address, graph: &Graph, state: &State, kind: &dyn Kind) -> Want {
    let record = state.records.get(address);
    let intent = state.intents.get(address);
    let lookup = |reference: &OutputRef| state.records.get(&reference.of)?.outputs.get(&reference.name).cloned();
    let desired = graph.get(address).map(|resource| resolve(&resource.desired, &lookup));
    let remembered = record.map(|record| &record.fields).or(intent.map(|intent| &intent.fields));
    let fields = match (desired, remembered) {
        (Some(desired), Some(remembered)) => {
            let differs = kind.diff(&desired, remembered, None).iter().any(|change| change.forces_replacement);
            if differs { Value::clone(remembered) } else { desired }
        }
        (Some(desired), None) => desired,
        (None, remembered) => remembered.map(|fields| Value::clone(fields)).unwrap_or_default(),
    };
    // An open intent means that the last call was never heard of: what it changed must be read, not remembered.
    // And whether a renamed one says its new address by now is in its tags, which lists may not give.
    let settled = intent.is_none() && !state.renamed.contains_key(address);
    let known = record.filter(|_| settled).map(|record| record.fields.clone());
    // What is to be imported is read in full, as all of which no fields are known.
    let id = record.map(|record| record.id.as_str()).or_else(|| import::pending(graph, state, address));
    Want { address: address.clone(), id: id.map(str::to_owned), fields, known }
}

/// All a kind is asked for at once.
type Question<'k> = (&'k dyn Kind, Vec<Want>);

fn by_kind<'k>(wants: &[Want], kinds: &'k Kinds) -> Result<Vec<Question<'k>>, UnknownKind> {
    let mut grouped: BTreeMap<&str, Question<'k>> = BTreeMap::new();
    for want in wants {
        let kind = kinds.of(&want.address)?;
        grouped.entry(kind.meta().name).or_insert_with(|| (kind, Vec::new())).1.push(want.clone());
    }
    Ok(grouped.into_values().collect())
}

async fn read_all(
    wants: &[Want],
    kinds: &Kinds,
    depth: Depth,
    retrier: Retrier<'_>,
) -> Result<Vec<(Address, Seen)>, UnknownKind> {
    let reads = by_kind(wants, kinds)?.into_iter().map(|(kind, wants)| read(kind, wants, depth, retrier));
    Ok(join_all(reads).await.into_iter().flatten().collect())
}

/// Reads one kind, and again what could not be read but might be in a moment.
async fn read(kind: &dyn Kind, wants: Vec<Want>, depth: Depth, retrier: Retrier<'_>) -> Vec<(Address, Seen)> {
    let name = kind.meta().name;
    retrier.observer.event(&Event::Refreshing { kind: name, count: wants.len() });
    let mut results: BTreeMap<Address, Seen> = BTreeMap::new();
    let mut open = wants;
    for attempt in 0.. {
        for (want, answer) in open.iter().zip(answers(kind, &open, depth).await) {
            results.insert(want.address.clone(), seen(answer));
        }
        open.retain(|want| failed_for_now(&results[&want.address]).is_some());
        let Some(first) = open.first() else { break };
        let Some(why) = failed_for_now(&results[&first.address]) else { break };
        if !retrier.pause(&first.address, attempt, why).await {
            break;
        }
    }
    let count = |wanted: fn(&Seen) -> bool| results.values().filter(|seen| wanted(seen)).count();
    retrier.observer.event(&Event::Refreshed {
        kind: name,
        found: count(|seen| matches!(seen, Seen::Here(_))),
        failed: count(|seen| matches!(seen, Seen::Unreadable(_))),
    });
    results.into_iter().collect()
}

/// One answer per want, whatever the kind does: a kind that answers too little is reported, not believed.
async fn answers(kind: &dyn Kind, wants: &[Want], depth: Depth) -> Vec<Result<Option<Observed>, CallError>> {
    let answers = kind.read(wants, depth).await;
    if answers.len() == wants.len() {
        return answers;
    }
    let error = CallError {
        operation: format!("{}:read", kind.meta().name),
        message: format!("{} answers for {} resources; this is a bug in billform", answers.len(), wants.len()),
        class: ErrorClass::Refused,
    };
    wants.iter().map(|_| Err(error.clone())).collect()
}

fn seen(answer: Result<Option<Observed>, CallError>) -> Seen {
    match answer {
        Ok(Some(observed)) => Seen::Here(Box::new(observed)),
        Ok(None) => Seen::Gone,
        Err(error) => Seen::Unreadable(error),
    }
}

fn failed_for_now(seen: &Seen) -> Option<&CallError> {
    match seen {
        Seen::Unreadable(error) if harmless_again(error.class) => Some(error),
        _ => None,
    }
}
