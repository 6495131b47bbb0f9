//! Where cost figures come from, and how they are told apart by tenant.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::dated::Rates;
use crate::Money;
use crate::manifest::text::{Day, Days, MoneyText, Rate};
use crate::sharing::{RecordPolicy, RecordType, Sharing, Unallocated};

/// How cost in USD becomes the currency of an invoice; shown on the invoice. A month takes a rate of a day near its end:
/// the latest of a day up to its last one, at most 15 days before, else the first of the 31 days after.
///
/// ```yaml
/// fx: { source: ECB, date: 2026-11-20, rate: "0.90" }
/// fx: { rates: [{ date: 2026-10-30, EUR: "0.9137", source: ECB }, { date: 2026-11-30, EUR: "0.92", source: ECB }] }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fx {
    /// Who states the rates: `ECB`. A day's own `source` counts before it.
    #[serde(default)]
    pub source: Option<String>,
    /// The day the rates are of; none where `rates` is a list, which says it of each.
    #[serde(default)]
    pub date: Option<Day>,
    /// Units of the manifest's currency for one USD, quoted: `"0.90"`.
    #[serde(default)]
    pub rate: Option<Rate>,
    /// Units of further currencies for one USD, for tenants billed in them: `{CHF: "0.88"}`; or all rates by day, in a
    /// list: `[{date: 2026-10-30, EUR: "0.9137", source: ECB}]`.
    #[serde(default)]
    pub rates: Rates,
}

/// How cost is told apart by tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// By tag or by account.
    #[serde(default)]
    pub by: AttributionBy,
    /// The cost-allocation tag that every tenant has a value of: `ClientOrganization`. Tenants with the same value differ in
    /// further `tags` of theirs. Empty only when attributed by account.
    #[serde(default)]
    pub tenant_tag: String,
    /// The cost-allocation tag whose value names the project.
    #[serde(default)]
    pub project_tag: Option<String>,
    /// Only cost with this tag belongs to the system; all cost when left out.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// Tag keys to activate for cost allocation, in the payer's account; all that tenants are known by are among them. None
    /// when left out.
    #[serde(default)]
    pub activate: Vec<String>,
    /// Who bears the cost of what tenants share.
    #[serde(default)]
    pub shared: SharedCost,
}

/// By what a tenant's cost is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributionBy {
    /// A cost-allocation tag.
    #[default]
    Tag,
    /// The AWS account that caused it.
    #[schemars(extend("x-billform-refused" = "write `by: tag`, and have each account's resources carry the tag `tenant_tag`"))]
    LinkedAccount,
}

/// A tag that cost must carry to belong to the system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The tag key: `application`.
    pub tag: String,
    /// Its value: `tax-demo`.
    pub value: String,
}

/// Who bears the cost of what tenants share: one function or table that serves many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SharedCost {
    /// The operator.
    #[default]
    Operator,
    /// Every tenant the same part.
    #[schemars(extend("x-billform-refused" = "leave it out, or write `shared: operator`: what tenants share is billed to none of them"))]
    Even,
    /// In proportion to the tenants' own cost.
    #[schemars(extend("x-billform-refused" = "leave it out, or write `shared: operator`: what tenants share is billed to none of them"))]
    Proportional,
    /// By measured usage.
    #[schemars(extend("x-billform-refused" = "leave it out, or write `shared: operator`: what tenants share is billed to none of them"))]
    Measured,
}

/// Where cost figures come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// The service or report that is read.
    #[serde(default)]
    pub source: CostSource,
    /// Which of AWS's cost figures counts; one for the whole system.
    #[serde(default)]
    pub basis: Basis,
    /// Who bears cost that belongs to no tenant: untagged, tax, support. Shared cost is a line of each tenant's invoice.
    #[serde(default)]
    pub unallocated: Unallocated,
    /// Who bears cost that is not usage. Each type with another policy than `as-tagged` is told apart by one more query of
    /// Cost Explorer for each month that is read.
    #[serde(default)]
    pub record_types: RecordTypes,
    /// The cost report to have AWS deliver.
    #[serde(default)]
    pub report: Option<Report>,
    /// What reads the report; only for reports.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out: cost is read from Cost Explorer, and no engine reads a report"))]
    pub engine: Option<CostsEngine>,
}

/// Who bears cost that is not usage, by Cost Explorer's record type.
///
/// ```yaml
/// record_types: { credit: operator, tax: even }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordTypes {
    /// Credits that AWS grants.
    #[serde(default)]
    pub credit: RecordPolicy,
    /// Refunds.
    #[serde(default)]
    pub refund: RecordPolicy,
    /// Tax.
    #[serde(default)]
    pub tax: RecordPolicy,
    /// AWS Support.
    #[serde(default)]
    pub support: RecordPolicy,
    /// Fees of reservations and Savings Plans, recurring and upfront.
    #[serde(default)]
    pub fee: RecordPolicy,
}

