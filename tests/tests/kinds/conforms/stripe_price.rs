//! `stripe_price`: its fixture, in an account of its own, and what is special about it.

use std::sync::Arc;

use engine::Input;
use localstripe::Kind;
use provisioner::kinds::stripe_price::{Desired, StripePrices};
use serde_json::json;
use tests::conformance::Fixture;
use tests::live::stripe_account::{Account, id};
use tests::live::tags;

use super::dashboard::{ownership, posts};

const FOR_EVER: &str = "Stripe changes it on no price";

// Stripe shows a write at once.
tests::conforms!(fixture, at_once);

async fn fixture() -> Fixture {
    let account = Arc::new(Account::open().await);
    let product = id(&account.post("/v1/products", "name=Portal").await).to_owned();
    let other = id(&account.post("/v1/products", "name=Other").await).to_owned();
    let first = Desired {
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
        .update("nickname", Desired { nickname: None, ..first.clone() })
        .update("active", Desired { active: false, ..first.clone() })
        .update("lookup_key", Desired { lookup_key: "each-month".to_owned(), ..first.clone() })
        .update("metadata", Desired { metadata: tags(&[("cost", "x")]), ..first.clone() })
        .replace("product", Desired { product: Input::Known(other), ..first.clone() })
        .replace("currency", Desired { currency: "eur".to_owned(), ..first.clone() })
        .replace("unit_amount", Desired { unit_amount: 700, ..first.clone() })
        .replace("interval", Desired { interval: None, ..first })
}

mod special {
    use engine::kind::{ErrorClass, Removal};
    use engine::{Action, Address, Input, Resource};
    use localstripe::Kind;
    use provisioner::kinds::stripe_price::{Desired, StripePrices};
    use provisioner::kinds::stripe_product;
    use provisioner::kinds::typed::TypedKind;
    use serde_json::Value;

    use tests::live::stripe_account::{Account, actions, drift, id};
    use tests::live::tags;

    const LOOKUP_KEY: &str = "portal-monthly";

    fn monthly(unit_amount: i64) -> Desired {
        Desired {
            lookup_key: LOOKUP_KEY.to_owned(),
            product: Input::output(product_address(), "id"),
            currency: "usd".to_owned(),
            unit_amount,
            interval: Some("month".to_owned()),
            nickname: Some("monthly".to_owned()),
            active: true,
            metadata: tags(&[("line", "billing")]),
        }
    }

    fn product_address() -> Address {
        Address::new("stripe_product", "portal")
    }

    fn price_address() -> Address {
        Address::new("stripe_price", "portal.monthly")
    }

    /// A product and one price of it.
    fn offer(price: &Desired) -> Vec<Resource> {
        let product =
            stripe_product::Desired { name: "Portal".to_owned(), description: None, active: true, metadata: tags(&[]) };
        let resource = |address, desired| Resource { address, tenant: None, desired, depends_on: Default::default() };
        vec![
            resource(product_address(), serde_json::to_value(product).expect("plain")),
            resource(price_address(), serde_json::to_value(price).expect("plain")),
        ]
    }

    /// The prices as (amount, active, holds the lookup key), newest first.
    fn prices(account: &Account) -> Vec<(i64, bool, bool)> {
        let seen = |price: &Value| {
            let amount = price["unit_amount"].as_i64().expect("an amount");
            (amount, price["active"] == true, price["lookup_key"] == LOOKUP_KEY)
        };
        account.objects(Kind::Price).iter().map(seen).collect()
    }

    fn holder(account: &Account) -> String {
        let all = account.objects(Kind::Price);
        id(all.iter().find(|price| price["lookup_key"] == LOOKUP_KEY).expect("a holder")).to_owned()
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn fields_that_can_change_do_and_destroy_archives_the_price() {
        let account = Account::open().await;
        let first = monthly(500);
        let made = account.apply(&offer(&first)).await;
        assert_eq!(actions(&made), ["create stripe_price.portal.monthly", "create stripe_product.portal"]);
        let changes = [
            (Desired { nickname: Some("other".to_owned()), ..first.clone() }, "nickname"),
            (Desired { nickname: None, ..first.clone() }, "nickname"),
            (Desired { active: false, ..first.clone() }, "active"),
            (Desired { metadata: tags(&[("line", "billing"), ("a", "b")]), ..first.clone() }, "metadata.a"),
            (Desired { lookup_key: "portal-each-month".to_owned(), ..first.clone() }, "lookup_key"),
        ];
        for (changed, path) in &changes {
            assert_eq!(drift(&account.apply(&offer(changed)).await), [*path]);
            assert_eq!(drift(&account.apply(&offer(&first)).await), [*path], "and back");
        }
        assert_eq!(prices(&account), [(500, true, true)], "never a second price");

        let (_, outcome) = account.try_apply(&[], false).await;
        assert!(outcome.succeeded(), "{:#?}", outcome.statuses);
        assert_eq!(prices(&account), [(500, false, true)]);
        account.apply(&offer(&first)).await;
        assert_eq!(prices(&account), [(500, true, true)], "the archived one serves again");
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn what_the_dashboard_changes_is_shown_and_repaired() {
        let account = Account::open().await;
        let wanted = offer(&monthly(500));
        account.apply(&wanted).await;
        let path = format!("/v1/prices/{}", holder(&account));
        for (form, field) in [
            ("nickname=Other", "nickname"),
            ("active=false", "active"),
            ("lookup_key=stolen", "lookup_key"),
            ("metadata[line]=", "metadata.line"),
        ] {
            account.post(&path, form).await;
            assert_eq!(drift(&account.apply(&wanted).await), [field]);
        }
        account.post(&path, "metadata[crm]=42&nickname=Other").await;
        assert_eq!(drift(&account.apply(&wanted).await), ["nickname"]);
        assert_eq!(account.objects(Kind::Price)[0]["metadata"]["crm"], "42");
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn another_amount_is_a_new_price_under_the_same_key_also_back_and_forth() {
        let account = Account::open().await;
        account.apply(&offer(&monthly(500))).await;
        for (amount, left) in [
            (700, vec![(700, true, true), (500, false, false)]),
            (500, vec![(500, true, true), (700, false, false), (500, false, false)]),
            (700, vec![(700, true, true), (500, false, false), (700, false, false), (500, false, false)]),
        ] {
            let plan = account.apply(&offer(&monthly(amount))).await;
            assert_eq!(actions(&plan), ["replace stripe_price.portal.monthly"]);
            assert_eq!(prices(&account), left, "to {amount}");
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn every_field_of_the_amount_replaces() {
        let account = Account::open().await;
        let first = monthly(500);
        account.apply(&offer(&first)).await;
        for changed in [
            Desired { currency: "eur".to_owned(), ..first.clone() },
            Desired { interval: Some("year".to_owned()), ..first.clone() },
            Desired { interval: None, ..first.clone() },
        ] {
            let plan = account.apply(&offer(&changed)).await;
            assert_eq!(plan.changes().map(|step| step.action).collect::<Vec<_>>(), [Action::Replace]);
            let one_active = prices(&account).iter().filter(|(_, active, _)| *active).count();
            assert_eq!(one_active, 1);
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn the_same_create_again_says_that_it_exists() {
        let account = Account::open().await;
        account.apply(&offer(&monthly(500))).await;
        let product = id(&account.objects(Kind::Product)[0]).to_owned();
        let kind = StripePrices::new(account.cloud.clone());
        let desired = Desired { product: Input::Known(product), ..monthly(500) };
        let again = kind.create(&price_address(), desired.clone(), "token").await.expect_err("it exists");
        assert_eq!(again.class, ErrorClass::AlreadyExists, "{again}");
        let nobody = kind.delete(&price_address(), "price_nobody", desired).await.expect("no error");
        assert_eq!(nobody, Removal::Gone);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn somebody_elses_price_keeps_its_lookup_key() {
        let account = Account::open().await;
        let product = account.post("/v1/products", "name=Theirs").await;
        let form = format!(
            "product={}&currency=usd&unit_amount=500&lookup_key={LOOKUP_KEY}&recurring[interval]=month",
            id(&product)
        );
        let theirs = account.post("/v1/prices", &form).await;
        let plan = account.plan(&offer(&monthly(500)), false).await;
        assert_eq!(plan.refused.len(), 1, "{plan:#?}");
        assert!(plan.refused[0].message.contains(id(&theirs)), "{}", plan.refused[0].message);

        // It may also appear between plan and create: then the create does not take the key away either.
        let kind = StripePrices::new(account.cloud.clone());
        let desired = Desired { product: Input::Known(id(&product).to_owned()), ..monthly(500) };
        let error = kind.create(&price_address(), desired, "token").await.expect_err("is refused");
        assert_eq!(error.class, ErrorClass::AlreadyExists, "{error}");
        account.post(&format!("/v1/prices/{}", id(&theirs)), "active=false").await;
        let desired = Desired { product: Input::Known(id(&product).to_owned()), ..monthly(500) };
        let error = kind.create(&price_address(), desired, "token").await.expect_err("is refused");
        assert_eq!(error.class, ErrorClass::AlreadyExists, "archived, it is still theirs: {error}");
        assert_eq!(holder(&account), id(&theirs));
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn somebody_elses_price_is_taken_over_when_asked() {
        let account = Account::open().await;
        account.apply(&offer(&monthly(500))[..1]).await;
        let product = id(&account.objects(Kind::Product)[0]).to_owned();
        let form =
            format!("product={product}&currency=usd&unit_amount=500&lookup_key={LOOKUP_KEY}&recurring[interval]=month");
        account.post("/v1/prices", &form).await;
        let (plan, outcome) = account.try_apply(&offer(&monthly(500)), true).await;
        assert_eq!(actions(&plan), ["adopt stripe_price.portal.monthly"]);
        assert!(outcome.succeeded(), "{:#?}", outcome.statuses);
        assert!(account.plan(&offer(&monthly(500)), false).await.is_empty());
        assert_eq!(prices(&account), [(500, true, true)]);
        assert_eq!(account.objects(Kind::Price)[0]["metadata"]["billform:address"], "stripe_price.portal.monthly");
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_lost_state_makes_no_second_price() {
        let account = Account::open().await;
        let wanted = offer(&monthly(500));
        account.apply(&wanted).await;
        account.apply(&offer(&monthly(700))).await;
        account.forget();
        let plan = account.apply(&offer(&monthly(700))).await;
        assert_eq!(actions(&plan), ["adopt stripe_price.portal.monthly", "adopt stripe_product.portal"]);
        assert_eq!(prices(&account), [(700, true, true), (500, false, false)]);
    }
}
