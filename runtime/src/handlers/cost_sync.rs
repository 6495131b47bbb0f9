//! Daily: what every tenant's AWS usage cost, from Cost Explorer into the ledger.
//!
//! Two queries answer for all tenants. Nothing is written before both are whole; days are replaced, never added to;
//! a month whose days are being written is marked so until they all are, and is not billed meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use billing::attribution::{self, Attribution, window};
use billing::exact::ExactNumber;
use billing::function::{Grant, Setting};
use billing::ledger::{CostDay, SyncMark};
use billing::names::UNALLOCATED;
use billing::period::parse_date;
use billing::{Month, Period};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::{RunError, StartError};
use crate::events::Scheduled;
use crate::handler::Handler;
use crate::ports::{Clock, CostSource, Ledger, Part, PortError};
use crate::run::{DAYS_SYNCED, Metric, Outcome, Run};
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
}

/// Tenants whose items are read or written at a time.
const TENANTS_AT_ONCE: usize = 8;
/// Days of one tenant that are written at a time.
const DAYS_AT_ONCE: usize = 4;

impl CostSync {
    /// Runs one sync.
    async fn sync(&self, event: &CostSyncEvent) -> Result<Outcome<CostSyncAnswer>, RunError> {
        let tenants = self.ledger.tenants().await?;
        let owners = attribution::owners(&tenants, &self.tenant_tag)?;
        let Some(period) = self.window(event, &owners).await? else {
            return Ok(outcome(None, owners.len(), 0, &BTreeMap::new()));
        };
        let by_service = self.source.daily(&period, Part::Service).await?;
        let by_project = match self.with_projects {
            true => Some(self.source.daily(&period, Part::Project).await?),
            false => None,
        };
        let synced_at = self.clock.now();
        let Attribution { days, marks } =
            attribution::attribute(&period, &by_service, by_project.as_deref(), &owners, synced_at)?;
        let written = self.write_all(&period, &days, &marks).await?;
        Ok(outcome(Some(period), owners.len(), written, &days))
    }

    async fn window(
        &self,
        event: &CostSyncEvent,
        owners: &BTreeMap<String, String>,
    ) -> Result<Option<Period>, RunError> {
        let today = self.clock.today();
        let date =
            |text: &Option<String>| text.as_deref().map(parse_date).transpose().map_err(window::WindowError::from);
        match (date(&event.start)?, date(&event.end)?) {
            (Some(start), end) => {
                let yesterday = today.yesterday().unwrap_or(today);
                let end = end.unwrap_or(yesterday.max(start));
                Ok(Some(window::asked(start, end, today)?))
            }
            (None, Some(_)) => Err(RunError::Event("`end` needs a `start`".to_owned())),
            (None, None) => {
                let last_month = Month::of(today).previous().map_err(window::WindowError::from)?;
                let marks = self.marks(owners, last_month).await?;
                let is_final = window::last_month_final(&marks, today, self.settle_days);
                Ok(window::daily(today, is_final)?)
            }
        }
    }

    /// Everybody's mark of a month, that of unallocated cost included.
    async fn marks(&self, owners: &BTreeMap<String, String>, month: Month) -> Result<Vec<Option<SyncMark>>, PortError> {
        let ids: Vec<&str> = owners.values().map(String::as_str).chain([UNALLOCATED]).collect();
        stream::iter(ids)
            .map(|id| async move { Ok(self.ledger.sync_marks(id, month, month).await?.pop()) })
            .buffer_unordered(TENANTS_AT_ONCE)
            .try_collect()
            .await
    }

    async fn write_all(
        &self,
        period: &Period,
        days: &BTreeMap<String, Vec<CostDay>>,
        marks: &[SyncMark],
    ) -> Result<usize, PortError> {
        stream::iter(days.iter().map(Ok))
            .map_ok(|(tenant, days)| self.write_tenant(tenant, period, days, marks))
            .try_buffer_unordered(TENANTS_AT_ONCE)
            .try_fold(0, |sum, written| async move { Ok(sum + written) })
            .await
    }

    /// Marks the months that change as being written, writes their days, then marks everything as known.
    async fn write_tenant(
        &self,
        tenant: &str,
        period: &Period,
        days: &[CostDay],
        marks: &[SyncMark],
    ) -> Result<usize, PortError> {
        let stored = self.ledger.cost_days(tenant, period).await?;
        let changed = attribution::changed(&stored, days);
        let changes = |mark: &&SyncMark| changed.iter().any(|day| Month::of(day.date) == mark.month);
        for mark in marks.iter().filter(changes) {
            let before = self.ledger.sync_marks(tenant, mark.month, mark.month).await?.pop();
            self.ledger.put_sync_mark(tenant, &being_written(mark, before.as_ref())).await?;
        }
        stream::iter(changed.iter().map(Ok))
            .try_for_each_concurrent(DAYS_AT_ONCE, |day| self.ledger.put_cost_day(tenant, day))
            .await?;
        for mark in marks {
            self.ledger.put_sync_mark(tenant, mark).await?;
        }
        Ok(changed.len())
    }
}

/// The mark while a month's days are written: readers know the days they knew before, and nobody bills it.
fn being_written(mark: &SyncMark, before: Option<&SyncMark>) -> SyncMark {
    let first = mark.month.period().start();
    let through = before.map_or(first.yesterday().unwrap_or(first), |before| before.through);
    SyncMark { through, complete: false, ..mark.clone() }
}

fn outcome(
    period: Option<Period>,
    tenants: usize,
    days_written: usize,
    days: &BTreeMap<String, Vec<CostDay>>,
) -> Outcome<CostSyncAnswer> {
    let sum = |days: &[CostDay]| -> Decimal { days.iter().map(CostDay::cost).sum() };
    let total: Decimal = days.values().map(|days| sum(days)).sum();
    let unallocated = days.get(UNALLOCATED).map_or(Decimal::ZERO, |days| sum(days));
    let answer = CostSyncAnswer {
        start: period.map(|period| period.start()),
        end: period.map(|period| period.last_day()),
        tenants,
        days_written,
        total: ExactNumber(total.normalize()),
        unallocated: ExactNumber(unallocated.normalize()),
    };
    Outcome::new(answer).counting(vec![Metric::new(DAYS_SYNCED, days_written)])
}

#[cfg(test)]
mod tests;
