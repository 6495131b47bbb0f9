//! The layouts of cost reports: which column of which says what.
//!
//! Columns of the legacy report are called `lineItem/UnblendedCost` in CSV and `line_item_unblended_cost` in Parquet; the
//! first name becomes the second by AWS's own rule, [`snake`].

use std::fmt;

use crate::problem::Fault;
use crate::query::Basis;

/// A layout of cost reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// The Cost and Usage Report: a column for every tag.
    Legacy,
    /// CUR 2.0 of Data Exports: tags in a map.
    Cur2,
    /// FOCUS of this version, as far as the columns tell.
    Focus(&'static str),
}

impl fmt::Display for Layout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::Legacy => out.write_str("Cost and Usage Report (legacy)"),
            Layout::Cur2 => out.write_str("CUR 2.0"),
            Layout::Focus(version) => write!(out, "FOCUS {version}"),
        }
    }
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As the file calls it.
    pub name: String,
    /// As Parquet files call it.
    pub canonical: String,
    /// Whether its cells are maps of texts.
    pub is_map: bool,
}

impl Column {
    /// A column by its name in the file.
    pub fn new(name: &str, is_map: bool) -> Column {
        Column {
            name: name.to_owned(),
            canonical: if name.contains('/') { snake(name) } else { name.to_owned() },
            is_map,
        }
    }
}

/// Something a row says that it can be grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Service,
    Account,
    Day,
    Month,
    LineType,
    Invoice,
    Currency,
    Reservation,
    Tag(String),
    Category(String),
}

/// Where a file has a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldAt {
    /// Nowhere: every row's value is empty.
    Absent,
    /// In a column of its own.
    Column(usize),
    /// Under one of these keys of a map.
    Entry { column: usize, keys: Vec<String> },
}

/// Columns of figures, and how a row's cost follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costs {
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// Whether the line type decides which of them counts.
    pub by_line_type: bool,
}

impl Layout {
    /// The layout of a file with these columns.
    pub(crate) fn of(columns: &[Column]) -> Result<Layout, Fault> {
        let has = |name: &str| columns.iter().any(|column| column.canonical == name);
        let has_map = |name: &str| columns.iter().any(|column| column.canonical == name && column.is_map);
        if has("BilledCost") {
            return Ok(Layout::Focus(if has("ServiceProviderName") || has("HostProviderName") {
                "1.3"
            } else if has("InvoiceId") || has("BillingAccountType") {
                "1.2"
            } else if has("CommitmentDiscountQuantity") || has("ServiceSubcategory") {
                "1.1"
            } else {
                "1.0"
            }));
        }
        if has_map("resource_tags") || has_map("tags") || has_map("product") || has("bill_payer_account_name") {
            return Ok(Layout::Cur2);
        }
        if columns.iter().any(|column| column.canonical.starts_with("line_item_")) {
            return Ok(Layout::Legacy);
        }
        Err(Fault::new("it is not a cost report of AWS: it has neither `line_item_…` columns nor `BilledCost`")
            .remedy("name the report's own files, or its manifest"))
    }

    /// Whether both are the same report's: versions of FOCUS may follow each other.
    pub fn goes_with(self, other: Layout) -> bool {
        matches!((self, other), (Layout::Focus(_), Layout::Focus(_))) || self == other
    }

