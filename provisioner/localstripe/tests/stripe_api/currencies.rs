//! Amounts in currencies with rules of their own: prices, items, lines, tiers and what a quantity makes of them.

use crate::{Local, id};

const WHOLE: &str = "invalid_charge_amount_no_decimal_compatible";
const INTEGER: &str = "parameter_invalid_integer";

#[tokio::test]
async fn amounts_stripe_cannot_move_are_refused_everywhere() {
    let local = Local::start().await;
    let customer = local.customer().await;
    local.post("/v1/products", "name=P&id=p").await.ok();
    let invoice = |money: &'static str| {
        let (local, customer) = (&local, customer.clone());
        async move { id(&local.post("/v1/invoices", &format!("customer={customer}&currency={money}")).await.ok()) }
    };
    for (money, bad, good, code) in
        [("ugx", 150, 500, WHOLE), ("isk", 1, 100, WHOLE), ("kwd", 1234, 1230, INTEGER), ("jod", 5, 50, INTEGER)]
    {
        let price = |amount: i64| format!("product=p&currency={money}&unit_amount={amount}");
        assert_eq!(
            local.post("/v1/prices", &price(bad)).await.refusal(),
            (400, Some(code), Some("unit_amount")),
            "{money}"
        );
        local.post("/v1/prices", &price(good)).await.ok();
        let decimal = format!("product=p&currency={money}&unit_amount_decimal={bad}");
        assert_eq!(local.post("/v1/prices", &decimal).await.refusal().1, Some(code), "{money}");
        let tiered = format!(
            "product=p&currency={money}&billing_scheme=tiered&tiers_mode=volume&recurring[interval]=month\
             &tiers[0][up_to]=inf&tiers[0][flat_amount]={bad}"
        );
        assert_eq!(local.post("/v1/prices", &tiered).await.refusal().2, Some("tiers[0][flat_amount]"), "{money}");
        let invoice = invoice(money).await;
        let item = |amount: i64| format!("customer={customer}&invoice={invoice}&currency={money}&amount={amount}");
        assert_eq!(
            local.post("/v1/invoiceitems", &item(bad)).await.refusal(),
            (400, Some(code), Some("amount")),
            "{money}"
        );
        assert_eq!(local.post("/v1/invoiceitems", &item(-bad)).await.refusal().1, Some(code), "credits too: {money}");
        local.post("/v1/invoiceitems", &item(good)).await.ok();
        let lines = format!("lines[0][amount]={bad}");
        let added = local.post(&format!("/v1/invoices/{invoice}/add_lines"), &lines).await;
        assert_eq!(added.refusal().1, Some(code), "{money}");
        // A whole price times a part of it is not whole.
        let part = format!(
            "customer={customer}&invoice={invoice}&currency={money}&unit_amount_decimal={good}&quantity_decimal=0.5"
        );
        assert_eq!(local.post("/v1/invoiceitems", &part).await.refusal().1, Some(code), "{money}");
        assert_eq!(local.get(&format!("/v1/invoices/{invoice}")).await.ok()["total"], good, "{money}");
    }
}

#[tokio::test]
async fn zero_decimals_take_every_integer_and_payout_rules_do_not_bind_charges() {
    let local = Local::start().await;
    let customer = local.customer().await;
    for (money, amount) in [("jpy", 501), ("krw", 7), ("huf", 20_001), ("twd", 1_501), ("usd", 51)] {
        let form = format!("customer={customer}&currency={money}&amount={amount}");
        assert_eq!(local.post("/v1/invoiceitems", &form).await.ok()["amount"], amount, "{money}");
    }
    for money in ["xau", "btc", "UGX", "us"] {
        let form = format!("customer={customer}&currency={money}&amount=100");
        assert_eq!(local.post("/v1/invoiceitems", &form).await.refusal().2, Some("currency"), "{money}");
    }
}

#[tokio::test]
async fn below_the_least_charge_an_invoice_moves_to_the_balance() {
    let local = Local::start().await;
    for (money, amount, status) in [
        ("jpy", 49, "paid"),
        ("jpy", 50, "open"),
        ("huf", 17_499, "paid"),
        ("huf", 17_500, "open"),
        ("gbp", 30, "open"),
    ] {
        let customer = local.customer().await;
        let invoice = id(&local.post("/v1/invoices", &format!("customer={customer}&currency={money}")).await.ok());
        let item = format!("customer={customer}&invoice={invoice}&currency={money}&amount={amount}");
        local.post("/v1/invoiceitems", &item).await.ok();
        let done = local.post(&format!("/v1/invoices/{invoice}/finalize"), "").await.ok();
        assert_eq!(done["status"], status, "{amount} {money}");
    }
}

#[tokio::test]
async fn an_invoice_of_every_currency_is_issued_paid_and_credited() {
    let local = Local::start().await;
    let table: serde_json::Value = serde_json::from_str(include_str!("../../data/currencies.json")).unwrap();
    let table = table["currencies"].as_object().unwrap();
    assert!(table.len() > 130);
    for (money, row) in table {
        let (step, minimum) = (row["step"].as_i64().unwrap_or(1), row["minimum"].as_i64().unwrap_or(0));
        let amount = (minimum / step + 7) * step;
        let customer = id(&local.post("/v1/customers", &format!("name={money}")).await.ok());
        let adjust = format!("amount={}&currency={money}", -3 * step);
        local.post(&format!("/v1/customers/{customer}/balance_transactions"), &adjust).await.ok();
        let invoice = id(&local.post("/v1/invoices", &format!("customer={customer}&currency={money}")).await.ok());
        let path = format!("/v1/invoices/{invoice}");
        local.post(&format!("{path}/add_lines"), &format!("lines[0][amount]={amount}")).await.ok();
        let open = local.post(&format!("{path}/finalize"), "").await.ok();
        assert_eq!(
            (&open["status"], &open["total"], &open["amount_due"]),
            (&"open".into(), &amount.into(), &(amount - 3 * step).into()),
            "{money}"
        );
        let paid = local.post(&format!("{path}/pay"), "payment_method=pm_card_visa").await.ok();
        assert_eq!((&paid["status"], &paid["amount_paid"]), (&"paid".into(), &(amount - 3 * step).into()), "{money}");
        let form = |amount: i64| format!("invoice={invoice}&amount={amount}&refund_amount={amount}");
        if step > 1 {
            assert_eq!(local.post("/v1/credit_notes", &form(step + 1)).await.refusal().0, 400, "{money}");
        }
        let note = local.post("/v1/credit_notes", &form(2 * step)).await.ok();
        assert_eq!((&note["total"], &note["currency"]), (&(2 * step).into(), &money.as_str().into()), "{money}");
    }
}
