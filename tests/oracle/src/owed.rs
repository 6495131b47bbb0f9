//! What a tenant owes for a month by what was known at an instant, or why that cannot be said.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::attribution::Attribution;
use crate::currency::Currency;
use crate::exact::Exact;
use crate::facts::{Facts, TenantId};
use crate::line::{Line, total};
use crate::month::Month;
use crate::pricing;

/// What a month is for a tenant, before credit: rules x cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Owed {
    /// The currency of all amounts.
    pub currency: Currency,
    /// Units of it for one dollar.
    pub rate: Exact,
    /// The cost by service, in exact dollars, shared cost included.
    pub cost: BTreeMap<String, Exact>,
    /// The lines, in the order of rules.
    pub lines: Vec<Line>,
    /// Their sum; below zero it is a credit to be carried.
    pub total: i128,
}

/// Why nothing can be billed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotOwed {
    /// The facts have no such tenant.
    Unknown,
    /// The month is not of the tenant's membership.
    NotAMember,
    /// No terms hold yet.
    NoTerms,
    /// No currency holds yet.
    NoCurrency,
    /// Stripe does not know the currency.
    NoSuchCurrency(String),
    /// Terms and invoice are of different currencies, which never mix in a sum.
    TermsOfAnotherCurrency(String),
    /// No exchange rate near the month's end is stated.
    NoRate,
}

/// Returns what a tenant owes for a month, by the cost that was known at an instant.
///
/// # Errors
/// Says why nothing can be billed.
pub fn owed(facts: &Facts, tenant: &TenantId, month: Month, known_at: Timestamp) -> Result<Owed, NotOwed> {
    owed_of(facts, &Attribution::of(facts, month, known_at), tenant, month)
}

/// Returns what a tenant owes for a month whose bill is told apart already.
///
/// # Errors
/// Says why nothing can be billed.
pub fn owed_of(facts: &Facts, bill: &Attribution, tenant: &TenantId, month: Month) -> Result<Owed, NotOwed> {
    let known = facts.tenants.get(tenant).ok_or(NotOwed::Unknown)?;
    if !known.is_member(month) {
        return Err(NotOwed::NotAMember);
    }
    let terms = known.terms(month).ok_or(NotOwed::NoTerms)?;
    let code = known.currency(month).ok_or(NotOwed::NoCurrency)?;
    let currency = Currency::find(code).ok_or_else(|| NotOwed::NoSuchCurrency(code.to_owned()))?;
    if let Some(other) = terms.money().find(|money| money.currency != code) {
        return Err(NotOwed::TermsOfAnotherCurrency(other.currency.clone()));
    }
    let rate = facts.rate(currency, month, known.recorded).ok_or(NotOwed::NoRate)?;
    let cost = bill.cost(tenant);
    let lines = pricing::lines(terms, currency, &rate, &cost);
    let total = total(&lines);
    Ok(Owed { currency, rate, cost, lines, total })
}
