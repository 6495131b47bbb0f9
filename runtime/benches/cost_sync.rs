//! The memory one run of `cost_sync` takes: two months of a day for each tenant, ten services and five projects a day.
//!
//! `cargo bench -p runtime --bench cost_sync --profile dev [-- TENANTS]` prints a table and fails when the peak is above
//! [`LIMIT_MIB`] at 1,000 tenants. Costs are generated page by page and the ledger only counts what it is given, so that
//! the figure is the handler's own. Peak RSS is Linux's `VmHWM`, the program itself included.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use billing::Period;
use billing::attribution::{Cut, QueriedDay, QueriedRow};
use billing::function::Setting;
use billing::ledger::{CostAmount, Expect, Key, Ledger, PortError, Record, Stored, Wrote};
use billing::names::TENANT_ITEM;
use billing::tenant::TenantRecord;
use jiff::Timestamp;
use runtime::environment::Environment;
use runtime::events::Scheduled;
use runtime::handler::Handler;
use runtime::handlers::cost_sync::{CostSync, CostSyncEvent};
use runtime::ports::{Checkout, Clock, CostPage, CostQuery, CostSource, Invoices, Part, Payments, Ports, Secrets};
use runtime::run::Run;
use runtime::secret::Secret;
use runtime::settings::Settings;
use rust_decimal::Decimal;
use serde_json::json;

const TAG: &str = "ClientOrganization";
const TENANTS: usize = 1_000;
const SERVICES: usize = 10;
const PROJECTS: usize = 5;
/// Groups on one page of an answer.
const PAGE: usize = 1_000;
/// The most a run may take at [`TENANTS`]; the function has 256 MB.
const LIMIT_MIB: usize = 64;

/// Costs by the rule above, and a ledger that counts.
#[derive(Default)]
struct World {
    tenants: usize,
    rows: AtomicUsize,
    pages: AtomicUsize,
    items: AtomicUsize,
    bytes: AtomicUsize,
}

#[async_trait]
impl CostSource for Shared {
    async fn page(
        &self,
        period: &Period,
        part: Part,
        cut: Option<&Cut>,
        token: Option<&str>,
    ) -> Result<CostPage, PortError> {
        assert_eq!(cut, None, "every tenant is known by one tag");
        let parts = if part == Part::Service { SERVICES } else { PROJECTS };
        let days: Vec<_> = period.days().collect();
        let a_day = self.0.tenants * parts;
        let first: usize = token.map_or(Ok(0), str::parse).map_err(|error| PortError::new("read a page", error))?;
        let last = (first + PAGE).min(days.len() * a_day);
        let mut page: Vec<QueriedDay> = Vec::new();
        for at in first..last {
            let date = days[at / a_day];
            if page.last().is_none_or(|day| day.date != date) {
                page.push(QueriedDay { date, estimated: false, rows: Vec::new() });
            }
            let (tenant, number) = (at % a_day / parts, at % parts);
            // Both queries tell the same sum of a tenant's day.
            let cost = Decimal::new(1_000_000, 10) * Decimal::from(SERVICES * PROJECTS / parts);
            let row = QueriedRow {
                tenant_value: value(tenant),
                part: format!("Amazon Elastic Something Service {number}"),
                amount: CostAmount { cost, usage: Decimal::ONE },
            };
            if let Some(day) = page.last_mut() {
                day.rows.push(row);
            }
        }
        self.0.rows.fetch_add(last - first, Ordering::Relaxed);
        self.0.pages.fetch_add(1, Ordering::Relaxed);
        Ok(CostPage { days: page, next: (last < days.len() * a_day).then(|| last.to_string()) })
    }
}

#[async_trait]
impl Ledger for Shared {
    async fn get(&self, _: &Key) -> Result<Option<Stored>, PortError> {
        Ok(None)
    }

    async fn range(&self, _: &str, _: &str, _: &str) -> Result<Vec<Stored>, PortError> {
        Ok(Vec::new())
    }

    async fn of_kind(&self, kind: &str) -> Result<Vec<Stored>, PortError> {
        assert_eq!(kind, TENANT_ITEM);
        (0..self.0.tenants).map(|number| Stored::of(&id(number), &tenant(number))).collect()
    }

    async fn put(&self, item: Stored, _: Expect) -> Result<Wrote, PortError> {
        self.0.items.fetch_add(1, Ordering::Relaxed);
        self.0.bytes.fetch_add(item.text.len(), Ordering::Relaxed);
        Ok(Wrote::Done)
    }

