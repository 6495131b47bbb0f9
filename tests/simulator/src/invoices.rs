//! Stripe's invoices through the strict Stripe, in this process: the adapter's own requests, and the defects that lie in
//! what is asked or believed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use billing::invoice::{Attempt, Remote, RemoteCreditNote, RemoteStatus};
use billing::money::MinorUnits;
use billing::names::{STATE_METADATA, TENANT_METADATA, TOTAL_METADATA};
use runtime::adapters::stripe::{StripePayments, requests};
use runtime::ports::{
    CreditRequest, DraftRequest, Invoices, LinesRequest, PortError, RefundRequest, RemoveRequest, StepRequest,
    UpdateRequest,
};
use runtime::secret::Secret;
use serde_json::Value;
use stripe::StripeRequest;

use super::exchange::LocalExchange;
use super::planted::Planted;
use super::requests::{all, ask};
use super::shared::Shared;

/// How many changes there were before a listing, and the listing.
type Listing = (u64, Arc<Vec<Value>>);

/// The last listing of each customer's invoices.
#[derive(Debug, Default)]
pub struct Listings(Mutex<BTreeMap<String, Listing>>);

/// Stripe's invoices.
pub struct StripeInvoices {
    shared: Arc<Shared>,
    key: Secret,
    /// Every run lists every customer's invoices, and on most days nothing happened to them.
    listings: Arc<Listings>,
}

impl StripeInvoices {
    /// Under a key.
    pub fn new(shared: Arc<Shared>, key: Secret, listings: Arc<Listings>) -> StripeInvoices {
        StripeInvoices { shared, key, listings }
    }

    /// Lists a customer's invoices, or repeats the last listing where nothing happened to them since.
    fn invoices_of(&self, doing: &'static str, customer: &str) -> Result<Arc<Vec<Value>>, PortError> {
        let changes = self.shared.stripe.changes_of(customer);
        let mut listings = self.listings.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, listed)) = listings.get(customer).filter(|(at, _)| *at == changes) {
            return Ok(Arc::clone(listed));
        }
        let listed = Arc::new(self.listed(doing, &requests::of_customer(customer))?);
        listings.insert(customer.to_owned(), (changes, Arc::clone(&listed)));
        Ok(listed)
    }

    fn write(&self, doing: &'static str, request: &impl StripeRequest, key: &str) -> Result<Remote, PortError> {
        let answer = ask(&self.shared, &self.key, request, Some(key));
        let answer = answer.map_err(|refusal| PortError::new(doing, refusal))?;
        self.believed(&answer, doing)
    }

    /// The same as a whole call through the gate.
    async fn step(
        &self,
        doing: &'static str,
        request: &(impl StripeRequest + Sync),
        key: &str,
    ) -> Result<Remote, PortError> {
        let due = self.shared.gate.begin(doing).await?;
        let done = self.write(doing, request, key);
        self.shared.gate.end(doing, due, done)
    }

    /// What a request finds; none of what Stripe does not know.
    fn found(&self, doing: &'static str, request: &impl StripeRequest) -> Result<Option<Value>, PortError> {
        match ask(&self.shared, &self.key, request, None) {
            Ok(answer) => Ok(Some(answer)),
            Err(refusal) if refusal.status == 404 => Ok(None),
            Err(refusal) => Err(PortError::new(doing, refusal)),
        }
    }

    fn listed(&self, doing: &'static str, first: &impl StripeRequest) -> Result<Vec<Value>, PortError> {
        all(&self.shared, &self.key, first).map_err(|refusal| PortError::new(doing, refusal))
    }

    /// What the handler believes of an answer: itself, but for the defects that do not look.
    fn believed(&self, answer: &Value, doing: &'static str) -> Result<Remote, PortError> {
        let mut remote = remote(answer).ok_or_else(|| PortError::new(doing, "it is not an invoice"))?;
        let is_void = remote.status == RemoteStatus::Void;
        self.shared.with_trace(|trace| match trace.last_answers.get(&remote.id).filter(|_| is_void) {
            Some(before) if self.shared.has(Planted::VoidedUnnoticed) => {
                remote = self::remote(before).unwrap_or(remote.clone());
            }
            Some(_) => {}
            None if self.shared.planted.is_some() => drop(trace.last_answers.insert(remote.id.clone(), answer.clone())),
            None => {}
        });
        let is_half_drawn = self.shared.with_trace(|trace| trace.half_drawn.contains(&remote.id));
        if self.shared.has(Planted::EditedUnnoticed) || is_half_drawn {
            let stated = remote.metadata.get(TOTAL_METADATA).and_then(|total| total.parse().ok());
            remote.total = stated.map_or(remote.total, MinorUnits);
        }
        Ok(remote)
    }

    /// What the handler believes of an invoice that Stripe does not know.
    fn gone(&self, id: &str) -> Option<Remote> {
        let last = self.shared.with_trace(|trace| trace.last_answers.get(id).cloned());
        last.filter(|_| self.shared.has(Planted::DeletedUnnoticed)).as_ref().and_then(remote)
    }
}

