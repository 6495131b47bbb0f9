//! `stripe_customer`: a tenant in Stripe. Found by its metadata; destroy keeps it: its invoices are the books.

use std::collections::{BTreeMap, HashMap};

use billing::names::LEFT_METADATA;
use engine::kind::{CallError, Removal};
use engine::kind_meta::{KindMeta, TenantKey};
use serde::{Deserialize, Serialize};
use stripe_core::Customer;
use stripe_core::customer::{CreateCustomer, ListCustomer, RetrieveCustomer, RetrieveCustomerReturned, UpdateCustomer};
use stripe_types::List;

use super::support::stripe::{Facts, PAGE, Routes, Stripe, StripeKind};
use super::typed::{TypedUpdate, TypedWant};
use crate::cloud::stripe_metadata::Found;

/// What a customer is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The tenant's name.
    pub name: String,
    /// Where invoices go.
    pub email: String,
    /// Languages of mails and invoices, most wanted first: `en-US`.
    pub preferred_locales: Vec<String>,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
}

/// The kind.
pub enum Customers {}

/// Customers in one account.
pub type StripeCustomers = Stripe<Customers>;

impl StripeKind for Customers {
    type Desired = Desired;
    type Object = Customer;
    type Page = ListCustomer;
    type Create = CreateCustomer;
    type Change = UpdateCustomer;

    const META: KindMeta = KindMeta {
        name: "stripe_customer",
        plural: "stripe customers",
        service: "stripe",
        summary: "A tenant as a Stripe customer; kept on destroy",
        open_maps: &["metadata"],
        leaves: Some("stays in Stripe, with its invoices"),
        stripe_scope: Some("customer"),
        steps_at_once: 10,
        names: &["name", "email"],
        tenant_keys: &[
            TenantKey::text("name", "name"),
            TenantKey::text("email", "email"),
            TenantKey::text("preferred_locales", "locale"),
            TenantKey::text("metadata.billing_account", "billing_account"),
            TenantKey::text("metadata.cost_center", "cost_center"),
        ],
        ..KindMeta::PLAIN
    };
    const ROUTES: Routes =
        Routes { list: "GET /v1/customers", create: "POST /v1/customers", change: "POST /v1/customers/{id}" };
    /// Two of one address are one too many: the oldest is the one with the books.
    const OLDEST_COUNTS: bool = true;

    fn page(after: Option<String>) -> ListCustomer {
        after.into_iter().fold(ListCustomer::new().limit(PAGE), |list, id| list.starting_after(id))
    }

    fn unpack(page: List<Customer>) -> (Vec<Customer>, bool) {
        (page.data, page.has_more)
    }

