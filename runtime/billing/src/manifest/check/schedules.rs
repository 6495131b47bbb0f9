//! Schedule expressions as EventBridge takes them.

use super::{Checker, steps};

pub(super) fn check(checker: &mut Checker<'_>) {
    for (name, schedule) in &checker.manifest.schedules {
        let Some(expression) = &schedule.expression else { continue };
        let Some(fault) = fault_of(expression) else { continue };
        let hint = "write it as cron(0 6 * * ? *), minute hour day month weekday year in UTC, or as rate(1 day)";
        let message = format!("`{expression}` is no schedule: {fault}");
        checker.at(&steps!["schedules", name, "expression"], message, hint.to_owned());
    }
}

/// What is wrong with an expression.
fn fault_of(expression: &str) -> Option<String> {
    if let Some(inner) = inside(expression, "cron(") {
        return cron_fault(inner);
    }
    match inside(expression, "rate(") {
        Some(inner) => rate_fault(inner),
        None => Some("it is neither cron(…) nor rate(…)".to_owned()),
    }
}

fn inside<'a>(expression: &'a str, opening: &str) -> Option<&'a str> {
    expression.strip_prefix(opening)?.strip_suffix(')')
}

fn rate_fault(inner: &str) -> Option<String> {
    let (count, unit) = inner.split_once(' ').unwrap_or((inner, ""));
    let fits = match count.parse::<u32>() {
        Ok(0) | Err(_) => false,
        Ok(1) => matches!(unit, "minute" | "hour" | "day"),
        Ok(_) => matches!(unit, "minutes" | "hours" | "days"),
    };
    (!fits).then(|| "a rate is a whole number and minutes, hours or days".to_owned())
}

/// A cron field: its name, its range, the names it knows, the letters and signs it knows.
struct Field {
    name: &'static str,
    range: (u32, u32),
    names: &'static [&'static str],
    signs: &'static str,
}

const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const FIELDS: [Field; 6] = [
    Field { name: "minute", range: (0, 59), names: &[], signs: "" },
    Field { name: "hour", range: (0, 23), names: &[], signs: "" },
    Field { name: "day", range: (1, 31), names: &[], signs: "?LW" },
    Field { name: "month", range: (1, 12), names: MONTHS, signs: "" },
    Field { name: "weekday", range: (1, 7), names: WEEKDAYS, signs: "?L#" },
    Field { name: "year", range: (1970, 2199), names: &[], signs: "" },
];

fn cron_fault(inner: &str) -> Option<String> {
    let fields: Vec<&str> = inner.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Some(format!("it has {} fields, not 6", fields.len()));
    }
    if (fields[2] == "?") == (fields[4] == "?") {
        return Some("exactly one of day and weekday is `?`".to_owned());
    }
    let bad = FIELDS.iter().zip(&fields).find(|(field, text)| !text.split(',').all(|item| field.takes(item)));
    bad.map(|(field, text)| format!("`{text}` is no {}", field.name))
}

impl Field {
    fn takes(&self, item: &str) -> bool {
        let (span, step) = item.split_once('/').map_or((item, None), |(span, step)| (span, Some(step)));
        let step = step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0));
        step && match span.split_once('-') {
            _ if span == "*" || (span == "?" && self.signs.contains('?')) => true,
            Some((from, to)) => self.is_value(from) && self.is_value(to),
            None => self.is_value(span) || self.is_special(span),
        }
    }

    fn is_value(&self, text: &str) -> bool {
        let (low, high) = self.range;
        let number = text.bytes().all(|b| b.is_ascii_digit()) && text.parse().is_ok_and(|n| (low..=high).contains(&n));
        number || self.names.iter().any(|name| text.eq_ignore_ascii_case(name))
    }

    /// `L` the last, `15W` the weekday nearest to the 15th, `6L` the last Friday, `3#2` the second Tuesday.
    fn is_special(&self, text: &str) -> bool {
        let after = |sign: char| self.signs.contains(sign).then(|| text.strip_suffix(sign)).flatten();
        let last = after('L').is_some_and(|value| value.is_empty() || (self.names.len() == 7 && self.is_value(value)));
        let near = after('W').is_some_and(|value| value == "L" || self.is_value(value));
        let nth = self.signs.contains('#')
            && text
                .split_once('#')
                .is_some_and(|(day, n)| self.is_value(day) && n.parse::<u32>().is_ok_and(|n| (1..=5).contains(&n)));
        last || near || nth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_eventbridge_takes() {
        for good in [
            "cron(0 0 1 * ? *)",
            "cron(0/15 8-18 ? * MON-FRI *)",
            "cron(0 10 L * ? 2026-2030)",
            "cron(0 9 ? * 3#2 *)",
            "cron(5,35 14 * * ? *)",
            "rate(1 day)",
            "rate(12 hours)",
        ] {
            assert_eq!(fault_of(good), None, "{good}");
        }
    }

    #[test]
    fn expressions_that_it_refuses() {
        for bad in [
            "0 0 1 * ? *",
            "cron(0 0 1 * *)",
            "cron(0 0 1 * * *)",
            "cron(0 0 ? * ? *)",
            "cron(60 0 1 * ? *)",
            "cron(0 24 1 * ? *)",
            "cron(0 0 32 * ? *)",
            "cron(0 0 1 13 ? *)",
            "rate(1 days)",
            "rate(0 hours)",
            "rate(5)",
            "at(2026-01-01T00:00:00)",
            "",
        ] {
            assert!(fault_of(bad).is_some(), "{bad}");
        }
    }
}
