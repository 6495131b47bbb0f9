//! What AWS charges, and how it changes its mind.

use jiff::civil::Date;
use oracle::facts::RecordType;
use oracle::month::Month;

use super::super::event::{Deed, Event, Workload};
use super::super::plan::Plan;
use super::super::random::Random;
use super::plus;

const SERVICES: [&str; 6] =
    ["AWS Lambda", "Amazon CloudFront", "Amazon DynamoDB", "Amazon EC2", "Amazon Simple Storage Service", "AWS Glue"];

/// Cost by the values that a company has, each from a day on, until a month's end.
pub(super) fn of_company(plan: &Plan, random: &mut Random, values: &[(Date, String)], last: Month) -> Vec<Event> {
    let mut events = Vec::new();
    let end = plus(last.last(), 1);
    for _ in 0..random.between(1, 4) {
        let service = *random.one_of(&SERVICES);
        let (most, lag, estimated, seed) = shape(random);
        for (at, (from, value)) in values.iter().enumerate() {
            let until = values.get(at + 1).map_or(end, |(next, _)| *next);
            let value = value.clone();
            let days = between(*from, until);
            let run = Workload {
                value,
                record: RecordType::Usage,
                service: service.to_owned(),
                from: *from,
                days,
                most,
                lag,
                estimated,
                seed,
            };
            events.push(Event { on: *from, deed: Deed::Run(run) });
        }
    }
    for month in Month::of(values[0].0).to(last) {
        let held = values.iter().rfind(|(from, _)| Month::of(*from) <= month);
        let value = held.map_or(&values[0].1, |(_, value)| value);
        events.extend(of_month(plan, random, value, month));
    }
    events
}

/// What befalls one month of a tag value: credits, refunds, restatements, tags that were forgotten or mistyped.
fn of_month(plan: &Plan, random: &mut Random, value: &str, month: Month) -> Vec<Event> {
    let mut events = Vec::new();
    if random.chance(8) {
        let record = *random.one_of(&[RecordType::Credit, RecordType::Refund]);
        events.push(once(random, value, record, month, 2_000_000));
    }
    if random.chance(15) {
        // Most restatements come while a month settles or is looked at again, some too late to count.
        let on = plus(month.last(), i64::from(random.between(2, 110)));
        let from = plus(month.first(), i64::from(random.below(28)));
        let percent = *random.one_of(&[131, 73, 0, 101, 99, 250]);
        events.push(Event { on, deed: Deed::Restate { value: value.to_owned(), from, until: month.last(), percent } });
    }
    if random.chance(10) {
        let was = if random.chance(50) { String::new() } else { format!("{value}x") };
        let from = plus(month.first(), i64::from(random.below(20)));
        let (most, lag, estimated, seed) = shape(random);
        let days = random.between(1, 8);
        let service = (*random.one_of(&SERVICES)).to_owned();
        let run =
            Workload { value: was.clone(), record: RecordType::Usage, service, from, days, most, lag, estimated, seed };
        events.push(Event { on: from, deed: Deed::Run(run) });
        // Untagged cost is everybody's: only what has a mistyped value can be told and mended.
        if !was.is_empty() && random.chance(80) {
            let (on, until) = (plus(from, i64::from(random.between(5, 70))), plus(from, i64::from(days)));
            events.push(Event { on, deed: Deed::Mend { was, is: value.to_owned(), from, until } });
        }
    }
    events.retain(|event| event.on <= plan.last.plus(3).last());
    events
}

/// How AWS changes a company's last month, mostly once the last invoice is out. From numbers of its own: what else is drawn
/// of the company stays as it was.
pub(super) fn after_leaving(plan: &Plan, value: &str, last: Month) -> Option<Event> {
    let mut random = Random::of(plan.seed, &format!("leaver {value}"));
    let is_drawn = random.chance(70);
    let on = plus(last.last(), i64::from(random.between(16, 85)));
    let percent = *random.one_of(&[131, 73, 73, 40, 250]);
    let (value, from, until) = (value.to_owned(), last.first(), last.last());
    let restated = Event { on, deed: Deed::Restate { value, from, until, percent } };
    Some(restated).filter(|event| is_drawn && event.on <= plan.last.plus(3).last())
}

/// A credit of thousands of dollars.
pub(super) fn large_credit(random: &mut Random, value: &str, month: Month) -> Event {
    once(random, value, RecordType::Credit, month, 90_000_000)
}

/// Cost without a tag, each month: tax, support, and now and then a credit.
pub(super) fn of_nobody(plan: &Plan) -> Vec<Event> {
    let mut random = Random::of(plan.seed, "nobody");
    let mut events = Vec::new();
    for month in plan.first.to(plan.last) {
        for record in [RecordType::Tax, RecordType::Fee] {
            events.push(once(&mut random, "", record, month, 500_000));
        }
        if random.chance(20) {
            events.push(once(&mut random, "", RecordType::Credit, month, 3_000_000));
        }
    }
    events
}

/// One row on one day of a month.
fn once(random: &mut Random, value: &str, record: RecordType, month: Month, most: u32) -> Event {
    let from = plus(month.first(), i64::from(random.below(28)));
    let (_, lag, estimated, seed) = shape(random);
    let service = if value.is_empty() { "Account" } else { SERVICES[0] };
    let (value, service) = (value.to_owned(), service.to_owned());
    Event { on: from, deed: Deed::Run(Workload { value, service, record, from, days: 1, most, lag, estimated, seed }) }
}

/// The most a day costs, its lag, how long it is an estimate, and a seed.
fn shape(random: &mut Random) -> (u32, u32, u32, u64) {
    let most = *random.one_of(&[300, 20_000, 80_000, 300_000]);
    let lag = *random.one_of(&[0, 0, 1, 2]);
    let estimated = *random.one_of(&[0, 3, 3, 6]);
    (most, lag, estimated, u64::from(random.below(u32::MAX)))
}

fn between(from: Date, until: Date) -> u32 {
    let days = from.until(until).map_or(0, |span| span.get_days());
    u32::try_from(days).unwrap_or_default()
}
