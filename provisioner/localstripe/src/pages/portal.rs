//! The customer portal: invoices are seen and paid, methods are added, made the default and removed.

use serde_json::{Value, json};

use crate::objects::billing_portal::configuration;
use crate::objects::billing_portal::session::{self, PAGE};
use crate::objects::payment::intent::confirm::Attempt;
use crate::objects::payment::page::BANK;
use crate::objects::payment::{attempt, invoice_payment, method, setup_intent};
use crate::objects::{customer, payment};
use crate::request::Request;
use crate::state::State;
use crate::wire::error::ApiError;
use crate::wire::object::{Object, fields, group, integer, text};

use super::{Page, checkout, html};

/// The portal as one session opens it.
struct Portal {
    secret: String,
    customer: String,
    return_url: Option<String>,
    may_see_invoices: bool,
    may_change_methods: bool,
}

/// The portal behind that address, or what comes of one of its forms.
pub(super) fn answer(state: &mut State, path: &str, given: Option<&Object>) -> Page {
    let (secret, action) = path.split_once('/').unwrap_or((path, ""));
    let Some(portal) = Portal::open(state, secret) else {
        return Page::gone("This link to the customer portal is over: ask for another one.");
    };
    let Some(given) = given else {
        return portal.shown(state, None, 200);
    };
    match portal.act(state, action, given) {
        Ok(next) => Page::See(next),
        Err(error) => portal.shown(state, Some(&error.message), error.status),
    }
}

impl Portal {
    fn open(state: &State, secret: &str) -> Option<Portal> {
        let session = session::open(state, secret)?;
        let configuration = text(session, "configuration").unwrap_or_default();
        Some(Portal {
            secret: secret.to_owned(),
            customer: text(session, "customer")?.to_owned(),
            return_url: text(session, "return_url").map(str::to_owned),
            may_see_invoices: configuration::allows(state, configuration, "invoice_history"),
            may_change_methods: configuration::allows(state, configuration, "payment_method_update"),
        })
    }

    fn home(&self) -> String {
        format!("{PAGE}{}", self.secret)
    }

    /// Does what a form asks for; answers where the browser goes then.
    fn act(&self, state: &mut State, action: &str, given: &Object) -> Result<String, ApiError> {
        let named = text(given, "id").unwrap_or_default();
        match action {
            "pay" if self.may_see_invoices => self.pay(state, named),
            "add" if self.may_change_methods => self.add(state, given),
            "default" if self.may_change_methods => self.make_default(state, named).map(|()| self.home()),
            "remove" if self.may_change_methods => {
                self.own_method(state, named)?;
                method::take_away(state, named).map(|()| self.home())
            }
            _ => Err(ApiError::invalid("The portal does not offer that.")),
        }
    }

    /// Pays an open invoice with the default method, in the customer's presence.
    fn pay(&self, state: &mut State, invoice: &str) -> Result<String, ApiError> {
        let found = state.invoices.find(invoice)?;
        if text(found, "customer") != Some(&self.customer) || text(found, "status") != Some("open") {
            return Err(ApiError::invalid("This invoice cannot be paid here."));
        }
        let method =
            method::default_of(state, found).ok_or_else(|| ApiError::invalid("Add a payment method first."))?;
        attempt::refuse_processing(state, invoice)?;
        let intent = invoice_payment::intent_of(state, invoice).unwrap_or_default();
        let back = format!("{}{}", state.base, self.home());
        let attempted = Attempt { method: &method, on_session: true, confirmed: false, return_url: Some(&back) };
        let done = attempt::of_intent(state, &intent, &attempted);
        if invoice_payment::intent_status(state, invoice) == Some("requires_action") {
            return Ok(format!("{BANK}{intent}"));
        }
        done.map(|()| self.home())
    }

    /// Sets a method up, which becomes the default one.
    fn add(&self, state: &mut State, given: &Object) -> Result<String, ApiError> {
        let described = checkout::described(given)?;
        let params = fields(json!({"customer": self.customer, "payment_method_data": described}));
        let intent = setup_intent::make(state, &params)?;
        let back = format!("{}{}", state.base, self.home());
        let accepted = fields(json!({"type": "online", "online": {"ip_address": "127.0.0.1", "user_agent": "portal"}}));
        setup_intent::carry_out(state, &intent, Some(&back), Some(&accepted))?;
        let found = state.setup_intents.find(&intent)?;
        if text(found, "status") == Some("requires_action") {
            return Ok(format!("{BANK}{intent}"));
        }
        let method = text(found, "payment_method").unwrap_or_default().to_owned();
        self.make_default(state, &method).map(|()| self.home())
    }

