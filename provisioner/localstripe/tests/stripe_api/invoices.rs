//! Invoices: states, totals, balances, lines, the clock.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{Local, id, ids};

#[tokio::test]
async fn every_step_out_of_turn_is_refused() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    let item = local.item(&customer, &invoice, 5000).await;
    let path = format!("/v1/invoices/{invoice}");
    for step in ["void", "mark_uncollectible", "pay", "send"] {
        assert_eq!(local.post(&format!("{path}/{step}"), "").await.refusal().0, 400, "{step} of a draft");
    }
    let open = local.post(&format!("{path}/finalize"), "").await.ok();
    assert_eq!(
        (&open["status"], &open["amount_due"], &open["ending_balance"]),
        (&json!("open"), &json!(5000), &json!(0))
    );
    let editable = Some("invoice_not_editable");
    assert_eq!(local.post(&format!("{path}/finalize"), "").await.refusal().1, editable);
    assert_eq!(local.delete(&path).await.refusal().1, editable);
    assert_eq!(local.post(&path, "footer=x").await.refusal(), (400, editable, Some("footer")));
    assert_eq!(local.post(&path, "metadata[a]=b").await.ok()["metadata"]["a"], "b");
    assert_eq!(local.post(&format!("/v1/invoiceitems/{item}"), "amount=1").await.refusal().1, editable);
    assert_eq!(local.delete(&format!("/v1/invoiceitems/{item}")).await.refusal().1, editable);
    let late = format!("customer={customer}&invoice={invoice}&amount=1&currency=usd");
    assert_eq!(local.post("/v1/invoiceitems", &late).await.refusal(), (400, editable, Some("invoice")));
    let add = local.post(&format!("{path}/add_lines"), "lines[0][amount]=1").await;
    assert_eq!(add.refusal().1, editable);
    let unpaid = local.post(&format!("{path}/pay"), "").await;
    assert_eq!(unpaid.refusal().1, Some("resource_missing"));
    let declined = local.post(&format!("{path}/pay"), "payment_method=pm_card_chargeDeclined").await;
    assert_eq!(declined.refusal().0, 402);
    local.post(&format!("{path}/mark_uncollectible"), "").await.ok();
    let paid = local.post(&format!("{path}/pay"), "paid_out_of_band=true").await.ok();
    assert_eq!(
        (&paid["status"], &paid["amount_paid"], &paid["amount_remaining"]),
        (&json!("paid"), &json!(5000), &json!(0))
    );
    for step in ["void", "pay", "mark_uncollectible", "finalize"] {
        assert_eq!(local.post(&format!("{path}/{step}"), "").await.refusal().0, 400, "{step} of a paid one");
    }
}

#[tokio::test]
async fn numbers_count_up_for_each_customer() {
    let local = Local::start().await;
    let customer = id(&local.post("/v1/customers", "invoice_prefix=NORTE&next_invoice_sequence=7").await.ok());
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let invoice = local.draft(&customer).await;
        local.item(&customer, &invoice, 100).await;
        numbers.push(local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok()["number"].clone());
    }
    assert_eq!(numbers, ["NORTE-0007", "NORTE-0008"]);
}

#[tokio::test]
async fn nothing_to_pay_is_paid_and_the_rest_moves_to_the_balance() {
    let local = Local::start().await;
    for (balance, amount, status, due, left) in [
        (0, 0, "paid", 0, 0),
        (0, 49, "paid", 0, 49),
        (0, -700, "paid", 0, -700),
        (-300, 1000, "open", 700, 0),
        (-3000, 1000, "paid", 0, -2000),
        (200, 1000, "open", 1200, 0),
    ] {
        let customer = id(&local.post("/v1/customers", &format!("balance={balance}")).await.ok());
        let invoice = local.draft(&customer).await;
        local.item(&customer, &invoice, amount).await;
        let done = local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok();
        assert_eq!(
            (done["status"].as_str(), done["amount_due"].as_i64()),
            (Some(status), Some(due)),
            "{balance} {amount}"
        );
        assert_eq!(done["total"], amount);
        let after = local.get(&format!("/v1/customers/{customer}")).await.ok();
        assert_eq!(after["balance"], left, "{balance} {amount}");
    }
}

