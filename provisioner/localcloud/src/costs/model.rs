//! What the local Cost Explorer knows: cost rows, which tags were seen and which are active, and how it behaves.
//!
//! Its JSON is what tests `PUT` to the gateway.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::backfill::Backfill;
use super::monthly::MonthlyCost;
use super::row::CostRow;

/// Everything the local Cost Explorer answers from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CostModel {
    /// The payer account.
    pub account: String,
    /// The present day. When set, periods too far back or ahead are refused as AWS refuses them.
    pub today: Option<Date>,
    /// The lines of cost, in any order.
    pub rows: Vec<CostRow>,
    /// Cost that comes back every month: each day that passes on the local cloud's clock gets its share.
    pub monthly: Vec<MonthlyCost>,
    /// From this day on, costs are estimates; none when everything is final.
    pub estimated_from: Option<Date>,
    /// Tag keys seen on resources beside those of the rows: only a seen key can be activated.
    pub seen_tags: BTreeSet<String>,
    /// Keys that are active cost-allocation tags. Costs of other keys appear untagged.
    pub active_tags: BTreeSet<String>,
    /// The first day from which an active key counts; absent means every day.
    pub tags_apply_from: BTreeMap<String, Date>,
    /// Whether an activation also covers the days before it. AWS's does not (a backfill does); the local cloud's
    /// does by default, so that a demonstration need not wait for tomorrow.
    pub activation_is_retroactive: bool,
    /// The day each key was activated on, where that is known: its `LastUpdatedDate`.
    pub activated_on: BTreeMap<String, Date>,
    /// Every backfill that was requested, oldest first.
    pub backfills: Vec<Backfill>,
    /// How many groups, tags or values a page holds at most.
    pub page_size: usize,
    /// False while Cost Explorer has no data at all: every query is `DataUnavailableException`.
    pub ingested: bool,
    /// So many next calls are answered `LimitExceededException`.
    pub throttle_next: u32,
}

impl Default for CostModel {
    fn default() -> CostModel {
        CostModel {
            account: "123456789012".to_owned(),
            today: None,
            rows: Vec::new(),
            monthly: Vec::new(),
            estimated_from: None,
            seen_tags: BTreeSet::new(),
            active_tags: BTreeSet::new(),
            tags_apply_from: BTreeMap::new(),
            activation_is_retroactive: true,
            activated_on: BTreeMap::new(),
            backfills: Vec::new(),
            page_size: 1000,
            ingested: true,
            throttle_next: 0,
        }
    }
}

impl CostModel {
    /// The value of a tag as Cost Explorer shows it: none unless the key is active and counted on that day.
    pub fn tag<'a>(&self, row: &'a CostRow, key: &str) -> Option<&'a str> {
        let backfilled = |backfill: &Backfill| backfill.reaches(key, row.date) && backfill.has_ended(self.today);
        let counted =
            self.tags_apply_from.get(key).is_none_or(|from| row.date >= *from) || self.backfills.iter().any(backfilled);
        if !self.active_tags.contains(key) || !counted {
            return None;
        }
        row.tags.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Every tag key that was ever seen on a resource.
    pub fn seen(&self) -> BTreeSet<&str> {
        let of_rows = self.rows.iter().flat_map(|row| row.tags.keys());
        of_rows.chain(&self.seen_tags).chain(&self.active_tags).map(String::as_str).collect()
    }

    /// The account a row belongs to.
    pub fn account_of<'a>(&'a self, row: &'a CostRow) -> &'a str {
        row.account.as_deref().unwrap_or(&self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_and_unknown_fields_are_refused_by_name() {
        let number = json!({"rows": [{"date": "2026-10-01", "service": "s", "amount": 1.5}]});
        assert!(serde_json::from_value::<CostModel>(number).unwrap_err().to_string().contains("expected a string"));
        let unknown = json!({"pagesize": 3});
        assert!(serde_json::from_value::<CostModel>(unknown).unwrap_err().to_string().contains("`pagesize`"));
    }

    #[test]
    fn a_tag_shows_only_when_active_and_counted_on_that_day() {
        let row: CostRow = serde_json::from_value(
            json!({"date": "2026-10-05", "service": "s", "amount": "1", "tags": {"Org": "A", "Empty": ""}}),
        )
        .unwrap();
        let mut model = CostModel::default();
        assert_eq!(model.tag(&row, "Org"), None);
        model.active_tags.extend(["Org".to_owned(), "Empty".to_owned()]);
        assert_eq!((model.tag(&row, "Org"), model.tag(&row, "Empty")), (Some("A"), None));
        model.tags_apply_from.insert("Org".to_owned(), jiff::civil::date(2026, 10, 6));
        assert_eq!(model.tag(&row, "Org"), None);
    }
}
