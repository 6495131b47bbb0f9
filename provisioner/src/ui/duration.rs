//! Lengths of time on the command line: `30s`, `5m`, `1h`, or in words as the manifest has them.

use std::time::Duration;

/// Reads one; the error says how to write it.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let seconds_per_unit = match unit.trim_start() {
        "s" | "second" | "seconds" => Some(1),
        "m" | "min" | "minute" | "minutes" => Some(60),
        "h" | "hour" | "hours" => Some(3_600),
        _ => None,
    };
    let seconds = count.parse::<u64>().ok().zip(seconds_per_unit).and_then(|(count, unit)| count.checked_mul(unit));
    // A century is as good as for ever, and adding it to a clock does not overflow.
    let seconds = seconds.filter(|seconds| *seconds <= 3_200_000_000);
    seconds.map(Duration::from_secs).ok_or_else(|| "write a whole number and a unit: 30s, 5m, 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_in_words() {
        let seconds = |text| parse(text).map(|duration| duration.as_secs()).ok();
        assert_eq!(seconds("30s"), Some(30));
        assert_eq!(seconds("5m"), Some(300));
        assert_eq!(seconds("2 minutes"), Some(120));
        assert_eq!(seconds("1h"), Some(3_600));
        for bad in ["", "30", "s", "-1s", "1.5h", "5 days", "99999999999999999999s", "9999999999h"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
