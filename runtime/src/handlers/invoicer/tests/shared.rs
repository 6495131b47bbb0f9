//! Cost of no tenant that the terms share out among them.

use std::collections::BTreeMap;

use billing::names::UNALLOCATED;

use super::*;

const TENANTS: [&str; 3] = ["press", "shop", "studio"];

/// Three tenants of 100.00, 40.00 and 20.00, and `cents` of no tenant.
fn sharing(way: &str, cents: i64) -> Memory {
    let mut world = World::default();
    for (id, own) in TENANTS.into_iter().zip([10_000, 4_000, 2_000]) {
        world.tenants.insert(id.to_owned(), tenant(id, json!({"sharing": {"unallocated": way}})));
        add_month(&mut world, id, october(), &[("AWS Lambda", own)]);
    }
    add_month(&mut world, UNALLOCATED, october(), &[("Tax", cents)]);
    Memory::new(world)
}

/// What each tenant is invoiced and owes by the balance, in cents.
fn owed(memory: &Memory) -> BTreeMap<String, i64> {
    memory.with(|world| {
        let mut owed = BTreeMap::new();
        for invoice in &world.stripe.invoices {
            let id = invoice.request.customer.trim_start_matches("cus_").to_owned();
            *owed.entry(id).or_default() += invoice.remote.total.0;
        }
        for (id, balance) in &world.balances {
            let open = balance.sum().minor_units().expect("cents").0;
            *owed.entry(id.clone()).or_default() += open;
        }
        owed
    })
}

fn cents(owed: [i64; 3]) -> BTreeMap<String, i64> {
    TENANTS.into_iter().map(str::to_owned).zip(owed).collect()
}

#[tokio::test]
async fn what_is_no_tenants_is_on_the_invoices_to_the_cent() {
    for (way, expected) in [
        ("operator", [10_000, 4_000, 2_000]),
        ("even", [10_562, 4_562, 2_561]),
        // 10.53125, 4.2125 and 2.10625 of 16.85.
        ("proportional", [11_053, 4_421, 2_211]),
    ] {
        let memory = sharing(way, 1_685);
        run_at(&memory, NOW, "run-1").await;
        assert_eq!(owed(&memory), cents(expected), "{way}");
        let again = run_at(&memory, LATER, "run-2").await;
        assert!(again.invoices.iter().all(|month| !month.drafted), "{way}: {again:?}");
    }
}

/// Restated as any cost is: a draft is drawn up again, an issued invoice leaves the difference to the next one.
#[tokio::test]
async fn shared_cost_is_restated_as_any_other() {
    let memory = sharing("even", 1_685);
    run_at(&memory, NOW, "run-1").await;
    memory.with(|world| add_month(world, UNALLOCATED, october(), &[("Tax", 3_000)]));
    run_at(&memory, LATER, "run-2").await;
    assert_eq!(owed(&memory), cents([11_000, 5_000, 3_000]));
    memory.with(|world| {
        assert!(world.balances.is_empty(), "drafts are drawn up again");
        world.stripe.invoices.iter_mut().for_each(|invoice| invoice.remote.status = RemoteStatus::Open);
    });
    memory.with(|world| add_month(world, UNALLOCATED, october(), &[("Tax", 600)]));
    run_at(&memory, "2026-11-22T08:00:00Z", "run-3").await;
    assert_eq!(owed(&memory), cents([10_200, 4_200, 2_200]));
    memory.with(|world| {
        assert!(world.stripe.invoices.iter().all(|invoice| invoice.remote.total.0 > 2_900), "none is edited");
        let text = &world.balances["press"].open[0].text;
        assert_eq!(text, "2026-10 restated: 110.00 -> 102.00");
    });
}

/// A tenant's own cost moves every part, and a month that nobody knows whole is billed to none.
#[tokio::test]
async fn parts_in_proportion_wait_for_every_tenants_cost() {
    let memory = sharing("proportional", 1_685);
    let key = ("studio".to_owned(), october());
    let mark = memory.with(|world| world.marks.remove(&key)).expect("a mark");
    let answer = run_at(&memory, NOW, "run-1").await;
    let reasons: Vec<String> = answer.invoices.iter().map(|month| format!("{:?}", month.result)).collect();
    assert!(reasons.iter().all(|reason| reason.contains("Failed") || reason.contains("Waiting")), "{reasons:?}");
    assert!(reasons[0].contains("once all cost of studio is synced"), "{reasons:?}");
    assert!(owed(&memory).is_empty());
    memory.with(|world| world.marks.insert(key, mark));
    run_at(&memory, LATER, "run-2").await;
    assert_eq!(owed(&memory).values().sum::<i64>(), 17_685);
}

/// With the operator bearing it all, nothing more is read than before there was anything to share.
#[tokio::test]
async fn nothing_is_read_for_what_is_not_shared() {
    let memory = sharing("operator", 1_685);
    memory.fail_at("read unallocated's items from cost#2026-10-01", Fault::Before);
    run_at(&memory, NOW, "run-1").await;
    assert_eq!(owed(&memory), cents([10_000, 4_000, 2_000]));
}

/// Who left is a tenant of the months that were theirs: nobody else's part becomes larger when the record goes.
#[tokio::test]
async fn a_tenant_who_left_keeps_its_part_of_the_months_before() {
    let memory = sharing("even", 1_685);
    run_at(&memory, NOW, "run-1").await;
    let before = owed(&memory);
    let left = memory.with(|world| world.tenants.remove("shop")).expect("a tenant");
    let left =
        billing::ledger::LeftTenant::of(&TenantRecord { last_period: Some(october()), ..left }).expect("they left");
    memory.keep_left(&left);
    run_at(&memory, LATER, "run-2").await;
    assert_eq!(owed(&memory), before);
}
