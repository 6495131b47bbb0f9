//! One invoice and a tiny one in every currency that billform bills in: the real handlers draw them up and issue them on
//! the strict Stripe, and the oracle says what each must be.

use std::collections::BTreeMap;

use billing::Currency;
use oracle::exact::Exact;
use oracle::facts::{Fee, Money, PaymentFee, Policy, RecordType, TenantId, Terms};
use oracle::month::Month;
use oracle::world::{Document, Status};
use simulator::{Company, Deed, Event, Plan, Simulation, Workload, story};

/// Whether a tenant's month is worth charging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Usual,
    /// Some cents of cost and nothing else.
    Tiny,
}

/// Units for one dollar, of about the order of the real ones.
fn rate(currency: Currency) -> Exact {
    let text = match (currency.code(), currency.decimals()) {
        ("USD", _) => "1",
        (_, 0) => "151.237",
        (_, 3) => "0.30745",
        _ => "3.9137",
    };
    Exact::parse(text).expect("a rate")
}

fn id(currency: Currency, size: Size) -> String {
    format!("{}-{size:?}", currency.code()).to_lowercase()
}

/// Every rule whose amounts are rounded: a share of the cost, a flat fee, a payment fee, tax.
fn terms(currency: Currency) -> Terms {
    let share = |thousandths| Exact::fraction(thousandths, 1_000).expect("a share");
    let money = |dollars: &str| {
        let amount = &Exact::parse(dollars).expect("an amount") * &rate(currency);
        Money { amount, currency: currency.code().to_owned() }
    };
    Terms {
        markup: Some(share(73)),
        fee: Some(Fee::Flat(money("2.55"))),
        payment_fee: Some(PaymentFee { percent: share(29), fixed: money("0.30") }),
        tax: Some(share(190)),
        ..Terms::default()
    }
}

fn events(currency: Currency, size: Size, first: Month) -> [Event; 2] {
    let value = id(currency, size);
    let company = Company {
        tenant: TenantId::new(&value),
        first_period: first,
        currency: currency.code().to_owned(),
        value: value.clone(),
        terms: if size == Size::Usual { terms(currency) } else { Terms::default() },
    };
    let workload = Workload {
        value,
        service: "AWS Lambda".to_owned(),
        record: RecordType::Usage,
        from: first.first(),
        days: if size == Size::Usual { 31 } else { 1 },
        most: if size == Size::Usual { 400_000 } else { 1_000 },
        lag: 1,
        estimated: 3,
        seed: 7,
    };
    let on = first.first();
    [Event { on, deed: Deed::Join(company) }, Event { on, deed: Deed::Run(workload) }]
}

/// January in every currency. Odd seeds approve automatically.
fn plan() -> Plan {
    let first = Month::new(2026, 1);
    let mut events: Vec<Event> = Vec::new();
    for currency in Currency::all() {
        events.extend([Size::Usual, Size::Tiny].into_iter().flat_map(|size| self::events(currency, size, first)));
        if currency != Currency::USD {
            let rate = Deed::StateRate {
                currency: currency.code().to_owned(),
                date: first.last(),
                per_dollar: rate(currency),
            };
            events.push(Event { on: first.plus(1).first(), deed: rate });
        }
    }
    events.sort_by_key(|event| event.on);
    Plan { seed: 1, first, last: first, policy: Policy::default(), events }
}

/// The one January invoice of each tenant, once January has settled.
fn issued(plan: &Plan) -> BTreeMap<String, Document> {
    let mut simulation = Simulation::new(plan, None);
    let end = plan.first.plus(1).last();
    for day in plan.days().take_while(|day| *day <= end) {
        if let Some(failure) = simulation.day(day) {
            panic!("{}", story(plan, &failure));
        }
    }
    let accounts = simulation.world().accounts.into_iter();
    let january = accounts.filter_map(|(tenant, account)| {
        let mut documents = account.documents.into_iter().filter(|document| document.status.is_live());
        let document = documents.next()?;
        assert!(documents.next().is_none(), "{tenant} has two invoices");
        Some((tenant.id, document))
    });
    january.collect()
}

/// The oracle judged each day that the invoices are what is owed, and of amounts that Stripe takes.
#[test]
fn an_invoice_of_every_currency_is_issued_as_it_is_owed() {
    let issued = issued(&plan());
    assert!(Currency::all().count() > 60);
    for currency in Currency::all() {
        let [usual, tiny] = [Size::Usual, Size::Tiny].map(|size| issued.get(&id(currency, size)));
        let usual = usual.unwrap_or_else(|| panic!("{currency} is not issued"));
        assert_eq!((usual.status, usual.currency.as_str()), (Status::Open, currency.code()), "{usual:?}");
        assert!(usual.lines.len() == 5 && usual.issued_at.is_some(), "{usual:?}");
        let step = i128::from(currency.stripe_step());
        assert!(usual.lines.iter().all(|line| line.amount % step == 0) && usual.total % step == 0, "{usual:?}");
        // A few cents: Stripe moves what it cannot charge to the customer's balance, and calls the invoice paid.
        let least = currency.stripe_minimum().map(i128::from);
        if let Some((tiny, least)) = tiny.zip(least) {
            assert_eq!(tiny.status, if tiny.total < least { Status::Paid } else { Status::Open }, "{tiny:?}");
        }
    }
    let is_paid = |(_, document): &(&String, &Document)| document.status == Status::Paid;
    assert!(issued.iter().filter(is_paid).count() >= 20, "minimum charges were met with");
    for (code, step) in [("ISK", 100), ("UGX", 100), ("KWD", 10), ("TND", 10)] {
        let document = &issued[&format!("{}-usual", code.to_lowercase())];
        assert!(document.total % step == 0 && document.total >= step, "{document:?}");
    }
}
