//! The handle on one local Stripe: how it is set up, looked into and moved in time.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncGuard, Notify};

use crate::collection::Collection;
use crate::events::delivery::Attempt;
use crate::events::disturbance::Disturbance;
use crate::objects::{credit_note, invoice, webhook_endpoint};
use crate::observer::{Observer, Unobserved};
use crate::state::{Account, Ids, State, Time};

/// How many requests are remembered.
const LOG_LENGTH: usize = 10_000;

/// How the local Stripe is set up.
#[derive(Clone)]
pub struct Options {
    /// The secret keys that are let in; test keys (`sk_test_…`).
    pub keys: Vec<String>,
    /// The id of the account they belong to.
    pub account: String,
    /// The account's country, two letters.
    pub country: String,
    /// The currency of an invoice whose customer has none yet, lower case.
    pub currency: String,
    /// The time it is at the start; then only [`Stripe::advance`] moves it. None follows the wall clock.
    pub start: Option<Timestamp>,
    /// Ids repeat with the seed. None draws one.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            keys: vec!["sk_test_local".to_owned()],
            account: "acct_1LocalBillform".to_owned(),
            country: "US".to_owned(),
            currency: "usd".to_owned(),
            start: None,
            seed: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("keys", &self.keys.len())
            .field("account", &self.account)
            .field("country", &self.country)
            .field("currency", &self.currency)
            .field("start", &self.start)
            .field("seed", &self.seed)
            .finish()
    }
}

/// The kinds of objects a test can look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cus_…`
    Customer,
    /// `prod_…`
    Product,
    /// `price_…`
    Price,
    /// `in_…`
    Invoice,
    /// `ii_…`
    InvoiceItem,
    /// `evt_…`
    Event,
    /// `we_…`, without their secrets
    WebhookEndpoint,
    /// `clock_…`
    TestClock,
    /// `pm_…`
    PaymentMethod,
    /// `seti_…`
    SetupIntent,
    /// `mandate_…`
    Mandate,
    /// `cs_test_…`
    CheckoutSession,
    /// `bpc_…`
    PortalConfiguration,
    /// `pi_…`
    PaymentIntent,
    /// `ch_…`
    Charge,
    /// `inpay_…`
    InvoicePayment,
    /// `re_…`
    Refund,
    /// `du_…`
    Dispute,
    /// `cn_…`
    CreditNote,
    /// `cbtxn_…`
    BalanceTransaction,
}

/// One request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The template, as `POST /v1/invoices/{invoice}/finalize`.
    pub operation: String,
    /// The path with its ids.
    pub path: String,
    /// The `Stripe-Version` header.
    pub version: Option<String>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The status it was answered with, even where the answer was then lost.
    pub status: u16,
    /// Whether an earlier answer was repeated.
    pub replayed: bool,
}

/// A handle on one local Stripe; clones share it.
#[derive(Clone)]
pub struct Stripe {
    shared: Arc<Shared>,
}

struct Shared {
    keys: Vec<String>,
    state: Mutex<State>,
    log: Mutex<VecDeque<Seen>>,
    observer: Box<dyn Observer>,
    /// Told when there may be something to deliver.
    wake: Notify,
    /// Held by whoever delivers, so that no delivery is made twice.
    delivering: AsyncMutex<()>,
}

impl fmt::Debug for Stripe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stripe").field("account", &self.state().account.id).finish_non_exhaustive()
    }
}

impl Stripe {
    /// An empty account that nobody watches.
    pub fn new(options: Options) -> Stripe {
        Stripe::observed(options, Unobserved)
    }

    /// An empty account whose calls the observer counts and may disturb.
    pub fn observed(options: Options, observer: impl Observer) -> Stripe {
        let account = Account {
            name: "billform local".to_owned(),
            id: options.account,
            country: options.country,
            currency: options.currency,
        };
        let seed = options.seed.or_else(|| getrandom::u64().ok()).unwrap_or_default();
        let state = State::new(account, Time::new(options.start), Ids::new(seed));
        Stripe {
            shared: Arc::new(Shared {
                keys: options.keys,
                state: Mutex::new(state),
                log: Mutex::new(VecDeque::new()),
                observer: Box::new(observer),
                wake: Notify::new(),
                delivering: AsyncMutex::new(()),
            }),
        }
    }