    fn facts(customer: &Customer) -> Facts<'_> {
        Facts {
            id: customer.id.as_str(),
            metadata: customer.metadata.as_ref(),
            label: customer.name.as_deref(),
            active: true,
            created_s: customer.created,
        }
    }

    /// One that a destroy marked is history.
    fn is_in_use(customer: &Customer) -> bool {
        !customer.metadata.as_ref().is_some_and(|metadata| metadata.contains_key(LEFT_METADATA))
    }

    /// Prefers the oldest of two customers at one address, which has the books, and a customer in use over one whose tenant left.
    fn prefer(newer: &Customer, older: &Customer) -> bool {
        Self::is_in_use(older) || !Self::is_in_use(newer)
    }

    /// One whose tenant left is found for the same company alone: its card is charged, and its balance drawn on. Another
    /// company under that id gets a customer of its own.
    fn find<'a>(
        _objects: &'a [Customer],
        found: &Found<'a, Customer>,
        _stack: &str,
        want: &TypedWant<Desired>,
    ) -> Option<&'a Customer> {
        let same = |before: Option<&str>, wanted: &str| before == Some(wanted) && !wanted.is_empty();
        let is_theirs = |customer: &&Customer| {
            Self::is_in_use(customer)
                || want.id.as_deref() == Some(customer.id.as_str())
                || same(customer.name.as_deref(), &want.fields.name)
                || same(customer.email.as_deref(), &want.fields.email)
        };
        found.at(&want.address, want.id.as_deref()).filter(is_theirs)
    }

    fn fields(customer: &Customer, metadata: BTreeMap<String, String>) -> Desired {
        Desired {
            name: customer.name.clone().unwrap_or_default(),
            email: customer.email.clone().unwrap_or_default(),
            preferred_locales: customer.preferred_locales.clone().unwrap_or_default(),
            metadata,
        }
    }

    fn metadata(desired: &Desired) -> &BTreeMap<String, String> {
        &desired.metadata
    }

    fn create(desired: &Desired, metadata: HashMap<String, String>) -> Result<CreateCustomer, CallError> {
        Ok(CreateCustomer::new()
            .name(desired.name.clone())
            .email(desired.email.clone())
            .preferred_locales(desired.preferred_locales.clone())
            .metadata(metadata))
    }

    fn update(change: TypedUpdate<Desired>, mut metadata: HashMap<String, String>) -> UpdateCustomer {
        // An empty text takes the mark of a destroy away.
        metadata.insert(LEFT_METADATA.to_owned(), String::new());
        let Desired { name, email, preferred_locales, .. } = change.desired;
        UpdateCustomer::new(change.id.as_str())
            .name(name)
            .email(email)
            .preferred_locales(preferred_locales)
            .metadata(metadata)
    }

    /// Marked, so that it does not look forgotten; should its tenant come back, it is found with its books.
    fn retire(id: &str, last: &Desired) -> (UpdateCustomer, Removal) {
        let left = HashMap::from([(LEFT_METADATA.to_owned(), "true".to_owned())]);
        let told = format!("the Stripe customer {id} ({}) stays: invoices, payments and taxes refer to it", last.name);
        (UpdateCustomer::new(id).metadata(left), Removal::Kept(told))
    }

    /// One call instead of a list of all tenants.
    async fn is_deleted(stripe: &Stripe<Self>, id: &str) -> Result<bool, CallError> {
        let answer = stripe.client()?.read("GET /v1/customers/{id}", RetrieveCustomer::new(id)).await?;
        Ok(matches!(answer, RetrieveCustomerReturned::DeletedCustomer(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::support::stripe::{index, seen};
    use engine::Address;
    use serde_json::json;

    fn customer(id: &str, metadata: serde_json::Value) -> Customer {
        let text = json!({
            "id": id, "object": "customer", "created": 1_793_491_200, "livemode": false, "name": "Acme",
            "email": "pay@acme.example", "preferred_locales": ["en-US"], "metadata": metadata,
        });
        miniserde::json::from_str(&text.to_string()).expect("a customer")
    }

    fn ours(id: &str, name: &str) -> Customer {
        customer(
            id,
            json!({
                "billform:stack": "s", "billform:address": format!("stripe_customer.{name}"), "billform_tenant": name,
            }),
        )
    }

    #[test]
    fn a_customer_is_seen_without_the_ownership_keys() {
        let seen = seen::<Customers>(&ours("cus_1", "acme"));
        assert_eq!((seen.id.as_str(), seen.owner.is_stack("s")), ("cus_1", true));
        assert_eq!(seen.outputs["id"], "cus_1");
        assert_eq!(seen.fields.metadata, BTreeMap::from([("billform_tenant".to_owned(), "acme".to_owned())]));
        assert_eq!((seen.fields.name.as_str(), seen.fields.email.as_str()), ("Acme", "pay@acme.example"));
    }

    #[test]
    fn of_two_customers_the_oldest_has_the_books() {
        let listed = [ours("cus_new", "acme"), ours("cus_other", "beta"), ours("cus_old", "acme")];
        let found = index::<Customers>(&listed, "s");
        let at = found.at(&Address::new("stripe_customer", "acme"), None).expect("found");
        assert_eq!(at.id.as_str(), "cus_old");
        assert!(index::<Customers>(&listed, "t").at(&Address::new("stripe_customer", "acme"), None).is_none());
    }

    #[test]
    fn another_company_under_an_id_is_not_given_the_customer_of_the_one_that_left() {
        let left = customer(
            "cus_left",
            json!({
                "billform:stack": "s", "billform:address": "stripe_customer.acme", "billform_tenant": "acme",
                "billform:left": "true",
            }),
        );
        let wanted = |name: &str, email: &str| {
            let address = Address::new("stripe_customer", "acme");
            let fields = Desired { name: name.to_owned(), email: email.to_owned(), ..seen::<Customers>(&left).fields };
            TypedWant { address, id: None, fields, known: None }
        };
        let find = |listed: &[Customer], name: &str, email: &str| {
            let found = index::<Customers>(listed, "s");
            Customers::find(listed, &found, "s", &wanted(name, email)).map(|found| found.id.as_str().to_owned())
        };
        let alone = std::slice::from_ref(&left);
        assert_eq!(find(alone, "Zenith", "pay@zenith.example"), None);
        assert_eq!(find(alone, "Acme", "new@acme.example").as_deref(), Some("cus_left"), "it comes back");
        assert_eq!(find(alone, "Acme Inc.", "pay@acme.example").as_deref(), Some("cus_left"));
        // The new company's stands beside the old one, and is the one that is found.
        let both = [ours("cus_new", "acme"), left.clone()];
        assert_eq!(find(&both, "Zenith", "pay@zenith.example").as_deref(), Some("cus_new"));
    }

    #[test]
    fn metadata_of_others_is_no_difference_and_every_field_of_ours_is() {
        let mut seen = seen::<Customers>(&ours("cus_1", "acme")).fields;
        let desired = seen.clone();
        let diff = |observed: &Desired| -> Vec<String> {
            let [desired, observed] = [&desired, observed].map(|fields| serde_json::to_value(fields).expect("plain"));
            let changes = Customers::META;
            engine::diff::fields(&changes, &desired, &observed, Some(&desired)).into_iter().map(|c| c.path).collect()
        };
        seen.metadata.insert("crm".to_owned(), "42".to_owned());
        assert!(diff(&seen).is_empty());
        seen.name = "Other".to_owned();
        seen.email = "other@acme.example".to_owned();
        seen.preferred_locales.push("de".to_owned());
        seen.metadata.clear();
        assert_eq!(diff(&seen), ["name", "email", "preferred_locales", "metadata.billform_tenant"]);
    }
}
