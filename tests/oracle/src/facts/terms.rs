//! What a tenant pays: one entry of the manifest's `pricing`, with every rule that may stand in it.

use crate::exact::Exact;

/// An amount of money, exact, in whole units of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// The amount.
    pub amount: Exact,
    /// The ISO code.
    pub currency: String,
}

impl Money {
    /// Reads money as the manifest writes it: `20.00 EUR`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (amount, currency) = text.split_once(' ')?;
        Some(Self { amount: Exact::parse(amount)?, currency: currency.trim().to_uppercase() })
    }
}

/// A set of terms. Without any the tenant is billed at cost. Percentages are fractions: 10 % is 1/10.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// A fixed amount each month.
    pub base_fee: Option<Money>,
    /// A share of the cost, added to it.
    pub markup: Option<Exact>,
    /// A service fee beside the cost.
    pub fee: Option<Fee>,
    /// Usage included in the base fee.
    pub allowance: Option<Money>,
    /// A share taken off the sum.
    pub discount: Option<Exact>,
    /// The least an invoice is for.
    pub minimum: Option<Money>,
    /// The payment provider's fee, where the tenant bears it.
    pub payment_fee: Option<PaymentFee>,
    /// A tax rate, added at the end.
    pub tax: Option<Exact>,
}

impl Terms {
    /// Returns every amount of money in the terms: all must be of the invoice's currency.
    pub fn money(&self) -> impl Iterator<Item = &Money> {
        let fees: Vec<&Money> = match &self.fee {
            Some(Fee::Flat(flat)) => vec![flat],
            Some(Fee::Tiers(tiers)) => tiers.iter().flat_map(|tier| [&tier.below, &tier.flat]).flatten().collect(),
            None => Vec::new(),
        };
        let fixed = self.payment_fee.as_ref().map(|fee| &fee.fixed);
        [&self.base_fee, &self.allowance, &self.minimum].into_iter().flatten().chain(fixed).chain(fees)
    }
}

/// A service fee beside the cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fee {
    /// The same amount each month.
    Flat(Money),
    /// By the month's cost, lowest tier first.
    Tiers(Vec<Tier>),
}

/// One tier: it holds for costs up to, not including, `below`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tier {
    /// Where the tier ends, exclusive; the last has no end.
    pub below: Option<Money>,
    /// A fixed fee in this tier.
    pub flat: Option<Money>,
    /// A share of the whole cost in this tier.
    pub percent: Option<Exact>,
}

/// The payment provider's fee: a share of the amount charged and a fixed part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFee {
    /// The share.
    pub percent: Exact,
    /// The fixed part.
    pub fixed: Money,
}
