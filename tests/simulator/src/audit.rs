//! What an observer sees of money: Stripe's objects one by one, and what the ledger says.

use std::collections::{BTreeMap, BTreeSet};

use billing::invoice::{InvoiceRecord, InvoiceState, PaymentStatus};
use billing::ledger;
use futures::FutureExt;
use jiff::Span;
use jiff::civil::Date;
use oracle::facts::TenantId;
use oracle::money::{Attempt, Dispute, Held, Payments, Standing};
use oracle::world::{CreditNote, Document, Methods, Money, Status};
use serde_json::Value;

use super::observer::Observer;
use super::requests::{Form, send};
use super::shared::Shared;

/// Days for which an invoice is looked at after something happened to it: a debit takes up to nine.
const LOOKED_AT_DAYS: i64 = 11;

/// What is seen of money.
#[derive(Debug, Default)]
pub struct Audit {
    /// Until when an invoice is looked at.
    active: BTreeMap<String, Date>,
    /// Companies that set up a method once.
    set_up: BTreeSet<TenantId>,
    /// What commands took off invoices.
    grants: BTreeMap<TenantId, Vec<CreditNote>>,
    /// As of the last look.
    money: BTreeMap<TenantId, Vec<Money>>,
    methods: BTreeMap<TenantId, Methods>,
}

impl Audit {
    /// Learns that something happened to an invoice.
    pub fn happened(&mut self, document: &str, on: Date) {
        let until = on.checked_add(Span::new().days(LOOKED_AT_DAYS)).unwrap_or(Date::MAX);
        self.active.insert(document.to_owned(), until);
    }

    /// Learns that a company set up a method.
    pub fn set_up(&mut self, tenant: &TenantId) {
        self.set_up.insert(tenant.clone());
    }

    /// Learns that a command took an amount off an invoice.
    pub fn granted(&mut self, tenant: &TenantId, document: &str, amount: i128) {
        let note = CreditNote { document: document.to_owned(), amount };
        self.grants.entry(tenant.clone()).or_default().push(note);
    }

    /// Looks at every issued invoice that something happened to of late.
    pub fn look(&mut self, shared: &Shared, observer: &Observer, customers: &BTreeMap<TenantId, String>, on: Date) {
        self.active.retain(|_, until| *until >= on);
        self.money.clear();
        self.methods.clear();
        for tenant in observer.tenants() {
            let is_looked_at = |document: &&Document| {
                document.issued_at.is_some() && document.status.is_live() && self.active.contains_key(&document.id)
            };
            let documents: Vec<&Document> = observer.documents_of(tenant).filter(is_looked_at).collect();
            if !documents.is_empty() {
                let records = ledger::invoices::all(&shared.ledger, &tenant.id).now_or_never();
                let records = records.and_then(Result::ok).unwrap_or_default();
                let seen = documents.into_iter().filter_map(|document| money(shared, document, &records));
                self.money.insert(tenant.clone(), seen.collect());
            }
            if let Some(customer) = customers.get(tenant).filter(|_| self.set_up.contains(tenant)) {
                self.methods.insert(tenant.clone(), methods(shared, customer));
            }
        }
    }

    /// Adds what was seen to the companies' accounts.
    pub fn tell(&self, tenant: &TenantId, account: &mut oracle::world::Account) {
        account.grants = self.grants.get(tenant).cloned().unwrap_or_default();
        account.money = self.money.get(tenant).cloned().unwrap_or_default();
        account.methods = self.methods.get(tenant).cloned();
    }
}

fn get(shared: &Shared, path: &str) -> Value {
    send(shared, ("GET", path), &Form::default()).unwrap_or_default()
}

fn rows(shared: &Shared, path: &str) -> Vec<Value> {
    get(shared, path)["data"].as_array().cloned().unwrap_or_default()
}

