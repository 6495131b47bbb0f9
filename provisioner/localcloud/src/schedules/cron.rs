//! AWS's cron expressions: minutes, hours, day of month, month, day of week, year; always in UTC.
//!
//! Source: docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html, "Cron expressions".

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One of the six fields of an expression.
struct Field {
    name: &'static str,
    range: RangeInclusive<i16>,
    /// Names for the values, the first for the first of the range.
    names: &'static [&'static str],
}

const MINUTES: Field = Field { name: "minutes", range: 0..=59, names: &[] };
const HOURS: Field = Field { name: "hours", range: 0..=23, names: &[] };
const MONTH_DAYS: Field = Field { name: "day of month", range: 1..=31, names: &[] };
const MONTH: Field = Field { name: "month", range: 1..=12, names: MONTHS };
const WEEK_DAYS: Field = Field { name: "day of week", range: 1..=7, names: WEEKDAYS };
const YEARS: Field = Field { name: "year", range: 1970..=2199, names: &[] };

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: BTreeSet<i16>,
    hours: BTreeSet<i16>,
    days: Days,
    months: BTreeSet<i16>,
    years: BTreeSet<i16>,
}

/// The days of a month; the field that says `?` decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(Vec<MonthDay>),
    OfWeek(Vec<WeekDay>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum MonthDay {
    /// `1`, `1-5`, `*/2`
    Among(BTreeSet<i16>),
    /// `L`
    Last,
    /// `LW`: the last day from Monday to Friday.
    LastWeekday,
    /// `15W`: the day from Monday to Friday that is nearest to the 15th and in the same month.
    Nearest(i16),
}

/// Days of the week, Sunday being 1 and Saturday 7.
#[derive(Clone, Debug, PartialEq, Eq)]
enum WeekDay {
    /// `MON-FRI`; `L` alone is Saturday.
    Among(BTreeSet<i16>),
    /// `6L`: the last Friday of the month.
    LastOf(i16),
    /// `2#1`: the first Monday of the month.
    Nth(i16, i16),
}

impl Cron {
    /// Parses the six fields; the error says which part is wrong.
    pub fn parse(text: &str) -> Result<Cron, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, month_day, month, week_day, year] = fields[..] else {
            return Err(format!("a cron expression has 6 fields, not {}", fields.len()));
        };
        let days = match (month_day, week_day) {
            ("?", "?") => None,
            (_, "?") => Some(Days::OfMonth(parts(&MONTH_DAYS, month_day, MonthDay::parse)?)),
            ("?", _) => Some(Days::OfWeek(parts(&WEEK_DAYS, week_day, WeekDay::parse)?)),
            _ => None,
        };
        let days = days.ok_or("exactly one of day of month and day of week must be ?")?;
        let among =
            |field: &Field, text| Ok::<_, String>(parts(field, text, Field::among)?.into_iter().flatten().collect());
        Ok(Cron {
            minutes: among(&MINUTES, minutes)?,
            hours: among(&HOURS, hours)?,
            days,
            months: among(&MONTH, month)?,
            years: among(&YEARS, year)?,
        })
    }

    /// The first moment after `after` and up to `until`; none when it is due at none of them.
    pub fn next(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let (first, last) = (after.to_zoned(TimeZone::UTC).date(), until.to_zoned(TimeZone::UTC).date());
        let mut day = first;
        while day <= last {
            let moments = self.includes(day).then(|| self.times().filter_map(move |time| moment(day, time)));
            if let Some(moment) = moments.into_iter().flatten().find(|moment| *moment > after) {
                return (moment <= until).then_some(moment);
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    fn includes(&self, day: Date) -> bool {
        let on_day = match &self.days {
            Days::OfMonth(days) => days.iter().any(|part| part.includes(day)),
            Days::OfWeek(days) => days.iter().any(|part| part.includes(day)),
        };
        on_day && self.months.contains(&i16::from(day.month())) && self.years.contains(&day.year())
    }

    fn times(&self) -> impl Iterator<Item = Time> + '_ {
        let narrow = |value: &i16| i8::try_from(*value).ok();
        let hours = self.hours.iter().filter_map(narrow);
        hours.flat_map(move |hour| {
            self.minutes.iter().filter_map(narrow).filter_map(move |minute| Time::new(hour, minute, 0, 0).ok())
        })
    }
}

impl MonthDay {
    fn parse(field: &Field, part: &str) -> Option<MonthDay> {
        match part {
            "L" => Some(MonthDay::Last),
            "LW" => Some(MonthDay::LastWeekday),
            _ => match part.strip_suffix('W') {
                Some(day) => field.value(day).map(MonthDay::Nearest),
                None => field.among(part).map(MonthDay::Among),
            },
        }
    }

    fn includes(&self, day: Date) -> bool {
        match self {
            MonthDay::Among(days) => days.contains(&i16::from(day.day())),
            MonthDay::Last => day == day.last_of_month(),
            MonthDay::LastWeekday => day == nearest_weekday(day.last_of_month()),
            MonthDay::Nearest(wanted) => {
                let wanted = i8::try_from(*wanted).ok().filter(|wanted| *wanted <= day.days_in_month());
                let wanted = wanted.and_then(|wanted| Date::new(day.year(), day.month(), wanted).ok());
                wanted.is_some_and(|wanted| day == nearest_weekday(wanted))
            }
        }
    }
}

impl WeekDay {
    fn parse(field: &Field, part: &str) -> Option<WeekDay> {
        if part == "L" {
            return Some(WeekDay::Among([*field.range.end()].into()));
        }
        if let Some((day, nth)) = part.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth))?;
            return Some(WeekDay::Nth(field.value(day)?, nth));
        }
        match part.strip_suffix('L') {
            Some(day) => field.value(day).map(WeekDay::LastOf),
            None => field.among(part).map(WeekDay::Among),
        }
    }

    fn includes(&self, day: Date) -> bool {
        let today = i16::from(day.weekday().to_sunday_one_offset());
        match self {
            WeekDay::Among(days) => days.contains(&today),
            WeekDay::LastOf(wanted) => today == *wanted && i16::from(day.day()) > i16::from(day.days_in_month()) - 7,
            WeekDay::Nth(wanted, nth) => today == *wanted && (i16::from(day.day()) - 1) / 7 + 1 == *nth,
        }
    }
}

