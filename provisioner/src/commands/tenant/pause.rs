//! `tenant pause`, `tenant resume`: says in the ledger whether a tenant is paused for new work. The portal shows it.

use billing::ledger::{Ledger, Pause, PortError, TableLedger, Wrote, pause};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::calls::Calls;
use crate::cloud::clock;
use crate::cloud::connection::Connection;
use crate::ledger::table::DynamoTable;
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;

/// Arguments of `tenant pause`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenant's id.
    pub id: String,
    /// Why, in words that the tenant reads.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Longer reasons are no reasons.
const REASON_CHARACTERS: usize = 500;

/// Pauses a tenant of the manifest's.
pub async fn pause(global: &Global, project: &Project, arguments: &Arguments) -> Outcome {
    let reason = arguments.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.chars().count() > REASON_CHARACTERS) {
        return Err(Failure::new(format!("the reason has more than {REASON_CHARACTERS} characters")));
    }
    let reason = reason.map(str::to_owned);
    changed((global, project), &arguments.id, |before, now| Some(Pause::paused(before, reason.clone(), now))).await
}

/// Lifts the pause of a tenant of the manifest's.
pub async fn resume(global: &Global, project: &Project, id: &str) -> Outcome {
    let lifted = |before: Option<&Pause>, now| {
        let standing = before.filter(|before| before.since.is_some())?;
        Some(Pause::lifted(standing, now))
    };
    changed((global, project), id, lifted).await
}

/// Writes what becomes of the pause, where anything does, and prints how it stands.
async fn changed(
    (global, project): (&Global, &Project),
    id: &str,
    next: impl Fn(Option<&Pause>, Timestamp) -> Option<Pause>,
) -> Outcome {
    let config = Connection::open(&project.manifest, Calls::default()).await?.config;
    let table = &project.manifest.ledger.name;
    let ledger = TableLedger(DynamoTable::new(aws_sdk_dynamodb::Client::new(&config), table));
    let now = Timestamp::from_second(clock::now().await.as_second())?;
    let failed = |error: PortError| Failure::new(format!("the ledger {table}: {error}"));
    let before = pause::one(&ledger, id).await.map_err(failed)?;
    let standing = match next(before.as_ref(), now) {
        Some(next) => {
            written(&ledger, id, (before.as_ref(), &next)).await?.map_err(failed)?;
            Some(next)
        }
        None => before,
    };
    told(global, id, standing.as_ref())
}

async fn written(
    ledger: &dyn Ledger,
    id: &str,
    (before, next): (Option<&Pause>, &Pause),
) -> Result<Result<(), PortError>, Failure> {
    match pause::write(ledger, id, before, next).await {
        Ok(Wrote::Done) => Ok(Ok(())),
        Ok(Wrote::Refused) => Err(Failure::new("somebody else changed it at the same time; nothing was written")
            .hint("run the command again")),
        Err(error) => Ok(Err(error)),
    }
}

fn told(global: &Global, id: &str, standing: Option<&Pause>) -> Outcome {
    let (since, reason) = standing.map_or((None, None), |pause| (pause.since, pause.reason.as_deref()));
    match global.format {
        Format::Json => terminal::print_json(&json!({"tenant": id, "paused_since": since, "reason": reason}))?,
        Format::Human => terminal::print(&match since {
            Some(since) => format!("{id} is paused for new work since {since}; the portal says so.\n"),
            None => format!("{id} is not paused.\n"),
        }),
    }
    Ok(exit::DONE)
}
