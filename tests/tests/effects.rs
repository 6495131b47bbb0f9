//! What `plan` says that an edit does to amounts is the difference of two previews: of a ledger that was run by the
//! manifest before the edit, and of one that was run by the manifest after it, from the same bill.

use std::collections::BTreeMap;

use billing::ledger::{CostAmount, CostDay, MemoryLedger, Record, Stored, SyncMark};
use billing::manifest::{Manifest, Source};
use billing::names::UNALLOCATED;
use billing::{Money, Month};
use futures::executor::block_on;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use provisioner::ledger::money_effects::MoneyEffects;
use provisioner::ledger::preview::Preview;
use provisioner::ledger::reader::LedgerReader;
use serde_json::Value;
use simulator::Random;
use tests::stage::{Draft, TenantDraft};

const TAG: &str = "ClientOrganization";
const CHANGES: u64 = 40;
const TODAY: Date = date(2026, 11, 20);
/// The values of the tag in the bill; the last two are no tenant's at first.
const VALUES: [&str; 5] = ["Acme", "Beta", "Gamma", "Print", ""];

/// Who bears what is no tenant's.
const WAYS: [&str; 3] = ["operator", "even", "proportional"];

/// A manifest as this test edits it.
#[derive(Clone)]
struct Said {
    tenants: Vec<Tenant>,
    /// Rules by name.
    pricing: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
    /// Thousandths of a euro and hundredths of a yen for a dollar, by the day they are of.
    rates: BTreeMap<&'static str, (u32, u32)>,
    unallocated: &'static str,
}

#[derive(Clone)]
struct Tenant {
    id: &'static str,
    value: &'static str,
    /// The value that takes its place in December.
    next: Option<&'static str>,
    pricing: &'static str,
    currency: &'static str,
    first: &'static str,
    last: Option<&'static str>,
}

/// An amount in the currency of a pricing, of about so many dollars.
fn money(pricing: &str, dollars: u32) -> String {
    match pricing {
        "two" => format!("\"{dollars}.50 EUR\""),
        "three" => format!("\"{} JPY\"", dollars * 150),
        _ => format!("\"{dollars}.25 USD\""),
    }
}

impl Said {
    fn drawn(random: &mut Random) -> Said {
        let tenant = |id, value, pricing, currency| Tenant {
            id,
            value,
            next: None,
            pricing,
            currency,
            first: "2026-08",
            last: None,
        };
        let terms = |random: &mut Random, name: &str| {
            let percent = format!("\"{}.5%\"", random.between(1, 40));
            let mut terms = BTreeMap::from([("markup", percent)]);
            if random.chance(50) {
                terms.insert("minimum", money(name, random.between(1, 60)));
            }
            if random.chance(50) {
                terms.insert("tax", format!("\"{}%\"", random.between(1, 25)));
            }
            terms
        };
        let rate = |random: &mut Random| (random.between(700, 1_200), random.between(10_000, 20_000));
        let pricing = ["one", "two", "three", "spare"].map(|name| (name, terms(random, name))).into();
        let rates = ["2026-08-31", "2026-09-30", "2026-10-30"].map(|day| (day, rate(random))).into();
        let unallocated = *random.one_of(&WAYS);
        Said {
            tenants: vec![
                tenant("acme", "Acme", "one", "USD"),
                tenant("beta", "Beta", "two", "EUR"),
                tenant("gamma", "Gamma", "three", "JPY"),
            ],
            pricing,
            rates,
            unallocated,
        }
    }

    fn manifest(&self) -> Manifest {
        let mut draft = Draft::new("effects");
        for (name, terms) in &self.pricing {
            let rules: Vec<String> = terms.iter().map(|(rule, value)| format!("{rule}: {value}")).collect();
            draft = draft.pricing(name, &format!("{{ {} }}", rules.join(", ")));
        }
        for tenant in &self.tenants {
            let next = tenant.next.map(|next| format!(", {{ value: {next}, from: 2026-12-01 }}")).unwrap_or_default();
            let one = TenantDraft::new(tenant.id, &format!("[{{ value: {} }}{next}]", tenant.value));
            let one = one.with(&format!("pricing: {}", tenant.pricing)).with(&format!("currency: {}", tenant.currency));
            let one = one.with(&format!("first_period: {}", tenant.first));
            draft = draft.tenant(tenant.last.iter().fold(one, |one, last| one.with(&format!("last_period: {last}"))));
        }
        let rate = |(day, (eur, jpy)): (&&str, &(u32, u32))| {
            format!(
                "{{ date: {day}, EUR: \"{}.{:03}\", JPY: \"{}.{:02}\" }}",
                eur / 1_000,
                eur % 1_000,
                jpy / 100,
                jpy % 100
            )
        };
        let rates: Vec<String> = self.rates.iter().map(rate).collect();
        let draft = draft.with(&format!("fx: {{ source: ECB, rates: [{}] }}", rates.join(", ")));
        let draft = draft.with(&format!("costs: {{ unallocated: {} }}", self.unallocated));
        let source = Source { path: "billform.yaml".to_owned(), text: draft.yaml() };
        billing::manifest::load(&[source], None, &provisioner::stack::handlers()).unwrap_or_else(|problems| {
            let shown: Vec<String> = problems.iter().map(billing::manifest::Problem::render).collect();
            panic!("{}\n{}", draft.yaml(), shown.join("\n"))
        })
    }

