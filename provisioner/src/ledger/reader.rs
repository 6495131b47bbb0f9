//! Reads what the ledger table holds of a tenant, for previews and for the guard of a tenant who leaves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use billing::balance::Balance;
use billing::invoice::{InvoiceRecord, MonthCosts, sharing_of};
use billing::ledger::{
    self, Claims, CostClaim, CostDay, Ledger, LeftTenant, PaymentSetup, PortError, SharedClaims, StripeEvent, SyncMark,
    TableLedger,
};
use billing::manifest::model::Manifest;
use billing::tenant::TenantRecord;
use billing::{Month, Period};

use crate::cloud::calls::Calls;
use crate::cloud::connection::Connection;
use crate::ledger::table::DynamoTable;
use crate::project::Project;
use crate::ui::failure::Failure;

/// The ledger of one stack, read with the operator's credentials.
pub struct LedgerReader {
    ledger: Box<dyn Ledger>,
    table: String,
    /// Where several stacks claim cost.
    claims: Option<SharedClaims>,
    /// Months that were asked for, and whether they were weighed.
    months: Mutex<BTreeMap<(Month, bool), MonthCosts>>,
}

impl LedgerReader {
    /// The ledger table of that name.
    pub fn new(client: aws_sdk_dynamodb::Client, table: &str) -> LedgerReader {
        LedgerReader::over(TableLedger(DynamoTable::new(client, table)), table)
    }

    /// The ledger of a project's stack, once the credentials are known to be of its account.
    ///
    /// # Errors
    /// There are no credentials, or they are of another account.
    pub async fn open(project: &Project) -> Result<LedgerReader, Failure> {
        let config = Connection::open(&project.manifest, Calls::default()).await?.config;
        Ok(LedgerReader::of_stack(aws_sdk_dynamodb::Client::new(&config), &project.manifest))
    }

    /// The ledger of a manifest's stack, with the claims that other stacks share with it.
    pub fn of_stack(client: aws_sdk_dynamodb::Client, manifest: &Manifest) -> LedgerReader {
        let claims = manifest.ledger.claims.as_ref().map(|table| SharedClaims {
            ledger: Arc::new(TableLedger(DynamoTable::new(client.clone(), table))),
            table: table.clone(),
            stack: manifest.stack(),
        });
        LedgerReader { claims, ..LedgerReader::new(client, &manifest.ledger.name) }
    }

    /// A ledger that lies elsewhere, under a name for errors.
    pub fn over(ledger: impl Ledger + 'static, name: &str) -> LedgerReader {
        LedgerReader { ledger: Box::new(ledger), table: name.to_owned(), claims: None, months: Mutex::default() }
    }

    /// A tenant's stored days of a period, in order.
    pub async fn cost_days(&self, tenant: &str, period: Period) -> Result<Vec<CostDay>, Failure> {
        self.read(ledger::costs::days(&*self.ledger, tenant, &period).await)
    }

    /// What was synced of a tenant, month by month.
    pub async fn sync_marks(&self, tenant: &str) -> Result<Vec<SyncMark>, Failure> {
        self.read(ledger::costs::all_marks(&*self.ledger, tenant).await)
    }

    /// Every invoice of a tenant, month by month.
    pub async fn invoices(&self, tenant: &str) -> Result<Vec<InvoiceRecord>, Failure> {
        self.read(ledger::invoices::all(&*self.ledger, tenant).await)
    }

    /// How a tenant pays, as of the last look at Stripe.
    pub async fn payment_setup(&self, tenant: &str) -> Result<Option<PaymentSetup>, Failure> {
        self.read(ledger::payment_setup::queried(&*self.ledger, tenant).await)
    }

    /// Stripe's events of a kind, newest first.
    pub async fn events(&self, kind: &str) -> Result<Vec<StripeEvent>, Failure> {
        self.read(ledger::stripe_events::of_kind(&*self.ledger, kind).await)
    }

    /// What became of one of Stripe's events.
    pub async fn event(&self, id: &str) -> Result<Option<StripeEvent>, Failure> {
        self.read(ledger::stripe_events::queried(&*self.ledger, id).await)
    }

    /// Every tenant as the last apply wrote it, by id.
    pub async fn tenants(&self) -> Result<Vec<TenantRecord>, Failure> {
        self.read(ledger::tenants::all(&*self.ledger).await)
    }

    /// The tenant as the last apply wrote it; none before the first.
    pub async fn tenant(&self, tenant: &str) -> Result<Option<TenantRecord>, Failure> {
        self.read(ledger::tenants::one(&*self.ledger, tenant).await)
    }

    /// What stays of a tenant who left with this id.
    pub async fn left(&self, tenant: &str) -> Result<Option<LeftTenant>, Failure> {
        self.read(ledger::left_tenants::one(&*self.ledger, tenant).await)
    }

    /// Every tenant who left, by id.
    pub async fn left_tenants(&self) -> Result<Vec<LeftTenant>, Failure> {
        self.read(ledger::left_tenants::all(&*self.ledger).await)
    }

    /// What was synced of a month.
    pub async fn sync_mark(&self, tenant: &str, month: Month) -> Result<Option<SyncMark>, Failure> {
        self.read(ledger::costs::mark(&*self.ledger, tenant, month).await)
    }

    /// What became of a month's invoice, as far as the invoicer got.
    pub async fn invoice(&self, tenant: &str, month: Month) -> Result<Option<InvoiceRecord>, Failure> {
        self.read(ledger::invoices::of_month(&*self.ledger, tenant, month).await)
    }

    /// All tenants' cost of a month, where the terms of this one share some of it out.
    pub async fn shared_costs(
        &self,
        tenant: &TenantRecord,
        month: Month,
        record: Option<&InvoiceRecord>,
    ) -> Result<Option<MonthCosts>, Failure> {
        let sharing = sharing_of(tenant, month, record);
        if !sharing.shares() {
            return Ok(None);
        }
        self.month_costs(month, sharing.weighs()).await.map(Some)
    }

    /// All tenants' cost of a month; `weighs`: with each tenant's own. Read once.
    pub async fn month_costs(&self, month: Month, weighs: bool) -> Result<MonthCosts, Failure> {
        let known = self.months.lock().ok().and_then(|known| known.get(&(month, weighs)).cloned());
        if let Some(found) = known {
            return Ok(found);
        }
        let found = self.read(ledger::month_costs::load(&*self.ledger, month, weighs).await)?;
        if let Ok(mut known) = self.months.lock() {
            known.insert((month, weighs), found.clone());
        }
        Ok(found)
    }

    /// What is open of a tenant's balance; none before its first entry.
    pub async fn balance(&self, tenant: &str) -> Result<Option<Balance>, Failure> {
        self.read(ledger::balances::open(&*self.ledger, tenant).await)
    }

    /// The claim on the same cost, whichever tenant of whichever stack has it.
    pub async fn claim(&self, claim: &CostClaim) -> Result<Option<CostClaim>, Failure> {
        self.read(Claims::new(&*self.ledger, self.claims.as_ref()).on(claim).await)
    }

    fn read<T>(&self, read: Result<T, PortError>) -> Result<T, Failure> {
        read.map_err(|error| {
            let failure = Failure::new(format!("the ledger {} cannot be read: {}", self.table, error.cause));
            if error.refused { failure.hint("`billform apply` makes it") } else { failure }
        })
    }
}