impl RecordTypes {
    /// Each type with its policy.
    pub fn policies(&self) -> [(RecordType, RecordPolicy); 5] {
        [
            (RecordType::Credit, self.credit),
            (RecordType::Refund, self.refund),
            (RecordType::Tax, self.tax),
            (RecordType::Support, self.support),
            (RecordType::Fee, self.fee),
        ]
    }
}

impl Costs {
    /// Who bears what no tenant's tags claim, and what is not usage.
    pub fn sharing(&self) -> Sharing {
        Sharing::new(self.unallocated, self.record_types.policies())
    }
}

/// The service or report that is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CostSource {
    /// Cost Explorer, two queries a day.
    #[default]
    CostExplorer,
    /// The legacy Cost and Usage Report.
    #[schemars(extend("x-billform-refused" = "write `source: cost-explorer`; AWS delivers the report beside it"))]
    Cur,
    /// Data Exports, CUR 2.0.
    #[schemars(extend("x-billform-refused" = "write `source: cost-explorer`; AWS delivers the report beside it"))]
    Cur2,
    /// Data Exports, FOCUS.
    #[schemars(extend("x-billform-refused" = "write `source: cost-explorer`; AWS delivers the report beside it"))]
    Focus,
}

/// Which of AWS's cost figures counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// As used.
    #[default]
    Unblended,
    /// As used, after discounts.
    NetUnblended,
    /// Reservations and Savings Plans spread over their term.
    Amortized,
    /// Spread, after discounts.
    NetAmortized,
}

impl Basis {
    /// Cost Explorer's metric: `UnblendedCost`.
    pub const fn metric(self) -> &'static str {
        match self {
            Basis::Unblended => "UnblendedCost",
            Basis::NetUnblended => "NetUnblendedCost",
            Basis::Amortized => "AmortizedCost",
            Basis::NetAmortized => "NetAmortizedCost",
        }
    }
}

/// What reads the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CostsEngine {
    /// billform's own report processor.
    Native,
    /// Athena; AWS then delivers Parquet that overwrites.
    Athena,
}

/// A cost report that AWS delivers to a bucket of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The report's name; `<prefix>-cur` when left out.
    #[serde(default)]
    pub name: String,
    /// The bucket's name; `<prefix>-cur-<account>` when left out.
    #[serde(default)]
    pub bucket: String,
    /// The prefix of its objects, without slashes at either end.
    #[serde(default = "cur_prefix")]
    pub prefix: String,
    /// How finely time is cut.
    #[serde(default)]
    pub time_unit: TimeUnit,
    /// The files' format.
    #[serde(default)]
    pub format: ReportFormat,
    /// Whether a new version replaces the old one.
    #[serde(default)]
    pub versioning: ReportVersioning,
    /// Whether rows name the resource.
    #[serde(default = "yes")]
    pub resource_ids: bool,
    /// Whether AWS refreshes the reports of closed months.
    #[serde(default = "yes")]
    pub refresh_closed: bool,
    /// How long the files stay; they are the audit basis of invoices.
    #[serde(default)]
    pub retention: ReportRetention,
}

fn cur_prefix() -> String {
    "cur".to_owned()
}

fn yes() -> bool {
    true
}

/// How finely a report cuts time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TimeUnit {
    /// By the hour.
    #[default]
    Hourly,
    /// By the day.
    Daily,
    /// By the month.
    Monthly,
}

impl TimeUnit {
    /// As AWS writes it: `HOURLY`.
    pub const fn as_str(self) -> &'static str {
        match self {
            TimeUnit::Hourly => "HOURLY",
            TimeUnit::Daily => "DAILY",
            TimeUnit::Monthly => "MONTHLY",
        }
    }
}

/// The format of a report's files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportFormat {
    /// Parquet.
    #[default]
    Parquet,
    /// CSV, compressed with gzip.
    Csv,
}

/// Whether a new version of a report replaces the old one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportVersioning {
    /// It replaces it.
    #[default]
    Overwrite,
    /// Both stay.
    CreateNew,
}

/// How long a report's files stay.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportRetention {
    /// When files move to archive storage (Glacier).
    #[serde(default = "ninety_days")]
    pub archive_after: Days,
    /// When files are deleted; never when left out.
    #[serde(default)]
    pub delete_after: Option<Days>,
}

impl Default for ReportRetention {
    fn default() -> Self {
        ReportRetention { archive_after: ninety_days(), delete_after: None }
    }
}

fn ninety_days() -> Days {
    Days::new(90)
}

/// Dated list prices for estimates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateCard {
    /// The day the prices are of.
    pub date: Day,
    /// Where they come from.
    #[serde(default)]
    pub source: Option<String>,
    /// Prices by kind of usage: `lambda_requests`.
    #[serde(default)]
    pub rates: BTreeMap<String, RateCardEntry>,
}

/// One list price.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateCardEntry {
    /// The price of `per` units: `"0.20 USD"`.
    #[schemars(with = "MoneyText")]
    pub price: Money,
    /// How many units it buys, quoted: `"1000000"`; one when left out.
    #[serde(default)]
    pub per: Option<Rate>,
    /// The unit: `request`, `GB-second`.
    #[serde(default)]
    pub unit: Option<String>,
}
