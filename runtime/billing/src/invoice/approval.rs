//! When billform may finalise a draft by itself, and what waits for a person.

use rust_decimal::Decimal;

use super::{InvoiceRecord, InvoiceState};
use crate::{Money, Month, Percent};

/// The rules of `approval: automatic`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AutomaticApproval {
    /// What an invoice comes to at most, in its own currency; an invoice in another currency waits.
    pub limit: Option<Money>,
    /// How far it may lie off the mean of the tenant's last three months, as a share of that mean.
    pub deviation: Option<Percent>,
}

/// Why a draft waits for a person although approval is automatic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Held {
    /// Above the limit.
    #[error("{total} is above the limit of {limit}; approve it with `billform invoice approve`")]
    AboveLimit {
        /// What it comes to.
        total: Money,
        /// The limit.
        limit: Money,
    },
    /// The limit says nothing about this currency.
    #[error("{total} cannot be held against the limit of {limit}; approve it with `billform invoice approve`")]
    OtherCurrency {
        /// What it comes to.
        total: Money,
        /// The limit.
        limit: Money,
    },
    /// Far from what the tenant's months come to.
    #[error(
        "{own} is more than {deviation} off {mean}, the mean of the last months; approve it with `billform invoice \
         approve`"
    )]
    Unusual {
        /// What the month comes to by its own cost.
        own: Money,
        /// The mean.
        mean: Money,
        /// How far off is allowed.
        deviation: Percent,
    },
}

/// Months whose mean is compared.
const MONTHS: usize = 3;

impl AutomaticApproval {
    /// Whether a complete draft may be finalised without a person: its total by the limit, the month's own cost by the
    /// mean of the months before. `records` are the tenant's invoices.
    ///
    /// # Errors
    /// Why it waits for one. A tenant's first month has no mean to be compared with: only the limit holds.
    pub fn allows(&self, total: Money, own: Money, month: Month, records: &[InvoiceRecord]) -> Result<(), Held> {
        if let Some(limit) = self.limit {
            if limit.currency != total.currency {
                return Err(Held::OtherCurrency { total, limit });
            }
            if total.amount > limit.amount {
                return Err(Held::AboveLimit { total, limit });
            }
        }
        let Some((deviation, mean)) = self.deviation.zip(mean(own, month, records)) else { return Ok(()) };
        let off = (own.amount - mean.amount).abs();
        if off > deviation.of(mean.amount).abs() {
            return Err(Held::Unusual { own, mean: mean.rounded(), deviation });
        }
        Ok(())
    }
}

/// The mean of what the months before came to by their own cost; none without one.
fn mean(own: Money, month: Month, records: &[InvoiceRecord]) -> Option<Money> {
    let counted = |record: &&InvoiceRecord| {
        record.month() < month
            && record.invoice.currency == own.currency
            && !matches!(record.state, InvoiceState::Void | InvoiceState::Deleted)
    };
    let mut before: Vec<&InvoiceRecord> = records.iter().filter(counted).collect();
    before.sort_by_key(|record| std::cmp::Reverse(record.month()));
    before.truncate(MONTHS);
    let sum: Decimal = before.iter().map(|record| record.accounted().amount).sum();
    let count = Decimal::from(before.len());
    (!before.is_empty()).then(|| Money::new(sum / count, own.currency))
}
