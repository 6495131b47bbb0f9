//! A tenant with one issued invoice, in the strict Stripe and in the ledger, and the handlers that hear of its money.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use billing::invoice::{Collection, Composed, Finality, Invoice, InvoiceRecord, InvoiceState, MonthTerms};
use billing::ledger::{PaymentSetup, Stored, StripeEvent, invoices, payment_setup, stripe_events};
use billing::tenant::TenantRecord;
use billing::{Currency, Month};
use futures::executor::block_on;
use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use localstripe::{Kind, Options, Stripe};
use oracle::facts::Policy;
use runtime::handler::Started;
use runtime::run::Run;
use serde_json::{Value, json};
use simulator::{Endpoint, Form, Memory, Plan, Script, Shared, Webhook, send, start};

/// When a scenario begins.
const START: &str = "2026-11-05T08:00:00Z";

/// Kinds of objects whose ids differ from one play to another.
const KINDS: [(Kind, &str); 10] = [
    (Kind::Customer, "customer"),
    (Kind::Invoice, "invoice"),
    (Kind::PaymentMethod, "method"),
    (Kind::SetupIntent, "set-up"),
    (Kind::Mandate, "mandate"),
    (Kind::PaymentIntent, "intent"),
    (Kind::Charge, "charge"),
    (Kind::Refund, "refund"),
    (Kind::Dispute, "dispute"),
    (Kind::CreditNote, "note"),
];

pub struct World {
    pub shared: Arc<Shared>,
    pub webhook: Webhook,
    pub endpoints: Vec<Endpoint>,
    pub customer: String,
    pub invoice: String,
    sweep: Box<dyn Started>,
}

/// What the ledger says of the tenant's money, but for ids, versions and times of writing.
#[derive(Clone, Debug, PartialEq)]
pub struct Books {
    /// Each invoice's record.
    pub invoices: Vec<Value>,
    pub setup: Option<Value>,
    pub balance: Value,
}

pub fn october() -> Month {
    Month::of(date(2026, 10, 1))
}

fn tenant(customer: &str) -> TenantRecord {
    serde_json::from_value(json!({
        "id": "acme", "name": "Acme", "email": "billing@example.com", "locale": "en-US", "currency": "EUR", "tags": {},
        "terms": [{}], "days_until_due": 30, "link_version": 1, "stripe_customer": customer,
    }))
    .expect("a tenant")
}

fn record(tenant: &TenantRecord, invoice: &str) -> InvoiceRecord {
    let composed = Invoice {
        tenant: "acme".to_owned(),
        month: october(),
        currency: Currency::EUR,
        lines: Vec::new(),
        total: "100.00 EUR".parse().expect("money"),
        cost_usd: "100".parse().expect("a number"),
        exchange: None,
        steps: Vec::new(),
    };
    let terms = MonthTerms { exchange: None, terms: tenant.terms[0].clone() };
    let composed = Composed { invoice: composed, drawn: Vec::new() };
    InvoiceRecord {
        state: InvoiceState::Open,
        since: Some(Timestamp::UNIX_EPOCH),
        stripe_invoice: Some(invoice.to_owned()),
        livemode: Some(false),
        finality: Finality::Complete,
        ..InvoiceRecord::claimed(tenant, terms, Collection::SendInvoice, composed)
    }
}

impl World {
    /// With that many endpoints, which all events go to.
    pub fn new(endpoints: usize) -> World {
        let start_at: Timestamp = START.parse().expect("a time");
        let stripe = Stripe::new(Options { start: Some(start_at), seed: Some(1), ..Options::default() });
        let month = oracle::month::Month::new(2026, 10);
        let plan = Plan { seed: 1, first: month, last: month, policy: Policy::default(), events: Vec::new() };
        let shared = Arc::new(Shared::new(Script::new(&plan), stripe, None));
        let ports = Arc::new(Memory::new(Arc::clone(&shared)));
        let webhook = Webhook::new(Arc::clone(&shared), &plan.policy, ports.clone()).expect("it starts");
        let sweep = start("payment_sweep", &plan.policy, true, ports).expect("it starts");
        let endpoints: Vec<Endpoint> = (0..endpoints).map(|_| webhook.endpoint()).collect();
        let secret = match endpoints.as_slice() {
            [] => String::new(),
            [one] => one.secret.clone(),
            [previous, current, ..] => json!({"current": current.secret, "previous": previous.secret}).to_string(),
        };
        shared.set_signing_secret(&secret);
        let mut world = World { shared, webhook, endpoints, customer: String::new(), invoice: String::new(), sweep };
        world.customer = world.id_of("/v1/customers", &[("name", "Acme"), ("email", "billing@example.com")]);
        world.invoice = world.issued("2026-10");
        let tenant = tenant(&world.customer);
        let record = record(&tenant, &world.invoice);
        for item in [Stored::of("acme", &tenant), Stored::of("acme", &record)] {
            world.shared.ledger.set(item.expect("an item"));
        }
        world
    }

