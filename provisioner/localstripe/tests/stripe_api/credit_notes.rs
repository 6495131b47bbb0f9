//! Credit notes: on open and on paid invoices, by amount and by lines, seen before, voided.

use serde_json::{Value, json};

use crate::answers::Published;
use crate::{Local, id, ids};

/// An open invoice of 30.00 and 20.00; its id and those of its lines.
async fn open(local: &Local, customer: &str) -> (String, Vec<String>) {
    let invoice = local.draft(customer).await;
    let lines = "lines[0][amount]=3000&lines[0][description]=EC2&lines[1][amount]=2000&lines[1][description]=S3";
    let lines = local.post(&format!("/v1/invoices/{invoice}/add_lines"), lines).await.ok();
    local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok();
    (invoice, ids(&lines["lines"]))
}

async fn pay(local: &Local, invoice: &str) {
    local.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").await.ok();
}

async fn credit(local: &Local, invoice: &str, form: &str) -> Value {
    local.post("/v1/credit_notes", &format!("invoice={invoice}&{form}")).await.ok()
}

async fn read(local: &Local, invoice: &str) -> Value {
    local.get(&format!("/v1/invoices/{invoice}")).await.ok()
}

async fn balance(local: &Local, customer: &str) -> i64 {
    local.get(&format!("/v1/customers/{customer}")).await.ok()["balance"].as_i64().unwrap()
}

#[tokio::test]
async fn an_open_invoice_asks_for_less_and_for_all_again_when_the_note_is_void() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let (invoice, lines) = open(&local, &customer).await;
    let form = format!(
        "lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={}&lines[0][amount]=1200&reason=order_change&memo=m\
         &metadata[month]=2026-10",
        lines[0]
    );
    let note = credit(&local, &invoice, &form).await;
    Published::read().check("POST /v1/credit_notes", &note);
    assert_eq!(
        (&note["type"], &note["total"], &note["pre_payment_amount"], &note["post_payment_amount"], &note["status"]),
        (&json!("pre_payment"), &json!(1200), &json!(1200), &json!(0), &json!("issued"))
    );
    let number = read(&local, &invoice).await["number"].as_str().unwrap().to_owned();
    assert_eq!(
        (&note["number"], &note["lines"]["data"][0]["description"]),
        (&json!(format!("{number}-CN-01")), &json!("EC2"))
    );
    let less = read(&local, &invoice).await;
    assert_eq!(
        (&less["total"], &less["amount_due"], &less["amount_remaining"], &less["pre_payment_credit_notes_amount"]),
        (&json!(5000), &json!(3800), &json!(3800), &json!(1200))
    );
    let payment = local.get(&format!("/v1/invoice_payments?invoice={invoice}")).await.ok();
    assert_eq!(payment["data"][0]["amount_requested"], 3800);
    let path = format!("/v1/credit_notes/{}", id(&note));
    let void = local.post(&format!("{path}/void"), "").await.ok();
    assert_eq!((&void["status"], void["voided_at"].is_i64()), (&json!("void"), true));
    let all = read(&local, &invoice).await;
    assert_eq!(
        (&all["amount_due"], &all["amount_remaining"], &all["pre_payment_credit_notes_amount"]),
        (&json!(5000), &json!(5000), &json!(0))
    );
    assert_eq!(local.post(&format!("{path}/void"), "").await.refusal().0, 400);
    let events = local.get("/v1/events?types[]=credit_note.created&types[]=credit_note.voided").await.ok();
    assert_eq!(events["data"][0]["type"], "credit_note.voided");
    assert_eq!(events["data"].as_array().unwrap().len(), 2);
    pay(&local, &invoice).await;
    assert_eq!(read(&local, &invoice).await["amount_paid"], 5000);
}

