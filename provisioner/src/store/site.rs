//! Where a state lies, with the tenants' parts beside it; it opens and locks the one and the others.
//!
//! ```text
//! PLACE                 the state
//! PLACE.tenants/ID      the part of tenant ID, kept and locked as a state of its own
//! ```
//!
//! Whoever has the whole state has every part; who has a part keeps others from the whole, and from that part alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use billing::manifest::model::{S3State, State as StatePlace};
use engine::state::StoreError;

use super::backend::Backend;
use super::file::{self, FileStore};
use super::holder::Holder;
use super::s3::client::Bucket;
use super::s3::lease::{Met, Times};
use super::s3::{Place, S3Store, parts};
use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::project::Project;
use crate::ui::failure::Failure;

/// Where a state lies.
#[derive(Clone)]
pub enum Site {
    /// In a file.
    File(PathBuf),
    /// In a bucket.
    S3(S3Site),
}

/// Where a state lies in S3, and how it is reached.
#[derive(Clone)]
pub struct S3Site {
    bucket: Arc<Bucket>,
    place: Place,
    lease: Duration,
    calls: Calls,
}

/// How often a file's lock is tried while waiting for it.
const FILE_POLL: Duration = Duration::from_millis(50);

/// Who only looks whether a file is locked has it locked for a moment.
const FILE_GLANCE: Duration = Duration::from_millis(300);

/// Who comes for a tenant and settles the whole, or finds the whole in use, has it no longer than this.
const S3_GLANCE: Duration = Duration::from_secs(2);

/// Where the manifest says that its state lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// In a file.
    File(PathBuf),
    /// In a bucket of a region, locked for so long at a time.
    S3 {
        /// Which object.
        place: Place,
        /// The bucket's region.
        region: String,
        /// How long a lock holds that is not renewed.
        lease: Duration,
    },
}

/// Where the state of a project lies.
pub fn whereabouts(project: &Project) -> Whereabouts {
    match &project.manifest.state {
        StatePlace::File(path) => Whereabouts::File(project.folder.join(path)),
        StatePlace::S3(s3) => Whereabouts::S3 {
            place: place(project, s3),
            region: s3.region.clone(),
            lease: Duration::from_secs(s3.lease.count().into()),
        },
    }
}

/// Where a state in S3 lies.
pub fn place(project: &Project, s3: &S3State) -> Place {
    Place { bucket: s3.bucket.clone(), key: s3.key.clone(), stack: project.manifest.stack() }
}

impl Site {
    /// The manifest's site. One in S3 is reached over `connection`, or over one of its own.
    pub async fn of(project: &Project, connection: Option<&Connection>) -> Result<Site, Failure> {
        match (whereabouts(project), connection) {
            (Whereabouts::File(path), _) => Ok(Site::File(path)),
            (Whereabouts::S3 { .. }, Some(connection)) => Ok(Site::over(project, connection)),
            (Whereabouts::S3 { .. }, None) => {
                let connection = Connection::open(&project.manifest, Calls::default()).await?;
                Ok(Site::over(project, &connection))
            }
        }
    }

    /// The manifest's site over a connection that there is.
    pub fn over(project: &Project, connection: &Connection) -> Site {
        match whereabouts(project) {
            Whereabouts::File(path) => Site::File(path),
            Whereabouts::S3 { place, region, lease } => Site::S3(S3Site {
                bucket: Arc::new(Bucket::new(connection, &place.bucket, &region)),
                place,
                lease,
                calls: connection.calls.clone(),
            }),
        }
    }

    /// Where a tenant's part lies.
    pub fn part(&self, tenant: &str) -> Site {
        match self {
            Site::File(path) => Site::File(file::place(path, tenant)),
            Site::S3(site) => Site::S3(S3Site { place: parts::part(&site.place, tenant), ..site.clone() }),
        }
    }

    /// The store to read only; nothing is locked.
    pub fn open(&self) -> Backend {
        match self {
            Site::File(path) => Backend::File(FileStore::open(path)),
            Site::S3(site) => {
                Backend::S3(Box::new(S3Store::open(Arc::clone(&site.bucket) as Arc<_>, site.place.clone())))
            }
        }
    }

