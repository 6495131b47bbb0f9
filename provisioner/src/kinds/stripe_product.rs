//! `stripe_product`: something Stripe sells for us. Found by its metadata; archived, never deleted, once it has prices.

use std::collections::{BTreeMap, HashMap};

use engine::kind::{CallError, Removal};
use engine::kind_meta::KindMeta;
use serde::{Deserialize, Serialize};
use stripe_product::Product;
use stripe_product::product::{CreateProduct, ListProduct, UpdateProduct};
use stripe_types::List;

use super::support::stripe::{Facts, PAGE, Routes, Stripe, StripeKind};
use super::typed::TypedUpdate;

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

/// The kind.
pub enum Products {}

/// Products in one account.
pub type StripeProducts = Stripe<Products>;

impl StripeKind for Products {
    type Desired = Desired;
    type Object = Product;
    type Page = ListProduct;
    type Create = CreateProduct;
    type Change = UpdateProduct;

    const META: KindMeta = KindMeta {
        name: "stripe_product",
        plural: "stripe products",
        service: "stripe",
        summary: "Stripe product; archived on destroy",
        open_maps: &["metadata"],
        leaves: Some("Stripe keeps it, archived"),
        stripe_scope: Some("product"),
        steps_at_once: 10,
        ..KindMeta::PLAIN
    };
    const ROUTES: Routes =
        Routes { list: "GET /v1/products", create: "POST /v1/products", change: "POST /v1/products/{id}" };

    fn page(after: Option<String>) -> ListProduct {
        after.into_iter().fold(ListProduct::new().limit(PAGE), |list, id| list.starting_after(id))
    }

    fn unpack(page: List<Product>) -> (Vec<Product>, bool) {
        (page.data, page.has_more)
    }

    fn facts(product: &Product) -> Facts<'_> {
        Facts {
            id: product.id.as_str(),
            metadata: Some(&product.metadata),
            label: Some(&product.name),
            active: product.active,
            created_s: product.created,
        }
    }

    fn fields(product: &Product, metadata: BTreeMap<String, String>) -> Desired {
        Desired {
            name: product.name.clone(),
            description: product.description.clone().filter(|text| !text.is_empty()),
            active: product.active,
            metadata,
        }
    }

    fn metadata(desired: &Desired) -> &BTreeMap<String, String> {
        &desired.metadata
    }

    /// The active one, else the newest.
    fn prefer(newer: &Product, older: &Product) -> bool {
        older.active && !newer.active
    }

    fn create(desired: &Desired, metadata: HashMap<String, String>) -> Result<CreateProduct, CallError> {
        let request = CreateProduct::new(desired.name.clone()).active(desired.active).metadata(metadata);
        Ok(desired.description.iter().fold(request, |request, text| request.description(text.clone())))
    }

    fn update(change: TypedUpdate<Desired>, metadata: HashMap<String, String>) -> UpdateProduct {
        UpdateProduct::new(change.id.as_str())
            .name(change.desired.name)
            // An empty text takes the description away.
            .description(change.desired.description.unwrap_or_default())
            .active(change.desired.active)
            .metadata(metadata)
    }

    fn retire(id: &str, last: &Desired) -> (UpdateProduct, Removal) {
        let told = format!("the Stripe product {id} ({}) is archived: prices and invoices refer to it", last.name);
        (UpdateProduct::new(id).active(false), Removal::Archived(told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::support::stripe::{index, seen};
    use engine::Address;
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
        let found = index::<Products>(products, "s").at(&Address::new("stripe_product", "portal"), None);
        found.expect("found").id.as_str()
    }

    #[test]
    fn the_active_product_counts_and_else_the_newest() {
        assert_eq!(at(&[product("new", false, None), product("mid", true, None), product("old", true, None)]), "mid");
        assert_eq!(at(&[product("new", false, None), product("old", false, None)]), "new");
    }

    #[test]
    fn an_empty_description_is_none_and_metadata_of_others_stays() {
        let seen = seen::<Products>(&product("prod_1", true, Some("")));
        assert_eq!((seen.fields.description.as_deref(), seen.owner.is_stack("s")), (None, true));
        let desired = json!({ "name": "Portal", "description": null, "active": true, "metadata": {} });
        let observed = serde_json::to_value(&seen.fields).expect("plain");
        assert!(engine::diff::fields(&Products::META, &desired, &observed, Some(&desired)).is_empty());
        let desired = json!({ "name": "Pages", "description": "x", "active": false, "metadata": { "a": "b" } });
        let changes = engine::diff::fields(&Products::META, &desired, &observed, None);
        let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["name", "description", "active", "metadata.a"]);
        assert!(changes.iter().all(|change| !change.forces_replacement));
    }
}
