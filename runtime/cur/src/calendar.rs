//! Days: of the timestamps a report has, in UTC.

use crate::amount::shown;
use crate::problem::Fault;

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last one.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date of a day since 1970: year, month, day.
pub fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (era * 400 + year, month + 3) } else { (era * 400 + year + 1, month - 9) };
    (year, month, day)
}

/// `2026-01-31`. A day outside the years 1 to 9999 is refused.
pub fn day_text(day: i64) -> Result<String, Fault> {
    let (year, month, day) = checked(day)?;
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

/// `2026-01`.
pub fn month_text(day: i64) -> Result<String, Fault> {
    let (year, month, _) = checked(day)?;
    Ok(format!("{year:04}-{month:02}"))
}

fn checked(day: i64) -> Result<(i64, i64, i64), Fault> {
    // 0001-01-01 to 9999-12-31.
    if (-719_162..=2_932_896).contains(&day) {
        return Ok(date(day));
    }
    Err(Fault::damage(format!("day {day} after 1970-01-01 is not a date")))
}

/// The day of `2026-01-31`, `2026-01-31T05:00:00Z` or `2026-01-31 05:00:00.000`.
pub fn parse_day(text: &[u8]) -> Result<i64, Fault> {
    let refuse = || Fault::new(format!("{} is not a date", shown(text)));
    let number = |part: &[u8]| {
        part.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
    };
    let (year, month, day) = match text {
        [y @ .., b'-', m1, m2, b'-', d1, d2] if y.len() == 4 => (number(y), number(&[*m1, *m2]), number(&[*d1, *d2])),
        [head @ .., _] if head.len() >= 10 => {
            return if matches!(text[10], b'T' | b' ') { parse_day(&text[..10]) } else { Err(refuse()) };
        }
        _ => return Err(refuse()),
    };
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return Err(refuse()) };
    let found = days(year, month, day);
    if !(1..=12).contains(&month) || date(found) != (year, month, day) || year == 0 {
        return Err(refuse());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_agree() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(day_text(19_782).expect("a date"), "2024-02-29");
        assert_eq!(month_text(20_454).expect("a date"), "2026-01");
        for day in (-719_162..=2_932_896_i64).step_by(17) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
        assert!(day_text(2_932_897).is_err());
    }

    #[test]
    fn timestamps_have_a_day() {
        for text in ["2026-01-31", "2026-01-31T23:59:59Z", "2026-01-31 05:00:00.000"] {
            assert_eq!(day_text(parse_day(text.as_bytes()).expect("a date")).expect("a date"), "2026-01-31");
        }
        for wrong in ["", "2026-02-30", "2026-1-31", "31.01.2026", "2026-01-31x", "2026/01/31", "0000-01-01"] {
            assert!(parse_day(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
