//! `stripe_customer`: its fixture, in an account of its own, and what is special about it.

use std::sync::Arc;

use localstripe::Kind;
use provisioner::kinds::stripe_customer::{Desired, StripeCustomers};
use serde_json::json;
use tests::conformance::Fixture;
use tests::live::stripe_account::Account;
use tests::live::tags;

use super::dashboard::{ownership, posts};

// Stripe shows a write at once.
tests::conforms!(fixture, at_once);

async fn fixture() -> Fixture {
    let account = Arc::new(Account::open().await);
    let first = Desired {
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
        .update("name", Desired { name: "Acme Ltd.".to_owned(), ..first.clone() })
        .update("email", Desired { email: "ap@acme.example".to_owned(), ..first.clone() })
        .update(
            "preferred_locales",
            Desired { preferred_locales: vec!["de".to_owned(), "en".to_owned()], ..first.clone() },
        )
        .update("metadata", Desired { metadata: more, ..first })
}

mod special {
    use engine::kind::{Depth, Removal};
    use engine::{Address, Reason, Resource};
    use localstripe::Kind;
    use provisioner::kinds::stripe_customer::{Desired, StripeCustomers};
    use provisioner::kinds::typed::{TypedKind, TypedListed, TypedWant};

    use tests::live::stripe_account::{Account, actions, drift, id};
    use tests::live::tags;

    fn desired(tenant: &str) -> Desired {
        Desired {
            name: format!("{tenant} Inc."),
            email: format!("pay@{tenant}.example"),
            preferred_locales: vec!["en-US".to_owned()],
            metadata: tags(&[("billform_tenant", tenant)]),
        }
    }

    fn resource(tenant: &str, desired: &Desired) -> Resource {
        Resource {
            address: Address::new("stripe_customer", tenant),
            tenant: Some(tenant.to_owned()),
            desired: serde_json::to_value(desired).expect("plain"),
            depends_on: Default::default(),
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn each_field_changes_and_destroy_keeps_the_customer() {
        let account = Account::open().await;
        let first = desired("acme");
        assert_eq!(actions(&account.apply(&[resource("acme", &first)]).await), ["create stripe_customer.acme"]);
        let changes = [
            (Desired { name: "Acme Ltd.".to_owned(), ..first.clone() }, "name"),
            (Desired { email: "ap@acme.example".to_owned(), ..first.clone() }, "email"),
            (
                Desired { preferred_locales: vec!["de".to_owned(), "en".to_owned()], ..first.clone() },
                "preferred_locales",
            ),
            (
                Desired { metadata: tags(&[("billform_tenant", "acme"), ("cost_center", "7")]), ..first.clone() },
                "metadata.cost_center",
            ),
        ];
        for (changed, path) in &changes {
            assert_eq!(drift(&account.apply(&[resource("acme", changed)]).await), [*path]);
            assert_eq!(drift(&account.apply(&[resource("acme", &first)]).await), [*path], "and back");
        }
        let kept = account.apply(&[]).await;
        assert_eq!(actions(&kept), ["delete stripe_customer.acme"]);
        let left = account.objects(Kind::Customer);
        assert_eq!((left.len(), &left[0]["metadata"].get("cost_center")), (1, &None), "{left:#?}");

        let again = account.apply(&[resource("acme", &first)]).await;
        assert_eq!(actions(&again), ["adopt stripe_customer.acme"]);
        assert_eq!(account.objects(Kind::Customer).len(), 1);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn what_the_dashboard_changes_is_shown_and_repaired() {
        let account = Account::open().await;
        let wanted = [resource("acme", &desired("acme"))];
        account.apply(&wanted).await;
        let path = format!("/v1/customers/{}", id(&account.objects(Kind::Customer)[0]));
        for (form, field) in [
            ("name=Other", "name"),
            ("email=other%40acme.example", "email"),
            ("preferred_locales[0]=fr", "preferred_locales"),
            ("metadata[billform_tenant]=other", "metadata.billform_tenant"),
        ] {
            account.post(&path, form).await;
            assert_eq!(drift(&account.apply(&wanted).await), [field]);
        }
        // What others write beside it stays, also through a repair.
        account.post(&path, "metadata[crm]=42&name=Other").await;
        assert_eq!(drift(&account.apply(&wanted).await), ["name"]);
        assert_eq!(account.objects(Kind::Customer)[0]["metadata"]["crm"], "42");
        // Without any metadata it is still the one we know, and not made a second time.
        account.post(&path, "metadata=").await;
        assert_eq!(drift(&account.apply(&wanted).await), ["metadata.billform_tenant"]);
        assert_eq!(account.objects(Kind::Customer).len(), 1);
        assert_eq!(account.objects(Kind::Customer)[0]["metadata"]["billform:address"], "stripe_customer.acme");
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_customer_deleted_in_the_dashboard_is_made_again_within_the_day() {
        let account = Account::open().await;
        let wanted = [resource("acme", &desired("acme"))];
        account.apply(&wanted).await;
        let mut earlier = Vec::new();
        for _ in 0..3 {
            let gone = id(&account.objects(Kind::Customer)[0]).to_owned();
            account.delete(&format!("/v1/customers/{gone}")).await;
            earlier.push(gone);
            let plan = account.apply(&wanted).await;
            assert_eq!(actions(&plan), ["create stripe_customer.acme"]);
            let step = plan.changes().next().expect("a step");
            assert_eq!(step.reason, Reason::Vanished);
            let now = account.objects(Kind::Customer);
            assert!(now.len() == 1 && !earlier.contains(&id(&now[0]).to_owned()), "a replayed answer: {now:#?}");
        }
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_replayed_answer_about_a_deleted_customer_is_not_believed() {
        // The state is lost too, so the same token comes again.
        let account = Account::open_long_ago().await;
        let kind = StripeCustomers::new(account.cloud.clone());
        let address = Address::new("stripe_customer", "acme");
        let first = kind.create(&address, desired("acme"), "token").await.expect("is made");
        let replayed = kind.create(&address, desired("acme"), "token").await.expect("is replayed");
        assert_eq!(first.id, replayed.id, "a second try after a lost answer makes no second customer");
        account.delete(&format!("/v1/customers/{}", first.id)).await;
        let again = kind.create(&address, desired("acme"), "token").await.expect("is made again");
        assert_ne!(first.id, again.id);
        assert_eq!(id(&account.objects(Kind::Customer)[0]), again.id);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_lost_state_makes_no_second_customer() {
        let account = Account::open().await;
        let wanted = [resource("acme", &desired("acme")), resource("beta", &desired("beta"))];
        account.apply(&wanted).await;
        account.forget();
        let plan = account.apply(&wanted).await;
        assert_eq!(actions(&plan), ["adopt stripe_customer.acme", "adopt stripe_customer.beta"]);
        assert_eq!(account.objects(Kind::Customer).len(), 2);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn customers_are_read_by_the_page() {
        let account = Account::open().await;
        let names: Vec<String> = (0..120).map(|n| format!("t{n:03}")).collect();
        let hundred: Vec<Resource> = names[..100].iter().map(|name| resource(name, &desired(name))).collect();
        account.apply(&hundred).await;
        let (plan, calls) = account.requests(account.plan(&hundred, false)).await;
        assert!(plan.is_empty());
        let reads = calls.iter().filter(|call| call.operation == "GET /v1/customers").count();
        assert!((1..=2).contains(&reads) && calls.len() <= 2, "{calls:#?}");

        let all: Vec<Resource> = names.iter().map(|name| resource(name, &desired(name))).collect();
        let plan = account.apply(&all).await;
        assert_eq!(plan.summary().create, 20);
        assert_eq!(account.objects(Kind::Customer).len(), 120);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_missing_customer_reads_as_none_and_a_delete_keeps_it() {
        let account = Account::open().await;
        let kind = StripeCustomers::new(account.cloud.clone());
        let address = Address::new("stripe_customer", "acme");
        account.post("/v1/customers", "email=pay%40acme.example&name=acme%20Inc.").await;
        let want = TypedWant { address: address.clone(), id: None, fields: desired("acme"), known: None };
        let seen = kind.read(&[want], Depth::Full).await.expect("is listed").remove(0).expect("is read");
        assert!(seen.is_none(), "the same name and mail do not make it ours: {seen:?}");
        let theirs =
            account.objects(Kind::Customer).iter().map(|customer| id(customer).to_owned()).next().expect("one");
        let removal = kind.delete(&address, &theirs, desired("acme")).await.expect("is kept");
        assert!(matches!(removal, Removal::Kept(why) if why.contains(&theirs) && why.contains("acme Inc.")));
        assert_eq!(kind.delete(&address, "cus_gone", desired("acme")).await.expect("is gone"), Removal::Gone);
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_customer_whose_tenant_left_is_not_taken_for_forgotten_and_comes_back_with_its_books() {
        let account = Account::open().await;
        let kind = StripeCustomers::new(account.cloud.clone());
        let both = [resource("acme", &desired("acme")), resource("beta", &desired("beta"))];
        account.apply(&both).await;
        let first = account.objects(Kind::Customer);
        account.apply(&both[..1]).await;
        let listed =
            |found: Vec<TypedListed<Desired>>| found.iter().map(|one| one.address.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(kind.list().await.expect("listed")), ["stripe_customer.acme"]);

        let plan = account.apply(&both).await;
        assert_eq!(actions(&plan), ["adopt stripe_customer.beta"]);
        assert_eq!(account.objects(Kind::Customer).len(), first.len(), "nobody has two customers");
        assert_eq!(listed(kind.list().await.expect("listed")).len(), 2);
        assert!(account.plan(&both, false).await.is_empty());
    }
}
