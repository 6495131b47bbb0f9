//! What is refused: keys, addresses, bodies, parameters, cursors, idempotency keys.

use http::Method;
use jiff::SignedDuration;

use crate::Local;

#[tokio::test]
async fn only_the_given_test_key_opens() {
    let local = Local::start().await;
    for (header, part) in [
        ("Bearer sk_test_somebodyelses0000", "Invalid API Key provided: sk_test_********0000"),
        ("Bearer sk_live_integrationtests", "live mode"),
        ("Basic c2tfdGVzdF93cm9uZzo=", "Invalid API Key"),
        ("Nonsense", "You did not provide an API key"),
    ] {
        let answer = local.send(Method::GET, "/v1/customers", "", &[("authorization", header)]).await;
        assert_eq!(answer.refusal(), (401, None, None), "{header}");
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
    // `sk_test_integrationtests:` as a basic user name.
    let basic = "Basic c2tfdGVzdF9pbnRlZ3JhdGlvbnRlc3RzOg==";
    assert_eq!(local.send(Method::GET, "/v1/account", "", &[("authorization", basic)]).await.status, 200);
}

#[tokio::test]
async fn every_answer_carries_stripes_headers() {
    let local = Local::start().await;
    let version = [("stripe-version", "2026-08-26.dahlia")];
    let answer = local.send(Method::GET, "/v1/products", "", &version).await;
    assert_eq!(answer.header("stripe-version"), Some("2026-08-26.dahlia"));
    assert!(answer.header("request-id").unwrap().starts_with("req_"));
    assert_eq!(local.get("/v1/products").await.header("stripe-version"), Some("2026-09-30.endive"));
    let bad = local.send(Method::GET, "/v1/products", "", &[("stripe-version", "latest")]).await;
    assert_eq!(bad.refusal(), (400, None, None));
    assert_eq!(local.stripe.requests()[0].version.as_deref(), Some("2026-08-26.dahlia"));
}

#[tokio::test]
async fn unknown_addresses_and_bodies() {
    let local = Local::start().await;
    assert_eq!(local.get("/v1/prizes").await.refusal(), (404, None, None));
    assert_eq!(local.get("/v1/prices/search?query=x").await.refusal(), (400, None, None));
    assert_eq!(local.post("/v1/subscriptions", "customer=x").await.refusal(), (400, None, None));
    let json = [("content-type", "application/json")];
    let answer = local.send(Method::POST, "/v1/customers", r#"{"name":"x"}"#, &json).await;
    assert!(answer.body["error"]["message"].as_str().unwrap().contains("application/x-www-form-urlencoded"));
    let account = local.send(Method::GET, "/v1/account", "", &[("stripe-account", "acct_other")]).await;
    assert_eq!(account.status, 400);
}

#[tokio::test]
async fn parameters_are_held_against_the_table() {
    let local = Local::start().await;
    let (unknown, missing) = (Some("parameter_unknown"), Some("parameter_missing"));
    for (path, form, expected) in [
        ("/v1/customers", "nmae=x", (400, unknown, Some("nmae"))),
        ("/v1/customers", "email=nobody", (400, Some("email_invalid"), Some("email"))),
        ("/v1/customers", "metadata[a][b]=x", (400, None, Some("metadata[a]"))),
        ("/v1/products", "description=x", (400, missing, Some("name"))),
        ("/v1/prices", "currency=usd&unit_amount=1", (400, missing, Some("product"))),
        ("/v1/prices", "currency=usd&unit_amount=1&product=p", (400, Some("resource_missing"), Some("product"))),
        ("/v1/prices", "currency=USD&unit_amount=1&product_data[name]=P", (400, None, Some("currency"))),
        ("/v1/prices", "currency=usd&product_data[name]=P", (400, missing, Some("unit_amount"))),
        (
            "/v1/prices",
            "currency=usd&unit_amount=-1&product_data[name]=P",
            (400, Some("parameter_invalid_integer"), Some("unit_amount")),
        ),
        (
            "/v1/prices",
            "currency=usd&unit_amount=1&unit_amount_decimal=1.5&product_data[name]=P",
            (400, Some("parameters_exclusive"), Some("unit_amount_decimal")),
        ),
        (
            "/v1/prices",
            "currency=usd&unit_amount=1&product_data[name]=P&recurring[interval]=month&recurring[usage_type]=metered",
            (400, None, Some("recurring[usage_type]")),
        ),
        ("/v1/invoices", "currency=usd", (400, missing, Some("customer"))),
        ("/v1/invoices", "customer=cus_no", (400, Some("resource_missing"), Some("customer"))),
        ("/v1/invoices", "customer=x&transfer_data[destination]=acct_1", (400, None, Some("transfer_data"))),
        ("/v1/invoiceitems", "amount=1&currency=usd", (400, missing, Some("customer"))),
    ] {
        let answer = local.post(path, form).await;
        assert_eq!(answer.refusal(), expected, "{path} {form}: {}", answer.body);
    }
    assert_eq!(local.get("/v1/customers?limit=101").await.refusal().2, Some("limit"));
    assert_eq!(local.get("/v1/customers?starting_after=cus_no").await.refusal().2, Some("starting_after"));
    assert_eq!(local.get("/v1/customers?expand[]=data.nothing").await.refusal().2, Some("expand"));
    // Nothing of all that left anything behind.
    let dump = local.stripe.dump();
    assert!(dump.as_object().unwrap().values().all(|objects| objects.as_array().unwrap().is_empty()), "{dump}");
}

#[tokio::test]
async fn what_a_price_costs_cannot_be_changed() {
    let local = Local::start().await;
    let made = local.post("/v1/prices", "currency=eur&unit_amount=100&product_data[name]=P").await.ok();
    let path = format!("/v1/prices/{}", crate::id(&made));
    for form in ["unit_amount=200", "currency=usd", "recurring[interval]=day", "product=x"] {
        let answer = local.post(&path, form).await;
        assert_eq!(answer.refusal().1, Some("parameter_unknown"), "{form}");
    }
    assert_eq!(local.post(&path, "tax_behavior=exclusive").await.ok()["tax_behavior"], "exclusive");
    assert_eq!(local.post(&path, "tax_behavior=inclusive").await.refusal().2, Some("tax_behavior"));
    // The default price of a product stays active.
    let product = made["product"].as_str().unwrap();
    local.post(&format!("/v1/products/{product}"), &format!("default_price={}", crate::id(&made))).await.ok();
    assert_eq!(local.post(&path, "active=false").await.refusal().2, Some("active"));
}

#[tokio::test]
async fn prices_hide_tiers_until_asked() {
    let local = Local::start().await;
    let form = "currency=usd&product_data[name]=P&billing_scheme=tiered&tiers_mode=volume&recurring[interval]=month\
        &tiers[0][up_to]=inf&tiers[0][unit_amount]=90";
    let plain = local.post("/v1/prices", form).await.ok();
    assert_eq!(plain.get("tiers"), None);
    let path = format!("/v1/prices/{}?expand[]=tiers", crate::id(&plain));
    let asked = local.get(&path).await.ok();
    assert_eq!(asked["tiers"][0]["unit_amount"], 90);
}

#[tokio::test]
async fn amounts_by_choice_and_in_other_currencies_are_refused_by_name() {
    let local = Local::start().await;
    let price = "currency=usd&unit_amount=100&product_data[name]=P";
    for (more, param) in [
        ("currency_options[eur][unit_amount]=90", "currency_options"),
        ("custom_unit_amount[enabled]=true", "custom_unit_amount"),
    ] {
        let refused = local.post("/v1/prices", &format!("{price}&{more}")).await;
        assert_eq!(refused.refusal(), (400, None, Some(param)));
        let message = refused.body["error"]["message"].as_str().unwrap();
        assert!(message.contains("does not model"), "{message}");
    }
}

#[tokio::test]
async fn the_same_key_repeats_errors_too_but_not_bad_parameters() {
    let local = Local::start().await;
    // Refused before anything was executed: the key is free for the corrected request.
    assert_eq!(local.keyed("k1", "/v1/products", "nmae=P").await.status, 400);
    let first = local.keyed("k1", "/v1/products", "name=P&id=p").await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (200, None));
    let again = local.keyed("k1", "/v1/products", "id=p&name=P").await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_eq!(again.body, first.body);
    // Refused while it was executed: kept, even after the cause is gone.
    assert_eq!(local.keyed("k2", "/v1/products", "name=P&id=p").await.refusal().1, Some("resource_already_exists"));
    local.delete("/v1/products/p").await.ok();
    let kept = local.keyed("k2", "/v1/products", "name=P&id=p").await;
    assert_eq!((kept.status, kept.header("idempotent-replayed")), (400, Some("true")));
    // Another request under the same key.
    let other = local.keyed("k1", "/v1/products", "name=Q&id=p").await;
    assert_eq!((other.status, other.body["error"]["type"].as_str()), (400, Some("idempotency_error")));
    let elsewhere = local.keyed("k1", "/v1/customers", "name=P").await;
    assert_eq!(elsewhere.body["error"]["type"], "idempotency_error");
    assert_eq!(local.keyed(&"k".repeat(256), "/v1/products", "name=P").await.status, 400);
    // A day later the key is forgotten.
    local.stripe.advance(SignedDuration::from_hours(24));
    let fresh = local.keyed("k1", "/v1/customers", "name=P").await;
    assert_eq!((fresh.status, fresh.header("idempotent-replayed")), (200, None));
}

#[tokio::test]
async fn metadata_has_limits() {
    let local = Local::start().await;
    let fifty: String = (0..50).map(|n| format!("&metadata[k{n}]=v")).collect();
    let made = local.post("/v1/customers", &format!("name=x{fifty}")).await.ok();
    let path = format!("/v1/customers/{}", crate::id(&made));
    assert_eq!(local.post(&path, "metadata[one_more]=v").await.refusal().2, Some("metadata"));
    assert_eq!(local.post(&path, "metadata[one_more]=v&metadata[k0]=").await.ok()["metadata"]["one_more"], "v");
    let long = format!("metadata[{}]=v", "k".repeat(41));
    assert_eq!(local.post(&path, &long).await.status, 400);
    assert_eq!(local.post(&path, "metadata=").await.ok()["metadata"], serde_json::json!({}));
}
