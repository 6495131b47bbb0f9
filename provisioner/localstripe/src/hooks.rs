//! What a test makes happen that no request of a client does: a bank that answers, a customer that complains or pays.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::handle::Stripe;
use crate::objects::checkout_session::complete;
use crate::objects::invoice::{schedule, transition};
use crate::objects::payment::intent::confirm::Attempt;
use crate::objects::payment::invoice_payment::attach;
use crate::objects::payment::test_method::{Complaint, Debit, debit_failure};
use crate::objects::payment::{attempt, dispute, intent, mandate, method, refund, setup_intent};
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{fields, text};

/// Why a hook could not do what it was asked for, in the words of the API where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the local Stripe cannot do that: {0}")]
pub struct Refused(String);

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Refused {
        Refused(error.message)
    }
}

impl Stripe {
    /// The bank has seen the customer of a payment intent (`pi_…`) or setup intent (`seti_…`) that waits for its customer,
    /// or has not (`passed` false). A payment that is declined afterwards is no error.
    pub fn authenticate(&self, intent: &str, passed: bool) -> Result<(), Refused> {
        self.hook(|state| {
            authenticate(state, intent, passed)?;
            match state.checkout_of.get(intent).cloned() {
                Some(session) => complete::returned(state, &session, intent).map(|_| ()),
                None => Ok(()),
            }
        })
    }

    /// A customer complains about a charge (`ch_…`) or the last charge of a payment intent (`pi_…`), for one of the reasons
    /// of the API (`fraudulent`, `duplicate`, `general` …); answers the dispute's id.
    pub fn open_dispute(&self, charge: &str, reason: &str) -> Result<String, Refused> {
        const REASONS: [&str; 8] = [
            "fraudulent",
            "duplicate",
            "general",
            "credit_not_processed",
            "product_not_received",
            "product_unacceptable",
            "subscription_canceled",
            "unrecognized",
        ];
        let Some(reason) = REASONS.into_iter().find(|known| *known == reason) else {
            return Err(Refused(format!("`{reason}` is no reason; known are {}", REASONS.join(", "))));
        };
        self.hook(|state| {
            let of_intent = state.payment_intents.find(charge).ok().and_then(|intent| text(intent, "latest_charge"));
            let charge = of_intent.unwrap_or(charge).to_owned();
            dispute::open(state, &charge, Complaint { reason, inquiry: false })
        })
    }

    /// The bank decides a dispute (`du_…`), for the account (`won`) or for its customer.
    pub fn close_dispute(&self, dispute: &str, won: bool) -> Result<(), Refused> {
        self.hook(|state| dispute::end(state, dispute, if won { "won" } else { "lost" }).map(|_| ()))
    }

    /// The money of a refund (`re_…`) comes back.
    pub fn fail_refund(&self, refund: &str) -> Result<(), Refused> {
        self.hook(|state| refund::fail(state, refund, "declined"))
    }

    /// The bank answers about the later debits of a method (`pm_…`) after that time, by the clock of the customer: with that
    /// failure (`insufficient_funds`, `account_closed`, `no_account`, `debit_not_authorized`,
    /// `generic_could_not_process`), or with the money where there is none.
    pub fn answer_debits(&self, method: &str, after: SignedDuration, failure: Option<&str>) -> Result<(), Refused> {
        let known =
            failure.map(|code| debit_failure(code).ok_or_else(|| Refused(format!("`{code}` is no such failure"))));
        let failure = known.transpose()?;
        if !method::is_debit(&self.state(), method) {
            return Err(Refused(format!("`{method}` is no method of a bank debit")));
        }
        self.hook(|state| {
            let debit = Debit { after: Some(after.as_secs()), failure, disputed: false };
            state.debits.insert(method.to_owned(), debit);
            Ok(())
        })
    }

    /// The bank does not take the mandate of a method (`pm_…`) any more.
    pub fn end_mandate(&self, method: &str) -> Result<(), Refused> {
        self.hook(|state| mandate::end_of(state, method))
    }

    /// The customer of an open invoice pays that much of it (minor units) with a card, in a payment of its own; more than is
    /// due goes to the customer's balance. Answers the payment intent's id.
    pub fn pay_amount(&self, invoice: &str, amount: i64) -> Result<String, Refused> {
        self.hook(|state| pay_amount(state, invoice, amount))
    }

    /// The customer of an open invoice pays what is left of it outside Stripe.
    pub fn pay_out_of_band(&self, invoice: &str) -> Result<(), Refused> {
        self.hook(|state| transition::pay_out_of_band(state, invoice).map(|_| ()))
    }

    /// The customer leaves the card of that number on the page of an open Checkout session (`cs_…`).
    pub fn complete_checkout(&self, session: &str, card_number: &str) -> Result<(), Refused> {
        let card = json!({"number": card_number, "exp_month": 12, "exp_year": 34, "cvc": "123"});
        let described = fields(json!({"type": "card", "card": card}));
        self.hook(|state| complete::submit(state, session, &described).map(|_| ()))
    }

    fn hook<T>(&self, act: impl FnOnce(&mut State) -> Result<T, ApiError>) -> Result<T, Refused> {
        let mut state = self.state();
        schedule::tick(&mut state);
        let done = act(&mut state);
        drop(state);
        self.wake();
        done.map_err(Refused::from)
    }
}

/// The bank has seen the customer of an intent, or has not. What a decline afterwards says, the intent shows.
pub(crate) fn authenticate(state: &mut State, intent: &str, passed: bool) -> Result<(), ApiError> {
    if intent.starts_with("seti_") {
        return setup_intent::authenticated(state, intent, passed);
    }
    match attempt::authenticated(state, intent, passed) {
        Err(error) if error.status == 402 => Ok(()),
        other => other,
    }
}

fn pay_amount(state: &mut State, invoice: &str, amount: i64) -> Result<String, ApiError> {
    let found = state.invoices.find(invoice)?;
    let params = fields(json!({
        "amount": amount, "currency": found["currency"], "customer": found["customer"],
        "description": Value::Null, "payment_method": "pm_card_visa",
    }));
    let id = intent::create::make(state, &params)?;
    attach::add(state, invoice, &id)?;
    let method = text(state.payment_intents.find(&id)?, "payment_method").unwrap_or_default().to_owned();
    let attempted = Attempt { method: &method, on_session: true, confirmed: false, return_url: None };
    attempt::of_intent(state, &id, &attempted)?;
    Ok(id)
}
