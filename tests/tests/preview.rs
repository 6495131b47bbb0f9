//! `invoice preview --format json` and the lines that are sent to Stripe are the same, on generated pairs of manifest
//! and ledger: the command's own function over the ledger, and the real invoicer over it and the strict Stripe.
//!
//! `BILLFORM_PAIRS=10000` has more pairs than the ordinary run.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::File;
use std::process::Command;
use std::sync::Arc;

use billing::balance::{Balance, EntryKind, Position, PositionId};
use billing::ledger::{CostAmount, CostDay, Record, Stored, SyncMark};
use billing::manifest::{Manifest, Source};
use billing::money::MinorUnits;
use billing::tenant::TenantRecord;
use billing::{Currency, Money, Month};
use futures::executor::block_on;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use localstripe::{Kind, Options, Stripe};
use oracle::facts::Policy;
use provisioner::cloud::evidence_key::EvidenceKey;
use provisioner::ledger::preview::Preview;
use provisioner::ledger::reader::LedgerReader;
use provisioner::ledger::{evidence, months};
use runtime::run::Run;
use serde_json::{Value, json};
use simulator::{Form, Memory, Plan, Random, Script, Shared};
use tests::stage::{Draft, TenantDraft};

const TENANT: &str = "acme";
const CURRENCIES: [&str; 8] = ["USD", "USD", "EUR", "JPY", "KWD", "UGX", "ISK", "CHF"];

/// How many pairs there are.
fn pairs() -> u64 {
    std::env::var("BILLFORM_PAIRS").ok().and_then(|count| count.parse().ok()).unwrap_or(500)
}

fn october() -> Month {
    Month::of(date(2026, 10, 1))
}

/// When October's cost was read, and when it is invoiced.
fn at(hour: i8) -> Timestamp {
    let at = date(2026, 11, 20).at(hour, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
    at.expect("an instant").timestamp()
}

/// A manifest of one tenant with some of the rules, in some currency.
fn manifest(random: &mut Random) -> Manifest {
    let code = *random.one_of(&CURRENCIES);
    let currency: Currency = code.parse().expect("a currency");
    let units = *random.one_of(&[1, 7, 150]);
    let (yaml_terms, tenant) = (terms(random, currency, units), TenantDraft::new(TENANT, "Acme"));
    let tenant = tenant.with("pricing: drawn").with("first_period: 2026-09").with(&format!("currency: {code}"));
    let mut draft = Draft::new("pairs").pricing("drawn", &yaml_terms).tenant(tenant);
    if currency != Currency::USD {
        let (day, thousandths) = (random.between(20, 31), random.between(200, 2_000) * units);
        let rate = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
        draft = draft.with(&format!("fx: {{ source: ECB, rates: [{{ date: 2026-10-{day}, {code}: \"{rate}\" }}] }}"));
    }
    let source = Source { path: "billform.yaml".to_owned(), text: draft.yaml() };
    let loaded = billing::manifest::load(&[source], None, &provisioner::stack::handlers());
    loaded.unwrap_or_else(|problems| {
        let shown: Vec<String> = problems.iter().map(billing::manifest::Problem::render).collect();
        panic!("{}\n{}", draft.yaml(), shown.join("\n"))
    })
}

/// Terms as one line of YAML.
fn terms(random: &mut Random, currency: Currency, units: u32) -> String {
    let code = currency.code();
    let decimals = if currency.decimals() == 0 { "" } else { ".50" };
    let mut rules = String::new();
    let mut some = |percent: u32, most: u32| random.chance(percent).then(|| random.between(1, most));
    let money = |amount: u32| format!("\"{}{decimals} {code}\"", amount * units);
    let mut rule = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(rules, "{}{name}: {value}", if rules.is_empty() { "" } else { ", " });
        }
    };
    rule("base_fee", some(40, 50).map(money));
    rule("markup", some(50, 400).map(|tenths| format!("\"{}.{}%\"", tenths / 10, tenths % 10)));
    rule(
        "fee",
        some(40, 60).map(|fee| match fee % 2 {
            0 => format!("{{ flat: {} }}", money(fee)),
            _ => format!("{{ tiers: [{{ below: {}, flat: {} }}, {{ percent: \"5%\" }}] }}", money(50), money(fee)),
        }),
    );
    rule("allowance", some(30, 40).map(money));
    rule("discount", some(30, 60).map(|percent| format!("\"{percent}%\"")));
    rule("minimum", some(30, 90).map(money));
    let fixed = money(1);
    rule(
        "payment_fee",
        some(30, 9).map(|percent| format!("{{ mode: pass-through, percent: \"{percent}.9%\", fixed: {fixed} }}")),
    );
    rule("tax", some(40, 25).map(|percent| format!("\"{percent}%\"")));
    format!("{{ {rules} }}")
}

