//! What a handler needs, as data: `bootstrap describe` prints it, the provisioner turns each into a role,
//! a log group, a function and its trigger.

use serde::{Deserialize, Serialize};

/// One handler of the bundle and everything it needs to be deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionSpec {
    /// The handler's name, the value of [`Setting::Handler`]: `costs`.
    pub name: String,
    /// One sentence for the console and `billform kinds`.
    pub description: String,
    /// Memory, in MB.
    pub memory_mb: u32,
    /// Time-out, in seconds; HTTP handlers stay below API Gateway's 30.
    pub timeout_s: u32,
    /// What calls it; with several, each may come at any time, also twice.
    pub triggers: Vec<Trigger>,
    /// What it may do, beyond writing its own log group.
    pub grants: Vec<Grant>,
    /// The settings it reads from its environment, beyond [`Setting::Handler`].
    pub settings: Vec<Setting>,
    /// The surfaces of `api.surfaces` that deploy it; empty for handlers that every stack has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surfaces: Vec<String>,
    /// What the manifest must have beside that; empty for handlers that every stack has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
    /// Stripe's types of events that it takes, sorted: `invoice.paid`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stripe_events: Vec<String>,
}

/// What a manifest must have for a handler to be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// `stripe.webhook`.
    StripeWebhook,
}

/// Where Stripe's events arrive unless `stripe.webhook.path` says otherwise.
pub const DEFAULT_WEBHOOK_PATH: &str = "/billing/webhook";

/// The version of Stripe's API that events are written in unless `stripe.webhook.api_version` says otherwise: the one
/// that the handlers' Stripe client speaks.
pub const DEFAULT_WEBHOOK_API_VERSION: &str = "2026-09-30.endive";

/// The route key's path that stands for the manifest's `stripe.webhook.path`.
pub const WEBHOOK_PATH: &str = "{stripe.webhook.path}";

/// What calls a handler.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Trigger {
    /// Routes of the HTTP API.
    Http(Vec<RouteSpec>),
    /// A schedule; the manifest may set another expression.
    Schedule {
        /// Which schedule of the manifest it follows: `daily`, `monthly` or `invoicing`.
        name: String,
        /// EventBridge's expression in UTC: `cron(0 6 * * ? *)`.
        expression: String,
    },
    /// Objects written to a bucket of the stack.
    Bucket {
        /// Only keys that begin so; empty for all.
        prefix: String,
    },
    /// Messages of an SNS topic of the stack.
    Topic {
        /// The topic's name in the manifest.
        name: String,
    },
    /// A Lambda trigger of the stack's user pool.
    UserPool {
        /// Cognito's name of the trigger: `PostConfirmation`.
        event: String,
    },
    /// Only invoked directly.
    Invoke,
}

/// One route of the HTTP API and the credential it demands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteSpec {
    /// API Gateway's route key, method and path: `GET /costs`, `GET /invoices/{month}`.
    pub key: String,
    /// Which credential a request must carry. The handler checks it; the gateway has no authorizer for it.
    pub auth: Auth,
}

/// Which credential a request must carry. Only what the runtime verifies is a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// None: anyone may ask.
    Public,
    /// A tenant's session or signed link, of at least this role.
    Tenant(Role),
    /// Stripe's signature of the body, under the webhook's signing secret.
    StripeSignature,
}

/// What somebody may do with what is a tenant's. The greater may do all that the lesser may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read it.
    Viewer,
    /// Pay, and change how it is paid: the tenant's own administrator.
    Admin,
}

impl Role {
    /// The role as answers write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Admin => "admin",
        }
    }

    /// The purpose of links that give this role.
    pub const fn purpose(self) -> &'static str {
        match self {
            Role::Viewer => crate::link::COSTS,
            Role::Admin => crate::link::PORTAL,
        }
    }

    /// The role that a link or session of this purpose gives; none of any other.
    pub fn of_purpose(purpose: &str) -> Option<Role> {
        [Role::Viewer, Role::Admin].into_iter().find(|role| role.purpose() == purpose)
    }
}

/// One thing a handler may do, on the stack's own resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Get, query and batch-get items of the ledger and its indexes.
    LedgerRead,
    /// Put, update and delete items of the ledger, also in transactions.
    LedgerWrite,
    /// Get and put claims on cost in the ledger that several stacks claim in; nothing where the stack's own is the only one.
    ClaimsWrite,
    /// Put the items that count what tenants ask.
    ThrottleWrite,
    /// Read the Stripe key.
    StripeSecretRead,
    /// Read the key that signs links.
    LinkSecretRead,
    /// Read the signing secret of the Stripe webhook.
    WebhookSecretRead,
    /// Ask Cost Explorer.
    CostExplorerRead,
}