fn money(shared: &Shared, document: &Document, records: &[InvoiceRecord]) -> Option<Money> {
    let id = &document.id;
    let invoice = get(shared, &format!("/v1/invoices/{id}"));
    let minor = |name: &str| i128::from(invoice[name].as_i64().unwrap_or_default());
    let status = match invoice["status"].as_str()? {
        "open" => Status::Open,
        "paid" => Status::Paid,
        "uncollectible" => Status::Uncollectible,
        _ => return None,
    };
    let mut stripe = Payments {
        document: id.clone(),
        status,
        paid: minor("amount_paid"),
        out_of_band: minor("amount_paid_off_stripe"),
        overpaid: minor("amount_overpaid"),
        attempts: Vec::new(),
        refunds: Vec::new(),
        disputes: Vec::new(),
    };
    for row in rows(shared, &format!("/v1/invoice_payments?invoice={id}&limit=100")) {
        let Some(intent) = row["payment"]["payment_intent"].as_str() else { continue };
        stripe.attempts.push(attempt(&get(shared, &format!("/v1/payment_intents/{intent}"))));
        let amount = |of: &Value| i128::from(of["amount"].as_i64().unwrap_or_default());
        let refunds = rows(shared, &format!("/v1/refunds?payment_intent={intent}&limit=100"));
        stripe.refunds.extend(refunds.iter().filter(|refund| refund["status"] != "failed").map(amount));
        let disputes = rows(shared, &format!("/v1/disputes?payment_intent={intent}&limit=100"));
        stripe.disputes.extend(disputes.iter().map(|of| (amount(of), dispute(of))));
    }
    let record = records.iter().find(|record| record.stripe_invoice.as_ref() == Some(id));
    Some(Money { month: document.month, stripe, ledger: record.map(held) })
}

fn attempt(intent: &Value) -> Attempt {
    match intent["status"].as_str() {
        Some("succeeded") => Attempt::Succeeded,
        Some("processing") => Attempt::UnderWay,
        Some("requires_action") => Attempt::NeedsPayer,
        Some("requires_payment_method") if intent["last_payment_error"].is_object() => Attempt::Failed,
        _ => Attempt::Idle,
    }
}

fn dispute(of: &Value) -> Dispute {
    match of["status"].as_str() {
        Some("won") => Dispute::Won,
        Some("lost") => Dispute::Lost,
        Some("needs_response" | "under_review") => Dispute::Open,
        _ => Dispute::Inquiry,
    }
}

/// What the ledger says.
fn held(record: &InvoiceRecord) -> Held {
    let payment = &record.payment;
    Held {
        status: match record.state {
            InvoiceState::Open => Status::Open,
            InvoiceState::Uncollectible => Status::Uncollectible,
            InvoiceState::Void => Status::Void,
            _ => Status::Draft,
        },
        standing: match payment.status {
            PaymentStatus::None => Standing::None,
            PaymentStatus::Processing => Standing::Processing,
            PaymentStatus::Paid => Standing::Paid,
            PaymentStatus::Failed => Standing::Failed,
        },
        paid: payment.paid.into(),
        out_of_band: payment.off_stripe.into(),
        overpaid: payment.overpaid.into(),
        refunded: payment.refunded.into(),
        disputed: payment.disputed.into(),
    }
}

/// The newest method that was set up and not taken away, and what is charged.
fn methods(shared: &Shared, customer: &str) -> Methods {
    let intents = rows(shared, &format!("/v1/setup_intents?customer={customer}&limit=100"));
    let succeeded = intents.iter().filter(|intent| intent["status"] == "succeeded");
    let mut methods = succeeded.filter_map(|intent| intent["payment_method"].as_str());
    let newest = methods.find(|method| get(shared, &format!("/v1/payment_methods/{method}"))["customer"] == customer);
    let default = get(shared, &format!("/v1/customers/{customer}"));
    let default = default["invoice_settings"]["default_payment_method"].as_str();
    Methods { newest: newest.map(str::to_owned), default: default.map(str::to_owned) }
}
