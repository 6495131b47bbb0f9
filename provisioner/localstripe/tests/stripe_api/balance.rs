//! The customer's balance: what changes it, and that every change is a transaction.

use serde_json::{Value, json};

use crate::answers::Published;
use crate::{Local, id};

/// Type, amount and ending balance of every transaction, oldest first.
async fn ledger(local: &Local, customer: &str) -> Vec<(String, i64, i64)> {
    let page = local.get(&format!("/v1/customers/{customer}/balance_transactions?limit=100")).await.ok();
    Published::read().check("GET /v1/customers/{customer}/balance_transactions", &page);
    let row = |row: &Value| {
        let number = |name: &str| row[name].as_i64().unwrap();
        (row["type"].as_str().unwrap().to_owned(), number("amount"), number("ending_balance"))
    };
    page["data"].as_array().unwrap().iter().rev().map(row).collect()
}

async fn adjust(local: &Local, customer: &str, amount: i64) -> Value {
    let form = format!("amount={amount}&currency=usd&description=credit&metadata[month]=2026-10");
    local.post(&format!("/v1/customers/{customer}/balance_transactions"), &form).await.ok()
}

async fn finalized(local: &Local, customer: &str, amount: i64) -> Value {
    let invoice = local.draft(customer).await;
    local.item(customer, &invoice, amount).await;
    local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok()
}

fn row(kind: &str, amount: i64, ending: i64) -> (String, i64, i64) {
    (kind.to_owned(), amount, ending)
}

#[tokio::test]
async fn finalising_applies_the_balance_and_voiding_returns_it() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let made = adjust(&local, &customer, -400).await;
    assert_eq!((&made["type"], &made["ending_balance"]), (&json!("adjustment"), &json!(-400)));
    let invoice = finalized(&local, &customer, 1000).await;
    assert_eq!(
        (&invoice["amount_due"], &invoice["starting_balance"], &invoice["ending_balance"]),
        (&json!(600), &json!(-400), &json!(0))
    );
    local.post(&format!("/v1/invoices/{}/void", id(&invoice)), "").await.ok();
    assert_eq!(local.get(&format!("/v1/customers/{customer}")).await.ok()["balance"], -400);
    let expected =
        [row("adjustment", -400, -400), row("applied_to_invoice", 400, 0), row("unapplied_from_invoice", -400, -400)];
    assert_eq!(ledger(&local, &customer).await, expected);
    let of_invoice = format!("/v1/customers/{customer}/balance_transactions?invoice={}", id(&invoice));
    assert_eq!(local.get(&of_invoice).await.ok()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_too_little_is_owed_and_a_credit_is_kept() {
    let local = Local::start().await;
    let customer = local.customer().await;
    finalized(&local, &customer, 30).await;
    finalized(&local, &customer, 15).await;
    finalized(&local, &customer, 100).await;
    finalized(&local, &customer, -250).await;
    finalized(&local, &customer, 100).await;
    let expected = [
        row("invoice_too_small", 30, 30),
        row("applied_to_invoice", -30, 0),
        row("invoice_too_small", 45, 45),
        row("applied_to_invoice", -45, 0),
        row("applied_to_invoice", -250, -250),
        row("applied_to_invoice", 100, -150),
    ];
    assert_eq!(ledger(&local, &customer).await, expected);
}

#[tokio::test]
async fn a_balance_that_is_set_is_a_transaction_too() {
    let local = Local::start().await;
    let customer = id(&local.post("/v1/customers", "balance=-500").await.ok());
    local.post(&format!("/v1/customers/{customer}"), "balance=-200").await.ok();
    local.post(&format!("/v1/customers/{customer}"), "balance=-200").await.ok();
    assert_eq!(ledger(&local, &customer).await, [row("initial", -500, -500), row("adjustment", 300, -200)]);
}

#[tokio::test]
async fn transactions_keep_their_amount_and_their_currency() {
    let local = Local::start().await;
    let (customer, other) = (local.customer().await, local.customer().await);
    let made = adjust(&local, &customer, -400).await;
    let path = format!("/v1/customers/{customer}/balance_transactions");
    let one = format!("{path}/{}", id(&made));
    let changed = local.post(&one, "description=later&metadata[a]=b").await.ok();
    assert_eq!((&changed["description"], &changed["amount"]), (&json!("later"), &json!(-400)));
    assert_eq!(local.get(&one).await.ok(), changed);
    assert_eq!(local.post(&one, "amount=1").await.refusal().1, Some("parameter_unknown"));
    let euros = local.post(&path, "amount=1&currency=eur").await;
    assert_eq!(euros.refusal().2, Some("currency"));
    assert_eq!(local.post(&path, "currency=usd").await.refusal().1, Some("parameter_missing"));
    let foreign = format!("/v1/customers/{other}/balance_transactions/{}", id(&made));
    assert_eq!(local.get(&foreign).await.refusal().0, 404);
    // The same key adjusts once.
    let form = "amount=-100&currency=usd";
    let first = local.keyed("adjust", &path, form).await.ok();
    assert_eq!(local.keyed("adjust", &path, form).await.ok(), first);
    assert_eq!(local.get(&format!("/v1/customers/{customer}")).await.ok()["balance"], -500);
}
