//! The client the product uses, async-stripe, against the local Stripe.

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt;
use stripe::{ApiErrorsCode, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_billing::invoice::{
    AddLinesInvoice, AddLinesInvoiceLines, CreateInvoice, CreateInvoicePendingInvoiceItemsBehavior, DeleteInvoice,
    FinalizeInvoiceInvoice, ListInvoice, PayInvoice, RetrieveInvoice, UpdateInvoice, VoidInvoiceInvoice,
};
use stripe_billing::invoice_item::{CreateInvoiceItem, ListInvoiceItem};
use stripe_billing::invoice_line_item::ListInvoiceInvoiceLineItem;
use stripe_billing::{InvoiceCollectionMethod, InvoiceStatus};
use stripe_core::customer::{
    CreateCustomer, DeleteCustomer, ListCustomer, RetrieveCustomer, RetrieveCustomerReturned, UpdateCustomer,
};
use stripe_product::price::{CreatePrice, CreatePriceRecurring, CreatePriceRecurringInterval, ListPrice, UpdatePrice};
use stripe_product::product::{CreateProduct, DeleteProduct, ListProduct, UpdateProduct};

use crate::Local;
use crate::local::KEY;

/// How every client is pointed at a local Stripe.
fn client(local: &Local) -> stripe::Client {
    stripe::ClientBuilder::new(KEY).url(local.base.as_str()).build().unwrap()
}

/// The client's currency type has no public path in the crates used here; this field names it.
macro_rules! currency {
    ($code:literal) => {
        stripe_core::BalanceAmount { amount: 0, currency: $code.parse().unwrap(), source_types: None }.currency
    };
}

fn metadata(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn code(error: StripeError) -> (u16, Option<String>) {
    match error {
        StripeError::Stripe(error, status) => (status, error.code.map(|code: ApiErrorsCode| code.to_string())),
        other => panic!("not Stripe's error: {other}"),
    }
}

#[tokio::test]
async fn customers_live_their_life() {
    let local = Local::start().await;
    let client = client(&local);
    let made = CreateCustomer::new()
        .name("Laboratorio Norte")
        .email("norte@lab.test")
        .metadata(metadata(&[("billform:tenant", "norte"), ("note", "a & b")]))
        .send(&client)
        .await
        .unwrap();
    assert_eq!(made.metadata.as_ref().unwrap()["billform:tenant"], "norte");
    assert_eq!(made.created, crate::START);
    assert!(!made.livemode);
    let changed = UpdateCustomer::new(made.id.as_str())
        .email("new@lab.test")
        .metadata(metadata(&[("note", "")]))
        .send(&client)
        .await
        .unwrap();
    assert_eq!(changed.name.as_deref(), Some("Laboratorio Norte"));
    assert_eq!(changed.metadata.unwrap(), metadata(&[("billform:tenant", "norte")]));
    let found = ListCustomer::new().email("new@lab.test").send(&client).await.unwrap();
    assert_eq!(found.data.len(), 1);
    assert!(ListCustomer::new().email("norte@lab.test").send(&client).await.unwrap().data.is_empty());
    DeleteCustomer::new(made.id.as_str()).send(&client).await.unwrap();
    match RetrieveCustomer::new(made.id.as_str()).send(&client).await.unwrap() {
        RetrieveCustomerReturned::DeletedCustomer(stub) => assert_eq!(stub.id, made.id),
        RetrieveCustomerReturned::Customer(_) => panic!("still there"),
    }
    let error = UpdateCustomer::new(made.id.as_str()).name("x").send(&client).await.unwrap_err();
    assert_eq!(code(error), (404, Some("resource_missing".into())));
    let seen = local.stripe.requests();
    assert!(seen.iter().all(|seen| seen.version.as_deref() == Some("2026-09-30.endive")), "{seen:?}");
}

#[tokio::test]
async fn pages_are_followed_to_the_end() {
    let local = Local::start().await;
    let client = client(&local);
    for n in 0..25 {
        CreateCustomer::new().name(format!("customer {n}")).send(&client).await.unwrap();
    }
    let all: Vec<_> = ListCustomer::new().limit(10).paginate().stream(&client).try_collect().await.unwrap();
    let names: Vec<_> = all.into_iter().map(|customer| customer.name.unwrap()).collect();
    let expected: Vec<_> = (0..25).rev().map(|n| format!("customer {n}")).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn products_are_found_by_their_own_id() {
    let local = Local::start().await;
    let client = client(&local);
    let made = CreateProduct::new("Portal")
        .id("mmp-toledo-portal")
        .metadata(metadata(&[("billform:project", "mmp-toledo")]))
        .send(&client)
        .await
        .unwrap();
    assert_eq!(made.id.as_str(), "mmp-toledo-portal");
    let error = CreateProduct::new("Portal").id("mmp-toledo-portal").send(&client).await.unwrap_err();
    assert_eq!(code(error), (400, Some("resource_already_exists".into())));
    let changed = UpdateProduct::new("mmp-toledo-portal").active(false).description("d").send(&client).await.unwrap();
    assert!(!changed.active);
    let listed =
        ListProduct::new().ids(vec!["mmp-toledo-portal".to_owned(), "other".to_owned()]).send(&client).await.unwrap();
    assert_eq!(listed.data.len(), 1);
    assert!(ListProduct::new().active(true).send(&client).await.unwrap().data.is_empty());
    DeleteProduct::new("mmp-toledo-portal").send(&client).await.unwrap();
}

#[tokio::test]
async fn a_lookup_key_moves_to_the_next_price() {
    let local = Local::start().await;
    let client = client(&local);
    CreateProduct::new("Portal").id("portal").send(&client).await.unwrap();
    let monthly = || CreatePriceRecurring::new(CreatePriceRecurringInterval::Month);
    let create = |amount: i64| {
        CreatePrice::new(currency!("usd"))
            .product("portal")
            .unit_amount(amount)
            .lookup_key("portal-monthly")
            .nickname("Portal, monthly")
            .recurring(monthly())
    };
    let first = create(2500).send(&client).await.unwrap();
    assert_eq!(first.unit_amount_decimal.as_deref(), Some("2500"));
    assert_eq!(first.recurring.unwrap().interval_count, 1);
    let error = create(3000).send(&client).await.unwrap_err();
    assert_eq!(code(error).0, 400);
    let second = create(3000).transfer_lookup_key(true).send(&client).await.unwrap();
    let found = ListPrice::new().lookup_keys(vec!["portal-monthly".to_owned()]).send(&client).await.unwrap();
    assert_eq!(found.data.len(), 1);
    assert_eq!(found.data[0].id, second.id);
    let archived = UpdatePrice::new(first.id.as_str()).active(false).send(&client).await.unwrap();
    assert_eq!((archived.active, archived.lookup_key), (false, None));
    let error = DeleteProduct::new("portal").send(&client).await.unwrap_err();
    assert_eq!(code(error).0, 400);
}

#[tokio::test]
async fn a_months_invoice_is_drafted_to_the_cent() {
    let local = Local::start().await;
    let client = client(&local);
    let customer = CreateCustomer::new().name("N").email("n@lab.test").send(&client).await.unwrap();
    // Something pending that is none of this invoice's business.
    let pending = CreateInvoiceItem::new().customer(customer.id.as_str()).amount(999).currency(currency!("usd"));
    pending.send(&client).await.unwrap();
    let draft = CreateInvoice::new()
        .customer(customer.id.as_str())
        .currency(currency!("usd"))
        .auto_advance(false)
        .collection_method(InvoiceCollectionMethod::SendInvoice)
        .days_until_due(14_u32)
        .pending_invoice_items_behavior(CreateInvoicePendingInvoiceItemsBehavior::Exclude)
        .metadata(metadata(&[("billform:period", "2026-10")]))
        .send(&client)
        .await
        .unwrap();
    let invoice = draft.id.clone().unwrap();
    assert_eq!((draft.status, draft.total, draft.number), (Some(InvoiceStatus::Draft), 0, None));
    assert_eq!(draft.due_date, Some(crate::START + 14 * 86_400));
    let services: BTreeMap<&str, i64> = [("Amazon EC2", 8530), ("Amazon S3", 4020)].into();
    for (service, amount) in &services {
        CreateInvoiceItem::new()
            .customer(customer.id.as_str())
            .invoice(invoice.as_str())
            .amount(*amount)
            .currency(currency!("usd"))
            .description(*service)
            .send(&client)
            .await
            .unwrap();
    }
    let mut added = AddLinesInvoiceLines::new();
    added.amount = Some(-550);
    added.description = Some("discount".to_owned());
    let with_lines = AddLinesInvoice::new(invoice.as_str(), vec![added]).send(&client).await.unwrap();
    assert_eq!(with_lines.total, 12_000);
    let lines = ListInvoiceInvoiceLineItem::new(invoice.as_str()).limit(100).send(&client).await.unwrap();
    let shown: Vec<_> = lines.data.iter().map(|line| (line.description.clone().unwrap(), line.amount)).collect();
    let expected = [("Amazon EC2", 8530), ("Amazon S3", 4020), ("discount", -550)];
    assert_eq!(shown, expected.map(|(name, amount)| (name.to_owned(), amount)));
    let items = ListInvoiceItem::new().invoice(invoice.as_str()).send(&client).await.unwrap();
    assert_eq!(items.data.len(), 3);
    let final_ = FinalizeInvoiceInvoice::new(invoice.as_str()).send(&client).await.unwrap();
    assert_eq!((final_.status, final_.amount_due), (Some(InvoiceStatus::Open), 12_000));
    assert!(final_.number.is_some() && final_.hosted_invoice_url.is_some());
    assert_eq!(final_.status_transitions.finalized_at, Some(crate::START));
    let error = UpdateInvoice::new(invoice.as_str()).description("late").send(&client).await.unwrap_err();
    assert_eq!(code(error), (400, Some("invoice_not_editable".into())));
    let error = DeleteInvoice::new(invoice.as_str()).send(&client).await.unwrap_err();
    assert_eq!(code(error), (400, Some("invoice_not_editable".into())));
    let void = VoidInvoiceInvoice::new(invoice.as_str()).send(&client).await.unwrap();
    assert_eq!(void.status, Some(InvoiceStatus::Void));
    let left = ListInvoiceItem::new().customer(customer.id.as_str()).pending(true).send(&client).await.unwrap();
    assert_eq!(left.data.len(), 1);
}

#[tokio::test]
async fn a_draft_is_deleted() {
    let local = Local::start().await;
    let client = client(&local);
    let customer = CreateCustomer::new().send(&client).await.unwrap();
    let draft = CreateInvoice::new().customer(customer.id.as_str()).send(&client).await.unwrap();
    let invoice = draft.id.unwrap();
    DeleteInvoice::new(invoice.as_str()).send(&client).await.unwrap();
    let error = RetrieveInvoice::new(invoice.as_str()).send(&client).await.unwrap_err();
    assert_eq!(code(error), (404, Some("resource_missing".into())));
    assert!(ListInvoice::new().customer(customer.id.as_str()).send(&client).await.unwrap().data.is_empty());
}

#[tokio::test]
async fn the_same_key_gives_the_same_invoice() {
    let local = Local::start().await;
    let client = client(&local);
    let customer = CreateCustomer::new().send(&client).await.unwrap();
    let keyed = |request: CreateInvoice| {
        let key = IdempotencyKey::new("norte/2026-10/1/draft").unwrap();
        request.customize().request_strategy(RequestStrategy::Idempotent(key))
    };
    // Many keys, so that the client's hash map sends them in another order the second time.
    let many: Vec<(String, String)> = (0..20).map(|n| (format!("k{n}"), n.to_string())).collect();
    let request = || {
        let metadata: HashMap<String, String> = many.iter().cloned().collect();
        CreateInvoice::new().customer(customer.id.as_str()).metadata(metadata)
    };
    let first = keyed(request()).send(&client).await.unwrap();
    let again = keyed(request()).send(&client).await.unwrap();
    assert_eq!(first.id, again.id);
    assert!(local.stripe.requests().last().unwrap().replayed);
    let other = keyed(request().description("other")).send(&client).await.unwrap_err();
    assert_eq!(code(other).0, 400);
    assert_eq!(local.stripe.objects(localstripe::Kind::Invoice).len(), 1);
}

#[tokio::test]
async fn a_payment_is_read_with_its_intent() {
    let local = Local::start().await;
    let client = client(&local);
    let customer = local.customer().await;
    let invoice = local.draft(&customer).await;
    local.item(&customer, &invoice, 5000).await;
    FinalizeInvoiceInvoice::new(invoice.as_str()).auto_advance(false).send(&client).await.unwrap();
    for declined in ["pm_card_visa_chargeDeclined", "pm_card_authenticationRequired"] {
        let error = PayInvoice::new(invoice.as_str()).payment_method(declined).send(&client).await.unwrap_err();
        assert_eq!(code(error).0, 402, "{declined}");
        read_payment(&client, &invoice, "open").await;
    }
    let asked = PayInvoice::new(invoice.as_str()).payment_method("pm_success_de").send(&client).await.unwrap();
    assert_eq!(asked.status, Some(InvoiceStatus::Open));
    read_payment(&client, &invoice, "open").await;
    local.stripe.advance(jiff::SignedDuration::from_hours(1));
    read_payment(&client, &invoice, "paid").await;
    local.post("/v1/credit_notes", &format!("invoice={invoice}&amount=100&refund_amount=100")).await.ok();
    let credited = RetrieveInvoice::new(invoice.as_str()).send(&client).await.unwrap();
    assert_eq!((credited.amount_paid, credited.post_payment_credit_notes_amount), (5000, 100));
}

/// Reads an invoice with its payments and their intents.
async fn read_payment(client: &stripe::Client, invoice: &str, status: &str) {
    let expand = vec!["payments.data.payment.payment_intent".to_owned()];
    let invoice = RetrieveInvoice::new(invoice).expand(expand).send(client).await.unwrap();
    let payments = invoice.payments.unwrap().data;
    assert_eq!(payments.len(), 1);
    assert_eq!((payments[0].status.as_str(), payments[0].amount_requested), (status, 5000));
    let intent = payments[0].payment.payment_intent.as_ref().unwrap().as_object().unwrap();
    assert_eq!((intent.amount, intent.customer.is_some()), (5000, true));
}