#[tokio::test]
async fn an_open_invoice_that_is_credited_whole_is_paid_without_money() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let (invoice, _) = open(&local, &customer).await;
    let note = credit(&local, &invoice, "amount=5000").await;
    let done = read(&local, &invoice).await;
    assert_eq!(
        (&done["status"], &done["amount_paid"], &done["amount_remaining"], &done["amount_due"]),
        (&json!("paid"), &json!(0), &json!(0), &json!(0))
    );
    let payment = local.get(&format!("/v1/invoice_payments?invoice={invoice}")).await.ok();
    assert_eq!(payment["data"][0]["status"], "canceled");
    let void = local.post(&format!("/v1/credit_notes/{}/void", id(&note)), "").await;
    assert_eq!(void.refusal().0, 400, "its invoice is not open any more");
}

#[tokio::test]
async fn what_was_paid_goes_to_the_balance_to_the_card_and_outside() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let (invoice, _) = open(&local, &customer).await;
    pay(&local, &invoice).await;
    for (form, param) in [
        ("amount=1000".to_owned(), None),
        ("amount=1000&credit_amount=999".to_owned(), None),
        ("amount=5001&credit_amount=5001".to_owned(), Some("amount")),
        ("amount=0".to_owned(), Some("amount")),
        ("memo=m".to_owned(), Some("amount")),
        ("amount=1000&refund_amount=2000&credit_amount=-1000".to_owned(), Some("credit_amount")),
    ] {
        let refused = local.post("/v1/credit_notes", &format!("invoice={invoice}&{form}")).await;
        assert_eq!((refused.refusal().0, refused.refusal().2), (400, param), "{form}: {}", refused.body);
    }
    let note =
        credit(&local, &invoice, "amount=3000&credit_amount=500&refund_amount=2000&out_of_band_amount=500").await;
    Published::read().check("POST /v1/credit_notes", &note);
    assert_eq!(
        (
            &note["type"],
            &note["post_payment_amount"],
            &note["out_of_band_amount"],
            &note["refunds"][0]["amount_refunded"]
        ),
        (&json!("post_payment"), &json!(3000), &json!(500), &json!(2000))
    );
    assert_eq!(balance(&local, &customer).await, -500);
    let transaction = note["customer_balance_transaction"].as_str().unwrap();
    let transaction = local.get(&format!("/v1/customers/{customer}/balance_transactions/{transaction}")).await.ok();
    assert_eq!(
        (&transaction["type"], &transaction["amount"], &transaction["credit_note"]),
        (&json!("credit_note"), &json!(-500), &note["id"])
    );
    let paid = read(&local, &invoice).await;
    assert_eq!(
        (&paid["status"], &paid["amount_paid"], &paid["post_payment_credit_notes_amount"]),
        (&json!("paid"), &json!(5000), &json!(3000))
    );
    // Two notes together never credit more than the invoice, nor refund more than the charge.
    let much = local.post("/v1/credit_notes", &format!("invoice={invoice}&amount=2001&credit_amount=2001")).await;
    assert_eq!(much.refusal().2, Some("amount"));
    credit(&local, &invoice, "amount=2000&refund_amount=2000").await;
    let listed = local.get(&format!("/v1/credit_notes?invoice={invoice}")).await.ok();
    assert_eq!(ids(&listed).len(), 2);
    assert!(listed["data"][0]["number"].as_str().unwrap().ends_with("-CN-02"));
}

#[tokio::test]
async fn a_preview_is_what_is_issued_and_changes_nothing() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let (invoice, lines) = open(&local, &customer).await;
    let form = format!(
        "invoice={invoice}&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={}&lines[0][quantity]=1\
         &lines[1][type]=custom_line_item&lines[1][description]=goodwill&lines[1][unit_amount]=25&lines[1][quantity]=4",
        lines[1]
    );
    let before = local.stripe.dump();
    let preview = local.get(&format!("/v1/credit_notes/preview?{form}")).await.ok();
    Published::read().check("GET /v1/credit_notes/preview", &preview);
    let preview_lines = local.get(&format!("/v1/credit_notes/preview/lines?{form}")).await.ok();
    assert_eq!(local.stripe.dump(), before);
    let note = local.post("/v1/credit_notes", &form).await.ok();
    for name in ["total", "pre_payment_amount", "number", "type"] {
        assert_eq!(preview[name], note[name], "{name}");
    }
    assert_eq!(note["total"], 2100);
    let shown = local.get(&format!("/v1/credit_notes/{}/lines?limit=1", id(&note))).await.ok();
    assert_eq!((&shown["data"][0]["amount"], &shown["has_more"]), (&json!(2000), &json!(true)));
    assert_eq!(preview_lines["data"][1]["amount"], 100);
    Published::read().check("GET /v1/credit_notes/{credit_note}/lines", &shown);
}

