//! `stripe_customer`: a tenant in Stripe. Found by its metadata; destroy keeps it: its invoices are the books.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use billing::names::LEFT_METADATA;
use engine::Address;
use engine::kind::{Applied, CallError, Depth, Removal};
use engine::kind_meta::KindMeta;
use serde::{Deserialize, Serialize};
use stripe_core::Customer;
use stripe_core::customer::{CreateCustomer, ListCustomer, RetrieveCustomer, RetrieveCustomerReturned, UpdateCustomer};

use super::stripe_object::{self, PAGE, StripeObject, applied};
use super::typed::{Seen, TypedKind, TypedListed, TypedUpdate, TypedWant};
use crate::cloud::Cloud;
use crate::cloud::stripe_metadata::{self, Found, client, key_after};

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

/// The kind, at work.
pub struct StripeCustomers {
    cloud: Arc<Cloud>,
}

impl TypedKind for StripeCustomers {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "stripe_customer",
        service: "stripe",
        summary: "A tenant as a Stripe customer; kept on destroy",
        create_only: &[],
        open_maps: &["metadata"],
        unlisted: &[],
        // Stripe knows keys, not IAM.
        permissions: &[],
        guarded: false,
        leaves: Some("stays in Stripe, with its invoices"),
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        StripeCustomers { cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Vec<Result<Option<Seen<Desired>>, CallError>> {
        stripe_object::read::<Customer>(&self.cloud, wants).await
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        stripe_object::list::<Customer>(&self.cloud, &Self::META).await
    }

    async fn create(&self, address: &Address, desired: Desired, token: &str) -> Result<Applied, CallError> {
        let made = self.post(address, &desired, &key_after(token, None)).await?;
        // A replayed answer may tell of a customer that was deleted since; the retrieve costs a call only then.
        if !is_fresh(made.created) && self.is_deleted(&made).await? {
            let again = self.post(address, &desired, &key_after(token, Some(made.id.as_str()))).await?;
            return Ok(applied(&again));
        }
        Ok(applied(&made))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let metadata = stripe_metadata::to_write(
            &self.cloud.stack,
            &change.address,
            &change.desired.metadata,
            &[change.dropped_keys("metadata"), vec![LEFT_METADATA.to_owned()]].concat(),
        );
        let Desired { name, email, preferred_locales, .. } = change.desired;
        let request = UpdateCustomer::new(change.id.as_str())
            .name(name)
            .email(email)
            .preferred_locales(preferred_locales)
            .metadata(metadata);
        // No key: an update says what is to be, and saying it twice is the same.
        let customer = client(&self.cloud)?.read("POST /v1/customers/{id}", request).await?;
        Ok(applied(&customer))
    }

    async fn delete(&self, _address: &Address, id: &str, last: Desired) -> Result<Removal, CallError> {
        // Marked, so that nobody takes it for forgotten; should its tenant come back, it is found with its books.
        let left = HashMap::from([(LEFT_METADATA.to_owned(), "true".to_owned())]);
        let request = UpdateCustomer::new(id).metadata(left);
        if client(&self.cloud)?.change("POST /v1/customers/{id}", request).await?.is_none() {
            return Ok(Removal::Gone);
        }
        Ok(Removal::Kept(format!(
            "the Stripe customer {id} ({}) stays: invoices, payments and taxes refer to it",
            last.name
        )))
    }
}

impl StripeCustomers {
    async fn post(&self, address: &Address, desired: &Desired, key: &str) -> Result<Customer, CallError> {
        let metadata = stripe_metadata::to_write(&self.cloud.stack, address, &desired.metadata, &[]);
        let request = CreateCustomer::new()
            .name(desired.name.clone())
            .email(desired.email.clone())
            .preferred_locales(desired.preferred_locales.clone())
            .metadata(metadata);
        client(&self.cloud)?.write("POST /v1/customers", key, request).await
    }

