//! What payers and banks do in Stripe.

use jiff::SignedDuration;
use oracle::facts::TenantId;
use oracle::world::{Document, Status};
use serde_json::Value;

use super::cash::Cash;
use super::observer::Observer;
use super::requests::{Form, send};
use super::shared::Shared;

/// The payer of one company.
#[derive(Debug)]
pub struct Payer<'a> {
    /// The world.
    pub shared: &'a Shared,
    /// What there is.
    pub observer: &'a Observer,
    /// The company that has the id.
    pub tenant: &'a TenantId,
    /// Its Stripe customer.
    pub customer: &'a str,
}

impl Payer<'_> {
    /// Does it, if there is an invoice to do it to. Returns the invoice, or nothing for what is about no invoice.
    pub fn act(&self, cash: Cash) -> Option<Option<String>> {
        match cash {
            Cash::SetUp => {
                let form = [("customer", self.customer), ("confirm", "true"), ("payment_method", "pm_card_visa")];
                self.post("/v1/setup_intents", &form).map(|_| None)
            }
            Cash::Detach => {
                let method = self.default()?;
                self.post(&format!("/v1/payment_methods/{method}/detach"), &[]).map(|_| None)
            }
            Cash::Decide { won } => {
                let paid = self.newest(|document| document.status == Status::Paid)?;
                let dispute = self.dispute_of(&self.intent_of(&paid.id)?)?;
                self.shared.stripe.close_dispute(&dispute, won).ok()?;
                Some(Some(paid.id.clone()))
            }
            Cash::Dispute { won } => {
                let (document, intent) = self.paid()?;
                let dispute = self.shared.stripe.open_dispute(&intent, "fraudulent").ok()?;
                if let Some(won) = won {
                    self.shared.stripe.close_dispute(&dispute, won).ok()?;
                }
                Some(Some(document))
            }
            Cash::RefundInStripe => {
                let (document, intent) = self.paid()?;
                let amount = self.part(&document, 25)?.to_string();
                self.post("/v1/refunds", &[("payment_intent", &intent), ("amount", &amount)])?;
                Some(Some(document))
            }
            // Paid by card first; the rest is a command's.
            Cash::Refund => self.paid().map(|(document, _)| Some(document)),
            Cash::Credit { .. } => None,
            Cash::Debit { days, fails } => self.debit(days, fails).map(Some),
            Cash::Ask { passes } => {
                let open = self.open()?.id.clone();
                self.pay(&open, "pm_card_authenticationRequired");
                if let Some(passes) = passes {
                    self.shared.stripe.authenticate(&self.intent_of(&open)?, passes).ok()?;
                }
                Some(Some(open))
            }
            Cash::Decline => {
                let open = self.open()?.id.clone();
                self.pay(&open, "pm_card_chargeDeclined");
                Some(Some(open))
            }
            Cash::InPart { percent } => {
                let open = self.open()?.id.clone();
                let amount = self.part(&open, i64::from(percent))?;
                self.shared.stripe.pay_amount(&open, amount).ok()?;
                Some(Some(open))
            }
        }
    }

    fn debit(&self, days: u32, fails: bool) -> Option<String> {
        let open = self.open()?;
        let token = match open.currency.as_str() {
            "EUR" => "pm_success_de",
            "USD" => "pm_usBankAccount_success",
            _ => return None,
        };
        let path = format!("/v1/payment_methods/{token}/attach");
        let method = text(&self.post(&path, &[("customer", self.customer)])?["id"])?;
        let after = SignedDuration::from_hours(24 * i64::from(days));
        let failure = fails.then_some("insufficient_funds");
        self.shared.stripe.answer_debits(&method, after, failure).ok()?;
        self.pay(&open.id, &method);
        Some(open.id.clone())
    }

    /// The newest invoice that a card paid, and its payment; an open one is paid first.
    fn paid(&self) -> Option<(String, String)> {
        let document = match self.open() {
            Some(open) => {
                self.pay(&open.id, "pm_card_visa");
                open
            }
            None => self.newest(|document| document.status == Status::Paid)?,
        };
        Some((document.id.clone(), self.intent_of(&document.id)?))
    }

    fn open(&self) -> Option<&Document> {
        self.newest(|document| document.status == Status::Open)
    }

    fn newest(&self, is: impl Fn(&Document) -> bool) -> Option<&Document> {
        self.observer.documents_of(self.tenant).filter(|document| is(document)).max_by_key(|document| document.month)
    }

    /// So many percent of an invoice, of an amount that Stripe takes.
    pub fn part(&self, document: &str, percent: i64) -> Option<i64> {
        let document = self.observer.documents_of(self.tenant).find(|of| of.id == document)?;
        let step = oracle::currency::Currency::find(&document.currency).map_or(1, |currency| currency.step);
        let part = document.total * i128::from(percent) / 100;
        i64::try_from(part - part % step).ok().filter(|part| *part > 0)
    }

    fn pay(&self, document: &str, method: &str) {
        // What is declined, or waits for its owner, is answered 402.
        let _ = self.post(&format!("/v1/invoices/{document}/pay"), &[("payment_method", method)]);
    }

    fn intent_of(&self, document: &str) -> Option<String> {
        let rows = self.get(&format!("/v1/invoice_payments?invoice={document}"))?;
        text(&rows["data"].as_array()?.last()?["payment"]["payment_intent"])
    }

    fn dispute_of(&self, intent: &str) -> Option<String> {
        text(&self.get(&format!("/v1/disputes?payment_intent={intent}"))?["data"].as_array()?.first()?["id"])
    }

    fn default(&self) -> Option<String> {
        let customer = self.get(&format!("/v1/customers/{}", self.customer))?;
        text(&customer["invoice_settings"]["default_payment_method"])
    }

    fn get(&self, path: &str) -> Option<Value> {
        send(self.shared, ("GET", path), &Form::default()).ok()
    }

    fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Option<Value> {
        let mut form = Form::default();
        for (name, value) in pairs {
            form.add(*name, *value);
        }
        send(self.shared, ("POST", path), &form).ok()
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
