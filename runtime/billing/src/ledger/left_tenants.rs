//! Tenants who left: what stays of a tenant when their record goes, so that the ledger still adds up to the bill and their
//! id is not another's by accident.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Indexed, Ledger, PortError, Record};
use crate::names::LEFT_ITEM;
use crate::tenant::{TagClaim, TagSpan, TagValues, TenantRecord};
use crate::{Currency, Month};

/// What stays of a tenant who left. Their invoices and cost stay beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftTenant {
    /// The id that was theirs.
    pub id: String,
    /// The tag values that told their cost apart, by day.
    pub tags: BTreeMap<String, TagValues>,
    /// The first month that was billed; none without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_period: Option<Month>,
    /// The last month that was billed.
    pub last_period: Month,
    /// The currency they were billed in.
    pub currency: Currency,
    /// The version of their signed links: one who takes the id over has a higher one.
    pub link_version: u32,
}

impl LeftTenant {
    /// What stays of a tenant whose record goes; none of one who did not leave with a last month.
    pub fn of(tenant: &TenantRecord) -> Option<LeftTenant> {
        Some(LeftTenant {
            id: tenant.id.clone(),
            tags: tenant.tags.clone(),
            first_period: tenant.first_period,
            last_period: tenant.last_period?,
            currency: tenant.currency,
            link_version: tenant.link_version,
        })
    }

    /// Whether a month was theirs to be billed.
    pub fn bills(&self, month: Month) -> bool {
        self.first_period.is_none_or(|first| first <= month) && month <= self.last_period
    }

    /// What cost they claimed, none of it of days after they left.
    pub fn claims(&self, tenant_tag: &str) -> Vec<TagClaim> {
        let further = self.tags.keys().filter(|key| *key != tenant_tag);
        let further: Vec<_> = further.map(|key| (key.as_str(), self.tag_spans(key).collect())).collect();
        TagClaim::all(&self.tag_spans(tenant_tag).collect::<Vec<_>>(), &further)
    }

    fn tag_spans<'a>(&'a self, key: &str) -> impl Iterator<Item = TagSpan> + use<'a> {
        let left = Some(self.last_period.period().end());
        let spans = self.tags.get(key).map_or(&[][..], TagValues::spans);
        spans.iter().filter_map(move |span| span.clone().before(left))
    }
}

impl Record for LeftTenant {
    const NAME: &'static str = "left_tenant";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        LEFT_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        Indexed { kind: Some(LEFT_ITEM.to_owned()), ..Indexed::default() }
    }
}

/// Every tenant who left, by id.
pub async fn all(ledger: &dyn Ledger) -> Result<Vec<LeftTenant>, PortError> {
    ledger.of_kind(LEFT_ITEM).await?.iter().map(super::Stored::record).collect()
}

/// The tenant who left with an id.
pub async fn one(ledger: &dyn Ledger, id: &str) -> Result<Option<LeftTenant>, PortError> {
    // Asked as a range, as invoices are: `plan` may query the ledger, and get no item.
    ledger.range(id, LEFT_ITEM, LEFT_ITEM).await?.first().map(super::Stored::record).transpose()
}
