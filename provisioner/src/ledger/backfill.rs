//! Whether the tags that tell cost apart count in months long past, and what to do where they do not. Pure.
//!
//! A key counts from the day of its activation on. A backfill carries that back by twelve months at most, one at a time
//! and one a day, and Cost Explorer takes the result in within a day:
//! docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/cost-allocation-backfill.html.

use std::collections::BTreeSet;

use billing::Month;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The months that a backfill reaches, before the present one.
const MONTHS_BACK: usize = 12;
/// How long Cost Explorer may take to show what a backfill did.
const TAKEN_IN_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// A tag key as Cost Explorer knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key: `ClientOrganization`.
    pub name: String,
    /// Whether it counts.
    pub active: bool,
    /// When that was last changed; none where AWS does not say.
    pub since: Option<Timestamp>,
}

/// A backfill that was requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backfill {
    /// Its first month.
    pub from: Month,
    /// When it was requested. Keys that were activated later are not in it.
    pub requested: Timestamp,
    /// How far it is.
    pub progress: Progress,
}

/// How far a backfill is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Under way.
    Processing,
    /// Done, and when.
    Succeeded(Timestamp),
    /// AWS could not do it.
    Failed,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The tags count in every month asked for: read them.
    Read,
    /// Request a backfill.
    Request,
    /// Wait, and for what: `AWS works on the backfill …`.
    Wait(String),
    /// It cannot be done: why, and what to do instead.
    Refuse {
        /// Why.
        why: String,
        /// What to do.
        remedy: String,
    },
}

/// What to do so that cost from a month on can be read by these keys.
pub fn next_step(from: Month, now: Timestamp, wanted: &BTreeSet<String>, keys: &[Key], history: &[Backfill]) -> Step {
    let active: Vec<&Key> = keys.iter().filter(|key| key.active && wanted.contains(&key.name)).collect();
    let missing: Vec<&str> =
        wanted.iter().filter(|name| !active.iter().any(|key| key.name == **name)).map(String::as_str).collect();
    if !missing.is_empty() {
        return Step::Refuse {
            why: format!("not active for cost allocation: {}", missing.join(", ")),
            remedy: "`billform apply` activates the keys of `attribution.activate` once AWS has seen them in use"
                .to_owned(),
        };
    }
    let last_activated = active.iter().filter_map(|key| key.since).max();
    // Without a day AWS has nothing to tell: such a key was active before these days were kept.
    if last_activated.is_none_or(|since| first_whole_month(since) <= from) {
        return Step::Read;
    }
    let reaching = history.iter().filter(|backfill| {
        backfill.from <= from && last_activated.is_none_or(|activated| backfill.requested >= activated)
    });
    let newest = reaching.max_by_key(|backfill| backfill.requested);
    match newest.map(|backfill| backfill.progress) {
        Some(Progress::Succeeded(at)) if now.duration_since(at) >= TAKEN_IN_WITHIN => return Step::Read,
        Some(Progress::Succeeded(at)) => {
            let ready = at.saturating_add(TAKEN_IN_WITHIN).unwrap_or(at);
            return Step::Wait(format!(
                "the backfill ended at {at}, and Cost Explorer takes it in within a day: run this again from {ready} on"
            ));
        }
        Some(Progress::Processing) => {
            return Step::Wait(format!("AWS works on the backfill from {from} on: run this again in some hours"));
        }
        Some(Progress::Failed) | None => {}
    }
    let earliest = earliest(now);
    if from < earliest {
        return Step::Refuse {
            why: format!("the tags did not count in {from}, and AWS backfills twelve months at most"),
            remedy: format!("`--from {earliest}` is the earliest month; cost before it stays unallocated"),
        };
    }
    Step::Request
}

/// What to wait for when AWS took no request.
pub fn not_taken(from: Month, history: &[Backfill]) -> String {
    let under_way = history.iter().any(|backfill| backfill.progress == Progress::Processing);
    match under_way {
        true => format!("another backfill is under way: run this again when it has ended, for {from}"),
        false => format!("AWS takes one backfill a day: run this again tomorrow, for {from}"),
    }
}

/// The first month in which a key that was activated at this time counts on every day.
fn first_whole_month(since: Timestamp) -> Month {
    let day = since.to_zoned(TimeZone::UTC).date();
    let month = Month::of(day);
    if day.day() == 1 { month } else { month.next().unwrap_or(month) }
}

