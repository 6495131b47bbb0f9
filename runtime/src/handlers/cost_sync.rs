//! Daily: what every tenant's AWS usage cost, from Cost Explorer into the ledger.
//!
//! Two queries a month answer for all tenants, and a third where the manifest tells record types apart; each is asked once
//! more for every combination of further tags that tenants are known by ([`billing::attribution::Cut`]). Months are asked
//! for one after the other, and pages are taken in as they come: nothing of a month is written before all its answers are
//! whole, and no two months are held at a time. Days are replaced, never added to; a month whose days are being written is
//! marked so until they all are, and is not billed meanwhile. A tenant whose items cannot be written stops no other; the
//! run names it and fails at its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use billing::attribution::window::Known;
use billing::attribution::{self, Attribution, Cut, Gathering, Owners, window};
use billing::exact::ExactNumber;
use billing::function::{Grant, Setting};
use billing::ledger::{self, LeftTenant, SyncMark};
use billing::names::UNALLOCATED;
use billing::period::parse_date;
use billing::sharing::RecordType;
use billing::tenant::TenantRecord;
use billing::{Month, Period};
use futures::{StreamExt, TryStreamExt, future, stream};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::{RunError, StartError};
use crate::events::Scheduled;
use crate::handler::Handler;
use crate::ports::{Clock, CostSource, Ledger, Part, PortError};
use crate::run::{DAYS_SYNCED, ERRORS, Metric, Outcome, Run};
use crate::spec::{On, Spec};

/// The handler and what it works with.
pub struct CostSync {
    ledger: Arc<dyn Ledger>,
    source: Arc<dyn CostSource>,
    clock: Arc<dyn Clock>,
    /// The tag that tells tenants apart.
    tenant_tag: String,
    /// Whether the stack tells projects apart.
    with_projects: bool,
    /// Whether it tells record types apart.
    with_records: bool,
    /// Days after a month's end until its costs count as settled.
    settle_days: u32,
}

#[async_trait(?Send)]
impl Handler for CostSync {
    const SPEC: Spec = Spec {
        name: "cost_sync",
        description: "Daily: every tenant's AWS cost from Cost Explorer into the ledger",
        memory_mb: 256,
        timeout_s: 300,
        triggers: &[On::Schedule { name: "daily", expression: "cron(0 6 * * ? *)" }],
        grants: &[Grant::LedgerRead, Grant::LedgerWrite, Grant::CostExplorerRead],
        settings: &[
            Setting::LedgerTable,
            Setting::TenantTag,
            Setting::ProjectTag,
            Setting::CostBasis,
            Setting::CostScope,
            Setting::CostRecords,
            Setting::SettleDays,
        ],
        ..Spec::EMPTY
    };
    type Event = Scheduled<CostSyncEvent>;
    type Answer = CostSyncAnswer;

    fn start(env: &Environment) -> Result<CostSync, StartError> {
        Ok(CostSync {
            ledger: env.ledger()?,
            source: env.cost_source()?,
            clock: env.clock(),
            tenant_tag: env.setting(Setting::TenantTag)?,
            with_projects: env.optional(Setting::ProjectTag)?.is_some(),
            with_records: !env.list::<RecordType>(Setting::CostRecords)?.is_empty(),
            settle_days: env.number(Setting::SettleDays)?,
        })
    }

    async fn run(
        &self,
        Scheduled(event): Scheduled<CostSyncEvent>,
        _run: &Run,
    ) -> Result<Outcome<CostSyncAnswer>, RunError> {
        let outcome = self.sync(&event).await?;
        tracing::info!(days_written = outcome.answer.days_written, tenants = outcome.answer.tenants, "costs synced");
        Ok(outcome)
    }
}

/// `{}`, or the days to sync, both included: `{"start":"2026-08-01","end":"2026-08-31"}`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostSyncEvent {
    /// The first day.
    #[serde(default)]
    pub start: Option<String>,
    /// The last day; without one, up to yesterday.
    #[serde(default)]
    pub end: Option<String>,
}

/// What was synced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CostSyncAnswer {
    /// The first day asked for; none when there was nothing to ask.
    pub start: Option<Date>,
    /// The last day asked for, inclusive.
    pub end: Option<Date>,
    /// How many tenants have a tag value.
    pub tenants: usize,
    /// Days whose figures changed.
    pub days_written: usize,
    /// The bill of these days, US dollars.
    pub total: ExactNumber,
    /// The part of it that no tenant's tag claims.
    pub unallocated: ExactNumber,
    /// The tenants whose costs could not be written; the next run tries again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedTenant>,
}

