//! Laws on generated facts: nothing is lost, order does not matter, rounding stays within one step, and a biller that
//! goes by the oracle's own rules has no violation.

use std::collections::BTreeMap;

use jiff::{Span, Timestamp};
use oracle::apportion::largest_remainder;
use oracle::attribution::Attribution;
use oracle::balance::{Entry, EntryKind, balance};
use oracle::close::close;
use oracle::exact::Exact;
use oracle::facts::{
    Facts, Fee, Figure, PaymentFee, RecordPolicy, RecordType, Tags, TenantId, Terms, Tier, Unallocated,
};
use oracle::finality::{looked_at_until, settles_at};
use oracle::invariant::invariant;
use oracle::line::{Line, Rule};
use oracle::month::{Month, days_after, midnight};
use oracle::owed::owed;
use oracle::restatement::{next_invoice, restated};
use oracle::world::{CreditNote, Document, Read, Status, World};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::scene::{day, id, money, month, percent, rate, tag, tenant};

/// The months that facts are generated for.
const MONTHS: [&str; 4] = ["2026-01", "2026-02", "2026-03", "2026-04"];

/// One figure: day of the year from 0, tag value, service, record type, ten-thousandths of a dollar, days until it is
/// known.
type Drawn = (u16, &'static str, &'static str, RecordType, i64, u16);

fn drawn() -> impl Strategy<Value = Drawn> {
    let values = select(vec!["ACME", "ACME", "BETA", "GAMMA", "TYPO", ""]);
    let services = select(vec!["Lambda", "S3", "DynamoDB"]);
    let records = select(vec![RecordType::Usage, RecordType::Usage, RecordType::Credit, RecordType::Tax]);
    (0_u16..120, values, services, records, -200_000_i64..2_000_000, 1_u16..150)
}

fn record(facts: &mut Facts, (of_year, value, service, record, amount, lag): Drawn) {
    let on = day("2026-01-01").checked_add(Span::new().days(of_year)).expect("a day");
    let usd = Exact::fraction(i128::from(amount), 10_000).expect("not zero");
    let usd = if record == RecordType::Credit { -usd } else { usd };
    let tags = if value.is_empty() { Tags::new() } else { tag(value) };
    let figure = Figure { known_at: days_after(midnight(on), u32::from(lag)), usd, estimated: false };
    facts.record(on, &tags, service, record, figure);
}

fn terms() -> impl Strategy<Value = Terms> {
    let share =
        || proptest::option::of(0_i128..300).prop_map(|share| share.and_then(|share| Exact::fraction(share, 1_000)));
    let amount = |most: u32| {
        proptest::option::of(0..most).prop_map(|amount| amount.and_then(|amount| money(&format!("{amount}.25 USD"))))
    };
    let tiers = |flat, percent| {
        let first = Tier { below: money("50.00 USD"), flat, percent: None };
        Fee::Tiers(vec![first, Tier { percent, ..Tier::default() }])
    };
    let fee = (amount(20), share(), any::<bool>());
    let fee = fee.prop_map(
        move |(flat, percent, is_flat)| if is_flat { flat.map(Fee::Flat) } else { Some(tiers(flat, percent)) },
    );
    let fixed = money("0.30 USD").expect("money");
    let payment_fee = share().prop_map(move |share| share.map(|percent| PaymentFee { percent, fixed: fixed.clone() }));
    (amount(50), share(), fee, amount(30), share(), amount(90), payment_fee, share()).prop_map(
        |(base_fee, markup, fee, allowance, discount, minimum, payment_fee, tax)| Terms {
            base_fee,
            markup,
            fee,
            allowance,
            discount,
            minimum,
            payment_fee,
            tax,
        },
    )
}