    /// The column of the usage.
    pub fn usage(self) -> &'static str {
        if matches!(self, Layout::Focus(_)) { "ConsumedQuantity" } else { "line_item_usage_amount" }
    }

    /// The column of the currency.
    pub fn currency(self) -> &'static str {
        if matches!(self, Layout::Focus(_)) { "BillingCurrency" } else { "line_item_currency_code" }
    }

    /// The columns of a basis. FOCUS has its costs after all discounts: net and gross are the same there.
    ///
    /// Amortised cost follows AWS's own rule by line type, in the order of [`crate::charge`]. Sources, of the user guide
    /// of Data Exports (`docs.aws.amazon.com/cur/latest/userguide/`):
    /// - `cur-sp.html`, "Understanding Savings Plans": what is covered costs `SavingsPlanEffectiveCost`, its
    ///   `SavingsPlanNegation` takes the price on demand back, `SavingsPlanRecurringFee` has the commitment and what of it
    ///   was used, so that the difference is what was not, and `SavingsPlanUpfrontFee` was paid before;
    /// - `amortized-reservation.html`, "Understanding your amortized reservation data": `DiscountedUsage` has
    ///   `EffectiveCost`, `RIFee` what was not used of the upfront and of the recurring fee; a `Fee` with a reservation's
    ///   ARN is the upfront fee itself, which those spread.
    ///
    /// The queries that AWS publishes for its reports (Well-Architected Labs, "CUR Query Library"; CUDOS) sum by the same
    /// rule. There is no net column of a plan's commitment: net amortised cost takes the same difference.
    pub fn costs(self, basis: Basis) -> Costs {
        let is_net = matches!(basis, Basis::NetUnblended | Basis::NetAmortised);
        let is_amortised = matches!(basis, Basis::Amortised | Basis::NetAmortised);
        let (columns, by_line_type): (Vec<&'static str>, bool) = match (self, is_amortised) {
            (Layout::Focus(_), false) => (vec!["BilledCost"], false),
            (Layout::Focus(_), true) => (vec!["EffectiveCost"], false),
            (_, false) => {
                (vec![if is_net { "line_item_net_unblended_cost" } else { "line_item_unblended_cost" }], false)
            }
            (_, true) if is_net => (
                vec![
                    "line_item_net_unblended_cost",
                    "savings_plan_net_savings_plan_effective_cost",
                    "savings_plan_total_commitment_to_date",
                    "savings_plan_used_commitment",
                    "reservation_net_effective_cost",
                    "reservation_net_unused_amortized_upfront_fee_for_billing_period",
                    "reservation_net_unused_recurring_fee",
                ],
                true,
            ),
            (_, true) => (
                vec![
                    "line_item_unblended_cost",
                    "savings_plan_savings_plan_effective_cost",
                    "savings_plan_total_commitment_to_date",
                    "savings_plan_used_commitment",
                    "reservation_effective_cost",
                    "reservation_unused_amortized_upfront_fee_for_billing_period",
                    "reservation_unused_recurring_fee",
                ],
                true,
            ),
        };
        Costs { columns, by_line_type }
    }

    /// Where a file of this layout has a field. A tag that has no column is absent; any other field that a question
    /// needs and that is missing is an error, unless it is only looked at in passing.
    pub(crate) fn find(self, columns: &[Column], field: &Field, is_needed: bool) -> Result<FieldAt, Fault> {
        let name = match (self, field) {
            (_, Field::Tag(key)) => return self.find_tag(columns, key),
            (Layout::Focus(_), Field::Category(name)) => {
                return Ok(entry(columns, &[("x_CostCategories", vec![name.clone()])])?.unwrap_or(FieldAt::Absent));
            }
            (_, Field::Category(name)) => return find_category(columns, name),
            (Layout::Focus(_), field) => match field {
                Field::Service => "ServiceName",
                Field::Account => "SubAccountId",
                Field::Day => "ChargePeriodStart",
                Field::Month => "BillingPeriodStart",
                Field::LineType => "ChargeCategory",
                Field::Invoice => "InvoiceId",
                Field::Currency => "BillingCurrency",
                _ => return Ok(FieldAt::Absent),
            },
            (_, field) => match field {
                Field::Service => "line_item_product_code",
                Field::Account => "line_item_usage_account_id",
                Field::Day => "line_item_usage_start_date",
                Field::Month => "bill_billing_period_start_date",
                Field::LineType => "line_item_line_item_type",
                Field::Invoice => "bill_invoice_id",
                Field::Currency => "line_item_currency_code",
                _ => "reservation_reservation_a_r_n",
            },
        };
        match position(columns, name)? {
            Some(column) => Ok(FieldAt::Column(column)),
            None if is_needed => Err(self.missing(name)),
            None => Ok(FieldAt::Absent),
        }
    }

    /// A column that must be there is not.
    pub(crate) fn missing(self, name: &str) -> Fault {
        let remedy = if name.contains("_net_") {
            "AWS writes net columns for accounts with discounts only: choose `--basis unblended` or `amortised`"
        } else if name == "InvoiceId" {
            "FOCUS has it from version 1.2 on: export that version, or group by something else"
        } else {
            "choose it in the export's columns, or group by something else"
        };
        Fault { column: Some(name.to_owned()), ..Fault::new("the column is missing").remedy(remedy) }
    }

    fn find_tag(self, columns: &[Column], key: &str) -> Result<FieldAt, Fault> {
        let (user, plain) = (format!("user_{}", snake(key)), snake(key));
        if let Layout::Focus(_) = self {
            let keys = vec![key.to_owned(), format!("user:{key}"), user];
            return Ok(entry(columns, &[("Tags", keys)])?.unwrap_or(FieldAt::Absent));
        }
        let (resource, any) =
            (vec![user.clone(), plain.clone(), key.to_owned()], vec![format!("resourceTags/{key}"), user.clone()]);
        if let Some(found) = entry(columns, &[("resource_tags", resource), ("tags", any)])? {
            return Ok(found);
        }
        let exact = format!("resourceTags/user:{key}");
        let names = [format!("resource_tags_{user}"), format!("resource_tags_{plain}")];
        let found: Vec<usize> = (0..columns.len()).filter(|at| names.contains(&columns[*at].canonical)).collect();
        match found[..] {
            [] => Ok(FieldAt::Absent),
            [one] => Ok(FieldAt::Column(one)),
            _ => match found.iter().filter(|at| columns[**at].name == exact).collect::<Vec<_>>()[..] {
                [one] => Ok(FieldAt::Column(*one)),
                _ => {
                    let names: Vec<String> = found.iter().map(|at| format!("`{}`", columns[*at].name)).collect();
                    let cause = format!("tag `{key}` is in {} columns: {}", names.len(), names.join(", "));
                    Err(Fault::new(cause)
                        .remedy("activate only one spelling of the tag's key as a cost allocation tag"))
                }
            },
        }
    }

    /// The tags that columns of their own are for, as the columns name them.
    pub fn tag_columns(columns: &[Column]) -> Vec<String> {
        let tags = columns.iter().filter_map(|column| {
            let shown = column.name.strip_prefix("resourceTags/").map(|key| key.strip_prefix("user:").unwrap_or(key));
            let canonical =
                || column.canonical.strip_prefix("resource_tags_").map(|key| key.strip_prefix("user_").unwrap_or(key));
            shown.or_else(canonical).map(str::to_owned)
        });
        tags.collect()
    }
}

