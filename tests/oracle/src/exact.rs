//! Exact fractions. Nothing is ever lost between a cost and the line it ends up in; rounding happens in one function.

use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;

/// An exact number: dollars, a rate, a share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exact(Number);

/// In lowest terms, with a denominator above zero. Each number has one form: [`Number::Big`] only where it does not fit
/// into [`Number::Small`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Number {
    Small(i128, i128),
    Big(Box<BigRational>),
}

impl Exact {
    /// Returns zero.
    #[must_use]
    pub fn zero() -> Self {
        Self::whole(0)
    }

    /// Returns a whole number.
    #[must_use]
    pub fn whole(number: i128) -> Self {
        Self(Number::Small(number, 1))
    }

    /// Returns `numerator / denominator`; none for a denominator of zero.
    #[must_use]
    pub fn fraction(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 0 {
            return None;
        }
        let small = small(Some(numerator), Some(denominator));
        Some(small.unwrap_or_else(|| Self::of(BigRational::new(BigInt::from(numerator), BigInt::from(denominator)))))
    }

    /// Reads a decimal as text: `-12.3456`. None for anything else, exponents and signs without digits included.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, decimals) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !decimals.is_none_or(are_digits) {
            return None;
        }
        let decimals = decimals.unwrap_or_default();
        let all: BigInt = format!("{whole}{decimals}").parse().ok()?;
        let scale = BigInt::from(10).pow(u32::try_from(decimals.len()).ok()?);
        Some(Self::of(BigRational::new(all * sign, scale)))
    }

    /// Rounds to a multiple of `step`, half away from zero, and returns it in whole units: the one rounding function.
    ///
    /// # Panics
    /// Where the result exceeds `i128`, or `step` is not above zero.
    #[must_use]
    pub fn round_to(&self, step: i128) -> i128 {
        assert!(step > 0, "a step of {step} is no step");
        // floor(|x| / step + 1/2) with the sign of x.
        let steps = match &self.0 {
            Number::Small(numerator, denominator) => half_up(numerator.unsigned_abs(), *denominator, step),
            Number::Big(_) => None,
        };
        let whole = steps.unwrap_or_else(|| {
            let steps = self.big() / BigInt::from(step);
            let (two, twice) = (BigInt::from(2), BigInt::from(steps.numer().magnitude() * 2_u32));
            let rounded = (twice + steps.denom()) / (steps.denom() * two);
            i128::try_from(&rounded).expect("an amount below 10^38")
        }) * step;
        if self.is_negative() { -whole } else { whole }
    }

    /// Returns the largest multiple of `step` that is not above this, in whole units.
    ///
    /// # Panics
    /// Where the result exceeds `i128`.
    #[must_use]
    pub fn floor_to(&self, step: i128) -> i128 {
        if let Number::Small(numerator, denominator) = &self.0
            && let Some(divisor) = denominator.checked_mul(step).filter(|divisor| *divisor > 0)
        {
            return numerator.div_euclid(divisor) * step;
        }
        let steps = (self.big() / BigInt::from(step)).floor();
        i128::try_from(steps.numer()).expect("an amount below 10^38") * step
    }

    /// Returns the quotient; none for a divisor of zero.
    #[must_use]
    pub fn over(&self, divisor: &Self) -> Option<Self> {
        if divisor.is_zero() {
            return None;
        }
        let quotient = match (&self.0, &divisor.0) {
            (Number::Small(a, b), Number::Small(c, d)) => small(a.checked_mul(*d), b.checked_mul(*c)),
            _ => None,
        };
        Some(quotient.unwrap_or_else(|| Self::of(self.big() / divisor.big())))
    }

    /// Says whether this is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == Number::Small(0, 1)
    }

    /// Says whether this is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        match &self.0 {
            Number::Small(numerator, _) => *numerator < 0,
            Number::Big(number) => number.numer() < &BigInt::from(0),
        }
    }

    /// Returns this, or zero where it is below.
    #[must_use]
    pub fn or_zero(self) -> Self {
        if self.is_negative() { Self::zero() } else { self }
    }

    /// Returns the sum of numbers; the order does not matter.
    #[must_use]
    pub fn sum<'a>(numbers: impl IntoIterator<Item = &'a Self>) -> Self {
        numbers.into_iter().fold(Self::zero(), |sum, number| sum + number)
    }

    fn plus(&self, other: &Self) -> Self {
        let sum = match (&self.0, &other.0) {
            (Number::Small(a, b), Number::Small(c, d)) if b == d => small(a.checked_add(*c), Some(*b)),
            (Number::Small(a, b), Number::Small(c, d)) => {
                let (left, right) = (a.checked_mul(*d), c.checked_mul(*b));
                let numerator = left.zip(right).and_then(|(left, right)| left.checked_add(right));
                small(numerator, b.checked_mul(*d))
            }
            _ => None,
        };
        sum.unwrap_or_else(|| Self::of(self.big() + other.big()))
    }

    fn times(&self, other: &Self) -> Self {
        let product = match (&self.0, &other.0) {
            (Number::Small(a, b), Number::Small(c, d)) => small(a.checked_mul(*c), b.checked_mul(*d)),
            _ => None,
        };
        product.unwrap_or_else(|| Self::of(self.big() * other.big()))
    }

    fn negated(&self) -> Self {
        match &self.0 {
            Number::Small(numerator, denominator) if *numerator != i128::MIN => {
                Self(Number::Small(-numerator, *denominator))
            }
            _ => Self::of(-self.big()),
        }
    }

    fn big(&self) -> BigRational {
        match &self.0 {
            Number::Small(a, b) => BigRational::new_raw(BigInt::from(*a), BigInt::from(*b)),
            Number::Big(number) => BigRational::clone(number),
        }
    }

    fn of(number: BigRational) -> Self {
        match (i128::try_from(number.numer()), i128::try_from(number.denom())) {
            (Ok(numerator), Ok(denominator)) => Self(Number::Small(numerator, denominator)),
            _ => Self(Number::Big(Box::new(number))),
        }
    }
}

