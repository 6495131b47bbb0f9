//! `stripe_price`: what a product costs. Immutable: another amount is a new price that takes the lookup key over,
//! and the old one is archived.

use std::collections::{BTreeMap, HashMap};

use engine::kind::{CallError, ErrorClass, Removal};
use engine::kind_meta::KindMeta;
use engine::{Address, Input};
use serde::{Deserialize, Serialize};
use stripe_product::Price;
use stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice, UpdatePrice};
use stripe_types::List;

use super::support::stripe::{Facts, PAGE, Routes, Stripe, StripeKind};
use super::typed::{TypedUpdate, TypedWant};
use crate::cloud::errors::refused;
use crate::cloud::stripe_metadata::{self, Found, key_after};

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

/// The kind.
pub enum Prices {}

/// Prices in one account.
pub type StripePrices = Stripe<Prices>;

impl StripeKind for Prices {
    type Desired = Desired;
    type Object = Price;
    type Page = ListPrice;
    type Create = CreatePrice;
    type Change = UpdatePrice;

    const META: KindMeta = KindMeta {
        name: "stripe_price",
        plural: "stripe prices",
        service: "stripe",
        summary: "Stripe price; a new amount is a new price under the same lookup key",
        create_only: &["product", "currency", "unit_amount", "interval"],
        open_maps: &["metadata"],
        leaves: Some("Stripe keeps it, archived"),
        stripe_scope: Some("plan"),
        steps_at_once: 10,
        ..KindMeta::PLAIN
    };
    const ROUTES: Routes = Routes { list: "GET /v1/prices", create: "POST /v1/prices", change: "POST /v1/prices/{id}" };

    fn page(after: Option<String>) -> ListPrice {
        after.into_iter().fold(ListPrice::new().limit(PAGE), |list, id| list.starting_after(id))
    }

    fn unpack(page: List<Price>) -> (Vec<Price>, bool) {
        (page.data, page.has_more)
    }

    fn facts(price: &Price) -> Facts<'_> {
        Facts {
            id: price.id.as_str(),
            metadata: Some(&price.metadata),
            label: price.lookup_key.as_deref(),
            active: price.active,
            created_s: price.created,
        }
    }

    fn fields(price: &Price, metadata: BTreeMap<String, String>) -> Desired {
        Desired {
            lookup_key: price.lookup_key.clone().unwrap_or_default(),
            product: Input::Known(price.product.id().to_string()),
            currency: price.currency.to_string(),
            unit_amount: price.unit_amount.unwrap_or(NO_UNIT_AMOUNT),
            interval: price.recurring.as_ref().map(interval),
            nickname: price.nickname.clone().filter(|text| !text.is_empty()),
            active: price.active,
            metadata,
        }
    }

    fn metadata(desired: &Desired) -> &BTreeMap<String, String> {
        &desired.metadata
    }

    fn find<'a>(
        prices: &'a [Price],
        _found: &Found<'a, Price>,
        stack: &str,
        want: &TypedWant<Desired>,
    ) -> Option<&'a Price> {
        choose(prices, stack, want)
    }

    fn create(desired: &Desired, metadata: HashMap<String, String>) -> Result<CreatePrice, CallError> {
        let operation = "stripe:POST /v1/prices";
        let product = desired.product.known().ok_or_else(|| refused(operation, "the product's id is not known"))?;
        let currency = desired.currency.parse::<stripe_types::Currency>();
        let currency = currency.map_err(|_| refused(operation, format!("`{}` is no currency", desired.currency)))?;
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

    fn update(change: TypedUpdate<Desired>, metadata: HashMap<String, String>) -> UpdatePrice {
        let request = UpdatePrice::new(change.id.as_str())
            .active(change.desired.active)
            .nickname(change.desired.nickname.unwrap_or_default())
            .metadata(metadata);
        match change.observed.lookup_key == change.desired.lookup_key {
            true => request,
            false => request.lookup_key(change.desired.lookup_key).transfer_lookup_key(true),
        }
    }

    fn retire(id: &str, last: &Desired) -> (UpdatePrice, Removal) {
        let told = format!("the Stripe price {id} ({}) is archived: Stripe deletes no prices", last.lookup_key);
        (UpdatePrice::new(id).active(false), Removal::Archived(told))
    }

    /// Looks at what has the lookup key now: nothing, the archived predecessor that gives it up, or a price in use, which
    /// keeps its key: what a lost answer left behind, or a price that billform did not make.
    async fn make(stripe: &Stripe<Self>, address: &Address, desired: Desired, token: &str) -> Result<Price, CallError> {
        let holder = holder(stripe, &desired.lookup_key).await?;
        if let Some(price) = holder.as_ref().filter(|price| !gives_key_up(price, stripe.stack())) {
            return Err(exists(price, &desired.lookup_key));
        }
        stripe.post(address, &desired, &key_after(token, holder.as_ref().map(|price| price.id.as_str()))).await
    }
}

async fn holder(stripe: &Stripe<Prices>, lookup_key: &str) -> Result<Option<Price>, CallError> {
    let request = ListPrice::new().lookup_keys(vec![lookup_key.to_owned()]).limit(1);
    Ok(stripe.client()?.read(Prices::ROUTES.list, request).await?.data.into_iter().next())
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
