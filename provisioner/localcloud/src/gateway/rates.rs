//! Rate limits: how many calls a second each service takes, enforced with token buckets as the services do.
//!
//! Off by default. A test switches on the published table (`PUT /_billform/rates {"published":true}`), numbers of its
//! own, or both. A call over a limit is answered with the service's throttling error and has no effect.

mod published;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use published::published;

/// Stands for every operation.
pub const ANY: &str = "*";

/// One limit: a bucket that holds `burst` calls and is refilled with `per_second`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// As requests are signed for it, or `stripe`.
    pub service: String,
    /// The operations that draw from the bucket; `*` is all of them, `Put*` those that begin so.
    pub operations: Vec<String>,
    /// Operations that do not, though they fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Whether each operation has a bucket of its own.
    #[serde(default)]
    pub each: bool,
    /// How many calls a second go on and on.
    pub per_second: u32,
    /// How many calls at once a full bucket takes.
    pub burst: u32,
}

/// A limit that lets nothing pass.
#[derive(Debug, thiserror::Error)]
#[error("rate {position} ({service}): per_second and burst must be 1 or more; leave the rate out to lift the limit")]
pub struct RateError {
    position: usize,
    service: String,
}

/// The limits that are in force, and how full their buckets are.
#[derive(Debug, Default)]
pub struct Rates {
    rates: Vec<Rate>,
    /// By rate and, where each operation has its own, by operation: when the bucket is full again.
    full_at: BTreeMap<(usize, String), Duration>,
}

impl Rate {
    /// Whether a call draws from this limit's bucket.
    pub fn covers(&self, service: &str, operation: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix(ANY) {
            Some(beginning) => operation.starts_with(beginning),
            None => operation == pattern,
        };
        self.service == service && self.operations.iter().any(fits) && !self.except.iter().any(fits)
    }

    /// The time in which one call's worth comes back.
    fn interval(&self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }
}

impl Rates {
    /// Puts these limits in force, with full buckets.
    pub fn set(&mut self, rates: Vec<Rate>) -> Result<(), RateError> {
        if let Some(at) = rates.iter().position(|rate| rate.per_second == 0 || rate.burst == 0) {
            return Err(RateError { position: at + 1, service: rates[at].service.clone() });
        }
        *self = Rates { rates, full_at: BTreeMap::new() };
        Ok(())
    }

    /// The limits that are in force.
    pub fn in_force(&self) -> &[Rate] {
        &self.rates
    }