/// A fraction in lowest terms; none where one of its numbers exceeded `i128` on the way.
fn small(numerator: Option<i128>, denominator: Option<i128>) -> Option<Exact> {
    let (numerator, denominator) = numerator.zip(denominator)?;
    let divisor = common_divisor(numerator.unsigned_abs(), denominator.unsigned_abs());
    let divisor = i128::try_from(divisor).ok()? * denominator.signum();
    Some(Exact(Number::Small(numerator.checked_div(divisor)?, denominator.checked_div(divisor)?)))
}

/// The greatest common divisor, after Euclid; in half the bits as soon as they suffice.
fn common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        if let (Ok(mut a), Ok(mut b)) = (u64::try_from(a), u64::try_from(b)) {
            while b != 0 {
                (a, b) = (b, a % b);
            }
            return u128::from(a);
        }
        (a, b) = (b, a % b);
    }
    a
}

/// How often a step goes into a fraction, rounded half up; none where that exceeds `u128` on the way.
fn half_up(numerator: u128, denominator: i128, step: i128) -> Option<i128> {
    let divisor = u128::try_from(denominator.checked_mul(step)?).ok()?;
    let twice = numerator.checked_mul(2)?.checked_add(divisor)?;
    i128::try_from(twice / divisor.checked_mul(2)?).ok()
}

impl Default for Exact {
    fn default() -> Self {
        Self::zero()
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Exact) -> Ordering {
        if let (Number::Small(a, b), Number::Small(c, d)) = (&self.0, &other.0)
            && let Some((left, right)) = a.checked_mul(*d).zip(c.checked_mul(*b))
        {
            return left.cmp(&right);
        }
        self.big().cmp(&other.big())
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Exact) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Add<&Exact> for Exact {
    type Output = Exact;

    fn add(self, other: &Exact) -> Exact {
        self.plus(other)
    }
}

impl AddAssign<&Exact> for Exact {
    fn add_assign(&mut self, other: &Exact) {
        *self = self.plus(other);
    }
}

impl Sub<&Exact> for Exact {
    type Output = Exact;

    fn sub(self, other: &Exact) -> Exact {
        self.plus(&other.negated())
    }
}

impl Mul<&Exact> for &Exact {
    type Output = Exact;

    fn mul(self, other: &Exact) -> Exact {
        self.times(other)
    }
}

impl Neg for Exact {
    type Output = Exact;

    fn neg(self) -> Exact {
        self.negated()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of every size, those beyond 128 bits among them.
    fn number() -> impl Strategy<Value = Exact> {
        let part = prop_oneof![-1_000_i128..1_000, any::<i64>().prop_map(i128::from), any::<i128>()];
        (part.clone(), part, any::<bool>()).prop_map(|(numerator, denominator, is_huge)| {
            let number = Exact::fraction(numerator, denominator).unwrap_or_default();
            if is_huge { &number * &Exact::whole(i128::MAX) } else { number }
        })
    }

    proptest! {
        /// Whatever form a number has, it is what the arithmetic of fractions of any size says.
        #[test]
        fn small_numbers_and_large_ones_reckon_alike(a in number(), b in number()) {
            let (of_a, of_b) = (a.big(), b.big());
            prop_assert_eq!((a.clone() + &b).big(), &of_a + &of_b);
            prop_assert_eq!((a.clone() - &b).big(), &of_a - &of_b);
            prop_assert_eq!((&a * &b).big(), &of_a * &of_b);
            prop_assert_eq!((-a.clone()).big(), -of_a.clone());
            prop_assert_eq!(a.over(&b).map(|quotient| quotient.big()), (!b.is_zero()).then(|| &of_a / &of_b));
            prop_assert_eq!(a.cmp(&b), of_a.cmp(&of_b));
            prop_assert_eq!(a == b, of_a == of_b);
            prop_assert_eq!(Exact::of(of_a), a);
        }

        #[test]
        fn rounding_and_flooring_are_what_large_fractions_say(
            numerator in any::<i64>(), denominator in 1_i64..1_000_000, step in 1_i128..1_000,
        ) {
            let number = Exact::fraction(i128::from(numerator), i128::from(denominator)).unwrap_or_default();
            let steps = number.big() / BigInt::from(step);
            let (floor, round) = (steps.floor().to_integer(), steps.round().to_integer());
            prop_assert_eq!(BigInt::from(number.floor_to(step)), floor * step);
            prop_assert_eq!(BigInt::from(number.round_to(step)), round * step);
        }
    }
}
