//! Stripe's pages for one customer, read field by field.

use async_trait::async_trait;
use billing::names::TENANT_METADATA;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::exchange::{Exchange, Pairs};
use crate::ports::{Checkout, KeptMethod, PortError, PortalRequest, SetUpPage, SetUpRequest};

/// Stripe, behind any exchange.
pub struct StripeCheckout<X> {
    exchange: X,
}

impl<X: Exchange> StripeCheckout<X> {
    /// Over an exchange.
    pub fn new(exchange: X) -> StripeCheckout<X> {
        StripeCheckout { exchange }
    }

    /// The customer's newest Checkout session; none before the first.
    async fn newest(&self, customer: &str) -> Result<Option<Value>, PortError> {
        let query = pairs(&[("customer", customer), ("limit", "1")]);
        let page = self.exchange.get("list a customer's Checkout sessions", "/checkout/sessions", &query).await?;
        Ok(page.and_then(|page| page["data"].get(0).cloned()))
    }
}

#[async_trait]
impl<X: Exchange> Checkout for StripeCheckout<X> {
    async fn set_up(&self, request: &SetUpRequest) -> Result<SetUpPage, PortError> {
        let newest = self.newest(&request.customer).await?;
        if let Some(open) = newest.as_ref().filter(|newest| serves(newest, request)).and_then(page) {
            return Ok(open);
        }
        let form = set_up_form(request);
        let key = set_up_key(request, newest.as_ref().and_then(|newest| newest["id"].as_str()), &form);
        let made = self.exchange.post("begin a Checkout session", "/checkout/sessions", &form, &key).await?;
        page(&made).ok_or_else(|| PortError::new("begin a Checkout session", "the session has no address"))
    }

    async fn methods(&self, customer: &str) -> Result<Vec<KeptMethod>, PortError> {
        let of_customer =
            self.exchange.get("read a customer", &format!("/customers/{customer}"), &Pairs::new()).await?;
        let default = of_customer.unwrap_or_default()["invoice_settings"]["default_payment_method"].clone();
        let path = format!("/customers/{customer}/payment_methods");
        let query = pairs(&[("limit", "100")]);
        let listed = self.exchange.get("list a customer's payment methods", &path, &query).await?.unwrap_or_default();
        let data = listed["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(data.iter().filter_map(|method| kept(method, default.as_str())).collect())
    }

    async fn portal(&self, request: &PortalRequest) -> Result<String, PortError> {
        let form = pairs(&[
            ("customer", &request.customer),
            ("configuration", &request.configuration),
            ("return_url", &request.return_url),
        ]);
        let doing = "open the customer portal";
        let made = self.exchange.post(doing, "/billing_portal/sessions", &form, &request.idempotency_key).await?;
        made["url"].as_str().map(str::to_owned).ok_or_else(|| PortError::new(doing, "the session has no address"))
    }

    async fn invoice_page(&self, invoice: &str) -> Result<Option<String>, PortError> {
        let found = self.exchange.get("read an invoice", &format!("/invoices/{invoice}"), &Pairs::new()).await?;
        Ok(found.and_then(|invoice| invoice["hosted_invoice_url"].as_str().map(str::to_owned)))
    }
}

/// Cards are what `stripe.payment_methods` may name.
fn set_up_form(request: &SetUpRequest) -> Pairs {
    let mut form = pairs(&[
        ("mode", "setup"),
        ("customer", &request.customer),
        ("currency", &request.currency.code().to_ascii_lowercase()),
        ("allowed_payment_method_types[0]", "card"),
        ("success_url", &request.success_url),
        ("cancel_url", &request.cancel_url),
    ]);
    form.push((format!("metadata[{TENANT_METADATA}]"), request.tenant.clone()));
    form.extend(request.locale.iter().map(|locale| ("locale".to_owned(), locale.clone())));
    form
}

/// Two clicks at once ask for the same session; the next one after it ended is another. What is asked is part of it:
/// Stripe refuses other parameters under a key that it knows.
fn set_up_key(request: &SetUpRequest, last: Option<&str>, form: &Pairs) -> String {
    let mut digest = Sha256::new();
    form.iter().for_each(|(name, value)| digest.update(format!("{}:{name}{}:{value}", name.len(), value.len())));
    let digest = hex::encode(&digest.finalize()[..8]);
    format!("billform-setup-{}-{}-{digest}", request.customer, last.unwrap_or("first"))
}

/// Whether a session is open and leads where this request wants.
fn serves(session: &Value, request: &SetUpRequest) -> bool {
    let is = |name: &str, value: &str| session[name] == value;
    let same = is("success_url", &request.success_url) && is("cancel_url", &request.cancel_url);
    let ours = session["metadata"][TENANT_METADATA] == request.tenant.as_str();
    is("status", "open") && is("mode", "setup") && same && ours
}

fn page(session: &Value) -> Option<SetUpPage> {
    Some(SetUpPage { id: session["id"].as_str()?.to_owned(), url: session["url"].as_str()?.to_owned() })
}

fn kept(method: &Value, default: Option<&str>) -> Option<KeptMethod> {
    let (id, kind) = (method["id"].as_str()?, method["type"].as_str()?);
    let details = &method[kind];
    let text = |name: &str| details[name].as_str().map(str::to_owned);
    let expires = details["exp_year"].as_i64().zip(details["exp_month"].as_i64());
    Some(KeptMethod {
        id: id.to_owned(),
        kind: kind.to_owned(),
        brand: text("brand"),
        last4: text("last4"),
        expires,
        is_default: default == Some(id),
    })
}

fn pairs(from: &[(&str, &str)]) -> Pairs {
    from.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use billing::Currency;
    use serde_json::json;

    use super::*;

    fn request() -> SetUpRequest {
        SetUpRequest {
            customer: "cus_1".to_owned(),
            tenant: "acme".to_owned(),
            currency: Currency::EUR,
            locale: Some("de".to_owned()),
            success_url: "https://a.example/?payment=added".to_owned(),
            cancel_url: "https://a.example/?payment=cancelled".to_owned(),
        }
    }

    #[test]
    fn a_session_sets_a_card_up_for_the_customer_and_charges_nothing() {
        let form = set_up_form(&request());
        let names: Vec<&str> = form.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "mode",
            "customer",
            "currency",
            "allowed_payment_method_types[0]",
            "success_url",
            "cancel_url",
            "metadata[billform_tenant]",
            "locale",
        ];
        assert_eq!(names, expected);
        assert_eq!((form[0].1.as_str(), form[2].1.as_str()), ("setup", "eur"));
    }

