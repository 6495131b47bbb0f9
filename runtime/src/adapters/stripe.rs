//! Stripe's invoices through async-stripe, with derived idempotency keys and retries under the same key.

mod attempts;

use std::collections::HashMap;
use std::convert::Infallible;
use std::str::FromStr;

use async_trait::async_trait;
use billing::money::MinorUnits;
use billing::names::LINE_METADATA;
use billing::{Currency, Period};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use stripe::{Client, ClientBuilder, StripeRequest};
use stripe_billing::invoice::{CreateInvoice, CreateInvoicePendingInvoiceItemsBehavior, ListInvoice, RetrieveInvoice};
use stripe_billing::invoice_item::{CreateInvoiceItem, ListInvoiceItem, Period as StripePeriod};
use stripe_billing::{Invoice, InvoiceCollectionMethod, InvoiceItem, InvoiceStatus};

use crate::ports::{DraftRequest, Invoices, ItemRequest, PortError, RemoteInvoice, RemoteItem, RemoteStatus};
use crate::secret::Secret;

/// Stripe's largest page.
const PAGE: i64 = 100;

/// Stripe's invoices.
#[derive(Clone)]
pub struct StripeInvoices {
    client: Client,
    /// Blacked out of every error: some servers repeat the key they refuse.
    key: Secret,
}

impl StripeInvoices {
    /// With a key, at Stripe's address or another one.
    pub fn new(key: Secret, api_base: Option<&str>) -> Result<StripeInvoices, PortError> {
        let builder = ClientBuilder::new(key.expose());
        let builder = match api_base {
            Some(url) => builder.url(url),
            None => builder,
        };
        let client = builder.build().map_err(|error| attempts::failed(&key, "set up Stripe", &error))?;
        Ok(StripeInvoices { client, key })
    }
}

#[async_trait]
impl Invoices for StripeInvoices {
    async fn find(&self, customer: &str, metadata: &[(String, String)]) -> Result<Option<RemoteInvoice>, PortError> {
        let mut list = ListInvoice::new().customer(customer).limit(PAGE);
        loop {
            let page = attempts::repeat(&self.key, "list Stripe's invoices", || list.send(&self.client)).await?;
            let last = page.data.last().and_then(|invoice| invoice.id.as_ref()).map(ToString::to_string);
            if let Some(found) = page.data.iter().find(|invoice| is_ours(invoice, metadata)) {
                return remote_invoice(found).map(Some);
            }
            match last {
                Some(last) if page.has_more => list = list.starting_after(last),
                _ => return Ok(None),
            }
        }
    }

    async fn create_draft(&self, request: &DraftRequest) -> Result<RemoteInvoice, PortError> {
        let doing = "create a draft invoice";
        let strategy = attempts::under_key(doing, &request.idempotency_key)?;
        let create = create_invoice(request);
        let created = attempts::repeat(&self.key, doing, || {
            create.customize().request_strategy(strategy.clone()).send(&self.client)
        });
        remote_invoice(&created.await?)
    }

    async fn invoice(&self, id: &str) -> Result<RemoteInvoice, PortError> {
        let retrieve = RetrieveInvoice::new(id);
        let invoice = attempts::repeat(&self.key, "read a Stripe invoice", || retrieve.send(&self.client)).await?;
        remote_invoice(&invoice)
    }

    async fn items(&self, invoice: &str) -> Result<Vec<RemoteItem>, PortError> {
        let mut list = ListInvoiceItem::new().invoice(invoice).limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = attempts::repeat(&self.key, "list an invoice's items", || list.send(&self.client)).await?;
            found.extend(page.data.iter().map(remote_item));
            match page.data.last() {
                Some(last) if page.has_more => list = list.starting_after(last.id.to_string()),
                _ => return Ok(found),
            }
        }
    }

    async fn add_item(&self, request: &ItemRequest) -> Result<RemoteItem, PortError> {
        let doing = "add an item to an invoice";
        let strategy = attempts::under_key(doing, &request.idempotency_key)?;
        let create = create_item(request)?;
        let created = attempts::repeat(&self.key, doing, || {
            create.customize().request_strategy(strategy.clone()).send(&self.client)
        });
        Ok(remote_item(&created.await?))
    }
}

/// A draft that takes up no pending items, sends nothing and collects nothing by itself.
fn create_invoice(request: &DraftRequest) -> CreateInvoice {
    let metadata: HashMap<String, String> = request.metadata.iter().cloned().collect();
    let create = CreateInvoice::new()
        .customer(&request.customer)
        .currency(stripe_currency(|invoice| &invoice.currency, request.currency))
        .collection_method(InvoiceCollectionMethod::SendInvoice)
        .days_until_due(request.days_until_due)
        .auto_advance(false)
        .pending_invoice_items_behavior(CreateInvoicePendingInvoiceItemsBehavior::Exclude)
        .metadata(metadata);
    match &request.description {
        Some(description) => create.description(description),
        None => create,
    }
}

