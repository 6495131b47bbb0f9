//! An invoice before it exists: what a month of one tenant would bill.

use billing::Month;
use billing::invoice::{Invoice, InvoiceRecord, Standing};
use billing::manifest::Manifest;
use billing::manifest::model::Tenant;
use billing::tenant::TenantRecord;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};

use super::months;
use super::reader::LedgerReader;
use crate::ui::failure::Failure;

/// One tenant's preview.
pub struct Preview {
    /// The tenant's id.
    pub tenant: String,
    /// Their name.
    pub name: String,
    /// The month.
    pub month: Month,
    /// The invoice, priced now; none where its terms do not allow that, which `not_ready` tells.
    pub invoice: Option<Invoice>,
    /// Whose terms it was priced by.
    pub terms: TermsOf,
    /// What the invoicer has made of the month, if it has begun.
    pub invoiced: Option<InvoiceRecord>,
    /// Why it would not be drafted yet; none once it is.
    pub not_ready: Option<String>,
    /// Why its figures are not final yet; none once they are, and while it is not ready.
    pub provisional: Option<String>,
}

/// Whose terms a preview was priced by. The invoicer knows those that were deployed, and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TermsOf {
    /// The deployed ones, as the manifest has them, too.
    Manifest,
    /// The deployed ones; the manifest's differ and are not applied yet.
    Deployed,
    /// The manifest's, as nothing of the tenant is deployed yet.
    Undeployed,
}

impl Preview {
    /// Prices a month of one tenant by the ledger, as the invoicer would on a day.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub async fn load(
        manifest: &Manifest,
        reader: &LedgerReader,
        tenant: &Tenant,
        month: Month,
        today: Date,
    ) -> Result<Preview, Failure> {
        let (id, wanted) = (&tenant.id, manifest.tenant_record(tenant));
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
        let (tag, rules) = (&manifest.attribution.tenant_tag, manifest.invoicing.draft_rules());
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

    /// As `invoice preview --format json` shows it.
    pub fn json(&self) -> Value {
        let invoiced = self.invoiced.as_ref().map(|record| {
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
            "tenant": self.tenant,
            "invoice": self.invoice,
            "terms": self.terms,
            "invoiced": invoiced,
            "not_ready": self.not_ready,
            "provisional": self.provisional,
        })
    }
}

/// Whether the manifest's record makes the same invoices as the deployed one, whose first month is filled in where the
/// manifest names none.
fn bills_alike(deployed: &TenantRecord, wanted: &TenantRecord) -> bool {
    let first = |record: &TenantRecord| wanted.first_period.and(record.first_period);
    let terms = |record: &TenantRecord| {
        (record.currency, record.terms.clone(), record.rates.clone(), first(record), record.tags.clone())
    };
    terms(deployed) == terms(wanted)
}
