//! `GET /customers/{id}/invoices`, the contract's E10: the invoices of who is signed in, as JSON or as a file.

use std::sync::Arc;

use billing::Money;
use billing::exact::ExactNumber;
use billing::function::{Auth, Grant, Role, Setting};
use billing::ledger::invoices;
use billing::statement::{self, ShownInvoice};
use serde::Serialize;

use crate::api::{Api, Call, Route};
use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Format, Refusal, Response};
use crate::ports::{Clock, Ledger, PortError};
use crate::spec::Spec;

/// The handler and what it works with.
pub struct Invoices {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
}

impl Api for Invoices {
    const SPEC: Spec = Spec {
        name: "invoices",
        description: "GET /customers/{id}/invoices: a tenant's invoices and how each stands",
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead, Grant::ThrottleWrite],
        settings: &[Setting::LedgerTable, Setting::LinkSecret],
        surfaces: &["portal"],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Invoices>] = &[Route {
        key: "GET /customers/{id}/invoices",
        auth: Auth::Tenant(Role::Viewer),
        serve: |api, call| Box::pin(api.answer(call)),
    }];

    fn start(env: &Environment) -> Result<Invoices, StartError> {
        Ok(Invoices { ledger: env.ledger()?, clock: env.clock() })
    }
}

/// E10's JSON.
#[derive(Serialize)]
struct Answer<'a> {
    customer_id: &'a str,
    invoices: Vec<AnsweredInvoice>,
}

#[derive(Serialize)]
struct AnsweredInvoice {
    /// `2026-10`.
    period: String,
    /// None while there is no document at Stripe.
    invoice_id: Option<String>,
    status: &'static str,
    amount: ExactNumber,
    amount_due: ExactNumber,
    amount_refunded: ExactNumber,
    currency: String,
    issued: Option<String>,
    due: Option<String>,
}

impl From<ShownInvoice> for AnsweredInvoice {
    fn from(shown: ShownInvoice) -> AnsweredInvoice {
        AnsweredInvoice {
            period: shown.month.to_string(),
            status: shown.standing.name(),
            amount: exact(shown.total),
            amount_due: exact(shown.to_pay),
            amount_refunded: exact(shown.refunded),
            currency: shown.total.currency.code().to_owned(),
            issued: shown.issued.map(|day| day.to_string()),
            due: shown.due.map(|day| day.to_string()),
            invoice_id: shown.stripe_invoice,
        }
    }
}

/// With the currency's decimals even when they are zero.
fn exact(money: Money) -> ExactNumber {
    let mut amount = money.amount;
    amount.rescale(money.currency.decimals());
    ExactNumber(amount)
}

impl Invoices {
    async fn answer(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let tenant = call.caller.tenant()?;
        // The same answer for another tenant's id and for none: an id tells nothing.
        if call.request.parameter("id")? != tenant.id {
            return Err(Refusal::no_route());
        }
        let format = Format::asked(call.request)?;
        let records = invoices::all(&*self.ledger, &tenant.id).await.map_err(failed)?;
        let shown = statement::invoices(&records, self.clock.today());
        match format {
            Format::Csv => Ok(Response::csv(&format!("invoices-{}.csv", tenant.id), statement::invoices_file(&shown))),
            Format::Json => {
                let invoices = shown.into_iter().map(AnsweredInvoice::from).collect();
                let answer = Answer { customer_id: &tenant.id, invoices };
                let text = serde_json::to_string(&answer)
                    .map_err(|cause| failed(PortError::new("write the answer", cause)))?;
                Ok(Response::json(200, text))
            }
        }
    }
}

fn failed(cause: PortError) -> Refusal {
    Refusal::failed("the invoices could not be read; try again later", cause)
}

#[cfg(test)]
mod tests;
