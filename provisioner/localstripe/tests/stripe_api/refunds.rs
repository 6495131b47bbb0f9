//! What comes back of a payment: refunds and disputes.

use serde_json::json;

use crate::answers::Published;
use crate::payments::{kinds, open, payment, read};
use crate::{Local, id, ids};

#[tokio::test]
async fn a_payment_is_refunded_in_parts_and_never_more_than_it_was() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let invoice = open(&local, &customer).await;
    let early = payment(&local, &invoice).await.1;
    let early = local.post("/v1/refunds", &format!("payment_intent={}", id(&early))).await;
    assert_eq!(early.refusal().2, Some("payment_intent"));
    local.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").await.ok();
    let intent = id(&payment(&local, &invoice).await.1);
    let form = format!("payment_intent={intent}&amount=2000&metadata[why]=late");
    let from = kinds(&local, 0).await.len();
    let part = local.post("/v1/refunds", &form).await.ok();
    assert_eq!(
        (&part["amount"], &part["status"], &part["metadata"]["why"]),
        (&json!(2000), &json!("succeeded"), &json!("late"))
    );
    assert_eq!(kinds(&local, from).await, ["refund.created", "charge.refunded"]);
    let much = local.post("/v1/refunds", &format!("payment_intent={intent}&amount=3001")).await;
    assert_eq!(much.refusal().2, Some("amount"));
    assert_eq!(local.post("/v1/refunds", &format!("payment_intent={intent}")).await.ok()["amount"], 3000);
    let none = local.post("/v1/refunds", &format!("payment_intent={intent}")).await;
    assert_eq!(none.refusal().1, Some("charge_already_refunded"));
    let listed = local.get(&format!("/v1/refunds?payment_intent={intent}")).await.ok();
    assert_eq!(ids(&listed).len(), 2);
    assert_eq!(read(&local, &invoice).await["status"], "paid");
}

#[tokio::test]
async fn a_dispute_takes_the_money_and_ends_as_the_evidence_says() {
    let local = Local::start().await;
    let customer = local.customer().await;
    for (evidence, end) in [(Some("winning_evidence"), "won"), (Some("losing_evidence"), "lost"), (None, "lost")] {
        let invoice = open(&local, &customer).await;
        let paid =
            local.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_createDispute").await.ok();
        assert_eq!(paid["status"], "paid");
        let intent = id(&payment(&local, &invoice).await.1);
        let page = local.get(&format!("/v1/disputes?payment_intent={intent}")).await.ok();
        let dispute = &page["data"][0];
        assert_eq!((&dispute["amount"], &dispute["status"]), (&json!(5000), &json!("needs_response")));
        Published::read().check("GET /v1/disputes", &page);
        let refund = local.post("/v1/refunds", &format!("payment_intent={intent}")).await;
        assert_eq!(refund.refusal().1, Some("charge_disputed"));
        let path = format!("/v1/disputes/{}", id(dispute));
        let over = match evidence {
            Some(text) => local.post(&path, &format!("evidence[uncategorized_text]={text}")).await.ok(),
            None => local.post(&format!("{path}/close"), "").await.ok(),
        };
        assert_eq!(over["status"], end);
        assert_eq!(local.post(&format!("{path}/close"), "").await.refusal().0, 400);
        let last = kinds(&local, 0).await;
        assert_eq!(last.last().map(String::as_str), Some("charge.dispute.closed"));
        assert_eq!(read(&local, &invoice).await["status"], "paid");
    }
}

#[tokio::test]
async fn some_banks_answer_about_a_refund_later_and_some_send_it_back() {
    let local = Local::start().await;
    for (token, first, later) in
        [("pm_card_pendingRefund", "pending", "succeeded"), ("pm_card_refundFail", "succeeded", "failed")]
    {
        let form = format!("amount=2000&currency=usd&confirm=true&payment_method={token}");
        let intent = id(&local.post("/v1/payment_intents", &form).await.ok());
        let refund = local.post("/v1/refunds", &format!("payment_intent={intent}")).await.ok();
        assert_eq!(refund["status"], first);
        let from = kinds(&local, 0).await.len();
        local.stripe.advance(jiff::SignedDuration::from_mins(1));
        let path = format!("/v1/refunds/{}", id(&refund));
        let over = local.get(&path).await.ok();
        Published::read().check("GET /v1/refunds/{refund}", &over);
        assert_eq!(over["status"], later);
        let told = kinds(&local, from).await;
        let updated = ["refund.updated", "charge.refund.updated"];
        assert!(told.strip_suffix(&updated.map(str::to_owned)).is_some(), "{told:?}");
        let failed = later == "failed";
        assert_eq!(told.first().is_some_and(|kind| kind == "refund.failed"), failed);
        let charge = local.get(&format!("/v1/charges/{}", over["charge"].as_str().unwrap())).await.ok();
        assert_eq!(charge["amount_refunded"], if failed { 0 } else { 2000 });
        assert_eq!(local.stripe.fail_refund(&id(&refund)).is_err(), failed, "it fails once");
        let from = kinds(&local, 0).await.len();
        local.post(&path, "metadata[order]=7").await.ok();
        assert_eq!(kinds(&local, from).await, updated);
    }
}

#[tokio::test]
async fn an_inquiry_takes_no_money_and_a_customer_may_complain_later() {
    let local = Local::start().await;
    let customer = local.customer().await;
    let form = "amount=2000&currency=usd&confirm=true&payment_method=pm_card_createDisputeInquiry";
    let intent = id(&local.post("/v1/payment_intents", form).await.ok());
    let asked = local.get(&format!("/v1/disputes?payment_intent={intent}")).await.ok();
    assert_eq!(asked["data"][0]["status"], "warning_needs_response");
    let closed = local.post(&format!("/v1/disputes/{}/close", id(&asked["data"][0])), "").await.ok();
    assert_eq!(closed["status"], "warning_closed");
    let told = kinds(&local, 0).await;
    assert!(!told.contains(&"charge.dispute.funds_withdrawn".to_owned()), "{told:?}");
    let invoice = open(&local, &customer).await;
    local.post(&format!("/v1/invoices/{invoice}/pay"), "payment_method=pm_card_visa").await.ok();
    local.stripe.advance(jiff::SignedDuration::from_hours(24 * 40));
    let charge = payment(&local, &invoice).await.1["latest_charge"].as_str().unwrap().to_owned();
    let dispute = local.stripe.open_dispute(&charge, "duplicate").unwrap();
    assert!(
        local.stripe.open_dispute(&charge, "duplicate").is_err() && local.stripe.open_dispute("ch_no", "x").is_err()
    );
    let listed = local.get(&format!("/v1/disputes?charge={charge}")).await.ok();
    assert_eq!((ids(&listed), &listed["data"][0]["reason"]), (vec![dispute.clone()], &json!("duplicate")));
    local.stripe.close_dispute(&dispute, false).unwrap();
    assert!(local.stripe.close_dispute(&dispute, true).is_err());
    assert_eq!(local.get(&format!("/v1/disputes/{dispute}")).await.ok()["status"], "lost");
}
