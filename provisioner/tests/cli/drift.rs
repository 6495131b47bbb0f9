//! What people and programs read of drift, in every format, compared with files in `tests/golden`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use billing::manifest::Source;
use engine::diff::FieldChange;
use engine::kind::{CallError, ErrorClass};
use engine::{Action, Address, Drift, Drifted, Finding, Owner, Unapplied};
use jiff::civil::Date;
use provisioner::drift::ignore::{Ignore, part};
use provisioner::drift::report::DriftReport;
use provisioner::ui::views::{drift, drift_json, drift_markdown, drift_sarif, plan_markdown};
use serde_json::{Value, json};

use crate::golden::{
    address, around, changes, creates, deletes, field, forcing, golden, plan_of, refused, trust_policy,
};

fn found(at: &str, tenant: Option<&str>, id: &str, finding: Finding, fields: Vec<FieldChange>) -> Drifted {
    Drifted { address: address(at), tenant: tenant.map(str::to_owned), id: id.to_owned(), finding, fields }
}

fn todo(at: &str, tenant: Option<&str>, action: Action, fields: Vec<FieldChange>) -> Unapplied {
    Unapplied { address: address(at), tenant: tenant.map(str::to_owned), action, fields }
}

/// One of each finding.
pub fn findings() -> Vec<Drifted> {
    let long = |tail: &str| json!(format!("{} and then {tail}", "the same words over and over again".repeat(5)));
    let role = "client-billing-invoicer";
    vec![
        found("dynamodb_table.ledger", None, "client-billing-data", Finding::Vanished, Vec::new()),
        found("http_api.main", None, "a1b2c3", Finding::Replaced("z9y8x7".to_owned()), Vec::new()),
        found(
            "iam_role.costs",
            None,
            "client-billing-costs",
            Finding::Taken(Owner::stack("shop/production")),
            Vec::new(),
        ),
        found("iam_role.invoicer", None, role, Finding::Unmarked, Vec::new()),
        found(
            "iam_role.invoicer",
            None,
            role,
            Finding::Changed,
            vec![field("policy", trust_policy("edgelambda.amazonaws.com"), trust_policy("lambda.amazonaws.com"))],
        ),
        found(
            "lambda_function.cost_sync",
            None,
            "client-billing-cost-sync",
            Finding::Changed,
            vec![
                field("memory_mb", json!(512), json!(256)),
                field("description", long("after"), long("before")),
                field("environment.DB_PASSWORD", json!("correct horse battery staple"), json!(null)),
                field("environment.BILLFORM_STRIPE_SECRET", json!("sk_live_canary"), json!("client-billing/stripe")),
                field("tags.Old", json!(null), json!("x")),
            ],
        ),
        found(
            "budget.acme",
            Some("acme"),
            "acme-monthly",
            Finding::Changed,
            vec![field("limit_usd", json!("900.00"), json!("750.00"))],
        ),
        found("stripe_customer.zeta", Some("zeta"), "cus_NffrFeUfNV2Hib", Finding::Unknown, Vec::new()),
    ]
}

fn todos() -> Vec<Unapplied> {
    vec![
        todo("lambda_function.costs", None, Action::Update, vec![field("memory_mb", json!(256), json!(1024))]),
        todo(
            "stripe_price.portal.monthly",
            None,
            Action::Replace,
            vec![forcing("unit_amount", json!(500), json!(700))],
        ),
        todo("schedule.old", None, Action::Delete, Vec::new()),
        todo("stripe_customer.beta", Some("beta"), Action::Create, Vec::new()),
    ]
}

const TODAY: Date = Date::constant(2026, 11, 25);

pub fn report(drift: Drift, ignores: &[&str], unlisted: Vec<(&'static str, CallError)>) -> DriftReport {
    let ignores: Vec<Ignore> = ignores.iter().map(|text| text.parse().expect("an ignore")).collect();
    let known = drift.drifted.iter().map(|found| found.address.clone()).collect();
    DriftReport::new(part(drift, &ignores, &known, TODAY), unlisted, false)
}

pub fn drift_around(width: usize) -> drift::Surroundings<'static> {
    drift::Surroundings { stack: "client-billing", account: "123456789012", region: "us-east-1", width }
}

fn golden_drift(name: &str, report: &DriftReport) {
    golden(name, |width| drift::render(report, &drift_around(width)));
}

/// A report in which everything there is stands.
pub fn full_report() -> DriftReport {
    let drift = Drift { drifted: findings(), unapplied: todos(), compared: 27, ..Drift::default() };
    report(drift, &[], Vec::new())
}

pub fn incomplete_report() -> DriftReport {
    let denied = "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: \
                  budgets:DescribeBudgets on resource: arn:aws:budgets::123456789012:budget/* (AccessDeniedException)";
    let error = || refused("budgets:DescribeBudgets", denied, ErrorClass::Denied);
    let drift = Drift {
        drifted: vec![findings().remove(0)],
        unreadable: vec![(address("budget.acme"), error())],
        compared: 26,
        ..Drift::default()
    };
    report(drift, &[], vec![("budget", error())])
}

#[test]
fn drift_of_every_sort() {
    let text = drift::render(&full_report(), &drift_around(400));
    assert!(!text.contains("staple") && !text.contains("canary"), "secrets are not shown: {text}");
    golden_drift("drift-found", &full_report());
}

