//! Where the state is kept: the store behind the engine's port, at the place that the manifest chooses.
//!
//! A run over the whole stack locks all of it. A run for one tenant locks that tenant's part alone, writes into it, and
//! leaves it beside the state, where every reader finds it and the next run over the whole takes it in
//! ([`engine::part`]).

pub mod backend;
pub mod file;
pub mod format;
pub mod holder;
pub mod permissions;
pub mod s3;
pub mod site;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing::names::is_id;
use engine::state::{Entry, StateStore, StoreError};
use engine::{Address, State};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::cloud::connection::Connection;
use crate::project::Project;
use crate::run::scope::unknown_tenant;
use crate::ui::failure::Failure;
use backend::Backend;
use holder::Holder;
use site::Site;

/// Parts read side by side.
const AT_ONCE: usize = 16;

/// The state's store.
pub struct Store {
    site: Site,
    main: Backend,
    part: Option<Part>,
    /// Why parts could not be taken in; a state that replaces all there is makes that good.
    damage: Mutex<Option<String>>,
}

/// The part of the state that is locked, when it is not the whole.
struct Part {
    tenant: String,
    kept: Backend,
    /// What is there and not the tenant's.
    others: BTreeSet<Address>,
}

/// The state to read only; nothing is locked. A state in S3 needs a connection, so it makes one.
pub async fn open(project: &Project) -> Result<Store, Failure> {
    Ok(Store::reading(Site::of(project, None).await?))
}

/// The same over a connection that there is.
pub fn open_with(project: &Project, connection: &Connection) -> Store {
    Store::reading(Site::over(project, connection))
}

/// The state to write, locked whole in this process's name; a state in S3 is reached over `connection`, or over one of
/// its own. `patience` is how long to wait for another run's lock. From then on calls of the connection that change
/// something are made only while the lock holds. [`Store::release`] gives it back; what is not given back lapses.
pub async fn lock(
    project: &Project,
    connection: Option<&Connection>,
    verb: &str,
    patience: Duration,
) -> Result<Store, Failure> {
    let site = Site::of(project, connection).await?;
    whole(site, &project.manifest.stack(), &Holder::this(verb), patience).await
}

/// The same for a run that changes one tenant alone: others may change other tenants meanwhile. What concerns all, a
/// state that has yet to be made and renames that were not told yet, locks the whole.
pub async fn lock_tenant(
    project: &Project,
    connection: &Connection,
    tenant: &str,
    verb: &str,
    patience: Duration,
) -> Result<Store, Failure> {
    let (site, stack, began) = (Site::over(project, connection), project.manifest.stack(), Instant::now());
    is_known(&Store::reading(site.clone()), project, tenant).await?;
    let holder = Holder::this(&format!("{verb} --tenant {tenant}"));
    let kept = site.lock_part(tenant, &holder, patience).await?;
    let main = site.open();
    match part(&site, &main, project, tenant, &kept).await {
        Ok(Some(others)) => {
            let part = Some(Part { tenant: tenant.to_owned(), kept, others });
            Ok(Store { site, main, part, damage: Mutex::default() })
        }
        Ok(None) => {
            kept.release().await;
            whole(site, &stack, &holder, patience.saturating_sub(began.elapsed())).await
        }
        Err(failure) => {
            kept.release().await;
            Err(failure)
        }
    }
}

/// A tenant whom neither the manifest nor the state has is refused before anything is locked or written in that name.
async fn is_known(store: &Store, project: &Project, tenant: &str) -> Result<(), Failure> {
    let known = is_id(tenant) && {
        let state = store.load(&project.manifest.stack()).await?;
        let is_theirs = |of: &Option<String>| of.as_deref() == Some(tenant);
        project.manifest.tenant(tenant).is_some()
            || state.records.values().any(|record| is_theirs(&record.tenant))
            || state.intents.values().any(|intent| is_theirs(&intent.tenant))
    };
    if known { Ok(()) } else { Err(unknown_tenant(tenant)) }
}

/// Begins a tenant's part, unless there is one that counts; gives what is not in it. None when the whole is needed.
async fn part(
    site: &Site,
    main: &Backend,
    project: &Project,
    tenant: &str,
    kept: &Backend,
) -> Result<Option<BTreeSet<Address>>, Failure> {
    let stack = project.manifest.stack();
    let before = main.load(&stack).await?;
    let mut moved = before.clone();
    moved.rename_all(&project.moves()?);
    if before.is_blank() || !before.renamed.is_empty() || moved != before {
        return Ok(None);
    }
    let counts = site.parts().await?.iter().any(|one| one == tenant) && before.counts(&kept.load(&stack).await?);
    if !counts {
        kept.start_over(&before.part_of(tenant)).await?;
    }
    let is_others = |of: &Option<String>| of.as_deref() != Some(tenant);
    let records = before.records.values().filter(|record| is_others(&record.tenant)).map(|record| &record.address);
    let intents = before.intents.values().filter(|intent| is_others(&intent.tenant)).map(|intent| &intent.address);
    Ok(Some(records.chain(intents).cloned().collect()))
}

