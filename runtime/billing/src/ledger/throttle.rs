//! How busy a tenant keeps the API: one item for each tenant, so that every instance of every function counts together.
//!
//! It holds one time: until when what was asked so far keeps the tenant busy, each request for as long as it costs. A
//! burst may run ahead of the clock by [`AHEAD_MS`]; beyond that the tenant waits until the clock has caught up.

use serde::{Deserialize, Serialize};

use super::{Indexed, Key, Ledger, PortError, Record, Stored};

/// The partition of a tenant's item starts with it; no tenant's id does. Functions that only read the ledger may write
/// these partitions and no others.
pub const THROTTLE_PREFIX: &str = "throttle#";
/// Its sort key.
pub const THROTTLE_ITEM: &str = "throttle";

/// What one unit of asking costs: two a second may be asked without end.
const UNIT_MS: i64 = 500;
/// How far a burst may run ahead of the clock: sixty units.
pub const AHEAD_MS: i64 = 60 * UNIT_MS;
/// An item that nobody was busy with for so long may go: it says nothing any more.
const KEPT_S: i64 = 600;

/// How busy a tenant is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// The tenant's id.
    pub tenant: String,
    /// Unix milliseconds until which what was asked keeps them busy.
    pub busy_until_ms: i64,
    /// Counts the writes of this record.
    pub version: u64,
}

/// Too much was asked; after so many seconds the same request is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter {
    /// One at least.
    pub seconds: i64,
}

impl Record for Throttle {
    const NAME: &'static str = "throttle";
    const SCHEMA: u32 = 1;

    fn sort_key(&self) -> String {
        THROTTLE_ITEM.to_owned()
    }

    fn indexed(&self) -> Indexed {
        let expires_at_s = Some(self.busy_until_ms / 1000 + KEPT_S);
        Indexed { version: Some(self.version), expires_at_s, ..Indexed::default() }
    }
}

impl Throttle {
    /// A tenant who asked for nothing yet.
    pub fn idle(tenant: &str) -> Throttle {
        Throttle { tenant: tenant.to_owned(), busy_until_ms: 0, version: 0 }
    }

    /// Where a tenant's item lies.
    pub fn key(tenant: &str) -> Key {
        Key::new(format!("{THROTTLE_PREFIX}{tenant}"), THROTTLE_ITEM)
    }

    /// The item after one more request of so many units at `now_ms`.
    ///
    /// # Errors
    /// When it would run too far ahead of the clock.
    pub fn taking(&self, units: u32, now_ms: i64) -> Result<Throttle, RetryAfter> {
        // A clock that was set back keeps nobody out for longer than a full burst would.
        let busy_until_ms = self.busy_until_ms.clamp(now_ms, now_ms.saturating_add(AHEAD_MS));
        let after_ms = busy_until_ms.saturating_add(i64::from(units).saturating_mul(UNIT_MS));
        let ahead_ms = after_ms.saturating_sub(now_ms);
        if ahead_ms > AHEAD_MS {
            return Err(RetryAfter { seconds: (ahead_ms - AHEAD_MS).saturating_add(999) / 1000 });
        }
        Ok(Throttle { tenant: self.tenant.clone(), busy_until_ms: after_ms, version: self.version + 1 })
    }

    /// The record as it is stored.
    ///
    /// # Errors
    /// Never: it is plain data.
    pub fn stored(&self) -> Result<Stored, PortError> {
        Stored::of(&format!("{THROTTLE_PREFIX}{}", self.tenant), self)
    }
}

/// How busy a tenant is; idle where nothing is stored.
///
/// # Errors
/// The ledger cannot be read.
pub async fn one(ledger: &dyn Ledger, tenant: &str) -> Result<Throttle, PortError> {
    let found = ledger.get(&Throttle::key(tenant)).await?;
    Ok(found.map(|stored| stored.record()).transpose()?.unwrap_or_else(|| Throttle::idle(tenant)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_MS: i64 = 1_795_248_000_000;

    #[test]
    fn sixty_units_at_once_and_two_a_second_after_that() {
        let mut throttle = Throttle::idle("acme");
        for _ in 0..60 {
            throttle = throttle.taking(1, NOW_MS).expect("within the burst");
        }
        assert_eq!(throttle.taking(1, NOW_MS), Err(RetryAfter { seconds: 1 }));
        assert_eq!(throttle.taking(5, NOW_MS), Err(RetryAfter { seconds: 3 }), "2.5 s, rounded up");
        assert!(throttle.taking(1, NOW_MS + 499).is_err() && throttle.taking(1, NOW_MS + 500).is_ok());
        let rested = throttle.taking(60, NOW_MS + 30_000).expect("a whole burst again");
        assert!(rested.taking(1, NOW_MS + 30_000).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_keeps_nobody_out_for_long() {
        let busy = Throttle { busy_until_ms: NOW_MS + 86_400_000, ..Throttle::idle("acme") };
        assert_eq!(busy.taking(1, NOW_MS), Err(RetryAfter { seconds: 1 }));
    }

    proptest! {
        /// Whatever is asked when: within any minute no more is taken than a burst and what the minute allows.
        #[test]
        fn no_order_of_requests_gets_more(gaps in prop::collection::vec((0_i64..4_000, 1_u32..8), 1..200)) {
            let (mut now_ms, mut throttle, mut taken) = (NOW_MS, Throttle::idle("acme"), Vec::new());
            for (gap_ms, units) in gaps {
                now_ms += gap_ms;
                match throttle.taking(units, now_ms) {
                    Ok(next) => {
                        throttle = next;
                        taken.push((now_ms, i64::from(units)));
                    }
                    Err(RetryAfter { seconds }) => {
                        prop_assert!(seconds >= 1);
                        prop_assert!(throttle.taking(units, now_ms + seconds * 1000).is_ok(), "it is kept to its word");
                    }
                }
            }
            for (from, _) in &taken {
                let within = taken.iter().filter(|(at, _)| (*from..*from + 60_000).contains(at));
                let units: i64 = within.map(|(_, units)| units).sum();
                prop_assert!(units <= (AHEAD_MS + 60_000) / UNIT_MS, "{units}");
            }
        }
    }
}
