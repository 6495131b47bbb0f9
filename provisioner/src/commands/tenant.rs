//! `tenant`: the tenants of the manifest, edits of them, and signed links for them.

pub mod edit;
pub mod pause;

use billing::function::Role;
use billing::link::{self, LinkClaims, LinkKey};
use billing::manifest::model::Links;
use clap::{Subcommand as ClapSubcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cloud::clock;
use crate::ledger::link_key;
use crate::project::Project;
use crate::run::portal;
use crate::stack::outputs;
use crate::store;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::table::aligned;
use crate::ui::views::terminal;
use engine::state::StateStore as _;

/// Subcommands of `tenant`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Lists the tenants.
    List,
    /// Adds a tenant to the manifest, and prints the edit: `tenant add acme --name Acme --email ar@acme.example --tag
    /// ClientOrganization=Acme`. Where tenants have files of their own, so has the new one.
    Add(edit::Add),
    /// Changes a tenant in the manifest, and prints the edit. Comments, order and style stay.
    Set(edit::Set),
    /// Removes a tenant from the manifest, and prints the edit. `plan` then shows what that deletes.
    Remove(edit::Remove),
    /// Pauses a tenant for new work: the portal says so, since when and why. What runs goes on, and is billed; nothing is
    /// stopped in AWS.
    Pause(pause::Arguments),
    /// Lifts a tenant's pause.
    Resume {
        /// The tenant's id.
        id: String,
    },
    /// Makes a signed link: whoever has it sees this tenant's costs and invoices until it expires, and pays.
    Link {
        /// The tenant's id.
        id: String,
        /// Days it holds, a year at most; the manifest's `auth.links.valid_for` when left out.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=365))]
        days: Option<u32>,
        /// What its holder may do.
        #[arg(long, value_enum, default_value_t = As::Admin)]
        role: As,
    },
}

/// What the holder of a link may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// Read.
    Viewer,
    /// Read, pay, and change how it is paid.
    Admin,
}

impl From<As> for Role {
    fn from(role: As) -> Role {
        match role {
            As::Viewer => Role::Viewer,
            As::Admin => Role::Admin,
        }
    }
}

/// Lists, edits or links.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    match subcommand {
        Subcommand::List => list(global, &Project::load(global)?),
        Subcommand::Add(arguments) => edit::add(global, arguments),
        Subcommand::Set(arguments) => edit::set(global, arguments),
        Subcommand::Remove(arguments) => edit::remove(global, arguments),
        Subcommand::Pause(arguments) => pause::pause(global, &with_tenant(global, &arguments.id)?, arguments).await,
        Subcommand::Resume { id } => pause::resume(global, &with_tenant(global, id)?, id).await,
        Subcommand::Link { id, days, role } => make_link(global, &Project::load(global)?, id, *days, *role).await,
    }
}

/// The project, in which there is that tenant.
fn with_tenant(global: &Global, id: &str) -> Result<Project, Failure> {
    let project = Project::load(global)?;
    match project.manifest.tenant(id) {
        Some(_) => Ok(project),
        None => Err(unknown_tenant(&project, id)),
    }
}

fn list(global: &Global, project: &Project) -> Outcome {
    let manifest = &project.manifest;
    match global.format {
        Format::Json => {
            let tenants: Vec<Value> = manifest
                .tenants
                .iter()
                .map(|tenant| {
                    json!({
                        "id": tenant.id,
                        "name": tenant.name,
                        "email": tenant.email,
                        "currency": manifest.currency_of(tenant),
                        "tags": manifest.tenant_record(tenant).tags,
                        "pricing": tenant.pricing.names(),
                        "budget": manifest.budget_of(tenant).map(|budget| budget.limit),
                    })
                })
                .collect();
            terminal::print_json(&tenants)?;
        }
        Format::Human => {
            let headings = ["ID", "NAME", "CURRENCY", "PRICING", "BUDGET"].map(str::to_owned);
            let rows = manifest.tenants.iter().map(|tenant| {
                let pricing = tenant.pricing.names().join(", ");
                let pricing = if pricing.is_empty() { "at cost".to_owned() } else { pricing };
                let budget = manifest.budget_of(tenant).map_or("no budget".to_owned(), |b| b.limit.to_string());
                let currency = manifest.currency_of(tenant).code().to_owned();
                [tenant.id.clone(), tenant.name.clone(), currency, pricing, budget]
            });
            terminal::print(&aligned(&std::iter::once(headings).chain(rows).collect::<Vec<_>>()));
        }
    }
    Ok(exit::DONE)
}

/// How many days a link holds: as asked for, or as the manifest says.
pub fn days_of(links: &Links, asked: Option<u32>) -> u32 {
    asked.unwrap_or_else(|| links.valid_for.count())
}

async fn make_link(global: &Global, project: &Project, id: &str, days: Option<u32>, role: As) -> Outcome {
    let manifest = &project.manifest;
    let tenant = manifest.tenant(id).ok_or_else(|| unknown_tenant(project, id))?;
    let role = Role::from(role);
    let links = manifest.auth.links.as_ref().ok_or_else(|| {
        Failure::new("the manifest deploys no surface, so there is nothing to link to")
            .hint("add `api: { surfaces: [portal] }`")
    })?;
    let days = days_of(links, days);
    let expires = clock::now().await.checked_add(jiff::SignedDuration::from_hours(24 * i64::from(days)))?;
    let expires = jiff::Timestamp::from_second(expires.as_second())?;
    let claims = LinkClaims {
        tenant: tenant.id.clone(),
        expires_at_s: expires.as_second(),
        version: tenant.link_version,
        purpose: role.purpose().to_owned(),
    };
    let key: LinkKey = link_key::read(project).await?;
    let token = link::sign(&claims, &key)?;
    let state = store::open(project).await?.load(&manifest.stack()).await?;
    let outputs = outputs::of(&state);
    let api_url = outputs.address("api_url");
    // What was never applied has no pages, whatever the manifest says.
    let portal = if api_url.is_some() { portal::url(manifest).await } else { None };
    let url = portal.map(|portal| portal::link(&portal, &token));
    match global.format {
        Format::Json => terminal::print_json(&json!({
            "tenant": tenant.id, "role": role.as_str(), "token": token, "expires": expires.to_string(), "api_url": api_url,
            "url": url,
        }))?,
        Format::Human => {
            println!("{}", url.as_ref().unwrap_or(&token));
            let api_url = api_url.unwrap_or("API_URL");
            let token = if url.is_some() { "What follows the # is its token" } else { "It is a token" };
            terminal::eprint_line(&format!("It holds until {expires}. {token}: programs send it in a header."));
            terminal::eprint_line(&format!(
                "  curl -H \"Authorization: Bearer TOKEN\" \"{api_url}/costs?period=last-month\""
            ));
        }
    }
    Ok(exit::DONE)
}

/// Names the tenants there are.
pub fn unknown_tenant(project: &Project, id: &str) -> Failure {
    let known: Vec<&str> = project.manifest.tenants.iter().map(|tenant| tenant.id.as_str()).take(10).collect();
    Failure::new(format!("the manifest has no tenant `{id}`")).hint(format!("there are {}", known.join(", ")))
}
