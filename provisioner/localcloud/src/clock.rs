//! The local cloud's clock: the machine's time, moved forward by an offset.
//!
//! Only business time follows it: schedules, costs, budgets, Stripe, and our functions' idea of today. Signatures,
//! time-outs and the SDKs keep the machine's time.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// What `GET /_billform/clock` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The time it is, to the second.
    pub now: Timestamp,
    /// How far ahead of the machine's time it is, in seconds.
    pub offset_seconds: i64,
}

/// How far a clock is ahead of another one, in whole seconds, as functions read it. It never shrinks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offset(SignedDuration);

impl Offset {
    /// The time it is when the machine's clock shows `machine`.
    pub fn now(self, machine: Timestamp) -> Timestamp {
        machine.checked_add(self.0).unwrap_or(Timestamp::MAX)
    }

    /// The offset under which it is at least `moment` when the machine's clock shows `machine`.
    pub fn reaching(self, moment: Timestamp, machine: Timestamp) -> Offset {
        self.at_least(moment.duration_since(machine))
    }

    /// This offset, or a greater one. A part of a second counts as a whole one: rounded down, a function that is fired at
    /// midnight would find itself in the day before.
    pub fn at_least(self, ahead: SignedDuration) -> Offset {
        let part = i64::from(ahead.subsec_nanos() > 0);
        Offset(self.0.max(SignedDuration::from_secs(ahead.as_secs().saturating_add(part))))
    }

    /// The distance to the machine's time; zero or more.
    pub fn ahead(self) -> SignedDuration {
        self.0
    }
}

/// A handle on one clock; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset: Arc<Mutex<Offset>>,
}

impl Clock {
    /// The time it is.
    pub fn now(&self) -> Timestamp {
        self.offset().now(Timestamp::now())
    }

    /// The day it is, in UTC.
    pub fn today(&self) -> Date {
        day(self.now())
    }

    /// How far it is ahead of the machine's time.
    pub fn offset(&self) -> Offset {
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time and the offset, to the second.
    pub fn reading(&self) -> Reading {
        let offset = self.offset();
        let now = offset.now(Timestamp::now()).as_second();
        Reading { now: Timestamp::from_second(now).unwrap_or(Timestamp::MAX), offset_seconds: offset.ahead().as_secs() }
    }

    /// Moves it to `moment`, unless it is later already.
    pub(crate) fn advance_to(&self, moment: Timestamp) {
        self.change(|offset| offset.reaching(moment, Timestamp::now()));
    }

    /// Moves it until it is this far ahead of the machine's time, unless it is further already.
    pub(crate) fn advance_until_ahead(&self, ahead: SignedDuration) {
        self.change(|offset| offset.at_least(ahead));
    }

    fn change(&self, change: impl FnOnce(Offset) -> Offset) {
        let mut offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner);
        *offset = change(*offset);
    }
}

/// The UTC day of a moment.
pub(crate) fn day(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_starts_at_the_machines_time_and_goes_on_with_it() {
        let offset = Offset::default();
        assert_eq!(offset.now(at(1_800_000_000)), at(1_800_000_000));
        let moved = offset.reaching(at(1_800_086_400), at(1_800_000_000));
        assert_eq!(moved.now(at(1_800_000_000)), at(1_800_086_400));
        assert_eq!(moved.now(at(1_800_000_005)), at(1_800_086_405));
    }

    #[test]
    fn clones_share_the_time() {
        let clock = Clock::default();
        clock.clone().advance_until_ahead(SignedDuration::from_hours(36));
        assert_eq!(clock.reading().offset_seconds, 36 * 3600);
        clock.advance_to(at(0));
        assert_eq!(clock.reading().offset_seconds, 36 * 3600, "it never goes back");
    }

    /// Functions add `offset_seconds` to the machine's time: that may not be earlier than what fired them.
    #[test]
    fn functions_are_never_before_the_moment_that_fired_them() {
        let midnight = at(1_800_057_600);
        let machine = Timestamp::from_millisecond(1_800_000_000_400).unwrap();
        let offset = Offset::default().reaching(midnight, machine);
        let read = machine.checked_add(SignedDuration::from_secs(offset.ahead().as_secs())).unwrap();
        assert!(read >= midnight, "{read}");
    }

    proptest! {
        /// Whatever it is moved to, and in whatever order: it never goes back.
        #[test]
        fn it_only_goes_forward(moments in prop::collection::vec(0_i64..4_000_000_000, 1..20)) {
            let machine = at(1_800_000_000);
            let mut offset = Offset::default();
            for moment in moments {
                let before = offset.now(machine);
                offset = offset.reaching(at(moment), machine);
                prop_assert!(offset.now(machine) >= before);
                prop_assert!(offset.now(machine) >= at(moment));
            }
        }
    }
}
