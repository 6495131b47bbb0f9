//! `unlock`: who holds the lock on the state, or on a tenant's part, and the way past one whose holder is dead.

use billing::names::is_id;
use clap::Args;

use crate::project::Project;
use crate::run::scope::unknown_tenant;
use crate::store::backend::Backend;
use crate::store::s3::{LockError, S3Store};
use crate::store::site::Site;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::locks::{self, By, Locked};
use crate::ui::views::terminal;

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

/// Shows the locks; removes them when told to.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let site = Site::of(&project, None).await?;
    let store = match site {
        Site::File(_) => "file",
        Site::S3(_) => "s3",
    };
    let tenant = arguments.tenant.as_deref();
    if let Some(unknown) = tenant.filter(|tenant| !is_id(tenant)) {
        return Err(unknown_tenant(unknown));
    }
    let (locked, removable) = held(&site, tenant).await?;
    if let Some(By::Damaged(error)) = locked.iter().map(|one| &one.by).find(|by| matches!(by, By::Damaged(_)))
        && !arguments.force
    {
        return Err(Failure::new(error));
    }
    match global.format {
        Format::Json => terminal::print_json(&locks::json(&locked, store))?,
        Format::Human => terminal::print(&locks::render(&locked, tenant, store, terminal::width())),
    }
    if arguments.force && !removable.is_empty() {
        agree(arguments)?;
        for store in removable {
            store.break_lock().await?;
        }
        terminal::eprint_line(
            "The lock is removed. Should its holder be alive after all, its next write to the state fails.",
        );
    }
    Ok(exit::DONE)
}

/// The locks that are held, the whole's first, and those of them that can be removed.
async fn held(site: &Site, tenant: Option<&str>) -> Result<(Vec<Locked>, Vec<Box<S3Store>>), Failure> {
    let parts = match tenant {
        Some(tenant) => vec![tenant.to_owned()],
        None => site.locks().await?,
    };
    let whole = tenant.is_none().then(|| (None, site.clone()));
    let parts = parts.into_iter().map(|tenant| {
        let part = site.part(&tenant);
        (Some(tenant), part)
    });
    let (mut locked, mut removable) = (Vec::new(), Vec::new());
    for (tenant, place) in whole.into_iter().chain(parts) {
        match place.open() {
            Backend::File(store) => {
                let path = store.path().display().to_string();
                let holder = store.holder()?;
                locked.extend(holder.map(|holder| Locked { tenant, by: By::Process { holder, path } }));
            }
            Backend::S3(store) => {
                if let Some(by) = holder(&store).await? {
                    locked.push(Locked { tenant, by });
                    removable.push(store);
                }
            }
        }
    }
    Ok((locked, removable))
}

async fn holder(store: &S3Store) -> Result<Option<By>, LockError> {
    match store.holder().await {
        Ok(met) => Ok(met.and_then(|met| {
            let lapses_in_s = met.left.as_secs();
            let fence = met.lock.fence;
            met.lock.holder.map(|holder| By::Run { holder, lapses_in_s, fence })
        })),
        Err(error @ LockError::Damaged { .. }) => Ok(Some(By::Damaged(error.to_string()))),
        Err(error) => Err(error),
    }
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
