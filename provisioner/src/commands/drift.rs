//! `drift`: what others changed behind billform's back. It reads everything, takes no lock and writes nothing, neither
//! to the cloud nor here.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use engine::kind::{Depth, Listed};
use engine::state::StateStore as _;
use engine::{Address, Observer, RefreshOptions, RetryPolicy, State, refresh};

use crate::bundle::selection;
use crate::drift::ignore::{Ignore, part};
use crate::drift::report::DriftReport;
use crate::project::{self, Project};
use crate::run::authors;
use crate::run::progress::Progress;
use crate::run::session::{Purpose, Session};
use crate::run::waiting::TokioClock;
use crate::store::file;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Global, Written};
use crate::ui::views::{self, terminal};

/// Arguments of `drift`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Leaves out what is known to differ: a resource, or a field of one; up to and including a day in UTC, or for
    /// good. What is left out is counted. Repeatable.
    #[arg(long, value_name = "ADDRESS[.field][@until]")]
    pub ignore: Vec<Ignore>,
    /// Writes the findings into a file as well, as SARIF 2.1.0.
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
}

/// Looks, compares and tells.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let bundle = selection::find(&project, None)?;
    let session = Session::open(project, Purpose { bundle, may_ask: false, destroy: false }).await?;
    let progress = Progress::reading(global.verbose > 0);
    let mut report = look(&session, &arguments.ignore, &progress).await?;
    report.authors = authors::look_up(&session.cloud, &report.drift.drifted).await;
    drop(progress);
    if let Some(path) = &arguments.sarif {
        let text = serde_json::to_vec_pretty(&sarif(global, &session, &report)?)?;
        file::replace(path, &text)
            .map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))?;
    }
    show(global, &session, &report)?;
    Ok(report.exit_code())
}

/// The state as it is now. Nothing is locked: an apply may be under way.
async fn state(session: &Session) -> Result<State, Failure> {
    Ok(session.store().load(&session.cloud.stack).await?)
}

async fn look(session: &Session, ignores: &[Ignore], observer: &dyn Observer) -> Result<DriftReport, Failure> {
    let retry = RetryPolicy::default();
    let before = state(session).await?;
    let mut known = before.clone();
    session.check_places(&mut known)?;
    if before.is_blank() {
        terminal::eprint_line(
            "There is no state, so what is there is compared with the manifest; `billform state rebuild` makes it anew.",
        );
    }
    known.rename_all(&session.project.moves()?);
    // What there is first, then what it is like: what an apply makes in between is not taken for a stranger.
    let (listed, unlisted) = engine::rebuild::list(&session.kinds, &known, &TokioClock, retry, observer).await;
    let options = RefreshOptions { depth: Depth::Full, retry };
    let seen = refresh(&session.graph, &known, &session.kinds, &TokioClock, &options, observer).await?;
    let drift = engine::drift(&session.graph, &known, &seen, &listed, &session.kinds)?;
    let moved = state(session).await? != before;
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let parted = part(drift, ignores, &addresses(session, &known, &listed), today);
    Ok(DriftReport::new(parted, unlisted, moved))
}

/// The addresses of all that is remembered, wanted or there.
fn addresses(session: &Session, state: &State, listed: &[Listed]) -> BTreeSet<Address> {
    let known = state.records.keys().chain(session.graph.resources().keys());
    known.chain(listed.iter().map(|listed| &listed.address)).cloned().collect()
}

/// The report on stdout, in the format asked for.
fn show(global: &Global, session: &Session, report: &DriftReport) -> Result<(), Failure> {
    let manifest = &session.project.manifest;
    let around = views::drift::Surroundings {
        stack: &session.cloud.stack,
        account: &manifest.aws.account,
        region: &manifest.aws.region,
        width: terminal::width(),
    };
    match global.written {
        // CSV is for cost reports; the command line saw to that.
        Written::Human | Written::Csv | Written::Parquet => terminal::print(&views::drift::render(report, &around)),
        Written::Markdown => terminal::print(&views::drift_markdown::render(report, &around)),
        Written::Json => {
            let document = views::drift_json::render(report, &around, &session.cloud.calls.counts());
            terminal::print_json(&document)?;
        }
        Written::Sarif => terminal::print_json(&sarif(global, session, report)?)?,
    }
    Ok(())
}

fn sarif(global: &Global, session: &Session, report: &DriftReport) -> Result<serde_json::Value, Failure> {
    let sources = project::sources(&global.manifest)?;
    let places = billing::manifest::places(&sources, global.environment.as_deref());
    Ok(views::drift_sarif::render(report, &session.cloud.stack, &places))
}
