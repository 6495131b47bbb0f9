//! A manifest made of customers: a tenant and an import for each. Pure. Their names are text of others, so they
//! are quoted, and what a manifest refuses is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use billing::Currency;
use billing::manifest::{holds_secret, is_email, is_locale, is_steering, is_tag_value, quoted};
use billing::names::{UNALLOCATED, is_id};
use serde_json::{Value, json};

use super::tenant_id;

/// A customer, as far as a tenant is made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// `cus_…`.
    pub id: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Its e-mail address, where it has one.
    pub email: Option<String>,
    /// The language it wants most, where it says one.
    pub locale: Option<String>,
    /// The currency it is billed in, where that is fixed: `EUR`.
    pub currency: Option<String>,
    /// Its metadata.
    pub metadata: BTreeMap<String, String>,
    /// The tenant that it was made for, where it says so.
    pub tenant: Option<String>,
}

/// Customers that no tenant is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// They belong to another billform stack.
    pub other_stacks: usize,
    /// They stayed when their stack was destroyed or their tenant left.
    pub destroyed: usize,
}

/// Tenants and imports for a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Customers that are not in it.
    pub left_out: LeftOut,
    /// How many tenants need an e-mail address.
    pub without_email: usize,
    /// Currencies in which tenants pay, and for which the manifest must state a rate.
    pub currencies: BTreeSet<String>,
    tenant_tag: String,
    tenants: Vec<Tenant>,
    ids: BTreeSet<String>,
    tag_values: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Tenant {
    customer: String,
    id: String,
    name: String,
    /// None where Stripe has none that bills could go to.
    email: Option<String>,
    locale: Option<String>,
    currency: Option<Currency>,
    tag: String,
    /// Where the tag's value comes from.
    tag_from: &'static str,
}

/// The longest name that a manifest takes, in characters.
const LONGEST_NAME: usize = 256;

impl Proposal {
    /// An empty one, for a manifest that knows its tenants by this tag.
    pub fn new(tenant_tag: &str) -> Proposal {
        Proposal {
            left_out: LeftOut::default(),
            without_email: 0,
            currencies: BTreeSet::new(),
            tenant_tag: tenant_tag.to_owned(),
            tenants: Vec::new(),
            // The ledger keeps what no tenant's tag claims under it.
            ids: BTreeSet::from([UNALLOCATED.to_owned()]),
            tag_values: BTreeSet::new(),
        }
    }

    /// Adds a tenant for a customer, under an id and a tag value of its own.
    pub fn add(&mut self, customer: Found) {
        let email = customer.email.filter(|email| is_email(email) && !holds_secret(email));
        let name = customer.name.as_deref().and_then(readable);
        let name = name.or_else(|| email.clone()).unwrap_or_else(|| customer.id.clone());
        let own_id = customer.tenant.filter(|id| is_id(id) && !self.ids.contains(id));
        let id = own_id.unwrap_or_else(|| tenant_id::unique(&name, &self.ids));
        let (tag, tag_from) = self.tag(&customer.metadata, &name, &id, &customer.id);
        let currency = customer.currency.and_then(|currency| currency.parse().ok());
        self.without_email += usize::from(email.is_none());
        self.currencies.extend(currency.filter(|own| *own != Currency::USD).map(|own: Currency| own.code().to_owned()));
        self.ids.insert(id.clone());
        self.tag_values.insert(tag.clone());
        let locale = customer.locale.filter(|locale| is_locale(locale));
        self.tenants.push(Tenant { customer: customer.id, id, name, email, locale, currency, tag, tag_from });
    }

    /// The value of the tenant tag and where it comes from: the customer's metadata under the tag's key, however that
    /// is written; else its name; else a value that no other tenant has.
    fn tag(&self, metadata: &BTreeMap<String, String>, name: &str, id: &str, customer: &str) -> (String, &'static str) {
        let key = letters(&self.tenant_tag);
        let fitting = metadata.iter().filter(|(own, _)| letters(own) == key).map(|(_, value)| value.as_str());
        let of_metadata = fitting.map(|value| (value, "the customer's metadata"));
        let others = [(name, "the customer's name"), (id, "the tenant's id"), (customer, "the customer's id")];
        let is_free = |value: &str| {
            let is_sound = !value.trim().is_empty() && is_tag_value(value) && !holds_secret(value);
            is_sound && !value.contains(is_steering) && !self.tag_values.contains(value)
        };
        let mut all = of_metadata.chain(others);
        let (value, from) = all.find(|(value, _)| is_free(value)).unwrap_or((customer, "the customer's id"));
        (value.to_owned(), from)
    }

