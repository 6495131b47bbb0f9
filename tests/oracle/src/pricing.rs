//! The rules of terms, in their order, on one month's cost.
//!
//! Order (money-pitfalls.md, the manifest's schema of `pricing`): base fee, cost, markup, fee, allowance, discount,
//! minimum, payment fee, tax. Credit follows outside: it is of the tenant, not of the month.
//!
//! Readings:
//! - Rules on the sum work on amounts that the invoice shows, which are rounded already: 10 % off 312.63 + 4.07 + 0.63 +
//!   45.00 + 5.64 is 331.17, off the unrounded figures it would be 331.16. Shares of the cost (markup, percent tiers) are
//!   of the exact cost: "round once, at the invoice line".
//! - A tier is chosen by the shown cost in the invoice's currency. A cost below zero lies in the first tier.
//! - The allowance covers cost and markup, not the base fee and not the service fee, and never more than there is:
//!   provider cost 7.50, doubled, less 10.00 included, beside 29.00 is 34.00.
//! - Percentages of an amount below zero are below zero: a refund takes its markup, discount and tax with it.
//! - The minimum fills up what is charged. A sum below zero is not: it is carried as credit, whole.
//! - The payment fee is the share of the sum so far plus the fixed part, rounded together, not grossed up: 3.20 on
//!   100.00. Where nothing is charged there is none.
//! - A line of zero is left out.

use std::collections::BTreeMap;

use crate::apportion::largest_remainder;
use crate::currency::Currency;
use crate::exact::Exact;
use crate::facts::{Fee, Money, Terms, Tier};
use crate::line::{Line, Rule, total};

/// Returns the lines of a month under its terms.
///
/// `cost` is in exact dollars by service, `rate` the units of `currency` for one dollar. All amounts of the terms are of that
/// currency.
#[must_use]
pub fn lines(terms: &Terms, currency: Currency, rate: &Exact, cost: &BTreeMap<String, Exact>) -> Vec<Line> {
    let mut bill = Bill { currency, lines: Vec::new() };
    bill.add(Rule::BaseFee, bill.money(terms.base_fee.as_ref()));
    let (cost, exact) = bill.add_cost(rate, cost);
    let markup = bill.part_of(&exact, terms.markup.as_ref());
    bill.add(Rule::Markup, markup);
    bill.add(Rule::Fee, bill.fee(terms.fee.as_ref(), cost, &exact));
    let allowance = bill.money(terms.allowance.as_ref()).min((cost + markup).max(0));
    bill.add(Rule::Allowance, -allowance);
    bill.add(Rule::Discount, -bill.part(bill.sum(), terms.discount.as_ref()));
    if terms.minimum.is_some() && bill.sum() >= 0 {
        bill.add(Rule::Minimum, (bill.money(terms.minimum.as_ref()) - bill.sum()).max(0));
    }
    bill.add(Rule::PaymentFee, bill.payment_fee(terms));
    bill.add(Rule::Tax, bill.part(bill.sum(), terms.tax.as_ref()));
    bill.lines
}

/// An invoice as it grows.
struct Bill {
    currency: Currency,
    lines: Vec<Line>,
}

impl Bill {
    fn sum(&self) -> i128 {
        total(&self.lines)
    }

    fn add(&mut self, rule: Rule, amount: i128) {
        if amount != 0 {
            self.lines.push(Line { rule, amount });
        }
    }

    /// Converts the total and rounds it once, then apportions it to the services. Returns the total, rounded and exact.
    fn add_cost(&mut self, rate: &Exact, cost: &BTreeMap<String, Exact>) -> (i128, Exact) {
        let units = &Exact::whole(self.currency.scale()) * rate;
        let shares: Vec<(&str, Exact)> = cost.iter().map(|(service, usd)| (service.as_str(), usd * &units)).collect();
        let exact = Exact::sum(shares.iter().map(|(_, share)| share));
        let whole = exact.round_to(self.currency.step);
        let parts = largest_remainder(whole, self.currency.step, &shares);
        for ((service, _), part) in shares.into_iter().zip(parts) {
            self.add(Rule::Cost(service.to_owned()), part);
        }
        (whole, exact)
    }

    /// Rounds an amount of money to what can be charged; zero where there is none.
    fn money(&self, money: Option<&Money>) -> i128 {
        let units = |money: &Money| &money.amount * &Exact::whole(self.currency.scale());
        money.map_or(0, |money| units(money).round_to(self.currency.step))
    }

    /// Rounds a share of an amount; zero where there is no share.
    fn part(&self, amount: i128, share: Option<&Exact>) -> i128 {
        self.part_of(&Exact::whole(amount), share)
    }

    /// Rounds a share of an exact amount; zero where there is no share.
    fn part_of(&self, amount: &Exact, share: Option<&Exact>) -> i128 {
        share.map_or(0, |share| (amount * share).round_to(self.currency.step))
    }

    /// A tier is chosen by the cost as shown; what it takes is rounded once.
    fn fee(&self, fee: Option<&Fee>, cost: i128, exact: &Exact) -> i128 {
        match fee {
            None => 0,
            Some(Fee::Flat(flat)) => self.money(Some(flat)),
            Some(Fee::Tiers(tiers)) => {
                let holds = |tier: &&Tier| tier.below.as_ref().is_none_or(|below| self.is_below(cost, below));
                let tier = tiers.iter().find(holds);
                tier.map_or(0, |tier| self.tier(tier, exact))
            }
        }
    }

    fn tier(&self, tier: &Tier, exact: &Exact) -> i128 {
        let units = Exact::whole(self.currency.scale());
        let flat = tier.flat.as_ref().map_or_else(Exact::zero, |flat| &flat.amount * &units);
        let share = tier.percent.as_ref().map_or_else(Exact::zero, |percent| exact * percent);
        (flat + &share).round_to(self.currency.step)
    }

    fn is_below(&self, cost: i128, limit: &Money) -> bool {
        Exact::whole(cost) < &limit.amount * &Exact::whole(self.currency.scale())
    }

    fn payment_fee(&self, terms: &Terms) -> i128 {
        let sum = self.sum();
        let Some(fee) = terms.payment_fee.as_ref().filter(|_| sum > 0) else { return 0 };
        let fixed = &fee.fixed.amount * &Exact::whole(self.currency.scale());
        (&Exact::whole(sum) * &fee.percent + &fixed).round_to(self.currency.step)
    }
}
