//! What the disturbed run does: make everything, change fields, replace resources, delete everything, import what exists.

use std::fmt;
use std::str::FromStr;

use crate::stage::PORTAL;

/// One kind of run that is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// `apply` where nothing exists.
    Create,
    /// `apply` where fields of every kind differ that can be changed in place.
    Update,
    /// `apply` where fields differ that only new resources can have otherwise.
    Replace,
    /// `destroy`.
    Destroy,
    /// `apply` of a change that is given up: the run that repairs it applies the manifest as it was before.
    Abandon,
    /// `apply` that takes over by their ids what others made: the bucket of the reports, and a new tenant's customer.
    Import,
}

/// Stands in the manifest of [`Change::Import`] for the id of the customer that others made.
pub const CUSTOMER: &str = "cus_made_by_others";

/// The bucket that others made.
pub const BUCKET: &str = "client-billing-cur-123456789012";

/// What [`Change::Update`] changes: a line of the portal's manifest, and what it becomes.
const UPDATES: &[(&str, &str)] = &[
    // On every tagged resource one tag changes, one comes and one goes.
    (
        "    Application: client-billing\n    ManagedBy: billform\n",
        "    Application: client-portal\n    Team: finance\n",
    ),
    ("    prefix: cur\n", "    prefix: reports\n"),
    ("      archive_after: \"90 days\"\n", "      archive_after: \"120 days\"\n"),
    ("    description: Stripe secret key of", "    description: The Stripe secret key of"),
    ("    name: Client billing portal\n", "    name: The client billing portal\n"),
    ("    description: Cost by service,", "    description: What AWS costs by service,"),
    (
        "    - { at: \"100%\" }\n  emails: [billing@example.com]\n",
        "    - { at: \"100%\" }\n  emails: [finance@example.com]\n",
    ),
    ("    - { at: \"80%\" }\n", "    - { at: \"75%\" }\n    - { at: \"90%\" }\n"),
    ("  log_retention: \"30 days\"\n", "  log_retention: \"60 days\"\n"),
    ("memory_mb: 256, timeout: \"15 seconds\"", "memory_mb: 512, timeout: \"20 seconds\""),
    ("  point_in_time_recovery: true\n", "  point_in_time_recovery: false\n"),
    ("cron(0 6 * * ? *)", "cron(30 6 * * ? *)"),
    ("    origins: [\"https://mmp-toledo.billing.example.com\"]\n", "    origins: [\"https://billing.example.com\"]\n"),
    ("  throttle: { rate: 50, burst: 100 }\n", "  throttle: { rate: 80, burst: 160 }\n"),
    ("    name: Minute Man Press Toledo\n", "    name: Minute Man Press\n"),
    ("    email: accounting@", "    email: books@"),
    ("    locale: en-US\n", "    locale: de-DE\n"),
    ("    pricing: at-cost\n", "    pricing: ten-percent\n"),
    ("    budget: \"500.00 USD\"\n", "    budget: \"650.00 USD\"\n"),
    (
        "  topic: client-billing-alerts\n  emails: [billing@example.com]\n",
        "  topic: client-billing-alerts\n  emails: [alerts@example.com]\n",
    ),
    // Where the portal's pages are: the origins of functions, and where Stripe's portal leads back to.
    ("  domain: billing.example.com\n", "  domain: pay.example.com\n"),
    ("      threshold: 5\n", "      threshold: 10\n"),
    // The endpoint is made anew, and both signing secrets hold meanwhile.
    (
        "  webhook: { path: /billing/webhook }\n",
        "  webhook: { path: /v1/stripe/webhook, api_version: 2026-08-26.dahlia }\n",
    ),
];

