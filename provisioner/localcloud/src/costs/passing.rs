//! Time that passes in the cost model.

use jiff::ToSpan;
use jiff::civil::Date;

use super::model::CostModel;
use super::row::CostRow;

/// The day of a month from which on the month before is final. AWS issues the invoice on the 3rd to the 5th and
/// reckons support plans on the 6th or 7th.
const FINAL_FROM: i8 = 6;

impl CostModel {
    /// Lets time pass until `day` is today: the days before it get their monthly costs, and months become final as AWS
    /// finalises them. False when nothing changed: for an earlier day, and in a model without a present day.
    pub fn pass_to(&mut self, day: Date) -> bool {
        let Some(today) = self.today.filter(|today| *today < day) else { return false };
        let rows: Vec<CostRow> = self.monthly.iter().flat_map(|line| line.rows(today, day)).collect();
        self.rows.extend(rows);
        self.today = Some(day);
        self.estimated_from = self.estimated_from.map(|from| from.max(estimated_from(day)));
        true
    }
}

/// The first day of the months that are not final on a day.
fn estimated_from(today: Date) -> Date {
    let this_month = today.first_of_month();
    match today.day() {
        FINAL_FROM.. => this_month,
        _ => this_month.saturating_sub(1.month()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use rust_decimal::Decimal;

    fn model(today: Date) -> CostModel {
        CostModel::example(today)
    }

    #[test]
    fn small_steps_and_one_large_step_come_to_the_same() {
        let (start, end) = (date(2026, 11, 27), date(2027, 3, 2));
        let mut at_once = model(start);
        assert!(at_once.pass_to(end));
        let mut in_steps = model(start);
        let mut day = start;
        while day < end {
            day = day.saturating_add(1.day());
            assert!(in_steps.pass_to(day));
        }
        let sorted = |model: &CostModel| {
            let mut rows: Vec<String> = model.rows.iter().map(|row| format!("{row:?}")).collect();
            rows.sort();
            rows
        };
        assert!(sorted(&in_steps) == sorted(&at_once));
        assert_eq!((in_steps.today, in_steps.estimated_from), (at_once.today, at_once.estimated_from));
        for month in [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)] {
            let rows = at_once.rows.iter().filter(|row| row.date.first_of_month() == month);
            assert_eq!(rows.map(|row| row.amount).sum::<Decimal>(), Decimal::new(14_235, 2), "{month}");
        }
    }

    #[test]
    fn a_day_has_no_cost_before_it_is_over() {
        let mut model = model(date(2026, 11, 27));
        model.pass_to(date(2026, 11, 29));
        assert_eq!(model.rows.iter().map(|row| row.date).max(), Some(date(2026, 11, 28)));
        assert!(!model.pass_to(date(2026, 11, 28)), "time does not go back");
        assert!(!CostModel::default().pass_to(date(2026, 11, 28)), "no present day, no time");
    }

    #[test]
    fn a_month_is_an_estimate_until_the_sixth_of_the_next() {
        let mut model = model(date(2026, 11, 27));
        for (today, from) in [
            (date(2026, 11, 30), date(2026, 11, 1)),
            (date(2026, 12, 5), date(2026, 11, 1)),
            (date(2026, 12, 6), date(2026, 12, 1)),
            (date(2027, 1, 1), date(2026, 12, 1)),
        ] {
            model.pass_to(today);
            assert_eq!(model.estimated_from, Some(from), "{today}");
        }
    }

    #[test]
    fn what_was_final_stays_final() {
        let mut model = model(date(2026, 12, 2));
        assert_eq!(model.estimated_from, Some(date(2026, 12, 1)));
        model.pass_to(date(2026, 12, 3));
        assert_eq!(model.estimated_from, Some(date(2026, 12, 1)));
    }
}
