//! Monthly, or by hand: a closed month's cost becomes one draft invoice for each tenant.
//!
//! Claim, draft, items, verify: every step is persisted with the ids it got and can be repeated. A run that was
//! killed between any two calls is finished by the next one, with the same lines, on the same draft.

mod draft;

use std::sync::Arc;

use async_trait::async_trait;
use billing::function::{Grant, Setting};
use billing::invoice::{
    InvoiceRecord, InvoiceState, Lease, MonthFacts, NotReady, PriceError, Settlement, Standing, assess, ready,
};
use billing::ledger::{self, CostClaim, SyncMark};
use billing::period::PeriodError;
use billing::tenant::TenantRecord;
use billing::{Money, Month};
use futures::{StreamExt, stream};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::environment::{Environment, Stripe};
use crate::error::{RunError, StartError};
use crate::events::Scheduled;
use crate::handler::Handler;
use crate::ports::{Clock, Invoices, Ledger, PortError};
use crate::run::{ERRORS, INVOICES_DRAFTED, Metric, Outcome, Run};
use crate::spec::{On, Spec};

/// The handler and what it works with.
pub struct Invoicer {
    ledger: Arc<dyn Ledger>,
    stripe: Stripe,
    clock: Arc<dyn Clock>,
    /// The cost-allocation tag key that tells tenants apart.
    tenant_tag: String,
    /// Days after a month's end until it is billed.
    settle_days: u32,
}

/// Longer than any one call takes with its repetitions, short enough that a killed run is soon taken over.
const DEFAULT_LEASE_S: u32 = 60;

#[async_trait(?Send)]
impl Handler for Invoicer {
    const SPEC: Spec = Spec {
        name: "invoicer",
        description: "Monthly: each tenant's closed month becomes a draft invoice in Stripe",
        memory_mb: 256,
        timeout_s: 600,
        // A month settles some days after its end, and AWS says when it is final: the daily run drafts it that day.
        triggers: &[
            On::Schedule { name: "monthly", expression: "cron(0 0 1 * ? *)" },
            On::Schedule { name: "invoicing", expression: "cron(0 8 * * ? *)" },
        ],
        grants: &[Grant::LedgerRead, Grant::LedgerWrite, Grant::StripeSecretRead],
        settings: &[Setting::LedgerTable, Setting::StripeSecret, Setting::TenantTag, Setting::SettleDays],
        ..Spec::EMPTY
    };
    type Event = Scheduled<InvoicerEvent>;
    type Answer = InvoicerAnswer;

    fn start(env: &Environment) -> Result<Invoicer, StartError> {
        Ok(Invoicer {
            ledger: env.ledger()?,
            stripe: env.stripe()?,
            clock: env.clock(),
            tenant_tag: env.setting(Setting::TenantTag)?,
            settle_days: env.number(Setting::SettleDays)?,
        })
    }

    async fn run(
        &self,
        Scheduled(event): Scheduled<InvoicerEvent>,
        run: &Run,
    ) -> Result<Outcome<InvoicerAnswer>, RunError> {
        let invoices = self.stripe.invoices().await?;
        let invoicing = Invoicing {
            ledger: &*self.ledger,
            invoices: &*invoices,
            clock: &*self.clock,
            tenant_tag: &self.tenant_tag,
            settle_days: self.settle_days,
            lease_s: event.lease_seconds.unwrap_or(DEFAULT_LEASE_S),
            holder: run.request_id.clone(),
        };
        let outcome = invoicing.run(&event).await?;
        let (failed, all) = (outcome.answer.failed(), outcome.answer.invoices.len());
        tracing::info!(period = %outcome.answer.period, tenants = all, failed, "invoicing ran");
        Ok(outcome.failing(failed, all))
    }
}

/// One run and what it works with.
struct Invoicing<'a> {
    ledger: &'a dyn Ledger,
    invoices: &'a dyn Invoices,
    clock: &'a dyn Clock,
    tenant_tag: &'a str,
    settle_days: u32,
    /// How long a claim holds without being renewed.
    lease_s: u32,
    /// Names this run: the request id.
    holder: String,
}

