//! The rules of an invoice, applied in their fixed order.
//!
//! Cost lines show AWS cost at cost: the markup is a line of its own, so a tenant can hold every cost line against
//! AWS's figures. Rules that take a share of the cost (markup, percent tiers) take it of the exact cost; those that
//! take a share of the sum (discount, card fee, tax) take it of the lines as shown. Each line is rounded once.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Invoice, Line, MonthTerms, Rule, SHARED_COST, SharedPart, Step};
use crate::money::{MoneyError, round};
use crate::pricing::{ExchangeRate, Fee, Terms, Tier};
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
    draft.cost(&services, input.shared);
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
            let amount = self.converted(fee, "the base fee")?;
            self.line(Rule::BaseFee, "Base fee".to_owned(), amount, format!("{fee}"));
        }
        Ok(())
    }

    /// The total is converted and rounded once, then apportioned to the services.
    fn cost(&mut self, services: &BTreeMap<String, Decimal>, shared: Option<&SharedPart>) {
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
        let text = match shared {
            Some(part) => {
                let amount = Money::new(part.amount, Currency::USD);
                format!("{text}, {amount} of it {SHARED_COST}: {}", part.text)
            }
            None => text,
        };
        self.step(Rule::Cost, text, self.running - before);
    }

    fn markup(&mut self, terms: &Terms) {
        if let Some(markup) = terms.markup {
            let text = format!("{markup} of {}", self.money(self.cost));
            let description = format!("Service markup {markup} on AWS cost");
            self.line(Rule::Markup, description, markup.of(self.cost), text);
        }
    }

    fn fee(&mut self, terms: &Terms) -> Result<(), PriceError> {
        let (amount, text) = match &terms.fee {
            None => return Ok(()),
            Some(Fee::Flat(flat)) => (self.converted(*flat, "the fee")?, format!("flat {flat}")),
            Some(Fee::Tiers(tiers)) => self.tier_fee(tiers)?,
        };
        self.line(Rule::Fee, "Service fee".to_owned(), amount, text);
        Ok(())
    }

    fn tier_fee(&self, tiers: &[Tier]) -> Result<(Decimal, String), PriceError> {
        for tier in tiers {
            let below = match tier.below {
                // A tier is chosen by the cost as the invoice shows it, so that the invoice explains itself.
                Some(below) => {
                    let limit = self.converted(below, "a fee tier")?;
                    if round(self.cost, self.currency.billed_decimals()) >= limit {
                        continue;
                    }
                    format!("tier below {below}")
                }
                None => "last tier".to_owned(),
            };
            let flat = match tier.flat {
                Some(flat) => self.converted(flat, "a fee tier")?,
                None => Decimal::ZERO,
            };
            let share = tier.percent.map_or(Decimal::ZERO, |p| p.of(self.cost));
            let text = match tier.percent {
                Some(percent) => format!("{below}: {percent} of {}", self.money(self.cost)),
                None => below,
            };
            return Ok((flat + share, text));
        }
        Err(PriceError::NoTier { tenant: self.tenant.id.clone(), cost: self.money(self.cost) })
    }

    /// Included usage covers cost and markup, never fees, and never more than there is.
    fn allowance(&mut self, terms: &Terms) -> Result<(), PriceError> {
        if let Some(allowance) = terms.allowance {
            let included = self.converted(allowance, "the allowance")?;
            let usage = self.sum_of(&[Rule::Cost, Rule::Markup]);
            let covered = included.min(usage).max(Decimal::ZERO);
            let text = format!("{allowance} included, usage {}", self.money(usage));
            self.line(Rule::Allowance, "Included usage".to_owned(), -covered, text);
        }
        Ok(())
    }

    fn discount(&mut self, terms: &Terms) {
        if let Some(discount) = terms.discount {
            let text = format!("{discount} of {}", self.money(self.running));
            let description = format!("Discount {discount}");
            self.line(Rule::Discount, description, -discount.of(self.running), text);
        }
    }

    /// Lifts what is owed; a month in which the tenant is owed stays as it is.
    fn minimum(&mut self, terms: &Terms) -> Result<(), PriceError> {
        if let Some(minimum) = terms.minimum {
            let least = self.converted(minimum, "the minimum")?;
            if self.running >= Decimal::ZERO && self.running < least {
                let missing = least - self.running;
                let text = format!("lifts to {minimum}");
                self.line(Rule::Minimum, "Minimum charge".to_owned(), missing, text);
            }
        }
        Ok(())
    }

    fn card_fee(&mut self, terms: &Terms) -> Result<(), PriceError> {
        match terms.passed_on_fee() {
            Some(fee) if self.running > Decimal::ZERO => {
                let fixed = self.converted(fee.fixed, "the card fee")?;
                let amount = fee.percent.of(self.running) + fixed;
                let text = format!("{} of {} + {}", fee.percent, self.money(self.running), fee.fixed);
                self.line(Rule::CardFee, "Payment processing fee".to_owned(), amount, text);
            }
            _ => {}
        }
        Ok(())
    }

    fn tax(&mut self, terms: &Terms) {
        if let Some(tax) = terms.tax {
            let text = format!("{tax} of {}", self.money(self.running));
            let description = format!("Tax {tax}");
            self.line(Rule::Tax, description, tax.of(self.running), text);
        }
    }

    /// Rounds an amount once and adds it as a line and a step.
    fn line(&mut self, rule: Rule, description: String, exact: Decimal, text: String) {
        let amount = round(exact, self.currency.billed_decimals());
        self.add_line(rule, description, amount);
        self.step(rule, text, amount);
    }

    fn add_line(&mut self, rule: Rule, description: String, amount: Decimal) {
        self.running += amount;
        if !amount.is_zero() {
            let amount = self.money(amount);
            self.lines.push(Line { rule, description, amount });
        }
    }

    fn step(&mut self, rule: Rule, text: String, amount: Decimal) {
        self.steps.push(Step { rule, text, amount: self.money(amount), running: self.money(self.running) });
    }

    fn sum_of(&self, rules: &[Rule]) -> Decimal {
        self.lines.iter().filter(|line| rules.contains(&line.rule)).map(|line| line.amount.amount).sum()
    }

    fn money(&self, amount: Decimal) -> Money {
        Money::new(amount, self.currency)
    }

    /// An amount of the terms in the invoice's currency, exact.
    fn converted(&self, money: Money, what: &'static str) -> Result<Decimal, PriceError> {
        if money.currency == self.currency {
            return Ok(money.amount);
        }
        match self.exchange {
            Some(rate) if holds(rate, money.currency, self.currency) => Ok(money.amount * rate.rate),
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
