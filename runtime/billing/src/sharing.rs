//! Who bears cost that no tenant's tags claim, and each tenant's part of it to the cent.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Who bears cost that belongs to no tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub enum Unallocated {
    /// The operator.
    #[default]
    Operator,
    /// The month's tenants, in proportion to their own cost; the operator where no tenant has any.
    Proportional,
    /// The month's tenants, each the same part.
    Even,
}

impl Unallocated {
    /// The word, as the manifest writes it.
    pub fn word(self) -> &'static str {
        match self {
            Unallocated::Operator => "operator",
            Unallocated::Proportional => "proportional",
            Unallocated::Even => "even",
        }
    }
}

/// A kind of cost that is not usage, as Cost Explorer's dimension `RECORD_TYPE` tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordType {
    /// Credits that AWS grants.
    Credit,
    /// Refunds.
    Refund,
    /// Tax.
    Tax,
    /// AWS Support.
    Support,
    /// Fees of reservations and Savings Plans, recurring and upfront.
    Fee,
}

impl RecordType {
    /// Every one.
    pub const ALL: [RecordType; 5] =
        [RecordType::Credit, RecordType::Refund, RecordType::Tax, RecordType::Support, RecordType::Fee];

    /// The word, as the manifest and settings write it.
    pub fn word(self) -> &'static str {
        match self {
            RecordType::Credit => "credit",
            RecordType::Refund => "refund",
            RecordType::Tax => "tax",
            RecordType::Support => "support",
            RecordType::Fee => "fee",
        }
    }

    /// The name beside services.
    pub fn label(self) -> &'static str {
        match self {
            RecordType::Credit => "Credit",
            RecordType::Refund => "Refund",
            RecordType::Tax => "Tax",
            RecordType::Support => "Support",
            RecordType::Fee => "Fee",
        }
    }

    /// What Cost Explorer calls it.
    /// <https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/manage-cost-categories.html>: term comparisons. Fees of
    /// reservations are seen under the names of the console and under those of cost reports; a name that AWS does not use
    /// matches nothing.
    pub fn values(self) -> &'static [&'static str] {
        match self {
            RecordType::Credit => &["Credit"],
            RecordType::Refund => &["Refund"],
            RecordType::Tax => &["Tax"],
            RecordType::Support => &["Support"],
            RecordType::Fee => {
                &["Recurring", "Upfront", "RIFee", "Fee", "SavingsPlanRecurringFee", "SavingsPlanUpfrontFee"]
            }
        }
    }
}

/// A text that names no record type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a record type; they are credit, refund, tax, support and fee")]
pub struct NotARecordType(String);

impl std::str::FromStr for RecordType {
    type Err = NotARecordType;

    fn from_str(text: &str) -> Result<RecordType, NotARecordType> {
        let found = RecordType::ALL.into_iter().find(|kind| kind.word() == text);
        found.ok_or_else(|| NotARecordType(text.to_owned()))
    }
}

/// Who bears cost of a record type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "manifest", derive(schemars::JsonSchema))]
pub enum RecordPolicy {
    /// The tenant whose tags it carries, as usage; what carries none goes by `costs.unallocated`.
    #[default]
    AsTagged,
    /// The operator, whatever tags it carries.
    Operator,
    /// The month's tenants, in proportion to their own cost, whatever tags it carries.
    Proportional,
    /// The month's tenants, each the same part, whatever tags it carries.
    Even,
}

/// How a stack shares out cost that is no tenant's. A tenant's terms carry it, so that it has their history, and a claim
/// keeps what it was drawn up with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sharing {
    /// Who bears cost whose tags name no tenant.
    pub unallocated: Unallocated,
    /// Record types that are nobody's by their tags, and who bears them; none of them [`RecordPolicy::AsTagged`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub records: BTreeMap<RecordType, Unallocated>,
}

impl Sharing {
    /// The policies as the manifest has them.
    pub fn new(unallocated: Unallocated, records: impl IntoIterator<Item = (RecordType, RecordPolicy)>) -> Sharing {
        let way = |policy| match policy {
            RecordPolicy::AsTagged => None,
            RecordPolicy::Operator => Some(Unallocated::Operator),
            RecordPolicy::Proportional => Some(Unallocated::Proportional),
            RecordPolicy::Even => Some(Unallocated::Even),
        };
        let records = records.into_iter().filter_map(|(kind, policy)| Some((kind, way(policy)?)));
        Sharing { unallocated, records: records.collect() }
    }

    /// Whether it says nothing but what holds without it: tags tell cost apart, and the operator bears the rest.
    pub fn is_default(&self) -> bool {
        *self == Sharing::default()
    }

    /// Whether tenants bear something beside their own cost.
    pub fn shares(&self) -> bool {
        self.ways().any(|way| way != Unallocated::Operator)
    }

    /// Whether the tenants' own cost has a say: their parts are in proportion to it, or some of what they carry is shared.
    pub fn weighs(&self) -> bool {
        self.unallocated == Unallocated::Proportional || self.records.values().any(|way| *way != Unallocated::Operator)
    }

    fn ways(&self) -> impl Iterator<Item = Unallocated> {
        self.records.values().copied().chain([self.unallocated])
    }
}

/// Decimals of a US dollar that weights are compared in: Cost Explorer states ten.
const DECIMALS: u32 = 10;
/// Decimals of a cent of a US dollar, the unit that is shared out.
const CENT: u32 = 2;

