//! Pages, e-mails, alarms, tenant buckets. What is marked is modelled and checked, and provisioned by a later billform.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::place::Place;
use crate::manifest::text::{Days, Seconds};

/// The pages that tenants see: a private bucket behind CloudFront.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Portal {
    /// The bucket of the pages; `<prefix>-portal-<account>` when left out.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub bucket: String,
    /// The pages' domain: `billing.example.com`. Only pages from there, and from `api.cors.origins`, may change something.
    #[serde(default)]
    pub domain: Option<String>,
    /// The domain of the certificate: `*.billing.example.com`.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub certificate: Option<String>,
    /// The hosted zone that gets the records.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub zone: Option<String>,
    /// How pages look.
    #[serde(default)]
    pub branding: Branding,
    /// Whom tenants ask.
    #[serde(default)]
    pub support_email: Option<String>,
}

/// How pages look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Branding {
    /// The name shown on top.
    #[serde(default)]
    pub name: Option<String>,
    /// The logo: an address, `https://…`, or better a `data:image/…` URI of at most 2,000 characters, which costs a page
    /// no request.
    #[serde(default)]
    pub logo: Option<String>,
    /// Colours by use: `primary` for links and buttons, `accent` for bars of charts: `primary: "#1f4e79"`. Each needs the
    /// contrast on white that WCAG asks for.
    #[serde(default)]
    pub colours: BTreeMap<String, String>,
}

/// E-mails and topics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notifications {
    /// The sender of e-mails, a verified SES identity.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub from: Option<String>,
    /// Whether a new tenant gets a welcome e-mail.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub welcome: bool,
    /// The SNS topic for alerts; `<prefix>-alerts` when left out.
    #[serde(default)]
    pub topic: String,
    /// Who is subscribed to the topic by e-mail.
    #[serde(default)]
    pub emails: Vec<String>,
}

/// Dashboard and alarms.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// The dashboard's name; `<prefix>` when left out.
    #[serde(default)]
    pub dashboard: String,
    /// The alarms.
    #[serde(default)]
    pub alarms: Alarms,
}

/// The alarms billform knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarms {
    /// Errors of the functions.
    #[serde(default)]
    pub function_errors: Option<Alarm>,
}

/// One alarm: it goes off when the sum over a window is above the threshold.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Its name: `client-billing-lambda-errors`.
    pub name: String,
    /// More than so many set it off.
    #[serde(default = "five")]
    pub threshold: u32,
    /// The window.
    #[serde(default = "five_minutes")]
    pub window: Seconds,
    /// So many windows in a row.
    #[serde(default = "one")]
    pub evaluations: u32,
}

fn five() -> u32 {
    5
}

fn one() -> u32 {
    1
}

fn five_minutes() -> Seconds {
    Seconds::new(300)
}

/// Buckets that tenants keep data in, one each.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// The buckets' names; `{prefix}`, `{tenant}` and `{account}` stand for themselves.
    #[serde(default = "bucket_name")]
    pub bucket: String,
    /// How data ages, by rule id: `TransitionToIA`.
    #[serde(default)]
    pub lifecycle: BTreeMap<String, Lifecycle>,
}

fn bucket_name() -> String {
    "{prefix}-{tenant}-{account}".to_owned()
}

/// One lifecycle rule of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifecycle {
    /// Which objects: `results/`. All when left out.
    #[serde(default)]
    pub prefix: String,
    /// To which storage objects move, and when.
    #[serde(default)]
    pub transitions: Vec<Transition>,
    /// When objects are deleted.
    #[serde(default)]
    pub expire_after: Option<Days>,
    /// When unfinished uploads are dropped.
    #[serde(default)]
    pub abort_uploads_after: Option<Days>,
}

/// A move of objects to cheaper storage.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// When.
    pub after: Days,
    /// To what.
    pub class: StorageClass,
}

/// S3's cheaper storage classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StorageClass {
    /// Infrequent access.
    StandardIa,
    /// Infrequent access, instant.
    GlacierIr,
    /// Archive.
    Glacier,
    /// Deep archive.
    DeepArchive,
}

/// A resource whose address changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    /// The old address: `budget.acme`.
    pub from: String,
    /// The new one.
    pub to: String,
}

/// A resource that exists and that billform takes over; nothing is created or deleted for it. Once it is imported the
/// entry has no effect and can go.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The address it gets: `stripe_customer.acme`, `s3_bucket.reports`.
    pub to: String,
    /// The cloud's id of it: `cus_…`, a bucket's or role's name, an API's id.
    pub id: String,
    /// Where the manifest writes it.
    #[serde(skip)]
    pub place: Option<Place>,
}

/// Equal wherever they are written.
impl PartialEq for Import {
    fn eq(&self, other: &Import) -> bool {
        (&self.to, &self.id) == (&other.to, &other.id)
    }
}

impl Eq for Import {}
