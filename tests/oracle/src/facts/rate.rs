//! Exchange rates, each of a day.

use jiff::civil::Date;

use crate::exact::Exact;

/// What one dollar was on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The day the rate is of.
    pub date: Date,
    /// The ISO code of the currency.
    pub currency: String,
    /// Its units for one dollar.
    pub per_dollar: Exact,
}

impl Rate {
    /// Returns the days between this rate's day and another.
    pub(super) fn days_from(&self, day: Date) -> u32 {
        let days = self.date.until(day).map_or(i32::MAX, |span| span.get_days());
        days.unsigned_abs()
    }
}
