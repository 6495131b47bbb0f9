//! `demo`: the main job, end to end, on the local cloud. The steps are in [`crate::demo`].

use std::path::PathBuf;

use clap::Args;

use crate::demo;
use crate::ui::failure::Outcome;
use crate::ui::options::Global;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Leaves the local cloud and what was deployed running, and says how to reach it.
    #[arg(long)]
    pub keep: bool,
    /// Takes pictures of the portal's pages in this folder, with Chromium.
    #[arg(long, value_name = "FOLDER")]
    pub screenshots: Option<PathBuf>,
}

/// Runs it.
pub async fn run(_global: &Global, arguments: &Arguments) -> Outcome {
    demo::run(arguments.keep, arguments.screenshots.as_deref()).await
}