/// What the ledger holds of the tenant: some days of some services, up to more than an invoice has lines; and what earlier
/// months left.
fn ledger(random: &mut Random, record: &TenantRecord) -> Vec<Stored> {
    let synced_at = at(6);
    let services = if random.chance(4) { random.between(245, 320) } else { random.between(0, 12) };
    let mut items = vec![stored(record)];
    let last = october().period().last_day();
    items.push(stored(&SyncMark { month: october(), through: last, estimated: false, complete: true, synced_at }));
    for day in october().period().days() {
        if services == 0 || random.chance(60) {
            continue;
        }
        let mut of_day = CostDay::nothing(day, synced_at);
        for _ in 0..random.between(1, services.min(40)) {
            let mantissa = i64::from(random.below(90_000_000)) - i64::from(random.below(100) / 97) * 60_000_000;
            let number = |text: &str| text.parse().expect("a decimal");
            let amount = CostAmount { cost: number(&decimal(mantissa)), usage: number("1") };
            of_day.services.insert(format!("Service {:03}", random.below(services)), amount);
        }
        items.push(stored(&of_day));
    }
    let earlier = |number, kind, text: &str, cents: i64| Position {
        id: PositionId { month: october().previous().expect("September"), revision: 1, number },
        kind,
        text: text.to_owned(),
        amount: Money::from_minor_units(MinorUnits(cents * record.currency.stripe_step()), record.currency),
    };
    let mut open = Vec::new();
    if random.chance(25) {
        open.push(earlier(0, EntryKind::Credit, "Credit from 2026-09", -i64::from(random.between(1, 40_000))));
    }
    if random.chance(25) {
        let cents = i64::from(random.between(1, 9_000)) - 4_500;
        open.push(earlier(
            1,
            EntryKind::Restated,
            "2026-09 restated: 1.00 -> 2.00",
            if cents == 0 { 1 } else { cents },
        ));
    }
    if !open.is_empty() {
        items.push(stored(&Balance { version: 1, currency: record.currency, open }));
    }
    items
}

/// Millionths in plain digits.
fn decimal(millionths: i64) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", millionths.abs() / 1_000_000, millionths.abs() % 1_000_000)
}

fn stored<T: Record>(record: &T) -> Stored {
    Stored::of(TENANT, record).expect("an item")
}

/// Description and amount in Stripe's units.
type Lines = Vec<(String, i64)>;

/// The lines of a preview's JSON.
fn previewed(preview: &Value) -> Lines {
    let lines = preview["invoice"]["lines"].as_array().unwrap_or_else(|| panic!("an invoice: {preview}"));
    let line = |line: &Value| {
        let amount: Money = line["amount"].as_str().expect("an amount").parse().expect("money");
        let description = line["description"].as_str().expect("a description").to_owned();
        (description, amount.minor_units().expect("what Stripe can charge").0)
    };
    lines.iter().map(line).collect()
}

/// The lines of the one draft at Stripe; none where there is no draft.
fn drafted(shared: &Shared) -> Option<Lines> {
    let invoices = shared.stripe.objects(Kind::Invoice);
    assert!(invoices.len() <= 1, "{} drafts of one month", invoices.len());
    let id = invoices.first()?["id"].as_str().expect("an id").to_owned();
    let line = |line: &Value| {
        let description = line["description"].as_str().expect("a description").to_owned();
        (description, line["amount"].as_i64().expect("an amount"))
    };
    Some(simulator::lines(shared, &id).expect("lines").iter().map(line).collect())
}

/// A manifest of one tenant, its ledger, and a Stripe with its customer.
struct Pair {
    seed: u64,
    manifest: Manifest,
    record: TenantRecord,
    plan: Plan,
    shared: Arc<Shared>,
}

impl Pair {
    fn drawn(seed: u64) -> Pair {
        let mut random = Random::new(seed);
        let manifest = manifest(&mut random);
        let plan = Plan {
            seed,
            first: oracle::month::Month::new(2026, 10),
            last: oracle::month::Month::new(2026, 10),
            policy: Policy { settle_days: 0, ..Policy::default() },
            events: Vec::new(),
        };
        let stripe = Stripe::new(Options { start: Some(at(8)), seed: Some(seed), ..Options::default() });
        let shared = Arc::new(Shared::new(Script::new(&plan), stripe, None));
        let mut form = Form::default();
        form.add("name", "Acme").add("email", "acme@example.com");
        let customer = simulator::send(&shared, ("POST", "/v1/customers"), &form).expect("a customer");
        let customer = customer["id"].as_str().map(str::to_owned);
        let record = TenantRecord { stripe_customer: customer, ..manifest.tenant_record(&manifest.tenants[0]) };
        ledger(&mut random, &record).into_iter().for_each(|item| shared.ledger.set(item));
        Pair { seed, manifest, record, plan, shared }
    }

    /// The ledger as it is now, by the provisioner's reader.
    fn reader(&self) -> LedgerReader {
        LedgerReader::over(self.shared.ledger.clone(), "memory")
    }

