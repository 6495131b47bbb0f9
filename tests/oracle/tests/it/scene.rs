//! Facts and moments for tests, in few words.

use jiff::Timestamp;
use jiff::civil::Date;
use oracle::exact::Exact;
use oracle::facts::{Facts, Figure, Money, Rate, RecordType, Tags, Tenant, TenantId, Terms};
use oracle::month::{Month, midnight};
use oracle::owed::{NotOwed, Owed, owed};

/// The tag that tells tenants apart.
pub const KEY: &str = "ClientOrganization";

/// A month from its text: `2026-10`.
pub fn month(text: &str) -> Month {
    Month::of(day(&format!("{text}-01")))
}

/// A day from its text.
pub fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

/// The beginning of a day.
pub fn at(text: &str) -> Timestamp {
    midnight(day(text))
}

/// An exact number from its text.
pub fn exact(text: &str) -> Exact {
    Exact::parse(text).unwrap_or_else(|| panic!("a decimal: {text}"))
}

/// A percentage.
pub fn percent(text: &str) -> Option<Exact> {
    exact(text).over(&Exact::whole(100))
}

/// Money from its text: `20.00 EUR`.
pub fn money(text: &str) -> Option<Money> {
    Some(Money::parse(text).unwrap_or_else(|| panic!("money: {text}")))
}

/// The one tag pair of a tenant.
pub fn tag(value: &str) -> Tags {
    Tags::from([(KEY.to_owned(), value.to_owned())])
}

/// A tenant's id.
pub fn id(text: &str) -> TenantId {
    TenantId::new(text)
}

/// A figure that AWS gives from a day on, no estimate.
pub fn figure(usd: &str, known: &str) -> Figure {
    Figure { known_at: at(known), usd: exact(usd), estimated: false }
}

/// A tenant since 2026-01, billed at cost in one currency, whose tag has its id in capitals.
pub fn tenant(name: &str, currency: &str, terms: Terms) -> Tenant {
    let from = month("2026-01");
    Tenant {
        recorded: Some(day("2026-01-01")),
        first_period: from,
        last_period: None,
        currency: vec![(from, currency.to_owned())],
        terms: vec![(from, terms)],
        tags: vec![(day("2026-01-01"), tag(&name.to_uppercase()))],
    }
}

/// Facts with one tenant, `acme`.
pub fn acme(currency: &str, terms: Terms) -> Facts {
    let mut facts = Facts::default();
    facts.tenants.insert(id("acme"), tenant("acme", currency, terms));
    facts
}

/// A stated rate.
pub fn rate(date: &str, currency: &str, per_dollar: &str) -> Rate {
    let date = day(date);
    Rate { date, stated: date, currency: currency.to_owned(), per_dollar: exact(per_dollar) }
}

/// Records usage of a tenant's tag value on a day, known on the next.
pub fn spend(facts: &mut Facts, value: &str, on: &str, service: &str, usd: &str) {
    let known_at = midnight(day(on).tomorrow().expect("a next day"));
    let figure = Figure { known_at, usd: exact(usd), estimated: false };
    facts.record(day(on), &tag(value), service, RecordType::Usage, figure);
}

/// What acme owes for 2026-10 once it is over.
pub fn october(facts: &Facts) -> Result<Owed, NotOwed> {
    owed(facts, &id("acme"), month("2026-10"), at("2026-11-20"))
}

/// What acme owes for 2026-10, in cents or whatever the currency's smallest unit is.
pub fn total(facts: &Facts) -> i128 {
    october(facts).expect("owed").total
}
