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
