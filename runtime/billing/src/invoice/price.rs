//! The rules of an invoice, applied in their fixed order.
//!
//! Cost lines show AWS cost at cost: the markup is a line of its own, so a tenant can hold every cost line against
//! AWS's figures. Rules that take a share of the cost (markup, percent tiers) take it of the exact cost; those that
//! take a share of the sum (discount, card fee, tax) take it of the lines as shown. Each line is rounded once.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Derivation, Invoice, Line, MonthTerms, Rule, SHARED_COST, SharedPart, Step};
use crate::money::{MoneyError, round};
use crate::pricing::{CardFee, ExchangeRate, Fee, Terms, Tier};
use crate::split::rounded_parts;
use crate::tenant::{RateError, TenantRecord};
use crate::{Currency, Money, Month};

/// What an invoice is made of.
#[derive(Debug, Clone, Copy)]
pub struct PriceInput<'a> {
    /// Who pays.
    pub tenant: &'a TenantRecord,
    /// The month.
    pub month: Month,
    /// The terms and the exchange rate it is priced under.
    pub terms: &'a MonthTerms,
    /// AWS cost by service in US dollars, exact.
    pub services: &'a BTreeMap<String, Decimal>,
    /// The tenant's part of cost that is no tenant's; the terms' rules treat it as the cost of one more service.
    pub shared: Option<&'a SharedPart>,
}

/// Why a month cannot be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// No terms hold for the month.
    #[error("tenant {tenant} has no pricing terms that hold for {month}; date some to start by then")]
    NoTerms {
        /// The tenant's id.
        tenant: String,
        /// The month.
        month: Month,
    },
    /// An amount is in a currency that cannot be converted.
    #[error("tenant {tenant} is billed in {to}, but {what} is in {from} and no exchange rate from {from} is stated")]
    NoRate {
        /// The tenant's id.
        tenant: String,
        /// What could not be converted.
        what: &'static str,
        /// Its currency.
        from: Currency,
        /// The invoice's currency.
        to: Currency,
    },
    /// No exchange rate is stated of a day near the month's end.
    #[error(transparent)]
    RateTooFar(#[from] RateError),
    /// No tier of the fee holds for the cost.
    #[error("tenant {tenant}: no fee tier holds for a cost of {cost}; the last tier must have no `below`")]
    NoTier {
        /// The tenant's id.
        tenant: String,
        /// The month's cost.
        cost: Money,
    },
    /// A sum does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Prices a month by its cost alone: what earlier months left is added by [`super::compose`].
pub fn price(input: &PriceInput) -> Result<Invoice, PriceError> {
    let terms = &input.terms.terms;
    let mut services = input.services.clone();
    if let Some(shared) = input.shared {
        *services.entry(SHARED_COST.to_owned()).or_default() += shared.amount;
    }
    let mut draft = Draft::new(input, services.values().sum())?;
    draft.base_fee(terms)?;
    draft.cost(&services, input);
    draft.markup(terms);
    draft.fee(terms)?;
    draft.allowance(terms)?;
    draft.discount(terms);
    draft.minimum(terms)?;
    draft.card_fee(terms)?;
    draft.tax(terms);
    Ok(draft.finish(input))
}

/// An invoice while the rules are applied.
struct Draft<'a> {
    tenant: &'a TenantRecord,
    exchange: Option<&'a ExchangeRate>,
    currency: Currency,
    /// The month's cost in US dollars, exact.
    cost_usd: Decimal,
    /// The same in the invoice's currency, exact.
    cost: Decimal,
    /// Units of the invoice's currency for one US dollar.
    rate: Decimal,
    lines: Vec<Line>,
    steps: Vec<Step>,
    running: Decimal,
}

