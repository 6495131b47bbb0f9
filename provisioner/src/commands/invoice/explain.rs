//! `invoice explain`: how a month's total comes about, rule by rule.

use std::path::{Path, PathBuf};

use billing::Month;
use billing::invoice::{CreditNote, CreditNoteState, Invoice};
use clap::Args;
use serde_json::json;

use super::status::credit_note;
use crate::cloud::clock;
use crate::cloud::evidence_key::EvidenceKey;
use crate::ledger::months::{self, MonthStanding};
use crate::ledger::reader::LedgerReader;
use crate::ledger::{evidence, stack_secret};
use crate::project::Project;
use crate::store::file::replace;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::terminal;

/// Arguments of `invoice explain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The tenant's id.
    pub tenant: String,
    /// The month; last month when left out.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
    /// Also writes all that the total came from to one archive, signed by the stack's key: a file that is there is replaced.
    #[arg(long, value_name = "FILE")]
    pub pack: Option<PathBuf>,
}

/// Explains what was invoiced, or what would be.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let (reader, today) = (LedgerReader::open(&project).await?, clock::today().await);
    let month = match arguments.period {
        Some(month) => month,
        None => Month::of(today).previous()?,
    };
    let id = &arguments.tenant;
    let tenant = reader.tenant(id).await?.ok_or_else(|| {
        Failure::new(format!("no tenant `{id}` is deployed")).hint("`billform apply` deploys the manifest's tenants")
    })?;
    let manifest = &project.manifest;
    let (tag, rules) = (&manifest.attribution.tenant_tag, manifest.invoicing.draft_rules());
    let found = months::load(&reader, tenant, tag, rules, today, Some(month)).await?;
    let standing = &found.months[0];
    let invoice: Invoice = match &standing.record {
        Some(record) => record.invoice.clone(),
        None => standing.assessment.composed.clone()?.invoice,
    };
    if let Some(file) = &arguments.pack {
        pack(&project, id, standing, file).await?;
    }
    match global.format {
        Format::Human => {
            let state = standing.state();
            let credits = standing.record.iter().flat_map(|record| &record.credit_notes).map(credit);
            let lines: Vec<String> =
                invoice.explain().into_iter().chain(credits).map(|line| format!("  {line}\n")).collect();
            terminal::print(&format!("{id}, {month} ({state})\n{}", lines.concat()));
            if let Some(file) = &arguments.pack {
                terminal::print(&format!("Packed: {}\n", file.display()));
            }
        }
        Format::Json => terminal::print_json(&json!({
            "tenant": id,
            "period": month,
            "state": standing.state(),
            "invoice": invoice,
            "credit_notes": standing.record.iter().flat_map(|record| &record.credit_notes).map(credit_note).collect::<Vec<_>>(),
        }))?,
    }
    Ok(exit::DONE)
}

/// Writes the evidence of a month's invoice.
async fn pack(project: &Project, tenant: &str, standing: &MonthStanding, file: &Path) -> Result<(), Failure> {
    let month = standing.month;
    let Some(record) = &standing.record else {
        let message = format!("{tenant} has no invoice of {month} yet, so there is nothing to give evidence of");
        return Err(Failure::new(message).hint("`billform invoice preview` shows what it would come to"));
    };
    let (_, secret) = project.manifest.evidence_secret().ok_or_else(|| {
        Failure::new("the manifest names no Stripe account, so nothing of it is invoiced").hint("set `stripe`")
    })?;
    let files = evidence::compose(record, standing).map_err(|error| Failure::new(error.to_string()))?;
    let value = stack_secret::read(project, secret).await?;
    let key = EvidenceKey::read(&value).ok_or_else(|| {
        Failure::new(format!("the secret {} holds no Ed25519 key in PEM", secret.name)).hint(
            "`billform drift` tells whether somebody replaced it, and `billform apply` brings the stored key back",
        )
    })?;
    let archive = evidence::pack(record, files, &key).map_err(|error| Failure::new(error.to_string()))?;
    replace(file, &archive).map_err(|error| Failure::new(format!("{} cannot be written: {error}", file.display())))
}

/// A credit note and what it is for, as a line of the explanation.
fn credit(note: &CreditNote) -> String {
    let state = match note.state {
        CreditNoteState::Noted => ", to be issued",
        CreditNoteState::Issued => "",
        CreditNoteState::GivenUp => ", given up",
    };
    format!("credit note {}{state}: {} -> -{}", note.number, note.memo().replace('\n', "; "), note.amount)
}
