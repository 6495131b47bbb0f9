//! `invoice list`: who is billed what for a month.

use billing::Month;
use clap::Args;

use crate::cloud::clock;
use crate::ledger::bills::Bills;
use crate::ledger::reader::LedgerReader;
use crate::ledger::{months, unclaimed};
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Global, Written};
use crate::ui::views::{self, terminal};

/// Arguments of `invoice list`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The month; last month when left out.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
}

/// Reads the ledger, and shows a row for each deployed tenant.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let bills = load(&project, arguments.period).await?;
    match global.written {
        Written::Json => terminal::print_json(&views::bills::json(&bills))?,
        Written::Csv => terminal::print(&views::bills::csv(&bills)),
        _ => terminal::print(&views::bills::render(&bills, terminal::width())),
    }
    Ok(exit::DONE)
}

async fn load(project: &Project, period: Option<Month>) -> Result<Bills, Failure> {
    let month = clock::month_or_last(period).await?;
    let (reader, today) = (LedgerReader::open(project).await?, clock::today().await);
    let (tag, rules) = (&project.manifest.attribution.tenant_tag, project.manifest.invoicing.draft_rules());
    let deployed = reader.tenants().await?;
    let mut tenants = Vec::new();
    for tenant in &deployed {
        tenants.push(months::load(&reader, tenant.clone(), tag, rules, today, Some(month)).await?);
    }
    let unclaimed = unclaimed::load(&reader, &deployed, tag, month).await?;
    Ok(Bills::new(month, &tenants, unclaimed))
}