/// `{"action":"calculate_and_invoice"}`, for one tenant and another month if named; a schedule's event does as well.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoicerEvent {
    /// `calculate_and_invoice` or nothing.
    #[serde(default)]
    pub action: Option<String>,
    /// One tenant's id; all without it.
    #[serde(default)]
    pub tenant: Option<String>,
    /// `YYYY-MM`; the last month that has settled without it, so that daily runs miss none.
    #[serde(default)]
    pub period: Option<Month>,
    /// How long this run's claims hold without being renewed, in seconds; 60 without it.
    #[serde(default)]
    pub lease_seconds: Option<u32>,
}

/// The only action there is.
pub const ACTION: &str = "calculate_and_invoice";

/// What became of every tenant's invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoicerAnswer {
    /// The month.
    pub period: Month,
    /// One entry for each tenant, by id.
    pub invoices: Vec<TenantAnswer>,
}

/// What became of one tenant's invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantAnswer {
    /// The tenant's id.
    pub tenant: String,
    /// Where it stands.
    #[serde(flatten)]
    pub result: TenantResult,
}

/// Where a tenant's invoice stands after the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum TenantResult {
    /// Done, now or before.
    Done {
        /// How far it got.
        state: InvoiceState,
        /// What it comes to.
        total: Money,
        /// In Stripe, where there is anything to pay.
        stripe_invoice: Option<String>,
        /// Whether this run finished it.
        new: bool,
    },
    /// Cannot be billed yet.
    Waiting {
        /// Why.
        reason: String,
    },
    /// Failed; the run is to be repeated.
    Failed {
        /// Why.
        reason: String,
    },
}