/// A tenant whose costs could not be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedTenant {
    /// The tenant's id.
    pub tenant: String,
    /// Why, the first time in this run.
    pub reason: String,
}

/// Tenants whose items are read or written at a time.
const TENANTS_AT_ONCE: usize = 8;
/// Days of one tenant that are written at a time.
const DAYS_AT_ONCE: usize = 4;

impl CostSync {
    /// Runs one sync.
    async fn sync(&self, event: &CostSyncEvent) -> Result<Outcome<CostSyncAnswer>, RunError> {
        let tenants = ledger::tenants::all(&*self.ledger).await?;
        let left = ledger::left_tenants::all(&*self.ledger).await?;
        let owners = Owners::of(&tenants, &left, &self.tenant_tag)?;
        let last_months = last_months(&tenants, &left);
        let mut synced = Synced::default();
        for month in self.months(event, &tenants).await? {
            let attribution = self.attributed(month, &owners).await?;
            synced.months.push(month);
            let (total, unallocated) = attribution.totals();
            synced.total += total;
            synced.unallocated += unallocated;
            self.write_all(&month, &attribution, &last_months, &mut synced).await;
        }
        Ok(synced.outcome(owners.tenants().len()))
    }

    /// What to ask for, a month or a part of one at a time, oldest first.
    async fn months(&self, event: &CostSyncEvent, tenants: &[TenantRecord]) -> Result<Vec<Period>, RunError> {
        let today = self.clock.today();
        let date =
            |text: &Option<String>| text.as_deref().map(parse_date).transpose().map_err(window::WindowError::from);
        match (date(&event.start)?, date(&event.end)?) {
            (Some(start), end) => {
                let yesterday = today.yesterday().unwrap_or(today);
                let end = end.unwrap_or(yesterday.max(start));
                Ok(window::by_month(&window::asked(start, end, today)?))
            }
            (None, Some(_)) => Err(RunError::Event("`end` needs a `start`".to_owned())),
            (None, None) => {
                let known = self.known(tenants, today).await?;
                Ok(window::daily(today, &known, self.settle_days)?)
            }
        }
    }

    /// What is known of each tenant's months, and of unallocated cost, among those that a daily run looks at.
    async fn known(&self, tenants: &[TenantRecord], today: Date) -> Result<Vec<Known>, RunError> {
        let months = window::looked_at(today)?;
        let of_tenants = tenants.iter().map(|tenant| (tenant.id.as_str(), tenant.first_period));
        let reads: Vec<_> =
            of_tenants.chain([(UNALLOCATED, None)]).map(|(id, first)| self.known_of(id, first, months)).collect();
        Ok(stream::iter(reads).buffer_unordered(TENANTS_AT_ONCE).try_collect().await?)
    }

    async fn known_of(&self, id: &str, first: Option<Month>, months: (Month, Month)) -> Result<Known, PortError> {
        Ok(Known { first, marks: ledger::costs::marks(&*self.ledger, id, months.0, months.1).await? })
    }

    /// Asks for a month and gives every row to its tenant.
    async fn attributed(&self, month: Period, owners: &Owners) -> Result<Attribution, RunError> {
        // Before the first question: what AWS restates from now on may be missing in the answers.
        let synced_at = self.clock.now();
        let mut gathering = Gathering::new(month, owners, self.with_projects, self.with_records);
        let parts = [(Part::Service, true), (Part::Project, self.with_projects), (Part::Record, self.with_records)];
        let cuts = gathering.cuts();
        for (part, _) in parts.into_iter().filter(|(_, is_asked)| *is_asked) {
            self.ask(&month, part, None, &mut gathering).await?;
            for cut in cuts.iter().enumerate() {
                self.ask(&cut.1.period, part, Some(cut), &mut gathering).await?;
            }
        }
        Ok(gathering.finish(synced_at)?)
    }

    /// Asks for a part of the whole cost, or of the nth cut of it.
    async fn ask(
        &self,
        period: &Period,
        part: Part,
        cut: Option<(usize, &Cut)>,
        gathering: &mut Gathering,
    ) -> Result<(), PortError> {
        let mut token: Option<String> = None;
        loop {
            let page = self.source.page(period, part, cut.map(|(_, cut)| cut), token.as_deref()).await?;
            gathering.take(part, cut.map(|(nth, _)| nth), &page.days);
            if page.next.is_none() {
                return Ok(());
            }
            token = page.next;
        }
    }