impl Field {
    /// The values of `5`, `1-5`, `*`, `*/10`, `5/10` or `10-50/10`. A range may go past the end: `FRI-MON`.
    fn among(&self, part: &str) -> Option<BTreeSet<i16>> {
        let (base, step) = match part.split_once('/') {
            None => (part, None),
            Some((base, step)) => (base, Some(self.step(step)?)),
        };
        let (first, last) = (*self.range.start(), *self.range.end());
        let (from, to) = match (base, base.split_once('-')) {
            ("*", _) => (first, last),
            (_, Some((from, to))) => (self.value(from)?, self.value(to)?),
            (_, None) => {
                let value = self.value(base)?;
                (value, if step.is_some() { last } else { value })
            }
        };
        let length = if from <= to { to - from } else { last - first + 1 - (from - to) };
        let wrapped = |at: i16| (from - first + at) % (last - first + 1) + first;
        Some((0..=length).step_by(step.unwrap_or(1)).map(wrapped).collect())
    }

    fn step(&self, text: &str) -> Option<usize> {
        text.parse()
            .ok()
            .filter(|step: &i16| *step > 0 && step <= self.range.end())
            .and_then(|step| step.try_into().ok())
    }

    fn value(&self, text: &str) -> Option<i16> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| i16::try_from(at).ok()).map(|at| at + self.range.start());
        named.or_else(|| text.parse().ok().filter(|value| self.range.contains(value)))
    }
}

/// The parts of a field, which commas separate.
fn parts<T>(field: &Field, text: &str, parse: impl Fn(&Field, &str) -> Option<T>) -> Result<Vec<T>, String> {
    let one = |part| parse(field, part).ok_or_else(|| format!("'{part}' is not a valid {}", field.name));
    text.split(',').map(one).collect()
}

fn moment(day: Date, time: Time) -> Option<Timestamp> {
    day.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The day from Monday to Friday nearest to `day`, without leaving its month.
fn nearest_weekday(day: Date) -> Date {
    let days = match day.weekday().to_monday_one_offset() {
        6 if day.day() == 1 => 2,
        6 => -1,
        7 if day == day.last_of_month() => -2,
        7 => 1,
        _ => 0,
    };
    day.saturating_add(days.days())
}

#[cfg(test)]
mod tests;
