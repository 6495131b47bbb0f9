//! One company: when it joins and leaves, what it pays, by which tag value its cost is known.

use oracle::exact::Exact;
use oracle::facts::{Fee, Money, PaymentFee, TenantId, Terms, Tier};
use oracle::month::Month;

use super::super::event::{Company, Deed, Event};
use super::super::plan::Plan;
use super::super::random::Random;
use super::{CURRENCIES, cost, is_late, plus};

/// Everything that happens to one company, and to the one that takes over its id.
pub(super) fn events(plan: &Plan, number: u32) -> Vec<Event> {
    let mut random = Random::of(plan.seed, &format!("company {number}"));
    let months: Vec<Month> = plan.first.to(plan.last).collect();
    let joins = if random.chance(70) { plan.first } else { *random.one_of(&months) };
    let mut company = company(&mut random, TenantId::new(&id(number)), joins, value(number));
    let later: Vec<Month> = joins.plus(1).to(plan.last.plus(-1)).collect();
    let leaves = (!later.is_empty() && random.chance(15)).then(|| *random.one_of(&later));
    let mut events = life(plan, &mut random, &company, leaves);
    if let Some(leaves) = leaves.filter(|leaves| *leaves < plan.last && random.chance(60)) {
        let value = format!("{}-again", value(number));
        company = self::company(&mut random, company.tenant.next_life(), leaves.plus(1), value);
        events.extend(life(plan, &mut random, &company, None));
    }
    events
}

/// The value of its tag; two of five companies share one, and are told apart by another tag.
fn value(number: u32) -> String {
    match number % 5 {
        shared @ 1..=2 => format!("G{:03}/e{shared}", number / 5),
        _ => format!("T{number:03}"),
    }
}

/// The id of a company by its number.
pub(super) fn id(number: u32) -> String {
    format!("t{number:03}")
}

fn company(random: &mut Random, tenant: TenantId, first_period: Month, value: String) -> Company {
    let (currency, _) = if random.chance(50) { CURRENCIES[0] } else { *random.one_of(&CURRENCIES) };
    Company { tenant, first_period, currency: currency.to_owned(), value, terms: terms(random, currency) }
}

/// What happens to a company while it has its id.
fn life(plan: &Plan, random: &mut Random, company: &Company, leaves: Option<Month>) -> Vec<Event> {
    let (tenant, first) = (&company.tenant, company.first_period);
    let last = leaves.unwrap_or(plan.last);
    // Many join on the first, some shortly before the month ends.
    let joined = if first > plan.first && random.chance(40) { plus(first.first(), 26) } else { first.first() };
    let mut events = vec![Event { on: joined, deed: Deed::Join(company.clone()) }];
    let months: Vec<Month> = first.to(last).collect();
    for _ in 0..random.below(3) {
        let month = *random.one_of(&months);
        let on = plus(month.first(), *random.one_of(&[4, 25]));
        let from = random.chance(50).then(|| month.plus(i32::from(random.chance(50))));
        let terms = terms(random, &company.currency);
        if on > joined {
            events.push(Event { on, deed: Deed::SetTerms { tenant: tenant.clone(), from, terms } });
        }
    }
    let mut values = vec![(first.first(), company.value.clone())];
    if months.len() > 2 && random.chance(25) {
        let from = plus(random.one_of(&months[1..]).first(), *random.one_of(&[0, 0, 14]));
        let value = format!("{}-new", company.value);
        let deed = Deed::Rename { tenant: tenant.clone(), from, value: value.clone() };
        events.push(Event { on: from, deed });
        values.push((from, value));
    }
    events.extend(cost::of_company(plan, random, &values, last));
    // Where a rate is late, the month is billed after the next one: some such months are in the company's favour.
    for month in months.iter().filter(|month| is_late(plan.seed, &company.currency, **month)) {
        if random.chance(50) {
            events.push(cost::large_credit(random, &company.value, *month));
        }
    }
    if let Some(last_period) = leaves {
        let on = plus(last_period.first(), i64::from(random.between(5, 27)));
        events.push(Event { on, deed: Deed::Leave { tenant: tenant.clone(), last_period } });
        let value = values.last().map_or(&company.value, |(_, value)| value);
        events.extend(cost::after_leaving(plan, value, last_period));
    }
    events
}

/// Terms with some of the rules, in a currency.
fn terms(random: &mut Random, currency: &str) -> Terms {
    let usual = CURRENCIES.iter().find(|(code, _)| *code == currency).and_then(|(_, usual)| Exact::parse(usual));
    let unit = usual.unwrap_or_default();
    let money =
        |dollars: u32| Money { amount: &Exact::whole(i128::from(dollars)) * &unit, currency: currency.to_owned() };
    let share = |thousandths: u32| Exact::fraction(i128::from(thousandths), 1_000).unwrap_or_default();
    let mut some = |percent: u32, most: u32| random.chance(percent).then(|| random.between(1, most));
    Terms {
        base_fee: some(40, 50).map(money),
        markup: some(40, 400).map(share),
        fee: some(30, 100).map(|drawn| match drawn % 2 {
            0 => Fee::Flat(money(drawn / 5)),
            _ => Fee::Tiers(vec![
                Tier { below: Some(money(50)), flat: Some(money(5)), percent: None },
                Tier { below: Some(money(200)), flat: Some(money(10)), percent: None },
                Tier { percent: Some(share(drawn)), ..Tier::default() },
            ]),
        }),
        allowance: some(25, 40).map(money),
        discount: some(25, 300).map(share),
        minimum: some(20, 120).map(money),
        payment_fee: some(20, 40).map(|drawn| PaymentFee { percent: share(drawn), fixed: money(1) }),
        tax: some(30, 250).map(share),
    }
}