    fn make_default(&self, state: &mut State, method: &str) -> Result<(), ApiError> {
        self.own_method(state, method)?;
        let params = fields(json!({"invoice_settings": {"default_payment_method": method}}));
        customer::update(state, &Request { ids: vec![self.customer.clone()], params }).map(|_| ())
    }

    fn own_method(&self, state: &State, method: &str) -> Result<(), ApiError> {
        payment::method::check_default(state, method, &self.customer, "id")
    }

    fn shown(&self, state: &State, message: Option<&str>, status: u16) -> Page {
        let mut body = html::alert(message);
        if self.may_see_invoices {
            body.push_str(&self.invoices(state));
        }
        if self.may_change_methods {
            body.push_str(&self.methods(state));
        }
        if let Some(back) = &self.return_url {
            body.push_str(&format!("<p><a href=\"{}\" id=\"return\">Back</a></p>", html::escaped(back)));
        }
        Page::Shown { status, html: html::page(&format!("{}: billing", state.account.name), &body) }
    }

    fn invoices(&self, state: &State) -> String {
        let own = |invoice: &&Object| {
            text(invoice, "customer") == Some(&self.customer) && text(invoice, "status") != Some("draft")
        };
        let rows: String = state.invoices.newest_first().filter(own).map(|invoice| self.invoice(invoice)).collect();
        format!("<h2>Invoices</h2><table id=\"invoices\">{rows}</table>")
    }

    fn invoice(&self, invoice: &Object) -> String {
        let status = text(invoice, "status").unwrap_or_default();
        let pay = if status == "open" { self.button("pay", text(invoice, "id"), "Pay") } else { String::new() };
        format!(
            "<tr><td>{}</td><td>{} {}</td><td>{status}</td><td>{pay}</td></tr>",
            html::escaped(text(invoice, "number").unwrap_or_default()),
            html::money(integer(invoice, "amount_due").unwrap_or(0), text(invoice, "currency").unwrap_or_default()),
            html::escaped(&text(invoice, "currency").unwrap_or_default().to_uppercase()),
        )
    }

    fn methods(&self, state: &State) -> String {
        let settings = state.customers.find(&self.customer).ok().and_then(|own| group(own, "invoice_settings"));
        let default = settings.and_then(|settings| text(settings, "default_payment_method"));
        let own = |method: &&Object| text(method, "customer") == Some(&self.customer);
        let row = |method: &Object| {
            let id = text(method, "id");
            let state = if id == default { "default".to_owned() } else { self.button("default", id, "Make default") };
            format!(
                "<tr><td>{}</td><td>{state}</td><td>{}</td></tr>",
                label(method),
                self.button("remove", id, "Remove")
            )
        };
        let rows: String = state.payment_methods.newest_first().filter(own).map(row).collect();
        let types: Vec<&str> = setup_intent::OFFERED.to_vec();
        let forms = html::method_forms(&types, &format!("{}/add", self.home()), "Add payment method", "");
        format!("<h2>Payment methods</h2><table id=\"methods\">{rows}</table>{forms}")
    }

    fn button(&self, action: &str, id: Option<&str>, label: &str) -> String {
        format!(
            "<form method=\"post\" action=\"{}/{action}\"><input type=\"hidden\" name=\"id\" value=\"{}\">\
             <button type=\"submit\">{label}</button></form>",
            self.home(),
            html::escaped(id.unwrap_or_default())
        )
    }
}

/// `visa ending in 4242`
fn label(method: &Object) -> String {
    let kind = text(method, "type").unwrap_or_default();
    let own = group(method, kind);
    let brand = own.and_then(|own| text(own, "brand")).unwrap_or(kind);
    let last4 = own.and_then(|own| own.get("last4")).and_then(Value::as_str).unwrap_or("****");
    html::escaped(&format!("{brand} ending in {last4}"))
}