    fn terms(&mut self, name: &str) -> &mut BTreeMap<&'static str, String> {
        self.pricing.get_mut(name).expect("a price")
    }
}

/// An edit: the manifest that is planned, and the one by which the months would have been run.
fn edit(number: u64, before: &Said, random: &mut Random) -> (Said, Said) {
    let mut after = before.clone();
    let name = *random.one_of(&["one", "two", "three"]);
    let whole = random.between(1, 30);
    match number % 20 {
        0 => drop(after.terms(name).insert("markup", "\"12%\"".to_owned())),
        1 => drop(after.terms(name).remove("markup")),
        2 => drop(after.terms(name).insert("discount", format!("\"{whole}%\""))),
        3 => drop(after.terms(name).insert("minimum", money(name, whole * 10))),
        4 => drop(after.terms(name).insert("fee", format!("{{ flat: {} }}", money(name, whole)))),
        5 => drop(after.terms(name).insert("tax", format!("\"{whole}%\""))),
        6 => drop(after.terms(name).insert("base_fee", money(name, whole))),
        7 => drop(after.terms(name).insert("allowance", money(name, whole))),
        8 => {
            let fee = format!("{{ mode: pass-through, percent: \"2.9%\", fixed: {} }}", money(name, 1));
            after.terms(name).insert("payment_fee", fee);
        }
        9 => {
            let (below, flat) = (money(name, 400), money(name, whole));
            let tiers = format!("{{ tiers: [{{ below: {below}, flat: {flat} }}, {{ percent: \"5%\" }}] }}");
            after.terms(name).insert("fee", tiers);
        }
        10 => after.tenants[0].pricing = "spare",
        11 => after.rates.values_mut().for_each(|(eur, jpy)| (*eur, *jpy) = (*eur + 13, *jpy - 77)),
        12 => {
            after.tenants[0].value = "Print";
            let mut planned = before.clone();
            planned.tenants[0].next = Some("Print");
            return (planned, after);
        }
        13 => after.tenants[0].value = "Print",
        14 => after.tenants[2].first = "2026-10",
        15 => after.tenants[1].last = Some("2026-09"),
        16 => after.unallocated = if before.unallocated == "even" { "proportional" } else { "even" },
        17 => {
            // Dated into the future: what would have been is told by the terms that come.
            after.terms(name).insert("markup", "\"33%\"".to_owned());
            let rerun = after.clone();
            let mut planned = before.clone();
            let mut later = rerun.pricing[name].clone();
            later.insert("effective_from", "2026-12".to_owned());
            planned.pricing.insert("later", later);
            let whose = planned.tenants.iter_mut().find(|tenant| tenant.pricing == name).expect("a tenant");
            whose.pricing = match name {
                "one" => "[one, later]",
                "two" => "[two, later]",
                _ => "[three, later]",
            };
            return (planned, rerun);
        }
        18 => (after.tenants[2].currency, after.tenants[2].pricing) = ("EUR", "two"),
        _ => {
            after.terms("one").insert("markup", format!("\"{whole}%\""));
            after.rates.insert("2026-09-30", (888, 14_321));
            after.tenants[1].value = "Print";
            after.tenants[2].first = "2026-09";
        }
    }
    (after.clone(), after)
}

/// Cost by day and value of the tag, in millionths of a dollar, of some services.
type Bill = BTreeMap<(Date, usize), BTreeMap<String, i64>>;

fn months() -> [Month; 3] {
    ["2026-08", "2026-09", "2026-10"].map(|month| month.parse().expect("a month"))
}

fn bill(random: &mut Random) -> Bill {
    let mut bill = Bill::new();
    for day in months().iter().flat_map(|month| month.period().days()) {
        for value in 0..VALUES.len() {
            if random.chance(25) {
                let service = format!("Service {}", random.below(4));
                let credit = if random.chance(4) { -1 } else { 1 };
                bill.entry((day, value)).or_default().insert(service, credit * i64::from(random.below(20_000_000)));
            }
        }
    }
    bill
}