#[test]
fn nothing_drifted() {
    let waits = "waits until AWS has seen the tag keys BillingProject, ClientOrganization in use; the next apply activates them";
    let pending = vec![(address("allocation_tags.active"), waits.to_owned())];
    golden_drift("drift-nothing", &report(Drift { compared: 27, pending, ..Drift::default() }, &[], Vec::new()));
    golden_drift("drift-nothing-at-all", &DriftReport::default());
    let drift = Drift { unapplied: todos(), compared: 27, ..Drift::default() };
    golden_drift("drift-unapplied", &report(drift, &[], Vec::new()));
}

#[test]
fn drift_that_could_not_be_read_whole() {
    golden_drift("drift-incomplete", &incomplete_report());
    let drift = Drift { drifted: Vec::new(), ..incomplete_report().drift };
    golden_drift("drift-unseen", &DriftReport { drift, ..incomplete_report() });
}

/// Some hidden for a while, some for good, some no longer; one that hides nothing.
fn ignoring_report() -> DriftReport {
    let ignores = [
        "lambda_function.cost_sync.memory_mb@2026-12-31",
        "lambda_function.cost_sync.tags@2026-12-31",
        "dynamodb_table.ledger",
        "budget.acme.limit_usd@2026-11-24",
        "iam_role.nobody@2026-11-25",
    ];
    report(Drift { drifted: findings(), compared: 27, ..Drift::default() }, &ignores, Vec::new())
}

#[test]
fn drift_that_is_ignored() {
    let moved = DriftReport { state_moved: true, ..ignoring_report() };
    golden_drift("drift-ignored", &moved);
}

/// Compares a document with its file.
pub fn document(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BILLFORM_BLESS").is_some() {
        fs::write(&path, text).expect("is written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}; BILLFORM_BLESS=1 takes it as right");
}

#[test]
fn drift_and_plans_as_comments() {
    let all = DriftReport { drift: Drift { unapplied: todos(), ..ignoring_report().drift }, ..ignoring_report() };
    document("drift.md", &drift_markdown::render(&all, &drift_around(80)));
    document("drift-incomplete.md", &drift_markdown::render(&incomplete_report(), &drift_around(80)));
    document("drift-nothing.md", &drift_markdown::render(&DriftReport::default(), &drift_around(80)));
    let plan = plan_of([creates(), changes(), deletes()].concat());
    document("plan.md", &plan_markdown::render(&plan, &around(80)));
}

#[test]
fn drift_for_code_scanning_and_programs() {
    let text = "version: 1\nproject: client-billing\ntenants:\n  - id: acme\n  - id: zeta\n";
    let source = Source { path: "deploy/my billform.yaml".to_owned(), text: text.to_owned() };
    let places = billing::manifest::places(&[source], None);
    let all = DriftReport { drift: Drift { unapplied: todos(), ..ignoring_report().drift }, ..ignoring_report() };
    let pretty = |value: &Value| format!("{}\n", serde_json::to_string_pretty(value).expect("JSON"));
    document("drift.sarif", &pretty(&drift_sarif::render(&all, "client-billing", &places)));
    document("drift-incomplete.sarif", &pretty(&drift_sarif::render(&incomplete_report(), "client-billing", &places)));
    let calls = BTreeMap::from([("iam".to_owned(), 3)]);
    document("drift.json", &pretty(&drift_json::render(&all, &drift_around(80), &calls)));
}

#[test]
fn a_comment_stays_below_the_limit_with_thousands_of_hostile_resources() {
    let hostile = "` | <img src=x onerror=alert(1)> @everyone #1 \u{202e} ```\n\n# x";
    let one = |n: usize| {
        let id = format!("{hostile}{n}");
        let change = field(&format!("tags.{hostile}"), json!(hostile), json!({ "a": [hostile] }));
        let tenant = format!("t{}", n / 100);
        Drifted {
            address: Address::new("schedule", format!("{hostile}{n}")),
            tenant: Some(tenant),
            id,
            finding: if n.is_multiple_of(2) { Finding::Unknown } else { Finding::Changed },
            fields: if n.is_multiple_of(2) { Vec::new() } else { vec![change] },
        }
    };
    let report = report(Drift { drifted: (0..3_000).map(one).collect(), ..Drift::default() }, &[], Vec::new());
    let text = drift_markdown::render(&report, &drift_around(80));
    assert!(text.len() < 65_536 && text.chars().count() < 65_536, "{}", text.len());
    assert!(text.len() > 60_000, "it is filled: {}", text.len());
    let shown = text.lines().filter(|line| line.starts_with("- ")).count();
    assert!(
        text.ends_with(&format!("**{} more** did not fit: `billform drift` shows all.\n", 3_000 - shown)),
        "{shown}"
    );
    let ours = ["## ", "### ", "**", "- <code>", "  | ", "1500 ", "Drift"];
    let foreign = text.lines().find(|line| !line.is_empty() && !ours.iter().any(|ours| line.starts_with(ours)));
    assert_eq!(foreign, None);
    assert!(!text.contains("<img") && !text.contains("@everyone") && !text.contains('\u{202e}'));
    assert_eq!(text, drift_markdown::render(&report, &drift_around(160)), "the same at any width");
}