fn facts() -> impl Strategy<Value = (Facts, Vec<Drawn>)> {
    let ways = || select(vec![Unallocated::Operator, Unallocated::Proportional, Unallocated::Even]);
    (terms(), ways(), proptest::option::of(ways()), vec(drawn(), 0..60)).prop_map(|(terms, way, credits, drawn)| {
        let mut facts = Facts::default();
        facts.policy.unallocated = way;
        facts.policy.records.extend(credits.map(|way| (RecordType::Credit, RecordPolicy::Shared(way))));
        facts.tenants.insert(id("acme"), tenant("acme", "USD", terms));
        facts.tenants.insert(id("beta"), tenant("beta", "JPY", Terms { tax: percent("10"), ..Terms::default() }));
        let mut gamma = tenant("gamma", "KWD", Terms { markup: percent("7"), ..Terms::default() });
        (gamma.first_period, gamma.last_period) = (month("2026-02"), Some(month("2026-03")));
        facts.tenants.insert(id("gamma"), gamma);
        for of in MONTHS {
            let end = month(of).last().to_string();
            facts.rates.extend([rate(&end, "JPY", "151.237"), rate(&end, "KWD", "0.30745")]);
        }
        for figure in &drawn {
            record(&mut facts, *figure);
        }
        (facts, drawn)
    })
}

/// Long after everything is known.
fn later() -> Timestamp {
    month("2027-12").close()
}

/// Bills every tenant's months one after the other by the oracle's rules, and returns what an observer sees at each
/// run's end.
fn billed(facts: &Facts) -> Vec<World> {
    let mut world = World::default();
    let mut seen = Vec::new();
    for of in MONTHS.map(month) {
        let at = days_after(settles_at(&facts.policy, of), 1);
        for read in MONTHS.map(month).into_iter().filter(|read| read.close() <= at) {
            world.reads.push(Read { month: read, at });
        }
        for (tenant, known) in &facts.tenants {
            if known.is_member(of) {
                bill(facts, &mut world, tenant, of, at);
            } else {
                settle_up(facts, &mut world, tenant, of, at);
            }
            if let Some(last) = known.last_period.filter(|last| *last <= of) {
                close_account(&mut world, tenant, (last, of), at);
            }
            world.accounts.entry(tenant.clone()).or_default().run_at = Some(at);
        }
        seen.push(world.clone());
    }
    seen
}

/// What was billed of each month: its total by the cost that was read when the last month was billed.
fn billed_before(facts: &Facts, tenant: &TenantId, of: Month) -> BTreeMap<Month, i128> {
    let before = days_after(settles_at(&facts.policy, of.plus(-1)), 1);
    let earlier = MONTHS.map(month).into_iter().filter(|earlier| *earlier < of);
    earlier.filter_map(|earlier| Some((earlier, owed(facts, tenant, earlier, before).ok()?.total))).collect()
}

/// Gives back what a tenant that has left is owed, newest invoice first, and names the rest; invoices once more what it
/// owes after its last month.
fn close_account(world: &mut World, tenant: &TenantId, (last, of): (Month, Month), at: Timestamp) {
    let account = world.accounts.entry(tenant.clone()).or_default();
    let open: Vec<(String, i128)> =
        balance(&account.balance).into_iter().map(|(currency, amount)| (currency.to_owned(), amount)).collect();
    account.named_months.clear();
    for (currency, amount) in open {
        let mut left = amount;
        for document in account.documents.iter().rev() {
            let notes = account.credit_notes.iter().filter(|note| note.document == document.id);
            let amount = (-left).min(document.total - notes.map(|note| note.amount).sum::<i128>());
            if amount > 0 {
                account.credit_notes.push(CreditNote { document: document.id.clone(), amount });
                left += amount;
            }
        }
        if left < 0 {
            account.named_months.insert(last);
        }
        let id = format!("{of}-closing");
        if left > 0 && of > last {
            account.documents.push(Document {
                id: id.clone(),
                month: of,
                revision: 1,
                status: Status::Open,
                currency: currency.clone(),
                lines: vec![Line { rule: Rule::Credit, amount: left }],
                total: left,
                drawn_at: at,
                issued_at: Some(at),
                edited: false,
            });
            left = 0;
        }
        let kind = EntryKind::Reserved;
        account.balance.push(Entry { id, currency, month: last, revision: 1, amount: left - amount, kind });
    }
}

