//! Which tenant has which value of the tenant tag, day by day.

use std::collections::HashMap;

use jiff::civil::Date;

use super::AttributionError;
use crate::ledger::LeftTenant;
use crate::tenant::{TagSpan, TenantRecord};

/// The tenants that have a value of the tenant tag on some day, and the days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// By id.
    tenants: Vec<String>,
    /// Value -> who has it when. Of several that cover a day, the first counts.
    spans: HashMap<String, Vec<Owned>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    span: TagSpan,
    /// Index in `tenants`.
    tenant: usize,
}

impl Owners {
    /// What the tenants' records say, and what stayed of tenants who left.
    ///
    /// A value that was a tenant's and no longer is stays theirs for its days, whoever has it now.
    ///
    /// # Errors
    /// Two tenants have the same value on a day, and neither of them gave it up.
    pub fn of<'a>(
        tenants: impl IntoIterator<Item = &'a TenantRecord>,
        left: &[LeftTenant],
        tenant_tag: &str,
    ) -> Result<Owners, AttributionError> {
        let mut owners = Owners::default();
        let mut numbers = HashMap::new();
        let present = tenants.into_iter().map(|tenant| (&tenant.id, tenant.tag_spans(tenant_tag).collect()));
        let gone = left.iter().map(|left| (&left.id, left.tag_spans(tenant_tag).collect()));
        for (id, spans) in present.chain(gone) {
            let spans: Vec<TagSpan> = spans;
            for span in spans.into_iter().filter(|span| !span.value.is_empty()) {
                // An id that came back has the days of both.
                let number = *numbers.entry(id.clone()).or_insert_with(|| {
                    owners.tenants.push(id.clone());
                    owners.tenants.len() - 1
                });
                owners.spans.entry(span.value.clone()).or_default().push(Owned { span, tenant: number });
            }
        }
        for (value, owned) in &mut owners.spans {
            // Those that end, the earliest first, before those that do not.
            owned.sort_by_key(|owned| (owned.span.until.is_none(), owned.span.until, owned.span.from, owned.tenant));
            if let Some((first, second)) = shared(owned) {
                let since = first.span.from.max(second.span.from);
                let (first, second) = (first.tenant.min(second.tenant), first.tenant.max(second.tenant));
                let (first, second) = (owners.tenants[first].clone(), owners.tenants[second].clone());
                return Err(AttributionError::SharedValue { value: value.clone(), first, second, since });
            }
        }
        Ok(owners)
    }

    /// The tenants' ids.
    pub fn tenants(&self) -> &[String] {
        &self.tenants
    }

    /// The tenant that has a value on a day, by its index in [`Owners::tenants`].
    pub fn on(&self, value: &str, day: Date) -> Option<usize> {
        let owned = self.spans.get(value)?;
        owned.iter().find(|owned| owned.span.covers(day)).map(|owned| owned.tenant)
    }
}

/// Two tenants that have the value for good on the same day.
fn shared(owned: &[Owned]) -> Option<(&Owned, &Owned)> {
    let open = || owned.iter().filter(|owned| owned.span.until.is_none());
    let pairs = open().flat_map(|one| open().map(move |other| (one, other)));
    pairs.into_iter().find(|(one, other)| one.tenant < other.tenant)
}
