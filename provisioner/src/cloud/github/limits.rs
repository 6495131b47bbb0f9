//! GitHub's rate limits: which answers mean one, and how long to wait. Pure.
//!
//! Source: <https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api>, "Handle rate limit
//! errors appropriately": a 403 or 429 with `retry-after` waits for so many seconds, one whose
//! `x-ratelimit-remaining` is 0 until `x-ratelimit-reset`, any other for at least a minute.

use std::time::Duration;

use jiff::Timestamp;

/// What GitHub's documentation asks for where no header says how long.
const WITHOUT_A_WORD: Duration = Duration::from_secs(60);

/// What an answer says about limits.
#[derive(Debug, Clone, Default)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// `retry-after`, in seconds.
    pub retry_after: Option<&'a str>,
    /// `x-ratelimit-remaining`.
    pub remaining: Option<&'a str>,
    /// `x-ratelimit-reset`, in seconds of the Unix epoch.
    pub reset: Option<&'a str>,
    /// What is the matter, in words.
    pub message: &'a str,
}

/// How long to wait before the request is sent again; none where the answer is about something else.
pub fn wait(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let used_up = answer.remaining == Some("0");
    let limits = match answer.status {
        429 => true,
        403 => answer.retry_after.is_some() || used_up || answer.message.to_ascii_lowercase().contains("rate limit"),
        _ => false,
    };
    if !limits {
        return None;
    }
    let asked = answer.retry_after.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    let reset = answer.reset.filter(|_| used_up).and_then(|at| at.trim().parse::<i64>().ok());
    // A second more: the figure is cut to whole seconds.
    let until = reset.map(|at| Duration::from_secs(u64::try_from(at - now.as_second() + 1).unwrap_or(1)));
    Some(asked.or(until).unwrap_or(WITHOUT_A_WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn waits(answer: Answer) -> Option<u64> {
        wait(&answer, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn each_way_of_saying_it_is_understood() {
        let told = Answer { status: 403, retry_after: Some("7"), ..Answer::default() };
        assert_eq!(waits(told), Some(7));
        let used_up = Answer { status: 403, remaining: Some("0"), reset: Some("1700000030"), ..Answer::default() };
        assert_eq!(waits(used_up), Some(31));
        let past = Answer { status: 429, remaining: Some("0"), reset: Some("1600000000"), ..Answer::default() };
        assert_eq!(waits(past), Some(1));
        let in_words =
            Answer { status: 403, message: "You have exceeded a secondary rate limit.", ..Answer::default() };
        assert_eq!(waits(in_words), Some(60));
        assert_eq!(waits(Answer { status: 429, ..Answer::default() }), Some(60));
    }

    #[test]
    fn other_answers_are_not_about_limits() {
        let forbidden = Answer {
            status: 403,
            remaining: Some("4999"),
            reset: Some("1700000030"),
            message: "Resource not accessible by integration",
            ..Answer::default()
        };
        assert_eq!(waits(forbidden), None);
        assert_eq!(waits(Answer { status: 500, retry_after: Some("7"), ..Answer::default() }), None);
    }
}
