//! Which of a tenant's months want a look: all open ones, at each run. No month depends on a run on a certain day.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::InvoiceRecord;
use super::ready::utc_day;
use crate::Month;
use crate::ledger::SyncMark;
use crate::tenant::TenantRecord;

/// Months after its end for which an invoiced month's cost is compared with what was invoiced. AWS restates a bill for some
/// weeks; credits and refunds come later.
pub const LOOK_BACK_MONTHS: u32 = 3;

/// The months to look at on the UTC day `today`, oldest first: from the tenant's first one to the last that ended, less
/// those that are settled and whose cost is not looked at any more.
pub fn open_months(tenant: &TenantRecord, marks: &[SyncMark], records: &[InvoiceRecord], today: Date) -> Vec<Month> {
    let Ok(last) = Month::of(today).previous() else { return Vec::new() };
    let known: BTreeSet<Month> =
        marks.iter().map(|mark| mark.month).chain(records.iter().map(InvoiceRecord::month)).collect();
    // A record of before first months were kept: what is known of it says since when.
    let first = tenant.first_period.or(known.first().copied()).unwrap_or(last);
    let mut months = Vec::new();
    let mut next = Some(first).filter(|first| *first <= last);
    while let Some(month) = next {
        months.push(month);
        next = month.next().ok().filter(|month| *month <= last);
    }
    let is_over = |month: &Month| {
        let record = records.iter().find(|record| record.month() == *month);
        let mark = marks.iter().find(|mark| mark.month == *month);
        record.is_some_and(|record| record.is_settled() && !is_followed(record, mark, today))
    };
    months.retain(|month| tenant.bills(*month) && !is_over(month));
    months
}

/// Whether a month's cost is still compared with what was invoiced for it: October's until the 31st of January.
pub fn is_looked_at(month: Month, today: Date) -> bool {
    today < looked_at_until(month)
}

/// Whether a month's cost is to be compared with what was invoiced for it: while it is looked at, and after that until what
/// was read of it by then was compared. Invoicing may have been down when the time ended.
pub fn is_followed(record: &InvoiceRecord, mark: Option<&SyncMark>, today: Date) -> bool {
    let month = record.month();
    let is_unseen = |mark: &SyncMark| {
        is_looked_at(month, utc_day(mark.synced_at)) && record.compared.is_none_or(|compared| compared < mark.synced_at)
    };
    is_looked_at(month, today) || mark.is_some_and(is_unseen)
}

/// The first day on which a month's cost is not compared any more.
pub(super) fn looked_at_until(month: Month) -> Date {
    let last = (0..LOOK_BACK_MONTHS).fold(month, |month, _| month.next().unwrap_or(month));
    last.period().end()
}
