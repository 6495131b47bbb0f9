//! `unlock`: who holds the lock on the state, or on a tenant's part, and the way past one whose holder is dead.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::{Format, Global};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::store::backend::Backend;
use crate::store::file::FileStore;
use crate::store::s3::lease::Met;
use crate::store::s3::{LockError, S3Store};
use crate::store::site::Site;
use crate::views::terminal;

/// Arguments of `unlock`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Looks at the lock of this tenant's part alone, which `apply --tenant` holds.
    #[arg(long, value_name = "ID")]
    pub tenant: Option<String>,
    /// Removes the locks shown. A lock whose holder died lapses by itself, so this only saves the wait.
    #[arg(long)]
    pub force: bool,
    /// Asks nothing.
    #[arg(long, requires = "force")]
    pub auto_approve: bool,
}

/// A lock that is held.
struct Locked {
    /// Whose part it is on; none when it is on the whole.
    tenant: Option<String>,
    by: By,
}

/// Who holds it.
enum By {
    /// A process on this machine.
    Process(FileStore, String),
    /// A run that renews its lease.
    Run(Box<S3Store>, Met),
    /// Nobody knows: the lock cannot be read.
    Damaged(Box<S3Store>, LockError),
}

/// Shows the locks; removes them when told to.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let site = Site::of(&project, None).await?;
    let locked = locked(&site, arguments.tenant.as_deref()).await?;
    if !arguments.force {
        readable(&locked)?;
    }
    match global.format {
        Format::Json => terminal::print_json(&json(&site, &locked))?,
        Format::Human => show(&site, &locked, arguments.tenant.as_deref()),
    }
    if arguments.force && locked.iter().any(|one| !matches!(one.by, By::Process(..))) {
        agree(arguments)?;
        for one in &locked {
            if let By::Run(store, _) | By::Damaged(store, _) = &one.by {
                store.break_lock().await?;
            }
        }
        terminal::eprint_line(
            "The lock is removed. Should its holder be alive after all, its next write to the state fails.",
        );
    }
    Ok(exit::DONE)
}

/// A lock that cannot be read names nobody; all that can be done about it is to remove it.
fn readable(locked: &[Locked]) -> Result<(), Failure> {
    let damaged = locked.iter().find_map(|one| match &one.by {
        By::Damaged(_, error) => Some(error),
        By::Process(..) | By::Run(..) => None,
    });
    damaged.map_or(Ok(()), |error| Err(Failure::new(error)))
}

/// The locks that are held, the whole's first.
async fn locked(site: &Site, tenant: Option<&str>) -> Result<Vec<Locked>, Failure> {
    let of_tenants = match tenant {
        Some(tenant) => vec![tenant.to_owned()],
        None => site.locks().await?,
    };
    let mut places: Vec<(Option<String>, Site)> = Vec::new();
    if tenant.is_none() {
        places.push((None, site.clone()));
    }
    places.extend(of_tenants.into_iter().map(|tenant| {
        let part = site.part(&tenant);
        (Some(tenant), part)
    }));
    let mut locked = Vec::new();
    for (tenant, place) in places {
        let by = match place.open() {
            Backend::File(store) => store.holder()?.map(|holder| By::Process(store, holder)),
            Backend::S3(store) => match store.holder().await {
                Ok(met) => met.map(|met| By::Run(store, met)),
                Err(error @ LockError::Damaged { .. }) => Some(By::Damaged(store, error)),
                Err(error) => return Err(error.into()),
            },
        };
        locked.extend(by.map(|by| Locked { tenant, by }));
    }
    Ok(locked)
}

fn json(site: &Site, locked: &[Locked]) -> Value {
    let store = match site {
        Site::File(_) => "file",
        Site::S3(_) => "s3",
    };
    let (mut whole, mut tenants) = (Value::Null, Vec::new());
    for one in locked {
        let told = told(&one.by);
        match &one.tenant {
            None => whole = told,
            Some(tenant) => {
                let mut told = told;
                told["tenant"] = json!(tenant);
                tenants.push(told);
            }
        }
    }
    let mut document = json!({ "store": store, "locked": !locked.is_empty(), "holder": null, "tenants": tenants });
    if let (Some(document), Value::Object(whole)) = (document.as_object_mut(), whole) {
        document.extend(whole);
    }
    document
}

fn told(by: &By) -> Value {
    match by {
        By::Process(_, holder) => json!({ "holder": holder }),
        By::Run(_, met) => json!({
            "holder": met.lock.holder,
            "lapses_in_s": met.left.as_secs(),
            "fence": met.lock.fence,
        }),
        By::Damaged(_, error) => json!({ "holder": null, "damaged": error.to_string() }),
    }
}

fn show(site: &Site, locked: &[Locked], tenant: Option<&str>) {
    if locked.is_empty() {
        let what = tenant.map_or_else(String::new, |tenant| format!("'s part of tenant {tenant}"));
        terminal::print(&format!("Nobody has the state{what}.\n"));
    }
    for one in locked {
        let what = one.tenant.as_ref().map_or_else(String::new, |tenant| format!("'s part of tenant {tenant}"));
        terminal::print(&match &one.by {
            By::Process(store, holder) => format!("{holder} has the state{what}, {}.\n", store.path().display()),
            By::Run(_, met) => of_run(met, &what),
            By::Damaged(_, error) => format!("{error}.\n"),
        });
    }
    if let Site::File(_) = site {
        terminal::print(
            "The operating system holds this lock and lets it go when the holder ends, however it ends: there is \
             never anything to clear.\n",
        );
    }
}

fn of_run(met: &Met, what: &str) -> String {
    let Some(holder) = &met.lock.holder else { return String::new() };
    let lapses = match met.left.as_secs() {
        0 => "Its lock has lapsed: the next run takes it over by itself.".to_owned(),
        left => format!("Its lock lapses in {left} s unless that run renews it, as a living one does."),
    };
    format!("{holder} has the state{what} since {}.\n{lapses}\n", holder.since)
}

fn agree(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.auto_approve {
        return Ok(());
    }
    if !terminal::can_ask() {
        return Err(Failure::new("there is no terminal to ask on, so the lock stays")
            .hint("--auto-approve removes it without asking; be sure that its holder is dead"));
    }
    let answer = terminal::ask("Is that run known to be dead? Only `yes` removes its lock:")?;
    if answer == "yes" { Ok(()) } else { Err(Failure::new("not agreed to, so the lock stays")) }
}
