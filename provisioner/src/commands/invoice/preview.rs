//! `invoice preview`: what a month comes to, from the ledger, by the same rules and terms that draft it.

use billing::Month;
use billing::manifest::model::Tenant;
use clap::Args;
use jiff::civil::Date;
use serde_json::json;

use crate::cloud::clock;
use crate::commands::tenant::unknown_tenant;
use crate::ledger::preview::Preview;
use crate::ledger::reader::LedgerReader;
use crate::ledger::unclaimed;
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `invoice preview`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// One tenant's id; all without it.
    pub tenant: Option<String>,
    /// The month; last month when left out.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
    /// As if it were this day: what would be final by then.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub at: Option<Date>,
}

/// Prices a month.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let today = match arguments.at {
        Some(day) => day,
        None => clock::today().await,
    };
    let month = match arguments.period {
        Some(month) => month,
        None => Month::of(today).previous()?,
    };
    let tenants = chosen(&project, arguments.tenant.as_deref())?;
    let reader = LedgerReader::open(&project).await?;
    let mut previews = Vec::new();
    for tenant in tenants {
        previews.push(Preview::load(&project.manifest, &reader, tenant, month, today).await?);
    }
    let tag = &project.manifest.attribution.tenant_tag;
    let unclaimed = unclaimed::load(&reader, &reader.tenants().await?, tag, month).await?;
    match global.format {
        Format::Human => terminal::print(&views::invoice::render(&previews, unclaimed.as_ref(), terminal::width())),
        Format::Json => terminal::print_json(&json!({
            "period": month,
            "invoices": previews.iter().map(Preview::json).collect::<Vec<_>>(),
            "unallocated_usd": unclaimed.as_ref().map(|unclaimed| unclaimed.cost.normalize()),
            "shared_usd": unclaimed.as_ref().map(|unclaimed| unclaimed.shared.normalize()),
        }))?,
    }
    Ok(exit::DONE)
}

fn chosen<'a>(project: &'a Project, id: Option<&str>) -> Result<Vec<&'a Tenant>, Failure> {
    match id {
        None => Ok(project.manifest.tenants.iter().collect()),
        Some(id) => Ok(vec![project.manifest.tenant(id).ok_or_else(|| unknown_tenant(project, id))?]),
    }
}
