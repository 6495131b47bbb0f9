//! The ledger in memory, watched: which months' cost was read whole, and the defects that lie in what is written.

use std::sync::Arc;

use async_trait::async_trait;
use billing::ledger::{
    BALANCE_ITEM, COST_PREFIX, ENTRY_PREFIX, Expect, INVOICE_PREFIX, Key, Ledger, PortError, SYNC_PREFIX, Stored,
    StripeEvent, SyncMark, Wrote,
};
use billing::names::TENANT_ITEM;
use billing::tenant::TenantRecord;
use oracle::month::Month;

use super::planted::Planted;
use super::shared::Shared;

/// What the partition of an event's row begins with.
const EVENT_PREFIX: &str = "stripe-event#";

/// The ledger of one simulation.
#[derive(Debug)]
pub struct Watched(Arc<Shared>);

impl Watched {
    /// Over one world.
    pub fn new(shared: Arc<Shared>) -> Watched {
        Watched(shared)
    }

    fn note(&self, item: &Stored) {
        let sort = &item.key.sort;
        if let Some(event) = item.key.partition.strip_prefix(EVENT_PREFIX)
            && item.record::<StripeEvent>().is_ok_and(|row| row.result.is_done())
        {
            self.0.with_trace(|trace| *trace.done_events.entry(event.to_owned()).or_default() += 1);
        }
        if sort.starts_with(INVOICE_PREFIX) || sort.starts_with(ENTRY_PREFIX) {
            self.0.with_trace(|trace| trace.booked.insert(item.key.partition.clone()));
        }
        if !item.key.sort.starts_with(SYNC_PREFIX) {
            return;
        }
        if let Some(mark) = item.record::<SyncMark>().ok().filter(SyncMark::whole_month) {
            let month = Month::of(mark.month.period().start());
            self.0.with_trace(|trace| trace.reads.insert((month, mark.synced_at)));
        }
    }

    /// What is written of a transaction with the defect put back.
    async fn written(&self, items: Vec<(Stored, Expect)>) -> Result<Vec<(Stored, Expect)>, PortError> {
        let is_of_balance = |item: &Stored| item.key.sort == BALANCE_ITEM || item.key.sort.starts_with(ENTRY_PREFIX);
        let has = |kind: &str| {
            items.iter().any(|(item, _)| item.key.sort.starts_with(ENTRY_PREFIX) && item.key.sort.ends_with(kind))
        };
        let drops = match self.0.planted {
            Some(Planted::RestatementDropped) => has("#restated"),
            Some(Planted::LeaverRestatementDropped) => has("#restated") && self.is_of_leaver(&items).await?,
            Some(Planted::CreditLost) => has("#credit") && self.is_out_of_order(&items).await?,
            _ => false,
        };
        let forgets = |item: &Stored| self.0.has(Planted::EventTwice) && item.key.partition.starts_with(EVENT_PREFIX);
        let expect = |item: &Stored, expect| if forgets(item) { Expect::Anything } else { expect };
        let kept = items.into_iter().filter(|(item, _)| !drops || !is_of_balance(item));
        Ok(kept.map(|(item, expected)| (item.clone(), expect(&item, expected))).collect())
    }

    /// Whether an item is cost of a month that has an invoice, of which the defect takes no more cost.
    async fn comes_late(&self, item: &Stored) -> Result<bool, PortError> {
        let day = item.key.sort.strip_prefix(COST_PREFIX).filter(|_| self.0.has(Planted::DraftNotRedrawn));
        let Some(month) = day.and_then(|day| day.get(..7)) else { return Ok(false) };
        let invoice = format!("{INVOICE_PREFIX}{month}");
        Ok(!self.0.ledger.range(&item.key.partition, &invoice, &format!("{invoice}~")).await?.is_empty())
    }

    /// Whether it is about a company that leaves.
    async fn is_of_leaver(&self, items: &[(Stored, Expect)]) -> Result<bool, PortError> {
        let Some((item, _)) = items.first() else { return Ok(false) };
        let tenant = self.0.ledger.get(&Key::new(&item.key.partition, TENANT_ITEM)).await?;
        let tenant = tenant.and_then(|tenant| tenant.record::<TenantRecord>().ok());
        Ok(tenant.is_some_and(|tenant| tenant.last_period.is_some()))
    }

    /// Whether a later month has an invoice.
    async fn is_out_of_order(&self, items: &[(Stored, Expect)]) -> Result<bool, PortError> {
        let of_month = items.iter().find(|(item, _)| item.key.sort.starts_with(INVOICE_PREFIX));
        let Some((item, _)) = of_month else { return Ok(false) };
        let later = self.0.ledger.range(&item.key.partition, &format!("{}~", item.key.sort), "invoice#~").await?;
        Ok(!later.is_empty())
    }
}

#[async_trait]
impl Ledger for Watched {
    async fn get(&self, key: &Key) -> Result<Option<Stored>, PortError> {
        const DOING: &str = "read an item";
        let due = self.0.gate.begin(DOING).await?;
        let is_forgotten = self.0.has(Planted::EventTwice) && key.partition.starts_with(EVENT_PREFIX);
        let found = if is_forgotten { Ok(None) } else { self.0.ledger.get(key).await };
        self.0.gate.end(DOING, due, found)
    }

    async fn range(&self, partition: &str, from: &str, to: &str) -> Result<Vec<Stored>, PortError> {
        const DOING: &str = "read a range";
        let due = self.0.gate.begin(DOING).await?;
        self.0.gate.end(DOING, due, self.0.ledger.range(partition, from, to).await)
    }

    async fn of_kind(&self, kind: &str) -> Result<Vec<Stored>, PortError> {
        const DOING: &str = "read a kind";
        let due = self.0.gate.begin(DOING).await?;
        self.0.gate.end(DOING, due, self.0.ledger.of_kind(kind).await)
    }

    async fn put(&self, item: Stored, expect: Expect) -> Result<Wrote, PortError> {
        const DOING: &str = "write an item";
        let due = self.0.gate.begin(DOING).await?;
        if self.comes_late(&item).await? {
            return self.0.gate.end(DOING, due, Ok(Wrote::Done));
        }
        let wrote = self.0.ledger.put(item.clone(), expect).await;
        if wrote == Ok(Wrote::Done) {
            self.note(&item);
        }
        self.0.gate.end(DOING, due, wrote)
    }

    async fn transact(&self, items: Vec<(Stored, Expect)>) -> Result<Wrote, PortError> {
        const DOING: &str = "write a transaction";
        let due = self.0.gate.begin(DOING).await?;
        let items = self.written(items).await?;
        let wrote = self.0.ledger.transact(items.clone()).await;
        if wrote == Ok(Wrote::Done) {
            items.iter().for_each(|(item, _)| self.note(item));
        }
        self.0.gate.end(DOING, due, wrote)
    }
}
