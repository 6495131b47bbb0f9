//! `stripe_price`: what a product costs. Immutable: another amount is a new price that takes the lookup key over,
//! and the old one is archived.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use engine::kind::{Applied, CallError, Depth, ErrorClass, Removal};
use engine::kind_meta::KindMeta;
use engine::{Address, Input};
use serde::{Deserialize, Serialize};
use stripe_product::Price;
use stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice, UpdatePrice};

use super::stripe_object::{self, PAGE, StripeObject, applied};
use super::typed::{Seen, TypedKind, TypedListed, TypedUpdate, TypedWant};
use crate::cloud::Cloud;
use crate::cloud::errors::refused;
use crate::cloud::stripe_metadata::{self, client, key_after};

/// What a price is to be. Output: `id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// The key it is found by, unique in the account: `mmp-toledo-portal`.
    pub lookup_key: String,
    /// The product's id.
    pub product: Input<String>,
    /// Lower case: `usd`.
    pub currency: String,
    /// The amount in minor units.
    pub unit_amount: i64,
    /// `month`, `year`, …; none for a one-off price.
    pub interval: Option<String>,
    /// Shown in the dashboard.
    pub nickname: Option<String>,
    /// Whether it can be used.
    pub active: bool,
    /// Metadata beside the ownership keys.
    pub metadata: BTreeMap<String, String>,
}

/// The kind, at work.
pub struct StripePrices {
    cloud: Arc<Cloud>,
}

impl TypedKind for StripePrices {
    type Desired = Desired;

    const META: KindMeta = KindMeta {
        name: "stripe_price",
        service: "stripe",
        summary: "Stripe price; a new amount is a new price under the same lookup key",
        create_only: &["product", "currency", "unit_amount", "interval"],
        open_maps: &["metadata"],
        unlisted: &[],
        permissions: &[],
        guarded: false,
        leaves: Some("Stripe keeps it, archived"),
    };

    fn new(cloud: Arc<Cloud>) -> Self {
        StripePrices { cloud }
    }

    async fn read(&self, wants: &[TypedWant<Desired>], _depth: Depth) -> Vec<Result<Option<Seen<Desired>>, CallError>> {
        stripe_object::read::<Price>(&self.cloud, wants).await
    }

    async fn list(&self) -> Result<Vec<TypedListed<Desired>>, CallError> {
        stripe_object::list::<Price>(&self.cloud, &Self::META).await
    }

    async fn create(&self, address: &Address, desired: Desired, token: &str) -> Result<Applied, CallError> {
        // Whoever has the lookup key now: nobody, the archived predecessor that gives it up, or a price in use,
        // which is left its key: what a lost answer left behind, or somebody else's.
        let holder = self.holder(&desired.lookup_key).await?;
        if let Some(price) = holder.as_ref().filter(|price| !gives_key_up(price, &self.cloud.stack)) {
            return Err(exists(price, &desired.lookup_key));
        }
        let request = self.to_create(address, &desired)?;
        let key = key_after(token, holder.as_ref().map(|price| price.id.as_str()));
        let price = client(&self.cloud)?.write("POST /v1/prices", &key, request).await?;
        Ok(applied(&price))
    }

    async fn update(&self, change: TypedUpdate<Desired>) -> Result<Applied, CallError> {
        let metadata = stripe_metadata::to_write(
            &self.cloud.stack,
            &change.address,
            &change.desired.metadata,
            &change.dropped_keys("metadata"),
        );
        let request = UpdatePrice::new(change.id.as_str())
            .active(change.desired.active)
            .nickname(change.desired.nickname.unwrap_or_default())
            .metadata(metadata);
        let request = match change.observed.lookup_key == change.desired.lookup_key {
            true => request,
            false => request.lookup_key(change.desired.lookup_key).transfer_lookup_key(true),
        };
        let price = client(&self.cloud)?.read("POST /v1/prices/{id}", request).await?;
        Ok(applied(&price))
    }

    async fn delete(&self, _address: &Address, id: &str, last: Desired) -> Result<Removal, CallError> {
        let request = UpdatePrice::new(id).active(false);
        if client(&self.cloud)?.change("POST /v1/prices/{id}", request).await?.is_none() {
            return Ok(Removal::Gone);
        }
        Ok(Removal::Archived(format!(
            "the Stripe price {id} ({}) is archived: Stripe deletes no prices",
            last.lookup_key
        )))
    }
}