/// Locks the whole and takes the parts in.
async fn whole(site: Site, stack: &str, holder: &Holder, patience: Duration) -> Result<Store, Failure> {
    let main = site.lock(holder, patience).await?;
    match take_in(&site, &main, stack).await {
        Ok(()) => Ok(Store { site, main, part: None, damage: Mutex::default() }),
        // Replacing all there is must be possible whatever is damaged.
        Err(damage) => Ok(Store { site, main, part: None, damage: Mutex::new(Some(damage.message)) }),
    }
}

async fn take_in(site: &Site, main: &Backend, stack: &str) -> Result<(), StoreError> {
    let tenants = site.parts().await?;
    if tenants.is_empty() {
        return Ok(());
    }
    let parts = parts(site, tenants.clone(), stack).await?;
    let mut state = main.load(stack).await?;
    if state.take_in(&parts) {
        main.fold(&state).await?;
    }
    site.discard(&tenants).await;
    Ok(())
}

async fn parts(site: &Site, tenants: Vec<String>, stack: &str) -> Result<BTreeMap<String, State>, StoreError> {
    let loaded = stream::iter(tenants).map(async |tenant: String| {
        let part = site.part(&tenant).open().load(stack).await?;
        Ok((tenant, part))
    });
    loaded.buffered(AT_ONCE).try_collect().await
}

impl Store {
    fn reading(site: Site) -> Store {
        Store { main: site.open(), site, part: None, damage: Mutex::default() }
    }

    /// What the last run over the whole left, without the parts that runs for tenants have written since, finished or
    /// not.
    pub async fn without_parts(&self, stack: &str) -> Result<State, StoreError> {
        self.main.load(stack).await
    }

    /// Does something under the lock, then gives it back, however that ended.
    pub async fn released_after<T>(self, work: impl AsyncFnOnce(&Store) -> T) -> T {
        let result = work(&self).await;
        self.release().await;
        result
    }

    /// Calls that change something are under way from now on: an interrupt lets them end.
    pub fn begin(&self) {
        self.written().begin();
    }

    /// Gives the lock back.
    pub async fn release(self) {
        match self.part {
            Some(part) => part.kept.release().await,
            None => self.main.release().await,
        }
    }

    /// What this run writes into.
    fn written(&self) -> &Backend {
        self.part.as_ref().map_or(&self.main, |part| &part.kept)
    }

    fn damage(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    /// Nothing of others is written into a tenant's part, where nobody would look for it.
    fn check(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let is_theirs = |of: &Option<String>| of.as_ref() == Some(&self.tenant);
        let foreign = entries.iter().find_map(|entry| match entry {
            Entry::Intent(intent) => (!is_theirs(&intent.tenant)).then_some(&intent.address),
            Entry::Exists(record) => (!is_theirs(&record.tenant)).then_some(&record.address),
            Entry::Removed(address) => self.others.contains(address).then_some(address),
        });
        match foreign {
            None => Ok(()),
            Some(address) => Err(StoreError {
                message: format!("{address} is not of tenant {}, whose part of the state is locked alone", self.tenant),
            }),
        }
    }
}

#[async_trait]
impl StateStore for Store {
    /// The parts first: one that is taken in after it was read counts no more by the state that is read then.
    async fn load(&self, stack: &str) -> Result<State, StoreError> {
        if let Some(message) = self.damage().clone() {
            return Err(StoreError { message });
        }
        let parts = parts(&self.site, self.site.parts().await?, stack).await?;
        let mut state = self.main.load(stack).await?;
        match &self.part {
            // A tenant's run goes on counting where its part is.
            Some(Part { tenant, .. }) => {
                let serial = parts.get(tenant).map_or(state.serial, |own| own.serial);
                Ok(State { serial, ..state.with_parts(&parts) })
            }
            None => {
                state.take_in(&parts);
                Ok(state)
            }
        }
    }

    async fn append(&self, entries: &[Entry]) -> Result<(), StoreError> {
        if let Some(part) = &self.part {
            part.check(entries)?;
        }
        self.written().append(entries).await
    }

    async fn fold(&self, state: &State) -> Result<(), StoreError> {
        match &self.part {
            Some(part) => part.kept.fold(&state.part_of(&part.tenant)).await?,
            None => self.main.fold(state).await?,
        }
        let mended = self.damage().take().is_some();
        if mended && let Ok(tenants) = self.site.parts().await {
            // What replaces all there was replaces the parts as well; one that cannot be read would be met for ever.
            self.site.discard(&tenants).await;
        }
        Ok(())
    }
}
