//! What exists is taken over by the manifest's `imports`: several kinds at once, nothing made twice, and each refusal
//! with its place. `init --from-stripe` proposes them.

use std::fs;

use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{changes, exactly};

fn manifest(tenants: &[&str], imports: &[(&str, &str)]) -> String {
    let more = "costs: { report: { bucket: taken-reports } }\n\
                budgets: { default: \"500.00 USD\", emails: [a@b.example], alerts: [{ at: \"80%\" }] }";
    let draft = tenants
        .iter()
        .fold(Draft::new("taken"), |draft, id| draft.tenant(TenantDraft::new(id, &format!("Tag-{id}"))))
        .with(more);
    let imports: String = imports.iter().map(|(to, id)| format!("  - {{ to: {to}, id: {id} }}\n")).collect();
    if imports.is_empty() { draft.yaml() } else { draft.with(&format!("imports:\n{imports}")).yaml() }
}

/// A customer that somebody made at the dashboard; its id.
async fn customer(stage: &Stage, form: &str) -> String {
    let made = stage.at_stripe("POST", "/v1/customers", form).await;
    made["id"].as_str().expect("an id").to_owned()
}

/// A bucket, a role and a log group that others made.
async fn make_by_hand(stage: &Stage) {
    let root = stage.root().await;
    root.s3().create_bucket().bucket("taken-reports").send().await.expect("a bucket");
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"},
    }]});
    let role = root.iam().create_role().role_name("taken-costs").assume_role_policy_document(trust.to_string());
    role.send().await.expect("a role");
    let group = root.logs().create_log_group().log_group_name("/aws/lambda/taken-costs");
    group.send().await.expect("a log group");
}

fn change<'a>(plan: &'a Value, address: &str) -> &'a Value {
    let changes = plan["changes"].as_array().expect("changes");
    changes.iter().find(|change| change["address"] == address).unwrap_or_else(|| panic!("no {address} in {plan}"))
}

fn record_id(stage: &Stage, address: &str) -> Value {
    let text = fs::read_to_string(stage.state_path()).expect("a state");
    serde_json::from_str::<Value>(&text).expect("JSON")["records"][address]["id"].clone()
}

