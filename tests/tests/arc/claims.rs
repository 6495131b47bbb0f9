//! Two stacks that read one payer's bill: the cost of a tag value and month is invoiced by one of them.

use localcloud::costs::CostModel;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

const TAG: &str = "ClientOrganization";

/// A stack with tenants and the values of their tags.
fn stack(project: &str, more: &str, tenants: &[(&str, &str)]) -> String {
    let tenant = |draft: Draft, (id, value): &(&str, &str)| {
        draft.tenant(TenantDraft::new(id, value).with("first_period: 2020-01"))
    };
    let state = format!("state: {{ file: {project}.json }}\n{more}");
    tenants.iter().fold(Draft::new(project), tenant).with(&state).yaml()
}

/// 30.00 of each of two values on the month's second day.
fn costs(model: &mut CostModel, day: jiff::civil::Date) {
    let row = |value: &str| {
        let row = json!({ "date": day, "service": "AWS Lambda", "amount": "30.00", "tags": { TAG: value } });
        serde_json::from_value(row).expect("a row")
    };
    model.rows = ["Shop", "Press"].map(row).into();
    model.monthly.clear();
}

/// Deploys a stack, syncs the month and runs the invoicer: what it says of each tenant.
async fn invoiced(stage: &mut Stage, project: &str, manifest: &str) -> Vec<Value> {
    stage.write(manifest);
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let month = stage.last_month();
    let days = json!({ "start": month.period().start(), "end": month.period().last_day() });
    stage.invoke(&format!("{project}-cost-sync"), &days).await;
    let answer = stage.invoke(&format!("{project}-invoicer"), &json!({ "period": month })).await;
    answer["invoices"].as_array().expect("invoices").clone()
}

fn of<'a>(invoices: &'a [Value], tenant: &str) -> &'a Value {
    invoices.iter().find(|invoice| invoice["tenant"] == tenant).expect("an answer")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn two_stacks_of_one_payer_never_invoice_the_same_cost() {
    let portal = |tenants: &[(&str, &str)]| stack("portal", "", tenants);
    let tax = stack("tax", "ledger: { claims: portal-ledger }", &[("outlet", "Shop"), ("press", "Press")]);
    let mut stage = Stage::new(&portal(&[("shop", "Shop")])).await;
    let month = stage.last_month();
    let second = month.period().start().tomorrow().expect("a day");
    stage.place.cloud.costs().change(|model| costs(model, second));

    let by_portal = invoiced(&mut stage, "portal", &portal(&[("shop", "Shop")])).await;
    assert_eq!(of(&by_portal, "shop")["total"], "30.00 USD", "{by_portal:?}");
    let by_tax = invoiced(&mut stage, "tax", &tax).await;
    assert_eq!(of(&by_tax, "press")["total"], "30.00 USD", "{by_tax:?}");
    let held = format!("the cost of ClientOrganization=Shop in {month} was invoiced to tenant portal-ledger/shop");
    assert!(of(&by_tax, "outlet")["reason"].as_str().expect("a reason").contains(&held), "{by_tax:?}");

    // What the other stack holds is seen with the permissions of a preview, and of the status.
    stage.be_permitted("invoice-preview").await;
    let period = month.to_string();
    let preview =
        stage.run(&["invoice", "preview", "outlet", "--period", &period, "--format", "json"]).await.ok().json();
    assert_eq!(preview["invoices"][0]["not_ready"], held, "{preview}");
    stage.be_permitted("invoice").await;
    let status = stage.run(&["--format", "human", "invoice", "status"]).await.ok().stdout;
    assert!(status.contains("its cost was invoiced to tenant portal-ledger/shop"), "{status}");

    // The stack whose ledger it is sees the other's claims without any setting.
    let both = [("shop", "Shop"), ("magazine", "Press")];
    let by_portal = invoiced(&mut stage, "portal", &portal(&both)).await;
    let reason = of(&by_portal, "magazine")["reason"].as_str().expect("a reason");
    assert!(reason.contains("was invoiced to tenant tax/press"), "{by_portal:?}");
    assert_eq!(stage.place.cloud.stripe().objects(Kind::Invoice).len(), 2);
}
