//! `costs describe`: what a cost report is, before anything is asked of it.

use std::path::PathBuf;

use clap::Args;

use super::{parts, reading};
use crate::ui::exit;
use crate::ui::failure::Outcome;
use crate::ui::options::{Format, Global};
use crate::ui::views::{costs_describe, terminal};

/// Arguments of `costs describe`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Files of one report, its manifest, or a folder with either.
    #[arg(value_name = "FILE|FOLDER", required = true)]
    pub places: Vec<PathBuf>,
}

/// Reads and describes.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let parts = parts::find(&arguments.places)?;
    let described = reading::read(parts, None, cur::describe).await?;
    match global.format {
        Format::Json => terminal::print_json(&costs_describe::json(&described))?,
        Format::Human => terminal::print(&costs_describe::render(&described, terminal::width())),
    }
    Ok(exit::DONE)
}
