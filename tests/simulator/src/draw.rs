//! Draws a plan from a seed.
//!
//! Each tenant draws from numbers of its own, so that another size leaves the first tenants as they were.

mod company;
mod cost;
mod trouble;

use oracle::exact::Exact;
use oracle::facts::{Policy, RecordPolicy, RecordType, Unallocated};
use oracle::month::Month;

use super::event::{Deed, Event};
use super::plan::Plan;
use super::random::Random;

/// Currencies that tenants are billed in, with units for one dollar: two, none, three decimals, and two that are both
/// zero.
const CURRENCIES: [(&str, &str); 6] =
    [("USD", "1"), ("EUR", "0.9137"), ("JPY", "151.237"), ("KWD", "0.30745"), ("UGX", "3712.55"), ("ISK", "137.45")];

/// The days that rates are of, counted from the month's last one: the first, and how many there are.
const NEAR_RATES: (i64, u32) = (-15, 28);
/// The same where the rate of the month before is late: more than 31 days after that month's end.
const FAR_RATES: (i64, u32) = (4, 9);

/// How large a plan is, and how troubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// How many companies there are from the beginning or join later. Those who take over an id come on top.
    pub tenants: u32,
    /// How many months are billed.
    pub months: u32,
    /// In how many of a hundred months a tenant's invoice meets with trouble, and on how many of a hundred days a run
    /// does. Zero draws facts alone.
    pub trouble_percent: u32,
}

impl Plan {
    /// Draws a plan: the same one for the same seed and sizes.
    #[must_use]
    pub fn draw(sizes: Sizes, seed: u64) -> Self {
        let first = Month::new(2026, 1);
        let last = first.plus(i32::try_from(sizes.months.max(1)).unwrap_or(i32::MAX) - 1);
        let policy = policy(&mut Random::of(seed, "policy"));
        let mut plan = Self { seed, first, last, policy, events: Vec::new() };
        let companies: Vec<Event> = (0..sizes.tenants).flat_map(|number| company::events(&plan, number)).collect();
        let mut events = rates(&plan);
        events.extend(cost::of_nobody(&plan));
        events.extend(companies);
        for number in 0..sizes.tenants {
            events.extend(trouble::of_tenant(&plan, number, sizes.trouble_percent));
            events.extend(trouble::of_money(&plan, number, sizes.trouble_percent));
        }
        events.extend(trouble::of_secrets(&plan, sizes.trouble_percent));
        events.extend(trouble::of_runs(&plan, sizes.trouble_percent));
        events.sort_by_key(|event| event.on);
        plan.events = events;
        plan
    }
}

fn policy(random: &mut Random) -> Policy {
    let ways = [Unallocated::Operator, Unallocated::Proportional, Unallocated::Even];
    let mut policy = Policy {
        unallocated: *random.one_of(&ways),
        settle_days: *random.one_of(&[14, 10, 5]),
        draft_day: *random.one_of(&[1, 1, 3]),
        ..Policy::default()
    };
    for record in [RecordType::Credit, RecordType::Tax] {
        if random.chance(30) {
            policy.records.insert(record, RecordPolicy::Shared(*random.one_of(&ways)));
        }
    }
    policy
}

/// A rate for each currency and month, of a day near its end, stated a day or two later, a few much later; some are
/// edited just after the month's end.
///
/// A month's rate is never replaced by one that is nearer and comes to light later: it is of an earlier day than any near
/// the next month, and where it is late, the next month's is too far off to take its place. Then that month is billed
/// first.
fn rates(plan: &Plan) -> Vec<Event> {
    let mut events = Vec::new();
    for (currency, usual) in CURRENCIES.iter().filter(|(currency, _)| *currency != "USD") {
        let mut random = Random::of(plan.seed, currency);
        for month in plan.first.to(plan.last) {
            let mut per_dollar = || {
                let factor = Exact::fraction(i128::from(random.between(950, 1_050)), 1_000).unwrap_or_default();
                &Exact::parse(usual).unwrap_or_default() * &factor
            };
            let (first, edited) = (per_dollar(), per_dollar());
            let (is_late, follows_late) =
                (is_late(plan.seed, currency, month), is_late(plan.seed, currency, month.plus(-1)));
            let (least, most) = if follows_late { FAR_RATES } else { NEAR_RATES };
            let date = plus(month.last(), least + i64::from(random.below(most)));
            let stated = plus(date, i64::from(if is_late { random.between(20, 50) } else { random.between(1, 2) }));
            let state = |on, per_dollar| {
                let currency = (*currency).to_owned();
                Event { on, deed: Deed::StateRate { currency, date, per_dollar } }
            };
            events.push(state(stated, first));
            let edit = plus(month.last(), i64::from(random.between(1, 3)));
            if edit > stated && random.chance(20) {
                events.push(state(edit, edited));
            }
        }
    }
    events
}

/// Whether a currency's rate of a month is stated weeks late; not in two months that follow each other.
fn is_late(seed: u64, currency: &str, month: Month) -> bool {
    let drawn = |month: Month| Random::of(seed, &format!("late {currency} {month}")).chance(8);
    drawn(month) && !drawn(month.plus(-1))
}

/// Returns a day some days later.
fn plus(day: jiff::civil::Date, days: i64) -> jiff::civil::Date {
    day.checked_add(jiff::Span::new().days(days)).expect("a day of the calendar")
}
