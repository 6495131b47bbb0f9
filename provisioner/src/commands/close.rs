//! `close`: compares tenants' and unallocated cost of a month with AWS's own total, to the cent.

use billing::Month;
use billing::ledger::CostDay;
use billing::names::UNALLOCATED;
use clap::Args;
use serde_json::json;

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::cloud::{clock, cost_total, sdk_config};
use crate::ledger::closing::Sums;
use crate::ledger::reader::LedgerReader;
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `close`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The month; last month when left out.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
}

/// Cost Explorer is in us-east-1, whatever the stack's region.
const COST_EXPLORER: &str = "us-east-1";

/// Compares; exits with 3 when the sums differ.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let month = match arguments.period {
        Some(month) => month,
        None => Month::of(clock::today().await).previous()?,
    };
    let config = Connection::open(&project.manifest, Calls::default()).await?.config;
    let reader = LedgerReader::new(aws_sdk_dynamodb::Client::new(&config), &project.manifest.ledger.name);
    let mut tenants = Vec::new();
    for tenant in reader.tenants().await? {
        let days = reader.cost_days(&tenant.id, month.period()).await?;
        tenants.push((tenant.id, days.iter().map(CostDay::cost).sum()));
    }
    let unallocated = reader.cost_days(UNALLOCATED, month.period()).await?;
    let explorer = aws_sdk_costexplorer::Client::new(&sdk_config(COST_EXPLORER).await);
    let sums = Sums {
        month,
        tenants,
        unallocated: unallocated.iter().map(CostDay::cost).sum(),
        bill: cost_total::of_month(&explorer, &project.manifest, month).await?,
    };
    match global.format {
        Format::Human => terminal::print(&views::close::render(&sums, terminal::width())),
        Format::Json => terminal::print_json(&json!({
            "period": month,
            "tenants": sums.tenants.iter().map(|(id, cost)| json!({ "tenant": id, "cost_usd": cost.normalize() })).collect::<Vec<_>>(),
            "unallocated_usd": sums.unallocated.normalize(),
            "bill_usd": sums.bill.normalize(),
            "difference_usd": sums.difference(),
            "closed": sums.is_closed(),
        }))?,
    }
    Ok(if sums.is_closed() { exit::DONE } else { exit::DRIFT })
}
