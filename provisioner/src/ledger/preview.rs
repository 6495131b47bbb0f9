//! An invoice before it exists: what a month of one tenant would bill.

use billing::Month;
use billing::invoice::{Invoice, InvoiceRecord};
use serde::Serialize;

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