impl<'a> Draft<'a> {
    fn new(input: &PriceInput<'a>, cost_usd: Decimal) -> Result<Draft<'a>, PriceError> {
        let tenant = input.tenant;
        let exchange = input.terms.exchange.as_ref();
        let rate = usd_rate(tenant, exchange)?;
        Ok(Draft {
            tenant,
            exchange,
            currency: tenant.currency,
            cost_usd,
            cost: cost_usd * rate,
            rate,
            lines: Vec::new(),
            steps: Vec::new(),
            running: Decimal::ZERO,
        })
    }

    fn base_fee(&mut self, terms: &Terms) -> Result<(), PriceError> {
        if let Some(fee) = terms.base_fee {
            let rate = self.rate_from(fee, "the base fee")?;
            let derivation = Derivation::Stated { stated: fee, rate };
            self.line(Rule::BaseFee, "Base fee".to_owned(), fee.amount * rate, format!("{fee}"), derivation);
        }
        Ok(())
    }

    /// The total is converted and rounded once, then apportioned to the services.
    fn cost(&mut self, services: &BTreeMap<String, Decimal>, input: &PriceInput) {
        let shares: Vec<Decimal> = services.values().map(|cost| cost * self.rate).collect();
        let parts = rounded_parts(&shares, self.currency.billed_decimals());
        let before = self.running;
        for (service, amount) in services.keys().zip(parts) {
            self.add_line(Rule::Cost, service.clone(), amount);
        }
        let text = if self.currency == Currency::USD {
            format!("{} services at cost", services.len())
        } else {
            let cost = Money::new(self.cost_usd, Currency::USD);
            format!("{} services, {cost} at {}", services.len(), self.rate.normalize())
        };
        let text = match input.shared {
            Some(part) => {
                let amount = Money::new(part.amount, Currency::USD);
                format!("{text}, {amount} of it {SHARED_COST}: {}", part.text)
            }
            None => text,
        };
        let (services, shared) = (input.services.clone(), input.shared.cloned());
        let derivation = Derivation::Cost { services, shared, rate: self.rate };
        self.step(Rule::Cost, text, self.running - before, derivation);
    }

    fn markup(&mut self, terms: &Terms) {
        if let Some(markup) = terms.markup {
            let text = format!("{markup} of {}", self.money(self.cost));
            let description = format!("Service markup {markup} on AWS cost");
            let derivation = Derivation::Share { percent: markup, base: self.money(self.cost) };
            self.line(Rule::Markup, description, markup.of(self.cost), text, derivation);
        }
    }

    fn fee(&mut self, terms: &Terms) -> Result<(), PriceError> {
        let (amount, text, derivation) = match &terms.fee {
            None => return Ok(()),
            Some(Fee::Flat(flat)) => {
                let rate = self.rate_from(*flat, "the fee")?;
                (flat.amount * rate, format!("flat {flat}"), Derivation::Stated { stated: *flat, rate })
            }
            Some(Fee::Tiers(tiers)) => self.tier_fee(tiers)?,
        };
        self.line(Rule::Fee, "Service fee".to_owned(), amount, text, derivation);
        Ok(())
    }

    fn tier_fee(&self, tiers: &[Tier]) -> Result<(Decimal, String, Derivation), PriceError> {
        for (number, tier) in (1..).zip(tiers) {
            let below = match tier.below {
                // A tier is chosen by the cost as the invoice shows it, so that the invoice explains itself.
                Some(below) => {
                    let limit = below.amount * self.rate_from(below, "a fee tier")?;
                    if round(self.cost, self.currency.billed_decimals()) >= limit {
                        continue;
                    }
                    format!("tier below {below}")
                }
                None => "last tier".to_owned(),
            };
            let rate = tier.flat.map_or(Ok(Decimal::ONE), |flat| self.rate_from(flat, "a fee tier"))?;
            let flat = tier.flat.map_or(Decimal::ZERO, |flat| flat.amount * rate);
            let share = tier.percent.map_or(Decimal::ZERO, |p| p.of(self.cost));
            let text = match tier.percent {
                Some(percent) => format!("{below}: {percent} of {}", self.money(self.cost)),
                None => below,
            };
            let (Tier { below, flat: stated, percent }, base) = (tier.clone(), self.money(self.cost));
            let derivation = Derivation::Tier { number, below, flat: stated, rate, percent, base };
            return Ok((flat + share, text, derivation));
        }
        Err(PriceError::NoTier { tenant: self.tenant.id.clone(), cost: self.money(self.cost) })
    }

    /// Included usage covers cost and markup, never fees, and never more than there is.
    fn allowance(&mut self, terms: &Terms) -> Result<(), PriceError> {
        if let Some(allowance) = terms.allowance {
            let rate = self.rate_from(allowance, "the allowance")?;
            let usage = self.money(self.sum_of(&[Rule::Cost, Rule::Markup]));
            let covered = (allowance.amount * rate).min(usage.amount).max(Decimal::ZERO);
            let text = format!("{allowance} included, usage {usage}");
            let derivation = Derivation::Allowance { stated: allowance, rate, usage };
            self.line(Rule::Allowance, "Included usage".to_owned(), -covered, text, derivation);
        }
        Ok(())
    }

    fn discount(&mut self, terms: &Terms) {
        if let Some(discount) = terms.discount {
            let base = self.money(self.running);
            let description = format!("Discount {discount}");
            let derivation = Derivation::Share { percent: discount, base };
            self.line(
                Rule::Discount,
                description,
                -discount.of(self.running),
                format!("{discount} of {base}"),
                derivation,
            );
        }
    }

    /// Lifts what is owed; a month in which the tenant is owed stays as it is.
    fn minimum(&mut self, terms: &Terms) -> Result<(), PriceError> {
        if let Some(minimum) = terms.minimum {
            let rate = self.rate_from(minimum, "the minimum")?;
            let least = minimum.amount * rate;
            if self.running >= Decimal::ZERO && self.running < least {
                let missing = least - self.running;
                let text = format!("lifts to {minimum}");
                let derivation = Derivation::Minimum { stated: minimum, rate, before: self.money(self.running) };
                self.line(Rule::Minimum, "Minimum charge".to_owned(), missing, text, derivation);
            }
        }
        Ok(())
    }

    fn card_fee(&mut self, terms: &Terms) -> Result<(), PriceError> {
        match terms.passed_on_fee() {
            Some(fee) if self.running > Decimal::ZERO => {
                let CardFee { percent, fixed } = fee;
                let (rate, base) = (self.rate_from(fixed, "the card fee")?, self.money(self.running));
                let amount = percent.of(self.running) + fixed.amount * rate;
                let text = format!("{percent} of {base} + {fixed}");
                let derivation = Derivation::PaymentFee { percent, base, fixed, rate };
                self.line(Rule::CardFee, "Payment processing fee".to_owned(), amount, text, derivation);
            }
            _ => {}
        }
        Ok(())
    }

    fn tax(&mut self, terms: &Terms) {
        if let Some(tax) = terms.tax {
            let base = self.money(self.running);
            let derivation = Derivation::Share { percent: tax, base };
            self.line(Rule::Tax, format!("Tax {tax}"), tax.of(self.running), format!("{tax} of {base}"), derivation);
        }
    }

    /// Rounds an amount once and adds it as a line and a step.
    fn line(&mut self, rule: Rule, description: String, exact: Decimal, text: String, derivation: Derivation) {
        let amount = round(exact, self.currency.billed_decimals());
        self.add_line(rule, description, amount);
        self.step(rule, text, amount, derivation);
    }

    fn add_line(&mut self, rule: Rule, description: String, amount: Decimal) {
        self.running += amount;
        if !amount.is_zero() {
            let amount = self.money(amount);
            self.lines.push(Line { rule, description, amount });
        }
    }

    fn step(&mut self, rule: Rule, text: String, amount: Decimal, derivation: Derivation) {
        let (amount, running) = (self.money(amount), self.money(self.running));
        self.steps.push(Step { rule, text, amount, running, derivation: Some(derivation) });
    }

    fn sum_of(&self, rules: &[Rule]) -> Decimal {
        self.lines.iter().filter(|line| rules.contains(&line.rule)).map(|line| line.amount.amount).sum()
    }

    fn money(&self, amount: Decimal) -> Money {
        Money::new(amount, self.currency)
    }

    /// The rate that turns an amount of the terms into the invoice's currency: 1 where it is in it.
    fn rate_from(&self, money: Money, what: &'static str) -> Result<Decimal, PriceError> {
        if money.currency == self.currency {
            return Ok(Decimal::ONE);
        }
        match self.exchange {
            Some(rate) if holds(rate, money.currency, self.currency) => Ok(rate.rate),
            _ => Err(PriceError::NoRate {
                tenant: self.tenant.id.clone(),
                what,
                from: money.currency,
                to: self.currency,
            }),
        }
    }

    fn finish(self, input: &PriceInput) -> Invoice {
        let exchange = (self.currency != Currency::USD).then(|| self.exchange.cloned()).flatten();
        Invoice {
            tenant: self.tenant.id.clone(),
            month: input.month,
            currency: self.currency,
            total: Money::new(self.running, self.currency),
            lines: self.lines,
            cost_usd: self.cost_usd,
            exchange,
            steps: self.steps,
        }
    }
}

fn usd_rate(tenant: &TenantRecord, exchange: Option<&ExchangeRate>) -> Result<Decimal, PriceError> {
    if tenant.currency == Currency::USD {
        return Ok(Decimal::ONE);
    }
    match exchange {
        Some(rate) if holds(rate, Currency::USD, tenant.currency) => Ok(rate.rate),
        _ => Err(PriceError::NoRate {
            tenant: tenant.id.clone(),
            what: "AWS cost",
            from: Currency::USD,
            to: tenant.currency,
        }),
    }
}

fn holds(rate: &ExchangeRate, from: Currency, to: Currency) -> bool {
    rate.from == from && rate.to == to
}
