//! What a manifest says, typed. Names and defaults are filled in by [`crate::manifest::load`], so a loaded manifest
//! holds plain values: an empty name never reaches a consumer.

mod api;
mod auth;
mod aws;
mod budgets;
mod costs;
mod dated;
mod deployment;
mod extras;
mod invoicing;
mod products;
mod secrets;
mod tenants;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{self, Day, Rate};
use crate::Currency;
use crate::brand::{Brand, Colour};
use crate::pricing::{ExchangeRate, Terms};
use crate::tenant::{HeldRate, TenantRecord};

pub use api::{AccessLog, Api, ApiDomain, Cors, Surface, Throttle};
pub use auth::{Auth, Cognito, Links, Oidc};
pub use aws::{Architecture, Aws, Payer, S3State, State};
pub use budgets::{AlertAt, Budgets, Notify, TenantAlert, TenantBudget};
pub use costs::{
    Attribution, AttributionBy, Basis, CostSource, Costs, CostsEngine, Fx, RateCard, RateCardEntry, RecordTypes,
    Report, ReportFormat, ReportRetention, ReportVersioning, Scope, SharedCost, TimeUnit,
};
pub use dated::{DatedValue, DatedValues, DayRates, Rates};
pub use deployment::{Functions, Handler, Ledger, Schedule};
pub use extras::{
    Alarm, Alarms, Branding, Import, Lifecycle, Monitoring, Moved, Notifications, Portal, Storage, StorageClass,
    Transition,
};
pub use invoicing::{Approval, Automatic, Collection, Dunning, Invoicing};
pub use products::{Aggregation, Interval, Meter, Price, Product};
pub use secrets::{PaymentMethod, PortalConfiguration, Secret, Stripe, Webhook};
pub use tenants::{PricingNames, Tenant};

/// One system: its tenants, what they pay, and the AWS and Stripe resources that bill them.
///
/// ```yaml
/// version: 1
/// project: client-billing
/// aws: { account: "123456789012", region: us-east-1 }
/// attribution: { tenant_tag: ClientOrganization }
/// tenants:
///   - { id: acme, name: Acme, email: billing@acme.example, tags: { ClientOrganization: Acme } }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "billform manifest")]
pub struct Manifest {
    /// The manifest format; this billform reads version 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// The system's name, first part of every name that is not set: `client-billing`.
    #[schemars(with = "text::IdText")]
    pub project: String,
    /// Which environment this is: `prod`. Part of every name that is not set, when given.
    #[serde(default)]
    #[schemars(with = "Option<text::IdText>")]
    pub environment: Option<String>,
    /// The AWS account and what holds for every resource in it.
    pub aws: Aws,
    /// Where billform keeps its state; a local file unless said otherwise.
    #[serde(default)]
    pub state: State,
    /// The currency tenants are billed in unless they name another.
    #[serde(default = "usd")]
    #[schemars(with = "text::CurrencyText")]
    pub currency: Currency,
    /// How cost in USD becomes the currency of an invoice; needed for any other currency.
    #[serde(default)]
    pub fx: Option<Fx>,
    /// How cost is told apart by tenant.
    pub attribution: Attribution,
    /// Where cost figures come from.
    #[serde(default)]
    pub costs: Costs,
    /// Dated list prices for estimates.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out: no cost is estimated from list prices"))]
    pub rate_card: Option<RateCard>,
    /// Named terms that tenants refer to.
    #[serde(default)]
    pub pricing: BTreeMap<String, Terms>,
    /// Stripe products and their prices, by name.
    #[serde(default)]
    pub products: BTreeMap<String, Product>,
    /// Stripe billing meters, by name.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out: usage is neither metered nor billed"))]
    pub meters: BTreeMap<String, Meter>,
    /// Secrets by name: where they are kept, never what they are.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// The Stripe account that bills; without it nothing is charged and no customer is made.
    #[serde(default)]
    pub stripe: Option<Stripe>,
    /// AWS budgets, one per tenant.
    #[serde(default)]
    pub budgets: Budgets,
    /// When and how invoices are made.
    #[serde(default)]
    pub invoicing: Invoicing,
    /// Who may see a tenant's data.
    #[serde(default)]
    pub auth: Auth,
    /// The deployed functions: names, sizes, log retention.
    #[serde(default)]
    pub functions: Functions,
    /// The table that holds costs, invoices and tenants.
    #[serde(default)]
    pub ledger: Ledger,
    /// When the scheduled functions run, by the schedules that the bundle's handlers name: `daily`, `invoicing`,
    /// `monthly`. Once loaded, all of them are here.
    #[serde(default)]
    pub schedules: BTreeMap<String, Schedule>,
    /// The HTTP API.
    #[serde(default)]
    pub api: Api,
    /// The pages that tenants see.
    #[serde(default)]
    pub portal: Option<Portal>,
    /// E-mails and topics.
    #[serde(default)]
    pub notifications: Option<Notifications>,
    /// Dashboard and alarms.
    #[serde(default)]
    pub monitoring: Option<Monitoring>,
    /// Buckets that tenants keep data in.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub storage: Option<Storage>,
    /// Resources whose address changed, so that they are renamed in the state instead of made anew.
    #[serde(default)]
    pub moved: Vec<Moved>,
    /// Resources that exist and that billform takes over by their ids, instead of creating them.
    #[serde(default)]
    pub imports: Vec<Import>,
    /// Who is billed. More may lie in `tenants/*.yaml`.
    #[serde(default)]
    pub tenants: Vec<Tenant>,
    /// What is written here and provisioned later.
    #[serde(skip)]
    pub(super) later: Vec<String>,
}

