//! `stripe_webhook_endpoint`: its fixture, in a Stripe account of its own with secrets of the local cloud, and what is
//! special about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Input;
use localstripe::Kind;
use provisioner::cloud::Cloud;
use provisioner::kinds::stripe_webhook_endpoint::{Desired, Signing, WebhookEndpoints};
use provisioner::kinds::typed::TypedKind;
use serde_json::json;
use tests::conformance::{Act, Fixture, act};
use tests::live::clients::Clients as _;
use tests::live::stripe_account::Account;
use tests::live::{allowed, beside, cloud, tags};

use super::dashboard::{ownership, posts};

const PATH: &str = "/v1/webhook_endpoints";
const BASE: &str = "http://127.0.0.1:9/prod";

tests::conforms!(fixture);

/// An account, a cloud with every right, and one that may do what the kind says it needs.
async fn world() -> (Arc<Account>, Arc<Cloud>, Arc<Cloud>) {
    let account = Arc::new(Account::open().await);
    let root = beside(&*cloud().await, &account);
    let user = allowed(&root, &[&WebhookEndpoints::META], BTreeMap::new()).await;
    let user = beside(&user, &account);
    (account, root, user)
}

/// A secret without a value, as its kind makes one for what Stripe issues.
async fn secret(root: &Cloud) -> String {
    static SECRETS: AtomicUsize = AtomicUsize::new(0);
    let name = format!("conformance/webhook-{}", SECRETS.fetch_add(1, Ordering::Relaxed));
    root.secrets().create_secret().name(&name).send().await.expect("a secret");
    name
}

fn desired(secret: &str) -> Desired {
    Desired {
        base: Input::Known(BASE.to_owned()),
        path: "/billing/webhook".to_owned(),
        enabled_events: ["invoice.paid", "invoice.voided"].map(str::to_owned).into(),
        api_version: "2026-09-30.endive".to_owned(),
        disabled: false,
        secret: secret.to_owned(),
        metadata: tags(&[("team", "billing")]),
        signing: Signing::Stored,
        doubles: Vec::new(),
    }
}

/// Somebody stores another value in the secret.
fn stores(secret: &str) -> Act {
    let secret = secret.to_owned();
    act(move |root, _| {
        let secret = secret.clone();
        async move {
            let call = root.secrets().put_secret_value().secret_id(secret).secret_string("theirs");
            call.send().await.expect("is stored");
        }
    })
}

async fn fixture() -> Fixture {
    let (account, root, user) = world().await;
    let (named, other) = (secret(&root).await, secret(&root).await);
    let first = desired(&named);
    let posts = |form| posts(&account, PATH, form);
    let events = json!(["invoice.paid", "invoice.voided"]);
    let elsewhere = "url=http%3A%2F%2F127.0.0.1%3A8%2Fbilling%2Fwebhook";
    Fixture::new::<WebhookEndpoints>(&user, &root, "main", &first)
        .owned(ownership(&account, Kind::WebhookEndpoint, PATH))
        .immutable("api_version", "Stripe changes no endpoint's version")
        .immutable("secret", "Stripe does not know it: it is as the state remembers it")
        .constant("signing", "only what Stripe signs with is ever wanted there")
        .mutation("base", posts(elsewhere), [("base", json!("http://127.0.0.1:8"), json!(BASE))])
        .mutation(
            "path",
            posts("url=http%3A%2F%2F127.0.0.1%3A9%2Fprod%2Fother"),
            [("path", json!("/other"), json!("/billing/webhook"))],
        )
        .mutation(
            "enabled_events",
            posts("enabled_events[0]=customer.created"),
            [("enabled_events", json!(["customer.created"]), events)],
        )
        .mutation("disabled", posts("disabled=true"), [("disabled", json!(true), json!(false))])
        .mutation("signing", stores(&named), [("signing", json!("lost"), json!("stored"))])
        .update("base", Desired { base: Input::Known("http://127.0.0.1:7/prod".to_owned()), ..first.clone() })
        .update("path", Desired { path: "/v1/stripe/webhook".to_owned(), ..first.clone() })
        .update("enabled_events", Desired { enabled_events: ["charge.refunded".to_owned()].into(), ..first.clone() })
        .update("api_version", Desired { api_version: "2026-08-26.dahlia".to_owned(), ..first.clone() })
        .update("disabled", Desired { disabled: true, ..first.clone() })
        .update("secret", Desired { secret: other, ..first.clone() })
        .update("metadata", Desired { metadata: tags(&[("cost", "x")]), ..first })
}

