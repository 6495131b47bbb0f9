//! The claims on cost: a stack's own, and those of all stacks that bill from one payer account.

use std::sync::Arc;

use super::{CostClaim, Expect, Ledger, PortError, Stored, Wrote};

/// Where a stack claims cost.
///
/// The stack's own ledger keeps cost off two invoices of its tenants. Where several stacks read the same bill, one of
/// their ledgers keeps it off the invoices of two stacks.
#[derive(Clone, Copy)]
pub struct Claims<'a> {
    own: &'a dyn Ledger,
    shared: Option<&'a SharedClaims>,
}

/// Another stack's ledger, for claims.
#[derive(Clone)]
pub struct SharedClaims {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Its table, which stands for the stack that owns it: `portal-ledger`.
    pub table: String,
    /// This stack's name there: `tax/prod`.
    pub stack: String,
}

impl<'a> Claims<'a> {
    /// Claims in the stack's own ledger, and in another stack's where there is one.
    pub fn new(own: &'a dyn Ledger, shared: Option<&'a SharedClaims>) -> Claims<'a> {
        Claims { own, shared }
    }

    /// Claims a month's cost for a tenant, unless it is claimed already. Gives the holder: the tenant itself, another
    /// tenant of the stack, or one of another stack: `tax/prod/acme`, `portal-ledger/acme`.
    ///
    /// A run that is killed between the two ledgers leaves a claim that no tenant of the stack can lack.
    ///
    /// # Errors
    /// A ledger cannot be read or written.
    pub async fn take(&self, claim: &CostClaim) -> Result<String, PortError> {
        let holder = take(self.own, claim).await?;
        let Some(shared) = self.shared.filter(|_| holder == claim.tenant) else { return Ok(holder) };
        let holder = take(&*shared.ledger, &shared.outside(claim)).await?;
        Ok(shared.inside(holder))
    }

    /// The claim on the same cost, whichever tenant holds it; its tenant is written as [`Claims::take`] gives it.
    ///
    /// # Errors
    /// A ledger cannot be read.
    pub async fn on(&self, claim: &CostClaim) -> Result<Option<CostClaim>, PortError> {
        let own = on(self.own, claim).await?;
        let is_anothers = own.as_ref().is_some_and(|own| own.tenant != claim.tenant);
        let Some(shared) = self.shared.filter(|_| !is_anothers) else { return Ok(own) };
        let found = on(&*shared.ledger, claim).await?;
        let found = found.map(|found| CostClaim { tenant: shared.inside(found.tenant), ..found });
        Ok(found.or(own))
    }
}

impl SharedClaims {
    /// A claim as it stands in the other stack's ledger. A tenant's id holds no `/`, so that it is none of that stack's.
    fn outside(&self, claim: &CostClaim) -> CostClaim {
        CostClaim { tenant: format!("{}/{}", self.stack, claim.tenant), ..claim.clone() }
    }

    /// A holder as this stack sees it: its own tenants by their id.
    fn inside(&self, holder: String) -> String {
        let own = holder.strip_prefix(self.stack.as_str()).and_then(|rest| rest.strip_prefix('/'));
        match own.filter(|own| !own.contains('/')) {
            Some(own) => own.to_owned(),
            None if holder.contains('/') => holder,
            None => format!("{}/{holder}", self.table),
        }
    }
}

async fn on(ledger: &dyn Ledger, claim: &CostClaim) -> Result<Option<CostClaim>, PortError> {
    ledger.get(&claim.key()).await?.map(|stored| stored.record()).transpose()
}

async fn take(ledger: &dyn Ledger, claim: &CostClaim) -> Result<String, PortError> {
    let item = Stored::of(&claim.partition(), claim)?;
    if ledger.put(item, Expect::HeldBy(claim.tenant.clone())).await? == Wrote::Done {
        return Ok(claim.tenant.clone());
    }
    // Claims are never given up, so what refused the write is there.
    Ok(on(ledger, claim).await?.map(|held| held.tenant).unwrap_or_default())
}