impl StripePrices {
    async fn holder(&self, lookup_key: &str) -> Result<Option<Price>, CallError> {
        let request = ListPrice::new().lookup_keys(vec![lookup_key.to_owned()]).limit(1);
        Ok(client(&self.cloud)?.read("GET /v1/prices", request).await?.data.into_iter().next())
    }

    fn to_create(&self, address: &Address, desired: &Desired) -> Result<CreatePrice, CallError> {
        let operation = "stripe:POST /v1/prices";
        let product = desired.product.known().ok_or_else(|| refused(operation, "the product's id is not known"))?;
        let currency = desired.currency.parse::<stripe_types::Currency>();
        let currency = currency.map_err(|_| refused(operation, format!("`{}` is no currency", desired.currency)))?;
        let metadata = stripe_metadata::to_write(&self.cloud.stack, address, &desired.metadata, &[]);
        let mut request = CreatePrice::new(currency)
            .product(product.clone())
            .unit_amount(desired.unit_amount)
            .lookup_key(desired.lookup_key.clone())
            .transfer_lookup_key(true)
            .active(desired.active)
            .metadata(metadata);
        if let Some(nickname) = &desired.nickname {
            request = request.nickname(nickname.clone());
        }
        if let Some(interval) = &desired.interval {
            request = request.recurring(CreatePriceRecurring::new(known_interval(interval)?));
        }
        Ok(request)
    }
}

fn known_interval(text: &str) -> Result<CreatePriceRecurringInterval, CallError> {
    Ok(match text {
        "day" => CreatePriceRecurringInterval::Day,
        "week" => CreatePriceRecurringInterval::Week,
        "month" => CreatePriceRecurringInterval::Month,
        "year" => CreatePriceRecurringInterval::Year,
        other => return Err(refused("stripe:POST /v1/prices", format!("`{other}` is no interval"))),
    })
}

/// Which price stands at the address: the holder of its lookup key whoever made it, else the one we know,
/// else an active one of ours.
fn choose<'a>(prices: &'a [Price], stack: &str, want: &TypedWant<Desired>) -> Option<&'a Price> {
    let holds_key = |price: &&Price| price.lookup_key.as_deref() == Some(&want.fields.lookup_key);
    let known = |price: &&Price| want.id.as_deref() == Some(price.id.as_str());
    let ours = |price: &&Price| price.active && stripe_metadata::is_at(&price.metadata, stack, &want.address);
    prices.iter().find(holds_key).or_else(|| prices.iter().find(known)).or_else(|| prices.iter().find(ours))
}

impl StripeObject for Price {
    type Desired = Desired;
    type Page = ListPrice;

    const LIST: &'static str = "GET /v1/prices";

    fn page(after: Option<String>) -> ListPrice {
        after.into_iter().fold(ListPrice::new().limit(PAGE), |list, id| list.starting_after(id))
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
            lookup_key: self.lookup_key.clone().unwrap_or_default(),
            product: Input::Known(self.product.id().to_string()),
            currency: self.currency.to_string(),
            unit_amount: self.unit_amount.unwrap_or(NO_UNIT_AMOUNT),
            interval: self.recurring.as_ref().map(interval),
            nickname: self.nickname.clone().filter(|text| !text.is_empty()),
            active: self.active,
            metadata,
        }
    }

    fn finder<'a>(prices: &'a [Price], stack: &'a str) -> impl Fn(&TypedWant<Desired>) -> Option<&'a Price> + use<'a> {
        move |want| choose(prices, stack, want)
    }
}

/// Stands for what is no whole number of minor units: tiers, or fractions. No price we want is negative.
const NO_UNIT_AMOUNT: i64 = -1;

/// `month`; `3 month` or `metered month` for what billform does not make, so that it never passes for a plain one.
fn interval(recurring: &stripe_product::Recurring) -> String {
    let every = match recurring.interval_count {
        1 => recurring.interval.as_str().to_owned(),
        count => format!("{count} {}", recurring.interval.as_str()),
    };
    match recurring.usage_type.as_str() {
        "licensed" => every,
        usage => format!("{usage} {every}"),
    }
}

/// An archived price of ours makes place for its successor; nobody else's is taken its key away from.
fn gives_key_up(price: &Price, stack: &str) -> bool {
    !price.active && stripe_metadata::is_ours(&price.metadata, stack)
}

fn exists(price: &Price, lookup_key: &str) -> CallError {
    CallError {
        operation: "stripe:POST /v1/prices".to_owned(),
        message: format!("the price {} has the lookup key {lookup_key}", price.id.as_str()),
        class: ErrorClass::AlreadyExists,
    }
}

#[cfg(test)]
mod tests;
