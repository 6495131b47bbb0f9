//! Reads a report with all cores, and shows how far it is on a terminal.

use std::io::{self, IsTerminal};
use std::sync::atomic::Ordering;

use cur::{Reading, Source};
use indicatif::{ProgressBar, ProgressStyle};

use super::parts::{self, Parts};
use super::place::Place;
use crate::ui::failure::Failure;

/// How often a report is read that changes meanwhile: AWS writes one some times a day, within minutes.
const TRIES: u32 = 3;

/// Asks something of the report at these places, beside the asynchronous world; again from the beginning where a part of
/// it changed in the meantime. Returns the answer and how many files there are.
pub async fn read<T: Send + 'static>(
    places: &[Place],
    threads: Option<usize>,
    question: impl Fn(&[&dyn Source], &Reading<'_>) -> Result<T, cur::Problem> + Clone + Send + 'static,
) -> Result<(T, usize), Failure> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.unwrap_or_else(cores).max(1);
    for _ in 0..TRIES {
        let Parts { sources, changed } = parts::find(places).await?;
        let (files, question) = (sources.len(), question.clone());
        let work = move || {
            let sources: Vec<&dyn Source> = sources.iter().map(|source| &**source).collect();
            let bar = bar(sources.iter().map(|source| source.length()).sum());
            let answer = question(&sources, &Reading { threads, progress: &|bytes| bar.inc(bytes) });
            bar.finish_and_clear();
            answer
        };
        match tokio::task::spawn_blocking(work).await? {
            Err(_) if changed.load(Ordering::Relaxed) => {
                anstream::eprintln!("The report was written again while it was read: it is read from its beginning.");
            }
            answer => return Ok((answer?, files)),
        }
    }
    Err(Failure::new(format!("the report changed each of the {TRIES} times it was read"))
        .hint("wait until AWS has written its new version, then run it again"))
}

/// A bar of bytes; hidden without a terminal.
fn bar(bytes: u64) -> ProgressBar {
    let bar = if io::stderr().is_terminal() { ProgressBar::new(bytes) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec}") {
        bar.set_style(style);
    }
    bar
}
