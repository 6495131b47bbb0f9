//! EventBridge's schedule expressions: `rate(5 minutes)` and `cron(minutes hours day-of-month month day-of-week year)`.

use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// Every so often, counted from the moment the rule was created.
    Rate(SignedDuration),
    /// At certain minutes, in UTC.
    Cron(Box<Cron>),
}

impl Schedule {
    /// Parses an expression; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let inner = |name: &str| {
            text.strip_prefix(name).and_then(|rest| rest.strip_prefix('(')).and_then(|rest| rest.strip_suffix(')'))
        };
        match (inner("rate"), inner("cron")) {
            (Some(rate), _) => parse_rate(rate).map(Schedule::Rate),
            (_, Some(cron)) => Ok(Schedule::Cron(Box::new(Cron::parse(cron)?))),
            _ => Err("an expression is rate(…) or cron(…)".to_owned()),
        }
    }

    /// The first moment after `after` and up to `until` at which a rule created at `created` is due.
    pub fn next(&self, created: Timestamp, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        match self {
            Schedule::Cron(cron) => cron.next(after.max(created), until),
            Schedule::Rate(every) => {
                let passed = after.max(created).duration_since(created).as_secs().div_euclid(every.as_secs());
                let due = created.checked_add(SignedDuration::from_secs((passed + 1) * every.as_secs())).ok()?;
                (due <= until).then_some(due)
            }
        }
    }
}

fn parse_rate(text: &str) -> Result<SignedDuration, String> {
    let (value, unit) = text.split_once(' ').ok_or("a rate is a number and a unit")?;
    let value: u32 =
        value.parse().ok().filter(|value| *value > 0).ok_or("the value of a rate is a whole number above 0")?;
    let (one, many, seconds) = (["minute", "hour", "day"], ["minutes", "hours", "days"], [60, 3_600, 86_400]);
    let units = if value == 1 { one } else { many };
    let Some(at) = units.iter().position(|name| *name == unit) else {
        return Err(match value {
            1 if many.contains(&unit) => format!("rate(1 {unit}) must be singular"),
            2.. if one.contains(&unit) => format!("rate({value} {unit}) must be plural"),
            _ => format!("the unit of a rate is minutes, hours or days, not {unit}"),
        });
    };
    Ok(SignedDuration::from_secs(i64::from(value) * seconds[at]))
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
            assert!(Schedule::parse(text).is_ok(), "{text}");
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
            "rate(5 dayss)",
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
            "cron(0 0 L/2 * ? *)",
            "cron(0 0 1 * ? *",
        ] {
            assert!(Schedule::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_counts_from_its_rules_creation() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let schedule = Schedule::parse("rate(12 hours)").unwrap();
        let (created, far) = (at("2026-11-26T09:30:00Z"), at("2027-01-01T00:00:00Z"));
        assert_eq!(schedule.next(created, at("2026-11-26T00:00:00Z"), far), Some(at("2026-11-26T21:30:00Z")));
        assert_eq!(schedule.next(created, at("2026-11-26T21:30:00Z"), far), Some(at("2026-11-27T09:30:00Z")));
        assert_eq!(schedule.next(created, created, at("2026-11-26T21:29:59Z")), None);
    }

    #[test]
    fn a_cron_rule_is_not_due_before_it_exists() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let schedule = Schedule::parse("cron(0 6 * * ? *)").unwrap();
        let next = schedule.next(at("2026-11-27T07:00:00Z"), at("2026-11-27T05:00:00Z"), at("2027-01-01T00:00:00Z"));
        assert_eq!(next, Some(at("2026-11-28T06:00:00Z")));
    }
}
