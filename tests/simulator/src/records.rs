//! Tenants' records in the ledger, as `billform apply` writes them on the day of an edit: facts go on from the deployed
//! ones, and a company that takes over an id comes after what stays of the one before.

use std::collections::BTreeMap;

use billing::ledger::{Key, LeftTenant, MemoryLedger, PortError, Stored};
use billing::names::TENANT_ITEM;
use billing::tenant::TenantRecord;
use jiff::civil::Date;
use oracle::facts::{Facts, Fee, Rate, Tenant, TenantId, Terms, Tier, Unallocated};
use oracle::month::Month;
use serde_json::{Value, json};

use super::planted::Planted;
use super::text;

/// What was deployed of each tenant id.
#[derive(Debug, Default)]
pub struct Records {
    deployed: BTreeMap<String, Deployed>,
}

/// The company that has an id, and its record.
#[derive(Debug)]
struct Deployed {
    tenant: TenantId,
    facts: (Tenant, Vec<Rate>),
    record: TenantRecord,
    /// Whether the record was taken away although the company's last invoice is not out.
    is_gone: bool,
}

/// What the records of a day need beside the facts.
#[derive(Clone, Copy, Debug)]
pub struct Day<'a> {
    /// The day.
    pub on: Date,
    /// The Stripe customer of each company.
    pub customers: &'a BTreeMap<TenantId, String>,
    /// Who bears cost of no tenant.
    pub unallocated: Unallocated,
    /// The defect that is put back.
    pub planted: Option<Planted>,
}

impl Records {
    /// Returns the company that has an id now.
    pub fn holder(&self, id: &str) -> Option<&TenantId> {
        self.deployed.get(id).map(|deployed| &deployed.tenant)
    }

    /// Writes what the day's facts change. `is_over` says whether a company's last invoice is out, so that its id is free.
    ///
    /// # Errors
    /// A record cannot be written.
    pub fn write(
        &mut self,
        ledger: &MemoryLedger,
        facts: &Facts,
        day: Day<'_>,
        is_over: impl Fn(&TenantId, &Tenant) -> bool,
    ) -> Result<(), PortError> {
        if day.planted == Some(Planted::LeaverUnbilled) {
            self.drop_leavers(ledger, day.on)?;
        }
        for (id, tenant) in &facts.tenants {
            let rates = rates(facts, tenant);
            let held = self.deployed.get(&id.id);
            match held.filter(|held| held.tenant == *id) {
                Some(held) if held.is_gone || held.facts == (tenant.clone(), rates.clone()) => continue,
                Some(_) => {}
                None => match held {
                    Some(held) if held.tenant > *id || !is_over(&held.tenant, &held.facts.0) => continue,
                    Some(held) => leave(ledger, &held.record)?,
                    None => {}
                },
            }
            let record = self.record(id, tenant, &rates, day);
            ledger.set(Stored::of(&id.id, &record)?);
            let deployed = Deployed { tenant: id.clone(), facts: (tenant.clone(), rates), record, is_gone: false };
            self.deployed.insert(id.id.clone(), deployed);
        }
        Ok(())
    }

    /// Takes the records of those away whose last month is over, billed or not.
    fn drop_leavers(&mut self, ledger: &MemoryLedger, today: Date) -> Result<(), PortError> {
        let is_over = |deployed: &&mut Deployed| {
            let last = deployed.record.last_period;
            !deployed.is_gone && last.is_some_and(|last| last < billing::Month::of(today))
        };
        for deployed in self.deployed.values_mut().filter(is_over) {
            leave(ledger, &deployed.record)?;
            deployed.is_gone = true;
        }
        Ok(())
    }

    fn record(&self, id: &TenantId, tenant: &Tenant, rates: &[Rate], day: Day<'_>) -> TenantRecord {
        let before = self.deployed.get(&id.id);
        let own = before.filter(|deployed| deployed.tenant == *id);
        // A manifest keeps its dates until they are history: until there is a record, none of them is.
        let month = own.map_or(tenant.first_period, |_| Month::of(day.on));
        let mut wanted = manifest(id, tenant, rates, month, day);
        let Some(deployed) = own else {
            if let Some(before) = before.filter(|_| day.planted == Some(Planted::ReusedId)) {
                wanted.first_period = before.record.first_period;
                wanted.stripe_customer = before.record.stripe_customer.clone();
            }
            return wanted;
        };
        let now = billing::Month::of(day.on);
        let mut followed = wanted.clone().following(&deployed.record, now);
        if day.planted == Some(Planted::EditReprices) {
            followed.terms = wanted.terms;
        }
        if day.planted == Some(Planted::RateEditReprices) {
            followed.rates = wanted.rates;
        }
        if day.planted == Some(Planted::TagValueForgotten) {
            let last = tenant.tags.iter().max_by_key(|(from, _)| *from).map(|(_, tags)| tags);
            followed.tags.extend(last.into_iter().flatten().map(|(key, value)| (key.clone(), value.as_str().into())));
        }
        followed
    }
}

