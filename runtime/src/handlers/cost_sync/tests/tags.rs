//! Tenants that are known by more tags than one, over a bill of rows with tags.

use std::sync::Mutex;

use billing::ledger::{MemoryLedger, Stored};

use super::*;
use crate::ports::CostPage;

/// A bill: what Cost Explorer answers from.
#[derive(Debug, Default)]
struct Bill {
    rows: Vec<BillRow>,
    /// Each request that was made, by part and first day, with the pairs it was filtered by.
    requests: Mutex<Vec<String>>,
}

#[derive(Debug)]
struct BillRow {
    on: Date,
    tags: BTreeMap<String, String>,
    service: String,
    record: &'static str,
    cents: i64,
}

/// A row of usage: its tags as `Key=value,Key=value`.
fn row(on: Date, tags: &str, service: &str, cents: i64) -> BillRow {
    let pairs = tags.split(',').filter_map(|pair| pair.split_once('='));
    let tags = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    BillRow { on, tags, service: service.to_owned(), record: "Usage", cents }
}

#[async_trait]
impl CostSource for Bill {
    async fn page(
        &self,
        period: &Period,
        part: Part,
        cut: Option<&Cut>,
        _token: Option<&str>,
    ) -> Result<CostPage, PortError> {
        let pairs = cut.iter().flat_map(|cut| &cut.further).map(|(key, value)| format!(" {key}={value}"));
        let request = format!("{part:?} {}{}", period.start(), pairs.collect::<String>());
        self.requests.lock().expect("requests").push(request);
        let is_told = |row: &&BillRow| (row.record != "Usage") == (part == Part::Record);
        let tag = |row: &BillRow, key: &str| row.tags.get(key).cloned().unwrap_or_default();
        let queried = |on: Date| {
            let of_day = self.rows.iter().filter(|row| row.on == on).filter(is_told);
            let within =
                of_day.filter(|row| cut.is_none_or(|cut| cut.takes(|key| row.tags.get(key).map(String::as_str))));
            let rows = within.map(|row| QueriedRow {
                tenant_value: tag(row, TAG),
                part: match part {
                    Part::Service => row.service.clone(),
                    Part::Project => tag(row, "Project"),
                    Part::Record => row.record.to_owned(),
                },
                amount: CostAmount { cost: Decimal::new(row.cents, 2), usage: Decimal::ONE },
            });
            QueriedDay { date: on, estimated: false, rows: rows.collect() }
        };
        Ok(CostPage { days: period.days().map(queried).collect(), next: None })
    }
}

fn known_by(id: &str, tags: serde_json::Value) -> TenantRecord {
    let mut record = serde_json::to_value(tenant(id, "x")).expect("JSON");
    record["tags"] = tags;
    serde_json::from_value(record).expect("a tenant")
}

struct Scene {
    ledger: Arc<MemoryLedger>,
    bill: Arc<Bill>,
}

impl Scene {
    fn new(tenants: &[TenantRecord], rows: Vec<BillRow>) -> Scene {
        let ledger = Arc::new(MemoryLedger::default());
        for tenant in tenants {
            ledger.set(Stored::of(&tenant.id, tenant).expect("an item"));
        }
        Scene { ledger, bill: Arc::new(Bill { rows, ..Bill::default() }) }
    }

    /// Syncs October.
    async fn sync(&self, with_projects: bool, with_records: bool) -> CostSyncAnswer {
        let sync = CostSync {
            ledger: self.ledger.clone(),
            source: self.bill.clone(),
            clock: Arc::new(FixedClock::at("2026-11-21T06:00:00Z")),
            tenant_tag: TAG.to_owned(),
            with_projects,
            with_records,
            settle_days: 0,
        };
        let (start, end) = (Some("2026-10-01".to_owned()), Some("2026-10-31".to_owned()));
        sync.sync(&CostSyncEvent { start, end }).await.expect("a sync").answer
    }

    /// What a tenant's days cost, in cents: those that cost something.
    async fn cents(&self, tenant: &str) -> Vec<(i8, i64)> {
        let days = ledger::costs::days(&*self.ledger, tenant, &Month::of(date(2026, 10, 1)).period()).await;
        let days = days.expect("days").into_iter().filter(|day| !day.cost().is_zero());
        let cents = |day: &CostDay| (day.cost() * Decimal::ONE_HUNDRED).try_into().expect("whole cents");
        days.map(|day| (day.date.day(), cents(&day))).collect()
    }

    /// The requests, and no longer.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.bill.requests.lock().expect("requests"))
    }
}

fn two_environments() -> Vec<TenantRecord> {
    [("acme", json!({TAG: "Acme", "Environment": "prod"})), ("acme-trial", json!({TAG: "Acme", "Environment": "dev"}))]
        .map(|(id, tags)| known_by(id, tags))
        .into_iter()
        .chain([known_by("beta", json!({TAG: "Beta"}))])
        .collect()
}

