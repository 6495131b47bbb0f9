//! `invoice`: what a month would come to, from the ledger, by the same rules that draft it.

use billing::invoice::{Invoice, PriceInput, price, ready};
use billing::manifest::model::Tenant;
use billing::{Month, ledger};
use clap::Subcommand as ClapSubcommand;
use serde_json::json;

use crate::cli::{Format, Global};
use crate::cloud::sdk_config;
use crate::commands::tenant::unknown_tenant;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::ledger_reader::LedgerReader;
use crate::project::Project;
use crate::session::check_account;
use crate::views::{self, terminal};

/// Subcommands of `invoice`.
#[derive(Debug, ClapSubcommand)]
pub enum Subcommand {
    /// Prices a month from the ledger, and makes nothing.
    Preview {
        /// One tenant's id; all without it.
        tenant: Option<String>,
        /// The month; last month when left out.
        #[arg(long, value_name = "YYYY-MM")]
        period: Option<Month>,
    },
}

/// One tenant's preview.
pub struct Preview {
    /// The tenant's name.
    pub name: String,
    /// The invoice.
    pub invoice: Invoice,
    /// Why it would not be drafted yet.
    pub not_ready: Option<String>,
}

/// Previews.
pub async fn run(global: &Global, subcommand: &Subcommand) -> Outcome {
    let project = Project::load(global)?;
    let Subcommand::Preview { tenant, period } = subcommand;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let month = match period {
        Some(month) => *month,
        None => Month::of(today).previous()?,
    };
    let tenants = chosen(&project, tenant.as_deref())?;
    let config = sdk_config(&project.manifest.aws.region).await;
    check_account(&aws_sdk_sts::Client::new(&config), &project.manifest.aws.account).await?;
    let reader = LedgerReader::new(aws_sdk_dynamodb::Client::new(&config), &project.manifest.ledger.name);
    let mut previews = Vec::new();
    for tenant in tenants {
        previews.push(preview(&project, &reader, tenant, month, today).await?);
    }
    match global.format {
        Format::Human => terminal::print(&views::invoice::render(&previews)),
        Format::Json => {
            let list: Vec<_> = previews
                .iter()
                .map(|preview| json!({ "invoice": preview.invoice, "not_ready": preview.not_ready }))
                .collect();
            terminal::print_json(&json!({ "period": month, "invoices": list }))?;
        }
    }
    Ok(exit::DONE)
}

fn chosen<'a>(project: &'a Project, id: Option<&str>) -> Result<Vec<&'a Tenant>, Failure> {
    match id {
        None => Ok(project.manifest.tenants.iter().collect()),
        Some(id) => Ok(vec![project.manifest.tenant(id).ok_or_else(|| unknown_tenant(project, id))?]),
    }
}

async fn preview(
    project: &Project,
    reader: &LedgerReader,
    tenant: &Tenant,
    month: Month,
    today: jiff::civil::Date,
) -> Result<Preview, Failure> {
    let record = project.manifest.tenant_record(tenant);
    let mark = reader.sync_mark(&tenant.id, month).await?;
    let days = reader.cost_days(&tenant.id, month.period()).await?;
    let services = ledger::by_service(&days).into_iter().map(|(name, amount)| (name, amount.cost)).collect();
    let invoice = price(&PriceInput { tenant: &record, month, services: &services, credit: None })?;
    let readiness = ready(&record, month, mark.as_ref(), project.manifest.invoicing.settle_days, today);
    Ok(Preview { name: tenant.name.clone(), invoice, not_ready: readiness.err().map(|reason| reason.to_string()) })
}