    fn preview(&self) -> Value {
        let reader = self.reader();
        let preview = Preview::load(&self.manifest, &reader, &self.manifest.tenants[0], october(), today());
        block_on(preview).unwrap_or_else(|failure| panic!("seed {}: {failure:?}", self.seed)).json()
    }

    /// What the real invoicer says that it made of October.
    fn invoice(&self) -> Value {
        let memory = Arc::new(Memory::new(Arc::clone(&self.shared)));
        let invoicer = simulator::start("invoicer", &self.plan.policy, true, memory);
        let run = Run::lasting("pair", std::time::Duration::from_secs(900));
        let event = json!({"tenant": TENANT, "period": "2026-10"});
        let outcome = block_on(invoicer.expect("an invoicer").handle(event, &run)).expect("an answer");
        let answer: Value = serde_json::from_str(outcome.answer.get()).expect("JSON");
        answer["invoices"][0].clone()
    }

    /// The evidence of October's invoice, which verifies.
    fn packed(&self) -> Vec<u8> {
        let (tag, rules) = (&self.manifest.attribution.tenant_tag, self.manifest.invoicing.draft_rules());
        let (reader, record) = (self.reader(), self.record.clone());
        let found = block_on(months::load(&reader, record, tag, rules, today(), Some(october())));
        let standing = found.unwrap_or_else(|failure| panic!("seed {}: {failure:?}", self.seed)).months.swap_remove(0);
        let invoiced = standing.record.as_ref().expect("an invoice");
        let files = evidence::compose(invoiced, &standing).expect("it is derived");
        let key = EvidenceKey::read(&EvidenceKey::generate().expect("a key")).expect("a key");
        let archive = evidence::pack(invoiced, files, &key).expect("a pack");
        let verified = evidence::verify(&archive, Some(key.public()));
        let total = verified.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed)).manifest.total;
        assert_eq!(total, invoiced.invoice.total, "seed {}", self.seed);
        archive
    }
}

fn today() -> Date {
    date(2026, 11, 20)
}

/// One pair: whether there was anything to draft.
fn check(seed: u64) -> bool {
    let pair = Pair::drawn(seed);
    let (preview, said) = (pair.preview(), pair.invoice());
    assert_eq!(preview["not_ready"], Value::Null, "seed {seed}: {preview}\n{said}");
    assert_eq!(preview["invoice"]["total"], said["total"], "seed {seed}: {preview}\n{said}");
    match drafted(&pair.shared) {
        Some(lines) => assert_eq!(previewed(&preview), lines, "seed {seed}"),
        None => {
            let state = said["state"].as_str();
            assert!(matches!(state, Some("nothing_due" | "credit")), "seed {seed}: {preview}\n{said}");
            return false;
        }
    }
    true
}

/// The script that lies in each pack comes to the total by Python's decimals, from the pack alone.
#[test]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
fn a_packs_script_comes_to_the_total_of_its_invoice() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pack, script) = (folder.path().join("pack.zip"), folder.path().join("recompute.py"));
    let mut rules = BTreeSet::new();
    for seed in 0..pairs() / 5 {
        let pair = Pair::drawn(seed);
        let said = pair.invoice();
        let archive = pair.packed();
        std::fs::write(&pack, &archive).expect("a pack");
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive)).expect("an archive");
        std::io::copy(
            &mut archive.by_name("recompute.py").expect("it is there"),
            &mut File::create(&script).expect("a file"),
        )
        .expect("it is unpacked");
        let derivation: Value =
            serde_json::from_reader(archive.by_name("derivation.json").expect("it is there")).expect("JSON");
        let steps = derivation["steps"].as_array().expect("steps");
        rules.extend(steps.iter().filter_map(|step| step["rule"].as_str().map(str::to_owned)));

        let ran = Command::new("python3").arg("-I").args([&script, &pack]).output().expect("Python runs");
        let told = String::from_utf8_lossy(&ran.stdout).into_owned();
        let total = said["total"].as_str().expect("a total");
        let error = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(told, format!("{TENANT} 2026-10 {total}\n"), "seed {seed}: {error}");
    }
    let all = [
        "base_fee",
        "cost",
        "markup",
        "fee",
        "allowance",
        "discount",
        "minimum",
        "card_fee",
        "tax",
        "credit",
        "restated",
    ];
    assert!(all.iter().all(|rule| rules.contains(*rule)), "not each rule was tried: {rules:?}");
}

#[test]
fn a_preview_has_the_lines_that_are_sent_to_stripe() {
    let count = pairs();
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let drafted: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                scope
                    .spawn(move || (worker..count).step_by(threads as usize).filter(|seed| check(*seed)).count() as u64)
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("every pair agrees")).sum()
    });
    assert!(drafted > count / 2 && drafted < count, "{drafted} of {count} pairs have a draft");
}
