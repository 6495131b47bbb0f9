//! `invoice preview`: what a month comes to, from the ledger, by the same rules and terms that draft it.

use billing::Month;
use billing::invoice::Standing;
use billing::manifest::model::Tenant;
use billing::tenant::TenantRecord;
use clap::Args;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::reader;
use crate::cloud::clock;
use crate::commands::tenant::unknown_tenant;
use crate::ledger::preview::{Preview, TermsOf};
use crate::ledger::reader::LedgerReader;
use crate::ledger::{months, nobodys};
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `invoice preview`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// One tenant's id; all without it.
    pub tenant: Option<String>,
    /// The month; last month when left out.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
    /// As if it were this day: what would be final by then.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub at: Option<Date>,
}

/// Prices a month.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let today = match arguments.at {
        Some(day) => day,
        None => clock::today().await,
    };
    let month = match arguments.period {
        Some(month) => month,
        None => Month::of(today).previous()?,
    };
    let tenants = chosen(&project, arguments.tenant.as_deref())?;
    let reader = reader(&project).await?;
    let mut previews = Vec::new();
    for tenant in tenants {
        previews.push(preview(&project, &reader, tenant, month, today).await?);
    }
    let tag = &project.manifest.attribution.tenant_tag;
    let nobodys = nobodys::load(&reader, &reader.tenants().await?, tag, month).await?;
    match global.format {
        Format::Human => terminal::print(&views::invoice::render(&previews, nobodys.as_ref(), terminal::width())),
        Format::Json => terminal::print_json(&json!({
            "period": month,
            "invoices": previews.iter().map(json).collect::<Vec<_>>(),
            "unallocated_usd": nobodys.as_ref().map(|nobodys| nobodys.cost.normalize()),
            "shared_usd": nobodys.as_ref().map(|nobodys| nobodys.shared.normalize()),
        }))?,
    }
    Ok(exit::DONE)
}

fn json(preview: &Preview) -> Value {
    let invoiced = preview.invoiced.as_ref().map(|record| {
        json!({
            "state": record.state,
            "total": record.invoice.total,
            "stripe_invoice": record.stripe_invoice,
            "revision": record.revision,
            "payment": record.payment.status,
            "restated": record.restated.as_ref().map(|restated| restated.sum),
            "last_error": record.last_error.as_ref().map(|error| &error.message),
        })
    });
    json!({
        "tenant": preview.tenant,
        "invoice": preview.invoice,
        "terms": preview.terms,
        "invoiced": invoiced,
        "not_ready": preview.not_ready,
        "provisional": preview.provisional,
    })
}

fn chosen<'a>(project: &'a Project, id: Option<&str>) -> Result<Vec<&'a Tenant>, Failure> {
    match id {
        None => Ok(project.manifest.tenants.iter().collect()),
        Some(id) => Ok(vec![project.manifest.tenant(id).ok_or_else(|| unknown_tenant(project, id))?]),
    }
}

async fn preview(
    project: &Project,
    reader: &LedgerReader,
    tenant: &Tenant,
    month: Month,
    today: Date,
) -> Result<Preview, Failure> {
    let (id, wanted) = (&tenant.id, project.manifest.tenant_record(tenant));
    let (record, terms) = match reader.tenant(id).await? {
        None => {
            // As `apply` fills it in.
            let first_period = wanted.first_period.or(Some(Month::of(today)));
            (TenantRecord { first_period, ..wanted }, TermsOf::Undeployed)
        }
        Some(deployed) if bills_alike(&deployed, &wanted.clone().following(&deployed, Month::of(today))) => {
            (deployed, TermsOf::Manifest)
        }
        Some(deployed) => (deployed, TermsOf::Deployed),
    };
    let (tag, rules) = (&project.manifest.attribution.tenant_tag, project.manifest.invoicing.draft_rules());
    let claimed = record.cost_tag(tag, month);
    let standing = months::load(reader, record, tag, rules, today, Some(month)).await?.months.swap_remove(0);
    let (invoiced, assessment) = (standing.record, standing.assessment);
    let provisional = match &assessment.standing {
        Standing::Provisional(reason) => Some(reason.to_string()),
        _ => None,
    };
    let not_ready = match (&invoiced, &assessment.own, &assessment.standing) {
        (Some(_), ..) | (None, Ok(_), Standing::Provisional(_) | Standing::Complete) => None,
        (None, Err(reason), _) | (None, Ok(_), Standing::Unpriced(reason)) => Some(reason.to_string()),
        (None, Ok(_), Standing::Waiting(reason)) => Some(reason.to_string()),
        (None, Ok(_), Standing::Claimed { holder }) => {
            let tag = claimed.as_deref().unwrap_or("it");
            Some(format!("the cost of {tag} in {month} was invoiced to tenant {holder}"))
        }
    };
    let (tenant, name) = (id.clone(), tenant.name.clone());
    let invoice = assessment.composed.ok().map(|composed| composed.invoice);
    Ok(Preview { tenant, name, month, invoice, terms, invoiced, not_ready, provisional })
}

/// Whether the manifest's record comes to the same invoices as the deployed one, whose first month is filled in where the
/// manifest names none.
fn bills_alike(deployed: &TenantRecord, wanted: &TenantRecord) -> bool {
    let first = |record: &TenantRecord| wanted.first_period.and(record.first_period);
    let terms = |record: &TenantRecord| {
        (record.currency, record.terms.clone(), record.rates.clone(), first(record), record.tags.clone())
    };
    terms(deployed) == terms(wanted)
}
