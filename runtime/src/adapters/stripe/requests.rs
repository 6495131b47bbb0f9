//! What is sent to Stripe, from what the invoicer asks for.

use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;

use billing::invoice::Collection;
use billing::{Currency, Period};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use stripe_billing::invoice::{
    AddLinesInvoice, AddLinesInvoiceLines, CreateInvoice, CreateInvoicePendingInvoiceItemsBehavior,
    Period as LinePeriod, RemoveLinesInvoice, RemoveLinesInvoiceLines, RemoveLinesInvoiceLinesBehavior, UpdateInvoice,
};
use stripe_billing::{Invoice, InvoiceCollectionMethod};

use crate::ports::{DraftRequest, LineRequest, LinesRequest, PortError, RemoveRequest, UpdateRequest};

/// A draft that takes up no pending items, sends nothing and collects nothing by itself.
pub(super) fn create(request: &DraftRequest) -> CreateInvoice {
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
pub(super) fn add_lines(request: &LinesRequest) -> Result<AddLinesInvoice, PortError> {
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
pub(super) fn remove_lines(request: &RemoveRequest) -> RemoveLinesInvoice {
    let removed = |id: &String| RemoveLinesInvoiceLines::new(RemoveLinesInvoiceLinesBehavior::Delete, id.clone());
    let lines: Vec<RemoveLinesInvoiceLines> = request.lines.iter().map(removed).collect();
    RemoveLinesInvoice::new(request.invoice.as_str(), lines).invoice_metadata(map(&request.metadata))
}

/// Metadata, and how the money comes in.
pub(super) fn update(request: &UpdateRequest) -> UpdateInvoice {
    let update = UpdateInvoice::new(request.invoice.as_str()).metadata(map(&request.metadata));
    match request.collection {
        None => update,
        Some(Collection::SendInvoice) => update.collection_method(InvoiceCollectionMethod::SendInvoice),
        Some(Collection::ChargeAutomatically) => update.collection_method(InvoiceCollectionMethod::ChargeAutomatically),
    }
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
