//! The tenant record: what the provisioner knows of a tenant and the runtime reads, one ledger item each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pricing::{ExchangeRate, Terms};
use crate::{Currency, Month};

/// One tenant as the provisioner writes it into the ledger table and the handlers read it.
///
/// The item's key is ([`crate::names::LEDGER_KEY`] = `id`, [`crate::names::LEDGER_SORT`] =
/// [`crate::names::TENANT_ITEM`]); the record itself is the JSON text in the attribute
/// [`crate::names::TENANT_ATTRIBUTE`]. Attributes beside it (paused, ids learned later) belong to the runtime.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantRecord {
    /// The tenant's id in the manifest, key of everything that is theirs.
    pub id: String,
    /// The name shown on pages and invoices.
    pub name: String,
    /// Where invoices go.
    pub email: String,
    /// BCP 47 language tag of pages and invoices: `en-US`.
    pub locale: String,
    /// The currency they are billed in.
    pub currency: Currency,
    /// How their cost is told from others': tag key -> tag value. The stack's tenant tag is always among them.
    pub tags: BTreeMap<String, String>,
    /// Their terms, resolved from the manifest's `pricing`; several when they change over time, oldest first.
    pub terms: Vec<Terms>,
    /// How their AWS cost in USD becomes their currency; none when that is USD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ExchangeRate>,
    /// Their Stripe customer, `cus_…`; none until the manifest names Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_customer: Option<String>,
    /// The first month billform bills; earlier ones are left to whoever billed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_period: Option<Month>,
    /// Days until an invoice is due: `30` for net-30.
    pub days_until_due: u32,
    /// Signed links of an earlier version are refused: raising it revokes every link of the tenant.
    pub link_version: u32,
}

impl TenantRecord {
    /// Whether a month is billform's to bill: earlier ones than the first were billed by others.
    pub fn bills(&self, month: Month) -> bool {
        self.first_period.is_none_or(|first| first <= month)
    }

    /// The tag that tells their cost apart, as claims write it: `ClientOrganization=Acme`.
    pub fn cost_tag(&self, tenant_tag: &str) -> Option<String> {
        self.tags.get(tenant_tag).map(|value| format!("{tenant_tag}={value}"))
    }

    /// The terms that hold for a month: the latest that started by then, or none that do.
    pub fn terms_for(&self, month: Month) -> Option<&Terms> {
        let started = |terms: &&Terms| terms.effective_from.is_none_or(|from| from <= month);
        self.terms.iter().filter(started).max_by_key(|terms| terms.effective_from)
    }
}
