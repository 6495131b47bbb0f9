//! The cost model that the local cloud starts with: the portal example of the manifests, one other organisation,
//! and some cost that carries no tag.

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::model::CostModel;
use super::monthly::MonthlyCost;

/// Cost of one service under one pair of tags, in a whole month.
struct Line {
    service: &'static str,
    region: Option<&'static str>,
    tags: &'static [(&'static str, &'static str)],
    cents: i64,
    quantity: i64,
    unit: &'static str,
}

const TOLEDO: &[(&str, &str)] = &[
    ("ClientOrganization", "MMP-Toledo"),
    ("BillingProject", "mmp-toledo"),
    ("ClientAccount", "mmp-toledo"),
    ("ClientName", "Minute Man Press Toledo"),
];
const FIRESPRING: &[(&str, &str)] = &[
    ("ClientOrganization", "MMP-Toledo"),
    ("BillingProject", "mmp-toledo-firespring"),
    ("ClientAccount", "mmp-toledo"),
    ("ClientName", "Minute Man Press Toledo"),
];
const ACME: &[(&str, &str)] = &[
    ("ClientOrganization", "Acme-Print"),
    ("BillingProject", "acme-shop"),
    ("ClientAccount", "acme-print"),
    ("ClientName", "Acme Print"),
];

const S3: &str = "Amazon Simple Storage Service";
const LAMBDA: &str = "AWS Lambda";
const CLOUDFRONT: &str = "Amazon CloudFront";
const DYNAMODB: &str = "Amazon DynamoDB";
const HOME: Option<&str> = Some("us-east-1");

/// A month of the example: 85.30 and 40.20 for MMP-Toledo's two projects, 12.75 for Acme-Print, 4.10 untagged.
const MONTH: &[Line] = &[
    Line { service: S3, region: HOME, tags: TOLEDO, cents: 32_45, quantity: 1410, unit: "GB-Mo" },
    Line { service: LAMBDA, region: HOME, tags: TOLEDO, cents: 18_20, quantity: 1_091_998, unit: "Lambda-GB-Second" },
    Line { service: CLOUDFRONT, region: None, tags: TOLEDO, cents: 24_15, quantity: 284, unit: "GB" },
    Line {
        service: DYNAMODB,
        region: HOME,
        tags: TOLEDO,
        cents: 10_50,
        quantity: 8_400_000,
        unit: "WriteRequestUnits",
    },
    Line { service: S3, region: HOME, tags: FIRESPRING, cents: 12_55, quantity: 545, unit: "GB-Mo" },
    Line { service: LAMBDA, region: HOME, tags: FIRESPRING, cents: 6_80, quantity: 407_999, unit: "Lambda-GB-Second" },
    Line { service: CLOUDFRONT, region: None, tags: FIRESPRING, cents: 15_35, quantity: 180, unit: "GB" },
    Line {
        service: DYNAMODB,
        region: HOME,
        tags: FIRESPRING,
        cents: 5_50,
        quantity: 4_400_000,
        unit: "WriteRequestUnits",
    },
    Line { service: S3, region: HOME, tags: ACME, cents: 9_20, quantity: 400, unit: "GB-Mo" },
    Line { service: LAMBDA, region: HOME, tags: ACME, cents: 3_55, quantity: 212_999, unit: "Lambda-GB-Second" },
    Line { service: "AmazonCloudWatch", region: HOME, tags: &[], cents: 4_10, quantity: 8, unit: "GB" },
];

impl CostModel {
    /// The portal example, seen on the day `today`: three closed months and the current one up to yesterday.
    ///
    /// The current month is an estimate, and goes on alike as days pass. The tags were seen but are not active: `apply` activates them.
    pub fn example(today: Date) -> CostModel {
        let this_month = today.first_of_month();
        let monthly: Vec<MonthlyCost> = MONTH.iter().map(Line::monthly).collect();
        let first = this_month.saturating_sub(3.months());
        let rows = monthly.iter().flat_map(|line| line.rows(first, today)).collect();
        CostModel { today: Some(today), rows, monthly, estimated_from: Some(this_month), ..CostModel::default() }
    }

    /// The same model with every seen tag active, for tests that do not apply anything first.
    pub fn activated(mut self) -> CostModel {
        self.active_tags = self.seen().into_iter().map(str::to_owned).collect();
        self
    }
}

impl Line {
    fn monthly(&self) -> MonthlyCost {
        MonthlyCost {
            service: self.service.to_owned(),
            region: self.region.map(str::to_owned),
            tags: self.tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            amount: Decimal::new(self.cents, 2),
            quantity: Decimal::from(self.quantity),
            unit: self.unit.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costs::CostRow;
    use jiff::civil::date;

    fn sum(model: &CostModel, first: Date, wanted: impl Fn(&CostRow) -> bool) -> Decimal {
        model.rows.iter().filter(|row| row.date.first_of_month() == first && wanted(row)).map(|row| row.amount).sum()
    }

    fn of<'a>(key: &'a str, value: &'a str) -> impl Fn(&CostRow) -> bool + 'a {
        move |row| row.tags.get(key).is_some_and(|tag| tag == value)
    }

    #[test]
    fn closed_months_add_up_to_the_cent_whatever_their_length() {
        for today in [date(2026, 11, 21), date(2027, 3, 1), date(2028, 5, 31)] {
            let model = CostModel::example(today);
            for back in 1..=3 {
                let first = today.first_of_month().saturating_sub(back.months());
                assert_eq!(sum(&model, first, of("ClientOrganization", "MMP-Toledo")), Decimal::new(12_550, 2));
                assert_eq!(sum(&model, first, of("BillingProject", "mmp-toledo")), Decimal::new(85_30, 2));
                assert_eq!(sum(&model, first, of("BillingProject", "mmp-toledo-firespring")), Decimal::new(40_20, 2));
                assert_eq!(sum(&model, first, |row| row.tags.is_empty()), Decimal::new(4_10, 2));
                assert_eq!(sum(&model, first, |row| row.service == S3), Decimal::new(54_20, 2));
            }
        }
    }

    #[test]
    fn the_current_month_ends_yesterday_and_is_an_estimate() {
        let model = CostModel::example(date(2026, 11, 21));
        assert_eq!(model.rows.iter().map(|row| row.date).max(), Some(date(2026, 11, 20)));
        assert_eq!(model.rows.iter().map(|row| row.date).min(), Some(date(2026, 8, 1)));
        assert_eq!(model.estimated_from, Some(date(2026, 11, 1)));
        let first_of_month = CostModel::example(date(2026, 11, 1));
        assert_eq!(first_of_month.rows.iter().map(|row| row.date).max(), Some(date(2026, 10, 31)));
    }

    #[test]
    fn tags_wait_for_activation() {
        let model = CostModel::example(date(2026, 11, 21));
        assert!(model.active_tags.is_empty());
        assert_eq!(model.seen().len(), 4);
        assert_eq!(model.activated().active_tags.len(), 4);
    }
}
