//! What people read, at 80 and 160 columns, compared with files in `tests/golden`; `BILLFORM_BLESS=1` writes them
//! anew. Everything is rendered from values made here, so no cloud is needed and every case is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use billing::manifest::{Source, load};
use engine::diff::FieldChange;
use engine::kind::{CallError, Contents, ErrorClass};
use engine::plan::{Blocked, Refused};
use engine::status::ApplyError;
use engine::{Action, Address, Outcome, Owner, Plan, Reason, State, Status, Step};
use provisioner::ledger::money_effects::{MoneyEffects, MonthEffect};
use provisioner::store::holder::Holder;
use provisioner::ui::failure::Failure;
use provisioner::ui::views::locks::{By, Locked};
use provisioner::ui::views::plan::Surroundings;
use provisioner::ui::views::{apply, failure, locks, plan, plan_markdown, problems};

use crate::drift::document;
use serde_json::{Value, json};

/// Compares a rendering at both widths with its files, and sees that its lines fit.
pub fn golden(name: &str, render: impl Fn(usize) -> String) {
    for width in [80, 160] {
        let coloured = render(width);
        let text = anstream::adapter::strip_str(&coloured).to_string();
        for line in text.lines() {
            assert!(line.chars().count() <= width || may_be_long(line, width), "{name}: too long at {width}:\n{line}");
            assert_eq!(line, line.trim_end(), "{name}: spaces at the end");
        }
        assert!(text.ends_with('\n') && !text.contains("\n\n\n"), "{name}:\n{text}");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.{width}.txt"));
        if std::env::var_os("BILLFORM_BLESS").is_some() {
            fs::write(&path, &text).expect("is written");
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "{name} at {width} columns; BILLFORM_BLESS=1 takes it as right");
    }
}

/// What must stay whole: an ARN or address that fills its line, and lines of the manifest with what points at them.
fn may_be_long(line: &str, width: usize) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let whole = |word: &str| word.contains("arn:") || word.trim_end_matches([':', '.', ',']).parse::<Address>().is_ok();
    let alone = words.len() == 1 && whole(words[0]);
    let quoted = line.contains(" | ") || line.trim_start().starts_with("--> ");
    alone || quoted || words.iter().any(|word| whole(word) && word.chars().count() > width / 2)
}

static NO_CALLS: BTreeMap<String, u64> = BTreeMap::new();
static NO_MONEY: MoneyEffects = MoneyEffects { months: Vec::new(), notes: Vec::new(), untold: Vec::new() };

pub fn around(width: usize) -> Surroundings<'static> {
    Surroundings {
        account: "123456789012",
        region: "us-east-1",
        stripe: Some("test"),
        folding: provisioner::ui::views::alike::Folding::default(),
        verbose: false,
        unprovisioned: &[],
        keeps_code: false,
        destroys: false,
        calls: &NO_CALLS,
        money: &NO_MONEY,
        width,
    }
}

/// A markup that was lifted from 10 to 12 %, and a month that cannot be told.
pub fn dearer() -> MoneyEffects {
    let month = |tenant: &str, period: &str, before: &str, after: &str| MonthEffect {
        tenant: tenant.to_owned(),
        period: period.parse().expect("a month"),
        before: Some(before.parse().expect("money")),
        after: Some(after.parse().expect("money")),
        reason: "terms".to_owned(),
    };
    let unread = "2026-08: the cost of acme was not read whole, so no effect on it can be told.";
    MoneyEffects {
        months: vec![
            month("acme", "2026-09", "125.51 USD", "127.79 USD"),
            month("acme", "2026-10", "137.90 USD", "142.10 USD"),
            month("press", "2026-10", "-12.00 EUR", "-12.22 EUR"),
        ],
        notes: vec![unread.to_owned()],
        untold: Vec::new(),
    }
}

pub fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

pub fn step(at: &str, tenant: Option<&str>, action: Action, reason: Reason) -> Step {
    Step::new(address(at), tenant.map(str::to_owned), action, reason)
}

fn create(at: &str, tenant: Option<&str>, reason: Reason, desired: Value) -> Step {
    Step { desired: Some(desired), ..step(at, tenant, Action::Create, reason) }
}

pub fn changed(at: &str, tenant: Option<&str>, action: Action, reason: Reason, fields: Vec<FieldChange>) -> Step {
    Step { fields, ..step(at, tenant, action, reason) }
}

fn holding(described: &str, step: Step) -> Step {
    Step { guard: Some(Contents { described: described.to_owned() }), ..step }
}

pub fn field(path: &str, before: Value, after: Value) -> FieldChange {
    FieldChange { path: path.to_owned(), before, after, forces_replacement: false }
}

