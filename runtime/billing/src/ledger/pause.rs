//! Tenants who are paused for new work: an operator said so, and says when it is over. What runs goes on, and is billed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Expect, Indexed, Key, Ledger, PortError, Record, Stored, Wrote};

/// The sort key of a tenant's pause.
pub const PAUSE_ITEM: &str = "pause";

/// Whether a tenant is paused for new work. Nothing but an operator writes it: a stack that is applied again leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when; none once it was lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Why, in words that the tenant reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When this was last changed.
    pub at: Timestamp,
    /// Counts the writes of this record.
    pub version: u64,
}

impl Record for Pause {
    const NAME: &'static str = "pause";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        PAUSE_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        Indexed { version: Some(self.version), ..Indexed::default() }
    }
}

impl Pause {
    /// A tenant who is paused from now on. Who is paused already stays so since then, with the new reason if there is one.
    pub fn paused(before: Option<&Pause>, reason: Option<String>, now: Timestamp) -> Pause {
        let standing = before.filter(|before| before.since.is_some());
        Pause {
            since: standing.and_then(|before| before.since).or(Some(now)),
            reason: reason.or_else(|| standing.and_then(|before| before.reason.clone())),
            ..Pause::after(before, now)
        }
    }

    /// A tenant whose pause is over.
    pub fn lifted(before: &Pause, now: Timestamp) -> Pause {
        Pause::after(Some(before), now)
    }

    fn after(before: Option<&Pause>, now: Timestamp) -> Pause {
        Pause { since: None, reason: None, at: now, version: before.map_or(0, |before| before.version) + 1 }
    }
}

/// What is said of a tenant's pause; none where there never was one.
///
/// # Errors
/// The ledger cannot be read.
pub async fn one(ledger: &dyn Ledger, tenant: &str) -> Result<Option<Pause>, PortError> {
    let found = ledger.get(&Key::new(tenant, PAUSE_ITEM)).await?;
    found.map(|stored| stored.record()).transpose()
}

/// Writes it, if it is still as it was read.
///
/// # Errors
/// The ledger cannot be written.
pub async fn write(
    ledger: &dyn Ledger,
    tenant: &str,
    before: Option<&Pause>,
    next: &Pause,
) -> Result<Wrote, PortError> {
    let expect = before.map_or(Expect::Absent, |before| Expect::Version(before.version));
    ledger.put(Stored::of(tenant, next)?, expect).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn a_pause_counts_from_its_first_day_and_a_lifted_one_says_nothing_more() {
        let first = Pause::paused(None, Some("the budget is used up".to_owned()), at(10));
        assert_eq!((first.since, first.version), (Some(at(10)), 1));
        let again = Pause::paused(Some(&first), None, at(20));
        assert_eq!((again.since, again.reason.as_deref()), (Some(at(10)), Some("the budget is used up")));
        let lifted = Pause::lifted(&again, at(30));
        assert_eq!((lifted.since, lifted.reason.clone(), lifted.version), (None, None, 3));
        let anew = Pause::paused(Some(&lifted), None, at(40));
        assert_eq!((anew.since, anew.reason), (Some(at(40)), None), "the reason of before is over");
    }
}