    /// Makes and finalises an invoice of 100.00 EUR in Stripe, as the invoicer does.
    fn issued(&self, period: &str) -> String {
        let invoice = self.drafted(period);
        self.post(&format!("/v1/invoices/{invoice}/finalize"), &[("auto_advance", "true")]).expect("it is issued");
        invoice
    }

    /// A draft of 100.00 EUR with our metadata.
    pub fn drafted(&self, period: &str) -> String {
        let invoice = self.id_of(
            "/v1/invoices",
            &[
                ("customer", &self.customer),
                ("currency", "eur"),
                ("auto_advance", "false"),
                ("collection_method", "send_invoice"),
                ("days_until_due", "30"),
                ("metadata[billform_tenant]", "acme"),
                ("metadata[billform_period]", period),
                ("metadata[billform_revision]", "1"),
            ],
        );
        let line = [("lines[0][amount]", "10000"), ("lines[0][description]", "AWS Lambda")];
        self.post(&format!("/v1/invoices/{invoice}/add_lines"), &line).expect("lines");
        invoice
    }

    pub fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Option<Value> {
        let mut form = Form::default();
        for (name, value) in pairs {
            form.add(*name, *value);
        }
        send(&self.shared, ("POST", path), &form).ok()
    }

    /// The id of what a request makes.
    pub fn id_of(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let made = self.post(path, pairs).unwrap_or_else(|| panic!("{path} is refused: {pairs:?}"));
        made["id"].as_str().expect("an id").to_owned()
    }

    /// The newest object of a kind.
    pub fn newest(&self, kind: Kind) -> Value {
        self.shared.stripe.objects(kind).into_iter().next().unwrap_or_else(|| panic!("there is no {kind:?}"))
    }

    pub fn newest_id(&self, kind: Kind) -> String {
        self.newest(kind)["id"].as_str().expect("an id").to_owned()
    }

    pub fn wait(&self, hours: i64) {
        self.shared.move_to(self.shared.now() + SignedDuration::from_hours(hours));
    }

    /// Runs the nightly sweep once; its answer.
    pub fn sweep(&self, event: Value) -> Value {
        let run = Run::lasting("sweep", Duration::from_secs(900));
        let outcome = block_on(self.sweep.handle(event, &run)).expect("a sweep");
        serde_json::from_str(outcome.answer.get()).expect("an answer")
    }

    pub fn record(&self) -> InvoiceRecord {
        let found = block_on(invoices::of_month(&self.shared.ledger, "acme", october())).expect("the ledger");
        found.expect("a record")
    }

    pub fn setup(&self) -> Option<PaymentSetup> {
        block_on(payment_setup::one(&self.shared.ledger, "acme")).expect("the ledger")
    }

    pub fn row(&self, event: &str) -> Option<StripeEvent> {
        block_on(stripe_events::one(&self.shared.ledger, event)).expect("the ledger")
    }

    pub fn books(&self) -> Books {
        let names = self.names();
        let shown = |mut value: Value, without: &[&str]| {
            let fields = value.as_object_mut().expect("an object");
            without.iter().for_each(|name| drop(fields.remove(*name)));
            named(&names, &value.to_string())
        };
        let records = block_on(invoices::all(&self.shared.ledger, "acme")).expect("the ledger");
        let records = records.iter().map(|record| serde_json::to_value(record).expect("JSON"));
        let setup = self.setup().map(|setup| serde_json::to_value(setup).expect("JSON"));
        let balance = block_on(billing::ledger::balances::entries(&self.shared.ledger, "acme")).expect("the ledger");
        Books {
            invoices: records.map(|record| shown(record, &["version", "since", "lease"])).collect(),
            setup: setup.map(|setup| shown(setup, &["version", "at"])),
            balance: serde_json::to_value(balance).expect("JSON"),
        }
    }

    /// Ids as what they are the id of, in the order in which they were made.
    fn names(&self) -> BTreeMap<String, String> {
        let mut names = BTreeMap::new();
        for (kind, noun) in KINDS {
            for (at, object) in self.shared.stripe.objects(kind).iter().rev().enumerate() {
                names.insert(object["id"].as_str().unwrap_or_default().to_owned(), format!("{noun} {at}"));
            }
        }
        names.insert(self.customer.clone(), "customer".to_owned());
        names
    }
}

fn named(names: &BTreeMap<String, String>, text: &str) -> Value {
    let text = names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
    serde_json::from_str(&text).expect("JSON")
}