#[tokio::test]
async fn pending_items_join_only_when_included() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let mut pending = Vec::new();
    for amount in [1, 2] {
        let form = format!("customer={customer}&amount={amount}&currency=usd");
        pending.push(id(&local.post("/v1/invoiceitems", &form).await.ok()));
    }
    local.post("/v1/invoiceitems", &format!("customer={customer}&amount=3&currency=eur")).await.ok();
    let alone = local.post("/v1/invoices", &format!("customer={customer}&currency=usd")).await.ok();
    assert_eq!(alone["total"], 0);
    let form = format!("customer={customer}&currency=usd&pending_invoice_items_behavior=include");
    let joined = local.post("/v1/invoices", &form).await.ok();
    let amounts: Vec<&Value> = joined["lines"]["data"].as_array().unwrap().iter().map(|line| &line["amount"]).collect();
    assert_eq!(amounts, [2, 1], "newest first");
    // Deleting the draft makes them pending again; an item made for it goes with it.
    let invoice = id(&joined);
    local.item(&customer, &invoice, 4).await;
    local.delete(&format!("/v1/invoices/{invoice}")).await.ok();
    let left = local.get(&format!("/v1/invoiceitems?customer={customer}&pending=true")).await.ok();
    assert_eq!(left["data"].as_array().unwrap().len(), 3);
    assert!(pending.iter().all(|item| ids(&left).contains(item)));
}

#[tokio::test]
async fn lines_are_added_changed_and_removed_together_or_not_at_all() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    let path = format!("/v1/invoices/{invoice}");
    let three = "lines[0][amount]=100&lines[0][description]=a&lines[1][amount]=200&lines[1][metadata][service]=s3\
        &lines[2][amount]=300&invoice_metadata[step]=lines";
    let added = local.post(&format!("{path}/add_lines"), three).await.ok();
    assert_eq!((&added["total"], &added["metadata"]["step"]), (&json!(600), &json!("lines")));
    let lines = ids(&added["lines"]);
    let bad = format!("lines[0][id]={}&lines[0][amount]=1&lines[1][id]={}&lines[1][quantity]=-1", lines[0], lines[1]);
    assert_eq!(local.post(&format!("{path}/update_lines"), &bad).await.status, 400);
    assert_eq!(local.get(&path).await.ok()["total"], 600);
    let bad = "lines[0][amount]=1&lines[1][pricing][price]=price_no";
    assert_eq!(local.post(&format!("{path}/add_lines"), bad).await.status, 400);
    assert_eq!(local.get(&path).await.ok()["total"], 600);
    let good = format!("lines[0][id]={}&lines[0][amount]=150&lines[1][id]={}&lines[1][quantity]=2", lines[0], lines[1]);
    assert_eq!(local.post(&format!("{path}/update_lines"), &good).await.ok()["total"], 850);
    let gone = format!(
        "lines[0][id]={}&lines[0][behavior]=delete&lines[1][id]={}&lines[1][behavior]=unassign",
        lines[0], lines[1]
    );
    assert_eq!(local.post(&format!("{path}/remove_lines"), &gone).await.ok()["total"], 300);
    let pending = local.get(&format!("/v1/invoiceitems?customer={customer}&pending=true")).await.ok();
    let item = ids(&pending).remove(0);
    let back = format!("lines[0][invoice_item]={item}");
    assert_eq!(local.post(&format!("{path}/add_lines"), &back).await.ok()["total"], 700);
    assert_eq!(local.post(&format!("{path}/add_lines"), &back).await.status, 400);
}

#[tokio::test]
async fn lines_come_in_pages() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    for amount in 0..12 {
        local.item(&customer, &invoice, amount).await;
    }
    let whole = local.get(&format!("/v1/invoices/{invoice}")).await.ok();
    assert_eq!((&whole["total"], &whole["lines"]["has_more"]), (&json!(66), &json!(true)));
    let last = ids(&whole["lines"]).pop().unwrap();
    let rest = local.get(&format!("/v1/invoices/{invoice}/lines?starting_after={last}")).await.ok();
    assert_eq!((ids(&rest).len(), &rest["has_more"]), (2, &json!(false)));
}