fn create_item(request: &ItemRequest) -> Result<CreateInvoiceItem, PortError> {
    let metadata: HashMap<String, String> = [(LINE_METADATA.to_owned(), request.line.to_string())].into();
    Ok(CreateInvoiceItem::new()
        .customer(&request.customer)
        .invoice(&request.invoice)
        .amount(request.amount.0)
        .currency(stripe_currency(|invoice| &invoice.currency, request.currency))
        .description(&request.description)
        // A discount of the customer's own in Stripe would make the total another than ours.
        .discountable(false)
        .period(stripe_period(&request.period)?)
        .metadata(metadata))
}

/// Stripe's type for a currency, named by where it is used: its crate is none of our dependencies.
fn stripe_currency<T: FromStr<Err = Infallible>>(_field: fn(&Invoice) -> &T, currency: Currency) -> T {
    match currency.code().to_ascii_lowercase().parse() {
        Ok(currency) => currency,
    }
}

/// Stripe's periods include both ends; its invoices show them as days.
fn stripe_period(period: &Period) -> Result<StripePeriod, PortError> {
    Ok(StripePeriod::new(unix_s(period.last_day())?, unix_s(period.start())?))
}

fn unix_s(day: Date) -> Result<i64, PortError> {
    let midnight = day.to_zoned(TimeZone::UTC);
    midnight.map(|at| at.timestamp().as_second()).map_err(|error| PortError::new("date an invoice item", error))
}

fn is_ours(invoice: &Invoice, metadata: &[(String, String)]) -> bool {
    let has =
        |(key, value): &(String, String)| invoice.metadata.as_ref().is_some_and(|found| found.get(key) == Some(value));
    metadata.iter().all(has) && invoice.status != Some(InvoiceStatus::Void)
}

fn remote_invoice(invoice: &Invoice) -> Result<RemoteInvoice, PortError> {
    let id = invoice.id.as_ref().ok_or_else(|| PortError::new("read a Stripe invoice", "it has no id"))?;
    let status = match &invoice.status {
        Some(InvoiceStatus::Draft) => RemoteStatus::Draft,
        Some(InvoiceStatus::Open | InvoiceStatus::Paid | InvoiceStatus::Uncollectible) => RemoteStatus::Issued,
        Some(InvoiceStatus::Void) => RemoteStatus::Void,
        // Stripe may add a status; only those we know are taken for anything.
        Some(other) => RemoteStatus::Unknown(other.to_string()),
        None => RemoteStatus::Unknown("without a status".to_owned()),
    };
    Ok(RemoteInvoice {
        id: id.to_string(),
        status,
        total: MinorUnits(invoice.total),
        currency: invoice.currency.to_string().to_ascii_uppercase(),
    })
}

fn remote_item(item: &InvoiceItem) -> RemoteItem {
    let line = item.metadata.as_ref().and_then(|metadata| metadata.get(LINE_METADATA)?.parse().ok());
    RemoteItem { id: item.id.to_string(), line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use billing::Month;
    use jiff::civil::date;
    use stripe::StripeRequest;

    fn october() -> Period {
        Month::of(date(2026, 10, 1)).period()
    }

    #[test]
    fn a_draft_excludes_pending_items_and_waits_to_be_told() {
        let request = DraftRequest {
            customer: "cus_1".to_owned(),
            currency: Currency::EUR,
            days_until_due: 14,
            description: None,
            metadata: vec![("billform_tenant".to_owned(), "a".to_owned())],
            idempotency_key: "k".to_owned(),
        };
        let body = create_invoice(&request).build().body.expect("a body");
        for part in [
            "pending_invoice_items_behavior=exclude",
            "auto_advance=false",
            "collection_method=send_invoice",
            "days_until_due=14",
            "currency=eur",
            "customer=cus_1",
            "metadata[billform_tenant]=a",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }

    #[test]
    fn an_item_states_amount_period_and_place() {
        let request = ItemRequest {
            customer: "cus_1".to_owned(),
            invoice: "in_1".to_owned(),
            amount: MinorUnits(-150),
            currency: Currency::USD,
            description: "AWS Lambda".to_owned(),
            period: october(),
            line: 3,
            idempotency_key: "k".to_owned(),
        };
        let body = create_item(&request).expect("an item").build().body.expect("a body");
        for part in [
            "amount=-150",
            "invoice=in_1",
            "discountable=false",
            "metadata[billform_line]=3",
            "period[start]=1790812800",
            "period[end]=1793404800",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
    }
}