    /// Writes every tenant's days; a tenant's failure is noted and stops no other.
    async fn write_all(
        &self,
        month: &Period,
        attribution: &Attribution,
        last_months: &LastMonths<'_>,
        synced: &mut Synced,
    ) {
        let tenants = attribution.tenants().iter();
        let writes: Vec<_> = tenants.map(|tenant| self.one_tenant(tenant, month, attribution, last_months)).collect();
        let mut written = stream::iter(writes).buffer_unordered(TENANTS_AT_ONCE);
        while let Some((tenant, written)) = written.next().await {
            match written {
                Ok(days) => synced.days_written += days,
                Err(error) => {
                    tracing::error!(tenant, %error, "the tenant's costs were not written");
                    synced.failed.entry(tenant.to_owned()).or_insert_with(|| error.to_string());
                }
            }
        }
    }

    async fn one_tenant<'a>(
        &self,
        tenant: &'a str,
        month: &Period,
        attribution: &Attribution,
        last_months: &LastMonths<'_>,
    ) -> (&'a str, Result<usize, PortError>) {
        let last = last_months.get(tenant);
        let is_billed = |mark: &&SyncMark| last.is_none_or(|last| mark.month <= *last);
        let marks: Vec<&SyncMark> = attribution.marks.iter().filter(is_billed).collect();
        (tenant, self.write_tenant(tenant, month, attribution, &marks).await)
    }

    /// Marks the months that change as being written, writes their days, then marks everything as known.
    async fn write_tenant(
        &self,
        tenant: &str,
        period: &Period,
        attribution: &Attribution,
        marks: &[&SyncMark],
    ) -> Result<usize, PortError> {
        let table = &*self.ledger;
        let days = attribution.days_of(tenant);
        let stored = ledger::costs::days(table, tenant, period).await?;
        let changed = attribution::changed(&stored, &days);
        let changes = |mark: &&&SyncMark| changed.iter().any(|day| Month::of(day.date) == mark.month);
        for mark in marks.iter().filter(changes) {
            let before = ledger::costs::mark(table, tenant, mark.month).await?;
            ledger::costs::put_mark(table, tenant, &being_written(mark, before.as_ref())).await?;
        }
        let writes: Vec<_> = changed.iter().map(|day| ledger::costs::put_day(table, tenant, day)).collect();
        // A day that a later sync wrote is newer, and stays.
        stream::iter(writes).buffer_unordered(DAYS_AT_ONCE).try_for_each(|_| future::ready(Ok(()))).await?;
        for mark in marks {
            ledger::costs::put_mark(table, tenant, mark).await?;
        }
        Ok(changed.len())
    }
}

/// The last month of each tenant who left, by id. Later ones are never billed, so they have no marks; days that were
/// written before the tenant left are still corrected.
type LastMonths<'a> = BTreeMap<&'a str, Month>;

/// The last months of the tenants who left and did not come back.
fn last_months<'a>(tenants: &[TenantRecord], left: &'a [LeftTenant]) -> LastMonths<'a> {
    let is_gone = |left: &&LeftTenant| tenants.iter().all(|tenant| tenant.id != left.id);
    left.iter().filter(is_gone).map(|left| (left.id.as_str(), left.last_period)).collect()
}

/// The mark while a month's days are written: readers know the days they knew before, and nobody bills it.
fn being_written(mark: &SyncMark, before: Option<&SyncMark>) -> SyncMark {
    let first = mark.month.period().start();
    let through = before.map_or(first.yesterday().unwrap_or(first), |before| before.through);
    SyncMark { through, complete: false, ..mark.clone() }
}

/// What a run has done so far.
#[derive(Debug, Default)]
struct Synced {
    months: Vec<Period>,
    days_written: usize,
    total: Decimal,
    unallocated: Decimal,
    /// By tenant.
    failed: BTreeMap<String, String>,
}

impl Synced {
    fn outcome(self, tenants: usize) -> Outcome<CostSyncAnswer> {
        let failed = self.failed.len();
        let metrics = vec![Metric::new(DAYS_SYNCED, self.days_written), Metric::new(ERRORS, failed)];
        let answer = CostSyncAnswer {
            start: self.months.first().map(Period::start),
            end: self.months.last().map(Period::last_day),
            tenants,
            days_written: self.days_written,
            total: ExactNumber(self.total.normalize()),
            unallocated: ExactNumber(self.unallocated.normalize()),
            failed: self.failed.into_iter().map(|(tenant, reason)| FailedTenant { tenant, reason }).collect(),
        };
        // Unallocated cost is written as a tenant's is.
        Outcome::new(answer).counting(metrics).failing(failed, tenants + 1)
    }
}

#[cfg(test)]
mod tests;
