//! `costs report`: sums of a cost report by group, exact to the last digit.

use std::io::{self, IsTerminal as _, Write as _};

use clap::Args;
use cur::{Basis, Dimension, Query, Reading, Report, Source};

use super::place::Place;
use super::{compare, reading};
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Global, Written};
use crate::ui::views::{costs, terminal};

/// Arguments of `costs report`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Files of one report, its manifest, or a folder with either; on this machine or in S3.
    #[arg(value_name = "FILE|FOLDER|s3://BUCKET/KEY", required_unless_present = "compare")]
    pub places: Vec<Place>,
    /// Shows by how much each group's cost differs between two versions of a report.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with = "places")]
    pub compare: Vec<Place>,
    /// What to ask of the report.
    #[command(flatten)]
    pub question: Question,
    /// How many groups a table shows, and a third as many below each; 0 for all. Other formats always have all.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub top: usize,
    /// How many threads read; as many as there are cores when left out.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

/// What to ask of a report.
#[derive(Debug, Args)]
pub struct Question {
    /// What to group by, in this order: tenant, project, service, account, day, month, line-type, invoice, currency,
    /// tag:KEY or category:NAME.
    #[arg(long, value_name = "DIMENSION,…", value_delimiter = ',', default_values = ["tenant", "service"])]
    pub by: Vec<Dimension>,
    /// The key of the tag that names a tenant, as it is written in AWS.
    #[arg(long, value_name = "KEY", default_value = "tenant")]
    pub tenant_tag: String,
    /// The key of the tag that names a project.
    #[arg(long, value_name = "KEY", default_value = "project")]
    pub project_tag: String,
    /// Which cost to add up: unblended, net-unblended, amortised or net-amortised.
    #[arg(long, default_value_t = Basis::Unblended)]
    pub basis: Basis,
    /// The first day whose usage counts, in UTC.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<jiff::civil::Date>,
    /// The last day whose usage counts.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<jiff::civil::Date>,
}

impl Question {
    /// The question, as the reader takes it.
    pub fn query(&self) -> Result<Query, Failure> {
        let twice = self.by.iter().enumerate().find(|(at, dimension)| self.by[..*at].contains(dimension));
        if let Some((_, dimension)) = twice {
            return Err(Failure::new(format!("--by names `{dimension}` twice")));
        }
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(Failure::new(format!("--from {from} is after --to {to}")));
        }
        let day = |date: jiff::civil::Date| {
            let since = date.since((jiff::Unit::Day, jiff::civil::date(1970, 1, 1)));
            since.map(|span| i64::from(span.get_days())).map_err(Failure::from)
        };
        Ok(Query {
            by: self.by.clone(),
            basis: self.basis,
            tenant_tag: self.tenant_tag.clone(),
            project_tag: self.project_tag.clone(),
            from: self.from.map(day).transpose()?,
            to: self.to.map(day).transpose()?,
        })
    }
}

/// Reads, adds up and shows.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let query = arguments.question.query()?;
    if let [old, new] = &arguments.compare[..] {
        return compare::run(global, query, [old, new], arguments.threads, arguments.top).await;
    }
    let question = move |sources: &[&dyn Source], how: &Reading<'_>| cur::report(sources, &query, how);
    let (report, files) = reading::read(&arguments.places, arguments.threads, question).await?;
    match global.written {
        Written::Json => terminal::print_json(&costs::json(&report, files))?,
        Written::Csv => print!("{}", costs::csv(&report)),
        Written::Parquet => print_parquet(&report)?,
        _ => terminal::print(&costs::table(&report, files, arguments.top, terminal::width())),
    }
    Ok(exit::DONE)
}

/// Writes the groups to a file or a pipe: no terminal shows Parquet.
fn print_parquet(report: &Report) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        return Err(Failure::new("Parquet is not written to a terminal").hint("add `> costs.parquet`"));
    }
    let bytes = cur::parquet(report).map_err(|cause| Failure::new(cause).hint("CSV and JSON have every digit"))?;
    Ok(out.write_all(&bytes).and_then(|()| out.flush())?)
}