    /// Takes a call's token out of every bucket it draws from, or out of none when one is empty; then it tells how
    /// long it takes until the emptiest has one. `now` is the time since some fixed moment.
    pub fn take(&mut self, service: &str, operation: &str, now: Duration) -> Result<(), Duration> {
        let mut taken = Vec::new();
        let mut wait = Duration::ZERO;
        for (at, rate) in self.rates.iter().enumerate().filter(|(_, rate)| rate.covers(service, operation)) {
            let key = (at, if rate.each { operation.to_owned() } else { String::new() });
            let full_at = self.full_at.get(&key).map_or(now, |full_at| now.max(*full_at)) + rate.interval();
            wait = wait.max(full_at.saturating_sub(now + rate.interval() * rate.burst));
            taken.push((key, full_at));
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        self.full_at.extend(taken);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(service: &str, operations: &[&str], per_second: u32, burst: u32) -> Rate {
        let operations = operations.iter().map(|name| (*name).to_owned()).collect();
        Rate { service: service.to_owned(), operations, except: Vec::new(), each: false, per_second, burst }
    }

    fn rates(all: Vec<Rate>) -> Rates {
        let mut rates = Rates::default();
        rates.set(all).unwrap();
        rates
    }

    fn passed(rates: &mut Rates, calls: u32, now_ms: u64) -> u32 {
        let now = Duration::from_millis(now_ms);
        (0..calls).map(|_| u32::from(rates.take("iam", "GetRole", now).is_ok())).sum()
    }

    #[test]
    fn a_bucket_takes_its_burst_and_is_refilled_at_its_rate() {
        let mut rates = rates(vec![rate("iam", &[ANY], 10, 4)]);
        assert_eq!(passed(&mut rates, 9, 0), 4);
        assert_eq!(passed(&mut rates, 9, 99), 0, "a token takes a tenth of a second");
        let wait = rates.take("iam", "GetRole", Duration::from_millis(40));
        assert_eq!(wait, Err(Duration::from_millis(60)));
        assert_eq!(passed(&mut rates, 9, 250), 2);
        assert_eq!(passed(&mut rates, 9, 60_000), 4, "a bucket holds no more than its burst");
    }

    #[test]
    fn what_is_refused_takes_nothing() {
        let mut rates = rates(vec![rate("iam", &[ANY], 10, 2), rate("iam", &["GetRole"], 1, 1)]);
        assert_eq!(passed(&mut rates, 5, 0), 1, "the stricter of two limits counts");
        let other = |rates: &mut Rates| rates.take("iam", "CreateRole", Duration::ZERO).is_ok();
        assert!(other(&mut rates), "the four that were refused left the common bucket alone");
        assert!(!other(&mut rates));
    }

    #[test]
    fn a_limit_covers_what_it_names() {
        let mut lambda = rate("lambda", &[ANY], 15, 15);
        lambda.except = vec!["GetFunction".to_owned(), "Invoke*".to_owned()];
        assert!(lambda.covers("lambda", "ListFunctions") && !lambda.covers("iam", "ListFunctions"));
        assert!(!lambda.covers("lambda", "GetFunction") && lambda.covers("lambda", "GetFunctionConfiguration"));
        assert!(!lambda.covers("lambda", "InvokeAsync"));
        let mut each = rate("logs", &[ANY], 1, 1);
        each.each = true;
        let mut rates = rates(vec![each]);
        let now = Duration::ZERO;
        let mut passes = |service: &str, operation: &str| rates.take(service, operation, now).is_ok();
        assert!(passes("logs", "A") && passes("logs", "B") && !passes("logs", "A"));
        assert!(passes("s3", "A"), "what no limit covers passes");
    }

    #[test]
    fn a_limit_of_nothing_is_refused_and_the_old_ones_stay() {
        let mut rates = rates(vec![rate("iam", &[ANY], 10, 1)]);
        let error = rates.set(vec![rate("s3", &[ANY], 1, 1), rate("s3", &[ANY], 0, 1)]).unwrap_err();
        assert!(error.to_string().starts_with("rate 2 (s3)"), "{error}");
        assert_eq!(rates.in_force().len(), 1);
    }

    #[test]
    fn the_published_table_is_sound_and_covers_what_we_call() {
        let mut rates = Rates::default();
        rates.set(published()).unwrap();
        for (service, operation) in [
            ("iam", "CreateRole"),
            ("lambda", "CreateFunction"),
            ("lambda", "GetFunction"),
            ("apigateway", "GetApis"),
            ("events", "PutRule"),
            ("logs", "DescribeLogGroups"),
            ("secretsmanager", "DescribeSecret"),
            ("dynamodb", "DescribeTable"),
            ("s3", "CreateBucket"),
            ("budgets", "CreateBudget"),
            ("ce", "GetCostAndUsage"),
            ("cur", "PutReportDefinition"),
            ("sts", "GetCallerIdentity"),
            ("scheduler", "CreateSchedule"),
            ("stripe", "POST /v1/customers"),
        ] {
            assert!(rates.in_force().iter().any(|rate| rate.covers(service, operation)), "{service} {operation}");
        }
        let invoked = |rate: &Rate| rate.covers("lambda", "Invoke") || rate.covers("execute-api", "Invoke");
        assert!(!rates.in_force().iter().any(invoked), "calls of deployed functions have other limits");
    }
}