#[async_trait]
impl Invoices for StripeInvoices {
    async fn of_customer(&self, customer: &str) -> Result<Vec<Remote>, PortError> {
        const DOING: &str = "list Stripe's invoices";
        let due = self.shared.gate.begin(DOING).await?;
        let found = self.invoices_of(DOING, customer).and_then(|found| {
            let ours = found.iter().filter(|invoice| !invoice["metadata"][TENANT_METADATA].is_null());
            let ours = ours.filter(|invoice| {
                !self.shared.has(Planted::DoubleDraft) || !invoice["metadata"][STATE_METADATA].is_null()
            });
            ours.map(|invoice| self.believed(invoice, DOING)).collect()
        });
        self.shared.gate.end(DOING, due, found)
    }

    async fn invoice(&self, id: &str) -> Result<Option<Remote>, PortError> {
        const DOING: &str = "read a Stripe invoice";
        let due = self.shared.gate.begin(DOING).await?;
        let found = self.found(DOING, &requests::invoice(id)).and_then(|found| match found {
            Some(invoice) => self.believed(&invoice, DOING).map(Some),
            None => Ok(self.gone(id)),
        });
        self.shared.gate.end(DOING, due, found)
    }

    async fn create_draft(&self, request: &DraftRequest) -> Result<Remote, PortError> {
        const DOING: &str = CREATE_DRAFT;
        let due = self.shared.gate.begin(DOING).await?;
        let mut key = request.idempotency_key.clone();
        if self.shared.has(Planted::DoubleDraft) {
            key.push_str(&self.shared.with_trace(|trace| trace.requests.to_string()));
        }
        let created = self.write(DOING, &requests::create(request), &key);
        self.shared.gate.end(DOING, due, created)
    }

    async fn add_lines(&self, request: &LinesRequest) -> Result<Remote, PortError> {
        const DOING: &str = ADD_LINES;
        let half = self.shared.has(Planted::HalfDrawn);
        let due = self.shared.gate.begin(DOING).await;
        let request = match (&due, half) {
            // The run is killed between two calls of half the lines each.
            (Err(_), true) => {
                &LinesRequest { lines: request.lines[request.lines.len() / 2..].to_vec(), ..request.clone() }
            }
            _ => request,
        };
        if due.is_err() && half {
            self.shared.with_trace(|trace| trace.half_drawn.insert(request.invoice.clone()));
        } else if due.is_err() {
            due?;
            return Err(PortError::new(DOING, "the process was killed"));
        }
        let added = self.write(DOING, &requests::add_lines(request)?, &request.idempotency_key);
        let now = self.shared.now();
        self.shared.with_trace(|trace| trace.drawn_at.insert(request.invoice.clone(), now));
        self.shared.gate.end(DOING, due?, added)
    }

    async fn line_ids(&self, invoice: &str) -> Result<Vec<String>, PortError> {
        const DOING: &str = "list an invoice's lines";
        let due = self.shared.gate.begin(DOING).await?;
        let lines = self.listed(DOING, &requests::lines(invoice));
        let ids = lines.map(|lines| lines.iter().filter_map(|line| line["id"].as_str().map(str::to_owned)).collect());
        self.shared.gate.end(DOING, due, ids)
    }

    async fn remove_lines(&self, request: &RemoveRequest) -> Result<Remote, PortError> {
        self.step("remove a draft's lines", &requests::remove_lines(request), &request.idempotency_key).await
    }

    async fn update(&self, request: &UpdateRequest) -> Result<Remote, PortError> {
        self.step("update a draft", &requests::update(request), &request.idempotency_key).await
    }

    async fn finalize(&self, step: &StepRequest) -> Result<Remote, PortError> {
        const DOING: &str = "finalise an invoice";
        let due = self.shared.gate.begin(DOING).await?;
        let finalized = self.write(DOING, &requests::finalize(step), &step.idempotency_key);
        let now = self.shared.now();
        if finalized.is_ok() {
            self.shared.with_trace(|trace| trace.issued_at.entry(step.invoice.clone()).or_insert(now).to_owned());
        }
        self.shared.gate.end(DOING, due, finalized)
    }

    async fn send(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.step("send an invoice", &requests::send(step), &step.idempotency_key).await
    }

    async fn void(&self, step: &StepRequest) -> Result<Remote, PortError> {
        self.step("void an invoice", &requests::void(step), &step.idempotency_key).await
    }

    async fn payments(&self, invoice: &str) -> Result<Vec<Attempt>, PortError> {
        StripePayments::new(LocalExchange::new(Arc::clone(&self.shared), self.key.clone())).of_invoice(invoice).await
    }

