//! Daily, or by hand: every open month's cost becomes one invoice for each tenant, is kept right until it is issued, and
//! its later changes go onto the next one.
//!
//! Every step is persisted with the ids it got and can be repeated: a run that was killed between any two calls is
//! finished by the next one. No month depends on a run on a certain day.

mod account;
mod answer;
mod claims;
mod command;
mod crediting;
mod drawing;
mod event;
mod giving_back;
mod issuing;
mod leaver;
mod looking;
mod month;
mod shared;
mod stop;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use billing::Month;
use billing::function::{Grant, Setting};
use billing::invoice::{AutomaticApproval, Collection, DraftRules, Lease, MonthCosts};
use billing::ledger::{self, SharedClaims};
use billing::tenant::TenantRecord;
use futures::lock::Mutex;
use futures::{StreamExt, stream};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::deadline;
use crate::environment::{Environment, Stripe};
use crate::error::{RunError, StartError};
use crate::events::Scheduled;
use crate::handler::Handler;
use crate::ports::{Clock, Invoices, Ledger};
use crate::run::{Outcome, Run};
use crate::spec::{On, Spec};

use account::Account;
pub use answer::{InvoicerAnswer, MonthAnswer, MonthResult};
pub use event::{Action, InvoicerEvent};

/// The handler and what it works with.
pub struct Invoicer {
    ledger: Arc<dyn Ledger>,
    stripe: Stripe,
    clock: Arc<dyn Clock>,
    policy: Policy,
    /// Where several stacks claim cost.
    claims: Option<SharedClaims>,
}

/// How a stack invoices, by its manifest.
#[derive(Debug, Clone)]
struct Policy {
    /// The cost-allocation tag key that tells tenants apart.
    tenant_tag: String,
    /// When months are drafted and settle.
    rules: DraftRules,
    /// None: a person approves.
    automatic: Option<AutomaticApproval>,
    /// How the money comes in.
    collection: Collection,
}

/// Longer than any one call takes with its repetitions, short enough that a killed run is soon taken over.
const DEFAULT_LEASE_S: u32 = 60;
/// A tenant's steps fit into it; with less left the run ends, and the next one goes on with the rest.
const ENOUGH_FOR_A_TENANT: std::time::Duration = std::time::Duration::from_secs(20);
/// Tenants whose invoices are worked on at a time: enough to use the calls that Stripe allows in a second.
const TENANTS_AT_ONCE: usize = 8;

#[async_trait(?Send)]
impl Handler for Invoicer {
    const SPEC: Spec = Spec {
        name: "invoicer",
        description: "Daily: each tenant's open months become draft invoices in Stripe, are kept right and issued",
        memory_mb: 256,
        timeout_s: 600,
        // All open months are looked at each day; the first of the month is drafted early.
        triggers: &[
            On::Schedule { name: "monthly", expression: "cron(0 0 1 * ? *)" },
            On::Schedule { name: "invoicing", expression: "cron(0 8 * * ? *)" },
        ],
        grants: &[Grant::LedgerRead, Grant::LedgerWrite, Grant::ClaimsWrite, Grant::StripeSecretRead],
        settings: &[
            Setting::LedgerTable,
            Setting::Stack,
            Setting::ClaimsTable,
            Setting::StripeSecret,
            Setting::TenantTag,
            Setting::SettleDays,
            Setting::InvoicingDay,
            Setting::Approval,
            Setting::ApprovalLimit,
            Setting::ApprovalDeviation,
            Setting::Collection,
        ],
        ..Spec::EMPTY
    };
    type Event = Scheduled<InvoicerEvent>;
    type Answer = InvoicerAnswer;

    fn start(env: &Environment) -> Result<Invoicer, StartError> {
        let (ledger, stripe, clock) = (env.ledger()?, env.stripe()?, env.clock());
        Ok(Invoicer { ledger, stripe, clock, policy: Policy::of(env)?, claims: claims::shared(env)? })
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
            policy: self.policy.clone(),
            claims: self.claims.as_ref(),
            lease_s: event.lease_seconds.unwrap_or(DEFAULT_LEASE_S),
            holder: run.request_id.clone(),
            shared: Mutex::default(),
        };
        let outcome = invoicing.run(&event).await?;
        let answer = &outcome.answer;
        let (failed, all) = (answer.failed() + answer.left, answer.invoices.len() + answer.left);
        tracing::info!(months = all, failed, left = answer.left, "invoicing ran");
        Ok(outcome.failing(failed, all))
    }
}

