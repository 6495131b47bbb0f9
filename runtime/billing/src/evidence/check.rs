//! Checks the files of an invoice by pricing their cost once more, with the code that priced the invoice.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::{
    COSTS, Costs, DERIVATION, DOCUMENT, Derived, Document, FORMAT, Files, MANIFEST, Manifest, PricedUnder, TERMS,
};
use crate::balance::Balance;
use crate::invoice::{Derivation, Invoice, Line, MonthTerms, PriceError, PriceInput, Step, compose, price};
use crate::tenant::TenantRecord;

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// A file is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// A file that the manifest does not list.
    #[error("{0} is not among the files that the manifest lists")]
    Unlisted(String),
    /// A file is not what it was.
    #[error("{file} is not as it was packed: its SHA-256 is {found}, the manifest says {stated}")]
    Digest {
        /// Its name.
        file: String,
        /// The digest found.
        found: String,
        /// The manifest's.
        stated: String,
    },
    /// A file is not what its format says.
    #[error("{file} cannot be read: {cause}")]
    Malformed {
        /// Its name.
        file: String,
        /// Why.
        cause: String,
    },
    /// Written by another version.
    #[error("the pack has the format `{0}`; this billform reads {FORMAT}")]
    Format(String),
    /// The days do not add up to the cost that was priced.
    #[error("{service}: the days of costs.json do not add up to the cost that was priced")]
    Days {
        /// Of which service.
        service: String,
    },
    /// The cost cannot be priced under the terms.
    #[error(transparent)]
    Unpriced(#[from] PriceError),
    /// A figure does not follow.
    #[error("{what} is {stated}, and comes to {found} by the pack's cost and terms")]
    Figure {
        /// Which one.
        what: String,
        /// As the pack has it.
        stated: String,
        /// As it comes out.
        found: String,
    },
}

/// Checks digests, days and figures of a pack's files, `manifest.json` among them; the signature is not looked at.
///
/// # Errors
/// The first thing that does not hold.
pub fn check(files: &Files) -> Result<Manifest, Mismatch> {
    let manifest: Manifest = read(files, MANIFEST)?;
    if manifest.format != FORMAT {
        return Err(Mismatch::Format(manifest.format));
    }
    digests(&manifest, files)?;
    let (costs, priced): (Costs, PricedUnder) = (read(files, COSTS)?, read(files, TERMS)?);
    let (derivation, document): (Derived, Document) = (read(files, DERIVATION)?, read(files, DOCUMENT)?);
    days(&costs, &priced)?;
    let invoice = priced_again(&costs, &priced, &derivation, &document)?;
    figures(&manifest, &derivation, &document, &invoice)?;
    Ok(manifest)
}

fn digests(manifest: &Manifest, files: &Files) -> Result<(), Mismatch> {
    if let Some(name) = files.keys().find(|name| *name != MANIFEST && !manifest.files.contains_key(*name)) {
        return Err(Mismatch::Unlisted(name.clone()));
    }
    for (name, stated) in &manifest.files {
        let bytes = files.get(name).ok_or_else(|| Mismatch::Missing(name.clone()))?;
        let found = super::digest(bytes);
        if found != *stated {
            return Err(Mismatch::Digest { file: name.clone(), found, stated: stated.clone() });
        }
    }
    Ok(())
}

fn days(costs: &Costs, priced: &PricedUnder) -> Result<(), Mismatch> {
    let summed = costs.of_days(&priced.terms.sharing);
    let of = |services: &BTreeMap<_, _>, name: &String| services.get(name).copied().unwrap_or_default();
    let differs = |name: &&String| of(&summed, name) != of(&costs.services, name);
    let service = summed.keys().chain(costs.services.keys()).find(differs).cloned();
    service.map_or(Ok(()), |service| Err(Mismatch::Days { service }))
}

