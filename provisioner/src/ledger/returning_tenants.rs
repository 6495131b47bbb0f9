//! A tenant who is added under an id that was another's would be shown the other's cost and invoices: that is guarded. The
//! links of the one before stay revoked.

use aws_sdk_dynamodb::Client;
use billing::Month;
use billing::invoice::InvoiceRecord;
use billing::ledger::{LeftTenant, SyncMark};
use engine::kind::Contents;
use engine::plan::Reason;
use engine::{Action, Plan, Step};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::kinds::dynamodb_table::DynamodbTables;
use crate::kinds::tenant_record::TenantRecords;
use crate::kinds::typed::TypedKind;
use crate::ledger::reader::LedgerReader;
use crate::ui::failure::Failure;

const RECORD: &str = <TenantRecords as TypedKind>::META.name;
const TABLE: &str = <DynamodbTables as TypedKind>::META.name;
/// How many tenants' items are read at once.
const TENANTS_AT_ONCE: usize = 4;

/// Looks into the ledger for every tenant that a plan adds, in `month`. A ledger that the plan makes holds nothing.
///
/// # Errors
/// The tenant's links or a month of its invoices would be those of the one before, or the ledger cannot be read.
pub async fn look(plan: &mut Plan, month: Option<Month>, dynamodb: &Client) -> Result<(), Failure> {
    if plan.steps.iter().any(|step| step.address.kind() == TABLE && step.action == Action::Create) {
        return Ok(());
    }
    let added: Vec<Added> = plan.steps.iter().enumerate().filter_map(|(at, step)| Added::of(at, step)).collect();
    let looks = added.into_iter().map(|added| async move {
        let before = added.before(dynamodb).await?;
        before.refuse_its_links(&added)?;
        before.refuse_its_months(&added, month)?;
        Ok::<_, Failure>((added.at, before.described()))
    });
    let mut looks = stream::iter(looks).buffer_unordered(TENANTS_AT_ONCE);
    while let Some((at, described)) = looks.try_next().await? {
        if let Some(described) = described {
            plan.steps[at].guard = Some(Contents { described });
        }
    }
    Ok(())
}

/// A tenant who is new in the manifest.
struct Added {
    at: usize,
    id: String,
    table: String,
    link_version: u64,
    /// The first month that it is billed; none where the manifest leaves that to the day of the apply.
    first_period: Option<Month>,
}

impl Added {
    fn of(at: usize, step: &Step) -> Option<Added> {
        let is_new = step.action == Action::Create && step.reason == Reason::New;
        let fields = step.desired.as_ref().filter(|_| is_new && step.address.kind() == RECORD)?;
        Some(Added {
            at,
            id: fields.get("tenant")?.as_str()?.to_owned(),
            table: fields.get("table")?.as_str()?.to_owned(),
            link_version: fields.get("record")?.get("link_version").and_then(Value::as_u64).unwrap_or(1),
            first_period: fields
                .get("record")?
                .get("first_period")
                .and_then(Value::as_str)
                .and_then(|month| month.parse().ok()),
        })
    }

    async fn before(&self, dynamodb: &Client) -> Result<Before, Failure> {
        let ledger = LedgerReader::new(dynamodb.clone(), &self.table);
        Ok(Before {
            left: ledger.left(&self.id).await?,
            invoiced: ledger.invoices(&self.id).await?.iter().map(InvoiceRecord::month).collect(),
            marks: ledger.sync_marks(&self.id).await?,
        })
    }
}

/// What the ledger holds under an id.
#[derive(Default)]
struct Before {
    left: Option<LeftTenant>,
    /// The months of its invoices.
    invoiced: Vec<Month>,
    marks: Vec<SyncMark>,
}

impl Before {
    /// What a new tenant would be shown; none when the id is unused.
    fn described(&self) -> Option<String> {
        let left = self.left.iter().map(|left| left.last_period);
        let months = self.invoiced.iter().copied().chain(self.marks.iter().map(|mark| mark.month));
        let last: Month = left.chain(months).max()?;
        Some(format!(
            "the cost and invoices, up to {last}, of an earlier tenant with this id, which the new one would see"
        ))
    }

