//! Doubles of a Parquet file as decimals: each becomes its shortest decimal text, which is what AWS wrote before it made
//! a double of it. Integers only.

use std::fmt::Write as _;

use crate::amount::{Amount, PLACES};

/// Decimals below this have at most 15 digits: each of them is the shortest text of the double it becomes.
const FIFTEEN_DIGITS: u64 = 1_000_000_000_000_000;
/// Doubles from 2^-40 on and below 2^49 take the quick way.
const LEAST_EXPONENT: u64 = 1023 - 40;
const EXPONENTS: usize = 89;

/// How doubles of one exponent become decimals.
#[derive(Clone, Copy)]
struct Scale {
    /// A power of ten times a power of two: the mantissa times this, without its last `drop` bits, is the decimal in the
    /// upper 64 bits and a fraction in the lower ones.
    factor: u64,
    drop: u32,
    /// A fraction nearer than this to a whole number is within half the double's gap.
    near: u64,
    /// The decimal's unit in units of 10^-12.
    unit: u64,
}

const SCALES: [Scale; EXPONENTS] = {
    let mut scales = [Scale { factor: 0, drop: 0, near: 0, unit: 0 }; EXPONENTS];
    let mut at = 0;
    while at < EXPONENTS {
        // The double is below 2^top: a mantissa of 53 bits, shifted by so many bits. As many places as leave 15 digits;
        // log10(2) is a little less than 0.302.
        let top = at as i32 - 39;
        let shift = (53 - top) as u32;
        let digits = 15_000 - 302 * top;
        let places = if digits > 12_000 { PLACES } else { (digits / 1000) as u32 };
        let power = 10_u64.pow(places);
        // The product has at most 93 bits. Where the fraction has more than 64, its last ones are dropped, and it must be
        // nearer by as much as that hides.
        let (factor, drop) = if shift <= 64 { (power << (64 - shift), 0) } else { (power, shift - 64) };
        let near = ((factor / 2) >> drop) - (drop > 0) as u64;
        scales[at] = Scale { factor, drop, near, unit: 10_u64.pow(PLACES - places) };
        at += 1;
    }
    scales
};

/// The double of these bits as an exact decimal.
pub fn amount(bits: u64) -> Result<Amount, String> {
    let Some((decimal, unit)) = short_decimal(bits) else { return by_text(bits) };
    let coarse = i128::from(decimal) * i128::from(unit);
    Ok(Amount { coarse: if bits >> 63 == 1 { -coarse } else { coarse }, fine: 0 })
}

/// The same in units of 10^-12, where that takes the quick way and fits into 64 bits.
#[inline]
pub fn quick(bits: u64) -> Option<i64> {
    let (decimal, unit) = short_decimal(bits)?;
    let short = (decimal as i64).checked_mul(unit as i64)?;
    Some(if bits >> 63 == 1 { -short } else { short })
}

/// The decimal without its sign, and its unit in units of 10^-12, if the double has one of at most 15 digits and 12
/// places: two decimals of 15 digits never become the same double, so the one found by rounding, if the double lies next
/// to it, is the shortest.
#[inline]
fn short_decimal(bits: u64) -> Option<(u64, u64)> {
    let exponent = (bits >> 52 & 0x7ff).wrapping_sub(LEAST_EXPONENT);
    let Some(scale) = SCALES.get(exponent as usize) else { return (bits << 1 == 0).then_some((0, 1)) };
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let product = (u128::from(mantissa) * u128::from(scale.factor)) >> (scale.drop & 63);
    let (whole, fraction) = ((product >> 64) as u64, product as u64);
    // Rounded, and how far that is.
    let (decimal, distance) = (whole + (fraction >> 63), fraction.min(fraction.wrapping_neg()));
    // At a power of two the gap below is half as wide.
    let near = if mantissa == 1 << 52 { scale.near / 2 } else { scale.near };
    (distance < near && decimal < FIFTEEN_DIGITS).then_some((decimal, scale.unit))
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
            if let Some(short) = quick(bits) {
                prop_assert_eq!(Amount::of_short(short), by_text(bits).expect("finite"));
            }
            if f64::from_bits(bits).is_finite() {
                prop_assert_eq!(amount(bits), by_text(bits));
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
