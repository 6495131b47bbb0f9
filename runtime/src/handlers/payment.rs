//! `POST /payment`, the contract's E2 to E5: Stripe's page for a payment method, an invoice's page, the methods on file,
//! the customer portal.
//!
//! Tenant, customer and amount follow from who is signed in and from the ledger. What the body says of them is only
//! checked: it decides nothing.

mod body;

use std::sync::Arc;

use billing::exact::ExactNumber;
use billing::function::{Auth, Grant, Role, Setting};
use billing::invoice::{InvoiceRecord, InvoiceState};
use billing::ledger::invoices;
use billing::tenant::TenantRecord;
use serde::Serialize;
use serde_json::json;

use crate::api::{Api, Call, Route};
use crate::auth::SignedIn;
use crate::auth::origin::Origins;
use crate::environment::{Environment, Stripe};
use crate::error::StartError;
use crate::http::{Refusal, Request, Response};
use crate::ports::{Checkout, Clock, KeptMethod, Ledger, PortError, PortalRequest, SetUpRequest};
use crate::spec::Spec;
use body::{Action, Body};

/// The handler and what it works with.
pub struct Payment {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    stripe: Stripe,
    origins: Origins,
    /// The stack's own configuration of the customer portal, `bpc_…`.
    portal_configuration: String,
    /// The tag whose value may stand for `clientId`.
    tenant_tag: String,
}

impl Api for Payment {
    const SPEC: Spec = Spec {
        name: "payment",
        description: "POST /payment: adding a payment method, an invoice's page, the methods on file, the customer portal",
        memory_mb: 256,
        timeout_s: 20,
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead, Grant::ThrottleWrite, Grant::StripeSecretRead],
        settings: &[
            Setting::LedgerTable,
            Setting::LinkSecret,
            Setting::StripeSecret,
            Setting::AllowedOrigins,
            Setting::PortalConfiguration,
            Setting::TenantTag,
        ],
        surfaces: &["portal"],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Payment>] = &[Route {
        // A viewer may ask for the methods on file; what pays or changes asks for more.
        key: "POST /payment",
        auth: Auth::Tenant(Role::Viewer),
        serve: |api, call| Box::pin(api.answer(call)),
    }];

    fn start(env: &Environment) -> Result<Payment, StartError> {
        Ok(Payment {
            ledger: env.ledger()?,
            clock: env.clock(),
            stripe: env.stripe()?,
            origins: Origins::start(env)?,
            portal_configuration: env.setting(Setting::PortalConfiguration)?,
            tenant_tag: env.setting(Setting::TenantTag)?,
        })
    }
}

/// One payment method as E4 shows it, in Stripe's names.
#[derive(Serialize)]
struct ShownMethod {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    brand: Option<String>,
    last4: Option<String>,
    exp_month: Option<i64>,
    exp_year: Option<i64>,
    #[serde(rename = "isDefault")]
    is_default: bool,
}

impl From<KeptMethod> for ShownMethod {
    fn from(kept: KeptMethod) -> ShownMethod {
        let KeptMethod { id, kind, brand, last4, expires, is_default } = kept;
        let (exp_year, exp_month) = expires.unzip();
        ShownMethod { id, kind, brand, last4, exp_month, exp_year, is_default }
    }
}

/// An invoice as E3 answers it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownInvoice {
    invoice_id: String,
    /// None once Stripe shows it no more.
    invoice_url: Option<String>,
    amount: ExactNumber,
    currency: String,
}

impl Payment {
    async fn answer(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let SignedIn { tenant, role } = call.caller.signed_in()?;
        let body: Body = call.request.json()?;
        let organization = tenant.tag_on(&self.tenant_tag, self.clock.today()).unwrap_or(&tenant.id);
        body.check(tenant, organization)?;
        if *role < body.action.needs() {
            return Err(Refusal::new(403, "forbidden", "you may read this, but only an administrator may pay"));
        }
        match body.action {
            Action::SetupPaymentMethod => self.set_up(tenant, &body, call.request).await,
            Action::CreateInvoice => self.invoice(tenant, &body).await,
            Action::GetPaymentMethods => self.methods(tenant).await,
            Action::CustomerPortal => self.portal(tenant, &body, call).await,
        }
    }

    /// E2.
    async fn set_up(&self, tenant: &TenantRecord, body: &Body, request: &Request) -> Result<Response, Refusal> {
        let base = self.base(body.portal_url.as_deref(), request)?;
        let asked = SetUpRequest {
            customer: customer(tenant)?,
            tenant: tenant.id.clone(),
            currency: tenant.currency,
            locale: language(&tenant.locale),
            success_url: format!("{base}?payment=added"),
            cancel_url: format!("{base}?payment=cancelled"),
        };
        let page = self.checkout().await?.set_up(&asked).await.map_err(unreachable)?;
        Ok(Response::json(200, json!({"sessionId": page.id, "url": page.url}).to_string()))
    }

