//! One invoice, and why it is that much.

use askama::Template;
use billing::invoice::{Collection, InvoiceRecord, Line, Rule, SHARED_COST};
use billing::statement::{Outlook, ShownInvoice, Standing};
use billing::tenant::TenantRecord;

use super::amount::Amount;
use super::derivation;
use super::frame::{Frame, Here, Look};
use super::locale::Locale;
use super::portal::class;
use super::words::{Words, fill};

/// The line that the smallest services fold into, as `billing::invoice::compose` names it.
const OTHER_SERVICES: &str = "Other services";

/// What the page of an invoice shows.
#[derive(Debug, Clone, Copy)]
pub struct InvoicePage<'a> {
    /// Whose it is.
    pub tenant: &'a TenantRecord,
    /// Whether they may pay, and not only read.
    pub is_admin: bool,
    /// The invoice as the ledger has it.
    pub record: &'a InvoiceRecord,
    /// The same as it is shown.
    pub invoice: &'a ShownInvoice,
    /// Whether it can be paid here.
    pub can_pay: bool,
}

#[derive(Template)]
#[template(path = "invoice.html")]
struct Page<'a> {
    frame: Frame<'a>,
    w: &'static Words,
    period: String,
    days: String,
    total: Amount,
    standing: &'static str,
    class: &'static str,
    about: Option<&'static str>,
    facts: Vec<(&'static str, String)>,
    lines: Vec<(String, Amount)>,
    steps: Vec<Step>,
    can_pay: bool,
    can_open: bool,
}

/// One rule of the derivation.
struct Step {
    name: String,
    text: Vec<String>,
    amount: Amount,
    running: Amount,
}

/// The page of an invoice as HTML.
///
/// # Errors
/// When the template cannot be written, which memory does not do.
pub fn invoice(look: Look, page: &InvoicePage) -> askama::Result<String> {
    let (locale, shown, invoice) = (look.locale, page.invoice, &page.record.invoice);
    let w = Words::of(locale.language);
    let steps = invoice.steps.iter().map(|step| Step {
        name: derivation::rule_name(locale, w, step.rule, step.derivation.as_ref()),
        text: derivation::sentences(locale, w, step, invoice),
        amount: Amount::money(locale, step.amount),
        running: Amount::money(locale, step.running),
    });
    let at_stripe = page.can_pay && page.is_admin && shown.stripe_invoice.is_some();
    let acts = shown.standing.outlook() == Outlook::Act;
    Page {
        frame: look.frame(fill(w.invoice_of, &[&locale.month(shown.month)]), Some(&page.tenant.name), Here::Invoice),
        w,
        period: shown.month.to_string(),
        days: fill(w.covered_days, &[&locale.days(&shown.month.period())]),
        total: Amount::money(locale, shown.total),
        standing: w.standing_of(shown.standing),
        class: class(shown.standing),
        about: about(w, shown.standing),
        facts: facts(locale, w, page),
        lines: invoice
            .lines
            .iter()
            .map(|line| (line_name(locale, w, line, page.record), Amount::money(locale, line.amount)))
            .collect(),
        steps: steps.collect(),
        can_pay: at_stripe && acts,
        can_open: at_stripe && !acts && shown.issued.is_some(),
    }
    .render()
}

/// What the states say that are not about paying.
fn about(w: &'static Words, standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Preparing => Some(w.preparing_about),
        Standing::Void => Some(w.void_about),
        Standing::Credit => Some(w.credit_about),
        Standing::NothingDue => Some(w.nothing_about),
        _ => None,
    }
}

fn facts(locale: Locale, w: &'static Words, page: &InvoicePage) -> Vec<(&'static str, String)> {
    let shown = page.invoice;
    let is_to_pay = !shown.to_pay.amount.is_zero();
    let by_itself = page.record.collection == Collection::ChargeAutomatically && is_to_pay;
    let due = shown.due.map(|day| locale.day(day)).or_else(|| by_itself.then(|| w.charged_by_itself.to_owned()));
    let left = match shown.standing {
        Standing::Paid => Some(w.paid_in_full.to_owned()),
        _ => is_to_pay.then(|| locale.money(shown.to_pay)),
    };
    let refunded = (!shown.refunded.amount.is_zero()).then(|| locale.money(shown.refunded));
    let facts = [
        (w.issued_on, shown.issued.map(|day| locale.day(day))),
        (w.due_by, due.filter(|_| is_to_pay)),
        (w.to_pay, left),
        (w.refunded, refunded),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

/// Lines are kept in English; services keep the names that AWS gives them.
fn line_name(locale: Locale, w: &'static Words, line: &Line, record: &InvoiceRecord) -> String {
    match (line.rule, line.description.as_str()) {
        (Rule::Cost, SHARED_COST) => w.shared.to_owned(),
        (Rule::Cost, OTHER_SERVICES) => w.other_services.to_owned(),
        (Rule::Cost, service) => service.to_owned(),
        (rule, _) => {
            let same = |step: &&billing::invoice::Step| {
                step.rule == rule && (!rule.is_carried() || step.text == line.description)
            };
            let step = record.invoice.steps.iter().find(same);
            derivation::rule_name(locale, w, rule, step.and_then(|step| step.derivation.as_ref()))
        }
    }
}
