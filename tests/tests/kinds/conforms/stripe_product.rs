//! `stripe_product`: its fixture, in an account of its own, and what is special about it.

use std::sync::Arc;

use localstripe::Kind;
use provisioner::kinds::stripe_product::{Desired, StripeProducts};
use serde_json::{Value, json};
use tests::conformance::Fixture;
use tests::live::stripe_account::Account;
use tests::live::tags;

use super::dashboard::{ownership, posts};

// Stripe shows a write at once.
tests::conforms!(fixture, at_once);

async fn fixture() -> Fixture {
    let account = Arc::new(Account::open().await);
    let first = Desired {
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
        .update("name", Desired { name: "Pages".to_owned(), ..first.clone() })
        .update("description", Desired { description: None, ..first.clone() })
        .update("active", Desired { active: false, ..first.clone() })
        .update("metadata", Desired { metadata: tags(&[("cost", "x")]), ..first })
}

mod special {
    use engine::kind::Removal;
    use engine::{Address, Resource, Status};
    use localstripe::Kind;
    use provisioner::kinds::stripe_product::{Desired, StripeProducts};
    use provisioner::kinds::typed::TypedKind;

    use tests::live::stripe_account::{Account, actions, drift, id};
    use tests::live::tags;

    fn desired() -> Desired {
        Desired {
            name: "Portal".to_owned(),
            description: Some("Cost by service".to_owned()),
            active: true,
            metadata: tags(&[("line", "billing")]),
        }
    }

    fn resource(desired: &Desired) -> Resource {
        Resource {
            address: Address::new("stripe_product", "portal"),
            tenant: None,
            desired: serde_json::to_value(desired).expect("plain"),
            depends_on: Default::default(),
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn each_field_changes_and_destroy_archives_the_product() {
        let account = Account::open().await;
        let first = desired();
        account.apply(&[resource(&first)]).await;
        let changes = [
            (Desired { name: "Pages".to_owned(), ..first.clone() }, "name"),
            (Desired { description: None, ..first.clone() }, "description"),
            (Desired { description: Some("More".to_owned()), ..first.clone() }, "description"),
            (Desired { active: false, ..first.clone() }, "active"),
            (Desired { metadata: tags(&[("line", "other")]), ..first.clone() }, "metadata.line"),
            (Desired { metadata: tags(&[]), ..first.clone() }, "metadata.line"),
        ];
        for (changed, path) in &changes {
            assert_eq!(drift(&account.apply(&[resource(changed)]).await), [*path]);
            assert_eq!(drift(&account.apply(&[resource(&first)]).await), [*path], "and back");
        }
        let (_, outcome) = account.try_apply(&[], false).await;
        let status = outcome.statuses.values().next().expect("a status");
        assert!(matches!(status, Status::Archived(why) if why.contains("Portal")), "{status:?}");
        assert_eq!(account.objects(Kind::Product)[0]["active"], false);

        let again = account.apply(&[resource(&first)]).await;
        assert_eq!(actions(&again), ["adopt stripe_product.portal"]);
        assert_eq!(account.objects(Kind::Product).len(), 1);
        assert_eq!(account.objects(Kind::Product)[0]["active"], true);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn what_the_dashboard_changes_is_shown_and_repaired() {
        let account = Account::open().await;
        let wanted = [resource(&desired())];
        account.apply(&wanted).await;
        let path = format!("/v1/products/{}", id(&account.objects(Kind::Product)[0]));
        for (form, field) in [
            ("name=Other", "name"),
            ("description=Other", "description"),
            ("description=", "description"),
            ("active=false", "active"),
            ("metadata[line]=", "metadata.line"),
        ] {
            account.post(&path, form).await;
            assert_eq!(drift(&account.apply(&wanted).await), [field]);
        }
        account.post(&path, "metadata[crm]=42").await;
        assert!(account.plan(&wanted, false).await.is_empty());
        account.apply(&[resource(&Desired { name: "Pages".to_owned(), ..desired() })]).await;
        assert_eq!(account.objects(Kind::Product)[0]["metadata"]["crm"], "42");
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_product_deleted_in_the_dashboard_is_made_again_within_the_day() {
        let account = Account::open().await;
        let wanted = [resource(&desired())];
        account.apply(&wanted).await;
        let gone = id(&account.objects(Kind::Product)[0]).to_owned();
        account.delete(&format!("/v1/products/{gone}")).await;
        assert_eq!(actions(&account.apply(&wanted).await), ["create stripe_product.portal"]);
        let now = account.objects(Kind::Product);
        assert!(now.len() == 1 && id(&now[0]) != gone, "{now:#?}");

        let kind = StripeProducts::new(account.cloud.clone());
        let removal = kind.delete(&Address::new("stripe_product", "portal"), &gone, desired()).await.expect("no error");
        assert_eq!(removal, Removal::Gone);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_replayed_answer_about_a_deleted_product_is_not_believed() {
        let account = Account::open_long_ago().await;
        let kind = StripeProducts::new(account.cloud.clone());
        let address = Address::new("stripe_product", "portal");
        let first = kind.create(&address, desired(), "token").await.expect("is made");
        assert_eq!(kind.create(&address, desired(), "token").await.expect("is replayed").id, first.id);
        account.delete(&format!("/v1/products/{}", first.id)).await;
        let again = kind.create(&address, desired(), "token").await.expect("is made again");
        assert_ne!(first.id, again.id);
        assert_eq!(id(&account.objects(Kind::Product)[0]), again.id);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_lost_state_makes_no_second_product() {
        let account = Account::open().await;
        let wanted = [resource(&desired())];
        account.apply(&wanted).await;
        account.forget();
        assert_eq!(actions(&account.apply(&wanted).await), ["adopt stripe_product.portal"]);
        assert_eq!(account.objects(Kind::Product).len(), 1);
    }
}