/// One setting of a handler's environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Which handler of the bundle runs.
    Handler,
    /// The ledger table's name.
    LedgerTable,
    /// The stack's name, value of the ownership tag: `client-billing/prod`.
    Stack,
    /// The ledger table that several stacks claim cost in; empty where the stack's own is the only one.
    ClaimsTable,
    /// Name of the secret that holds the Stripe key.
    StripeSecret,
    /// Name of the secret that holds the link key.
    LinkSecret,
    /// Name of the secret that holds the signing secret of the Stripe webhook.
    WebhookSecret,
    /// The path of the Stripe webhook: `/billing/webhook`.
    WebhookPath,
    /// The cost-allocation tag key that tells tenants apart.
    TenantTag,
    /// The cost-allocation tag key that tells projects apart; empty when the manifest names none.
    ProjectTag,
    /// Cost Explorer's metric: `UnblendedCost`, `NetUnblendedCost`, `AmortizedCost`, `NetAmortizedCost`.
    CostBasis,
    /// Attribution scope, `key=value`: only cost with this tag belongs to the stack; empty for all.
    CostScope,
    /// Record types that are told apart, comma separated: `credit,tax`; empty for none.
    CostRecords,
    /// The origins of the stack's own pages, comma separated, the portal's first; empty for none but the API's own address.
    AllowedOrigins,
    /// The Stripe customer portal's configuration of the stack, `bpc_…`.
    PortalConfiguration,
    /// Days after a month's end until its costs count as settled; 0: as soon as AWS calls them final.
    SettleDays,
    /// The day of the month from which on the month before is drafted, 1 to 28.
    InvoicingDay,
    /// Who finalises a complete draft: `manual` or `automatic`.
    Approval,
    /// What automatic approval finalises at most: `1000.00 USD`; empty for any amount.
    ApprovalLimit,
    /// How far from the mean of the last months automatic approval goes: `50%`; empty for any.
    ApprovalDeviation,
    /// How the money comes in: `send-invoice` or `charge-automatically`.
    Collection,
    /// How pages look: a [`crate::brand::Brand`] as JSON.
    Brand,
    /// Where tenants can pay on the pages: `told` where Stripe's events tell the stack how they do, else `untold`; empty
    /// where they cannot.
    Payments,
}

impl Setting {
    /// Whether the setting may be unset: `billform apply` leaves a variable out when the manifest names no value.
    pub const fn is_optional(self) -> bool {
        matches!(
            self,
            Setting::ClaimsTable
                | Setting::ProjectTag
                | Setting::CostScope
                | Setting::CostRecords
                | Setting::AllowedOrigins
                | Setting::ApprovalLimit
                | Setting::ApprovalDeviation
                | Setting::Payments
        )
    }

    /// The environment variable that carries it.
    pub fn variable(self) -> &'static str {
        match self {
            Setting::Handler => "BILLFORM_HANDLER",
            Setting::LedgerTable => "BILLFORM_LEDGER_TABLE",
            Setting::Stack => "BILLFORM_STACK",
            Setting::ClaimsTable => "BILLFORM_CLAIMS_TABLE",
            Setting::StripeSecret => "BILLFORM_STRIPE_SECRET",
            Setting::LinkSecret => "BILLFORM_LINK_SECRET",
            Setting::WebhookSecret => "BILLFORM_WEBHOOK_SECRET",
            Setting::WebhookPath => "BILLFORM_WEBHOOK_PATH",
            Setting::TenantTag => "BILLFORM_TENANT_TAG",
            Setting::ProjectTag => "BILLFORM_PROJECT_TAG",
            Setting::CostBasis => "BILLFORM_COST_BASIS",
            Setting::CostScope => "BILLFORM_COST_SCOPE",
            Setting::CostRecords => "BILLFORM_COST_RECORDS",
            Setting::AllowedOrigins => "BILLFORM_ALLOWED_ORIGINS",
            Setting::PortalConfiguration => "BILLFORM_PORTAL_CONFIGURATION",
            Setting::SettleDays => "BILLFORM_SETTLE_DAYS",
            Setting::InvoicingDay => "BILLFORM_INVOICING_DAY",
            Setting::Approval => "BILLFORM_APPROVAL",
            Setting::ApprovalLimit => "BILLFORM_APPROVAL_LIMIT",
            Setting::ApprovalDeviation => "BILLFORM_APPROVAL_DEVIATION",
            Setting::Collection => "BILLFORM_COLLECTION",
            Setting::Brand => "BILLFORM_BRAND",
            Setting::Payments => "BILLFORM_PAYMENTS",
        }
    }
}
