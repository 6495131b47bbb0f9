//! The claims on cost: a stack's own, and those of all stacks that bill from one payer account.

use super::{CostClaim, Expect, Ledger, PortError, Stored, Wrote};

/// Where a stack claims cost.
///
/// The stack's own ledger keeps cost off two invoices of its tenants. Where several stacks read the same bill, one of
/// their ledgers keeps it off the invoices of two stacks.
#[derive(Clone, Copy)]
pub struct Claims<'a> {
    own: &'a dyn Ledger,
    shared: Option<SharedClaims<'a>>,
}

/// Another stack's ledger, for claims.
#[derive(Clone, Copy)]
pub struct SharedClaims<'a> {
    /// The ledger.
    pub ledger: &'a dyn Ledger,
    /// Its table, which stands for the stack that owns it: `portal-ledger`.
    pub table: &'a str,
    /// This stack's name there: `tax/prod`.
    pub stack: &'a str,
}

impl<'a> Claims<'a> {
    /// Claims in the stack's own ledger, and in another stack's where there is one.
    pub fn new(own: &'a dyn Ledger, shared: Option<SharedClaims<'a>>) -> Claims<'a> {
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
        let holder = take(shared.ledger, &shared.outside(claim)).await?;
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
        let found = on(shared.ledger, claim).await?;
        let found = found.map(|found| CostClaim { tenant: shared.inside(found.tenant), ..found });
        Ok(found.or(own))
    }
}

impl SharedClaims<'_> {
    /// A claim as it stands in the other stack's ledger. A tenant's id holds no `/`, so that it is none of that stack's.
    fn outside(&self, claim: &CostClaim) -> CostClaim {
        CostClaim { tenant: format!("{}/{}", self.stack, claim.tenant), ..claim.clone() }
    }

    /// A holder as this stack sees it: its own tenants by their id.
    fn inside(&self, holder: String) -> String {
        let own = holder.strip_prefix(self.stack).and_then(|rest| rest.strip_prefix('/'));
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

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ledger::MemoryLedger;

    fn claim(tenant: &str) -> CostClaim {
        CostClaim { tag: "Org=Acme".to_owned(), month: "2026-10".parse().expect("a month"), tenant: tenant.to_owned() }
    }

    fn holder(claims: Claims<'_>, tenant: &str) -> String {
        let taken = block_on(claims.take(&claim(tenant))).expect("a holder");
        let seen = block_on(claims.on(&claim(tenant))).expect("read").expect("a claim");
        assert_eq!(seen.tenant, taken, "what is taken is what is seen");
        taken
    }

    /// The claims of a stack that uses the ledger of the portal's.
    fn beside<'a>(own: &'a MemoryLedger, portal: &'a MemoryLedger, stack: &'a str) -> Claims<'a> {
        Claims::new(own, Some(SharedClaims { ledger: portal, table: "portal-ledger", stack }))
    }

    #[test]
    fn the_first_of_several_stacks_has_the_cost() {
        let [portal, tax, demo] = [(); 3].map(|()| MemoryLedger::default());
        assert_eq!(holder(beside(&tax, &portal, "tax/prod"), "acme"), "acme");
        assert_eq!(holder(beside(&tax, &portal, "tax/prod"), "acme"), "acme", "again is a no-op");
        assert_eq!(holder(beside(&demo, &portal, "demo"), "acme"), "tax/prod/acme", "one id, two tenants");
        assert_eq!(holder(beside(&demo, &portal, "tax"), "acme"), "tax/prod/acme", "stacks whose names begin alike");
        assert_eq!(holder(Claims::new(&portal, None), "acme"), "tax/prod/acme");
    }

    #[test]
    fn the_owner_of_the_ledger_claims_as_if_it_were_alone() {
        let [portal, tax] = [(); 2].map(|()| MemoryLedger::default());
        assert_eq!(holder(Claims::new(&portal, None), "acme"), "acme");
        assert_eq!(holder(beside(&tax, &portal, "tax"), "acme"), "portal-ledger/acme");
    }

    #[test]
    fn tenants_of_one_stack_are_told_apart_by_its_own_ledger() {
        let [portal, tax] = [(); 2].map(|()| MemoryLedger::default());
        assert_eq!(holder(beside(&tax, &portal, "tax"), "acme"), "acme");
        assert_eq!(holder(beside(&tax, &portal, "tax"), "heir"), "acme");
    }
}