    /// What there is to know of it, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        let counted = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let mut notes = vec![format!(
            "{} of Stripe's customers, each with its import: check what stands there, the tags above all.",
            counted(self.tenants.len(), "tenant")
        )];
        let LeftOut { other_stacks, destroyed } = self.left_out;
        let left_out = [
            (other_stacks, "of another billform stack"),
            (destroyed, "that a destroyed stack or a tenant that left has kept"),
        ];
        for (count, which) in left_out.into_iter().filter(|(count, _)| *count > 0) {
            notes.push(format!("Left out: {} {which}.", counted(count, "customer")));
        }
        if self.without_email > 0 {
            notes.push(format!(
                "{} without an e-mail address that invoices could go to: write it into the manifest.",
                counted(self.without_email, "tenant")
            ));
        }
        if !self.currencies.is_empty() {
            let currencies: Vec<&str> = self.currencies.iter().map(String::as_str).collect();
            notes.push(format!("Some pay in {}: state the rates under `fx`.", currencies.join(", ")));
        }
        notes
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "tenants": self.tenants.len(),
            "left_out": { "other_stacks": self.left_out.other_stacks, "destroyed": self.left_out.destroyed },
            "without_email": self.without_email,
            "currencies": self.currencies,
        })
    }

    /// The starter manifest with these tenants and their imports in place of its own tenants.
    pub fn manifest(&self, starter: &str) -> String {
        let kept = starter.split_once("\ntenants:").map_or(starter, |(kept, _)| kept);
        let mut out = format!("{}\n\n", kept.trim_end());
        if self.tenants.is_empty() {
            out.push_str("tenants: []\n");
            return out;
        }
        out.push_str("# Made of Stripe's customers.\ntenants:\n");
        self.tenants.iter().for_each(|tenant| self.tenant(&mut out, tenant));
        out.push_str(
            "\n# The customers are taken over as they are, by their ids. Once applied, the entries can go.\nimports:\n",
        );
        for tenant in &self.tenants {
            let to = quoted(&format!("stripe_customer.{}", tenant.id));
            // Writing to a String cannot fail.
            let _ = writeln!(out, "  - {{ to: {to}, id: {} }}", quoted(&tenant.customer));
        }
        out
    }

    fn tenant(&self, out: &mut String, tenant: &Tenant) {
        let _ = writeln!(out, "  - id: {}\n    name: {}", quoted(&tenant.id), quoted(&tenant.name));
        match &tenant.email {
            Some(email) => {
                let _ = writeln!(out, "    email: {}", quoted(email));
            }
            None => {
                // RFC 2606 keeps `.invalid` free, so that no mail to it arrives anywhere.
                let address = quoted(&format!("missing@{}.invalid", tenant.id.trim_matches('-')));
                let _ = writeln!(
                    out,
                    "    # Stripe has no e-mail address for them that invoices could go to: write it here."
                );
                let _ = writeln!(out, "    email: {address}");
            }
        }
        if let Some(locale) = &tenant.locale {
            let _ = writeln!(out, "    locale: {}", quoted(locale));
        }
        if let Some(currency) = tenant.currency {
            let _ = writeln!(out, "    currency: {currency}");
        }
        let _ = writeln!(
            out,
            "    tags:\n      # Check that their AWS resources carry this value; it is {}.",
            tenant.tag_from
        );
        let _ = writeln!(out, "      {}: {}", quoted(&self.tenant_tag), quoted(&tenant.tag));
    }
}

/// A name as a manifest takes it; none when nothing is left of it.
fn readable(name: &str) -> Option<String> {
    let shown: String = name.chars().filter(|c| !is_steering(*c)).take(LONGEST_NAME).collect();
    (!shown.trim().is_empty() && !holds_secret(&shown)).then_some(shown)
}

/// The letters and digits of a key in lower case, so that `client_organization` is `ClientOrganization`.
fn letters(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