/// The ledger as a sync by the manifest's tags leaves it.
fn ledger(bill: &Bill, manifest: &Manifest) -> MemoryLedger {
    let synced_at: Timestamp = "2026-11-20T06:00:00Z".parse().expect("an instant");
    let ledger = MemoryLedger::default();
    let records = manifest.tenant_records();
    let mut days: BTreeMap<(String, Date), CostDay> = BTreeMap::new();
    for ((day, value), services) in bill {
        let is_theirs = |span: billing::tenant::TagSpan| span.value == VALUES[*value] && span.covers(*day);
        let owner = records.values().find(|record| record.tag_spans(TAG).any(is_theirs));
        let owner = owner.map_or(UNALLOCATED, |record| record.id.as_str());
        let key = (owner.to_owned(), *day);
        let of_day = days.entry(key).or_insert_with(|| CostDay::nothing(*day, synced_at));
        for (service, millionths) in services {
            let amount = CostAmount { cost: rust_decimal::Decimal::new(*millionths, 6), ..CostAmount::default() };
            of_day.services.entry(service.clone()).or_default().add(amount);
            if owner == UNALLOCATED {
                of_day.values.entry(VALUES[*value].to_owned()).or_default().add(amount);
            }
        }
    }
    let put = |id: &str, item: Stored| {
        assert_eq!(item.key.partition, id);
        ledger.set(item);
    };
    for ((id, _), day) in &days {
        put(id, stored(id, day));
    }
    for record in records.values() {
        put(&record.id, stored(&record.id, record));
    }
    for id in records.keys().map(String::as_str).chain([UNALLOCATED]) {
        for month in months() {
            let through = month.period().last_day();
            put(id, stored(id, &SyncMark { month, through, estimated: false, complete: true, synced_at }));
        }
    }
    ledger
}

fn stored<T: Record>(id: &str, record: &T) -> Stored {
    Stored::of(id, record).expect("an item")
}

/// What each tenant's months come to by previews; nothing where a month is not billed.
fn previewed(bill: &Bill, manifest: &Manifest) -> BTreeMap<(String, Month), Money> {
    let reader = LedgerReader::over(ledger(bill, manifest), "memory");
    let mut totals = BTreeMap::new();
    for tenant in &manifest.tenants {
        for month in months() {
            let preview = block_on(Preview::load(manifest, &reader, tenant, month, TODAY)).expect("a preview").json();
            let total: Money = preview["invoice"]["total"].as_str().expect("a total").parse().expect("money");
            let total = match &preview["not_ready"] {
                Value::Null => total,
                Value::String(why) if why.contains(" lies b") => Money::zero(total.currency),
                other => panic!("{} {month}: {other}", tenant.id),
            };
            totals.insert((tenant.id.clone(), month), total);
        }
    }
    totals
}

/// How many months of the edit come out otherwise.
fn check(number: u64) -> usize {
    let mut random = Random::new(number);
    let before = Said::drawn(&mut random);
    let bill = bill(&mut random);
    let (planned, rerun) = edit(number, &before, &mut random);
    let (before, planned, rerun) = (before.manifest(), planned.manifest(), rerun.manifest());
    let reader = LedgerReader::over(ledger(&bill, &before), "memory");
    let wanted: Vec<_> = planned.tenant_records().into_values().collect();
    let effects = block_on(MoneyEffects::load(&reader, &wanted, TAG, TODAY)).expect("effects");
    assert_eq!(effects.notes, Vec::<String>::new(), "edit {number}");
    let (was, would_be) = (previewed(&bill, &before), previewed(&bill, &rerun));
    let mut told: BTreeMap<(String, Month), _> =
        effects.months.iter().map(|effect| ((effect.tenant.clone(), effect.period), effect)).collect();
    assert_eq!(told.len(), effects.months.len(), "edit {number}: a month is told once");
    let mut differing = 0;
    for (key, was) in &was {
        let would_be = would_be[key];
        differing += usize::from(*was != would_be);
        let Some(effect) = told.remove(key) else {
            assert_eq!(*was, would_be, "edit {number}: {key:?} is not told");
            continue;
        };
        let place = format!("edit {number}: {key:?}, {}", effect.reason);
        assert_eq!((effect.before, effect.after), (Some(*was), Some(would_be)), "{place}");
        let minor = |money: Money| money.minor_units().expect("what Stripe can charge").0;
        match was.currency == would_be.currency {
            true => {
                let delta = effect.delta().expect("one currency");
                assert_eq!(minor(delta), minor(would_be) - minor(*was), "{place}");
                assert_eq!(delta.currency, would_be.currency, "{place}");
            }
            false => assert_eq!(effect.delta(), None, "{place}"),
        }
    }
    assert!(told.is_empty(), "edit {number}: {told:?}");
    differing
}

#[test]
fn the_effect_shown_is_the_difference_of_two_previews() {
    let differing: Vec<usize> = (0..CHANGES).map(check).collect();
    let edits = differing.iter().filter(|months| **months > 0).count();
    assert!(edits >= 36, "{edits} of {CHANGES} edits change an amount: {differing:?}");
    assert!(differing.iter().sum::<usize>() > 100, "{differing:?}");
}
