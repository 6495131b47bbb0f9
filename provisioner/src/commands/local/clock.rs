//! `local clock`: the local cloud's time, and letting it pass.

use localcloud::{daemon, remote};

use crate::bundle::checkout;
use crate::ui::exit;
use crate::ui::failure::{Failure, Outcome};
use crate::ui::options::{Format, Global};
use crate::ui::views::{self, terminal};

/// Prints the time, after `advance` seconds have passed and all that fell due has happened.
pub async fn run(global: &Global, advance: Option<u64>) -> Outcome {
    let endpoint = endpoint()?;
    let Some(seconds) = advance else {
        let reading = remote::clock(&endpoint).await?;
        match global.format {
            Format::Json => terminal::print_json(&reading)?,
            Format::Human => terminal::print(&views::clock::time(reading.now, reading.offset_seconds)),
        }
        return Ok(exit::DONE);
    };
    let advanced = remote::advance(&endpoint, seconds).await?;
    match global.format {
        Format::Json => terminal::print_json(&advanced)?,
        Format::Human => terminal::print(&views::clock::advanced(&advanced)),
    }
    let failed = advanced.fired.iter().any(|fired| !fired.ok) || advanced.published.iter().any(|alert| !alert.ok);
    Ok(if failed { exit::ERROR } else { exit::DONE })
}

/// The cloud that this shell works on, else the one in the background.
fn endpoint() -> Result<String, Failure> {
    if let Some(endpoint) = std::env::var("AWS_ENDPOINT_URL").ok().filter(|endpoint| !endpoint.is_empty()) {
        return Ok(endpoint);
    }
    let running = daemon::running(&checkout::local_cloud_home()?)?;
    let description =
        running.ok_or_else(|| Failure::new("no local cloud is running").hint("start one with `billform local up`"))?;
    Ok(description.aws_endpoint)
}

/// Reads `30` (days), `36 hours` or `90 minutes` as seconds; the error says how to write it.
pub fn seconds(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = text.split_at(digits);
    let per_unit = match unit.trim_start() {
        "" | "d" | "day" | "days" => Some(86_400),
        "h" | "hour" | "hours" => Some(3_600),
        "m" | "min" | "minute" | "minutes" => Some(60),
        "s" | "second" | "seconds" => Some(1),
        _ => None,
    };
    let seconds = count.parse::<u64>().ok().zip(per_unit).and_then(|(count, per_unit)| count.checked_mul(per_unit));
    seconds.ok_or_else(|| "write a number of days, or a number and a unit: 30, \"36 hours\", \"90 minutes\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_days_unless_they_say_otherwise() {
        for (text, expected) in [
            ("0", 0),
            ("30", 30 * 86_400),
            ("1 day", 86_400),
            ("36 hours", 129_600),
            ("36h", 129_600),
            ("90 minutes", 5_400),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "-1", "1.5", "two days", "3 weeks", "99999999999999999999", "999999999999999999"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