    /// E3: the ledger's invoice for the month. Nothing is created, and no amount is taken from the body.
    async fn invoice(&self, tenant: &TenantRecord, body: &Body) -> Result<Response, Refusal> {
        let month = body.billing_period()?;
        let found = invoices::of_month(&*self.ledger, &tenant.id, month).await?;
        let none = |why: &str| Refusal::new(404, "no_invoice", format!("there is no invoice for {month}{why}"));
        let record = found.ok_or_else(|| none(""))?;
        let id = match record.state {
            InvoiceState::NothingDue | InvoiceState::Credit => return Err(none(": nothing is due")),
            InvoiceState::Void | InvoiceState::Deleted => return Err(none(" any more")),
            state if state.is_draft() => {
                let message = format!("the invoice for {month} is not issued yet");
                return Err(Refusal::new(409, "not_issued", message));
            }
            _ => record.stripe_invoice.clone().ok_or_else(|| none(""))?,
        };
        body.check_amount(&record.invoice.total)?;
        let invoice_url = self.checkout().await?.invoice_page(&id).await.map_err(unreachable)?;
        answered(&shown(record, id, invoice_url))
    }

    /// E4.
    async fn methods(&self, tenant: &TenantRecord) -> Result<Response, Refusal> {
        let kept = self.checkout().await?.methods(&customer(tenant)?).await.map_err(unreachable)?;
        let shown: Vec<ShownMethod> = kept.into_iter().map(ShownMethod::from).collect();
        Ok(Response::json(200, json!({ "paymentMethods": shown }).to_string()))
    }

    /// E5.
    async fn portal(&self, tenant: &TenantRecord, body: &Body, call: Call<'_>) -> Result<Response, Refusal> {
        let customer = customer(tenant)?;
        let asked = PortalRequest {
            idempotency_key: format!("billform-portal-{customer}-{}", call.run.request_id),
            customer,
            configuration: self.portal_configuration.clone(),
            return_url: self.base(body.return_url.as_deref(), call.request)?,
        };
        let url = self.checkout().await?.portal(&asked).await.map_err(unreachable)?;
        Ok(Response::json(200, json!({ "url": url }).to_string()))
    }

    /// The page that the tenant comes back to: the one that the body names where it is the stack's own, without its query,
    /// else the portal's first.
    fn base(&self, named: Option<&str>, request: &Request) -> Result<String, Refusal> {
        match named {
            Some(named) => self.origins.own_page(named, request).ok_or_else(|| {
                let message = "the address to come back to is not one of the portal's own pages";
                Refusal::new(400, "foreign_url", message)
            }),
            None => {
                let home = self.origins.home(request).ok_or_else(Refusal::no_route)?;
                Ok(format!("{home}/"))
            }
        }
    }

    async fn checkout(&self) -> Result<Arc<dyn Checkout>, Refusal> {
        self.stripe.checkout().await.map_err(|cause| unreachable(PortError::new("reach Stripe", cause)))
    }
}

fn customer(tenant: &TenantRecord) -> Result<String, Refusal> {
    let message = "payments are not set up for you yet; ask whoever sends your invoices";
    tenant.stripe_customer.clone().ok_or_else(|| Refusal::new(409, "no_customer", message))
}

/// The languages that the portal has, as Stripe's pages name them.
fn language(locale: &str) -> Option<String> {
    let language = locale.split('-').next().unwrap_or_default().to_ascii_lowercase();
    ["de", "en"].contains(&language.as_str()).then_some(language)
}

fn shown(record: InvoiceRecord, invoice_id: String, invoice_url: Option<String>) -> ShownInvoice {
    let total = record.invoice.total;
    let mut amount = total.amount;
    amount.rescale(total.currency.decimals());
    ShownInvoice { invoice_id, invoice_url, amount: ExactNumber(amount), currency: total.currency.code().to_owned() }
}

fn answered(shown: &ShownInvoice) -> Result<Response, Refusal> {
    let text = serde_json::to_string(shown).map_err(|cause| PortError::new("write the answer", cause))?;
    Ok(Response::json(200, text))
}

/// 502: Stripe refused it, or did not answer. The log has its words.
fn unreachable(cause: PortError) -> Refusal {
    let message = "the payment provider could not be reached; try again later";
    Refusal { status: 502, code: "payment_provider", ..Refusal::failed(message, cause) }
}

#[cfg(test)]
mod tests;