    #[test]
    fn the_same_wish_has_one_key_until_its_session_ended() {
        let key = |request: &SetUpRequest, last| set_up_key(request, last, &set_up_form(request));
        let first = key(&request(), None);
        assert_eq!(first, key(&request(), None));
        assert!(first.starts_with("billform-setup-cus_1-first-") && first.len() <= 255, "{first}");
        let elsewhere = SetUpRequest { success_url: "https://b.example/".to_owned(), ..request() };
        for other in [key(&request(), Some("cs_1")), key(&elsewhere, None)] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn only_an_open_session_of_ours_that_leads_to_the_same_place_serves_again() {
        let session = json!({"status": "open", "mode": "setup", "metadata": {"billform_tenant": "acme"},
            "success_url": request().success_url, "cancel_url": request().cancel_url});
        assert!(serves(&session, &request()));
        for (field, value) in [
            ("status", json!("complete")),
            ("status", json!("expired")),
            ("mode", json!("payment")),
            ("metadata", json!({})),
            ("success_url", json!("https://evil.example/")),
            ("cancel_url", json!("https://evil.example/")),
        ] {
            let mut other = session.clone();
            other[field] = value;
            assert!(!serves(&other, &request()), "{other}");
        }
    }

    #[test]
    fn a_method_is_read_as_far_as_people_know_it() {
        let card = json!({"id": "pm_1", "type": "card", "card": {"brand": "visa", "last4": "4242", "exp_year": 2030,
            "exp_month": 4, "fingerprint": "canary"}});
        let read = kept(&card, Some("pm_1")).expect("a method");
        assert_eq!((read.last4.as_deref(), read.expires, read.is_default), (Some("4242"), Some((2030, 4)), true));
        let debit = json!({"id": "pm_2", "type": "sepa_debit", "sepa_debit": {"last4": "3000"}});
        let read = kept(&debit, Some("pm_1")).expect("a method");
        assert_eq!((read.brand, read.expires, read.is_default), (None, None, false));
        assert_eq!(kept(&json!({"id": "pm_3"}), None), None);
    }
}
