//! Everything the local Stripe remembers, and the two sources of what is new: its clock and its ids.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::agenda::Agenda;
use crate::collection::Collection;
use crate::events::catalogue::EventType;
use crate::events::{Events, Happened, Origin, previous_attributes};
use crate::objects::balance_transaction::Movements;
use crate::objects::payment::page;
use crate::objects::payment::test_method::Debit;
use crate::wire::error::ApiError;
use crate::wire::idempotency::Keys;
use crate::wire::object::{self, Object};

/// The API version of a request that names none, and of the events: what async-stripe speaks.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// Who the keys belong to.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) country: String,
    pub(crate) currency: String,
    pub(crate) name: String,
}

/// The wall clock moved by what tests advanced, or a clock that only they move.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    start: Option<Timestamp>,
    advanced: SignedDuration,
}

impl Time {
    pub(crate) fn new(start: Option<Timestamp>) -> Time {
        Time { start, advanced: SignedDuration::ZERO }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let base = self.start.unwrap_or_else(Timestamp::now);
        base.checked_add(self.advanced).unwrap_or(Timestamp::MAX)
    }

    /// Moves forward to that time; a time that has passed changes nothing.
    pub(crate) fn advance_to(&mut self, to: Timestamp) {
        let by = to.duration_since(self.now()).max(SignedDuration::ZERO);
        self.advanced = self.advanced.saturating_add(by);
    }

    /// Whether time passes by itself.
    pub(crate) fn runs(&self) -> bool {
        self.start.is_none()
    }
}

/// Ids like Stripe's; the seed keeps those of two runs apart.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: u64,
    made: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Ids {
        Ids { seed, made: 0 }
    }

    /// `PREFIX_` and fourteen letters and digits.
    pub(crate) fn next(&mut self, prefix: &str) -> String {
        format!("{prefix}_{}", self.letters(14))
    }

    /// Letters and digits that no other call of this run gave.
    pub(crate) fn letters(&mut self, count: usize) -> String {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        self.made += 1;
        let mut hash = Sha256::new();
        hash.update(self.seed.to_le_bytes());
        hash.update(self.made.to_le_bytes());
        let bytes = hash.finalize();
        bytes.iter().take(count).map(|byte| char::from(ALPHABET[usize::from(*byte) % 62])).collect()
    }
}

/// All objects, by kind, and what connects them.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) account: Account,
    pub(crate) clock: Time,
    pub(crate) ids: Ids,
    pub(crate) keys: Keys,
    pub(crate) customers: Collection,
    pub(crate) products: Collection,
    pub(crate) prices: Collection,
    pub(crate) invoices: Collection,
    pub(crate) items: Collection,
    /// The items of each invoice in the order of its lines.
    pub(crate) lines: HashMap<String, Vec<String>>,
    /// Items that were pending before an invoice took them; they are pending again when it is deleted.
    pub(crate) pulled: HashSet<String>,
    pub(crate) payment_methods: Collection,
    /// The published test method behind each payment method.
    pub(crate) test_methods: HashMap<String, String>,
    /// Methods that were set up for payments without their customer.
    pub(crate) set_up: HashSet<String>,
    /// Methods that may not be attached any more: they were detached, or used without being attached.
    pub(crate) spent: HashSet<String>,
    /// What the bank answers about debits of a method, where a test asked for it.
    pub(crate) debits: HashMap<String, Debit>,
    pub(crate) setup_intents: Collection,
    pub(crate) mandates: Collection,
    /// The mandate of each method that has one.
    pub(crate) mandate_of: HashMap<String, String>,
    pub(crate) checkout_sessions: Collection,
    /// The Checkout session of each intent that has one.
    pub(crate) checkout_of: HashMap<String, String>,
    /// What the payment of each Checkout session in payment mode will be.
    pub(crate) checkout_payments: HashMap<String, Object>,
    pub(crate) portal_configurations: Collection,
    /// The portal sessions by the secret in their addresses.
    pub(crate) portal_sessions: HashMap<String, Object>,
    /// Where the bank's page sends the customer of an intent.
    pub(crate) returns_to: HashMap<String, String>,
    pub(crate) payment_intents: Collection,
    pub(crate) charges: Collection,
    pub(crate) invoice_payments: Collection,
    /// The movements of the account's balance.
    pub(crate) movements: Movements,
    /// The payments of each invoice beside its default one, oldest first.
    pub(crate) paid_also_by: HashMap<String, Vec<String>>,
    /// The default payment of each invoice.
    pub(crate) paid_by: HashMap<String, String>,
    /// The invoice of each payment intent.
    pub(crate) pays_for: HashMap<String, String>,
    pub(crate) refunds: Collection,
    pub(crate) disputes: Collection,
    pub(crate) balance_transactions: Collection,
    pub(crate) credit_notes: Collection,
    /// All lines of each credit note.
    pub(crate) credit_note_lines: HashMap<String, Vec<Object>>,
    /// What falls due by itself.
    pub(crate) agenda: Agenda,
    pub(crate) endpoints: Collection,
    pub(crate) test_clocks: Collection,
    pub(crate) events: Events,
    /// How many events there were about each customer and what is theirs.
    pub(crate) changes: HashMap<String, u64>,
    /// Where pages for browsers stand, `http://127.0.0.1:4243`: as the last request named the host.
    pub(crate) base: String,
    /// The request that is being carried out; empty while the clock works.
    pub(crate) origin: Origin,
}

