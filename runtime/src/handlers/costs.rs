//! `GET /costs`: E1's answer from the ledger, for the tenant who is signed in and no other.

use std::sync::Arc;

use billing::function::{Auth, Grant, Role, Setting};
use billing::ledger::{self, CostDay, SyncMark};
use billing::{Month, costs, statement};
use jiff::ToSpan;
use jiff::civil::Date;

use crate::api::{Api, Call, Route};
use crate::environment::Environment;
use crate::error::StartError;
use crate::http::{Format, Refusal, Response};
use crate::ports::{Clock, Ledger, PortError};
use crate::spec::Spec;

/// The handler and what it works with.
pub struct Costs {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    /// The tag whose value is `clientOrganization`.
    tenant_tag: String,
}

impl Api for Costs {
    const SPEC: Spec = Spec {
        name: "costs",
        description: "GET /costs: a tenant's costs by service, project and day, with a forecast, as JSON or CSV",
        memory_mb: 256,
        timeout_s: 10,
        grants: &[Grant::LedgerRead, Grant::LinkSecretRead, Grant::ThrottleWrite],
        settings: &[Setting::LedgerTable, Setting::LinkSecret, Setting::TenantTag],
        surfaces: &["portal"],
        ..Spec::EMPTY
    };
    const ROUTES: &'static [Route<Costs>] = &[Route {
        key: "GET /costs",
        auth: Auth::Tenant(Role::Viewer),
        serve: |costs, call| Box::pin(costs.answer(call)),
    }];

    fn start(env: &Environment) -> Result<Costs, StartError> {
        Ok(Costs { ledger: env.ledger()?, clock: env.clock(), tenant_tag: env.setting(Setting::TenantTag)? })
    }
}

/// How far back marks are looked for when a period ends long ago: the forecast rests on the newest.
const RECENT_DAYS: i64 = 62;

impl Costs {
    async fn answer(&self, call: Call<'_>) -> Result<Response, Refusal> {
        let Call { request, caller, .. } = call;
        let tenant = caller.tenant()?;
        let today = self.clock.today();
        let organization = tenant.tag_on(&self.tenant_tag, today).unwrap_or(tenant.id.as_str());
        if request.query("clientOrganization").is_some_and(|asked| asked != organization) {
            let message = "you are signed in for another organisation than clientOrganization";
            return Err(Refusal::new(403, "forbidden", message));
        }
        let format = Format::asked(request)?;
        let asked =
            costs::query::asked_period(request.query("period"), request.query("start"), request.query("end"), today)
                .map_err(|error| Refusal::new(400, "bad_period", error.to_string()))?;
        let (days, marks) = self.load(&tenant.id, &asked, today).await.map_err(failed)?;
        let answer = costs::answer(organization, &asked, &days, &marks);
        if format == Format::Csv {
            let name = format!("costs-{organization}-{}-{}.csv", answer.period.start, answer.period.end);
            return Ok(Response::csv(&name, statement::costs_file(&answer)));
        }
        let body = serde_json::to_string(&answer).map_err(|cause| failed(PortError::new("write the answer", cause)))?;
        Ok(Response::json(200, body))
    }

    async fn load(
        &self,
        tenant: &str,
        asked: &costs::AskedPeriod,
        today: Date,
    ) -> Result<(Vec<CostDay>, Vec<SyncMark>), PortError> {
        let recent = today.checked_sub(RECENT_DAYS.days()).unwrap_or(today);
        let first = Month::of(asked.period.start().min(recent));
        let marks = ledger::costs::marks(&*self.ledger, tenant, first, Month::of(today)).await?;
        let days = ledger::costs::days(&*self.ledger, tenant, &costs::days_needed(asked, &marks)).await?;
        Ok((days, marks))
    }
}

fn failed(cause: PortError) -> Refusal {
    Refusal::failed("the costs could not be read; try again later", cause)
}

#[cfg(test)]
mod tests;
