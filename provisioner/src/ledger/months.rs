//! How a deployed tenant's months stand, by the ledger: what the invoicer's next run would find.

use billing::balance::Balance;
use billing::invoice::{
    Assessment, DraftRules, InvoiceRecord, MonthFacts, PaymentStatus, Standing, assess, closing_months, is_followed,
    open_months, overdue_since,
};
use billing::ledger::{CostClaim, CostDay, PaymentSetup};
use billing::tenant::TenantRecord;
use billing::{Money, Month};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::ledger::reader::LedgerReader;
use crate::ui::failure::Failure;

/// One tenant's month.
pub struct MonthStanding {
    /// The month.
    pub month: Month,
    /// Its invoice, as far as it got.
    pub record: Option<InvoiceRecord>,
    /// The month's stored days.
    pub days: Vec<CostDay>,
    /// What it comes to by now.
    pub assessment: Assessment,
    /// The day since which it should have been complete, where it is not.
    pub overdue: Option<Date>,
    /// Whether its cost is still to be compared with what was invoiced for it.
    pub is_followed: bool,
}

/// One tenant's months, oldest first, and what is open of its balance.
pub struct TenantMonths {
    /// The tenant as deployed.
    pub tenant: TenantRecord,
    /// The months.
    pub months: Vec<MonthStanding>,
    /// What is open of the balance; none before its first entry.
    pub balance: Option<Balance>,
    /// How the tenant pays, as of the last look at Stripe; none where no webhook or sweep told of it yet.
    pub setup: Option<PaymentSetup>,
    /// What an earlier company of this id left open: no invoice of the tenant's takes it up.
    pub earlier: Option<Money>,
}

/// Loads a tenant's open months, or the one asked for.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn load(
    reader: &LedgerReader,
    tenant: TenantRecord,
    tenant_tag: &str,
    rules: DraftRules,
    today: Date,
    only: Option<Month>,
) -> Result<TenantMonths, Failure> {
    let (marks, records) = (reader.sync_marks(&tenant.id).await?, reader.invoices(&tenant.id).await?);
    let (stored, setup) = (reader.balance(&tenant.id).await?, reader.payment_setup(&tenant.id).await?);
    let balance = stored.as_ref().map(|balance| balance.since(tenant.first_period, tenant.currency));
    let earlier = stored.as_ref().and_then(|balance| balance.before(tenant.first_period));
    let months = match only {
        Some(month) => vec![month],
        None => {
            let mut months = open_months(&tenant, &marks, &records, today);
            months.extend(balance.iter().flat_map(|balance| closing_months(&tenant, &records, balance, today)));
            months
        }
    };
    let mut found = Vec::new();
    for month in months {
        let days = reader.cost_days(&tenant.id, month.period()).await?;
        let record = records.iter().find(|record| record.month() == month);
        let claim = match tenant.cost_tag(tenant_tag, month) {
            Some(tag) => reader.claim(&CostClaim { tag, month, tenant: tenant.id.clone() }).await?,
            None => None,
        };
        let shared = reader.shared_costs(&tenant, month, record).await?;
        let mark = marks.iter().find(|mark| mark.month == month);
        let is_followed = record.is_some_and(|record| is_followed(record, mark, today));
        let facts = MonthFacts {
            tenant: &tenant,
            month,
            mark,
            days: &days,
            shared: shared.as_ref(),
            balance: balance.as_ref(),
            claim: claim.as_ref(),
            record,
        };
        let assessment = assess(&facts, rules, today);
        let incomplete = record.is_none_or(|record| record.state.is_draft());
        let unfinished = matches!(assessment.standing, Standing::Waiting(_) | Standing::Provisional(_));
        let overdue = overdue_since(month, rules.settle_days, today).filter(|_| incomplete && unfinished);
        found.push(MonthStanding { month, record: record.cloned(), days, assessment, overdue, is_followed });
    }
    Ok(TenantMonths { tenant, months: found, balance, setup, earlier })
}

impl MonthStanding {
    /// Its state in one word: the document's, `paid`, or `waiting` and `due` where there is none yet.
    pub fn state(&self) -> &'static str {
        match &self.record {
            Some(record) if record.payment.status == PaymentStatus::Paid => "paid",
            Some(record) => record.state.name(),
            None => match self.assessment.standing {
                Standing::Waiting(_) | Standing::Unpriced(_) | Standing::Claimed { .. } => "waiting",
                Standing::Provisional(_) | Standing::Complete => "due",
            },
        }
    }

    /// Why it stands there, where something is missing.
    pub fn reason(&self) -> Option<String> {
        if let Some(error) = self.record.as_ref().and_then(|record| record.last_error.as_ref()) {
            return Some(error.message.clone());
        }
        let settled = self.record.as_ref().is_some_and(|record| !record.state.is_draft());
        match &self.assessment.standing {
            _ if settled => None,
            Standing::Waiting(reason) | Standing::Provisional(reason) => Some(reason.to_string()),
            Standing::Unpriced(error) => Some(error.to_string()),
            Standing::Claimed { holder } => Some(format!("its cost was invoiced to tenant {holder}")),
            Standing::Complete => match &self.record {
                None => Some("the next run of the invoicer drafts it".to_owned()),
                Some(record) if record.state == billing::invoice::InvoiceState::Complete => {
                    Some("waits for `billform invoice approve`".to_owned())
                }
                Some(_) => None,
            },
        }
    }

    /// Since when it is in its state.
    pub fn since(&self) -> Option<Timestamp> {
        self.record.as_ref().and_then(|record| record.since)
    }

    /// What changed in its cost after it was issued and that no run has taken up yet.
    pub fn unrestated(&self) -> bool {
        let Some(record) = self.record.as_ref().filter(|record| !record.state.is_draft()) else { return false };
        let now = self.assessment.own.as_ref().ok().map(|invoice| invoice.total);
        self.is_followed
            && self.assessment.standing == Standing::Complete
            && now.is_some_and(|now| now != record.accounted())
    }
}
