//! `close`: compares tenants' and unallocated cost of a month with AWS's own total, to the cent.

use std::collections::BTreeSet;

use billing::Month;
use billing::ledger::CostDay;
use clap::Args;
use rust_decimal::Decimal;
use serde_json::json;

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::cloud::{clock, cost_explorer, cost_total};
use crate::ledger::closing::Sums;
use crate::ledger::reader::LedgerReader;
use crate::ledger::unclaimed;
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

/// Compares; exits with 3 when the sums differ.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let month = clock::month_or_last(arguments.period).await?;
    let config = Connection::open(&project.manifest, Calls::default()).await?.config;
    let reader = LedgerReader::new(aws_sdk_dynamodb::Client::new(&config), &project.manifest.ledger.name);
    let deployed = reader.tenants().await?;
    // The cost of tenants who left stays theirs.
    let left = reader.left_tenants().await?.into_iter().map(|left| left.id);
    let ids: BTreeSet<String> = deployed.iter().map(|tenant| tenant.id.clone()).chain(left).collect();
    let unclaimed = unclaimed::load(&reader, &deployed, &project.manifest.attribution.tenant_tag, month).await?;
    let moved =
        |id: &String| unclaimed.as_ref().and_then(|unclaimed| unclaimed.moved.get(id)).copied().unwrap_or_default();
    let mut tenants = Vec::new();
    for id in ids {
        let days = reader.cost_days(&id, month.period()).await?;
        let own = days.iter().map(CostDay::cost).sum::<Decimal>() - moved(&id);
        tenants.push((id, own));
    }
    let explorer = cost_explorer().await;
    let sums = Sums {
        month,
        tenants,
        unallocated: unclaimed.as_ref().map_or(Decimal::ZERO, |unclaimed| unclaimed.cost),
        shared: unclaimed.as_ref().map_or(Decimal::ZERO, |unclaimed| unclaimed.shared),
        bill: cost_total::of_month(&explorer, &project.manifest, month).await?,
    };
    match global.format {
        Format::Human => terminal::print(&views::close::render(&sums, unclaimed.as_ref(), terminal::width())),
        Format::Json => terminal::print_json(&json!({
            "period": month,
            "tenants": sums.tenants.iter().map(|(id, cost)| json!({ "tenant": id, "cost_usd": cost.normalize() })).collect::<Vec<_>>(),
            "unallocated_usd": sums.unallocated.normalize(),
            "shared_usd": sums.shared.normalize(),
            "near_misses": unclaimed.as_ref().map(views::near_misses::json).unwrap_or_default(),
            "bill_usd": sums.bill.normalize(),
            "difference_usd": sums.difference(),
            "closed": sums.is_closed(),
        }))?,
    }
    Ok(if sums.is_closed() { exit::DONE } else { exit::DRIFT })
}
