//! What a tenant pays: the terms as the manifest writes them and the tenant record carries them.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::sharing::Sharing;
use crate::{Currency, Money, Percent};

/// One named set of terms. Everything left out is left out of the invoice: empty terms bill at cost.
///
/// The order of rules is fixed: base, cost, markup, fee, allowance, discount, minimum, card fee, tax.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub struct Terms {
    /// A fixed amount each month, a line of its own: `"20.00 EUR"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub base_fee: Option<Money>,
    /// A share of the AWS cost added to it: `"10%"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub markup: Option<Percent>,
    /// A service fee beside the cost: flat, or by tier of AWS cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<Fee>,
    /// Usage included in the base fee: `"10.00 USD"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub allowance: Option<Money>,
    /// A share taken off the sum: `"10%"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub discount: Option<Percent>,
    /// The least an invoice comes to: `"5.00 USD"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub minimum: Option<Money>,
    /// Who bears the payment provider's fee under these terms; `invoicing.payment_fee` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_fee: Option<PaymentFee>,
    /// The older spelling of `payment_fee: {mode: pass-through, …}`; terms have one of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_fee: Option<CardFee>,
    /// A tax rate added at the end: `"19%"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub tax: Option<Percent>,
    /// The first month these terms hold for: `"2026-10"`. Without one they always hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MonthText>"))]
    pub effective_from: Option<crate::Month>,
    /// How cost of no tenant is shared out: `costs.unallocated`, which every tenant's terms carry. The manifest's `pricing`
    /// does not write it.
    #[serde(skip_serializing_if = "Sharing::is_default")]
    #[cfg_attr(feature = "manifest", schemars(skip))]
    pub sharing: Sharing,
}

impl Terms {
    /// The payment provider's fee that the tenant bears, in either spelling; none when it is absorbed.
    pub fn passed_on_fee(&self) -> Option<CardFee> {
        self.payment_fee.as_ref().and_then(PaymentFee::passed_on).or_else(|| self.card_fee.clone())
    }

    /// The terms with their payment fee settled: their own one, completed by `default`, else `default`. What is absorbed
    /// is left out, and no other spelling remains.
    #[must_use]
    pub fn with_fee_settled(mut self, default: Option<&PaymentFee>) -> Terms {
        let own = self.payment_fee.take().or_else(|| self.card_fee.take().map(PaymentFee::from));
        let fee = match own {
            Some(own) => Some(own.completed_by(default)),
            None => default.cloned(),
        };
        self.payment_fee = fee.filter(|fee| fee.mode == FeeMode::PassThrough);
        self
    }
}

/// The payment provider's fee, and who bears it: `{mode: pass-through, percent: "2.9%", fixed: "0.30 USD"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub struct PaymentFee {
    /// Who bears it.
    pub mode: FeeMode,
    /// Its share of the amount charged: `"2.9%"`. Terms that leave it out take that of `invoicing.payment_fee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub percent: Option<Percent>,
    /// Its fixed part of each charge: `"0.30 USD"`. Terms that leave it out take that of `invoicing.payment_fee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub fixed: Option<Money>,
}

/// Who bears the payment provider's fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub enum FeeMode {
    /// The operator.
    Absorb,
    /// The tenant, as a line of its own.
    PassThrough,
}

impl PaymentFee {
    /// What the tenant bears of it; none when it is absorbed, or when a part is missing, which `validate` refuses.
    fn passed_on(&self) -> Option<CardFee> {
        match (self.mode, self.percent, self.fixed) {
            (FeeMode::PassThrough, Some(percent), Some(fixed)) => Some(CardFee { percent, fixed }),
            _ => None,
        }
    }

    /// With the parts that it leaves out taken from `default`.
    #[must_use]
    pub fn completed_by(self, default: Option<&PaymentFee>) -> PaymentFee {
        PaymentFee {
            mode: self.mode,
            percent: self.percent.or_else(|| default?.percent),
            fixed: self.fixed.or_else(|| default?.fixed),
        }
    }
}

impl From<CardFee> for PaymentFee {
    fn from(fee: CardFee) -> PaymentFee {
        PaymentFee { mode: FeeMode::PassThrough, percent: Some(fee.percent), fixed: Some(fee.fixed) }
    }
}

/// A service fee beside the AWS cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub enum Fee {
    /// The same amount each month: `flat: "10.00 USD"`.
    #[cfg_attr(feature = "manifest", schemars(with = "crate::manifest::text::MoneyText"))]
    Flat(Money),
    /// By the month's AWS cost, lowest tier first.
    Tiers(Vec<Tier>),
}

/// A payment provider's fee that the tenant bears: `percent: "2.9%", fixed: "0.30 USD"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub struct CardFee {
    /// The share of the amount charged.
    #[cfg_attr(feature = "manifest", schemars(with = "String"))]
    pub percent: Percent,
    /// The fixed part of each charge.
    #[cfg_attr(feature = "manifest", schemars(with = "String"))]
    pub fixed: Money,
}

/// One tier of a fee: it holds for costs up to, not including, `below`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub struct Tier {
    /// Where the tier ends, exclusive; the last tier has none: `"50.00 USD"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub below: Option<Money>,
    /// A fixed fee in this tier: `"5.00 USD"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::MoneyText>"))]
    pub flat: Option<Money>,
    /// A share of the cost in this tier: `"5%"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "manifest", schemars(with = "Option<crate::manifest::text::PercentText>"))]
    pub percent: Option<Percent>,
}

/// A stated exchange rate: what one unit of `from` is worth in `to`, where the rate comes from and of which day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRate {
    /// The currency of the cost, USD for AWS.
    pub from: Currency,
    /// The currency of the invoice.
    pub to: Currency,
    /// Units of `to` for one unit of `from`.
    pub rate: Decimal,
    /// Who states it, shown on the invoice: `ECB`.
    pub source: String,
    /// The day it is of, `YYYY-MM-DD`.
    pub date: jiff::civil::Date,
}
