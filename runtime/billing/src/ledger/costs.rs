//! A tenant's days of cost, and the marks of what was synced.

use super::chunks;
use super::port::end_of;
use super::{
    CostDay, Expect, Key, Ledger, PortError, Record, SYNC_PREFIX, Stored, SyncMark, Wrote, cost_key, sync_key,
};
use crate::{Month, Period};

/// A tenant's stored days of a period, in order; days without an item are left out.
pub async fn days(ledger: &dyn Ledger, tenant: &str, period: &Period) -> Result<Vec<CostDay>, PortError> {
    let (from, to) = (cost_key(period.start()), cost_key(period.last_day()));
    chunks::read_range(ledger, tenant, &from, &to).await?.iter().map(Stored::record).collect()
}

/// Replaces one day, unless a later sync already did: then what is there is newer, and stays.
pub async fn put_day(ledger: &dyn Ledger, tenant: &str, day: &CostDay) -> Result<Wrote, PortError> {
    put(ledger, tenant, day, day.synced_at).await
}

/// A tenant's sync marks from one month to another, both included, in order.
pub async fn marks(ledger: &dyn Ledger, tenant: &str, first: Month, last: Month) -> Result<Vec<SyncMark>, PortError> {
    ledger.range(tenant, &sync_key(first), &sync_key(last)).await?.iter().map(Stored::record).collect()
}

/// Every sync mark of a tenant, in order.
pub async fn all_marks(ledger: &dyn Ledger, tenant: &str) -> Result<Vec<SyncMark>, PortError> {
    ledger.range(tenant, SYNC_PREFIX, &end_of(SYNC_PREFIX)).await?.iter().map(Stored::record).collect()
}

/// A tenant's sync mark of a month.
pub async fn mark(ledger: &dyn Ledger, tenant: &str, month: Month) -> Result<Option<SyncMark>, PortError> {
    let found = ledger.get(&Key::new(tenant, sync_key(month))).await?;
    found.map(|stored| stored.record()).transpose()
}

/// Replaces one mark, unless a later sync already did.
pub async fn put_mark(ledger: &dyn Ledger, tenant: &str, mark: &SyncMark) -> Result<Wrote, PortError> {
    put(ledger, tenant, mark, mark.synced_at).await
}

async fn put<T: Record>(
    ledger: &dyn Ledger,
    tenant: &str,
    record: &T,
    synced_at: jiff::Timestamp,
) -> Result<Wrote, PortError> {
    chunks::write(ledger, Stored::of(tenant, record)?, Expect::NoNewerThan(synced_at)).await
}