    async fn is_deleted(&self, customer: &Customer) -> Result<bool, CallError> {
        let request = RetrieveCustomer::new(customer.id.as_str());
        let answer = client(&self.cloud)?.read("GET /v1/customers/{id}", request).await?;
        Ok(matches!(answer, RetrieveCustomerReturned::DeletedCustomer(_)))
    }
}

/// Older than this cannot come from the call that was just made, clocks a little apart included, in seconds.
const FRESH_S: i64 = 120;

/// Whether an object of this creation time, in unix seconds, was made by the call that answered it.
pub(super) fn is_fresh(created_s: i64) -> bool {
    jiff::Timestamp::now().as_second() - created_s < FRESH_S
}

/// Our customers. Two of one address are one too many: the oldest is the one with the books.
fn index<'a>(customers: &'a [Customer], stack: &'a str) -> Found<'a, Customer> {
    Found::new(stack, customers, StripeObject::id, StripeObject::metadata, |_newer, _older| true)
}

impl StripeObject for Customer {
    type Desired = Desired;
    type Page = ListCustomer;

    const LIST: &'static str = "GET /v1/customers";
    const OLDEST_COUNTS: bool = true;

    fn page(after: Option<String>) -> ListCustomer {
        after.into_iter().fold(ListCustomer::new().limit(PAGE), |list, id| list.starting_after(id))
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn metadata(&self) -> &HashMap<String, String> {
        static NONE: LazyLock<HashMap<String, String>> = LazyLock::new(HashMap::new);
        self.metadata.as_ref().unwrap_or(&NONE)
    }

    fn is_in_use(&self) -> bool {
        !self.metadata().contains_key(LEFT_METADATA)
    }

    fn fields(&self, metadata: BTreeMap<String, String>) -> Desired {
        Desired {
            name: self.name.clone().unwrap_or_default(),
            email: self.email.clone().unwrap_or_default(),
            preferred_locales: self.preferred_locales.clone().unwrap_or_default(),
            metadata,
        }
    }

    fn finder<'a>(
        customers: &'a [Customer],
        stack: &'a str,
    ) -> impl Fn(&TypedWant<Desired>) -> Option<&'a Customer> + use<'a> {
        let found = index(customers, stack);
        move |want| found.at(&want.address, want.id.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::stripe_object::seen;
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
        let seen = seen(&ours("cus_1", "acme"));
        assert_eq!((seen.id.as_str(), seen.owner.is_stack("s")), ("cus_1", true));
        assert_eq!(seen.outputs["id"], "cus_1");
        assert_eq!(seen.fields.metadata, BTreeMap::from([("billform_tenant".to_owned(), "acme".to_owned())]));
        assert_eq!((seen.fields.name.as_str(), seen.fields.email.as_str()), ("Acme", "pay@acme.example"));
    }

    #[test]
    fn of_two_customers_the_oldest_has_the_books() {
        let listed = [ours("cus_new", "acme"), ours("cus_other", "beta"), ours("cus_old", "acme")];
        let found = index(&listed, "s");
        let at = found.at(&Address::new("stripe_customer", "acme"), None).expect("found");
        assert_eq!(at.id.as_str(), "cus_old");
        assert!(index(&listed, "t").at(&Address::new("stripe_customer", "acme"), None).is_none());
    }

    #[test]
    fn metadata_of_others_is_no_difference_and_every_field_of_ours_is() {
        let mut seen = seen(&ours("cus_1", "acme")).fields;
        let desired = seen.clone();
        let diff = |observed: &Desired| -> Vec<String> {
            let [desired, observed] = [&desired, observed].map(|fields| serde_json::to_value(fields).expect("plain"));
            let changes = <StripeCustomers as TypedKind>::META;
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

    #[test]
    fn an_object_made_long_ago_was_not_made_by_this_call() {
        let now = jiff::Timestamp::now().as_second();
        assert!(is_fresh(now) && is_fresh(now - 60) && is_fresh(now + 60), "clocks differ a little");
        assert!(!is_fresh(now - 3_600));
    }
}