fn find_category(columns: &[Column], name: &str) -> Result<FieldAt, Fault> {
    let key = snake(name);
    let found = entry(
        columns,
        &[("cost_category", vec![key.clone(), name.to_owned()]), ("tags", vec![format!("costCategory/{name}")])],
    )?;
    match found {
        Some(found) => Ok(found),
        None => Ok(position(columns, &format!("cost_category_{key}"))?.map_or(FieldAt::Absent, FieldAt::Column)),
    }
}

fn entry(columns: &[Column], maps: &[(&str, Vec<String>)]) -> Result<Option<FieldAt>, Fault> {
    for (name, keys) in maps {
        if let Some(column) = position(columns, name)?.filter(|at| columns[*at].is_map) {
            return Ok(Some(FieldAt::Entry { column, keys: keys.clone() }));
        }
    }
    Ok(None)
}

/// The column of this name; two are an error.
pub fn position(columns: &[Column], canonical: &str) -> Result<Option<usize>, Fault> {
    let mut found = (0..columns.len()).filter(|at| columns[*at].canonical == canonical);
    let (first, second) = (found.next(), found.next());
    if second.is_some() {
        let fault = Fault::new("two columns have this name").remedy("export the report again with each column once");
        return Err(fault.of_column(canonical));
    }
    Ok(first)
}

