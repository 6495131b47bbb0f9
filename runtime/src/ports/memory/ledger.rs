//! The ledger in memory, with faults, and its records as tests look at them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use billing::ledger::chunks::assemble;
use billing::ledger::stripe_events::EVENT_ITEM;
use billing::ledger::throttle::THROTTLE_ITEM;
use billing::ledger::{
    BALANCE_ITEM, CLAIM_PREFIX, COST_PREFIX, CostClaim, ENTRY_PREFIX, Expect, INVOICE_PREFIX, Key, Ledger,
    MemoryLedger, PAYMENT_SETUP_ITEM, PortError, Record, SYNC_PREFIX, Stored, Wrote,
};
use billing::names::{LEFT_ITEM, TENANT_ITEM};

use super::{Memory, World, end};

#[async_trait]
impl Ledger for Memory {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, PortError> {
        let doing = format!("read {}", key.place());
        let due = self.begin(&doing)?;
        end(&doing, due, self.ledger.get(key).await?)
    }

    async fn range(&self, partition: &str, from: &str, to: &str) -> Result<Vec<Stored>, PortError> {
        let doing = format!("read {partition}'s items from {from}");
        let due = self.begin(&doing)?;
        end(&doing, due, self.ledger.range(partition, from, to).await?)
    }

    async fn of_kind(&self, kind: &str) -> Result<Vec<Stored>, PortError> {
        let doing = format!("list every {kind}");
        let due = self.begin(&doing)?;
        end(&doing, due, self.ledger.of_kind(kind).await?)
    }

    async fn put(&self, item: Stored, expect: Expect) -> Result<Wrote, PortError> {
        let doing = format!("write {}", item.key.place());
        let due = self.begin(&doing)?;
        end(&doing, due, self.ledger.put(item, expect).await?)
    }

    async fn transact(&self, items: Vec<(Stored, Expect)>) -> Result<Wrote, PortError> {
        let due = self.begin("write items")?;
        end("write items", due, self.ledger.transact(items).await?)
    }
}

impl Memory {
    /// Keeps what stays of a tenant who left.
    pub(crate) fn keep_left(&self, left: &billing::ledger::LeftTenant) {
        self.ledger.set(stored(&left.id, left));
    }
}

/// Shows what the ledger holds.
pub(super) fn show(ledger: &MemoryLedger, world: &mut World) {
    world.tenants.clear();
    world.days.clear();
    world.marks.clear();
    world.invoices.clear();
    world.claims.clear();
    world.balances.clear();
    world.entries.clear();
    for item in assemble(ledger.items().into_values().collect()).expect("whole records") {
        let partition = item.key.partition.clone();
        match item.key.sort.as_str() {
            TENANT_ITEM => {
                world.tenants.insert(partition, read(&item));
            }
            sort if sort.starts_with(COST_PREFIX) => {
                let day: billing::ledger::CostDay = read(&item);
                world.days.insert((partition, day.date), day);
            }
            sort if sort.starts_with(SYNC_PREFIX) => {
                let mark: billing::ledger::SyncMark = read(&item);
                world.marks.insert((partition, mark.month), mark);
            }
            sort if sort.starts_with(INVOICE_PREFIX) => {
                let record: billing::invoice::InvoiceRecord = read(&item);
                world.invoices.insert((partition, record.month()), record);
            }
            sort if sort.starts_with(CLAIM_PREFIX) => {
                let claim: CostClaim = read(&item);
                world.claims.insert((claim.tag, claim.month), claim.tenant);
            }
            BALANCE_ITEM => {
                world.balances.insert(partition, read(&item));
            }
            sort if sort.starts_with(ENTRY_PREFIX) => {
                world.entries.insert((partition, item.key.sort.clone()), read(&item));
            }
            // Tests read these through the ledger.
            LEFT_ITEM | PAYMENT_SETUP_ITEM | EVENT_ITEM | THROTTLE_ITEM => {}
            other => panic!("an item that no record has: {other}"),
        }
    }
}

/// Keeps what a test changed.
pub(super) fn keep(ledger: &MemoryLedger, before: &World, now: &World) {
    keep_each(ledger, &before.tenants, &now.tenants, |id, tenant| stored(id, tenant));
    keep_each(ledger, &before.days, &now.days, |(tenant, _), day| stored(tenant, day));
    keep_each(ledger, &before.marks, &now.marks, |(tenant, _), mark| stored(tenant, mark));
    keep_each(ledger, &before.invoices, &now.invoices, |(tenant, _), record| stored(tenant, record));
    keep_each(ledger, &before.balances, &now.balances, |tenant, balance| stored(tenant, balance));
    keep_each(ledger, &before.entries, &now.entries, |(tenant, _), entry| stored(tenant, entry));
    keep_each(ledger, &before.claims, &now.claims, |(tag, month), tenant| {
        let claim = CostClaim { tag: tag.clone(), month: *month, tenant: tenant.clone() };
        stored(&claim.partition(), &claim)
    });
}

fn keep_each<K: Ord, V: PartialEq>(
    ledger: &MemoryLedger,
    before: &BTreeMap<K, V>,
    now: &BTreeMap<K, V>,
    item: impl Fn(&K, &V) -> Stored,
) {
    for (key, value) in before.iter().filter(|(key, value)| now.get(key) != Some(value)) {
        ledger.remove(&item(key, value).key);
    }
    for (key, value) in now.iter().filter(|(key, value)| before.get(key) != Some(value)) {
        ledger.set(item(key, value));
    }
}

fn read<T: Record>(item: &Stored) -> T {
    item.record().expect("a record")
}

fn stored<T: Record>(partition: &str, record: &T) -> Stored {
    Stored::of(partition, record).expect("an item")
}
