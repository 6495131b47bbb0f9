//! What is asked of a report: how to group it, which cost to add up, which days.

use std::fmt;
use std::str::FromStr;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What to group by, in this order.
    pub by: Vec<Dimension>,
    /// Which cost to add up.
    pub basis: Basis,
    /// The key of the tag that names a tenant, as it is written in AWS.
    pub tenant_tag: String,
    /// The key of the tag that names a project.
    pub project_tag: String,
    /// The first and the last day whose usage counts, as days since 1970 in UTC.
    pub from: Option<i64>,
    /// The last one.
    pub to: Option<i64>,
}

impl Query {
    /// Everything, by tenant and service: unblended cost, tags `tenant` and `project`.
    pub fn new(by: Vec<Dimension>) -> Query {
        let (tenant_tag, project_tag) = ("tenant".to_owned(), "project".to_owned());
        Query { by, basis: Basis::Unblended, tenant_tag, project_tag, from: None, to: None }
    }
}

/// What rows can be grouped by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The value of the tag that names a tenant.
    Tenant,
    /// The value of the tag that names a project.
    Project,
    /// CUR: `line_item_product_code`; FOCUS: `ServiceName`.
    Service,
    /// The account that used it, 12 digits.
    Account,
    /// The day the usage began, in UTC.
    Day,
    /// The billing month.
    Month,
    /// CUR: `line_item_line_item_type`; FOCUS: `ChargeCategory`.
    LineType,
    /// The id of AWS's invoice, empty until the bill is final.
    Invoice,
    /// The currency of the amounts.
    Currency,
    /// The value of any tag, by its key.
    Tag(String),
    /// The value of a cost category, by its name.
    Category(String),
}

/// Names of the dimensions that need no key.
const NAMES: [(&str, Dimension); 9] = [
    ("tenant", Dimension::Tenant),
    ("project", Dimension::Project),
    ("service", Dimension::Service),
    ("account", Dimension::Account),
    ("day", Dimension::Day),
    ("month", Dimension::Month),
    ("line-type", Dimension::LineType),
    ("invoice", Dimension::Invoice),
    ("currency", Dimension::Currency),
];

impl fmt::Display for Dimension {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dimension::Tag(key) => write!(out, "tag:{key}"),
            Dimension::Category(name) => write!(out, "category:{name}"),
            plain => {
                let name = NAMES.iter().find(|(_, dimension)| dimension == plain).map_or("", |(name, _)| name);
                out.write_str(name)
            }
        }
    }
}

impl FromStr for Dimension {
    type Err = String;

    fn from_str(text: &str) -> Result<Dimension, String> {
        match text.split_once(':') {
            Some(("tag", key)) if !key.is_empty() => return Ok(Dimension::Tag(key.to_owned())),
            Some(("category", name)) if !name.is_empty() => return Ok(Dimension::Category(name.to_owned())),
            _ => {}
        }
        let found = NAMES.iter().find(|(name, _)| *name == text).map(|(_, dimension)| dimension.clone());
        found.ok_or_else(|| {
            let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
            format!("`{text}` is not a dimension; there are {}, tag:KEY and category:NAME", names.join(", "))
        })
    }
}

/// Which cost of a row counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// As AWS invoices it.
    #[default]
    Unblended,
    /// As invoiced, after discounts of the account.
    NetUnblended,
    /// Fees of reservations and savings plans spread over the usage they cover.
    Amortised,
    /// The same after discounts.
    NetAmortised,
}

impl Basis {
    /// All of them.
    pub const ALL: [Basis; 4] = [Basis::Unblended, Basis::NetUnblended, Basis::Amortised, Basis::NetAmortised];
}

impl fmt::Display for Basis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Basis::Unblended => "unblended",
            Basis::NetUnblended => "net-unblended",
            Basis::Amortised => "amortised",
            Basis::NetAmortised => "net-amortised",
        })
    }
}

impl FromStr for Basis {
    type Err = String;

    fn from_str(text: &str) -> Result<Basis, String> {
        let spelled = text.replace("ized", "ised");
        let found = Basis::ALL.into_iter().find(|basis| basis.to_string() == spelled);
        found.ok_or_else(|| {
            format!("`{text}` is not a basis; there are {}", Basis::ALL.map(|basis| basis.to_string()).join(", "))
        })
    }
}