/// A name by AWS's rule for Parquet columns: an underscore before every capital letter, small letters, an underscore for
/// everything else, none twice, none at either end. (User Guide for Cost and Usage Reports, "Column names".)
pub fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    for sign in name.chars() {
        if !sign.is_ascii_alphanumeric() || sign.is_ascii_uppercase() {
            out.push('_');
        }
        if sign.is_ascii_alphanumeric() {
            out.push(sign.to_ascii_lowercase());
        }
    }
    let words: Vec<&str> = out.split('_').filter(|word| !word.is_empty()).collect();
    words.join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<Column> {
        names.iter().map(|name| Column::new(name.trim_end_matches('{'), name.ends_with('{'))).collect()
    }

    #[test]
    fn names_of_csv_become_those_of_parquet() {
        let cases = [
            ("lineItem/UnblendedCost", "line_item_unblended_cost"),
            ("reservation/ReservationARN", "reservation_reservation_a_r_n"),
            ("resourceTags/user:Cost Center", "resource_tags_user_cost_center"),
            ("resourceTags/aws:createdBy", "resource_tags_aws_created_by"),
            ("bill/InvoiceId", "bill_invoice_id"),
        ];
        for (name, canonical) in cases {
            assert_eq!(snake(name), canonical);
        }
    }

    #[test]
    fn layouts_are_told_by_their_columns() {
        let of = |names: &[&str]| Layout::of(&columns(names)).map_err(|fault| fault.cause);
        assert_eq!(of(&["lineItem/UnblendedCost"]), Ok(Layout::Legacy));
        assert_eq!(of(&["line_item_unblended_cost", "resource_tags{"]), Ok(Layout::Cur2));
        assert_eq!(of(&["BilledCost", "Tags{"]), Ok(Layout::Focus("1.0")));
        assert_eq!(of(&["BilledCost", "ServiceSubcategory"]), Ok(Layout::Focus("1.1")));
        assert_eq!(of(&["BilledCost", "InvoiceId"]), Ok(Layout::Focus("1.2")));
        assert_eq!(of(&["BilledCost", "InvoiceId", "ServiceProviderName"]), Ok(Layout::Focus("1.3")));
        assert!(of(&["a", "b"]).is_err());
    }

    #[test]
    fn a_tag_is_found_where_the_layout_has_it() {
        let find = |layout: Layout, names: &[&str], key: &str| {
            layout.find(&columns(names), &Field::Tag(key.to_owned()), true).map_err(|fault| fault.cause)
        };
        assert_eq!(
            find(Layout::Legacy, &["x", "resource_tags_user_cost_center"], "CostCenter"),
            Ok(FieldAt::Column(1))
        );
        assert_eq!(find(Layout::Legacy, &["resourceTags/user:A", "resourceTags/user:a"], "a"), Ok(FieldAt::Column(1)));
        assert_eq!(
            find(Layout::Legacy, &["resource_tags_user_a", "resource_tags_user_a"], "A"),
            Err("tag `A` is in 2 columns: `resource_tags_user_a`, `resource_tags_user_a`".to_owned())
        );
        assert_eq!(find(Layout::Legacy, &["x"], "A"), Ok(FieldAt::Absent));
        let Ok(FieldAt::Entry { column: 0, keys }) = find(Layout::Cur2, &["resource_tags{"], "Tenant") else {
            panic!("an entry of the map")
        };
        assert_eq!(keys, ["user_tenant", "tenant", "Tenant"]);
    }
}
