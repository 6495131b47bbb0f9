//! Tenants that share a value of the tenant tag, told apart by another tag.

use super::*;

/// A tenant of Acme's with an environment of its own.
fn add(world: &mut World, id: &str, environment: &str, cents: i64) {
    let mut record = tenant(id, json!({}));
    record.tags = [(TAG.to_owned(), "Acme".into()), ("Environment".to_owned(), environment.into())].into();
    world.tenants.insert(id.to_owned(), record);
    add_month(world, id, october(), &[("AWS Lambda", cents)]);
}

#[tokio::test]
async fn each_claims_its_own_cost_and_an_heir_of_the_same_tags_none_that_was_invoiced() {
    let mut world = World::default();
    add(&mut world, "acme", "prod", 10_000);
    add(&mut world, "trial", "dev", 2_500);
    let memory = Memory::new(world);
    let answer = run_at(&memory, NOW, "first").await;
    assert_eq!(answer.invoices.len(), 2);
    let totals = |memory: &Memory| {
        memory
            .with(|world| world.invoices.iter().map(|((id, _), of)| (id.clone(), of.invoice.total)).collect::<Vec<_>>())
    };
    let expected = [("acme", "100.00 USD"), ("trial", "25.00 USD")].map(|(id, total)| (id.to_owned(), money(total)));
    assert_eq!(totals(&memory), expected);
    let claims: Vec<String> = memory.with(|world| world.claims.keys().map(|(tag, _)| tag.clone()).collect());
    assert_eq!(claims, ["ClientOrganization=Acme, Environment=dev", "ClientOrganization=Acme, Environment=prod"]);

    hand_over(&memory, "trial", "renamed", 2_500);
    let answer = run_at(&memory, LATER, "second").await;
    let of_heir = answer.invoices.iter().find(|one| one.tenant == "renamed").expect("the heir's");
    let MonthResult::Waiting { reason } = &of_heir.result else { panic!("{of_heir:?}") };
    let told =
        "the cost of ClientOrganization=Acme, Environment=dev in 2026-10 was invoiced to tenant trial, or is being";
    assert_eq!(reason, told);
}
