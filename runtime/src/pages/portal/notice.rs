//! What is said on top of the portal: first what wants doing, then what just happened.

use billing::Money;
use billing::statement::{ShownInvoice, Standing};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::PortalPage;
use crate::pages::locale::Locale;
use crate::pages::words::{Words, fill};

/// What is told on the way back from Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// A payment method was saved.
    CardAdded,
    /// The tenant came back without one.
    CardCancelled,
}

impl Message {
    /// The message of the address that Stripe sends the tenant back to: `/?payment=added`.
    pub fn of(query: Option<&str>) -> Option<Message> {
        match query? {
            "added" => Some(Message::CardAdded),
            "cancelled" => Some(Message::CardCancelled),
            _ => None,
        }
    }
}

/// One notice.
pub(super) struct Notice {
    pub(super) text: String,
    pub(super) class: &'static str,
    /// The month of the invoice that it is about: `2026-10`.
    pub(super) invoice: Option<String>,
}

/// In the order in which they are shown.
pub(super) fn of(locale: Locale, w: &'static Words, page: &PortalPage) -> Vec<Notice> {
    let mut notices: Vec<Notice> = page.message.map(|message| told(w, message)).into_iter().collect();
    notices.extend(paused(locale, w, page));
    notices.extend(overdue(locale, w, page.invoices));
    for invoice in page.invoices {
        let phrase = match invoice.standing {
            Standing::Failed => w.failed_one,
            Standing::NeedsConfirmation => w.confirm_one,
            _ => continue,
        };
        let text = fill(phrase, &[&locale.month(invoice.month)]);
        notices.push(Notice { text, class: "bad", invoice: Some(invoice.month.to_string()) });
    }
    if let Some(last) = page.tenant.last_period {
        let text = fill(w.last_period, &[&locale.month(last)]);
        notices.push(Notice { text, class: "", invoice: None });
    }
    notices
}

fn paused(locale: Locale, w: &'static Words, page: &PortalPage) -> Option<Notice> {
    let pause = page.pause?;
    let since = pause.since?.to_zoned(TimeZone::UTC).date();
    let text = fill(w.paused, &[&locale.day(since)]);
    let reason = pause.reason.iter().map(|reason| fill(w.paused_reason, &[reason]));
    let text = [text].into_iter().chain(reason).chain([w.paused_means.to_owned()]).collect::<Vec<_>>().join(" ");
    Some(Notice { text, class: "warn", invoice: None })
}

fn told(w: &'static Words, message: Message) -> Notice {
    let (text, class) = match message {
        Message::CardAdded => (w.card_added, "good"),
        Message::CardCancelled => (w.card_cancelled, ""),
    };
    Notice { text: text.to_owned(), class, invoice: None }
}

/// One notice for all that is overdue.
fn overdue(locale: Locale, w: &'static Words, invoices: &[ShownInvoice]) -> Option<Notice> {
    let overdue: Vec<&ShownInvoice> = invoices.iter().filter(|invoice| invoice.standing == Standing::Overdue).collect();
    let first = *overdue.last()?;
    if let [one] = overdue[..] {
        let due = one.due.map(|day| locale.day(day)).unwrap_or_default();
        let text = fill(w.overdue_one, &[&locale.month(one.month), &locale.money(one.to_pay), &due]);
        return Some(Notice { text, class: "bad", invoice: Some(one.month.to_string()) });
    }
    let all = Money::new(overdue.iter().map(|invoice| invoice.to_pay.amount).sum::<Decimal>(), first.to_pay.currency);
    let text = fill(w.overdue_many, &[&overdue.len().to_string(), &locale.money(all)]);
    Some(Notice { text, class: "bad", invoice: Some(first.month.to_string()) })
}
