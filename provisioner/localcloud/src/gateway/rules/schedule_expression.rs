//! EventBridge's schedule expressions: `rate(5 minutes)` and `cron(minutes hours day-of-month month day-of-week year)`.

use std::ops::RangeInclusive;

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One of the six fields of a cron expression.
struct Field {
    name: &'static str,
    range: RangeInclusive<u32>,
    /// Names for the values, the first for the first of the range.
    names: &'static [&'static str],
    /// Whether this is a field of days, which has `?`, `L`, `W` and `#`.
    is_day: bool,
}

const FIELDS: [Field; 6] = [
    Field { name: "minutes", range: 0..=59, names: &[], is_day: false },
    Field { name: "hours", range: 0..=23, names: &[], is_day: false },
    Field { name: "day of month", range: 1..=31, names: &[], is_day: true },
    Field { name: "month", range: 1..=12, names: MONTHS, is_day: false },
    Field { name: "day of week", range: 1..=7, names: WEEKDAYS, is_day: true },
    Field { name: "year", range: 1970..=2199, names: &[], is_day: false },
];

const DAY_OF_MONTH: usize = 2;
const DAY_OF_WEEK: usize = 4;

/// Checks an expression; the error says what is wrong with it.
pub(super) fn check(text: &str) -> Result<(), String> {
    let inner = |name: &str| {
        text.strip_prefix(name).and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.strip_suffix(')'))
    };
    match (inner("rate"), inner("cron")) {
        (Some(rate), _) => check_rate(rate),
        (_, Some(cron)) => check_cron(cron),
        _ => Err("an expression is rate(…) or cron(…)".to_owned()),
    }
}

fn check_rate(text: &str) -> Result<(), String> {
    let (value, unit) = text.split_once(' ').ok_or("a rate is a number and a unit")?;
    let value: u32 =
        value.parse().ok().filter(|value| *value > 0).ok_or("the value of a rate is a whole number above 0")?;
    let (one, many) = (["minute", "hour", "day"], ["minutes", "hours", "days"]);
    match value {
        1 if one.contains(&unit) => Ok(()),
        2.. if many.contains(&unit) => Ok(()),
        1 if many.contains(&unit) => Err(format!("rate(1 {unit}) must be singular")),
        _ if one.contains(&unit) => Err(format!("rate({value} {unit}) must be plural")),
        _ => Err(format!("the unit of a rate is minutes, hours or days, not {unit}")),
    }
}

fn check_cron(text: &str) -> Result<(), String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("a cron expression has {} fields, not {}", FIELDS.len(), fields.len()));
    }
    let (month_day, week_day) = (fields[DAY_OF_MONTH], fields[DAY_OF_WEEK]);
    if (month_day == "?") == (week_day == "?") {
        return Err("exactly one of day of month and day of week must be ?".to_owned());
    }
    fields.iter().zip(&FIELDS).enumerate().try_for_each(|(at, (text, field))| field.check(text, at))
}

impl Field {
    fn check(&self, text: &str, at: usize) -> Result<(), String> {
        if text == "?" && self.is_day {
            return Ok(());
        }
        text.split(',').try_for_each(|part| {
            if self.takes(part, at) { Ok(()) } else { Err(format!("'{part}' is no {}", self.name)) }
        })
    }

    fn takes(&self, part: &str, at: usize) -> bool {
        let (base, step) = part.split_once('/').map_or((part, None), |(base, step)| (base, Some(step)));
        if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0 && step <= *self.range.end())) {
            return false;
        }
        match at {
            DAY_OF_MONTH if base == "L" || base == "LW" => step.is_none(),
            DAY_OF_MONTH if base.ends_with('W') => step.is_none() && self.is_value(&base[..base.len() - 1]),
            DAY_OF_WEEK if base == "L" => step.is_none(),
            DAY_OF_WEEK if base.ends_with('L') => step.is_none() && self.is_value(&base[..base.len() - 1]),
            DAY_OF_WEEK if base.contains('#') => step.is_none() && self.is_nth(base),
            _ => base == "*" || self.is_value(base) || self.is_range(base),
        }
    }

    fn value(&self, text: &str) -> Option<u32> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let named = named.and_then(|at| u32::try_from(at).ok()).map(|at| at + self.range.start());
        named.or_else(|| text.parse().ok().filter(|value| self.range.contains(value)))
    }

    fn is_value(&self, text: &str) -> bool {
        self.value(text).is_some()
    }

    fn is_range(&self, text: &str) -> bool {
        text.split_once('-').is_some_and(|(from, to)| self.is_value(from) && self.is_value(to))
    }

    /// `2#1`: the first Monday of the month.
    fn is_nth(&self, text: &str) -> bool {
        text.split_once('#').is_some_and(|(day, nth)| self.is_value(day) && matches!(nth, "1" | "2" | "3" | "4" | "5"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_expressions_pass() {
        for text in [
            "rate(1 day)",
            "rate(15 minutes)",
            "cron(0 0 1 * ? *)",
            "cron(0/15 * ? * MON-FRI *)",
            "cron(30 6 ? * 2#1 *)",
            "cron(0 0 L * ? *)",
            "cron(0 0 15W * ? 2026-2030)",
            "cron(0 8,20 ? JAN,Jul 6L *)",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn bad_expressions_say_why() {
        for text in [
            "",
            "nope",
            "rate(1 days)",
            "rate(2 day)",
            "rate(0 days)",
            "rate(5 seconds)",
            "rate(-1 days)",
            "rate(5)",
            "cron(0 0 * *)",
            "cron(0 0 1 * * *)",
            "cron(0 0 ? * ? *)",
            "cron(0 25 * * ? *)",
            "cron(60 0 * * ? *)",
            "cron(0 0 32 * ? *)",
            "cron(0 0 * 13 ? *)",
            "cron(0 0 ? * 8 *)",
            "cron(0 0 ? * 2#6 *)",
            "cron(0 0 * * ? 1969)",
            "cron(0/0 0 * * ? *)",
            "cron(? 0 * * ? *)",
            "cron(0 0 1 * ? *",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
