//! One process of the bundle: its handler, its clients, and the way from an event to an answer.

use billing::function::Setting;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::adapters::{Aws, CostExplorer, CostQuery, DynamoLedger, SecretsManager, StripeInvoices, SystemClock};
use crate::handlers::cost_sync::CostSync;
use crate::handlers::costs::Costs;
use crate::handlers::invoicer::{Invoicer, InvoicerEvent};
use crate::handlers::{Handler, HandlerError, Outcome, event};
use crate::ports::{Clock, PortError, Secrets};
use crate::report::{ERRORS, Metric, metric_line};
use crate::settings::{INVOICE_LEASE_SECONDS, STRIPE_API_BASE, Settings};

/// Longer than any one call takes with its repetitions, short enough that a killed run is soon taken over.
const DEFAULT_LEASE_S: u32 = 60;

/// A started process.
pub struct App {
    handler: Handler,
    settings: Settings,
    aws: Aws,
    ledger: DynamoLedger,
    secrets: SecretsManager,
}

impl App {
    /// Starts the handler that the settings name; says at once what they lack.
    pub async fn start(settings: Settings) -> Result<App, HandlerError> {
        let handler: Handler = settings.required(Setting::Handler)?.parse()?;
        let table = settings.required(Setting::LedgerTable)?.to_owned();
        let aws = Aws::from_environment().await;
        let ledger = DynamoLedger::new(aws.dynamodb(), table);
        let secrets = SecretsManager::new(aws.secrets_manager());
        Ok(App { handler, settings, aws, ledger, secrets })
    }

    /// Answers one event and reports its counts; `request_id` names the run.
    pub async fn handle(&self, payload: Value, request_id: &str) -> Result<Box<RawValue>, HandlerError> {
        let result = match self.handler {
            Handler::CostSync => self.cost_sync(payload).await,
            Handler::Costs => self.costs(payload).await,
            Handler::Invoicer => self.invoicer(payload, request_id).await,
        };
        if let Err(error) = &result {
            tracing::error!(handler = self.handler.name(), %error, "the run failed");
            if !matches!(error, HandlerError::Tenants { .. }) {
                self.report(&[Metric::new(ERRORS, 1)]);
            }
        }
        result
    }

    async fn cost_sync(&self, payload: Value) -> Result<Box<RawValue>, HandlerError> {
        let tenant_tag = self.settings.required(Setting::TenantTag)?;
        let project_tag = self.settings.optional(Setting::ProjectTag);
        let query = CostQuery {
            tenant_tag: tenant_tag.to_owned(),
            project_tag: project_tag.map(str::to_owned),
            basis: self.settings.optional(Setting::CostBasis).unwrap_or("UnblendedCost").to_owned(),
            scope: self.settings.pair(Setting::CostScope)?,
        };
        let source = CostExplorer::new(self.aws.cost_explorer(), query);
        let sync = CostSync {
            ledger: &self.ledger,
            source: &source,
            clock: &SystemClock,
            tenant_tag,
            with_projects: project_tag.is_some(),
            settle_days: self.settle_days()?,
        };
        let outcome = sync.run(&event(payload)?).await?;
        tracing::info!(days_written = outcome.answer.days_written, tenants = outcome.answer.tenants, "costs synced");
        self.answered(outcome)
    }

    async fn costs(&self, payload: Value) -> Result<Box<RawValue>, HandlerError> {
        let costs = Costs {
            ledger: &self.ledger,
            secrets: &self.secrets,
            clock: &SystemClock,
            link_secret: self.settings.required(Setting::LinkSecret)?,
            tenant_tag: self.settings.required(Setting::TenantTag)?,
        };
        let outcome = costs.answer(&event(payload)?).await;
        tracing::info!(status = outcome.answer.status_code, "answered");
        self.answered(outcome)
    }

    async fn invoicer(&self, payload: Value, request_id: &str) -> Result<Box<RawValue>, HandlerError> {
        let event: InvoicerEvent = event(payload)?;
        let secret = self.secrets.secret(self.settings.required(Setting::StripeSecret)?).await?;
        let stripe = StripeInvoices::new(secret.stripe_key()?, self.settings.text(STRIPE_API_BASE))?;
        let lease_s = match event.lease_seconds {
            Some(seconds) => seconds,
            None => self.settings.number(INVOICE_LEASE_SECONDS, DEFAULT_LEASE_S)?,
        };
        let invoicer = Invoicer {
            ledger: &self.ledger,
            invoices: &stripe,
            clock: &SystemClock,
            tenant_tag: self.settings.required(Setting::TenantTag)?,
            settle_days: self.settle_days()?,
            lease_s,
            holder: request_id.to_owned(),
        };
        let outcome = invoicer.run(&event).await?;
        let (failed, all) = (outcome.answer.failed(), outcome.answer.invoices.len());
        tracing::info!(period = %outcome.answer.period, tenants = all, failed, "invoicing ran");
        let answer = self.answered(outcome)?;
        match failed {
            0 => Ok(answer),
            failed => Err(HandlerError::Tenants { failed, all, summary: answer.get().to_owned() }),
        }
    }

    fn settle_days(&self) -> Result<u32, HandlerError> {
        Ok(self.settings.number(Setting::SettleDays.variable(), 0)?)
    }

    /// The answer as JSON text, so that exact numbers stay exact.
    fn answered<T: Serialize>(&self, outcome: Outcome<T>) -> Result<Box<RawValue>, HandlerError> {
        self.report(&outcome.metrics);
        to_raw_value(&outcome.answer).map_err(|error| PortError::new("write the answer", error).into())
    }

    fn report(&self, metrics: &[Metric]) {
        if !metrics.is_empty() {
            // CloudWatch reads metrics from lines of standard output.
            println!("{}", metric_line(self.handler.name(), metrics, SystemClock.now()));
        }
    }
}