#[tokio::test]
async fn amounts_follow_unit_price_and_quantity() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    local.post("/v1/products", "name=P&id=p").await.ok();
    let price = |form: &str| format!("product=p&currency=usd&{form}");
    let once = id(&local.post("/v1/prices", &price("unit_amount_decimal=0.5")).await.ok());
    let monthly = id(&local.post("/v1/prices", &price("unit_amount=1&recurring[interval]=month")).await.ok());
    let euros = id(&local.post("/v1/prices", "product=p&currency=eur&unit_amount=1").await.ok());
    let form = |rest: &str| format!("customer={customer}&invoice={invoice}&{rest}");
    for (rest, amount) in [
        (format!("pricing[price]={once}&quantity=3"), 2),
        ("unit_amount_decimal=0.25&quantity=10&currency=usd".to_owned(), 3),
        ("unit_amount_decimal=-0.25&quantity=10&currency=usd".to_owned(), -3),
        ("unit_amount_decimal=10&quantity_decimal=1.25&currency=usd".to_owned(), 13),
    ] {
        assert_eq!(local.post("/v1/invoiceitems", &form(&rest)).await.ok()["amount"], amount, "{rest}");
    }
    for (rest, param) in [
        (format!("pricing[price]={monthly}"), "pricing[price]"),
        (format!("pricing[price]={euros}"), "currency"),
        ("amount=1&currency=eur".to_owned(), "currency"),
        ("amount=1".to_owned(), "currency"),
        ("amount=1&currency=usd&quantity=2".to_owned(), "quantity"),
        ("amount=1&unit_amount_decimal=1&currency=usd".to_owned(), "unit_amount_decimal"),
        ("currency=usd".to_owned(), "amount"),
        ("amount=1&currency=usd&period[start]=2&period[end]=1".to_owned(), "period[end]"),
    ] {
        assert_eq!(local.post("/v1/invoiceitems", &form(&rest)).await.refusal().2, Some(param), "{rest}");
    }
    local.post(&format!("/v1/prices/{once}"), "active=false").await.ok();
    let inactive = local.post("/v1/invoiceitems", &form(&format!("pricing[price]={once}"))).await;
    assert_eq!(inactive.refusal().2, Some("pricing[price]"));
}

#[tokio::test]
async fn sent_invoices_need_a_due_date_and_an_address() {
    let local = Local::start().await;
    let (customer, silent) = (local.customer().await, id(&local.post("/v1/customers", "").await.ok()));
    for (form, param) in [
        (format!("customer={customer}&collection_method=send_invoice"), "days_until_due"),
        (format!("customer={customer}&days_until_due=3"), "days_until_due"),
        (format!("customer={customer}&collection_method=send_invoice&due_date=5"), "due_date"),
        (format!("customer={silent}&collection_method=send_invoice&days_until_due=3"), "customer"),
    ] {
        assert_eq!(local.post("/v1/invoices", &form).await.refusal().2, Some(param), "{form}");
    }
    let form = format!("customer={customer}&collection_method=send_invoice&days_until_due=3&currency=usd");
    let invoice = id(&local.post("/v1/invoices", &form).await.ok());
    local.item(&customer, &invoice, 100).await;
    assert_eq!(local.post(&format!("/v1/invoices/{invoice}/send"), "").await.ok()["status"], "open");
}

#[tokio::test]
async fn the_clock_finalises_what_advances_by_itself() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    local.item(&customer, &invoice, 100).await;
    let path = format!("/v1/invoices/{invoice}");
    assert_eq!(local.get(&path).await.ok()["automatically_finalizes_at"], Value::Null);
    let advancing = local.post(&path, "auto_advance=true").await.ok();
    assert_eq!(advancing["automatically_finalizes_at"], crate::START + 3600);
    local.stripe.advance(SignedDuration::from_mins(59));
    assert_eq!(local.get(&path).await.ok()["status"], "draft");
    local.stripe.advance(SignedDuration::from_mins(1));
    assert_eq!(local.get(&path).await.ok()["status"], "open");
}

#[tokio::test]
async fn lists_filter_and_deleted_things_are_gone() {
    let local = Local::start().await;
    let (customer, other) = (local.customer().await, local.customer().await);
    let first = local.draft(&customer).await;
    local.stripe.advance(SignedDuration::from_secs(10));
    let second = local.draft(&customer).await;
    local.draft(&other).await;
    local.post(&format!("/v1/invoices/{first}/finalize"), "").await.ok();
    let reader = &local;
    let list = |query: String| async move { ids(&reader.get(&format!("/v1/invoices?{query}")).await.ok()) };
    assert_eq!(list(format!("customer={customer}")).await, [second.clone(), first.clone()]);
    assert_eq!(list(format!("customer={customer}&status=draft")).await, std::slice::from_ref(&second));
    assert_eq!(list(format!("customer={customer}&created[lt]={}", crate::START + 10)).await, [first]);
    assert_eq!(list("collection_method=send_invoice".to_owned()).await, Vec::<String>::new());
    assert_eq!(local.get("/v1/invoices?customer=cus_no").await.refusal().1, Some("resource_missing"));
    local.delete(&format!("/v1/customers/{customer}")).await.ok();
    assert_eq!(local.delete(&format!("/v1/customers/{customer}")).await.refusal().0, 404);
    let stub = local.get(&format!("/v1/customers/{customer}")).await.ok();
    assert_eq!(stub, json!({"id": customer, "object": "customer", "deleted": true}));
    let new = local.post("/v1/invoices", &format!("customer={customer}")).await;
    assert_eq!(new.refusal(), (400, Some("resource_missing"), Some("customer")));
    assert_eq!(list(format!("customer={customer}")).await.len(), 2);
    assert_eq!(local.post(&format!("/v1/invoices/{second}/finalize"), "").await.refusal().2, Some("customer"));
}
