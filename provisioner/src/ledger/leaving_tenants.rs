//! What removing a tenant means for the bills: months that nobody was invoiced for, and credit that no invoice took, are
//! guarded, as data that billform did not write is. A tenant whose id changes has an heir, who is invoiced for what is
//! left; that no month comes twice is the ledger's matter ([`billing::ledger::CostClaim`]).

use aws_sdk_dynamodb::Client;
use billing::balance::{Balance, Position};
use billing::invoice::{DraftRules, InvoiceRecord, InvoiceState, MonthFacts, Settlement, assess};
use billing::ledger::SyncMark;
use billing::tenant::TenantRecord;
use billing::{Money, Month};
use engine::kind::Contents;
use engine::{Graph, Plan, Resource, Step};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::civil::Date;
use serde_json::Value;

use crate::cloud::clock;
use crate::kinds::tenant_record::{TenantRecords, first_period};
use crate::kinds::typed::TypedKind;
use crate::ledger::reader::LedgerReader;
use crate::ui::failure::Failure;

const KIND: &str = <TenantRecords as TypedKind>::META.name;
/// How many tenants' items are read at once.
const TENANTS_AT_ONCE: usize = 4;

/// Looks into the ledger for every tenant that a plan removes, and guards what would be lost. Reads nothing when nobody
/// leaves. `tenant_tag` is the key of the tag that tells tenants' cost apart.
pub async fn look(plan: &mut Plan, wanted: &Graph, tenant_tag: &str, dynamodb: &Client) -> Result<(), Failure> {
    let leaving: Vec<(usize, TenantRecord, LedgerReader)> =
        plan.steps.iter().enumerate().filter_map(|(at, step)| leaving(at, step, dynamodb)).collect();
    if leaving.is_empty() {
        return Ok(());
    }
    let this_month = Month::of(clock::today().await);
    let staying = staying(plan, wanted, this_month);
    let accounts = leaving.into_iter().map(|(at, tenant, ledger)| async move {
        let account = account(&tenant, &ledger).await?;
        Ok::<_, Failure>((at, tenant, account))
    });
    let mut accounts = stream::iter(accounts).buffer_unordered(TENANTS_AT_ONCE);
    while let Some((at, tenant, account)) = accounts.try_next().await? {
        let tag = |tenant: &TenantRecord| tenant.cost_tag(tenant_tag, this_month);
        let heir = staying.iter().find(|other| tag(&tenant).is_some() && tag(other) == tag(&tenant));
        plan.steps[at].guard = described(&account, heir).map(|described| Contents { described });
    }
    Ok(())
}

/// The wanted tenants, each with the first month it will bill.
fn staying(plan: &Plan, wanted: &Graph, this_month: Month) -> Vec<TenantRecord> {
    let resources = wanted.resources().values().filter(|resource| resource.address.kind() == KIND);
    let tenant = |resource: &Resource| {
        let tenant = record(&resource.desired)?;
        let step = plan.steps.iter().find(|step| step.address == resource.address);
        let there = step.is_some_and(|step| step.id.is_some());
        let stored = step.and_then(|step| step.observed.as_deref()?.get("record"));
        // Nothing is done to it, so nothing was kept of what it looks like: it bills what it billed.
        let stored = stored.or(there.then_some(&Value::Null));
        let first_period = first_period::effective(resource.desired.get("record")?, stored, this_month);
        Some(TenantRecord { first_period, ..tenant })
    };
    resources.filter_map(tenant).collect()
}

/// The tenant that a step takes away: deleted, or replaced by one of another id.
fn leaving(at: usize, step: &Step, dynamodb: &Client) -> Option<(usize, TenantRecord, LedgerReader)> {
    if step.address.kind() != KIND || !step.action.destroys() {
        return None;
    }
    let fields = step.observed.as_deref()?;
    let tenant = record(fields)?;
    let stays = step.desired.as_ref().and_then(record).is_some_and(|desired| desired.id == tenant.id);
    let ledger = LedgerReader::new(dynamodb.clone(), fields.get("table")?.as_str()?);
    (!stays).then_some((at, tenant, ledger))
}

/// The tenant that the fields of a record are of. What is no record of ours bills nobody.
fn record(fields: &Value) -> Option<TenantRecord> {
    serde_json::from_value(fields.get("record")?.clone()).ok()
}

/// What the ledger holds of a tenant that is not settled.
#[derive(Debug, Default, PartialEq, Eq)]
struct Account {
    /// Oldest first.
    open: Vec<Open>,
    /// What of the balance no invoice has taken.
    positions: Vec<Position>,
    /// The last month the ledger holds something of, where nothing will say that the id was this tenant's.
    frees: Option<Month>,
}

