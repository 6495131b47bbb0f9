//! What another settling time means: no amount of a month that is over, but when it is final. Drafts that are open and would
//! be final sooner are named and guarded.

use aws_sdk_dynamodb::Client;
use billing::Month;
use billing::function::Setting;
use billing::invoice::{InvoiceRecord, InvoiceState, settles_on};
use engine::Plan;
use engine::kind::Contents;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::civil::Date;
use serde_json::Value;

use super::reader::LedgerReader;
use super::settings_edit::SettingsEdit;
use crate::ui::failure::Failure;

/// The function that finalises drafts.
const INVOICER: &str = "invoicer";
/// How many tenants' items are read at once.
const TENANTS_AT_ONCE: usize = 4;

/// The settling time as it is deployed and as it is planned, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days {
    before: u32,
    after: u32,
}

/// Guards the step that shortens the settling time of open drafts. The ledger of that name is read only for this.
pub async fn look(plan: &mut Plan, today: Date, dynamodb: &Client, ledger: &str) {
    let Some((at, days)) = changed(plan).filter(|(_, days)| days.after < days.before) else { return };
    let reader = LedgerReader::new(dynamodb.clone(), ledger);
    let described = match drafts(&reader).await {
        Ok(drafts) => described(&drafts, days, today),
        // Who may not look has to ask who may.
        Err(failure) => Some(format!("drafts that may be final sooner, and cannot be named: {}", failure.message)),
    };
    if let Some(described) = described {
        plan.steps[at].guard = Some(Contents { described });
    }
}

/// What a change of the settling time does to the month that is just over.
pub fn note(plan: &Plan, this: Month) -> Option<String> {
    let (_, Days { before, after }) = changed(plan)?;
    let month = this.previous().ok()?;
    let (then, now) = (settles_on(month, before), settles_on(month, after));
    Some(format!(
        "The settling time goes from {before} to {after} days: no amount of a closed month changes; {month} is settled on \
         {now} instead of {then}."
    ))
}

/// The step of the function that finalises drafts, where its settling time changes.
fn changed(plan: &Plan) -> Option<(usize, Days)> {
    let edit = SettingsEdit::of(plan, INVOICER)?;
    let days = |value: Option<&Value>| value?.as_str()?.parse::<u32>().ok();
    let [before, after] = edit.values(Setting::SettleDays).map(days);
    let days = Days { before: before?, after: after? };
    (days.before != days.after).then_some((edit.at, days))
}

/// Every tenant's invoices that are drafts.
async fn drafts(reader: &LedgerReader) -> Result<Vec<InvoiceRecord>, Failure> {
    let tenants = reader.tenants().await?;
    let invoices = tenants.into_iter().map(|tenant| async move { reader.invoices(&tenant.id).await });
    let invoices: Vec<Vec<InvoiceRecord>> = stream::iter(invoices).buffered(TENANTS_AT_ONCE).try_collect().await?;
    Ok(invoices.into_iter().flatten().filter(|record| record.state.is_draft()).collect())
}

/// The drafts that are not final and would be sooner: `acme 2026-10 (on 2026-11-08 instead of 2026-11-15)`.
fn described(drafts: &[InvoiceRecord], days: Days, today: Date) -> Option<String> {
    let is_open = |record: &&InvoiceRecord| {
        record.state != InvoiceState::Complete && today < settles_on(record.month(), days.before)
    };
    let told = |record: &InvoiceRecord| {
        let month = record.month();
        let (then, now) = (settles_on(month, days.before), settles_on(month, days.after));
        format!("{} {month} (on {now} instead of {then})", record.invoice.tenant)
    };
    let told: Vec<String> = drafts.iter().filter(is_open).map(told).collect();
    (!told.is_empty()).then(|| format!("open drafts that this settles sooner: {}", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use serde_json::json;

    fn draft(tenant: &str, month: &str, state: &str) -> InvoiceRecord {
        let stored = json!({
            "state": "draft", "revision": 1, "version": 1, "days_until_due": 30, "terms": {}, "stripe_items": [],
            "invoice": {
                "tenant": tenant, "month": month, "currency": "EUR", "lines": [], "total": "1.00 EUR", "cost_usd": "1",
                "steps": [],
            },
        });
        let record: InvoiceRecord = billing::ledger::decode(&stored.to_string()).expect("an invoice");
        InvoiceRecord { state: serde_json::from_value(json!(state)).expect("a state"), ..record }
    }

    #[test]
    fn drafts_that_would_be_final_sooner_are_named() {
        let days = Days { before: 14, after: 7 };
        let drafts = [
            draft("acme", "2026-10", "provisional"),
            draft("beta", "2026-10", "complete"),
            draft("gamma", "2026-09", "provisional"),
        ];
        let told = "open drafts that this settles sooner: acme 2026-10 (on 2026-11-08 instead of 2026-11-15)";
        assert_eq!(described(&drafts, days, date(2026, 11, 5)).as_deref(), Some(told));
        assert_eq!(described(&drafts, days, date(2026, 11, 15)), None, "it has settled by either");
        assert_eq!(described(&[], days, date(2026, 11, 5)), None);
    }
}
