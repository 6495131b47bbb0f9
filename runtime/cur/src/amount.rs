//! Exact decimals: what a cost report says, and sums of it.
//!
//! An amount is two integers: units of 10^-12, and what is finer in units of 10^-48. Costs have ten decimal places as a
//! rule, so that a sum is one addition; the fine part is touched by the few amounts that have one. No float takes part.

use std::fmt;

/// Decimal places of the coarse part.
pub(crate) const PLACES: u32 = 12;
/// Decimal places of the fine part below the coarse one.
const FINE_PLACES: u32 = 36;
/// One coarse unit in fine units.
const FINE_ONE: i128 = 10_i128.pow(FINE_PLACES);
/// Decimal places an amount has at most.
pub const MOST_PLACES: u32 = PLACES + FINE_PLACES;
/// Digits before the point an amount has at most: a billion rows of that size can still be added up.
pub const MOST_WHOLE_DIGITS: usize = 17;

/// An exact decimal: a cost, a usage, or a sum of either.
#[derive(Debug, Clone, Copy, Default)]
pub struct Amount {
    /// Units of 10^-12.
    pub(crate) coarse: i128,
    /// Units of 10^-48, less than one coarse unit in size.
    pub(crate) fine: i128,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount { coarse: 0, fine: 0 };

    /// Reads a decimal: a sign, digits with a point, an exponent (`-12.5`, `.5`, `1.2E-9`). The error says what is wrong
    /// with it.
    pub fn parse(text: &[u8]) -> Result<Amount, String> {
        Digits::parse(text)?.amount().map_err(|cause| format!("{} {cause}", shown(text)))
    }

    /// An amount of whole units with `places` decimal places.
    pub(crate) fn scaled(units: i128, places: u32) -> Result<Amount, String> {
        Digits { negative: units < 0, digits: units.unsigned_abs(), exponent: -i64::from(places) }
            .amount()
            .map_err(|cause| format!("{units} with {places} decimal places {cause}"))
    }

    /// An amount of 64 bits in units of 10^-12.
    #[inline]
    pub(crate) fn of_short(units: i64) -> Amount {
        Amount { coarse: units.into(), fine: 0 }
    }

    /// The amount in 64 bits, in units of 10^-12, if it fits.
    #[inline]
    pub(crate) fn short(self) -> Option<i64> {
        i64::try_from(self.coarse).ok().filter(|_| self.fine == 0)
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        *self == Amount::ZERO
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        let Amount { coarse, fine } = self.one_sign();
        coarse < 0 || fine < 0
    }

    /// The amount without its sign.
    pub fn abs(self) -> Amount {
        if self.is_negative() { -self } else { self }
    }

    /// Adds an amount.
    #[inline]
    pub(crate) fn add(&mut self, other: Amount) {
        self.coarse += other.coarse;
        self.add_fine(other.fine);
    }

    /// Adds units of 10^-48.
    #[inline]
    pub(crate) fn add_fine(&mut self, fine: i128) {
        if fine != 0 {
            self.fine += fine;
            self.coarse += self.fine / FINE_ONE;
            self.fine %= FINE_ONE;
        }
    }

    /// The amount in whole units of 10^-`places`, halves away from zero; for what people read. At most 12 places.
    pub fn rounded(&self, places: u32) -> i128 {
        let unit = 10_i128.pow(PLACES - places.min(PLACES));
        let Amount { coarse, fine } = self.one_sign();
        let (whole, rest) = (coarse / unit, coarse % unit);
        let is_up = if unit == 1 { fine.abs() * 2 >= FINE_ONE } else { rest.abs() * 2 >= unit };
        whole + if is_up { if coarse < 0 || fine < 0 { -1 } else { 1 } } else { 0 }
    }

    /// How many decimal places it needs, 12 at least.
    pub(crate) fn places(&self) -> u32 {
        let (mut fine, mut places) = (self.one_sign().fine, MOST_PLACES);
        while places > PLACES && fine % 10 == 0 {
            fine /= 10;
            places -= 1;
        }
        places
    }

