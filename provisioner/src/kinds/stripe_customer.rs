//! `stripe_customer`: a tenant in Stripe. Found by its metadata; destroy keeps it: its invoices are the books.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use engine::Address;
use engine::kind::{Applied, CallError, Depth, KindMeta, Removal};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stripe_core::Customer;
use stripe_core::customer::{CreateCustomer, ListCustomer, RetrieveCustomer, RetrieveCustomerReturned, UpdateCustomer};

use super::typed::{Seen, TypedKind, TypedUpdate, TypedWant};
use crate::cloud::Cloud;
use crate::cloud::stripe_metadata::{self, client, key_after};

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

/// Stripe's largest page.
const PAGE: i64 = 100;

#[async_trait]
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
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        StripeCustomers { cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Vec<Result<Option<Seen<Desired>>, CallError>> {
        match self.list().await {
            Ok(customers) => {
                let found = index(&customers, &self.cloud.stack);
                wants
                    .iter()
                    .map(|want| Ok(found.get(&want.address.to_string()).map(|customer| seen(customer))))
                    .collect()
            }
            Err(error) => wants.iter().map(|_| Err(error.clone())).collect(),
        }
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
            &change.dropped_keys("metadata"),
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
        Ok(Removal::Kept(format!(
            "the Stripe customer {id} ({}) stays: invoices, payments and taxes refer to it",
            last.name
        )))
    }
}

impl StripeCustomers {
    async fn list(&self) -> Result<Vec<Customer>, CallError> {
        let page = |after: Option<String>| {
            let list = ListCustomer::new().limit(PAGE);
            match after {
                Some(id) => list.starting_after(id),
                None => list,
            }
        };
        let unpack = |page: <ListCustomer as stripe::StripeRequest>::Output| (page.data, page.has_more);
        client(&self.cloud)?.list("GET /v1/customers", page, unpack, |customer| customer.id.to_string()).await
    }

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

/// Our customers by address. Two of one address are one too many: the oldest is the one with the books.
fn index<'a>(customers: &'a [Customer], stack: &str) -> HashMap<String, &'a Customer> {
    let mut found = HashMap::new();
    // Newest first, so that the oldest is written last.
    for customer in customers {
        let metadata = customer.metadata.clone().unwrap_or_default();
        let owned = stripe_metadata::split(&metadata);
        if let (engine::Owner::Stack(owner), Some(address)) = (owned.owner, owned.address)
            && owner == stack
        {
            found.insert(address, customer);
        }
    }
    found
}

fn seen(customer: &Customer) -> Seen<Desired> {
    let owned = stripe_metadata::split(&customer.metadata.clone().unwrap_or_default());
    let fields = Desired {
        name: customer.name.clone().unwrap_or_default(),
        email: customer.email.clone().unwrap_or_default(),
        preferred_locales: customer.preferred_locales.clone().unwrap_or_default(),
        metadata: owned.tags,
    };
    let Applied { id, outputs, pending } = applied(customer);
    Seen { id, fields, outputs, owner: owned.owner, unread: Vec::new(), pending }
}

fn applied(customer: &Customer) -> Applied {
    let id = customer.id.to_string();
    Applied { outputs: BTreeMap::from([("id".to_owned(), json!(id))]), id, pending: None }
}
