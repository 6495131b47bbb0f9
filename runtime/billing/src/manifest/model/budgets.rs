//! AWS budgets, one per tenant.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::manifest::text::{MoneyText, PercentText};
use crate::{Money, Percent};

/// AWS budgets, one per tenant, on the actual cost of the month.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// The limit of tenants that set none: `"500.00 USD"`. No budget when neither is set, and none of tenants known by more
    /// than one tag: AWS filters a budget by one.
    #[serde(default)]
    #[schemars(with = "Option<MoneyText>")]
    pub default: Option<Money>,
    /// The budgets' names; `{prefix}` and `{tenant}` stand for themselves.
    #[serde(default = "budget_name")]
    pub name: String,
    /// When who is told; at 50, 80 and 100 percent by e-mail when left out.
    #[serde(default = "alerts")]
    #[schemars(length(max = 5))]
    pub alerts: Vec<AlertAt>,
    /// Who is told by e-mail, unless the tenant names others.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub emails: Vec<String>,
}

impl Default for Budgets {
    fn default() -> Self {
        Budgets { default: None, name: budget_name(), alerts: alerts(), emails: Vec::new() }
    }
}

fn budget_name() -> String {
    "{prefix}-{tenant}-monthly".to_owned()
}

fn alerts() -> Vec<AlertAt> {
    let alert = |percent: u32| AlertAt { at: Percent::new(percent.into()), notify: email() };
    [50, 80, 100].map(alert).to_vec()
}

/// What happens when a share of the limit is spent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertAt {
    /// The share of the limit: `"80%"`, a whole number from 1 to 100.
    #[schemars(with = "PercentText")]
    pub at: Percent,
    /// Who or what is told.
    #[serde(default = "email")]
    pub notify: Vec<Notify>,
}

fn email() -> Vec<Notify> {
    vec![Notify::Email]
}

impl AlertAt {
    /// The alert as one budget has it, with its e-mail addresses.
    pub fn for_emails(&self, emails: &[String]) -> TenantAlert {
        let has = |notify: Notify| self.notify.contains(&notify);
        TenantAlert {
            // Checked when the manifest was read: a whole number from 1 to 100.
            percent: u32::try_from(self.at.value()).unwrap_or(100),
            emails: if has(Notify::Email) { emails.to_vec() } else { Vec::new() },
            topic: has(Notify::Topic),
            pause: has(Notify::Pause),
        }
    }
}

/// Who or what a budget alert tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Notify {
    /// The e-mail addresses.
    Email,
    /// The stack's notification topic.
    #[schemars(extend("x-billform-later" = true))]
    Topic,
    /// The tenant is paused for new work.
    #[schemars(extend("x-billform-later" = true))]
    Pause,
}

/// One tenant's budget with everything resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantBudget {
    /// Its name: `client-billing-mmp-toledo-monthly`.
    pub name: String,
    /// The limit a month, in USD.
    pub limit: Money,
    /// When who is told.
    pub alerts: Vec<TenantAlert>,
}

/// One alert of a tenant's budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantAlert {
    /// The share of the limit in percent, 1 to 100.
    pub percent: u32,
    /// Who is told by e-mail.
    pub emails: Vec<String>,
    /// Whether the stack's topic is told.
    pub topic: bool,
    /// Whether the tenant is paused.
    pub pause: bool,
}