/// `billform/client-billing.json` -> `billform/client-billing-bootstrap.json`.
fn beside(path: &str, name: &str) -> String {
    format!("{}-{name}.json", path.strip_suffix(".json").unwrap_or(path))
}

fn usd() -> Currency {
    Currency::USD
}

impl Manifest {
    /// The stack's name, value of the ownership tag: `client-billing` or `client-billing/prod`.
    pub fn stack(&self) -> String {
        self.joined('/')
    }

    /// What derived names start with: `client-billing` or `client-billing-prod`.
    pub fn prefix(&self) -> String {
        self.joined('-')
    }

    /// A manifest for a stack beside this one, in the same account and with the same tags: `client-billing-bootstrap`. It
    /// has no tenants and bills nobody; its state lies beside this one's.
    pub fn beside(&self, name: &str) -> Manifest {
        let state = match &self.state {
            State::File(path) => State::File(beside(path, name)),
            State::S3(s3) => State::S3(S3State { key: beside(&s3.key, name), ..s3.clone() }),
        };
        Manifest {
            project: format!("{}-{name}", self.project),
            state,
            stripe: None,
            moved: Vec::new(),
            tenants: Vec::new(),
            later: Vec::new(),
            ..self.clone()
        }
    }

    fn joined(&self, separator: char) -> String {
        match &self.environment {
            Some(environment) => format!("{}{separator}{environment}", self.project),
            None => self.project.clone(),
        }
    }

    /// Whether a surface of the API is deployed.
    pub fn has_surface(&self, surface: Surface) -> bool {
        self.api.surfaces.contains(&surface)
    }

    /// The deployed name of a handler: the manifest's, or `<prefix>-<handler>`.
    pub fn function_name(&self, handler: &str) -> String {
        let set = self.functions.handlers.get(handler).map(|handler| &handler.name);
        match set {
            Some(name) if !name.is_empty() => name.clone(),
            _ => format!("{}-{}", self.prefix(), handler.replace('_', "-")),
        }
    }