pub fn forcing(path: &str, before: Value, after: Value) -> FieldChange {
    FieldChange { forces_replacement: true, ..field(path, before, after) }
}

pub fn plan_of(steps: Vec<Step>) -> Plan {
    Plan::new("client-billing".to_owned(), 3, steps)
}

pub fn refused(operation: &str, message: &str, class: ErrorClass) -> CallError {
    CallError { operation: operation.to_owned(), message: message.to_owned(), class }
}

pub fn trust_policy(service: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": service },
    }] })
}

pub fn creates() -> Vec<Step> {
    let tags = json!({ "Application": "client-billing", "ManagedBy": "billform" });
    let function = json!({
        "name": "client-billing-costs",
        "description": "Answers what a tenant's AWS resources cost",
        "role_arn": "arn:aws:iam::123456789012:role/client-billing-costs",
        "architecture": "arm64",
        "memory_mb": 256,
        "environment": { "BILLFORM_HANDLER": "costs", "BILLFORM_LEDGER_TABLE": "client-billing-data",
            "BILLFORM_ALLOWED_ORIGINS": "https://mmp-toledo.billing.example.com" },
        "code_sha256": null,
        "permissions": { "billform-api": { "principal": "apigateway.amazonaws.com",
            "source_arn": { "$output": { "of": "http_api.main", "name": "invoke_arn_pattern" } } } },
        "tags": tags,
    });
    let table = json!({ "name": "client-billing-data", "keys": { "partition": "pk", "sort": "sk" },
        "point_in_time_recovery": true, "indexes": {}, "tags": tags });
    let customer = json!({ "name": "Acme Inc.", "email": "pay@acme.example", "preferred_locales": ["en-US"],
        "metadata": { "billform_tenant": "acme" } });
    let record = json!({ "table": "client-billing-data", "tenant": "acme",
        "stripe_customer": { "$output": { "of": "stripe_customer.acme", "name": "id" } } });
    vec![
        create("dynamodb_table.ledger", None, Reason::Vanished, table),
        create("lambda_function.costs", None, Reason::New, function),
        create("stripe_customer.acme", Some("acme"), Reason::Unfinished, customer),
        create("tenant_record.acme", Some("acme"), Reason::New, record),
    ]
}

pub fn changes() -> Vec<Step> {
    let long = |tail: &str| json!(format!("{} and then {tail}", "the same words over and over again".repeat(5)));
    let product = json!({ "$output": { "of": "stripe_product.portal", "name": "id" } });
    vec![
        changed(
            "iam_role.costs",
            None,
            Action::Update,
            Reason::Differs,
            vec![field("policy", trust_policy("lambda.amazonaws.com"), trust_policy("edgelambda.amazonaws.com"))],
        ),
        changed(
            "lambda_function.cost_sync",
            None,
            Action::Update,
            Reason::Differs,
            vec![
                field("memory_mb", json!(128), json!(256)),
                field("description", long("before"), long("after")),
                field("environment.BILLFORM_SETTLE_DAYS", json!(null), json!("14")),
                field("tags.Old", json!("x"), json!(null)),
            ],
        ),
        changed(
            "stripe_price.portal.monthly",
            None,
            Action::Replace,
            Reason::ForcesReplacement,
            vec![forcing("unit_amount", json!(500), json!(700)), field("product", json!("prod_1"), product)],
        ),
        changed(
            "budget.acme",
            Some("acme"),
            Action::Update,
            Reason::Differs,
            vec![field("limit_usd", json!("500.00"), json!("750.00"))],
        ),
    ]
}

fn takeovers() -> Vec<Step> {
    let retention = || vec![field("retention_days", json!(0), json!(30))];
    let shop = Owner::stack("shop/production");
    vec![
        changed("http_api.main", None, Action::Adopt, Reason::Found, Vec::new()),
        changed("iam_role.costs", None, Action::Adopt, Reason::TakenOver(shop), Vec::new()),
        changed("log_group.costs", None, Action::Adopt, Reason::TakenOver(Owner::Unknown), retention()),
    ]
}

pub fn deletes() -> Vec<Step> {
    let table = step("dynamodb_table.ledger", None, Action::Delete, Reason::NotWanted);
    let renamed = vec![forcing("name", json!("client-billing-cur-123456789012"), json!("client-billing-reports"))];
    let bucket = changed("s3_bucket.reports", None, Action::Replace, Reason::ForcesReplacement, renamed);
    let unknown = "nobody knows what, because s3:ListBucketVersions: User is not authorized to perform this operation";
    let gone = step("log_group.old", None, Action::NoOp, Reason::AlreadyGone);
    vec![
        holding("at least 100 items that billform did not write", table),
        gone,
        holding(unknown, bucket),
        Step {
            leaves: Some("stays in Stripe, with its invoices".to_owned()),
            ..step("stripe_customer.acme", Some("acme"), Action::Delete, Reason::NotWanted)
        },
    ]
}

