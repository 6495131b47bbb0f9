//! The local cloud's time, and what happened while it passed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use localcloud::timeline::Advanced;
use localcloud::{Fired, Published};

use super::table::aligned;

/// The time in one line.
pub fn time(now: Timestamp, offset_seconds: i64) -> String {
    let ahead = match (offset_seconds / 86_400, offset_seconds % 86_400 / 60) {
        (0, 0) => "as on this machine".to_owned(),
        (0, minutes) => format!("{} ahead of this machine", clock(minutes)),
        (days, 0) => format!("{} ahead of this machine", counted(days, "day")),
        (days, minutes) => format!("{} {} ahead of this machine", counted(days, "day"), clock(minutes)),
    };
    format!("It is {} UTC on the local cloud, {ahead}.\n", now.strftime("%Y-%m-%d %H:%M:%S"))
}

/// The time, the firings of each schedule and the alerts of each budget in a line, and every failure.
pub fn advanced(advanced: &Advanced) -> String {
    let mut out = time(advanced.now, advanced.offset_seconds);
    out.push_str(&aligned(&firings(&advanced.fired)));
    out.push_str(&aligned(&alerts(&advanced.published)));
    for fired in advanced.fired.iter().filter(|fired| !fired.ok) {
        let tries = counted(i64::from(fired.tries), "try").replace("trys", "tries");
        out.push_str(&format!("{} failed at {}, {tries}: {}\n", fired.function, minute(fired.at), fired.error));
    }
    for alert in advanced.published.iter().filter(|alert| !alert.ok) {
        out.push_str(&format!("{} was not notified: {}\n", alert.to, alert.error));
    }
    out
}

/// A row for each schedule and function, in the order of their first firing.
fn firings(fired: &[Fired]) -> Vec<[String; 4]> {
    let mut groups: Vec<(&Fired, i64)> = Vec::new();
    for each in fired {
        let alike = |(first, _): &(&Fired, i64)| (&first.schedule, &first.function) == (&each.schedule, &each.function);
        match groups.iter_mut().find(|group| alike(group)) {
            Some((last, count)) => (*last, *count) = (each, *count + 1),
            None => groups.push((each, 1)),
        }
    }
    let row = |(last, count): (&Fired, i64)| {
        let function = format!("{} {}", last.function, counted(count, "time"));
        ["  fired".to_owned(), last.schedule.clone(), function, format!("last at {}", minute(last.at))]
    };
    groups.into_iter().map(row).collect()
}

/// A row for each budget and recipient, by name.
fn alerts(published: &[Published]) -> Vec<[String; 4]> {
    let mut groups: BTreeMap<(&str, &str), (&Published, i64)> = BTreeMap::new();
    for each in published {
        let group = groups.entry((&each.budget, &each.to)).or_insert((each, 0));
        *group = (each, group.1 + 1);
    }
    let row = |((budget, to), (last, count)): ((&str, &str), (&Published, i64))| {
        let told = format!("{} {}", to, counted(count, "time"));
        ["  budget".to_owned(), budget.to_owned(), told, format!("last at {}", minute(last.at))]
    };
    groups.into_iter().map(row).collect()
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn clock(minutes: i64) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn counted(count: i64, unit: &str) -> String {
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn fired(schedule: &str, when: &str, error: &str) -> Fired {
        Fired {
            schedule: schedule.to_owned(),
            at: at(when),
            function: format!("{schedule}-function"),
            ok: error.is_empty(),
            tries: if error.is_empty() { 1 } else { 3 },
            error: error.to_owned(),
        }
    }

    #[test]
    fn the_time_says_how_far_ahead_it_is() {
        let now = at("2026-12-15T09:12:33Z");
        assert_eq!(time(now, 0), "It is 2026-12-15 09:12:33 UTC on the local cloud, as on this machine.\n");
        let ahead = |offset: i64| time(now, offset).split_once("cloud, ").unwrap().1.to_owned();
        assert_eq!(ahead(86_400), "1 day ahead of this machine.\n");
        assert_eq!(ahead(18 * 86_400 + 5_400), "18 days 01:30 ahead of this machine.\n");
        assert_eq!(ahead(3_600), "01:00 ahead of this machine.\n");
    }

    #[test]
    fn firings_are_counted_and_failures_shown() {
        let text = advanced(&Advanced {
            now: at("2026-11-30T09:00:00Z"),
            offset_seconds: 2 * 86_400,
            fired: vec![
                fired("daily", "2026-11-29T06:00:00Z", ""),
                fired("invoicing", "2026-11-29T08:00:00Z", "no money"),
                fired("daily", "2026-11-30T06:00:00Z", ""),
            ],
            published: vec![Published {
                budget: "acme".to_owned(),
                at: at("2026-11-29T12:00:00Z"),
                alert: "ACTUAL".to_owned(),
                to: "ops@example.com".to_owned(),
                ok: true,
                error: String::new(),
            }],
        });
        let lines: Vec<&str> = text.lines().skip(1).map(str::trim_end).collect();
        assert_eq!(
            lines,
            [
                "  fired  daily      daily-function 2 times     last at 2026-11-30 06:00",
                "  fired  invoicing  invoicing-function 1 time  last at 2026-11-29 08:00",
                "  budget  acme  ops@example.com 1 time  last at 2026-11-29 12:00",
                "invoicing-function failed at 2026-11-29 08:00, 3 tries: no money",
            ]
        );
    }
}
