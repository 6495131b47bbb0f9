//! The portal's pages: what a tenant who is signed in sees, and the pages that everybody may.
//!
//! It loads, a pure function of [`crate::pages`] writes the HTML, and the answer is compressed here: CloudFront caches
//! nothing of it, so it would compress it anew each time.

use std::sync::Arc;

use billing::Month;
use billing::brand::Brand;
use billing::function::{Auth, Grant, Role, Setting};
use billing::ledger::{self, costs, pause, payment_setup};
use billing::statement::{self, ShownInvoice, StatementFacts};
use futures::future::try_join4;

use crate::api::{Api, Call, Route};
use crate::auth::SignedIn;
use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Refusal, Request, Response};
use crate::pages::assets::Assets;
use crate::pages::locale::Locale;
use crate::pages::{self, ErrorPage, InvoicePage, Look, Message, PortalPage};
use crate::ports::{Clock, Ledger, PortError};
use crate::spec::Spec;

/// The handler and what it works with.
pub struct Pages {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    brand: Brand,
    assets: Assets,
    /// Whether tenants can pay here.
    can_pay: bool,
    /// Whether the ledger knows how they pay.
    payment_is_known: bool,
}

impl Api for Pages {
    const SPEC: Spec = Spec {
        name: "pages",
        description: "The portal's pages: costs, invoices, sign-in and help",
        memory_mb: 256,
        timeout_s: 10,
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead, Grant::ThrottleWrite],
        settings: &[Setting::LedgerTable, Setting::LinkSecret, Setting::Brand, Setting::Payments],
        surfaces: &["portal"],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Pages>] = &[
        Route { key: "GET /", auth: Auth::Tenant(Role::Viewer), serve: |pages, call| Box::pin(pages.portal(call)) },
        Route {
            key: "GET /invoices/{period}",
            auth: Auth::Tenant(Role::Viewer),
            serve: |pages, call| Box::pin(pages.invoice(call)),
        },
        Route {
            key: "GET /signin",
            auth: Auth::Public,
            serve: |pages, call| Box::pin(async move { pages.signin(call) }),
        },
        Route {
            key: "GET /help.html",
            auth: Auth::Public,
            serve: |pages, call| Box::pin(async move { pages.help(call) }),
        },
        Route {
            key: "GET /assets/{file}",
            auth: Auth::Public,
            serve: |pages, call| Box::pin(async move { pages.asset(call) }),
        },
    ];

    fn start(env: &Environment) -> Result<Pages, StartError> {
        let brand: Brand = env.required(Setting::Brand)?;
        let payments = env.optional(Setting::Payments)?;
        Ok(Pages {
            ledger: env.ledger()?,
            clock: env.clock(),
            assets: Assets::of(&brand),
            brand,
            can_pay: payments.is_some(),
            payment_is_known: payments.as_deref() == Some("told"),
        })
    }

    /// Who is not signed in is asked to; everything else is said on a page.
    fn refused(&self, request: &Request, refusal: &Refusal) -> Response {
        if refusal.status == 401 {
            return Response::redirect("/signin");
        }
        let look = self.look(Locale::accepted(request.header("accept-language")));
        match pages::error(look, ErrorPage::of(refusal.status)) {
            Ok(html) => self.page(request, refusal.status, html),
            Err(_) => refusal.response(),
        }
    }
}

impl Pages {
    async fn portal(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let SignedIn { tenant, role } = call.caller.signed_in()?;
        let (today, id) = (self.clock.today(), tenant.id.as_str());
        let (first, last) = statement::months_needed(today);
        let (marks, records, payment, pause) = try_join4(
            costs::marks(&*self.ledger, id, first, last),
            ledger::invoices::all(&*self.ledger, id),
            payment_setup::one(&*self.ledger, id),
            pause::one(&*self.ledger, id),
        )
        .await?;
        let days = costs::days(&*self.ledger, id, &statement::days_needed(today, &marks)).await?;
        let facts = StatementFacts { today, days: &days, marks: &marks, budget: tenant.budget };
        let shown = PortalPage {
            tenant,
            is_admin: *role == Role::Admin,
            statement: &statement::statement(&facts),
            invoices: &statement::invoices(&records, today),
            pause: pause.as_ref(),
            payment: payment.as_ref(),
            payment_is_known: self.payment_is_known,
            can_pay: self.can_pay,
            message: Message::of(call.request.query("payment")),
        };
        self.written(call.request, pages::portal(self.look(Locale::of(&tenant.locale)), &shown))
    }

    async fn invoice(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let SignedIn { tenant, role } = call.caller.signed_in()?;
        let month: Month = call.request.parameter("period")?.parse().map_err(|_| Refusal::no_route())?;
        let record = ledger::invoices::of_month(&*self.ledger, &tenant.id, month).await?;
        let record = record.ok_or_else(Refusal::no_route)?;
        let shown = InvoicePage {
            tenant,
            is_admin: *role == Role::Admin,
            record: &record,
            invoice: &ShownInvoice::of(&record, self.clock.today()),
            can_pay: self.can_pay,
        };
        self.written(call.request, pages::invoice(self.look(Locale::of(&tenant.locale)), &shown))
    }

    fn signin(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let look = self.look(asked_locale(call.request));
        self.written(call.request, pages::signin(look, call.request.query("signed-out").is_some()))
    }

    fn help(&self, call: Call<'_>) -> Result<Response, Refusal> {
        self.written(call.request, pages::help(self.look(asked_locale(call.request))))
    }

    fn asset(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let asset = self.assets.find(call.request.parameter("file")?).ok_or_else(Refusal::no_route)?;
        Ok(Response::asset(asset.content_type, &asset.text).compressed(call.request.header("accept-encoding")))
    }

    fn look(&self, locale: Locale) -> Look<'_> {
        Look { brand: &self.brand, assets: &self.assets, locale }
    }

    fn written(&self, request: &Request, html: Result<String, askama::Error>) -> Result<Response, Refusal> {
        let html = html.map_err(|cause| Refusal::from(PortError::new("write the page", cause)))?;
        Ok(self.page(request, 200, html))
    }

    fn page(&self, request: &Request, status: u16, html: String) -> Response {
        Response::html(status, html)
            .with_images_of(self.brand.logo.as_deref())
            .compressed(request.header("accept-encoding"))
    }
}

/// The language that the address names, else the one that the browser asks for.
fn asked_locale(request: &Request) -> Locale {
    request.query("lang").map_or_else(|| Locale::accepted(request.header("accept-language")), Locale::of)
}

#[cfg(test)]
mod tests;
