//! The lower bound: the calls about tenants that billform makes, made by hand with the plain SDKs, as a script for this
//! one manifest would make them. No engine, no state, no journal; the resources are read from the manifest beforehand.
//! The two dozen resources that all tenants share are left out, but for the table of their records.
//!
//! A record waits for its table and customer. Each service has as many resources in the making at once as billform's
//! limits allow.

mod clients;
mod destroy;
mod full;
mod reads;
mod tenants;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use engine::{Address, Graph};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::phase::Phase;
use crate::{Fallible, manifest};
use clients::Clients;

/// What the calls are made with and about.
struct Raw {
    clients: Clients,
    account: String,
    stack: String,
    graph: Graph,
    rooms: BTreeMap<&'static str, Semaphore>,
}

/// A resource to be made, typed.
struct Wanted<D> {
    address: Address,
    desired: D,
}

/// Makes the calls and tells in microseconds how long they took, from the making of the clients on.
pub async fn run(phase: Phase, manifest: &Path) -> Fallible<String> {
    let text = std::fs::read_to_string(manifest).map_err(|error| format!("reading {}: {error}", manifest.display()))?;
    let manifest = manifest::load(text)?;
    let handlers = provisioner::stack::handlers();
    let wanted = provisioner::stack::Plan::of(&manifest, &handlers);
    let graph = provisioner::stack::graph(&wanted).map_err(|error| error.to_string())?;
    let began = Instant::now();
    let clients = Clients::new(&manifest.aws.region).await?;
    let clients_made = began.elapsed();
    let raw = Raw {
        clients,
        account: manifest.aws.account.clone(),
        stack: manifest.stack(),
        graph,
        rooms: provisioner::run::limits::per_service()
            .into_iter()
            .map(|(service, limit)| (service, Semaphore::new(limit)))
            .collect(),
    };
    match phase {
        Phase::Apply => {
            reads::all(&raw, true).await?;
            tenants::make(&raw).await?;
        }
        Phase::Plan => reads::all(&raw, false).await?,
        Phase::Drift => futures::try_join!(reads::all(&raw, false), full::all(&raw)).map(drop)?,
        Phase::Destroy => {
            reads::all(&raw, false).await?;
            destroy::all(&raw).await?;
        }
    }
    let took = [began.elapsed(), clients_made].map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    Ok(json!({ "calls_us": took[0], "clients_us": took[1] }).to_string())
}

impl Raw {
    /// Waits until the service may have one more resource in the making.
    async fn room(&self, service: &str) -> Fallible<SemaphorePermit<'_>> {
        let room = self.rooms.get(service).ok_or_else(|| format!("billform has no limit for {service}"))?;
        room.acquire().await.map_err(|error| error.to_string())
    }

    /// The resources of a kind.
    fn wanted<D: DeserializeOwned>(&self, kind: &str) -> Fallible<Vec<Wanted<D>>> {
        let of_kind = self.graph.resources().values().filter(|resource| resource.address.kind() == kind);
        let typed = of_kind.map(|resource| {
            let desired =
                D::deserialize(&resource.desired).map_err(|error| format!("{}: {error}", resource.address))?;
            Ok(Wanted { address: resource.address.clone(), desired })
        });
        typed.collect()
    }

    /// The tags to write, ownership included.
    fn tags(&self, address: &Address, tags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        provisioner::cloud::ownership::with_owner(&self.stack, address, tags)
    }
}

/// Looks until what was made is ready, with billform's pauses: 20 ms, doubling to a second. Looking more often would
/// not be the same calls.
async fn until_ready<F>(look: impl Fn() -> F) -> Fallible<()>
where
    F: Future<Output = Fallible<bool>>,
{
    let mut pause = Duration::from_millis(20);
    while !look().await? {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
    Ok(())
}

/// Does it for all at once; rooms keep the number down.
async fn each<'a, D, F>(all: &'a [Wanted<D>], make: impl Fn(&'a Wanted<D>) -> F) -> Fallible<()>
where
    F: Future<Output = Fallible<()>>,
{
    futures::future::try_join_all(all.iter().map(make)).await.map(drop)
}

/// An SDK's error with its cause.
fn failed<E: std::error::Error>(operation: &str) -> impl FnOnce(E) -> String {
    move |error| format!("{operation}: {}", aws_sdk_iam::error::DisplayErrorContext(error))
}

/// The error of a builder that lacks something.
fn unbuildable(error: impl std::fmt::Display) -> String {
    error.to_string()
}