    /// Every object of a kind as the API would answer it, newest first.
    pub fn objects(&self, kind: Kind) -> Vec<Value> {
        let state = self.state();
        let plain = |rows: &Collection| rows.newest_first().cloned().map(Value::Object).collect();
        match kind {
            Kind::Customer => plain(&state.customers),
            Kind::Product => plain(&state.products),
            Kind::Price => plain(&state.prices),
            Kind::InvoiceItem => plain(&state.items),
            Kind::Event => state.events.log.newest_first().map(|event| state.events.shown(event)).collect(),
            Kind::WebhookEndpoint => state.endpoints.newest_first().map(webhook_endpoint::shown).collect(),
            Kind::TestClock => plain(&state.test_clocks),
            Kind::PaymentMethod => plain(&state.payment_methods),
            Kind::SetupIntent => plain(&state.setup_intents),
            Kind::Mandate => plain(&state.mandates),
            Kind::CheckoutSession => plain(&state.checkout_sessions),
            Kind::PortalConfiguration => plain(&state.portal_configurations),
            Kind::PaymentIntent => plain(&state.payment_intents),
            Kind::Charge => plain(&state.charges),
            Kind::InvoicePayment => plain(&state.invoice_payments),
            Kind::Refund => plain(&state.refunds),
            Kind::Dispute => plain(&state.disputes),
            Kind::BalanceTransaction => plain(&state.balance_transactions),
            Kind::CreditNote => {
                state.credit_notes.newest_first().map(|note| credit_note::shown(&state, note)).collect()
            }
            Kind::Invoice => {
                state.invoices.newest_first().map(|invoice| invoice::view::shown(&state, invoice)).collect()
            }
        }
    }

    /// The objects that clients made, as one JSON object; events and test clocks are not among them.
    pub fn dump(&self) -> Value {
        json!({
            "customers": self.objects(Kind::Customer),
            "products": self.objects(Kind::Product),
            "prices": self.objects(Kind::Price),
            "invoices": self.objects(Kind::Invoice),
            "invoiceitems": self.objects(Kind::InvoiceItem),
            "payment_methods": self.objects(Kind::PaymentMethod),
            "setup_intents": self.objects(Kind::SetupIntent),
            "checkout_sessions": self.objects(Kind::CheckoutSession),
            "portal_configurations": self.objects(Kind::PortalConfiguration),
            "mandates": self.objects(Kind::Mandate),
            "payment_intents": self.objects(Kind::PaymentIntent),
            "charges": self.objects(Kind::Charge),
            "invoice_payments": self.objects(Kind::InvoicePayment),
            "refunds": self.objects(Kind::Refund),
            "disputes": self.objects(Kind::Dispute),
            "credit_notes": self.objects(Kind::CreditNote),
            "customer_balance_transactions": self.objects(Kind::BalanceTransaction),
            "webhook_endpoints": self.objects(Kind::WebhookEndpoint),
        })
    }

    /// The requests answered so far, oldest first (the last ten thousand).
    pub fn requests(&self) -> Vec<Seen> {
        self.log().iter().cloned().collect()
    }

    /// The time it is for this Stripe.
    pub fn now(&self) -> Timestamp {
        self.state().clock.now()
    }

    /// How many changes there were of a customer and what is theirs. While it stays the same, the answers to requests
    /// that only read them do, too: a caller that asks the same over and over may keep them.
    pub fn changes_of(&self, customer: &str) -> u64 {
        self.state().changes.get(customer).copied().unwrap_or_default()
    }

    /// Forgets every object and every idempotency key. The clock goes on, and no id comes up again.
    pub fn reset(&self) {
        let mut state = self.state();
        let ids = std::mem::replace(&mut state.ids, Ids::new(0));
        *state = State::new(state.account.clone(), state.clock.clone(), ids);
    }

    /// The attempts to deliver events, oldest first (the last ten thousand).
    pub fn attempts(&self) -> Vec<Attempt> {
        self.state().events.queue.attempts().to_vec()
    }

    /// Makes the deliveries of the events that follow come twice, late and in another order; none ends that.
    pub fn disturb(&self, disturbance: Option<Disturbance>) {
        self.state().events.queue.disturbance = disturbance;
    }

    pub(crate) fn wake(&self) {
        self.shared.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.shared.wake.notified().await;
    }

    pub(crate) async fn delivering(&self) -> AsyncGuard<'_, ()> {
        self.shared.delivering.lock().await
    }

    pub(crate) fn keys(&self) -> &[String] {
        &self.shared.keys
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        self.shared.observer.as_ref()
    }

    /// A panic in one request must not take the others along.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, VecDeque<Seen>> {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn record(&self, seen: Seen) {
        let mut log = self.log();
        if log.len() == LOG_LENGTH {
            log.pop_front();
        }
        log.push_back(seen);
    }
}