#[test]
fn a_plan_that_creates() {
    let sections = ["auth.cognito", "functions.handlers: those not built yet", "api.domain", "portal", "notifications"];
    golden("plan-create", |width| {
        let around = Surroundings { unprovisioned: &sections, ..around(width) };
        plan::render(&plan_of(creates()), &around)
    });
}

#[test]
fn a_plan_that_changes() {
    golden("plan-change", |width| plan::render(&plan_of(changes()), &around(width)));
}

#[test]
fn a_plan_that_takes_over() {
    golden("plan-adopt", |width| plan::render(&plan_of(takeovers()), &around(width)));
}

#[test]
fn a_plan_that_deletes() {
    golden("plan-delete", |width| plan::render(&plan_of(deletes()), &around(width)));
    golden("plan-destroy", |width| {
        plan::render(&plan_of(deletes()), &Surroundings { destroys: true, ..around(width) })
    });
    let nothing = |width| plan::render(&plan_of(Vec::new()), &Surroundings { destroys: true, ..around(width) });
    golden("plan-destroyed", nothing);
}

#[test]
fn a_plan_that_cannot_be_made_whole() {
    let id = "arn:aws:lambda:us-east-1:123456789012:function:client-billing-costs";
    let message = format!(
        "lambda_function.costs exists as {id} and belongs to the stack shop: `--adopt` takes it over; or give yours \
         another name"
    );
    let denied = "User: arn:aws:iam::123456789012:user/reader is not authorized to perform: \
                  budgets:DescribeBudgets on resource: arn:aws:budgets::123456789012:budget/* (AccessDeniedException)";
    let plan = Plan {
        refused: vec![Refused {
            address: address("lambda_function.costs"),
            id: id.to_owned(),
            owner: Owner::stack("shop"),
            message,
        }],
        blocked: vec![Blocked { address: address("http_api.main"), because: address("lambda_function.costs") }],
        unreadable: ["budget.acme", "budget.beta", "budget.ceta", "stripe_price.portal"]
            .map(|at| match at.starts_with("budget.") {
                true => (address(at), refused("budgets:DescribeBudgets", denied, ErrorClass::Denied)),
                false => (address(at), refused("stripe:GET /v1/prices", "Invalid API Key", ErrorClass::Denied)),
            })
            .to_vec(),
        ..plan_of(vec![changes().remove(1)])
    };
    golden("plan-incomplete", |width| plan::render(&plan, &around(width)));
}

#[test]
fn a_plan_with_nothing_to_do() {
    let same = |at: &str| step(at, None, Action::NoOp, Reason::Same);
    let waits = "waits until AWS has seen the tag keys BillingProject, ClientOrganization in use; the next apply activates them";
    let fields = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let plan = Plan {
        pending: vec![(address("allocation_tags.active"), waits.to_owned())],
        not_read: BTreeMap::from([
            ("dynamodb_table".to_owned(), fields(&["point_in_time_recovery", "tags", "ttl_attribute"])),
            ("s3_bucket".to_owned(), fields(&["encryption", "lifecycle", "policy", "public_access_blocked", "tags"])),
        ]),
        ..plan_of(vec![same("allocation_tags.active"), same("iam_role.costs")])
    };
    let calls = BTreeMap::from([("iam", 12), ("stripe", 3), ("dynamodb", 2), ("budgets", 1), ("sts", 1)]);
    let calls: BTreeMap<String, u64> = calls.into_iter().map(|(service, count)| (service.to_owned(), count)).collect();
    golden("plan-nothing", |width| {
        plan::render(&plan, &Surroundings { keeps_code: true, verbose: true, calls: &calls, ..around(width) })
    });
    let one = plan_of(vec![same("iam_role.costs")]);
    golden("plan-nothing-at-all", |width| plan::render(&one, &around(width)));
}

fn outcome(plan: &Plan, statuses: Vec<(&str, Status)>) -> Outcome {
    let mut summary = plan.summary();
    summary.no_op = 0;
    Outcome {
        statuses: statuses.into_iter().map(|(at, status)| (address(at), status)).collect(),
        summary,
        state: State::empty("client-billing"),
        store_error: None,
        stopped: false,
        halted: None,
    }
}

const TOOK: Duration = Duration::from_millis(12_345);

