//! What each step of an invoice was calculated from: enough to calculate its amount once more without the ledger.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::SharedPart;
use crate::balance::PositionId;
use crate::{Money, Percent};

/// The operands of a step. Each formula is exact; its result is rounded once, half away from zero, to what Stripe can
/// charge in the invoice's currency.
///
/// `stated` is an amount as the terms state it; `rate` turns it into the invoice's currency, 1 where it is in that currency.
/// `base` is in the invoice's currency: the exact cost for rules that take a share of cost, else the sum so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "formula", rename_all = "snake_case")]
pub enum Derivation {
    /// `stated × rate`: the base fee, a flat fee.
    Stated {
        /// As the terms state it.
        stated: Money,
        /// Into the invoice's currency.
        rate: Decimal,
    },
    /// `(sum of services + shared) × rate`, rounded once and apportioned to the services by largest remainder.
    Cost {
        /// The tenant's own cost by service in US dollars, exact.
        services: BTreeMap<String, Decimal>,
        /// The tenant's part of cost that is no tenant's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shared: Option<SharedPart>,
        /// Units of the invoice's currency for one US dollar.
        rate: Decimal,
    },
    /// `percent of base`; taken off by a discount.
    Share {
        /// The share.
        percent: Percent,
        /// What it is taken of.
        base: Money,
    },
    /// `flat × rate + percent of base` by the first tier that ends above the cost as the invoice shows it.
    Tier {
        /// Counts the tiers from 1.
        number: u32,
        /// Where the tier ends, exclusive; none in the last one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        below: Option<Money>,
        /// Its fixed part.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flat: Option<Money>,
        /// Into the invoice's currency.
        rate: Decimal,
        /// Its share of the cost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<Percent>,
        /// The exact cost.
        base: Money,
    },
    /// `-min(stated × rate, usage)`, never above zero.
    Allowance {
        /// As the terms state it.
        stated: Money,
        /// Into the invoice's currency.
        rate: Decimal,
        /// Cost and markup as the invoice shows them.
        usage: Money,
    },
    /// `stated × rate - before`.
    Minimum {
        /// As the terms state it.
        stated: Money,
        /// Into the invoice's currency.
        rate: Decimal,
        /// The sum so far.
        before: Money,
    },
    /// `percent of base + fixed × rate`.
    PaymentFee {
        /// The provider's share.
        percent: Percent,
        /// The sum so far.
        base: Money,
        /// The provider's fixed part.
        fixed: Money,
        /// Into the invoice's currency.
        rate: Decimal,
    },
    /// What was taken of a position of the balance.
    Carried {
        /// The position.
        from: PositionId,
    },
}
