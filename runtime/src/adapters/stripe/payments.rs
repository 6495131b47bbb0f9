//! Payments, customers and events of Stripe, read field by field from their present state.

use async_trait::async_trait;
use billing::invoice::{Attempt, AttemptStatus, Dispute};
use billing::ledger::PaymentMethod;
use serde_json::Value;

use super::exchange::{Exchange, Pairs};
use crate::events::Envelope;
use crate::ports::{About, DefaultRequest, EventPage, Payments, PortError, RefundRequest, RemoteCustomer, RemoteSetup};

/// Stripe's largest page.
const PAGE: &str = "100";

/// Stripe, behind any exchange.
pub struct StripePayments<X> {
    exchange: X,
}

impl<X: Exchange> StripePayments<X> {
    /// Over an exchange.
    pub fn new(exchange: X) -> StripePayments<X> {
        StripePayments { exchange }
    }

    /// Everything of a list, in Stripe's order.
    async fn all(&self, doing: &str, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, PortError> {
        let mut found: Vec<Value> = Vec::new();
        loop {
            let mut query = pairs(query);
            query.push(("limit".to_owned(), PAGE.to_owned()));
            if let Some(last) = found.last() {
                query.push(("starting_after".to_owned(), text(&last["id"]).unwrap_or_default()));
            }
            let page = self.exchange.get(doing, path, &query).await?.unwrap_or_default();
            let data = page["data"].as_array().cloned().unwrap_or_default();
            let is_last = page["has_more"] != true || data.is_empty();
            found.extend(data);
            if is_last {
                return Ok(found);
            }
        }
    }

    async fn object(&self, doing: &str, path: &str) -> Result<Option<Value>, PortError> {
        self.exchange.get(doing, path, &Pairs::new()).await
    }

    /// Every payment towards an invoice, oldest first.
    ///
    /// # Errors
    /// A call fails.
    pub async fn of_invoice(&self, invoice: &str) -> Result<Vec<Attempt>, PortError> {
        let query = [
            ("invoice", invoice),
            ("expand[]", "data.payment.payment_intent.latest_charge"),
            ("expand[]", "data.payment.charge"),
        ];
        let mut rows = self.all("list an invoice's payments", "/invoice_payments", &query).await?;
        // Stripe lists the newest first: so two of one second have an order, too.
        rows.reverse();
        rows.sort_by_key(|row| row["created"].as_i64());
        let mut attempts = Vec::new();
        for row in &rows {
            // Stripe makes an intent with each invoice: until something is tried it says nothing.
            let Some(mut attempt) = attempt(row).filter(|attempt| attempt.status != AttemptStatus::Open) else {
                continue;
            };
            let charge = charge_of(row);
            if charge["disputed"] == true {
                let id = text(&charge["id"]).unwrap_or_default();
                let mut disputes = self.all("list a charge's disputes", "/disputes", &[("charge", &id)]).await?;
                disputes.reverse();
                attempt.disputes = disputes.iter().filter_map(dispute).collect();
            }
            attempts.push(attempt);
        }
        Ok(attempts)
    }

    /// The refund of a payment that carries this request's metadata.
    ///
    /// # Errors
    /// A call fails.
    pub async fn refund_of(&self, request: &RefundRequest) -> Result<Option<String>, PortError> {
        let made =
            self.all("list a payment's refunds", "/refunds", &[(payment_param(request), &request.payment)]).await?;
        let is_it = |refund: &&Value| {
            let lives = !matches!(refund["status"].as_str(), Some("failed" | "canceled"));
            lives && request.metadata.iter().all(|(key, value)| refund["metadata"][key] == value.as_str())
        };
        Ok(made.iter().find(is_it).and_then(|refund| text(&refund["id"])))
    }

    /// Gives money of a payment back; the refund's id.
    ///
    /// # Errors
    /// Stripe refuses it, or a call fails.
    pub async fn refund(&self, request: &RefundRequest) -> Result<String, PortError> {
        let mut form = pairs(&[(payment_param(request), &request.payment), ("amount", &request.amount.0.to_string())]);
        form.extend(request.metadata.iter().map(|(key, value)| (format!("metadata[{key}]"), value.clone())));
        let refund = self.exchange.post("refund a payment", "/refunds", &form, &request.idempotency_key).await?;
        text(&refund["id"]).ok_or_else(|| PortError::new("refund a payment", "the refund has no id"))
    }

    /// The invoices that a payment intent, or a charge without one, pays.
    async fn invoices_of(&self, intent: Option<String>, charge: Option<String>) -> Result<About, PortError> {
        let (kind, name, id) = match (intent, charge) {
            (Some(intent), _) => ("payment_intent", "payment[payment_intent]", intent),
            (None, Some(charge)) => ("charge", "payment[charge]", charge),
            (None, None) => return Ok(About::Invoices(Vec::new())),
        };
        let query = [("payment[type]", kind), (name, id.as_str())];
        let rows = self.all("list the invoices of a payment", "/invoice_payments", &query).await?;
        Ok(About::Invoices(rows.iter().filter_map(|row| text(&row["invoice"])).collect()))
    }

    async fn method(&self, id: &str) -> Result<Option<Value>, PortError> {
        self.object("read a payment method", &format!("/payment_methods/{id}")).await
    }
}

#[async_trait]
impl<X: Exchange> Payments for StripePayments<X> {
    fn livemode(&self) -> bool {
        self.exchange.livemode()
    }

