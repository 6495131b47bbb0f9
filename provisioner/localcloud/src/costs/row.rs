//! One line of cost. Amounts are decimal text; a JSON number is refused, because a number may have been a binary float
//! once.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One line of cost: what one service cost on one day, with the tags of the resource that caused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostRow {
    /// The UTC day.
    pub date: Date,
    /// The service as Cost Explorer names it (`Amazon Simple Storage Service`).
    pub service: String,
    /// The region; none for global services, which Cost Explorer calls `NoRegion`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The linked account; the model's own when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The resource's tags, active or not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// `Usage`, `Tax`, `Credit`, `Refund`, …
    #[serde(default = "usage")]
    pub record_type: String,
    /// The cost in US dollars, exact; every cost metric answers with it.
    #[serde(with = "decimal_text")]
    pub amount: Decimal,
    /// The used quantity, in `unit`.
    #[serde(default, with = "decimal_text")]
    pub quantity: Decimal,
    /// The unit of the quantity; Cost Explorer answers `N/A` where units are mixed.
    #[serde(default)]
    pub unit: String,
}

fn usage() -> String {
    "Usage".to_owned()
}

/// Decimals as text and only as text.
pub(super) mod decimal_text {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::costs) fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::costs) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
        let text = String::deserialize(deserializer)?;
        Decimal::from_str_exact(&text).map_err(|error| D::Error::custom(format!("`{text}` is not a decimal: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_needs_little_and_keeps_its_digits() {
        let row: CostRow =
            serde_json::from_value(json!({"date": "2026-10-01", "service": "AWS Lambda", "amount": "0.1000"})).unwrap();
        assert_eq!(row.record_type, "Usage");
        assert_eq!(serde_json::to_value(&row).unwrap()["amount"], "0.1000");
    }
}
