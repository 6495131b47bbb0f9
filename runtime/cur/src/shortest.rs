//! Doubles of a Parquet file as decimals: each becomes its shortest decimal text, which is what AWS wrote before it made
//! a double of it. Integers only.

use std::fmt::Write as _;

use crate::amount::{Amount, PLACES};

/// Decimals below this have at most 15 digits: each of them is the shortest text of the double it becomes.
const FIFTEEN_DIGITS: u128 = 1_000_000_000_000_000;

const POWERS: [u128; 13] = {
    let mut powers = [1; 13];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// The double of these bits as an exact decimal.
#[inline]
pub fn amount(bits: u64) -> Result<Amount, String> {
    match quick(bits) {
        Some(coarse) => Ok(Amount { coarse, fine: 0 }),
        None => by_text(bits),
    }
}

/// The decimal in units of 10^-12 if the double has one of at most 15 digits and 12 places: two decimals of 15 digits
/// never become the same double, so the one found by rounding, if the double lies next to it, is the shortest.
#[inline]
fn quick(bits: u64) -> Option<i128> {
    let magnitude = bits & (u64::MAX >> 1);
    if magnitude == 0 {
        return Some(0);
    }
    let exponent = (magnitude >> 52) as i32 - 1075;
    // Below 2^49; the bounds keep every shift and product below in range.
    if !(-92..=-4).contains(&exponent) {
        return None;
    }
    let mantissa = (magnitude & ((1 << 52) - 1)) | (1 << 52);
    let shift = exponent.unsigned_abs();
    // As many places as leave 15 digits: the double is below 2^top, and log10(2) is a little less than 0.302.
    let top = 53 - shift as i32;
    let places = ((15_000 - 302 * top) / 1000).clamp(0, PLACES as i32) as usize;
    let power = POWERS[places];
    let product = u128::from(mantissa) * power;
    let (low, half) = (product & ((1 << shift) - 1), 1 << (shift - 1));
    let (decimal, distance) =
        if low >= half { ((product >> shift) + 1, (1 << shift) - low) } else { (product >> shift, low) };
    // Next to the double: within half its gap, a quarter at a power of two, where the gap below is half as wide.
    let least = if mantissa == 1 << 52 { 4 } else { 2 };
    if decimal >= FIFTEEN_DIGITS || distance * least >= power {
        return None;
    }
    let coarse = (decimal * POWERS[PLACES as usize - places]) as i128;
    Some(if bits >> 63 == 1 { -coarse } else { coarse })
}

/// The same by the standard library's shortest text.
#[cold]
fn by_text(bits: u64) -> Result<Amount, String> {
    let double = f64::from_bits(bits);
    if !double.is_finite() {
        return Err(format!("{double} is not an amount"));
    }
    let mut text = String::with_capacity(32);
    let _ = write!(text, "{double:e}");
    Amount::parse(text.as_bytes())
}

/// The single of these bits as an exact decimal.
pub fn of_single(bits: u32) -> Result<Amount, String> {
    let single = f32::from_bits(bits);
    if single.is_finite() {
        Amount::parse(format!("{single:e}").as_bytes())
    } else {
        Err(format!("{single} is not an amount"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_quick_way_finds_what_the_text_says(bits: u64) {
            if let Some(coarse) = quick(bits) {
                prop_assert_eq!(Amount { coarse, fine: 0 }, by_text(bits).expect("finite"));
            }
        }

        #[test]
        fn decimals_come_back(units in -999_999_999_999_999_i64..999_999_999_999_999, places in 0_usize..=12) {
            let sign = if units < 0 { "-" } else { "" };
            let digits = format!("{:013}", units.unsigned_abs());
            let (whole, rest) = digits.split_at(digits.len() - places);
            let text = format!("{sign}{}.{rest}0", if whole.is_empty() { "0" } else { whole });
            let double: f64 = text.parse().expect("a number");
            let expected = Amount::parse(text.as_bytes()).expect("a decimal");
            prop_assert_eq!(amount(double.to_bits()).expect("finite"), expected);
        }

        #[test]
        fn neighbours_of_decimals_are_not_taken_for_them(units in 1_u64..999_999_999_999_999, places in 0_i32..=12, step in -3_i64..=3) {
            let double: f64 = format!("{units}e-{places}").parse().expect("a number");
            let bits = double.to_bits().wrapping_add_signed(step);
            prop_assert_eq!(amount(bits).expect("finite"), by_text(bits).expect("finite"));
        }
    }

    #[test]
    fn the_quick_way_is_the_usual_one() {
        let usual = ["0.1", "12.5", "0.0000000012", "744", "1000000.25", "-3.0000000001", "99999.123456789"];
        for text in usual {
            let double: f64 = text.parse().expect("a number");
            assert!(quick(double.to_bits()).is_some(), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert_eq!(amount(f64::NAN.to_bits()), Err("NaN is not an amount".to_owned()));
        assert_eq!(amount(f64::NEG_INFINITY.to_bits()), Err("-inf is not an amount".to_owned()));
        assert_eq!(of_single(0.1_f32.to_bits()).expect("finite").to_string(), "0.1");
    }
}
