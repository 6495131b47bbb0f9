//! `drift` takes no lock: it runs while an apply does, and what that apply has begun is not held against anyone. Nor is it
//! confused by what goes while it looks.

use aws_sdk_budgets::types::{ComparisonOperator, Notification, NotificationType, ThresholdType};
use localcloud::gateway::fault::{Effect, Fault, FaultState};
use serde_json::json;
use tests::live::clients::Clients as _;
use tests::stage::{Draft, Stage, TenantDraft};

use crate::{exactly, found};

fn manifest(memory_mb: u32) -> String {
    let draft = Draft::new("meanwhile").tenant(TenantDraft::new("press", "MMP-Toledo"));
    draft.with(&format!("functions: {{ handlers: {{ costs: {{ memory_mb: {memory_mb} }} }} }}")).yaml()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn it_looks_while_an_apply_holds_the_lock() {
    let mut stage = Stage::without_handlers(&manifest(256)).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.write(&manifest(512));
    let traffic = stage.place.cloud.traffic().clone();
    let held = Fault::on_operation("lambda", "UpdateFunctionConfiguration", Effect::HoldAnswer);
    let fault = traffic.arm(vec![held]).expect("armed")[0];
    let mut apply = stage.start(&["apply", "--auto-approve"]);
    assert_eq!(stage.until_held(fault, &mut apply).await, None, "apply ended before it changed the function");

    stage.be_permitted("drift").await;
    let report = stage.run(&["drift", "--format", "json"]).await.exits(0).json();
    assert_eq!(found(&report), exactly(&[]), "the function is changed, by us");
    let pending = report["pending"].as_array().expect("pending");
    assert_eq!(pending[0]["address"], "lambda_function.costs", "{pending:?}");
    assert_eq!(report["unapplied"][0]["address"], "lambda_function.costs");

    traffic.release();
    stage.finish(apply).await.ok();
    let after = stage.run(&["drift", "--format", "json"]).await.exits(0).json();
    assert_eq!((&after["pending"], &after["unapplied"]), (&json!([]), &json!([])));
}

/// A list said that it is there, and then it is not: AWS's lists lag, and others work in the account.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn an_alert_that_goes_while_it_is_read_is_looked_at_again() {
    let budgets = "budgets: { default: \"500.00 USD\", emails: [a@b.example], alerts: [{ at: \"80%\" }] }";
    let draft = Draft::new("alerts").tenant(TenantDraft::new("press", "MMP-Toledo")).with(budgets);
    let mut stage = Stage::without_handlers(&draft.yaml()).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();

    stage.be_permitted("drift").await;
    let traffic = stage.place.cloud.traffic().clone();
    let fault = Fault::on_operation("budgets", "DescribeSubscribersForNotification", Effect::HoldCall);
    let held = traffic.arm(vec![fault]).expect("is armed")[0];
    let drift = stage.start(&["drift", "--format", "json"]);
    traffic.until(held, FaultState::Holding).await;
    let notification = Notification::builder()
        .notification_type(NotificationType::Actual)
        .comparison_operator(ComparisonOperator::GreaterThan)
        .threshold(80.0)
        .threshold_type(ThresholdType::Percentage);
    let delete = stage.root().await.budgets().delete_notification().account_id("123456789012");
    let delete = delete.budget_name("alerts-press-monthly").notification(notification.build().expect("builds"));
    delete.send().await.expect("is deleted");
    traffic.release();
    let report = stage.finish(drift).await.exits(3).json();
    assert_eq!(found(&report), exactly(&[("budget.press", "changed alerts.80")]));
    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve", "--refresh", "full"]).await.ok();
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
}
