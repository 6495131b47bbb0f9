//! Decimals as JSON numbers, digit for digit: no float ever stands between the ledger and the reader.

use rust_decimal::Decimal;
use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A decimal that serialises as a JSON number with exactly its own digits: `125.50` stays `125.50`.
///
/// Exact in text (`serde_json::to_string`); a `serde_json::Value` made of it holds a float, as every number there does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExactNumber(pub Decimal);

impl Serialize for ExactNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.0.to_string()).map_err(S::Error::custom)?.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_kept_that_a_float_would_lose() {
        let long = Decimal::from_str_exact("12345678901234567.0123456789").expect("a decimal");
        let shown = serde_json::to_string(&ExactNumber(long)).expect("JSON");
        assert_eq!(shown, "12345678901234567.0123456789");
        let cents = serde_json::to_string(&ExactNumber(Decimal::new(12_550, 2))).expect("JSON");
        assert_eq!(cents, "125.50");
    }

    proptest! {
        #[test]
        fn every_decimal_is_a_json_number(units in any::<i64>(), scale in 0_u32..20) {
            let decimal = Decimal::new(units, scale);
            let shown = serde_json::to_string(&ExactNumber(decimal)).expect("JSON");
            prop_assert_eq!(Decimal::from_str_exact(&shown), Ok(decimal));
        }
    }
}