    /// The amount in whole units of 10^-`places`, between 12 and 48; none where it is finer, or too large for that.
    pub(crate) fn units(&self, places: u32) -> Option<i128> {
        let unit = 10_i128.pow(MOST_PLACES - places.clamp(PLACES, MOST_PLACES));
        let Amount { coarse, fine } = self.one_sign();
        let coarse = coarse.checked_mul(10_i128.checked_pow(places.saturating_sub(PLACES))?)?;
        if fine % unit == 0 { coarse.checked_add(fine / unit) } else { None }
    }

    /// Both parts with the same sign.
    fn one_sign(&self) -> Amount {
        let Amount { coarse, fine } = *self;
        if coarse > 0 && fine < 0 {
            Amount { coarse: coarse - 1, fine: fine + FINE_ONE }
        } else if coarse < 0 && fine > 0 {
            Amount { coarse: coarse + 1, fine: fine - FINE_ONE }
        } else {
            *self
        }
    }
}

impl std::ops::Add for Amount {
    type Output = Amount;
    fn add(mut self, other: Amount) -> Amount {
        Amount::add(&mut self, other);
        self
    }
}

impl std::ops::Sub for Amount {
    type Output = Amount;
    fn sub(self, other: Amount) -> Amount {
        self + -other
    }
}

impl std::ops::Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        Amount { coarse: -self.coarse, fine: -self.fine }
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, |sum, amount| sum + amount)
    }
}

/// The same value may be split in two ways, above and below zero: `one_sign` leaves one of them.
impl PartialEq for Amount {
    fn eq(&self, other: &Amount) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Amount) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Amount) -> std::cmp::Ordering {
        let (one, two) = (self.one_sign(), other.one_sign());
        (one.coarse, one.fine).cmp(&(two.coarse, two.fine))
    }
}

/// All digits, without zeros at the end: `-0.0000000012`, `12`, `0`.
impl fmt::Display for Amount {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Amount { coarse, fine } = self.one_sign();
        let sign = if coarse < 0 || fine < 0 { "-" } else { "" };
        let (coarse, fine) = (coarse.unsigned_abs(), fine.unsigned_abs());
        let one = 10_u128.pow(PLACES);
        let digits = format!("{:012}{fine:036}", coarse % one);
        let digits = digits.trim_end_matches('0');
        let point = if digits.is_empty() { "" } else { "." };
        write!(out, "{sign}{}{point}{digits}", coarse / one)
    }
}

/// A decimal as it is written: digits times a power of ten.
struct Digits {
    negative: bool,
    digits: u128,
    exponent: i64,
}

impl Digits {
    fn parse(text: &[u8]) -> Result<Digits, String> {
        let refuse = || format!("{} is not a decimal", shown(text));
        let (negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let mut parsed = Digits { negative, digits: 0, exponent: 0 };
        let (mut any, mut point, mut at) = (false, false, 0);
        while let Some(&byte) = unsigned.get(at) {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    parsed.push(byte - b'0', point).ok_or_else(|| format!("{} has too many digits", shown(text)))?;
                }
                b'.' if !point => point = true,
                b'e' | b'E' if any => {
                    let exponent =
                        std::str::from_utf8(&unsigned[at + 1..]).ok().and_then(|text| text.parse::<i32>().ok());
                    parsed.exponent += i64::from(exponent.ok_or_else(refuse)?);
                    return Ok(parsed);
                }
                _ => return Err(refuse()),
            }
            at += 1;
        }
        if any { Ok(parsed) } else { Err(refuse()) }
    }

    /// Adds a digit; none where it does not fit, unless it is a zero behind the point, which says nothing.
    fn push(&mut self, digit: u8, behind_point: bool) -> Option<()> {
        let next = self.digits.checked_mul(10).and_then(|digits| digits.checked_add(digit.into()));
        match next {
            Some(next) => {
                self.digits = next;
                self.exponent -= i64::from(behind_point);
                Some(())
            }
            None if behind_point && digit == 0 => Some(()),
            None => None,
        }
    }

    fn amount(mut self) -> Result<Amount, &'static str> {
        if self.digits == 0 {
            return Ok(Amount::ZERO);
        }
        while self.exponent < -i64::from(PLACES) && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.exponent += 1;
        }
        let whole_digits = i64::from(self.digits.ilog10()) + 1 + self.exponent;
        if whole_digits > MOST_WHOLE_DIGITS as i64 {
            return Err("has more than 17 digits before its point");
        }
        if self.exponent < -i64::from(MOST_PLACES) {
            return Err("has more than 48 decimal places");
        }
        // Between -48 and 16: every power below is one of an i128.
        let shift = self.exponent as i32 + PLACES as i32;
        let (coarse, fine) = if shift >= 0 {
            (self.digits * 10_u128.pow(shift.unsigned_abs()), 0)
        } else {
            let unit = 10_u128.pow(shift.unsigned_abs());
            let fine = (self.digits % unit) * 10_u128.pow(FINE_PLACES - shift.unsigned_abs());
            (self.digits / unit, fine)
        };
        let sign = if self.negative { -1 } else { 1 };
        Ok(Amount { coarse: sign * coarse as i128, fine: sign * fine as i128 })
    }
}