    /// The tenants who have a part that holds something; it may count or not.
    pub async fn parts(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Site::File(path) => file::kept(path),
            Site::S3(site) => parts::kept(&*site.bucket, &site.place).await,
        }
    }

    /// The tenants whose part was ever locked.
    pub async fn locks(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Site::File(path) => file::locks(path),
            Site::S3(site) => parts::locks(&*site.bucket, &site.place).await,
        }
    }

    /// Removes the tenants' parts, which count no more. What stays because of an error says nothing.
    pub async fn discard(&self, tenants: &[String]) {
        match self {
            Site::File(path) => tenants.iter().for_each(|tenant| file::discard(path, tenant)),
            Site::S3(site) => parts::discard(&*site.bucket, &site.place, tenants).await,
        }
    }

    /// Locks the whole: nobody has it or any part. `patience` is how long to wait for others.
    pub async fn lock(&self, holder: &Holder, patience: Duration) -> Result<Backend, Failure> {
        match self {
            Site::File(path) => {
                let (began, holder) = (Instant::now(), holder.to_string());
                // Held while waiting, so that runs for tenants do not come in before this one for ever.
                let _turn = in_time(patience, || FileStore::turn(path, &holder)).await?;
                let left = patience.saturating_sub(began.elapsed());
                Ok(Backend::File(in_time(left, || FileStore::lock(path, &holder)).await?))
            }
            Site::S3(site) => site.lock(holder, patience).await,
        }
    }

    /// Locks a tenant's part: nobody has it or the whole.
    pub async fn lock_part(&self, tenant: &str, holder: &Holder, patience: Duration) -> Result<Backend, Failure> {
        match self {
            Site::File(path) => {
                let lock = || FileStore::lock_part(path, tenant, &holder.to_string());
                Ok(Backend::File(in_time(patience, lock).await?))
            }
            Site::S3(site) => site.lock_part(tenant, holder, patience).await,
        }
    }
}

impl S3Site {
    fn times(&self, patience: Duration) -> Times {
        Times { lease: self.lease, patience }
    }

    async fn lock(&self, holder: &Holder, patience: Duration) -> Result<Backend, Failure> {
        let (began, objects) = (Instant::now(), Arc::clone(&self.bucket) as Arc<_>);
        let store = S3Store::lock(objects, self.place.clone(), holder, self.times(patience), &waiting_for).await?;
        let times = self.times(patience.saturating_sub(began.elapsed()));
        let objects = Arc::clone(&self.bucket) as Arc<_>;
        if let Err(error) = parts::drain(&objects, &self.place, holder, times, &waiting_for).await {
            Backend::S3(Box::new(store)).release().await;
            return Err(error.into());
        }
        Ok(self.bound(store))
    }

    async fn lock_part(&self, tenant: &str, holder: &Holder, patience: Duration) -> Result<Backend, Failure> {
        let objects = Arc::clone(&self.bucket) as Arc<_>;
        let times = self.times(patience.max(S3_GLANCE));
        let waiting = |met: &Met| {
            if !patience.is_zero() {
                waiting_for(met);
            }
        };
        Ok(self.bound(parts::lock(&objects, &self.place, tenant, holder, times, &waiting).await?))
    }

    /// From now on calls that change something are made only while the lock holds.
    fn bound(&self, store: S3Store) -> Backend {
        if let Some(term) = store.term() {
            self.calls.gate().bind(Arc::clone(term));
        }
        store.give_back_on_interrupt();
        Backend::S3(Box::new(store))
    }
}

async fn in_time<T>(patience: Duration, lock: impl Fn() -> Result<T, file::LockError>) -> Result<T, Failure> {
    let began = Instant::now();
    let mut told = false;
    loop {
        match lock() {
            Ok(held) => return Ok(held),
            Err(file::LockError::Held { holder, .. }) if began.elapsed() < patience.max(FILE_GLANCE) => {
                if !patience.is_zero() && !std::mem::replace(&mut told, true) {
                    anstream::eprintln!("Waiting for {holder} to be done with the state.");
                }
                tokio::time::sleep(FILE_POLL).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn waiting_for(met: &Met) {
    if let Some(holder) = &met.lock.holder {
        anstream::eprintln!("Waiting for the state: {holder} has it since {}.", holder.since);
    }
}