/// A month with something due and no invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Open {
    month: Month,
    /// What it comes to by now, where that can be told.
    total: Option<Money>,
    /// Its invoice is being drafted for this tenant, and can be nobody else's.
    begun: bool,
}

async fn account(tenant: &TenantRecord, reader: &LedgerReader) -> Result<Account, Failure> {
    let invoices = reader.invoices(&tenant.id).await?;
    // What an earlier company of this id left is no loss of this one's.
    let balance = reader.balance(&tenant.id).await?.map(|balance| balance.since(tenant.first_period, tenant.currency));
    let mut account = Account::default();
    account.positions.extend(balance.iter().flat_map(|balance: &Balance| balance.open.clone()));
    // A credit note that was noted and not issued has taken them, and gives nothing back once the record is gone.
    let noted = invoices.iter().filter_map(InvoiceRecord::noted_credit);
    account.positions.extend(noted.flat_map(|note| note.drawn.clone()));
    let marks = reader.sync_marks(&tenant.id).await?;
    account.frees = frees(tenant, &marks, &invoices);
    for month in open_months(tenant, &marks, &invoices) {
        let days = reader.cost_days(&tenant.id, month.period()).await?;
        let record = invoices.iter().find(|record| record.month() == month);
        let shared = reader.shared_costs(tenant, month, record).await?;
        let facts = MonthFacts {
            tenant,
            month,
            mark: marks.iter().find(|mark| mark.month == month),
            days: &days,
            shared: shared.as_ref(),
            balance: None,
            claim: None,
            record,
        };
        // Whether it has settled makes no difference: once the tenant is gone, it is not invoiced at all.
        let assessment = assess(&facts, DraftRules { day: 1, settle_days: 0 }, Date::MAX);
        let begun = facts.record.is_some_and(|record| record.state.is_draft());
        match assessment.own {
            Ok(invoice) if invoice.settlement() == Settlement::Nothing && !begun => {}
            priced => account.open.push(Open { month, total: priced.ok().map(|invoice| invoice.total), begun }),
        }
    }
    Ok(account)
}

/// The last month that the ledger holds something of under an id that would be free: one who leaves with a last month is
/// remembered ([`billing::ledger::LeftTenant`]), and the id comes back to no other by accident.
fn frees(tenant: &TenantRecord, marks: &[SyncMark], invoices: &[InvoiceRecord]) -> Option<Month> {
    let months = marks.iter().map(|mark| mark.month).chain(invoices.iter().map(InvoiceRecord::month));
    months.max().filter(|_| tenant.last_period.is_none())
}

/// Months with known cost, at least in part, whose invoice was not issued: nobody issues a draft of a removed tenant. A month
/// that closed with nothing due is open, because its cost may have been found since.
fn open_months(tenant: &TenantRecord, marks: &[SyncMark], invoices: &[InvoiceRecord]) -> Vec<Month> {
    let is_open = |state: InvoiceState| state == InvoiceState::NothingDue || state.is_draft();
    let is_done = |month: Month| invoices.iter().any(|record| record.month() == month && !is_open(record.state));
    marks.iter().map(|mark| mark.month).filter(|month| tenant.bills(*month) && !is_done(*month)).collect()
}

/// What nobody will be invoiced for, or get, once the tenant is gone. The heir is invoiced for months that are its own
/// and that were not begun.
fn described(account: &Account, heir: Option<&TenantRecord>) -> Option<String> {
    let inherited = |open: &Open| !open.begun && heir.is_some_and(|heir| heir.bills(open.month));
    let lost: Vec<String> = account.open.iter().filter(|open| !inherited(open)).map(Open::told).collect();
    let months = if lost.len() == 1 { "a month" } else { "months" };
    let months = (!lost.is_empty()).then(|| format!("{months} that nobody was invoiced for: {}", lost.join(", ")));
    let freed = account.frees.filter(|_| heir.is_none()).map(|last| {
        format!("cost and invoices, up to {last}, of an id that is free then: `last_period` would keep it")
    });
    let parts: Vec<String> = months.into_iter().chain(account.positions.iter().map(left)).chain(freed).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What a position of the balance would have been on a later invoice.
fn left(position: &Position) -> String {
    let (month, amount) = (position.id.month, position.amount);
    match amount.amount.is_sign_negative() {
        true => {
            format!("a credit of {} from {month} that no invoice took", Money::new(-amount.amount, amount.currency))
        }
        false => format!("{amount} of {month}, restated, that no invoice took"),
    }
}

impl Open {
    fn told(&self) -> String {
        self.total.map_or_else(|| self.month.to_string(), |total| format!("{} ({total})", self.month))
    }
}

#[cfg(test)]
mod tests;
