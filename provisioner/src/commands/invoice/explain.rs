//! `invoice explain`: how a month's total comes about, rule by rule.

use billing::Month;
use billing::invoice::{CreditNote, CreditNoteState, Invoice};
use clap::Args;
use serde_json::json;

use super::reader;
use super::status::credit_note;
use crate::cloud::clock;
use crate::ledger::months;
use crate::project::Project;
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
}

/// Explains what was invoiced, or what would be.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let (reader, today) = (reader(&project).await?, clock::today().await);
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
    match global.format {
        Format::Human => {
            let state = standing.state();
            let credits = standing.record.iter().flat_map(|record| &record.credit_notes).map(credit);
            let lines: Vec<String> =
                invoice.explain().into_iter().chain(credits).map(|line| format!("  {line}\n")).collect();
            terminal::print(&format!("{id}, {month} ({state})\n{}", lines.concat()));
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

/// A credit note and what it is for, as a line of the explanation.
fn credit(note: &CreditNote) -> String {
    let state = match note.state {
        CreditNoteState::Noted => ", to be issued",
        CreditNoteState::Issued => "",
        CreditNoteState::GivenUp => ", given up",
    };
    format!("credit note {}{state}: {} -> -{}", note.number, note.memo().replace('\n', "; "), note.amount)
}
