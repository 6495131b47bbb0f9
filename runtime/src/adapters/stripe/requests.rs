//! What is sent to Stripe, from what the invoicer asks for: one function for each call of [`Invoices`](crate::ports::Invoices),
//! pure. Each idempotency key goes beside its request, in a header.

use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;

use billing::invoice::Collection;
use billing::{Currency, Period};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use stripe_billing::credit_note::{CreateCreditNote, ListCreditNote};
use stripe_billing::invoice::{
    AddLinesInvoice, AddLinesInvoiceLines, CreateInvoice, CreateInvoicePendingInvoiceItemsBehavior, DeleteInvoice,
    FinalizeInvoiceInvoice, ListInvoice, Period as LinePeriod, RemoveLinesInvoice, RemoveLinesInvoiceLines,
    RemoveLinesInvoiceLinesBehavior, RetrieveInvoice, SendInvoiceInvoice, UpdateInvoice, VoidInvoiceInvoice,
};
use stripe_billing::invoice_line_item::ListInvoiceInvoiceLineItem;
use stripe_billing::{Invoice, InvoiceCollectionMethod};
use stripe_core::customer::RetrieveCustomer;

use crate::ports::{
    CreditRequest, DraftRequest, LineRequest, LinesRequest, PortError, RemoveRequest, StepRequest, UpdateRequest,
};

/// Stripe's largest page.
const PAGE: i64 = 100;

/// The first page of a customer's invoices, newest first.
pub fn of_customer(customer: &str) -> ListInvoice {
    ListInvoice::new().customer(customer).limit(PAGE)
}

/// One invoice.
pub fn invoice(id: &str) -> RetrieveInvoice {
    RetrieveInvoice::new(id)
}

/// The first page of an invoice's lines.
pub fn lines(invoice: &str) -> ListInvoiceInvoiceLineItem {
    ListInvoiceInvoiceLineItem::new(invoice).limit(PAGE)
}

/// One customer.
pub fn customer(id: &str) -> RetrieveCustomer {
    RetrieveCustomer::new(id)
}

/// A draft that takes up no pending items, sends nothing and collects nothing by itself.
pub fn create(request: &DraftRequest) -> CreateInvoice {
    let create = CreateInvoice::new()
        .customer(&request.customer)
        .currency(stripe_currency(|invoice| &invoice.currency, request.currency))
        .collection_method(InvoiceCollectionMethod::SendInvoice)
        .days_until_due(request.days_until_due)
        .auto_advance(false)
        .pending_invoice_items_behavior(CreateInvoicePendingInvoiceItemsBehavior::Exclude)
        .metadata(map(&request.metadata));
    match &request.description {
        Some(description) => create.description(description),
        None => create,
    }
}

/// All lines in one call, with what the draft then carries.
///
/// # Errors
/// The period is beyond the calendar.
pub fn add_lines(request: &LinesRequest) -> Result<AddLinesInvoice, PortError> {
    let period = stripe_period(&request.period)?;
    let lines: Vec<AddLinesInvoiceLines> = request.lines.iter().map(|added| line(added, &period)).collect();
    Ok(AddLinesInvoice::new(request.invoice.as_str(), lines).invoice_metadata(map(&request.metadata)))
}

fn line(added: &LineRequest, period: &LinePeriod) -> AddLinesInvoiceLines {
    AddLinesInvoiceLines {
        amount: Some(added.amount.0),
        description: Some(added.description.clone()),
        // A discount of the customer's own in Stripe would make the total another than ours.
        discountable: Some(false),
        period: Some(*period),
        ..AddLinesInvoiceLines::new()
    }
}

/// Removes lines for good.
pub fn remove_lines(request: &RemoveRequest) -> RemoveLinesInvoice {
    let removed = |id: &String| RemoveLinesInvoiceLines::new(RemoveLinesInvoiceLinesBehavior::Delete, id.clone());
    let lines: Vec<RemoveLinesInvoiceLines> = request.lines.iter().map(removed).collect();
    RemoveLinesInvoice::new(request.invoice.as_str(), lines).invoice_metadata(map(&request.metadata))
}

/// Metadata, how the money comes in, and what it says of itself.
pub fn update(request: &UpdateRequest) -> UpdateInvoice {
    let update = UpdateInvoice::new(request.invoice.as_str());
    // An empty map is sent as `metadata=`, by which Stripe removes every key.
    let update = if request.metadata.is_empty() { update } else { update.metadata(map(&request.metadata)) };
    let update = match &request.description {
        Some(text) => update.description(text.clone()),
        None => update,
    };
    match request.collection {
        None => update,
        Some(Collection::SendInvoice) => update.collection_method(InvoiceCollectionMethod::SendInvoice),
        Some(Collection::ChargeAutomatically) => update.collection_method(InvoiceCollectionMethod::ChargeAutomatically),
    }
}

/// Finalises a draft; Stripe advances it from then on.
pub fn finalize(step: &StepRequest) -> FinalizeInvoiceInvoice {
    FinalizeInvoiceInvoice::new(step.invoice.as_str()).auto_advance(true)
}

/// E-mails an invoice.
pub fn send(step: &StepRequest) -> SendInvoiceInvoice {
    SendInvoiceInvoice::new(step.invoice.as_str())
}

/// Takes a finalised invoice back.
pub fn void(step: &StepRequest) -> VoidInvoiceInvoice {
    VoidInvoiceInvoice::new(step.invoice.as_str())
}

/// The first page of an invoice's credit notes.
pub fn credit_notes(invoice: &str) -> ListCreditNote {
    ListCreditNote::new().invoice(invoice).limit(PAGE)
}

