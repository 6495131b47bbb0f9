//! `invoice status`: tenant by month, with state, reason and since when.

use std::collections::BTreeSet;

use billing::Month;
use billing::invoice::CreditNote;
use clap::Args;
use serde_json::{Value, json};

use crate::cloud::clock;
use crate::ledger::months::{self, MonthStanding, TenantMonths};
use crate::ledger::reader::LedgerReader;
use crate::ledger::unclaimed::{self, Unclaimed};
use crate::project::Project;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Arguments of `invoice status`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// One tenant's id; all that are deployed without it.
    pub tenant: Option<String>,
    /// One month; every one that is open, or whose cost is still looked at, without it.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<Month>,
}

/// Reads the ledger, and shows it.
pub async fn run(global: &Global, arguments: &Arguments) -> Outcome {
    let project = Project::load(global)?;
    let status = Status::load(&project, arguments.tenant.as_deref(), arguments.period).await?;
    match global.format {
        Format::Human => terminal::print(&status.render(terminal::width())),
        Format::Json => terminal::print_json(&status.json())?,
    }
    Ok(exit::DONE)
}

/// How the deployed tenants' months stand.
pub(in crate::commands) struct Status {
    tenants: Vec<TenantMonths>,
    unclaimed: Vec<Unclaimed>,
}

impl Status {
    /// Reads it from the ledger: of one tenant or all, of one month or every open one.
    pub(in crate::commands) async fn load(
        project: &Project,
        id: Option<&str>,
        period: Option<Month>,
    ) -> Result<Status, Failure> {
        let (reader, today) = (LedgerReader::open(project).await?, clock::today().await);
        let deployed = reader.tenants().await?;
        let mut chosen = deployed.clone();
        if let Some(id) = id {
            chosen.retain(|tenant| tenant.id == id);
            if chosen.is_empty() {
                return Err(Failure::new(format!("no tenant `{id}` is deployed"))
                    .hint("`billform tenant list` shows the manifest's; `billform apply` deploys them"));
            }
        }
        let manifest = &project.manifest;
        let (tag, rules) = (&manifest.attribution.tenant_tag, manifest.invoicing.draft_rules());
        let mut tenants = Vec::new();
        for tenant in chosen {
            tenants.push(months::load(&reader, tenant, tag, rules, today, period).await?);
        }
        let months: BTreeSet<Month> =
            tenants.iter().flat_map(|tenant| &tenant.months).map(|standing| standing.month).collect();
        let mut unclaimed = Vec::new();
        for month in months {
            unclaimed.extend(unclaimed::load(&reader, &deployed, tag, month).await?);
        }
        // Of one tenant, what is near that one's values.
        for unclaimed in &mut unclaimed {
            unclaimed.near.retain(|near| id.is_none_or(|id| near.tenant == id));
        }
        Ok(Status { tenants, unclaimed })
    }

    /// As text of that width.
    pub(in crate::commands) fn render(&self, width: usize) -> String {
        views::invoice_status::render(&self.tenants, &self.unclaimed, width)
    }

    /// As one JSON document.
    pub(in crate::commands) fn json(&self) -> Value {
        json!({
            "tenants": self.tenants.iter().map(tenant).collect::<Vec<_>>(),
            "near_misses": self.unclaimed.iter().flat_map(views::near_misses::json).collect::<Vec<_>>(),
        })
    }
}

fn tenant(found: &TenantMonths) -> Value {
    json!({
        "tenant": found.tenant.id,
        "balance": found.balance.as_ref().map(|balance| balance.sum()),
        "earlier_balance": found.earlier,
        "payment_method": found.setup.as_ref().and_then(|setup| setup.method.as_ref()),
        "mandate": found.setup.as_ref().and_then(|setup| setup.mandate.as_ref()),
        "months": found.months.iter().map(month).collect::<Vec<_>>(),
    })
}

fn month(standing: &MonthStanding) -> Value {
    let record = standing.record.as_ref();
    let now = standing.assessment.composed.as_ref().ok().map(|composed| composed.invoice.total);
    json!({
        "period": standing.month,
        "state": standing.state(),
        "total": record.map(|record| record.invoice.total).or(now),
        "since": standing.since(),
        "reason": standing.reason(),
        "overdue_since": standing.overdue,
        "stripe_invoice": record.and_then(|record| record.stripe_invoice.as_ref()),
        "revision": record.map(|record| record.revision),
        "payment": record.map(|record| record.payment.status),
        "money": record.map(|record| views::payment::json(&record.payment, record.invoice.currency)),
        "refunds": record.map(|record| &record.refunds),
        "credit_notes": record.map(|record| record.credit_notes.iter().map(credit_note).collect::<Vec<_>>()),
        "restated": record.and_then(|record| record.restated.as_ref()).map(|restated| restated.sum),
    })
}

/// A credit note on an invoice, as `invoice status` and `invoice explain` give it.
pub(super) fn credit_note(note: &CreditNote) -> Value {
    json!({
        "number": note.number,
        "state": note.state,
        "amount": note.amount,
        "for": note.drawn.iter().map(|position| &position.text).collect::<Vec<_>>(),
        "reason": note.reason,
        "to_customer_balance": note.to_balance,
        "stripe_credit_note": note.stripe_credit_note,
        "at": note.at,
    })
}
