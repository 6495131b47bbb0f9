//! When and how invoices are made.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::invoice::DraftRules;
use crate::manifest::text::{Days, MoneyText, MonthText, PercentText};
use crate::pricing::PaymentFee;
use crate::{Money, Month, Percent};

/// When and how invoices are made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invoicing {
    /// The first month billform bills; earlier ones are left to whoever billed them.
    #[serde(default)]
    #[schemars(with = "Option<MonthText>")]
    pub first_period: Option<Month>,
    /// The day of the month from which the last month is drafted, 1 to 28; the 1st when left out. The draft is provisional
    /// until the month has settled.
    #[serde(default)]
    #[schemars(range(min = 1, max = 28))]
    pub day: Option<u32>,
    /// Days after a month's end until its figures count as settled, 0 to 60.
    #[serde(default = "fourteen")]
    #[schemars(range(max = 60))]
    pub settle_days: u32,
    /// Who finalises a draft.
    #[serde(default)]
    pub approval: Approval,
    /// What `approval: automatic` leaves to a person.
    #[serde(default)]
    pub automatic: Automatic,
    /// Days until an invoice is due: `"30 days"` for net-30.
    #[serde(default = "thirty_days")]
    pub terms: Days,
    /// How the money comes in.
    #[serde(default)]
    pub collection: Collection,
    /// Who bears the payment provider's fee, unless a tenant's terms say otherwise; the operator when left out.
    #[serde(default)]
    pub payment_fee: Option<PaymentFee>,
    /// What happens to unpaid invoices.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out: reminders are set up in Stripe's Dashboard"))]
    pub dunning: Option<Dunning>,
}

impl Default for Invoicing {
    fn default() -> Self {
        Invoicing {
            first_period: None,
            day: None,
            settle_days: fourteen(),
            approval: Approval::default(),
            automatic: Automatic::default(),
            terms: thirty_days(),
            collection: Collection::default(),
            payment_fee: None,
            dunning: None,
        }
    }
}

impl Invoicing {
    /// When months are drafted and settle.
    pub fn draft_rules(&self) -> DraftRules {
        DraftRules { day: self.day.unwrap_or(1), settle_days: self.settle_days }
    }
}

fn fourteen() -> u32 {
    14
}

fn thirty_days() -> Days {
    Days::new(30)
}

/// Who finalises a draft invoice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Approval {
    /// A person, with `billform invoice approve`.
    #[default]
    Manual,
    /// billform, once the figures are settled.
    Automatic,
}

impl Approval {
    /// The word, as the manifest writes it.
    pub fn word(self) -> &'static str {
        match self {
            Approval::Manual => "manual",
            Approval::Automatic => "automatic",
        }
    }
}

/// What automatic approval leaves to a person; an alarm tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Automatic {
    /// What an invoice comes to at most: `"1000.00 USD"`; any amount when left out.
    #[serde(default)]
    #[schemars(with = "Option<MoneyText>")]
    pub limit: Option<Money>,
    /// How far a month may lie off the mean of the tenant's last three: `"50%"`; any distance when left out.
    #[serde(default)]
    #[schemars(with = "Option<PercentText>")]
    pub deviation: Option<Percent>,
}

/// How the money comes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Collection {
    /// Stripe e-mails the invoice and the tenant pays it.
    #[default]
    SendInvoice,
    /// Stripe charges the customer's default payment method; without one the invoice is sent.
    ChargeAutomatically,
}

impl Collection {
    /// The word, as the manifest writes it.
    pub fn word(self) -> &'static str {
        match self {
            Collection::SendInvoice => "send-invoice",
            Collection::ChargeAutomatically => "charge-automatically",
        }
    }
}

/// What happens to unpaid invoices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dunning {
    /// When reminders go out, after the due date.
    #[serde(default)]
    pub reminders: Vec<Days>,
    /// When the tenant is paused, after the due date; never when left out.
    #[serde(default)]
    pub pause_after: Option<Days>,
}
