//! Which price stands at an address, and how it is seen.

use super::*;
use crate::kinds::support::stripe::seen;
use serde_json::{Value, json};

fn price(id: &str, lookup_key: Option<&str>, active: bool, owner: Option<(&str, &str)>) -> Price {
    price_with(id, lookup_key, active, owner, json!({}))
}

fn price_with(id: &str, key: Option<&str>, active: bool, owner: Option<(&str, &str)>, over: Value) -> Price {
    let metadata = match owner {
        Some((stack, name)) => {
            json!({ "billform:stack": stack, "billform:address": format!("stripe_price.{name}"), "crm": "42" })
        }
        None => json!({}),
    };
    let mut object = json!({
        "id": id, "object": "price", "active": active, "billing_scheme": "per_unit", "created": 1, "currency": "usd",
        "livemode": false, "lookup_key": key, "metadata": metadata, "nickname": "", "product": "prod_1",
        "type": "recurring", "unit_amount": 500,
        "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" },
    });
    object.as_object_mut().expect("an object").extend(over.as_object().expect("an object").clone());
    miniserde::json::from_str(&object.to_string()).expect("a price")
}

fn want(id: Option<&str>) -> TypedWant<Desired> {
    let address = Address::new("stripe_price", "portal.monthly");
    TypedWant { address, id: id.map(str::to_owned), fields: desired(), known: None }
}

fn desired() -> Desired {
    Desired {
        lookup_key: "portal-monthly".to_owned(),
        product: Input::Known("prod_1".to_owned()),
        currency: "usd".to_owned(),
        unit_amount: 500,
        interval: Some("month".to_owned()),
        nickname: None,
        active: true,
        metadata: BTreeMap::new(),
    }
}

fn chosen<'a>(prices: &'a [Price], id: Option<&str>) -> Option<&'a str> {
    choose(prices, "s", &want(id)).map(|price| price.id.as_str())
}

const HERE: Option<(&str, &str)> = Some(("s", "portal.monthly"));

#[test]
fn the_holder_of_the_key_stands_there_whoever_made_it() {
    let prices = [
        price("ours", None, true, HERE),
        price("theirs", Some("portal-monthly"), true, None),
        price("known", Some("other"), true, HERE),
    ];
    assert_eq!(chosen(&prices, Some("known")), Some("theirs"));
}

#[test]
fn without_a_holder_the_known_one_counts_then_an_active_one_of_ours() {
    let prices = [
        price("archived", None, false, HERE),
        price("elsewhere", None, true, Some(("s", "portal.setup"))),
        price("another", None, true, Some(("t", "portal.monthly"))),
        price("ours", None, true, HERE),
        price("known", Some("old-key"), true, HERE),
    ];
    assert_eq!(chosen(&prices, Some("known")), Some("known"));
    assert_eq!(chosen(&prices, None), Some("ours"));
    assert_eq!(chosen(&prices[..3], None), None);
}

#[test]
fn only_an_archived_price_of_ours_gives_its_key_up() {
    let gives = |active, owner| gives_key_up(&price("p", Some("k"), active, owner), "s");
    assert!(gives(false, HERE));
    assert!(!gives(true, HERE) && !gives(false, None) && !gives(false, Some(("t", "portal.monthly"))));
}

#[test]
fn a_plain_price_is_seen_as_wanted() {
    let seen = seen::<Prices>(&price("price_1", Some("portal-monthly"), true, HERE));
    assert!(seen.owner.is_stack("s"));
    assert_eq!(seen.outputs["id"], "price_1");
    assert!(changes(&desired(), &seen.fields).is_empty());
}

#[test]
fn what_billform_does_not_make_never_passes_for_a_plain_price() {
    let recurring = |count: u64, usage: &str| json!({ "recurring": { "interval": "month", "interval_count": count, "usage_type": usage } });
    for (over, interval) in [
        (recurring(3, "licensed"), Some("3 month")),
        (recurring(1, "metered"), Some("metered month")),
        (json!({ "recurring": null, "type": "one_time" }), None),
    ] {
        let seen = seen::<Prices>(&price_with("p", Some("portal-monthly"), true, HERE, over));
        assert_eq!(seen.fields.interval.as_deref(), interval);
        assert_eq!(changes(&desired(), &seen.fields), [("interval".to_owned(), true)]);
    }
    let tiered = seen::<Prices>(&price_with("p", Some("portal-monthly"), true, HERE, json!({ "unit_amount": null })));
    let free = Desired { unit_amount: 0, ..desired() };
    assert_eq!(changes(&free, &tiered.fields), [("unit_amount".to_owned(), true)]);
}

#[test]
fn amounts_replace_and_names_do_not() {
    let other = Desired {
        lookup_key: "other".to_owned(),
        product: Input::Known("prod_2".to_owned()),
        currency: "eur".to_owned(),
        unit_amount: 700,
        interval: Some("year".to_owned()),
        nickname: Some("n".to_owned()),
        active: false,
        metadata: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
    };
    let found = changes(&desired(), &other);
    let replaced: Vec<&str> = found.iter().filter(|(_, forces)| *forces).map(|(path, _)| path.as_str()).collect();
    let changed: Vec<&str> = found.iter().filter(|(_, forces)| !*forces).map(|(path, _)| path.as_str()).collect();
    assert_eq!(replaced, ["product", "currency", "unit_amount", "interval"]);
    assert_eq!(changed, ["lookup_key", "nickname", "active"], "metadata that only Stripe has is somebody else's");
}

fn changes(desired: &Desired, observed: &Desired) -> Vec<(String, bool)> {
    let [desired, observed] = [desired, observed].map(|fields| serde_json::to_value(fields).expect("plain"));
    let changes = engine::diff::fields(&Prices::META, &desired, &observed, None);
    changes.into_iter().map(|change| (change.path, change.forces_replacement)).collect()
}
