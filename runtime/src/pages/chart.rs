//! The chart of a month's days beside the month before: bars in a drawing that stretches, words and figures in HTML
//! around it, so that they keep their size on a small screen.

use std::collections::BTreeMap;

use billing::costs::ShownDay;
use jiff::civil::Date;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::amount::Amount;
use super::locale::Locale;

/// Units of the drawing: one day is this wide, all days are this high.
const SLOT: i64 = 20;
const HEIGHT: i64 = 200;
/// Days of the longest month.
const DAYS: i8 = 31;

/// The chart and its table.
pub(super) struct DayChart {
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) bars: Vec<Bar>,
    /// From the top down: what the lines stand for.
    pub(super) ticks: Vec<String>,
    /// Where the lines are, from the top down.
    pub(super) lines: Vec<i64>,
    /// Where the line of zero is.
    pub(super) zero: i64,
    pub(super) rows: Vec<DayRow>,
}

/// One bar.
pub(super) struct Bar {
    /// `now` or `was`.
    pub(super) class: &'static str,
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    /// What it says when it is pointed at.
    pub(super) title: String,
}

/// A day of the table.
pub(super) struct DayRow {
    pub(super) day: i8,
    pub(super) now: Option<Amount>,
    pub(super) was: Option<Amount>,
}

/// The days of this month, and of the one before.
pub(super) fn by_day(locale: Locale, now: &[ShownDay], was: &[ShownDay]) -> DayChart {
    let of = |days: &[ShownDay]| -> BTreeMap<i8, (Date, Decimal)> {
        days.iter().map(|day| (day.date.day(), (day.date, day.cost.0))).collect()
    };
    let (now, was) = (of(now), of(was));
    let costs = || now.values().chain(was.values()).map(|(_, cost)| *cost);
    let (least, most) = (costs().min().unwrap_or_default(), costs().max().unwrap_or_default());
    let scale = Scale::over(least.min(Decimal::ZERO), most.max(Decimal::ZERO));
    let bar = |class: &'static str, width: i64, day: i8, date: Date, cost: Decimal| {
        let (top, bottom) = (scale.place(cost.max(Decimal::ZERO)), scale.place(cost.min(Decimal::ZERO)));
        let x = i64::from(day - 1) * SLOT + (SLOT - width) / 2;
        let title = format!("{}: {}", locale.day_of_year(date), locale.dollars(cost));
        Bar { class, x, y: top, width, height: bottom - top, title }
    };
    let behind = was.iter().map(|(day, (date, cost))| bar("was", 16, *day, *date, *cost));
    let before = now.iter().map(|(day, (date, cost))| bar("now", 8, *day, *date, *cost));
    let amount = |of: Option<&(Date, Decimal)>| of.map(|(_, cost)| Amount::dollars(locale, *cost));
    DayChart {
        width: i64::from(DAYS) * SLOT,
        height: HEIGHT,
        bars: behind.chain(before).filter(|bar| bar.height > 0).collect(),
        ticks: scale.ticks().map(|tick| locale.dollars(tick)).collect(),
        lines: scale.ticks().map(|tick| scale.place(tick)).collect(),
        zero: scale.place(Decimal::ZERO),
        rows: (1..=DAYS)
            .filter(|day| now.contains_key(day) || was.contains_key(day))
            .map(|day| DayRow { day, now: amount(now.get(&day)), was: amount(was.get(&day)) })
            .collect(),
    }
}

/// From the lowest to the highest line in equal steps, one of them at zero.
struct Scale {
    step: Decimal,
    /// How many steps below and above zero.
    below: i64,
    above: i64,
}

impl Scale {
    fn over(least: Decimal, most: Decimal) -> Scale {
        let step = step((most - least) / Decimal::from(4));
        let steps = |span: Decimal| (span / step).ceil().to_i64().unwrap_or(1);
        Scale { step, below: steps(-least), above: steps(most).max(1) }
    }

    /// From the top down.
    fn ticks(&self) -> impl Iterator<Item = Decimal> {
        (-self.below..=self.above).rev().map(|at| self.step * Decimal::from(at))
    }

    /// How far from the top an amount is, in units of the drawing.
    fn place(&self, amount: Decimal) -> i64 {
        let whole = self.step * Decimal::from(self.below + self.above);
        let from_top = self.step * Decimal::from(self.above) - amount;
        (from_top * Decimal::from(HEIGHT) / whole).round().to_i64().unwrap_or(0)
    }
}

/// The next round number from `least` on: 1, 2 or 5 times a power of ten, a cent at least.
fn step(least: Decimal) -> Decimal {
    let mut unit = Decimal::new(1, 2);
    loop {
        for times in [1, 2, 5] {
            let step = unit * Decimal::from(times);
            if step >= least {
                return step;
            }
        }
        match unit.checked_mul(Decimal::TEN) {
            Some(next) => unit = next,
            None => return least,
        }
    }
}

#[cfg(test)]
mod tests {
    use billing::exact::ExactNumber;
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn days(costs: &[i64]) -> Vec<ShownDay> {
        let day =
            |(at, cents): (i8, &i64)| ShownDay { date: date(2026, 11, at), cost: ExactNumber(Decimal::new(*cents, 2)) };
        (1..).zip(costs).map(day).collect()
    }

    #[test]
    fn lines_stand_at_round_numbers_and_the_highest_bar_below_the_top() {
        let chart = by_day(Locale::of("en-US"), &days(&[350, 820, 100]), &[]);
        assert_eq!(chart.ticks, ["$10.00", "$5.00", "$0.00"]);
        assert_eq!(chart.lines, [0, 100, 200]);
        assert_eq!((chart.bars[1].y, chart.bars[1].height), (36, 164));
        assert_eq!(chart.rows.len(), 3);
    }

    #[test]
    fn a_refund_hangs_below_zero() {
        let chart = by_day(Locale::of("en-US"), &days(&[500, -500]), &[]);
        assert_eq!((chart.ticks.len(), chart.zero), (3, 100));
        assert_eq!((chart.bars[0].y, chart.bars[1].y), (0, 100));
    }

    #[test]
    fn nothing_is_a_chart_of_no_bars() {
        let chart = by_day(Locale::of("en-US"), &days(&[0, 0]), &[]);
        assert!(chart.bars.is_empty());
        assert_eq!(chart.rows.len(), 2);
    }

    proptest! {
        /// Whatever the amounts, every bar stays within the drawing.
        #[test]
        fn bars_stay_within(costs in prop::collection::vec(-99_999_999_i64..99_999_999_999, 0..28)) {
            let chart = by_day(Locale::of("de"), &days(&costs), &days(&costs));
            prop_assert!(chart.ticks.len() <= 8, "{:?}", chart.ticks);
            for bar in &chart.bars {
                prop_assert!(bar.y >= 0 && bar.y + bar.height <= HEIGHT && bar.x >= 0 && bar.x + bar.width <= chart.width);
            }
        }
    }
}
