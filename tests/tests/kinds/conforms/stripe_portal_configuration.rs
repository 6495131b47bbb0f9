//! `stripe_portal_configuration`: its fixture, in an account of its own, and what is special about it.

use std::sync::Arc;

use localstripe::Kind;
use provisioner::kinds::stripe_portal_configuration::{Desired, StripePortalConfigurations};
use serde_json::{Value, json};
use tests::conformance::Fixture;
use tests::live::stripe_account::Account;
use tests::live::tags;

use super::dashboard::{ownership, posts};

// Stripe shows a write at once.
tests::conforms!(fixture, at_once);

const PATH: &str = "/v1/billing_portal/configurations";

fn desired() -> Desired {
    Desired {
        name: "client-billing".to_owned(),
        return_url: Some("https://billing.example.com/".to_owned()),
        payment_method_update: true,
        subscription_cancel: false,
        invoice_history: true,
        active: true,
        metadata: tags(&[("team", "billing")]),
    }
}

async fn fixture() -> Fixture {
    let account = Arc::new(Account::open().await);
    let first = desired();
    let posts = |form| posts(&account, PATH, form);
    let back = json!("https://billing.example.com/");
    Fixture::new::<StripePortalConfigurations>(&account.cloud, &account.cloud, "main", &first)
        .owned(ownership(&account, Kind::PortalConfiguration, PATH))
        .mutation("name", posts("name=Other"), [("name", json!("Other"), json!("client-billing"))])
        .mutation("return_url", posts("default_return_url="), [("return_url", Value::Null, back)])
        .mutation(
            "payment_method_update",
            posts("features[payment_method_update][enabled]=false"),
            [("payment_method_update", json!(false), json!(true))],
        )
        .mutation(
            "subscription_cancel",
            posts("features[subscription_cancel][enabled]=true"),
            [("subscription_cancel", json!(true), json!(false))],
        )
        .mutation(
            "invoice_history",
            posts("features[invoice_history][enabled]=false"),
            [("invoice_history", json!(false), json!(true))],
        )
        .mutation("active", posts("active=false"), [("active", json!(false), json!(true))])
        .update("name", Desired { name: "other".to_owned(), ..first.clone() })
        .update("return_url", Desired { return_url: None, ..first.clone() })
        .update("payment_method_update", Desired { payment_method_update: false, ..first.clone() })
        .update("subscription_cancel", Desired { subscription_cancel: true, ..first.clone() })
        .update("invoice_history", Desired { invoice_history: false, ..first.clone() })
        .update("active", Desired { active: false, ..first.clone() })
        .update("metadata", Desired { metadata: tags(&[("cost", "x")]), ..first })
}

mod special {
    use engine::{Address, Resource, Status};
    use localstripe::Kind;

    use super::{Desired, PATH, desired};
    use tests::live::stripe_account::{Account, actions, id};

    fn resource(desired: &Desired) -> Resource {
        Resource {
            address: Address::new("stripe_portal_configuration", "main"),
            tenant: None,
            desired: serde_json::to_value(desired).expect("plain"),
            depends_on: Default::default(),
        }
    }

    /// What the account's owner set up for other systems of theirs is not ours to change.
    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_configuration_of_others_is_left_alone() {
        let account = Account::open().await;
        let others = account.post(PATH, "features[invoice_history][enabled]=false&name=client-billing").await;
        assert_eq!(actions(&account.apply(&[resource(&desired())]).await), ["create stripe_portal_configuration.main"]);
        account.try_apply(&[], false).await;
        let there = account.objects(Kind::PortalConfiguration);
        assert_eq!(there.iter().find(|one| id(one) == id(&others)), Some(&others));
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn destroy_switches_it_off_and_the_next_apply_on_again() {
        let account = Account::open().await;
        let wanted = [resource(&desired())];
        account.apply(&wanted).await;
        let (_, outcome) = account.try_apply(&[], false).await;
        let status = outcome.statuses.values().next().expect("a status");
        assert!(matches!(status, Status::Archived(why) if why.contains("switched off")), "{status:?}");
        assert_eq!(account.objects(Kind::PortalConfiguration)[0]["active"], false);

        assert_eq!(actions(&account.apply(&wanted).await), ["adopt stripe_portal_configuration.main"]);
        let there = account.objects(Kind::PortalConfiguration);
        assert_eq!((there.len(), &there[0]["active"]), (1, &serde_json::json!(true)));
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_lost_state_makes_no_second_one() {
        let account = Account::open().await;
        let wanted = [resource(&desired())];
        account.apply(&wanted).await;
        account.forget();
        assert_eq!(actions(&account.apply(&wanted).await), ["adopt stripe_portal_configuration.main"]);
        assert_eq!(account.objects(Kind::PortalConfiguration).len(), 1);
    }
}