    async fn about(&self, kind: &str, id: &str) -> Result<About, PortError> {
        let path = match kind {
            "invoice" => return Ok(About::Invoices(vec![id.to_owned()])),
            "customer" => return Ok(About::Customer(Some(id.to_owned()))),
            "payment_intent" => return self.invoices_of(Some(id.to_owned()), None).await,
            "charge" => "charges",
            "refund" => "refunds",
            "dispute" => "disputes",
            "credit_note" => "credit_notes",
            "invoice_payment" => "invoice_payments",
            "payment_method" => "payment_methods",
            "setup_intent" => "setup_intents",
            "mandate" => "mandates",
            "checkout.session" => "checkout/sessions",
            "subscription" => return Ok(About::Subscription),
            _ => return Ok(About::Nothing),
        };
        let Some(object) = self.object(&format!("read a {kind}"), &format!("/{path}/{id}")).await? else {
            return Ok(About::Unknown);
        };
        match kind {
            "charge" => self.invoices_of(text(&object["payment_intent"]), Some(id.to_owned())).await,
            "refund" | "dispute" => self.invoices_of(text(&object["payment_intent"]), text(&object["charge"])).await,
            "credit_note" | "invoice_payment" => Ok(About::Invoices(text(&object["invoice"]).into_iter().collect())),
            "mandate" => {
                let method = text(&object["payment_method"]).unwrap_or_default();
                let method = self.method(&method).await?.unwrap_or_default();
                Ok(About::Customer(text(&method["customer"])))
            }
            "checkout.session" if object["mode"] == "subscription" => Ok(About::Subscription),
            "checkout.session" if object["mode"] != "setup" => Ok(About::Nothing),
            _ => Ok(About::Customer(text(&object["customer"]))),
        }
    }

    async fn customer(&self, id: &str) -> Result<Option<RemoteCustomer>, PortError> {
        let query = pairs(&[("expand[]", "invoice_settings.default_payment_method")]);
        let found = self.exchange.get("read a customer", &format!("/customers/{id}"), &query).await?;
        Ok(found.map(|customer| RemoteCustomer {
            deleted: customer["deleted"] == true,
            method: method(&customer["invoice_settings"]["default_payment_method"]),
        }))
    }

    async fn newest_setup(&self, customer: &str) -> Result<Option<RemoteSetup>, PortError> {
        let intents = self.all("list a customer's set-ups", "/setup_intents", &[("customer", customer)]).await?;
        let mut succeeded: Vec<&Value> = intents.iter().filter(|intent| intent["status"] == "succeeded").collect();
        succeeded.sort_by_key(|intent| std::cmp::Reverse(intent["created"].as_i64()));
        let (mut newest, mut detached) = (None, Vec::new());
        for intent in succeeded {
            let Some(id) = text(&intent["payment_method"]) else { continue };
            let theirs = self.method(&id).await?.filter(|method| method["customer"] == customer);
            if let Some(theirs) = theirs {
                newest = Some((intent, theirs));
                break;
            }
            detached.extend(text(&intent["id"]));
        }
        let Some((intent, theirs)) = newest else { return Ok(None) };
        let mandate = match text(&intent["mandate"]) {
            Some(id) => self.object("read a mandate", &format!("/mandates/{id}")).await?,
            None => None,
        };
        Ok(Some(RemoteSetup {
            id: text(&intent["id"]).unwrap_or_default(),
            method: method(&theirs),
            mandate: mandate.and_then(|mandate| text(&mandate["status"])),
            detached,
        }))
    }