impl State {
    pub(crate) fn new(account: Account, clock: Time, ids: Ids) -> State {
        State {
            account,
            clock,
            ids,
            keys: Keys::default(),
            customers: Collection::new("customer"),
            products: Collection::new("product"),
            prices: Collection::new("price"),
            invoices: Collection::new("invoice"),
            items: Collection::new("invoiceitem"),
            lines: HashMap::new(),
            pulled: HashSet::new(),
            payment_methods: Collection::new("PaymentMethod"),
            test_methods: HashMap::new(),
            set_up: HashSet::new(),
            spent: HashSet::new(),
            debits: HashMap::new(),
            setup_intents: Collection::new("setupintent"),
            mandates: Collection::new("mandate"),
            mandate_of: HashMap::new(),
            checkout_sessions: Collection::new("checkout.session"),
            checkout_of: HashMap::new(),
            checkout_payments: HashMap::new(),
            portal_configurations: Collection::new("configuration"),
            portal_sessions: HashMap::new(),
            returns_to: HashMap::new(),
            payment_intents: Collection::new("payment_intent"),
            charges: Collection::new("charge"),
            invoice_payments: Collection::new("invoice payment"),
            movements: Movements::default(),
            paid_also_by: HashMap::new(),
            paid_by: HashMap::new(),
            pays_for: HashMap::new(),
            refunds: Collection::new("refund"),
            disputes: Collection::new("dispute"),
            balance_transactions: Collection::new("customer balance transaction"),
            credit_notes: Collection::new("credit note"),
            credit_note_lines: HashMap::new(),
            agenda: Agenda::default(),
            endpoints: Collection::new("webhook endpoint"),
            test_clocks: Collection::new("test clock"),
            events: Events::new(),
            changes: HashMap::new(),
            base: page::base(""),
            origin: Origin::default(),
        }
    }

    /// The clock's time in unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// The time by which a customer's objects live, in unix seconds: that of its test clock, or this account's own.
    pub(crate) fn now_of(&self, customer: &str) -> i64 {
        let clock = self.test_clock_of(customer).and_then(|clock| self.test_clocks.find(clock).ok());
        clock.and_then(|clock| object::integer(clock, "frozen_time")).unwrap_or_else(|| self.now())
    }

    /// The id of a customer's test clock.
    pub(crate) fn test_clock_of(&self, customer: &str) -> Option<&str> {
        self.customers.find(customer).ok().and_then(|customer| object::text(customer, "test_clock"))
    }

    /// The one place where events are born: logs what happened to an object and queues its delivery.
    pub(crate) fn emit(&mut self, kind: EventType, object: &Value) {
        self.happened(kind, object, None);
    }

    /// What is a customer's changed without an event about it: [`crate::Stripe::changes_of`] counts that too.
    pub(crate) fn touch(&mut self, customer: &str) {
        *self.changes.entry(customer.to_owned()).or_default() += 1;
    }

    /// Emits an update with the previous values of what changed; nothing when nothing did.
    pub(crate) fn emit_update(&mut self, kind: EventType, before: &Value, after: &Value) {
        if let Some(previous) = previous_attributes(before, after) {
            self.happened(kind, after, Some(previous));
        }
    }

    fn happened(&mut self, kind: EventType, object: &Value, previous: Option<Object>) {
        self.concerned(object, previous.as_ref()).iter().for_each(|customer| self.touch(customer));
        let happened = Happened {
            id: self.ids.next("evt"),
            at: self.now(),
            kind,
            object,
            previous,
            origin: &self.origin,
            api_version: API_VERSION,
        };
        self.events.emit(happened, &self.endpoints);
    }

    /// The customers that something happens to: whose the object is or was, and whose its charge is.
    fn concerned(&self, object: &Value, previous: Option<&Object>) -> Vec<String> {
        let own = if object["object"] == "customer" { "id" } else { "customer" };
        let before = previous.and_then(|previous| object::text(previous, "customer"));
        let charge = object["charge"].as_str().and_then(|charge| self.charges.find(charge).ok());
        let charged = charge.and_then(|charge| object::text(charge, "customer"));
        [object[own].as_str(), before, charged].into_iter().flatten().map(str::to_owned).collect()
    }

    /// Refuses a list filter that names a customer who never was.
    pub(crate) fn known_customer(&self, params: &Object) -> Result<(), ApiError> {
        match object::text(params, "customer") {
            Some(id) if !self.customers.was_deleted(id) => {
                self.customers.find(id).map(|_| ()).map_err(|error| error.in_param("customer"))
            }
            _ => Ok(()),
        }
    }

    /// The items of an invoice in the order of its lines.
    pub(crate) fn items_of(&self, invoice: &str) -> Vec<&Object> {
        let ids = self.lines.get(invoice).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.items.find(id).ok()).collect()
    }

    /// The items of a customer that no invoice has taken, newest first.
    pub(crate) fn pending_items(&self, customer: &str) -> Vec<&Object> {
        self.items
            .newest_first()
            .filter(|item| object::text(item, "customer") == Some(customer))
            .filter(|item| object::text(item, "invoice").is_none())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_started_clock_moves_only_when_told() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let mut clock = Time::new(Some(start));
        assert_eq!(clock.now(), start);
        clock.advance_to(start + SignedDuration::from_hours(25));
        assert_eq!(clock.now().as_second(), 1_800_000_000 + 25 * 3600);
        clock.advance_to(start);
        assert_eq!(clock.now().as_second(), 1_800_000_000 + 25 * 3600, "it never goes back");
    }

    #[test]
    fn ids_differ_and_repeat_with_the_seed() {
        let (mut first, mut again, mut other) = (Ids::new(1), Ids::new(1), Ids::new(2));
        let id = first.next("cus");
        assert_eq!(id.len(), 18);
        assert_eq!(id, again.next("cus"));
        assert_ne!(id, first.next("cus"));
        assert_ne!(id, other.next("cus"));
    }
}
