//! Rounding a sum and its parts so that they agree: largest remainder with a fixed tie-break.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::money::round;

/// The shares rounded to `decimals` places so that they sum to their exact sum, rounded once.
///
/// Every part is its share rounded down or up, so within one minor unit of it. What rounding down leaves over goes,
/// one minor unit each, to the largest remainders; among equal ones to the earlier share. Shares may be negative.
pub fn rounded_parts(shares: &[Decimal], decimals: u32) -> Vec<Decimal> {
    let unit = Decimal::new(1, decimals);
    let total = round(shares.iter().sum(), decimals);
    let mut parts: Vec<Decimal> = shares.iter().map(|share| floor_to(*share, decimals)).collect();
    let left_over = ((total - parts.iter().sum::<Decimal>()) / unit).to_usize().unwrap_or(0);

    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    // The sort is stable: equal remainders keep the order of the shares.
    by_remainder.sort_by_key(|&i| std::cmp::Reverse(shares[i] - parts[i]));
    for &i in by_remainder.iter().take(left_over) {
        parts[i] += unit;
    }
    parts
}

/// The largest amount of `decimals` places that is not above the given one.
fn floor_to(amount: Decimal, decimals: u32) -> Decimal {
    let unit = Decimal::new(1, decimals);
    let rounded = round(amount, decimals);
    if rounded > amount { rounded - unit } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimals(texts: &[&str]) -> Vec<Decimal> {
        texts.iter().map(|text| Decimal::from_str_exact(text).expect("a decimal")).collect()
    }

    #[test]
    fn the_cent_goes_to_the_largest_remainder_then_to_the_first() {
        let third = decimals(&["0.334", "0.333", "0.333"]);
        assert_eq!(rounded_parts(&third, 2), decimals(&["0.34", "0.33", "0.33"]));
        let tie = decimals(&["0.005", "0.005"]);
        assert_eq!(rounded_parts(&tie, 2), decimals(&["0.01", "0.00"]));
    }

    #[test]
    fn parts_of_opposite_signs_still_sum() {
        let shares = decimals(&["10.006", "-4.003", "0.001"]);
        let parts = rounded_parts(&shares, 2);
        assert_eq!(parts.iter().sum::<Decimal>(), Decimal::new(600, 2));
    }

    #[test]
    fn no_shares_have_no_parts() {
        assert!(rounded_parts(&[], 2).is_empty());
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_rounded_whole_and_stay_within_one_unit(
            shares in proptest::collection::vec((any::<i32>(), 0_u32..9), 0..40),
            decimals in 0_u32..4,
        ) {
            let shares: Vec<Decimal> =
                shares.into_iter().map(|(units, scale)| Decimal::new(units.into(), scale)).collect();
            let parts = rounded_parts(&shares, decimals);
            let unit = Decimal::new(1, decimals);
            prop_assert_eq!(parts.iter().sum::<Decimal>(), round(shares.iter().sum(), decimals));
            for (part, share) in parts.iter().zip(&shares) {
                prop_assert!((part - share).abs() < unit);
                prop_assert_eq!(round(*part, decimals), *part);
            }
        }
    }
}
