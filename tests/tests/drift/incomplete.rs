//! Where something may not be read, the rest is told all the same.

use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{drift, found, id, report};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn one_refused_read_makes_it_incomplete_and_hides_nothing_else() {
    let manifest = Draft::new("partly").tenant(TenantDraft::new("press", "MMP-Toledo")).yaml();
    let mut stage = Stage::without_handlers(&manifest).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let function = id(&stage, "lambda_function.costs");
    let call = stage.root().await.lambda().update_function_configuration().function_name(function).memory_size(512);
    call.send().await.expect("is changed");

    let policy = stage.run(&["permissions", "--for", "drift"]).await.ok().json();
    stage.be_user_under(&without(&policy, "logs:DescribeLogGroups").to_string()).await;
    let partly = report(&stage, 4).await;
    assert_eq!(found(&partly)["lambda_function.costs"], ["changed memory_mb"]);
    let unreadable = partly["unreadable"].as_array().expect("unreadable");
    assert!(!unreadable.is_empty());
    for one in unreadable {
        let address = one["address"].as_str().expect("an address");
        assert!(address.starts_with("log_group."), "{one}");
        assert!(one["error"].as_str().is_some_and(|error| error.contains("logs:DescribeLogGroups")), "{one}");
    }
    let human = drift(&stage, &[], 4).await.stdout;
    assert!(human.contains("incomplete") && human.contains("lambda_function.costs"), "{human}");
    let sarif = drift(&stage, &["--format", "sarif"], 4).await.json();
    assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], json!(false));

    stage.be_user_under(&policy.to_string()).await;
    assert_eq!(found(&report(&stage, 3).await)["lambda_function.costs"], ["changed memory_mb"]);
}

/// The policy without one action.
fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    let statements = policy["Statement"].as_array_mut().expect("statements");
    for statement in statements.iter_mut() {
        statement["Action"].as_array_mut().expect("actions").retain(|one| one != action);
    }
    statements.retain(|statement| statement["Action"] != json!([]));
    policy
}
