//! billform under the rates that AWS and Stripe publish, enforced by the gateway: paced, it is never over one; without
//! pacing it is, and comes through by trying again.

use localcloud::gateway::rates::published;
use tests::stage::{Draft, Stage, TenantDraft};

/// More than the bursts of Budgets (10) and Stripe (25) let pass at once.
const TENANTS: usize = 40;

fn manifest() -> String {
    let tenants = (0..TENANTS).map(|number| TenantDraft::new(&format!("t{number:03}"), &format!("Tenant-{number:03}")));
    let draft = Draft::new("rates").with(
        "budgets: { default: \"100.00 USD\", name: \"rates-{tenant}\", emails: [a@example.com], alerts: [{ at: \"80%\" }] }",
    );
    tenants.fold(draft, Draft::tenant).yaml()
}

async fn stage(pacing: &str) -> Stage {
    let mut stage = Stage::without_handlers(&manifest()).await;
    stage.set("BILLFORM_PACING", pacing);
    stage.place.cloud.traffic().set_rates(published()).expect("the published rates");
    stage.place.cloud.traffic().reset();
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn a_paced_apply_plan_and_destroy_are_never_rejected() {
    let mut stage = stage("on").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let counts = stage.place.cloud.traffic().counts();
    assert!(counts.of("budgets", "CreateBudget") >= TENANTS as u64, "{:?}", counts.services);
    assert_eq!(counts.rejections, Default::default());
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
    stage.be_permitted("destroy").await;
    stage.run(&["destroy", "--auto-approve"]).await.ok();
    assert_eq!(stage.place.cloud.traffic().counts().rejections, Default::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn an_apply_that_is_not_paced_is_rejected_and_comes_through() {
    let stage = stage("off").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    assert!(stage.place.cloud.traffic().counts().rejected() > 0, "or the rates are no test of the pacing");
    stage.run(&["plan", "--detailed-exitcode"]).await.ok();
}