#[tokio::test]
async fn a_line_is_credited_once_and_bad_lines_are_refused() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let (invoice, lines) = open(&local, &customer).await;
    let of_line = |amount: i64| {
        format!("lines[0][type]=invoice_line_item&lines[0][invoice_line_item]={}&lines[0][amount]={amount}", lines[1])
    };
    credit(&local, &invoice, &of_line(1500)).await;
    for (form, param) in [
        (of_line(501), "lines[amount]"),
        (format!("{}&amount=1", of_line(100)), "amount"),
        ("lines[0][type]=invoice_line_item&lines[0][amount]=1".to_owned(), "lines[invoice_line_item]"),
        ("lines[0][type]=custom_line_item&lines[0][unit_amount]=1".to_owned(), "lines[description]"),
        ("lines[0][type]=custom_line_item&lines[0][description]=d".to_owned(), "lines[unit_amount]"),
        (
            "lines[0][type]=invoice_line_item&lines[0][invoice_line_item]=il_none&lines[0][amount]=1".to_owned(),
            "lines[invoice_line_item]",
        ),
    ] {
        let refused = local.post("/v1/credit_notes", &format!("invoice={invoice}&{form}")).await;
        assert_eq!(refused.refusal().2, Some(param), "{form}: {}", refused.body);
    }
    credit(&local, &invoice, &of_line(500)).await;
    assert_eq!(read(&local, &invoice).await["amount_remaining"], 3000);
}

#[tokio::test]
async fn a_draft_and_a_void_invoice_take_no_credit_and_the_same_key_credits_once() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let draft = local.draft(&customer).await;
    local.item(&customer, &draft, 500).await;
    let form = format!("invoice={draft}&amount=100");
    assert_eq!(local.post("/v1/credit_notes", &form).await.refusal().2, Some("invoice"));
    local.post(&format!("/v1/invoices/{draft}/finalize"), "").await.ok();
    let first = local.keyed("note", "/v1/credit_notes", &form).await.ok();
    assert_eq!(local.keyed("note", "/v1/credit_notes", &form).await.ok(), first);
    let other = local.keyed("note", "/v1/credit_notes", &format!("invoice={draft}&amount=200")).await;
    assert_eq!((other.status, &other.body["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(read(&local, &draft).await["amount_remaining"], 400);
    let path = format!("/v1/credit_notes/{}", id(&first));
    let changed = local.post(&path, "memo=new&metadata[a]=b").await.ok();
    assert_eq!((&changed["memo"], &changed["metadata"]["a"]), (&json!("new"), &json!("b")));
    local.post(&format!("/v1/invoices/{draft}/void"), "").await.ok();
    assert_eq!(local.post("/v1/credit_notes", &form).await.refusal().2, Some("invoice"));
}

#[tokio::test]
async fn a_note_on_an_open_invoice_gives_back_the_balance_that_paid_part_of_it() {
    let local = Local::start().await;
    let customer = local.customer().await;
    local.post(&format!("/v1/customers/{customer}/balance_transactions"), "amount=-2000&currency=usd").await.ok();
    let (invoice, _) = open(&local, &customer).await;
    assert_eq!(read(&local, &invoice).await["amount_due"], 3000);
    let note = credit(&local, &invoice, "amount=4000&credit_amount=1000").await;
    assert_eq!(
        (&note["type"], &note["pre_payment_amount"], &note["post_payment_amount"]),
        (&json!("mixed"), &json!(3000), &json!(1000))
    );
    assert_eq!(
        (read(&local, &invoice).await["status"].clone(), balance(&local, &customer).await),
        (json!("paid"), -1000)
    );
}
