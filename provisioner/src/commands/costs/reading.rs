//! Reads a report with all cores, and shows how far it is on a terminal.

use std::io::{self, IsTerminal};

use cur::{Reading, Source};
use indicatif::{ProgressBar, ProgressStyle};

use crate::ui::failure::Failure;

/// Runs something that reads these parts, beside the asynchronous world.
pub async fn read<T: Send + 'static>(
    parts: Vec<Box<dyn Source>>,
    threads: Option<usize>,
    question: impl FnOnce(&[&dyn Source], &Reading<'_>) -> Result<T, cur::Problem> + Send + 'static,
) -> Result<T, Failure> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or_else(cores).max(1);
    let work = move || {
        let sources: Vec<&dyn Source> = parts.iter().map(|part| &**part).collect();
        let bar = bar(sources.iter().map(|source| source.length()).sum());
        let answer = question(&sources, &Reading { threads, progress: &|bytes| bar.inc(bytes) });
        bar.finish_and_clear();
        answer
    };
    Ok(tokio::task::spawn_blocking(work).await??)
}

/// A bar of bytes; hidden without a terminal.
fn bar(bytes: u64) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec}") {
        bar.set_style(style);
    }
    bar
}