#[test]
fn an_apply_that_went_well() {
    let waits = "waits until AWS has seen the tag keys BillingProject, ClientOrganization in use; the next apply activates them";
    let kept = "the Stripe customer cus_1 (Acme Inc.) stays: invoices, payments and taxes refer to it";
    let archived = "the Stripe price price_1 (portal-monthly) is archived: Stripe deletes no prices";
    let outcome = outcome(
        &plan_of([creates(), changes()].concat()),
        vec![
            ("allocation_tags.active", Status::Pending(waits.to_owned())),
            ("iam_role.costs", Status::Done),
            ("stripe_customer.acme", Status::Kept(kept.to_owned())),
            ("stripe_price.portal.monthly", Status::Archived(archived.to_owned())),
        ],
    );
    golden("apply-done", |width| apply::render(&outcome, TOOK, width));
}

#[test]
fn an_apply_that_failed() {
    let in_use = "The role defined for the function cannot be assumed by Lambda. (InvalidParameterValueException)";
    let failed = ApplyError::Call(refused("lambda:CreateFunction", in_use, ErrorClass::NotYet));
    let not_ours = ApplyError::NotOurs {
        address: address("log_group.costs"),
        id: "/aws/lambda/client-billing-costs".to_owned(),
        owner: Owner::Unknown,
    };
    let mut outcome = outcome(
        &plan_of(creates().split_off(3)),
        vec![
            ("http_api.main", Status::Skipped { because: address("lambda_function.costs") }),
            ("lambda_function.costs", Status::Failed(failed)),
            ("log_group.costs", Status::Failed(not_ours)),
            ("schedule.daily", Status::NotStarted),
        ],
    );
    golden("apply-failed", |width| apply::render(&outcome, TOOK, width));

    outcome.statuses = BTreeMap::from([(address("schedule.daily"), Status::NotStarted)]);
    outcome.stopped = true;
    golden("apply-stopped", |width| apply::render(&outcome, TOOK, width));

    outcome.stopped = false;
    outcome.statuses.clear();
    let message = "the state .billform/state.json cannot be written: No space left on device (os error 28)".to_owned();
    outcome.store_error = Some(engine::state::StoreError { message });
    golden("apply-state-lost", |width| apply::render(&outcome, TOOK, width));
}

#[test]
fn problems_of_a_manifest() {
    let text = "version: 1\nproject: client-billing\naws: { account: 123456789012, region: us-east-1 }\n\
                attribution: { tenant_tag: ClientOrganization }\npricng: {}\n\
                tenants:\n  - { id: acme, name: Acme, email: billing.acme.example, tags: { ClientOrganization: Acme }, \
                pricing: at-cost, budget: \"500.00 USD\", locale: en-US }\n\
                schedules: { daily: { expression: every morning } }\n";
    let source = Source { path: "billform.yaml".to_owned(), text: text.to_owned() };
    let found = load(&[source], None, &provisioner::stack::handlers()).expect_err("mistakes");
    golden("problems", |width| problems::render(&found, width));
}

#[test]
fn failures_with_and_without_a_hint() {
    let account = Failure::new("the manifest is for AWS account 123456789012, the credentials are of 210987654321")
        .hint("use the other account's credentials, or change `aws.account`; nothing was read or changed");
    golden("failure-account", |width| failure::render(&account, width));
    let held = Failure::new(
        "the state .billform/state.json is in use by `billform apply` of ana, process 4711; wait for it to end, then \
         try again",
    );
    golden("failure-lock", |width| failure::render(&held, width));
}

#[test]
fn the_locks_that_are_held() {
    let holder = |command: &str| Holder {
        command: format!("billform {command}"),
        user: "ana".to_owned(),
        host: "desk".to_owned(),
        pid: 4711,
        since: "2026-11-25 20:00:00 UTC".to_owned(),
    };
    let run = |tenant: &str, lapses_in_s| Locked {
        tenant: Some(tenant.to_owned()),
        by: By::Run { holder: holder(&format!("apply --tenant {tenant}")), lapses_in_s, fence: 7 },
    };
    let held = [run("acme", 42), run("beta", 0)];
    golden("locks-s3", |width| locks::render(&held, None, "s3", width));
    let by = By::Process { holder: holder("apply").to_string(), path: "./.billform/state.json".to_owned() };
    let held = [Locked { tenant: None, by }];
    golden("locks-file", |width| locks::render(&held, None, "file", width));
    golden("locks-none", |width| locks::render(&[], Some("acme"), "s3", width));
}

#[test]
fn a_plan_that_changes_prices_says_what_they_would_have_been() {
    let money = dearer();
    golden("plan-money", |width| plan::render(&plan_of(changes()), &Surroundings { money: &money, ..around(width) }));
    let around = Surroundings { money: &money, ..around(80) };
    document("plan-money.md", &plan_markdown::render(&plan_of(changes()), &around));
}
