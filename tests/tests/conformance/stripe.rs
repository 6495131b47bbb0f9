//! `stripe_customer`, `stripe_product` and `stripe_price`: what they are asked, each in an account of its own.

use std::sync::Arc;

use engine::Input;
use localstripe::Kind;
use provisioner::kinds::stripe_customer::StripeCustomers;
use provisioner::kinds::stripe_price::StripePrices;
use provisioner::kinds::stripe_product::StripeProducts;
use provisioner::kinds::{stripe_customer, stripe_price, stripe_product};
use serde_json::{Value, json};
use tests::conformance::{Act, Fixture, Ownership, act};
use tests::live::stripe_account::{Account, id};
use tests::live::tags;

const FOR_EVER: &str = "Stripe changes it on no price";

/// Somebody at the dashboard posts a form to an object.
fn posts(account: &Arc<Account>, path: &'static str, form: &'static str) -> Act {
    let account = Arc::clone(account);
    act(move |_, id| {
        let account = Arc::clone(&account);
        async move {
            account.post(&format!("{path}/{id}"), form).await;
        }
    })
}

fn ownership(account: &Arc<Account>, kind: Kind, path: &'static str) -> Ownership {
    let (writer, reader) = (Arc::clone(account), Arc::clone(account));
    Ownership::new(
        Some("metadata"),
        move |_, id, set, gone| {
            let account = Arc::clone(&writer);
            async move {
                let set = set.into_iter().map(|(key, value)| format!("metadata[{key}]={value}"));
                let all: Vec<String> = set.chain(gone.into_iter().map(|key| format!("metadata[{key}]="))).collect();
                account.post(&format!("{path}/{id}"), &all.join("&")).await;
            }
        },
        move |_, wanted| {
            let account = Arc::clone(&reader);
            async move {
                let all = account.objects(kind);
                let object = all.iter().find(|object| id(object) == wanted).expect("is there");
                let metadata = object["metadata"].as_object().expect("metadata");
                let pair =
                    |(key, value): (&String, &Value)| (key.clone(), value.as_str().unwrap_or_default().to_owned());
                metadata.iter().map(pair).collect()
            }
        },
    )
}

pub async fn customer() -> Fixture {
    let account = Arc::new(Account::open().await);
    let first = stripe_customer::Desired {
        name: "Acme Inc.".to_owned(),
        email: "pay@acme.example".to_owned(),
        preferred_locales: vec!["en-US".to_owned()],
        metadata: tags(&[("team", "billing"), ("billform_tenant", "acme")]),
    };
    let posts = |form| posts(&account, "/v1/customers", form);
    let more = tags(&[("team", "billing"), ("billform_tenant", "acme"), ("cost_center", "7")]);
    Fixture::new::<StripeCustomers>(&account.cloud, &account.cloud, "acme", &first)
        .owned(ownership(&account, Kind::Customer, "/v1/customers"))
        .mutation("name", posts("name=Other"), [("name", json!("Other"), json!("Acme Inc."))])
        .mutation(
            "email",
            posts("email=other%40acme.example"),
            [("email", json!("other@acme.example"), json!("pay@acme.example"))],
        )
        .mutation(
            "preferred_locales",
            posts("preferred_locales[0]=fr"),
            [("preferred_locales", json!(["fr"]), json!(["en-US"]))],
        )
        .update("name", stripe_customer::Desired { name: "Acme Ltd.".to_owned(), ..first.clone() })
        .update("email", stripe_customer::Desired { email: "ap@acme.example".to_owned(), ..first.clone() })
        .update(
            "preferred_locales",
            stripe_customer::Desired { preferred_locales: vec!["de".to_owned(), "en".to_owned()], ..first.clone() },
        )
        .update("metadata", stripe_customer::Desired { metadata: more, ..first })
}

pub async fn product() -> Fixture {
    let account = Arc::new(Account::open().await);
    let first = stripe_product::Desired {
        name: "Portal".to_owned(),
        description: Some("Cost by service".to_owned()),
        active: true,
        metadata: tags(&[("team", "billing")]),
    };
    let posts = |form| posts(&account, "/v1/products", form);
    Fixture::new::<StripeProducts>(&account.cloud, &account.cloud, "portal", &first)
        .owned(ownership(&account, Kind::Product, "/v1/products"))
        .mutation("name", posts("name=Other"), [("name", json!("Other"), json!("Portal"))])
        .mutation("description", posts("description="), [("description", Value::Null, json!("Cost by service"))])
        .mutation("active", posts("active=false"), [("active", json!(false), json!(true))])
        .update("name", stripe_product::Desired { name: "Pages".to_owned(), ..first.clone() })
        .update("description", stripe_product::Desired { description: None, ..first.clone() })
        .update("active", stripe_product::Desired { active: false, ..first.clone() })
        .update("metadata", stripe_product::Desired { metadata: tags(&[("cost", "x")]), ..first })
}

pub async fn price() -> Fixture {
    let account = Arc::new(Account::open().await);
    let product = id(&account.post("/v1/products", "name=Portal").await).to_owned();
    let other = id(&account.post("/v1/products", "name=Other").await).to_owned();
    let first = stripe_price::Desired {
        lookup_key: "portal-monthly".to_owned(),
        product: Input::Known(product),
        currency: "usd".to_owned(),
        unit_amount: 500,
        interval: Some("month".to_owned()),
        nickname: Some("monthly".to_owned()),
        active: true,
        metadata: tags(&[("team", "billing")]),
    };
    let posts = |form| posts(&account, "/v1/prices", form);
    Fixture::new::<StripePrices>(&account.cloud, &account.cloud, "portal.monthly", &first)
        .owned(ownership(&account, Kind::Price, "/v1/prices"))
        .immutable("product", FOR_EVER)
        .immutable("currency", FOR_EVER)
        .immutable("unit_amount", FOR_EVER)
        .immutable("interval", FOR_EVER)
        .mutation("nickname", posts("nickname=Other"), [("nickname", json!("Other"), json!("monthly"))])
        .mutation("active", posts("active=false"), [("active", json!(false), json!(true))])
        .mutation("lookup_key", posts("lookup_key=stolen"), [("lookup_key", json!("stolen"), json!("portal-monthly"))])
        .update("nickname", stripe_price::Desired { nickname: None, ..first.clone() })
        .update("active", stripe_price::Desired { active: false, ..first.clone() })
        .update("lookup_key", stripe_price::Desired { lookup_key: "each-month".to_owned(), ..first.clone() })
        .update("metadata", stripe_price::Desired { metadata: tags(&[("cost", "x")]), ..first.clone() })
        .replace("product", stripe_price::Desired { product: Input::Known(other), ..first.clone() })
        .replace("currency", stripe_price::Desired { currency: "eur".to_owned(), ..first.clone() })
        .replace("unit_amount", stripe_price::Desired { unit_amount: 700, ..first.clone() })
        .replace("interval", stripe_price::Desired { interval: None, ..first })
}
