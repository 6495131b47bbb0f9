//! `GET /costs`: E1's answer from the ledger, for the tenant of the signed link and no other.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use billing::function::{Auth, Grant, Purpose, RouteSpec, Setting};
use billing::ledger::{CostDay, SyncMark};
use billing::link::{self, LinkClaims, LinkError, LinkKey};
use billing::names::TOKEN_HEADER;
use billing::tenant::TenantRecord;
use billing::{Month, costs};
use jiff::ToSpan;

use crate::environment::{Environment, NamedSecret};
use crate::error::{RunError, StartError};
use crate::http::{HttpRequest, HttpResponse};
use crate::ports::{Clock, Ledger, PortError};
use crate::registry::Handler;
use crate::run::{ERRORS, Metric, Outcome, Run};
use crate::spec::Spec;

/// The handler and what it works with.
pub struct Costs {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    /// The key that signs links.
    link_secret: NamedSecret,
    /// The tag whose value is `clientOrganization`.
    tenant_tag: String,
}

#[async_trait(?Send)]
impl Handler for Costs {
    const SPEC: Spec = Spec {
        name: "costs",
        description: "GET /costs: a tenant's costs by service, project and day, with a forecast",
        memory_mb: 256,
        timeout_s: 10,
        routes: || vec![RouteSpec { key: "GET /costs".to_owned(), auth: Auth::Link(Purpose::Costs) }],
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead],
        settings: &[Setting::LedgerTable, Setting::LinkSecret, Setting::TenantTag],
        surfaces: &["portal"],
        ..Spec::EMPTY
    };
    type Event = HttpRequest;
    type Answer = HttpResponse;

    fn start(env: &Environment) -> Result<Costs, StartError> {
        Ok(Costs {
            ledger: env.ledger()?,
            clock: env.clock(),
            link_secret: env.link_secret()?,
            tenant_tag: env.setting(Setting::TenantTag)?,
        })
    }

    async fn run(&self, request: HttpRequest, _run: &Run) -> Result<Outcome<HttpResponse>, RunError> {
        let outcome = self.answer(&request).await;
        tracing::info!(status = outcome.answer.status_code, "answered");
        Ok(outcome)
    }
}

/// Why a request is refused. Only what the caller may know.
enum Refusal {
    Method,
    NoToken,
    Link(LinkError),
    OtherOrganization,
    UnknownTenant,
    Query(costs::QueryError),
    Failed(PortError),
}

/// How far back marks are looked for when a period ends long ago: the forecast rests on the newest.
const RECENT_DAYS: i64 = 62;

impl Costs {
    /// Answers one request; failures are answers too.
    async fn answer(&self, request: &HttpRequest) -> Outcome<HttpResponse> {
        match self.respond(request).await {
            Ok(body) => Outcome::new(HttpResponse::json(200, body)),
            Err(refusal) => {
                let metrics = match &refusal {
                    Refusal::Failed(cause) => {
                        tracing::error!(error = %cause, "the request failed");
                        vec![Metric::new(ERRORS, 1)]
                    }
                    _ => Vec::new(),
                };
                Outcome::new(refusal.response()).counting(metrics)
            }
        }
    }

    async fn respond(&self, request: &HttpRequest) -> Result<String, Refusal> {
        if request.request_context.http.method != "GET" {
            return Err(Refusal::Method);
        }
        let tenant = self.tenant(request).await?;
        let organization = tenant.tags.get(&self.tenant_tag).map_or(tenant.id.as_str(), String::as_str);
        if request.query("clientOrganization").is_some_and(|asked| asked != organization) {
            return Err(Refusal::OtherOrganization);
        }
        let today = self.clock.today();
        let asked =
            costs::query::asked_period(request.query("period"), request.query("start"), request.query("end"), today)
                .map_err(Refusal::Query)?;
        let (days, marks) = self.load(&tenant.id, &asked, today).await?;
        let answer = costs::answer(organization, &asked, &days, &marks);
        serde_json::to_string(&answer).map_err(|cause| Refusal::Failed(PortError::new("write the answer", cause)))
    }

    /// The tenant comes from the token alone.
    async fn tenant(&self, request: &HttpRequest) -> Result<TenantRecord, Refusal> {
        let claims = self.claims(request).await?;
        let tenant = self.ledger.tenant(&claims.tenant).await?.ok_or(Refusal::UnknownTenant)?;
        link::check_version(&claims, &tenant).map_err(Refusal::Link)?;
        Ok(tenant)
    }

    async fn claims(&self, request: &HttpRequest) -> Result<LinkClaims, Refusal> {
        let token = token(request).ok_or(Refusal::NoToken)?;
        let secret = self.link_secret.read().await?;
        let key = LinkKey::from_secret(secret.expose()).map_err(|cause| PortError::new("use the link key", cause))?;
        link::verify(token, &key, link::COSTS, self.clock.now().as_second()).map_err(Refusal::Link)
    }

    async fn load(
        &self,
        tenant: &str,
        asked: &costs::AskedPeriod,
        today: jiff::civil::Date,
    ) -> Result<(Vec<CostDay>, Vec<SyncMark>), Refusal> {
        let recent = today.checked_sub(RECENT_DAYS.days()).unwrap_or(today);
        let first = Month::of(asked.period.start().min(recent));
        let marks = self.ledger.sync_marks(tenant, first, Month::of(today)).await?;
        let days = self.ledger.cost_days(tenant, &costs::days_needed(asked, &marks)).await?;
        Ok((days, marks))
    }
}

/// The link token of `Authorization: Bearer …`, or of a header of its own where that one is taken.
fn token(request: &HttpRequest) -> Option<&str> {
    let bearer = request.header("authorization").and_then(|value| {
        let (scheme, token) = value.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    bearer.or_else(|| request.header(TOKEN_HEADER)).map(str::trim).filter(|token| !token.is_empty())
}

impl Refusal {
    fn response(&self) -> HttpResponse {
        let (status, code) = match self {
            Refusal::Method => (405, "method_not_allowed"),
            Refusal::NoToken => (401, "unauthorized"),
            Refusal::Link(LinkError::Expired) => (401, "link_expired"),
            Refusal::Link(LinkError::Revoked) => (401, "link_revoked"),
            Refusal::Link(_) => (401, "unauthorized"),
            Refusal::OtherOrganization => (403, "forbidden"),
            Refusal::UnknownTenant => (404, "unknown_tenant"),
            Refusal::Query(_) => (400, "bad_period"),
            Refusal::Failed(_) => (500, "internal"),
        };
        HttpResponse::error(status, code, &self.to_string())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Method => f.write_str("only GET is answered here"),
            Refusal::NoToken => f.write_str("a link token is missing; send it as `Authorization: Bearer <token>`"),
            Refusal::Link(error) => error.fmt(f),
            Refusal::OtherOrganization => f.write_str("the link is for another organisation than clientOrganization"),
            Refusal::UnknownTenant => f.write_str("the link's tenant does not exist any more"),
            Refusal::Query(error) => error.fmt(f),
            Refusal::Failed(_) => f.write_str("the costs could not be read; try again later"),
        }
    }
}

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Refusal {
        Refusal::Failed(error)
    }
}

#[cfg(test)]
mod tests;
