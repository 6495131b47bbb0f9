//! A business that is taken over: its tags are activated today, and count in past months only after AWS's backfill.

use billing::Month;
use tests::stage::{PORTAL, Ran, Stage};

async fn backfill(stage: &Stage, from: &str) -> Ran {
    stage.run(&["--format", "json", "costs", "backfill", "--from", from]).await
}

/// The outcome and what it is waiting for.
fn outcome(ran: &Ran) -> (String, String) {
    let document = ran.json();
    let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"))
}

async fn pass_a_day(stage: &Stage) {
    stage.run_as_root(&["local", "clock", "--advance", "1"]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn past_months_are_read_once_the_tags_count_in_them() {
    let mut stage = Stage::new(PORTAL).await;
    // A stack that is applied between the sync's hour and the invoicer's has nothing to invoice yet.
    stage.until_noon().await;
    stage.place.cloud.costs().change(|model| model.activation_is_retroactive = false);
    stage.run(&["apply", "--auto-approve"]).await.ok();
    let last = stage.last_month();
    let from = last.previous().expect("a month").to_string();

    stage.be_permitted("costs-backfill").await;
    let (status, reason) = outcome(&backfill(&stage, &from).await.ok());
    assert_eq!(status, "pending");
    assert!(reason.starts_with(&format!("AWS was asked to let the tags count from {from} on")), "{reason}");
    let (status, reason) = outcome(&backfill(&stage, &from).await.ok());
    assert_eq!((status.as_str(), reason.starts_with("AWS works on the backfill")), ("pending", true), "{reason}");
    let requests = stage.place.cloud.costs().model().backfills.len();
    assert_eq!(requests, 1, "it is asked for once");

    pass_a_day(&stage).await;
    let (status, reason) = outcome(&backfill(&stage, &from).await.ok());
    assert_eq!((status.as_str(), reason.contains("takes it in within a day")), ("pending", true), "{reason}");

    pass_a_day(&stage).await;
    let read = backfill(&stage, &from).await.ok().json();
    assert_eq!(read["status"], "done", "{read}");
    let months = read["months"].as_array().expect("months");
    assert!(months.len() >= 3 && months[0]["period"] == from.as_str(), "{read}");
    let month = months.iter().find(|month| month["period"] == last.to_string()).expect("last month");
    assert_eq!(month["unallocated_usd"].to_string().trim_matches('"'), "16.85", "the tags count: {month}");
    let again = backfill(&stage, &from).await.ok().json();
    assert!(again["months"].as_array().expect("months").iter().all(|month| month["days_written"] == 0), "{again}");

    stage.be_permitted("close").await;
    stage.run(&["close", "--period", &last.to_string()]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(tool_python), ignore = "Python 3.10 or newer with its venv module is missing")]
async fn months_that_no_backfill_reaches_and_tags_that_do_not_count_are_refused() {
    let mut stage = Stage::without_handlers(PORTAL).await;
    stage.place.cloud.costs().change(|model| model.activation_is_retroactive = false);
    let last = stage.last_month();
    stage.be_permitted("costs-backfill").await;
    let unseen = backfill(&stage, &last.to_string()).await.exits(1).stderr;
    assert!(
        unseen.contains("not active for cost allocation: BillingProject, ClientOrganization")
            && unseen.contains("billform apply"),
        "{unseen}"
    );

    stage.be_permitted("apply").await;
    stage.run(&["apply", "--auto-approve"]).await.ok();
    stage.be_permitted("costs-backfill").await;
    let mut early = last;
    for _ in 0..12 {
        early = early.previous().expect("a month");
    }
    let refused = backfill(&stage, &early.to_string()).await.exits(1).stderr;
    let earliest: Month = early.next().expect("a month");
    assert!(refused.contains("twelve months") && refused.contains(&format!("--from {earliest}")), "{refused}");
    assert_eq!(stage.place.cloud.costs().model().backfills, []);
    let future = backfill(&stage, "2999-01").await.exits(1).stderr;
    assert!(future.contains("2999-01 has no day that is over"), "{future}");
}
