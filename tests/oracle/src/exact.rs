//! Exact fractions. Nothing is ever lost between a cost and the line it ends up in; rounding happens in one function.

use std::cmp::Ordering;
use std::ops::{Add, AddAssign, Mul, Neg, Sub};

use num_bigint::BigInt;
use num_rational::BigRational;

/// An exact number: dollars, a rate, a share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exact(BigRational);

impl Exact {
    /// Returns zero.
    #[must_use]
    pub fn zero() -> Self {
        Self::whole(0)
    }

    /// Returns a whole number.
    #[must_use]
    pub fn whole(number: i128) -> Self {
        Self(BigRational::from_integer(BigInt::from(number)))
    }

    /// Returns `numerator / denominator`; none for a denominator of zero.
    #[must_use]
    pub fn fraction(numerator: i128, denominator: i128) -> Option<Self> {
        (denominator != 0).then(|| Self(BigRational::new(BigInt::from(numerator), BigInt::from(denominator))))
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
        Some(Self(BigRational::new(all * sign, scale)))
    }

    /// Rounds to a multiple of `step`, half away from zero, and returns it in whole units: the one rounding function.
    ///
    /// # Panics
    /// Where the result exceeds `i128`, or `step` is not above zero.
    #[must_use]
    pub fn round_to(&self, step: i128) -> i128 {
        assert!(step > 0, "a step of {step} is no step");
        let steps = &self.0 / BigInt::from(step);
        let two = BigInt::from(2);
        let twice: BigInt = steps.numer().magnitude().clone().into();
        let denominator = steps.denom();
        // floor(|x| + 1/2) with the sign of x.
        let rounded: BigInt = (twice * &two + denominator) / (denominator * &two);
        let whole = i128::try_from(&rounded).expect("an amount below 10^38") * step;
        if self.is_negative() { -whole } else { whole }
    }

    /// Returns the largest multiple of `step` that is not above this, in whole units.
    ///
    /// # Panics
    /// Where the result exceeds `i128`.
    #[must_use]
    pub fn floor_to(&self, step: i128) -> i128 {
        let steps = (&self.0 / BigInt::from(step)).floor();
        i128::try_from(steps.numer()).expect("an amount below 10^38") * step
    }

    /// Returns the quotient; none for a divisor of zero.
    #[must_use]
    pub fn over(&self, divisor: &Self) -> Option<Self> {
        (!divisor.is_zero()).then(|| Self(&self.0 / &divisor.0))
    }

    /// Says whether this is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Self::zero()
    }

    /// Says whether this is below zero.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.cmp(&Self::zero()) == Ordering::Less
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
}

impl Default for Exact {
    fn default() -> Self {
        Self::zero()
    }
}

impl Add<&Exact> for Exact {
    type Output = Exact;

    fn add(self, other: &Exact) -> Exact {
        Exact(self.0 + &other.0)
    }
}

impl AddAssign<&Exact> for Exact {
    fn add_assign(&mut self, other: &Exact) {
        self.0 += &other.0;
    }
}

impl Sub<&Exact> for Exact {
    type Output = Exact;

    fn sub(self, other: &Exact) -> Exact {
        Exact(self.0 - &other.0)
    }
}

impl Mul<&Exact> for &Exact {
    type Output = Exact;

    fn mul(self, other: &Exact) -> Exact {
        Exact(&self.0 * &other.0)
    }
}

impl Neg for Exact {
    type Output = Exact;

    fn neg(self) -> Exact {
        Exact(-self.0)
    }
}