fn earliest(now: Timestamp) -> Month {
    let mut month = Month::of(now.to_zoned(TimeZone::UTC).date());
    for _ in 0..MONTHS_BACK {
        month = month.previous().unwrap_or(month);
    }
    month
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T10:00:00Z";

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn month(text: &str) -> Month {
        text.parse().expect("a month")
    }

    fn key(name: &str, since: &str) -> Key {
        Key { name: name.to_owned(), active: true, since: Some(time(since)) }
    }

    fn backfill(from: &str, requested: &str, progress: Progress) -> Backfill {
        Backfill { from: month(from), requested: time(requested), progress }
    }

    fn step(from: &str, keys: &[Key], history: &[Backfill]) -> Step {
        let wanted = BTreeSet::from(["Client".to_owned(), "Project".to_owned()]);
        next_step(month(from), time(NOW), &wanted, keys, history)
    }

    /// Both keys, activated on 2 November.
    fn recent() -> [Key; 2] {
        [key("Client", "2026-05-01T00:00:00Z"), key("Project", "2026-11-02T08:00:00Z")]
    }

    #[test]
    fn months_that_every_key_counts_in_are_read_at_once() {
        assert_eq!(step("2026-12", &recent(), &[]), Step::Read);
        let old = [key("Client", "2026-05-01T00:00:00Z"), key("Project", "2026-04-02T08:00:00Z")];
        assert_eq!(step("2026-05", &old, &[]), Step::Read);
        assert_eq!(step("2026-04", &old, &[]), Step::Request, "the whole of April does not count");
    }

    #[test]
    fn a_key_that_does_not_count_is_refused_by_name() {
        let mut keys = recent();
        keys[1].active = false;
        for keys in [&keys[..], &keys[..1]] {
            let Step::Refuse { why, remedy } = step("2026-10", keys, &[]) else { panic!("it is refused") };
            assert!(why.contains("Project") && remedy.contains("billform apply"), "{why} {remedy}");
        }
    }

    #[test]
    fn a_backfill_is_requested_once_and_waited_for() {
        assert_eq!(step("2026-08", &recent(), &[]), Step::Request);
        let under_way = backfill("2026-08", "2026-11-20T09:00:00Z", Progress::Processing);
        assert!(
            matches!(step("2026-08", &recent(), std::slice::from_ref(&under_way)), Step::Wait(why) if why.contains("2026-08"))
        );
        let done = |at: &str| backfill("2026-07", "2026-11-19T09:00:00Z", Progress::Succeeded(time(at)));
        assert_eq!(step("2026-08", &recent(), &[done("2026-11-20T10:00:00Z")]), Step::Read);
        assert!(
            matches!(step("2026-08", &recent(), &[done("2026-11-20T10:00:01Z")]), Step::Wait(why) if why.contains("2026-11-21T10:00:01Z"))
        );
    }

    #[test]
    fn a_backfill_that_starts_later_is_older_than_a_key_or_failed_does_not_count() {
        let at = time("2026-11-15T00:00:00Z");
        for unfit in [
            backfill("2026-09", "2026-11-10T00:00:00Z", Progress::Succeeded(at)),
            backfill("2026-08", "2026-11-01T00:00:00Z", Progress::Succeeded(at)),
            backfill("2026-08", "2026-11-10T00:00:00Z", Progress::Failed),
        ] {
            assert_eq!(step("2026-08", &recent(), std::slice::from_ref(&unfit)), Step::Request, "{unfit:?}");
        }
    }

    #[test]
    fn twelve_months_are_the_most() {
        assert_eq!(step("2025-11", &recent(), &[]), Step::Request);
        let Step::Refuse { remedy, .. } = step("2025-10", &recent(), &[]) else { panic!("it is refused") };
        assert!(remedy.contains("--from 2025-11"), "{remedy}");
    }

    #[test]
    fn why_a_request_was_not_taken_is_told_apart() {
        let under_way = backfill("2026-10", NOW, Progress::Processing);
        assert!(not_taken(month("2026-08"), &[under_way]).contains("under way"));
        assert!(not_taken(month("2026-08"), &[]).contains("one backfill a day"));
    }
}
