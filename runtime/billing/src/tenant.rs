//! The tenant record: what the provisioner knows of a tenant and the runtime reads, one ledger item each.
//!
//! Its facts have histories: terms by month, exchange rates by the day they are of, tag values by day. What held for a
//! month stays in the record ([`TenantRecord::following`]), so that a later edit changes no month that is over.

mod claims;
mod history;
mod rates;
mod tags;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use claims::{Pairs, TagClaim, agree};
pub use history::Fact;
pub use rates::{HeldRate, RATE_DAYS_AFTER, RATE_DAYS_BEFORE, RateError};
pub use tags::{TagSpan, TagValues};

use crate::pricing::Terms;
use crate::{Currency, Money, Month};

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
    /// The currency they are billed in. It never changes once they were invoiced: `plan` refuses that.
    pub currency: Currency,
    /// How their cost is told from others': tag key -> its values by day. The stack's tenant tag is always among them. Cost
    /// is the tenant's when it carries every pair of its day ([`TagClaim`]).
    pub tags: BTreeMap<String, TagValues>,
    /// Their terms, resolved from the manifest's `pricing`; several when they change over time, oldest first.
    pub terms: Vec<Terms>,
    /// The stated rates by which their AWS cost in USD becomes their currency; none when that is USD.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<HeldRate>,
    /// Their Stripe customer, `cus_…`; none until the manifest names Stripe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_customer: Option<String>,
    /// The first month billform bills; earlier ones are left to whoever billed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_period: Option<Month>,
    /// The last month that is billed: the tenant leaves with its end. None while they stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_period: Option<Month>,
    /// Days until an invoice is due: `30` for net-30.
    pub days_until_due: u32,
    /// Signed links of an earlier version are refused: raising it revokes every link of the tenant.
    pub link_version: u32,
    /// What they mean to spend on AWS in a month; none where no budget is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Money>,
}

impl TenantRecord {
    /// Whether a month is billform's to bill: neither before the first nor after the last.
    pub fn bills(&self, month: Month) -> bool {
        self.first_period.is_none_or(|first| first <= month) && self.last_period.is_none_or(|last| month <= last)
    }

    /// The terms that hold for a month: the latest that started by then, or none that do.
    pub fn terms_for(&self, month: Month) -> Option<&Terms> {
        let started = |terms: &&Terms| terms.effective_from.is_none_or(|from| from <= month);
        self.terms.iter().filter(started).max_by_key(|terms| terms.effective_from)
    }

    /// The tags that tell their cost of a month apart, as claims write them: `ClientOrganization=Acme`, or
    /// `ClientOrganization=Acme, Environment=prod` where the tenant has further ones (AWS takes no comma in tags). Of
    /// several values in one month they are those that hold at its end.
    pub fn cost_tag(&self, tenant_tag: &str, month: Month) -> Option<String> {
        let value_on = |key: &str, day| self.tag_on(key, day).filter(|value| !value.is_empty());
        let of_month = month.period().days().filter_map(|day| Some((day, self.tag_on(tenant_tag, day)?))).last();
        let (day, value) = of_month?;
        let further = self.tags.keys().filter(|key| *key != tenant_tag);
        let further = further.filter_map(|key| Some(format!(", {key}={}", value_on(key, day)?)));
        Some(format!("{tenant_tag}={value}{}", further.collect::<String>()))
    }

    /// The value of a tag on a day; none on days when the tenant has none. Of two that overlap, the one that
    /// replaced the other.
    pub fn tag_on(&self, key: &str, day: Date) -> Option<&str> {
        self.tags.get(key)?.on(day)
    }

    /// The days on which cost with the value of the tag is the tenant's, none of them after they left: `[from, until)`
    /// each, open where none.
    pub fn tag_spans<'a>(&'a self, key: &str) -> impl Iterator<Item = TagSpan> + use<'a> {
        let left = self.last_period.map(|last| last.period().end());
        let spans = self.tags.get(key).map_or(&[][..], TagValues::spans);
        spans.iter().filter_map(move |span| span.clone().before(left))
    }

    /// What cost they claim, none of it of days after they left.
    pub fn claims(&self, tenant_tag: &str) -> Vec<TagClaim> {
        let further = self.tags.keys().filter(|key| *key != tenant_tag);
        let further: Vec<_> = further.map(|key| (key.as_str(), self.tag_spans(key).collect())).collect();
        TagClaim::all(&self.tag_spans(tenant_tag).collect::<Vec<_>>(), &further)
    }
}
