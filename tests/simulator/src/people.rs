//! What people do to invoices in Stripe's dashboard.

use oracle::facts::TenantId;
use oracle::line::OTHER;
use oracle::world::{Document, Status};
use serde_json::Value;

use super::event::Trouble;
use super::observer::Observer;
use super::requests::{Form, lines, send};
use super::shared::Shared;

/// Days after which a person takes back what was edited by hand.
pub const UNDONE_AFTER_DAYS: i64 = 6;

/// A person with access to Stripe.
#[derive(Debug)]
pub struct Person<'a> {
    /// The world.
    pub shared: &'a Shared,
    /// What there is.
    pub observer: &'a Observer,
}

impl Person<'_> {
    /// Does what a trouble says, if there is an invoice to do it to. Returns the tenant whose invoice it was, and its id.
    pub fn act(&self, trouble: &Trouble) -> Option<(TenantId, String)> {
        let is_draft = |document: &Document| document.status == Status::Draft && !document.lines.is_empty();
        let is_open = |document: &Document| document.status == Status::Open;
        let (tenant, document) = match trouble {
            Trouble::EditDraft(tenant) => (tenant, self.edit(self.newest(tenant, is_draft)?)?),
            Trouble::DeleteDraft(tenant) => {
                let draft = self.newest(tenant, |document| document.status == Status::Draft)?;
                (tenant, self.ask(draft, "DELETE", "", &[])?)
            }
            Trouble::VoidInvoice(tenant) => (tenant, self.ask(self.newest(tenant, is_open)?, "POST", "/void", &[])?),
            Trouble::PayByHand(tenant) => {
                let document = match self.newest(tenant, is_open) {
                    Some(open) => open,
                    None => self.finalize(self.newest(tenant, |document| self.is_complete(document))?)?,
                };
                (tenant, self.ask(document, "POST", "/pay", &[("paid_out_of_band", "true")])?)
            }
            Trouble::Pay(tenant) => {
                let card = [("payment_method", "pm_card_visa")];
                (tenant, self.ask(self.newest(tenant, is_open)?, "POST", "/pay", &card)?)
            }
            Trouble::GiveUp(tenant) => {
                (tenant, self.ask(self.newest(tenant, is_open)?, "POST", "/mark_uncollectible", &[])?)
            }
            Trouble::Outage { .. }
            | Trouble::Kill { .. }
            | Trouble::LoseAnswer { .. }
            | Trouble::TwoAtOnce { .. }
            | Trouble::RepeatEvents { .. }
            | Trouble::Money { .. }
            | Trouble::Rotate => return None,
        };
        Some((self.holder(tenant)?, document.to_owned()))
    }

    /// Takes back what was added to a draft by hand.
    pub fn undo(&self, document: &str) {
        let lines = self.shared.with_trace(|trace| trace.edited.remove(document)).unwrap_or_default();
        let mut form = Form::default();
        for (at, line) in lines.iter().enumerate() {
            form.add(format!("lines[{at}][behavior]"), "delete").add(format!("lines[{at}][id]"), line);
        }
        // Stripe refuses it where the draft is gone, and then there is nothing to take back.
        let _ = send(self.shared, ("POST", &format!("/v1/invoices/{document}/remove_lines")), &form);
    }

    /// The company that has the tenant's id: events name an id's first company.
    fn holder(&self, tenant: &TenantId) -> Option<TenantId> {
        self.observer.holder(&tenant.id)
    }

    fn newest(&self, tenant: &TenantId, is: impl Fn(&Document) -> bool) -> Option<&str> {
        let holder = self.holder(tenant)?;
        let documents = self.observer.documents_of(&holder);
        let found = documents.filter(|document| is(document)).max_by_key(|document| document.month);
        found.map(|document| document.id.as_str())
    }

    fn is_complete(&self, document: &Document) -> bool {
        document.status == Status::Draft && !document.edited && self.observer.is_complete(&document.id)
    }

    fn edit<'d>(&self, document: &'d str) -> Option<&'d str> {
        let before = self.lines(document);
        let mut form = Form::default();
        // Under a name that may stand on any invoice: what is wrong is the sum.
        form.add("lines[0][amount]", "1000").add("lines[0][description]", OTHER);
        send(self.shared, ("POST", &format!("/v1/invoices/{document}/add_lines")), &form).ok()?;
        let added = self.lines(document).into_iter().filter(|line| !before.contains(line)).collect();
        self.shared.with_trace(|trace| trace.edited.insert(document.to_owned(), added));
        Some(document)
    }

    fn finalize<'d>(&self, document: &'d str) -> Option<&'d str> {
        let now = self.shared.now();
        let done = self.ask(document, "POST", "/finalize", &[("auto_advance", "false")])?;
        self.shared.with_trace(|trace| trace.issued_at.insert(document.to_owned(), now));
        Some(done)
    }

    fn ask<'d>(&self, document: &'d str, method: &str, action: &str, pairs: &[(&str, &str)]) -> Option<&'d str> {
        let mut form = Form::default();
        for (name, value) in pairs {
            form.add(*name, *value);
        }
        send(self.shared, (method, &format!("/v1/invoices/{document}{action}")), &form).ok()?;
        Some(document)
    }

    fn lines(&self, document: &str) -> Vec<String> {
        let lines = lines(self.shared, document).unwrap_or_default();
        lines.iter().filter_map(|line: &Value| line["id"].as_str().map(str::to_owned)).collect()
    }
}
