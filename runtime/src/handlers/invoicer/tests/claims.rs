//! Several stacks that read one payer's bill: no cost is invoiced by two of them.

use billing::ledger::{MemoryLedger, SharedClaims};

use super::lifecycle::totals;
use super::*;

/// A run of the stack `name`, which claims cost in another one's ledger.
async fn run_of(name: &str, memory: &Memory, claims: &MemoryLedger) -> InvoicerAnswer {
    let (clock, policy) = (FixedClock::at(LATER), policy());
    let invoicing = Invoicing {
        ledger: memory,
        invoices: memory,
        clock: &clock,
        policy,
        claims: Some(SharedClaims { ledger: claims, table: "portal-ledger", stack: name }),
        lease_s: 60,
        holder: format!("run of {name}"),
        shared: futures::lock::Mutex::default(),
    };
    invoicing.run(&InvoicerEvent::default()).await.expect("an answer").answer
}

#[tokio::test]
async fn cost_that_one_stack_invoices_is_not_invoiced_by_another() {
    let claims = MemoryLedger::default();
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
