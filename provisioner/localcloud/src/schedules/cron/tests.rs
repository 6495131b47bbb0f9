use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The first moments after one, at most `count`.
fn due(fields: &str, after: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(fields).unwrap();
    let until = at("2199-12-31T23:59:00Z");
    let next = |after: &Timestamp| cron.next(*after, until);
    let moments = std::iter::successors(next(&at(after)), next).take(count);
    moments.map(|moment| moment.strftime("%a %Y-%m-%d %H:%M").to_string()).collect()
}

#[test]
fn the_examples_of_awss_guide() {
    // "Examples" of the page that the module names, from Thursday 2026-11-26 on.
    let from = "2026-11-26T00:00:00Z";
    for (fields, expected) in [
        ("0 10 * * ? *", ["Thu 2026-11-26 10:00", "Fri 2026-11-27 10:00", "Sat 2026-11-28 10:00"]),
        ("15 12 * * ? *", ["Thu 2026-11-26 12:15", "Fri 2026-11-27 12:15", "Sat 2026-11-28 12:15"]),
        ("0 18 ? * MON-FRI *", ["Thu 2026-11-26 18:00", "Fri 2026-11-27 18:00", "Mon 2026-11-30 18:00"]),
        ("0 8 1 * ? *", ["Tue 2026-12-01 08:00", "Fri 2027-01-01 08:00", "Mon 2027-02-01 08:00"]),
        ("0/15 * * * ? *", ["Thu 2026-11-26 00:15", "Thu 2026-11-26 00:30", "Thu 2026-11-26 00:45"]),
        ("0/10 * ? * MON-FRI *", ["Thu 2026-11-26 00:10", "Thu 2026-11-26 00:20", "Thu 2026-11-26 00:30"]),
        ("0/5 8-17 ? * MON-FRI *", ["Thu 2026-11-26 08:00", "Thu 2026-11-26 08:05", "Thu 2026-11-26 08:10"]),
    ] {
        assert_eq!(due(fields, from, 3), expected, "{fields}");
    }
}

#[test]
fn last_nearest_and_nth_days() {
    let from = "2026-11-26T00:00:00Z";
    for (fields, expected) in [
        ("0 0 L * ? *", ["Mon 2026-11-30 00:00", "Thu 2026-12-31 00:00", "Sun 2027-01-31 00:00"]),
        // 2027-01-31 is a Sunday: Friday before it.
        ("0 0 LW * ? *", ["Mon 2026-11-30 00:00", "Thu 2026-12-31 00:00", "Fri 2027-01-29 00:00"]),
        // 2027-05-01 is a Saturday: Monday after it, as Friday is in April.
        ("0 0 1W 5 ? *", ["Mon 2027-05-03 00:00", "Mon 2028-05-01 00:00", "Tue 2029-05-01 00:00"]),
        ("0 0 15W * ? *", ["Tue 2026-12-15 00:00", "Fri 2027-01-15 00:00", "Mon 2027-02-15 00:00"]),
        ("0 0 ? * 6L *", ["Fri 2026-11-27 00:00", "Fri 2026-12-25 00:00", "Fri 2027-01-29 00:00"]),
        ("30 6 ? * 2#1 *", ["Mon 2026-12-07 06:30", "Mon 2027-01-04 06:30", "Mon 2027-02-01 06:30"]),
        ("0 0 ? * L *", ["Sat 2026-11-28 00:00", "Sat 2026-12-05 00:00", "Sat 2026-12-12 00:00"]),
        ("0 0 ? * FRI-SUN *", ["Fri 2026-11-27 00:00", "Sat 2026-11-28 00:00", "Sun 2026-11-29 00:00"]),
        ("0 0 1,L * ? *", ["Mon 2026-11-30 00:00", "Tue 2026-12-01 00:00", "Thu 2026-12-31 00:00"]),
        ("0 8,20 ? JAN,Jul 6L *", ["Fri 2027-01-29 08:00", "Fri 2027-01-29 20:00", "Fri 2027-07-30 08:00"]),
        ("0 0 31W * ? *", ["Thu 2026-12-31 00:00", "Fri 2027-01-29 00:00", "Wed 2027-03-31 00:00"]),
        ("0 0 ? * 3#5 *", ["Tue 2026-12-29 00:00", "Tue 2027-03-30 00:00", "Tue 2027-06-29 00:00"]),
    ] {
        assert_eq!(due(fields, from, 3), expected, "{fields}");
    }
}

#[test]
fn months_and_years_end() {
    assert_eq!(
        due("59 23 31 12 ? 2026-2027", "2026-11-26T00:00:00Z", 9),
        ["Thu 2026-12-31 23:59", "Fri 2027-12-31 23:59"]
    );
    assert_eq!(due("0 0 29 2 ? *", "2026-11-26T00:00:00Z", 2), ["Tue 2028-02-29 00:00", "Sun 2032-02-29 00:00"]);
    assert_eq!(due("0 0 30 2 ? *", "2026-11-26T00:00:00Z", 1), Vec::<String>::new());
}

#[test]
fn a_moment_is_due_once_and_within_its_bounds() {
    let cron = Cron::parse("0 6 * * ? *").unwrap();
    let due = at("2026-11-27T06:00:00Z");
    assert_eq!(cron.next(at("2026-11-27T05:59:59Z"), due), Some(due));
    assert_eq!(cron.next(due, at("2026-11-28T05:59:59Z")), None);
}

/// A set of minutes, hours and one kind of days, as text.
fn fields() -> impl Strategy<Value = String> {
    let days = prop_oneof![
        Just("* * ?".to_owned()),
        (1..=28_u8).prop_map(|day| format!("{day} * ?")),
        (1..=31_u8).prop_map(|day| format!("{day}W * ?")),
        (1..=7_u8, 1..=5_u8).prop_map(|(day, nth)| format!("? * {day}#{nth}")),
        (1..=7_u8).prop_map(|day| format!("? * {day}L")),
        (1..=7_u8, 1..=7_u8).prop_map(|(from, to)| format!("? * {from}-{to}")),
    ];
    (0..60_u8, 0..24_u8, 1..12_u8, days)
        .prop_map(|(minute, hour, step, days)| format!("{minute} {hour}/{step} {days} *"))
}

proptest! {
    /// However a span is cut, the same moments are due in it.
    #[test]
    fn small_steps_find_what_one_large_step_finds(fields in fields(), cuts in prop::collection::vec(0_i64..40 * 86_400, 0..12)) {
        let cron = Cron::parse(&fields).unwrap();
        let start = at("2026-11-26T00:00:00Z");
        let end = start + SignedDuration::from_hours(40 * 24);
        let all = |from: Timestamp, until: Timestamp| -> Vec<Timestamp> {
            let next = |after: &Timestamp| cron.next(*after, until);
            std::iter::successors(next(&from), next).collect()
        };
        let mut cuts: Vec<Timestamp> = cuts.into_iter().map(|cut| start + SignedDuration::from_secs(cut)).collect();
        cuts.extend([start, end]);
        cuts.sort();
        let in_steps: Vec<Timestamp> = cuts.windows(2).flat_map(|step| all(step[0], step[1])).collect();
        let at_once = all(start, end);
        prop_assert!(at_once.is_sorted());
        prop_assert_eq!(in_steps, at_once);
    }
}