/// The parts of an amount in US dollars, by name: in whole cents, their sum the amount rounded once, each within a cent of
/// its exact share. What rounding down leaves over goes, a cent each, to the largest remainders, ties to the smaller name. An
/// amount below zero is split as its opposite is. Without any weight above zero there are no parts.
pub fn parts(amount: Decimal, weights: &BTreeMap<String, Decimal>) -> BTreeMap<String, Decimal> {
    // Remainders are compared exactly, in whole numbers. Fewer decimals only where those would be too large.
    let cents = (CENT..=DECIMALS).rev().find_map(|decimals| cents(amount, weights, decimals)).unwrap_or_default();
    let sign = if amount.is_sign_negative() { -1 } else { 1 };
    let dollars = |cents: u128| Decimal::from_i128_with_scale(sign * i128::try_from(cents).unwrap_or_default(), CENT);
    weights.keys().zip(cents).map(|(name, cents)| (name.clone(), dollars(cents))).collect()
}

/// Each weight's part of the amount without its sign, in cents; none where the numbers are too large, or no weight is above
/// zero.
fn cents(amount: Decimal, weights: &BTreeMap<String, Decimal>, decimals: u32) -> Option<Vec<u128>> {
    let amount = units(amount.abs(), decimals)?;
    let weights: Vec<u128> = weights.values().map(|weight| units(*weight, decimals)).collect::<Option<_>>()?;
    let all = weights.iter().try_fold(0_u128, |sum, weight| sum.checked_add(*weight))?;
    let unit = 10_u128.checked_pow(decimals - CENT)?;
    let divisor = all.checked_mul(unit).filter(|divisor| *divisor > 0)?;
    let mut cents = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for weight in &weights {
        let share = amount.checked_mul(*weight)?;
        cents.push(share / divisor);
        remainders.push(share % divisor);
    }
    // Half a cent is rounded up.
    let whole = amount.checked_add(unit / 2)? / unit;
    let left_over = usize::try_from(whole.checked_sub(cents.iter().sum())?).ok()?;
    let mut order: Vec<usize> = (0..cents.len()).collect();
    // The sort is stable, and weights are in the order of their names.
    order.sort_by_key(|at| std::cmp::Reverse(remainders[*at]));
    for at in order.into_iter().take(left_over) {
        cents[at] += 1;
    }
    Some(cents)
}

/// An amount in units of so many decimals; nothing below zero.
fn units(amount: Decimal, decimals: u32) -> Option<u128> {
    let mut amount = amount.max(Decimal::ZERO);
    amount.rescale(decimals);
    (amount.scale() == decimals).then(|| u128::try_from(amount.mantissa()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::round;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).expect("a decimal")
    }

    fn weights(of: &[(&str, &str)]) -> BTreeMap<String, Decimal> {
        of.iter().map(|(name, weight)| ((*name).to_owned(), decimal(weight))).collect()
    }

    fn told(amount: &str, of: &[(&str, &str)]) -> Vec<String> {
        parts(decimal(amount), &weights(of)).into_iter().map(|(name, part)| format!("{name} {part}")).collect()
    }

    #[test]
    fn what_is_left_over_goes_to_the_largest_remainder_then_to_the_smaller_name() {
        let thirds = [("c", "1"), ("a", "1"), ("b", "1")];
        assert_eq!(told("10.00", &thirds), ["a 3.34", "b 3.33", "c 3.33"]);
        assert_eq!(told("-10.00", &thirds), ["a -3.34", "b -3.33", "c -3.33"]);
        // 4.212 and 12.637 of 16.85: the larger remainder is b's.
        assert_eq!(told("16.85", &[("a", "25"), ("b", "75")]), ["a 4.21", "b 12.64"]);
        // The remainders are equal, a third of a cent, though the shares are not.
        assert_eq!(told("0.05", &[("a", "4"), ("b", "1"), ("c", "10")]), ["a 0.02", "b 0.00", "c 0.03"]);
        assert_eq!(told("0.02", &[("b", "4"), ("a", "1"), ("c", "1")]), ["a 0.01", "b 0.01", "c 0.00"]);
    }

    #[test]
    fn nobody_with_a_weight_bears_nothing() {
        assert!(told("10.00", &[]).is_empty());
        assert!(told("10.00", &[("a", "0"), ("b", "-3")]).is_empty());
        assert_eq!(told("10.00", &[("a", "2"), ("b", "-3")]), ["a 10.00", "b 0.00"]);
    }

    #[test]
    fn figures_of_any_size_are_shared() {
        assert_eq!(
            told("90000000000.01", &[("a", "70000000000"), ("b", "70000000000")]),
            ["a 45000000000.01", "b 45000000000.00"]
        );
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_within_a_cent_of_their_shares_in_any_order_of_tenants(
            units in -1_000_000_000_000_i64..1_000_000_000_000,
            scale in 2_u32..10,
            of in proptest::collection::vec((0_i64..1_000_000_000, 0_u32..10), 1..40),
        ) {
            let amount = Decimal::new(units, scale);
            let named = |at: usize, (units, scale): &(i64, u32)| (format!("t{at:02}"), Decimal::new(*units, *scale));
            let weights: BTreeMap<String, Decimal> = of.iter().enumerate().map(|(at, weight)| named(at, weight)).collect();
            let all: Decimal = weights.values().sum();
            prop_assume!(!all.is_zero());
            let shared = parts(amount, &weights);
            prop_assert_eq!(shared.values().sum::<Decimal>(), round(amount, 2));
            for (name, part) in &shared {
                let share = amount * (weights[name] / all);
                prop_assert!((part - share).abs() < Decimal::new(1_000_001, 8), "{} of {}", part, share);
            }
            let backwards: BTreeMap<String, Decimal> = weights.into_iter().rev().collect();
            prop_assert_eq!(parts(amount, &backwards), shared);
        }
    }
}