/// A cell as an error shows it: quoted, and cut.
pub(crate) fn shown(text: &[u8]) -> String {
    let cut = &text[..text.len().min(40)];
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("`{}{more}`", String::from_utf8_lossy(cut).escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        match Amount::parse(text.as_bytes()) {
            Ok(amount) => amount.to_string(),
            Err(cause) => cause,
        }
    }

    #[test]
    fn decimals_are_read_and_written_in_full() {
        for same in ["0", "12", "-0.0000000012", "0.12345678901234567890123", "99999999999999999.5", "-1.000000000001"]
        {
            assert_eq!(text(same), same);
        }
        assert_eq!(text("1.2E-9"), "0.0000000012");
        assert_eq!(text("1.5e+3"), "1500");
        assert_eq!(text(".5"), "0.5");
        assert_eq!(text("+7.00"), "7");
        assert_eq!(text("5."), "5");
        assert_eq!(text("0e400"), "0");
        assert_eq!(text("0.000000000000000000000000000000000000000000000001"), format!("0.{}1", "0".repeat(47)));
        assert_eq!(text(&format!("1.{}", "0".repeat(90))), "1");
    }

    #[test]
    fn what_is_no_decimal_or_too_long_is_refused() {
        for wrong in ["", "-", ".", "1.2.3", "1,5", "abc", "1e", "e5", "NaN", "inf", "1 "] {
            assert_eq!(text(wrong), format!("`{wrong}` is not a decimal"));
        }
        assert_eq!(text("1e-49"), "`1e-49` has more than 48 decimal places");
        assert_eq!(text("123456789012345678"), "`123456789012345678` has more than 17 digits before its point");
        assert_eq!(text("1e300"), "`1e300` has more than 17 digits before its point");
        assert_eq!(text(&"9".repeat(40)), format!("`{}` has too many digits", "9".repeat(40)));
    }

    #[test]
    fn fine_parts_carry() {
        let parse = |text: &str| Amount::parse(text.as_bytes()).expect("a decimal");
        let sum: Amount =
            ["0.9999999999999999", "0.0000000000000001", "-0.0000000000000003"].map(parse).into_iter().sum();
        assert_eq!(sum.to_string(), "0.9999999999999997");
        assert_eq!((parse("1") - parse("0.00000000000001")).to_string(), "0.99999999999999");
        assert!(parse("-0.00000000000001").is_negative() && parse("0.00000000000001") > Amount::ZERO);
    }

    #[test]
    fn sums_are_the_same_in_any_order() {
        let parse = |text: &str| Amount::parse(text.as_bytes()).expect("a decimal");
        let [half, more, less] = ["0.0000000000005", "0.0000000000007", "-0.0000000000007"].map(parse);
        let (one, other) = (half + more + less, half + (more + less));
        assert_eq!(one, other);
        assert_eq!((one.to_string(), other.to_string()), ("0.0000000000005".to_owned(), "0.0000000000005".to_owned()));
        assert!((more + less).is_zero() && !half.is_zero());
    }

    #[test]
    fn rounding_is_away_from_zero_at_halves() {
        let rounded = |text: &str| Amount::parse(text.as_bytes()).expect("a decimal").rounded(2);
        assert_eq!(["0.005", "-0.005", "0.0049999999999999", "1.999"].map(rounded), [1, -1, 0, 200]);
    }
}
