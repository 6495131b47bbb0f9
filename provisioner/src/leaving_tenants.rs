//! What removing a tenant means for the bills. Months that nobody was invoiced for are guarded, as data that billform
//! did not write is; and the same cost under another id is refused, because the months that were billed would be billed
//! a second time.

use aws_sdk_dynamodb::Client;
use billing::invoice::{InvoiceRecord, InvoiceState, PriceInput, Settlement, price};
use billing::ledger::{self, SyncMark};
use billing::tenant::TenantRecord;
use billing::{Money, Month};
use engine::kind::Contents;
use engine::{Action, Graph, Plan};
use futures::future::try_join_all;
use serde_json::Value;

use crate::failure::Failure;
use crate::ledger_reader::LedgerReader;

const KIND: &str = "tenant_record";

/// Looks into the ledger for every tenant that a plan removes: guards the months that are not invoiced, and refuses an
/// heir, a wanted tenant with the same tags, that would be billed for a month again. Reads nothing when nobody leaves.
pub async fn look(plan: &mut Plan, wanted: &Graph, dynamodb: &Client) -> Result<(), Failure> {
    let steps = plan.steps.iter().enumerate().filter(|(_, step)| step.address.kind() == KIND);
    let removed: Vec<_> = steps.filter(|(_, step)| step.action == Action::Delete).collect();
    if removed.is_empty() {
        return Ok(());
    }
    let resources = wanted.resources().values().filter(|resource| resource.address.kind() == KIND);
    let heirs: Vec<TenantRecord> = resources.filter_map(|resource| record(&resource.desired)).collect();
    let accounts = removed.into_iter().filter_map(|(at, step)| {
        let fields = step.observed.as_deref()?;
        let ledger = LedgerReader::new(dynamodb.clone(), fields.get("table")?.as_str()?);
        let tenant = record(fields)?;
        Some(async move { account(&tenant, &ledger).await.map(|account| (at, tenant, account)) })
    });
    for (at, tenant, account) in try_join_all(accounts).await? {
        let heir = heirs.iter().find(|heir| heir.tags == tenant.tags);
        if let Some(heir) = heir {
            refuse_billing_twice(&tenant, heir, &account)?;
        }
        plan.steps[at].guard = described(&account, heir).map(|described| Contents { described });
    }
    Ok(())
}

/// The tenant that the fields of a record are of. What is no record of ours bills nobody.
fn record(fields: &Value) -> Option<TenantRecord> {
    serde_json::from_value(fields.get("record")?.clone()).ok()
}

/// What the ledger holds of a tenant.
#[derive(Debug, Default, PartialEq, Eq)]
struct Account {
    /// The last month that somebody was invoiced for.
    last_billed: Option<Month>,
    /// Months with something due and no invoice, oldest first, with what they come to by now.
    unbilled: Vec<(Month, Option<Money>)>,
}

async fn account(tenant: &TenantRecord, reader: &LedgerReader) -> Result<Account, Failure> {
    let invoices = reader.invoices(&tenant.id).await?;
    let mut account = Account { last_billed: last_billed(&invoices), unbilled: Vec::new() };
    for month in open_months(tenant, &reader.sync_marks(&tenant.id).await?, &invoices) {
        let days = reader.cost_days(&tenant.id, month.period()).await?;
        let services = ledger::by_service(&days).into_iter().map(|(name, amount)| (name, amount.cost)).collect();
        match price(&PriceInput { tenant, month, services: &services, credit: None }) {
            Ok(invoice) if invoice.settlement() == Settlement::Nothing => {}
            Ok(invoice) => account.unbilled.push((month, Some(invoice.total))),
            Err(_) => account.unbilled.push((month, None)),
        }
    }
    Ok(account)
}

fn last_billed(invoices: &[InvoiceRecord]) -> Option<Month> {
    let billed = invoices.iter().filter(|record| record.state != InvoiceState::NothingDue);
    billed.map(InvoiceRecord::month).max()
}

/// Months whose cost is known, at least in part, and that no invoice is done for.
fn open_months(tenant: &TenantRecord, marks: &[SyncMark], invoices: &[InvoiceRecord]) -> Vec<Month> {
    let is_done = |month: Month| invoices.iter().any(|record| record.month() == month && record.state.is_done());
    let is_ours = |month: Month| tenant.first_period.is_none_or(|first| first <= month);
    marks.iter().map(|mark| mark.month).filter(|month| is_ours(*month) && !is_done(*month)).collect()
}

fn refuse_billing_twice(tenant: &TenantRecord, heir: &TenantRecord, account: &Account) -> Result<(), Failure> {
    let Some(last) = account.last_billed.filter(|last| heir.first_period.is_none_or(|first| first <= *last)) else {
        return Ok(());
    };
    let (old, new) = (&tenant.id, &heir.id);
    let next = last.next().map_or_else(|_| "YYYY-MM".to_owned(), |next| next.to_string());
    Err(Failure::new(format!(
        "tenant `{new}` has the tags of tenant `{old}`, which goes: `{old}` was invoiced up to {last}, and `{new}` would be \
         invoiced for the same cost again; nothing was changed"
    ))
    .hint(format!("an id is never shown, so keep `{old}`; or give `{new}` a `first_period: {next}`")))
}

/// What nobody will be invoiced for once the tenant is gone. The heir is for the months that are its own.
fn described(account: &Account, heir: Option<&TenantRecord>) -> Option<String> {
    let inherited = |month| heir.is_some_and(|heir| heir.first_period.is_none_or(|first| first <= month));
    let lost: Vec<String> = account
        .unbilled
        .iter()
        .filter(|(month, _)| !inherited(*month))
        .map(|(month, total)| total.map_or_else(|| month.to_string(), |total| format!("{month} ({total})")))
        .collect();
    let months = if lost.len() == 1 { "a month" } else { "months" };
    (!lost.is_empty()).then(|| format!("{months} that nobody was invoiced for: {}", lost.join(", ")))
}

#[cfg(test)]
mod tests;