mod special {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use billing::names::{ADDRESS_TAG, OWNER_TAG};
    use billing::rotated::Rotated;
    use engine::Owner;
    use engine::kind::Depth;
    use localstripe::Kind;
    use provisioner::cloud::Cloud;
    use provisioner::kinds::stripe_webhook_endpoint::{Desired, WebhookEndpoints};
    use serde_json::{Value, json};
    use tests::live::clients::Clients as _;
    use tests::live::stripe_account::{Account, id};
    use tests::live::{STACK, Stage};

    use super::{BASE, PATH, desired, secret, world};

    async fn text(root: &Cloud, desired: &Desired) -> Option<String> {
        let answer = root.secrets().get_secret_value().secret_id(&desired.secret).send().await;
        answer.ok()?.secret_string
    }

    fn endpoints(account: &Account) -> Vec<Value> {
        account.objects(Kind::WebhookEndpoint)
    }

    /// How many endpoints there were at most at any time while `work` ran, and what it came to.
    async fn at_most<T>(account: &Account, work: impl Future<Output = T>) -> (T, usize) {
        let before = endpoints(account).len();
        let (done, requests) = account.requests(work).await;
        let mut now = before;
        let mut most = before;
        for seen in requests.iter().filter(|seen| seen.status == 200) {
            match seen.operation.as_str() {
                "POST /v1/webhook_endpoints" => now += 1,
                "DELETE /v1/webhook_endpoints/{webhook_endpoint}" => now -= 1,
                _ => {}
            }
            most = most.max(now);
        }
        (done, most)
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_new_endpoint_hears_of_nothing_until_its_secret_is_stored() {
        let (account, root, user) = world().await;
        let desired = desired(&secret(&root).await);
        let stage = Stage::<WebhookEndpoints>::new(&user, "main");
        let (_, requests) = account.requests(stage.create(&desired)).await;
        let written = requests.iter().map(|seen| seen.operation.as_str()).filter(|it| it.starts_with("POST"));
        let opened = "POST /v1/webhook_endpoints/{webhook_endpoint}";
        assert_eq!(written.collect::<Vec<_>>(), ["POST /v1/webhook_endpoints", opened]);
        let stored = text(&root, &desired).await.expect("a value");
        assert!(stored.starts_with("whsec_"), "Stripe's own");
        let there = endpoints(&account);
        assert_eq!(there[0]["enabled_events"], json!(["invoice.paid", "invoice.voided"]));
        assert_eq!(there[0]["url"], format!("{BASE}/billing/webhook"));
        let seen = stage.see(&desired, None, Depth::Full).await.expect("is there");
        assert!(!format!("{seen:?}").contains("whsec_"));
        stage.delete(id(&there[0]), &desired).await;
        assert!(endpoints(&account).is_empty());
    }

    /// The run died between the create and the storing of the secret, once and twice.
    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn a_lost_secret_rolls_the_endpoint_and_there_are_never_three() {
        let (account, root, user) = world().await;
        let desired = desired(&secret(&root).await);
        let stage = Stage::<WebhookEndpoints>::new(&user, "main");
        let ours = format!(
            "url=http%3A%2F%2F127.0.0.1%3A9%2Fprod%2Fbilling%2Fwebhook&api_version=2026-09-30.endive\
             &enabled_events[0]=test_helpers.test_clock.internal_failure&metadata[team]=billing\
             &metadata[{OWNER_TAG}]={STACK}&metadata[{ADDRESS_TAG}]=stripe_webhook_endpoint.main"
        );
        let first = account.post(PATH, &ours).await;
        account.post(PATH, &format!("{ours}&metadata[billform:follows]={}", id(&first))).await;
        let before: BTreeSet<String> = endpoints(&account).iter().map(|one| id(one).to_owned()).collect();
        assert_eq!(before.len(), 2);
        let repaired = stage.repair(&desired, &["enabled_events", "signing", "doubles"]);
        let ((), most) = at_most(&account, repaired).await;
        assert_eq!(most, 2);
        let after = endpoints(&account);
        assert_eq!(after.len(), 1);
        assert!(!before.contains(id(&after[0])), "neither of those whose secrets are lost");
        assert!(text(&root, &desired).await.is_some_and(|text| text.starts_with("whsec_")));
        stage.delete(id(&after[0]), &desired).await;
    }

    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn another_version_is_a_rotation_under_which_both_secrets_hold() {
        let (account, root, user) = world().await;
        let first = desired(&secret(&root).await);
        let stage = Stage::<WebhookEndpoints>::new(&user, "main");
        stage.create(&first).await;
        let before = text(&root, &first).await.expect("a value");
        let second = Desired { api_version: "2026-08-26.dahlia".to_owned(), ..first.clone() };
        let watched = Arc::clone(&root);
        let name = first.clone();
        // What the secret holds while the change goes on.
        let watch = tokio::spawn(async move {
            let mut held = BTreeSet::new();
            loop {
                held.extend(text(&watched, &name).await);
                if held.len() == 3 {
                    return held;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        });
        let ((), most) = at_most(&account, stage.change(&first, &second, &["api_version"])).await;
        assert_eq!(most, 2);
        let held = watch.await.expect("three texts");
        let after = text(&root, &first).await.expect("a value");
        let both = Rotated { current: after.clone(), previous: Some(before.clone()) };
        assert_eq!(held, BTreeSet::from([before, both.text(), after]));
        let there = endpoints(&account);
        assert_eq!((there.len(), &there[0]["api_version"]), (1, &json!("2026-08-26.dahlia")));
        stage.delete(id(&there[0]), &second).await;
    }

    /// Two endpoints at one URL would tell everything twice.
    #[tokio::test]
    #[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
    async fn an_endpoint_of_others_at_the_url_is_seen_as_theirs() {
        let (account, root, user) = world().await;
        let desired = desired(&secret(&root).await);
        let stage = Stage::<WebhookEndpoints>::new(&user, "main");
        let form = "url=http%3A%2F%2F127.0.0.1%3A9%2Fprod%2Fbilling%2Fwebhook&enabled_events[0]=*";
        let theirs = account.post(PATH, form).await;
        let seen = stage.see(&desired, None, Depth::Lists).await.expect("is there");
        assert_eq!((seen.id.as_str(), &seen.owner), (id(&theirs), &Owner::Unknown));
        assert!(stage.try_create(&desired).await.is_err(), "nothing is made beside it");
        assert_eq!(endpoints(&account).len(), 1);
        // Adopted, it is made anew: nobody can tell what Stripe signs for it with.
        let (seen, changes) = stage.drift(&desired, &desired).await;
        let adopted = stage.update(&desired, seen, changes, true);
        let (adopted, most) = at_most(&account, adopted).await;
        adopted.expect("is adopted");
        stage.settled(&desired).await;
        let there = endpoints(&account);
        assert_eq!((there.len(), most), (1, 2));
        assert_ne!(id(&there[0]), id(&theirs));
        assert_eq!(there[0]["metadata"][OWNER_TAG], STACK);
        stage.delete(id(&there[0]), &desired).await;
    }
}