/// Why one tenant's invoice did not get done.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    NotReady(#[from] NotReady),
    #[error("{0} was synced again while it was read; run the invoicer again")]
    Resynced(Month),
    #[error("tenant {0} has no Stripe customer yet; run `billform apply`")]
    NoCustomer(String),
    #[error("the cost of {tag} in {month} was invoiced to tenant {holder}, or is being")]
    Claimed { tag: String, month: Month, holder: String },
    #[error("another run holds it until {0}")]
    Held(Timestamp),
    #[error("another run took it over")]
    TakenOver,
    #[error(transparent)]
    Price(#[from] PriceError),
    #[error(transparent)]
    Money(#[from] billing::money::MoneyError),
    #[error(transparent)]
    Period(#[from] PeriodError),
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(
        "Stripe's {invoice} comes to {stripe}, the ledger to {ours}; somebody edited it: delete the draft's other \
         items, or void it, and run the invoicer again"
    )]
    Mismatch { invoice: String, stripe: String, ours: Money },
    #[error("Stripe's {invoice} is {status}; no line can be added")]
    WrongStatus { invoice: String, status: String },
}

/// Tenants whose invoices are drawn up at a time; Stripe allows 25 calls a second in test mode.
const TENANTS_AT_ONCE: usize = 4;

impl Invoicing<'_> {
    /// Runs it for one tenant or all of them.
    async fn run(&self, event: &InvoicerEvent) -> Result<Outcome<InvoicerAnswer>, RunError> {
        if let Some(action) = event.action.as_deref().filter(|action| *action != ACTION) {
            return Err(RunError::Event(format!("`{action}` is no action; use {ACTION}")));
        }
        let month = self.month(event)?;
        let tenants = self.tenants(event.tenant.as_deref()).await?;
        let answers: Vec<_> = tenants.iter().map(|tenant| self.tenant_answer(tenant, month)).collect();
        let mut invoices: Vec<TenantAnswer> = stream::iter(answers).buffer_unordered(TENANTS_AT_ONCE).collect().await;
        invoices.sort_by(|left, right| left.tenant.cmp(&right.tenant));
        let answer = InvoicerAnswer { period: month, invoices };
        let metrics = metrics(&answer);
        Ok(Outcome::new(answer).counting(metrics))
    }

    fn month(&self, event: &InvoicerEvent) -> Result<Month, RunError> {
        let settled = || {
            let day = self.clock.today().checked_sub(i64::from(self.settle_days).days()).unwrap_or(Date::MIN);
            Month::of(day).previous()
        };
        let month = event.period.map_or_else(settled, Ok);
        month.map_err(|problem| RunError::Event(problem.to_string()))
    }

    async fn tenants(&self, only: Option<&str>) -> Result<Vec<TenantRecord>, RunError> {
        let Some(id) = only else { return Ok(ledger::tenants::all(self.ledger).await?) };
        let tenant = ledger::tenants::one(self.ledger, id).await?;
        tenant.map(|tenant| vec![tenant]).ok_or_else(|| RunError::Event(format!("there is no tenant `{id}`")))
    }

    async fn tenant_answer(&self, tenant: &TenantRecord, month: Month) -> TenantAnswer {
        let result = match self.one(tenant, month).await {
            Ok((record, new)) => TenantResult::Done {
                state: record.state,
                total: record.invoice.total,
                stripe_invoice: record.stripe_invoice,
                new,
            },
            Err(stop) => stop.result(&tenant.id),
        };
        TenantAnswer { tenant: tenant.id.clone(), result }
    }

    /// Goes on from wherever the ledger says the invoice stands; true when this run finished it.
    async fn one(&self, tenant: &TenantRecord, month: Month) -> Result<(InvoiceRecord, bool), Stop> {
        let record = match ledger::invoices::of_month(self.ledger, &tenant.id, month).await? {
            Some(record) if record.state == InvoiceState::NothingDue => match self.reopened(tenant, &record).await? {
                Some(reopened) => reopened,
                None => return Ok((record, false)),
            },
            Some(record) if record.closes_month() => return Ok((record, false)),
            Some(record) => self.take_over(record).await?,
            None => self.claim(tenant, month).await?,
        };
        if record.state.is_done() {
            return Ok((record, true));
        }
        Ok((self.draft(record).await?, true))
    }

    /// Prices the month and puts it into the ledger, once: whoever writes first has it.
    async fn claim(&self, tenant: &TenantRecord, month: Month) -> Result<InvoiceRecord, Stop> {
        // A month without a record is due or stops.
        let record = self.due(tenant, month, None).await?.ok_or(Stop::TakenOver)?;
        self.claim_cost(tenant, &record).await?;
        match ledger::invoices::write(self.ledger, &record, None).await? {
            true => Ok(record),
            false => Err(Stop::TakenOver),
        }
    }

    /// Claims the cost that is invoiced: it may have been another tenant's until the tag changed hands. Before the record
    /// is written, so that a run which is killed between leaves at worst a claim of its own.
    async fn claim_cost(&self, tenant: &TenantRecord, record: &InvoiceRecord) -> Result<(), Stop> {
        let Some(tag) = tenant.cost_tag(self.tenant_tag) else { return Ok(()) };
        if record.state == InvoiceState::NothingDue {
            return Ok(());
        }
        let claim = CostClaim { tag, month: record.month(), tenant: tenant.id.clone() };
        let holder = ledger::invoices::claim_cost(self.ledger, &claim).await?;
        match holder == claim.tenant {
            true => Ok(()),
            false => Err(Stop::Claimed { tag: claim.tag, month: claim.month, holder }),
        }
    }

    /// The record priced anew, if the month comes to something after all: its cost was found late, because a tag value
    /// was mistyped until then, say. Of a month with nothing due nothing is in Stripe, so nothing can come twice.
    async fn reopened(&self, tenant: &TenantRecord, before: &InvoiceRecord) -> Result<Option<InvoiceRecord>, Stop> {
        let now = match self.due(tenant, before.month(), Some(before)).await {
            Ok(Some(now)) => now,
            // Synced or restated just now: the next run looks again.
            Ok(None) | Err(Stop::NotReady(_) | Stop::Resynced(_)) => return Ok(None),
            Err(stop) => return Err(stop),
        };
        let now = InvoiceRecord { version: before.version + 1, ..now };
        self.claim_cost(tenant, &now).await?;
        match ledger::invoices::write(self.ledger, &now, Some(before.version)).await? {
            true => Ok(Some(now)),
            false => Err(Stop::TakenOver),
        }
    }

    async fn take_over(&self, record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        match &record.lease {
            Some(lease) if record.held_by_other(&self.holder, self.clock.now()) => Err(Stop::Held(lease.until)),
            _ => self.persist(record).await,
        }
    }

    /// Writes the record's next version, with the lease renewed or, when it is done, given up.
    async fn persist(&self, mut record: InvoiceRecord) -> Result<InvoiceRecord, Stop> {
        let expected = record.version;
        record.version += 1;
        record.lease = (!record.state.is_done()).then(|| self.lease());
        match ledger::invoices::write(self.ledger, &record, Some(expected)).await? {
            true => Ok(record),
            false => Err(Stop::TakenOver),
        }
    }

    fn lease(&self) -> Lease {
        let span = SignedDuration::from_secs(self.lease_s.into());
        let until = self.clock.now().checked_add(span).unwrap_or(Timestamp::MAX);
        Lease { holder: self.holder.clone(), until }
    }

    /// The record to write of a month that is due; none when `before`, with nothing due, still holds.
    async fn due(
        &self,
        tenant: &TenantRecord,
        month: Month,
        before: Option<&InvoiceRecord>,
    ) -> Result<Option<InvoiceRecord>, Stop> {
        let mark = self.mark(tenant, month).await?;
        let today = self.clock.today();
        // What waits is not read any further.
        ready(tenant, month, mark.as_ref(), self.settle_days, today)?;
        let days = ledger::costs::days(self.ledger, &tenant.id, &month.period()).await?;
        // A sync that ran while the days were read may have torn them.
        if self.mark(tenant, month).await? != mark {
            return Err(Stop::Resynced(month));
        }
        let balance = self.carried_credit(tenant, month).await?;
        // The claim is made by a conditional write: reading it first would decide nothing.
        let facts =
            MonthFacts { tenant, month, mark: mark.as_ref(), days: &days, balance, claim: None, record: before };
        let assessment = assess(&facts, self.settle_days, today);
        let settlement = match assessment.standing {
            Standing::Due(settlement) => settlement,
            Standing::Done => return Ok(None),
            Standing::Waiting(reason) => return Err(reason.into()),
            Standing::Unpriced(error) => return Err(error.into()),
            Standing::Begun | Standing::Claimed { .. } => return Err(Stop::TakenOver),
        };
        let state = match settlement {
            Settlement::Charge(_) => InvoiceState::Claimed,
            Settlement::Nothing => InvoiceState::NothingDue,
            Settlement::Credit(_) => InvoiceState::Credit,
        };
        let customer = tenant.stripe_customer.clone();
        if state == InvoiceState::Claimed && customer.is_none() {
            return Err(Stop::NoCustomer(tenant.id.clone()));
        }
        Ok(Some(InvoiceRecord {
            state,
            revision: 1,
            version: 1,
            lease: (state == InvoiceState::Claimed).then(|| self.lease()),
            customer,
            stripe_invoice: None,
            stripe_items: Vec::new(),
            days_until_due: tenant.days_until_due,
            // The assessment found these same terms.
            terms: tenant.terms_for(month).cloned().unwrap_or_default(),
            invoice: assessment.invoice?,
        }))
    }

    async fn mark(&self, tenant: &TenantRecord, month: Month) -> Result<Option<SyncMark>, PortError> {
        ledger::costs::mark(self.ledger, &tenant.id, month).await
    }

    /// What the month before left to the tenant.
    async fn carried_credit(&self, tenant: &TenantRecord, month: Month) -> Result<Option<Money>, Stop> {
        let before = ledger::invoices::of_month(self.ledger, &tenant.id, month.previous()?).await?;
        Ok(before.and_then(|record| record.carried_credit()))
    }
}