fn customers(stage: &Stage) -> usize {
    stage.place.cloud.stripe().objects(localstripe::Kind::Customer).len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn several_kinds_are_imported_by_one_saved_plan_and_nothing_is_made_twice() {
    let mut stage = Stage::without_handlers(&manifest(&["press", "mill"], &[])).await;
    make_by_hand(&stage).await;
    let press = customer(&stage, "name=Press&email=old%40press.example&metadata[crm]=42").await;
    let mill = customer(&stage, "name=Tenant+mill").await;
    let imports = [
        ("s3_bucket.reports", "taken-reports"),
        ("iam_role.costs", "taken-costs"),
        ("log_group.costs", "/aws/lambda/taken-costs"),
        ("stripe_customer.press", press.as_str()),
        ("stripe_customer.mill", mill.as_str()),
    ];
    stage.write(&manifest(&["press", "mill", "new"], &imports));
    stage.be_permitted("apply").await;

    for refresh in ["lists", "full", "none"] {
        let plan = stage.run(&["plan", "--format", "json", "--refresh", refresh]).await.ok().json();
        for (to, id) in imports {
            assert_eq!(
                (&change(&plan, to)["action"], &change(&plan, to)["id"]),
                (&json!("import"), &json!(id)),
                "{refresh}"
            );
        }
        assert_eq!(
            (&plan["summary"]["import"], &plan["summary"]["delete"], &plan["imported"]),
            (&json!(5), &json!(0), &json!([]))
        );
        assert_eq!(change(&plan, "stripe_customer.new")["action"], "create");
        assert_eq!(
            change(&plan, "tenant_record.press")["action"],
            "create",
            "{refresh}: it waits for the import alone"
        );
    }
    let drift = stage.run_as_root(&["drift", "--format", "json"]).await.ok().json();
    let unapplied = drift["unapplied"].as_array().expect("a list").iter();
    assert_eq!(unapplied.filter(|one| one["action"] == "import").count(), 5, "{drift}");

    let human = stage.run(&["plan", "--out", "the.plan"]).await.ok().stdout;
    assert!(human.contains(&format!("=> stripe_customer.press  (imports {press})")), "{human}");
    assert!(human.contains("old@press.example") && human.contains("5 to import"), "{human}");
    stage.at_stripe("POST", &format!("/v1/customers/{press}"), "phone=1&name=Press+Ltd").await;
    let stale = stage.run(&["apply", "the.plan"]).await.exits(1);
    assert!(
        stale.stderr.contains("the plan is stale") && stale.stderr.contains("stripe_customer.press"),
        "{}",
        stale.stderr
    );
    assert!(is_unknown(&stage, "stripe_customer.press"), "a refused plan changes nothing");

    stage.run(&["plan", "--out", "the.plan"]).await.ok();
    let done = stage.run(&["--format", "json", "apply", "the.plan"]).await.ok().json();
    assert_eq!((&done["summary"]["import"], &done["failed"]), (&json!(5), &json!([])), "{done}");
    assert_eq!(done["imported"].as_array().map(Vec::len), Some(5), "{done}");
    for (to, id) in imports {
        assert_eq!(record_id(&stage, to), json!(id));
    }
    assert_eq!(customers(&stage), 3, "one is new");
    let taken = stage.at_stripe("GET", &format!("/v1/customers/{press}"), "").await;
    assert_eq!((&taken["name"], &taken["email"]), (&json!("Tenant press"), &json!("press@example.com")));
    assert_eq!((&taken["metadata"]["crm"], &taken["metadata"]["billform:stack"]), (&json!("42"), &json!("taken")));

    let again = stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok().stdout;
    let named = "Imports already done, can be removed: iam_role.costs, log_group.costs,";
    assert!(again.contains(named), "{again}");
    let again = stage.run(&["apply", "--auto-approve"]).await.ok().stdout;
    assert!(again.contains(named) && again.contains("nothing changed"), "{again}");
    stage.run_as_root(&["drift"]).await.ok();
    stage.write(&manifest(&["press", "mill", "new"], &[]));
    let without = stage.run(&["plan", "--detailed-exitcode"]).await.ok().stdout;
    assert!(!without.contains("Imports"), "{without}");

    stage.write(&manifest(&["press", "mill", "new"], &imports));
    stage.be_permitted("destroy").await;
    let gone = stage.run(&["destroy", "--auto-approve", "--format", "json"]).await.ok().json();
    assert_eq!((&gone["failed"], &gone["summary"]["import"]), (&json!([]), &json!(0)), "{gone}");
    let plan = stage.run(&["plan", "--destroy", "--detailed-exitcode"]).await.ok().stdout;
    assert!(!plan.contains("Imports"), "{plan}");
}

/// Whether no state has the address.
fn is_unknown(stage: &Stage, address: &str) -> bool {
    fs::read_to_string(stage.state_path()).map_or(true, |text| !text.contains(address))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_cannot_be_imported_is_refused_with_its_place_and_nothing_is_made() {
    let stage = Stage::without_handlers(&manifest(&["press", "mill"], &[])).await;
    let press = customer(&stage, "name=Press").await;
    let mill = customer(&stage, "name=Mill").await;
    let theirs = "name=Theirs&metadata[billform:stack]=shop&metadata[billform:address]=stripe_customer.x";
    let theirs = customer(&stage, theirs).await;
    let refused = async |imports: &[(&str, &str)], command: &[&str]| {
        stage.write(&manifest(&["press", "mill"], imports));
        let ran = stage.run(command).await.exits(1);
        let line = format!("billform.yaml:{}:", line_of_imports(&stage) + 1);
        assert!(ran.stderr.contains(&line), "{line} {}", ran.stderr);
        ran.stderr
    };

    let missing = [("stripe_customer.press", "cus_nobody")];
    for command in [&["plan"][..], &["apply", "--auto-approve"], &["plan", "--refresh", "none"]] {
        let said = refused(&missing, command).await;
        assert!(said.contains("there is no cus_nobody to import at stripe_customer.press"), "{said}");
    }
    let said = refused(&[("iam_role.costs", "another")], &["plan"]).await;
    assert!(said.contains("there is no another to import at iam_role.costs"), "{said}");
    let said = refused(&[("stripe_customer.press", &theirs)], &["plan"]).await;
    assert!(said.contains(&format!("{theirs} belongs to the stack shop")) && said.contains("--adopt"), "{said}");
    let plan = stage.run(&["plan", "--adopt", "--format", "json"]).await.ok().json();
    assert_eq!(change(&plan, "stripe_customer.press")["action"], "import");
    let twice = [("stripe_customer.press", press.as_str()), ("stripe_customer.mill", press.as_str())];
    stage.write(&manifest(&["press", "mill"], &twice));
    let said = stage.run(&["validate"]).await.exits(1).stdout;
    assert!(said.contains(&format!("the id `{press}` is taken")), "{said}");
    assert_eq!(customers(&stage), 3, "nothing was made");

    stage.write(&manifest(&["press", "mill"], &[("stripe_customer.press", &press)]));
    stage.run(&["apply", "--auto-approve"]).await.ok();
    assert_eq!(customers(&stage), 4, "only mill's is new");
    let said = refused(&[("stripe_customer.press", &mill)], &["plan"]).await;
    assert!(said.contains(&format!("stripe_customer.press stands for {press} already")), "{said}");
    stage.run(&["state", "rm", "stripe_customer.mill"]).await.ok();
    let said = refused(&[("stripe_customer.mill", &press)], &["plan"]).await;
    assert!(said.contains(&format!("{press} stands at stripe_customer.press already")), "{said}");
    let said = stage.run(&["import", "stripe_customer.mill", &press, "--auto-approve"]).await.exits(1).stderr;
    assert!(said.contains(&format!("{press} stands at stripe_customer.press already")), "{said}");
    // What was forgotten is ours, and another than the one to import.
    let said = refused(&[("stripe_customer.mill", &mill)], &["plan"]).await;
    assert!(said.contains("stripe_customer.mill stands for cus_") && said.contains("take the import out"), "{said}");
    assert_eq!(customers(&stage), 4);
}

/// The line of the manifest that says `imports:`, from 1.
fn line_of_imports(stage: &Stage) -> usize {
    let text = fs::read_to_string(stage.folder().join("billform.yaml")).expect("a manifest");
    text.lines().position(|line| line == "imports:").expect("imports") + 1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn one_tenants_import_is_planned_and_applied_alone() {
    let mut stage = Stage::without_handlers(&manifest(&["old"], &[])).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let press = customer(&stage, "name=Press").await;
    let mill = customer(&stage, "name=Mill").await;
    let both = [("stripe_customer.press", press.as_str()), ("stripe_customer.mill", "cus_nobody")];
    stage.write(&manifest(&["old", "press", "mill"], &both));
    stage.be_permitted("apply").await;

    let target = stage.run(&["plan", "--target", "stripe_customer.press", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&target), exactly(&[("stripe_customer.press", "import")]), "another's is not looked at");
    let others = stage.run(&["plan", "--tenant", "press", "--out", "a.plan"]).await.exits(1).stderr;
    assert!(
        others.contains("more than tenant press would change") && others.contains("stripe_customer.mill (import)"),
        "{others}"
    );

    stage.write(&manifest(&["old", "press"], &both[..1]));
    let plan = stage.run(&["plan", "--tenant", "press", "--format", "json"]).await.ok().json();
    let expected = [("budget.press", "create"), ("stripe_customer.press", "import"), ("tenant_record.press", "create")];
    assert_eq!(changes(&plan), exactly(&expected));
    stage.run(&["apply", "--tenant", "press", "--auto-approve"]).await.ok();
    let done = stage.run(&["plan", "--tenant", "press"]).await.ok().stdout;
    assert!(done.contains("can be removed: stripe_customer.press."), "{done}");
    let done = stage.run(&["plan", "--tenant", "old"]).await.ok().stdout;
    assert!(!done.contains("can be removed"), "it was not looked at: {done}");

    stage.write(&manifest(&["old", "press", "mill"], &[both[0], ("stripe_customer.mill", &mill)]));
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    assert_eq!(customers(&stage), 3);
    assert_eq!(record_id(&stage, "stripe_customer.mill"), json!(mill));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_init_proposes_from_stripe_creates_no_customer_and_deletes_nothing() {
    let stage = Stage::without_handlers(&manifest(&["press"], &[])).await;
    let mut made = Vec::new();
    for form in [
        "name=Acme&email=a%40acme.example",
        "name=Acme&email=b%40acme.example&preferred_locales[0]=de",
        "name=M%C3%BCller+%26+S%C3%B6hne&metadata[client_organization]=Mueller",
        "name=%E6%A0%AA%E5%BC%8F%E4%BC%9A%E7%A4%BE",
        "name=%22%3A+%7B+no%0Aimports%3A+%5B%5D+%23&email=c%40acme.example",
        "email=only%40mail.example",
        "description=nothing",
    ] {
        made.push(customer(&stage, form).await);
    }
    let deleted = customer(&stage, "name=Deleted").await;
    stage.at_stripe("DELETE", &format!("/v1/customers/{deleted}"), "").await;
    customer(&stage, "name=Theirs&metadata[billform:stack]=shop&metadata[billform:address]=stripe_customer.x").await;
    customer(&stage, "name=Left&metadata[billform:stack]=my-billing&metadata[billform:left]=true").await;

    let said = stage.run(&["init", "new", "--from-stripe", "--format", "json"]).await.ok().json();
    let expected =
        json!({"tenants": 7, "left_out": {"other_stacks": 1, "destroyed": 1}, "without_email": 3, "currencies": []});
    assert_eq!(said["from_stripe"], expected);
    let text = fs::read_to_string(stage.folder().join("new/billform.yaml")).expect("a manifest");
    let again = stage.run(&["init", "new", "--from-stripe"]).await.exits(1).stderr;
    assert!(again.contains("init overwrites nothing"), "{again}");
    assert_eq!(fs::read_to_string(stage.folder().join("new/billform.yaml")).expect("still there"), text);
    stage.run(&["validate", "-f", "new"]).await.ok();

    let plan = stage.run_as_root(&["plan", "-f", "new", "--format", "json"]).await.ok().json();
    let of_customers: Vec<_> =
        changes(&plan).into_iter().filter(|(address, _)| address.starts_with("stripe_customer.")).collect();
    assert!(of_customers.iter().all(|(_, action)| action == "import"), "{of_customers:?}");
    assert_eq!((of_customers.len(), &plan["summary"]["import"]), (7, &json!(7)));
    assert_eq!([&plan["summary"]["delete"], &plan["summary"]["replace"]], [&json!(0), &json!(0)]);

    let before = customers(&stage);
    stage.run_as_root(&["apply", "-f", "new", "--auto-approve"]).await.ok();
    assert_eq!(customers(&stage), before);
    stage.run_as_root(&["plan", "-f", "new", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    for id in made {
        let taken = stage.at_stripe("GET", &format!("/v1/customers/{id}"), "").await;
        assert_eq!(taken["metadata"]["billform:stack"], "my-billing", "{taken}");
    }
}