/// What [`Change::Replace`] changes.
const REPLACEMENTS: &[(&str, &str)] = &[
    // In Stripe: a new price takes the lookup key over, the old one is archived.
    ("        amount: \"5.00 USD\"\n", "        amount: \"6.00 USD\"\n"),
    ("        amount: \"25.00 USD\"\n", "        amount: \"30.00 USD\"\n"),
    // Role, log group, function; what may call it and what it is called by.
    ("    costs: { name: client-billing-costs,", "    costs: { name: client-billing-costs-api,"),
    ("    name: client-billing/link-key\n", "    name: client-billing/link-signing-key\n"),
    ("    bucket: client-billing-cur-123456789012\n", "    bucket: client-billing-reports-123456789012\n"),
    // Another secret, which holds nothing: the endpoint whose signing secret it is to hold is made anew.
    ("    name: client-billing/stripe-webhook\n", "    name: client-billing/stripe-signing\n"),
    // The same name made anew.
    ("    time_unit: hourly\n", "    time_unit: daily\n"),
    ("  name: \"client-billing-{tenant}-monthly\"\n", "  name: \"client-billing-{tenant}-budget\"\n"),
    // The table, and with it the tenant's record.
    ("  name: client-billing-data\n", "  name: client-billing-ledger\n"),
    ("    name: client-billing-daily\n", "    name: client-billing-every-day\n"),
    ("  topic: client-billing-alerts\n", "  topic: client-billing-notices\n"),
    ("  dashboard: ClientBillingPortal\n", "  dashboard: ClientBilling\n"),
    ("      name: client-billing-lambda-errors\n", "      name: client-billing-function-errors\n"),
];

/// What [`Change::Abandon`] adds to the updates, and [`Change::Import`] to what was there.
const TENANT: &str = "
  - id: second
    name: A second client
    email: second@example.com
    tags:
      ClientOrganization: Second
    pricing: at-cost
    budget: \"300.00 USD\"
";

impl Change {
    /// All of them, in the order of a resource's life.
    pub const ALL: [Change; 6] =
        [Change::Create, Change::Update, Change::Replace, Change::Destroy, Change::Abandon, Change::Import];

    /// The manifest that has been applied before, if any has.
    pub fn before(self) -> Option<String> {
        match self {
            Change::Create => None,
            Change::Import => Some(without_report()),
            Change::Update | Change::Replace | Change::Destroy | Change::Abandon => Some(portal()),
        }
    }

    /// The manifest of the disturbed run.
    pub fn manifest(self) -> String {
        match self {
            Change::Create | Change::Destroy => portal(),
            Change::Update => edited(UPDATES),
            Change::Replace => edited(REPLACEMENTS),
            Change::Abandon => format!("{}{TENANT}", edited(UPDATES)),
            Change::Import => format!(
                "{}{TENANT}\nimports:\n  - {{ to: stripe_customer.second, id: {CUSTOMER} }}\n  \
                 - {{ to: s3_bucket.reports, id: {BUCKET} }}\n",
                portal()
            ),
        }
    }

    /// The manifest of the run that repairs.
    pub fn repaired_manifest(self) -> String {
        if self == Change::Abandon { portal() } else { self.manifest() }
    }

    /// The disturbed run, which is also the one that repairs.
    pub fn command(self) -> &'static [&'static str] {
        match self {
            Change::Destroy => &["destroy", "--auto-approve"],
            _ => &["apply", "--auto-approve"],
        }
    }

    /// The run that must find nothing to do.
    pub fn check(self) -> &'static [&'static str] {
        match self {
            Change::Destroy => &["plan", "--destroy", "--refresh", "full", "--detailed-exitcode"],
            _ => &["plan", "--refresh", "full", "--detailed-exitcode"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Change::Create => "create",
            Change::Update => "update",
            Change::Replace => "replace",
            Change::Destroy => "destroy",
            Change::Abandon => "abandon",
            Change::Import => "import",
        }
    }
}

/// The portal with a webhook of Stripe's, so that every kind of its resources is disturbed.
fn portal() -> String {
    let webhook = [
        ("  payment_methods: [card]\n", "  payment_methods: [card]\n  webhook: { path: /billing/webhook }\n"),
        ("  link:\n    name", "  webhook:\n    name: client-billing/stripe-webhook\n  link:\n    name"),
    ];
    webhook.iter().fold(PORTAL.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "the manifest says `{from}` once");
        text.replace(from, to)
    })
}

/// The portal before AWS delivers a report, so that its bucket can be somebody else's.
fn without_report() -> String {
    let portal = portal();
    let (before, report) = portal.split_once("  report:").expect("the manifest has a report");
    let (_, after) = report.split_once("\n\n").expect("a section follows the costs");
    format!("{before}\n{after}")
}

fn edited(edits: &[(&str, &str)]) -> String {
    let edit = |text: String, (from, to): &(&str, &str)| {
        assert_eq!(text.matches(from).count(), 1, "the manifest says `{from}` once");
        text.replace(from, to)
    };
    edits.iter().fold(portal(), edit)
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Change, String> {
        let known = Change::ALL.into_iter().find(|change| change.name() == text);
        known.ok_or_else(|| format!("`{text}` is none of create, update, replace, destroy, abandon, import"))
    }
}