impl Policy {
    fn of(env: &Environment) -> Result<Policy, StartError> {
        let automatic = AutomaticApproval {
            limit: env.parsed(Setting::ApprovalLimit)?,
            deviation: env.parsed(Setting::ApprovalDeviation)?,
        };
        Ok(Policy {
            tenant_tag: env.setting(Setting::TenantTag)?,
            rules: DraftRules {
                day: env.number(Setting::InvoicingDay)?,
                settle_days: env.number(Setting::SettleDays)?,
            },
            automatic: env.chosen(Setting::Approval, &[("manual", None), ("automatic", Some(automatic))])?,
            collection: env.chosen(
                Setting::Collection,
                &[("send-invoice", Collection::SendInvoice), ("charge-automatically", Collection::ChargeAutomatically)],
            )?,
        })
    }
}

/// One run and what it works with.
struct Invoicing<'a> {
    ledger: &'a dyn Ledger,
    invoices: &'a dyn Invoices,
    clock: &'a dyn Clock,
    policy: Policy,
    /// Where several stacks claim cost.
    claims: Option<&'a SharedClaims>,
    /// How long a claim holds without being renewed.
    lease_s: u32,
    /// Names this run: the request id.
    holder: String,
    /// What is shared out in months whose terms share something, each read once a run; and whether it was weighed.
    shared: Mutex<BTreeMap<(Month, bool), Arc<MonthCosts>>>,
}

impl Invoicing<'_> {
    /// Runs it for one tenant or all of them.
    async fn run(&self, event: &InvoicerEvent) -> Result<Outcome<InvoicerAnswer>, RunError> {
        event.check()?;
        let tenants = self.tenants(event.tenant.as_deref()).await?;
        let works: Vec<_> = tenants.iter().map(|tenant| self.tenant(tenant, event)).collect();
        let mut works = stream::iter(works).buffer_unordered(TENANTS_AT_ONCE);
        let mut answer = InvoicerAnswer::default();
        while let Some(months) = works.next().await {
            match months {
                Some(months) => answer.invoices.extend(months),
                None => answer.left += 1,
            }
        }
        answer.invoices.sort_by(|left, right| (&left.tenant, left.period).cmp(&(&right.tenant, right.period)));
        let metrics = answer.metrics();
        Ok(Outcome::new(answer).counting(metrics))
    }

    async fn tenants(&self, only: Option<&str>) -> Result<Vec<TenantRecord>, RunError> {
        let Some(id) = only else { return Ok(ledger::tenants::all(self.ledger).await?) };
        let tenant = ledger::tenants::one(self.ledger, id).await?;
        tenant.map(|tenant| vec![tenant]).ok_or_else(|| RunError::Event(format!("there is no tenant `{id}`")))
    }

    /// Works on one tenant's months, oldest first: what one leaves to the balance, the next takes up. None when there is no
    /// time left for them.
    async fn tenant(&self, tenant: &TenantRecord, event: &InvoicerEvent) -> Option<Vec<MonthAnswer>> {
        if deadline::left().is_some_and(|left| left < ENOUGH_FOR_A_TENANT) {
            return None;
        }
        let mut account = match Account::load(self.ledger, tenant).await {
            Ok(account) => account,
            Err(error) => return Some(vec![MonthAnswer::failed(tenant, event.period, &error)]),
        };
        let months = match event.period {
            Some(month) => vec![month],
            None => account.open_months(self.today()),
        };
        let mut answers = Vec::new();
        for month in months {
            answers.push(self.one_month(&mut account, month, event).await);
        }
        if event.period.is_none() {
            self.leave(&mut account, event, &mut answers).await;
        }
        Some(answers)
    }

    /// Does what is asked for one month.
    async fn one_month(&self, account: &mut Account<'_>, month: Month, event: &InvoicerEvent) -> MonthAnswer {
        let before = account.record(month).cloned();
        let result = match event.action {
            Action::CalculateAndInvoice if event.dry_run => self.rehearse(account, month).await,
            Action::CalculateAndInvoice => self.month(account, month).await,
            Action::Approve => self.approve(account, month, event).await,
            Action::Void => self.write_off(account, month).await,
            Action::Reset => self.reset(account, month).await,
            Action::Refund => self.refund(account, month, event).await,
            Action::Credit => self.grant(account, month, event).await,
        };
        let result = match result {
            Ok(result) => result,
            Err(stop) => self.stopped(account, month, stop).await,
        };
        MonthAnswer::new(account.tenant, month, before.as_ref(), result)
    }

    fn today(&self) -> Date {
        self.clock.today()
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn lease(&self) -> Lease {
        let until = self.now().checked_add(SignedDuration::from_secs(self.lease_s.into())).unwrap_or(Timestamp::MAX);
        Lease { holder: self.holder.clone(), until }
    }
}

#[cfg(test)]
mod tests;
