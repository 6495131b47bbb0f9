//! The contract's golden figures out of the deployed stack: cost in Cost Explorer, the schedules' functions, invoices at
//! Stripe. They are those of `reference/seed-contract.md`, "Pricing rules, with figures that must come out exactly".

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use billing::Month;
use billing::names::{PERIOD_METADATA, TENANT_METADATA};
use localcloud::costs::CostRow;
use localstripe::Kind;
use serde_json::{Value, json};
use tests::stage::{Draft, Stage, TenantDraft};

/// Costs in US dollars by service.
type Costs = &'static [(&'static str, &'static str)];

const PORTAL: Costs = &[("AWS Lambda", "25.00"), ("Amazon S3", "100.50")];
const HONEY: Costs = &[("a", "5.23"), ("b", "2.15"), ("c", "8.47"), ("d", "1.89")];
const LAB: Costs = &[("vCPU", "312.625"), ("Egress", "4.068"), ("Other", "51.277")];
const HUNDRED: Costs = &[("AWS Lambda", "100.00")];
/// Tenant, its pricing, and its costs.
const TENANTS: &[(&str, &str, Costs)] = &[
    ("at-cost", "{}", PORTAL),
    ("flat", r#"{ fee: { flat: "10.00 USD" } }"#, PORTAL),
    ("markup", r#"{ markup: "10%" }"#, PORTAL),
    (
        "tiers",
        r#"{ fee: { tiers: [{ below: "50.00 USD", flat: "5.00 USD" }, { below: "200.00 USD", flat: "10.00 USD" }, { percent: "5%" }] } }"#,
        PORTAL,
    ),
    ("card", r#"{ payment_fee: { mode: pass-through, percent: "2.9%", fixed: "0.30 USD" } }"#, HUNDRED),
    ("lab", r#"{ discount: "10%" }"#, LAB),
    ("honey", r#"{ base_fee: "20.00 EUR" }"#, HONEY),
];

fn manifest(before: Month, last: Month) -> String {
    let (first, second) = (before.period().last_day(), last.period().last_day());
    let rates = format!(
        "fx: {{ rates: [{{ date: {first}, EUR: \"1\", source: ECB }}, {{ date: {second}, EUR: \"0.90\", source: ECB }}] }}"
    );
    let mut draft = Draft::new("golden").with(&rates);
    for (tenant, terms, _) in TENANTS {
        let currency = if *tenant == "honey" { "EUR" } else { "USD" };
        let record = TenantDraft::new(tenant, tenant).with(&format!("pricing: {tenant}"));
        let first = if *tenant == "honey" { before } else { last };
        let record = record.with(&format!("first_period: {first}")).with(&format!("currency: {currency}"));
        draft = draft.pricing(tenant, terms).tenant(record);
    }
    draft.yaml()
}

/// The tenants' costs, all on the tenth: of both months for the honey, else of the second alone.
fn rows(before: Month, last: Month) -> Vec<CostRow> {
    let mut rows = Vec::new();
    for (tenant, _, costs) in TENANTS {
        for month in [before, last].into_iter().filter(|month| *month == last || *tenant == "honey") {
            rows.extend(costs.iter().map(|(service, amount)| {
                let row = json!({
                    "date": format!("{month}-10"), "service": service, "amount": amount,
                    "tags": { "ClientOrganization": tenant, "BillingProject": "one" },
                });
                serde_json::from_value::<CostRow>(row).expect("a row")
            }));
        }
    }
    rows
}

/// Totals and lines in the currency's minor units, by tenant and month.
fn drafts(stage: &Stage) -> BTreeMap<(String, String), (i64, Vec<i64>)> {
    let text = |invoice: &Value, key: &str| invoice["metadata"][key].as_str().expect("a text").to_owned();
    let lines = |invoice: &Value| -> Vec<i64> {
        invoice["lines"]["data"].as_array().expect("lines").iter().filter_map(|line| line["amount"].as_i64()).collect()
    };
    let mut found = BTreeMap::new();
    for invoice in stage.place.cloud.stripe().objects(Kind::Invoice) {
        let of = (text(&invoice, TENANT_METADATA), text(&invoice, PERIOD_METADATA));
        let before = found.insert(of, (invoice["total"].as_i64().expect("cents"), lines(&invoice)));
        assert!(before.is_none(), "two invoices of one month: {before:?}");
    }
    found
}

/// The pack of an invoice is verified, and its own script comes to the same total from the pack alone.
async fn recomputes(stage: &Stage, tenant: &str, month: Month, total: &str, key: &str) {
    let (pack, month) = (stage.folder().join(format!("{tenant}-{month}.zip")), month.to_string());
    let path = pack.to_str().expect("a path");
    stage.run(&["invoice", "explain", tenant, "--period", &month, "--pack", path]).await.ok();
    let verified = stage.run(&["invoice", "verify", path, "--public-key", key, "--format", "json"]).await.ok().json();
    assert_eq!((&verified["total"], &verified["is_expected_key"]), (&json!(total), &json!(true)), "{verified}");
    let script = stage.folder().join("recompute.py");
    std::fs::write(&script, member(&pack, "recompute.py")).expect("the script is unpacked");
    let ran = Command::new("python3").arg("-I").arg(&script).arg(&pack).output().expect("Python runs");
    let told = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert_eq!(told, format!("{tenant} {month} {total}\n"), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn member(pack: &Path, name: &str) -> Vec<u8> {
    let file = std::fs::File::open(pack).expect("the pack is there");
    let mut archive = zip::ZipArchive::new(file).expect("an archive");
    let mut bytes = Vec::new();
    archive.by_name(name).expect("a member").read_to_end(&mut bytes).expect("its bytes");
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn the_contracts_figures_come_out_of_the_deployed_stack() {
    let mut stage =
        Stage::new(&manifest(Month::of("2020-01-01".parse().expect("a day")), "2020-02".parse().expect("a month")))
            .await;
    let last = stage.last_month();
    let before = last.previous().expect("a month");
    stage.place.cloud.costs().change(|model| model.rows = rows(before, last));
    stage.write(&manifest(before, last));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let days = json!({ "start": before.period().start(), "end": last.period().last_day() });
    stage.invoke("golden-cost-sync", &days).await;
    stage.invoke("golden-invoicer", &json!({ "action": "calculate_and_invoice" })).await;

    let drafts = drafts(&stage);
    let of = |tenant: &str, month: Month| &drafts[&(tenant.to_owned(), month.to_string())];
    let figures = [
        ("at-cost", last, "125.50 USD"),
        ("flat", last, "135.50 USD"),
        ("markup", last, "138.05 USD"),
        ("tiers", last, "135.50 USD"),
        ("card", last, "103.20 USD"),
        ("lab", last, "331.17 USD"),
        ("honey", last, "35.97 EUR"),
        // At a rate of one.
        ("honey", before, "37.74 EUR"),
    ];
    for (tenant, month, figure) in figures {
        let (total, lines) = of(tenant, month);
        let cents: i64 = figure[..figure.len() - 4].replace('.', "").parse().expect("cents");
        assert_eq!((*total, lines.iter().sum::<i64>()), (cents, cents), "{tenant}: {lines:?}");
    }
    assert!(of("card", last).1.contains(&320), "the fee is a line of its own: {:?}", of("card", last));
    assert_eq!(drafts.len(), figures.len(), "{drafts:?}");

    stage.be_permitted("evidence").await;
    let signs = stage.run(&["output", "evidence_public_key"]).await.ok().stdout;
    for (tenant, month, total) in figures {
        recomputes(&stage, tenant, month, total, signs.trim()).await;
    }

    stage.be_permitted("invoice-preview").await;
    let preview =
        stage.run(&["invoice", "preview", "--period", &last.to_string(), "--format", "json"]).await.ok().json();
    assert!(preview.to_string().contains("331.17") && preview.to_string().contains("35.97"), "{preview}");
}