/// Gives back a part of an invoice: off what is to pay, and to the customer's balance what was paid.
pub fn credit(request: &CreditRequest) -> CreateCreditNote {
    let create = CreateCreditNote::new(request.invoice.as_str())
        .amount(request.amount.0)
        .memo(request.memo.as_str())
        .metadata(map(&request.metadata));
    match request.to_balance.0 {
        0 => create,
        paid => create.credit_amount(paid),
    }
}

/// Deletes a draft.
pub fn delete(invoice: &str) -> DeleteInvoice {
    DeleteInvoice::new(invoice)
}

fn map(metadata: &[(String, String)]) -> HashMap<String, String> {
    metadata.iter().cloned().collect()
}

/// Stripe's type for a currency, named by where it is used: its crate is none of our dependencies.
fn stripe_currency<T: FromStr<Err = Infallible>>(_field: fn(&Invoice) -> &T, currency: Currency) -> T {
    match currency.code().to_ascii_lowercase().parse() {
        Ok(currency) => currency,
    }
}

/// Stripe's periods include both ends; its invoices show them as days. Noon of the last day and of the first are the same
/// days in every time zone of the Americas and Europe.
fn stripe_period(period: &Period) -> Result<LinePeriod, PortError> {
    Ok(LinePeriod::new(unix_s(period.last_day())?, unix_s(period.start())?))
}

fn unix_s(day: Date) -> Result<i64, PortError> {
    let noon = day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC);
    noon.map(|at| at.timestamp().as_second()).map_err(|error| PortError::new("date an invoice's lines", error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Month;
    use billing::money::MinorUnits;
    use jiff::civil::date;
    use stripe::StripeRequest;

    fn metadata(key: &str, value: &str) -> Vec<(String, String)> {
        vec![(key.to_owned(), value.to_owned())]
    }

    fn assert_has(body: &str, parts: &[&str]) {
        for part in parts {
            assert!(body.contains(part), "{part} in {body}");
        }
    }

    /// `metadata=` removes every key, and with them all by which an invoice is found again.
    #[test]
    fn a_change_of_the_collection_alone_says_nothing_of_metadata() {
        let request = UpdateRequest {
            invoice: "in_1".to_owned(),
            metadata: Vec::new(),
            collection: Some(Collection::ChargeAutomatically),
            description: None,
            idempotency_key: "key".to_owned(),
        };
        let body = update(&request).build().body.unwrap_or_default();
        assert_eq!(body, "collection_method=charge_automatically");
    }

    #[test]
    fn a_draft_excludes_pending_items_and_waits_to_be_told() {
        let request = DraftRequest {
            customer: "cus_1".to_owned(),
            currency: Currency::EUR,
            days_until_due: 14,
            description: None,
            metadata: metadata("billform_tenant", "a"),
            idempotency_key: "k".to_owned(),
        };
        let body = create(&request).build().body.expect("a body");
        assert_has(
            &body,
            &[
                "pending_invoice_items_behavior=exclude",
                "auto_advance=false",
                "collection_method=send_invoice",
                "days_until_due=14",
                "currency=eur",
                "customer=cus_1",
                "metadata[billform_tenant]=a",
            ],
        );
    }

    /// Stripe prints a line's days in the account's time zone: at noon UTC the day is the same from Honolulu to Helsinki.
    #[test]
    fn lines_state_amount_and_days_and_what_the_draft_carries() {
        let request = LinesRequest {
            invoice: "in_1".to_owned(),
            lines: vec![LineRequest { amount: MinorUnits(-150), description: "AWS Lambda".to_owned() }],
            period: Month::of(date(2026, 10, 1)).period(),
            metadata: metadata("billform_state", "provisional"),
            idempotency_key: "k".to_owned(),
        };
        let body = add_lines(&request).expect("lines").build().body.expect("a body");
        assert_has(
            &body,
            &[
                "lines[0][amount]=-150",
                "lines[0][description]=AWS+Lambda",
                "lines[0][discountable]=false",
                "lines[0][period][start]=1790856000",
                "lines[0][period][end]=1793448000",
                "invoice_metadata[billform_state]=provisional",
            ],
        );
    }

    #[test]
    fn a_credit_note_states_what_was_paid_of_it() {
        let request = CreditRequest {
            invoice: "in_1".to_owned(),
            amount: MinorUnits(2_679),
            to_balance: MinorUnits(679),
            memo: "2026-10 restated".to_owned(),
            metadata: metadata("billform_credit_note", "1"),
            idempotency_key: "k".to_owned(),
        };
        let body = |request: &CreditRequest| credit(request).build().body.expect("a body");
        let parts =
            ["invoice=in_1", "amount=2679", "credit_amount=679", "metadata[billform_credit_note]=1", "memo=2026-10"];
        assert_has(&body(&request), &parts);
        let unpaid = body(&CreditRequest { to_balance: MinorUnits(0), ..request });
        assert!(!unpaid.contains("credit_amount") && !unpaid.contains("refund_amount"), "{unpaid}");
    }

    #[test]
    fn lines_are_removed_for_good() {
        let request = RemoveRequest {
            invoice: "in_1".to_owned(),
            lines: vec!["il_1".to_owned()],
            metadata: metadata("billform_state", "redrawing"),
            idempotency_key: "k".to_owned(),
        };
        let body = remove_lines(&request).build().body.expect("a body");
        assert_has(
            &body,
            &["lines[0][id]=il_1", "lines[0][behavior]=delete", "invoice_metadata[billform_state]=redrawing"],
        );
    }
}
