//! What goes wrong with runs, and what people do to invoices.

use oracle::facts::TenantId;

use super::super::cash::Cash;
use super::super::event::{Deed, Event, Trouble};
use super::super::plan::Plan;
use super::super::random::Random;
use super::{company, plus};

/// What happens to one tenant's invoices.
pub(super) fn of_tenant(plan: &Plan, number: u32, percent: u32) -> Vec<Event> {
    let mut random = Random::of(plan.seed, &format!("trouble {number}"));
    let all = [
        Trouble::EditDraft,
        Trouble::DeleteDraft,
        Trouble::VoidInvoice,
        Trouble::PayByHand,
        Trouble::Pay,
        Trouble::Pay,
        Trouble::GiveUp,
    ];
    let mut events = Vec::new();
    for month in plan.first.to(plan.last) {
        if random.chance(percent) {
            let trouble = random.one_of(&all)(TenantId::new(&company::id(number)));
            let on = plus(month.last(), i64::from(random.between(2, 30)));
            events.push(Event { on, deed: Deed::Trouble(trouble) });
        }
    }
    events
}

/// What happens to one tenant's money, from numbers of its own: the rest of what is drawn stays as it was.
pub(super) fn of_money(plan: &Plan, number: u32, percent: u32) -> Vec<Event> {
    let mut random = Random::of(plan.seed, &format!("money {number}"));
    let mut events = Vec::new();
    for month in plan.first.to(plan.last) {
        for _ in 0..2 {
            let cash = cash(&mut random);
            let on = plus(month.last(), i64::from(random.between(2, 60)));
            if random.chance(percent) {
                let tenant = TenantId::new(&company::id(number));
                events.push(Event { on, deed: Deed::Trouble(Trouble::Money { tenant, cash }) });
            }
        }
    }
    events
}

fn cash(random: &mut Random) -> Cash {
    let (coin, days) = (random.chance(50), random.between(1, 9));
    let maybe = if random.chance(30) { None } else { Some(coin) };
    match random.below(18) {
        0 | 1 => Cash::Debit { days, fails: coin },
        2 => Cash::Ask { passes: maybe },
        3 => Cash::Decline,
        4 => Cash::InPart { percent: *random.one_of(&[30, 100, 120]) },
        5..=7 => Cash::Dispute { won: maybe },
        8 => Cash::Decide { won: coin },
        9 => Cash::RefundInStripe,
        10 => Cash::Refund,
        11..=13 => Cash::Credit { percent: *random.one_of(&[10, 50, 100]) },
        14..=16 => Cash::SetUp,
        _ => Cash::Detach,
    }
}

/// When secrets are rotated: about once in two months.
pub(super) fn of_secrets(plan: &Plan, percent: u32) -> Vec<Event> {
    let mut random = Random::of(plan.seed, "secrets");
    let rotated = plan.first.to(plan.last).filter(|_| random.chance(50)).collect::<Vec<_>>();
    let on = |month: oracle::month::Month| plus(month.first(), 12);
    let rotated = rotated.into_iter().filter(|_| percent > 0);
    rotated.map(|month| Event { on: on(month), deed: Deed::Trouble(Trouble::Rotate) }).collect()
}

/// What happens to runs. One outage in twelve months lasts for weeks.
pub(super) fn of_runs(plan: &Plan, percent: u32) -> Vec<Event> {
    let mut random = Random::of(plan.seed, "runs");
    let mut events = Vec::new();
    for day in plan.days() {
        if !random.chance(percent) {
            continue;
        }
        let (call, seed) = (random.between(1, 120), u64::from(random.below(u32::MAX)));
        let trouble = match random.below(5) {
            0 => Trouble::Kill { call },
            1 => Trouble::LoseAnswer { call },
            2 => Trouble::TwoAtOnce { seed },
            3 => Trouble::RepeatEvents { seed },
            _ => Trouble::Outage { days: random.between(1, 4) },
        };
        events.push(Event { on: day, deed: Deed::Trouble(trouble) });
    }
    for year in plan.first.to(plan.last).step_by(12) {
        if percent > 0 {
            let on = plus(year.first(), i64::from(random.below(330)));
            let days = random.between(10, 45);
            events.push(Event { on, deed: Deed::Trouble(Trouble::Outage { days }) });
        }
    }
    events
}