    async fn credit_notes(&self, invoice: &str) -> Result<Vec<RemoteCreditNote>, PortError> {
        const DOING: &str = "list an invoice's credit notes";
        let due = self.shared.gate.begin(DOING).await?;
        let notes = match self.shared.has(Planted::CreditedTwice) {
            true => Ok(Vec::new()),
            false => self.listed(DOING, &requests::credit_notes(invoice)),
        };
        let notes = notes.map(|notes| notes.iter().filter_map(credit_note).collect());
        self.shared.gate.end(DOING, due, notes)
    }

    async fn credit(&self, request: &CreditRequest) -> Result<RemoteCreditNote, PortError> {
        const DOING: &str = CREDIT;
        let due = self.shared.gate.begin(DOING).await?;
        let mut key = request.idempotency_key.clone();
        if self.shared.has(Planted::CreditedTwice) {
            key.push_str(&self.shared.with_trace(|trace| trace.requests.to_string()));
        }
        let answer = ask(&self.shared, &self.key, &requests::credit(request), Some(&key));
        let answer = answer.map_err(|refusal| PortError::new(DOING, refusal));
        let unread = || PortError::new(DOING, "it is not a credit note");
        let issued = answer.and_then(|answer| credit_note(&answer).ok_or_else(unread));
        self.shared.gate.end(DOING, due, issued)
    }

    async fn refund_of(&self, request: &RefundRequest) -> Result<Option<String>, PortError> {
        StripePayments::new(LocalExchange::new(Arc::clone(&self.shared), self.key.clone())).refund_of(request).await
    }

    async fn refund(&self, request: &RefundRequest) -> Result<String, PortError> {
        StripePayments::new(LocalExchange::new(Arc::clone(&self.shared), self.key.clone())).refund(request).await
    }

    async fn delete_draft(&self, invoice: &str) -> Result<(), PortError> {
        const DOING: &str = "delete a draft";
        let due = self.shared.gate.begin(DOING).await?;
        let deleted = self.found(DOING, &requests::delete(invoice)).map(drop);
        self.shared.gate.end(DOING, due, deleted)
    }

    async fn can_charge(&self, customer: &str) -> Result<bool, PortError> {
        const DOING: &str = "read a Stripe customer";
        let due = self.shared.gate.begin(DOING).await?;
        let found = self.found(DOING, &requests::customer(customer));
        let is_chosen = |customer: &Value| {
            !customer["invoice_settings"]["default_payment_method"].is_null() || !customer["default_source"].is_null()
        };
        let can = found.map(|found| found.as_ref().is_some_and(is_chosen));
        self.shared.gate.end(DOING, due, can)
    }
}

/// What creating a draft is called at the gate.
pub const CREATE_DRAFT: &str = "create a draft invoice";
/// What issuing a credit note is called at the gate.
pub const CREDIT: &str = "issue a credit note";
/// What adding lines is called at the gate.
pub const ADD_LINES: &str = "add an invoice's lines";

/// A credit note as far as the ledger compares it; none where the answer is not one.
fn credit_note(note: &Value) -> Option<RemoteCreditNote> {
    Some(RemoteCreditNote {
        id: note["id"].as_str()?.to_owned(),
        amount: MinorUnits(note["amount"].as_i64()?),
        after_payment: MinorUnits(note["post_payment_amount"].as_i64()?),
        metadata: metadata(note),
    })
}

fn metadata(object: &Value) -> BTreeMap<String, String> {
    let pairs = object["metadata"].as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// An invoice as far as the ledger compares it; none where the answer is not one.
fn remote(invoice: &Value) -> Option<Remote> {
    let number = |name: &str| invoice[name].as_i64().unwrap_or_default();
    let status = match invoice["status"].as_str() {
        Some("draft") => RemoteStatus::Draft,
        Some("open") => RemoteStatus::Open,
        Some("paid") => RemoteStatus::Paid,
        Some("uncollectible") => RemoteStatus::Uncollectible,
        Some("void") => RemoteStatus::Void,
        Some(other) => RemoteStatus::Unknown(other.to_owned()),
        None => RemoteStatus::Unknown("without a status".to_owned()),
    };
    let starting = number("starting_balance");
    let after = invoice["ending_balance"].as_i64().unwrap_or(starting);
    Some(Remote {
        id: invoice["id"].as_str()?.to_owned(),
        status,
        total: MinorUnits(number("total")),
        currency: invoice["currency"].as_str()?.to_ascii_uppercase(),
        livemode: invoice["livemode"].as_bool().unwrap_or_default(),
        has_lines: invoice["lines"]["data"].as_array().is_some_and(|lines| !lines.is_empty()),
        paid: MinorUnits(number("amount_paid")),
        remaining: MinorUnits(number("amount_remaining")),
        credited_unpaid: MinorUnits(number("pre_payment_credit_notes_amount")),
        credited_paid: MinorUnits(number("post_payment_credit_notes_amount")),
        by_balance: MinorUnits((after - starting).max(0)),
        off_stripe: MinorUnits(number("amount_paid_off_stripe")),
        overpaid: MinorUnits(number("amount_overpaid")),
        attempted: invoice["attempted"].as_bool().unwrap_or_default(),
        metadata: metadata(invoice),
    })
}
