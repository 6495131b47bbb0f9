//! One tenant as the manifest writes it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{SeqAccess, Visitor};

use super::dated::DatedValues;
use crate::manifest::text::{CurrencyText, Days, IdText, MoneyText, MonthText};
use crate::{Currency, Money, Month};

/// One tenant: who is billed, and how their cost is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The tenant's id, key of everything that is theirs; it never changes.
    #[schemars(with = "IdText")]
    pub id: String,
    /// The name on pages and invoices.
    pub name: String,
    /// Where invoices go.
    pub email: String,
    /// BCP 47 language tag of pages and invoices.
    #[serde(default = "en_us")]
    pub locale: String,
    /// The currency they are billed in; the manifest's when left out.
    #[serde(default)]
    #[schemars(with = "Option<CurrencyText>")]
    pub currency: Option<Currency>,
    /// How their cost is known: tag keys and their values, or lists of values with the days they begin on. The tenant tag
    /// is among them. All of them count: cost is the tenant's when it carries every pair that they have on its day. So
    /// that no cost is of two tenants, on each day two of them differ in the value of a tag that both have. Each
    /// combination of further values takes one more request to Cost Explorer (0.01 USD) for each query and month that is
    /// read. An empty value in a list ends a tag. Tags of resources stand under `aws.tags`.
    ///
    /// ```yaml
    /// tags: { ClientOrganization: Acme, Environment: [{ value: prod }, { value: live, from: 2026-12-01 }] }
    /// ```
    #[serde(default)]
    pub tags: BTreeMap<String, DatedValues>,
    /// Their AWS accounts, when attributed by account.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out: a tenant's cost is known by its `tags`"))]
    pub accounts: Vec<String>,
    /// Values of the project tag that are theirs.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out: cost is a tenant's by its `tags`, and the project tag may be among them; projects are read from the cost itself"))]
    pub projects: Vec<String>,
    /// Which entry of `pricing` holds for them, or several that follow one another; at cost when left out.
    #[serde(default)]
    pub pricing: PricingNames,
    /// Which entries of `products` they subscribe to.
    #[serde(default)]
    #[schemars(extend("x-billform-refused" = "leave it out; a fixed amount a month is billed by `base_fee` in the tenant's `pricing`"))]
    pub subscriptions: Vec<String>,
    /// Their budget a month: `"500.00 USD"`; `budgets.default` when left out. Only for tenants known by the tenant tag alone:
    /// AWS filters a budget by one tag.
    #[serde(default)]
    #[schemars(with = "Option<MoneyText>")]
    pub budget: Option<Money>,
    /// Who is told about their budget; `budgets.emails` when left out.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub budget_emails: Vec<String>,
    /// Days until their invoices are due; `invoicing.terms` when left out.
    #[serde(default)]
    pub terms: Option<Days>,
    /// The first month they are billed; `invoicing.first_period` when left out.
    #[serde(default)]
    #[schemars(with = "Option<MonthText>")]
    pub first_period: Option<Month>,
    /// The last month they are billed: they leave with its end. Set it before the tenant is taken out.
    #[serde(default)]
    #[schemars(with = "Option<MonthText>")]
    pub last_period: Option<Month>,
    /// The domain of their pages: `mmp-toledo.billing.example.com`.
    #[serde(default)]
    #[schemars(extend("x-billform-later" = true))]
    pub domain: Option<String>,
    /// Raising it revokes every signed link of the tenant.
    #[serde(default = "one")]
    pub link_version: u32,
    /// The operator's own account number for them, kept on the Stripe customer.
    #[serde(default)]
    pub billing_account: Option<String>,
    /// Their cost centre, kept on the Stripe customer.
    #[serde(default)]
    pub cost_center: Option<String>,
}

impl Tenant {
    /// The tags beside the tenant tag by which their cost is known.
    pub fn further_tags<'a>(&'a self, tenant_tag: &'a str) -> impl Iterator<Item = &'a str> {
        let has_value = |values: &DatedValues| values.values().any(|value| !value.is_empty());
        let further = self.tags.iter().filter(move |(key, values)| *key != tenant_tag && has_value(values));
        further.map(|(key, _)| key.as_str())
    }
}

fn en_us() -> String {
    "en-US".to_owned()
}

fn one() -> u32 {
    1
}

/// One name of an entry of `pricing`, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PricingNames(Vec<String>);

impl PricingNames {
    /// The names as written.
    pub fn names(&self) -> &[String] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PricingNames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = PricingNames;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name of `pricing`, or a list of them")
            }

            fn visit_str<E>(self, name: &str) -> Result<PricingNames, E> {
                Ok(PricingNames(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<PricingNames, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element()? {
                    names.push(name);
                }
                Ok(PricingNames(names))
            }
        }

        deserializer.deserialize_any(OneOrMany)
    }
}

impl JsonSchema for PricingNames {
    fn schema_name() -> Cow<'static, str> {
        "PricingNames".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}