/// The invoice by the files' cost and terms, and what it took from the balance.
fn priced_again(
    costs: &Costs,
    priced: &PricedUnder,
    derivation: &Derived,
    document: &Document,
) -> Result<Invoice, Mismatch> {
    let (month, id, currency) = (document.period, document.tenant.clone(), priced.currency);
    // Pricing reads who pays, and in which currency.
    let tenant = TenantRecord {
        id,
        name: String::new(),
        email: String::new(),
        locale: String::new(),
        currency,
        tags: BTreeMap::new(),
        terms: Vec::new(),
        rates: Vec::new(),
        stripe_customer: None,
        first_period: None,
        last_period: None,
        days_until_due: document.days_until_due,
        link_version: 0,
        budget: None,
    };
    let has_cost = derivation.steps.iter().any(|step| matches!(step.derivation, Some(Derivation::Cost { .. })));
    let own = match has_cost {
        // A closing month carries what the balance held, and nothing else.
        false => Invoice::empty(&tenant.id, month, currency),
        true => {
            let terms = MonthTerms { terms: priced.terms.clone(), exchange: priced.exchange.clone() };
            let (services, shared) = (&costs.services, costs.shared.as_ref());
            price(&PriceInput { tenant: &tenant, month, terms: &terms, services, shared })?
        }
    };
    let taken = Balance { open: document.drawn.clone(), ..Balance::nothing(currency) };
    Ok(compose(own, &taken).invoice)
}

/// Holds what was issued against what comes out: each step, each line, the total. Texts may change with versions.
fn figures(manifest: &Manifest, derivation: &Derived, document: &Document, invoice: &Invoice) -> Result<(), Mismatch> {
    let same = |what: &str, stated: String, found: String| match stated == found {
        true => Ok(()),
        false => Err(Mismatch::Figure { what: what.to_owned(), stated, found }),
    };
    for at in 0..derivation.steps.len().max(invoice.steps.len()) {
        step(derivation.steps.get(at), invoice.steps.get(at))?;
    }
    let lines = |lines: &[Line]| {
        lines.iter().map(|line| format!("{} {}", line.rule, line.amount)).collect::<Vec<_>>().join(", ")
    };
    same("the list of lines", lines(&document.lines), lines(&invoice.lines))?;
    same("the cost", derivation.cost_usd.normalize().to_string(), invoice.cost_usd.normalize().to_string())?;
    same("the document's total", document.total.to_string(), invoice.total.to_string())?;
    same("the derivation's total", derivation.total.to_string(), invoice.total.to_string())?;
    same("the manifest's total", manifest.total.to_string(), invoice.total.to_string())?;
    same("the manifest's tenant", manifest.tenant.clone(), document.tenant.clone())?;
    same("the manifest's period", manifest.period.to_string(), document.period.to_string())?;
    same("the manifest's revision", manifest.revision.to_string(), document.revision.to_string())
}

fn step(stated: Option<&Step>, found: Option<&Step>) -> Result<(), Mismatch> {
    let shown = |step: Option<&Step>| match step {
        Some(step) => format!("{} (sum {})", step.amount, step.running),
        None => "nothing".to_owned(),
    };
    let rule = stated.or(found).map(|step| step.rule.to_string()).unwrap_or_default();
    let rules = (stated.map(|step| step.rule), found.map(|step| step.rule));
    let (what, holds) = match (shown(stated) == shown(found), rules.0 == rules.1) {
        (true, true) => {
            let operands = |step: Option<&Step>| step.and_then(|step| step.derivation.clone());
            (format!("what the step `{rule}` was calculated from"), operands(stated) == operands(found))
        }
        _ => (format!("the step `{rule}`"), false),
    };
    match holds {
        true => Ok(()),
        false => Err(Mismatch::Figure { what, stated: shown(stated), found: shown(found) }),
    }
}

fn read<T: DeserializeOwned>(files: &Files, name: &str) -> Result<T, Mismatch> {
    let bytes = files.get(name).ok_or_else(|| Mismatch::Missing(name.to_owned()))?;
    serde_json::from_slice(bytes)
        .map_err(|error| Mismatch::Malformed { file: name.to_owned(), cause: error.to_string() })
}
