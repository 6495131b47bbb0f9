//! The evidence of one invoice: what its total came from, as files that are checked without the ledger.
//!
//! Composing is pure and says the same for the same facts. The derivation is the one that pricing emitted when the invoice
//! was drawn up; checking prices the files' cost under the files' terms by the same code. `recompute.py`, which lies
//! among the files, calculates the total by itself.

mod check;
mod costs;
mod document;

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::balance::Balance;
use crate::invoice::{self, Invoice, InvoiceRecord, Payment, PriceError, Step};
use crate::ledger::CostDay;
use crate::pricing::{ExchangeRate, Terms};
use crate::{Currency, Money, Month};

pub use check::{Mismatch, check};
pub use costs::{Costs, DayCost};
pub use document::Document;

/// The manifest's name among the files.
pub const MANIFEST: &str = "manifest.json";
/// The name of the public key's file, in PEM.
pub const PUBLIC_KEY: &str = "public-key.pem";
/// How this version writes its files.
pub const FORMAT: &str = "billform-evidence/1";

const COSTS: &str = "costs.json";
const TERMS: &str = "terms.json";
const DERIVATION: &str = "derivation.json";
const DOCUMENT: &str = "document.json";
const PAYMENTS: &str = "payments.json";
const RECOMPUTE: (&str, &str) = ("recompute.py", include_str!("evidence/recompute.py"));
const README: (&str, &str) = ("README.md", include_str!("evidence/README.md"));

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The list of the files and of their digests: what is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The tenant's id.
    pub tenant: String,
    /// The month billed.
    pub period: Month,
    /// The invoice's revision.
    pub revision: u32,
    /// What it comes to.
    pub total: Money,
    /// Each other file's SHA-256 in hex, by name; the signature's is not among them.
    pub files: BTreeMap<String, String>,
}

/// `terms.json`: what the month was priced under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PricedUnder {
    /// The invoice's currency.
    currency: Currency,
    /// Decimals that amounts are rounded to: what Stripe can charge.
    decimals: u32,
    /// The terms, as claimed.
    terms: Terms,
    /// How US dollars became the invoice's currency; null when that is USD.
    exchange: Option<ExchangeRate>,
}

/// `derivation.json`: how the total came about, rule by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Derived {
    /// The month's AWS cost in US dollars, exact; with the tenant's part of shared cost.
    cost_usd: Decimal,
    /// Each rule that applied, with its operands.
    steps: Vec<Step>,
    /// The sum.
    total: Money,
}

/// `payments.json`: the money's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payments {
    /// The currency of every amount.
    currency: Currency,
    /// Amounts are integers of ten to the minus this: Stripe's minor units.
    minor_unit_decimals: u32,
    /// What was paid, failed, came back or is disputed.
    payment: Payment,
}

/// Why an invoice has no evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoEvidence {
    /// It was drawn up by a version that kept no derivation, and what the ledger holds now comes to something else.
    #[error(
        "the invoice of {tenant} for {month} was drawn up by an older billform, which did not keep what each figure was \
         calculated from, and the month's stored cost has changed since: it comes to {now}, the invoice to {then}"
    )]
    Underivable {
        /// The tenant's id.
        tenant: String,
        /// The month.
        month: Month,
        /// The invoice's total.
        then: Money,
        /// The same by the stored cost.
        now: Money,
    },
    /// The same, and its terms do not price what the ledger holds now.
    #[error(transparent)]
    Unpriced(#[from] PriceError),
    /// A file cannot be written.
    #[error("the evidence cannot be written as JSON: {0}")]
    Json(String),
}

/// Composes the files of an invoice, without its manifest, signature and key.
///
/// `days` are the month's stored days. `own` is what the month comes to by them under the record's terms, without what the
/// invoice took from the balance: it derives an invoice that was stored without its derivation.
///
/// # Errors
/// When the invoice cannot be derived.
pub fn compose(
    record: &InvoiceRecord,
    days: &[CostDay],
    own: &Result<Invoice, PriceError>,
) -> Result<Files, NoEvidence> {
    let invoice = derived(record, own)?;
    let (currency, terms) = (invoice.currency, record.terms.clone());
    let costs = Costs::of(&invoice, &terms.sharing, days);
    let exchange = invoice.exchange.clone();
    let priced_under = PricedUnder { currency, decimals: currency.billed_decimals(), terms, exchange };
    let minor_unit_decimals = currency.stripe_scale();
    let payments = Payments { currency, minor_unit_decimals, payment: record.payment.clone() };
    let document = Document::of(record);
    let derivation = Derived { cost_usd: invoice.cost_usd, steps: invoice.steps, total: invoice.total };
    let mut files = Files::from([README, RECOMPUTE].map(|(name, text)| (name.to_owned(), text.into())));
    files.insert(COSTS.to_owned(), json(&costs)?);
    files.insert(TERMS.to_owned(), json(&priced_under)?);
    files.insert(DERIVATION.to_owned(), json(&derivation)?);
    files.insert(DOCUMENT.to_owned(), json(&document)?);
    files.insert(PAYMENTS.to_owned(), json(&payments)?);
    Ok(files)
}

/// The manifest of an invoice's files.
///
/// # Errors
/// When it cannot be written.
pub fn manifest(record: &InvoiceRecord, files: &Files) -> Result<Vec<u8>, NoEvidence> {
    let digests = files.iter().map(|(name, bytes)| (name.clone(), digest(bytes)));
    json(&Manifest {
        format: FORMAT.to_owned(),
        tenant: record.tenant().to_owned(),
        period: record.month(),
        revision: record.revision,
        total: record.invoice.total,
        files: digests.collect(),
    })
}

/// SHA-256 in hex.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The invoice as it was drawn up, with the derivation of every step.
fn derived(record: &InvoiceRecord, own: &Result<Invoice, PriceError>) -> Result<Invoice, NoEvidence> {
    if record.invoice.steps.iter().all(|step| step.derivation.is_some()) {
        return Ok(record.invoice.clone());
    }
    let own = own.clone()?;
    let taken = Balance { open: record.drawn.clone(), ..Balance::nothing(own.currency) };
    let now = invoice::compose(own, &taken).invoice;
    if record.invoice.is_drawn_as(&now) {
        return Ok(now);
    }
    let (tenant, month) = (record.tenant().to_owned(), record.month());
    Err(NoEvidence::Underivable { tenant, month, then: record.invoice.total, now: now.total })
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, NoEvidence> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| NoEvidence::Json(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests;
