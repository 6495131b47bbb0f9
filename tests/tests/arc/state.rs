//! The state put right: made anew from the cloud, renamed, forgotten, completed by what others made; one tenant alone.

use std::fs;

use aws_sdk_apigatewayv2::types::ProtocolType;
use billing::names::{ADDRESS_TAG, OWNER_TAG};
use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, PORTAL, Stage, TenantDraft};

use crate::{changes, exactly};

fn with(name: &str, tenants: &[&str], more: &str) -> String {
    let draft =
        tenants.iter().fold(Draft::new(name), |draft, id| draft.tenant(TenantDraft::new(id, &format!("Tag-{id}"))));
    let draft = draft.with("budgets: { default: \"500.00 USD\", emails: [a@b.example], alerts: [{ at: \"80%\" }] }");
    if more.is_empty() { draft.yaml() } else { draft.with(more).yaml() }
}

/// The records of the state file, by address.
fn records(stage: &Stage) -> Value {
    let text = fs::read_to_string(stage.state_path()).expect("a state");
    serde_json::from_str::<Value>(&text).expect("JSON")["records"].clone()
}

fn lose_the_state(stage: &Stage) {
    for file in fs::read_dir(stage.folder().join(".billform")).expect("a folder") {
        let path = file.expect("a file").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("state.json")) {
            fs::remove_file(path).expect("is lost");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_rebuilt_state_equals_the_lost_one_and_plans_nothing() {
    let stage = Stage::without_handlers(PORTAL).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let lost = records(&stage);
    let there = stage.inventory().await;
    lose_the_state(&stage);

    let rebuilt = stage.run(&["state", "rebuild", "--format", "json"]).await.ok().json();
    assert_eq!(rebuilt["doubles"], json!([]));
    assert_eq!(rebuilt["resources"], json!(lost.as_object().expect("records").len()));
    let (lost, kept) = (lost.as_object().expect("records").clone(), records(&stage));
    for (address, record) in &lost {
        assert_eq!(kept.get(address), Some(record), "{address}");
    }
    let plan = stage.run(&["plan", "--detailed-exitcode", "--refresh", "full", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&plan), exactly(&[]));
    let again = stage.run(&["state", "rebuild", "--format", "json"]).await.ok().json();
    assert_eq!((&again["found"], &again["gone"], &again["differing"]), (&json!([]), &json!([]), &json!([])));
    assert_eq!(stage.inventory().await, there, "a rebuild only reads");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn without_state_and_without_its_tenant_in_the_manifest_what_is_ours_is_found_and_goes() {
    let stage = Stage::without_handlers(&with("orphans", &["press", "old"], "")).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    lose_the_state(&stage);
    stage.write(&with("orphans", &["press"], ""));
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    let found = changes(&plan);
    assert_eq!(found.get("budget.old").map(String::as_str), Some("delete"), "{found:?}");
    assert_eq!(found.get("tenant_record.old").map(String::as_str), Some("delete"), "{found:?}");
    let theirs = plan["changes"].as_array().expect("changes").iter().find(|change| change["address"] == "budget.old");
    assert_eq!(theirs.expect("there")["tenant"], "old", "it still says whose it is");
    stage.run(&["apply", "--auto-approve"]).await.ok();
    assert!(!stage.inventory().await["budgets"].iter().any(|name| name.contains("-old-")));
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
}

/// A create that was given up on can take effect after the destroy: the next destroy finds it by its tags.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_second_destroy_finds_what_was_made_after_the_first() {
    let stage = Stage::without_handlers(&with("latecomers", &["press"], "")).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    let left = stage.inventory().await;
    let nothing = stage.run(&["destroy", "--auto-approve"]).await.ok();
    assert_eq!(stage.inventory().await, left, "{}", nothing.stdout);

    let apis = stage.root().await.api_gateway();
    let call = apis.create_api().name("late").protocol_type(ProtocolType::Http);
    let call = call.tags(OWNER_TAG, "latecomers").tags(ADDRESS_TAG, "http_api.api");
    call.send().await.expect("takes effect late");
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    let there = apis.get_apis().send().await.expect("a list").items.unwrap_or_default();
    assert!(!there.iter().any(|api| api.name() == Some("late")), "{there:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_damaged_state_is_replaced_by_a_rebuild() {
    let mut stage = Stage::without_handlers(&with("damaged", &["press"], "")).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let lost = records(&stage);
    fs::write(stage.state_path(), "{\"version\": 1, \"sta").expect("is truncated");
    let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1);
    assert!(refused.stderr.contains("is damaged") && refused.stderr.contains("state rebuild"), "{}", refused.stderr);
    // What the manifest does not use may hold something of ours, too.
    let denied = stage.run(&["state", "rebuild"]).await.exits(4);
    assert!(denied.stderr.contains("permissions --for rebuild"), "{}", denied.stderr);
    stage.be_permitted("rebuild").await;
    let rebuilt = stage.run(&["state", "rebuild"]).await.ok();
    assert!(rebuilt.stderr.contains("is replaced"), "{}", rebuilt.stderr);
    assert_eq!(records(&stage), lost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_renamed_tenant_resource_is_moved_and_its_tags_are_told() {
    let product = |key: &str| format!("products: {{ {key}: {{ name: Portal }} }}");
    let mut stage = Stage::without_handlers(&with("renames", &["press"], &product("portal"))).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let there = stage.inventory().await;

    // By hand, and back.
    stage.run(&["state", "mv", "secret.link", "secret.signing"]).await.ok();
    let unknown = stage.run(&["state", "mv", "secret.link", "secret.other"]).await.exits(1);
    assert!(unknown.stderr.contains("the state knows no secret.link"), "{}", unknown.stderr);
    stage.run(&["state", "mv", "secret.signing", "secret.link"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();

    // By the manifest, mistyped at first.
    let mistyped = "moved: [{ from: stripe_product.protal, to: stripe_product.site }]";
    stage.write(&with("renames", &["press"], &format!("{}\n{mistyped}", product("site"))));
    let told = stage.run(&["plan", "--refresh", "none"]).await.ok().stderr;
    assert!(told.contains("`moved` renames nothing: neither stripe_product.protal nor"), "{told}");
    let moved = "moved: [{ from: stripe_product.portal, to: stripe_product.site }]";
    stage.write(&with("renames", &["press"], &format!("{}\n{moved}", product("site"))));
    for refresh in ["none", "lists"] {
        let plan = stage.run(&["plan", "--format", "json", "--refresh", refresh]).await.ok();
        assert_eq!(changes(&plan.json()), exactly(&[("stripe_product.site", "update")]), "{refresh}: {}", plan.stdout);
        assert!(!plan.stderr.contains("renames nothing"), "{}", plan.stderr);
    }
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    assert_eq!(stage.inventory().await, there, "nothing was made or deleted");
    lose_the_state(&stage);
    stage.be_permitted("rebuild").await;
    stage.run(&["state", "rebuild"]).await.ok();
    assert!(records(&stage).get("stripe_product.site").is_some(), "the cloud was told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_is_forgotten_stays_and_is_found_again() {
    let stage = Stage::without_handlers(&with("forgets", &["press"], "")).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.run(&["state", "rm", "budget.press"]).await.ok();
    let gone = stage.run(&["state", "rm", "budget.press"]).await.exits(1);
    assert!(gone.stderr.contains("the state knows no budget.press"), "{}", gone.stderr);
    let plan = stage.run(&["plan", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&plan), exactly(&[("budget.press", "adopt")]));

    // All of it forgotten: what is deployed keeps its code, and needs no bundle to be known again.
    lose_the_state(&stage);
    let drift = stage.run(&["drift"]).await;
    assert!(drift.stderr.contains("There is no state"), "{}", drift.stderr);
    let none = stage.run(&["output", "api_url"]).await.exits(1);
    assert!(none.stderr.contains("if the state is lost"), "{}", none.stderr);
    let found = stage.run(&["--format", "human", "apply", "--auto-approve"]).await.ok();
    assert!(!found.stderr.contains("packaging"), "{}", found.stderr);
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
}

/// One forgotten, another's record moved into its place, or the records exchanged: both exist as the manifest wants
/// them, and both stay, also where the state is to be believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn records_moved_to_anothers_address_take_nothing_away() {
    let stage = Stage::without_handlers(&with("misplaced", &["first", "second"], "")).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let there = stage.inventory().await;
    let forgotten: [&[&str]; 2] =
        [&["rm", "KIND.second"], &["mv", "KIND.first", "KIND.second", "--lock-timeout", "5s"]];
    let exchanged: [&[&str]; 3] = [
        &["mv", "KIND.first", "KIND.spare"],
        &["mv", "KIND.second", "KIND.first"],
        &["mv", "KIND.spare", "KIND.second"],
    ];
    for (kind, refresh, moves) in [
        ("budget", "lists", &forgotten[..]),
        ("budget", "none", &forgotten),
        ("budget", "lists", &exchanged),
        ("tenant_record", "none", &exchanged),
        ("stripe_customer", "lists", &forgotten),
        ("stripe_customer", "none", &forgotten),
    ] {
        for step in moves {
            let named = step.iter().map(|word| word.replace("KIND", kind));
            let words: Vec<String> = std::iter::once("state".to_owned()).chain(named).collect();
            stage.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await.ok();
        }
        let plan = stage.run(&["plan", "--format", "json", "--refresh", refresh]).await.ok().json();
        let changes = changes(&plan);
        let safe = changes.values().all(|action| ["adopt", "update"].contains(&action.as_str()));
        assert!(safe && !changes.is_empty(), "{kind} {refresh}: {changes:?}");
        stage.run(&["apply", "--auto-approve", "--refresh", refresh]).await.ok();
        stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
        assert_eq!(stage.inventory().await, there, "{kind} {refresh}: nothing was made or deleted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn what_others_made_is_imported_by_its_id() {
    let stage = Stage::without_handlers(&with("imports", &["press"], "")).await;
    let made = stage.root().await.api_gateway().create_api().name("by-hand");
    let made = made.protocol_type(aws_sdk_apigatewayv2::types::ProtocolType::Http).send().await.expect("is made");
    let id = made.api_id.expect("an id");
    let unknown = stage.run(&["import", "http_api.main", "no-such-api", "--auto-approve"]).await.exits(1);
    assert!(unknown.stderr.contains("there is no no-such-api"), "{}", unknown.stderr);
    let nowhere = stage.run(&["import", "http_api.second", &id, "--auto-approve"]).await.exits(1);
    assert!(nowhere.stderr.contains("the manifest has no http_api.second"), "{}", nowhere.stderr);

    let waits = stage.run(&["import", "http_api.main", &id, "--auto-approve"]).await.exits(4);
    assert!(waits.stdout.contains("http_api.main waits for log_group.api"), "{}", waits.stdout);
    stage.run(&["apply", "--target", "log_group.api", "--auto-approve"]).await.ok();
    stage.run(&["import", "http_api.main", &id, "--auto-approve"]).await.ok();
    let twice = stage.run(&["import", "http_api.main", &id, "--auto-approve"]).await.exits(1);
    assert!(twice.stderr.contains("is known already"), "{}", twice.stderr);
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    assert_eq!(stage.inventory().await["http apis"].len(), 1, "{:?}", stage.inventory().await["http apis"]);
    assert_eq!(records(&stage)["http_api.main"]["id"], json!(id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn one_tenant_is_planned_and_applied_alone_or_not_at_all() {
    let mut stage = Stage::without_handlers(&with("alone", &["press"], "")).await;
    // A first plan shows one tenant too; what can be carried out is refused.
    let early = stage.run(&["plan", "--tenant", "press"]).await.ok();
    assert!(early.stdout.contains("tenant_record.press") && !early.stdout.contains("Shared"), "{}", early.stdout);
    assert!(early.stderr.contains("Tenant press alone: ") && early.stderr.contains("not shown"), "{}", early.stderr);
    for carried_out in [&["plan", "--tenant", "press", "--out", "a.plan"][..], &["apply", "--tenant", "press"]] {
        let early = stage.run(carried_out).await.exits(1);
        assert!(early.stderr.contains("more than tenant press would change"), "{}", early.stderr);
    }
    stage.run(&["apply", "--auto-approve"]).await.ok();

    stage.write(&with("alone", &["press", "new"], ""));
    stage.be_permitted("apply").await;
    let one = stage.run(&["plan", "--target", "budget.new", "--format", "json"]).await.ok().json();
    assert_eq!(changes(&one), exactly(&[("budget.new", "create")]));
    let unknown = stage.run(&["plan", "--tenant", "nobody"]).await.exits(1);
    assert!(unknown.stderr.contains("has a tenant `nobody`"), "{}", unknown.stderr);
    let plan = stage.run(&["plan", "--tenant", "new", "--format", "json"]).await.ok().json();
    assert!(changes(&plan).keys().all(|address| address.ends_with(".new")), "{:?}", changes(&plan));
    assert_eq!(changes(&plan).len(), 3, "{:?}", changes(&plan));
    assert!(plan["api_calls"].get("lambda").is_none(), "nothing else is read: {}", plan["api_calls"]);

    stage.run(&["plan", "--tenant", "new", "--out", "new.plan"]).await.ok();
    stage.write(&with("alone", &["press", "new", "third"], ""));
    let other = stage.run(&["apply", "--tenant", "new", "--auto-approve"]).await.exits(1);
    assert!(other.stderr.contains("tenant_record.third (create)"), "{}", other.stderr);
    stage.write(&with("alone", &["press", "new"], ""));
    stage.run(&["apply", "new.plan"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_saved_plan_holds_no_values_and_no_change_of_it_passes() {
    let stage = Stage::without_handlers(&with("digests", &["press"], "")).await;
    stage.run(&["plan", "--out", "the.plan"]).await.ok();
    let path = stage.folder().join("the.plan");
    let text = fs::read_to_string(&path).expect("a plan");
    assert!(!text.contains("a@b.example") && !text.contains("digests-ledger"), "digests, no values: {text}");

    for (from, to, said) in [
        ("\"create\"", "\"delete\"", "was altered"),
        ("123456789012", "210987654321", "was altered"),
        ("billform-saved-plan/2", "billform-saved-plan/9", "this billform reads"),
    ] {
        fs::write(&path, text.replacen(from, to, 1)).expect("is altered");
        let refused = stage.run(&["apply", "the.plan"]).await.exits(1);
        assert!(refused.stderr.contains(said), "{from}: {}", refused.stderr);
    }
    fs::write(&path, &text).expect("as it was");
    // The global option first, so that the stage names no bundle: the plan knows which one it was made with.
    stage.run(&["--format", "human", "apply", "the.plan"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
}