    /// A tenant by id.
    pub fn tenant(&self, id: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|tenant| tenant.id == id)
    }

    /// The currency a tenant is billed in.
    pub fn currency_of(&self, tenant: &Tenant) -> Currency {
        tenant.currency.unwrap_or(self.currency)
    }

    /// A secret and its name in the manifest, by that name.
    pub fn secret(&self, name: &str) -> Option<(&str, &Secret)> {
        self.secrets.get_key_value(name).map(|(name, secret)| (name.as_str(), secret))
    }

    /// The secret that holds the Stripe key, when the manifest names Stripe.
    pub fn stripe_secret(&self) -> Option<(&str, &Secret)> {
        self.secret(&self.stripe.as_ref()?.secret_key)
    }

    /// The secret that signs tenants' links, when any surface is deployed.
    pub fn link_secret(&self) -> Option<(&str, &Secret)> {
        self.secret(&self.auth.links.as_ref()?.secret)
    }

    /// The secret that holds the signing secret of Stripe's webhook, when the manifest has one.
    pub fn webhook_secret(&self) -> Option<(&str, &Secret)> {
        self.secret(&self.stripe.as_ref()?.webhook.as_ref()?.secret)
    }

    /// The secret that signs evidence of invoices; every stack that invoices has one.
    pub fn evidence_secret(&self) -> Option<(&str, &Secret)> {
        self.stripe.as_ref()?;
        self.secret(Secret::EVIDENCE)
    }

    /// The webhook that Stripe's events arrive at.
    pub fn webhook(&self) -> Option<&Webhook> {
        self.stripe.as_ref()?.webhook.as_ref()
    }

    /// A tenant's AWS budget; none when neither the tenant nor `budgets.default` sets a limit, and none of a tenant that is
    /// known by more than the tenant tag: a budget by that tag alone would count cost that is not theirs.
    pub fn budget_of(&self, tenant: &Tenant) -> Option<TenantBudget> {
        if tenant.further_tags(&self.attribution.tenant_tag).next().is_some() {
            return None;
        }
        let limit = tenant.budget.or(self.budgets.default)?;
        let emails = match tenant.budget_emails.is_empty() {
            true => &self.budgets.emails,
            false => &tenant.budget_emails,
        };
        let alerts = self.budgets.alerts.iter().map(|alert| alert.for_emails(emails)).collect();
        let name = self.budgets.name.replace("{prefix}", &self.prefix()).replace("{tenant}", &tenant.id);
        Some(TenantBudget { name, limit, alerts })
    }

    /// The stated rates by which a tenant's cost in USD becomes their currency, by day; none when that is USD, or no rate
    /// is stated.
    pub fn rates_of(&self, tenant: &Tenant) -> Vec<ExchangeRate> {
        let to = self.currency_of(tenant);
        let (Some(fx), true) = (&self.fx, to != Currency::USD) else { return Vec::new() };
        let stated = |rate: Rate, source: &Option<String>, date: Day| ExchangeRate {
            from: Currency::USD,
            to,
            rate: rate.value(),
            source: source.clone().or_else(|| fx.source.clone()).unwrap_or_default(),
            date: date.value(),
        };
        let mut rates: Vec<ExchangeRate> = match &fx.rates {
            Rates::OneDay(rates) => {
                let own = || (to == self.currency).then_some(fx.rate).flatten();
                let rate = rates.get(to.code()).copied().or_else(own);
                rate.zip(fx.date).map(|(rate, date)| stated(rate, &None, date)).into_iter().collect()
            }
            Rates::Days(days) => {
                let of_day = |day: &DayRates| Some(stated(*day.rates.get(to.code())?, &day.source, day.date));
                days.iter().filter_map(of_day).collect()
            }
        };
        rates.sort_by_key(|rate| rate.date);
        rates
    }

    /// A tenant's terms, oldest first, each with its payment fee settled; at cost when they name no pricing.
    pub fn terms_of(&self, tenant: &Tenant) -> Vec<Terms> {
        let named = tenant.pricing.names().iter().filter_map(|name| self.pricing.get(name).cloned());
        let mut terms: Vec<Terms> = named.collect();
        terms.sort_by_key(|terms| terms.effective_from);
        if terms.is_empty() {
            terms.push(Terms::default());
        }
        let default = self.invoicing.payment_fee.as_ref();
        let sharing = self.costs.sharing();
        let settled = |terms: Terms| Terms { sharing: sharing.clone(), ..terms.with_fee_settled(default) };
        terms.into_iter().map(settled).collect()
    }

    /// One tenant as the runtime reads it; their Stripe customer is not known yet.
    pub fn tenant_record(&self, tenant: &Tenant) -> TenantRecord {
        TenantRecord {
            id: tenant.id.clone(),
            name: tenant.name.clone(),
            email: tenant.email.clone(),
            locale: tenant.locale.clone(),
            currency: self.currency_of(tenant),
            tags: tenant.tags.iter().map(|(key, values)| (key.clone(), values.held())).collect(),
            terms: self.terms_of(tenant),
            rates: self.rates_of(tenant).into_iter().map(HeldRate::plain).collect(),
            stripe_customer: None,
            first_period: tenant.first_period.or(self.invoicing.first_period),
            last_period: tenant.last_period,
            days_until_due: tenant.terms.unwrap_or(self.invoicing.terms).count(),
            link_version: tenant.link_version,
            budget: self.budget_of(tenant).map(|budget| budget.limit),
        }
    }

    /// How the pages look; the project's name stands in for one of its own.
    pub fn brand(&self) -> Brand {
        let portal = self.portal.as_ref();
        let branding = portal.map(|portal| &portal.branding);
        let colour = |name: &str| branding.and_then(|branding| branding.colours.get(name)?.parse::<Colour>().ok());
        Brand {
            name: branding.and_then(|branding| branding.name.clone()).unwrap_or_else(|| self.project.clone()),
            logo: branding.and_then(|branding| branding.logo.clone()),
            primary: colour("primary").unwrap_or_else(Colour::primary),
            accent: colour("accent").unwrap_or_else(Colour::accent),
            support_email: portal.and_then(|portal| portal.support_email.clone()),
        }
    }

    /// Every tenant as the runtime reads it, by id.
    pub fn tenant_records(&self) -> BTreeMap<String, TenantRecord> {
        let records = self.tenants.iter().map(|tenant| (tenant.id.clone(), self.tenant_record(tenant)));
        records.collect()
    }

    /// What is written in the manifest and billform does not provision yet, in the manifest's order: `auth.cognito`,
    /// `api.surfaces: usage`. It follows from the model's marks ([`super::LATER`]).
    pub fn unprovisioned_sections(&self) -> Vec<&str> {
        self.later.iter().map(String::as_str).collect()
    }
}