/// Carries the differences of a tenant that has left.
fn settle_up(facts: &Facts, world: &mut World, tenant: &TenantId, of: Month, at: Timestamp) {
    let account = world.accounts.entry(tenant.clone()).or_default();
    for (earlier, before) in billed_before(facts, tenant, of) {
        let amount = restated(facts, tenant, earlier, before, at).expect("assessed").delta();
        let currency = facts.tenants[tenant].currency(earlier).expect("a currency").to_owned();
        let (id, kind) = (format!("{earlier}-{of}"), EntryKind::Carried);
        account.balance.push(Entry { id, currency, month: earlier, revision: 1, amount, kind });
    }
}

fn bill(facts: &Facts, world: &mut World, tenant: &TenantId, of: Month, at: Timestamp) {
    let account = world.accounts.entry(tenant.clone()).or_default();
    let billed = billed_before(facts, tenant, of);
    let currency = facts.tenants[tenant].currency(of).expect("a currency").to_owned();
    let carried = balance(&account.balance).get(currency.as_str()).copied().unwrap_or_default();
    let next = next_invoice(facts, tenant, of, at, &billed, carried).expect("billed");
    let kind = if next.lines.is_empty() { EntryKind::Carried } else { EntryKind::Reserved };
    let amount = next.carried - carried;
    let id = format!("{of}-{kind:?}");
    account.balance.push(Entry { id: id.clone(), currency: currency.clone(), month: of, revision: 1, amount, kind });
    if !next.lines.is_empty() {
        account.documents.push(Document {
            id,
            month: of,
            revision: 1,
            status: Status::Open,
            currency,
            lines: next.lines,
            total: next.total,
            drawn_at: at,
            issued_at: Some(at),
            edited: false,
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_sum_to_the_whole_and_are_within_one_step(
        shares in vec((-1_000_000_i128..1_000_000, 1_i128..1_000), 1..20),
        step in select(vec![1_i128, 10, 100]),
    ) {
        let shares: Vec<(String, Exact)> = shares.into_iter().enumerate()
            .map(|(at, (top, bottom))| (format!("{at:02}"), Exact::fraction(top, bottom).expect("not zero")))
            .collect();
        let named: Vec<(&str, Exact)> = shares.iter().map(|(name, share)| (name.as_str(), share.clone())).collect();
        let whole = Exact::sum(named.iter().map(|(_, share)| share)).round_to(step);
        let parts = largest_remainder(whole, step, &named);
        prop_assert_eq!(parts.iter().sum::<i128>(), whole);
        for (part, (_, share)) in parts.iter().zip(&named) {
            let off = Exact::whole(*part) - share;
            prop_assert!(off < Exact::whole(step) && -off < Exact::whole(step), "{} of {:?}", part, share);
            prop_assert_eq!(part % step, 0);
        }
        let mirrored: Vec<(&str, Exact)> = named.iter().map(|(name, share)| (*name, -share.clone())).collect();
        let back: Vec<i128> = largest_remainder(-whole, step, &mirrored).into_iter().map(|part| -part).collect();
        prop_assert_eq!(parts, back, "a refund of everything cancels line by line");
    }

    #[test]
    fn rounding_is_to_the_nearest_and_halves_go_away_from_zero(units in -1_000_000_i128..1_000_000, step in 1_i128..200) {
        let rounded = Exact::fraction(units, 7).expect("not zero").round_to(step);
        let twice_off = Exact::whole(rounded * 14) - &Exact::whole(units * 2);
        prop_assert!(twice_off <= Exact::whole(7 * step) && -twice_off <= Exact::whole(7 * step));
        let half = Exact::fraction(units * 2 + units.signum(), 2).expect("not zero");
        prop_assert_eq!(half.round_to(1), units + units.signum());
    }

    #[test]
    fn tenants_and_operator_are_the_bill((facts, _) in facts()) {
        for of in MONTHS.map(month) {
            for known_at in [of.close(), days_after(of.close(), 20), later()] {
                let bill = Attribution::of(&facts, of, known_at);
                prop_assert_eq!(bill.of_tenants() + &bill.of_operator(), bill.bill);
                prop_assert!(close(&facts, of, known_at).holds);
            }
        }
    }

    #[test]
    fn the_order_in_which_facts_arrive_does_not_matter((facts, drawn) in facts(), seed in any::<u64>()) {
        // Figures of one row and one instant supersede each other by their order: keep one of each.
        let mut once = BTreeMap::new();
        for figure in drawn {
            let (of_year, value, service, record, _, lag) = figure;
            once.insert((of_year, value, service, record, u32::from(of_year) + u32::from(lag)), figure);
        }
        let mut shuffled: Vec<Drawn> = once.into_values().collect();
        let mut empty = Facts::default();
        (empty.policy, empty.tenants, empty.rates) = (facts.policy, facts.tenants, facts.rates);
        let of = |drawn: &[Drawn]| {
            let mut facts = empty.clone();
            drawn.iter().for_each(|figure| record(&mut facts, *figure));
            let of = |tenant| MONTHS.map(|of| owed(&facts, tenant, month(of), later()));
            empty.tenants.keys().map(of).collect::<Vec<_>>()
        };
        let sorted = of(&shuffled);
        let length = shuffled.len().max(1);
        shuffled.rotate_left(usize::try_from(seed).unwrap_or(0) % length);
        shuffled.reverse();
        prop_assert_eq!(sorted, of(&shuffled));
    }

    #[test]
    fn lines_sum_to_the_total_and_cost_is_rounded_once((facts, _) in facts()) {
        for (tenant, of) in facts.tenants.keys().flat_map(|tenant| MONTHS.map(|of| (tenant, month(of)))) {
            let Ok(owed) = owed(&facts, tenant, of, later()) else { continue };
            prop_assert_eq!(owed.lines.iter().map(|line| line.amount).sum::<i128>(), owed.total);
            let cost = owed.lines.iter().filter(|line| matches!(line.rule, Rule::Cost(_)));
            let shown: i128 = cost.map(|line| line.amount).sum();
            let exact = &(&Exact::sum(owed.cost.values()) * &owed.rate) * &Exact::whole(owed.currency.scale());
            prop_assert_eq!(shown, exact.round_to(owed.currency.step));
            prop_assert!(owed.lines.iter().all(|line| line.amount % owed.currency.step == 0 && line.amount != 0));
        }
    }

    #[test]
    fn months_billed_in_any_order_end_in_the_same_sum((facts, _) in facts(), order in Just(MONTHS.to_vec()).prop_shuffle()) {
        for tenant in [id("acme"), id("beta")] {
            let mut carried = 0;
            let mut invoiced = 0;
            for of in &order {
                let next = next_invoice(&facts, &tenant, month(of), later(), &BTreeMap::new(), carried).expect("billed");
                prop_assert!(next.total >= 0);
                (carried, invoiced) = (next.carried, invoiced + next.total);
            }
            let all: i128 = MONTHS.iter().map(|of| owed(&facts, &tenant, month(of), later()).expect("owed").total).sum();
            prop_assert_eq!(invoiced + carried, all);
        }
    }

    #[test]
    fn a_biller_by_these_rules_has_no_violation_and_one_cent_less_is_seen((facts, _) in facts(), at in 0_usize..12) {
        let worlds = billed(&facts);
        for world in &worlds {
            prop_assert_eq!(invariant(&facts, world), vec![]);
        }
        let mut world = worlds.into_iter().next_back().expect("four months");
        let documents: Vec<(TenantId, usize)> = world.accounts.iter()
            .flat_map(|(tenant, account)| (0..account.documents.len()).map(move |at| (tenant.clone(), at)))
            .collect();
        if let Some((tenant, at)) = documents.get(at % documents.len().max(1)) {
            let document = &mut world.accounts.get_mut(tenant).expect("an account").documents[*at];
            document.lines[0].amount -= 1;
            document.total -= 1;
            prop_assert!(!invariant(&facts, &world).is_empty());
        }
    }
}

#[test]
fn all_four_months_are_looked_at_until_the_last_is_billed() {
    let facts = Facts::default();
    let billed_at = days_after(settles_at(&facts.policy, month("2026-04")), 1);
    assert!(
        looked_at_until(&facts.policy, month("2026-01")) < billed_at,
        "so the laws above cross the end of looking back"
    );
}