impl Stop {
    /// Waiting passes by itself; everything else wants a look or another run.
    fn result(self, tenant: &str) -> TenantResult {
        let reason = self.to_string();
        match self {
            Stop::NotReady(_)
            | Stop::Resynced(_)
            | Stop::NoCustomer(_)
            | Stop::Claimed { .. }
            | Stop::Held(_)
            | Stop::TakenOver => {
                tracing::info!(tenant, reason, "not invoiced yet");
                TenantResult::Waiting { reason }
            }
            Stop::Price(_)
            | Stop::Money(_)
            | Stop::Period(_)
            | Stop::Port(_)
            | Stop::Mismatch { .. }
            | Stop::WrongStatus { .. } => {
                tracing::error!(tenant, reason, "invoicing failed");
                TenantResult::Failed { reason }
            }
        }
    }
}

impl InvoicerAnswer {
    /// How many tenants failed.
    pub fn failed(&self) -> usize {
        self.invoices.iter().filter(|answer| matches!(answer.result, TenantResult::Failed { .. })).count()
    }
}

fn metrics(answer: &InvoicerAnswer) -> Vec<Metric> {
    let drafted = |answer: &&TenantAnswer| {
        matches!(answer.result, TenantResult::Done { state: InvoiceState::Draft, new: true, .. })
    };
    let drafted = answer.invoices.iter().filter(drafted).count();
    vec![Metric::new(INVOICES_DRAFTED, drafted), Metric::new(ERRORS, answer.failed())]
}

#[cfg(test)]
mod tests;
