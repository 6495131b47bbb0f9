//! `costs report --compare`: what a restatement changed.

use cur::{Query, Reading, Source};

use super::place::Place;
use super::reading;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Global, Written};
use crate::ui::views::{costs_compare, terminal};

/// Reads both on so many threads, and shows the `top` groups that differ most.
pub async fn run(global: &Global, query: Query, places: [&Place; 2], threads: Option<usize>, top: usize) -> Outcome {
    if global.written == Written::Parquet {
        return Err(Failure::new("a comparison is not written as Parquet").hint("there are table, csv and json"));
    }
    let mut reports = Vec::new();
    for place in places {
        let query = query.clone();
        let question = move |sources: &[&dyn Source], how: &Reading<'_>| cur::report(sources, &query, how);
        let (report, _) = reading::read(std::slice::from_ref(place), threads, question).await?;
        reports.push(report);
    }
    let [old, new] = <[cur::Report; 2]>::try_from(reports).map_err(|_| Failure::new("two reports are compared"))?;
    if old.currency != new.currency {
        let name = |report: &cur::Report| report.currency.clone().unwrap_or_else(|| "no currency".to_owned());
        let text = format!("the old report is in {}, the new one in {}", name(&old), name(&new));
        return Err(Failure::new(text).hint("compare two versions of the same report"));
    }
    match global.written {
        Written::Json => terminal::print_json(&costs_compare::json(&old, &new))?,
        Written::Csv => print!("{}", costs_compare::csv(&old, &new)),
        _ => terminal::print(&costs_compare::table(&old, &new, top, terminal::width())),
    }
    Ok(exit::DONE)
}
