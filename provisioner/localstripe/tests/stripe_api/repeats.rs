//! Every operation that makes or moves money: unknown parameters are refused, the same key acts once, and another request
//! under the key is refused.

use serde_json::Value;

use crate::{Local, id};

/// Something to act on: a customer with a card, and its invoices in each state.
struct Scene {
    local: Local,
    customer: String,
}

impl Scene {
    async fn start() -> Scene {
        let local = Local::start().await;
        let customer = local.customer().await;
        Scene { local, customer }
    }

    async fn draft(&self) -> String {
        let form = format!(
            "customer={}&currency=usd&collection_method=send_invoice&days_until_due=14&pending_invoice_items_behavior=exclude",
            self.customer
        );
        let invoice = id(&self.local.post("/v1/invoices", &form).await.ok());
        self.local.item(&self.customer, &invoice, 5000).await;
        invoice
    }

    async fn open(&self) -> String {
        let invoice = self.draft().await;
        self.local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok();
        invoice
    }

    async fn paid(&self) -> (String, String) {
        let invoice = self.open().await;
        let card = "payment_method=pm_card_createDispute";
        self.local.post(&format!("/v1/invoices/{invoice}/pay"), card).await.ok();
        let payments = self.local.get(&format!("/v1/invoice_payments?invoice={invoice}")).await.ok();
        (invoice, payments["data"][0]["payment"]["payment_intent"].as_str().unwrap().to_owned())
    }

    async fn line(&self, invoice: &str) -> String {
        let lines = self.local.get(&format!("/v1/invoices/{invoice}/lines")).await.ok();
        id(&lines["data"][0])
    }

    async fn method(&self) -> String {
        let form = format!("customer={}", self.customer);
        id(&self.local.post("/v1/payment_methods/pm_card_visa/attach", &form).await.ok())
    }

    /// Every operation with parameters that it takes.
    async fn operations(&self) -> Vec<(String, String)> {
        let customer = &self.customer;
        let (changed, removed) = (self.draft().await, self.draft().await);
        let (changed_line, removed_line) = (self.line(&changed).await, self.line(&removed).await);
        let note = format!("invoice={}&amount=100", self.open().await);
        let voided = id(&self.local.post("/v1/credit_notes", &note).await.ok());
        let refunded = {
            let invoice = self.open().await;
            self.local.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").await.ok();
            let payments = self.local.get(&format!("/v1/invoice_payments?invoice={invoice}")).await.ok();
            payments["data"][0]["payment"]["payment_intent"].as_str().unwrap().to_owned()
        };
        let mut disputes = Vec::new();
        for _ in 0..2 {
            let intent = self.paid().await.1;
            let page = self.local.get(&format!("/v1/disputes?payment_intent={intent}")).await.ok();
            disputes.push(id(&page["data"][0]));
        }
        let listed = [
            ("/v1/invoices".to_owned(), format!("customer={customer}&currency=usd")),
            (format!("/v1/invoices/{changed}"), "footer=f".to_owned()),
            (format!("/v1/invoices/{changed}/add_lines"), "lines[0][amount]=1".to_owned()),
            (format!("/v1/invoices/{changed}/update_lines"), format!("lines[0][id]={changed_line}&lines[0][amount]=7")),
            (
                format!("/v1/invoices/{removed}/remove_lines"),
                format!("lines[0][id]={removed_line}&lines[0][behavior]=delete"),
            ),
            (format!("/v1/invoices/{}/finalize", self.draft().await), "auto_advance=false".to_owned()),
            (format!("/v1/invoices/{}/send", self.open().await), String::new()),
            (format!("/v1/invoices/{}/pay", self.open().await), "payment_method=pm_card_visa".to_owned()),
            (format!("/v1/invoices/{}/void", self.open().await), String::new()),
            (format!("/v1/invoices/{}/mark_uncollectible", self.open().await), String::new()),
            ("/v1/credit_notes".to_owned(), format!("invoice={}&amount=100", self.open().await)),
            (format!("/v1/credit_notes/{voided}"), "memo=m".to_owned()),
            (format!("/v1/credit_notes/{voided}/void"), String::new()),
            (format!("/v1/customers/{customer}/balance_transactions"), "amount=-100&currency=usd".to_owned()),
            ("/v1/refunds".to_owned(), format!("payment_intent={refunded}&amount=10")),
            ("/v1/payment_methods/pm_card_visa/attach".to_owned(), format!("customer={customer}")),
            (format!("/v1/payment_methods/{}", self.method().await), "metadata[a]=b".to_owned()),
            (format!("/v1/payment_methods/{}/detach", self.method().await), String::new()),
            (format!("/v1/disputes/{}", disputes[0]), "evidence[uncategorized_text]=winning_evidence".to_owned()),
            (format!("/v1/disputes/{}/close", disputes[1]), String::new()),
        ];
        listed.to_vec()
    }

    fn events(&self) -> usize {
        self.local.stripe.objects(localstripe::Kind::Event).len()
    }
}

#[tokio::test]
async fn unknown_parameters_are_refused_without_effect() {
    let scene = Scene::start().await;
    for (path, form) in scene.operations().await {
        let before = scene.events();
        let refused = scene.local.post(&path, &format!("{form}&nonsense=1")).await;
        assert_eq!(refused.refusal(), (400, Some("parameter_unknown"), Some("nonsense")), "{path}");
        assert_eq!(scene.events(), before, "{path}");
    }
}

#[tokio::test]
async fn the_same_key_acts_once_and_takes_no_other_request() {
    let scene = Scene::start().await;
    for (n, (path, form)) in scene.operations().await.into_iter().enumerate() {
        let key = format!("key-{n}");
        let first = scene.local.keyed(&key, &path, &form).await;
        assert_eq!(first.status, 200, "{path}: {}", first.body);
        let before = scene.events();
        let again = scene.local.keyed(&key, &path, &form).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), (Some("true"), &first.body), "{path}");
        let other = scene.local.keyed(&key, &path, &format!("{form}&expand[]=customer")).await;
        let kind: &Value = &other.body["error"]["type"];
        assert_eq!(other.status, 400, "{path}");
        assert!(kind == "idempotency_error" || other.refusal().2 == Some("expand"), "{path}: {}", other.body);
        assert_eq!(scene.events(), before, "{path}");
    }
}
