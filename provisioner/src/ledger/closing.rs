//! A month closed: tenants' and unallocated cost beside AWS's own total.

use billing::money::round;
use billing::{Currency, Money, Month};
use rust_decimal::Decimal;

/// A month's sums in US dollars, exact.
pub struct Sums {
    /// The month.
    pub month: Month,
    /// Each tenant's own cost, by id.
    pub tenants: Vec<(String, Decimal)>,
    /// What no tenant's tags claim, and record types that are nobody's.
    pub unallocated: Decimal,
    /// What of it the tenants bear by their terms. It stays within `unallocated`, so that it counts once.
    pub shared: Decimal,
    /// AWS's total.
    pub bill: Decimal,
}

/// A cent.
const DECIMALS: u32 = 2;

impl Sums {
    /// Tenants and unallocated cost.
    pub fn accounted(&self) -> Decimal {
        self.tenants.iter().map(|(_, cost)| cost).sum::<Decimal>() + self.unallocated
    }

    /// What the bill has more than that, rounded to the cent.
    pub fn difference(&self) -> Decimal {
        round(self.bill - self.accounted(), DECIMALS)
    }

    /// Whether they are equal to the cent.
    pub fn is_closed(&self) -> bool {
        self.difference().is_zero()
    }
}

/// US dollars to the cent, as people read them.
pub fn dollars(amount: Decimal) -> String {
    Money::new(amount, Currency::USD).rounded().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).expect("a decimal")
    }

    #[test]
    fn a_month_is_closed_when_it_adds_up_to_the_cent() {
        let sums = |bill: &str| Sums {
            month: "2026-10".parse().expect("a month"),
            tenants: vec![("a".to_owned(), decimal("125.5001")), ("b".to_owned(), decimal("10"))],
            unallocated: decimal("16.85"),
            shared: decimal("16.85"),
            bill: decimal(bill),
        };
        assert!(sums("152.3500000001").is_closed() && sums("152.354").is_closed());
        assert_eq!(sums("152.36").difference(), decimal("0.01"));
        assert!(!sums("121.35").is_closed());
        assert_eq!(dollars(sums("1").accounted()), "152.35 USD");
    }
}