/// Writes what stays of a company that left, and takes its record away.
fn leave(ledger: &MemoryLedger, record: &TenantRecord) -> Result<(), PortError> {
    if let Some(left) = LeftTenant::of(record) {
        ledger.set(Stored::of(&record.id, &left)?);
    }
    ledger.remove(&Key::new(&record.id, TENANT_ITEM));
    Ok(())
}

/// The rates that a manifest states for a tenant: one of each day, as it was edited last.
fn rates(facts: &Facts, tenant: &Tenant) -> Vec<Rate> {
    let code = tenant.currency(tenant.first_period).unwrap_or_default();
    let of_currency = facts.rates.iter().filter(|rate| rate.currency == code);
    let by_day: BTreeMap<Date, &Rate> = of_currency.map(|rate| (rate.date, rate)).collect();
    by_day.into_values().cloned().collect()
}

/// The record by the manifest alone: what began by this month stands there without a date, what begins later with one.
fn manifest(id: &TenantId, tenant: &Tenant, rates: &[Rate], month: Month, day: Day<'_>) -> TenantRecord {
    let code = tenant.currency(tenant.first_period).unwrap_or_default();
    let (begun, later): (Vec<_>, Vec<_>) =
        tenant.terms.iter().partition(|(from, _)| *from <= month.max(tenant.first_period));
    let present =
        begun.into_iter().max_by_key(|(from, _)| *from).map(|(_, present)| terms(present, None, day.unallocated));
    let mut later: Vec<&(Month, Terms)> = later;
    later.sort_by_key(|(from, _)| *from);
    let dated = later.into_iter().map(|(from, later)| terms(later, Some(*from), day.unallocated));
    let rates = rates.iter().map(|rate| {
        let per_dollar = text::decimal(&rate.per_dollar);
        json!({"rate": {
            "from": "USD", "to": rate.currency, "rate": per_dollar, "source": "ECB", "date": rate.date.to_string(),
        }})
    });
    let record = json!({
        "id": id.id, "name": id.to_string(), "email": format!("{}@tenants.example", id.id), "locale": "en-US",
        "currency": code, "tags": tags(tenant),
        "terms": present.into_iter().chain(dated).collect::<Vec<Value>>(), "rates": rates.collect::<Vec<Value>>(),
        "stripe_customer": day.customers.get(id), "first_period": tenant.first_period.to_string(),
        "last_period": tenant.last_period.map(|last| last.to_string()), "days_until_due": 30, "link_version": id.life,
    });
    serde_json::from_value(record).expect("a record of drawn facts")
}

/// The values of each tag by day, the first without a beginning.
fn tags(tenant: &Tenant) -> BTreeMap<&str, Vec<Value>> {
    let keys = tenant.tags.iter().flat_map(|(_, tags)| tags.keys());
    keys.map(|key| (key.as_str(), values(tenant, key))).collect()
}

fn values(tenant: &Tenant, key: &str) -> Vec<Value> {
    let mut values: Vec<(Date, &String)> =
        tenant.tags.iter().filter_map(|(from, tags)| Some((*from, tags.get(key)?))).collect();
    values.sort();
    let span = |(at, (from, value)): (usize, &(Date, &String))| {
        let from = (at > 0).then(|| from.to_string());
        let until = values.get(at + 1).map(|(until, _)| until.to_string());
        json!({"value": value, "from": from, "until": until})
    };
    values.iter().enumerate().map(span).collect()
}

fn terms(terms: &Terms, from: Option<Month>, unallocated: Unallocated) -> Value {
    let unallocated = match unallocated {
        Unallocated::Operator => "operator",
        Unallocated::Proportional => "proportional",
        Unallocated::Even => "even",
    };
    let tier = |tier: &Tier| {
        json!({
            "below": tier.below.as_ref().map(text::money), "flat": tier.flat.as_ref().map(text::money),
            "percent": tier.percent.as_ref().map(text::percent),
        })
    };
    let fee = terms.fee.as_ref().map(|fee| match fee {
        Fee::Flat(flat) => json!({"flat": text::money(flat)}),
        Fee::Tiers(tiers) => json!({"tiers": tiers.iter().map(tier).collect::<Vec<Value>>()}),
    });
    let payment_fee = terms.payment_fee.as_ref().map(
        |fee| json!({"mode": "pass-through", "percent": text::percent(&fee.percent), "fixed": text::money(&fee.fixed)}),
    );
    json!({
        "base_fee": terms.base_fee.as_ref().map(text::money), "markup": terms.markup.as_ref().map(text::percent),
        "fee": fee, "allowance": terms.allowance.as_ref().map(text::money),
        "discount": terms.discount.as_ref().map(text::percent), "minimum": terms.minimum.as_ref().map(text::money),
        "payment_fee": payment_fee, "tax": terms.tax.as_ref().map(text::percent),
        "effective_from": from.map(|from| from.to_string()), "sharing": {"unallocated": unallocated},
    })
}