#[tokio::test]
async fn tenants_of_one_value_are_told_apart_by_their_other_tags_and_the_bill_stays_whole() {
    let on = date(2026, 10, 5);
    let mut rows = vec![
        row(on, "ClientOrganization=Acme,Environment=prod,Project=shop", "S3", 100),
        row(on, "ClientOrganization=Acme,Environment=dev", "S3", 20),
        row(on, "ClientOrganization=Acme,Environment=test", "S3", 3),
        row(on, "ClientOrganization=Acme", "AWS Lambda", 4),
        row(on, "ClientOrganization=Beta,Environment=prod", "S3", 5_000),
        row(on, "Environment=prod", "S3", 70_000),
    ];
    rows.push(BillRow { record: "Credit", ..row(on, "ClientOrganization=Acme,Environment=dev", "S3", -7) });
    rows.push(BillRow { record: "Tax", ..row(on, "", "Tax", 900) });
    let scene = Scene::new(&two_environments(), rows);
    let answer = scene.sync(true, true).await;
    assert_eq!(scene.cents("acme").await, [(5, 100)]);
    assert_eq!(scene.cents("acme-trial").await, [(5, 13)]);
    assert_eq!(scene.cents("beta").await, [(5, 5_000)]);
    assert_eq!(scene.cents(UNALLOCATED).await, [(5, 70_907)]);
    assert_eq!(answer.total, ExactNumber(Decimal::new(76_020, 2)));
    assert_eq!(answer.unallocated, ExactNumber(Decimal::new(70_907, 2)));
    let days =
        ledger::costs::days(&*scene.ledger, UNALLOCATED, &Period::new(on, date(2026, 10, 6)).expect("a day")).await;
    let day = days.expect("a day").swap_remove(0);
    let values: Vec<_> =
        day.values.iter().map(|(value, of)| (value.as_str(), of.cost.normalize().to_string())).collect();
    assert_eq!(values, [("", "709".to_owned()), ("Acme", "0.07".to_owned())]);
    let of_trial =
        ledger::costs::days(&*scene.ledger, "acme-trial", &Period::new(on, date(2026, 10, 6)).expect("a day")).await;
    assert_eq!(of_trial.expect("a day")[0].records[&RecordType::Credit].cost, Decimal::new(-7, 2));
    let expected = ["", " Environment=dev", " Environment=prod"];
    let expected =
        ["Service", "Project", "Record"].iter().flat_map(|part| expected.map(|of| format!("{part} 2026-10-01{of}")));
    assert_eq!(scene.requests(), expected.collect::<Vec<_>>());
    assert_eq!(scene.sync(true, true).await.days_written, 0, "asked again it is the same");
}

/// Each request costs 0.01 USD: one tag takes the two it always took, whatever the number of tenants.
#[tokio::test]
async fn tenants_of_one_tag_take_no_further_request() {
    let tenants: Vec<TenantRecord> = (0..50).map(|n| tenant(&format!("t{n}"), &format!("T{n}"))).collect();
    let scene = Scene::new(&tenants, Vec::new());
    scene.sync(true, false).await;
    assert_eq!(scene.requests(), ["Service 2026-10-01", "Project 2026-10-01"]);
}

#[tokio::test]
async fn one_pair_of_two_may_change_in_the_middle_of_a_month() {
    let environment = json!([{"value": "prod", "until": "2026-10-15"}, {"value": "live", "from": "2026-10-15"}]);
    let tenants = [
        known_by("acme", json!({TAG: "Acme", "Environment": environment})),
        known_by("acme-trial", json!({TAG: "Acme", "Environment": "dev"})),
    ];
    let of = |day, environment: &str, cents| {
        row(date(2026, 10, day), &format!("ClientOrganization=Acme,Environment={environment}"), "S3", cents)
    };
    let rows = vec![of(14, "prod", 1), of(14, "live", 2), of(14, "dev", 4), of(15, "prod", 8), of(15, "live", 16)];
    let scene = Scene::new(&tenants, rows);
    scene.sync(false, false).await;
    assert_eq!(scene.cents("acme").await, [(14, 1), (15, 16)]);
    assert_eq!(scene.cents("acme-trial").await, [(14, 4)]);
    assert_eq!(scene.cents(UNALLOCATED).await, [(14, 2), (15, 8)]);
    let requests = ["", " Environment=dev"].map(|of| format!("Service 2026-10-01{of}")).into_iter();
    let dated = ["Service 2026-10-15 Environment=live", "Service 2026-10-01 Environment=prod"].map(str::to_owned);
    assert_eq!(scene.requests(), requests.chain(dated).collect::<Vec<_>>());
}

/// What was attributed before a tag was added is corrected for its month, and the months before it stay as they are.
#[tokio::test]
async fn a_tenant_that_is_split_keeps_its_earlier_months() {
    let month = |text: &str| text.parse::<Month>().expect("a month");
    let whole = tenant("acme", "Acme");
    let rows = || vec![row(date(2026, 10, 5), "ClientOrganization=Acme,Environment=dev", "S3", 40)];
    for (edited_in, acme, trial) in [("2026-10", vec![], vec![(5, 40)]), ("2026-11", vec![(5, 40)], vec![])] {
        let narrowed =
            known_by("acme", json!({TAG: "Acme", "Environment": "prod"})).following(&whole, month(edited_in));
        let other = known_by("acme-trial", json!({TAG: "Acme", "Environment": "dev"}));
        let scene = Scene::new(&[narrowed, other], rows());
        scene.sync(false, false).await;
        assert_eq!((scene.cents("acme").await, scene.cents("acme-trial").await), (acme, trial), "{edited_in}");
    }
}
