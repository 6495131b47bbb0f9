//! Who changed what drifted: another user in the console, as CloudTrail's event history has it.

use aws_sdk_iam::config::Credentials;
use provisioner::cloud::{Home, config};
use serde_json::{Value, json};
use tests::live::clients::Clients as _;
use tests::stage::{PORTAL, Stage};

use crate::{drift, report};

const ANYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// The user that the program runs as describes a role by hand. Returns what ends the user's ARN.
async fn describe_by_hand(stage: &Stage, role: &str) -> String {
    let cloud = stage.root().await;
    let user = stage.user();
    let keys = Credentials::new(&*user.id, &*user.secret, None, None, "tests");
    let config = config!(cloud, aws_sdk_iam, Home::Stack).credentials_provider(keys).build();
    let iam = aws_sdk_iam::Client::from_conf(config);
    iam.update_role().role_name(role).description("theirs").send().await.expect("is described");
    let used = cloud.iam().get_access_key_last_used().access_key_id(&*user.id).send().await;
    format!(":user/{}", used.expect("a key").user_name.expect("a user"))
}

fn author<'a>(report: &'a Value, address: &str) -> &'a Value {
    let changes = report["changes"].as_array().expect("changes");
    let found = changes.iter().find(|change| change["address"] == address);
    &found.unwrap_or_else(|| panic!("{address} is not in {report}"))["changed_by"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn who_changed_a_role_and_a_budget_is_named() {
    let mut stage = Stage::without_handlers(PORTAL).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_user_under(ANYTHING).await;
    let ana = describe_by_hand(&stage, &crate::id(&stage, "iam_role.costs")).await;
    // CloudTrail names no resource beside the events of budgets: their parameters do.
    raise_a_budget(&stage).await;
    stage
        .at_stripe("POST", &format!("/v1/customers/{}", crate::id(&stage, "stripe_customer.mmp-toledo")), "name=X")
        .await;

    stage.be_permitted("drift").await;
    let found = report(&stage, 3).await;
    let role = author(&found, "iam_role.costs");
    assert!(role["who"].as_str().is_some_and(|who| who.ends_with(&ana)), "{role} is not {ana}'s");
    assert_eq!(role["event"], "UpdateRole");
    assert!(role["at"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{role}");
    let budget = author(&found, "budget.mmp-toledo");
    assert!(budget["who"].as_str().is_some_and(|who| who.ends_with(":root")), "{budget}");
    let customer = author(&found, "stripe_customer.mmp-toledo");
    assert_eq!(customer, &json!({ "who": "unknown", "reason": "CloudTrail has no changes at Stripe" }));
    let human = drift(&stage, &[], 3).await.stdout;
    assert!(human.contains("UpdateRole at "), "{human}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn without_the_permission_it_is_unknown_and_says_why() {
    let mut stage = Stage::without_handlers(PORTAL).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let policy = stage.run(&["permissions", "--for", "drift"]).await.ok().stdout;
    assert!(policy.contains("\"cloudtrail:LookupEvents\""), "{policy}");
    stage.be_user_under(ANYTHING).await;
    describe_by_hand(&stage, &crate::id(&stage, "iam_role.costs")).await;

    stage.be_user_under(&policy.replace("cloudtrail:LookupEvents", "cloudtrail:ListTrails")).await;
    let found = report(&stage, 3).await;
    let role = author(&found, "iam_role.costs");
    assert_eq!(role["who"], "unknown");
    assert!(role["reason"].as_str().is_some_and(|reason| reason.contains("cloudtrail:LookupEvents")), "{role}");
}

/// Root raises the budget.
async fn raise_a_budget(stage: &Stage) {
    let cloud = stage.root().await;
    let name = crate::id(stage, "budget.mmp-toledo");
    let call = cloud.budgets().describe_budget().account_id(&cloud.account).budget_name(&name).send();
    let mut budget = call.await.expect("the budget").budget.expect("the budget");
    budget.budget_limit.as_mut().expect("a limit").amount = "901".to_owned();
    let call = cloud.budgets().update_budget().account_id(&cloud.account).new_budget(budget).send();
    call.await.expect("the budget is changed");
}
