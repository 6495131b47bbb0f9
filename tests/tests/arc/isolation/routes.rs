//! A row for every route: how it is asked, and what each credential is answered. A new route is a row here.

use billing::function::{Auth, Role, WEBHOOK_PATH};
use serde_json::{Value, json};

use super::credentials::{Credential, Sent};
use super::scene::Scene;

/// One way of asking a route.
pub struct Row {
    /// As in `handlers.json`.
    pub key: &'static str,
    /// As in `handlers.json`.
    pub auth: Auth,
    /// The path and query; `{month}` is last month.
    path: &'static str,
    /// Paths of the route that are another tenant's: answered as what does not exist.
    foreign: &'static [&'static str],
    /// The body, as JSON text; `{month}` and `{token}` are filled in.
    body: Option<&'static str>,
    /// Who may do that; beyond the route's own role where one route does several things.
    needs: Role,
    /// Whether the same question has the same answer.
    pub repeats: bool,
}

const fn reads(key: &'static str, path: &'static str) -> Row {
    let auth = Auth::Tenant(Role::Viewer);
    Row { key, auth, path, foreign: &[], body: None, needs: Role::Viewer, repeats: true }
}

const fn pays(needs: Role, body: &'static str) -> Row {
    Row { body: Some(body), needs, repeats: matches!(needs, Role::Viewer), ..reads("POST /payment", "/payment") }
}

const fn public(key: &'static str, path: &'static str, body: &'static str) -> Row {
    Row { auth: Auth::Public, body: Some(body), repeats: false, ..reads(key, path) }
}

/// A page that anybody may read.
const fn page(key: &'static str, path: &'static str) -> Row {
    Row { auth: Auth::Public, ..reads(key, path) }
}

/// Every route.
pub const ROWS: &[Row] = &[
    reads("GET /", "/"),
    reads("GET /invoices/{period}", "/invoices/{month}"),
    page("GET /signin", "/signin"),
    page("GET /help.html", "/help.html"),
    page("GET /assets/{file}", "/assets/style.css"),
    page("GET /assets/{file}", "/assets/app.js"),
    reads("GET /costs", "/costs?period=last-month"),
    reads("GET /costs", "/costs?period=last-month&format=csv"),
    Row { foreign: FOREIGN, ..reads("GET /customers/{id}/invoices", "/customers/press/invoices") },
    Row { foreign: FOREIGN, ..reads("GET /customers/{id}/invoices", "/customers/press/invoices?format=csv") },
    pays(Role::Viewer, r#"{"action": "get-payment-methods"}"#),
    pays(Role::Admin, r#"{"action": "setup-payment-method"}"#),
    pays(Role::Admin, r#"{"action": "create-invoice", "billingPeriod": "{month}"}"#),
    pays(Role::Admin, r#"{"action": "customer-portal"}"#),
    public("POST /session", "/session", r#"{"token": "{token}"}"#),
    public("POST /signout", "/signout", "{}"),
    Row {
        key: "POST {stripe.webhook.path}",
        auth: Auth::StripeSignature,
        ..public("", "/billing/webhook", r#"{"id": "evt_1", "object": "event"}"#)
    },
];

const FOREIGN: &[&str] = &[
    "/customers/shop/invoices",
    "/customers/Canary-Shop/invoices",
    "/customers/nobody/invoices",
    "/customers/PRESS/invoices",
];

impl Row {
    /// Its key, with what is asked.
    pub fn name(&self) -> String {
        format!("{} {}", self.key.replace(WEBHOOK_PATH, self.path), self.body.unwrap_or(self.path))
    }

    /// The method.
    pub fn method(&self) -> &'static str {
        self.key.split(' ').next().unwrap_or_default()
    }

    /// Where it is asked.
    pub fn path(&self, scene: &Scene) -> String {
        self.path.replace("{month}", &scene.month())
    }

    /// Where another tenant's things would be.
    pub fn foreign_paths(&self) -> &'static [&'static str] {
        self.foreign
    }

    /// What is sent.
    pub fn body(&self, scene: &Scene, sent: &Sent) -> Option<Value> {
        let text = self.body?.replace("{month}", &scene.month()).replace("{token}", &sent.value());
        Some(serde_json::from_str(&text).unwrap_or_else(|_| json!({"token": sent.value()})))
    }

    /// Whether people read it.
    fn is_page(&self) -> bool {
        matches!(self.key, "GET /" | "GET /invoices/{period}")
    }

    /// Whether it says what it holds by its name, so that browsers keep it.
    pub fn is_kept(&self) -> bool {
        self.path.starts_with("/assets/")
    }

    /// Whether a browser's cookie could change something here.
    pub fn is_sent_by_browsers(&self) -> bool {
        self.method() != "GET" && self.auth != Auth::StripeSignature
    }

    /// What a credential is answered.
    pub fn status(&self, credential: Credential, sent: &Sent) -> u16 {
        match self.auth {
            // No tenant's credential is Stripe's signature.
            Auth::StripeSignature => 401,
            Auth::Public if self.path == "/signout" || self.method() == "GET" => 200,
            // The token is the credential, and a session is no token.
            Auth::Public => match credential {
                Credential::None => 401,
                // A link's token, wherever it was meant to stand.
                Credential::Swapped if sent.way() == "cookie" => 200,
                Credential::Nobodys if sent.way() == "bearer" => 404,
                credential if credential.holds() && sent.way() == "bearer" => 200,
                _ => 401,
            },
            Auth::Tenant(_) => match credential {
                Credential::Nobodys => 404,
                Credential::Viewer if self.needs > Role::Viewer => 403,
                // Their own figures, or nothing where the path is the press's.
                Credential::OtherTenants if !self.foreign.is_empty() => 404,
                credential if credential.holds() => 200,
                // A page asks who is not signed in to do so.
                _ if self.is_page() => 303,
                _ => 401,
            },
        }
    }
}
