//! What is refused before anything is touched, and what a user may not do.

use std::time::Duration;

use localcloud::gateway::fault::{Effect, Fault};
use tests::stage::{Draft, Inventory, PORTAL, Stage, TenantDraft};

fn small(project: &str) -> String {
    Draft::new(project).tenant(TenantDraft::new("press", "MMP-Toledo")).yaml()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn nothing_is_read_for_another_account_or_without_a_key() {
    let mut stage = Stage::without_handlers(PORTAL).await;
    let traffic = stage.place.cloud.traffic().clone();
    stage.write(&PORTAL.replace("account: \"123456789012\"", "account: \"999999999999\""));
    traffic.reset();
    let commands = [
        &["plan"][..],
        &["apply", "--auto-approve"],
        &["destroy", "--auto-approve"],
        &["tenant", "link", "mmp-toledo"],
        &["invoice", "preview"],
    ];
    for command in commands {
        let refused = stage.run(command).await.exits(1);
        assert!(refused.stderr.contains("999999999999"), "{}", refused.stderr);
        assert!(refused.stderr.contains("123456789012"), "{}", refused.stderr);
    }
    let counts = traffic.counts();
    assert_eq!((counts.total, counts.of("sts", "GetCallerIdentity")), (5, 5), "{:?}", counts.services);

    stage.write(PORTAL);
    stage.unset("STRIPE_API_KEY");
    traffic.reset();
    let refused = stage.run(&["plan"]).await.exits(1);
    assert!(refused.stderr.contains("STRIPE_API_KEY is not set"), "{}", refused.stderr);
    assert_eq!(traffic.counts().total, 0);

    let mistyped = stage.run(&["plan", "--detailed-exitcod"]).await.exits(1);
    assert!(mistyped.stderr.contains("--detailed-exitcode"), "{}", mistyped.stderr);
    assert_eq!(traffic.counts().total, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_missing_secret_value_is_called_for_before_anything_is_made() {
    let mut stage = Stage::without_handlers(&small("secretless")).await;
    let value = stage.place.cloud.description().stripe_api_key.clone();
    let there = stage.inventory().await;
    stage.unset("BILLFORM_SECRET_STRIPE");
    let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1);
    assert!(refused.stderr.contains("secret.stripe"), "{}", refused.stderr);
    assert!(refused.stderr.contains("BILLFORM_SECRET_STRIPE"), "{}", refused.stderr);
    assert_eq!(stage.inventory().await, there, "half a stack bills nobody");

    for (wrong, said) in [("garbage", "is no secret key"), ("sk_live_1234567890", "not of test mode")] {
        stage.set("BILLFORM_SECRET_STRIPE", wrong);
        let refused = stage.run(&["apply", "--auto-approve"]).await.exits(1);
        let words = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(said) && !words.contains(wrong), "{words}");
    }
    assert_eq!(stage.inventory().await, there, "nobody bills with another's key");
    stage.set("BILLFORM_SECRET_STRIPE", &value);
    stage.run(&["apply", "--auto-approve"]).await.ok();
    // Its value is never compared unless it is given, so the plan is empty either way.
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
    stage.unset("BILLFORM_SECRET_STRIPE");
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_locked_state_names_its_holder_and_is_free_afterwards() {
    let stage = Stage::without_handlers(&small("locked")).await;
    let traffic = stage.place.cloud.traffic();
    let held = Fault::on_operation("dynamodb", "CreateTable", Effect::HoldAnswer);
    let fault = traffic.arm(vec![held]).expect("armed")[0];
    let mut first = stage.start(&["apply", "--auto-approve"]);
    let pid = first.id().expect("it runs");
    assert_eq!(stage.until_held(fault, &mut first).await, None, "apply ended before it made the table");
    let there = settled(&stage).await;

    for command in [&["apply", "--auto-approve"][..], &["destroy", "--auto-approve"]] {
        let refused = stage.run(command).await.exits(1);
        let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("is in use by `billform apply`"), "{said}");
        assert!(said.contains(&format!("process {pid}")), "{said}");
    }
    assert_eq!(stage.inventory().await, there, "a refused command changes nothing");
    // A plan takes no lock.
    stage.run(&["plan"]).await.ok();
    traffic.release();
    stage.finish(first).await.ok();
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
}

/// What there is once the apply with the held answer has done all that it can do without it.
async fn settled(stage: &Stage) -> Inventory {
    loop {
        let before = stage.place.cloud.traffic().counts().total;
        tokio::time::sleep(Duration::from_millis(500)).await;
        if stage.place.cloud.traffic().counts().total == before {
            return stage.inventory().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn who_may_only_read_can_plan_and_not_apply() {
    let mut stage = Stage::without_handlers(&small("readers")).await;
    stage.be_permitted("plan").await;
    let before = stage.inventory().await;
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.exits(2);
    let applied = stage.run(&["apply", "--auto-approve", "--format", "json"]).await.exits(1).json();
    let failed = applied["failed"].as_array().expect("failed");
    let denied = failed.iter().filter(|failed| failed["error"].to_string().contains("not authorized")).count();
    assert!(denied > 3, "{failed:#?}");
    let mut after = stage.inventory().await;
    // Stripe's key is not IAM's business.
    for kind in ["stripe customers", "stripe portal configurations"] {
        after.insert(kind, before[kind].clone());
    }
    assert_eq!(after, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn who_may_destroy_needs_no_right_to_make() {
    let mut stage = Stage::without_handlers(PORTAL).await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("plan").await;
    stage.run(&["plan", "--detailed-exitcode", "--refresh", "full"]).await.ok();
    stage.be_permitted("destroy").await;
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    assert_eq!(stage.inventory().await["dynamodb tables"].len(), 0);
}