    fn refuse_its_links(&self, added: &Added) -> Result<(), Failure> {
        let Some(left) = self.left.as_ref().filter(|left| added.link_version <= u64::from(left.link_version)) else {
            return Ok(());
        };
        let next = left.link_version.saturating_add(1);
        Err(Failure::new(format!(
            "the tenant {} would take the links of an earlier tenant with this id, who left with {}: its link_version {} is \
             not above {}",
            added.id, left.last_period, added.link_version, left.link_version
        ))
        .hint(format!("choose another id, or write `link_version: {next}`")))
    }

    /// What was left of an earlier tenant's account may be on an invoice of a month after its last one. The ledger holds one
    /// invoice of an id and month: the new tenant's would never be drawn up.
    fn refuse_its_months(&self, added: &Added, month: Option<Month>) -> Result<(), Failure> {
        let last = self.left.as_ref().map(|left| left.last_period);
        let closing = self.invoiced.iter().copied().filter(|invoiced| Some(*invoiced) > last).max();
        let (Some(last), Some(closing), Some(first)) = (last, closing, added.first_period.or(month)) else {
            return Ok(());
        };
        if first > closing {
            return Ok(());
        }
        let hint = closing.next().map(|next| format!("choose another id, or write `first_period: {next}`"));
        Err(Failure::new(format!(
            "the tenant {} would be billed from {first} on, and {closing} has an invoice of an earlier tenant with this id, who \
             left with {last}",
            added.id
        ))
        .hint(hint.unwrap_or_else(|_| "choose another id".to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(link_version: u64) -> Added {
        Added { at: 0, id: "press".to_owned(), table: "ledger".to_owned(), link_version, first_period: None }
    }

    fn left() -> Before {
        let text = r#"{"schema":1,"id":"press","tags":{},"last_period":"2026-09","currency":"USD","link_version":3}"#;
        Before { left: Some(billing::ledger::decode(text).expect("a tenant who left")), ..Before::default() }
    }

    #[test]
    fn an_id_that_was_anothers_is_guarded() {
        assert_eq!(Before::default().described(), None);
        let told = left().described().expect("it was another's");
        assert!(told.contains("up to 2026-09") && told.contains("an earlier tenant"), "{told}");
        let mark = r#"{"month":"2026-08","through":"2026-08-31","estimated":false,"complete":true,"synced_at":"2026-09-20T06:00:00Z"}"#;
        let synced = Before { marks: vec![billing::ledger::decode(mark).expect("a mark")], ..Before::default() };
        assert!(synced.described().expect("its cost is there").contains("up to 2026-08"));
    }

    #[test]
    fn links_of_the_one_before_stay_revoked() {
        let refused = left().refuse_its_links(&added(3)).expect_err("they would be valid").message;
        assert!(refused.contains("press") && refused.contains("link_version 3 is not above 3"), "{refused}");
        assert!(left().refuse_its_links(&added(4)).is_ok());
        assert!(Before::default().refuse_its_links(&added(1)).is_ok());
    }

    /// An earlier tenant's last invoice may be of a month after its last one; it is not the new tenant's.
    #[test]
    fn a_month_that_was_invoiced_to_the_one_before_is_not_the_new_ones() {
        let month = |text: &str| -> Month { text.parse().expect("a month") };
        let closed = || Before { invoiced: vec![month("2026-11")], ..left() };
        let from = |first: &str| Added { first_period: Some(month(first)), ..added(4) };
        let refused = closed().refuse_its_months(&from("2026-10"), None).expect_err("its invoice is there");
        assert!(refused.message.contains("2026-11 has an invoice of an earlier tenant"), "{}", refused.message);
        assert!(closed().refuse_its_months(&added(4), Some(month("2026-11"))).is_err(), "from this month on");
        assert!(closed().refuse_its_months(&from("2026-12"), None).is_ok());
        // Invoices up to the last month are guarded, not refused: the months before it are none of the new tenant's.
        let billed = Before { invoiced: vec![month("2026-09")], ..left() };
        assert!(billed.refuse_its_months(&from("2026-10"), None).is_ok());
        let same = Before { invoiced: vec![month("2026-11")], ..Before::default() };
        assert!(same.refuse_its_months(&from("2026-10"), None).is_ok(), "no tenant left: it comes back as it was");
    }
}
