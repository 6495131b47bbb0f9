//! `costs backfill`: past months into the ledger, once the tags count in them.

use std::collections::BTreeSet;

use aws_sdk_lambda::Client as Lambda;
use billing::Month;
use billing::manifest::Manifest;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::cloud::{clock, cost_explorer, functions, tag_backfill};
use crate::ledger::backfill::{Step, next_step, not_taken};
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::costs_backfill::{self, Backfilled};
use crate::ui::views::terminal;
use crate::ui::views::wrap::wrapped;

/// Arguments of `costs backfill`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The first month; every one from it to this month is read.
    #[arg(long, value_name = "YYYY-MM")]
    pub from: Month,
    /// Reads the months as they are, without a look at whether the tags count in them.
    #[arg(long)]
    pub skip_tags: bool,
}

/// Asks for the tags' backfill where one is needed, else reads month by month. Waiting for AWS is an outcome, not an error.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let manifest = &project.manifest;
    let now = clock::now().await;
    let months = months(arguments.from, now)?;
    let config = Connection::open(manifest, Calls::default()).await?.config;
    let waits = match arguments.skip_tags {
        true => None,
        false => tags(manifest, arguments.from, now).await?,
    };
    let mut backfilled = Backfilled { from: arguments.from, waits, months: Vec::new() };
    if backfilled.waits.is_none() {
        let lambda = Lambda::new(&config);
        read(&lambda, manifest, &months, &mut backfilled).await?;
    }
    match global.format {
        Format::Human => terminal::print(&costs_backfill::render(&backfilled, terminal::width())),
        Format::Json => terminal::print_json(&costs_backfill::json(&backfilled))?,
    }
    Ok(if backfilled.has_failures() { exit::ERROR } else { exit::DONE })
}

/// Every month from the first to this one, of which at least a day is over.
fn months(from: Month, now: Timestamp) -> Result<Vec<Month>, Failure> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let this_month = Month::of(today);
    if from.period().start() >= today {
        return Err(
            Failure::new(format!("{from} has no day that is over")).hint("`--from` names a past month, or this one")
        );
    }
    let mut months = vec![from];
    while let Some(last) = months.last().copied().filter(|last| *last < this_month) {
        months.push(last.next()?);
    }
    // On the first of a month none of its days is over.
    months.retain(|month| month.period().start() < today);
    Ok(months)
}

/// None when the tags count from that month on, else what is waited for.
async fn tags(manifest: &Manifest, from: Month, now: Timestamp) -> Result<Option<String>, Failure> {
    let wanted = wanted(manifest);
    let explorer = cost_explorer().await;
    let keys = tag_backfill::keys(&explorer, &wanted).await?;
    let history = tag_backfill::history(&explorer).await?;
    match next_step(from, now, &wanted, &keys, &history) {
        Step::Read => Ok(None),
        Step::Wait(why) => Ok(Some(why)),
        Step::Refuse { why, remedy } => Err(Failure::new(why).hint(remedy)),
        Step::Request if tag_backfill::request(&explorer, from).await? => Ok(Some(format!(
            "AWS was asked to let the tags count from {from} on, which takes up to a day: run this again tomorrow"
        ))),
        Step::Request => Ok(Some(not_taken(from, &history))),
    }
}

/// Every key that cost is told apart by: without one of them some of it would be attributed wrongly.
fn wanted(manifest: &Manifest) -> BTreeSet<String> {
    let attribution = &manifest.attribution;
    let of_scope = attribution.scope.iter().map(|scope| &scope.tag);
    let of_tenants = manifest.tenants.iter().flat_map(|tenant| tenant.tags.keys());
    let keys = [&attribution.tenant_tag].into_iter().chain(&attribution.project_tag).chain(of_scope);
    keys.chain(of_tenants).cloned().collect()
}

/// Has the deployed cost sync read one month after the other; what was read stays, and reading it again changes nothing.
async fn read(
    lambda: &Lambda,
    manifest: &Manifest,
    months: &[Month],
    backfilled: &mut Backfilled,
) -> Result<(), Failure> {
    let function = manifest.function_name("cost_sync");
    for (done, month) in months.iter().enumerate() {
        let note = format!("Reading {month} ({} of {})", done + 1, months.len());
        terminal::eprint_line(&wrapped(&note, terminal::width(), 2));
        let (start, end) = (month.period().start(), month.period().last_day());
        let event = json!({ "start": start, "end": end });
        let answer = functions::call(lambda, &function, &event, "costs-backfill").await.map_err(|failure| {
            let before = format!("{done} of {} months were read: run this again, from {month} on", months.len());
            Failure::new(format!("{month} was not read: {}", failure.message)).hint(failure.hint.unwrap_or(before))
        })?;
        backfilled.months.push((*month, answer));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(from: &str, now: &str) -> Result<Vec<String>, String> {
        let months = months(from.parse().expect("a month"), now.parse().expect("a time"));
        months.map(|months| months.iter().map(Month::to_string).collect()).map_err(|failure| failure.message)
    }

    #[test]
    fn every_month_with_a_day_that_is_over_is_read() {
        assert_eq!(of("2026-09", "2026-11-21T10:00:00Z").expect("months"), ["2026-09", "2026-10", "2026-11"]);
        assert_eq!(of("2026-10", "2026-11-01T10:00:00Z").expect("months"), ["2026-10"]);
        assert_eq!(of("2026-11", "2026-11-02T10:00:00Z").expect("months"), ["2026-11"]);
        for refused in ["2026-12", "2027-01"] {
            assert!(of(refused, "2026-11-21T10:00:00Z").expect_err("no day is over").contains(refused));
        }
        assert!(of("2026-11", "2026-11-01T00:00:01Z").is_err());
    }
}