    async fn transact(&self, items: Vec<(Stored, Expect)>) -> Result<Wrote, PortError> {
        for (item, expect) in items {
            self.put(item, expect).await?;
        }
        Ok(Wrote::Done)
    }
}

#[derive(Clone)]
struct Shared(Arc<World>);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        "2026-11-30T06:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

#[async_trait]
impl Secrets for Shared {
    async fn secret(&self, name: &str) -> Result<Secret, PortError> {
        Err(PortError::new(format!("read the secret {name}"), "a sync reads none"))
    }
}

impl Ports for Shared {
    fn ledger(&self, _: &str) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }

    fn secrets(&self) -> Arc<dyn Secrets> {
        Arc::new(self.clone())
    }

    fn cost_source(&self, _: CostQuery) -> Arc<dyn CostSource> {
        Arc::new(self.clone())
    }

    fn invoices(&self, _: Secret) -> Result<Arc<dyn Invoices>, PortError> {
        Err(PortError::new("reach Stripe", "a sync makes no invoices"))
    }

    fn checkout(&self, _: Secret) -> Result<Arc<dyn Checkout>, PortError> {
        Err(PortError::new("reach Stripe", "a sync shows no pages"))
    }

    fn payments(&self, _: Secret) -> Result<Arc<dyn Payments>, PortError> {
        Err(PortError::new("reach Stripe", "a sync reads no payments"))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clone())
    }
}

fn id(number: usize) -> String {
    format!("tenant-{number:05}")
}

fn value(number: usize) -> String {
    format!("Client-Organization-{number:05}")
}

fn tenant(number: usize) -> TenantRecord {
    let record = json!({
        "id": id(number), "name": value(number), "email": "billing@example.com", "locale": "en-US", "currency": "USD",
        "tags": {TAG: value(number)}, "terms": [{}], "days_until_due": 30, "link_version": 1,
    });
    serde_json::from_value(record).unwrap_or_else(|error| panic!("{} {error}", TenantRecord::NAME))
}

fn peak_rss_mib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<usize>().ok().map(|kib| kib / 1024)
}

#[tokio::main]
async fn main() -> ExitCode {
    let tenants = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(TENANTS);
    let world = Shared(Arc::new(World { tenants, ..World::default() }));
    let settings = [
        (Setting::LedgerTable, "ledger"),
        (Setting::TenantTag, TAG),
        (Setting::ProjectTag, "BillingProject"),
        (Setting::CostBasis, "UnblendedCost"),
        (Setting::SettleDays, "14"),
    ];
    let settings = settings.map(|(setting, value)| (setting.variable().to_owned(), value.to_owned()));
    let environment = Environment::new(CostSync::SPEC, Settings::new(settings), Arc::new(world.clone()));
    let before = peak_rss_mib();
    let start = Instant::now();
    let handler = match CostSync::start(&environment) {
        Ok(handler) => handler,
        Err(error) => {
            eprintln!("the handler does not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let run = Run::lasting("bench", Duration::from_secs(900));
    let outcome = match handler.run(Scheduled(CostSyncEvent::default()), &run).await {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("the run failed: {error}");
            return ExitCode::FAILURE;
        }
    };
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let peak = peak_rss_mib();
    let shown = |mib: Option<usize>| mib.map_or_else(|| "unknown".to_owned(), |mib| format!("{mib} MiB"));
    println!(
        "| tenants | months | rows read | pages | items written | text written | RSS before | peak RSS | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    println!(
        "| {tenants} | {} to {} | {} | {} | {} | {} MiB | {} | {} | {} |",
        outcome.answer.start.map(|day| day.to_string()).unwrap_or_default(),
        outcome.answer.end.map(|day| day.to_string()).unwrap_or_default(),
        count(&world.0.rows),
        count(&world.0.pages),
        count(&world.0.items),
        count(&world.0.bytes) / (1024 * 1024),
        shown(before),
        shown(peak),
        start.elapsed().as_secs(),
    );
    if outcome.failures.failed > 0 {
        eprintln!("{} tenants failed", outcome.failures.failed);
        return ExitCode::FAILURE;
    }
    match peak {
        Some(peak) if tenants <= TENANTS && peak > LIMIT_MIB => {
            eprintln!("a run at {tenants} tenants took {peak} MiB, more than {LIMIT_MIB}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