    async fn set_default(&self, request: &DefaultRequest) -> Result<(), PortError> {
        let form = pairs(&[("invoice_settings[default_payment_method]", &request.method)]);
        let path = format!("/customers/{}", request.customer);
        self.exchange.post("make a method the default", &path, &form, &request.idempotency_key).await.map(drop)
    }

    async fn event(&self, id: &str) -> Result<Option<Envelope>, PortError> {
        let found = self.object("read an event", &format!("/events/{id}")).await?;
        Ok(found.as_ref().and_then(Envelope::of))
    }

    async fn undelivered(&self, after: Option<&str>) -> Result<EventPage, PortError> {
        let mut query = pairs(&[("delivery_success", "false"), ("limit", PAGE)]);
        query.extend(after.map(|after| ("starting_after".to_owned(), after.to_owned())));
        let page = self.exchange.get("list undelivered events", "/events", &query).await?.unwrap_or_default();
        let data = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let events = data.iter().map(|event| Envelope::read(event.to_string().as_bytes())).collect();
        Ok(EventPage { events, has_more: page["has_more"] == true })
    }
}

/// The parameter that names a refund's payment.
fn payment_param(request: &RefundRequest) -> &'static str {
    if request.payment.starts_with("pi_") { "payment_intent" } else { "charge" }
}

fn pairs(from: &[(&str, &str)]) -> Pairs {
    from.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// An id, also of an object that stands in its place.
fn text(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value["id"].as_str()).map(str::to_owned)
}

/// A payment method, as an object.
fn method(value: &Value) -> Option<PaymentMethod> {
    let kind = value["type"].as_str()?;
    Some(PaymentMethod {
        id: value["id"].as_str()?.to_owned(),
        kind: kind.to_owned(),
        last4: value[kind]["last4"].as_str().map(str::to_owned),
    })
}

/// The charge that moved the money of an invoice's payment, or tried to.
fn charge_of(row: &Value) -> &Value {
    let payment = &row["payment"];
    match payment["payment_intent"].is_object() {
        true => &payment["payment_intent"]["latest_charge"],
        false => &payment["charge"],
    }
}

/// A row of an invoice's payments; none of one whose money is noted on the invoice alone.
fn attempt(row: &Value) -> Option<Attempt> {
    let (payment, charge) = (&row["payment"], charge_of(row));
    let intent = &payment["payment_intent"];
    let failure = &intent["last_payment_error"];
    let code = failure["decline_code"].as_str().or_else(|| failure["code"].as_str());
    let status = match (row["status"].as_str(), intent["status"].as_str().or_else(|| charge["status"].as_str())) {
        (Some("paid"), _) | (_, Some("succeeded")) => AttemptStatus::Succeeded,
        (Some("canceled"), _) | (_, Some("canceled")) => AttemptStatus::Canceled,
        (_, Some("processing" | "pending")) => AttemptStatus::Processing,
        (_, Some("requires_action")) => AttemptStatus::NeedsAuthentication,
        (_, Some("failed")) => AttemptStatus::Failed,
        (_, Some("requires_payment_method")) if failure.is_object() => AttemptStatus::Failed,
        (_, Some("requires_payment_method" | "requires_confirmation" | "requires_capture")) => AttemptStatus::Open,
        _ => AttemptStatus::Unknown,
    };
    let kind = charge["payment_method_details"]["type"].as_str().or_else(|| failure["payment_method"]["type"].as_str());
    Some(Attempt {
        id: text(intent).or_else(|| text(&payment["charge"]))?,
        status,
        amount: row["amount_paid"].as_i64().filter(|paid| *paid > 0).or_else(|| row["amount_requested"].as_i64())?,
        method: kind.map(str::to_owned),
        failure: code.or_else(|| charge["failure_code"].as_str()).map(str::to_owned),
        refunded: charge["amount_refunded"].as_i64().unwrap_or_default(),
        disputes: Vec::new(),
    })
}

fn dispute(value: &Value) -> Option<Dispute> {
    Some(Dispute {
        id: text(&value["id"])?,
        amount: value["amount"].as_i64()?,
        status: value["status"].as_str()?.to_owned(),
    })
}
