//! `costs describe`: what a cost report is, before anything is asked of it.

use clap::Args;
use cur::{Reading, Source};

use super::place::Place;
use super::reading;
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::{costs_describe, terminal};

/// Arguments of `costs describe`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Files of one report, its manifest, or a folder with either; on this machine or in S3.
    #[arg(value_name = "FILE|FOLDER|s3://BUCKET/KEY", required = true)]
    pub places: Vec<Place>,
}

/// Reads and describes.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let question = |sources: &[&dyn Source], how: &Reading<'_>| cur::describe(sources, how);
    let (described, _) = reading::read(&arguments.places, None, question).await?;
    match global.format {
        Format::Json => terminal::print_json(&costs_describe::json(&described))?,
        Format::Human => terminal::print(&costs_describe::render(&described, terminal::width())),
    }
    Ok(exit::DONE)
}
