//! `imports:` without a cloud: what `validate` refuses, with its place, and how a plan with imports is shown.

use std::collections::BTreeMap;

use engine::diff::FieldChange;
use engine::{Action, Owner, Plan, Reason, Step};
use provisioner::ledger::money_effects::MoneyEffects;
use provisioner::ui::views::{plan, plan_json, plan_markdown};
use serde_json::{Value, json};

use crate::drift::document;
use crate::golden::{address, around, changed, creates, field, golden, plan_of};
use crate::program::{Program, SMALL};

fn importing(lines: &str) -> Program {
    let program = Program::new();
    program.write("billform.yaml", format!("{SMALL}imports:\n{lines}"));
    program
}

#[test]
fn imports_that_lead_nowhere_are_told_with_their_places() {
    let program = importing(
        "  - { to: tenant_record.acne, id: small-ledger/acme }\n  - { to: tenant_rekord.acme, id: x }\n  \
         - { to: log_group.nothing, id: /a }\n  - { to: log_group.cost_sync, id: /aws/lambda/small-cost-sync }\n",
    );
    let said = program.run(&["validate"]);
    assert_eq!(said.status, 1, "{said:?}");
    for (place, message, hint) in [
        ("8:11", "the manifest has no tenant `acne`, so nothing can be", "did you mean `tenant_record.acme`?"),
        ("9:11", "`tenant_rekord` is not a kind of resource", "did you mean `tenant_record`?"),
        ("10:11", "the manifest has no log_group.nothing, so nothing can be", "`billform graph` shows the addresses"),
    ] {
        assert!(said.stdout.contains(&format!("--> billform.yaml:{place}\n")), "{place}: {}", said.stdout);
        assert!(said.stdout.contains(message) && said.stdout.contains(hint), "{message}: {}", said.stdout);
    }
    assert!(said.stdout.ends_with("3 problems.\n"), "{}", said.stdout);
    let found = program.run(&["validate", "--format", "json"]).json();
    let lines: Vec<&Value> = found["problems"].as_array().expect("a list").iter().map(|one| &one["line"]).collect();
    assert_eq!(lines, [8, 9, 10]);
    let said = program.run(&["plan"]).failed();
    assert!(said.contains("the manifest has 3 problems") && said.contains("billform.yaml:8:11"), "{said}");
}

#[test]
fn sound_imports_are_sound_also_in_an_environment() {
    let program = importing("  - { to: tenant_record.acme, id: small-ledger/acme }\n");
    program.run(&["validate"]).ok();
    program.write("environments/test.yaml", "imports:\n  - { to: tenant_record.beta, id: x }\n");
    program.run(&["validate"]).ok();
    let said = program.run(&["validate", "--environment", "test"]);
    assert!(said.stdout.contains("environments/test.yaml:2:11"), "{}", said.stdout);
}

fn import(at: &str, tenant: Option<&str>, id: &str, owner: Owner, fields: Vec<FieldChange>) -> Step {
    let claim = !owner.is_stack("client-billing");
    let step = changed(at, tenant, Action::Import, Reason::Imported(owner), fields);
    Step { id: Some(id.to_owned()), claim, ..step }
}

fn a_plan() -> Plan {
    let customer = vec![
        field("email", json!("old@acme.example"), json!("pay@acme.example")),
        field("metadata.billform_tenant", Value::Null, json!("acme")),
    ];
    let steps = vec![
        creates().remove(1),
        import("iam_role.costs", None, "client-billing-costs", Owner::stack("shop/production"), Vec::new()),
        import("s3_bucket.reports", None, "client-billing-cur-123456789012", Owner::Unknown, Vec::new()),
        import("stripe_customer.acme", Some("acme"), "cus_QzVtk0001", Owner::Unknown, customer),
    ];
    Plan { imported: ["stripe_customer.beta", "stripe_customer.zeta"].map(address).into(), ..plan_of(steps) }
}

#[test]
fn a_plan_that_imports() {
    golden("plan-import", |width| plan::render(&a_plan(), &around(width)));
    document("plan-import.md", &plan_markdown::render(&a_plan(), &around(80)));
    let calls = BTreeMap::from([("stripe".to_owned(), 1)]);
    let pretty = serde_json::to_string_pretty(&plan_json::render(&a_plan(), &calls, &[], &MoneyEffects::default()))
        .expect("JSON");
    document("plan-import.json", &format!("{pretty}\n"));
}

#[test]
fn many_imports_that_are_done_are_named_in_one_short_note() {
    let imported = (0..1_000).map(|n| address(&format!("stripe_customer.t{n:04}"))).collect();
    let plan = Plan { imported, ..plan_of(Vec::new()) };
    let text = plan::render(&plan, &around(80));
    assert!(text.contains("can be removed: stripe_customer.t0000,") && text.contains("and 992 more."), "{text}");
    assert!(text.lines().count() < 10, "{text}");
}
