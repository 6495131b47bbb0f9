//! `stripe_product`: something Stripe sells for us. Found by its metadata; archived, never deleted, once it has prices.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use engine::Address;
use engine::kind::{Applied, CallError, Depth, KindMeta, Removal};
use serde::{Deserialize, Serialize};
use serde_json::json;
use stripe_product::Product;
use stripe_product::product::{CreateProduct, ListProduct, UpdateProduct};

use super::typed::{Seen, TypedKind, TypedUpdate, TypedWant};
use crate::cloud::Cloud;
use crate::cloud::stripe_metadata::{self, client, key_after};

/// What a product is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// Shown on invoices and pages.
    pub name: String,
    /// Shown below the name.
    pub description: Option<String>,
    /// Whether it can be bought.
    pub active: bool,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
}

/// The kind, at work.
pub struct StripeProducts {
    cloud: Arc<Cloud>,
}

/// Stripe's largest page.
const PAGE: i64 = 100;

#[async_trait]
impl TypedKind for StripeProducts {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "stripe_product",
        service: "stripe",
        summary: "Stripe product; archived on destroy",
        create_only: &[],
        open_maps: &["metadata"],
        unlisted: &[],
        permissions: &[],
        guarded: false,
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        StripeProducts { cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Vec<Result<Option<Seen<Desired>>, CallError>> {
        match self.list().await {
            Ok(products) => {
                let found = index(&products, &self.cloud.stack);
                wants.iter().map(|want| Ok(found.get(&want.address.to_string()).map(|product| seen(product)))).collect()
            }
            Err(error) => wants.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    async fn create(&self, address: &Address, desired: Desired, token: &str) -> Result<Applied, CallError> {
        let made = self.post(address, &desired, &key_after(token, None)).await?;
        // A replayed answer may tell of a product that was deleted since: only then does nobody list it.
        if !super::stripe_customer::is_fresh(made.created) {
            let listed = self.list().await?;
            if !listed.iter().any(|product| product.id == made.id) {
                let again = self.post(address, &desired, &key_after(token, Some(made.id.as_str()))).await?;
                return Ok(applied(&again));
            }
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
        let request = UpdateProduct::new(change.id.as_str())
            .name(change.desired.name)
            // An empty text takes the description away.
            .description(change.desired.description.unwrap_or_default())
            .active(change.desired.active)
            .metadata(metadata);
        let product = client(&self.cloud)?.read("POST /v1/products/{id}", request).await?;
        Ok(applied(&product))
    }

    async fn delete(&self, _address: &Address, id: &str, last: Desired) -> Result<Removal, CallError> {
        let request = UpdateProduct::new(id).active(false);
        client(&self.cloud)?.read("POST /v1/products/{id}", request).await?;
        Ok(Removal::Archived(format!(
            "the Stripe product {id} ({}) is archived: prices and invoices refer to it",
            last.name
        )))
    }
}

impl StripeProducts {
    async fn list(&self) -> Result<Vec<Product>, CallError> {
        let page = |after: Option<String>| {
            let list = ListProduct::new().limit(PAGE);
            match after {
                Some(id) => list.starting_after(id),
                None => list,
            }
        };
        let unpack = |page: <ListProduct as stripe::StripeRequest>::Output| (page.data, page.has_more);
        client(&self.cloud)?.list("GET /v1/products", page, unpack, |product| product.id.to_string()).await
    }

    async fn post(&self, address: &Address, desired: &Desired, key: &str) -> Result<Product, CallError> {
        let metadata = stripe_metadata::to_write(&self.cloud.stack, address, &desired.metadata, &[]);
        let request = CreateProduct::new(desired.name.clone()).active(desired.active).metadata(metadata);
        let request = match &desired.description {
            Some(description) => request.description(description.clone()),
            None => request,
        };
        client(&self.cloud)?.write("POST /v1/products", key, request).await
    }
}

/// Our products by address; of several the active one, else the newest.
fn index<'a>(products: &'a [Product], stack: &str) -> HashMap<String, &'a Product> {
    let mut found: HashMap<String, &Product> = HashMap::new();
    for product in products {
        let owned = stripe_metadata::split(&product.metadata);
        let (engine::Owner::Stack(owner), Some(address)) = (owned.owner, owned.address) else { continue };
        let better = found.get(&address).is_none_or(|present| product.active && !present.active);
        if owner == stack && better {
            found.insert(address, product);
        }
    }
    found
}

fn seen(product: &Product) -> Seen<Desired> {
    let owned = stripe_metadata::split(&product.metadata);
    let fields = Desired {
        name: product.name.clone(),
        description: product.description.clone().filter(|text| !text.is_empty()),
        active: product.active,
        metadata: owned.tags,
    };
    let Applied { id, outputs, pending } = applied(product);
    Seen { id, fields, outputs, owner: owned.owner, unread: Vec::new(), pending }
}

fn applied(product: &Product) -> Applied {
    let id = product.id.to_string();
    Applied { outputs: BTreeMap::from([("id".to_owned(), json!(id))]), id, pending: None }
}
