//! `stripe_product`: something Stripe sells for us. Found by its metadata; archived, never deleted, once it has prices.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use engine::Address;
use engine::kind::{Applied, CallError, Depth, Removal};
use engine::kind_meta::KindMeta;
use serde::{Deserialize, Serialize};
use stripe_product::Product;
use stripe_product::product::{CreateProduct, ListProduct, UpdateProduct};

use super::stripe_object::{self, PAGE, StripeObject, applied};
use super::typed::{Seen, TypedKind, TypedListed, TypedUpdate, TypedWant};
use crate::cloud::Cloud;
use crate::cloud::stripe_metadata::{self, Found, client, key_after};

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
        leaves: Some("Stripe keeps it, archived"),
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        StripeProducts { cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Vec<Result<Option<Seen<Desired>>, CallError>> {
        stripe_object::read::<Product>(&self.cloud, wants).await
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        stripe_object::list::<Product>(&self.cloud, &Self::META).await
    }

    async fn create(&self, address: &Address, desired: Desired, token: &str) -> Result<Applied, CallError> {
        let made = self.post(address, &desired, &key_after(token, None)).await?;
        // A replayed answer may tell of a product that was deleted since: only then does nobody list it.
        if !super::stripe_customer::is_fresh(made.created) {
            let listed = stripe_object::all::<Product>(&self.cloud).await?;
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
        if client(&self.cloud)?.change("POST /v1/products/{id}", request).await?.is_none() {
            return Ok(Removal::Gone);
        }
        Ok(Removal::Archived(format!(
            "the Stripe product {id} ({}) is archived: prices and invoices refer to it",
            last.name
        )))
    }
}

impl StripeProducts {
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

/// Our products; of several at one address the active one, else the newest.
fn index<'a>(products: &'a [Product], stack: &'a str) -> Found<'a, Product> {
    let better = |newer: &Product, older: &Product| older.active && !newer.active;
    Found::new(stack, products, StripeObject::id, StripeObject::metadata, better)
}

impl StripeObject for Product {
    type Desired = Desired;
    type Page = ListProduct;

    const LIST: &'static str = "GET /v1/products";

    fn page(after: Option<String>) -> ListProduct {
        after.into_iter().fold(ListProduct::new().limit(PAGE), |list, id| list.starting_after(id))
    }

    fn id(&self) -> &str {
        self.id.as_str()
    }

    fn metadata(&self) -> &HashMap<String, String> {
        &self.metadata
    }

    fn is_in_use(&self) -> bool {
        self.active
    }

    fn fields(&self, metadata: BTreeMap<String, String>) -> Desired {
        Desired {
            name: self.name.clone(),
            description: self.description.clone().filter(|text| !text.is_empty()),
            active: self.active,
            metadata,
        }
    }

    fn finder<'a>(
        products: &'a [Product],
        stack: &'a str,
    ) -> impl Fn(&TypedWant<Desired>) -> Option<&'a Product> + use<'a> {
        let found = index(products, stack);
        move |want| found.at(&want.address, want.id.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::stripe_object::seen;
    use serde_json::json;

    fn product(id: &str, active: bool, description: Option<&str>) -> Product {
        let text = json!({
            "id": id, "object": "product", "active": active, "created": 1, "updated": 1, "livemode": false,
            "type": "service", "name": "Portal", "description": description, "images": [], "marketing_features": [],
            "metadata": { "billform:stack": "s", "billform:address": "stripe_product.portal", "crm": "42" },
        });
        miniserde::json::from_str(&text.to_string()).expect("a product")
    }

    fn at(products: &[Product]) -> &str {
        let found = index(products, "s").at(&Address::new("stripe_product", "portal"), None);
        found.expect("found").id.as_str()
    }

    #[test]
    fn the_active_product_counts_and_else_the_newest() {
        assert_eq!(at(&[product("new", false, None), product("mid", true, None), product("old", true, None)]), "mid");
        assert_eq!(at(&[product("new", false, None), product("old", false, None)]), "new");
    }

    #[test]
    fn an_empty_description_is_none_and_metadata_of_others_stays() {
        let seen = seen(&product("prod_1", true, Some("")));
        assert_eq!((seen.fields.description.as_deref(), seen.owner.is_stack("s")), (None, true));
        let desired = json!({ "name": "Portal", "description": null, "active": true, "metadata": {} });
        let observed = serde_json::to_value(&seen.fields).expect("plain");
        assert!(engine::diff::fields(&StripeProducts::META, &desired, &observed, Some(&desired)).is_empty());
        let desired = json!({ "name": "Pages", "description": "x", "active": false, "metadata": { "a": "b" } });
        let changes = engine::diff::fields(&StripeProducts::META, &desired, &observed, None);
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["name", "description", "active", "metadata.a"]);
        assert!(changes.iter().all(|change| !change.forces_replacement));
    }
}
