//! Several stacks that read one payer's bill: no cost is invoiced by two of them.

use std::sync::Arc;

use billing::ledger::{Claims, CostClaim, MemoryLedger, SharedClaims};

use super::lifecycle::totals;
use super::*;

/// A run of the stack `name`, which claims cost in another one's ledger.
async fn run_of(name: &str, memory: &Memory, claims: &Arc<MemoryLedger>) -> InvoicerAnswer {
    let (clock, policy, shared) = (FixedClock::at(LATER), policy(), beside(claims, name));
    let invoicing = Invoicing {
        ledger: memory,
        invoices: memory,
        clock: &clock,
        policy,
        claims: Some(&shared),
        lease_s: 60,
        holder: format!("run of {name}"),
        shared: futures::lock::Mutex::default(),
    };
    invoicing.run(&InvoicerEvent::default()).await.expect("an answer").answer
}

#[tokio::test]
async fn cost_that_one_stack_invoices_is_not_invoiced_by_another() {
    let claims = Arc::<MemoryLedger>::default();
    let [tax, demo] = [(); 2].map(|()| Memory::new(world(json!({}))));
    let first = run_of("tax/prod", &tax, &claims).await;
    assert_eq!(done(&first).0, InvoiceState::Complete);
    let second = run_of("demo", &demo, &claims).await;
    assert_eq!(
        waiting(&second),
        "the cost of ClientOrganization=mmp-toledo in 2026-10 was invoiced to tenant tax/prod/mmp-toledo, or is being"
    );
    assert_eq!((totals(&tax), totals(&demo)), (vec![12_550], vec![]));
    // Whose it was stays so, whatever is repeated.
    restate(&tax, 13_000, "2026-11-21T06:00:00Z");
    assert_eq!(done(&run_of("tax/prod", &tax, &claims).await).1, "130.00 USD".parse().expect("money"));
    assert!(waiting(&run_of("demo", &demo, &claims).await).contains("tax/prod/mmp-toledo"));
}

fn claim(tenant: &str) -> CostClaim {
    CostClaim { tag: "Org=Acme".to_owned(), month: "2026-10".parse().expect("a month"), tenant: tenant.to_owned() }
}

async fn holder(claims: Claims<'_>, tenant: &str) -> String {
    let taken = claims.take(&claim(tenant)).await.expect("a holder");
    let seen = claims.on(&claim(tenant)).await.expect("read").expect("a claim");
    assert_eq!(seen.tenant, taken, "what is taken is what is seen");
    taken
}

/// The portal's ledger, for another stack.
fn beside(portal: &Arc<MemoryLedger>, stack: &str) -> SharedClaims {
    SharedClaims { ledger: portal.clone(), table: "portal-ledger".to_owned(), stack: stack.to_owned() }
}

#[tokio::test]
async fn the_first_of_several_stacks_has_the_cost() {
    let [tax, demo] = [(); 2].map(|()| MemoryLedger::default());
    let portal = Arc::<MemoryLedger>::default();
    assert_eq!(holder(Claims::new(&tax, Some(&beside(&portal, "tax/prod"))), "acme").await, "acme");
    assert_eq!(holder(Claims::new(&tax, Some(&beside(&portal, "tax/prod"))), "acme").await, "acme", "again is a no-op");
    assert_eq!(
        holder(Claims::new(&demo, Some(&beside(&portal, "demo"))), "acme").await,
        "tax/prod/acme",
        "one id, two tenants"
    );
    assert_eq!(
        holder(Claims::new(&demo, Some(&beside(&portal, "tax"))), "acme").await,
        "tax/prod/acme",
        "stacks whose names begin alike"
    );
    assert_eq!(holder(Claims::new(&*portal, None), "acme").await, "tax/prod/acme");
}

#[tokio::test]
async fn the_owner_of_the_ledger_claims_as_if_it_were_alone() {
    let (portal, tax) = (Arc::<MemoryLedger>::default(), MemoryLedger::default());
    assert_eq!(holder(Claims::new(&*portal, None), "acme").await, "acme");
    assert_eq!(holder(Claims::new(&tax, Some(&beside(&portal, "tax"))), "acme").await, "portal-ledger/acme");
}

#[tokio::test]
async fn tenants_of_one_stack_are_told_apart_by_its_own_ledger() {
    let (portal, tax) = (Arc::<MemoryLedger>::default(), MemoryLedger::default());
    assert_eq!(holder(Claims::new(&tax, Some(&beside(&portal, "tax"))), "acme").await, "acme");
    assert_eq!(holder(Claims::new(&tax, Some(&beside(&portal, "tax"))), "heir").await, "acme");
}
